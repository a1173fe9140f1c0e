"""Answers that are an account: as its caller sees it, with what he may do."""

from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.models import Account
from agreements_api.accounts.permissions import relations, relations_to
from agreements_api.accounts.schemas import MePublic, OrganizationOfMe, UserPublic
from agreements_api.policy import allowed
from shared.auth import Actor


def user_public(actor: Actor, account: Account) -> UserPublic:
    held = relations_to(actor, account)
    actions = [step for step in ("update", "invite") if allowed(actor, f"user.{step}", held)]
    return UserPublic.model_validate(_shown(account) | {"allowed_actions": actions})


async def me_public(session: AsyncSession, actor: Actor, account: Account) -> MePublic:
    organization = (
        await repository.organization_of(session, account.organization_id) if account.organization_id else None
    )
    actions = ["update"] if allowed(actor, "me.update", relations(actor, account_id=account.id)) else []
    return MePublic.model_validate(
        {
            **_shown(account),
            "allowed_actions": actions,
            "organization": OrganizationOfMe.model_validate(organization) if organization else None,
        }
    )


def _shown(account: Account) -> dict[str, Any]:
    shown = account.model_dump(exclude={"password_hash", "invitation_digest", "invitation_expires_at"})
    return shown | {"invited_until": account.invitation_expires_at}
