"""What takes several steps to come about: the walk goes on with what was begun, by whoever can, the rarest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from tests.agreements_api.state.agreement_rules import AgreementRules
from tests.agreements_api.state.book import TASK_STEPS, Beside
from tests.agreements_api.state.dialogue_rules import DialogueRules
from tests.agreements_api.state.document_rules import DocumentRules
from tests.agreements_api.state.import_rules import ImportRules
from tests.agreements_api.state.meeting_rules import MeetingRules
from tests.agreements_api.state.play import PLAIN
from tests.agreements_api.state.succession_rules import SuccessionRules
from tests.agreements_api.state.task_rules import TaskRules
from tests.agreements_api.state.walking import turn

# An operation, and the step that leads to it.
Further = tuple[str, Callable[[], None]]


class FurtherRules(AgreementRules, TaskRules, DialogueRules, MeetingRules, DocumentRules, ImportRules, SuccessionRules):
    """Left to chance alone, some of these would be met in one run and not in the next one."""

    @turn(9)
    def go_on_with_what_was_begun(self, what: int, who: int, number: int) -> None:
        # Among what fits, and by somebody who can: see `somebody` and how each turn chooses.
        found = list(self.further(6 * what + 1, 9 * who, number))
        if not found:
            return
        done = self.play.done
        least = min(done[operation] for operation, _ in found)
        _, step = self.one([one for one in found if done[one[0]] == least], number)
        step()

    def further(self, what: int, who: int, number: int) -> Iterator[Further]:
        yield from self._of_agreements(what, who)
        yield from self._of_tasks(what, who, number)
        yield from self._of_meetings(what, who, number)
        yield from self._of_segments(what, who, number)
        yield from self._of_dossiers(what, who, number)
        yield from self._of_imports(what, who)
        yield from self._of_reforms(what, who, number)

    def _of_agreements(self, what: int, who: int) -> Iterator[Further]:
        plans = [plan for plan in self.living_plans() if plan.amends is None]
        if sum(plan.status == "in_force" for plan in plans) > 1:
            for step in ("conclude", "terminate"):
                yield f"{step}_agreement", partial(self.turn_a_plan, what, who, step, PLAIN)
        for plan in plans:
            tasks = self.book.tasks_of(plan)
            if plan.public and tasks:
                step = "unpublish" if tasks[0].id in plan.public_tasks else "publish"
                yield f"{step}_task", partial(self.publish_task, tasks[0], who, 1, PLAIN)

    def _of_tasks(self, what: int, who: int, number: int) -> Iterator[Further]:
        open_ = [task for task in self.book.tasks if task.status in TASK_STEPS["set_recurrence"]]
        later = {task.previous for task in self.book.tasks}
        if any(task.recurrence is not None and task.id not in later for task in open_):
            yield "end_recurrence", partial(self.repeat_a_task, what, who, 0, PLAIN)
        elif any(task.due_on is not None for task in open_):
            yield "set_recurrence", partial(self.repeat_a_task, what, who, 1, PLAIN)
        obstacles = self.book.of("obstacle")
        steps = {
            "carry_out": any(one.more.get("measures") for one in obstacles if not one.state),
            "resolve": any(not one.state for one in obstacles),
            "reopen": any(one.state for one in obstacles),
        }
        for step in _true(steps):
            yield f"{step}_obstacle", partial(self.work_on_an_obstacle, what, who, step, PLAIN)
        if any(one.state == "requested" for one in self.book.of("extension")):
            for step in ("grant", "deny", "withdraw"):
                yield f"{step}_extension", partial(self.decide_an_extension, what, who, number, step, PLAIN)

    def _of_meetings(self, what: int, who: int, number: int) -> Iterator[Further]:
        meetings = self.book.of("meeting")
        held, planned = _in(meetings, "held"), _in(meetings, "planned")
        for step in _true({"hold": planned, "outcome": held, "minutes": held}):
            yield f"{step}_meeting", partial(self.work_on_a_meeting, what, who, number, step, PLAIN)
        if any(one.more["outcomes"] for one in meetings):
            yield "assign_outcome", partial(self.make_an_outcome_a_task, what, who, number, PLAIN)

    def _of_segments(self, what: int, who: int, number: int) -> Iterator[Further]:
        if any(not one.state for one in self.book.of("segment")):
            for step in ("update", "hand_over", "withdraw"):
                yield f"{step}_segment", partial(self.work_on_a_segment, what, who, number, step, PLAIN)

    def _of_dossiers(self, what: int, who: int, number: int) -> Iterator[Further]:
        cases = self.book.of("boundary")
        begun = any(len(said) == 1 for one in _in(cases, "open") for said in one.more["said"].values())
        # A number by which the turn takes a dossier that fits, and of it the step that is next.
        fitting = self.one((2, 4, 6, 8, 12, 16), number)
        steps = {"confirm": _in(cases, "open"), "update": _in(cases, "open"), "take_back": begun}
        for step in _true(steps):
            yield f"{step}_boundary_case", partial(self.work_on_a_dossier, what, who, fitting, step, PLAIN)
        if _in(cases, "handed_over"):
            yield "close_boundary_case", partial(self.work_on_a_dossier, what, who, 1, "close", PLAIN)

    def _of_imports(self, what: int, who: int) -> Iterator[Further]:
        if _in(self.book.of("import"), "checked"):
            for step in ("commit", "cancel"):
                yield f"{step}_import", partial(self.settle_an_import, what, who, step, PLAIN)

    def _of_reforms(self, what: int, who: int, number: int) -> Iterator[Further]:
        # Not in every walk: most of them are of quieter times.
        if self.book.tasks and not self.book.reforms and number % 3 == 0:
            yield "record_succession", partial(self.end_a_unit, 1, number, ("divided", "whole")[number % 2], PLAIN)
        if _in(self.book.of("case"), "open"):
            yield "decide_succession", partial(self.decide_a_case, what, who, number, PLAIN)
        if self.book.ended:
            yield "apply_successions", partial(self.have_the_rest_carried_out, 1, PLAIN)


def _in(those: Sequence[Beside], state: str) -> list[Beside]:
    return [one for one in those if one.state == state]


def _true(steps: Mapping[str, object]) -> list[str]:
    return [step for step, possible in steps.items() if possible]
