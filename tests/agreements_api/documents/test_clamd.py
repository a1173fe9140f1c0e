"""The client of the virus scanner, against a server that speaks its protocol and one that does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agreements_api.documents.clamd import Clamd, ScanFailed, Verdict
from tests.agreements_api.documents.clamav import EICAR, Mood, Scanner, listening

PATIENCE = 5.0


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_a_harmless_content_is_sent_whole_and_found_clean() -> None:
    async with listening(Scanner()) as scanner:
        assert await Clamd(scanner.address, PATIENCE).scan(pieces(b"a" * 100_000, b"b")) == Verdict()
        assert scanner.seen == [b"a" * 100_000 + b"b"]


async def test_the_test_virus_is_found_and_named() -> None:
    async with listening(Scanner()) as scanner:
        verdict = await Clamd(scanner.address, PATIENCE).scan(pieces(EICAR[:10], EICAR[10:]))
    assert verdict == Verdict("Eicar-Test-Signature")


async def test_a_daemon_on_a_unix_socket_is_asked_in_the_same_way(tmp_path: Path) -> None:
    scanner = Scanner()
    scanner.go_on.set()
    server = await asyncio.start_unix_server(scanner.answer, tmp_path / "clamd.ctl")
    async with server:
        assert await Clamd(f"unix:{tmp_path}/clamd.ctl", PATIENCE).scan(pieces(b"x")) == Verdict()


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.SILENT, "timeout"),
        (Mood.HANGS_UP, "disconnected"),
        (Mood.HANGS_UP_AT_ONCE, "disconnected"),
        (Mood.REFUSES, "refused"),
        (Mood.BABBLES, "not_understood"),
    ],
)
async def test_whatever_is_no_verdict_is_a_failed_scan(mood: Mood, reason: str) -> None:
    async with listening(Scanner(mood=mood)) as scanner:
        patience = 0.3 if mood is Mood.SILENT else PATIENCE
        with pytest.raises(ScanFailed) as raised:
            await Clamd(scanner.address, patience).scan(pieces(b"x"))
    assert raised.value.reason == reason


async def test_a_daemon_that_has_had_enough_is_heard_before_everything_was_sent() -> None:
    async with listening(Scanner(largest=1000)) as scanner:
        with pytest.raises(ScanFailed) as raised:
            await Clamd(scanner.address, PATIENCE).scan(pieces(*[b"x" * 600] * 3))
    assert raised.value.reason in ("size_limit", "disconnected")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:/nowhere/clamd.ctl", "nonsense"])
async def test_nobody_there_is_a_failed_scan(address: str) -> None:
    with pytest.raises(ScanFailed) as raised:
        await Clamd(address, PATIENCE).scan(pieces(b"x"))
    assert raised.value.reason == "unreachable"
