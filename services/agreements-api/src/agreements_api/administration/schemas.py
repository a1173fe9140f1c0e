"""What the API shows of the history of users, clients and organisations."""

from pydantic import ConfigDict, Field

from agreements_api.administration.models import Action
from agreements_api.history.schemas import DIGEST, PREVIOUS_DIGEST, LogEntryPublic


class AdministrationEntryPublic(LogEntryPublic):
    """One change of a user, a client or an organisation; never altered.

    That a password or a secret changed is told by the field's name, with null on both sides.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entry": 4,
                    "version": 3,
                    "action": "deactivate",
                    "occurred_at": "2026-12-10T04:00:00Z",
                    "actor": {
                        "id": "01990000-0000-7000-8000-00000000000a",
                        "kind": "user",
                        "name": "Quản trị UBND thị xã Đông Triều",
                        "organization_id": "01990000-0000-7000-8000-000000000002",
                    },
                    "changes": [{"field": "active", "from": True, "to": False}],
                    "remark": None,
                    "digest": DIGEST,
                    "previous_digest": PREVIOUS_DIGEST,
                    "reconstructed": False,
                }
            ]
        }
    )

    entry: int = Field(description="Its place among all entries of the record, from 1 on.")
    action: Action
    digest: str = Field(description="SHA-256 of the digest before it and of this entry.")
    previous_digest: str | None = Field(description="The digest of the entry before; null for the first one.")
    reconstructed: bool = Field(
        description="Written when the log began: the record as it was by then, whoever had made it so."
    )
