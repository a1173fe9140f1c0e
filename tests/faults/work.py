"""The story's kind of work, many times at once: agreements are signed, their tasks assigned and carried out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from lienvung.story import CLAUSES
from shared import clock
from shared.calendar import WorkingCalendar
from shared.ids import new_id
from tests.faults.cast import Cast
from tests.faults.client import Answer, Client, Impatient, Journal, Json, Pace

# Somebody else was faster: the latest version is read, and the step taken again if it still makes sense.
_OVERTAKEN = frozenset({409, 412})
_ATTEMPTS = 5
_TASKS_AT_ONCE = 3
_REPORT_EVERY = 12.0
# Verbs of the API where they are not the names of the steps.
_STEPS = {"reports": "report"}

Body = Callable[[str], Json]


@dataclass
class Record:
    """An agreement or a task as whoever works on it knows it."""

    path: str
    kind: str
    answer: Answer

    @property
    def id(self) -> str:
        return str(self.answer.body["id"])

    def learn(self, answer: Answer) -> None:
        if answer.version >= self.answer.version:
            self.answer = answer


class Work:
    """Lives of agreements, one after the other and several at a time, until told to stop.

    Nothing is abandoned half-way: when it is time to stop, every write that was begun still gets its answer.
    """

    def __init__(self, cast: Cast, journal: Journal, pace: Pace, seed: int) -> None:
        self.cast = cast
        self.stop = asyncio.Event()
        self.agreements: list[tuple[str, str]] = []
        self._journal = journal
        self._pace = pace
        self._seed = seed
        self._lives = 0

    async def run(self, at_once: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._live())
            group.create_task(self._report())

    async def _live(self) -> None:
        while not self.stop.is_set():
            self._lives += 1
            await _Life(self, Random(f"{self._seed}/{self._lives}")).play()

    async def _report(self) -> None:
        """Now and then somebody asks for an evaluation."""
        rng = Random(f"{self._seed}/reports")
        while not self.stop.is_set():
            await _sleep_or_stop(self.stop, _REPORT_EVERY)
            if not self.agreements or self.stop.is_set():
                continue
            await self._ask_for_report(*rng.choice(self.agreements), layout=rng.choice(("party", "state")))

    async def _ask_for_report(self, agreement_id: str, custodian: str, *, layout: str) -> None:
        def body(token: str) -> Json:
            return {
                "kind": "evaluation",
                "agreement_id": agreement_id,
                "layout": layout,
                "format": "json",
                "language": "vi",
                "place": "Đông Triều",
                "number": token,
            }

        # Reporting learns of agreements by events, and does not know the youngest ones yet: that is refused.
        leader = self.cast.leader(custodian)
        await self.write(leader, "POST", "/v1/reports", body, what="report", kind="report")

    async def write(
        self,
        who: Client,
        method: str,
        path: str,
        body: Body,
        *,
        what: str,
        kind: str,
        etag: str | None = None,
        token: str = "",
    ) -> Answer | None:
        """One paced write; none where it is time to stop or nobody answered."""
        await self._pace.turn()
        if self.stop.is_set():
            return None
        token = token or str(new_id())
        try:
            return await who.write(method, path, body(token), token=token, what=what, kind=kind, etag=etag)
        except Impatient:
            return None

    def wrong(self, what: str, answer: Answer) -> None:
        self._journal.failures.append(f"{answer.status} {what}: {answer.body}")


class _Life:
    """One agreement from its draft to the last step of its tasks."""

    def __init__(self, work: Work, rng: Random) -> None:
        self._work = work
        self._cast = work.cast
        self._rng = rng
        self._calendar = WorkingCalendar()
        self._today = clock.today()

    async def play(self) -> None:
        parties = self._rng.sample(self._cast.committees, self._rng.randint(2, 5))
        agreement = await self._drafted(parties)
        if agreement is None or not await self._signed(agreement, parties):
            return
        self._work.agreements.append((agreement.id, parties[0]))
        turn = asyncio.Semaphore(_TASKS_AT_ONCE)

        async def carry_out() -> None:
            async with turn:
                await self._task(agreement, parties[0])

        async with asyncio.TaskGroup() as group:
            for _ in range(self._rng.randint(8, 14)):
                group.create_task(carry_out())

    async def _drafted(self, parties: list[str]) -> Record | None:
        custodian = parties[0]
        # Some are to be signed until a day whose reminder is due at once, and races with the signatures.
        soon = self._calendar.add_working_days(self._today, 3).isoformat()
        sign_by = soon if self._rng.random() < 0.5 else None

        def body(token: str) -> Json:
            return {
                "instrument": "plan",
                "sign_by": sign_by,
                "title": "Kế hoạch phối hợp (minh họa)",
                "fields": ["hạ tầng giao thông"],
                "demonstration": True,
                "note": token,
                "parties": [
                    {"organization_id": self._cast.organizations[key], "role": "signatory", "required": True}
                    for key in parties
                ],
                "clauses": [{"heading": heading, "text": text, "field": field} for heading, text, field in CLAUSES],
            }

        answer = await self._work.write(
            self._cast.specialist(custodian), "POST", "/v1/agreements", body, what="draft", kind="agreement"
        )
        return self._begun("/v1/agreements", "agreement", answer)

    async def _signed(self, agreement: Record, parties: list[str]) -> bool:
        custodian = self._cast.leader(parties[0])
        if self._rng.random() < 0.1:
            await self._step(self._cast.specialist(parties[0]), agreement, "", lambda token: {"title": token})
        if not await self._step(custodian, agreement, "open", lambda _: {}):
            return False
        if self._rng.random() < 0.1:
            # One of them sends it back to draft, and it is opened again.
            await self._step(self._cast.leader(parties[-1]), agreement, "decline", lambda token: {"reason": token})
            if not await self._step(custodian, agreement, "open", lambda _: {}):
                return False

        async def sign(key: str) -> bool:
            return await self._step(
                self._cast.leader(key),
                agreement,
                "sign",
                lambda token: {
                    "signatory_name": f"Lãnh đạo {key} (minh họa)",
                    "signatory_title": "Bí thư",
                    "delegation": token,
                },
            )

        if self._rng.random() < 0.3:
            signed = await asyncio.gather(*(sign(key) for key in parties))
        else:
            signed = [await sign(key) for key in parties]
        return all(signed)

    async def _task(self, agreement: Record, custodian: str) -> None:
        bodies = self._rng.sample(self._cast.executives, 3)
        lead, others = bodies[0], bodies[1 : 1 + self._rng.choice((0, 1, 1, 2))]
        task = await self._assigned(agreement, custodian, lead, others)
        if task is None or self._rng.random() < 0.05:
            return
        doer = self._cast.specialist(lead)
        if not await self._step(doer, task, "accept", lambda _: {}):
            return
        if not await self._reported(task, custodian, lead):
            return
        ending = self._rng.random()
        if ending < 0.4:
            return
        if ending < 0.45:
            await self._step(self._cast.leader(custodian), task, "cancel", lambda token: {"reason": token})
            return
        await self._ended(task, custodian, lead, others)

    async def _assigned(self, agreement: Record, custodian: str, lead: str, others: list[str]) -> Record | None:
        heading, text, field = self._rng.choice(CLAUSES)
        due_on = self._due_on()
        monitors = [self._rng.choice(self._cast.monitors)] if self._rng.random() < 0.2 else []

        def body(token: str) -> Json:
            return {
                "title": text.rstrip("."),
                "description": token,
                "field": field,
                "deliverable": heading,
                "due_on": due_on.isoformat() if due_on else None,
                "lead_organization_id": self._cast.organizations[lead],
                "coordinating": [{"organization_id": self._cast.organizations[key]} for key in others],
                "monitoring": [{"organization_id": self._cast.organizations[key]} for key in monitors],
                "demonstration": True,
            }

        path = f"/v1/agreements/{agreement.id}/tasks"
        answer = await self._work.write(self._cast.leader(custodian), "POST", path, body, what="assign", kind="task")
        return self._begun("/v1/tasks", "task", answer)

    async def _reported(self, task: Record, custodian: str, lead: str) -> bool:
        for _ in range(self._rng.randint(1, 4)):
            if self._rng.random() < 0.15:
                # Custodian and lead at once: one of them is overtaken.
                done, _ = await asyncio.gather(self._report(task, lead), self._postponed(task, custodian))
                if not done:
                    return False
            elif not await self._report(task, lead):
                return False
        return True

    async def _report(self, task: Record, lead: str) -> bool:
        percent = self._rng.randint(0, 100)
        return await self._step(
            self._cast.specialist(lead),
            task,
            "reports",
            lambda token: {
                "period_start": (self._today - timedelta(days=30)).isoformat(),
                "period_end": self._today.isoformat(),
                "percent": percent,
                "narrative": token,
            },
        )

    async def _postponed(self, task: Record, custodian: str) -> bool:
        due_on = self._due_on()
        return await self._step(
            self._cast.specialist(custodian),
            task,
            "",
            lambda token: {"due_on": due_on.isoformat() if due_on else None, "note": token},
        )

    async def _ended(self, task: Record, custodian: str, lead: str, others: list[str]) -> None:
        doer = self._cast.specialist(lead)
        if not await self._step(doer, task, "submit", lambda token: {"note": token}):
            return
        if not others:
            await self._step(self._cast.leader(custodian), task, "complete", lambda token: {"remark": token})
            return
        if self._rng.random() < 0.2:
            sent_back = await self._step(self._cast.leader(others[0]), task, "return", lambda token: {"reason": token})
            if not (sent_back and await self._report(task, lead)):
                return
            if not await self._step(doer, task, "submit", lambda token: {"note": token}):
                return
        if self._rng.random() < 0.2:
            return

        async def confirm(key: str) -> bool:
            return await self._step(self._cast.leader(key), task, "confirm", lambda token: {"remark": token})

        await asyncio.gather(*(confirm(key) for key in others))

    def _due_on(self) -> date | None:
        """Long overdue, overdue, within reach of the reminders, far off, or never."""
        kind = self._rng.random()
        if kind < 0.3:
            return self._calendar.add_working_days(self._today, -self._rng.randint(1, 15))
        if kind < 0.55:
            return self._calendar.add_working_days(self._today, self._rng.randint(0, 8))
        if kind < 0.9:
            return self._today + timedelta(days=self._rng.randint(20, 200))
        return None

    def _begun(self, collection: str, kind: str, answer: Answer | None) -> Record | None:
        if answer is None:
            return None
        if not answer.is_success:
            self._work.wrong(f"POST {collection}", answer)
            return None
        return Record(f"{collection}/{answer.body['id']}", kind, answer)

    async def _step(self, who: Client, record: Record, verb: str, body: Body) -> bool:
        """One step against the version that is known; true once it is taken."""
        method, path = ("POST", f"{record.path}/{verb}") if verb else ("PATCH", record.path)
        step = _STEPS.get(verb, verb or "update")
        for _ in range(_ATTEMPTS):
            # What has no text of its own is found by the step, which a record takes once.
            token = "" if body("x") else f"{step}:{record.id}:{record.answer.version}"
            answer = await self._work.write(
                who, method, path, body, what=step, kind=record.kind, etag=record.answer.etag, token=token
            )
            if answer is None:
                return False
            if answer.is_success:
                record.learn(answer)
                return True
            if answer.status not in _OVERTAKEN:
                self._work.wrong(f"{method} {path}", answer)
                return False
            try:
                seen = await who.read(record.path)
            except Impatient:
                return False
            record.learn(seen)
            if not seen.allows(step):
                return False
        return False


async def _sleep_or_stop(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
