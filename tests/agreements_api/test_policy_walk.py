"""Every call × role × relation through the real application: the answer is the table's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api import policy
from agreements_api.app import create_app
from agreements_api.config import Settings
from agreements_api.policy import MEMBERS, Relation, Role
from lienvung.postgres import DatabaseAddress
from shared.auth import Actor
from tests.agreements_api.agreements.world import Person, World, accepted, found, signature
from tests.agreements_api.conftest import Registry
from tests.agreements_api.documents.files import attached
from tests.agreements_api.walk import ATTACHING, OF_ONES_ORGANIZATION, OPEN, OWN_LISTS, WALK, Step, Subject

# Whoever stands how to the agreement, or to its one task. Đông Triều drafted it for others, so it is no party.
AGREEMENT_RELATIONS = {
    "dongtrieu": [Relation.CUSTODIAN],
    "chilinh": [Relation.PARTY],
    "haiduong": [Relation.SUPERIOR],
    "ubnd-dongtrieu": [],
    "ubnd-kinhmon": [],
    "ubnd-sondong": [],
    "elsewhere": None,
}
TASK_RELATIONS = {
    **AGREEMENT_RELATIONS,
    "ubnd-dongtrieu": [Relation.LEAD],
    "ubnd-kinhmon": [Relation.COORDINATING],
    "ubnd-sondong": [Relation.MONITOR],
}
# Chí Linh hosts the meeting; the two sides of the boundary area are the task's lead and its coordinating party.
MEETING_RELATIONS = {**AGREEMENT_RELATIONS, "chilinh": [Relation.PARTY, Relation.OWN]}
BOUNDARY_RELATIONS = {
    **TASK_RELATIONS,
    "ubnd-dongtrieu": [Relation.LEAD, Relation.OWN],
    "ubnd-kinhmon": [Relation.COORDINATING, Relation.OWN],
}
# Who raised the obstacle, and who was asked.
OBSTACLE_RELATIONS = TASK_RELATIONS | {"ubnd-kinhmon": [Relation.COORDINATING, Relation.OWN]}
URGING_RELATIONS = TASK_RELATIONS | {"ubnd-dongtrieu": [Relation.LEAD, Relation.OWN]}
DOCUMENT_RELATIONS = {**AGREEMENT_RELATIONS, "dongtrieu": [Relation.CUSTODIAN, Relation.OWN]}
RELATIONS: dict[Subject, Mapping[str, list[Relation] | None]] = {
    Subject.AGREEMENT: AGREEMENT_RELATIONS,
    Subject.TASK: TASK_RELATIONS,
    Subject.OPEN_POINT: AGREEMENT_RELATIONS,
    Subject.SUCCESSION_CASE: AGREEMENT_RELATIONS,
    Subject.MEETING: MEETING_RELATIONS,
    Subject.BOUNDARY_CASE: BOUNDARY_RELATIONS,
    Subject.DOCUMENT: DOCUMENT_RELATIONS,
    Subject.OBSTACLE: OBSTACLE_RELATIONS,
    Subject.URGING: URGING_RELATIONS,
    Subject.COMMENT: TASK_RELATIONS,
    # The segment is a party's own.
    Subject.SEGMENT: {**AGREEMENT_RELATIONS, "chilinh": [Relation.PARTY, Relation.OWN]},
}
# Who wrote the comment.
AUTHOR = ("ubnd-kinhmon", Role.SPECIALIST)
REFUSED = {401, 403, 404}
# Whose organisation "ours" is, and another one.
OURS, OTHERS = "dongtrieu", "chilinh"
NEVER_THE_VERSION = '"v1000000"'


@dataclass
class Place:
    """The records that the calls go to."""

    world: World
    document: dict[str, Any]
    ids: dict[str, str]
    # What some calls do not do without.
    queries: dict[str, dict[str, str]]

    async def ask(self, person: Person, operation_id: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        """The call with the document's own example and a version that the record never has: allowed changes nothing."""
        path, method, operation = operations(self.document)[operation_id]
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, path
        headers = person.unsafe() if method != "get" else dict(person.headers)
        if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", [])):
            headers["If-Match"] = NEVER_THE_VERSION
        return await self.world.http.request(
            method, path, headers=headers, params=query or self.queries.get(operation_id), json=self._example(operation)
        )

    def _example(self, operation: dict[str, Any]) -> Any:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        schema = content["schema"]
        for choice in (schema, *schema.get("anyOf", ())):
            name = choice.get("$ref", "").rsplit("/", 1)[-1]
            if name:
                found_: dict[str, Any] = self.document["components"]["schemas"][name]
                example: dict[str, Any] = {**found_.get("examples", [{}])[0]}
                return example | {name: self.ids[name] for name in ("organization_id",) if name in example}
        return {}


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    registry: Registry, http: httpx.AsyncClient, app: FastAPI, agreements_database: DatabaseAddress
) -> Place:
    return await set_up(registry, http, app, agreements_database)


async def set_up(
    registry: Registry, http: httpx.AsyncClient, app: FastAPI, agreements_database: DatabaseAddress
) -> Place:
    world = await found(registry, http, agreements_database)
    drafter = world.person(OURS)
    agreement = await world.draft(parties=[{"organization_id": world.id(key)} for key in ("chilinh", "kinhmon")])
    path = f"/v1/agreements/{agreement['id']}"
    await drafter.step(path, "open")
    for key in ("chilinh", "kinhmon"):
        agreement = await world.person(key).step(path, "sign", signature(key))
    clauses = (await drafter.read(f"{path}/clauses"))["items"]
    task = await world.task(
        agreement | {"clauses": clauses}, coordinating=("ubnd-kinhmon",), monitoring=("ubnd-sondong",)
    )
    beside = await _beside(world, f"/v1/tasks/{task['id']}", agreement | {"clauses": clauses})
    text = await drafter.read(f"{path}/text")
    found_wanting = {"kind": "shortcoming", "text": "Phối hợp chưa thường xuyên (minh họa).", "raised_by": "Sơ kết"}
    point = accepted(await drafter.post(f"{path}/open-points", found_wanting), 201)
    document = await attached(drafter, ("agreement", agreement["id"]))
    corridor = accepted(await drafter.post(f"{path}/corridors", {"name": "Tuyến kết nối (minh họa)"}), 201)
    segment = accepted(
        await world.person("chilinh").post(f"/v1/corridors/{corridor['id']}/segments", {"name": "Đoạn (minh họa)"}), 201
    )
    ours = world.organizations[OURS]
    colleague = await registry.account(ours, Role.VIEWER)
    administrator = world.person(OURS, Role.ADMINISTRATOR)
    client = accepted(
        await administrator.post("/v1/clients", {"name": "Hệ thống (minh họa)", "scopes": ["tasks:read"]}), 201
    )
    contact = accepted(
        await administrator.post(f"/v1/organizations/{ours.id}/contacts", {"name": "Văn phòng (minh họa)"}), 201
    )
    # A unit ended and was divided; nobody has decided yet who takes the place of a party.
    [case] = await world.rows(
        """
        insert into succession_case (id, agreement_id, promised_by_organization_id, promised_by_name, old_unit_id,
            unit_id, effective_on, proposed_unit_id, state, created_at, updated_at)
        select gen_random_uuid(), $1::uuid, o.id, o.name, o.unit_id, k.unit_id, '2026-01-01', k.unit_id, 'open', now(),
            now()
        from organization o, organization k where o.id = $2 and k.id = $3 returning id""",
        UUID(agreement["id"]),
        world.organizations["chilinh"].id,
        world.organizations["kinhmon"].id,
    )
    run = accepted(await operator(world).post("/v1/successions/apply"), 202)
    imports = []
    for content in (b"Noi dung;Chu tri\n", b"Noi dung;Phoi hop\n"):
        sent = await http.post(
            "/v1/imports",
            headers=drafter.unsafe(),
            data={"kind": "tasks", "agreement_id": agreement["id"]},
            files={"file": ("bang.csv", content)},
        )
        imports.append(accepted(sent, 202)["id"])
    # Ended, or whoever may follow it would wait for a worker. The other one still has its file.
    cancelled = await drafter.step(f"/v1/imports/{imports[0]}", "cancel")
    ids = {
        "import_id": cancelled["id"],
        "kind": "tasks",
        "format": "csv",
        "agreement_id": agreement["id"],
        "case_id": str(case["id"]),
        "run_id": run["id"],
        "task_id": task["id"],
        **beside,
        "point_id": point["id"],
        "document_id": document["id"],
        "corridor_id": corridor["id"],
        "segment_id": segment["id"],
        "text_digest": text["text_digest"],
        "unit_id": str(ours.unit_id),
        "organization_id": str(ours.id),
        "user_id": str(colleague.id),
        "client_id": client["id"],
        "contact_id": contact["id"],
        **await _meeting(world, path),
        **await _boundary_case(world, task["id"]),
        **await _dialogue(world, f"/v1/tasks/{task['id']}"),
    }
    span = {"from": task["updated_at"], "to": task["updated_at"]}
    queries = {
        "compare_agreement": span,
        "compare_task": span,
        "list_documents": {"agreement_id": agreement["id"]},
        "upload_document": {"subject_kind": "agreement", "subject_id": agreement["id"]},
    }
    return Place(world, app.openapi(), ids, queries)


async def _meeting(world: World, agreement: str) -> dict[str, str]:
    """A meeting that was held, with minutes and an outcome, and what was promised of meetings."""
    host = world.person("chilinh")
    planned = {"kind": "regular", "title": "Giao ban (minh họa)", "starts_at": "2026-03-01T01:00:00Z"}
    meeting = accepted(await host.post(f"{agreement}/meetings", planned), 201)
    path = f"/v1/meetings/{meeting['id']}"
    came = [{"organization_id": world.id(key), "attendance": "attended"} for key in ("chilinh", "kinhmon")]
    await host.step(path, "hold", {"attendance": came, "minutes": "Biên bản (minh họa)"})
    meeting = await host.step(path, "outcomes", {"text": "Kết luận (minh họa)"})
    promise = {"frequency": "yearly", "from_on": "2026-01-01"}
    promised = accepted(await world.person(OURS).post(f"{agreement}/meeting-promises", promise), 201)
    return {
        "meeting_id": meeting["id"],
        "outcome_id": meeting["outcomes"][0]["id"],
        "promise_id": promised["id"],
    }


async def _boundary_case(world: World, task_id: str) -> dict[str, str]:
    body = {
        "kind": "both",
        "organization_ids": [world.id("ubnd-dongtrieu"), world.id("ubnd-kinhmon")],
        "steps": [{"title": "Bàn giao (minh họa)"}],
    }
    lead = world.person("ubnd-dongtrieu")
    case = accepted(await lead.post(f"/v1/tasks/{task_id}/boundary-cases", body), 201)
    return {"boundary_case_id": case["id"], "step_id": case["steps"][0]["id"]}


async def _beside(world: World, task: str, agreement: dict[str, Any]) -> dict[str, str]:
    """One of each that stands beside the task, and what repeats it."""
    planner, lead, whatever = world.specialist(OURS), world.specialist("ubnd-dongtrieu"), {"If-Match": "*"}
    first = await world.task(agreement, title="Việc phải xong trước", coordinating=())
    extension = {"due_on": "2027-02-26", "reason": "Cần đo đạc lại (minh họa)"}
    milestone = accepted(await planner.post(f"{task}/milestones", {"title": "Mốc (minh họa)"}, **whatever), 201)
    dependency = {"depends_on_task_id": first["id"]}
    dependency = accepted(await planner.post(f"{task}/dependencies", dependency, **whatever), 201)
    extension = accepted(await lead.post(f"{task}/extensions", extension, **whatever), 201)
    accepted(await planner.put(f"{task}/recurrence", {"frequency": "monthly"}, **whatever), 200)
    return {"milestone_id": milestone["id"], "dependency_id": dependency["id"], "extension_id": extension["id"]}


async def _dialogue(world: World, task: str) -> dict[str, str]:
    """An obstacle with a measure, an urging, a request for an explanation and a comment."""
    raised = accepted(await world.person("ubnd-kinhmon").post(f"{task}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    measure = {"text": "Đo lại", "organization_id": world.id("ubnd-dongtrieu"), "due_on": "2199-12-31"}
    lead = world.person("ubnd-dongtrieu")
    raised = accepted(await lead.act(f"/v1/obstacles/{raised['id']}", "measures", measure), 201)
    asked = [
        accepted(await world.person(OURS).post(f"{task}/{kind}", {"message": "Đề nghị báo cáo"}), 201)
        for kind in ("urgings", "explanations")
    ]
    said = accepted(await world.person(*AUTHOR).post(f"{task}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    return {
        "obstacle_id": raised["id"],
        "measure_id": raised["measures"][0]["id"],
        "urging_id": asked[0]["id"],
        "explanation_id": asked[1]["id"],
        "comment_id": said["id"],
    }


def people(world: World, key: str) -> Sequence[tuple[str, Person]]:
    """Everybody of an organisation: each role, its systems with every scope and with none."""
    return [
        *((role.value, world.person(key, role)) for role in sorted(MEMBERS)),
        ("client", world.client(key, *policy.scopes())),
        ("client without scope", world.client(key)),
    ]


def test_every_call_is_walked() -> None:
    """A call that somebody adds without saying what it needs is found here."""
    document = create_app(Settings(database_url="postgresql://localhost/unused")).openapi()
    assert set(operations(document)) == {*WALK, *OWN_LISTS, *OF_ONES_ORGANIZATION, *OPEN}


def test_every_action_is_asked_by_some_call() -> None:
    walked = [*WALK.values(), *ATTACHING.values()]
    asked = {step.action for step in walked} | set(OWN_LISTS.values()) | set(OF_ONES_ORGANIZATION.values())
    assert set(policy._BY_ACTION) - asked == {"organization.govern"}


@pytest.mark.parametrize("key", list(AGREEMENT_RELATIONS))
@pytest.mark.parametrize("operation", [name for name, step in WALK.items() if step.subject in RELATIONS])
async def test_a_record_of_an_agreement_is_open_to_whom_the_table_names(place: Place, operation: str, key: str) -> None:
    step = WALK[operation]
    relations = RELATIONS[step.subject][key]
    author = place.world.person(*AUTHOR).actor.id
    for name, person in people(place.world, key):
        answer = await place.ask(person, operation)
        if relations is None:
            expected = _unseen(step, person)
            assert answer.status_code in expected, f"{name}: {answer.status_code} {answer.text}"
        else:
            own = step.subject is Subject.COMMENT and person.actor.id == author
            _check(answer, _allowed(step, person, [*relations, Relation.SELF] if own else relations), name)


@pytest.mark.parametrize("key", list(AGREEMENT_RELATIONS))
@pytest.mark.parametrize("subject", list(ATTACHING))
async def test_a_file_is_attached_by_whom_the_table_names_for_what_it_goes_to(
    place: Place, subject: str, key: str
) -> None:
    step = ATTACHING[subject]
    relations = RELATIONS[step.subject][key]
    query = {"subject_kind": subject.removesuffix("_id"), "subject_id": place.ids[subject]}
    for name, person in people(place.world, key):
        answer = await place.ask(person, "upload_document", query)
        if relations is None:
            assert answer.status_code in _unseen(step, person), f"{name}: {answer.status_code} {answer.text}"
        else:
            _check(answer, _allowed(step, person, relations), name)


def _unseen(step: Step, person: Person) -> set[int]:
    """Nobody learns that there is something to refuse; a system without the scope is refused whatever there is."""
    return {404} if person.actor.kind == "user" else {403, 404}


def _allowed(step: Step, person: Person, relations: Sequence[Relation]) -> bool:
    if step.action.endswith(".read") and not relations:
        # Seen through one of its tasks; the table names that relation.
        relations = [Relation.LEAD]
    return policy.allowed(person.actor, step.action, relations)


def _check(answer: httpx.Response, allowed: bool, name: str) -> None:
    told = f"{name}: {answer.status_code} {answer.text}"
    assert answer.status_code < 500, told
    if allowed:
        assert answer.status_code not in REFUSED, told
    else:
        assert answer.status_code == 403, told


@pytest.mark.parametrize("operation", [name for name, step in WALK.items() if step.subject is Subject.NOBODYS])
async def test_what_is_nobodys_is_open_to_the_roles_that_the_table_names(place: Place, operation: str) -> None:
    for name, person in (*people(place.world, OURS), ("operator", operator(place.world))):
        # An operator has no organisation that could be a custodian.
        _check(await place.ask(person, operation), policy.allowed(person.actor, WALK[operation].action), name)


@pytest.mark.parametrize("operation", [name for name, step in WALK.items() if step.subject is Subject.ORGANIZATION])
async def test_an_organisation_is_administered_by_its_own_people(place: Place, operation: str) -> None:
    action = WALK[operation].action
    for name, person in (*people(place.world, OURS), ("operator", operator(place.world))):
        relations = [] if name == "operator" else [Relation.OWN]
        answer = await place.ask(person, operation)
        assert (answer.status_code not in REFUSED) == policy.allowed(person.actor, action, relations), (
            f"{name}: {answer.status_code} {answer.text}"
        )
    if operation.startswith("create_"):
        # It goes to the caller's own organisation, whatever that is.
        return
    for name, person in people(place.world, OTHERS):
        answer = await place.ask(person, operation)
        assert (answer.status_code not in REFUSED) == policy.allowed(person.actor, action), (
            f"{name}: {answer.status_code} {answer.text}"
        )


@pytest.mark.parametrize("operation", [*OWN_LISTS, *OF_ONES_ORGANIZATION])
async def test_a_list_is_open_to_whoever_may_read_what_is_in_it(place: Place, operation: str) -> None:
    action = (OWN_LISTS | OF_ONES_ORGANIZATION)[operation]
    every = [Relation.OWN] if operation in OF_ONES_ORGANIZATION else [Relation.PARTY]
    for name, person in people(place.world, OURS):
        _check(await place.ask(person, operation), policy.allowed(person.actor, action, every), name)


@pytest.mark.parametrize("operation", [name for name, step in WALK.items() if step.subject is Subject.SELF])
async def test_everybody_has_his_own_account_and_a_system_has_none(place: Place, operation: str) -> None:
    for role in sorted(MEMBERS):
        account = await place.world.registry.account(place.world.organizations[OURS], role)
        caller = place.world.registry.as_account(account)
        person = Person(caller.http, caller.actor, caller.token)
        _check(
            await place.ask(person, operation),
            policy.allowed(person.actor, WALK[operation].action, [Relation.SELF]),
            role,
        )
    answer = await place.ask(place.world.client(OURS, *policy.scopes()), operation)
    assert answer.status_code in REFUSED


@pytest.mark.parametrize("operation", sorted(WALK))
async def test_nothing_is_open_without_a_token(place: Place, operation: str) -> None:
    path, method, _ = operations(place.document)[operation]
    for name, value in place.ids.items():
        path = path.replace(f"{{{name}}}", value)
    answer = await place.world.http.request(method, path)
    assert answer.status_code == 401


def operator(world: World) -> Person:
    actor = Actor(id=uuid4(), kind="user", name="Quản trị hệ thống", roles=frozenset({Role.OPERATOR.value}))
    caller = world.registry.as_actor(actor)
    return Person(caller.http, caller.actor, caller.token)
