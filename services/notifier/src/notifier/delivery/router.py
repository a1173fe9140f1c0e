"""HTTP of the link in every mail: stop the mails, or have them again, without signing in."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response

from notifier.delivery import repository, service
from notifier.delivery.mail import render
from notifier.dependencies import LinksDep
from shared.auth import SYSTEM
from shared.dependencies import DatabaseDep

router = APIRouter(prefix="/unsubscribe", tags=["unsubscribe"])

Token = Annotated[str, Query(max_length=500, description="From the link in a mail.")]
_HTML = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_RESUBSCRIBE = "resubscribe"
_WORDS = {
    ("vi", False): (
        "Thư nhắc hạn",
        "Bạn đang nhận thư nhắc hạn nhiệm vụ và hạn ký. Cảnh báo trong hệ thống không phụ thuộc vào thư.",
        "Ngừng nhận thư",
    ),
    ("vi", True): (
        "Đã ngừng gửi thư",
        "Bạn sẽ không nhận thư nhắc hạn nữa. Cảnh báo vẫn có trong hệ thống.",
        "Nhận lại thư",
    ),
    ("en", False): (
        "Deadline mails",
        "You get deadline reminders by mail. Alerts in the system do not depend on it.",
        "Stop these mails",
    ),
    ("en", True): (
        "Mails stopped",
        "You will get no more deadline reminders by mail. Alerts stay in the system.",
        "Get them again",
    ),
}


@router.get("", operation_id="show_unsubscribe", responses=_HTML)  # type: ignore[arg-type]
async def show_unsubscribe(token: Token, database: DatabaseDep, links: LinksDep) -> Response:
    """A page with one button. Opening it changes nothing: mail programs open links by themselves."""
    account_id = links.account(token)
    async with database.read(SYSTEM) as connection:
        return _page(
            await repository.language_of(connection, account_id), await repository.is_out(connection, account_id)
        )


@router.post("", operation_id="unsubscribe", responses=_HTML)  # type: ignore[arg-type]
async def unsubscribe(token: Token, request: Request, database: DatabaseDep, links: LinksDep) -> Response:
    """Stop the mails: the one-click call of mail programs (RFC 8058), or the page's button.

    Takes no Idempotency-Key, because RFC 8058 sends none and a repetition changes nothing.
    """
    account_id = links.account(token)
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    wanted = form.get("action") == [_RESUBSCRIBE]
    async with database.write(SYSTEM) as connection:
        await service.change_subscription(connection, account_id, wanted=wanted)
        language = await repository.language_of(connection, account_id)
    return _page(language, not wanted)


def _page(language: str, is_out: bool) -> Response:
    language = "en" if language == "en" else "vi"
    title, state, button = _WORDS[language, is_out]
    page = render(
        "unsubscribe.html",
        {
            "language": language,
            "words": {"title": title, "state": state, "button": button},
            "action": _RESUBSCRIBE if is_out else "unsubscribe",
        },
    )
    headers = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    }
    return Response(page.encode(), headers=headers, media_type="text/html; charset=utf-8")
