"""The outlines of the five localities, each with the unit that it was."""

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import asyncpg

from agreements_api.publication import repository
from agreements_api.publication.schemas import Attribution

# Their last day: on the next one the districts were dissolved, and a code means something only with a date.
AS_OF = date(2025, 6, 30)
CODES: dict[str, str] = {
    "Đông Triều": "205",
    "Lục Nam": "218",
    "Sơn Động": "220",
    "Chí Linh": "290",
    "Kinh Môn": "292",
}
ATTRIBUTION = Attribution(
    source="thanglequoc/vietnamese-provinces-database, from the state mapping publisher",
    url="https://github.com/thanglequoc/vietnamese-provinces-database",
    licence="MIT",
    note="Ranh giới đơn giản hóa, gộp từ các xã, phường năm 2025; không dùng để tính diện tích."
    " / Simplified outlines, dissolved from the communes of 2025; not for areas.",
)


async def collection(connection: "asyncpg.Connection[Any]") -> str:
    """The GeoJSON document, with the units of this installation."""
    units = await repository.districts(connection, list(CODES.values()), on=AS_OF)
    features = [_feature(feature, units) for feature in _features()]
    document = {
        "type": "FeatureCollection",
        "attribution": ATTRIBUTION.model_dump(),
        "features": features,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _feature(feature: dict[str, Any], units: dict[str, asyncpg.Record]) -> dict[str, Any]:
    name = feature["properties"]["name"]
    unit = units.get(CODES[name])
    properties = {
        "name": name,
        "unit_id": str(unit["id"]) if unit else None,
        "unit_name": unit["name"] if unit else None,
        "code": CODES[name],
        "level": "district",
        "province_name": unit["province_name"] if unit else None,
        "as_of": AS_OF.isoformat(),
    }
    shown: dict[str, Any] = {"type": "Feature", "properties": properties, "geometry": feature["geometry"]}
    # RFC 7946 knows an id that is a text or a number, and no null.
    return {"id": properties["unit_id"], **shown} if unit else shown


@cache
def _features() -> list[dict[str, Any]]:
    path = resources.files("agreements_api").joinpath("data", "five_localities.geojson")
    features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return features
