"""Members of an agreement hear in their feed what was attached to it."""

from uuid import UUID, uuid4

from notifier.feed.consumers import HANDLERS
from shared.events import DocumentAdded, DocumentRemoved, DocumentSnapshot, Envelope, EventActor
from tests.notifier.conftest import TUESDAY, Door, World
from tests.notifier.factories import envelope_of, staffed
from tests.notifier.feed.conftest import ids, put


def document(kind: type[DocumentAdded] | type[DocumentRemoved], agreement_id: UUID, member: UUID) -> Envelope:
    snapshot = DocumentSnapshot(
        id=uuid4(),
        version=1,
        agreement_id=agreement_id,
        subject_kind="agreement",
        subject_id=agreement_id,
        name="Biên bản (minh họa).pdf",
        media_type="application/pdf",
        size=1,
        digest="0" * 64,
        organization_id=member,
        organization_name="UBND",
        created_at=TUESDAY,
    )
    actor = EventActor(id=uuid4(), kind="user", name="A")
    return envelope_of(kind(version=1, actor=actor, occurred_at=TUESDAY, members=[member], document=snapshot))


async def test_members_hear_what_is_attached_and_removed(world: World, door: Door) -> None:
    assert {DocumentAdded.type, DocumentRemoved.type} <= HANDLERS.keys()
    body, agreement_id = staffed(), uuid4()
    told = [document(kind, agreement_id, body.id) for kind in (DocumentAdded, DocumentRemoved)]
    await put(world, *told)
    heard = (await door.caller(body).get("/v1/events", agreement_id=str(agreement_id))).json()["items"]
    assert [event["id"] for event in heard] == ids(told)
    assert (await door.caller(staffed()).get("/v1/events")).json()["items"] == []
