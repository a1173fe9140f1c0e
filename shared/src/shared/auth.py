"""Who acts: access tokens (ES256, keys known by `kid`) and the actor they stand for."""

import hashlib
import json
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared import clock
from shared.ids import new_id

ISSUER = "lienvung"
AUDIENCE = "lienvung-api"
ALGORITHM = "ES256"
CACHE_SIZE = 10_000
# A key is named by the moment at which it was made, so that names sort by age.
KID_FORMAT = "%Y%m%dT%H%M%S%f"

Kind = Literal["user", "client", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of everything: a person, a district system, or the product itself."""

    id: UUID
    kind: Kind
    name: str
    organization_id: UUID | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    unit_id: UUID | None = None
    session_id: UUID | None = None


SYSTEM = Actor(id=UUID(int=0), kind="system", name="Liên Vùng")


class InvalidToken(Exception):
    """The token cannot be believed; `reason` is for logs, not for the caller."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired


class TokenVerifier:
    """Checks signatures against a JWKS file and remembers what it believed until that expires."""

    def __init__(self, jwks_path: Path, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        self._path = jwks_path
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, Any] = {}
        self._read_at: float | None = None
        self._believed: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    def verify(self, token: str) -> Actor:
        """The actor of a token, or InvalidToken."""
        digest = hashlib.sha256(token.encode()).digest()
        now = clock.wall_now().timestamp()
        known = self._believed.get(digest)
        if known is not None and known[1] > now:
            return known[0]
        actor, expires = self._check(token)
        self._believed[digest] = (actor, expires)
        if len(self._believed) > CACHE_SIZE:
            self._believed.popitem(last=False)
        return actor

    def _check(self, token: str) -> tuple[Actor, float]:
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(
                token,
                self._key(header.get("kid")),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iat", "sub", "iss", "aud", "kind"]},
            )
            return _actor(claims), float(claims["exp"])
        except jwt.ExpiredSignatureError as error:
            raise InvalidToken("expired", expired=True) from error
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise InvalidToken(f"{type(error).__name__}: {error}") from error

    def _key(self, kid: object) -> Any:
        if not isinstance(kid, str):
            raise InvalidToken("no key id")
        if kid not in self._keys:
            self._read_keys()
        try:
            return self._keys[kid]
        except KeyError as error:
            raise InvalidToken("unknown key id") from error

    def _read_keys(self) -> None:
        """Read the file again, but only when it changed: unknown key ids are free to send."""
        try:
            changed = self._path.stat().st_mtime
            if changed == self._read_at:
                return
            document = json.loads(self._path.read_text())
        except (OSError, ValueError) as error:
            raise InvalidToken(f"no keys to check with: {error}") from error
        self._keys = {key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM).key for key in document["keys"]}
        self._read_at = changed


class TokenIssuer:
    """Signs access tokens; the newest key that has settled signs, all of the directory verify.

    A key settles `settle` after it was made: by then everybody who checks signatures has fetched its public half, and
    no token of a rotation is refused.
    """

    def __init__(self, keys_dir: Path, *, settle: timedelta = timedelta(seconds=20)) -> None:
        self._dir = keys_dir
        self._settle = settle
        self._keys: list[tuple[str, ec.EllipticCurvePrivateKey]] = []
        self._listed: tuple[str, ...] = ()

    def issue(self, actor: Actor, ttl: timedelta) -> str:
        """A signed token that stands for the actor; it lives on the wall clock."""
        self._load()
        issued = clock.wall_now()
        newest_settled = f"{issued - self._settle:{KID_FORMAT}}"
        kid, key = next((known for known in reversed(self._keys) if known[0] <= newest_settled), self._keys[0])
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(actor.id),
            "jti": str(new_id()),
            "iat": int(issued.timestamp()),
            "exp": int((issued + ttl).timestamp()),
            "kind": actor.kind,
            "name": actor.name,
            "org": str(actor.organization_id) if actor.organization_id else None,
            "unit": str(actor.unit_id) if actor.unit_id else None,
            "roles": sorted(actor.roles),
            "scope": " ".join(sorted(actor.scopes)),
            "sid": str(actor.session_id) if actor.session_id else None,
        }
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys, the newest last."""
        self._load()
        return {"keys": [_public_jwk(kid, key) for kid, key in self._keys]}

    def rotate(self, *, keep: int = 2, now: datetime | None = None) -> str:
        """Make a new signing key and keep the last ones, so that tokens under way stay good. Returns its `kid`."""
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        kid = f"{(now or clock.wall_now()):{KID_FORMAT}}"
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._dir / f"{kid}.pem"
        partial = path.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        partial.rename(path)
        for old in sorted(self._dir.glob("*.pem"))[:-keep]:
            old.unlink()
        return kid

    def write_jwks(self, path: Path) -> None:
        """Publish the public keys as a file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(self.jwks()))
        partial.rename(path)

    def _load(self) -> None:
        paths = sorted(self._dir.glob("*.pem"))
        listed = tuple(path.name for path in paths)
        if listed == self._listed and self._keys:
            return
        keys: list[tuple[str, ec.EllipticCurvePrivateKey]] = []
        for path in paths:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{path.name} is no key of an elliptic curve")
            keys.append((path.stem, key))
        if not keys:
            raise FileNotFoundError("there is no signing key: run `agreements-api keys rotate`")
        self._keys, self._listed = keys, listed


def _actor(claims: dict[str, Any]) -> Actor:
    kind = claims["kind"]
    # A token that claims to be the product itself is a forgery, whoever signed it.
    if kind not in ("user", "client"):
        raise ValueError("unknown kind of actor")
    return Actor(
        id=UUID(claims["sub"]),
        kind=kind,
        name=str(claims.get("name") or ""),
        organization_id=UUID(claims["org"]) if claims.get("org") else None,
        roles=frozenset(claims.get("roles") or ()),
        scopes=frozenset(str(claims.get("scope") or "").split()),
        unit_id=UUID(claims["unit"]) if claims.get("unit") else None,
        session_id=UUID(claims["sid"]) if claims.get("sid") else None,
    )


def _public_jwk(kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    jwk: dict[str, str] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM}
