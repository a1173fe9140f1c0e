"""From the opening to force: what is frozen, who signs when, what a refusal undoes."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import PARTIES, PLAN, Json, World, accepted, pointers, problem, signature


async def test_a_plan_is_in_force_when_its_last_required_party_has_signed(world: World) -> None:
    plan = await world.opened()
    path = path_of(plan)
    assert (plan["status"], plan["in_force_on"]) == ("open_for_signature", None)
    for number, key in enumerate(PARTIES, start=1):
        plan = await world.person(key).step(path, "sign", signature(key))
        assert sum(party["signed_at"] is not None for party in plan["parties"]) == number
        assert plan["status"] == ("in_force" if number == len(PARTIES) else "open_for_signature")
    assert plan["in_force_on"] == plan["signed_on"]
    assert plan["in_force_on"] is not None
    signatures = (await world.person("lucnam").read(f"{path}/signatures"))["items"]
    assert [row["organization_id"] for row in signatures] == [world.id(key) for key in PARTIES]
    assert {row["text_digest"] for row in signatures} == {plan["text_digest"]}


async def test_whoever_is_not_required_is_not_waited_for(world: World) -> None:
    parties: list[Json] = [{"organization_id": world.id(key)} for key in ("dongtrieu", "chilinh")]
    parties.append({"organization_id": world.id("quangninh"), "role": "witness", "required": False})
    plan = await world.opened(parties=parties)
    await world.person("dongtrieu").step(path_of(plan), "sign", signature("dongtrieu"))
    signed = await world.person("chilinh").step(path_of(plan), "sign", signature("chilinh"))
    assert signed["status"] == "in_force"


async def test_from_the_opening_on_the_parties_and_the_bodies_above_them_see_it(world: World) -> None:
    plan = await world.opened()
    for key in (*PARTIES, "quangninh", "haiduong", "bacgiang"):
        assert (await world.person(key).read(path_of(plan)))["id"] == plan["id"]
    for key in ("ubnd-dongtrieu", "elsewhere"):
        problem(await world.person(key).get(path_of(plan)), 404, "not_found")


async def test_the_frozen_text_has_the_digest_that_is_signed(world: World) -> None:
    plan = await world.opened(term_from="2026-01-01", term_to="2030-12-31")
    text = await world.person("chilinh").read(f"{path_of(plan)}/text")
    assert hashlib.sha256(text["text"].encode()).hexdigest() == text["text_digest"] == plan["text_digest"]
    assert text["text_format"] == "text"
    for clause in PLAN["clauses"]:
        assert clause["text"] in text["text"]
    assert f"1. {world.organizations['dongtrieu'].name} (ký kết)" in text["text"]
    assert (PLAN["title"] in text["text"], "đến hết ngày 31/12/2030" in text["text"]) == (True, True)


async def test_the_same_text_has_the_same_digest_and_another_word_another(world: World) -> None:
    first, second = await world.opened(), await world.opened()
    other = await world.opened(clauses=[*PLAN["clauses"][:1], {"text": "Khác", "heading": "Xâm canh, xâm cư"}])
    assert first["text_digest"] == second["text_digest"] != other["text_digest"]


@pytest.mark.parametrize(
    "statement",
    [
        "update agreement_clause set text = 'khác' where agreement_id = $1",
        "delete from agreement_clause where agreement_id = $1",
        "insert into agreement_clause (id, agreement_id, ordinal, text) values (gen_random_uuid(), $1, 9, 'thêm')",
    ],
)
async def test_not_even_sql_changes_a_clause_after_the_opening(world: World, statement: str) -> None:
    plan = await world.opened()
    with pytest.raises(asyncpg.RaiseError, match="cannot change"):
        await world.rows(statement, UUID(plan["id"]))


async def test_after_the_opening_a_plan_is_not_patched(world: World) -> None:
    for plan in (await world.opened(), await world.plan()):
        before = await world.person("dongtrieu").read(path_of(plan))
        refused = problem(await world.person("dongtrieu").change(path_of(plan), {"title": "Khác"}), 409)
        assert refused["code"] == "invalid_transition"
        assert refused["possible"] == before["allowed_actions"]
        assert await world.person("dongtrieu").read(path_of(plan)) == before


async def test_a_party_signs_once(world: World) -> None:
    plan = await world.opened()
    leader = world.person("chilinh")
    signed = await leader.step(path_of(plan), "sign", signature("chilinh"))
    assert signed["allowed_actions"] == []
    problem(await leader.act(path_of(plan), "sign", signature("chilinh")), 409, "already_signed")
    problem(await leader.act(path_of(plan), "decline", {"reason": "Đổi ý"}), 409, "already_signed")


async def test_only_leaders_of_parties_sign(world: World) -> None:
    plan = await world.opened()
    for person in (
        world.specialist("chilinh"),
        world.person("chilinh", Role.ADMINISTRATOR),
        world.person("haiduong"),
        world.client("chilinh", "agreements:read"),
    ):
        problem(await person.act(path_of(plan), "sign", signature("chilinh")), 403, "forbidden")
    assert (await world.person("chilinh").read(path_of(plan)))["allowed_actions"] == ["sign", "decline"]


async def test_only_whose_turn_it_is_is_told_to_sign(world: World) -> None:
    """Of a witness nobody waits, and who is not required holds nobody up; declining has no turn."""
    parties = [
        {"organization_id": world.id("elsewhere"), "role": "witness"},
        {"organization_id": world.id("haiduong"), "required": False},
        *({"organization_id": world.id(key)} for key in ("chilinh", "dongtrieu")),
    ]
    plan = await world.opened(parties=parties, signing_order="sequential")

    async def told(key: str) -> list[str]:
        actions: list[str] = (await world.person(key).read(path_of(plan)))["allowed_actions"]
        listed = (await world.person(key).read("/v1/agreements"))["items"]
        assert next(one for one in listed if one["id"] == plan["id"])["allowed_actions"] == actions
        return actions

    assert [await told(key) for key in ("elsewhere", "haiduong", "chilinh")] == [["sign", "decline"]] * 3
    assert await told("dongtrieu") == ["decline", "recall"]
    refused = problem(await world.person("dongtrieu").change(path_of(plan), {"title": "Khác"}), 409)
    assert refused["possible"] == ["decline", "recall"]
    await world.person("chilinh").step(path_of(plan), "sign", signature("chilinh"))
    assert [await told(key) for key in ("chilinh", "dongtrieu")] == [[], ["sign", "decline", "recall"]]


async def test_a_custodian_that_is_no_party_cannot_sign(world: World) -> None:
    parties = [{"organization_id": world.id(key)} for key in ("chilinh", "kinhmon")]
    plan = await world.opened(parties=parties)
    problem(await world.person("dongtrieu").act(path_of(plan), "sign", signature("dongtrieu")), 403, "forbidden")


async def test_in_sequence_each_waits_for_those_before(world: World) -> None:
    parties = [{"organization_id": world.id(key)} for key in ("kinhmon", "dongtrieu", "chilinh")]
    plan = await world.opened(parties=parties, signing_order="sequential")
    path = path_of(plan)
    for key in ("dongtrieu", "chilinh"):
        problem(await world.person(key).act(path, "sign", signature(key)), 409, "not_your_turn")
    await world.person("kinhmon").step(path, "sign", signature("kinhmon"))
    problem(await world.person("chilinh").act(path, "sign", signature("chilinh")), 409, "not_your_turn")
    await world.person("dongtrieu").step(path, "sign", signature("dongtrieu"))
    assert (await world.person("chilinh").step(path, "sign", signature("chilinh")))["status"] == "in_force"


async def test_a_signature_under_another_text_is_refused(world: World) -> None:
    plan = await world.opened()
    leader = world.person("chilinh")
    body = signature("chilinh")
    problem(await leader.act(path_of(plan), "sign", body | {"text_digest": "0" * 64}), 409, "other_text")
    wrong = problem(await leader.act(path_of(plan), "sign", body | {"text_digest": "x"}), 422)
    assert pointers(wrong) == ["/text_digest"]
    assert (await leader.act(path_of(plan), "sign", body | {"text_digest": plan["text_digest"]})).status_code == 200


async def test_a_refusal_brings_it_back_to_draft_and_voids_what_was_signed(world: World) -> None:
    plan = await world.opened()
    path = path_of(plan)
    await world.person("dongtrieu").step(path, "sign", signature("dongtrieu"))
    declined = await world.person("chilinh").step(path, "decline", {"reason": "Bổ sung thời hạn"})
    assert (declined["status"], declined["text_digest"], declined["opened_at"]) == ("draft", None, None)
    assert not any(party["signed_at"] for party in declined["parties"])
    signatures = (await world.person("chilinh").read(f"{path}/signatures"))["items"]
    assert [row["voided_at"] is not None for row in signatures] == [True]
    problem(await world.person("chilinh").get(f"{path}/text"), 404, "not_found")

    custodian = world.person("dongtrieu")
    accepted(await custodian.change(path, {"term_to": "2030-12-31"}), 200)
    opened = await custodian.step(path, "open")
    assert opened["text_digest"] != plan["text_digest"]
    for key in PARTIES:
        opened = await world.person(key).step(path, "sign", signature(key))
    assert opened["status"] == "in_force"


async def test_a_party_that_was_left_out_no_longer_sees_it(world: World) -> None:
    plan = await world.opened()
    path, custodian = path_of(plan), world.person("dongtrieu")
    await world.person("lucnam").step(path, "decline", {"reason": "Không tham gia"})
    parties = [{"organization_id": world.id(key)} for key in PARTIES if key != "lucnam"]
    accepted(await custodian.change(path, {"parties": parties}), 200)
    await custodian.step(path, "open")
    problem(await world.person("lucnam").get(path), 404, "not_found")
    assert (await world.person("sondong").read(path))["status"] == "open_for_signature"


async def test_leaders_who_sign_at_once_all_count_and_bring_it_into_force_once(world: World) -> None:
    for _ in range(3):
        plan = await world.opened()
        path = path_of(plan)
        answers = await asyncio.gather(
            *(world.person(key).post(f"{path}/sign", signature(key), **{"If-Match": "*"}) for key in PARTIES)
        )
        statuses = [accepted(answer, 200)["status"] for answer in answers]
        assert sorted(statuses) == ["in_force", *["open_for_signature"] * 4]
        events = [event["type"].split(".")[3] for event in await world.registry.outbox(plan["id"])]
        assert events == ["drafted", "opened_for_signature", *["signed"] * 5, "in_force"]


async def test_of_two_who_sign_the_same_version_one_reads_again(world: World) -> None:
    plan = await world.opened()
    path = path_of(plan)
    tag = (await world.person("dongtrieu").get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(world.person(key).post(f"{path}/sign", signature(key), **{"If-Match": tag}) for key in ("chilinh", "kinhmon"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize(
    ("verb", "key", "body"),
    [("open", "dongtrieu", None), ("sign", "chilinh", signature("chilinh")), ("decline", "chilinh", {"reason": "x"})],
)
async def test_a_step_that_the_status_does_not_have_is_refused(world: World, verb: str, key: str, body: Any) -> None:
    wrong = {"open": [await world.opened(), await world.plan()]}.get(verb, [await world.plan()])
    for plan in wrong:
        before = await world.person(key).read(path_of(plan))
        refused = problem(await world.person(key).act(path_of(plan), verb, body), 409, "invalid_transition")
        assert refused["possible"] == before["allowed_actions"]
        assert await world.person(key).read(path_of(plan)) == before
    if verb != "open":
        draft = await world.draft(parties=[{"organization_id": world.id("dongtrieu")}])
        problem(await world.person("dongtrieu").act(path_of(draft), verb, body), 403, "forbidden")


@pytest.mark.parametrize("verb", ["open", "sign", "decline"])
async def test_a_step_without_or_on_a_stale_version_is_refused(world: World, verb: str) -> None:
    plan = await (world.draft() if verb == "open" else world.opened())
    leader = world.person("dongtrieu")
    body = {"open": None, "sign": signature("dongtrieu"), "decline": {"reason": "Thiếu"}}[verb]
    problem(await leader.post(f"{path_of(plan)}/{verb}", body), 428, "precondition_required")
    problem(await leader.post(f"{path_of(plan)}/{verb}", body, **{"If-Match": '"v0"'}), 412, "precondition_failed")


async def test_a_repeated_signature_is_answered_again_and_made_once(world: World) -> None:
    plan = await world.opened()
    leader, path = world.person("chilinh"), path_of(plan)
    headers = {"Idempotency-Key": "ký lần một".encode().hex(), "If-Match": (await leader.get(path)).headers["etag"]}
    first = await leader.post(f"{path}/sign", signature("chilinh"), **headers)
    again = await leader.post(f"{path}/sign", signature("chilinh"), **headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await leader.read(f"{path}/signatures"))["items"]) == 1


def path_of(agreement: Json) -> str:
    return f"/v1/agreements/{agreement['id']}"
