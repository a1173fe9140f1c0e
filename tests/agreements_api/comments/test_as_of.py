"""Comments as they were at an instant, and that the past is no way around what its author took back."""

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.comments.test_comments import SAID, account, said
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO

EVERY = {"If-Match": "*"}


async def test_whoever_reads_versions_sees_each_comment_as_it_was(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    author = world.specialist("ubnd-kinhmon")
    named = [await account(world, "ubnd-dongtrieu")]
    looking = [Looking(reader, f"{task}/comments") for reader in (author, world.person("dongtrieu"))]

    async def look(*singles: str) -> None:
        for one in looking:
            await one.look(*singles)

    await look()
    _, path = await said(world, task, mentions=named)
    singles = (path, f"{path}/versions")
    await look(*singles)
    accepted(await author.change(path, {"text": "Rõ hơn"}), 200)
    await look(*singles)
    _, other = await said(world, task)
    accepted(await author.change(path, {"mentions": []}), 200)
    await look(*singles, other)
    accepted(await author.delete(path, **EVERY), 200)
    await look(*singles, other)
    for one in looking:
        assert await one.again() == 15


async def test_others_see_of_the_past_what_they_may_read_today(world: World, plan: Json) -> None:
    """That something was said, and not a word that was replaced or taken back."""
    task = await world.under_way(plan)
    author, reader = world.specialist("ubnd-kinhmon"), world.person("ubnd-dongtrieu")
    named = [await account(world, "ubnd-dongtrieu")]
    (_, edited), (_, deleted), (kept, _) = [await said(world, task, mentions=named) for _ in range(3)]
    instant = now()
    accepted(await author.change(edited, {"text": "Rõ hơn"}), 200)
    accepted(await author.delete(deleted, **EVERY), 200)
    for path in (edited, deleted):
        was = await reader.read(path, as_of=instant)
        assert (was["state"], was["version"], was["text"], was["mentions"]) == ("published", 1, None, [])
        assert (was["edited_at"], was["deleted_at"], was["allowed_actions"]) == (None, None, [])
        assert (await author.read(path, as_of=instant))["text"] == SAID["text"]
        problem(await reader.get(f"{path}/versions", as_of=instant), 403)
    listed = (await reader.read(f"{task}/comments", as_of=instant))["items"]
    assert [item["text"] for item in listed] == [SAID["text"], None, None]
    assert listed[0] == kept | {"allowed_actions": []}
    after = [item["text"] for item in (await reader.read(f"{task}/comments", as_of=now()))["items"]]
    assert after == [SAID["text"], None, "Rõ hơn"]


async def test_before_it_was_said_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    before = now()
    _, path = await said(world, task)
    author, stranger = world.specialist("ubnd-kinhmon"), world.person("elsewhere")
    assert (await author.read(f"{task}/comments", as_of=before))["items"] == []
    for where in (path, f"{path}/versions"):
        problem(await author.get(where, as_of=before), 404)
        problem(await stranger.get(where, as_of=now()), 404)
    problem(await author.get(f"{task}/comments", as_of=LONG_AGO), 404)
    problem(await stranger.get(f"{task}/comments", as_of=now()), 404)
    for where in (f"{task}/comments", path, f"{path}/versions"):
        assert pointers(problem(await author.get(where, as_of="2199-01-01"), 422)) == ["/query/as_of"]


async def test_the_past_comes_in_pages_and_has_entity_tags(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    comments = [(await said(world, task))[1] for _ in range(3)]
    author, reader, instant = world.specialist("ubnd-kinhmon"), world.person("quangninh", Role.VIEWER), now()
    first = await author.get(comments[0], as_of=instant)
    accepted(await author.change(comments[0], {"text": "Rõ hơn"}), 200)
    await said(world, task)
    page = await reader.read(f"{task}/comments", as_of=instant, limit=2)
    rest = await reader.read(f"{task}/comments", as_of=instant, limit=2, cursor=page["next_cursor"])
    found = [f"{task}/comments/{item['id']}" for item in (*page["items"], *rest["items"])]
    assert (found, rest["next_cursor"]) == (comments[::-1], None)
    again = await author.get(comments[0], as_of=instant, headers={"If-None-Match": first.headers["etag"]})
    later = await author.get(comments[0], as_of=now(), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, later.status_code) == (304, 200)
