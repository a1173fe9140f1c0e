"""The text that is signed: rendered from the records, and proved against them. Pure functions, no database."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import rfc8785

from agreements_api.agreements.models import (
    AMENDMENT_WORDING,
    INSTRUMENT_WORDING,
    ROLE_WORDING,
    Agreement,
    AmendmentKind,
    Clause,
    ClauseOperation,
    Instrument,
    Party,
    PartyRole,
    Signature,
    SigningOrder,
    TextFormat,
    WithdrawnText,
)
from agreements_api.agreements.schemas import CheckKind, Outcome, TextCheck
from agreements_api.history.service import plain


@dataclass(frozen=True)
class Records:
    """Everything that a text is made of; of an amendment also what it amends."""

    agreement: Agreement
    parties: Sequence[Party]
    clauses: Sequence[Clause]
    amended: Agreement | None = None
    # The clauses that the amendment replaces or repeals.
    targets: Mapping[UUID, Clause] = field(default_factory=dict)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def render(records: Records, text_format: str = TextFormat.TEXT) -> str:
    """The text in one of its formats; the same records give the same text everywhere and always."""
    signed = _as_signed(records)
    return _canonical(signed) if text_format == TextFormat.JCS else _readable(signed)


def verify(records: Records, signatures: Sequence[Signature], withdrawn: Sequence[WithdrawnText]) -> list[TextCheck]:
    """Recompute every digest, and the text itself; each thing that was looked at with what came out."""
    agreement = records.agreement
    checks: list[TextCheck] = []
    current: str | None = None
    if agreement.frozen_text is not None:
        current = digest_of(agreement.frozen_text)
        checks.append(_check(CheckKind.TEXT, None, agreement.text_digest, current))
        again = digest_of(render(records, agreement.text_format))
        checks.append(_check(CheckKind.RENDERING, None, current, again))
    kept: dict[str, str] = {}
    for text in withdrawn:
        found = digest_of(text.content)
        kept[text.text_digest] = found
        checks.append(_check(CheckKind.WITHDRAWN_TEXT, text.id, text.text_digest, found, void=True))
    for signature in signatures:
        void = signature.voided_at is not None
        stands_under = kept.get(signature.text_digest) if void else current
        checks.append(
            _check(
                CheckKind.SIGNATURE,
                signature.id,
                signature.text_digest,
                stands_under,
                name=signature.organization_name,
                void=void,
                missing=Outcome.NOT_KEPT if void else Outcome.DIFFERS,
            )
        )
    checks += _parties_and_signatures(records, signatures)
    return checks


def _parties_and_signatures(records: Records, signatures: Iterable[Signature]) -> list[TextCheck]:
    """Whoever counts as having signed has a signature, and no other."""
    standing = {signature.party_id: signature for signature in signatures if signature.voided_at is None}
    checks = []
    for party in _original(records.parties):
        signature = standing.pop(party.id, None)
        if party.signed_at is None and signature is None:
            continue
        expected = plain(party.signed_at)
        found = plain(signature.signed_at) if signature else None
        checks.append(_check(CheckKind.PARTY, party.id, expected, found, name=party.organization_name))
    checks += [
        _check(CheckKind.PARTY, signature.party_id, None, plain(signature.signed_at), name=signature.organization_name)
        for signature in standing.values()
    ]
    return checks


def _check(
    kind: CheckKind,
    subject_id: UUID | None,
    expected: str | None,
    found: str | None,
    *,
    name: str | None = None,
    void: bool = False,
    missing: Outcome = Outcome.DIFFERS,
) -> TextCheck:
    outcome = missing if found is None else Outcome.MATCHES if found == expected else Outcome.DIFFERS
    return TextCheck(
        check=kind, subject_id=subject_id, name=name, expected=expected, found=found, void=void, outcome=outcome
    )


def _as_signed(records: Records) -> Records:
    """Without what amendments have brought in since."""
    return Records(
        records.agreement,
        _original(records.parties),
        [clause for clause in records.clauses if clause.amendment_id is None],
        records.amended,
        records.targets,
    )


def _original(parties: Iterable[Party]) -> list[Party]:
    return [party for party in parties if party.amendment_id is None]


def _canonical(records: Records) -> str:
    """Canonical JSON (RFC 8785), in which the first agreements were signed."""
    agreement = records.agreement
    return rfc8785.dumps(
        {
            "instrument": str(agreement.instrument),
            "number": agreement.number,
            "title": agreement.title,
            "parent": agreement.parent,
            "fields": list(agreement.fields_),
            "term_from": plain(agreement.original_term_from),
            "term_to": plain(agreement.original_term_to),
            "parties": [
                {
                    "organization_id": str(party.organization_id),
                    "name": party.organization_name,
                    "role": str(party.role),
                    "required": party.required,
                }
                for party in records.parties
            ],
            "clauses": [
                {"ordinal": clause.ordinal, "heading": clause.heading, "text": clause.text, "field": clause.field}
                for clause in records.clauses
            ],
        }
    ).decode()


def _readable(records: Records) -> str:
    """The text as people read it. What somebody wrote is indented, so that it can never pass for the frame around it.

    No change of this layout may touch a text that is signed: it would be a format of its own, beside this one.
    """
    paragraphs = [
        _heading(records.agreement),
        _ground(records),
        _who(records.parties),
        *(_clause(clause, records.targets) for clause in records.clauses),
        _term(records.agreement),
        _window(records.agreement),
        _fields(records.agreement.fields_),
        _signatures(records.agreement, records.parties),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _heading(agreement: Agreement) -> str:
    kind = (
        AMENDMENT_WORDING[AmendmentKind(agreement.amendment_kind)]
        if agreement.amendment_kind
        else INSTRUMENT_WORDING[Instrument(agreement.instrument)]
    )
    lines = [kind.upper()]
    if agreement.number:
        lines.append(f"Số: {_line(agreement.number)}")
    return "\n".join([*lines, _indented(agreement.title)])


def _ground(records: Records) -> str:
    amended, parent = records.amended, records.agreement.parent
    grounds = []
    if amended is not None:
        signed = f", ký ngày {_day(amended.signed_on)}" if amended.signed_on else ""
        grounds.append(_document(amended.instrument, amended.number, amended.title, None) + signed)
    if parent:
        grounds.append(
            _document(parent.get("instrument"), parent.get("number"), parent.get("title"), parent.get("issued_by"))
        )
    return "\n".join(f"Căn cứ {ground};" for ground in grounds)


def _document(instrument: Any, number: str | None, title: str | None, issued_by: str | None) -> str:
    wording = INSTRUMENT_WORDING[Instrument(instrument)].capitalize() if instrument else "văn bản"
    text = wording if number is None else f"{wording} số {_line(number)}"
    if title:
        text += f" – {_line(title)}"
    return f"{text} ({_line(issued_by)} ban hành)" if issued_by else text


def _who(parties: Sequence[Party]) -> str:
    lines = []
    for number, party in enumerate(parties, start=1):
        role = ROLE_WORDING[PartyRole(party.role)]
        required = "" if party.required else ", không bắt buộc"
        lines.append(f"{number}. {_line(party.organization_name)} ({role}{required})")
    return "\n".join(["Các bên:", *lines])


def _clause(clause: Clause, targets: Mapping[UUID, Clause]) -> str:
    head = f"Điều {clause.ordinal}."
    target = targets.get(clause.target_clause_id) if clause.target_clause_id else None
    if clause.operation == ClauseOperation.ADD:
        head += " Bổ sung một điều:"
    elif clause.operation == ClauseOperation.REPLACE:
        head += f" Sửa đổi Điều {target.ordinal if target else '?'} như sau:"
    elif clause.operation == ClauseOperation.REPEAL:
        head += f" Bãi bỏ Điều {target.ordinal if target else '?'}:"
    if clause.heading:
        head += f" {_line(clause.heading)}"
    lines = [head, _indented(clause.text)]
    if clause.field:
        lines.append(f"Lĩnh vực: {_line(clause.field)}")
    return "\n".join(lines)


def _term(agreement: Agreement) -> str:
    begins, ends = agreement.original_term_from, agreement.original_term_to
    if agreement.amendment_kind:
        return f"Thời hạn mới: đến hết ngày {_day(ends)}." if ends else ""
    start = f"từ ngày {_day(begins)}" if begins else "từ ngày có hiệu lực"
    end = f"đến hết ngày {_day(ends)}" if ends else "không xác định ngày kết thúc"
    return f"Thời hạn: {start}, {end}."


def _window(agreement: Agreement) -> str:
    """Where nothing was agreed upon the system's setting holds, and the text says nothing."""
    days = agreement.original_response_working_days
    if days is None:
        return ""
    new = " mới" if agreement.amendment_kind else ""
    return f"Thời hạn trả lời{new} của bên phối hợp: {days} ngày làm việc kể từ ngày đề nghị xác nhận."


def _fields(fields: Sequence[str]) -> str:
    return "\n".join(["Lĩnh vực hợp tác:", *(f"- {_line(name)}" for name in fields)]) if fields else ""


def _signatures(agreement: Agreement, parties: Sequence[Party]) -> str:
    sequential = agreement.signing_order == SigningOrder.SEQUENTIAL
    order = "Các bên ký lần lượt theo thứ tự trên." if sequential else "Các bên ký không theo thứ tự."
    places = [f"ĐẠI DIỆN {_line(party.organization_name).upper()}\n(ký, ghi rõ họ tên, chức vụ)" for party in parties]
    return "\n\n".join([order, *places])


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "…"


def _line(text: str) -> str:
    """Several lines as one: only the frame begins a line."""
    return " ".join(text.split())


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
