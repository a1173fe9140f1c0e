"""Who answered for a day by what was known at an instant."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from agreements_api.localities.models import OrganizationKind
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, Person, pointers, problem
from tests.agreements_api.party_succession.reform import Reform, committee, most, part, whole
from tests.agreements_api.party_succession.test_deciding import WORKLIST, divided
from tests.agreements_api.party_succession.test_past import moment

DAYS = ("2026-05-31", "2026-06-01", "2026-08-01", "2030-01-01")


class Answers:
    """What a reader was told for some days, time after time."""

    def __init__(self, reader: Person, agreement: Json, *days: str) -> None:
        self._reader, self._days = reader, days or DAYS
        self._path = f"/v1/agreements/{agreement['id']}/responsible"
        self._told: list[tuple[str, dict[str, Json]]] = []

    async def ask(self) -> None:
        told = {day: await self._reader.read(self._path, on=day) for day in self._days}
        self._told.append((moment(), told))

    def proposed(self, day: str) -> list[str | None]:
        """Which unit was proposed for a day to answer for the party that signed first, time after time."""
        items = [told[day]["items"][0]["candidates"] for _, told in self._told]
        return [candidates[0]["answering"]["unit"]["id"] if candidates else None for candidates in items]

    async def are_the_same(self) -> int:
        """Every answer is given again as of its instant; gives how many were not those of the time before."""
        different, before = 0, None
        for instant, told in self._told:
            for day, answer in told.items():
                assert await self._reader.read(self._path, on=day, as_of=instant) == answer, (instant, day)
            different += told != before
            before = told
        return different


async def test_an_instant_gives_what_was_promised_recorded_and_decided_by_then(reform: Reform) -> None:
    world = reform.world
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    parent = (await reform.province())[0]
    first, second, third = [await reform.commune(parent) for _ in range(3)]
    leader = world.person(stays.key)
    answers = Answers(leader, agreement)
    await answers.ask()
    tasks = [await world.task(agreement, lead=town.ubnd, coordinating=(stays.ubnd,)) for _ in range(2)]
    await answers.ask()
    await reform.dissolve(most(town.unit, first), part(town.unit, second))
    # Nobody acts for the new units as yet.
    await answers.ask()
    await reform.carry_out()
    await answers.ask()
    cases = (await leader.read(WORKLIST, agreement_id=agreement["id"]))["items"]
    [of_tasks] = [f"{WORKLIST}/{case['id']}" for case in cases if case["tasks"]]
    await leader.step(of_tasks, "decide", {"unit_id": str(second.id), "task_ids": [tasks[0]["id"]]})
    await answers.ask()
    await leader.step(of_tasks, "decide", {"unit_id": str(second.id), "whole_unit": True})
    await answers.ask()
    # The unit that was chosen goes on in another one, for a day that has passed by now.
    await reform.dissolve(whole(second, third), effective_on="2026-08-01")
    await answers.ask()
    await reform.carry_out()
    await answers.ask()
    await world.person("dongtrieu").step(f"/v1/tasks/{tasks[1]['id']}", "cancel", {"reason": "Trùng"})
    assert await answers.are_the_same() == 8


async def test_an_instant_gives_what_was_known_of_a_unit_that_nobody_was_named_to_follow(reform: Reform) -> None:
    world = reform.world
    province = await reform.province()
    town, stays, neighbour = [await reform.town(province) for _ in range(3)]
    parts = [await reform.commune(town.unit) for _ in range(3)]
    one, two = [await reform.commune(province[0]) for _ in range(2)]
    agreement = await reform.agreement(town, stays)
    day = clock.today() + timedelta(days=400)
    eve, sooner = day - timedelta(days=1), day - timedelta(days=100)
    answers = Answers(world.person(stays.key), agreement, str(eve), str(day))
    await answers.ask()
    ways = zip(parts, (one, two, two), strict=True)
    await reform.dissolve_alone(town.unit, edges=[whole(*way) for way in ways], effective_on=str(day))
    await answers.ask()
    # Somebody records later that two of its parts lie elsewhere from an earlier day on.
    moves = [(moved, neighbour.unit) for moved in parts[1:]]
    splits = part((await reform.town(province)).unit, neighbour.unit)
    await reform.dissolve_alone(edges=[splits], moves=moves, effective_on=str(sooner))
    await answers.ask()
    assert await answers.are_the_same() == 3
    assert answers.proposed(str(day)) == [None, str(two.id), str(one.id)]


async def test_whoever_was_registered_since_did_not_answer_then(reform: Reform) -> None:
    world = reform.world
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    ward = await reform.ward()
    await reform.dissolve(whole(town.unit, ward))
    answers = Answers(world.person(stays.key), agreement)
    await answers.ask()
    await world.registry.organization(committee(ward), unit=ward, kind=OrganizationKind.STANDING_COMMITTEE)
    await answers.ask()
    assert await answers.are_the_same() == 2


async def test_a_draft_is_followed_by_the_parties_that_it_had(reform: Reform) -> None:
    world = reform.world
    one, other, third = [await reform.town() for _ in range(3)]
    draft = await world.draft(parties=[{"organization_id": world.id(town.key)} for town in (one, other)])
    reader, path = world.specialist("dongtrieu"), f"/v1/agreements/{draft['id']}"
    answers = Answers(reader, draft)
    await answers.ask()
    changed = await reader.change(path, {"parties": [{"organization_id": world.id(t.key)} for t in (other, third)]})
    assert changed.status_code == 200, changed.text
    await answers.ask()
    await reform.dissolve(whole(one.unit, await reform.ward()), whole(third.unit, await reform.ward()))
    await reform.carry_out()
    await answers.ask()
    assert await answers.are_the_same() == 3


async def test_without_a_day_it_is_that_of_the_instant(reform: Reform) -> None:
    world = reform.world
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    reader, path, instant = world.person(stays.key), f"/v1/agreements/{agreement['id']}/responsible", moment()
    today = clock.today()
    async with days_later(world, 3):
        assert (await world.person(stays.key).read(path))["on"] == str(today + timedelta(days=3))
        assert (await world.person(stays.key).read(path, as_of=instant))["on"] == str(today)
        assert (await world.person(stays.key).read(path, as_of=str(today)))["on"] == str(today)
    assert (await reader.read(path, as_of=instant, on="2020-01-01"))["on"] == "2020-01-01"


async def test_before_it_was_there_nobody_answers_and_a_stranger_is_told_nothing(reform: Reform) -> None:
    given = await divided(reform)
    path, reader = f"{given.path}/responsible", reform.world.person("dongtrieu")
    problem(await reader.get(path, as_of="2020-01-01T00:00:00Z"), 404)
    problem(await reform.world.person("elsewhere").get(path, as_of=moment()), 404)
    problem(await reader.get(f"/v1/agreements/{given.task['id']}/responsible", as_of=moment()), 404)
    # Whoever came by a succession sees the past as well, and whoever left reads on.
    for person in (await reform.acting(committee(given.first)), reform.world.person(given.town.key)):
        items = (await person.read(path, as_of=given.agreement["updated_at"], on="2026-07-01"))["items"]
        assert items[0]["answers"]["organization_id"] == reform.world.id(given.town.key)


@pytest.mark.parametrize("as_of", ["hôm qua", "2999-01-01", "2999-01-01T00:00:00Z"])
async def test_an_instant_that_is_none_or_still_to_come_is_named(reform: Reform, as_of: str) -> None:
    town = await reform.town()
    agreement = await reform.agreement(town, await reform.town())
    answer = await reform.world.person(town.key).get(f"/v1/agreements/{agreement['id']}/responsible", as_of=as_of)
    assert pointers(problem(answer, 422)) == ["/query/as_of"]


async def test_what_nobody_knows_the_instant_of_was_always_known(reform: Reform) -> None:
    world = reform.world
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    instant, ward = moment(), await reform.ward()
    await reform.dissolve(whole(town.unit, ward))
    reader, path = world.person(stays.key), f"/v1/agreements/{agreement['id']}/responsible"

    async def answering() -> str:
        items = (await reader.read(path, as_of=instant, on=str(date(2026, 7, 1))))["items"]
        return str(items[0]["answers"]["unit"]["id"])

    assert await answering() == str(town.unit.id)
    for statement in (
        "update unit set end_recorded_at = null where id = $1",
        "update unit_succession set recorded_at = null where old_unit_id = $1",
    ):
        await world.rows(statement, UUID(str(town.unit.id)))
    assert await answering() == str(ward.id)
