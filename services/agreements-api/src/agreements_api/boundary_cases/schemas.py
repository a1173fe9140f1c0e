"""What the API takes and shows of dossiers of boundary areas."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from agreements_api.agreements.schemas import Day
from agreements_api.boundary_cases.models import CaseKind, CaseState
from agreements_api.boundary_cases.personal_data import WORDING, find
from shared.schemas import CLEAN, Model


def _impersonal(text: str) -> str:
    found = find(text)
    if found is not None:
        raise PydanticCustomError(
            "personal_data",
            "The text seems to hold personal data ({kind}): households and plots are counted here, nobody is named",
            {"kind": found.value, "wording": WORDING[found]},
        )
    return text


# Short on purpose: what belongs into files about people does not fit.
ImpersonalLine = Annotated[str, AfterValidator(_impersonal), Field(min_length=1, max_length=300), CLEAN]
ImpersonalText = Annotated[str, AfterValidator(_impersonal), Field(min_length=1, max_length=1000), CLEAN]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
# A million km²: more than the country has.
Area = Annotated[int, Field(strict=True, ge=0, le=10**12)]

_FIRST = "01990000-0000-7000-8000-000000000003"
_SECOND = "01990000-0000-7000-8000-000000000004"
_CASE: dict[str, Any] = {
    "kind": "both",
    "place": "Khu vực giáp ranh (minh họa)",
    "households": 12,
    "plots": 30,
    "area_m2": 45000,
    "note": "Số liệu minh họa.",
}
_STEPS: list[Any] = [
    {"title": "Hai bên thống nhất số liệu rà soát", "due_on": "2026-12-15"},
    {"title": "Ký biên bản bàn giao", "due_on": "2026-12-31"},
]


class StepCreate(Model):
    """One step of the hand-over; the list gives the order in which they are confirmed."""

    title: ImpersonalLine
    due_on: Day | None = None


Steps = Annotated[list[StepCreate], Field(min_length=1, max_length=20)]


class BoundaryCaseCreate(Model):
    """A dossier of two localities of a task. Counts only: texts that seem to hold personal data are refused."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_CASE, "organization_ids": [_FIRST, _SECOND], "steps": _STEPS}]}
    )

    kind: CaseKind
    organization_ids: Annotated[list[UUID], Field(min_length=2, max_length=2)] = Field(
        description="The two sides: lead or coordinating parties of the task, of two localities."
    )
    place: ImpersonalLine | None = None
    households: Count | None = None
    plots: Count | None = None
    area_m2: Area | None = Field(default=None, description="Square metres.")
    note: ImpersonalText | None = None
    steps: Steps


class BoundaryCaseUpdate(Model):
    """A merge patch until the area is handed over: what is absent stays, null clears.

    Steps are replaced whole, until a side has confirmed one. A change of what is counted makes void what one side alone
    has confirmed.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"households": 14}]})

    kind: CaseKind = CaseKind.BOTH
    place: ImpersonalLine | None = None
    households: Count | None = None
    plots: Count | None = None
    area_m2: Area | None = None
    note: ImpersonalText | None = None
    steps: Steps = []


class StepConfirmation(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Thống nhất số liệu."}]})

    remark: ImpersonalText | None = None


class Closing(Model):
    """How it ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Đã cập nhật hồ sơ địa giới (minh họa)."}]})

    remark: ImpersonalText


class SidePublic(Model):
    """One of the two localities, as it was called when the dossier was opened."""

    organization_id: UUID
    name: str
    unit_id: UUID
    unit_name: str
    answering_organization_id: UUID = Field(description="Who confirms for it today.")


class SideConfirmation(Model):
    """What one side said, in the order of `sides`."""

    confirmed_at: datetime | None
    confirmed_by: str | None
    remark: str | None


class BoundaryStepPublic(Model):
    id: UUID
    ordinal: int
    title: str
    due_on: date | None
    confirmations: list[SideConfirmation]
    completed_at: datetime | None = Field(description="When the second side confirmed.")
    allowed_actions: list[str]


class BoundaryCasePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000e7",
                    "version": 2,
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "task_id": "01990000-0000-7000-8000-0000000000b1",
                    "task_title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
                    **_CASE,
                    "state": "open",
                    "sides": [
                        {
                            "organization_id": _FIRST,
                            "name": "UBND thị xã Đông Triều",
                            "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
                            "unit_name": "Thị xã Đông Triều",
                            "answering_organization_id": _FIRST,
                        },
                        {
                            "organization_id": _SECOND,
                            "name": "UBND thị xã Kinh Môn",
                            "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a12",
                            "unit_name": "Thị xã Kinh Môn",
                            "answering_organization_id": _SECOND,
                        },
                    ],
                    "steps": [
                        {
                            "id": "01990000-0000-7000-8000-0000000000e8",
                            "ordinal": 1,
                            **_STEPS[0],
                            "confirmations": [
                                {
                                    "confirmed_at": "2026-12-01T03:00:00Z",
                                    "confirmed_by": "Lãnh đạo (minh họa)",
                                    "remark": None,
                                },
                                {"confirmed_at": None, "confirmed_by": None, "remark": None},
                            ],
                            "completed_at": None,
                            "allowed_actions": ["confirm"],
                        }
                    ],
                    "handed_over_on": None,
                    "closed_on": None,
                    "close_remark": None,
                    "demonstration": True,
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-12-01T03:00:00Z",
                    "allowed_actions": ["update"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID
    task_title: str
    kind: CaseKind
    state: CaseState
    place: str | None
    households: int | None
    plots: int | None
    area_m2: int | None
    note: str | None
    sides: list[SidePublic]
    steps: list[BoundaryStepPublic]
    handed_over_on: date | None
    closed_on: date | None
    close_remark: str | None
    demonstration: bool
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]
