"""Rules of the walk for what an agreement holds beside its tasks: meetings, corridors, boundary areas, the public."""

from __future__ import annotations

from datetime import timedelta

from agreements_api import policy
from shared import clock
from tests.agreements_api.agreements.world import Json
from tests.agreements_api.state.book import Beside, Plan, Task
from tests.agreements_api.state.cast import UNIT, Player
from tests.agreements_api.state.play import Ask
from tests.agreements_api.state.walking import Walking, turn

_REASON = {"reason": "Hai bên đã thống nhất (minh họa)."}
_BINDING = ("in_force", "suspended")


class MeetingRules(Walking):
    """Each has a version, a log and an event of its own; what is public is a version of its agreement."""

    def may(self, player: Player, plan: Plan, action: str, *more: str) -> bool:
        return policy.allowed(player.person.actor, action, {*plan.relations(player.key), *more})

    @turn(1, when=lambda self: len(self.book.of("meeting")) < 6)
    def plan_a_meeting(self, what: int, who: int, number: int, mode: str) -> None:
        plan = self.one(self.living_plans(), what)
        player = self.somebody(who, lambda one: self.may(one, plan, "meeting.plan"))
        starts = clock.now() + timedelta(days=number % 10 - 5)
        ask = Ask(
            "plan_meeting",
            "POST",
            f"{plan.path}/meetings",
            {"kind": "regular", "title": "Giao ban (minh họa)", "starts_at": starts.isoformat()},
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, "meeting.plan"),
            possible=plan.status in _BINDING,
            logs=["plan"],
            events=["meeting.planned"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"/v1/meetings/{answer.body['id']}"
            self.book.add(
                "meeting",
                id=answer.body["id"],
                path=path,
                plan=plan,
                owner=player.key,
                state="planned",
                more={"outcomes": [], "starts": starts},
            )

    @turn(
        3,
        when=lambda self: self.book.of("meeting"),
        step=("hold", "hold", "outcome", "outcome", "minutes", "update", "cancel"),
    )
    def work_on_a_meeting(self, what: int, who: int, number: int, step: str, mode: str) -> None:
        meetings = self.book.of("meeting")
        if step in ("outcome", "minutes") and not any(one.state == "held" for one in meetings):
            step = "hold"
        fitting = [one for one in meetings if one.state == ("held" if step in ("outcome", "minutes") else "planned")]
        meeting = self.one(fitting if fitting and what % 6 else meetings, what // 6)
        plan = meeting.of_plan
        action = "record" if step in ("outcome", "minutes") else step
        player = self.somebody(who, lambda one: self.may(one, plan, f"meeting.{action}", *self._hosts(one, meeting)))
        came = [{"organization_id": self.cast.id(key), "attendance": "attended"} for key in ("dongtrieu", "chilinh")]
        now = clock.now()
        choices: dict[str, tuple[Json, str, str, str, str]] = {
            "hold": (
                {"attendance": came, "starts_at": (now - timedelta(hours=1)).isoformat()},
                "hold",
                "POST",
                "hold",
                "held",
            ),
            "outcome": ({"text": "Kết luận (minh họa)."}, "outcomes", "POST", "record_outcome", "changed"),
            "minutes": ({"text": f"Biên bản {number} (minh họa)."}, "minutes", "PUT", "write_minutes", "changed"),
            "update": ({"title": f"Giao ban {number} (minh họa)"}, "", "PATCH", "update", "changed"),
            "cancel": (dict(_REASON), "cancel", "POST", "cancel", "cancelled"),
        }
        body, path, method, log, event = choices[step]
        same = step == "update" and body["title"] == meeting.more.get("title")
        ask = self.beside_ask(
            player,
            meeting,
            f"{step}_meeting",
            action,
            body,
            method=method,
            path=f"{meeting.path}/{path}".rstrip("/"),
            permitted=self.may(player, plan, f"meeting.{action}", *self._hosts(player, meeting)),
            possible=meeting.state == ("held" if action == "record" else "planned"),
            logs=[] if same else [log],
            events=[] if same else [f"meeting.{event}"],
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        meeting.state = {"hold": "held", "cancel": "cancelled"}.get(step, meeting.state)
        if meeting.state == "held":
            self.book.rest_on(meeting.id, "recorded")
        if step == "update":
            meeting.more["title"] = body["title"]
        if step == "outcome":
            meeting.more["outcomes"].append(answer.body["outcomes"][-1]["id"])

    def _hosts(self, player: Player, meeting: Beside) -> list[str]:
        return ["own"] if player.key == self.book.in_place_of(meeting.owner, meeting.of_plan) else []

    @turn(2, when=lambda self: any(one.more["outcomes"] for one in self.book.of("meeting")))
    def make_an_outcome_a_task(self, what: int, who: int, number: int, mode: str) -> None:
        meeting = self.one([one for one in self.book.of("meeting") if one.more["outcomes"]], what)
        outcome_id = self.one(meeting.more["outcomes"], number)
        plan = meeting.of_plan
        player = self.somebody(who, lambda one: plan.may(one, "assign_task"))
        assigned = meeting.more.setdefault("assigned", set())

        def named(body: Json) -> list[str]:
            found: list[str] = next(one for one in body["outcomes"] if one["id"] == outcome_id)["allowed_actions"]
            return found

        ask = self.beside_ask(
            player,
            meeting,
            "assign_outcome",
            "assign",
            {"lead_organization_id": self.cast.id("ubnd-dongtrieu"), "due_on": self.day(number % 40)},
            path=f"{meeting.path}/outcomes/{outcome_id}/assign",
            named=named,
            permitted=plan.may(player, "assign_task"),
            possible=outcome_id not in assigned and plan.status == "in_force" and plan.amends is None,
            logs=["assign", "assign_outcome"],
            events=["task.assigned", "meeting.changed"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            assigned.add(outcome_id)
            self.book.rest_on(meeting.id, "recorded")
            task_id = next(one.record for one in answer.delta.events if one.what == "task.assigned")
            body = self.run(self.play.read(self.cast.of(plan.custodian), f"/v1/tasks/{task_id}"))
            self.run(self.play.check_task(self.new_task(body, plan)))

    @turn(1)
    def promise_to_meet(self, what: int, who: int, number: int, mode: str) -> None:
        plan = self.one(self.living_plans(), what)
        player = self.somebody(who, lambda one: self.may(one, plan, "meeting_promise.record"))
        ask = Ask(
            "record_meeting_promise",
            "POST",
            f"{plan.path}/meeting-promises",
            {"frequency": "monthly", "from_on": self.day(number % 30), "until_on": self.day(30 + number % 30)},
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, "meeting_promise.record"),
            possible=plan.in_force_on is not None,
            excuses=["promise_overlaps"] if any(one.plan is plan for one in self.book.of("promise")) else [],
            logs=["record_promise"],
            events=["meeting.promise_changed"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"{plan.path}/meeting-promises/{answer.body['id']}"
            self.book.add("promise", id=answer.body["id"], path=path, plan=plan)

    @turn(1, when=lambda self: len(self.book.of("corridor")) < 3)
    def draw_a_corridor(self, what: int, who: int, mode: str) -> None:
        plan = self.one(self.living_plans(), what)
        player = self.somebody(who, lambda one: self.may(one, plan, "corridor.create"))
        ask = Ask(
            "create_corridor",
            "POST",
            f"{plan.path}/corridors",
            {"name": "Tuyến kết nối (minh họa)"},
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, "corridor.create"),
            possible=plan.status == "in_force" and plan.amends is None,
            logs=["create_corridor"],
            events=["corridor.changed"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            self.book.add("corridor", id=answer.body["id"], path=f"/v1/corridors/{answer.body['id']}", plan=plan)

    @turn(2, when=lambda self: self.book.of("corridor"))
    def add_a_segment(self, what: int, who: int, number: int, mode: str) -> None:
        corridor = self.one(self.book.of("corridor"), what)
        plan = corridor.of_plan
        player = self.somebody(who, lambda one: self.may(one, plan, "corridor.create"))
        stands = ["own"] if self.book.stands(player.key, plan) else []
        ask = self.beside_ask(
            player,
            corridor,
            "add_segment",
            "add_segment",
            {"name": f"Đoạn {number % 9} (minh họa)", "length_m": 1 + number},
            path=f"{corridor.path}/segments",
            permitted=self.may(player, plan, "segment.create", *stands),
            possible=plan.status == "in_force",
            matched=False,
            logs=["add_segment"],
            events=["segment.changed"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"{corridor.path}/segments/{answer.body['id']}"
            self.book.add("segment", id=answer.body["id"], path=path, plan=plan, owner=player.key)

    @turn(3, when=lambda self: self.book.of("segment"), step=("update", "update", "hand_over", "withdraw"))
    def work_on_a_segment(self, what: int, who: int, number: int, step: str, mode: str) -> None:
        segment = self.one(self.book.of("segment"), what)
        plan = segment.of_plan

        def own(player: Player) -> list[str]:
            return ["own"] if player.key == segment.owner and self.book.acts(player.key, plan) else []

        player = self.somebody(who, lambda one: self.may(one, plan, f"segment.{step}", *own(one)))
        others = [key for key in ("dongtrieu", "chilinh") if key != segment.owner or number % 5 == 0]
        to = self.one(others, number)
        choices: dict[str, tuple[Json, str, str, str]] = {
            "update": ({"percent": number % 101}, segment.path, "PATCH", "update_segment"),
            "hand_over": (
                {"organization_id": self.cast.id(to), **_REASON},
                f"{segment.path}/hand-over",
                "POST",
                "hand_over_segment",
            ),
            "withdraw": (dict(_REASON), f"{segment.path}/withdraw", "POST", "withdraw_segment"),
        }
        body, path, method, log = choices[step]
        same = step == "update" and body["percent"] == segment.more.get("percent", 0)
        excuses = ["same_owner"] if to == segment.owner else []
        if not self.book.stands(to, plan):
            excuses.append("no_member")
        ask = self.beside_ask(
            player,
            segment,
            f"{step}_segment",
            step,
            body,
            method=method,
            path=path,
            permitted=self.may(player, plan, f"segment.{step}", *own(player)),
            possible=not segment.state and not (step == "hand_over" and excuses),
            logs=[] if same else [log],
            events=[] if same else ["segment.changed"],
        )
        if self.ask(player, ask, mode).ok:
            if step == "update":
                segment.more["percent"] = body["percent"]
            elif step == "hand_over":
                segment.owner = to
                segment.more.pop("inherited", None)
            else:
                segment.state = "withdrawn"

    @turn(1, when=lambda self: self.book.tasks and len(self.book.of("boundary")) < 2)
    def open_a_dossier(self, what: int, who: int, mode: str) -> None:
        joint = [task for task in self.book.tasks if task.coordinating]
        task = self.one(joint or self.book.tasks, what)
        player = self.somebody(who, lambda one: task.may(one, "boundary_case.open"))
        sides = [task.lead, (task.coordinating or ["chilinh"])[0]]
        excuses = []
        if not task.coordinating:
            excuses.append("not_in_task")
        if UNIT[sides[0]] == UNIT[sides[1]]:
            excuses.append("same_locality")
        body = {
            "kind": "both",
            "organization_ids": [self.cast.id(key) for key in sides],
            "households": 12,
            "steps": [{"title": "Bàn giao mốc (minh họa)"}, {"title": "Bàn giao hồ sơ (minh họa)"}][: 1 + what % 2],
        }
        ask = Ask(
            "open_boundary_case",
            "POST",
            f"{task.path}/boundary-cases",
            body,
            visible=self.book.sees(player, task.plan),
            permitted=task.may(player, "boundary_case.open"),
            possible=task.status not in ("completed", "cancelled"),
            excuses=[*excuses, "too_short"] if len(set(sides)) == 1 else excuses,
            logs=["open"],
            events=["boundary_case.opened"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            self.book.add(
                "boundary",
                id=answer.body["id"],
                path=f"/v1/boundary-cases/{answer.body['id']}",
                task=task,
                state="open",
                more={
                    "sides": [(key, task.origin.get(key, key)) for key in sides],
                    "steps": [one["id"] for one in answer.body["steps"]],
                    # By step, the sides that have confirmed it.
                    "said": {},
                },
            )

    @turn(
        4,
        when=lambda self: self.book.of("boundary"),
        step=("confirm", "confirm", "confirm", "take_back", "update", "close"),
    )
    def work_on_a_dossier(self, what: int, who: int, number: int, step: str, mode: str) -> None:
        cases = self.book.of("boundary")
        handed = [one for one in cases if one.state == "handed_over"]
        if handed and number % 2:
            step = "close"
        fitting = [one for one in cases if one.state == ("handed_over" if step == "close" else "open")]
        case = self.one(fitting if fitting and number % 7 else cases, what)
        task = case.task
        assert task is not None
        said = case.more["said"]
        # Whoever stands in the task in the place of a side answers for it.
        sides = [
            task.answering(promiser, [task.lead, *task.coordinating]) or key for key, promiser in case.more["sides"]
        ]
        undone = [one for one in case.more["steps"] if len(said.get(one, ())) < 2]
        step_id = self.one(case.more["steps"], number) if number % 5 == 0 or not undone else undone[0]

        def own(player: Player) -> list[str]:
            # A side that has left the agreement confirms nothing.
            return ["own"] if player.key in sides and task.relations(player.key) - {"former"} else []

        def fair(player: Player) -> bool:
            if not task.may(player, f"boundary_case.{step}", *own(player)):
                return False
            said_already = own(player) != [] and sides.index(player.key) in said.get(step_id, ())
            return {"confirm": not said_already, "take_back": said_already}.get(step, True)

        player = self.somebody(who, fair)
        confirmed: set[int] = said.setdefault(step_id, set())
        side = sides.index(player.key) if own(player) else -1
        earlier = case.more["steps"][: case.more["steps"].index(step_id)]
        blocked = any(len(said.get(one, ())) < 2 for one in earlier)
        possible = {
            "confirm": case.state == "open" and side not in confirmed and not blocked,
            "take_back": case.state == "open" and side in confirmed and len(confirmed) < 2,
            "update": case.state == "open",
            "close": case.state == "handed_over",
        }[step]
        last = step == "confirm" and possible and undone == [step_id] and len(confirmed) == 1
        households = number % 50
        same = step == "update" and households == case.more.get("households", 12)
        body, path, method, logs, events = {
            "confirm": ({}, f"steps/{step_id}/confirm", "POST", ["confirm"], ["boundary_case.step_confirmed"]),
            "take_back": ({}, f"steps/{step_id}/take-back", "POST", ["take_back"], ["boundary_case.step_taken_back"]),
            "update": ({"households": households}, "", "PATCH", ["update"], ["boundary_case.changed"]),
            "close": ({"remark": "Xong (minh họa)."}, "close", "POST", ["close"], ["boundary_case.closed"]),
        }[step]
        if last:
            logs, events = [*logs, "hand_over"], [*events, "boundary_case.handed_over"]

        def named(shown: Json) -> list[str]:
            where = shown
            if step in ("confirm", "take_back"):
                where = next(one for one in shown["steps"] if one["id"] == step_id)
            found: list[str] = where["allowed_actions"]
            return found

        ask = self.beside_ask(
            player,
            case,
            f"{step}_boundary_case",
            step,
            body,
            method=method,
            path=f"{case.path}/{path}".rstrip("/"),
            named=named,
            permitted=task.may(player, f"boundary_case.{step}", *own(player)),
            possible=possible,
            logs=[] if same else logs,
            events=[] if same else events,
        )
        if not self.ask(player, ask, mode).ok:
            return
        if step == "confirm":
            confirmed.add(side)
            case.state = "handed_over" if last else case.state
        elif step == "take_back":
            confirmed.discard(side)
        elif step == "close":
            case.state = "closed"
        elif not same:
            # The figures are others: what one side alone had confirmed is void.
            case.more["households"] = households
            case.more["said"] = {one: sides_ for one, sides_ in said.items() if len(sides_) == 2}

    @turn(2)
    def publish_something(self, what: int, who: int, number: int, mode: str) -> None:
        """An agreement or one of its tasks is shown to everybody, or is not any more."""
        plans = [plan for plan in self.living_plans() if plan.in_force_on is not None]
        plan = self.one(plans if plans and what % 5 else self.living_plans(), what // 5)
        tasks = self.book.tasks_of(plan)
        if tasks and number % 2:
            return self.publish_task(self.one(tasks, what), who, number, mode)
        step = "publish" if not plan.public or number % 9 == 0 else "unpublish"
        player = self.somebody(who, lambda one: self.may(one, plan, f"publication.{step}"))
        shown = [task.id for task in tasks[:1]] if step == "publish" else []
        ask = Ask(
            f"{step}_agreement",
            "POST",
            f"{plan.path}/{step}",
            {"task_ids": shown} if step == "publish" else {},
            at=f"{plan.path}/publication",
            step=step,
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, f"publication.{step}"),
            possible=plan.in_force_on is not None and plan.public == (step == "unpublish"),
            logs=[step],
            events=[f"agreement.{step}ed"],
        )
        if self.ask(player, ask, mode).ok:
            plan.public = step == "publish"
            plan.public_tasks = set(shown)
            plan.version += 1
            self.check_plan(plan)
        return None

    def publish_task(self, task: Task, who: int, number: int, mode: str) -> None:
        plan = task.plan
        is_shown = task.id in plan.public_tasks
        step = "unpublish" if is_shown and number % 9 else "publish"
        player = self.somebody(who, lambda one: self.may(one, plan, f"publication.{step}"))
        ask = Ask(
            f"{step}_task",
            "POST",
            f"{task.path}/{step}",
            None if step == "publish" else {},
            at=task.path,
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, f"publication.{step}"),
            possible=is_shown if step == "unpublish" else plan.public and not is_shown,
            logs=[f"{step}_task"],
            # An agreement stays public when one of its tasks is taken back.
            events=["agreement.published"],
        )
        if self.ask(player, ask, mode).ok:
            plan.public_tasks ^= {task.id}
            plan.version += 1
            self.check_plan(plan)

    @turn(1)
    def find_something_wanting(self, what: int, who: int, mode: str) -> None:
        plan = self.one(self.living_plans(), what)
        player = self.somebody(who, lambda one: self.may(one, plan, "open_point.raise"))
        ask = Ask(
            "raise_open_point",
            "POST",
            f"{plan.path}/open-points",
            {"kind": "shortcoming", "text": "Phối hợp chưa thường xuyên (minh họa).", "raised_by": "Sơ kết"},
            visible=self.book.sees(player, plan),
            permitted=self.may(player, plan, "open_point.raise"),
            possible=plan.in_force_on is not None,
            logs=["raise_open_point"],
            events=["agreement.open_point_changed"],
        )
        answer = self.ask(player, ask, mode)
        if answer.ok:
            path = f"/v1/open-points/{answer.body['id']}"
            self.book.add("point", id=answer.body["id"], path=path, plan=plan, state="open")
            plan.version += 1
            self.check_plan(plan)

    @turn(2, when=lambda self: self.book.of("point"), step=("carry", "resolve"))
    def settle_a_point(self, what: int, who: int, step: str, mode: str) -> None:
        point = self.one(self.book.of("point"), what)
        plan = point.of_plan
        player = self.somebody(who, lambda one: self.may(one, plan, f"open_point.{step}"))
        task = self.one(self.book.tasks, what)
        hidden = not self.book.sees(player, task.plan)
        ask = self.beside_ask(
            player,
            point,
            f"{step}_open_point",
            step,
            {"task_id": task.id} if step == "carry" else {"remark": "Đã khắc phục (minh họa)."},
            permitted=self.may(player, plan, f"open_point.{step}"),
            possible=point.state in (("open",) if step == "carry" else ("open", "carried")),
            # Nothing is carried where nobody works on it any more.
            excuses=["unknown_reference"] if step == "carry" and (hidden or task.status == "cancelled") else [],
            logs=[f"{step}_open_point"],
            events=["agreement.open_point_changed"],
        )
        if self.ask(player, ask, mode).ok:
            point.state = "carried" if step == "carry" else "resolved"
            plan.version += 1
            self.check_plan(plan)
