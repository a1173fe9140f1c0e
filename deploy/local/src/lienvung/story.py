"""The story of Conclusion 352, played through the public API as each locality's own account.

Who met, who signed and what they promised come from the article of Báo Hải Dương that the product starts from
(`SOURCE`). What the article does not say (a due date, a percentage, a signatory's name) is marked in the record itself
as demonstration data.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx

from shared import clock
from shared.calendar import WorkingCalendar
from shared.ids import new_id

SOURCE = (
    "https://baohaiduong.vn/thuc-day-lien-ket-vung-giua-5-dia-phuong-cua-3-tinh-"
    "quang-ninh-hai-duong-bac-giang-360659.html"
)
DEMONSTRATION = (
    "Số liệu minh họa: thời hạn, tỷ lệ và họ tên không có trong bài báo. "
    "Demonstration data: the article gives no due date, percentage or name."
)
BEFORE_REFORM = date(2024, 10, 18)
AFTER_REFORM = date(2025, 7, 1)
WAIT_SECONDS = 60.0

Json = dict[str, Any]
T = TypeVar("T")
Say = Callable[[str], None]


class Stage(Protocol):
    """What the story needs of the running stack."""

    @property
    def gateway(self) -> str:
        """Address of the gateway."""

    @property
    def mail(self) -> Path:
        """Folder in which messages arrive."""

    @property
    def out(self) -> Path:
        """Folder for what the story leaves behind."""

    @property
    def operator(self) -> tuple[str, str]:
        """Username and password of the system's operator."""

    def remember(self, account: Json) -> None:
        """Keep an account for `.run/stack.json`."""


@dataclass(frozen=True)
class Locality:
    """One of the five localities: its unit of 2024, the bodies that sign and act for it."""

    key: str
    unit_code: str
    province_code: str
    committee: str
    people: str
    in_charge: str


LOCALITIES = (
    Locality("dongtrieu", "205", "22", "Ban Thường vụ Thị ủy Đông Triều", "UBND thị xã Đông Triều", "Bí thư Thị ủy"),
    Locality(
        "chilinh",
        "290",
        "30",
        "Ban Thường vụ Thành ủy Chí Linh",
        "UBND thành phố Chí Linh",
        "Bí thư Thành ủy",
    ),
    Locality("kinhmon", "292", "30", "Ban Thường vụ Thị ủy Kinh Môn", "UBND thị xã Kinh Môn", "Bí thư Thị ủy"),
    Locality("sondong", "220", "24", "Ban Thường vụ Huyện ủy Sơn Động", "UBND huyện Sơn Động", "Bí thư Huyện ủy"),
    Locality("lucnam", "218", "24", "Ban Thường vụ Huyện ủy Lục Nam", "UBND huyện Lục Nam", "Bí thư Huyện ủy"),
)
PROVINCES = {
    "22": ("quangninh", "Ban Thường vụ Tỉnh ủy Quảng Ninh"),
    "24": ("bacgiang", "Ban Thường vụ Tỉnh ủy Bắc Giang"),
    "30": ("haiduong", "Ban Thường vụ Tỉnh ủy Hải Dương"),
}
CLAUSES = (
    (
        "Quy hoạch và đầu tư các tuyến giao thông kết nối",
        "Đưa các tuyến giao thông kết nối vào quy hoạch và kế hoạch đầu tư công trung hạn, ưu tiên bố trí nguồn lực.",
        "hạ tầng giao thông",
    ),
    (
        "Khu vực xâm canh, xâm cư",
        "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư.",
        "địa giới hành chính",
    ),
    (
        "Hạ tầng cụm công nghiệp",
        "Phối hợp thu hút đầu tư hạ tầng cụm công nghiệp và các ngành công nghiệp có lợi thế.",
        "công nghiệp - cụm công nghiệp",
    ),
    (
        "Sản phẩm và du lịch",
        "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch.",
        "du lịch",
    ),
)


class StoryError(RuntimeError):
    """A step of the story did not come out as it must."""


class Person:
    """An account at the gateway: signs in once, then calls as a frontend would."""

    def __init__(self, http: httpx.AsyncClient, username: str, password: str) -> None:
        self.http = http
        self.username = username
        self._password = password
        self._token = ""

    async def sign_in(self) -> "Person":
        answer = await self.http.post("/v1/sessions", json={"username": self.username, "password": self._password})
        self._token = _accept(answer, 201)["access_token"]
        return self

    async def get(self, path: str, **query: Any) -> Json:
        return _accept(await self.http.get(path, params=query, headers=self._headers()), 200)

    async def download(self, path: str) -> bytes:
        answer = await self.http.get(path, headers=self._headers())
        if answer.status_code != 200:
            raise StoryError(f"{path}: {answer.status_code} {answer.text}")
        return answer.content

    async def create(self, path: str, body: Json) -> Json:
        answer = await self.http.post(path, json=body, headers=self._headers(unsafe=True))
        return _accept(answer, 201, 202)

    async def act(self, path: str, verb: str, body: Json | None = None) -> Json:
        """One transition, against the state that this person just read."""
        seen = await self.http.get(path, headers=self._headers())
        _accept(seen, 200)
        headers = self._headers(unsafe=True) | {"If-Match": seen.headers["etag"]}
        return _accept(await self.http.post(f"{path}/{verb}", json=body or {}, headers=headers), 200, 201)

    def _headers(self, *, unsafe: bool = False) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Language": "vi"}
        return headers | {"Idempotency-Key": str(new_id())} if unsafe else headers


def _accept(answer: httpx.Response, *expected: int) -> Json:
    if answer.status_code not in expected:
        raise StoryError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    body: Json = answer.json()
    return body


async def play(stage: Stage, say: Say) -> None:
    """Play every step, saying each as it happens; raises StoryError where one does not come out."""
    async with httpx.AsyncClient(base_url=stage.gateway, timeout=30) as http:
        operator = await Person(http, *stage.operator).sign_in()
        cast = _Cast(stage, http, operator, say)
        await _show_the_reform(operator, say)
        await cast.found_organizations()
        plan = await _sign_the_plan(cast, say)
        settled = await _fulfil_across_the_border(cast, plan, say)
        late = await _let_a_deadline_pass(cast, plan, stage, say)
        await _print_the_evaluation(cast, plan, stage.out, say)
        await _outlive_the_reform(cast, operator, plan, late, say)
        say(f"The story is told: one promise kept ({settled['title']}), one overdue ({late['title']}).")


async def _show_the_reform(operator: Person, say: Say) -> None:
    for locality in LOCALITIES:
        unit = await _unit(operator, "district", locality.unit_code, BEFORE_REFORM)
        successors = await operator.get(
            f"/v1/units/{unit['id']}/successors", on=AFTER_REFORM.isoformat(), default="true", limit=200
        )
        say(f"{unit['name']} (2024) → {len(successors['items'])} communes and wards on 01/07/2025")


async def _unit(person: Person, level: str, code: str, on: date) -> Json:
    page = await person.get("/v1/units", level=level, code=code, on=on.isoformat())
    if len(page["items"]) != 1:
        raise StoryError(f"{level} {code} on {on}: {len(page['items'])} units where one was expected")
    unit: Json = page["items"][0]
    return unit


class _Cast:
    """The organisations of the story and the people who act for them."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, operator: Person, say: Say) -> None:
        self._stage = stage
        self._http = http
        self._operator = operator
        self._say = say
        self.organizations: dict[str, str] = {}
        self.people: dict[str, Person] = {}

    async def found_organizations(self) -> None:
        for code, (key, name) in PROVINCES.items():
            unit = await _unit(self._operator, "province", code, BEFORE_REFORM)
            await self._found(key, name, "standing_committee", unit, superior=None, roles=("leader", "specialist"))
        for locality in LOCALITIES:
            unit = await _unit(self._operator, "district", locality.unit_code, BEFORE_REFORM)
            province = PROVINCES[locality.province_code][0]
            await self._found(
                locality.key,
                locality.committee,
                "standing_committee",
                unit,
                superior=province,
                roles=("leader", "specialist"),
            )
            await self._found(
                f"ubnd-{locality.key}",
                locality.people,
                "peoples_committee",
                unit,
                superior=province,
                roles=("leader", "specialist"),
            )
        self._say(f"{len(self.organizations)} organisations with {len(self.people)} accounts")

    async def _found(
        self, key: str, name: str, kind: str, unit: Json, *, superior: str | None, roles: tuple[str, ...]
    ) -> None:
        organization = await self._operator.create(
            "/v1/organizations",
            {
                "name": name,
                "kind": kind,
                "unit_id": unit["id"],
                "superior_organization_id": self.organizations[superior] if superior else None,
            },
        )
        self.organizations[key] = organization["id"]
        for role in roles:
            await self._hire(organization["id"], name, f"{key}.{role}", role)

    async def hire_for(self, task: Json, username: str) -> Person:
        """Somebody who works for whoever leads the task by now."""
        lead = (await self.leader("quangninh").get(f"/v1/tasks/{task['id']}"))["lead"]
        return await self._hire(lead["organization_id"], lead["name"], username, "specialist")

    async def _hire(self, organization_id: str, name: str, username: str, role: str) -> Person:
        password = secrets.token_urlsafe(15)
        await self._operator.create(
            "/v1/users",
            {
                "organization_id": organization_id,
                "username": username,
                "password": password,
                "name": f"{'Lãnh đạo' if role == 'leader' else 'Chuyên viên'} {name} (minh họa)",
                "email": f"{username}@demo.lienvung.example",
                "roles": [role],
                "language": "vi",
            },
        )
        self._stage.remember({"username": username, "password": password, "organization": name, "roles": [role]})
        self.people[username] = await Person(self._http, username, password).sign_in()
        return self.people[username]

    def leader(self, key: str) -> Person:
        return self.people[f"{key}.leader"]

    def specialist(self, key: str) -> Person:
        return self.people[f"{key}.specialist"]


async def _sign_the_plan(cast: _Cast, say: Say) -> Json:
    drafted = await cast.specialist("dongtrieu").create(
        "/v1/agreements",
        {
            "instrument": "plan",
            "number": None,
            "title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD về thúc đẩy liên kết vùng",
            "parent": {
                "instrument": "conclusion",
                "number": "352-KL/TUQN-TUBG-TUHD",
                "title": "Kết luận của Ban Thường vụ 3 tỉnh về thúc đẩy liên kết vùng giữa 3 tỉnh",
                "issued_by": "Ban Thường vụ Tỉnh ủy Quảng Ninh, Tỉnh ủy Bắc Giang, Tỉnh ủy Hải Dương",
            },
            "fields": ["quy hoạch", "hạ tầng giao thông", "thương mại", "du lịch", "an ninh quốc phòng"],
            "demonstration": True,
            "source_url": SOURCE,
            "note": DEMONSTRATION,
            "parties": [
                {
                    "organization_id": cast.organizations[locality.key],
                    "role": "signatory",
                    "required": True,
                    "signatory_title": locality.in_charge,
                }
                for locality in LOCALITIES
            ],
            "clauses": [{"heading": heading, "text": text, "field": field} for heading, text, field in CLAUSES],
        },
    )
    path = f"/v1/agreements/{drafted['id']}"
    say(f"Draft: {drafted['title']}")
    opened = await cast.leader("dongtrieu").act(path, "open")
    say(f"Open for signature; text frozen, sha256 {opened['text_digest'][:16]}…")
    plan = opened
    for locality in LOCALITIES:
        plan = await cast.leader(locality.key).act(
            path,
            "sign",
            {
                "signatory_name": f"Lãnh đạo {locality.committee} (minh họa)",
                "signatory_title": locality.in_charge,
            },
        )
        say(f"Signed by {locality.committee} → {plan['status']}")
    if plan["status"] != "in_force":
        raise StoryError(f"five parties signed, and the plan is {plan['status']}")
    plan["clauses"] = (await cast.leader("dongtrieu").get(f"{path}/clauses"))["items"]
    return plan


async def _assign(
    cast: _Cast,
    plan: Json,
    clause: int,
    *,
    lead: str,
    coordinating: tuple[str, ...],
    due_on: date,
    product: str,
) -> Json:
    chosen = plan["clauses"][clause]
    return await cast.leader("dongtrieu").create(
        f"/v1/agreements/{plan['id']}/tasks",
        {
            "title": chosen["text"].rstrip("."),
            "clause_id": chosen["id"],
            "field": chosen["field"],
            "deliverable": product,
            "due_on": due_on.isoformat(),
            "lead_organization_id": cast.organizations[lead],
            "coordinating": [{"organization_id": cast.organizations[key]} for key in coordinating],
            "monitoring": [],
            "demonstration": True,
            "note": DEMONSTRATION,
        },
    )


async def _fulfil_across_the_border(cast: _Cast, plan: Json, say: Say) -> Json:
    today = clock.today()
    lead, others = "ubnd-dongtrieu", ("ubnd-kinhmon", "ubnd-chilinh")
    task = await _assign(
        cast,
        plan,
        1,
        lead=lead,
        coordinating=others,
        due_on=today + timedelta(days=30),
        product="Biên bản giải quyết vướng mắc",
    )
    path = f"/v1/tasks/{task['id']}"
    say(f"Task: {task['title']} — lead UBND thị xã Đông Triều, with Kinh Môn and Chí Linh")
    await cast.specialist(lead).act(path, "accept")
    for percent in (40, 100):
        task = await cast.specialist(lead).act(
            path,
            "reports",
            {
                "period_start": (today - timedelta(days=30)).isoformat(),
                "period_end": today.isoformat(),
                "percent": percent,
                "narrative": f"Đã rà soát {percent} % khu vực giáp ranh (số liệu minh họa).",
                "difficulties": None,
            },
        )
        say(f"Progress reported: {percent} %")
    await cast.leader(lead).act(path, "submit", {"note": "Đề nghị các bên phối hợp xác nhận"})
    for key in others:
        task = await cast.leader(key).act(path, "confirm", {"remark": "Nhất trí"})
        say(f"Confirmed from the other side by {key} → {task['status']}")
    if task["status"] != "completed":
        raise StoryError(f"both coordinating parties confirmed, and the task is {task['status']}")
    return task


async def _let_a_deadline_pass(cast: _Cast, plan: Json, stage: Stage, say: Say) -> Json:
    calendar = WorkingCalendar()
    # Today may be a day off, which is no overdue working day yet.
    overdue_since = calendar.add_working_days(calendar.last_working_day(clock.today()), -5)
    task = await _assign(
        cast,
        plan,
        0,
        lead="ubnd-chilinh",
        coordinating=("ubnd-dongtrieu", "ubnd-kinhmon"),
        due_on=overdue_since,
        product="Danh mục tuyến đường đề xuất đưa vào kế hoạch trung hạn",
    )
    await cast.specialist("ubnd-chilinh").act(f"/v1/tasks/{task['id']}", "accept")
    for clause, lead, other in ((2, "ubnd-kinhmon", "ubnd-sondong"), (3, "ubnd-lucnam", "ubnd-sondong")):
        await _assign(
            cast,
            plan,
            clause,
            lead=lead,
            coordinating=(other,),
            due_on=calendar.add_working_days(clock.today(), 3),
            product="Báo cáo kết quả phối hợp",
        )
    say(f"Overdue by five working days: {task['title']}")
    message = await _until(lambda: asyncio.to_thread(_mail_about, stage.mail, task["id"]), "the alert by e-mail")
    say(f"Mail to {message[0]}: {message[1]}")
    alerts = await cast.specialist("ubnd-chilinh").get("/v1/alerts")
    say(f"In the alert list of {cast.specialist('ubnd-chilinh').username}: {len(alerts['items'])}")
    return task


def _mail_about(folder: Path, task_id: str) -> tuple[str, str] | None:
    for path in sorted(folder.rglob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=mail_policy)
        body = message.get_body(("plain",))
        if body is not None and task_id in body.get_content():
            return message["To"].addresses[0].addr_spec, str(message["Subject"])
    return None


async def _print_the_evaluation(cast: _Cast, plan: Json, out: Path, say: Say) -> None:
    leader = cast.leader("dongtrieu")
    for layout, form in (("party", "pdf"), ("state", "pdf"), ("party", "json")):
        job = await leader.create(
            "/v1/reports",
            {
                "kind": "evaluation",
                "agreement_id": plan["id"],
                "layout": layout,
                "format": form,
                "language": "vi",
                "place": "Đông Triều",
                "signer": {"title": "BÍ THƯ", "name": "Họ và tên (minh họa)"},
            },
        )
        path = f"/v1/reports/{job['id']}"
        await _until(lambda path=path: _ready(leader, path), f"the {layout} report")  # type: ignore[misc]
        name = out / f"danh-gia-352-{layout}.{form}"
        content = await leader.download(f"{path}/content")
        await asyncio.to_thread(_keep, name, content)
        say(f"Evaluation report ({layout} layout): {name.name}, {len(content):,} bytes")


async def _outlive_the_reform(cast: _Cast, operator: Person, plan: Json, late: Json, say: Say) -> None:
    """1 July 2025: all five districts end, and others answer for what was signed and promised.

    The story signs its plan today, so that nobody's place is taken until the operator asks for it.
    """
    path = f"/v1/agreements/{plan['id']}"
    above = cast.leader("quangninh")
    for day in (BEFORE_REFORM, AFTER_REFORM + timedelta(days=1)):
        answers = await above.get(f"{path}/responsible", on=day.isoformat())
        for item in answers["items"]:
            if item["relation"] == "party":
                say(f"{day:%d/%m/%Y}: for {item['promised_by']['name']} answers {_who_answers(item)}")
    run = await operator.create("/v1/successions/apply", {})
    run = await _until(lambda: _finished(operator, run["id"]), "carrying out the successions")
    say(
        f"Re-pointed: {run['repointed']} agreement, {run['tasks']} open tasks;"
        f" {run['decisions']} successions wait for a decision"
    )
    seen = await cast.leader("chilinh").get(path)
    if seen["allowed_actions"]:
        raise StoryError(f"a dissolved body can still do {seen['allowed_actions']}")
    say(f"{seen['parties'][1]['organization_name']} reads on and decides nothing any more; its signature stands")
    case = await _decide(above, plan, cast.organizations["dongtrieu"], say)
    worker = await cast.hire_for(late, "phoihop.chilinh")
    today = clock.today()
    report = {
        "period_start": (today - timedelta(days=30)).isoformat(),
        "period_end": today.isoformat(),
        "percent": 20,
        "narrative": "Tiếp nhận hồ sơ tuyến đường từ đơn vị cũ (số liệu minh họa).",
    }
    task = await worker.act(f"/v1/tasks/{late['id']}", "reports", report)
    say(f"Progress reported by {task['lead']['name']} in the place of {task['lead']['promised_by_name']}: 20 %")
    history = await above.get(f"{path}/history", limit=2)
    say(f"History: {', '.join(entry['action'] for entry in history['items'])}; decision {case['id'][:8]}…")


async def _decide(leader: Person, plan: Json, promised_by: str, say: Say) -> Json:
    """The leader of the province gives a party's place to the second of those that could take it."""
    work = await leader.get("/v1/successions/worklist", agreement=plan["id"], limit=200)
    case = next(one for one in work["items"] if one["promised_by"]["organization_id"] == promised_by)
    chosen = case["candidates"][1]
    decided = await leader.act(
        f"/v1/successions/worklist/{case['id']}",
        "decide",
        {
            "unit_id": chosen["answering"]["unit"]["id"],
            "reason": "Khu vực giáp ranh nằm trên địa bàn (minh họa).",
            "whole_unit": True,
        },
    )
    say(
        f"Decided by {leader.username}: for {decided['promised_by']['name']} answers {decided['answers']['name']}"
        f" (proposed was {case['candidates'][0]['answering']['unit']['name']})"
    )
    return decided


def _who_answers(item: Json) -> str:
    if item["answers"] is None:
        return "nobody"
    if not item["successions"]:
        return f"{item['answers']['name']} itself"
    unit: str = item["answers"]["unit"]["name"]
    return f"{unit}, provisionally ({len(item['candidates'])} could)" if item["provisional"] else unit


async def _finished(operator: Person, run_id: str) -> Json | None:
    run = await operator.get(f"/v1/successions/runs/{run_id}")
    return run if run["state"] == "finished" else None


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def _ready(person: Person, path: str) -> bool | None:
    job = await person.get(path)
    if job["status"] == "failed":
        raise StoryError(f"{path} failed: {job}")
    return True if job["status"] == "ready" else None


async def _until(probe: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Ask again until there is an answer: what comes by event comes a moment later."""
    for _ in range(int(WAIT_SECONDS / 0.2)):
        answer = await probe()
        if answer is not None:
            return answer
        await asyncio.sleep(0.2)
    raise StoryError(f"{what} did not arrive within {WAIT_SECONDS:.0f} s")
