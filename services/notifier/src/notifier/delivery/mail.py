"""What a mail looks like: texts, headers and the identity that stays the same when it is sent again."""

from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifier.alerts.models import StepKind
from notifier.alerts.wording import message, subject_url
from notifier.deadlines.models import ROLE_WORDING, DeadlineRole, DeadlineSubject
from notifier.delivery.errors import Refused
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.models import Letter
from shared import clock
from shared.clock import day_of
from shared.text import format_date

_TEMPLATES = Environment(
    loader=PackageLoader("notifier.delivery", "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


# The texts of a reminder, by what comes due.
_TEXTS = dict.fromkeys(DeadlineSubject, "asked") | {
    DeadlineSubject.TASK: "alert",
    DeadlineSubject.AGREEMENT: "signing",
    DeadlineSubject.FUNDING: "funding",
    DeadlineSubject.REFUSAL: "refusal",
}
_VERBATIM = ("List-Unsubscribe", "X-Lienvung-Alert")
_ADDRESSES = ("From", "To")


class _MailPolicy(EmailPolicy):
    """Folds headers so that every reader sees what was written.

    A link stays on one line whatever its length: as encoded words it would lead nowhere. Text goes through the older
    `Header`, because the newer folding loses blanks between two encoded words.
    """

    def fold(self, name: str, value: Any) -> str:
        if name in _VERBATIM:
            text = str(value)
        elif name == "Subject":
            text = self._encoded(str(value), name)
        elif name in _ADDRESSES:
            (address,) = value.addresses
            shown = f"{self._encoded(address.display_name, name)}{self.linesep} " if address.display_name else ""
            text = f"{shown}<{address.addr_spec}>"
        else:
            return str(super().fold(name, value))
        return f"{name}: {text}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name in (*_VERBATIM, *_ADDRESSES, "Subject"):
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)

    def _encoded(self, text: str, name: str) -> str:
        return Header(text, "utf-8", header_name=name).encode(linesep=self.linesep)


# Seven bits pass every server, whatever it says it can do.
_POLICY = _MailPolicy(linesep="\r\n", cte_type="7bit")


def compose(
    letter: Letter, *, mail_from: str, public_url: str, links: UnsubscribeLinks, traceparent: str | None
) -> EmailMessage:
    """The mail of one delivery, as text and HTML in the person's language; Refused where the address is none."""
    language = "en" if letter.language == "en" else "vi"
    kind, about = StepKind(letter.kind), DeadlineSubject(letter.subject_kind)
    subject = message(kind, letter.task_title, letter.due_on, day_of(letter.fired_at), language, about)
    unsubscribe = links.url(letter.recipient_id)
    facts = {
        "letter": letter,
        "headline": subject,
        "due_on": format_date(letter.due_on),
        "role": ROLE_WORDING[DeadlineRole(letter.party_role)][language],
        "subject_url": public_url.rstrip("/") + (letter.path or subject_url(about, letter.task_id)),
        "unsubscribe_url": unsubscribe,
    }
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _address(*parseaddr(mail_from))
    mail["To"] = _recipient(letter)
    mail["Subject"] = _one_line(f"[Liên Vùng] {subject}")
    mail["Date"] = format_datetime(clock.now())
    # Made of the delivery alone: a mail that is sent again after a crash is the same mail to every reader.
    mail["Message-ID"] = message_id(letter, mail_from)
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = language
    mail["List-Unsubscribe"] = f"<{unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["X-Lienvung-Alert"] = "/".join(identity(letter))
    if traceparent:
        mail["traceparent"] = traceparent
    mail.set_content(render(f"{_TEXTS[about]}.{language}.txt", facts))
    mail.add_alternative(render(f"{_TEXTS[about]}.{language}.html", facts), subtype="html")
    return mail


def message_id(letter: Letter, mail_from: str) -> str:
    domain = parseaddr(mail_from)[1].rpartition("@")[2] or "lienvung.invalid"
    return f"<{letter.id}@{domain}>"


def identity(letter: Letter) -> tuple[str, ...]:
    """Task or agreement, revision, policy, step, recipient, channel: what is unique about an alert."""
    return (
        str(letter.task_id),
        str(letter.deadline_revision),
        letter.policy,
        letter.step,
        str(letter.recipient_id),
        "email",
    )


def render(template: str, facts: dict[str, Any]) -> str:
    return _TEMPLATES.get_template(template).render(facts)


def _recipient(letter: Letter) -> Address:
    try:
        (letter.email or "").encode("ascii")
        return _address(letter.name or "", letter.email or "")
    except (ValueError, IndexError, MessageError) as error:
        raise Refused("unusable address", for_good=True) from error


def _address(name: str, address: str) -> Address:
    return Address(display_name=_one_line(name), addr_spec=address)


def _one_line(text: str) -> str:
    # A line break in a header would begin another header.
    return " ".join(text.split())
