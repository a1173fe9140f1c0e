"""Lines on the map: what is taken and what is refused, and where."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.corridors.geometry import LATITUDES, LONGITUDES, MAX_POSITIONS, GeometryType, Refused, line_of

LINE, LINES = GeometryType.LINE_STRING, GeometryType.MULTI_LINE_STRING
PLACE = [106.5, 21.0]
positions = st.tuples(
    st.floats(*LONGITUDES), st.floats(*LATITUDES), st.none() | st.floats(allow_nan=False, allow_infinity=False)
).map(lambda found: [one for one in found if one is not None])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(st.lists(positions, min_size=2, max_size=20))
def test_a_line_is_kept_flat_and_rounded(line: list[list[float]]) -> None:
    kept = line_of(LINE, line)
    assert kept.positions == len(line)
    assert kept.geometry["type"] == "LineString"
    for given_, found in zip(line, kept.geometry["coordinates"], strict=True):
        assert len(found) == 2
        assert all(math.isclose(one, other, abs_tol=1e-7) for one, other in zip(given_, found, strict=False))


@given(st.lists(st.lists(positions, min_size=2, max_size=5), min_size=1, max_size=5))
def test_what_was_kept_is_taken_again_unchanged(lines: list[list[list[float]]]) -> None:
    kept = line_of(LINES, lines)
    assert kept.positions == sum(map(len, lines))
    assert line_of(LINES, kept.geometry["coordinates"]) == kept


@given(st.sampled_from(GeometryType), json_values)
def test_anything_else_is_refused_and_never_breaks(kind: GeometryType, value: Any) -> None:
    place = "coordinates"
    try:
        line_of(kind, value)
    except Refused as why:
        place = str(why.path[0])
    assert place == "coordinates"


@pytest.mark.parametrize(
    ("kind", "coordinates", "path", "code"),
    [
        (LINE, None, (), "list_type"),
        (LINE, [PLACE], (), "too_short"),
        (LINES, [], (), "too_short"),
        (LINES, [[PLACE, PLACE], [PLACE]], (1,), "too_short"),
        (LINES, [3], (0,), "list_type"),
        (LINES, [PLACE, PLACE], (0, 0), "position"),
        (LINE, [PLACE, [106.5]], (1,), "position"),
        (LINE, [PLACE, [106.5, 21, 3, 4]], (1,), "position"),
        (LINE, [PLACE, [106.5, "21"]], (1,), "position"),
        (LINE, [PLACE, [106.5, True]], (1,), "position"),
        (LINE, [PLACE, [math.nan, 21.0]], (1,), "position"),
        (LINE, [PLACE, [10**400, 21.0]], (1,), "position"),
        (LINE, [PLACE, [101.9, 21.0]], (1, 0), "out_of_range"),
        (LINE, [PLACE, [106.5, 24.1]], (1, 1), "out_of_range"),
        (LINE, [PLACE] * (MAX_POSITIONS + 1), (), "too_many"),
        (LINES, [[PLACE] * 2] * (MAX_POSITIONS // 2 + 1), (), "too_many"),
    ],
)
def test_a_refusal_says_where(kind: GeometryType, coordinates: Any, path: tuple[int, ...], code: str) -> None:
    with pytest.raises(Refused) as refused:
        line_of(kind, coordinates)
    assert (refused.value.path, refused.value.code) == (("coordinates", *path), code)


def test_the_longest_line_is_taken() -> None:
    assert line_of(LINE, [PLACE] * MAX_POSITIONS).positions == MAX_POSITIONS
