"""Roles, delegation, the time limit, and taking a text back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from agreements_api.agreements.lifecycle import end_what_is_over
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem, signature

KEYS = ("dongtrieu", "chilinh")
DELEGATION = {"basis": "Quyết định phân công", "number": "12/QĐ-UBND", "principal_title": "Bí thư"}


def parties(world: World, *more: Json) -> list[Json]:
    return [*({"organization_id": world.id(key)} for key in KEYS), *more]


@asynccontextmanager
async def days_later(world: World, days: int) -> AsyncIterator[None]:
    """The product's clock, moved as development moves it."""
    await world.rows("update product_clock set offset_interval = make_interval(days => $1)", days)
    clock.set_offset(timedelta(days=days))
    try:
        yield
    finally:
        await world.rows("update product_clock set offset_interval = '0'")
        clock.set_offset(timedelta())


def in_days(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


async def types(world: World, agreement_id: Any) -> list[str]:
    return [event["type"].split(".")[3] for event in await world.registry.outbox(agreement_id)]


async def test_an_approval_that_is_required_is_waited_for(world: World) -> None:
    plan = await world.opened(
        parties=parties(world, {"organization_id": world.id("quangninh"), "role": "approver"}),
        signing_order="sequential",
    )
    path = path_of(plan)
    for key in KEYS:
        problem(await world.person("quangninh").act(path, "sign", signature("quangninh")), 409, "not_your_turn")
        plan = await world.person(key).step(path, "sign", signature(key))
    assert plan["status"] == "open_for_signature"
    plan = await world.person("quangninh").step(path, "sign", signature("quangninh"))
    assert plan["status"] == "in_force"
    signatures = (await world.person("chilinh").read(f"{path}/signatures"))["items"]
    assert [one["role"] for one in signatures] == ["signatory", "signatory", "approver"]


async def test_an_approver_can_come_first(world: World) -> None:
    approver = {"organization_id": world.id("quangninh"), "role": "approver"}
    plan = await world.opened(parties=[approver, *parties(world)], signing_order="sequential")
    problem(await world.person("chilinh").act(path_of(plan), "sign", signature("chilinh")), 409, "not_your_turn")
    await world.person("quangninh").step(path_of(plan), "sign", signature("quangninh"))
    await world.person("dongtrieu").step(path_of(plan), "sign", signature("dongtrieu"))


async def test_approvers_alone_make_no_agreement(world: World) -> None:
    two = [{"organization_id": world.id(key), "role": "approver"} for key in ("quangninh", "haiduong")]
    draft = await world.draft(parties=two)
    assert pointers(problem(await world.person("dongtrieu").act(path_of(draft), "open"), 422)) == ["/parties"]


async def test_a_witness_is_never_required(world: World) -> None:
    witness = {"organization_id": world.id("quangninh"), "role": "witness", "required": True}
    plan = await world.opened(parties=parties(world, witness))
    assert plan["parties"][2]["required"] is False
    for key in KEYS:
        plan = await world.person(key).step(path_of(plan), "sign", signature(key))
    assert plan["status"] == "in_force"


async def test_whoever_signs_for_another_is_printed_so(world: World) -> None:
    plan = await world.opened(parties=parties(world))
    body = signature("chilinh") | {
        "authority": "for_superior",
        "delegation": DELEGATION,
        "signatory_title": "Phó Bí thư",
    }
    await world.person("chilinh").step(path_of(plan), "sign", body)
    old = signature("dongtrieu") | {"delegation": "Theo phân công"}
    await world.person("dongtrieu").step(path_of(plan), "sign", old)
    first, second = (await world.person("chilinh").read(f"{path_of(plan)}/signatures"))["items"]
    assert first["signature_block"] == ["KT. BÍ THƯ", "PHÓ BÍ THƯ", body["signatory_name"]]
    assert (first["delegation"], first["delegation_number"]) == ("Quyết định phân công", "12/QĐ-UBND")
    assert (second["authority"], second["delegation"]) == (None, "Theo phân công")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"authority": "by_order"}, "/delegation"),
        (
            {"authority": "by_order", "delegation": DELEGATION | {"valid_until": "2020-01-01"}},
            "/delegation/valid_until",
        ),
        ({"authority": "by_order", "delegation": DELEGATION | {"valid_until": "tomorrow"}}, "/delegation/valid_until"),
        ({"authority": "by_order", "delegation": {"number": "1"}}, "/delegation/basis"),
        ({"authority": "by_order", "delegation": 7}, "/delegation"),
        ({"authority": "king"}, "/authority"),
    ],
)
async def test_a_ground_that_does_not_hold_names_the_field(world: World, body: Json, pointer: str) -> None:
    plan = await world.opened(parties=parties(world))
    answer = await world.person("chilinh").act(path_of(plan), "sign", signature("chilinh") | body)
    assert pointers(problem(answer, 422)) == [pointer]
    assert (await world.person("chilinh").read(f"{path_of(plan)}/signatures"))["items"] == []


async def test_the_last_day_is_set_in_the_draft_or_at_the_opening(world: World) -> None:
    custodian = world.person("dongtrieu")
    draft = await world.draft(parties=parties(world), sign_by=in_days(3))
    assert (await custodian.step(path_of(draft), "open"))["sign_by"] == in_days(3)
    draft = await world.draft(parties=parties(world), sign_by=in_days(3))
    assert (await custodian.step(path_of(draft), "open", {"sign_by": in_days(9)}))["sign_by"] == in_days(9)
    draft = await world.draft(parties=parties(world), sign_by=in_days(3))
    assert (await custodian.step(path_of(draft), "open", {"sign_by": None}))["sign_by"] is None
    draft = await world.draft(parties=parties(world))
    refused = problem(await custodian.act(path_of(draft), "open", {"sign_by": in_days(-9)}), 422)
    assert pointers(refused) == ["/sign_by"]


async def test_signing_lapses_after_its_last_day(world: World) -> None:
    plan = await world.opened(parties=parties(world), sign_by=in_days(0))
    lasting = await world.opened(parties=parties(world), sign_by=in_days(40))
    path = path_of(plan)
    await world.person("chilinh").step(path, "sign", signature("chilinh"))
    await end_what_is_over(world.registry.database, 50)
    assert (await world.person("chilinh").read(path))["status"] == "open_for_signature"
    leader = world.person("dongtrieu")
    signable = await leader.get(path)
    assert signable.json()["allowed_actions"] == ["sign", "decline", "recall"]
    async with days_later(world, 12):
        unsignable = await leader.get(path, headers={"If-None-Match": signable.headers["etag"]})
        listed = (await leader.read("/v1/agreements", status="open_for_signature"))["items"]
        named = {one["id"]: one["allowed_actions"] for one in listed}
        assert unsignable.json()["allowed_actions"] == named[plan["id"]] == ["decline", "recall"]
        assert named[lasting["id"]] == ["sign", "decline", "recall"]
        refused = problem(await leader.act(path, "open"), 409, "invalid_transition")
        assert refused["possible"] == ["decline", "recall"]
        late = await world.person("dongtrieu").act(path, "sign", signature("dongtrieu"))
        problem(late, 409, "signing_over")
        await asyncio.gather(*(end_what_is_over(world.registry.database, 1) for _ in range(4)))
        await end_what_is_over(world.registry.database, 50)
        after = await world.person("chilinh").read(path)
        assert (after["status"], after["text_digest"]) == ("draft", None)
        assert not any(party["signed_at"] for party in after["parties"])
    assert (await types(world, plan["id"]))[2:] == ["signed", "signing_expired"]
    (void,) = (await world.person("chilinh").read(f"{path}/signatures"))["items"]
    assert void["void_reason"] == "expired"
    newest = (await world.person("chilinh").read(f"{path}/history"))["items"][0]
    assert (newest["action"], newest["actor"]["kind"]) == ("expire_signing", "system")
    assert (await world.person("chilinh").read(path_of(lasting)))["status"] == "open_for_signature"
    problem(await world.person("dongtrieu").act(path, "open", {"sign_by": in_days(-20)}), 422)
    opened = await world.person("dongtrieu").step(path, "open", {"sign_by": in_days(5)})
    assert opened["text_digest"] == plan["text_digest"]


async def test_the_custodian_takes_a_text_back(world: World) -> None:
    plan = await world.opened(parties=parties(world))
    path = path_of(plan)
    await world.person("chilinh").step(path, "sign", signature("chilinh"))
    for person in (
        world.person("chilinh"),
        world.specialist("dongtrieu"),
        world.person("dongtrieu", Role.ADMINISTRATOR),
    ):
        problem(await person.act(path, "recall", {"reason": "x"}), 403, "forbidden")
    problem(await world.person("dongtrieu").act(path, "recall", {}), 422)
    recalled = await world.person("dongtrieu").step(path, "recall", {"reason": "Sai căn cứ"})
    assert (recalled["status"], recalled["text_digest"]) == ("draft", None)
    (void,) = (await world.person("chilinh").read(f"{path}/signatures"))["items"]
    assert void["void_reason"] == "recalled"
    assert (await types(world, plan["id"]))[-1] == "recalled"
    assert (await world.person("dongtrieu").read(f"{path}/history"))["items"][0]["remark"] == "Sai căn cứ"
    problem(await world.person("dongtrieu").act(path, "recall", {"reason": "x"}), 409, "invalid_transition")


async def test_what_was_taken_back_can_still_be_read(world: World) -> None:
    plan = await world.opened(parties=parties(world))
    path, leader = path_of(plan), world.person("chilinh")
    text = await leader.read(f"{path}/text")
    await leader.step(path, "decline", {"reason": "Thiếu thời hạn"})
    accepted(await world.person("dongtrieu").change(path, {"term_to": "2030-12-31"}), 200)
    await world.person("dongtrieu").step(path, "open")
    entries = (await leader.read(f"{path}/texts"))["items"]
    assert [(one["kind"], one["withdrawal"]) for one in entries] == [("original", None), ("withdrawn", "declined")]
    assert entries[1]["text_digest"] == plan["text_digest"] != entries[0]["text_digest"]
    assert await leader.read(f"{path}/texts/{plan['text_digest']}") == text
    problem(await leader.get(f"{path}/texts/{'0' * 64}"), 404, "not_found")
    problem(await leader.get(f"{path}/texts/x"), 422)
    problem(await world.person("elsewhere").get(f"{path}/texts"), 404, "not_found")


async def test_a_snapshot_says_who_has_until_when_to_sign(world: World) -> None:
    plan = await world.opened(parties=parties(world), sign_by=in_days(30))
    await world.person("chilinh").step(path_of(plan), "sign", signature("chilinh"))
    snapshot = (await world.registry.outbox(plan["id"]))[-1]["data"]["agreement"]
    assert snapshot["sign_by"] == in_days(30)
    assert [(one["ordinal"], one["role"], one["signed_at"] is not None) for one in snapshot["parties"]] == [
        (1, "signatory", False),
        (2, "signatory", True),
    ]
