"""The same file twice, two workers, and those who die or are told to stop in the middle."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from agreements_api.imports import jobs, repository
from agreements_api.imports.jobs import JobLost, make_reader, work_next
from agreements_api.tasks.batches import Batches
from shared.auth import SYSTEM
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.imports.office import Office
from tests.agreements_api.imports.tables import tasks, workbook


async def state(world: World, job: Json) -> Json:
    return await world.specialist("dongtrieu").read(f"/v1/imports/{job['id']}")


async def sent(world: World, office: Office, plan: Json, content: bytes, key: str = "dongtrieu") -> Json:
    answer = await office.send(world.specialist(key), content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    return accepted(answer, 202)


async def work_at_once(office: Office, workers: int = 2) -> None:
    await asyncio.gather(
        *(work_next(office.settings, office.database, make_reader(office.settings)) for _ in range(workers))
    )


async def test_the_same_file_is_written_once(world: World, office: Office) -> None:
    plan = await world.plan()
    content = tasks(3)
    first = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    second = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    assert (second["status"], second["duplicate_of"]) == ("duplicate", first["id"])
    dry = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    assert (dry["status"], dry["allowed_actions"]) == ("duplicate", [])
    assert len(await office.titles(plan)) == 3


async def test_whoever_wants_it_twice_has_to_say_so(world: World, office: Office) -> None:
    plan = await world.plan()
    content = tasks(2)
    for _ in range(2):
        job = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False, again=True)
        assert job["status"] == "completed"
    assert len(await office.titles(plan)) == 4


async def test_the_same_file_for_another_agreement_is_another_import(world: World, office: Office) -> None:
    content = tasks(1)
    for plan in (await world.plan(), await world.plan()):
        job = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
        assert job["status"] == "completed"


async def test_the_same_file_twice_at_once_is_written_once(world: World, office: Office) -> None:
    """By two parties of the agreement and two workers: one is written, and the other one finds it there."""
    plan = await world.plan()
    content = tasks(40)
    ours = await sent(world, office, plan, content)
    theirs = await sent(world, office, plan, content, key="chilinh")
    await work_at_once(office)
    there = await world.specialist("chilinh").read(f"/v1/imports/{theirs['id']}")
    here = await state(world, ours)
    assert sorted((here["status"], there["status"])) == ["completed", "duplicate"]
    # Whose it is, is nobody else's business.
    assert (here["duplicate_of"], there["duplicate_of"]) == (None, None)
    assert len(await office.titles(plan)) == 40


async def test_two_commits_at_once_are_one(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(5), kind="tasks", agreement_id=plan["id"])
    person, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}"
    tag = (await person.get(path)).headers["etag"]
    answers = await asyncio.gather(*(person.post(f"{path}/commit", **{"If-Match": tag}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [202, 412]
    await work_at_once(office)
    assert len(await office.titles(plan)) == 5


async def test_a_form_sent_again_under_its_key_is_one_import(world: World, office: Office) -> None:
    """Written anew each time, as clients do: the boundary is another one."""
    plan = await world.plan()
    person, content = world.specialist("dongtrieu"), tasks(1)
    headers = person.unsafe()
    fields = {"kind": "tasks", "agreement_id": plan["id"]}
    first, second = [
        await world.http.post("/v1/imports", headers=headers, data=fields, files={"file": ("a.xlsx", content)})
        for _ in range(2)
    ]
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    other = await world.http.post("/v1/imports", headers=headers, data=fields, files={"file": ("a.xlsx", tasks(2))})
    problem(other, 422, "idempotency_key_reused")
    await office.work()


async def test_workers_share_what_waits(world: World, office: Office) -> None:
    plan = await world.plan()
    waiting = [await sent(world, office, plan, tasks(2, title=f"Tệp {at}")) for at in range(4)]
    await work_at_once(office, workers=4)
    assert [(await state(world, job))["status"] for job in waiting] == ["completed"] * 4
    assert len(await office.titles(plan)) == 8


async def test_a_worker_that_dies_while_it_writes_leaves_nothing_and_another_one_goes_on(
    world: World, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await world.plan()
    job = await sent(world, office, plan, tasks(6))
    assign = Batches.assign
    calls = 0

    async def dying(self: Batches, bodies: list[object]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionResetError
        await assign(self, bodies)  # type: ignore[arg-type]

    monkeypatch.setattr(Batches, "assign", dying)
    settings = office.settings.model_copy(update={"import_batch": 3})
    with pytest.raises(ConnectionResetError):
        await work_next(settings, office.database, make_reader(settings))
    assert calls == 2
    assert await office.titles(plan) == []
    assert (await state(world, job))["status"] == "writing"
    # Its lease has not run out, so nobody else takes it yet.
    assert not await work_next(settings, office.database, make_reader(settings))
    await world.rows("update import_job set free_at = now() where id = $1", UUID(job["id"]))
    assert await work_next(settings, office.database, make_reader(settings))
    assert (await state(world, job))["status"] == "completed"
    assert len(await office.titles(plan)) == 6


async def test_who_comes_back_after_another_took_over_writes_nothing(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await sent(world, office, plan, tasks(2))
    async with office.database.write(SYSTEM) as connection:
        row = await repository.claim(connection, jobs._seconds(30))
    assert row is not None
    late = jobs._Job(office.settings, office.database, make_reader(office.settings), row)
    await world.rows("update import_job set free_at = now() where id = $1", UUID(job["id"]))
    await office.work()
    with pytest.raises(JobLost):
        await late._check()
    assert await late._carry_out() == "lost"
    assert len(await office.titles(plan)) == 2


async def test_an_import_that_no_worker_survives_is_given_up(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await sent(world, office, plan, tasks(1))
    await world.rows("update import_job set attempts = 3 where id = $1", UUID(job["id"]))
    await office.work()
    ended = await state(world, job)
    assert (ended["status"], ended["refusal"]["code"]) == ("failed", "interrupted")


async def test_what_is_cancelled_while_it_is_written_is_not_written(
    world: World, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await world.plan()
    job = await sent(world, office, plan, tasks(4))
    person, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}"
    assign = Batches.assign

    async def cancelled_first(self: Batches, bodies: list[object]) -> None:
        accepted(await person.act(path, "cancel"), 200)
        await assign(self, bodies)  # type: ignore[arg-type]

    monkeypatch.setattr(Batches, "assign", cancelled_first)
    await office.work()
    assert (await state(world, job))["status"] == "cancelled"
    assert await office.titles(plan) == []


async def test_progress_is_seen_while_it_is_written(
    world: World, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From outside the transaction that writes; a dry run has none of it."""
    plan = await world.plan()
    job = await sent(world, office, plan, tasks(9))
    monkeypatch.setattr(jobs, "SIGN", 0.0)
    seen: list[tuple[str, int, int]] = []
    assign = Batches.assign

    async def looked_at(self: Batches, bodies: list[object]) -> None:
        now = await state(world, job)
        seen.append((now["status"], now["progress"]["checked"], now["progress"]["written"]))
        assert await office.titles(plan) == []
        await assign(self, bodies)  # type: ignore[arg-type]

    monkeypatch.setattr(Batches, "assign", looked_at)
    await office.work(import_batch=3)
    assert seen == [("writing", 9, 0), ("writing", 9, 3), ("writing", 9, 6)]


async def test_a_file_and_a_single_task_at_once_both_are_there(world: World, office: Office) -> None:
    plan = await world.plan()
    await sent(world, office, plan, tasks(30))
    await asyncio.gather(office.work(), *(world.task(plan, title=f"Riêng {at}") for at in range(4)))
    assert len(await office.titles(plan)) == 34


async def test_the_same_drafts_are_made_once_for_each_organisation(world: World, office: Office) -> None:
    content = workbook(("Tên thỏa thuận", "Loại văn bản"), ("Bản nháp chung", "Kế hoạch"))
    for key, status in (("dongtrieu", "completed"), ("chilinh", "completed"), ("dongtrieu", "duplicate")):
        person = world.specialist(key)
        job = await office.imported(content, person=person, kind="agreements", dry_run=False)
        assert job["status"] == status


async def test_the_table_itself_takes_a_file_once(world: World, office: Office) -> None:
    """Whatever a worker does wrong."""
    plan = await world.plan()
    content = tasks(1)
    for again in (False, True):
        await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False, again=again)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.rows("update import_job set again = false where agreement_id = $1", UUID(plan["id"]))
