"""Rules of the walk for tasks: assigned, carried out, answered, steered."""

from __future__ import annotations

from datetime import date, timedelta

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import REPORT, Json
from tests.agreements_api.state.book import RESPONSE_DAYS, TASK_STEPS, Plan, Report, Task
from tests.agreements_api.state.cast import WORKERS, Player
from tests.agreements_api.state.play import PLAIN, Ask
from tests.agreements_api.state.walking import Walking, turn

_BODIES = (*WORKERS, "chilinh")
# Steps of which some bring a task on and few end it.
_ANY_STEP = (
    *("update", "accept", "report", "submit", "confirm", "return", "refuse", "complete", "extend", "reassign"),
    *("suspend", "resume", "resume", "reopen", "reopen", "cancel"),
)
_NEXT = {
    "not_started": ("accept",),
    "in_progress": ("report", "submit", "submit", "accept", "report"),
    "suspended": ("resume",),
    "completed": ("reopen",),
    "cancelled": ("reopen",),
}
_REASON = {"reason": "Chờ hồ sơ địa chính (minh họa)."}


class TaskRules(Walking):
    """What becomes of a task by its own steps."""

    def task_body(self, number: int) -> Json:
        """A task with its own mixture of parties and days."""
        keys = self.some(_BODIES, number // 3, 3)
        lead = self.one(_BODIES, number)
        others = [key for key in keys if key != lead]
        coordinating, monitoring = (others[1:], others[:1]) if number % 4 == 1 else (others, [])
        body: Json = {
            "title": f"Nhiệm vụ {number % 10} (minh họa)",
            "lead_organization_id": self.cast.id(lead),
            "coordinating": [{"organization_id": self.cast.id(key)} for key in coordinating],
            "monitoring": [{"organization_id": self.cast.id(key)} for key in monitoring],
        }
        if number % 5:
            body["due_on"] = self.day(number % 60 - 3)
        if number % 7 == 0:
            body["lead_due_on"] = self.day(number % 20)
        return body

    def assign(self, player: Player, plan: Plan, body: Json, mode: str = PLAIN) -> Task | None:
        ask = Ask(
            "assign_task",
            "POST",
            f"{plan.path}/tasks",
            body,
            at=plan.path,
            step="assign_task",
            visible=self.book.sees(player, plan),
            permitted=plan.may(player, "assign_task"),
            possible="assign_task" in plan.steps(player),
            logs=["assign"],
            events=["task.assigned"],
            matched=False,
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return None
        task = self.new_task(answer.body, plan)
        self.check(task)
        return task

    def done(self, task: Task, logs: int = 1) -> None:
        """So many versions more; the API shows what the model has."""
        task.version += logs
        self.check(task)

    @turn(4, when=lambda self: self.room_for_tasks)
    def assign_a_task(self, what: int, who: int, number: int, mode: str) -> None:
        plans = self.living_plans()
        able = [plan for plan in plans if plan.status == "in_force" and plan.amends is None]
        plan = self.one(able if able and what % 6 else plans, what // 6)
        player = self.somebody(who, lambda one: plan.may(one, "assign_task"))
        self.assign(player, plan, self.task_body(number), mode)

    def update(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "update" in task.steps(one))
        body: Json = {"title": f"Nhiệm vụ {number % 10} (minh họa)"}
        if number % 3 == 0:
            body = {"due_on": None if number % 5 == 0 else self.day(number % 90 - 10)}
        due_on = date.fromisoformat(body["due_on"]) if body.get("due_on") else None
        moves = "due_on" in body and due_on != task.due_on
        same = not moves and body.get("title", task.title) == task.title
        action, event = ("change_deadline", "task.deadline_changed") if moves else ("update", "task.updated")
        ask = self.task_ask(
            player,
            task,
            "update_task",
            "update",
            body,
            method="PATCH",
            path=task.path,
            logs=[] if same else [action],
            events=[] if same else [event],
        )
        if self.ask(player, ask, mode).ok:
            task.title = body.get("title", task.title)
            if "due_on" in body:
                task.due_on = due_on
                task.first_due_on = task.first_due_on or due_on
            self.done(task, 0 if same else 1)

    def accept(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "accept" in task.steps(one))
        ask = self.task_ask(player, task, "accept_task", "accept", {}, logs=["accept"], events=["task.accepted"])
        if self.ask(player, ask, mode).ok:
            task.accept(player.key)
            self.done(task)

    def report(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "report" in task.steps(one))
        percent = number % 101
        body: Json = {
            "period_start": self.day(-30),
            "period_end": self.day(0),
            "percent": percent,
            "narrative": REPORT["narrative"],
        }
        corrected = self.one(task.reports, number) if task.reports and number % 3 == 0 else None
        known = self.book.documents(task=task)
        if number % 2:
            # What lies at an obstacle is kept by nothing else than being named.
            known = [one for one in known if one.more["kind"] == "obstacle"] or known
        evidence = self.some(known, number // 5, min(2, len(known)))
        if evidence:
            body["evidence_ids"] = [one.id for one in evidence]
        excuses = ["document_removed"] if any(one.state == "removed" for one in evidence) else []
        if corrected is not None:
            body["corrects"] = corrected.id
            excuses += ["already_corrected"] if corrected.corrected else []
        ask = self.task_ask(
            player,
            task,
            "correct_report" if corrected else "report_progress",
            "report",
            body,
            path=f"{task.path}/reports",
            excuses=excuses,
            logs=["correct_report" if corrected else "report"],
            events=["task.progress_reported"],
        )
        if not self.ask(player, ask, mode).ok:
            return
        if excuses:
            raise self.play.broken(f"a report of {task.name} is taken against {excuses}")
        # A correction stands in the task where what it corrects stood there.
        stands = corrected is None or task.standing == corrected.id
        if corrected is not None:
            corrected.corrected = True
        page = self.run(self.play.read(self.cast.of(task.plan.custodian), f"{task.path}/reports", limit=1))
        task.reports.append(Report(page["items"][0]["id"], percent, player.key, [one.id for one in evidence]))
        for one in evidence:
            one.more["rests"].add("named")
        if stands:
            self.book.rest_on(task.id, "reported")
            task.standing = task.reports[-1].id
            task.percent = task.reported = percent
        self.done(task)

    def submit(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "submit" in task.steps(one))
        days = number % 12 + 1 if number % 3 == 0 else None
        body = {} if days is None else {"response_days": days}
        short = days is not None and days < RESPONSE_DAYS
        ask = self.task_ask(
            player,
            task,
            "submit_task",
            "submit",
            body,
            excuses=["window_too_short"] if short else [],
            logs=["submit"],
            events=["task.submitted"],
        )
        if self.ask(player, ask, mode).ok:
            if short:
                raise self.play.broken(f"{task.name} gives less than {RESPONSE_DAYS} days")
            task.submit(self.today, days or RESPONSE_DAYS)
            self.done(task)

    def confirm(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "confirm" in task.steps(one))
        last = {*task.confirmed, player.key} >= set(task.coordinating)
        logs, events = ["confirm"], ["task.confirmed"]
        if last:
            logs, events = [*logs, "complete"], [*events, "task.completed"]
        excuses = ["already_confirmed"] if player.key in task.confirmed else []
        ask = self.task_ask(player, task, "confirm_task", "confirm", {}, excuses=excuses, logs=logs, events=events)
        if self.ask(player, ask, mode).ok:
            if excuses:
                raise self.play.broken(f"{player.key} confirms {task.name} twice")
            task.confirm(player.key, self.today)
            self.done(task, len(logs))

    def come_too_late(self, number: int) -> None:
        """Once a window has closed nobody answers any more, though the lapse has yet to be carried out."""
        closed = [task for task in self.book.tasks if task.window_is_closed(self.today)]
        if closed:
            task = self.one(closed, number)
            self.run(self.play.check_actions(self.cast.of(self.one(task.coordinating, number)), task))
            self.take(self.one(("confirm", "return", "refuse"), number), task, 9 * number, number)

    def send_back(self, task: Task, who: int, step: str, mode: str) -> None:
        player = self.somebody(who, lambda one: step in task.steps(one))
        logs, events = {
            "return": (["return"], ["task.returned"]),
            "refuse": (["refuse", "raise"], ["task.refused", "obstacle.raised"]),
        }[step]
        excuses = ["already_confirmed"] if step == "refuse" and player.key in task.confirmed else []
        ask = self.task_ask(player, task, f"{step}_task", step, _REASON, excuses=excuses, logs=logs, events=events)
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        task.back_to_the_lead()
        self.done(task)
        if step == "refuse":
            obstacle_id = next(one.record for one in answer.delta.events if one.what == "obstacle.raised")
            self.book.add("obstacle", id=obstacle_id, path=f"/v1/obstacles/{obstacle_id}", task=task, owner=player.key)

    def complete(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "complete" in task.steps(one))
        ask = self.task_ask(player, task, "complete_task", "complete", {}, logs=["complete"], events=["task.completed"])
        if self.ask(player, ask, mode).ok:
            task.complete(self.today)
            self.done(task)

    def turn_task(self, task: Task, who: int, step: str, mode: str) -> None:
        player = self.somebody(who, lambda one: step in task.steps(one))
        event = {"suspend": "suspended", "resume": "resumed", "reopen": "reopened", "cancel": "cancelled"}[step]
        ask = self.task_ask(player, task, f"{step}_task", step, _REASON, logs=[step], events=[f"task.{event}"])
        if self.ask(player, ask, mode).ok:
            if step == "resume":
                task.resume()
            elif step == "reopen":
                task.reopen()
            else:
                task.status = event
            self.done(task)

    def reassign(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "reassign" in task.steps(one))
        body = self.task_body(number)
        given = {name: body[name] for name in ("lead_organization_id", "coordinating", "monitoring")}
        lead = self.cast.key(given["lead_organization_id"])
        coordinating = [self.cast.key(one["organization_id"]) for one in given["coordinating"]]
        monitoring = [self.cast.key(one["organization_id"]) for one in given["monitoring"]]
        same = (lead, set(coordinating), set(monitoring)) == (task.lead, set(task.coordinating), set(task.monitoring))
        ask = self.task_ask(
            player,
            task,
            "reassign_task",
            "reassign",
            given | _REASON,
            excuses=["nothing_changed"] if same else [],
            logs=["reassign"],
            events=["task.reassigned"],
        )
        if self.ask(player, ask, mode).ok:
            task.reassign(lead, coordinating, monitoring)
            self.done(task)

    def extend(self, task: Task, who: int, number: int, mode: str) -> None:
        player = self.somebody(who, lambda one: "extend" in task.steps(one))
        asked_for = (task.due_on or self.today) + timedelta(days=number % 40 - 4)
        excuses = []
        if task.due_on is None:
            excuses.append("no_deadline")
        elif asked_for <= task.due_on:
            excuses.append("not_later")
        if asked_for < self.today:
            excuses.append("past")
        if task.asked_for_more:
            excuses.append("extension_undecided")
        ask = self.task_ask(
            player,
            task,
            "request_extension",
            "extend",
            {"due_on": asked_for.isoformat(), **_REASON},
            path=f"{task.path}/extensions",
            excuses=excuses,
            logs=["request_extension"],
            events=["task.extension_requested"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            if excuses:
                raise self.play.broken(f"{task.name} is to be extended against {excuses}")
            path = f"{task.path}/extensions/{answer.body['id']}"
            self.book.add(
                "extension", id=answer.body["id"], path=path, task=task, state="requested", more={"day": asked_for}
            )
            task.asked_for_more = True
            self.done(task)

    @turn(3, when=lambda self: self.book.of("extension"), step=("grant", "deny", "withdraw"))
    def decide_an_extension(self, what: int, who: int, number: int, step: str, mode: str) -> None:
        extension = self.one(self.book.of("extension"), what)
        task = extension.task
        assert task is not None
        player = self.somebody(who, lambda one: task.may(one, f"extension.{step}"))
        granted: date = extension.more["day"]
        body: Json = dict(_REASON) if step == "deny" else {}
        if step == "grant" and number % 3 == 0:
            granted += timedelta(days=number % 7)
            body = {"due_on": granted.isoformat()}
        logs, events = [f"{step}_extension"], ["task.extension_decided"]
        if step == "withdraw":
            events = ["task.extension_withdrawn"]
        if step == "grant":
            logs = ["grant_extension", "change_deadline"]
            events = [*events, "task.deadline_changed"]
        ask = self.beside_ask(
            player,
            extension,
            f"{step}_extension",
            step,
            body,
            permitted=task.may(player, f"extension.{step}"),
            possible=extension.state == "requested" and task.status not in ("completed", "cancelled"),
            # The task's deadline may have been moved further than what was asked for.
            excuses=["not_later"] if step == "grant" and task.due_on is not None and granted <= task.due_on else [],
            logs=logs,
            events=events,
        )
        if self.ask(player, ask, mode).ok:
            extension.state = {"grant": "granted", "deny": "denied", "withdraw": "withdrawn"}[step]
            task.asked_for_more = False
            if step == "grant":
                task.due_on, task.extensions = granted, task.extensions + 1
            self.done(task, len(logs))

    def take(self, step: str, task: Task, who: int, number: int, mode: str = PLAIN) -> None:
        """One step of a task, by somebody who mostly can take it."""
        if step in ("return", "refuse"):
            self.send_back(task, who, step, mode)
        elif step in ("suspend", "resume", "cancel", "reopen"):
            self.turn_task(task, who, step, mode)
        else:
            getattr(self, step)(task, who, number, mode)

    @turn(14, when=lambda self: self.book.tasks, step=_ANY_STEP)
    def take_a_step(self, step: str, what: int, who: int, number: int, mode: str) -> None:
        """Any step, mostly of a task that can take it; where there is none, some task goes on."""
        able = [task for task in self.book.tasks if task.status in TASK_STEPS[step]]
        if step in ("confirm", "refuse", "complete"):
            able = [task for task in able if bool(task.coordinating) != (step == "complete")]
        if what % 8 == 0:
            self.take(step, self.any_task(what // 8), who, number, mode)
        elif able:
            self.take(step, self.any_task(what // 8, able), who, number, mode)
        else:
            self.go_on(what, who, number, mode)

    @turn(14, when=lambda self: self.book.tasks)
    def go_on_with_a_task(self, what: int, who: int, number: int, mode: str) -> None:
        self.go_on(what, who, number, mode)

    def go_on(self, what: int, who: int, number: int, mode: str = PLAIN) -> None:
        """What comes next for a task, by somebody whose turn it is."""
        task = self.any_task(what)
        steps = _NEXT.get(task.status, ())
        if task.status == "submitted":
            steps = ("confirm", "confirm", "refuse", "return") if task.coordinating else ("complete",)
        self.take(self.one(steps, number), task, who | 1, number // 5, mode)

    @turn(2, when=lambda self: self.book.tasks)
    def change_many(self, who: int, what: int, number: int, mode: str) -> None:
        """Two changes in one call: both, or none."""
        tasks = list(dict.fromkeys([self.any_task(what), self.any_task(what // 11)]))
        player = self.somebody(
            who, lambda one: one.role in (Role.SPECIALIST, Role.LEADER) and "update" in tasks[0].steps(one)
        )
        step = self.one(("update", "cancel", "accept"), number)
        more: dict[str, Json] = {"update": {"note": f"Ghi chú {number}"}, "cancel": dict(_REASON), "accept": {}}
        changes = [
            {"action": step, "task_id": task.id, "if_match": f'"v{task.version}"', **more[step]} for task in tasks
        ]
        fine = all(self.book.sees(player, task.plan) and step in task.steps(player) for task in tasks)
        same = step == "update" and fine and all(task.note == more["update"]["note"] for task in tasks)
        action, event = {
            "update": ("update", "task.updated"),
            "cancel": ("cancel", "task.cancelled"),
            "accept": ("accept", "task.accepted"),
        }[step]
        may_send = player.role in (Role.SPECIALIST, Role.LEADER) or player.role == "system"
        ask = Ask(
            "change_tasks",
            "POST",
            "/v1/tasks/bulk",
            {"changes": changes},
            permitted=may_send,
            possible=fine,
            logs=None if same or step == "update" else [action] * len(tasks),
            events=None if same or step == "update" else [event] * len(tasks),
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        for task in tasks:
            if step == "update":
                task.version += task.note != more["update"]["note"]
                task.note = more["update"]["note"]
                self.check(task)
                continue
            if step == "cancel":
                task.status = "cancelled"
            else:
                task.accept(player.key)
            self.done(task)
