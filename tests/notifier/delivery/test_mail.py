"""A mail's bytes say to every reader what was written."""

from datetime import UTC, date, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from notifier.delivery.models import Letter

LINKS = UnsubscribeLinks(b"0" * 32, "http://lienvung.test")
WORDS = st.lists(
    st.sampled_from(
        ["ngày", "làm", "việc", "(minh họa)", "Đông", "Triều", "xâm,", "canh;", '"cư"', "a@b", "<x>", "500%"]
    ),
    min_size=1,
    max_size=40,
).map(" ".join)


def letter(*, name: str, title: str) -> Letter:
    return Letter(
        id=UUID(int=1),
        token=1,
        attempts=1,
        traceparent=None,
        recipient_id=UUID(int=2),
        organization_id=UUID(int=3),
        name=name,
        email="ai-do@demo.lienvung.example",
        language="vi",
        is_wanted=True,
        alert_id=UUID(int=4),
        task_id=UUID(int=5),
        agreement_id=UUID(int=6),
        agreement_title="Kế hoạch phối hợp",
        agreement_number=None,
        task_title=title,
        lead_name="UBND thành phố Chí Linh",
        party_role="lead",
        kind="overdue",
        step="overdue_3",
        policy="default.v1",
        deadline_revision=1,
        due_on=date(2026, 10, 13),
        demonstration=True,
        fired_at=datetime(2026, 10, 20, 3, tzinfo=UTC),
    )


@given(name=WORDS, title=WORDS)
def test_names_and_subjects_of_any_length_arrive_as_they_were_written(name: str, title: str) -> None:
    mail = compose(
        letter(name=name, title=title),
        mail_from="Liên Vùng <khong-tra-loi@lienvung.example>",
        public_url="http://lienvung.test",
        links=LINKS,
        traceparent=None,
    )
    raw = mail.as_bytes()
    read = message_from_bytes(raw, policy=default)
    assert read["Subject"] == f"[Liên Vùng] Quá hạn 5 ngày làm việc (hạn 13/10/2026): {title}"
    # Python's newer reader puts blanks between the encoded words of a name; the older one follows RFC 2047.
    encoded, _, address = message_from_bytes(raw)["To"].rpartition(" ")
    assert str(make_header(decode_header(encoded.strip()))) == name
    assert address == "<ai-do@demo.lienvung.example>"
    assert read["From"].addresses[0].display_name == "Liên Vùng"
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
