"""An answer that reads otherwise than before has another entity tag, also where the record has no new version."""

from uuid import uuid4

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, Person, World, accepted
from tests.agreements_api.conftest import Caller

EVERY = {"If-Match": "*"}


class Reading:
    """A caller who read an address and asks for it again."""

    def __init__(self, caller: Caller, path: str, body: Json, tag: str) -> None:
        self.caller, self.path, self.body, self.tag = caller, path, body, tag

    @classmethod
    async def of(cls, caller: Caller, path: str) -> "Reading":
        answer = await caller.get(path)
        reading = cls(caller, path, accepted(answer, 200), answer.headers["etag"])
        assert await reading.again() is None
        return reading

    async def again(self) -> Json | None:
        """What is there now, where it is not what the caller has."""
        answer = await self.caller.get(self.path, headers={"If-None-Match": self.tag})
        return None if answer.status_code == 304 else accepted(answer, 200)

    async def changed(self, *, version: int | None = None) -> Json:
        now = await self.again()
        assert now is not None
        assert now != self.body
        assert now["version"] == (version or self.body["version"])
        return now


async def added(person: Person, path: str, body: Json) -> str:
    return str(accepted(await person.post(path, body, **EVERY), 201)["id"])


async def test_what_can_be_done_beside_a_task_ends_with_it(world: World) -> None:
    path = await world.under_way()
    leader, worker = world.person("dongtrieu"), world.specialist("ubnd-dongtrieu")
    milestone = await added(worker, f"{path}/milestones", {"title": "Thống nhất danh sách"})
    extension = await added(worker, f"{path}/extensions", {"due_on": "2027-03-01", "reason": "Chờ đo đạc"})
    readings = [
        await Reading.of(worker, f"{path}/milestones/{milestone}"),
        await Reading.of(leader, f"{path}/extensions/{extension}"),
    ]
    await leader.step(path, "cancel", {"reason": "Không còn cần"})
    for reading in readings:
        assert reading.body["allowed_actions"]
        assert (await reading.changed())["allowed_actions"] == []


async def test_what_can_be_added_to_a_corridor_ends_with_the_agreement(world: World) -> None:
    plan = await world.plan()
    planner, path = world.specialist("dongtrieu"), f"/v1/agreements/{plan['id']}"
    corridor = await added(planner, f"{path}/corridors", {"name": "Quốc lộ 37"})
    reading = await Reading.of(planner, f"/v1/corridors/{corridor}")
    await world.person("dongtrieu").step(path, "conclude", {"reason": "Hết việc"})
    assert (await reading.changed())["allowed_actions"] == ["update"]


async def test_ones_own_account_tells_how_its_organisation_is_called_today(world: World) -> None:
    account = await world.registry.account(world.organizations["kinhmon"], Role.VIEWER)
    operator = await world.registry.caller(None)
    reading = await Reading.of(world.registry.as_account(account), "/v1/me")
    name = f"Ban Thường vụ Thị ủy Kinh Môn {uuid4().hex[:6]}"
    path = f"/v1/organizations/{world.id('kinhmon')}"
    accepted(await operator.patch(path, {"name": name}, **EVERY), 200)
    assert (await reading.changed())["organization"]["name"] == name


async def test_a_change_is_still_decided_on_the_version_alone(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    milestone = f"{path}/milestones/{await added(worker, f'{path}/milestones', {'title': 'Ký biên bản'})}"
    reading = await Reading.of(worker, milestone)
    accepted(await worker.patch(milestone, {"title": "Ký"}, **{"If-Match": reading.tag}), 200)
    assert (await worker.patch(milestone, {"title": "Ký lại"}, **{"If-Match": reading.tag})).status_code == 412


async def test_a_text_that_the_caller_has_is_not_sent_again(world: World) -> None:
    plan = await world.plan()
    reader = world.person("haiduong", Role.VIEWER)
    for part in ("text", f"texts/{plan['text_digest']}"):
        await Reading.of(reader, f"/v1/agreements/{plan['id']}/{part}")


async def test_the_same_text_frozen_again_is_another_answer(world: World) -> None:
    plan = await world.opened()
    path, leader = f"/v1/agreements/{plan['id']}", world.person("dongtrieu")
    reading = await Reading.of(leader, f"{path}/text")
    await leader.step(path, "recall", {"reason": "Soát lại"})
    await leader.step(path, "open")
    now = await reading.again()
    assert now is not None
    assert now["text"] == reading.body["text"]
    assert now["frozen_at"] != reading.body["frozen_at"]
