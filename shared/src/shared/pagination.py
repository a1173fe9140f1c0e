"""Keyset cursors: where the next page begins, signed so that nobody can make one up."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from shared.problems import FieldError, InvalidCursor

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
_SIGNATURE = 16

T = TypeVar("T")


class Cursors:
    """Makes and reads the cursors of one service."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, scope: str, values: Sequence[Any]) -> str:
        """A cursor after the row with these sort values; `scope` names the list and its order."""
        payload = orjson.dumps([_plain(value) for value in values])
        return base64.urlsafe_b64encode(self._sign(scope, payload) + payload).rstrip(b"=").decode()

    def decode(self, scope: str, cursor: str) -> list[Any]:
        """The sort values of a cursor made for the same list and order; InvalidCursor for anything else."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _invalid() from error
        signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(scope, payload)):
            raise _invalid()
        values: list[Any] = orjson.loads(payload)
        return values

    def _sign(self, scope: str, payload: bytes) -> bytes:
        return hmac.digest(self._secret, scope.encode() + b"\0" + payload, hashlib.sha256)[:_SIGNATURE]


def cut(rows: list[T], limit: int) -> tuple[list[T], T | None]:
    """The page out of `limit + 1` rows, and its last row if another page follows."""
    return (rows[:limit], rows[limit - 1]) if len(rows) > limit else (rows, None)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value.isoformat() if isinstance(value, date | datetime) else value


def _invalid() -> InvalidCursor:
    return InvalidCursor(
        errors=[
            FieldError(
                "/query/cursor",
                "invalid_cursor",
                {
                    "vi": "Con trỏ không do danh sách này cấp, hoặc thứ tự đã khác.",
                    "en": "The cursor was not given out by this list in this order.",
                },
            )
        ]
    )
