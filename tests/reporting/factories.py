"""Events of the story's plan, as agreements-api would send them, and the way they reach the projections."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from reporting.projections import repository
from reporting.projections.consumers import HANDLERS
from reporting.projections.service import apply_tasks
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import (
    AgreementInForce,
    AgreementSnapshot,
    ClauseSnapshot,
    Event,
    EventActor,
    LastReport,
    OrganizationChanged,
    OrganizationSnapshot,
    ParentInstrument,
    PartySnapshot,
    ProvinceRef,
    TaskEvent,
    TaskParty,
    TaskSnapshot,
    TaskUpdated,
    UnitRef,
    envelope_bytes,
    parse_envelope,
)
from shared.ids import new_id

SOMEBODY = EventActor(id=UUID(int=7), kind="user", name="Chuyên viên (minh họa)")
SIGNED_ON = date(2024, 10, 18)
SIGNED_AT = datetime(2024, 10, 18, 3, tzinfo=UTC)
CLAUSES = (
    ("Quy hoạch và đầu tư các tuyến giao thông kết nối", "hạ tầng giao thông"),
    ("Khu vực xâm canh, xâm cư", "địa giới hành chính"),
    ("Hạ tầng cụm công nghiệp", "công nghiệp - cụm công nghiệp"),
    ("Sản phẩm và du lịch", "du lịch"),
)


@dataclass
class Body:
    """An organisation with the unit that it is of."""

    name: str
    unit_name: str
    province_name: str
    kind: str = "peoples_committee"
    superior: "Body | None" = None
    level: str = "district"
    id: UUID = field(default_factory=new_id)
    unit_id: UUID = field(default_factory=new_id)
    province_id: UUID = field(default_factory=new_id)

    def event(self, version: int = 1, **changes: Any) -> OrganizationChanged:
        values: dict[str, Any] = {
            "id": self.id,
            "version": version,
            "name": self.name,
            "kind": self.kind,
            "unit": UnitRef(
                id=self.unit_id,
                code="205",
                name=self.unit_name,
                level=self.level,
                province=ProvinceRef(id=self.province_id, name=self.province_name),
            ),
            "superior_organization_id": self.superior.id if self.superior else None,
        }
        return OrganizationChanged(
            version=version,
            actor=SOMEBODY,
            occurred_at=SIGNED_AT,
            organization=OrganizationSnapshot(**values | changes),
        )

    def party(self, **more: Any) -> TaskParty:
        return TaskParty(
            organization_id=self.id, name=self.name, unit_id=self.unit_id, unit_name=self.unit_name, **more
        )


@dataclass
class Plan:
    """An agreement of some parties, and its tasks."""

    parties: list[Body]
    members: list[Body]
    title: str = "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD về thúc đẩy liên kết vùng"
    id: UUID = field(default_factory=new_id)
    clauses: list[UUID] = field(default_factory=lambda: [new_id() for _ in CLAUSES])

    def event(self, version: int = 1, **changes: Any) -> AgreementInForce:
        values: dict[str, Any] = {
            "id": self.id,
            "version": version,
            "instrument": "plan",
            "title": self.title,
            "status": "in_force",
            "parent": ParentInstrument(
                instrument="conclusion",
                number="352-KL/TUQN-TUBG-TUHD",
                issued_by="Ban Thường vụ Tỉnh ủy Quảng Ninh, Tỉnh ủy Bắc Giang, Tỉnh ủy Hải Dương",
            ),
            "fields": [name for _, name in CLAUSES],
            "custodian_organization_id": self.parties[0].id,
            "in_force_on": SIGNED_ON,
            "signed_on": SIGNED_ON,
            "demonstration": True,
            "parties": [
                PartySnapshot(
                    id=UUID(int=self.id.int ^ (ordinal + 1)),
                    organization_id=party.id,
                    organization_name=party.name,
                    signatory_name=f"Lãnh đạo {party.name} (minh họa)",
                    signed_at=SIGNED_AT,
                )
                for ordinal, party in enumerate(self.parties)
            ],
            "clauses": [
                ClauseSnapshot(id=identity, ordinal=ordinal, heading=heading, text=f"{heading}.", field=name)
                for ordinal, (identity, (heading, name)) in enumerate(zip(self.clauses, CLAUSES, strict=True), start=1)
            ],
        }
        members = changes.pop("members", [body.id for body in self.members])
        return AgreementInForce(
            version=version,
            actor=SOMEBODY,
            occurred_at=SIGNED_AT,
            members=members,
            agreement=AgreementSnapshot(**values | changes),
        )

    def task(self, lead: Body, **values: Any) -> "Task":
        return Task(self, lead, values)


@dataclass
class Task:
    """A task of a plan; `event(...)` is its next version."""

    plan: Plan
    lead: Body
    values: dict[str, Any]
    id: UUID = field(default_factory=new_id)
    version: int = 0

    def event(
        self, kind: type[TaskEvent] = TaskUpdated, *, at: datetime | None = None, version: int | None = None, **new: Any
    ) -> TaskEvent:
        self.values |= new
        self.version = version or self.version + 1
        at = at or SIGNED_AT + timedelta(days=self.version)
        values: dict[str, Any] = {
            "id": self.id,
            "version": self.version,
            "agreement_id": self.plan.id,
            "agreement_title": self.plan.title,
            "title": "Nhiệm vụ",
            "status": "in_progress",
            "lead": self.lead.party(),
            "created_at": SIGNED_AT,
            "updated_at": at,
        }
        return kind(
            version=self.version,
            actor=SOMEBODY,
            occurred_at=at,
            members=[body.id for body in self.plan.members],
            task=TaskSnapshot(**values | self.values),
        )


@dataclass
class Story:
    """The plan of Conclusion 352 with its four tasks, as the stack plays it."""

    provinces: list[Body]
    committees: list[Body]
    people: list[Body]
    plan: Plan
    tasks: list[Task]
    outsider: Body

    @property
    def issuer(self) -> Body:
        return self.committees[0]

    def events(self) -> list[Event]:
        bodies = [*self.provinces, *self.committees, *self.people, self.outsider]
        return [*(body.event() for body in bodies), self.plan.event(), *(task.event() for task in self.tasks)]


def story(today: date = date(2024, 12, 20)) -> Story:
    """Everybody who signed or leads, and one body that has no part in it."""
    provinces = [
        Body(f"Ban Thường vụ Tỉnh ủy {name}", f"Tỉnh {name}", f"Tỉnh {name}", "standing_committee", None, "province")
        for name in ("Quảng Ninh", "Hải Dương", "Bắc Giang")
    ]
    localities = (
        ("Ban Thường vụ Thị ủy Đông Triều", "UBND thị xã Đông Triều", "Thị xã Đông Triều", provinces[0]),
        ("Ban Thường vụ Thành ủy Chí Linh", "UBND thành phố Chí Linh", "Thành phố Chí Linh", provinces[1]),
        ("Ban Thường vụ Thị ủy Kinh Môn", "UBND thị xã Kinh Môn", "Thị xã Kinh Môn", provinces[1]),
        ("Ban Thường vụ Huyện ủy Sơn Động", "UBND huyện Sơn Động", "Huyện Sơn Động", provinces[2]),
        ("Ban Thường vụ Huyện ủy Lục Nam", "UBND huyện Lục Nam", "Huyện Lục Nam", provinces[2]),
    )
    committees = [
        Body(committee, unit, province.province_name, "standing_committee", province)
        for committee, _, unit, province in localities
    ]
    people = [
        Body(name, unit, province.province_name, "peoples_committee", province, unit_id=committee.unit_id)
        for committee, (_, name, unit, province) in zip(committees, localities, strict=True)
    ]
    plan = Plan(committees, [*committees, *people, *provinces])
    dong_trieu, chi_linh, kinh_mon, son_dong, luc_nam = people
    confirmed = SIGNED_AT + timedelta(days=40)
    tasks = [
        plan.task(
            dong_trieu,
            title="Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư",
            clause_id=plan.clauses[1],
            field=CLAUSES[1][1],
            deliverable="Biên bản giải quyết vướng mắc",
            status="completed",
            percent=100,
            due_on=today,
            completed_at=confirmed,
            demonstration=True,
            coordinating=[kinh_mon.party(confirmed_at=confirmed), chi_linh.party(confirmed_at=confirmed)],
            last_report=LastReport(
                percent=100,
                narrative="Đã rà soát 100 % khu vực giáp ranh (số liệu minh họa).",
                reported_at=SIGNED_AT + timedelta(days=39),
            ),
        ),
        plan.task(
            chi_linh,
            title="Đưa các tuyến giao thông kết nối vào quy hoạch và kế hoạch đầu tư công trung hạn, ưu tiên bố trí"
            " nguồn lực",
            clause_id=plan.clauses[0],
            field=CLAUSES[0][1],
            deliverable="Danh mục tuyến đường đề xuất đưa vào kế hoạch trung hạn",
            due_on=today - timedelta(days=7),
            percent=35,
            demonstration=True,
            coordinating=[dong_trieu.party(), kinh_mon.party()],
            last_report=LastReport(
                percent=35,
                difficulties="Chưa thống nhất hướng tuyến tại vị trí giáp ranh (minh họa)",
                reported_at=SIGNED_AT + timedelta(days=30),
            ),
        ),
        plan.task(
            kinh_mon,
            title="Phối hợp thu hút đầu tư hạ tầng cụm công nghiệp và các ngành công nghiệp có lợi thế",
            clause_id=plan.clauses[2],
            field=CLAUSES[2][1],
            deliverable="Báo cáo kết quả phối hợp",
            status="not_started",
            due_on=today + timedelta(days=5),
            demonstration=True,
            coordinating=[son_dong.party()],
        ),
        plan.task(
            luc_nam,
            title="Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch",
            clause_id=plan.clauses[3],
            field=CLAUSES[3][1],
            deliverable="Báo cáo kết quả phối hợp",
            status="not_started",
            due_on=today + timedelta(days=5),
            demonstration=True,
            coordinating=[son_dong.party()],
        ),
    ]
    outsider = Body("UBND thành phố Uông Bí", "Thành phố Uông Bí", "Tỉnh Quảng Ninh")
    return Story(provinces, committees, people, plan, tasks, outsider)


async def apply(database: Database, *events: Event) -> None:
    """Let the projections take the events, one transaction each, as bytes from Kafka would arrive."""
    for event in events:
        envelope = parse_envelope(envelope_bytes(event, event_id=new_id()))
        async with database.transaction(SYSTEM) as session:
            await HANDLERS[event.type](session, envelope)


async def apply_together(database: Database, *batches: Sequence[TaskEvent]) -> None:
    """Let the projections take each batch of task events in one transaction, as the consumer does."""
    for batch in batches:
        envelopes = [parse_envelope(envelope_bytes(event, event_id=new_id())) for event in batch]
        async with database.transaction(SYSTEM) as session:
            await apply_tasks(session, envelopes)


async def declare_complete(database: Database) -> None:
    """What the consumer's watch notes when it has applied everything; reports are made from then on."""
    async with database.read(SYSTEM) as connection:
        rebuilds, now = await repository.rebuilds(connection)
        await repository.completed(connection, now + timedelta(days=1), rebuilds)
