"""The model beside the product: what agreements and tasks are by the rules of the domain, kept without its code.

It knows who stands how to what, which steps a status has, and what becomes of a record; the walk compares it with what
the API answers. Only the table of permissions and the calendar of working days are the product's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from agreements_api import policy
from shared.auth import Actor
from shared.calendar import WorkingCalendar
from tests.agreements_api.agreements.world import Json
from tests.agreements_api.state.cast import SUPERIOR, UNIT, Player, heir

_CALENDAR = WorkingCalendar()
RESPONSE_DAYS = 5
OVER = ("completed", "cancelled")
_ANSWERS = {"confirm", "return", "refuse"}
SOON_DAYS = 7

# From which status a task takes a step: docs/tasks.md and docs/dialogue.md.
_OPEN = ("not_started", "in_progress")
TASK_STEPS: dict[str, tuple[str, ...]] = {
    "update": _OPEN,
    "accept": _OPEN,
    "report": ("in_progress",),
    "submit": ("in_progress",),
    "confirm": ("submitted",),
    "return": ("submitted",),
    "refuse": ("submitted",),
    "complete": ("submitted",),
    "extend": _OPEN,
    "set_milestones": _OPEN,
    "set_dependencies": _OPEN,
    "set_recurrence": _OPEN,
    "reassign": (*_OPEN, "suspended"),
    "suspend": _OPEN,
    "resume": ("suspended",),
    "cancel": (*_OPEN, "submitted", "suspended"),
    "reopen": ("completed", "cancelled"),
}
# Where a task can stand after a step that moves it; no other step does.
TASK_MOVES: dict[str, dict[str, tuple[str, ...]]] = {
    "accept": {"not_started": ("not_started", "in_progress"), "in_progress": ("in_progress",)},
    "submit": {"in_progress": ("submitted",)},
    "confirm": {"submitted": ("submitted",)},
    "lapse": {"submitted": ("submitted",)},
    "complete": {"submitted": ("completed",)},
    "return": {"submitted": ("in_progress",)},
    "refuse": {"submitted": ("in_progress",)},
    "suspend": {"not_started": ("suspended",), "in_progress": ("suspended",)},
    "resume": {"suspended": _OPEN},
    "cancel": dict.fromkeys(TASK_STEPS["cancel"], ("cancelled",)),
    "reopen": {"completed": ("in_progress",), "cancelled": _OPEN},
    "reassign": {"not_started": ("not_started",), "in_progress": _OPEN, "suspended": ("suspended",)},
}
AGREEMENT_STEPS: dict[str, tuple[str, ...]] = {
    "update": ("draft",),
    "delete": ("draft",),
    "open": ("draft",),
    "sign": ("open_for_signature",),
    "decline": ("open_for_signature",),
    "recall": ("open_for_signature",),
    "assign_task": ("in_force",),
    "amend": ("in_force", "suspended"),
    "renew": ("in_force", "suspended"),
    "suspend": ("in_force",),
    "resume": ("suspended",),
    "conclude": ("in_force", "suspended"),
    "terminate": ("in_force", "suspended"),
}


@dataclass(eq=False)
class Plan:
    """An agreement, or what amends one."""

    name: str
    id: str
    custodian: str
    parties: list[str]
    order: str = "parallel"
    status: str = "draft"
    version: int = 1
    title: str = ""
    sign_by: date | None = None
    term_to: date | None = None
    signed: set[str] = field(default_factory=set)
    presented: bool = False
    discarded: bool = False
    in_force_on: date | None = None
    ended_on: date | None = None
    digest: str | None = None
    text: str | None = None
    members: set[tuple[str, str]] = field(default_factory=set)
    # Who sees it through something else.
    guests: set[str] = field(default_factory=set)
    amends: Plan | None = None
    amendment_kind: str | None = None
    clauses: list[str] = field(default_factory=list)
    # Who promised at first what another one answers for by now.
    origin: dict[str, str] = field(default_factory=dict)
    # Who kept it at first, where another one does by now.
    first_custodian: str | None = None
    public: bool = False
    public_tasks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.members = self.members or {(self.custodian, "custodian")}

    @property
    def path(self) -> str:
        return f"/v1/agreements/{self.id}"

    def relations(self, key: str) -> set[str]:
        return {relation for one, relation in self.members if one == key}

    def present(self) -> None:
        """Whoever is party to it sees it from now on, and the bodies above."""
        above = {SUPERIOR[key] for key in (*self.parties, self.custodian) if key in SUPERIOR}
        self.members = (
            {(self.custodian, "custodian")}
            | {(key, "party") for key in self.parties}
            | {(key, "superior") for key in above}
        )
        self.presented = True

    def steps(self, player: Player) -> set[str]:
        """What the player can do with it now."""
        shown = {"unpublish"} if self.public else {"publish"} if self.in_force_on is not None else set()
        shown = {step for step in shown if policy.allowed(*self._asked(player, f"publication.{step}"))}
        if self.amends is not None and self.status not in ("draft", "open_for_signature"):
            return shown
        gone = set()
        if player.key in self.signed:
            gone |= {"sign", "decline"}
        if player.key in self.parties and not self.is_turn(player.key):
            gone.add("sign")
        if self.presented:
            gone.add("delete")
        return shown | {
            step
            for step, statuses in AGREEMENT_STEPS.items()
            if self.status in statuses and step not in gone and self.may(player, step)
        }

    def may(self, player: Player, step: str) -> bool:
        return policy.allowed(*self._asked(player, f"agreement.{step}"))

    def _asked(self, player: Player, action: str) -> tuple[Actor, str, set[str]]:
        return player.person.actor, action, self.relations(player.key)

    def is_turn(self, key: str) -> bool:
        if self.order != "sequential":
            return True
        return all(other in self.signed for other in self.parties[: self.parties.index(key)])

    def signing_over(self, today: date) -> bool:
        return self.sign_by is not None and next_working_day(self.sign_by) < today

    def withdraw(self) -> None:
        """Back to draft: nobody is bound by what stood under the text."""
        self.status, self.signed, self.digest, self.text = "draft", set(), None, None

    def differences(self, body: Json) -> list[str]:
        """Where the API shows another thing than the model holds."""
        expected = {
            "status": self.status,
            "version": self.version,
            "title": self.title,
            "signing_order": self.order,
            "sign_by": _iso(self.sign_by),
            "term_to": _iso(self.term_to),
            "text_digest": self.digest,
            "in_force_on": _iso(self.in_force_on),
            "ended_on": _iso(self.ended_on),
            "amends_agreement_id": self.amends.id if self.amends else None,
        }
        found = _differences(expected, body)
        signed = {party["organization_id"] for party in body["parties"] if party["signed_at"] is not None}
        if len(signed) != len(self.signed):
            found.append(f"signed by {len(signed)} and not by {len(self.signed)}")
        return found


@dataclass
class Report:
    id: str
    percent: int
    # Who gave it, and what it names.
    by: str = ""
    evidence: list[str] = field(default_factory=list)
    corrected: bool = False


@dataclass(eq=False)
class Task:
    """What one lead and its coordinating parties have to deliver."""

    name: str
    id: str
    plan: Plan
    lead: str
    coordinating: list[str]
    monitoring: list[str]
    title: str = ""
    status: str = "not_started"
    version: int = 1
    due_on: date | None = None
    first_due_on: date | None = None
    extensions: int = 0
    # Whether somebody has yet to decide on a later deadline.
    asked_for_more: bool = False
    percent: int = 0
    reported: int | None = None
    reports: list[Report] = field(default_factory=list)
    # The report that stands in the task.
    standing: str | None = None
    taken_on: bool = False
    accepted: set[str] = field(default_factory=set)
    # Who confirmed the present submission, and who let its window pass.
    confirmed: set[str] = field(default_factory=set)
    lapsed: set[str] = field(default_factory=set)
    respond_by: date | None = None
    completed_on: date | None = None
    former: set[str] = field(default_factory=set)
    # Who promised at first what another one answers for by now.
    origin: dict[str, str] = field(default_factory=dict)
    # Who stands to it, once it is over, in the place of somebody whose name it keeps.
    taken: dict[str, str] = field(default_factory=dict)
    previous: str | None = None
    recurrence: str | None = None
    note: str | None = None
    funding: Json | None = None

    @property
    def path(self) -> str:
        return f"/v1/tasks/{self.id}"

    @property
    def taking_part(self) -> list[str]:
        return [self.lead, *self.coordinating, *self.monitoring]

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def holder(self, key: str) -> str:
        """Who has the place of somebody that is named in it."""
        return self.taken.get(key, key)

    @property
    def holders(self) -> list[str]:
        return [self.holder(key) for key in self.taking_part]

    def answering(self, promiser: str, among: Sequence[str]) -> str | None:
        """Who stands in the place of a promiser, of these places."""
        return next((self.holder(key) for key in among if self.origin.get(key, key) == promiser), None)

    def own_relations(self, key: str) -> set[str]:
        """How a body stands to it through the task itself."""
        held = {"lead"} if key == self.holder(self.lead) else set()
        held |= {"coordinating"} if key in map(self.holder, self.coordinating) else set()
        held |= {"monitor"} if key in map(self.holder, self.monitoring) else set()
        held |= {"superior"} if key in self.above else set()
        return held or ({"former"} if key in self.former else set())

    @property
    def above(self) -> set[str]:
        return {SUPERIOR[key] for key in self.holders if key in SUPERIOR}

    def relations(self, key: str) -> set[str]:
        return self.own_relations(key) | self.plan.relations(key)

    def may(self, player: Player, action: str, *more: str) -> bool:
        return policy.allowed(player.person.actor, action, {*self.relations(player.key), *more})

    def steps(self, player: Player) -> set[str]:
        """What the player can do with it now."""
        gone = {"complete"} if self.coordinating else {"confirm", "refuse"}
        if self.asked_for_more or self.due_on is None:
            gone.add("extend")
        if player.key in self.confirmed:
            gone |= {"confirm", "refuse"}
        takes_on = self.status == "not_started" and player.key == self.lead
        takes_part = player.key in self.coordinating and player.key not in self.accepted
        if not (takes_on or takes_part):
            gone.add("accept")
        return {
            step
            for step, statuses in TASK_STEPS.items()
            if self.status in statuses and step not in gone and self.may(player, f"task.{step}")
        }

    def accept(self, key: str) -> None:
        if key in self.coordinating:
            self.accepted.add(key)
        if key == self.lead and self.status == "not_started":
            self.status, self.taken_on = "in_progress", True

    def submit(self, today: date, days: int) -> None:
        self.status, self.percent = "submitted", 100
        self.confirmed, self.lapsed = set(), set()
        self.respond_by = working_days_after(today, days) if self.coordinating else None

    def confirm(self, key: str, today: date) -> None:
        self.confirmed.add(key)
        if self.confirmed >= set(self.coordinating):
            self.complete(today)

    def lapse(self, today: date) -> None:
        self.lapsed = set(self.coordinating) - self.confirmed
        self.confirmed = set(self.coordinating)
        self.complete(today)

    def complete(self, today: date) -> None:
        self.status, self.completed_on = "completed", today

    def back_to_the_lead(self) -> None:
        self.status, self.percent = "in_progress", self.reported or 0
        self.confirmed, self.lapsed, self.respond_by = set(), set(), None

    def resume(self) -> None:
        self.status = "in_progress" if self.taken_on else "not_started"

    def reopen(self) -> None:
        """Whoever has its places by now is named in it from now on."""
        self.hand_on(self.taken)
        self.taken = {}
        self.back_to_the_lead()
        self.resume()
        self.completed_on = None

    def reassign(self, lead: str, coordinating: list[str], monitoring: list[str]) -> None:
        before = {*self.taking_part, *self.above, *self.former}
        if lead != self.lead:
            self.taken_on = False
            if self.status == "in_progress":
                self.status = "not_started"
        self.accepted &= set(self.coordinating) & set(coordinating)
        self.lead, self.coordinating, self.monitoring = lead, coordinating, monitoring
        self.origin = {key: first for key, first in self.origin.items() if key in self.taking_part}
        self.former = before - {*self.taking_part, *self.above}

    def hand_on(self, takes: Mapping[str, str]) -> None:
        """Others are named in the places of these; what was accepted and confirmed in a place stays so."""
        self.lead = takes.get(self.lead, self.lead)
        self.coordinating = [takes.get(key, key) for key in self.coordinating]
        self.monitoring = [takes.get(key, key) for key in self.monitoring]
        for held in (self.confirmed, self.lapsed, self.accepted):
            moved = {takes.get(key, key) for key in held}
            held.clear()
            held |= moved
        rename(self.origin, takes)
        self.origin = {key: first for key, first in self.origin.items() if key in self.taking_part}

    def hand_on_what_is_over(self, takes: Mapping[str, str]) -> None:
        """Its names stay as they were; others stand to it in the places of these, who read on."""
        for key in self.taking_part:
            if self.holder(key) in takes:
                self.former.add(self.holder(key))
                self.taken[key] = takes[self.holder(key)]

    def window_is_closed(self, today: date) -> bool:
        return self.status == "submitted" and self.respond_by is not None and self.respond_by < today

    def timeliness(self, today: date) -> str | None:
        """How it stands to its deadline, which is the end of that day."""
        if self.status == "cancelled":
            return None
        if self.status == "completed":
            late = self.due_on is not None and self.completed_on is not None and self.completed_on > self.due_on
            return "completed_late" if late else "completed_on_time"
        if self.due_on is None:
            return "no_deadline"
        if today > self.due_on:
            return "overdue"
        if self.due_on <= working_days_after(today, SOON_DAYS):
            return "due_soon"
        return "not_due" if self.status == "not_started" else "in_time"

    def differences(self, body: Json, ids: dict[str, str], today: date) -> list[str]:
        """Where the API shows another thing than the model holds; `ids` says what a body's key is in the API."""
        expected = {
            "status": self.status,
            "version": self.version,
            "title": self.title,
            "due_on": _iso(self.due_on),
            "original_due_on": _iso(self.first_due_on),
            "extension_count": self.extensions,
            "percent": self.percent,
            "agreement_id": self.plan.id,
            "recurrence_id": self.recurrence,
            "timeliness": self.timeliness(today),
        }
        found = _differences(expected, body)
        shown = [body["lead"]["organization_id"], *_ids(body["coordinating"]), *_ids(body["monitoring"])]
        if shown != [ids[key] for key in self.taking_part]:
            found.append(f"other parties than {self.taking_part}")
        for name, held, key in (
            ("confirmed", self.confirmed, "confirmed_at"),
            ("lapsed", self.lapsed, "lapsed_at"),
            ("accepted", self.accepted, "accepted_at"),
        ):
            told = {party["organization_id"] for party in body["coordinating"] if party.get(key) is not None}
            if told != {ids[one] for one in held}:
                found.append(f"{name} by {len(told)} and not by {sorted(held)}")
        if {party["respond_by"] for party in body["coordinating"]} - {_iso(self.respond_by)}:
            found.append(f"the window does not close on {self.respond_by}")
        if (body["lead"]["accepted_at"] is not None) != self.taken_on:
            found.append(f"taken on: {self.taken_on}")
        return found


@dataclass(eq=False)
class Beside:
    """Something of a task or an agreement: an extension, an obstacle, a meeting."""

    name: str
    id: str
    path: str
    task: Task | None = None
    plan: Plan | None = None
    # Whose it is: who raised it, was asked, hosts it, owns it or wrote it.
    owner: str = ""
    author: str = ""
    state: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def of_plan(self) -> Plan:
        plan = self.task.plan if self.task is not None else self.plan
        assert plan is not None
        return plan


@dataclass
class Book:
    """Everything that the walk knows of."""

    plans: list[Plan] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    beside: dict[str, list[Beside]] = field(default_factory=dict)
    # Imports in the order in which they wait, and which file was written where.
    queue: list[Beside] = field(default_factory=list)
    written: set[tuple[str, str]] = field(default_factory=set)
    # From when on a unit has ended and whether it was divided, and of which units that was carried out.
    reforms: dict[str, tuple[date, bool]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def of(self, kind: str) -> list[Beside]:
        return self.beside.setdefault(kind, [])

    def add(self, kind: str, **given: Any) -> Beside:
        known = self.of(kind)
        one = Beside(name=f"{kind} {len(known) + 1}", **given)
        known.append(one)
        return one

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == task_id), None)

    def tasks_of(self, plan: Plan) -> list[Task]:
        return [task for task in self.tasks if task.plan is plan]

    def held_up(self, record: Plan | Task, today: date) -> set[str]:
        """The steps of its state that the day, or another record, keeps everybody from taking."""
        if isinstance(record, Task):
            followed = any(task.previous == record.id for task in self.tasks)
            comes_again = not followed and (record.due_on or record.first_due_on)
            late = _ANSWERS if record.window_is_closed(today) else set()
            return late if comes_again else {*late, "set_recurrence"}
        gone = {"sign"} if record.signing_over(today) else set()
        if record.amends is not None and record.amends.status not in ("in_force", "suspended"):
            gone |= {"open", "sign"}
        others = [plan for plan in self.plans if plan.amends is not None and plan.amends is record.amends]
        if any(plan.status == "open_for_signature" for plan in others if plan is not record):
            gone.add("open")
        return gone

    def documents(self, *, task: Task | None = None, plan: Plan | None = None) -> list[Beside]:
        """Those of a task, with its reports and its obstacles, or all of an agreement."""
        return [one for one in self.of("document") if one.task is task and plan in (None, one.of_plan)]

    def rest_on(self, subject_id: str, what: str) -> None:
        """Something is signed, reported, recorded or decided on the ground of all that lies there."""
        for one in self.of("document"):
            if one.more["subject"] == subject_id:
                one.more["rests"].add(what)

    def stands(self, key: str, plan: Plan) -> bool:
        """Whether a body has a part in an agreement in which it does not only read on."""
        own = {*plan.relations(key), *(part for task in self.tasks_of(plan) for part in task.own_relations(key))}
        return bool(own - {"former"}) or key in plan.guests

    def acts(self, key: str, plan: Plan) -> bool:
        """Whether a body does anything with what is its own there; one whose unit has ended only where it stands."""
        return self.stands(key, plan) or UNIT[key] not in self.ended

    def answers(self, plan: Plan, promiser: str, holder: str) -> str:
        """Who has the place of a promiser today that somebody holds: by decision, and else by the rule."""
        decided = [case for case in self._cases(plan) if case.owner == promiser and case.state == "decided"]
        if decided:
            return heir(promiser, decided[0].more["ward"])
        return heir(holder, 1) if UNIT[holder] in self.ended else holder

    def in_place_of(self, key: str, plan: Plan) -> str | None:
        """Who acts in an agreement for a body that is named there: itself, or the last heir of its place."""
        signed = [holder for holder in plan.parties if plan.origin.get(holder, holder) == key]
        if signed or self.stands(key, plan):
            return signed[0] if signed else key
        for case in self._cases(plan):
            holder = heir(case.owner, case.more["ward"])
            if key in (case.owner, heir(case.owner, 1)) and self.stands(holder, plan):
                return holder
        return None

    def in_place_in(self, task: Task, key: str) -> str | None:
        """The same of a task, where its place there counts."""
        if key in task.holders:
            return key
        there = [task.holder(one) for one in task.taking_part if key in (one, task.origin.get(one))]
        return there[0] if there else self.in_place_of(key, task.plan)

    def _cases(self, plan: Plan) -> list[Beside]:
        return [case for case in self.of("case") if case.plan is plan]

    def sees(self, player: Player, plan: Plan) -> bool:
        """Whether a body has any part in an agreement: through itself, through a task, or as a guest."""
        if plan.discarded:
            return False
        if plan.amends is not None and plan.in_force_on is not None and self.sees(player, plan.amends):
            return True
        parts = plan.relations(player.key) or (player.key in plan.guests)
        return bool(parts) or any(task.own_relations(player.key) for task in self.tasks_of(plan))

    def records(self) -> Iterator[str]:
        """The path of everything that can be read by itself."""
        yield from (plan.path for plan in self.plans)
        yield from (task.path for task in self.tasks)
        yield from (one.path for ones in self.beside.values() for one in ones if one.path)


def rename(origin: dict[str, str], takes: Mapping[str, str]) -> None:
    """Whoever takes a place keeps in it whose promise that is."""
    for old, new in takes.items():
        if old != new:
            origin[new] = origin.pop(old, old)


def working_days_after(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= _CALENDAR.is_working_day(day)
    return day


def next_working_day(day: date) -> date:
    while not _CALENDAR.is_working_day(day):
        day += timedelta(days=1)
    return day


def cycle(edges: list[tuple[str, str]]) -> list[str] | None:
    """A way that leads back to where it began."""
    after: dict[str, list[str]] = {}
    for task, other in edges:
        after.setdefault(task, []).append(other)
    done: set[str] = set()

    def follow(task: str, way: list[str]) -> list[str] | None:
        if task in way:
            return [*way, task]
        if task in done:
            return None
        for other in after.get(task, []):
            found = follow(other, [*way, task])
            if found is not None:
                return found
        done.add(task)
        return None

    return next((found for task in after if (found := follow(task, [])) is not None), None)


def _ids(parties: list[Json]) -> list[str]:
    return [party["organization_id"] for party in parties]


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _differences(expected: dict[str, Any], body: Json) -> list[str]:
    return [f"{name} is {body[name]!r} and not {value!r}" for name, value in expected.items() if body[name] != value]
