"""Steps that meet at the same moment: exactly one state comes out, and nothing of it is lost or told twice."""

import asyncio
from typing import Any

import httpx
import pytest

from agreements_api.agreements.lifecycle import end_what_is_over
from tests.agreements_api.agreements.test_amendments import TWO, amended, clauses, plan_of_two, replace, signed
from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.test_signing_time import days_later, in_days, types
from tests.agreements_api.agreements.world import Json, World, accepted, problem, signature

ROUNDS = 8
ANY: dict[str, str] = {"If-Match": "*"}


async def both(world: World, *steps: tuple[str, Json, str, Any], tag: str = "*") -> list[httpx.Response]:
    """Steps of several people, sent at once."""
    return await asyncio.gather(
        *(
            world.person(key).post(f"{path_of(agreement)}/{verb}", body, **{"If-Match": tag})
            for key, agreement, verb, body in steps
        )
    )


async def one_signature_short(world: World, *, sign_by: str | None = None) -> Json:
    plan = await world.opened(parties=[{"organization_id": world.id(key)} for key in TWO], sign_by=sign_by)
    return await world.person("chilinh").step(path_of(plan), "sign", signature("chilinh"))


async def test_two_leaders_who_sign_at_once_bring_it_into_force_once(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await world.opened(parties=[{"organization_id": world.id(key)} for key in TWO])
        answers = await both(world, *((key, plan, "sign", signature(key)) for key in TWO))
        assert sorted(accepted(answer, 200)["status"] for answer in answers) == ["in_force", "open_for_signature"]
        assert (await types(world, plan["id"]))[2:] == ["signed", "signed", "in_force"]
        assert (await world.person("chilinh").read(f"{path_of(plan)}/text/verification"))["valid"] is True


async def test_of_two_who_read_the_same_version_one_signs_after_reading_again(world: World) -> None:
    plan = await world.opened(parties=[{"organization_id": world.id(key)} for key in TWO])
    answers = await both(world, *((key, plan, "sign", signature(key)) for key in TWO), tag=f'"v{plan["version"]}"')
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    late = TWO[0] if answers[0].status_code == 412 else TWO[1]
    assert (await world.person(late).step(path_of(plan), "sign", signature(late)))["status"] == "in_force"


@pytest.mark.parametrize("verb", ["recall", "decline"])
async def test_the_last_signature_meets_who_takes_the_text_back_and_exactly_one_wins(world: World, verb: str) -> None:
    for _ in range(ROUNDS):
        if verb == "recall":
            plan = await one_signature_short(world)
            taker, signer = "dongtrieu", "dongtrieu"
        else:
            parties = [{"organization_id": world.id(key), "required": key != "kinhmon"} for key in (*TWO, "kinhmon")]
            plan = await world.opened(parties=parties)
            await world.person("chilinh").step(path_of(plan), "sign", signature("chilinh"))
            taker, signer = "kinhmon", "dongtrieu"
        sign, back = await both(
            world, (signer, plan, "sign", signature(signer)), (taker, plan, verb, {"reason": "Xem lại"})
        )
        after = await world.person("chilinh").read(path_of(plan))
        told = (await types(world, plan["id"]))[3:]
        if back.status_code == 200:
            # The recall found it open: whoever signs afterwards finds a draft.
            assert (sign.status_code, after["status"]) in ((409, "draft"),)
            assert not any(party["signed_at"] for party in after["parties"])
            assert told == [{"recall": "recalled", "decline": "declined"}[verb]]
        else:
            problem(back, 409)
            assert (sign.status_code, after["status"]) == (200, "in_force")
            assert told == ["signed", "in_force"]


async def test_two_amendments_opened_at_once_leave_one_open(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await plan_of_two(world)
        drafts = [await world.person(key).step(path_of(plan), "amend", {"clauses": [replace(plan)]}) for key in TWO]
        answers = await both(world, *((key, draft, "open", {}) for key, draft in zip(TWO, drafts, strict=True)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        problem(next(answer for answer in answers if answer.status_code == 409), 409, "amendment_open")


async def test_the_last_signature_of_an_amendment_meets_the_end_of_the_agreement(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await plan_of_two(world)
        before = await clauses(world, plan)
        amendment = await amended(world, plan, replace(plan))
        await world.person("chilinh").step(path_of(amendment), "sign", signature("chilinh"))
        sign, end = await both(
            world,
            ("dongtrieu", amendment, "sign", signature("dongtrieu")),
            ("dongtrieu", plan, "terminate", {"reason": "x"}),
        )
        assert end.status_code == 200
        state = (await world.person("chilinh").read(path_of(amendment)))["status"]
        changed = await clauses(world, plan) != before
        assert (sign.status_code, state, changed) in ((200, "in_force", True), (409, "open_for_signature", False))


async def test_the_end_of_the_time_meets_the_last_signature(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await one_signature_short(world, sign_by=in_days(1))
        answers = await asyncio.gather(
            world.person("dongtrieu").post(f"{path_of(plan)}/sign", signature("dongtrieu"), **ANY),
            _expire(world),
        )
        # A worker that found the row held by the refused signature left it, and comes again.
        await _expire(world)
        after = await world.person("chilinh").read(path_of(plan))
        if answers[0].status_code == 200:
            assert (after["status"], (await types(world, plan["id"]))[-1]) == ("in_force", "in_force")
        else:
            problem(answers[0], 409)
            assert (after["status"], (await types(world, plan["id"]))[-1]) == ("draft", "signing_expired")


async def test_amendments_signed_at_once_by_all_change_the_agreement_once(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await plan_of_two(world)
        amendment = await amended(world, plan, replace(plan))
        answers = await both(world, *((key, amendment, "sign", signature(key)) for key in TWO))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (await types(world, plan["id"])).count("amended") == 1
        assert len(await clauses(world, plan, all="true")) == len(plan["clauses"]) + 1


async def test_a_task_that_meets_an_amendment_belongs_to_a_clause_that_was_in_force_then(world: World) -> None:
    for _ in range(ROUNDS):
        plan = await plan_of_two(world)
        amendment = await amended(world, plan, replace(plan))
        await world.person("chilinh").step(path_of(amendment), "sign", signature("chilinh"))
        task = {
            "title": "x",
            "lead_organization_id": world.id("ubnd-chilinh"),
            "clause_id": plan["clauses"][1]["id"],
        }
        sign, assigned = await asyncio.gather(
            world.person("dongtrieu").post(f"{path_of(amendment)}/sign", signature("dongtrieu"), **ANY),
            world.person("chilinh").post(f"{path_of(plan)}/tasks", task),
        )
        assert sign.status_code == 200
        assert assigned.status_code in (201, 422)
        if assigned.status_code == 422:
            assert problem(assigned, 422)["errors"][0]["code"] == "clause_ended"


async def test_an_amendment_can_follow_another_at_once(world: World) -> None:
    plan = await plan_of_two(world)
    await signed(world, await amended(world, plan, replace(plan)), TWO)
    now = (await world.person("chilinh").read(f"{path_of(plan)}/clauses"))["items"]
    again = {"text": "Lần hai", "operation": "replace", "target_clause_id": now[1]["id"]}
    await signed(world, await amended(world, plan, again), TWO)
    assert (await clauses(world, plan))[1] == (2, "Lần hai")
    assert [number for number, _ in await clauses(world, plan, all="true")] == [1, 2, 2, 2]
    assert (await world.person("chilinh").read(f"{path_of(plan)}/text/verification"))["valid"] is True


async def _expire(world: World) -> None:
    async with days_later(world, 8):
        await end_what_is_over(world.registry.database, 50)
