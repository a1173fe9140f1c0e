"""Drafting: who sees a draft, what it takes, how it changes until it is opened."""

import asyncio
import unicodedata
from typing import Any
from uuid import UUID

import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import PARTIES, PLAN, Json, World, accepted, pointers, problem

STRANGE = "01990000-0000-7000-8000-000000000003"


async def test_a_draft_belongs_to_the_organisation_of_who_made_it(world: World) -> None:
    draft = await world.draft()
    assert draft["status"] == "draft"
    assert draft["custodian_organization_id"] == world.id("dongtrieu")
    assert [party["organization_id"] for party in draft["parties"]] == [world.id(key) for key in PARTIES]
    assert draft["clause_count"] == len(PLAN["clauses"])
    assert draft["allowed_actions"] == ["update", "delete"]
    assert (await world.person("dongtrieu").read(path_of(draft)))["allowed_actions"] == ["update", "delete", "open"]


async def test_only_its_custodian_sees_a_draft(world: World) -> None:
    draft = await world.draft()
    for key in ("chilinh", "quangninh", "ubnd-dongtrieu", "elsewhere"):
        person = world.person(key)
        for part in ("", "/clauses", "/parties", "/signatures", "/text", "/history"):
            problem(await person.get(path_of(draft) + part), 404, "not_found")
        problem(await person.act_blindly(path_of(draft), "open"), 404, "not_found")


async def test_an_answer_shows_an_agreement_as_the_next_read_does(world: World) -> None:
    leader = world.person("dongtrieu")
    draft = await world.draft()
    patched = await leader.change(path_of(draft), {"number": "15-KH/BTV"})
    assert patched.json() == await leader.read(path_of(draft))
    opened = await leader.act(path_of(draft), "open")
    again = await leader.get(path_of(draft))
    assert (opened.json(), opened.headers["etag"]) == (again.json(), again.headers["etag"])
    same = await leader.get(path_of(draft), headers={"If-None-Match": again.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_a_patch_changes_what_it_names(world: World) -> None:
    draft = await world.draft(note="Ghi chú")
    custodian = world.specialist("dongtrieu")
    patch = {"title": "Tên khác", "note": None, "clauses": [{"text": "Điều duy nhất"}], "fields": ["du lịch"]}
    changed = accepted(await custodian.change(path_of(draft), patch), 200)
    assert (changed["title"], changed["note"], changed["clause_count"]) == ("Tên khác", None, 1)
    assert changed["parties"] == [
        {**new, "id": old["id"]} for new, old in zip(draft["parties"], changed["parties"], strict=True)
    ]
    clauses = (await custodian.read(f"{path_of(draft)}/clauses"))["items"]
    assert [(clause["ordinal"], clause["text"]) for clause in clauses] == [(1, "Điều duy nhất")]


async def test_a_patch_that_changes_nothing_makes_no_version(world: World) -> None:
    draft = await world.draft()
    custodian = world.specialist("dongtrieu")
    for patch in ({}, {"title": draft["title"], "fields": draft["fields"], "parent": draft["parent"]}):
        assert accepted(await custodian.change(path_of(draft), patch), 200) == draft
    assert len(await world.registry.outbox(draft["id"])) == 1


async def test_parties_of_a_draft_are_replaced_whole(world: World) -> None:
    draft = await world.draft()
    custodian = world.specialist("dongtrieu")
    keys = ("kinhmon", "dongtrieu")
    patch = {"parties": [{"organization_id": world.id(key)} for key in keys]}
    changed = accepted(await custodian.change(path_of(draft), patch), 200)
    assert [party["organization_id"] for party in changed["parties"]] == [world.id(key) for key in keys]
    assert (await custodian.read(f"{path_of(draft)}/parties"))["items"] == changed["parties"]


async def test_a_draft_that_is_deleted_is_gone_and_its_past_is_kept_for_the_audit(world: World) -> None:
    draft, other = await world.draft(), await world.draft()
    custodian = world.specialist("dongtrieu")
    seen = await custodian.get(path_of(draft))
    headers = custodian.unsafe(**{"If-Match": seen.headers["etag"]})
    for _ in range(2):
        answer = await world.http.delete(path_of(draft), headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
    for part in ("", "/clauses", "/parties", "/text", "/history"):
        problem(await custodian.get(path_of(draft) + part), 404, "not_found")
    problem(await custodian.get(path_of(draft), as_of=clock.now().isoformat()), 404, "not_found")
    ids = [one["id"] for one in (await custodian.read("/v1/agreements", limit=200))["items"]]
    assert draft["id"] not in ids
    assert other["id"] in ids
    told = await world.rows(
        "select version, action, state->>'title' as title from history where subject_id = $1 order by version",
        UUID(draft["id"]),
    )
    assert [tuple(row) for row in told] == [(1, "draft", draft["title"]), (2, "delete", draft["title"])]
    events = await world.registry.outbox(draft["id"])
    assert [event["type"].removeprefix("vn.lienvung.") for event in events] == [
        "agreement.drafted.v1",
        "agreement.discarded.v1",
    ]


async def test_a_draft_is_deleted_against_the_version_that_was_read(world: World) -> None:
    draft = await world.draft()
    custodian = world.specialist("dongtrieu")
    problem(await custodian.delete(path_of(draft)), 428)
    problem(await custodian.delete(path_of(draft), **{"If-Match": '"v7"'}), 412)
    assert (await custodian.read(path_of(draft)))["status"] == "draft"


async def test_what_others_have_seen_cannot_be_deleted(world: World) -> None:
    plan = await world.opened()
    leader = world.person("dongtrieu")
    assert "delete" not in (await leader.read(path_of(plan)))["allowed_actions"]
    problem(await leader.delete(path_of(plan), **{"If-Match": f'"v{plan["version"]}"'}), 409, "invalid_transition")
    recalled = await leader.step(path_of(plan), "recall", {"reason": "Sửa lỗi (minh họa)"})
    assert recalled["allowed_actions"] == ["update", "open"]
    problem(await leader.delete(path_of(plan), **{"If-Match": f'"v{recalled["version"]}"'}), 409, "was_presented")
    assert (await leader.read(path_of(plan)))["status"] == "draft"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"title": ""}, "/title", "string_too_short"),
        ({"title": "x" * 1001}, "/title", "string_too_long"),
        ({"instrument": "poem"}, "/instrument", "enum"),
        ({"term_from": "2027-01-01", "term_to": "2026-01-01"}, "/term_to", "term_reversed"),
        ({"term_from": 0}, "/term_from", "date_parsing"),
        ({"source_url": "javascript:alert(1)"}, "/source_url", "url_scheme"),
        ({"parties": [{"organization_id": STRANGE}]}, "/parties/0/organization_id", "unknown_reference"),
        ({"parent_agreement_id": STRANGE}, "/parent_agreement_id", "unknown_reference"),
        ({"clauses": [{"text": ""}]}, "/clauses/0/text", "string_too_short"),
        ({"status": "in_force"}, "/status", "extra_forbidden"),
    ],
)
async def test_a_draft_that_cannot_be_taken_names_the_field(
    world: World, change: dict[str, Any], pointer: str, code: str
) -> None:
    counted = "select (select count(*) from agreement), (select count(*) from history), (select count(*) from outbox)"
    before = await world.rows(counted)
    answer = await world.specialist("dongtrieu").post("/v1/agreements", PLAN | change)
    assert [(error["pointer"], error["code"]) for error in problem(answer, 422)["errors"]] == [(pointer, code)]
    assert await world.rows(counted) == before


async def test_text_is_kept_composed_and_without_blanks_at_its_ends(world: World) -> None:
    decomposed = unicodedata.normalize("NFD", "Kế hoạch Đông Triều")
    assert (await world.draft(title=f"  {decomposed}\n"))["title"] == "Kế hoạch Đông Triều"


async def test_a_party_is_named_once(world: World) -> None:
    party = {"organization_id": world.id("chilinh")}
    answer = await world.specialist("dongtrieu").post("/v1/agreements", PLAN | {"parties": [party, party]})
    assert pointers(problem(answer, 422)) == ["/parties/1/organization_id"]


async def test_a_term_that_a_patch_turns_round_is_refused(world: World) -> None:
    draft = await world.draft(term_from="2026-01-01", term_to="2027-01-01")
    custodian = world.specialist("dongtrieu")
    answer = await custodian.change(path_of(draft), {"term_from": "2028-01-01"})
    assert pointers(problem(answer, 422)) == ["/term_to"]
    assert (await custodian.read(path_of(draft)))["term_from"] == "2026-01-01"


async def test_a_draft_can_follow_an_agreement_that_its_maker_sees(world: World) -> None:
    parent = await world.opened()
    body = PLAN | {"parent_agreement_id": parent["id"]}
    child = accepted(await world.specialist("chilinh").post("/v1/agreements", body), 201)
    assert child["parent_agreement_id"] == parent["id"]
    answer = await world.specialist("elsewhere").post("/v1/agreements", body)
    assert pointers(problem(answer, 422)) == ["/parent_agreement_id"]


async def test_a_draft_can_be_made_to_rest_on_another_agreement(world: World) -> None:
    parent, draft = await world.opened(), await world.draft()
    custodian = world.specialist("dongtrieu")
    changed = accepted(await custodian.change(path_of(draft), {"parent_agreement_id": parent["id"]}), 200)
    assert changed["parent_agreement_id"] == parent["id"]
    told = (await custodian.read(f"{path_of(draft)}/history"))["items"][0]["changes"]
    assert told == [{"field": "parent_agreement_id", "from": None, "to": parent["id"]}]
    cleared = accepted(await custodian.change(path_of(draft), {"parent_agreement_id": None}), 200)
    assert cleared["parent_agreement_id"] is None
    refused = problem(await custodian.change(path_of(draft), {"parent_agreement_id": STRANGE}), 422)
    assert pointers(refused) == ["/parent_agreement_id"]


async def test_no_agreement_rests_on_itself(world: World) -> None:
    """Neither directly nor through a draft that the caller does not see."""
    first = await world.opened()
    own, other = world.specialist("dongtrieu"), world.specialist("chilinh")
    hidden = accepted(await other.post("/v1/agreements", PLAN | {"parent_agreement_id": first["id"]}), 201)
    draft = await world.draft()
    for parent in (draft["id"], await between(world, hidden, draft)):
        refused = problem(await own.change(path_of(draft), {"parent_agreement_id": parent}), 422)
        assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
            ("/parent_agreement_id", "parent_cycle")
        ]


async def test_of_two_drafts_that_are_made_to_rest_on_each_other_at_once_one_does(world: World) -> None:
    one, other = await world.draft(), await world.draft()
    custodian = world.specialist("dongtrieu")
    answers = await asyncio.gather(
        custodian.change(path_of(one), {"parent_agreement_id": other["id"]}),
        custodian.change(path_of(other), {"parent_agreement_id": one["id"]}),
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    parents = [(await custodian.read(path_of(draft)))["parent_agreement_id"] for draft in (one, other)]
    assert sorted(parent is None for parent in parents) == [False, True]


async def between(world: World, hidden: Json, draft: Json) -> str:
    """An agreement that rests on a draft of somebody else, which rests on this draft."""
    await world.rows(
        "update agreement set parent_agreement_id = $1 where id = $2", UUID(draft["id"]), UUID(hidden["id"])
    )
    visible = await world.opened()
    await world.rows(
        "update agreement set parent_agreement_id = $1 where id = $2", UUID(hidden["id"]), UUID(visible["id"])
    )
    return str(visible["id"])


@pytest.mark.parametrize(("change", "pointer"), [({"clauses": []}, "/clauses"), ({"parties": []}, "/parties")])
async def test_what_lacks_parties_or_clauses_cannot_be_opened(
    world: World, change: dict[str, Any], pointer: str
) -> None:
    draft = await world.draft(**change)
    refused = problem(await world.person("dongtrieu").act(path_of(draft), "open"), 422, "incomplete_agreement")
    assert pointers(refused) == [pointer]


async def test_two_parties_have_to_sign(world: World) -> None:
    parties = [
        {"organization_id": world.id("dongtrieu")},
        {"organization_id": world.id("quangninh"), "role": "witness", "required": False},
    ]
    draft = await world.draft(parties=parties)
    assert pointers(problem(await world.person("dongtrieu").act(path_of(draft), "open"), 422)) == ["/parties"]


async def test_who_may_draft_change_and_open(world: World) -> None:
    for person in (
        world.person("dongtrieu", Role.VIEWER),
        world.client("dongtrieu", "agreements:read"),
        await world.registry.caller(None),
    ):
        problem(await person.post("/v1/agreements", PLAN), 403, "forbidden")
    draft = await world.draft()
    problem(await world.person("dongtrieu", Role.VIEWER).change(path_of(draft), {"title": "Khác"}), 403, "forbidden")
    problem(await world.specialist("dongtrieu").act(path_of(draft), "open"), 403, "forbidden")


async def test_a_change_needs_the_version_that_it_was_decided_on(world: World) -> None:
    draft = await world.draft()
    custodian = world.specialist("dongtrieu")
    problem(await custodian.patch(path_of(draft), {"title": "Khác"}), 428, "precondition_required")
    await custodian.change(path_of(draft), {"title": "Trước"})
    stale = await custodian.patch(path_of(draft), {"title": "Sau"}, **{"If-Match": '"v1"'})
    assert problem(stale, 412, "precondition_failed")["status"] == 412
    assert stale.headers["etag"] == '"v2"'
    assert (await custodian.read(path_of(draft)))["title"] == "Trước"


def path_of(agreement: dict[str, Any]) -> str:
    return f"/v1/agreements/{agreement['id']}"
