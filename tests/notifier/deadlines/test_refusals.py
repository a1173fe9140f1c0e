"""That a result was not confirmed is told once: to the lead, with who refused and why, and where the obstacle is."""

from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from notifier.alerts.expectations import expected_alerts
from notifier.alerts.models import StepKind
from notifier.alerts.wording import message
from notifier.deadlines.models import DeadlineSubject
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from shared.events import ObstacleEscalated, ObstacleEvent, ObstacleRaised, ObstacleReopened, ObstacleResolved
from tests.notifier.conftest import TUESDAY, Door, World
from tests.notifier.deadlines.test_asked import obstacle
from tests.notifier.delivery.test_mail import letter
from tests.notifier.factories import Body, staffed

REASON = "Chưa thống nhất mốc giới.\nCần đo đạc lại (minh họa)."
REFUSED_ON = TUESDAY.date()


def of_refusal(
    holder: Body, kind: type[ObstacleEvent] = ObstacleRaised, *, obstacle_id: UUID, version: int = 1, **more: Any
) -> ObstacleEvent:
    return obstacle(holder, kind, version=version, obstacle_id=obstacle_id, origin="refusal", text=REASON, **more)


def about(obstacle_id: UUID) -> UUID:
    return uuid5(obstacle_id, "refusal")


async def test_the_lead_is_told_once_by_whom_and_why(world: World) -> None:
    lead, above, known = staffed(), staffed("Ban Thường vụ Tỉnh ủy"), uuid4()
    await world.meet(lead, above)
    told = of_refusal(lead, obstacle_id=known)
    await world.learn(told, told)
    await world.fire()
    lifted = of_refusal(above, ObstacleEscalated, obstacle_id=known, version=2, level="province")
    await world.learn(lifted)
    await world.fire()
    specialist = ("asked", lead.of("specialist").account_id)
    assert (await world.told(about(known)), await world.mailed(about(known))) == ([specialist], [specialist])
    # Of the obstacle itself the body above is told, as of every other.
    assert await world.told(known) == [("asked", above.of("leader").account_id)]
    # The event itself has told it to everybody else.
    assert await world.events() == []


async def test_an_obstacle_that_somebody_raised_is_no_refusal(world: World) -> None:
    lead, known = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(obstacle(lead, ObstacleRaised, version=1, obstacle_id=known))
    await world.fire()
    assert await world.told(about(known)) == []


async def test_what_is_settled_before_it_is_told_is_not_told(world: World) -> None:
    lead, known = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(
        of_refusal(lead, obstacle_id=known),
        of_refusal(lead, ObstacleResolved, obstacle_id=known, version=2, status="resolved"),
        of_refusal(lead, ObstacleReopened, obstacle_id=known, version=3),
    )
    await world.fire()
    assert await world.told(about(known)) == []
    assert [row["is_open"] for row in await world.deadlines(about(known))] == [False]


async def test_the_alert_leads_to_the_obstacle_and_is_no_deadline(world: World, door: Door) -> None:
    lead, known, task_id = staffed(), uuid4(), uuid4()
    await world.meet(lead)
    await world.learn(of_refusal(lead, obstacle_id=known, task_id=task_id))
    await world.fire()
    caller = door.caller(lead)
    [alert] = (await caller.get("/v1/alerts", task_id=str(task_id))).json()["items"]
    assert (alert["subject_kind"], alert["kind"], alert["role"]) == ("refusal", "asked", "lead")
    assert (alert["task_id"], alert["subject_url"]) == (str(task_id), f"/v1/obstacles/{known}")
    assert alert["message"] == (
        f"Kết quả bị từ chối xác nhận ngày {REFUSED_ON:%d/%m/%Y}, đã ghi nhận khó khăn, vướng mắc:"
        " Rà soát khu vực xâm canh"
    )
    listed = (await caller.get("/v1/deadlines", count="true")).json()
    assert (listed["items"], listed["total"]) == ([], 0)


async def test_the_mail_that_is_sent_has_the_reason(world: World) -> None:
    lead, known = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(of_refusal(lead, obstacle_id=known))
    await world.fire()
    [row] = await world.owner.fetch(
        "select t.lead_name, t.remark from delivery d join alert a on a.id = d.alert_id join task t on t.id = a.task_id"
        " where a.task_id = $1",
        about(known),
    )
    assert tuple(row) == ("UBND thị xã Kinh Môn", REASON)


def test_in_english_it_says_the_same() -> None:
    told = message(StepKind.ASKED, "Rà soát", REFUSED_ON, REFUSED_ON, "en", DeadlineSubject.REFUSAL)
    assert told == f"The result was refused on {REFUSED_ON:%d/%m/%Y}, and an obstacle was opened: Rà soát"


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        ("vi", ("Cơ quan từ chối", "UBND thị xã Kinh Môn", "Lý do", "Chưa thống nhất mốc giới.", "Cần đo đạc lại")),
        ("en", ("Refused by", "UBND thị xã Kinh Môn", "Reason", "Chưa thống nhất mốc giới.", "submit the result anew")),
    ],
    ids=["vi", "en"],
)
def test_the_mail_says_who_refused_and_why(language: str, phrases: tuple[str, ...]) -> None:
    known = vars(letter(name="Người thử", title="Rà soát")) | {
        "subject_kind": DeadlineSubject.REFUSAL,
        "language": language,
        "kind": "asked",
        "step": "asked",
        "party_role": "lead",
        "lead_name": "UBND thị xã Kinh Môn",
        "due_on": REFUSED_ON,
        "path": "/v1/obstacles/1",
        "remark": REASON,
    }
    mail = compose(
        type(letter(name="x", title="y"))(**known),
        mail_from="Liên Vùng <khong-tra-loi@lienvung.example>",
        public_url="http://lienvung.test/",
        links=UnsubscribeLinks(b"0" * 32, "http://lienvung.test"),
        traceparent=None,
    )
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        for phrase in (*phrases, f"{REFUSED_ON:%d/%m/%Y}", "http://lienvung.test/v1/obstacles/1"):
            assert phrase in text


def test_a_reason_that_looks_like_markup_stays_what_was_written() -> None:
    known = vars(letter(name="Người thử", title="Rà soát")) | {
        "subject_kind": DeadlineSubject.REFUSAL,
        "remark": "<b>Chưa đo</b>",
        "path": "/v1/obstacles/1",
    }
    mail = compose(
        type(letter(name="x", title="y"))(**known),
        mail_from="Liên Vùng <khong-tra-loi@lienvung.example>",
        public_url="http://lienvung.test/",
        links=UnsubscribeLinks(b"0" * 32, "http://lienvung.test"),
        traceparent=None,
    )
    part = mail.get_body(("html",))
    assert part is not None
    assert "&lt;b&gt;Chưa đo&lt;/b&gt;" in part.get_content()


def test_who_must_be_told_follows_from_the_events_alone() -> None:
    lead, known = staffed(), uuid4()
    expected = expected_alerts([of_refusal(lead, obstacle_id=known)], [lead.snapshot()], TUESDAY)
    assert {(identity[3], identity[4], identity[5]) for identity in expected} == {
        ("asked", str(lead.of("specialist").account_id), "in_app"),
        ("asked", str(lead.of("specialist").account_id), "email"),
    }
