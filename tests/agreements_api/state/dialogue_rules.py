"""Rules of the walk for what stands beside a task: milestones, dependencies, recurrence, and what is said about it."""

from __future__ import annotations

from datetime import timedelta

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json
from tests.agreements_api.state.book import TASK_STEPS, Beside, Task
from tests.agreements_api.state.cast import SUPERIOR, Player
from tests.agreements_api.state.play import Ask
from tests.agreements_api.state.walking import Walking, turn

_REASON = {"reason": "Hồ sơ hai bên chưa khớp (minh họa)."}
_WORKING = (Role.SPECIALIST, Role.LEADER)


class DialogueRules(Walking):
    """Each of them is one version of something, and often of its task."""

    def of_task(self, what: int, kind: str) -> Beside:
        return self.one(self.book.of(kind), what)

    def done_beside(self, task: Task, versions: int = 1) -> None:
        task.version += versions
        self.run(self.play.check_task(task))

    @turn(1, when=lambda self: self.book.tasks)
    def plan_a_milestone(self, what: int, who: int, number: int, mode: str) -> None:
        task = self.any_task(what)
        player = self.somebody(who, lambda one: "set_milestones" in task.steps(one))
        day = self.today + timedelta(days=number % 50)
        late = task.due_on is not None and day > task.due_on
        ask = self.task_ask(
            player,
            task,
            "add_milestone",
            "set_milestones",
            {"title": "Mốc (minh họa)", "due_on": day.isoformat()},
            path=f"{task.path}/milestones",
            excuses=["after_deadline"] if late else [],
            logs=["add_milestone"],
            events=["task.updated"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"{task.path}/milestones/{answer.body['id']}"
            self.book.add("milestone", id=answer.body["id"], path=path, task=task)
            self.done_beside(task)

    @turn(2, when=lambda self: self.book.of("milestone"))
    def reach_a_milestone(self, what: int, who: int, number: int, mode: str) -> None:
        milestone = self.of_task(what, "milestone")
        task = milestone.task
        assert task is not None
        player = self.somebody(who, lambda one: "set_milestones" in task.steps(one))
        removes = number % 3 == 0
        given: Json = {
            "permitted": task.may(player, "task.set_milestones"),
            "possible": "set_milestones" in task.steps(player),
            "path": milestone.path,
        }
        if removes:
            ask = self.beside_ask(
                player,
                milestone,
                "remove_milestone",
                "delete",
                None,
                method="DELETE",
                logs=["remove_milestone"],
                events=["task.updated"],
                **given,
            )
        else:
            done = not milestone.state
            ask = self.beside_ask(
                player,
                milestone,
                "update_milestone",
                "update",
                {"done": done},
                method="PATCH",
                logs=["change_milestone"],
                events=["task.updated"],
                **given,
            )
        if self.ask(player, ask, mode).ok:
            if removes:
                self.book.of("milestone").remove(milestone)
            milestone.state = "" if milestone.state else "done"
            self.done_beside(task)

    @turn(2, when=lambda self: len(self.book.tasks) > 1)
    def let_a_task_wait(self, what: int, who: int, number: int, mode: str) -> None:
        task = self.any_task(what)
        other = self.one(self.book.tasks_of(task.plan), number)
        known = self.book.of("dependency")
        if known and number % 3 == 0:
            # The other way round: what waits is waited for.
            dependency = self.one(known, what)
            assert dependency.task is not None
            task, other = dependency.more["on"], dependency.task
        player = self.somebody(who, lambda one: "set_dependencies" in task.steps(one))
        excuses = []
        if self._waits_for(other, task):
            excuses.append("dependency_cycle")
        if other.status == "cancelled":
            excuses.append("task_cancelled")
        if any(one.task is task and one.more["on"] is other for one in self.book.of("dependency")):
            excuses.append("already_depends")
        ask = self.task_ask(
            player,
            task,
            "add_dependency",
            "set_dependencies",
            {"depends_on_task_id": other.id, "lag_working_days": number % 4},
            path=f"{task.path}/dependencies",
            excuses=excuses,
            logs=["add_dependency"],
            events=["task.updated"],
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        if excuses:
            raise self.play.broken(f"{task.name} waits for {other.name} against {excuses}")
        self.book.add("dependency", id=answer.body["id"], path="", task=task, more={"on": other})
        self.done_beside(task)

    def _waits_for(self, task: Task, other: Task) -> bool:
        if task is other:
            return True
        return any(self._waits_for(one.more["on"], other) for one in self.book.of("dependency") if one.task is task)

    @turn(1, when=lambda self: self.book.of("dependency"))
    def let_a_task_wait_no_more(self, what: int, who: int, mode: str) -> None:
        dependency = self.of_task(what, "dependency")
        task = dependency.task
        assert task is not None
        player = self.somebody(who, lambda one: "set_dependencies" in task.steps(one))
        ask = self.task_ask(
            player,
            task,
            "remove_dependency",
            "set_dependencies",
            None,
            method="DELETE",
            path=f"{task.path}/dependencies/{dependency.id}",
            logs=["remove_dependency"],
            events=["task.updated"],
        )
        if self.ask(player, ask, mode).ok:
            self.book.of("dependency").remove(dependency)
            self.done_beside(task)

    @turn(1, when=lambda self: self.book.tasks)
    def repeat_a_task(self, what: int, who: int, number: int, mode: str) -> None:
        later = {task.previous for task in self.book.tasks}
        repeated = [task for task in self.book.tasks if task.recurrence is not None and task.id not in later]
        ends = number % 2 == 0 if repeated else number % 9 == 0
        able = [task for task in repeated if ends and task.status in TASK_STEPS["set_recurrence"]]
        task = self.any_task(what, able or None)
        player = self.somebody(who, lambda one: "set_recurrence" in task.steps(one))
        possible = "set_recurrence" in task.steps(player) - self.book.held_up(task, self.today)
        if ends:
            ask = self.task_ask(
                player,
                task,
                "end_recurrence",
                "set_recurrence",
                None,
                method="DELETE",
                path=f"{task.path}/recurrence",
                possible=possible,
                # Nothing repeats it, or not any more.
                excuses=["not_found"],
                logs=["end_recurrence"],
                events=["task.updated"],
            )
        else:
            frequency = self.one(("monthly", "quarterly"), number)
            ask = self.task_ask(
                player,
                task,
                "set_recurrence",
                "set_recurrence",
                {"frequency": frequency},
                method="PUT",
                path=f"{task.path}/recurrence",
                possible=possible,
                logs=["set_recurrence"],
                events=["task.updated"],
            )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            task.recurrence = answer.body["recurrence_id"]
            self.done_beside(task)

    @turn(1, when=lambda self: self.book.tasks)
    def raise_an_obstacle(self, what: int, who: int, mode: str) -> None:
        task = self.any_task(what)
        player = self.somebody(who, lambda one: task.may(one, "obstacle.raise"))
        ask = Ask(
            "raise_obstacle",
            "POST",
            f"{task.path}/obstacles",
            {"text": "Hồ sơ địa chính chưa khớp (minh họa)."},
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, "obstacle.raise"),
            possible=task.may(player, "obstacle.raise") and task.status not in ("completed", "cancelled"),
            logs=["raise"],
            events=["obstacle.raised"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"/v1/obstacles/{answer.body['id']}"
            self.book.add("obstacle", id=answer.body["id"], path=path, task=task, owner=player.key)

    @turn(
        4,
        when=lambda self: self.book.of("obstacle"),
        step=("update", "measure", "measure", "carry_out", "escalate", "resolve", "reopen"),
    )
    def work_on_an_obstacle(self, what: int, who: int, step: str, mode: str) -> None:
        obstacles = self.book.of("obstacle")
        resolved = [one for one in obstacles if one.state == "resolved"]
        obstacle = self.one(resolved if step == "reopen" and resolved else obstacles, what)
        task = obstacle.task
        assert task is not None
        action = "measure" if step == "carry_out" else step

        def may(one_key: str) -> list[str]:
            # Whoever has the place of the one who raised it; not who only stood in it.
            raiser = self.book.in_place_in(task, obstacle.owner)
            return ["own"] if one_key == raiser and task.relations(one_key) - {"former"} else []

        player = self.somebody(who, lambda one: task.may(one, f"obstacle.{action}", *may(one.key)))
        measures: list[str] = obstacle.more.setdefault("measures", [])
        if step == "carry_out" and not measures:
            step = "measure"
        choices: dict[str, tuple[Json, str, str]] = {
            "update": ({"text": f"Vướng mắc {what % 9} (minh họa)."}, obstacle.path, "PATCH"),
            "measure": (
                {
                    "text": "Đo đạc lại (minh họa).",
                    "organization_id": self.cast.id(task.plan.custodian),
                    "due_on": self.day(what % 9),
                },
                f"{obstacle.path}/measures",
                "POST",
            ),
            "carry_out": ({"done": True}, f"{obstacle.path}/measures/{measures[-1] if measures else ''}", "PATCH"),
            "escalate": (dict(_REASON), f"{obstacle.path}/escalate", "POST"),
            "resolve": ({"resolution": "Đã thống nhất (minh họa)."}, f"{obstacle.path}/resolve", "POST"),
            "reopen": (dict(_REASON), f"{obstacle.path}/reopen", "POST"),
        }
        body, path, method = choices[step]
        event = {
            "update": "updated",
            "measure": "measure_changed",
            "carry_out": "measure_changed",
            "escalate": "escalated",
            "resolve": "resolved",
            "reopen": "reopened",
        }[step]
        log = {"measure": "plan_measure", "carry_out": "carry_out_measure"}.get(step, step)
        done = obstacle.more.setdefault("done", set())
        same = (step == "update" and body["text"] == obstacle.more.get("text")) or (
            step == "carry_out" and measures[-1] in done
        )
        ask = self.beside_ask(
            player,
            obstacle,
            f"{step}_obstacle",
            action,
            body,
            method=method,
            path=path,
            permitted=task.may(player, f"obstacle.{action}", *may(player.key)),
            logs=[] if same else [log],
            events=[] if same else [f"obstacle.{event}"],
            possible=self._can_with(obstacle, action) and (action != "escalate" or task.lead in SUPERIOR),
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        obstacle.state = {"resolve": "resolved", "reopen": ""}.get(step, obstacle.state)
        if step in ("escalate", "resolve"):
            self.book.rest_on(obstacle.id, step)
        if step == "escalate":
            obstacle.more["level"] = "province"
        elif step == "measure":
            measures.append(answer.body["measures"][-1]["id"])
        elif step == "carry_out":
            done.add(measures[-1])
        elif step == "update":
            obstacle.more["text"] = body["text"]

    def _can_with(self, obstacle: Beside, action: str) -> bool | None:
        if obstacle.state == "resolved":
            return action == "reopen"
        if action == "escalate":
            # The role `lifecycle` escalates too.
            return None
        return action != "reopen"

    @turn(1, when=lambda self: self.book.tasks, kind=("urging", "explanation"))
    def ask_somebody(self, what: int, who: int, number: int, kind: str, mode: str) -> None:
        task = self.any_task(what)
        player = self.somebody(who, lambda one: task.may(one, f"{kind}.ask"))
        asked = self.one(task.taking_part, number)
        askable = ("not_started", "in_progress", "submitted") if kind == "urging" else None
        possible = task.status in askable if askable else task.status != "cancelled"
        operation, log, event = {
            "urging": ("urge_task", "urge", "task.urged"),
            "explanation": ("request_explanation", "request_explanation", "task.explanation_requested"),
        }[kind]
        ask = Ask(
            operation,
            "POST",
            f"{task.path}/{kind}s",
            {"message": "Đề nghị báo cáo (minh họa).", "organization_id": self.cast.id(asked)},
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, f"{kind}.ask"),
            possible=possible,
            excuses=["ones_own", "not_taking_part"] if asked == player.key else [],
            logs=[log],
            events=[event],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"{task.path}/{kind}s/{answer.body['id']}"
            promiser = task.origin.get(asked, asked)
            self.book.add(kind, id=answer.body["id"], path=path, task=task, owner=asked, more={"promiser": promiser})
            self.done_beside(task)

    @turn(3, when=lambda self: self.book.of("urging") or self.book.of("explanation"))
    def answer_somebody(self, what: int, who: int, mode: str) -> None:
        asked = [*self.book.of("urging"), *self.book.of("explanation")]
        waiting = [one for one in asked if not one.state]
        one = self.one(waiting if waiting and what % 6 else asked, what // 6)
        task = one.task
        assert task is not None
        kind = "urging" if "/urgings/" in one.path else "explanation"
        # Whoever was asked, or took its place.
        asked_now = task.answering(one.more["promiser"], task.taking_part) or one.owner

        def own(player: Player) -> list[str]:
            return ["own"] if player.key == asked_now and self.book.acts(asked_now, task.plan) else []

        player = self.somebody(who, lambda p: task.may(p, f"{kind}.answer", *own(p)))
        operation, log, event = {
            "urging": ("answer_urging", "answer_urging", "task.urging_answered"),
            "explanation": ("give_explanation", "give_explanation", "task.explanation_given"),
        }[kind]
        ask = self.beside_ask(
            player,
            one,
            operation,
            "answer",
            {"answer": "Đã báo cáo (minh họa)."},
            permitted=task.may(player, f"{kind}.answer", *own(player)),
            possible=not one.state,
            logs=[log],
            events=[event],
        )
        if self.ask(player, ask, mode).ok:
            one.state = "answered"
            self.done_beside(task)

    @turn(1, when=lambda self: self.book.tasks)
    def say_something(self, what: int, who: int, number: int, mode: str) -> None:
        task = self.any_task(what)
        player = self.somebody(who, lambda one: task.may(one, "comment.add"))
        body: Json = {"text": f"Ý kiến {number % 9} (minh họa)."}
        if number % 3 == 0:
            body["mentions"] = [self.cast.account_id(task.plan.custodian)]
        ask = Ask(
            "add_comment",
            "POST",
            f"{task.path}/comments",
            body,
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, "comment.add"),
            possible=task.may(player, "comment.add"),
            logs=["say"],
            events=["comment.added"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"{task.path}/comments/{answer.body['id']}"
            author = str(player.person.actor.id)
            self.book.add(
                "comment", id=answer.body["id"], path=path, task=task, author=author, more={"text": body["text"]}
            )

    @turn(2, when=lambda self: self.book.of("comment"))
    def take_back_what_was_said(self, what: int, who: int, number: int, mode: str) -> None:
        comment = self.of_task(what, "comment")
        task = comment.task
        assert task is not None
        step = "delete" if number % 3 == 0 else "update"

        def may(player: Player) -> bool:
            # What nobody could say any more is not worded anew either.
            own = ["self"] if str(player.person.actor.id) == comment.author else []
            return task.may(player, f"comment.{step}", *own) and task.may(player, "comment.add")

        player = self.somebody(who, may)
        text = f"Ý kiến {number % 9} (minh họa), sửa lại."
        same = step == "update" and text == comment.more["text"]
        ask = self.beside_ask(
            player,
            comment,
            f"{step}_comment",
            step,
            {"text": text} if step == "update" else None,
            method="PATCH" if step == "update" else "DELETE",
            path=comment.path,
            permitted=may(player),
            possible=not comment.state,
            logs=[] if same else ["say"],
            events=[] if same else ["comment.edited" if step == "update" else "comment.deleted"],
        )
        if self.ask(player, ask, mode).ok:
            comment.state = "deleted" if step == "delete" else comment.state
            comment.more["text"] = text

    @turn(1, when=lambda self: self.book.tasks)
    def say_what_a_task_needs(self, what: int, who: int, number: int, mode: str) -> None:
        """The funding gate."""
        task = self.any_task(what)
        player = self.somebody(who, lambda one: task.may(one, "funding.update"))
        body: Json = {"needs_public_investment": False}
        if number % 4:
            status = self.one(("none", "proposed", "in_plan", "allocated"), number)
            period = self.one(("2021-2025", "2026-2030"), number // 4)
            body = {"needs_public_investment": True, "plan_period": period, "status": status}
        over = task.status in ("completed", "cancelled")
        same = body == task.funding
        ask = Ask(
            "replace_task_funding",
            "PUT",
            f"{task.path}/funding",
            body,
            at=f"{task.path}/funding",
            step="update",
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, "funding.update"),
            possible=not over,
            logs=[] if same else ["change_funding"],
            events=[] if same else ["task.funding_changed"],
        )
        if self.ask(player, ask, mode).ok:
            task.funding = body
            self.done_beside(task, 0 if same else 1)

    @turn(1, when=lambda self: self.book.tasks)
    def name_who_handles_it(self, what: int, who: int, number: int, mode: str) -> None:
        task = self.any_task(what)
        player = self.somebody(who, lambda one: task.may(one, "task.assign_people"))
        roles = self.some(_WORKING, number, 2)
        people = [self.cast.account_id(player.key, role) for role in roles]
        ask = Ask(
            "replace_task_assignees",
            "PUT",
            f"{task.path}/assignees",
            {"account_ids": people},
            at=f"{task.path}/assignees",
            step="replace",
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, "task.assign_people"),
            possible=task.may(player, "task.assign_people"),
            logs=[],
            events=[],
        )
        self.ask(player, ask, mode)
