"""How an agreement stood to the public at an instant, as its history tells it."""

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO
from tests.agreements_api.publication.public import publish, unpublish

# What publishing one task told before it told which ones are public.
EARLIER_RELEASE = """
update history set changes = (
    select jsonb_agg(y) from jsonb_array_elements(changes) y where y->>'field' <> 'public_tasks')
where agreement_id = $1 and action in ('publish_task', 'unpublish_task')
"""


async def story(world: World, plan: Json, looking: Looking) -> None:
    """Three tasks, two of them of one title, shown and taken back, with everything else that happens in between."""
    path, leader = f"/v1/agreements/{plan['id']}", world.person("dongtrieu")
    one, other, twin = [await world.task(plan, title=title) for title in ("Một", "Hai", "Hai")]
    look = f"{path}/publication"
    await looking.look(look)
    await publish(world, plan, one["id"], twin["id"])
    await looking.look(look)
    await leader.step(f"/v1/tasks/{other['id']}", "publish")
    await looking.look(look)
    accepted(await leader.change(f"/v1/tasks/{one['id']}", {"title": "Một, tên khác"}), 200)
    await leader.step(path, "suspend", {"reason": "Rà soát (minh họa)"})
    await leader.step(f"/v1/tasks/{one['id']}", "unpublish", {"reason": "Đang đính chính"})
    await looking.look(look)
    await unpublish(world, plan)
    await looking.look(look)
    await publish(world, plan)
    await looking.look(look)
    await leader.step(f"/v1/tasks/{one['id']}", "publish")
    await looking.look(look)


async def test_every_read_shows_what_it_showed_then(world: World) -> None:
    looking = Looking(world.person("haiduong", Role.VIEWER))
    await story(world, await world.plan(), looking)
    assert await looking.again() == 7


async def test_what_earlier_releases_told_is_understood_by_the_titles_of_that_time(world: World) -> None:
    looking, plan = Looking(world.person("haiduong", Role.VIEWER)), await world.plan()
    await story(world, plan, looking)
    await world.rows("alter table history disable trigger user")
    await world.rows(EARLIER_RELEASE, plan["id"])
    await world.rows("alter table history enable trigger user")
    assert await looking.again() == 7


async def test_nothing_can_be_done_with_it_and_its_tag_is_that_of_the_agreement_then(world: World) -> None:
    plan = await world.plan()
    path, leader, before = f"/v1/agreements/{plan['id']}", world.person("dongtrieu"), now()
    assert (await leader.read(f"{path}/publication"))["allowed_actions"] == ["publish"]
    await publish(world, plan)
    was = await leader.get(f"{path}/publication", as_of=before)
    assert (was.json()["public"], was.json()["version"], was.json()["allowed_actions"]) == (False, 0, [])
    assert was.headers["etag"] == (await leader.get(path, as_of=before)).headers["etag"]
    tag = {"If-None-Match": was.headers["etag"]}
    assert (await leader.get(f"{path}/publication", as_of=before, headers=tag)).status_code == 304


async def test_before_the_agreement_was_there_and_for_strangers_it_is_not_found(world: World) -> None:
    path, reader = f"/v1/agreements/{(await world.plan())['id']}/publication", world.specialist("chilinh")
    problem(await reader.get(path, as_of=LONG_AGO), 404)
    problem(await world.person("elsewhere").get(path, as_of=now()), 404)
    assert pointers(problem(await reader.get(path, as_of="2199-01-01"), 422)) == ["/query/as_of"]
