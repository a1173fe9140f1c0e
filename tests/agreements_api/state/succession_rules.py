"""Rules of the walk for reforms: units end, others take their places, and leaders decide where several could.

The walk goes on with whoever answers then. Left out: units that merge into one that has a part already, a decision
about some tasks apart, and one while an amendment waits, whose parties would no longer be those that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from agreements_api import policy
from tests.agreements_api.agreements.world import BODIES, Json
from tests.agreements_api.state.book import Beside, Plan
from tests.agreements_api.state.cast import UNIT, WARDS, Player, heir
from tests.agreements_api.state.inheritance import Told, decide, is_met, succeed
from tests.agreements_api.state.play import Ask
from tests.agreements_api.state.tables import Delta, unsaid
from tests.agreements_api.state.walking import Walking, turn

_BODIES = {ward: [key for key, unit, *_ in BODIES if unit == ward] for ward in WARDS}
_ENDS = ("in_force", "suspended", "concluded", "terminated", "lapsed")


class SuccessionRules(Walking):
    """A resolution, its day, and what is decided afterwards."""

    @turn(1, when=lambda self: self.book.tasks and len(self.book.reforms) < len(WARDS), way=("divided", "whole"))
    def end_a_unit(self, who: int, number: int, way: str, mode: str) -> None:
        unit = self.one([one for one in WARDS if one not in self.book.reforms], number)
        body, *_ = _BODIES[unit]
        player = self.cast.operator if who % 9 else self.one(self.cast.players, who // 9)
        new = [self.cast.unit_id(heir(body, ward)) for ward in (1, 2)]
        edges: list[Json] = [{"old_unit_id": self.cast.unit_id(body), "new_unit_id": new[0]}]
        if way == "divided":
            edges[0] |= {"partial": True, "is_default": True}
            edges.append(edges[0] | {"new_unit_id": new[1], "is_default": False})
        effective_on = self.today + timedelta(days=self.one((0, 1, 3), number))
        ask = Ask(
            "record_succession",
            "POST",
            "/v1/successions",
            {
                "kind": "rearrangement",
                "effective_on": effective_on.isoformat(),
                "legal_basis": "Nghị quyết (minh họa)",
                "edges": edges,
            },
            permitted=player is self.cast.operator,
            possible=player is self.cast.operator,
            logs=[],
            events=["unit.registered", *["unit.succeeded"] * len(edges)],
        )
        if self.ask(player, ask, mode).ok:
            self.book.reforms[unit] = (effective_on, way == "divided")
            self.carry_out_what_is_due()

    def carry_out_what_is_due(self) -> None:
        """The role, on the day of a resolution."""
        due = [
            unit
            for unit, (effective_on, _) in self.book.reforms.items()
            if effective_on <= self.today and unit not in self.book.ended
        ]
        if due:
            self.book.ended |= set(due)
            self._carry_out(due)

    @turn(1, when=lambda self: self.book.ended)
    def have_the_rest_carried_out(self, who: int, mode: str) -> None:
        """What came to bodies of ended units since, because somebody chose them."""
        player = self.cast.operator if who % 9 else self.one(self.cast.players, who // 9)
        ask = Ask(
            "apply_successions",
            "POST",
            "/v1/successions/apply",
            permitted=player is self.cast.operator,
            possible=player is self.cast.operator,
            logs=[],
            events=[],
        )
        if self.ask(player, ask, mode).ok:
            self._carry_out(self.book.ended)

    def _carry_out(self, units: Iterable[str]) -> None:
        """Agreements that these units have to do with; of all ended ones, what came to their bodies since goes too."""
        ended = [key for unit in units for key in _BODIES[unit]]
        takes = {key: heir(key, 1) for unit in self.book.ended for key in _BODIES[unit]}
        told = Told()
        repeating = self.run(self.play.tables.repeating())
        living = self.living_plans()
        for plan in [one for one in living if is_met(self.book, one, ended, comes_again=one.id in repeating)]:
            # Once it was decided, whoever was chosen takes what comes later as well.
            chosen = {
                case.owner: heir(case.owner, case.more["ward"])
                for case in self.book.of("case")
                if case.plan is plan and case.owner in takes and case.state == "decided"
            }
            succeed(self.book, plan, takes | chosen, told)
        delta = self.run(self.play.tell_of("successions are carried out", self.stage.backstage.carry_out_successions()))
        self._check_told(told, delta, "a succession")
        for plan in self.living_plans():
            self.learn_cases(plan, told.promisers.get(plan.id, set()))
        self._check_everybody()

    def _check_told(self, told: Told, delta: Delta, what: str) -> None:
        for words in unsaid(delta):
            raise self.play.broken(f"{what}: {words}")
        for name, expected, found in (("log", told.logs, delta.logged), ("events", told.events, delta.events)):
            if sorted(one.what for one in found) != sorted(expected.elements()):
                of = [f"{one.what} {one.record}" for one in found]
                raise self.play.broken(f"{what} tells {of} in the {name}, expected {expected}: {told.versions}")

    def learn_cases(self, plan: Plan, promisers: set[str]) -> None:
        """One for each promiser whose place was taken, to be decided where several could take it."""
        known = {case.owner for case in self.book.of("case") if case.plan is plan}
        if not promisers - known:
            return
        page = self.run(self.play.read(self.cast.of(plan.custodian), f"{plan.path}/successions", limit=100))
        shown = {self.cast.key(item["promised_by"]["organization_id"]): item for item in page["items"]}
        if shown.keys() != known | promisers:
            raise self.play.broken(f"{plan.name} has cases of {sorted(shown)}, expected {sorted(known | promisers)}")
        for key in sorted(promisers - known):
            unit = next(one for one, keys in _BODIES.items() if key in keys)
            state = "open" if self.book.reforms[unit][1] else "automatic"
            if shown[key]["state"] != state:
                raise self.play.broken(f"the case of {key} in {plan.name} is not {state}: {shown[key]}")
            case_id = shown[key]["id"]
            self.book.add(
                "case",
                id=case_id,
                path=f"/v1/successions/worklist/{case_id}",
                plan=plan,
                owner=key,
                state=state,
                more={"ward": 1, "unit": unit},
            )

    def _check_everybody(self) -> None:
        for task in self.book.tasks:
            self.check(task)
        for plan in self.living_plans():
            self.check_plan(plan)
            self._check_responsible(plan)

    def _check_responsible(self, plan: Plan) -> None:
        """Who answers by dates and decisions is who stands in the records, unless that is yet to be carried out."""
        page = self.run(self.play.read(self.cast.of(plan.custodian), f"{plan.path}/responsible"))
        for item in page["items"]:
            task = self.book.task(item["task_id"]) if item["task_id"] else None
            promiser = self.cast.key(item["promised_by"]["organization_id"])
            if task is not None:
                holder = task.answering(promiser, task.taking_part)
            else:
                holder = next((key for key in plan.parties if plan.origin.get(key, key) == promiser), None)
            if item["relation"] == "custodian":
                holder = plan.custodian
            answers = self.cast.key(item["answers"]["organization_id"])
            if holder is not None and UNIT[holder] not in self.book.ended and answers != holder:
                raise self.play.broken(f"{answers} answers for {promiser} in {plan.name}, and {holder} stands there")

    @turn(5, when=lambda self: any(case.state == "open" for case in self.book.of("case")))
    def decide_a_case(self, what: int, who: int, number: int, mode: str) -> None:
        cases = self.book.of("case")
        undecided = [case for case in cases if case.state == "open" and self._can_be_decided(case)]
        case = self.one(undecided if undecided and what % 6 else cases, what // 6)
        if not self._can_be_decided(case):
            return
        plan = case.of_plan

        def may(player: Player) -> bool:
            return policy.allowed(player.person.actor, "succession.decide", plan.relations(player.key))

        player = self.somebody(who, may)
        ward = 1 + number % 2
        alike = [
            one
            for one in cases
            if number % 3 == 0 and one.plan is plan and one.more["unit"] == case.more["unit"] and one.state == "open"
        ]
        concerned = [case, *(one for one in alike if one is not case)]
        body: Json = {
            "unit_id": self.cast.unit_id(heir(case.owner, ward)),
            "reason": "Thuộc địa bàn phường (minh họa).",
        }
        if number % 3 == 0:
            body["whole_unit"] = True
        ask = self.beside_ask(
            player,
            case,
            "decide_succession",
            "decide",
            body,
            permitted=may(player),
            possible=case.state == "open",
        )
        answer = self.ask(player, ask, mode)
        if not answer.ok:
            return
        told = Told()
        for one in concerned:
            one.state, one.more["ward"] = "decided", ward
        decide(self.book, plan, [one.owner for one in concerned], ward, told)
        self._check_told(told, answer.delta, "a decision")
        self._check_everybody()

    def _can_be_decided(self, case: Beside) -> bool:
        """See above: not as long as an amendment waits."""
        plan = case.of_plan
        return plan.status in _ENDS and all(
            other.status in _ENDS for other in self.living_plans() if other.amends is plan
        )
