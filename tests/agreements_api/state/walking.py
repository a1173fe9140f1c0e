"""What every rule of the walk is made of: choosing who, with what and how, and asking over the event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.agreements_api.agreements.world import Json
from tests.agreements_api.state.backstage import Backstage
from tests.agreements_api.state.book import Beside, Book, Plan, Task
from tests.agreements_api.state.cast import FOLLOWS, STRANGER, Cast, Player
from tests.agreements_api.state.play import (
    BAD,
    BLIND,
    KEYLESS,
    PLAIN,
    REPEATED,
    REUSED,
    STALE,
    Answer,
    Ask,
    Play,
    Tally,
)
from tests.agreements_api.state.tables import Tables

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

# Every choice is a small number or one of few words, so that a failing walk shrinks to one that can be read.
NUMBER = st.integers(0, 999)
MODE = st.sampled_from((*[PLAIN] * 26, STALE, BLIND, BAD, REPEATED, REUSED, KEYLESS))
# After so many steps everything is looked at.
_THOROUGH = 40
_MOST_PLANS = 6
_MOST_TASKS = 12


@dataclass(frozen=True)
class Turn:
    """Something that can be done in a walk: how often beside others, when, and in which ways."""

    name: str
    weight: int
    when: Callable[[Any], Any]
    ways: dict[str, Sequence[str]]
    takes: tuple[str, ...]


def turn(weight: int, *, when: Callable[[Any], Any] = lambda _: True, **ways: Sequence[str]) -> Callable[[F], F]:
    """A method of the walk that is one of its turns. What it takes is numbers, and a word for each of its `ways`."""

    def mark(method: F) -> F:
        takes = tuple(inspect.signature(method).parameters)[1:]
        method.turn = Turn(method.__name__, weight, when, ways, takes)  # type: ignore[attr-defined]
        return method

    return mark


@dataclass
class Stage:
    """The running product that all walks share, and the loop that it runs on."""

    loop: asyncio.AbstractEventLoop
    cast: Cast
    tables: Tables
    tally: Tally
    backstage: Backstage
    # What no walk had carried out when this one began.
    wanted: frozenset[str] = frozenset()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


class Walking(RuleBasedStateMachine):
    """One walk, from an empty product on."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.play = Play(stage.cast, stage.tables, stage.tally)
        self.fine = True
        self._steps = 0
        self.run(self.play.begin())

    @property
    def book(self) -> Book:
        return self.play.book

    @property
    def cast(self) -> Cast:
        return self.stage.cast

    @property
    def today(self) -> date:
        return self.play.today

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self.stage.run(coroutine)
        except BaseException:
            self.fine = False
            raise

    def count(self) -> None:
        """One step more; now and then, all that there is is looked at before it."""
        self._steps += 1
        self.stage.tally.steps += 1
        if self._steps % _THOROUGH == 0:
            self.run(self.play.check_all())

    def ask(self, player: Player, ask: Ask, mode: str = PLAIN) -> Answer:
        self.count()
        return self.run(self.play.ask(player, ask, mode))

    def somebody(self, number: int, fair: Callable[[Player], bool]) -> Player:
        """Mostly one who can do it, now and then anybody at all, of whatever body."""
        players = self.players
        able = [player for player in players if player.key != STRANGER and fair(player)]
        if able and number % 9 != 8:
            return self.one(able, number // 9)
        return self.one(players, number // 9)

    @property
    def players(self) -> list[Player]:
        """Whoever is there: the bodies of a ward only once the unit has ended that it follows."""
        return [player for player in self.cast.players if FOLLOWS.get(player.key, "") in {"", *self.book.ended}]

    def one(self, choices: Sequence[T], number: int) -> T:
        return choices[number % len(choices)]

    def some(self, choices: Sequence[T], number: int, most: int) -> list[T]:
        """Some different ones, in their order."""
        count = number % (most + 1)
        start = number // 7
        picked = {(start + at * (1 + number % 3)) % len(choices) for at in range(count)}
        return [choices[at] for at in sorted(picked)]

    def day(self, days: int) -> str:
        return (self.today + timedelta(days=days)).isoformat()

    @property
    def room_for_plans(self) -> bool:
        return len(self.book.plans) < _MOST_PLANS

    @property
    def room_for_tasks(self) -> bool:
        return len(self.book.tasks) < _MOST_TASKS

    def living_plans(self) -> list[Plan]:
        return [plan for plan in self.book.plans if not plan.discarded]

    def any_task(self, number: int, among: Iterable[Task] | None = None) -> Task:
        return self.one(list(self.book.tasks if among is None else among), number)

    # What becomes known of records that the product has made.

    def new_task(self, body: Json, plan: Plan) -> Task:
        """A task as its first answer shows it; from then on the model knows it."""
        key = self.cast.key
        due_on = date.fromisoformat(body["due_on"]) if body["due_on"] else None
        task = Task(
            name=f"task {len(self.book.tasks) + 1}",
            id=body["id"],
            plan=plan,
            lead=key(body["lead"]["organization_id"]),
            coordinating=[key(party["organization_id"]) for party in body["coordinating"]],
            monitoring=[key(party["organization_id"]) for party in body["monitoring"]],
            title=body["title"],
            due_on=due_on,
            first_due_on=due_on,
            previous=body["previous_occurrence_id"],
            recurrence=body["recurrence_id"],
        )
        for party in (body["lead"], *body["coordinating"], *body["monitoring"]):
            if party.get("promised_by_organization_id"):
                task.origin[key(party["organization_id"])] = key(party["promised_by_organization_id"])
        self.book.tasks.append(task)
        return task

    def task_ask(self, player: Player, task: Task, operation: str, step: str, body: Any, **more: Any) -> Ask:
        """A step of a task that its own allowed_actions name."""
        given: dict[str, Any] = {
            "method": "POST",
            "path": f"{task.path}/{step}",
            "at": task.path,
            "visible": self.book.sees(player, task.plan),
            "permitted": task.may(player, f"task.{step}"),
            "possible": step in task.steps(player) - self.book.held_up(task, self.today),
        }
        return Ask(operation, step=step, body=body, **(given | more))

    def beside_ask(self, player: Player, one: Beside, operation: str, step: str, body: Any, **more: Any) -> Ask:
        """A step of something that stands beside a task or an agreement and has its own allowed_actions."""
        given: dict[str, Any] = {
            "method": "POST",
            "path": f"{one.path}/{step}",
            "at": one.path,
            "visible": self.book.sees(player, one.of_plan),
        }
        return Ask(operation, step=step, body=body, **(given | more))

    def check(self, task: Task) -> None:
        self.run(self.play.check_task(task))

    def check_plan(self, plan: Plan) -> None:
        self.run(self.play.check_plan(plan))
