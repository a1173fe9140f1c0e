"""What documents are attached to: each kind by one entry, and what each of them holds its documents to."""

import asyncio

import pytest

from agreements_api.documents import repository
from agreements_api.documents.models import SUBJECT_WORDING, SubjectKind
from agreements_api.documents.permissions import may_add
from agreements_api.documents.repository import Origin
from agreements_api.policy import Relation
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.documents.files import attached, send
from tests.agreements_api.meetings.steps import came, held, planned
from tests.agreements_api.obstacles.raising import raised

EVERY = {"If-Match": "*"}

# Open points stand for whatever the other domain keeps: they are of an agreement, and settled ones are kept.
_STATEMENT = """
select o.created_at as since, o.agreement_id, null::uuid as task_id, null::uuid as owner_id, true as open,
    array(select distinct m.relation from agreement_member m
        where m.agreement_id = o.agreement_id and m.organization_id = $1) as relations,
    case when o.state = 'resolved' then o.updated_at end as kept_until
from open_point o
where o.id = $2 and exists (select from agreement_access x
    where x.agreement_id = o.agreement_id and x.organization_id = $1)
"""


async def test_a_record_of_another_domain_takes_documents(
    world: World, plan: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person("chilinh")
    found = {"kind": "shortcoming", "text": "Phối hợp chưa thường xuyên (minh họa).", "raised_by": "Sơ kết"}
    point = accepted(await person.post(f"/v1/agreements/{plan['id']}/open-points", found), 201)
    subject = ("meeting", point["id"])
    # It is no meeting; until its domain enters it, there is no such record.
    problem(await send(person, subject), 404)
    monkeypatch.setitem(repository.SUBJECTS, SubjectKind.MEETING, Origin(row="o", statement=_STATEMENT))
    document = await attached(person, subject)
    assert (document["subject_kind"], document["agreement_id"]) == ("meeting", plan["id"])
    assert [one["id"] for one in (await person.read("/v1/documents", subject_id=point["id"]))["items"]] == [
        document["id"]
    ]
    problem(await send(world.person("elsewhere"), subject), 404)
    await person.step(f"/v1/open-points/{point['id']}", "resolve", {"remark": "Đã họp định kỳ"})
    problem(await person.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"}), 409, "document_kept")


def test_every_kind_has_its_entry_its_words_and_somebody_who_may_attach(world: World) -> None:
    actor = world.specialist("chilinh").actor
    assert set(SUBJECT_WORDING) == set(repository.SUBJECTS) == set(SubjectKind)
    for kind in SubjectKind:
        assert may_add(actor, kind, [Relation.CUSTODIAN])
        # The body above settles what was escalated to it, and hosts a meeting only where it is the host.
        assert may_add(actor, kind, [Relation.SUPERIOR]) is (kind is SubjectKind.OBSTACLE)
        assert may_add(actor, kind, [Relation.OWN]) is (kind is SubjectKind.MEETING)


class TestAMeeting:
    async def test_minutes_are_attached_and_kept_once_more_is_recorded(self, world: World, plan: Json) -> None:
        path = await held(world, plan)
        host, meeting_id = world.specialist("dongtrieu"), path.rsplit("/", 1)[1]
        minutes = await attached(host, ("meeting", meeting_id), name="Biên bản hội nghị (minh họa).pdf")
        assert (minutes["agreement_id"], minutes["task_id"]) == (plan["id"], None)
        assert minutes["allowed_actions"] == ["download", "remove"]
        await host.step(path, "outcomes", {"text": "Thống nhất hướng tuyến (minh họa)"})
        seen = await host.read(f"/v1/documents/{minutes['id']}")
        assert seen["allowed_actions"] == ["download"]
        problem(await host.delete(f"/v1/documents/{minutes['id']}", **EVERY), 409, "document_kept")
        listed = (await world.person("lucnam").read("/v1/documents", subject_id=meeting_id))["items"]
        assert [one["id"] for one in listed] == [minutes["id"]]
        problem(await world.person("elsewhere").get("/v1/documents", subject_id=meeting_id), 404)

    async def test_a_province_attaches_to_the_meeting_that_it_hosts(self, world: World, plan: Json) -> None:
        own = await planned(world, plan, "haiduong")
        province = world.specialist("haiduong")
        await attached(province, ("meeting", own["id"]), name="Giấy mời.pdf")
        others = await planned(world, plan, "chilinh")
        problem(await send(province, ("meeting", others["id"])), 403)

    async def test_what_was_prepared_for_it_is_removed_until_it_was_held(self, world: World, plan: Json) -> None:
        meeting = await planned(world, plan)
        host, path = world.specialist("dongtrieu"), f"/v1/meetings/{meeting['id']}"
        first, second = [await attached(host, ("meeting", meeting["id"])) for _ in range(2)]
        assert (await host.delete(f"/v1/documents/{first['id']}", **EVERY)).status_code == 204
        await host.step(path, "hold", {"attendance": came(world, "dongtrieu", "chilinh")})
        problem(await host.delete(f"/v1/documents/{second['id']}", **EVERY), 409, "document_kept")

    async def test_one_that_was_cancelled_takes_none(self, world: World, plan: Json) -> None:
        meeting = await planned(world, plan)
        host = world.specialist("dongtrieu")
        await host.step(f"/v1/meetings/{meeting['id']}", "cancel", {"reason": "Hoãn"})
        problem(await send(host, ("meeting", meeting["id"])), 409, "meeting_cancelled")

    async def test_a_removal_meets_the_holding_of_the_meeting(self, world: World, plan: Json) -> None:
        """Either it was gone before, or it is kept."""
        host = world.specialist("dongtrieu")
        for _ in range(4):
            meeting = await planned(world, plan)
            document = await attached(host, ("meeting", meeting["id"]))
            removed, done = await asyncio.gather(
                host.delete(f"/v1/documents/{document['id']}", **EVERY),
                host.act(f"/v1/meetings/{meeting['id']}", "hold", {"attendance": came(world, "dongtrieu", "chilinh")}),
            )
            updated_at = accepted(done, 200)["updated_at"]
            seen = await host.read(f"/v1/documents/{document['id']}")
            if removed.status_code == 204:
                assert seen["removed_at"] is not None
            else:
                problem(removed, 409, "document_kept")
                assert seen["created_at"] <= updated_at


class TestAnObstacle:
    async def test_it_takes_evidence_which_is_also_the_tasks(self, world: World, plan: Json) -> None:
        obstacle, path = await raised(world, plan)
        raiser = world.specialist("ubnd-kinhmon")
        photo = await attached(raiser, ("obstacle", obstacle["id"]), name="Ảnh hiện trường (minh họa).pdf")
        assert (photo["task_id"], photo["agreement_id"]) == (obstacle["task_id"], plan["id"])
        task = f"/v1/tasks/{obstacle['task_id']}"
        listed = (await world.person("ubnd-chilinh").read(f"{task}/evidence"))["items"]
        assert [one["id"] for one in listed] == [photo["id"]]
        again = await attached(raiser, ("obstacle", obstacle["id"]))
        assert (await raiser.delete(f"/v1/documents/{again['id']}", **EVERY)).status_code == 204
        await world.person("ubnd-dongtrieu").step(path, "resolve", {"resolution": "Đã thống nhất"})
        problem(await raiser.delete(f"/v1/documents/{photo['id']}", **EVERY), 409, "document_kept")

    async def test_the_province_attaches_to_what_was_escalated_to_it(self, world: World, plan: Json) -> None:
        obstacle, path = await raised(world, plan)
        before = await attached(world.specialist("ubnd-kinhmon"), ("obstacle", obstacle["id"]))
        await world.person("ubnd-dongtrieu").step(path, "escalate", {"reason": "Vượt thẩm quyền"})
        await attached(world.specialist("quangninh"), ("obstacle", obstacle["id"]), name="Văn bản chỉ đạo.pdf")
        removal = await world.specialist("ubnd-kinhmon").delete(f"/v1/documents/{before['id']}", **EVERY)
        problem(removal, 409, "document_kept")

    async def test_one_of_a_cancelled_task_takes_none(self, world: World, plan: Json) -> None:
        obstacle, _ = await raised(world, plan)
        await world.person("dongtrieu").step(f"/v1/tasks/{obstacle['task_id']}", "cancel", {"reason": "Trùng"})
        answer = await send(world.specialist("ubnd-kinhmon"), ("obstacle", obstacle["id"]))
        problem(answer, 409, "task_cancelled")

    async def test_a_removal_meets_the_resolution(self, world: World, plan: Json) -> None:
        """Either it was gone before, or it is kept."""
        raiser = world.specialist("ubnd-kinhmon")
        for _ in range(4):
            obstacle, path = await raised(world, plan)
            document = await attached(raiser, ("obstacle", obstacle["id"]))
            removed, done = await asyncio.gather(
                raiser.delete(f"/v1/documents/{document['id']}", **EVERY),
                world.person("ubnd-dongtrieu").act(path, "resolve", {"resolution": "Đã thống nhất"}),
            )
            accepted(done, 200)
            seen = await raiser.read(f"/v1/documents/{document['id']}")
            if removed.status_code == 204:
                assert seen["removed_at"] is not None
            else:
                problem(removed, 409, "document_kept")
                assert seen["removed_at"] is None
