"""Steps that both sides confirm, one after the other: pure functions of who has confirmed what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from agreements_api.boundary_cases.models import Side


class StepAction(StrEnum):
    CONFIRM = "confirm"
    TAKE_BACK = "take_back"


@dataclass(frozen=True)
class HandoverStep:
    """One step, and the sides that have confirmed it."""

    id: UUID
    confirmed: frozenset[Side]

    @property
    def completed(self) -> bool:
        return self.confirmed == frozenset(Side)


def open_before(steps: Sequence[HandoverStep], step: HandoverStep) -> HandoverStep | None:
    """The first earlier step that is not completed: until it is, this one cannot be confirmed."""
    earlier = steps[: steps.index(step)]
    return next((one for one in earlier if not one.completed), None)


def actions(steps: Sequence[HandoverStep], step: HandoverStep, sides: Collection[Side]) -> tuple[StepAction, ...]:
    """What whoever speaks for these sides can do with a step; a completed one stays."""
    if step.completed or not sides:
        return ()
    own = step.confirmed.intersection(sides)
    confirm = own != frozenset(sides) and open_before(steps, step) is None
    return (
        *((StepAction.CONFIRM,) if confirm else ()),
        *((StepAction.TAKE_BACK,) if own else ()),
    )


def is_handed_over(steps: Sequence[HandoverStep]) -> bool:
    return all(step.completed for step in steps)
