"""Access tokens: what is believed, and what is not."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared import clock
from shared.auth import AUDIENCE, ISSUER, Actor, InvalidToken, TokenIssuer, TokenVerifier

ACTOR = Actor(
    id=uuid4(), kind="user", name="Nguyễn Văn A", organization_id=uuid4(), roles=frozenset({"leader"}), unit_id=uuid4()
)
SHORT = timedelta(minutes=5)


class Keys:
    def __init__(self, folder: Path) -> None:
        self.jwks = folder / "jwks.json"
        self.issuer = TokenIssuer(folder / "keys", settle=timedelta(0))
        self.rotate()
        self.verifier = TokenVerifier(self.jwks)

    def rotate(self) -> None:
        self.issuer.rotate()
        self.issuer.write_jwks(self.jwks)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def test_a_token_stands_for_the_actor_it_was_issued_to(keys: Keys) -> None:
    assert keys.verifier.verify(keys.issuer.issue(ACTOR, SHORT)) == ACTOR


def test_a_token_of_the_key_before_stays_good_through_a_rotation_and_not_through_two(keys: Keys) -> None:
    token = keys.issuer.issue(ACTOR, SHORT)
    keys.rotate()
    assert TokenVerifier(keys.jwks).verify(token) == ACTOR
    keys.rotate()
    with pytest.raises(InvalidToken):
        TokenVerifier(keys.jwks).verify(token)


def test_a_running_verifier_takes_a_new_key_as_it_comes(keys: Keys) -> None:
    keys.verifier.verify(keys.issuer.issue(ACTOR, SHORT))
    keys.rotate()
    assert keys.verifier.verify(keys.issuer.issue(ACTOR, SHORT)) == ACTOR


def test_a_new_key_signs_only_after_everybody_had_time_to_learn_it(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path / "keys")
    now = clock.wall_now()
    first = issuer.rotate(now=now - timedelta(hours=1))
    second = issuer.rotate(now=now)
    assert [key["kid"] for key in issuer.jwks()["keys"]] == [first, second]
    assert jwt.get_unverified_header(issuer.issue(ACTOR, SHORT))["kid"] == first
    settled = TokenIssuer(tmp_path / "keys", settle=timedelta(0))
    assert jwt.get_unverified_header(settled.issue(ACTOR, SHORT))["kid"] == second


def test_the_only_key_signs_at_once(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path / "keys")
    kid = issuer.rotate()
    assert jwt.get_unverified_header(issuer.issue(ACTOR, SHORT))["kid"] == kid


def test_an_expired_token_is_refused_as_such(keys: Keys) -> None:
    with pytest.raises(InvalidToken) as caught:
        keys.verifier.verify(keys.issuer.issue(ACTOR, timedelta(seconds=-1)))
    assert caught.value.expired


def test_what_was_believed_is_not_believed_after_it_expired(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    token = keys.issuer.issue(ACTOR, SHORT)
    keys.verifier.verify(token)
    real = clock.wall_now
    monkeypatch.setattr(clock, "wall_now", lambda: real() + timedelta(minutes=6))
    # The cache must not answer any more; PyJWT still lives on the real clock and would.
    keys.verifier._keys.clear()
    keys.jwks.unlink()
    with pytest.raises(InvalidToken):
        keys.verifier.verify(token)


def claims(**changes: Any) -> dict[str, Any]:
    valid = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid4()), "iat": 1, "exp": 4102444800, "kind": "user"}
    return {name: value for name, value in (valid | changes).items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"kind": "system"},
        {"kind": None},
        {"exp": None},
        {"sub": "nobody"},
        {"org": "nowhere"},
    ],
)
def test_claims_that_are_not_ours_are_refused_though_signed_by_us(keys: Keys, changes: dict[str, Any]) -> None:
    kid, key = keys.issuer._keys[-1] if keys.issuer._keys else _load(keys)
    token = jwt.encode(claims(**changes), key, algorithm="ES256", headers={"kid": kid})
    with pytest.raises(InvalidToken):
        keys.verifier.verify(token)


def _load(keys: Keys) -> tuple[str, ec.EllipticCurvePrivateKey]:
    keys.issuer.jwks()
    return keys.issuer._keys[-1]


def test_other_algorithms_and_other_keys_are_refused(keys: Keys) -> None:
    kid, key = _load(keys)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    stranger = ec.generate_private_key(ec.SECP256R1())
    for token in (
        jwt.encode(claims(), "", algorithm="none", headers={"kid": kid}),
        # The classic confusion: the public key taken for a shared secret.
        jwt.PyJWS().encode(b"{}", public.replace(b"-----", b""), algorithm="HS256", headers={"kid": kid}),
        jwt.encode(claims(), stranger, algorithm="ES256", headers={"kid": kid}),
        jwt.encode(claims(), stranger, algorithm="ES256", headers={"kid": "unknown"}),
        jwt.encode(claims(), key, algorithm="ES256"),
        "a.b.c",
        "",
    ):
        with pytest.raises(InvalidToken):
            keys.verifier.verify(token)
