"""Random actors in random steps over the whole API; after each of them what the domain promises has to hold."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.agreements_api.state.book import Plan, Task
from tests.agreements_api.state.cast import BODIES_AT_WORK, FOLLOWS
from tests.agreements_api.state.further_rules import Further, FurtherRules
from tests.agreements_api.state.tables import Delta
from tests.agreements_api.state.walking import MODE, NUMBER, Turn, turn

_DAYS = (1, 1, 2, 3, 6, 9, 20, 45)


class Walk(FurtherRules):
    """All rules, with the passing of days."""

    @initialize(number=NUMBER)
    def begin_with_a_plan(self, number: int) -> None:
        """A plan in force with a joint task, so that no walk stays among drafts."""
        plan = self.in_force(["dongtrieu", "chilinh"])
        body = self.task_body(number) | {
            "lead_organization_id": self.cast.id("ubnd-dongtrieu"),
            "coordinating": [{"organization_id": self.cast.id(key)} for key in ("ubnd-kinhmon", "ubnd-chilinh")],
            "monitoring": [],
            "due_on": self.day(30),
        }
        self.assign(self.cast.of("dongtrieu"), plan, body)

    @rule(chosen=st.integers(0, 9_999), what=NUMBER, who=NUMBER, number=NUMBER, way=NUMBER, mode=MODE)
    def take_a_turn(self, chosen: int, what: int, who: int, number: int, way: int, mode: str) -> None:
        """One of all turns that can be taken now. The first choice is to rest, so that failing walks become short."""
        if chosen == 0:
            return
        open_ = [one for one in TURNS if one.when(self)]
        one = self.one([one for one in open_ for _ in range(one.weight)], chosen)
        given: dict[str, Any] = {"what": what, "who": who, "number": number, "mode": mode}
        given |= {name: self.one(words, way) for name, words in one.ways.items()}
        getattr(self, one.name)(**{name: given[name] for name in one.takes})

    @turn(3)
    def days_pass(self, number: int) -> None:
        self.run(self.play.days_pass(self.one(_DAYS, number)))
        self.carry_out_what_is_due()
        self.come_too_late(number)
        self.end_what_is_over()

    def further(self, what: int, who: int, number: int) -> Iterator[Further]:
        found = list(super().further(what, who, number))
        # Twenty days end what waits for signatures, and forty-five bring what comes again.
        if any(plan.status == "open_for_signature" and plan.sign_by is not None for plan in self.living_plans()):
            found = [one for one in found if one[0] != "day: expire_signing"]
            yield "day: expire_signing", partial(self.days_pass, _DAYS.index(20))
        yield from found
        if any(task.recurrence is not None for task in self.book.tasks):
            yield "day: assign", partial(self.days_pass, _DAYS.index(45))

    def end_what_is_over(self) -> None:
        """What a day ends, the product ends; exactly that, and it says so."""
        self.count()
        today = self.today
        expected: list[str] = []
        for task in self.book.tasks:
            if task.status == "submitted" and task.respond_by is not None and task.respond_by < today:
                expected += ["lapse", "complete"]
                task.lapse(today)
                task.version += 2
        for plan in self.living_plans():
            if plan.status == "open_for_signature" and plan.signing_over(today):
                expected.append("expire_signing")
                plan.withdraw()
                plan.version += 1
        for plan in self.living_plans():
            runs = plan.status in ("in_force", "suspended") and plan.amends is None
            if runs and plan.term_to is not None and plan.term_to < today:
                expected.append("lapse")
                plan.status, plan.ended_on = "lapsed", today
                plan.version += 1
        delta = self.run(self.play.pass_the_day())
        told = sorted(one.what for one in delta.logged if one.what not in ("escalate", "assign", "miss_plan_period"))
        if told != sorted(expected):
            raise self.play.broken(f"the day ends {told}, expected {sorted(expected)}")
        self._learn(delta)
        for task in self.book.tasks:
            self.check(task)
        for plan in self.living_plans():
            self.check_plan(plan)

    def _learn(self, delta: Delta) -> None:
        """What the day did that the model does not foresee: what comes again, what went by, what went up."""
        self.stage.tally.asked.update(f"day: {one.what}" for one in delta.logged)
        for done in (self.stage.tally.done, self.play.done):
            done.update(f"day: {one.what}" for one in delta.logged)
        for one in delta.logged:
            if one.what == "escalate":
                self.book.rest_on(one.record, "escalate")
            if one.what == "miss_plan_period":
                task = self.book.task(one.record)
                assert task is not None
                task.version += 1
        # Many days bring several occurrences of one task, of which the log has no order.
        occurrences = [one.record for one in delta.logged if one.what == "assign"]
        while occurrences:
            left = [one for one in occurrences if not self._learn_occurrence(one)]
            if left == occurrences:
                raise self.play.broken(f"{left} come again after tasks that there are not")
            occurrences = left

    def _learn_occurrence(self, task_id: str) -> bool:
        """The next occurrence: whoever answers for each promise, nothing accepted, nothing done, due on a cut-off.

        Not while that before it is unknown.
        """
        reader = next(
            self.cast.of(plan.custodian)
            for plan in self.living_plans()
            if plan.amends is None and self.run(self.play.sees(self.cast.of(plan.custodian), f"/v1/tasks/{task_id}"))
        )
        body = self.run(self.play.read(reader, f"/v1/tasks/{task_id}"))
        before = self.book.task(body["previous_occurrence_id"])
        if before is None:
            return False
        task = self.new_task(body, before.plan)
        first = {key: before.origin.get(key, key) for key in before.taking_part}
        takes = {key: self.book.answers(before.plan, first[key], key) for key in before.taking_part}
        named = (before.lead, before.coordinating, before.monitoring)
        lead, coordinating, monitoring = takes[named[0]], *([takes[key] for key in keys] for keys in named[1:])
        promised = {taker: first[key] for key, taker in takes.items() if taker != first[key]}
        same = (task.lead, task.coordinating, task.monitoring, task.origin) == (
            lead,
            coordinating,
            monitoring,
            promised,
        )
        if not same or task.recurrence != before.recurrence or task.due_on is None or task.due_on.day != 14:
            raise self.play.broken(f"{task.name} is not the next occurrence of {before.name}, of {takes}: {body}")
        self.learn_cases(before.plan, {first[key] for key, taker in takes.items() if taker != key})
        return True

    @turn(6)
    def look_at_something(self, who: int, what: int) -> None:
        """What somebody is told that he can do is what the model says."""
        self.count()
        records: list[Task | Plan] = [*self.book.tasks, *self.living_plans()]
        at_work = {*BODIES_AT_WORK, *(key for key, unit in FOLLOWS.items() if unit in self.book.ended)}
        players = [player for player in self.players if player.key in at_work or not what % 4]
        record = self.one(records, what)
        self.run(self.play.check_actions(self.one(players, who), record))

    def teardown(self) -> None:
        try:
            if self.fine and self.book.plans:
                self.run(self.play.check_all())
        finally:
            self.stage.run(self.play.end())


TURNS: list[Turn] = [
    method.turn for _, method in inspect.getmembers(Walk, inspect.isfunction) if hasattr(method, "turn")
]
