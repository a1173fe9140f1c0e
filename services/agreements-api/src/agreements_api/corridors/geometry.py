"""Lines on the map as GeoJSON (RFC 7946): what is taken, and how it is kept. Pure functions, no database."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_POSITIONS = 2_000
# A read of a whole corridor stays an answer of about a megabyte.
MAX_CORRIDOR_POSITIONS = 20_000
# A seventh decimal is a centimetre: what comes behind it is noise.
DECIMALS = 7
# Vietnam with its islands, generously: a pair in the wrong order does not lie in it.
LONGITUDES = (102.0, 118.0)
LATITUDES = (6.0, 24.0)


class GeometryType(StrEnum):
    LINE_STRING = "LineString"
    MULTI_LINE_STRING = "MultiLineString"


@dataclass(frozen=True)
class Line:
    """A geometry as it is kept: longitude and latitude only, rounded."""

    geometry: dict[str, Any]
    positions: int


class Refused(Exception):
    """What is wrong with a geometry, and where; `path` leads from the geometry to it."""

    def __init__(self, path: tuple[object, ...], code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.path = path
        self.code = code
        self.vi = vi
        self.en = en


def line_of(kind: GeometryType, coordinates: Any) -> Line:
    """The geometry without heights; Refused at the first thing that cannot be taken."""
    if kind is GeometryType.LINE_STRING:
        kept: list[Any] = _line(coordinates, ("coordinates",))
        positions = len(kept)
    else:
        lines = _list(coordinates, ("coordinates",), 1)
        kept = [_line(one, ("coordinates", index)) for index, one in enumerate(lines)]
        positions = sum(len(one) for one in kept)
    if positions > MAX_POSITIONS:
        raise _too_many(("coordinates",))
    return Line({"type": kind.value, "coordinates": kept}, positions)


def _line(value: Any, path: tuple[object, ...]) -> list[list[float]]:
    return [_position(one, (*path, index)) for index, one in enumerate(_list(value, path, 2))]


def _list(value: Any, path: tuple[object, ...], least: int) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(path, "list_type", "Phải là danh sách.", "Input should be a list.")
    if len(value) < least:
        raise Refused(path, "too_short", f"Cần ít nhất {least} phần tử.", f"At least {least} items are needed.")
    if len(value) > MAX_POSITIONS:
        raise _too_many(path)
    return value


def _position(value: Any, path: tuple[object, ...]) -> list[float]:
    if not isinstance(value, list) or not 2 <= len(value) <= 3 or not all(_is_number(one) for one in value):
        raise Refused(
            path,
            "position",
            "Mỗi điểm là [kinh độ, vĩ độ], có thể kèm độ cao.",
            "A position is [longitude, latitude], with or without a height.",
        )
    return [_within(value[0], LONGITUDES, (*path, 0)), _within(value[1], LATITUDES, (*path, 1))]


def _within(value: float, limits: tuple[float, float], path: tuple[object, ...]) -> float:
    low, high = limits
    if not low <= value <= high:
        raise Refused(
            path,
            "out_of_range",
            f"Phải trong khoảng {low:g} đến {high:g} (WGS 84; kinh độ trước, vĩ độ sau).",
            f"Must lie between {low:g} and {high:g} (WGS 84; longitude first, then latitude).",
        )
    return round(float(value), DECIMALS)


def _is_number(value: Any) -> bool:
    # A whole number of a thousand digits is legal JSON, and no float.
    return (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9
    )


def _too_many(path: tuple[object, ...]) -> Refused:
    return Refused(
        path,
        "too_many",
        f"Một đoạn có nhiều nhất {MAX_POSITIONS} điểm.",
        f"A segment has at most {MAX_POSITIONS} positions.",
    )
