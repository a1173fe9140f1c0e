"""The model of successions: who takes whose place in an agreement and in its tasks, by docs/successions.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tests.agreements_api.state.book import Book, Plan, Task
from tests.agreements_api.state.cast import SUPERIOR

_OVER = ("completed", "cancelled")


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


def is_met(book: Book, plan: Plan, ended: Collection[str]) -> bool:
    """Whether there is something of these in an agreement that is to be followed: docs/successions.md."""
    over = {key for task in book.tasks_of(plan) if task.status in _OVER for key in _standing(task)}
    # What is completed stays where it is; whoever follows gets to read it once.
    unread = {key for key in over if (key, "former") not in plan.members}
    return any(key in _active(book, plan) | unread for key in ended)


def succeed(book: Book, plan: Plan, takes: Mapping[str, str], told: Told) -> None:
    """Others take the places of bodies whose units ended (`takes`: who whose), wherever these stand in an agreement."""
    present = _present(book, plan)
    open_tasks = [task for task in book.tasks_of(plan) if task.status not in _OVER]
    active = _active(book, plan)
    came = {old: heir for old, heir in takes.items() if old in present or old in plan.parties}
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
                take_places_in(task, came)
                told.note(task.name, "succeed", "task.reassigned")
        _stand_anew(plan)
        plan.guests |= {heir for old, heir in came.items() if old in plan.guests}
    for one in book.of("segment"):
        if one.plan is plan and one.owner in came and not one.state:
            one.more["inherited"] = {*one.more.get("inherited", ()), one.owner}
            one.owner = came[one.owner]
            told.note(one.name, "succeed_segment", "segment.changed")
    # Whoever stood there reads on; whoever gets no place reads what was completed.
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
        if task.status in _OVER:
            continue
        of = {key: task.origin.get(key, key) for key in task.taking_part}
        held = {key: takers[promiser] for key, promiser in of.items() if promiser in takers}
        if held:
            take_places_in(task, held)
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


def take_places_in(task: Task, takes: Mapping[str, str]) -> None:
    """What was accepted and confirmed in a place is so for whoever has it now."""
    task.version += 1
    task.lead = takes.get(task.lead, task.lead)
    task.coordinating = [takes.get(key, key) for key in task.coordinating]
    task.monitoring = [takes.get(key, key) for key in task.monitoring]
    for held in (task.confirmed, task.lapsed, task.accepted):
        moved = {takes.get(key, key) for key in held}
        held.clear()
        held |= moved
    _rename(task.origin, takes)
    task.origin = {key: first for key, first in task.origin.items() if key in task.taking_part}


def _take_places(plan: Plan, takes: Mapping[str, str]) -> None:
    plan.parties = [takes.get(key, key) for key in plan.parties]
    plan.signed = {takes.get(key, key) for key in plan.signed}
    _rename(plan.origin, takes)


def _keep(plan: Plan, heir: str | None) -> None:
    if heir is not None:
        plan.first_custodian = plan.first_custodian or plan.custodian
        plan.custodian = heir


def _rename(origin: dict[str, str], takes: Mapping[str, str]) -> None:
    for old, heir in takes.items():
        if old != heir:
            origin[heir] = origin.pop(old, old)


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
    return {*task.taking_part, *task.above}


def _active(book: Book, plan: Plan) -> set[str]:
    """Whoever has a place in an agreement itself, in a task that is not over, or as its guest."""
    open_tasks = (task for task in book.tasks_of(plan) if task.status not in _OVER)
    return _keys(plan) | {*plan.guests, *plan.parties} | {key for task in open_tasks for key in _standing(task)}


def _present(book: Book, plan: Plan) -> set[str]:
    """Whoever has a part in an agreement in which he does not only read on."""
    return _keys(plan) | plan.guests | {key for task in book.tasks_of(plan) for key in _standing(task)}
