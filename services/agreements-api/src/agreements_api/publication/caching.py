"""Answers that anybody may keep for a while: validators, how long, and 304 for whoever has the same already."""

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request, Response

from shared.etags import not_modified

# As long as a withdrawn agreement may still be shown by somebody's cache.
BRIEFLY = timedelta(minutes=1)
LONG = timedelta(days=1)


def cached(
    request: Request,
    body: str,
    *,
    modified: datetime | None,
    keep: timedelta,
    media_type: str = "application/json",
    link: str | None = None,
) -> Response:
    """The answer, or 304. The tag is of what is shown, so that it changes with that and with nothing else."""
    content = body.encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={int(keep.total_seconds())}", "Vary": "Origin"}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    if link is not None:
        headers["Link"] = link
    if _has_it(request, tag, modified):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _has_it(request: Request, tag: str, modified: datetime | None) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        # The date counts only where there is no tag (RFC 9110, section 13.2.2): it knows no parts of a second.
        return not_modified(known, tag) is not None
    since = _date(request.headers.get("if-modified-since"))
    return since is not None and modified is not None and modified.replace(microsecond=0) <= since


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
