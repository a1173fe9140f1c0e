"""What routes take: the actor, the transaction, the headers of a safe change."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.auth import Actor, InvalidToken, TokenVerifier
from shared.db import Database
from shared.pagination import DEFAULT_LIMIT, MAX_LIMIT, Cursors
from shared.problems import BadRequest, FieldError, IdempotencyKeyMissing, Unauthorized, language_of


async def get_actor(request: Request) -> Actor:
    """Who calls; the signature is checked here again, the gateway is not the only lock."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized
    verifier: TokenVerifier = request.app.state.verifier
    try:
        actor = verifier.verify(token.strip())
    except InvalidToken as error:
        raise Unauthorized from error
    request.state.actor = actor
    return actor


async def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def get_cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


ActorDep = Annotated[Actor, Depends(get_actor)]
DatabaseDep = Annotated[Database, Depends(get_database)]
CursorsDep = Annotated[Cursors, Depends(get_cursors)]


async def get_session(database: DatabaseDep, actor: ActorDep) -> AsyncIterator[AsyncSession]:
    async with database.transaction(actor) as session:
        yield session


# "function" ends the transaction before the response leaves: 200 means committed.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def get_idempotency_key(
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="Any text of 1–128 visible characters, new for every request."),
    ] = None,
) -> str:
    if key is None:
        raise IdempotencyKeyMissing(
            errors=[
                FieldError(
                    "/header/Idempotency-Key",
                    "missing",
                    {"vi": "Mỗi yêu cầu thay đổi cần một khóa mới.", "en": "Every unsafe request takes a new key."},
                )
            ]
        )
    if not 1 <= len(key) <= 128 or not all("!" <= character <= "~" for character in key):
        raise BadRequest(
            errors=[
                FieldError(
                    "/header/Idempotency-Key",
                    "invalid",
                    {"vi": "Từ 1 đến 128 ký tự ASCII hiển thị.", "en": "1 to 128 visible ASCII characters."},
                )
            ]
        )
    return key


async def get_language(accept_language: Annotated[str | None, Header(include_in_schema=False)] = None) -> str:
    return language_of(accept_language)


IdempotencyKey = Annotated[str, Depends(get_idempotency_key)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that was read: 428 without it, 412 when it is stale.")
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="304 when this version is current.")]
Language = Annotated[str, Depends(get_language)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")]
CursorParameter = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before.")]
PAGE = DEFAULT_LIMIT
