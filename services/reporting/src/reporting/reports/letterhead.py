"""Head and foot of an evaluation report in both official forms: names, number and symbol, signature, recipients."""

from reporting.reports.facts import AgreementFacts, Brief, Issuer, Layout
from reporting.reports.parts import Letterhead, SignatureBlock
from shared.text import format_long_date, vietnamese_sort_key


def letterhead(issuer: Issuer, brief: Brief) -> Letterhead:
    superior = _party_superior(issuer) if brief.layout is Layout.PARTY else _state_superior(issuer)
    return Letterhead(
        superior=superior.upper() if superior else None,
        issuer=body_name(issuer, brief.layout).upper(),
        symbol=f"Số: {number(issuer, brief)}" if brief.layout is Layout.STATE else f"Số {number(issuer, brief)}",
        place_and_date=f"{brief.place}, {format_long_date(brief.issued_on)}",
    )


def number(issuer: Issuer, brief: Brief) -> str:
    """Number and symbol; a report without a number yet leaves the room for the clerk to write it."""
    given = (brief.number or "").strip()
    if given and not given.isdigit():
        return given
    number = given.zfill(2) if given else "\u2026\u2026"
    if brief.layout is Layout.STATE:
        return f"{number}/BC-{_state_symbol(issuer)}"
    return f"{number}-BC/{_party_symbol(issuer)}"


def body_name(issuer: Issuer, layout: Layout) -> str:
    """The body whose name stands at the head of the document.

    In the Party's form a standing committee writes under its committee's name and signs T/M BAN THƯỜNG VỤ.
    """
    name = issuer.name
    if layout is Layout.PARTY:
        for prefix in ("Ban Thường vụ ", "BTV "):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    for short, long in (("UBND ", "Ủy ban nhân dân "), ("HĐND ", "Hội đồng nhân dân ")):
        if name.startswith(short):
            return long + name.removeprefix(short)
    return name


def signature(issuer: Issuer, brief: Brief) -> SignatureBlock:
    default = "T/M BAN THƯỜNG VỤ"
    if brief.layout is Layout.STATE:
        body = body_name(issuer, brief.layout)
        default = "TM. ỦY BAN NHÂN DÂN" if body.casefold().startswith("ủy ban nhân dân") else f"TM. {body.upper()}"
    return SignatureBlock(
        authority=_authority(brief.signer.authority, default),
        title=(brief.signer.title or "").upper(),
        name=brief.signer.name or "",
    )


def recipients(agreement: AgreementFacts, layout: Layout) -> list[str]:
    parties = sorted((party.name for party in agreement.parties), key=vietnamese_sort_key)
    archive = "Lưu: VT." if layout is Layout.STATE else "Lưu Văn phòng."
    return [*(f"{name};" for name in dict.fromkeys(parties)), archive]


def _state_superior(issuer: Issuer) -> str | None:
    """The body directly above; a Party committee leads a People's Committee but is not the body above it."""
    return issuer.superior_name if issuer.superior_kind == issuer.kind else None


def _party_superior(issuer: Issuer) -> str | None:
    """A committee below the province names its province's Party organization above itself."""
    province = issuer.province_name
    if not province or body_name(issuer, Layout.PARTY).casefold().startswith("tỉnh ủy"):
        return None
    if province.casefold().startswith(("tỉnh ", "thành phố ")):
        return f"Đảng bộ {province}"
    return f"Đảng bộ tỉnh {province}"


def _state_symbol(issuer: Issuer) -> str:
    body = body_name(issuer, Layout.STATE).casefold()
    if body.startswith("ủy ban nhân dân"):
        return "UBND"
    if body.startswith("hội đồng nhân dân"):
        return "HĐND"
    if body.startswith("ban thường vụ"):
        return "BTV"
    return "".join(word[0] for word in body.split()).upper()


def _party_symbol(issuer: Issuer) -> str:
    """Abbreviations of committees in the Party's numbering; town and provincial-city committees share one."""
    body = body_name(issuer, Layout.PARTY).casefold()
    for prefix, symbol in (
        ("tỉnh ủy", "TU"),
        ("thành ủy", "ThU"),
        ("thị ủy", "ThU"),
        ("huyện ủy", "HU"),
        ("quận ủy", "QU"),
    ):
        if body.startswith(prefix):
            return symbol
    return "ĐU"


def _authority(given: str | None, default: str) -> str:
    """The requester may give the whole line, or only the abbreviation that starts it."""
    text = (given or "").strip().upper()
    if not text or text.rstrip(".") in {"TM", "T/M"}:
        return default
    return text
