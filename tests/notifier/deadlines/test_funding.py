"""That a plan period closed without its task is told once: to the lead, to the body above it, to whoever watches."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from notifier.alerts.expectations import expected_alerts
from notifier.alerts.models import StepKind
from notifier.alerts.wording import message
from notifier.deadlines.asked import asked_in
from notifier.deadlines.models import DeadlineSubject
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from shared.events import FundingSnapshot, TaskCancelled, TaskEvent, TaskFundingChanged, TaskFundingMissed, TaskUpdated
from tests.notifier.conftest import TUESDAY, Door, World
from tests.notifier.delivery.test_mail import letter
from tests.notifier.factories import Body, party, staffed, task_event

CLOSED_ON = date(2025, 12, 31)


def funding(gate: str | None = "missed", *, closes_on: date = CLOSED_ON, **more: Any) -> FundingSnapshot:
    period = f"{closes_on.year - 4}-{closes_on.year}"
    given: dict[str, Any] = {"needs_public_investment": True, "plan_period": period, "status": "proposed"} | more
    return FundingSnapshot(version=2, closes_on=closes_on, gate=gate, **given)


def event(
    kind: type[TaskEvent], lead: Body, *watching: Body, task_id: UUID, told: FundingSnapshot | None, **more: Any
) -> TaskEvent:
    given: dict[str, Any] = {"due_on": None, "moment": TUESDAY, "version": 3} | more
    made = task_event(lead, task_id=task_id, kind=kind, monitoring=[party(body) for body in watching], **given)
    return made if told is None else made.model_copy(update={"funding": told})


def missed(lead: Body, *watching: Body, task_id: UUID, told: FundingSnapshot | None = None, **more: Any) -> TaskEvent:
    return event(TaskFundingMissed, lead, *watching, task_id=task_id, told=told or funding(), **more)


async def test_the_lead_the_body_above_it_and_who_watches_are_told_once(world: World) -> None:
    above, watching, helping = staffed("Ban Thường vụ Tỉnh ủy"), staffed("Sở Kế hoạch và Đầu tư"), staffed()
    lead, task_id = staffed(superior=above.id), uuid4()
    await world.meet(above, watching, helping, lead)
    told = missed(lead, watching, task_id=task_id, coordinating=[party(helping)])
    await world.learn(told, told)
    await world.fire()
    await world.at(TUESDAY + timedelta(days=40))
    await world.fire()
    about = uuid5(task_id, "funding")
    specialists = sorted((body.of("specialist").account_id for body in (lead, watching)), key=str)
    leader = ("asked_superior", above.of("leader").account_id)
    assert await world.told(about) == [*(("asked", account) for account in specialists), leader]
    # Whoever watches over a task finds it in his list, as with all that becomes of it.
    assert await world.mailed(about) == [("asked", lead.of("specialist").account_id), leader]
    # The event itself has told it to everybody else.
    assert await world.events() == []


async def test_without_a_body_above_the_lead_alone_is_told(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(missed(lead, task_id=task_id))
    await world.fire()
    about = uuid5(task_id, "funding")
    assert await world.told(about) == [("asked", lead.of("specialist").account_id)]
    assert await world.steps(about) == {"asked": "dispatched", "asked_superior": "dropped"}


async def test_the_next_period_that_closes_is_told_anew(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(missed(lead, task_id=task_id))
    await world.fire()
    again = funding("open", closes_on=date(2030, 12, 31))
    await world.learn(event(TaskFundingChanged, lead, task_id=task_id, told=again, version=4))
    [deadline] = await world.deadlines(uuid5(task_id, "funding"))
    assert not deadline["is_open"]
    closed = funding(closes_on=date(2030, 12, 31))
    await world.learn(missed(lead, task_id=task_id, told=closed, version=5))
    await world.fire()
    assert await world.told(uuid5(task_id, "funding")) == [("asked", lead.of("specialist").account_id)] * 2


async def test_whatever_else_becomes_of_the_task_tells_nothing_again(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(missed(lead, task_id=task_id))
    await world.fire()
    later = funding(source="Ngân sách tỉnh")
    await world.learn(
        event(TaskUpdated, lead, task_id=task_id, told=None, version=4, title="Rà soát lại"),
        event(TaskFundingChanged, lead, task_id=task_id, told=later, version=5),
    )
    await world.fire()
    about = uuid5(task_id, "funding")
    assert len(await world.told(about)) == 1
    assert [row["is_open"] for row in await world.deadlines(about)] == [True]


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [
        (TaskFundingChanged, "in_progress", funding("funded", status="in_plan")),
        (TaskFundingChanged, "in_progress", funding(None, needs_public_investment=False, status="none")),
        (TaskCancelled, "cancelled", None),
    ],
    ids=["funded", "not-needed", "cancelled"],
)
async def test_what_is_settled_before_it_is_told_is_not_told(
    world: World, kind: type[TaskEvent], status: str, after: FundingSnapshot | None
) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(
        missed(lead, task_id=task_id),
        event(kind, lead, task_id=task_id, told=after, version=4, status=status),
    )
    await world.fire()
    assert await world.told(uuid5(task_id, "funding")) == []


def test_a_task_that_never_missed_a_period_has_nothing_to_tell_of_its_funding() -> None:
    lead, task_id = staffed(), uuid4()
    changed = event(TaskFundingChanged, lead, task_id=task_id, told=funding())
    kinds = [asked.kind for asked in asked_in(changed)]
    # Naming a period that is over is told by the role that looks for those, and not before.
    assert kinds == [DeadlineSubject.RESPONSE]


async def test_the_alert_says_when_the_period_closed_and_is_no_deadline(world: World, door: Door) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(missed(lead, task_id=task_id))
    await world.fire()
    caller = door.caller(lead)
    [alert] = (await caller.get("/v1/alerts", task_id=str(task_id))).json()["items"]
    assert (alert["subject_kind"], alert["kind"], alert["role"]) == ("funding", "asked", "lead")
    assert (alert["task_id"], alert["subject_url"]) == (str(task_id), f"/v1/tasks/{task_id}/funding")
    assert alert["message"] == (
        "Kỳ kế hoạch đầu tư công trung hạn đã kết thúc ngày 31/12/2025 mà nhiệm vụ chưa có trong kế hoạch:"
        " Rà soát khu vực xâm canh"
    )
    listed = (await caller.get("/v1/deadlines", count="true")).json()
    assert (listed["items"], listed["total"]) == ([], 0)


def test_in_english_it_says_the_same() -> None:
    told = message(StepKind.ASKED, "Rà soát", CLOSED_ON, TUESDAY.date(), "en", DeadlineSubject.FUNDING)
    assert told == "The medium-term public investment plan closed on 31/12/2025 without the task: Rà soát"


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        (
            "vi",
            ("Kỳ kế hoạch kết thúc", "31/12/2025", "Vai trò của đơn vị được báo", "chủ trì", "kỳ kế hoạch tiếp theo"),
        ),
        ("en", ("Plan period closed", "31/12/2025", "Role of the organisation told", "lead", "next plan period")),
    ],
    ids=["vi", "en"],
)
def test_the_mail_says_what_can_be_done_now(language: str, phrases: tuple[str, ...]) -> None:
    about = vars(letter(name="Người thử", title="Rà soát")) | {
        "subject_kind": DeadlineSubject.FUNDING,
        "language": language,
        "kind": "asked",
        "step": "asked",
        "party_role": "lead",
        "due_on": CLOSED_ON,
        "path": "/v1/tasks/1/funding",
    }
    mail = compose(
        type(letter(name="x", title="y"))(**about),
        mail_from="Liên Vùng <khong-tra-loi@lienvung.example>",
        public_url="http://lienvung.test/",
        links=UnsubscribeLinks(b"0" * 32, "http://lienvung.test"),
        traceparent=None,
    )
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        for phrase in (*phrases, "http://lienvung.test/v1/tasks/1/funding"):
            assert phrase in text


def test_who_must_be_told_follows_from_the_events_alone() -> None:
    above = staffed("Ban Thường vụ Tỉnh ủy")
    lead, watching, task_id = staffed(superior=above.id), staffed(), uuid4()
    known = [body.snapshot() for body in (above, lead, watching)]
    expected = expected_alerts([missed(lead, watching, task_id=task_id)], known, TUESDAY + timedelta(minutes=1))
    assert {(identity[3], identity[4], identity[5]) for identity in expected} == {
        ("asked", str(lead.of("specialist").account_id), "in_app"),
        ("asked", str(lead.of("specialist").account_id), "email"),
        ("asked", str(watching.of("specialist").account_id), "in_app"),
        ("asked_superior", str(above.of("leader").account_id), "in_app"),
        ("asked_superior", str(above.of("leader").account_id), "email"),
    }
