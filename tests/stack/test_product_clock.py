"""The product's clock moves in every database at once, in development only."""

from datetime import timedelta

import asyncpg
import pytest
from typer.testing import CliRunner

from lienvung import product_clock
from lienvung.cli import app
from lienvung.postgres import DatabaseAddress
from lienvung.product_clock import ClockRefused, parse_duration


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3d", timedelta(days=3)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("90m", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_read_as_it_is_written(text: str, meant: timedelta) -> None:
    assert parse_duration(text) == meant


@pytest.mark.parametrize("text", ["", "3", "d", "-3d", "3 d", "3y", "3dx", "999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ClockRefused):
        parse_duration(text)


async def test_a_jump_moves_every_database_to_the_same_time(
    agreements_database: DatabaseAddress, reporting_database: DatabaseAddress
) -> None:
    urls = [agreements_database.owner_url, reporting_database.owner_url]
    await product_clock.jump(urls[:1], timedelta(days=1))
    assert await product_clock.jump(urls, timedelta(days=3)) == timedelta(days=4)
    assert await product_clock.read(urls) == [timedelta(days=4)] * 2
    app_role = await asyncpg.connect(reporting_database.url)
    ahead = await app_role.fetchval("select lienvung_now() - clock_timestamp()")
    await app_role.close()
    assert timedelta(days=3, hours=23) < ahead < timedelta(days=4, seconds=1)
    await product_clock.reset(urls)
    assert await product_clock.read(urls) == [timedelta()] * 2


@pytest.mark.parametrize("command", [["clock", "jump", "3d"], ["clock", "reset"]])
def test_the_clock_does_not_move_in_production(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENVUNG_ENVIRONMENT", "production")
    outcome = CliRunner().invoke(app, command)
    assert outcome.exit_code == 1
    assert "LIENVUNG_ENVIRONMENT=production" in outcome.output
