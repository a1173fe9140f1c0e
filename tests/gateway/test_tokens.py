"""Which calls need a token, and which tokens the gateway believes."""

import asyncio
import hmac
import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lienvung.routes import RESOURCES, needs_token
from tests.gateway.answers import eventually, problem, received
from tests.gateway.conftest import Backstage, Start


def _offered(backstage: Backstage, kind: str) -> str:
    """A token that must not be believed."""
    token = backstage.token()
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    key = backstage.issuer.jwks()["keys"][0]

    def signed(signer: Any, algorithm: str | None, **changes: Any) -> str:
        return jwt.encode(claims | changes, signer, algorithm=algorithm, headers={"kid": kid})

    match kind:
        case "none":
            return signed(None, "none")
        case "forged":
            return signed(ec.generate_private_key(ec.SECP256R1()), "ES256", roles=["operator"])
        case "public key as a secret":
            # By hand, for a JWT library refuses to make such a thing.
            head = _encoded({"alg": "HS256", "typ": "JWT", "kid": kid})
            content = f"{head}.{_encoded(claims)}"
            digest = hmac.digest(json.dumps(key).encode(), content.encode(), "sha256")
            return f"{content}.{jwt.utils.base64url_encode(digest).decode()}"
        case "expired":
            return backstage.token(ttl=timedelta(seconds=-30))
        case "altered":
            head, _, signature = token.split(".")
            return f"{head}.{_encoded(claims | {'roles': ['operator']})}.{signature}"
        case _:
            return kind


def _encoded(document: dict[str, Any]) -> str:
    return jwt.utils.base64url_encode(json.dumps(document).encode()).decode()


@pytest.mark.parametrize(
    "kind", ["none", "forged", "public key as a secret", "expired", "altered", "a.b.c", "x", "....."]
)
async def test_a_token_that_is_not_ours_opens_nothing(
    gateway: httpx.AsyncClient, backstage: Backstage, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {_offered(backstage, kind)}"}
    for path in ("/v1/tasks", "/v1/alerts", "/v1/indicators"):
        answer = await gateway.get(path, headers=headers)
        assert problem(answer, 401)["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == 'Bearer realm="lienvung"'


@pytest.mark.parametrize(("claim", "value"), [("aud", "another-api"), ("iss", "another-issuer"), ("exp", None)])
async def test_a_token_for_somebody_else_opens_nothing(
    gateway: httpx.AsyncClient, backstage: Backstage, claim: str, value: str | None
) -> None:
    token = backstage.token()
    claims = jwt.decode(token, options={"verify_signature": False}) | {claim: value}
    if value is None:
        del claims[claim]
    kid = jwt.get_unverified_header(token)["kid"]
    key = (backstage.directory / "keys" / f"{kid}.pem").read_bytes()
    signed = jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})
    problem(await gateway.get("/v1/tasks", headers={"Authorization": f"Bearer {signed}"}), 401)


@pytest.mark.parametrize("segment", [segment for segments in RESOURCES.values() for segment in segments])
async def test_everything_under_v1_needs_a_token_unless_it_is_listed(gateway: httpx.AsyncClient, segment: str) -> None:
    for path in (f"/v1/{segment}", f"/v1/{segment}/x"):
        answer = await gateway.get(path)
        if needs_token("GET", path):
            problem(answer, 401)
        else:
            assert answer.status_code == 200


async def test_a_token_counts_only_in_its_header(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    token = backstage.token()
    problem(await gateway.get("/v1/tasks", params={"access_token": token}), 401)
    problem(await gateway.get("/v1/tasks", headers={"Cookie": f"access_token={token}"}), 401)
    problem(await gateway.get("/v1/tasks", headers={"Authorization": f"Basic {token}"}), 401)


async def test_the_service_gets_the_token_to_check_it_again(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    headers = backstage.bearer()
    assert received(await gateway.get("/v1/tasks", headers=headers))["authorization"] == [headers["Authorization"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/sessions"),
        ("POST", "/v1/oauth/token"),
        ("POST", "/v1/invitations/accept"),
        ("GET", "/v1/.well-known/jwks.json"),
        ("GET", "/v1/public/agreements"),
        ("GET", "/v1/public/agreements/0199/tasks"),
        ("GET", "/v1/public/localities.geojson"),
        ("GET", "/v1/unsubscribe"),
        ("POST", "/v1/unsubscribe/abc"),
    ],
)
async def test_what_comes_before_a_token_needs_none(gateway: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await gateway.request(method, path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/sessions"), ("DELETE", "/v1/sessions/current"), ("POST", "/v1/oauth/tokens"), ("GET", "/v1/publics")],
)
async def test_what_only_looks_like_it_needs_one(gateway: httpx.AsyncClient, method: str, path: str) -> None:
    problem(await gateway.request(method, path), 401)


@pytest.mark.parametrize("kind", ["forged", "expired", "a.b.c"])
async def test_what_is_public_asks_for_no_token_and_looks_at_none(
    gateway: httpx.AsyncClient, backstage: Backstage, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {_offered(backstage, kind)}", "If-None-Match": '"1"'}
    assert received(await gateway.get("/v1/public/agreements", headers=headers))["if-none-match"] == ['"1"']


async def test_a_new_key_is_learned_and_kept_while_the_service_is_away(start: Start, backstage: Backstage) -> None:
    agreements = backstage.upstreams["agreements-api"]
    async with start(jwks_refresh_seconds=1) as gateway:
        # Not written to the file: only the service tells of it.
        backstage.issuer.rotate(keep=10)
        headers = backstage.bearer()

        async def believed() -> bool:
            return (await gateway.get("/v1/alerts", headers=headers)).status_code == 200

        await eventually(believed)
        await agreements.stop()
        try:
            await asyncio.sleep(2.5)
            # Another token: the first one may be remembered as it is.
            assert (await gateway.get("/v1/alerts", headers=backstage.bearer())).status_code == 200
        finally:
            await agreements.start()


async def test_a_start_while_the_service_is_away_believes_the_file(start: Start, backstage: Backstage) -> None:
    agreements = backstage.upstreams["agreements-api"]
    backstage.issuer.write_jwks(backstage.directory / "jwks.json")
    await agreements.stop()
    try:
        async with start() as gateway:
            assert (await gateway.get("/v1/alerts", headers=backstage.bearer())).status_code == 200
            problem(await gateway.get("/v1/alerts", headers={"Authorization": "Bearer a.b.c"}), 401)
    finally:
        await agreements.start()
