"""Whoever is asked to confirm, to answer, to explain, to settle or to look is told once, in his list and by mail."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from notifier.alerts.expectations import expected_alerts, replay
from notifier.alerts.models import StepKind
from notifier.alerts.wording import message
from notifier.deadlines.asked import asked_in
from notifier.deadlines.models import DeadlineSubject
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from shared import clock
from shared.auth import SYSTEM
from shared.events import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentEvent,
    CommentSnapshot,
    EventActor,
    MeasureSnapshot,
    Mention,
    ObstacleEscalated,
    ObstacleEvent,
    ObstacleMeasureChanged,
    ObstacleRaised,
    ObstacleResolved,
    ObstacleSnapshot,
    TaskCompleted,
    TaskConfirmed,
    TaskEvent,
    TaskExplanationGiven,
    TaskExplanationRequested,
    TaskReturned,
    TaskSubmitted,
    TaskUrged,
    UrgingSnapshot,
)
from tests.notifier.conftest import TUESDAY, Door, World
from tests.notifier.delivery.test_mail import letter
from tests.notifier.factories import Body, party, person, staffed, task_event

# Five working days after the Tuesday.
RESPOND_BY = date(2026, 10, 27)
LAST_BUT_ONE = datetime(2026, 10, 26, 9, 0, tzinfo=clock.VN_TZ)


def submitted(
    lead: Body,
    *coordinating: Body,
    task_id: UUID,
    version: int = 5,
    confirmed: tuple[Body, ...] = (),
    respond_by: date | None = RESPOND_BY,
    **more: Any,
) -> TaskEvent:
    parties = [
        party(body).model_copy(
            update={"respond_by": respond_by, "confirmed_at": TUESDAY if body in confirmed else None}
        )
        for body in coordinating
    ]
    given: dict[str, Any] = {"kind": TaskSubmitted, "status": "submitted", "moment": TUESDAY} | more
    return task_event(lead, due_on=None, task_id=task_id, version=version, coordinating=parties, **given)


def urged(lead: Body, kind: type[TaskEvent], urging: UrgingSnapshot, *, task_id: UUID, version: int = 2) -> TaskEvent:
    event = task_event(lead, due_on=None, moment=TUESDAY, task_id=task_id, version=version, kind=kind)
    return event.model_copy(update={"urging": urging})


def urging(lead: Body, asking: Body, kind: str = "urging", **more: Any) -> UrgingSnapshot:
    return UrgingSnapshot(
        **{
            "id": uuid4(),
            "version": 1,
            "kind": kind,
            "status": "open",
            "organization_id": lead.id,
            "organization_name": lead.name,
            "asked_by_organization_id": asking.id,
            "asked_by_organization_name": asking.name,
            "message": "Đề nghị báo cáo",
            "answer_due_on": date(2026, 10, 23),
            "asked_at": TUESDAY,
            **more,
        }
    )


def obstacle(holder: Body, kind: type[ObstacleEvent], *, version: int, obstacle_id: UUID, **more: Any) -> ObstacleEvent:
    snapshot = ObstacleSnapshot(
        **{
            "id": obstacle_id,
            "version": version,
            "agreement_id": uuid4(),
            "agreement_title": "Kế hoạch phối hợp",
            "task_id": uuid4(),
            "task_title": "Rà soát khu vực xâm canh",
            "origin": "raised",
            "text": "Hồ sơ chưa khớp",
            "status": "open",
            "level": "locality",
            "raised_by_organization_id": uuid4(),
            "raised_by_organization_name": "UBND thị xã Kinh Môn",
            "organization_id": holder.id,
            "organization_name": holder.name,
            "due_on": RESPOND_BY,
            "created_at": TUESDAY,
            "updated_at": TUESDAY,
            **more,
        }
    )
    return kind(
        version=version, actor=EventActor.of(SYSTEM), occurred_at=TUESDAY, members=[holder.id], obstacle=snapshot
    )


def comment(kind: type[CommentEvent], *mentions: tuple[Body, UUID], comment_id: UUID, version: int = 1) -> CommentEvent:
    snapshot = CommentSnapshot(
        id=comment_id,
        version=version,
        agreement_id=uuid4(),
        agreement_title="Kế hoạch phối hợp",
        task_id=uuid4(),
        task_title="Rà soát khu vực xâm canh",
        organization_id=uuid4(),
        organization_name="UBND thị xã Kinh Môn",
        mentions=[Mention(account_id=account, organization_id=body.id) for body, account in mentions],
        created_at=TUESDAY,
        updated_at=TUESDAY,
    )
    return kind(version=version, actor=EventActor.of(SYSTEM), occurred_at=TUESDAY, comment=snapshot)


async def test_leaders_are_told_when_the_window_opens_and_one_day_before_it_lapses(world: World) -> None:
    lead, one, other = staffed(), staffed(), staffed()
    task_id = uuid4()
    window = uuid5(task_id, "response")
    await world.meet(lead, one, other)
    await world.learn(submitted(lead, one, other, task_id=task_id))
    await world.fire()
    await world.fire()
    leaders = sorted((body.of("leader").account_id for body in (one, other)), key=str)
    opened = [("asked", leader) for leader in leaders]
    assert await world.told(window) == opened
    assert await world.mailed(window) == opened
    await world.learn(submitted(lead, one, other, task_id=task_id, version=6, confirmed=(one,), kind=TaskConfirmed))
    await world.at(LAST_BUT_ONE)
    await world.fire()
    late = other.of("leader").account_id
    assert await world.told(window) == [*opened, ("before_1", late)]
    assert await world.mailed(window) == [*opened, ("before_1", late)]
    await world.at(LAST_BUT_ONE + timedelta(days=10))
    await world.fire()
    assert len(await world.told(window)) == 3


@pytest.mark.parametrize(("kind", "status"), [(TaskReturned, "in_progress"), (TaskCompleted, "completed")])
async def test_nobody_is_reminded_of_a_window_that_is_closed(world: World, kind: type[TaskEvent], status: str) -> None:
    lead, one = staffed(), staffed()
    task_id = uuid4()
    await world.meet(lead, one)
    await world.learn(
        submitted(lead, one, task_id=task_id),
        submitted(lead, one, task_id=task_id, version=6, kind=kind, status=status, respond_by=None),
    )
    await world.at(LAST_BUT_ONE)
    await world.fire()
    assert await world.told(uuid5(task_id, "response")) == []


async def test_the_next_submission_is_told_again(world: World) -> None:
    lead, one = staffed(), staffed()
    task_id = uuid4()
    await world.meet(lead, one)
    await world.learn(submitted(lead, one, task_id=task_id))
    await world.fire()
    await world.learn(
        submitted(lead, one, task_id=task_id, version=6, kind=TaskReturned, status="in_progress", respond_by=None),
        submitted(lead, one, task_id=task_id, version=7),
    )
    await world.fire()
    assert await world.told(uuid5(task_id, "response")) == [("asked", one.of("leader").account_id)] * 2


@pytest.mark.parametrize(
    ("kind", "asked", "role"),
    [("urging", TaskUrged, "specialist"), ("explanation", TaskExplanationRequested, "leader")],
)
async def test_whoever_is_asked_is_told_once(world: World, kind: str, asked: type[TaskEvent], role: str) -> None:
    lead, above = staffed(), staffed()
    task_id, what = uuid4(), urging(lead, above, kind)
    await world.meet(lead, above)
    event = urged(lead, asked, what, task_id=task_id)
    await world.learn(event, event)
    await world.fire()
    await world.at(TUESDAY + timedelta(days=20))
    await world.fire()
    expected = [("asked", lead.of(role).account_id)]
    assert await world.told(what.id) == expected
    assert await world.mailed(what.id) == expected
    # The event that asked has told it to everybody else.
    assert await world.events() == []


async def test_what_is_answered_before_it_is_told_is_not_told(world: World) -> None:
    lead, above = staffed(), staffed()
    task_id, what = uuid4(), urging(lead, above, "explanation")
    await world.meet(lead, above)
    await world.learn(urged(lead, TaskExplanationRequested, what, task_id=task_id))
    answered = what.model_copy(update={"status": "answered", "answer": "Xong"})
    await world.learn(urged(lead, TaskExplanationGiven, answered, task_id=task_id, version=3))
    await world.fire()
    assert await world.told(what.id) == []
    [deadline] = await world.deadlines(what.id)
    assert (deadline["is_open"], deadline["role"], deadline["subject_kind"]) == (False, "asked", "explanation")


async def test_the_body_above_is_told_of_an_escalation_and_not_of_its_measures(world: World) -> None:
    lead, above = staffed(), staffed("Ban Thường vụ Tỉnh ủy")
    known = uuid4()
    await world.meet(lead, above)
    await world.learn(obstacle(lead, ObstacleRaised, version=1, obstacle_id=known))
    await world.fire()
    assert await world.told(known) == []
    lifted: dict[str, Any] = {"level": "province", "escalated_at": TUESDAY, "escalated_by": "rule"}
    await world.learn(obstacle(above, ObstacleEscalated, version=2, obstacle_id=known, **lifted))
    await world.fire()
    measure = MeasureSnapshot(
        id=uuid4(), text="Đo lại", organization_id=lead.id, organization_name=lead.name, due_on=date(2026, 12, 1)
    )
    later: dict[str, Any] = {**lifted, "measures": [measure], "due_on": measure.due_on}
    await world.learn(obstacle(above, ObstacleMeasureChanged, version=3, obstacle_id=known, **later))
    await world.fire()
    assert await world.told(known) == [("asked", above.of("leader").account_id)]
    await world.learn(obstacle(above, ObstacleResolved, version=4, obstacle_id=known, **later | {"status": "resolved"}))
    assert [row["is_open"] for row in await world.deadlines(known)] == [False]


async def test_only_who_is_named_is_told_and_only_once(world: World) -> None:
    body = staffed().joined_by(person("specialist"), person("viewer"))
    first, second = body.people[0].account_id, body.people[3].account_id
    said = uuid4()
    await world.meet(body)
    await world.learn(comment(CommentAdded, (body, first), comment_id=said))
    await world.fire()
    await world.learn(comment(CommentEdited, (body, first), (body, second), comment_id=said, version=2))
    await world.learn(comment(CommentDeleted, comment_id=said, version=3))
    await world.fire()
    for account in (first, second):
        mention = uuid5(said, str(account))
        assert await world.told(mention) == [("asked", account)]
        assert await world.mailed(mention) == [("asked", account)]
    [total] = await world.owner.fetch("select count(*) as alerts from alert")
    assert total["alerts"] == 2


async def test_an_alert_says_what_is_asked_and_where_it_is_answered(world: World, door: Door) -> None:
    lead, above = staffed(), staffed("Ban Thường vụ Tỉnh ủy")
    task_id, what = uuid4(), urging(lead, above, "explanation")
    await world.meet(lead, above)
    await world.learn(urged(lead, TaskExplanationRequested, what, task_id=task_id))
    await world.fire()
    caller = door.caller(lead, "leader")
    [alert] = (await caller.get("/v1/alerts", task_id=str(task_id))).json()["items"]
    assert (alert["subject_kind"], alert["subject_id"], alert["task_id"]) == ("explanation", str(what.id), str(task_id))
    assert alert["subject_url"] == f"/v1/tasks/{task_id}/explanations/{what.id}"
    assert alert["message"] == "Được yêu cầu giải trình đến hết ngày 23/10/2026: Rà soát khu vực xâm canh"
    assert (alert["kind"], alert["role"]) == ("asked", "asked")
    [due] = (await caller.get("/v1/deadlines", subject_kind="explanation")).json()["items"]
    assert (due["subject_url"], due["task_id"], due["steps"]) == (alert["subject_url"], str(task_id), [])
    read = await caller.post("/v1/alerts/read-all", {"task_id": str(task_id)})
    assert read.json() == {"read": 1}


@pytest.mark.parametrize(
    ("status", "left"), [("suspended", set()), ("cancelled", set()), ("completed", {"explanation"})]
)
async def test_nothing_is_due_of_a_task_that_rests(world: World, door: Door, status: str, left: set[str]) -> None:
    lead, above, task_id = staffed(), staffed("Ban Thường vụ Tỉnh ủy"), uuid4()
    await world.meet(lead, above)
    kinds = {"urging": TaskUrged, "explanation": TaskExplanationRequested}
    for version, (kind, event) in enumerate(kinds.items(), start=2):
        await world.learn(urged(lead, event, urging(lead, above, kind), task_id=task_id, version=version))
    caller = door.caller(lead, "leader")

    async def due() -> set[str]:
        page = (await caller.get("/v1/deadlines", count="true")).json()
        assert page["total"] == len(page["items"])
        return {item["subject_kind"] for item in page["items"]}

    assert await due() == set(kinds)
    await world.learn(task_event(lead, due_on=None, moment=TUESDAY, task_id=task_id, version=4, status=status))
    assert await due() == left
    await world.learn(task_event(lead, due_on=None, moment=TUESDAY, task_id=task_id, version=5))
    assert await due() == set(kinds)


async def test_a_mention_is_no_deadline(world: World, door: Door) -> None:
    body = staffed()
    await world.meet(body)
    await world.learn(comment(CommentAdded, (body, body.of("leader").account_id), comment_id=uuid4()))
    listed = await door.caller(body, "leader").get("/v1/deadlines", count="true")
    assert (listed.json()["items"], listed.json()["total"]) == ([], 0)


def test_what_must_be_told_follows_from_the_events_alone() -> None:
    lead, one = staffed(), staffed()
    task_id = uuid4()
    what = urging(lead, one)
    events = [submitted(lead, one, task_id=task_id), urged(lead, TaskUrged, what, task_id=task_id, version=6)]
    # The urging's event has the task as it is: no window any more.
    assert set(replay(events)) == {task_id, uuid5(task_id, "response"), what.id}
    expected = expected_alerts(events[:1], [lead.snapshot(), one.snapshot()], TUESDAY + timedelta(minutes=1))
    leader = str(one.of("leader").account_id)
    assert {(identity[2], identity[3], identity[4]) for identity in expected} == {("response.v1", "asked", leader)}
    said = comment(CommentAdded, (one, one.people[0].account_id), comment_id=uuid4())
    told = expected_alerts([said], [one.snapshot()], TUESDAY + timedelta(minutes=1))
    assert {identity[4] for identity in told} == {str(one.people[0].account_id)}


def test_who_answers_for_two_parties_is_asked_once() -> None:
    lead, one = staffed(), staffed()
    event = submitted(lead, one, one, task_id=uuid4())
    [asked] = asked_in(event)
    assert (asked.organization_ids, asked.due_on) == ((one.id,), RESPOND_BY)
    # Before there were windows, none was told of.
    plain = submitted(lead, one, task_id=uuid4(), respond_by=None)
    assert asked_in(plain)[0].organization_ids == ()


@pytest.mark.parametrize("subject", [kind for kind in DeadlineSubject if kind not in ("task", "agreement")])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_has_words_and_a_mail(subject: DeadlineSubject, language: str) -> None:
    words = message(StepKind.ASKED, "Rà soát", RESPOND_BY, TUESDAY.date(), language, subject)
    assert words.endswith(": Rà soát")
    about = vars(letter(name="Người thử", title="Rà soát")) | {
        "subject_kind": subject,
        "language": language,
        "kind": "asked",
        "step": "asked",
        "party_role": "asked",
        "path": "/v1/tasks/1/urgings/2",
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
        assert "http://lienvung.test/v1/tasks/1/urgings/2" in part.get_content()


def test_a_reminder_of_a_window_counts_working_days() -> None:
    for language, expected in (
        ("vi", "Còn 1 ngày làm việc để xác nhận (hạn 27/10/2026): Rà soát"),
        ("en", "1 working day left to confirm (until 27/10/2026): Rà soát"),
    ):
        told = message(
            StepKind.APPROACHING, "Rà soát", RESPOND_BY, date(2026, 10, 26), language, DeadlineSubject.RESPONSE
        )
        assert told == expected
