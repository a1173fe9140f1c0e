"""Comments: what is said to whom, who is named in them, and that nothing of it is lost."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from agreements_api.comments.schemas import CommentPublic, CommentVersion, PersonPublic
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem

SAID: Json = {"text": "Đề nghị hai bên thống nhất mốc giới (minh họa)."}


async def said(world: World, task: str, **given: Any) -> tuple[Json, str]:
    """A comment of a specialist of Kinh Môn, and its path."""
    comment = accepted(await world.specialist("ubnd-kinhmon").post(f"{task}/comments", SAID | given), 201)
    return comment, f"{task}/comments/{comment['id']}"


async def account(world: World, key: str, role: Role = Role.SPECIALIST, *, active: bool = True) -> str:
    return str((await world.registry.account(world.organizations[key], role, active=active)).id)


async def test_a_comment_is_read_by_all_who_see_the_task(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    comment, path = await said(world, task)
    CommentPublic.model_validate(comment)
    assert (comment["text"], comment["state"], comment["version"]) == (SAID["text"], "published", 1)
    assert (comment["author_name"], comment["organization_name"]) == (
        "specialist ubnd-kinhmon",
        "UBND thị xã Kinh Môn",
    )
    assert (comment["mentions"], comment["edited_at"], comment["deleted_at"]) == ([], None, None)
    assert comment["allowed_actions"] == ["update", "delete"]
    for key in ("ubnd-dongtrieu", "quangninh", "chilinh"):
        [seen] = (await world.person(key).read(f"{task}/comments"))["items"]
        assert (seen["id"], seen["allowed_actions"]) == (comment["id"], [])
        assert (await world.person(key).read(path))["text"] == SAID["text"]
    # The task itself is as it was: whoever works on it need not read it again.
    assert (await world.person("quangninh").read(task))["version"] == 2


async def test_who_is_named_sees_the_task(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    named = [await account(world, key) for key in ("ubnd-dongtrieu", "quangninh", "ubnd-kinhmon")]
    comment, _ = await said(world, task, mentions=[*named, named[0]])
    assert [one["account_id"] for one in comment["mentions"]] == named
    assert comment["mentions"][1]["organization_name"] == "Ban Thường vụ Tỉnh ủy Quảng Ninh"
    [event] = await world.registry.outbox(UUID(comment["id"]))
    assert (event["type"], event["partitionkey"]) == ("vn.lienvung.comment.added.v1", plan["id"])
    assert event["subject"] == f"comments/{comment['id']}"
    assert event["data"]["comment"]["mentions"] == [
        {"account_id": one["account_id"], "organization_id": one["organization_id"]} for one in comment["mentions"]
    ]
    assert SAID["text"] not in str(event)


async def test_who_does_not_see_the_task_is_not_named(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    reader = await account(world, "ubnd-dongtrieu")
    stranger, gone = await account(world, "elsewhere"), await account(world, "ubnd-dongtrieu", active=False)
    for wrong in (stranger, gone, str(uuid4())):
        answer = await world.specialist("ubnd-kinhmon").post(f"{task}/comments", SAID | {"mentions": [reader, wrong]})
        refused = problem(answer, 422, "cannot_mention")
        assert (pointers(refused), refused["errors"][0]["code"]) == (["/mentions/1"], "no_reader")
    _, path = await said(world, task, mentions=[reader])
    refused = problem(await world.specialist("ubnd-kinhmon").change(path, {"mentions": [stranger]}), 422)
    assert pointers(refused) == ["/mentions/0"]
    assert len((await world.person("ubnd-dongtrieu").read(f"{task}/comments"))["items"]) == 1


async def test_an_edit_keeps_what_was_said_before(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    first, second = await account(world, "ubnd-dongtrieu"), await account(world, "ubnd-chilinh")
    comment, path = await said(world, task, mentions=[first])
    author = world.specialist("ubnd-kinhmon")
    # Whoever is named stays so, even when his account has ended since.
    await world.rows("update account set active = false where id = $1", UUID(first))
    edited = accepted(await author.change(path, {"text": "Rõ hơn", "mentions": [first, second]}), 200)
    assert (edited["text"], edited["version"], edited["edited_at"] is not None) == ("Rõ hơn", 2, True)
    assert [one["account_id"] for one in edited["mentions"]] == [first, second]
    same = accepted(await author.change(path, {"text": "Rõ hơn"}), 200)
    assert same["version"] == 2
    versions = (await author.read(f"{path}/versions"))["items"]
    assert [(one["version"], one["text"], len(one["mentions"])) for one in versions] == [
        (2, "Rõ hơn", 2),
        (1, SAID["text"], 1),
    ]
    for one in versions:
        CommentVersion.model_validate(one)
    events = await world.registry.outbox(UUID(comment["id"]))
    assert [event["type"].split(".", 2)[2] for event in events] == ["comment.added.v1", "comment.edited.v1"]


async def test_what_is_taken_back_leaves_its_place_and_its_versions(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    comment, path = await said(world, task)
    author = world.specialist("ubnd-kinhmon")
    tag = (await author.get(path)).headers["etag"]
    problem(await author.delete(path), 428)
    problem(await author.delete(path, **{"If-Match": '"v5"'}), 412)
    deleted = accepted(await author.delete(path, **{"If-Match": tag}), 200)
    assert (deleted["state"], deleted["text"], deleted["allowed_actions"]) == ("deleted", None, [])
    [seen] = (await world.person("ubnd-dongtrieu").read(f"{task}/comments"))["items"]
    assert (seen["text"], seen["mentions"], seen["deleted_at"] is not None) == (None, [], True)
    problem(await author.change(path, {"text": "Nữa"}), 409, "invalid_transition")
    problem(await author.delete(path, **{"If-Match": "*"}), 409, "invalid_transition")
    for reader in (author, world.person("dongtrieu")):
        versions = (await reader.read(f"{path}/versions"))["items"]
        assert [one["text"] for one in versions] == [None, SAID["text"]]
    for key in ("ubnd-dongtrieu", "quangninh"):
        problem(await world.person(key).get(f"{path}/versions"), 403)
    problem(await world.person("elsewhere").get(f"{path}/versions"), 404)
    events = await world.registry.outbox(UUID(comment["id"]))
    assert events[-1]["type"] == "vn.lienvung.comment.deleted.v1"


async def test_only_the_author_changes_it(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await said(world, task)
    for person in (world.person("ubnd-kinhmon"), world.person("dongtrieu"), world.person("quangninh")):
        assert (await person.change(path, {"text": "Khác"})).status_code == 403
        assert (await person.delete(path, **{"If-Match": "*"})).status_code == 403


@pytest.mark.parametrize(
    ("key", "role", "writes"),
    [
        ("ubnd-dongtrieu", Role.SPECIALIST, 201),
        ("ubnd-dongtrieu", Role.LEADER, 201),
        ("chilinh", Role.LEADER, 201),
        ("quangninh", Role.LEADER, 201),
        ("ubnd-dongtrieu", Role.VIEWER, 403),
        ("ubnd-dongtrieu", Role.ADMINISTRATOR, 403),
        ("elsewhere", Role.LEADER, 404),
    ],
)
async def test_the_table_says_who_comments(world: World, plan: Json, key: str, role: Role, writes: int) -> None:
    task = await world.under_way(plan)
    person = world.person(key, role)
    assert (await person.post(f"{task}/comments", SAID)).status_code == writes
    assert (await person.get(f"{task}/people")).status_code == (200 if writes == 201 else writes)
    assert (await person.get(f"{task}/comments")).status_code == (404 if writes == 404 else 200)


async def test_a_system_reads_with_its_scope_and_says_nothing(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await said(world, task)
    reading, blind = world.client("ubnd-dongtrieu", "tasks:read", "tasks:write"), world.client("ubnd-dongtrieu")
    assert (await reading.get(path)).status_code == 200
    assert (await reading.post(f"{task}/comments", SAID)).status_code == 403
    for where in (path, f"{task}/comments"):
        assert (await blind.get(where)).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": " "}, "/text"),
        ({"text": "x", "mentions": None}, "/mentions"),
        ({"text": "x", "mentions": ["x"]}, "/mentions/0"),
        ({"text": "x", "mentions": [str(uuid4())] * 21}, "/mentions"),
        ({"text": "x", "other": 1}, "/other"),
    ],
)
async def test_a_comment_that_is_none_is_refused(world: World, plan: Json, body: Json, pointer: str) -> None:
    task = await world.under_way(plan)
    assert pointers(problem(await world.specialist("ubnd-kinhmon").post(f"{task}/comments", body), 422)) == [pointer]


async def test_people_who_can_be_named_are_those_who_see_the_task(world: World) -> None:
    task = await world.under_way(await world.plan())
    lead, above = await account(world, "ubnd-dongtrieu"), await account(world, "quangninh")
    stranger, gone = await account(world, "elsewhere"), await account(world, "ubnd-dongtrieu", active=False)
    reader = world.specialist("ubnd-kinhmon")
    people = (await reader.read(f"{task}/people", limit=200))["items"]
    for one in people:
        PersonPublic.model_validate(one)
    found = {one["account_id"] for one in people}
    assert {lead, above} <= found
    assert not {stranger, gone} & found
    own = (await reader.read(f"{task}/people", organization=world.id("quangninh")))["items"]
    assert {one["organization_id"] for one in own} == {world.id("quangninh")}
    page = await reader.read(f"{task}/people", limit=1)
    following = await reader.read(f"{task}/people", limit=1, cursor=page["next_cursor"])
    assert page["items"][0]["account_id"] < following["items"][0]["account_id"]


async def test_of_two_edits_of_the_same_version_one_reads_again(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    comment, path = await said(world, task)
    author = world.specialist("ubnd-kinhmon")
    tag = (await author.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(author.patch(path, {"text": text}, **{"If-Match": tag}) for text in ("Một", "Hai"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len((await author.read(f"{path}/versions"))["items"]) == 2
    assert len(await world.registry.outbox(UUID(comment["id"]))) == 2


async def test_lists_go_on_page_by_page(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    comments = [(await said(world, task))[0]["id"] for _ in range(3)]
    reader = world.person("ubnd-dongtrieu")
    page = await reader.read(f"{task}/comments", limit=2)
    rest = await reader.read(f"{task}/comments", limit=2, cursor=page["next_cursor"])
    assert [item["id"] for item in (*page["items"], *rest["items"])] == comments[::-1]
    assert rest["next_cursor"] is None
    problem(await reader.get(f"{task}/comments", cursor="x"), 400)


async def test_one_of_another_task_is_not_found(world: World, plan: Json) -> None:
    task, other = await world.under_way(plan), await world.under_way(plan)
    comment, _ = await said(world, task)
    author, path = world.specialist("ubnd-kinhmon"), f"{other}/comments/{comment['id']}"
    problem(await author.get(path), 404)
    problem(await author.patch(path, {"text": "x"}, **{"If-Match": "*"}), 404)
    problem(await author.delete(path, **{"If-Match": "*"}), 404)
    problem(await author.get(f"/v1/tasks/{uuid4()}/comments"), 404)
    problem(await author.get(f"/v1/tasks/{uuid4()}/people"), 404)


async def test_a_repeated_request_says_it_once(world: World, plan: Json) -> None:
    task, author = await world.under_way(plan), world.specialist("ubnd-kinhmon")
    answers = [await author.post(f"{task}/comments", SAID, **{"Idempotency-Key": "say-once"}) for _ in range(2)]
    assert accepted(answers[0], 201) == accepted(answers[1], 201)
    assert answers[0].headers["location"] == f"{task}/comments/{answers[0].json()['id']}"
    assert len((await author.read(f"{task}/comments"))["items"]) == 1
