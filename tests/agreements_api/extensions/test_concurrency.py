"""Decisions that meet: one is taken, and whoever comes second is told so."""

import asyncio
from uuid import uuid4

from tests.agreements_api.agreements.world import Json, World, problem
from tests.agreements_api.extensions.test_extensions import ASKED, at, request


async def test_of_two_decisions_at_once_one_counts(world: World, plan: Json) -> None:
    for _ in range(6):
        path = await world.under_way(plan)
        asked = await request(world, path)
        grant, deny = await asyncio.gather(
            world.person("dongtrieu").post(f"{at(path, asked)}/grant", **{"If-Match": "*"}),
            world.person("quangninh").post(f"{at(path, asked)}/deny", {"reason": "Chưa cần"}, **{"If-Match": "*"}),
        )
        assert sorted((grant.status_code, deny.status_code)) == [200, 409]
        granted = grant.status_code == 200
        problem(deny if granted else grant, 409, "invalid_transition")
        extension = await world.person("dongtrieu").read(at(path, asked))
        task = await world.person("dongtrieu").read(path)
        assert extension["state"] == ("granted" if granted else "denied")
        assert (task["due_on"], task["extension_count"]) == (("2027-02-26", 1) if granted else ("2026-12-31", 0))
        kinds = [event["type"].split(".")[3] for event in await world.registry.outbox(task["id"])]
        assert kinds.count("extension_decided") == 1
        assert kinds.count("deadline_changed") == granted


async def test_of_two_decisions_on_one_version_the_second_reads_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    tag = {"If-Match": (await world.person("dongtrieu").get(at(path, asked))).headers["etag"]}
    answers = await asyncio.gather(
        *(world.person(key).post(f"{at(path, asked)}/grant", **tag) for key in ("dongtrieu", "quangninh"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_request_is_taken_back_or_decided_and_never_both(world: World, plan: Json) -> None:
    for _ in range(4):
        path = await world.under_way(plan)
        asked = await request(world, path)
        grant, withdraw = await asyncio.gather(
            world.person("dongtrieu").post(f"{at(path, asked)}/grant", **{"If-Match": "*"}),
            world.specialist("ubnd-dongtrieu").post(f"{at(path, asked)}/withdraw", **{"If-Match": "*"}),
        )
        assert sorted((grant.status_code, withdraw.status_code)) == [200, 409]
        granted = grant.status_code == 200
        state = (await world.person("dongtrieu").read(at(path, asked)))["state"]
        assert state == ("granted" if granted else "withdrawn")
        task = await world.person("dongtrieu").read(path)
        assert (task["due_on"], task["extension_count"]) == (("2027-02-26", 1) if granted else ("2026-12-31", 0))


async def test_of_two_requests_at_once_one_waits(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    lead = world.specialist("ubnd-dongtrieu")
    answers = await asyncio.gather(*(lead.post(f"{path}/extensions", ASKED, **{"If-Match": "*"}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len((await lead.read(f"{path}/extensions"))["items"]) == 1


async def test_a_repeated_decision_is_answered_again_and_taken_once(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    leader, headers = world.person("dongtrieu"), {"Idempotency-Key": str(uuid4()), "If-Match": '"v1"'}
    first = await leader.post(f"{at(path, asked)}/grant", **headers)
    again = await leader.post(f"{at(path, asked)}/grant", **headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert (await leader.read(path))["extension_count"] == 1
