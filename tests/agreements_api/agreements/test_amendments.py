"""Amendments and renewals: signed like any agreement, and then the agreement has other clauses and another term."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.test_signing_time import days_later, in_days, types
from tests.agreements_api.agreements.test_terms import explained
from tests.agreements_api.agreements.world import PARTIES, Json, World, accepted, pointers, problem, signature

TWO = ("dongtrieu", "chilinh")
NEW = {"heading": "Xâm canh", "text": "Lập tổ công tác chung.", "field": "địa giới"}


async def plan_of_two(world: World, **changes: Any) -> Json:
    """A plan of two parties in force, with its clauses."""
    opened = await world.opened(parties=[{"organization_id": world.id(key)} for key in TWO], **changes)
    plan = await signed(world, opened, TWO)
    return plan | {"clauses": (await world.person("chilinh").read(f"{path_of(plan)}/clauses"))["items"]}


async def signed(world: World, agreement: Json, keys: tuple[str, ...]) -> Json:
    for key in keys:
        agreement = await world.person(key).step(path_of(agreement), "sign", signature(key))
    assert agreement["status"] == "in_force"
    return agreement


async def amended(world: World, plan: Json, *clauses: Json, verb: str = "amend", **body: Any) -> Json:
    """An amendment that is open for signature."""
    draft = await world.person("dongtrieu").step(path_of(plan), verb, {"clauses": list(clauses), **body})
    return await world.person("dongtrieu").step(path_of(draft), "open")


async def clauses(world: World, plan: Json, **query: Any) -> list[tuple[int, str]]:
    items = (await world.person("chilinh").read(f"{path_of(plan)}/clauses", **query))["items"]
    return [(clause["ordinal"], clause["text"]) for clause in items]


def replace(plan: Json, index: int = 1) -> Json:
    return NEW | {"operation": "replace", "target_clause_id": plan["clauses"][index]["id"]}


async def test_an_amendment_is_a_draft_of_its_own(world: World) -> None:
    plan = await plan_of_two(world)
    answer = await world.specialist("chilinh").act(
        path_of(plan), "amend", {"number": "01-PL", "clauses": [replace(plan)]}
    )
    draft = accepted(answer, 201)
    assert answer.headers["location"] == path_of(draft)
    assert (draft["status"], draft["amendment_kind"]) == ("draft", "amendment")
    assert (draft["amends_agreement_id"], draft["instrument"]) == (plan["id"], plan["instrument"])
    assert draft["title"] == f"Phụ lục sửa đổi, bổ sung {plan['title']}"
    assert draft["custodian_organization_id"] == world.id("chilinh")
    assert [party["organization_id"] for party in draft["parties"]] == [world.id(key) for key in TWO]
    problem(await world.person("dongtrieu").get(path_of(draft)), 404)
    assert (await world.person("dongtrieu").read(path_of(plan)))["version"] == plan["version"]
    found = await world.specialist("chilinh").read("/v1/agreements", amends=plan["id"])
    assert [one["id"] for one in found["items"]] == [draft["id"]]


async def test_clauses_change_when_the_last_has_signed_and_the_old_ones_stay_readable(world: World) -> None:
    plan = await plan_of_two(world)
    first, second = plan["clauses"]
    before = await clauses(world, plan)
    text = await world.person("chilinh").read(f"{path_of(plan)}/text")
    amendment = await amended(world, plan, replace(plan), {"text": "Thêm một điều"})
    await world.person("chilinh").step(path_of(amendment), "sign", signature("chilinh"))
    assert await clauses(world, plan) == before
    await world.person("dongtrieu").step(path_of(amendment), "sign", signature("dongtrieu"))

    assert await clauses(world, plan) == [(1, first["text"]), (2, NEW["text"]), (3, "Thêm một điều")]
    every = (await world.person("chilinh").read(f"{path_of(plan)}/clauses", all="true"))["items"]
    assert [(one["ordinal"], one["text"]) for one in every] == [
        (1, first["text"]),
        (2, second["text"]),
        (2, NEW["text"]),
        (3, "Thêm một điều"),
    ]
    old, new = every[1], every[2]
    assert (old["id"], old["ended_on"], old["ended_by"]) == (second["id"], in_days(0), amendment["id"])
    assert old["replaced_by"] == new["id"]
    assert (new["amendment_id"], new["started_on"]) == (amendment["id"], in_days(0))
    assert await world.person("chilinh").read(f"{path_of(plan)}/text") == text

    after = await world.person("chilinh").read(path_of(plan))
    assert (after["version"], after["clause_count"]) == (plan["version"] + 1, 3)
    event = (await world.registry.outbox(plan["id"]))[-1]
    assert event["type"] == "vn.lienvung.agreement.amended.v1"
    assert event["data"]["amendment_id"] == amendment["id"]
    assert [one["text"] for one in event["data"]["agreement"]["clauses"]] == [
        first["text"],
        NEW["text"],
        "Thêm một điều",
    ]
    entries = (await world.person("chilinh").read(f"{path_of(plan)}/texts"))["items"]
    assert [(one["agreement_id"], one["kind"]) for one in entries] == [
        (plan["id"], "original"),
        (amendment["id"], "amendment"),
    ]
    for one in (plan, amendment):
        assert (await world.person("chilinh").read(f"{path_of(one)}/text/verification"))["valid"] is True


async def test_clauses_on_a_day(world: World) -> None:
    plan = await plan_of_two(world)
    before = await clauses(world, plan)
    async with days_later(world, 10):
        await signed(world, await amended(world, plan, replace(plan)), TWO)
    assert await clauses(world, plan) == before
    assert await clauses(world, plan, on=in_days(9)) == before
    assert await clauses(world, plan, on=in_days(10)) == [before[0], (2, NEW["text"])]
    assert await clauses(world, plan, on=in_days(-1)) == []
    problem(await world.person("chilinh").get(f"{path_of(plan)}/clauses", on="today"), 422)


async def test_a_clause_is_repealed_and_its_number_is_not_given_again(world: World) -> None:
    plan = await plan_of_two(world)
    repeal = {"text": "Đã hoàn thành.", "operation": "repeal", "target_clause_id": plan["clauses"][1]["id"]}
    await signed(world, await amended(world, plan, repeal), TWO)
    assert [number for number, _ in await clauses(world, plan)] == [1]
    await signed(world, await amended(world, plan, {"text": "Điều mới"}), TWO)
    assert await clauses(world, plan) == [(1, plan["clauses"][0]["text"]), (3, "Điều mới")]


async def test_an_amendment_says_what_it_changes(world: World) -> None:
    plan = await plan_of_two(world, number="15-KH/BTV")
    text = (await world.person("chilinh").read(f"{path_of(await amended(world, plan, replace(plan)))}/text"))["text"]
    assert text.startswith("PHỤ LỤC SỬA ĐỔI, BỔ SUNG\n")
    assert f"Căn cứ Kế hoạch phối hợp số 15-KH/BTV – {plan['title']}, ký ngày " in text
    assert f"Điều 1. Sửa đổi Điều 2 như sau: {NEW['heading']}\n  {NEW['text']}\n" in text


async def test_a_renewal_moves_the_end_of_the_term_and_keeps_the_one_that_was_signed(world: World) -> None:
    plan = await plan_of_two(world, term_from="2026-01-01", term_to=in_days(30))
    renewal = await amended(world, plan, verb="renew", term_to=in_days(400))
    assert (renewal["amendment_kind"], renewal["term_to"]) == ("renewal", in_days(400))
    await signed(world, renewal, TWO)
    after = await world.person("chilinh").read(path_of(plan))
    assert (after["term_from"], after["term_to"]) == ("2026-01-01", in_days(400))
    assert after["original_term_to"] == in_days(30)
    event = (await world.registry.outbox(plan["id"]))[-1]
    assert event["type"] == "vn.lienvung.agreement.renewed.v1"
    assert {"field": "term_to", "from": in_days(30), "to": in_days(400)} in event["data"]["changes"]
    for one in (plan, renewal):
        assert (await world.person("chilinh").read(f"{path_of(one)}/text/verification"))["valid"] is True


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("renew", {}, "/term_to"),
        ("renew", {"term_to": "soon"}, "/term_to"),
        ("amend", {"clauses": [{"text": "x", "operation": "replace"}]}, "/clauses/0/target_clause_id"),
        ("amend", {"clauses": [{"text": "x", "target_clause_id": str(UUID(int=7))}]}, "/clauses/0/target_clause_id"),
        (
            "amend",
            {"clauses": [{"text": "x", "operation": "repeal", "target_clause_id": str(UUID(int=7))}]},
            "/clauses/0/target_clause_id",
        ),
        ("amend", {"clauses": [{"text": "x", "operation": "burn"}]}, "/clauses/0/operation"),
        ("amend", {"parties": [{"organization_id": str(UUID(int=7))}]}, "/parties/0/organization_id"),
    ],
)
async def test_an_amendment_that_cannot_be_drafted_names_the_field(
    world: World, verb: str, body: Json, pointer: str
) -> None:
    plan = await plan_of_two(world, term_to=in_days(30))
    answer = await world.person("dongtrieu").act(path_of(plan), verb, body)
    assert pointers(problem(answer, 422)) == [pointer]


async def test_a_clause_is_named_once_in_an_amendment_and_never_outside_of_one(world: World) -> None:
    plan = await plan_of_two(world)
    leader = world.person("dongtrieu")
    twice = await leader.act(path_of(plan), "amend", {"clauses": [replace(plan), replace(plan)]})
    assert pointers(problem(twice, 422)) == ["/clauses/1/target_clause_id"]
    other = await world.draft()
    assert pointers(problem(await leader.change(path_of(other), {"clauses": [replace(plan)]}), 422)) == [
        "/clauses/0/operation"
    ]


@pytest.mark.parametrize(
    ("verb", "body", "patch", "pointer"),
    [
        ("amend", {}, {}, "/clauses"),
        ("amend", {"clauses": [{"text": "x"}]}, {"term_to": "2099-01-01"}, "/term_to"),
        ("amend", {"clauses": [{"text": "x"}]}, {"term_from": "2020-01-01"}, "/term_from"),
        ("renew", {"term_to": in_days(30)}, {}, "/term_to"),
        ("renew", {"term_to": in_days(90)}, {"term_to": None}, "/term_to"),
        ("amend", {"clauses": [{"text": "x"}]}, {"parties": ("dongtrieu", "kinhmon")}, "/parties"),
    ],
)
async def test_an_amendment_that_lacks_something_is_not_opened(
    world: World, verb: str, body: Json, patch: Json, pointer: str
) -> None:
    plan = await plan_of_two(world, term_to=in_days(30))
    leader = world.person("dongtrieu")
    draft = await leader.step(path_of(plan), verb, body)
    if "parties" in patch:
        patch = {"parties": [{"organization_id": world.id(key)} for key in patch["parties"]]}
    accepted(await leader.change(path_of(draft), patch), 200)
    assert pointers(problem(await leader.act(path_of(draft), "open"), 422, "incomplete_agreement")) == [pointer]


async def test_a_clause_that_was_replaced_meanwhile_is_not_replaced_again(world: World) -> None:
    plan = await plan_of_two(world)
    leader = world.person("dongtrieu")
    late = await leader.step(path_of(plan), "amend", {"clauses": [replace(plan)]})
    await signed(world, await amended(world, plan, replace(plan)), TWO)
    refused = problem(await leader.act(path_of(late), "open"), 422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
        ("/clauses/0/target_clause_id", "clause_ended")
    ]


async def listed_actions(world: World, amendment: Json) -> list[str]:
    """What the leader of Đông Triều is told in a list that he can do."""
    page = await world.person("dongtrieu").read("/v1/agreements", amends=amendment["amends_agreement_id"])
    [actions] = [one["allowed_actions"] for one in page["items"] if one["id"] == amendment["id"]]
    return list(actions)


async def test_one_amendment_at_a_time_is_open(world: World) -> None:
    plan = await plan_of_two(world)
    leader = world.person("dongtrieu")
    first = await amended(world, plan, {"text": "Một"})
    second = await leader.step(path_of(plan), "amend", {"clauses": [{"text": "Hai"}]})
    before = await leader.get(path_of(second))
    assert before.json()["allowed_actions"] == await listed_actions(world, second) == ["update", "delete"]
    problem(await leader.act(path_of(second), "open"), 409, "amendment_open")
    refused = problem(await leader.act(path_of(second), "recall", {"reason": "x"}), 409, "invalid_transition")
    assert refused["possible"] == ["update", "delete"]
    await leader.step(path_of(first), "recall", {"reason": "Gộp"})
    after = await leader.get(path_of(second), headers={"If-None-Match": before.headers["etag"]})
    assert after.json()["allowed_actions"] == await listed_actions(world, second) == ["update", "delete", "open"]
    await signed(world, await leader.step(path_of(second), "open"), TWO)
    assert [text for _, text in await clauses(world, plan)][2:] == ["Hai"]


async def test_an_amendment_in_force_has_no_steps_of_its_own(world: World) -> None:
    plan = await plan_of_two(world)
    amendment = await signed(world, await amended(world, plan, {"text": "Một"}), TWO)
    leader = world.person("dongtrieu")
    # But for being shown to the public.
    assert (await leader.read(path_of(amendment)))["allowed_actions"] == ["publish"]
    for verb, body in (("amend", {}), ("suspend", {"reason": "x"}), ("terminate", {"reason": "x"})):
        assert problem(await leader.act(path_of(amendment), verb, body), 409)["possible"] == ["publish"]
    task = {"title": "x", "lead_organization_id": world.id("ubnd-chilinh")}
    problem(await leader.post(f"{path_of(amendment)}/tasks", task), 409, "invalid_transition")


async def test_who_may_amend(world: World) -> None:
    plan = await plan_of_two(world)
    for person in (
        world.person("chilinh", Role.VIEWER),
        world.person("quangninh"),
        world.client("chilinh", "agreements:read"),
    ):
        problem(await person.act(path_of(plan), "amend", {}), 403, "forbidden")
    problem(await world.person("elsewhere").act_blindly(path_of(plan), "amend", {}), 404)
    problem(await world.person("chilinh").post(f"{path_of(plan)}/amend", {}), 428)
    draft = await world.draft()
    problem(await world.person("dongtrieu").act(path_of(draft), "amend", {}), 409, "invalid_transition")


async def test_who_joins_by_an_amendment_reads_what_he_joins_and_is_party_from_its_force_on(world: World) -> None:
    plan = await plan_of_two(world)
    path, newcomer = path_of(plan), world.person("sondong")
    parties = [{"organization_id": world.id(key)} for key in (*TWO, "sondong")]
    amendment = await amended(world, plan, {"text": "Sơn Động tham gia"}, parties=parties)
    assert (await newcomer.read(path))["allowed_actions"] == []
    await world.person("bacgiang").read(f"{path}/text")
    await newcomer.step(path_of(amendment), "decline", {"reason": "Chưa thống nhất"})
    problem(await newcomer.get(path), 404)
    problem(await world.person("bacgiang").get(path), 404)
    await world.person("dongtrieu").step(path_of(amendment), "open")
    await signed(world, amendment, (*TWO, "sondong"))
    after = await newcomer.read(path)
    assert [party["organization_id"] for party in after["parties"]] == [world.id(key) for key in (*TWO, "sondong")]
    assert after["parties"][2]["signed_at"] is not None
    assert "amend" in after["allowed_actions"]
    await world.person("bacgiang").read(path)
    for one in (plan, amendment):
        assert (await newcomer.read(f"{path_of(one)}/text/verification"))["valid"] is True
    lacking = await world.person("dongtrieu").step(path, "amend", {"clauses": [{"text": "x"}], "parties": parties[:2]})
    assert pointers(problem(await world.person("dongtrieu").act(path_of(lacking), "open"), 422)) == ["/parties"]


async def test_who_works_on_its_tasks_sees_the_amendment_too(world: World) -> None:
    plan = await plan_of_two(world)
    await world.task(plan, lead="ubnd-sondong", coordinating=())
    amendment = await signed(world, await amended(world, plan, replace(plan)), TWO)
    seen = await world.person("ubnd-sondong").read(path_of(amendment))
    assert (seen["id"], seen["allowed_actions"]) == (amendment["id"], [])


async def test_whoever_comes_in_later_sees_what_has_been_amended(world: World) -> None:
    """By a task that is assigned or passed on; an amendment that is not in force yet is nobody's else."""
    plan = await plan_of_two(world)
    task = await world.task(plan, coordinating=())
    amendment = await signed(world, await amended(world, plan, replace(plan)), TWO)
    plan |= {"clauses": (await world.person("chilinh").read(f"{path_of(plan)}/clauses"))["items"]}
    draft = await amended(world, plan, replace(plan))
    sondong, kinhmon = world.person("ubnd-sondong"), world.person("ubnd-kinhmon")
    for newcomer in (sondong, kinhmon):
        problem(await newcomer.get(path_of(amendment)), 404)
    await world.task(plan, lead="ubnd-sondong", coordinating=())
    handed = {"lead_organization_id": world.id("ubnd-kinhmon"), "reason": "Phân công lại"}
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "reassign", handed)
    for newcomer in (sondong, kinhmon):
        seen = await newcomer.read(path_of(amendment))
        assert (seen["id"], seen["allowed_actions"]) == (amendment["id"], [])
        problem(await newcomer.get(path_of(draft)), 404)


async def test_tasks_belong_to_clauses_in_force(world: World) -> None:
    plan = await plan_of_two(world)
    task = await world.task(plan)
    await signed(world, await amended(world, plan, replace(plan)), TWO)
    body = {
        "title": "x",
        "lead_organization_id": world.id("ubnd-chilinh"),
        "clause_id": plan["clauses"][1]["id"],
    }
    refused = problem(await world.person("dongtrieu").post(f"{path_of(plan)}/tasks", body), 422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/clause_id", "clause_ended")]
    new = (await world.person("chilinh").read(f"{path_of(plan)}/clauses"))["items"][1]["id"]
    accepted(await world.person("dongtrieu").post(f"{path_of(plan)}/tasks", body | {"clause_id": new}), 201)
    kept = await world.person("dongtrieu").read(f"/v1/tasks/{task['id']}")
    assert (kept["clause_id"], kept["version"]) == (plan["clauses"][1]["id"], 1)


async def test_nothing_is_amended_that_has_ended_meanwhile(world: World) -> None:
    plan = await plan_of_two(world)
    amendment = await amended(world, plan, replace(plan))
    await world.person("chilinh").step(path_of(amendment), "sign", signature("chilinh"))
    await world.person("dongtrieu").step(path_of(plan), "terminate", {"reason": "x"})
    last = await world.person("dongtrieu").act(path_of(amendment), "sign", signature("dongtrieu"))
    problem(last, 409, "amended_not_in_force")
    assert (await world.person("chilinh").read(path_of(amendment)))["status"] == "open_for_signature"
    assert await listed_actions(world, amendment) == ["decline", "recall"]
    assert (await types(world, plan["id"]))[-1] == "terminated"
    recalled = await world.person("dongtrieu").step(path_of(amendment), "recall", {"reason": "x"})
    assert recalled["allowed_actions"] == await listed_actions(world, amendment) == ["update"]
    problem(await world.person("dongtrieu").act(path_of(amendment), "open"), 409, "amended_not_in_force")


@pytest.mark.parametrize(
    "statement",
    [
        "update agreement_clause set text = 'khác' where agreement_id = $plan",
        "update agreement_clause set ended_on = current_date, ended_by = $open"
        " where agreement_id = $plan and ended_on is null",
        "update agreement_clause set ended_on = ended_on - 1 where agreement_id = $plan and ended_on is not null",
        "update agreement_clause set agreement_id = $draft where agreement_id = $plan",
        "insert into agreement_clause (id, agreement_id, ordinal, text) values (gen_random_uuid(), $plan, 9, 'thêm')",
        "insert into agreement_clause (id, agreement_id, ordinal, text, amendment_id, started_on)"
        " values (gen_random_uuid(), $plan, 9, 'thêm', $open, current_date)",
        "delete from agreement_clause where agreement_id = $plan and ended_on is not null",
    ],
)
async def test_not_even_sql_goes_past_an_amendment(world: World, statement: str) -> None:
    plan = await plan_of_two(world)
    await signed(world, await amended(world, plan, replace(plan)), TWO)
    open_one = await amended(world, plan, {"text": "Chưa ký"})
    draft = await world.draft()
    for place, one in (("$plan", plan), ("$open", open_one), ("$draft", draft)):
        statement = statement.replace(place, f"'{one['id']}'")
    with pytest.raises(asyncpg.RaiseError, match="cannot change"):
        await world.rows(statement)


async def test_the_amendments_of_an_agreement_are_found_by_an_index(world: World) -> None:
    plan = await explained(world, "select id from agreement where amends_agreement_id = $1", UUID(int=1))
    assert "agreement_amend" in plan


async def test_all_of_a_large_agreement_sign_its_amendment(world: World) -> None:
    plan = await world.plan()
    assert (await signed(world, await amended(world, plan, replace(plan)), PARTIES))["status"] == "in_force"
    assert (await clauses(world, plan))[1] == (2, NEW["text"])
