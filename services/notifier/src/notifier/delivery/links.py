"""The signed link by which a person stops the mails, without signing in."""

from uuid import UUID

from notifier.delivery.errors import UnknownToken
from shared.pagination import Cursors
from shared.problems import InvalidCursor

_SCOPE = "unsubscribe"


class UnsubscribeLinks:
    """Makes and reads the tokens. They do not expire: an old mail must be as good to unsubscribe by as a new one."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._signed = Cursors(secret)
        self._base = f"{public_url.rstrip('/')}/v1/unsubscribe"

    def url(self, account_id: UUID) -> str:
        return f"{self._base}?token={self._signed.encode(_SCOPE, [account_id])}"

    def account(self, token: str) -> UUID:
        """The account of a token, or UnknownToken."""
        try:
            return UUID(self._signed.decode(_SCOPE, token)[0])
        except InvalidCursor as error:
            raise UnknownToken from error
