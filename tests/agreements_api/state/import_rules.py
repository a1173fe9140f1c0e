"""Rules of the walk for imports: tables of tasks and of drafts are sent, checked, written whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from agreements_api import policy
from shared import clock
from tests.agreements_api.agreements.world import BODIES, Json
from tests.agreements_api.imports.tables import HEADERS, delimited, workbook
from tests.agreements_api.state.book import Beside, Plan
from tests.agreements_api.state.cast import Player
from tests.agreements_api.state.play import Ask, Upload
from tests.agreements_api.state.tables import Delta, unsaid
from tests.agreements_api.state.walking import Walking, turn

_NAME = {key: name for key, _, _, name, _ in BODIES}
# A checked file waits so long for somebody to have it written.
_KEPT_FOR = timedelta(days=3)
_AGREEMENT_HEADERS = ("Tên thỏa thuận", "Loại văn bản", "Các bên tham gia", "Nội dung hợp tác")


@dataclass(frozen=True)
class Row:
    """A task as a table has it."""

    title: str
    lead: str
    coordinating: tuple[str, ...]
    due_on: date

    @property
    def cells(self) -> tuple[str, ...]:
        others = "; ".join(_NAME[key] for key in self.coordinating)
        return "1", self.title, _NAME[self.lead], others, f"{self.due_on:%d/%m/%Y}"


_ROWS = (
    Row("Rà soát khu vực giáp ranh", "ubnd-dongtrieu", ("ubnd-kinhmon", "ubnd-chilinh"), date(2026, 12, 31)),
    Row("Nâng cấp tuyến kết nối", "ubnd-kinhmon", ("ubnd-dongtrieu",), date(2027, 1, 31)),
    Row("Quảng bá sản phẩm, du lịch", "ubnd-sondong", (), date(2026, 12, 14)),
)
_DRAFT = (
    "Chương trình du lịch (minh họa)",
    "Kế hoạch",
    "; ".join(_NAME[key] for key in ("dongtrieu", "chilinh")),
    "Quảng bá sản phẩm, du lịch.",
)


@dataclass(frozen=True)
class File:
    """A table that somebody sends; `fine` where nothing in it is wrong."""

    kind: str
    name: str
    content: bytes
    rows: tuple[Row, ...] = ()
    fine: bool = True

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


# So few that the same one comes again. In the last one of tasks the first row is right, and nothing is written for it.
_FILES = (
    File("tasks", "viec.csv", delimited(HEADERS, *(row.cells for row in _ROWS[:2])).encode(), _ROWS[:2]),
    File("tasks", "viec.xlsx", workbook(HEADERS, _ROWS[2].cells), _ROWS[2:]),
    File(
        "tasks",
        "viec-sai.csv",
        delimited(HEADERS, _ROWS[0].cells, ("2", "Một việc", "UBND huyện Không Có", "", "")).encode(),
        fine=False,
    ),
    File("agreements", "thoa-thuan.csv", delimited(_AGREEMENT_HEADERS, _DRAFT).encode()),
)


class ImportRules(Walking):
    """An import is its sender's own body's; what it has written is what anybody else could have made."""

    @turn(2, when=lambda self: len(self.book.of("import")) < 5, dry_run=("true", "false", "true"))
    def send_a_table(self, what: int, who: int, number: int, dry_run: str, mode: str) -> None:
        file = self.one(_FILES, number)
        if file.kind == "tasks" and not self.room_for_tasks:
            return
        plans = self.living_plans()
        able = [plan for plan in plans if plan.status == "in_force" and plan.amends is None]
        plan = self.one(able if able and what % 6 else plans, what // 6)
        player = self.somebody(who, lambda one: self._may_send(one) and self._may_write(one, file, plan))
        fields = {"kind": file.kind, "dry_run": dry_run}
        if file.kind == "tasks":
            fields["agreement_id"] = plan.id
        again = number % 5 == 0
        if again:
            fields["again"] = "true"
        sends = self._may_send(player)
        ask = Ask(
            "send_import",
            "POST",
            "/v1/imports",
            upload=Upload(file.name, file.content, fields),
            # Whoever may send nothing is told so before anybody asks where to.
            visible=not sends or file.kind != "tasks" or self.book.sees(player, plan),
            permitted=sends and self._may_write(player, file, plan),
            possible=file.kind != "tasks" or "assign_task" in plan.steps(player),
            logs=[],
            events=[],
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        self.book.add(
            "import",
            id=answer.body["id"],
            path=f"/v1/imports/{answer.body['id']}",
            plan=plan,
            owner=player.key,
            state="queued",
            more={"file": file, "by": player, "again": again, "dry_run": dry_run == "true"},
        )
        self.book.queue.append(self.book.of("import")[-1])

    def _may_send(self, player: Player) -> bool:
        return policy.allowed(player.person.actor, "import.create", {"own"})

    def _may_write(self, player: Player, file: File, plan: Plan) -> bool:
        if file.kind == "tasks":
            return plan.may(player, "assign_task")
        return policy.allowed(player.person.actor, "agreement.draft", set())

    @turn(3, when=lambda self: self.book.of("import"), step=("commit", "commit", "cancel"))
    def settle_an_import(self, what: int, who: int, step: str, mode: str) -> None:
        jobs = self.book.of("import")
        able = [job for job in jobs if job.state in (("checked",) if step == "commit" else ("queued", "checked"))]
        job = self.one(able if able and what % 6 else jobs, what // 6)

        def may(player: Player) -> bool:
            return player.key == job.owner and policy.allowed(player.person.actor, f"import.{step}", {"own"})

        player = self.somebody(who, may)
        ask = self.beside_ask(
            player,
            job,
            f"{step}_import",
            step,
            {},
            visible=player.key == job.owner,
            permitted=may(player),
            possible=job in able,
            logs=[],
            events=[],
        )
        if not self.ask(player, ask, mode).ok:
            return
        if step == "commit":
            job.state, job.more["dry_run"] = "queued", False
            self.book.queue.append(job)
        else:
            job.state = "cancelled"
            self.book.queue = [one for one in self.book.queue if one is not job]

    @turn(5, when=lambda self: self.book.of("import"))
    def work_on_imports(self) -> None:
        """The role: what waits is worked on in its turn, and what nobody wanted is let go."""
        self.count()
        queue, self.book.queue = self.book.queue, []
        for job in queue:
            self._work_on(job)
        self.run(self.stage.backstage.expire_imports())
        for job in self.book.of("import"):
            if job.state == "checked" and job.more["since"] < clock.now() - _KEPT_FOR:
                job.state = "expired"
            self._check_import(job)
        self.run(self.play.tables.look())

    def _work_on(self, job: Beside) -> None:
        expected = self._outcome(job)
        delta = self.run(self.play.tell_of(f"{job.name} is worked on", self.stage.backstage.work_on_an_import()))
        job.state = expected
        self._check_import(job)
        file: File = job.more["file"]
        written = expected == "completed"
        told = ["draft"] if file.kind == "agreements" else ["assign"] * len(file.rows)
        events = ["agreement.drafted"] if file.kind == "agreements" else ["task.assigned"] * len(file.rows)
        for found in unsaid(delta):
            raise self.play.broken(found)
        if [one.what for one in delta.logged] != (told if written else []):
            raise self.play.broken(f"{job.name} is {expected}, and the log says {delta.logged}")
        if [one.what for one in delta.events] != (events if written else []):
            raise self.play.broken(f"{job.name} is {expected}, and the events say {delta.events}")
        if expected == "checked":
            job.more["since"] = clock.now()
        if written:
            self.book.written.add(self._place(job))
            self._learn_written(job, file, delta)

    def _outcome(self, job: Beside) -> str:
        """docs/imports.md, "A file, step by step"."""
        file: File = job.more["file"]
        player: Player = job.more["by"]
        if file.kind == "tasks" and "assign_task" not in job.of_plan.steps(player):
            return "refused"
        if not file.fine:
            return "refused"
        if self._place(job) in self.book.written and not job.more["again"]:
            return "duplicate"
        return "checked" if job.more["dry_run"] else "completed"

    def _place(self, job: Beside) -> tuple[str, str]:
        """Where a file is written once: into an agreement, or into a body's drafts."""
        file: File = job.more["file"]
        return job.of_plan.id if file.kind == "tasks" else job.owner, file.digest

    def _learn_written(self, job: Beside, file: File, delta: Delta) -> None:
        """What was written can be acted on from now on as if somebody had made it by hand."""
        ids = [one.record for one in delta.logged]
        if file.kind == "agreements":
            self._learn_draft(job, self.run(self.play.read(job.more["by"], f"/v1/agreements/{ids[0]}")))
            return
        reader = self.cast.of(job.of_plan.custodian)
        bodies = [self.run(self.play.read(reader, f"/v1/tasks/{one}")) for one in ids]
        for row in file.rows:
            body = next(one for one in bodies if one["title"] == row.title)
            task = self.new_task(body, job.of_plan)
            if (task.lead, tuple(task.coordinating), task.due_on) != (row.lead, row.coordinating, row.due_on):
                raise self.play.broken(f"{job.name} has made of {row} another task: {body}")
            self.check(task)

    def _learn_draft(self, job: Beside, body: Json) -> None:
        parties = [self.cast.key(party["organization_id"]) for party in body["parties"]]
        if (body["title"], parties) != (_DRAFT[0], ["dongtrieu", "chilinh"]):
            raise self.play.broken(f"{job.name} has made another draft: {body}")
        plan = Plan(f"plan {len(self.book.plans) + 1}", body["id"], job.owner, parties, title=body["title"])
        self.book.plans.append(plan)
        self.check_plan(plan)

    def _check_import(self, job: Beside) -> None:
        player: Player = job.more["by"]
        body = self.run(self.play.read(player, job.path))
        if body["status"] != job.state:
            raise self.play.broken(f"{job.name} is {body['status']} and not {job.state}: {body}")
