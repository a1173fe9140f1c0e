"""People of the story at the gateway."""

from typing import Any

import httpx

from lienvung.story.stage import Json, StoryError
from shared.ids import new_id


class Person:
    """An account at the gateway: signs in once, then calls as a frontend would."""

    def __init__(self, http: httpx.AsyncClient, username: str, password: str) -> None:
        self.http = http
        self.username = username
        self._password = password
        self._token = ""

    async def sign_in(self) -> "Person":
        answer = await self.http.post("/v1/sessions", json={"username": self.username, "password": self._password})
        self._token = _accept(answer, 201)["access_token"]
        return self

    async def get(self, path: str, **query: Any) -> Json:
        return _accept(await self.http.get(path, params=query, headers=self._headers()), 200)

    async def download(self, path: str) -> bytes:
        answer = await self.http.get(path, headers=self._headers())
        if answer.status_code != 200:
            raise StoryError(f"{path}: {answer.status_code} {answer.text}")
        return answer.content

    async def create(self, path: str, body: Json) -> Json:
        answer = await self.http.post(path, json=body, headers=self._headers(unsafe=True))
        return _accept(answer, 201, 202)

    async def act(self, path: str, verb: str, body: Json | None = None) -> Json:
        """One transition, against the state that this person just read."""
        return await self._change("POST", path, f"{path}/{verb}", body or {})

    async def patch(self, path: str, part: str, body: Json) -> Json:
        """Change a part of a record, against the state of the whole."""
        return await self._change("PATCH", path, f"{path}/{part}", body)

    async def put(self, path: str, body: Json) -> Json:
        """Replace what is read at the same place."""
        return await self._change("PUT", path, path, body)

    async def _change(self, method: str, read: str, path: str, body: Json) -> Json:
        seen = await self.http.get(read, headers=self._headers())
        _accept(seen, 200)
        headers = self._headers(unsafe=True) | {"If-Match": seen.headers["etag"]}
        return _accept(await self.http.request(method, path, json=body, headers=headers), 200, 201)

    def _headers(self, *, unsafe: bool = False) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Language": "vi"}
        return headers | {"Idempotency-Key": str(new_id())} if unsafe else headers


def _accept(answer: httpx.Response, *expected: int) -> Json:
    if answer.status_code not in expected:
        raise StoryError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    body: Json = answer.json()
    return body
