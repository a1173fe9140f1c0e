"""What takes several steps to come about: the walk goes on with what was begun, by whoever can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.agreements_api.state.agreement_rules import AgreementRules
from tests.agreements_api.state.book import TASK_STEPS, Beside
from tests.agreements_api.state.dialogue_rules import DialogueRules
from tests.agreements_api.state.document_rules import KEPT, DocumentRules
from tests.agreements_api.state.import_rules import ImportRules
from tests.agreements_api.state.meeting_rules import MeetingRules
from tests.agreements_api.state.play import PLAIN
from tests.agreements_api.state.succession_rules import SuccessionRules
from tests.agreements_api.state.task_rules import TaskRules
from tests.agreements_api.state.walking import turn

# What is to be carried out, and the step that leads there.
Further = tuple[str, Callable[[], None]]


class FurtherRules(AgreementRules, TaskRules, DialogueRules, MeetingRules, DocumentRules, ImportRules, SuccessionRules):
    """Left to chance alone, some of these would be met in one run and not in the next one.

    First comes what no walk of the run has carried out yet, then what this one has done least.
    """

    @turn(12)
    def go_on_with_what_was_begun(self, what: int, who: int, number: int) -> None:
        # Among what fits, and by somebody who can: see `somebody` and how each turn chooses.
        found = list(self.further(6 * what + 1, 9 * who, number))
        if not found:
            return
        done, wanted = self.play.done, self.stage.wanted

        def rank(operation: str) -> tuple[bool, int]:
            return operation not in wanted or done[operation] > 0, done[operation]

        first = min(rank(operation) for operation, _ in found)
        _, step = self.one([one for one in found if rank(one[0]) == first], number)
        step()

    def further(self, what: int, who: int, number: int) -> Iterator[Further]:
        yield from self._of_agreements(what, who)
        yield from self._of_tasks(what, who, number)
        yield from self._of_dialogue(what, who)
        yield from self._of_documents(what, who, number)
        yield from self._of_meetings(what, who, number)
        yield from self._of_segments(what, who, number)
        yield from self._of_dossiers(what, who, number)
        yield from self._of_imports(what, who)
        yield from self._of_reforms(what, who, number)

    def _of_agreements(self, what: int, who: int) -> Iterator[Further]:
        plans = [plan for plan in self.living_plans() if plan.amends is None]
        for step in ("conclude", "terminate"):
            # Only one that others go on beside.
            if sum(plan.status == "in_force" for plan in plans) > 1:
                yield f"{step}_agreement", partial(self.turn_a_plan, what, who, step, PLAIN)
            elif any(plan.status == "open_for_signature" for plan in plans):
                yield f"{step}_agreement", partial(self.sign_a_plan, what, who, PLAIN)
            elif any(plan.status == "draft" for plan in plans):
                yield f"{step}_agreement", partial(self.open_a_draft, what, who, PLAIN)
        waiting = [plan for plan in self.living_plans() if plan.sign_by is not None and plan.status == "draft"]
        if waiting:
            yield "day: expire_signing", partial(self.open_a_draft, what, who, PLAIN)
        elif self.room_for_plans:
            # By this number with a last day for signatures, in ten days.
            yield "day: expire_signing", partial(self.draft_a_plan, who, 10, PLAIN)
        if any(plan.status == "open_for_signature" for plan in self.living_plans()):
            for step in ("recall", "decline"):
                yield f"{step}_agreement", partial(self.take_a_text_back, what, who, step, PLAIN)
        for plan in plans:
            if plan.public:
                yield "unpublish_agreement", partial(self.publish_something, what, who, 2, PLAIN)
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
            yield "end_recurrence", partial(self.repeat_a_task, what, who, 1, PLAIN)
        requested = any(one.state == "requested" for one in self.book.of("extension"))
        for step in ("grant", "deny", "withdraw"):
            if requested:
                yield f"{step}_extension", partial(self.decide_an_extension, what, who, number, step, PLAIN)
            else:
                for task in (task for task in open_ if task.due_on is not None and not task.asked_for_more):
                    # Much later: what is before today or before the deadline is refused.
                    yield f"{step}_extension", partial(self.extend, task, who, 39, PLAIN)

    def _of_dialogue(self, what: int, who: int) -> Iterator[Further]:
        obstacles = self.book.of("obstacle")
        open_ = [one for one in obstacles if not one.state]
        if open_:
            step = "carry_out" if any(one.more.get("measures") for one in open_) else "measure"
            yield "carry_out_obstacle", partial(self.work_on_an_obstacle, what, who, step, PLAIN)
            for step in ("update", "escalate"):
                yield f"{step}_obstacle", partial(self.work_on_an_obstacle, what, who, step, PLAIN)
        if obstacles:
            step = "reopen" if len(open_) < len(obstacles) else "resolve"
            yield "reopen_obstacle", partial(self.work_on_an_obstacle, what, who, step, PLAIN)
        # By the number, the turn takes one step or the other.
        for step, number in (("update", 1), ("remove", 0)):
            if self.book.of("milestone"):
                yield f"{step}_milestone", partial(self.reach_a_milestone, what, who, number, PLAIN)
        for step, number in (("update", 1), ("delete", 0)):
            if self.book.of("comment"):
                yield f"{step}_comment", partial(self.take_back_what_was_said, what, who, number, PLAIN)
        if self.book.of("dependency"):
            yield "remove_dependency", partial(self.let_a_task_wait_no_more, what, who, PLAIN)
        if any(one.state != "resolved" for one in self.book.of("point")):
            for step in ("carry", "resolve"):
                yield f"{step}_open_point", partial(self.settle_a_point, what, who, step, PLAIN)

    def _of_documents(self, what: int, who: int, number: int) -> Iterator[Further]:
        """Something lies at an obstacle, a report names it, and then it cannot be removed."""
        under_way = [one for one in self.book.of("obstacle") if one.task and one.task.status == "in_progress"]
        lying = {one.more["subject"]: one.task for one in self.book.of("document") if not one.state}
        tasks = [lying[one.id] for one in under_way if one.id in lying]
        if kept := self.kept_as_evidence():
            yield KEPT, partial(self.remove, kept[0], who, PLAIN)
        elif tasks and tasks[0] is not None:
            # By this number it names the first thing that lies at an obstacle.
            yield KEPT, partial(self.report, tasks[0], who, 5, PLAIN)
        elif self.book.of("obstacle"):
            yield KEPT, partial(self.attach_a_document, what, who, number, "obstacle", PLAIN)
        elif self.book.tasks:
            yield KEPT, partial(self.raise_an_obstacle, what, who, PLAIN)

    def _of_meetings(self, what: int, who: int, number: int) -> Iterator[Further]:
        meetings = self.book.of("meeting")
        held, planned = _in(meetings, "held"), _in(meetings, "planned")
        if held or planned:
            for step in ("outcome", "minutes"):
                # Where none was held, the turn has one held.
                yield f"{step}_meeting", partial(self.work_on_a_meeting, what, who, number, step, PLAIN)
        if planned:
            for step in ("update", "cancel"):
                yield f"{step}_meeting", partial(self.work_on_a_meeting, what, who, number, step, PLAIN)
        if any(one.more["outcomes"] for one in meetings):
            yield "assign_outcome", partial(self.make_an_outcome_a_task, what, who, number, PLAIN)
        elif held:
            yield "assign_outcome", partial(self.work_on_a_meeting, what, who, number, "outcome", PLAIN)

    def _of_segments(self, what: int, who: int, number: int) -> Iterator[Further]:
        for step in ("update", "hand_over", "withdraw"):
            if any(not one.state for one in self.book.of("segment")):
                yield f"{step}_segment", partial(self.work_on_a_segment, what, who, number, step, PLAIN)
            elif self.book.of("corridor"):
                yield f"{step}_segment", partial(self.add_a_segment, what, who, number, PLAIN)
            else:
                yield f"{step}_segment", partial(self.draw_a_corridor, what, who, PLAIN)

    def _of_dossiers(self, what: int, who: int, number: int) -> Iterator[Further]:
        cases = self.book.of("boundary")
        begun = any(len(said) == 1 for one in _in(cases, "open") for said in one.more["said"].values())
        # A number by which the turn takes a dossier that fits, and of it the step that is next.
        fitting = self.one((2, 4, 6, 8, 12, 16), number)
        if _in(cases, "open"):
            yield "update_boundary_case", partial(self.work_on_a_dossier, what, who, fitting, "update", PLAIN)
            step = "take_back" if begun else "confirm"
            yield "take_back_boundary_case", partial(self.work_on_a_dossier, what, who, fitting, step, PLAIN)
        if _in(cases, "handed_over"):
            yield "close_boundary_case", partial(self.work_on_a_dossier, what, who, 1, "close", PLAIN)
        elif _in(cases, "open"):
            yield "close_boundary_case", partial(self.work_on_a_dossier, what, who, fitting, "confirm", PLAIN)

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
