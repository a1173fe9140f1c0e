"""What history tells of agreements and tasks: who did what when, from what to what."""

from datetime import datetime
from typing import Any

from shared import clock
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, problem, signature


async def test_every_step_of_an_agreement_is_told_once(world: World) -> None:
    plan = await world.opened()
    path = f"/v1/agreements/{plan['id']}"
    await world.person("chilinh").step(path, "decline", {"reason": "Bổ sung thời hạn"})
    await world.person("dongtrieu").change(path, {"term_to": "2030-12-31", "title": "Tên khác"})
    await world.person("dongtrieu").step(path, "open")
    for key in PARTIES:
        await world.person(key).step(path, "sign", signature(key))
    told = (await world.person("dongtrieu").read(f"{path}/history"))["items"]
    assert [row["action"] for row in reversed(told)] == [
        *("draft", "open", "decline", "update", "open"),
        *["sign"] * 5,
        "enter_into_force",
    ]
    assert [row["version"] for row in reversed(told)] == list(range(1, 12))
    assert changes(told[0]) == {
        "status": ("open_for_signature", "in_force"),
        "in_force_on": (None, clock.today().isoformat()),
    }
    assert changes(told[1]) == {"signed_by": (None, "Ban Thường vụ Huyện ủy Lục Nam")}
    patched, declined = told[-4], told[-3]
    assert changes(patched) == {"term_to": (None, "2030-12-31"), "title": (plan["title"], "Tên khác")}
    assert declined["remark"] == "Bổ sung thời hạn"
    assert changes(declined)["declined_by"] == (None, "Ban Thường vụ Thành ủy Chí Linh")
    assert changes(declined)["text_digest"] == (plan["text_digest"], None)


async def test_every_step_of_a_task_is_told_with_who_took_it(world: World) -> None:
    path = await world.submitted()
    await world.person("ubnd-kinhmon").step(path, "return", {"reason": "Thiếu chữ ký"})
    await world.specialist("ubnd-dongtrieu").step(path, "submit", {"note": "Đã bổ sung"})
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm", {"remark": f"Nhất trí – {key}"})
    told = (await world.person("haiduong").read(f"{path}/history"))["items"][::-1]
    assert [(row["action"], row["actor"]["name"]) for row in told] == [
        ("assign", "leader dongtrieu"),
        ("accept", "specialist ubnd-dongtrieu"),
        ("report", "specialist ubnd-dongtrieu"),
        ("submit", "specialist ubnd-dongtrieu"),
        ("return", "leader ubnd-kinhmon"),
        ("submit", "specialist ubnd-dongtrieu"),
        ("confirm", "leader ubnd-kinhmon"),
        ("confirm", "leader ubnd-chilinh"),
        ("complete", "leader ubnd-chilinh"),
    ]
    assert changes(told[1]) == {"status": ("not_started", "in_progress")}
    assert changes(told[2]) == {"percent": (0, 40)}
    assert changes(told[3])["percent"] == (40, 100)
    assert changes(told[3])["status"] == ("in_progress", "submitted")
    assert changes(told[4])["status"] == ("submitted", "in_progress")
    assert changes(told[4])["percent"] == (100, 40)
    assert changes(told[4])["returned_by"] == (None, "UBND thị xã Kinh Môn")
    assert changes(told[7]) == {"confirmed_by": (None, "UBND thành phố Chí Linh")}
    assert changes(told[8])["status"] == ("submitted", "completed")
    assert [row["remark"] for row in told[4:]] == [
        *("Thiếu chữ ký", "Đã bổ sung", "Nhất trí – ubnd-kinhmon", "Nhất trí – ubnd-chilinh"),
        None,
    ]
    moments = [datetime.fromisoformat(row["occurred_at"]) for row in told]
    assert moments == sorted(moments)
    kinhmon = world.person("ubnd-kinhmon")
    assert told[6]["actor"] == {
        "id": str(kinhmon.actor.id),
        "kind": "user",
        "name": kinhmon.actor.name,
        "organization_id": kinhmon.organization,
    }


async def test_history_comes_in_pages_the_newest_first(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    for percent in (10, 20, 30):
        await worker.step(path, "reports", REPORT | {"percent": percent})
    found: list[int] = []
    query: dict[str, Any] = {}
    while True:
        page = await worker.read(f"{path}/history", limit=2, **query)
        found += [row["version"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"cursor": page["next_cursor"]}
    assert found == [5, 4, 3, 2, 1]
    other = await world.under_way()
    problem(await worker.get(f"{other}/history", cursor=query["cursor"]), 400, "invalid_cursor")


async def test_a_version_and_its_history_are_as_many(world: World) -> None:
    """Nothing changes a record without telling."""
    await world.submitted()
    rows = await world.rows(
        """
        select r.id, r.version, count(h.id) as told, min(h.version) as first, max(h.version) as last
        from (select id, version from agreement union all select id, version from task) r
        left join history h on h.subject_id = r.id group by r.id, r.version
        """
    )
    assert rows
    assert all((row["told"], row["first"], row["last"]) == (row["version"], 1, row["version"]) for row in rows)


async def test_history_tells_what_the_event_tells(world: World) -> None:
    path = await world.submitted()
    told = (await world.person("dongtrieu").read(f"{path}/history"))["items"][::-1]
    events = await world.registry.outbox(path.split("/")[-1])
    assert [row["changes"] for row in told] == [event["data"]["changes"] for event in events]
    assert [row["actor"] for row in told] == [event["data"]["actor"] for event in events]


def changes(row: Json) -> dict[str, tuple[Any, Any]]:
    return {change["field"]: (change["from"], change["to"]) for change in row["changes"]}
