"""The model of successions: who takes whose place in an agreement and in its tasks, by docs/successions.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tests.agreements_api.state.book import Book, Plan, Task, rename
from tests.agreements_api.state.cast import SUPERIOR, heir


@dataclass
class Told:
    """What a succession writes, and of whom it decides something."""

    logs: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    # Whose promises came to somebody, by agreement.
    promisers: dict[str, set[str]] = field(default_factory=dict)

    # What has a new version, as the walk calls it.
    versions: list[str] = field(default_factory=list)

    def note(self, name: str, log: str, event: str) -> None:
        self.versions.append(name)
        self.logs[log] += 1
        self.events[event] += 1


def is_met(book: Book, plan: Plan, ended: Collection[str], *, comes_again: bool) -> bool:
    """Whether there is something of these in an agreement that is to be followed: docs/successions.md.

    Where a task of it comes again, the next occurrence may be on its way to readers as well.
    """
    there = _present(book, plan) | {*plan.parties}
    if comes_again:
        there |= {key for key, _ in plan.members} | {key for task in book.tasks_of(plan) for key in task.former}
    return any(key in there for key in ended)


def succeed(book: Book, plan: Plan, takes: Mapping[str, str], told: Told) -> None:
    """Others take the places of bodies whose units ended (`takes`: who whose), wherever these stand in an agreement."""
    present = _present(book, plan)
    open_tasks = [task for task in book.tasks_of(plan) if not task.is_over]
    active = _active(book, plan)
    came = {old: taker for old, taker in takes.items() if old in present or old in plan.parties}
    if not came:
        return
    if active & came.keys():
        plan.version += 1
        told.note(plan.name, "succeed", "agreement.succeeded")
        promisers = told.promisers.setdefault(plan.id, set())
        promisers |= {plan.origin.get(key, key) for key in plan.parties if key in came}
        promisers |= {plan.first_custodian or plan.custodian} if plan.custodian in came else set()
        _take_places(plan, came)
        _keep(plan, came.get(plan.custodian))
        for task in open_tasks:
            places = came.keys() & {*task.taking_part}
            if places:
                promisers |= {task.origin.get(key, key) for key in places}
                _take_places_in(task, came)
                told.note(task.name, "succeed", "task.reassigned")
        _stand_anew(plan)
        plan.guests = {came.get(key, key) for key in plan.guests}
    for task in book.tasks_of(plan):
        if task.is_over:
            task.hand_on_what_is_over(came)
    for one in book.of("segment"):
        if one.plan is plan and one.owner in came and not one.state:
            one.more["inherited"] = {*one.more.get("inherited", ()), one.owner}
            one.owner = came[one.owner]
            told.note(one.name, "succeed_segment", "segment.changed")
    # Whoever stood there reads on; whoever gets no place reads as well.
    there = came.keys() & present
    after = _present(book, plan) - there
    _read_on(plan, (present - after) | there | ({came[old] for old in there} - after))


def decide(book: Book, plan: Plan, promisers: Iterable[str], ward: int, told: Told) -> None:
    """One of the wards has the places of these for good, whoever has held them until now."""
    present = _present(book, plan)
    takers = {promiser: f"{promiser}-{ward}" for promiser in promisers}
    places = {key: plan.origin.get(key, key) for key in plan.parties}
    held = {key: takers[promiser] for key, promiser in places.items() if promiser in takers}
    keeps = takers.get(plan.first_custodian or plan.custodian)
    if held or keeps:
        plan.version += 1
        told.note(plan.name, "decide_succession", "agreement.succeeded")
        _take_places(plan, held)
        _keep(plan, keeps)
        _stand_anew(plan)
    for task in book.tasks_of(plan):
        if task.is_over:
            _decide_what_is_over(task, takers)
            continue
        of = {key: task.origin.get(key, key) for key in task.taking_part}
        held = {key: takers[promiser] for key, promiser in of.items() if promiser in takers}
        if held:
            _take_places_in(task, held)
            told.note(task.name, "decide_succession", "task.reassigned")
    for one in book.of("segment"):
        for promiser, taker in takers.items():
            # What came to whoever answered until now by this succession; not what was handed over since.
            came = promiser in one.more.get("inherited", ()) and one.owner == f"{promiser}-1"
            if one.plan is plan and not one.state and came and one.owner != taker:
                one.more["inherited"] = {*one.more["inherited"], one.owner}
                one.owner = taker
                told.note(one.name, "decide_succession", "segment.changed")
                if taker not in _present(book, plan):
                    _read_on(plan, {taker})
    _read_on(plan, present - _present(book, plan))


def _take_places_in(task: Task, takes: Mapping[str, str]) -> None:
    task.version += 1
    task.hand_on(takes)


def _decide_what_is_over(task: Task, takers: Mapping[str, str]) -> None:
    """What came by this succession to whoever answered until now, also what was completed since."""
    for key in task.taking_part:
        promiser = task.origin.get(key, key)
        if promiser in takers and task.holder(key) == heir(promiser, 1) != takers[promiser]:
            task.former.add(task.holder(key))
            task.taken[key] = takers[promiser]


def _take_places(plan: Plan, takes: Mapping[str, str]) -> None:
    plan.parties = [takes.get(key, key) for key in plan.parties]
    plan.signed = {takes.get(key, key) for key in plan.signed}
    rename(plan.origin, takes)


def _keep(plan: Plan, taker: str | None) -> None:
    if taker is not None:
        plan.first_custodian = plan.first_custodian or plan.custodian
        plan.custodian = taker


def _stand_anew(plan: Plan) -> None:
    """Everybody by the places as they are now; nobody but its custodian stands in a draft that was never opened."""
    readers = {one for one in plan.members if one[1] == "former"}
    named = {(plan.custodian, "custodian")}
    if plan.presented:
        named |= {(key, "party") for key in plan.parties}
        named |= {(SUPERIOR[key], "superior") for key, _ in set(named) if key in SUPERIOR}
    plan.members = named | readers


def _read_on(plan: Plan, keys: Iterable[str]) -> None:
    plan.members |= {(key, "former") for key in keys}


def _keys(plan: Plan) -> set[str]:
    return {key for key, relation in plan.members if relation != "former"}


def _standing(task: Task) -> set[str]:
    return {*task.holders, *task.above}


def _active(book: Book, plan: Plan) -> set[str]:
    """Whoever has a place in an agreement itself, in a task that is not over, or as its guest."""
    open_tasks = (task for task in book.tasks_of(plan) if not task.is_over)
    return _keys(plan) | {*plan.guests, *plan.parties} | {key for task in open_tasks for key in _standing(task)}


def _present(book: Book, plan: Plan) -> set[str]:
    """Whoever has a part in an agreement in which he does not only read on."""
    return _keys(plan) | plan.guests | {key for task in book.tasks_of(plan) for key in _standing(task)}
