"""Strong entity tags: of a record's version, of a version as it is shown, or of an answer that has no version."""

import hashlib
import re

from fastapi import Response

from shared.problems import PreconditionFailed, PreconditionRequired


def etag(version: int, variant: str | None = None) -> str:
    """The tag of a version; `variant` tells apart what is shown of it where that changes without a new version."""
    return f'"v{version}"' if variant is None else f'"v{version}.{variant}"'


def shown_etag(version: int, body: str) -> str:
    """The tag of a version as it is shown, where what is shown beside the record itself changes without a version.

    What the caller may do comes and goes with other records, and names of others are told as they are today: whoever
    holds the answer from before must not be told 304. Variants are told apart by letters.
    """
    content = "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(body.encode()).digest()[:16])
    return etag(version, content)


def content_etag(body: str) -> str:
    """The tag of an answer that is no version of a record."""
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def check_if_match(if_match: str | None, version: int) -> None:
    """428 without a tag, 412 with another version's tag."""
    if if_match is None:
        raise PreconditionRequired(
            {"vi": "Gửi If-Match với ETag đã đọc.", "en": "Send If-Match with the ETag that you read."}
        )
    if if_match.strip() != "*" and etag(version) not in map(_without_variant, _tags(if_match)):
        raise PreconditionFailed(
            {"vi": "Đọc lại bản mới nhất rồi thử lại.", "en": "Read the latest version and try again."},
            headers={"ETag": etag(version)},
        )


def not_modified(if_none_match: str | None, tag: str) -> Response | None:
    """304 where the caller has this version; compared weakly, as RFC 9110 asks of If-None-Match."""
    if if_none_match is None:
        return None
    if if_none_match.strip() == "*" or tag in (known.removeprefix("W/") for known in _tags(if_none_match)):
        return Response(status_code=304, headers={"ETag": tag})
    return None


def unless_held(if_none_match: str | None, answer: Response) -> Response:
    """The answer, or 304 where the caller has what it shows."""
    return not_modified(if_none_match, answer.headers["etag"]) or answer


def _without_variant(tag: str) -> str:
    # A change is decided on the version alone, whichever variant of it was read.
    return re.sub(r'\.[a-z_]+"$', '"', tag)


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]
