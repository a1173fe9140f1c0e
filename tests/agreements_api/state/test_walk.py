"""Random walks through the whole API, of which every step is held to what the domain promises."""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase
from hypothesis import seed as seeded
from hypothesis import settings as carried_out
from hypothesis.stateful import run_state_machine_as_test

from agreements_api.config import Settings
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import found
from tests.agreements_api.conftest import Registry
from tests.agreements_api.state.backstage import Backstage
from tests.agreements_api.state.cast import Cast
from tests.agreements_api.state.document_rules import KEPT
from tests.agreements_api.state.machine import Walk
from tests.agreements_api.state.play import Tally
from tests.agreements_api.state.tables import Tables
from tests.agreements_api.state.walking import Stage
from tests.parts import Cluster

# A plain run is always the same one. More walks with LIENVUNG_WALKS=200, another way with LIENVUNG_WALK_SEED=7, or
# with `random`, which prints the seed.
ENOUGH = 17
# So many walks more, as long as something has not been carried out: the rare must not make the run a gamble.
FURTHER = 30
WALKS = int(os.environ.get("LIENVUNG_WALKS", ENOUGH))
SEED = os.environ.get("LIENVUNG_WALK_SEED", "352")
# Shrinking takes minutes; without it the first failing walk is told as it went.
SHRINKS = os.environ.get("LIENVUNG_WALK_SHRINK", "yes") == "yes"
STEPS = 120
LEAST = 2_000
# Everything that the walks have to have carried out, and what the days have to have brought.
_CARRIED_OUT = {
    "agreement": "draft update delete open sign decline recall amend renew suspend resume conclude terminate"
    " publish unpublish",
    "task": "assign update accept submit confirm return refuse complete suspend resume cancel reopen reassign urge"
    " publish unpublish",
    "tasks": "change",
    "progress": "report",
    "report": "correct",
    "extension": "request grant deny withdraw",
    "milestone": "add update remove",
    "dependency": "add remove",
    "recurrence": "set end",
    "task_funding": "replace",
    "task_assignees": "replace",
    "obstacle": "raise update measure carry_out escalate resolve reopen",
    "urging": "answer",
    "explanation": "request give",
    "comment": "add update delete",
    "meeting": "plan update hold cancel outcome minutes",
    "outcome": "assign",
    "meeting_promise": "record",
    "corridor": "create",
    "segment": "add update hand_over withdraw",
    "boundary_case": "open update confirm take_back close",
    "open_point": "raise carry resolve",
    "document": "add remove",
    "evidence": "add",
    "import": "send commit cancel",
    "succession": "record decide",
    "successions": "apply",
}
ACTIONS = [
    *(f"{verb}_{noun}" for noun, verbs in _CARRIED_OUT.items() for verb in verbs.split()),
    *(f"day: {what}" for what in ("lapse", "complete", "expire_signing", "assign", "escalate")),
    KEPT,
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(
    registry: Registry,
    http: httpx.AsyncClient,
    agreements_database: DatabaseAddress,
    cluster: Cluster,
    settings: Settings,
) -> AsyncIterator[Stage]:
    world = await found(registry, http, agreements_database)
    tables = await Tables.open(cluster, agreements_database)
    backstage = Backstage(settings, registry.database)
    yield Stage(asyncio.get_running_loop(), await Cast.gather(world), tables, Tally(), backstage)
    await tables.connection.close()


@pytest.mark.timeout(3600)
async def test_whatever_anybody_does_the_domain_holds(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """At least two thousand steps, and every action is carried out at least once."""
    # A failing walk tells of itself in words; ten thousand lines of requests and imports would hide them.
    for name in ("httpx", "agreements_api"):
        caplog.set_level(logging.ERROR, logger=name)
    await asyncio.to_thread(walk, stage)
    print(stage.tally.table())  # noqa: T201
    assert stage.tally.steps >= min(LEAST, WALKS * STEPS // 2)
    assert WALKS < ENOUGH or missing(stage) == []
    print(f"never carried out: {[action for action in ACTIONS if not stage.tally.done[action]]}")  # noqa: T201


def missing(stage: Stage) -> list[str]:
    """What no walk has carried out yet, and one of so many should have."""
    return [action for action in ACTIONS if not stage.tally.done[action]]


def walk(stage: Stage) -> None:
    """Walks in a thread of its own: hypothesis is not asynchronous, and the product stays on its loop."""

    def begin() -> Walk:
        return Walk(stage)

    first = random.SystemRandom().randrange(2**32) if SEED == "random" else int(SEED)
    print(f"LIENVUNG_WALK_SEED={first} LIENVUNG_WALKS={WALKS}")  # noqa: T201
    for number in range(first, first + WALKS + FURTHER):
        if number >= first + WALKS and (WALKS < ENOUGH or not missing(stage)):
            break
        # The same throughout a walk, also while it is made shorter.
        stage.wanted = frozenset(missing(stage))
        # One at a time: within one run, hypothesis makes of each walk five more that repeat parts of it. The first of
        # the two examples is always the walk that rests at every turn.
        run_state_machine_as_test(
            # Any factory will do; the annotation knows of classes only.
            cast("type[Walk]", seeded(number)(begin)),
            settings=carried_out(
                max_examples=2,
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                phases=[Phase.generate, *([Phase.shrink] if SHRINKS else [])],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
