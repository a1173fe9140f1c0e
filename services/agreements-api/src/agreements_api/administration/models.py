"""The log of what was done to users, clients and organisations, and what can be done to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class SubjectKind(StrEnum):
    USER = "user"
    CLIENT = "client"
    ORGANIZATION = "organization"


class Action(StrEnum):
    """What an entry tells of; `begin_history` is what was there before anything was written down."""

    BEGIN_HISTORY = "begin_history"
    CREATE = "create"
    UPDATE = "update"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    INVITE = "invite"
    ACCEPT_INVITATION = "accept_invitation"
    HAND_OVER = "hand_over"
    ROTATE_SECRET = "rotate_secret"  # noqa: S105 - the name of a step
    CHANGE_PEOPLE = "change_people"
    ADD_CONTACT = "add_contact"
    CHANGE_CONTACT = "change_contact"
    REMOVE_CONTACT = "remove_contact"
    FOUND = "found"
    PLACE_UNDER = "place_under"


SUBJECT_WORDING: dict[SubjectKind, str] = {
    SubjectKind.USER: "người dùng",
    SubjectKind.CLIENT: "hệ thống kết nối",
    SubjectKind.ORGANIZATION: "cơ quan, đơn vị",
}
ACTION_WORDING: dict[Action, str] = {
    Action.BEGIN_HISTORY: "bắt đầu ghi lịch sử",
    Action.CREATE: "tạo mới",
    Action.UPDATE: "sửa",
    Action.ACTIVATE: "kích hoạt",
    Action.DEACTIVATE: "ngừng hoạt động",
    Action.INVITE: "mời",
    Action.ACCEPT_INVITATION: "nhận lời mời",
    Action.HAND_OVER: "bàn giao",
    Action.ROTATE_SECRET: "đổi khóa bí mật",
    Action.CHANGE_PEOPLE: "thay đổi nhân sự",
    Action.ADD_CONTACT: "thêm đầu mối",
    Action.CHANGE_CONTACT: "sửa đầu mối",
    Action.REMOVE_CONTACT: "bỏ đầu mối",
    Action.FOUND: "lập theo sắp xếp đơn vị",
    Action.PLACE_UNDER: "chuyển về cấp trên mới theo sắp xếp đơn vị",
}


class AdministrationLog(Table, table=True):
    """One change of a user, a client or an organisation, and who made it; written with the change, never altered.

    Its place among the entries of its record and the digests are the database's own.
    """

    __tablename__ = "administration_log"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    # Whose it is; the operator's account is nobody's.
    organization_id: UUID | None = Field(default=None, foreign_key="organization.id")
    entry: int | None = Field(default=None, nullable=False)
    subject_kind: str
    subject_id: UUID
    version: int
    action: str
    actor_id: UUID
    actor_kind: str
    actor_name: str
    actor_organization_id: UUID | None = None
    changes: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    remark: str | None = None
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    # Written when the log began, of what was there by then.
    reconstructed: bool = False
    previous_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=False))
