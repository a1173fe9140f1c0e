"""Short-lived signed links: whoever holds one gets one document, for as long as its organisation may see it."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agreements_api.documents import errors
from shared import clock

_SIGNATURE = 24


class Links:
    """Makes and reads the links of one service. They live on the wall's clock, as tokens do."""

    def __init__(self, secret: bytes, *, lifetime: timedelta) -> None:
        # Not the secret itself: it has other uses.
        self._key = hmac.digest(secret, b"document-links", hashlib.sha256)
        self._lifetime = lifetime

    def make(self, document_id: UUID, organization_id: UUID) -> tuple[str, datetime]:
        """The path and query of a link, and when it expires."""
        expires = int((clock.wall_now() + self._lifetime).timestamp())
        signature = self._sign(document_id, organization_id, expires)
        path = f"/v1/documents/{document_id}/content?for={organization_id}&expires={expires}&signature={signature}"
        return path, datetime.fromtimestamp(expires, UTC)

    def check(self, document_id: UUID, organization_id: UUID, expires: int, signature: str) -> None:
        """Raises LinkInvalid for what was not given out here, and LinkExpired for what was, too long ago."""
        expected = self._sign(document_id, organization_id, expires)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise errors.LinkInvalid
        if expires < clock.wall_now().timestamp():
            raise errors.LinkExpired

    def _sign(self, document_id: UUID, organization_id: UUID, expires: int) -> str:
        message = document_id.bytes + organization_id.bytes + str(expires).encode()
        digest = hmac.digest(self._key, message, hashlib.sha256)[:_SIGNATURE]
        return base64.urlsafe_b64encode(digest).decode()
