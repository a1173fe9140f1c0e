"""Tokens and secrets: made at random, and kept as digests only."""

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest_of(value: str) -> bytes:
    # Tokens and secrets are random and long: a plain digest cannot be guessed back, and is found by an index.
    return hashlib.sha256(value.encode()).digest()
