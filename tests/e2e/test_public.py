"""The public face and the chain through the gateway: without a token what is published, and nothing that is not."""

import httpx

from tests.e2e.conftest import Signed, in_force

PUBLIC = "/v1/public/agreements"


async def test_everybody_reads_what_is_published_until_it_is_taken_back(
    gateway: httpx.AsyncClient, operator: Signed
) -> None:
    leader, agreement = await in_force(operator)
    path, public = f"/v1/agreements/{agreement['id']}", f"{PUBLIC}/{agreement['id']}"
    assert (await gateway.get(public)).status_code == 404
    await leader.act(path, "publish")
    shown = await gateway.get(public, headers={"Authorization": "Bearer not.a.token"})
    assert (shown.status_code, shown.json()["title"]) == (200, agreement["title"])
    assert "Ghi chú nội bộ" not in shown.text
    assert shown.headers["cache-control"] == "public, max-age=60"
    assert shown.headers["vary"] == "Origin"
    again = await gateway.get(public, headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, shown.headers["etag"])
    assert (await gateway.get(f"{public}/text")).json()["text_digest"] == agreement["text_digest"]
    assert (await gateway.get(f"{public}/tasks")).json() == {"items": [], "next_cursor": None}
    since = {"modified_since": shown.json()["modified_at"]}
    assert agreement["id"] in [item["id"] for item in (await gateway.get(PUBLIC, params=since)).json()["items"]]
    taken = await leader.act(path, "unpublish")
    assert (await gateway.get(public)).status_code == 410
    tombstone = {"id": agreement["id"], "removed_at": taken["unpublished_at"]}
    assert tombstone in (await gateway.get(PUBLIC, params=since)).json()["items"]
    assert (await gateway.post(f"{path}/publish", json={})).status_code == 401


async def test_the_outlines_name_their_source_and_the_units_of_the_day(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/v1/public/localities.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert document["attribution"]["licence"] == "MIT"
    assert all(feature["properties"]["unit_id"] for feature in document["features"])


async def test_a_point_is_carried_and_the_chain_shows_it(operator: Signed) -> None:
    leader, agreement = await in_force(operator)
    path = f"/v1/agreements/{agreement['id']}"
    body = {"kind": "shortcoming", "text": "Phối hợp chưa thường xuyên", "raised_by": "Sơ kết (minh họa)"}
    point = await leader.create(f"{path}/open-points", body)
    chain = await leader.get(f"{path}/provenance")
    [clause] = chain["clauses"]
    assert chain["gaps"]["clauses_without_tasks"] == [clause["id"]]
    assert chain["gaps"]["open_points_not_carried"] == [point["id"]]
    carried = await leader.act(f"/v1/open-points/{point['id']}", "carry", {"clause_id": clause["id"]})
    assert carried["state"] == "carried"
    assert (await leader.get(f"{path}/provenance"))["clauses"][0]["open_points"] == [point["id"]]
