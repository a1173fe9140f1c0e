"""All SQL of who sees an agreement, and through what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Member
from agreements_api.policy import Relation

# The body above, the one above that, and so on: each of them watches over what those below it promise.
_SUPERIORS = text("""
    with recursive chain (id) as (
        select superior_organization_id from organization where id = any(:ids)
        union
        select o.superior_organization_id from chain join organization o on o.id = chain.id
    )
    select id from chain where id is not null
""")
_NAMED = "unnest(cast(:organizations as uuid[]), cast(:relations as text[])) as n(organization_id, relation)"
_ADD = text(
    "insert into agreement_member (agreement_id, organization_id, source_id, relation)"  # noqa: S608
    f" select :agreement_id, n.organization_id, :source_id, n.relation from {_NAMED} on conflict do nothing"
)
_DROP_OTHERS = text(
    "delete from agreement_member m where m.agreement_id = :agreement_id and m.source_id = :agreement_id"  # noqa: S608
    f" and not exists (select from {_NAMED} where n.organization_id = m.organization_id and n.relation = m.relation)"
)


async def members_of(session: AsyncSession, agreement_id: UUID) -> list[UUID]:
    """Every organisation that may see the agreement."""
    statement = select(Member.organization_id).where(Member.agreement_id == agreement_id).distinct()
    return sorted((await session.exec(statement)).all())


async def organizations_of(session: AsyncSession, agreement_id: UUID, relation: Relation) -> list[UUID]:
    """Who stands in this relation to the agreement itself."""
    statement = select(Member.organization_id).where(
        Member.agreement_id == agreement_id, Member.source_id == agreement_id, Member.relation == relation
    )
    return sorted((await session.exec(statement)).all())


async def superiors_of(session: AsyncSession, organization_ids: Sequence[UUID]) -> list[UUID]:
    rows = await (await session.connection()).execute(_SUPERIORS, {"ids": list(organization_ids)})
    return [row.id for row in rows]


async def replace_members(session: AsyncSession, agreement_id: UUID, relations: set[tuple[UUID, Relation]]) -> None:
    """The agreement's own relations are exactly these; those through its tasks stay."""
    # First who comes, then who goes: an organisation that lost access in between could not let anybody in.
    await add_members(session, agreement_id, agreement_id, relations)
    await (await session.connection()).execute(_DROP_OTHERS, {"agreement_id": agreement_id} | _named(relations))


async def add_members(
    session: AsyncSession, agreement_id: UUID, source_id: UUID, relations: set[tuple[UUID, Relation]]
) -> None:
    """Let organisations see the agreement through `source_id`; what they are already, they stay."""
    given = {"agreement_id": agreement_id, "source_id": source_id} | _named(relations)
    await (await session.connection()).execute(_ADD, given)


async def drop_members(session: AsyncSession, agreement_id: UUID, source_id: UUID) -> None:
    """Whoever saw the agreement through `source_id` alone no longer sees it."""
    await (await session.connection()).execute(
        text("delete from agreement_member where agreement_id = :agreement_id and source_id = :source_id"),
        {"agreement_id": agreement_id, "source_id": source_id},
    )


async def show_to_members_of(session: AsyncSession, agreement_id: UUID, other_id: UUID) -> None:
    """Whoever sees the other agreement sees this one too, and may do nothing with it."""
    await (await session.connection()).execute(
        text(
            "insert into agreement_member (agreement_id, organization_id, source_id, relation)"
            " select distinct cast(:agreement_id as uuid), organization_id, cast(:other_id as uuid), relation"
            " from agreement_member where agreement_id = :other_id on conflict do nothing"
        ),
        {"agreement_id": agreement_id, "other_id": other_id},
    )


def _named(relations: set[tuple[UUID, Relation]]) -> dict[str, Any]:
    rows = sorted(relations)
    return {
        "organizations": [organization for organization, _ in rows],
        "relations": [relation.value for _, relation in rows],
    }
