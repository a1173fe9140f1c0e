"""Delegated administration through the gateway: from the invitation to the handing over."""

from uuid import uuid4

import httpx

from tests.e2e.conftest import Json, Signed, found, hire, sign_in

CHOSEN = "tự tôi chọn mật khẩu"


async def invited(administrator: Signed, gateway: httpx.AsyncClient) -> tuple[str, Signed]:
    """A new colleague, who has accepted and signed in."""
    body = {"username": f"u{uuid4().hex[:12]}", "name": "Chuyên viên (minh họa)", "roles": ["specialist"]}
    user = await administrator.create("/v1/users", body)
    token = user["invitation"]["token"]
    answer = await gateway.post("/v1/invitations/accept", json={"token": token, "password": CHOSEN})
    assert answer.status_code == 200, answer.text
    return user["id"], await sign_in(gateway, answer.json()["username"], CHOSEN)


async def test_who_was_invited_works_leaves_and_hands_over(gateway: httpx.AsyncClient, operator: Signed) -> None:
    organization = await found(operator, "UBND phân cấp quản trị")
    administrator = await hire(operator, organization, "administrator")
    leaving_id, leaving = await invited(administrator, gateway)
    receiving_id, receiving = await invited(administrator, gateway)
    draft = await leaving.create(
        "/v1/agreements", {"instrument": "plan", "title": "Dự thảo (minh họa)", "demonstration": True}
    )
    contacts = f"/v1/organizations/{organization}/contacts"
    await administrator.create(contacts, {"account_id": leaving_id, "field": "du lịch"})
    handed: Json = await administrator.act(
        f"/v1/users/{leaving_id}", "hand-over", {"to_account_id": receiving_id, "deactivate": True}
    )
    assert (handed["agreements"], handed["contacts"], handed["deactivated"]) == (1, 1, True)
    work = await receiving.get(f"/v1/users/{receiving_id}/open-work")
    assert [item["id"] for item in work["items"]] == [draft["id"]]
    assert [contact["account_id"] for contact in (await receiving.get(contacts))["items"]] == [receiving_id]
    assert (await gateway.post("/v1/sessions", json=leaving.credentials)).status_code == 401
