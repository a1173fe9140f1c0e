"""Cursors and entity tags."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from shared.etags import check_if_match, etag, not_modified
from shared.pagination import Cursors, cut
from shared.problems import InvalidCursor, PreconditionFailed, PreconditionRequired

CURSORS = Cursors(b"secret")


def test_a_cursor_gives_back_what_was_put_in() -> None:
    values = [datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 2), uuid4(), None, 3]
    assert CURSORS.decode("s", CURSORS.encode("s", values)) == [
        "2026-01-01T00:00:00+00:00",
        "2026-01-02",
        str(values[2]),
        None,
        3,
    ]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "A" * 60, Cursors(b"other").encode("s", [1])])
def test_a_cursor_that_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.decode("s", cursor)


def test_a_cursor_of_another_list_or_order_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.decode("tasks:due_on", CURSORS.encode("tasks:-due_on", [1]))


def test_a_page_knows_whether_another_follows() -> None:
    assert cut([1, 2, 3], 2) == ([1, 2], 2)
    assert cut([1, 2], 2) == ([1, 2], None)


def test_a_change_needs_the_tag_that_was_read() -> None:
    check_if_match('"v3"', 3)
    check_if_match('"v2", "v3"', 3)
    check_if_match("*", 3)
    with pytest.raises(PreconditionRequired):
        check_if_match(None, 3)
    for stale in ('"v2"', 'W/"v3"', "v3", ""):
        with pytest.raises(PreconditionFailed):
            check_if_match(stale, 3)


def test_what_the_caller_has_is_not_sent_again() -> None:
    for tag in ('"v3"', 'W/"v3"', '"v1", "v3"', "*"):
        answer = not_modified(tag, etag(3))
        assert answer is not None
        assert answer.status_code == 304
    assert not_modified('"v2"', etag(3)) is None
    assert not_modified(None, etag(3)) is None
