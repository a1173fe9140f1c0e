"""What this service's routes take beside what all services take."""

from typing import Annotated

from fastapi import Depends, Request

from agreements_api.accounts.passwords import Attempts, Passwords
from agreements_api.config import Settings
from shared.auth import TokenIssuer


async def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def get_issuer(request: Request) -> TokenIssuer:
    issuer: TokenIssuer = request.app.state.issuer
    return issuer


async def get_passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


async def get_attempts(request: Request) -> Attempts:
    attempts: Attempts = request.app.state.attempts
    return attempts


SettingsDep = Annotated[Settings, Depends(get_settings)]
IssuerDep = Annotated[TokenIssuer, Depends(get_issuer)]
PasswordsDep = Annotated[Passwords, Depends(get_passwords)]
AttemptsDep = Annotated[Attempts, Depends(get_attempts)]
