"""The one template holds for every way to run the gateway, and Envoy agrees."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from lienvung.gateway import GatewayError, GatewaySettings, RateLimit, prepare, validate
from shared import clock
from shared.auth import TokenIssuer
from tests.gateway.running import DOCUMENT

LOCAL = {name: f"unix:/run/{name}.sock" for name in ("agreements_api", "notifier", "reporting")}
PRIVATE_NETWORK = {"agreements_api": "agreements-api:8000", "notifier": "notifier:8000", "reporting": "reporting:8000"}


@pytest.fixture
def required(tmp_path: Path) -> dict[str, Any]:
    issuer = TokenIssuer(tmp_path / "keys")
    issuer.rotate()
    issuer.write_jwks(tmp_path / "jwks.json")
    return {"directory": tmp_path / "gateway", "jwks_path": tmp_path / "jwks.json"}


@pytest.mark.parametrize(
    "changes",
    [
        LOCAL | {"admin": "unix:/run/admin.sock", "access_log": "/dev/null"},
        PRIVATE_NETWORK | {"listen_address": "0.0.0.0", "admin": "127.0.0.1:9901", "trusted_hops": 1},
        PRIVATE_NETWORK | {"otlp_endpoint": "http://collector:4318", "allowed_origins": ["https://a.example"]},
        dict.fromkeys(LOCAL, "[::1]:8000"),
        LOCAL | {"address_limit": RateLimit(quota=10_000_000, window_seconds=1)},
    ],
    ids=["local", "compose", "kubernetes", "ipv6", "unlimited"],
)
def test_envoy_takes_what_the_template_makes(required: dict[str, Any], changes: dict[str, Any]) -> None:
    validate(prepare(GatewaySettings(**(required | changes)), openapi=DOCUMENT))


def test_envoy_takes_a_certificate(required: dict[str, Any], tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    settings = GatewaySettings(**(required | LOCAL), tls_certificate=certificate, tls_key=key)
    validate(prepare(settings, openapi=DOCUMENT))


def test_what_envoy_says_of_a_bad_configuration_is_told(required: dict[str, Any]) -> None:
    settings = GatewaySettings(**(required | LOCAL | {"jwks_path": Path("/nowhere/jwks.json")}))
    with pytest.raises(GatewayError, match=r"/nowhere/jwks\.json"):
        validate(prepare(settings, openapi=DOCUMENT))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("notifier", "notifier"),
        ("notifier", "notifier:port"),
        ("notifier", "notifier:70000"),
        ("notifier", "unix:relative.sock"),
        ("reporting", f"unix:/{'x' * 108}"),
        ("tls_key", "key.pem"),
        ("address_limit", {"quota": 0}),
    ],
)
def test_a_bad_setting_is_named(required: dict[str, Any], field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        GatewaySettings(**(required | LOCAL | {field: value}))
    assert field in str(raised.value) or "certificate" in str(raised.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, required: dict[str, Any]) -> None:
    monkeypatch.setenv("GATEWAY_SUBJECT_LIMIT", '{"quota": 7, "window_seconds": 3}')
    monkeypatch.setenv("GATEWAY_ALLOWED_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("JWKS_PATH", str(required.pop("jwks_path")))
    settings = GatewaySettings(**(required | LOCAL))
    assert settings.subject_limit == RateLimit(quota=7, window_seconds=3)
    assert settings.allowed_origins == ["https://a.example"]


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lienvung.example")])
    now = clock.wall_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain, private = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private
