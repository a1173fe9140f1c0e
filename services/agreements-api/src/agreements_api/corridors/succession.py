"""Segments go with the place of their owner: when its unit ends, and when somebody decides who follows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.corridors import repository
from agreements_api.corridors.models import Segment
from agreements_api.corridors.repository import Passed
from agreements_api.corridors.telling import tell_segment
from shared import clock
from shared.auth import SYSTEM, Actor

Connection: TypeAlias = "asyncpg.Connection[Any]"

_SUCCEED, _DECIDE = "succeed_segment", "decide_succession"


@dataclass(frozen=True)
class Inherited:
    """A segment whose owner has it from others whose places it took."""

    segment: Segment
    # What its corridor belongs to.
    task_id: UUID | None
    # Those others, back to whoever was given it in another way.
    inherited_from: frozenset[UUID]


async def succeed(
    connection: Connection, takes: Mapping[UUID, Mapping[UUID, UUID]], members: Mapping[UUID, Sequence[UUID]]
) -> None:
    """Whoever takes the places of owners whose units ended owns their segments from now on.

    `takes` says by agreement who takes whose place (old to new), and `members` who sees the agreement afterwards.
    """
    owners = {old for each in takes.values() for old in each}
    for before in await repository.lock_owned(connection, list(takes), list(owners)):
        heir = takes[before.agreement_id].get(before.organization_id)
        if heir is not None:
            await _pass_on(connection, SYSTEM, before, heir, members[before.agreement_id], _SUCCEED)


async def inherited(connection: Connection, agreement_id: UUID, owners: Collection[UUID]) -> list[Inherited]:
    """What these own on corridors of the agreement because they took somebody's place; held, with the corridors."""
    segments = await repository.lock_owned(connection, [agreement_id], list(owners))
    passed = await repository.passed(connection, [segment.id for segment in segments])
    tasks = await repository.tasks_of(connection, [segment.corridor_id for segment in segments])
    found = [
        Inherited(segment, tasks[segment.corridor_id], inherited_from(passed.get(segment.id, ())))
        for segment in segments
    ]
    return [one for one in found if one.inherited_from]


def inherited_from(passed: Sequence[Passed]) -> frozenset[UUID]:
    """Whose places were taken, one after the other, until the present owner had it; `passed` is in order. Pure."""
    latest = takewhile(lambda one: one.action in (_SUCCEED, _DECIDE), reversed(passed))
    return frozenset(one.owner for one in latest if one.owner is not None)


async def give(
    connection: Connection, actor: Actor, segment: Segment, heir: UUID, members: Sequence[UUID], reason: str | None
) -> None:
    """Somebody decided that another one takes the place in which the present owner came to the segment."""
    await _pass_on(connection, actor, segment, heir, members, _DECIDE, reason)


async def _pass_on(
    connection: Connection,
    actor: Actor,
    before: Segment,
    heir: UUID,
    members: Sequence[UUID],
    action: str,
    remark: str | None = None,
) -> None:
    changed = {"organization_id": heir, "version": before.version + 1, "updated_at": clock.now()}
    after = before.model_copy(update=changed)
    await repository.write_segment(connection, after)
    await tell_segment(connection, actor, before, after, members, action, remark)
