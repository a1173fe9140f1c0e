"""Which bytes a Range asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.documents.ranges import Span, Unsatisfiable, asked

TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-99", Span(0, 100)),
        ("bytes=10-", Span(10, 100)),
        ("bytes=90-1000", Span(90, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
    ],
)
def test_a_range_is_cut_to_the_file(header: str, span: Span) -> None:
    assert asked(header, None, size=100, tag=TAG) == span


@pytest.mark.parametrize("header", [None, "", "bytes", "bytes=-", "bytes=5-2", "items=0-1", "bytes=0-1,5-6", "bytes=a"])
def test_what_is_not_understood_asks_for_the_whole(header: str | None) -> None:
    assert asked(header, None, size=100, tag=TAG) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
def test_what_lies_outside_is_told(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        asked(header, None, size=100, tag=TAG)


def test_a_part_of_another_version_is_not_continued() -> None:
    assert asked("bytes=50-", TAG, size=100, tag=TAG) == Span(50, 100)
    assert asked("bytes=50-", '"other"', size=100, tag=TAG) is None
    assert asked("bytes=500-", '"other"', size=100, tag=TAG) is None


@given(st.text(max_size=30), st.integers(min_value=1, max_value=10**9))
def test_whatever_is_asked_lies_within_the_file(words: str, size: int) -> None:
    for header in (words, f"bytes={words}"):
        try:
            span = asked(header, None, size=size, tag=TAG)
        except Unsatisfiable:
            continue
        assert span is None or 0 <= span.start < span.end <= size
