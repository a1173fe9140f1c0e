"""Another domain lets documents be attached to its records by one entry, and nothing else."""

import pytest

from agreements_api.documents import repository
from agreements_api.documents.models import SUBJECT_WORDING, SubjectKind
from agreements_api.documents.permissions import may_add
from agreements_api.documents.repository import Origin
from agreements_api.policy import Relation
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.documents.files import attached, send

# Open points stand for whatever the other domain keeps: they are of an agreement, and settled ones are kept.
_STATEMENT = """
select o.agreement_id, null::uuid as task_id, null::uuid as owner_id, true as open,
    array(select distinct m.relation from agreement_member m
        where m.agreement_id = o.agreement_id and m.organization_id = $1) as relations,
    case when o.state = 'resolved' then o.updated_at end as kept_until
from open_point o
where o.id = $2 and exists (select from agreement_access x
    where x.agreement_id = o.agreement_id and x.organization_id = $1)
"""


async def test_a_record_of_another_domain_takes_documents(
    world: World, plan: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person("chilinh")
    found = {"kind": "shortcoming", "text": "Phối hợp chưa thường xuyên (minh họa).", "raised_by": "Sơ kết"}
    point = accepted(await person.post(f"/v1/agreements/{plan['id']}/open-points", found), 201)
    subject = ("meeting", point["id"])
    # Until it is entered, there is no such record.
    problem(await send(person, subject), 404)
    monkeypatch.setitem(repository.SUBJECTS, SubjectKind.MEETING, Origin(row="o", statement=_STATEMENT))
    document = await attached(person, subject)
    assert (document["subject_kind"], document["agreement_id"]) == ("meeting", plan["id"])
    assert [one["id"] for one in (await person.read("/v1/documents", subject_id=point["id"]))["items"]] == [
        document["id"]
    ]
    problem(await send(world.person("elsewhere"), subject), 404)
    await person.step(f"/v1/open-points/{point['id']}", "resolve", {"remark": "Đã họp định kỳ"})
    problem(await person.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"}), 409, "document_kept")


def test_every_kind_has_its_words_and_somebody_who_may_attach(world: World) -> None:
    actor = world.specialist("chilinh").actor
    assert set(SUBJECT_WORDING) == set(SubjectKind)
    for kind in SubjectKind:
        assert may_add(actor, kind, [Relation.CUSTODIAN])
        assert not may_add(actor, kind, [Relation.SUPERIOR])
