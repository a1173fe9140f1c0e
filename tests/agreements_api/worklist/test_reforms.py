"""After a reform every step waits for whoever may take it by now, and for nobody else."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest_asyncio

from tests.agreements_api.agreements.world import Json, Person, World, accepted, problem
from tests.agreements_api.boundary_cases.dossiers import CASE
from tests.agreements_api.meetings.steps import held
from tests.agreements_api.party_succession.reform import Reform, Town, committee, most, part, people, whole
from tests.agreements_api.party_succession.test_over import asked, completed, decide
from tests.agreements_api.worklist.following import differences
from tests.agreements_api.worklist.lists import of, take, waiting, work

REASON = {"reason": "Lý do minh họa."}
OUTCOME = {"text": "Rà soát khu vực giáp ranh (minh họa)"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(world: World) -> Reform:
    return Reform(world)


@pytest_asyncio.fixture(autouse=True)
async def follows(world: World) -> AsyncIterator[None]:
    """After each test the table is what follows from the records."""
    yield
    assert await differences(world) == []


async def test_an_explanation_of_what_is_completed_waits_for_whoever_has_the_place(reform: Reform) -> None:
    lead, one, watches = [await reform.town() for _ in range(3)]
    _, path = await completed(reform, lead, one, monitoring=(watches.ubnd,))
    questions = [await explained(reform, path, watches, of_whom) for of_whom in (lead, one)]
    wards = [await reform.ward() for _ in range(2)]
    await reform.dissolve(whole(lead.unit, wards[0]), whole(one.unit, wards[1]))
    await reform.carry_out()
    for town, ward, question in zip((lead, one), wards, questions, strict=True):
        heir = await reform.acting(people(ward))
        assert await of(reform.world.person(town.ubnd), question, scope="organization") is None
        item = await waiting(heir, question)
        assert await takeable(heir, item)
        await take(heir, item, {"answer": "Đã làm (minh họa)"})
        assert await of(heir, question) is None


async def test_an_explanation_waits_for_whoever_is_decided_for(reform: Reform) -> None:
    lead, one = [await reform.town() for _ in range(2)]
    task, path = await completed(reform, lead, one)
    question = await explained(reform, path, one, lead)
    # What is still open is what somebody has to decide about.
    agreement = {"id": task["agreement_id"], "clauses": [None, {"id": task["clause_id"]}]}
    await reform.world.task(agreement, lead=lead.ubnd, coordinating=(one.ubnd,))
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(lead.unit, first), part(lead.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(people(first))
    await waiting(provisional, question)
    await decide(reform.world.person("dongtrieu"), task["agreement_id"], second)
    assert await of(provisional, question) is None
    heir = await reform.acting(people(second))
    assert await takeable(heir, await waiting(heir, question))
    await reform.world.person("dongtrieu").step(path, "reopen", REASON)
    assert await takeable(heir, await waiting(heir, question))


async def test_an_outcome_waits_for_whoever_has_the_place_of_the_host(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    meetings = [await concluded(world, agreement, world.id(ends.key))]
    await reform.dissolve(whole(ends.unit, first))
    await reform.carry_out()
    between = await reform.acting(committee(first))
    # What the heir hosts itself is its own as well, though another one signed.
    meetings.append(await concluded(world, agreement, between.organization))
    for meeting in meetings:
        assert await takeable(between, await waiting(between, meeting))
        assert await of(world.person(ends.key), meeting, scope="organization") is None
    await reform.dissolve(whole(first, second), effective_on="2026-08-01")
    await reform.carry_out()
    heir = await reform.acting(committee(second))
    for meeting in meetings:
        assert await of(between, meeting, scope="organization") is None
        item = await waiting(heir, meeting)
        assert await takeable(heir, item)
        await take(heir, item, {"lead_organization_id": world.id(stays.ubnd)})
        assert await of(world.person("dongtrieu"), meeting) is None


async def test_an_outcome_waits_for_the_host_that_is_decided_for(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(ends.unit, first), part(ends.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(committee(first))
    meeting = await concluded(world, agreement, provisional.organization)
    await waiting(provisional, meeting)
    await decide(world.person(stays.key), agreement["id"], second)
    assert await of(provisional, meeting, scope="organization") is None
    heir = await reform.acting(committee(second))
    assert await takeable(heir, await waiting(heir, meeting))


async def test_an_outcome_waits_for_no_heir_that_cannot_assign_it(reform: Reform) -> None:
    """A people's committee that hosts is no party: it keeps the record, and the custodian makes tasks of it."""
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    meeting = await concluded(world, agreement, world.id(ends.ubnd))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    [outcome] = (await heir.read(f"/v1/meetings/{meeting}"))["outcomes"]
    assert outcome["allowed_actions"] == ["update"]
    assert await of(heir, meeting, scope="organization") is None
    custodian = world.person("dongtrieu")
    assert await takeable(custodian, await waiting(custodian, meeting))


async def test_a_side_that_left_the_task_and_the_agreement_is_asked_to_confirm_nothing(reform: Reform) -> None:
    world = reform.world
    one, other, third = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(one, other)
    task = await world.task(agreement, lead=third.ubnd, coordinating=(other.ubnd,))
    path = f"/v1/tasks/{task['id']}"
    case = await dossier(world, path, third, other)
    await waiting(world.person(third.ubnd), case["id"])
    body = {"lead_organization_id": world.id(one.ubnd), **REASON}
    await world.person("dongtrieu").step(path, "reassign", body)
    step = f"steps/{case['steps'][0]['id']}/confirm"
    problem(await world.person(third.ubnd).act(f"/v1/boundary-cases/{case['id']}", step), 403)
    assert await of(world.person(third.ubnd), case["id"], scope="organization") is None


async def test_all_that_waits_goes_to_whoever_may_do_it(reform: Reform) -> None:
    """Every body of the agreement ends, those above as well: each heir has the work of the one before it."""
    world = reform.world
    old, new = await reform.province(), await reform.province()
    lead, one, watches = [await reform.town(old) for _ in range(3)]
    towns = (lead, one, watches)
    await everything(reform, lead, one, watches)
    wards = [await reform.commune(new[0]) for _ in towns]
    before = {key: await listed(world.person(key)) for town in towns for key in (town.key, town.ubnd)}
    before[old[1]] = await listed(world.person(old[1]))
    assert all(before[key] for key in before)
    await reform.dissolve(
        *(whole(town.unit, ward) for town, ward in zip(towns, wards, strict=True)), whole(old[0], new[0])
    )
    await reform.carry_out()

    heirs = {old[1]: world.person(new[1])}
    for town, ward in zip(towns, wards, strict=True):
        heirs |= {town.key: await reform.acting(committee(ward)), town.ubnd: await reform.acting(people(ward))}
    after = {key: await listed(heir) for key, heir in heirs.items()}
    assert after == before
    for key, heir in heirs.items():
        assert await work(world.person(key), scope="organization") == []
        for item in await work(heir, scope="organization"):
            assert await takeable(heir, item), item


async def everything(reform: Reform, lead: Town, one: Town, watches: Town) -> None:
    """Something of every kind that waits for parties of tasks, for parties of an agreement and for who stands above."""
    world = reform.world
    agreement = await reform.agreement(lead, one, watches)
    parties = [{"organization_id": world.id(town.key)} for town in (lead, one, watches)]
    await world.opened(parties=parties)
    await concluded(world, agreement, world.id(lead.key))
    taking: dict[str, Any] = {"lead": lead.ubnd, "coordinating": (one.ubnd,), "monitoring": (watches.ubnd,)}
    lead_works, lead_leads = world.specialist(lead.ubnd), world.person(lead.ubnd)

    async def task(*steps: str, **changes: Any) -> str:
        made = await world.task(agreement, **(taking | changes))
        path = f"/v1/tasks/{made['id']}"
        for step in steps:
            await lead_works.step(path, step)
        return path

    await task()
    await task("accept", "submit")
    await task("accept", "submit", coordinating=())
    path = await task("accept", due_on="2026-12-01")
    accepted(await world.person(watches.ubnd).post(f"{path}/urgings", {"message": "Đề nghị báo cáo."}), 201)
    await lead_works.step(path, "extensions", {"due_on": "2027-02-26", **REASON})
    for _ in range(2):
        body = {"text": "Chưa thống nhất mốc giới (minh họa)"}
        raised = accepted(await world.specialist(one.ubnd).post(f"{path}/obstacles", body), 201)
    await lead_leads.step(f"/v1/obstacles/{raised['id']}", "escalate", REASON)
    await dossier(world, path, lead, one)


async def explained(reform: Reform, path: str, asking: Town, of_whom: Town) -> str:
    """The id of a request for an explanation."""
    answer = await reform.world.person(asking.ubnd).post(f"{path}/explanations", asked(reform.world, of_whom))
    question: str = accepted(answer, 201)["id"]
    return question


async def concluded(world: World, agreement: Json, host: str) -> str:
    """The id of a meeting of this host, with one outcome."""
    path = await held(world, agreement, host_organization_id=host)
    await world.specialist("dongtrieu").step(path, "outcomes", OUTCOME)
    return path.rsplit("/", 1)[-1]


async def dossier(world: World, path: str, *sides: Town) -> Json:
    body = CASE | {"organization_ids": [world.id(town.ubnd) for town in sides]}
    return accepted(await world.specialist(sides[0].ubnd).post(f"{path}/boundary-cases", body), 201)


async def listed(person: Person) -> set[tuple[str, str]]:
    """What an organisation has to do: about what, and why."""
    return {(item["subject"]["id"], item["reason"]) for item in await work(person, scope="organization")}


async def takeable(person: Person, item: Json) -> bool:
    """Whether the record, or a part of it, names the step among those that the caller can take."""
    subject: Mapping[str, Json] = await person.read(item["subject"]["href"])
    parts = [subject, *subject.get("steps", ()), *subject.get("outcomes", ())]
    return any(item["action"]["name"] in part["allowed_actions"] for part in parts)
