"""One walk through the product: every step is asked over HTTP, told in words, and held to what the domain says."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from agreements_api.administration import verification as administration
from agreements_api.agreements.lifecycle import end_what_is_over
from agreements_api.history import verification as history
from shared import clock
from tests.agreements_api.agreements.world import Json
from tests.agreements_api.state.book import TASK_MOVES, Book, Plan, Task, cycle
from tests.agreements_api.state.cast import BODIES_AT_WORK, Cast, Player
from tests.agreements_api.state.document_checks import check_documents
from tests.agreements_api.state.tables import Delta, Tables, unsaid

# The morning on which every walk begins: a Monday, with Tết and the reporting cut-offs ahead.
BEGINS = datetime.fromisoformat("2026-11-02T02:00:00+00:00")
# How a request is made; most of them as they should be.
PLAIN, STALE, BLIND, BAD, REPEATED, REUSED, KEYLESS = (
    *("plain", "with a stale ETag", "without If-Match", "with a bad body"),
    *("sent twice", "with a used key", "without a key"),
)
# What is no step at all, or no right, whatever the record is.
_REFUSED = (403, 404)
_BATCH = 50

Named = Callable[[Json], Collection[str] | None]


class Broken(AssertionError):
    """Something that the domain promises does not hold."""


def actions(body: Json) -> Collection[str] | None:
    found: list[str] | None = body.get("allowed_actions")
    return found


@dataclass(frozen=True)
class Upload:
    """A file as a form sends it, with the fields beside it."""

    name: str
    content: bytes
    fields: dict[str, str] = field(default_factory=dict)
    part: str = "file"

    @property
    def spoilt(self) -> Upload:
        """A form in which the file is not where it is looked for."""
        return replace(self, part="la")

    @property
    def other(self) -> Upload:
        return replace(self, content=self.content + b"\n")


@dataclass(frozen=True)
class Ask:
    """A change that somebody asks for, and what the model expects of it."""

    operation: str
    method: str
    path: str
    body: Any = None
    upload: Upload | None = None
    query: dict[str, str] = field(default_factory=dict)
    # The record whose ETag counts and whose allowed_actions name the step.
    at: str | None = None
    step: str | None = None
    named: Named = actions
    # What the model says: whether it is seen, allowed, and possible as things stand; None where it does not know.
    visible: bool = True
    permitted: bool = True
    possible: bool | None = None
    # Codes of what can be wrong with a well-formed request that is allowed.
    excuses: Collection[str] = ()
    # Each entry of a log and each event that it makes; None where only their agreement is checked.
    logs: Sequence[str] | None = None
    events: Sequence[str] | None = None
    # For what has no ETag.
    matched: bool = True


@dataclass
class Answer:
    status: int
    body: Json
    delta: Delta

    @property
    def ok(self) -> bool:
        return self.status < 300


@dataclass
class Tally:
    """What was walked over all walks."""

    steps: int = 0
    walks: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    # Steps that were named as possible and refused for a reason that the rule allows: (step, code).
    excused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def table(self) -> str:
        rows = [f"{self.steps} steps in {self.walks} walks", f"{'action':<28}{'asked':>7}{'done':>7}  refused"]
        for operation in sorted(self.asked):
            refused = ", ".join(
                f"{status}: {count}" for (name, status), count in sorted(self.refused.items()) if name == operation
            )
            rows.append(f"{operation:<28}{self.asked[operation]:>7}{self.done[operation]:>7}  {refused}")
        if self.excused:
            told = ", ".join(f"{step} {code}: {count}" for (step, code), count in sorted(self.excused.items()))
            rows.append(f"named and still refused: {told}")
        return "\n".join(rows)


class Play:
    """The state of one walk."""

    def __init__(self, cast: Cast, tables: Tables, tally: Tally) -> None:
        self.cast, self.tables, self.tally = cast, tables, tally
        self.book = Book()
        self.words: list[str] = []
        self.texts: dict[str, str] = {}
        # What was carried out in this walk.
        self.done: Counter[str] = Counter()
        self._listed = 0
        self._http = cast.world.http

    async def begin(self) -> None:
        await self.tables.clear()
        await self.move_to(BEGINS)
        self.cast.sign_in()
        self.tally.walks += 1

    @property
    def today(self) -> date:
        return clock.today()

    async def move_to(self, moment: datetime) -> None:
        """The product's clock, moved as development moves it."""
        offset = moment - clock.wall_now()
        await self.tables.connection.execute("update product_clock set offset_interval = $1 where id = 1", offset)
        clock.set_offset(offset)
        await self.tables.look()

    async def days_pass(self, days: int) -> None:
        self.say(f"{days} days pass")
        await self.move_to(clock.now() + timedelta(days=days))

    async def end(self) -> None:
        clock.set_offset(timedelta())
        await self.tables.connection.execute("update product_clock set offset_interval = '0' where id = 1")

    def say(self, words: str) -> None:
        self.words.append(self._named(words))

    def _named(self, words: str) -> str:
        """The words, with records and bodies called by their names."""
        names = [(str(one.id), key) for key, one in self.cast.world.organizations.items()]
        names += [(plan.id, plan.name) for plan in self.book.plans]
        names += [(task.id, task.name) for task in self.book.tasks]
        names += [(one.id, one.name) for ones in self.book.beside.values() for one in ones]
        for record_id, name in names:
            words = words.replace(record_id, name)
        return words

    def broken(self, what: str) -> Broken:
        told = "\n".join(f"  {at:>3}. {words}" for at, words in enumerate(self.words, start=1))
        return Broken(f"{self._named(what)}\nThe walk, on {self.today} in the end:\n{told}")

    async def ask(self, player: Player, ask: Ask, mode: str = PLAIN) -> Answer:
        """The change, and everything that has to hold after it."""
        seen, tag = await self._seen(player, ask)
        if not _can_be(mode, ask):
            mode = PLAIN
        key = str(uuid4())
        headers = player.person.headers | ({} if mode == KEYLESS else {"Idempotency-Key": key})
        if ask.at is not None and ask.matched and mode != BLIND:
            headers["If-Match"] = '"v1000000"' if mode == STALE else tag
        answer = await self._send(_spoilt(ask) if mode == BAD else ask, headers)
        delta = await self.tables.look()
        told = answer.json() if answer.content else {}
        self._tell(player, ask, mode, answer, told)
        self._check_answer(answer, told, delta)
        self._check_expected(player, ask, mode, seen, answer, told)
        if answer.status_code < 300:
            self._check_told(ask, delta)
        if mode in (REPEATED, REUSED):
            await self._again(ask, mode, headers, answer)
        return Answer(answer.status_code, told, delta)

    async def _send(self, ask: Ask, headers: dict[str, str]) -> httpx.Response:
        file = ask.upload
        sent: dict[str, Any] = {"json": ask.body}
        if file is not None:
            sent = {"data": file.fields, "files": {file.part: (file.name, file.content)}}
        return await self._http.request(ask.method, ask.path, params=ask.query or None, headers=headers, **sent)

    async def read(self, player: Player, path: str, **query: Any) -> Json:
        """What somebody sees who is known to see it."""
        answer = await player.person.get(path, **query)
        if answer.status_code != 200:
            raise self.broken(f"{player} cannot read {path}: {answer.status_code} {answer.text}")
        body: Json = answer.json()
        return body

    async def sees(self, player: Player, path: str) -> bool:
        return (await player.person.get(path)).status_code == 200

    async def pass_the_day(self) -> Delta:
        """The role `lifecycle`, as often as it finds something."""
        database = self.cast.world.registry.database
        while await end_what_is_over(database, _BATCH):
            pass
        delta = await self.tables.look()
        self.say(f"what is over ends: {[one.what for one in delta.logged]}")
        for found in unsaid(delta):
            raise self.broken(found)
        return delta

    async def tell_of(self, words: str, work: Awaitable[None]) -> Delta:
        """What the product does by itself, and what that leaves behind."""
        await work
        delta = await self.tables.look()
        self.say(f"{words}: {[one.what for one in delta.logged]}")
        return delta

    async def check_task(self, task: Task) -> Json:
        """The API shows the task as the model has it; its moves are the workflow's."""
        body = await self.read(self.cast.of(task.plan.custodian), task.path)
        found = task.differences(body, {key: self.cast.id(key) for key in task.taking_part}, self.today)
        if found:
            raise self.broken(f"{task.name}: {'; '.join(found)}")
        return body

    async def check_plan(self, plan: Plan) -> Json:
        body = await self.read(self.cast.of(plan.custodian), plan.path)
        found = plan.differences(body)
        if found:
            raise self.broken(f"{plan.name}: {'; '.join(found)}")
        return body

    async def check_actions(self, player: Player, record: Task | Plan) -> None:
        """What the API says that somebody can do is what the model says."""
        answer = await player.person.get(record.path)
        plan = record.plan if isinstance(record, Task) else record
        if not self.book.sees(player, plan):
            if answer.status_code not in ((404,) if player.is_person else _REFUSED):
                raise self.broken(f"{player} must not see {record.name}: {answer.status_code}")
            return
        if player.role == "system without scopes":
            if answer.status_code != 403:
                raise self.broken(f"{player} reads {record.name} without a scope: {answer.status_code}")
            return
        told = set(answer.json()["allowed_actions"])
        expected = record.steps(player) - self.book.held_up(record, self.today)
        if told != expected:
            raise self.broken(
                f"{player} is told of {sorted(told)} with {record.name} ({record.status}), and the model of"
                f" {sorted(expected)}"
            )

    async def check_all(self) -> None:
        """Everything at once: every record, every text, the whole of history, and that a stranger sees none of it."""
        for task in self.book.tasks:
            await self.check_task(task)
        for plan in self.book.plans:
            if not plan.discarded:
                await self.check_plan(plan)
                await self._check_text(plan)
        edges = await self.tables.edges()
        round_ = cycle(edges)
        if round_ is not None:
            raise self.broken(f"tasks wait for each other: {round_}")
        for task_id, step, before, after in await self.tables.moves():
            if after not in TASK_MOVES.get(step, {}).get(before, ()):
                raise self.broken(f"{task_id} went by {step} from {before} to {after}")
        for found in await self.tables.overwritten():
            raise self.broken(f"written over: {found}")
        for found in await self.tables.work_amiss():
            raise self.broken(f"a worklist is amiss: {found}")
        for prove in (history.verify, administration.verify):
            proof = await prove(self.cast.world.registry.database)
            if proof.breaks:
                raise self.broken(f"history does not hold: {proof.breaks[:3]}")
        await check_documents(self)
        await self._check_lists()
        await self._check_strangers()

    async def _check_lists(self) -> None:
        """Each body lists what it has a part in, all of it and nothing else; another body each time."""
        self._listed += 1
        for key in (BODIES_AT_WORK[(2 * self._listed + at) % len(BODIES_AT_WORK)] for at in range(2)):
            player = self.cast.of(key)
            plans = {plan.id: plan.name for plan in self.book.plans if self.book.sees(player, plan)}
            tasks = {task.id: task.name for task in self.book.tasks if self.book.sees(player, task.plan)}
            for name, expected in (("agreements", plans), ("tasks", tasks)):
                page = await self.read(player, f"/v1/{name}", limit=200)
                listed = [item["id"] for item in page["items"]]
                if sorted(listed) != sorted(expected):
                    raise self.broken(f"{player} lists the {name} {listed}, the model {sorted(expected)}")

    async def _check_text(self, plan: Plan) -> None:
        """What was signed is what was opened, to the letter."""
        if plan.digest is None:
            return
        reader = self.cast.of(plan.custodian)
        text = await self.read(reader, f"{plan.path}/text")
        content = text["text"]
        digest = hashlib.sha256(content.encode()).hexdigest()
        if (text["text_digest"], digest) != (plan.digest, plan.digest):
            raise self.broken(f"the text of {plan.name} is not what its digest says")
        if self.texts.setdefault(plan.digest, content) != content:
            raise self.broken(f"the signed text of {plan.name} has changed")
        proof = await self.read(reader, f"{plan.path}/text/verification")
        if not proof["valid"]:
            raise self.broken(f"the text of {plan.name} cannot be verified: {proof}")

    async def _check_strangers(self) -> None:
        paths = list(self.book.records())
        for stranger in self.cast.strangers:
            for path in paths:
                await self.check_unseen(stranger, path)
            for name in ("agreements", "tasks", "obstacles", "urgings", "meetings", "boundary-cases", "corridors"):
                answer = await stranger.person.get(f"/v1/{name}")
                if answer.status_code != 200 or answer.json()["items"]:
                    raise self.broken(f"{stranger} lists {name}: {answer.status_code} {answer.text[:300]}")

    async def check_unseen(self, stranger: Player, path: str) -> None:
        answer = await stranger.person.get(path)
        if answer.status_code != 404:
            raise self.broken(f"{stranger} reads {path}: {answer.status_code} {answer.text[:300]}")

    async def _seen(self, player: Player, ask: Ask) -> tuple[Json | None, str]:
        if ask.at is None:
            return None, ""
        answer = await player.person.get(ask.at)
        if answer.status_code >= 500:
            raise self.broken(f"{player} reads {ask.at}: {answer.status_code} {answer.text}")
        if answer.status_code != 200:
            if ask.visible and answer.status_code == 404:
                raise self.broken(f"{player} does not see {ask.at}")
            return None, "*"
        if not ask.visible:
            raise self.broken(f"{player} must not see {ask.at}")
        return answer.json(), answer.headers["etag"]

    def _tell(self, player: Player, ask: Ask, mode: str, answer: httpx.Response, told: Json) -> None:
        how = "" if mode == PLAIN else f" {mode}"
        what = _code(told) or told.get("status") or told.get("state") or ""
        version = f" v{told['version']}" if "version" in told else ""
        self.say(f"{player}: {ask.operation} {_short(ask)}{how} → {answer.status_code} {what}{version}")
        self.tally.asked[ask.operation] += 1
        if answer.status_code < 300:
            self.done[ask.operation] += 1
            self.tally.done[ask.operation] += 1
        else:
            self.tally.refused[ask.operation, answer.status_code] += 1

    def _check_answer(self, answer: httpx.Response, told: Json, delta: Delta) -> None:
        """An error is a problem document that names the field, and leaves nothing behind."""
        if answer.status_code >= 500:
            raise self.broken(f"the product failed: {answer.status_code} {answer.text}")
        if answer.status_code < 300:
            return
        self._check_problem(answer, told)
        if not delta.empty:
            raise self.broken(f"what was refused has left something behind: {delta}")

    def _check_problem(self, answer: httpx.Response, told: Json) -> None:
        expected = (f"/problems/{told.get('code')}", answer.status_code)
        if answer.headers["content-type"] != "application/problem+json" or not told.get("title"):
            raise self.broken(f"no problem document: {answer.text}")
        if (told["type"], told["status"]) != expected:
            raise self.broken(f"a problem document that contradicts itself: {told}")
        for error in told.get("errors", []):
            if not (error["pointer"] == "" or error["pointer"].startswith("/")) or not error["code"]:
                raise self.broken(f"an error that names no field: {told}")

    def _check_expected(
        self, player: Player, ask: Ask, mode: str, seen: Json | None, answer: httpx.Response, told: Json
    ) -> None:
        status, code = answer.status_code, _code(told) if answer.status_code >= 400 else None

        def hold(*expected: int) -> None:
            if status not in expected:
                raise self.broken(
                    f"{player}: {ask.operation} {mode} answered {status} {answer.text[:500]}, expected {expected}"
                )

        if mode == KEYLESS:
            return hold(400)
        if mode == BAD:
            hold(422)
            if not told.get("errors"):
                raise self.broken(f"a bad body is refused and no field is named: {told}")
            return None
        if not ask.visible:
            return hold(404) if player.is_person else hold(*_REFUSED)
        if not ask.permitted:
            return hold(403)
        if mode == STALE:
            return hold(412)
        if mode == BLIND:
            return hold(428)
        self._check_named(player, ask, seen, status, code)
        if ask.possible is not None and (status < 300) != ask.possible and code not in ask.excuses:
            raise self.broken(
                f"{player}: {ask.operation} answered {status} {answer.text[:500]}, and the model says"
                f" {'yes' if ask.possible else 'no'}"
            )
        return None

    def _check_named(self, player: Player, ask: Ask, seen: Json | None, status: int, code: str | None) -> None:
        """`allowed_actions` tells the truth."""
        named = ask.named(seen) if seen is not None and ask.step is not None else None
        if named is None:
            if status >= 300 and code not in ask.excuses and ask.possible is not False:
                raise self.broken(f"{player}: {ask.operation} is refused: {status} {code}")
            return
        if ask.step in named:
            if status in (403, 409) and code not in ask.excuses:
                raise self.broken(f"{player} is told of {ask.step} and gets {status} {code}")
            if status >= 300 and code not in ask.excuses and ask.possible is not False:
                raise self.broken(f"{player}: {ask.operation} is refused: {status} {code}")
            if code in ask.excuses:
                self.tally.excused[ask.step or "", code or ""] += 1
        elif status < 300:
            raise self.broken(f"{player} is not told of {ask.step}, and can do it")

    def _check_told(self, ask: Ask, delta: Delta) -> None:
        """A change that was made has exactly its entries and its events."""
        for found in unsaid(delta):
            raise self.broken(f"{ask.operation}: {found}")
        for name, expected, told in (("log", ask.logs, delta.logged), ("events", ask.events, delta.events)):
            if expected is not None and Counter(one.what for one in told) != Counter(expected):
                raise self.broken(
                    f"{ask.operation} tells {[one.what for one in told]} in the {name}, expected {list(expected)}"
                )

    async def _again(self, ask: Ask, mode: str, headers: dict[str, str], first: httpx.Response) -> None:
        """The same key: the same answer for the same request, a refusal for another one, and nothing more."""
        if first.status_code >= 300:
            return
        answer = await self._send(ask if mode == REPEATED else _other(ask), headers)
        if mode == REPEATED:
            same = (answer.status_code, answer.content) == (first.status_code, first.content)
            if not same or answer.headers.get("idempotency-replayed") != "true":
                raise self.broken(f"the same request again is answered otherwise: {answer.status_code} {answer.text}")
        elif answer.status_code != 422:
            raise self.broken(f"a used key is taken for another request: {answer.status_code} {answer.text}")
        delta = await self.tables.look()
        if not delta.empty:
            raise self.broken(f"a repetition has left something behind: {delta}")


def _code(told: Json) -> str | None:
    """What is wrong: with the first field, where it is a field."""
    errors = told.get("errors")
    found: str | None = errors[0]["code"] if errors else told.get("code")
    return found


def _can_be(mode: str, ask: Ask) -> bool:
    """Whether the request can be made in this way."""
    if mode in (STALE, BLIND):
        return ask.at is not None and ask.matched
    if mode == BAD and ask.upload is not None:
        # A form is looked at last: whoever may not send it is told that first.
        return ask.visible and ask.permitted and ask.possible is not False
    return mode not in (BAD, REUSED) or ask.body is not None or ask.upload is not None


def _spoilt(ask: Ask) -> Ask:
    """The same with one field that cannot be."""
    if ask.upload is not None:
        return replace(ask, upload=ask.upload.spoilt)
    given = dict(ask.body or {})
    name = next(iter(given), "la")
    return replace(ask, body=given | {name: {"khong": ["hop le"]}})


def _other(ask: Ask) -> Ask:
    """Another request than this one."""
    if ask.upload is not None:
        return replace(ask, upload=ask.upload.other)
    return replace(ask, body={**(ask.body or {}), "khac": True})


def _short(ask: Ask) -> str:
    told = {} if ask.body is None else ask.body
    if ask.upload is not None:
        told = {**ask.query, **ask.upload.fields, "file": ask.upload.name}
    words = ", ".join(f"{name}={value}" for name, value in told.items())
    return f"at {ask.path.removeprefix('/v1')}" + (f" ({words})" if words else "")
