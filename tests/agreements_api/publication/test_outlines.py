"""The outlines of the five localities: whose data they are, and which units they were."""

import asyncio
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.localities.loader import load_units, unit_id
from tests.agreements_api.agreements.world import Json, accepted

PATH = "/v1/public/localities.geojson"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loaded(app: FastAPI) -> None:
    await load_units(app.state.database)


async def test_the_source_and_the_licence_are_named_in_the_answer(http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH)
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    attribution = accepted(answer, 200)["attribution"]
    assert attribution["licence"] == "MIT"
    assert "vietnamese-provinces-database" in attribution["source"]
    assert attribution["url"].startswith("https://github.com/")
    again = await http.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, answer.headers["etag"])


async def test_units_are_those_that_had_the_code_on_the_last_day(http: httpx.AsyncClient, loaded: None) -> None:
    features: list[Json] = (await http.get(PATH)).json()["features"]
    shown = {feature["properties"]["name"]: feature["properties"] for feature in features}
    assert {name: (unit["unit_name"], unit["province_name"]) for name, unit in shown.items()} == {
        # A city since 1 November 2024; the town of the same code had ended.
        "Đông Triều": ("Thành phố Đông Triều", "Tỉnh Quảng Ninh"),
        "Chí Linh": ("Thành phố Chí Linh", "Tỉnh Hải Dương"),
        "Kinh Môn": ("Thị xã Kinh Môn", "Tỉnh Hải Dương"),
        # Their province had the code 24, which is Bắc Ninh's today.
        "Sơn Động": ("Huyện Sơn Động", "Tỉnh Bắc Giang"),
        "Lục Nam": ("Huyện Lục Nam", "Tỉnh Bắc Giang"),
    }
    assert shown["Sơn Động"]["unit_id"] == str(unit_id("district", "220", None))
    assert all(feature["id"] == feature["properties"]["unit_id"] for feature in features)


async def test_every_outline_is_a_closed_ring_in_the_north_east(http: httpx.AsyncClient) -> None:
    for feature in (await http.get(PATH)).json()["features"]:
        assert feature["geometry"]["type"] == "Polygon"
        for ring in feature["geometry"]["coordinates"]:
            assert len(ring) >= 4
            assert ring[0] == ring[-1]
            assert all(106 <= longitude <= 108 and 20.5 <= latitude <= 22 for longitude, latitude in ring)


async def test_without_units_the_outlines_are_shown_all_the_same(http: httpx.AsyncClient) -> None:
    answers: list[Any] = await asyncio.gather(*(http.get(PATH) for _ in range(3)))
    assert [len(answer.json()["features"]) for answer in answers] == [5, 5, 5]
