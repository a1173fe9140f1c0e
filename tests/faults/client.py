"""Clients that do not give up: a write is repeated under its one key until it is answered, and every answer kept."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared.ids import new_id
from tests.faults.checker import Change, Outcome, Write
from tests.faults.wire import Cut, Wire

Json = dict[str, Any]

# Longer than any part takes to come back.
PATIENCE = 90.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
# Somebody on the way is away for a moment; 500 is among them only so that the run goes on, and is a finding.
_AWAY = frozenset({429, 500, 502, 503, 504})


class Impatient(RuntimeError):
    """There was no answer for longer than any fault may take."""


@dataclass(frozen=True)
class Answer:
    """The final answer to a request."""

    status: int
    body: Json
    etag: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def version(self) -> int:
        """Which version the entity tag names: `"v7"` or `"v7.overdue"`."""
        return int(self.etag.strip('"').partition(".")[0].removeprefix("v"))

    def allows(self, step: str) -> bool:
        return step in self.body.get("allowed_actions", ())


@dataclass
class Journal:
    """What clients were told: each write's outcome, and what came in the way."""

    writes: dict[str, Write] = field(default_factory=dict)
    acknowledged: int = 0
    repeated: int = 0
    disturbances: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def keep(self, write: Write) -> None:
        """The last word counts: a step without a text of its own may be refused first and taken then."""
        known = self.writes.get(write.token)
        if known is None or known.outcome is not Outcome.ACKNOWLEDGED:
            self.writes[write.token] = write
        if write.outcome is Outcome.ACKNOWLEDGED:
            self.acknowledged += 1


class Pace:
    """So many writes a second on average: what an outage kept back is made good for afterwards."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._next:
            self._next = loop.time()
        wait = self._next - loop.time()
        self._next += self._interval
        if wait > 0:
            await asyncio.sleep(wait)


class Client:
    """An account at the gateway."""

    def __init__(self, wire: Wire, journal: Journal, username: str, password: str, *, account_id: str = "") -> None:
        self.username = username
        self.account_id = account_id
        self._wire = wire
        self._journal = journal
        self._password = password
        self._token = ""

    async def sign_in(self) -> "Client":
        credentials = {"username": self.username, "password": self._password}
        answer = await self._request("POST", "/v1/sessions", credentials, {})
        if answer.status != 201:
            raise RuntimeError(f"{self.username} cannot sign in: {answer.status} {answer.body}")
        self._token = answer.body["access_token"]
        return self

    async def read(self, path: str) -> Answer:
        return await self._signed("GET", path, None, {})

    async def read_all(self, path: str) -> list[Json]:
        """Every item of a list, page by page."""
        items: list[Json] = []
        cursor = ""
        while True:
            answer = await self.read(f"{path}?limit=200{cursor}")
            if not answer.is_success:
                raise RuntimeError(f"{path}: {answer.status} {answer.body}")
            items += answer.body["items"]
            if not answer.body.get("next_cursor"):
                return items
            cursor = f"&cursor={answer.body['next_cursor']}"

    async def create(self, path: str, body: Json) -> Answer:
        """A record that nobody looks for by a text of its own afterwards."""
        return await self._signed("POST", path, body, {"Idempotency-Key": str(new_id())})

    async def write(
        self, method: str, path: str, body: Json, *, token: str, what: str, kind: str, etag: str | None = None
    ) -> Answer:
        """One write under one key. `token` is a text by which it can be found in the database, `kind` its aggregate."""
        headers = {"Idempotency-Key": str(new_id())} | ({"If-Match": etag} if etag else {})
        try:
            answer = await self._signed(method, path, body, headers)
        except Impatient:
            self._journal.keep(Write(token, what, Outcome.UNANSWERED))
            raise
        if answer.is_success:
            reached = Change(answer.body["id"], answer.version, kind)
            self._journal.keep(Write(token, what, Outcome.ACKNOWLEDGED, reached))
        else:
            self._journal.keep(Write(token, what, Outcome.REFUSED))
            self._journal.disturbances[f"{answer.status} {answer.body.get('code', '')}".strip()] += 1
        return answer

    async def _signed(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer:
        answer = await self._request(method, path, body, self._headers(headers))
        if answer.status == 401:
            # The token is older than a quarter of an hour.
            await self.sign_in()
            answer = await self._request(method, path, body, self._headers(headers))
        return answer

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Accept-Language": "en", **more}

    async def _request(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        pause = FIRST_PAUSE
        while True:
            answer = await self._attempt(method, path, body, headers)
            if answer is not None:
                return answer
            if loop.time() > until:
                raise Impatient(f"{method} {path}: no answer within {PATIENCE:.0f} s")
            self._journal.repeated += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _attempt(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer | None:
        """The answer, or none where the same request may well get one later."""
        try:
            answer = await self._wire.request(method, path, body, headers)
        except (Cut, OSError, TimeoutError) as error:
            self._journal.disturbances[type(error).__name__] += 1
            return None
        if answer.status in _AWAY:
            self._journal.disturbances[str(answer.status)] += 1
            if answer.status == 500:
                self._journal.failures.append(f"500 {method} {urlsplit(path).path}: {answer.content[:300]!r}")
            return None
        known: Json = answer.json()
        if known.get("code") == "request_in_flight":
            self._journal.disturbances["409 request_in_flight"] += 1
            return None
        return Answer(answer.status, known, answer.headers.get("etag", ""))
