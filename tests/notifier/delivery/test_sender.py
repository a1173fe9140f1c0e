"""Mails reach a real mail server: once, as themselves, and not for ever where it refuses them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from notifier.config import Settings
from notifier.delivery import repository
from notifier.delivery.errors import ServerAway
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from notifier.delivery.mailbox import Mailbox
from notifier.delivery.sender import Sender, send_role
from notifier.delivery.service import pause_after
from shared.auth import SYSTEM
from shared.events import SigningDeliveryFailed, parse_envelope
from shared.ids import new_id
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.delivery.conftest import PostOffice
from tests.notifier.factories import Body, agreement_event, person, signing, staffed, task_event
from tests.parts import Cluster

OVERDUE = date(2026, 10, 13)
SOON = date(2026, 10, 23)
LINKS = UnsubscribeLinks(b"0" * 32, "http://lienvung.test")


@asynccontextmanager
async def one_sender(settings: Settings, world: World) -> AsyncIterator[Sender]:
    sender = Sender(settings, world.database, LINKS)
    try:
        yield sender
    finally:
        await sender._mailbox.close()


async def alerted(world: World, body: Body, due_on: date = SOON) -> UUID:
    """The task of an alert that has just fired for everybody concerned."""
    event = task_event(body, due_on=due_on, moment=TUESDAY, title="Rà soát <b>xâm canh</b>\nBcc: x@y.z")
    await world.meet(body)
    await world.learn(event)
    await world.fire()
    return event.task.id


async def due_again(world: World) -> None:
    """As if every pause and lease were over."""
    await world.owner.execute("update delivery set ready_at = clock_timestamp() where status = 'queued'")


async def statuses(world: World) -> list[tuple[str, int]]:
    rows = await world.owner.fetch("select status, attempts from delivery order by created_at, id")
    return [(row["status"], row["attempts"]) for row in rows]


async def test_one_mail_for_each_recipient_and_step(world: World, mailing: Settings, post_office: PostOffice) -> None:
    body = staffed()
    task_id = await alerted(world, body, OVERDUE)
    async with one_sender(mailing, world) as sender:
        while await sender.send_next():
            pass
        assert not await sender.send_next()
    assert sorted(mail["X-Lienvung-Alert"] for mail in post_office.mails) == sorted(
        [
            f"{task_id}/1/default.v1/overdue_3/{body.of('specialist').account_id}/email",
            f"{task_id}/1/default.v1/escalation_5/{body.of('leader').account_id}/email",
        ]
    )
    assert sorted(mail["To"].addresses[0].addr_spec for mail in post_office.mails) == sorted(
        str(one.email) for one in body.people
    )
    assert await statuses(world) == [("sent", 1), ("sent", 1)]


async def test_the_mail_names_the_task_in_text_and_escapes_it_in_html(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    task_id = await alerted(world, staffed())
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    (mail,) = post_office.mails
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert f"http://lienvung.test/v1/tasks/{task_id}" in plain.get_content()
    assert "Rà soát <b>xâm canh</b>" in plain.get_content()
    assert "hết ngày 23/10/2026" in plain.get_content()
    assert "Rà soát &lt;b&gt;xâm canh&lt;/b&gt;" in html.get_content()
    assert mail["Subject"].startswith("[Liên Vùng] Còn 3 ngày làm việc (hạn 23/10/2026): Rà soát")
    assert mail["Bcc"] is None
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http://lienvung.test/v1/unsubscribe?token=")


@pytest.mark.parametrize(
    ("language", "subject", "lines"),
    [
        (
            "vi",
            "[Liên Vùng] Sắp đến hạn ký, còn 3 ngày làm việc (hạn ký 23/10/2026): Kế hoạch phối hợp vùng giáp ranh",
            (
                "Thỏa thuận chờ ký: Kế hoạch phối hợp vùng giáp ranh (số 12-KH/TU)",
                "Đơn vị quản lý thỏa thuận: Thị ủy Chí Linh",
                "Vai trò của đơn vị được nhắc: phê duyệt",
                "Hạn ký: hết ngày 23/10/2026",
                "Xem và ký: http://lienvung.test/v1/agreements/{id}",
            ),
        ),
        (
            "en",
            "[Liên Vùng] 3 working days left to sign (sign by 23/10/2026): Kế hoạch phối hợp vùng giáp ranh",
            (
                "Agreement to be signed: Kế hoạch phối hợp vùng giáp ranh (no. 12-KH/TU)",
                "Custodian: Thị ủy Chí Linh",
                "Role of the organisation reminded: approver",
                "Sign by: the end of 23/10/2026",
                "Read and sign: http://lienvung.test/v1/agreements/{id}",
            ),
        ),
    ],
)
async def test_a_reminder_to_sign_leads_to_the_agreement_and_speaks_of_no_task(
    world: World, mailing: Settings, post_office: PostOffice, language: str, subject: str, lines: tuple[str, ...]
) -> None:
    body = Body(people=(person("leader", language=language),))
    event = agreement_event(
        signing(Body("Thị ủy Chí Linh"), signed_at=TUESDAY),
        signing(body, role="approver"),
        sign_by=SOON,
        moment=TUESDAY,
        number="12-KH/TU",
    )
    await world.meet(body)
    await world.learn(event)
    await world.fire()
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
        assert not await sender.send_next()
    (mail,) = post_office.mails
    assert mail["Subject"] == subject
    assert mail["X-Lienvung-Alert"].startswith(f"{event.agreement.id}/1/signing.v1/before_3/")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert f"http://lienvung.test/v1/agreements/{event.agreement.id}" in text
        assert not any(word in text for word in ("/v1/tasks/", "Nhiệm vụ", "nhiệm vụ", "chủ trì", "Task", "task"))
        if kind == "plain":
            assert [line for line in lines if line.format(id=event.agreement.id) not in text] == []


async def test_where_the_custodian_is_no_party_the_reminder_leaves_it_out(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    body = staffed()
    await world.meet(body)
    await world.learn(agreement_event(signing(body), sign_by=SOON, moment=TUESDAY, custodian_organization_id=new_id()))
    await world.fire()
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    (mail,) = post_office.mails
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "Đơn vị quản lý" not in plain.get_content()


async def test_a_reminder_to_sign_that_cannot_be_delivered_fails_with_an_event_of_its_own(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    body, other = staffed(), staffed()
    event = agreement_event(signing(body), signing(other, signed_at=TUESDAY), sign_by=SOON, moment=TUESDAY)
    await world.meet(body, other)
    await world.learn(event)
    await world.fire()
    post_office.refusals = ["550 no such person"]
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    (row,) = await world.owner.fetch("select payload::text from outbox where type like '%failed%'")
    failed = parse_envelope(row["payload"]).data
    assert isinstance(failed, SigningDeliveryFailed)
    assert failed.members == [body.id]
    assert (failed.alert.agreement_id, failed.alert.reason) == (event.agreement.id, "smtp 550")


async def test_the_link_to_unsubscribe_stands_in_its_header_as_it_is(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    body = staffed()
    await alerted(world, body)
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    link = LINKS.url(body.of("specialist").account_id)
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in post_office.raw[0]
    assert all(len(line) <= 998 for line in post_office.raw[0].split(b"\r\n"))


async def test_a_person_who_reads_english_gets_english(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    await alerted(world, Body(people=(person("specialist", language="en"),)))
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    (mail,) = post_office.mails
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "3 working days left" in mail["Subject"]
    assert "Deadline: the end of 23/10/2026" in plain.get_content()


async def test_the_trace_goes_on_into_the_mail(world: World, mailing: Settings, post_office: PostOffice) -> None:
    await alerted(world, staffed())
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    await world.owner.execute("update delivery set traceparent = $1", f"00-{trace_id}-b7ad6b7169203331-01")
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    assert post_office.mails[0]["traceparent"].split("-")[1] == trace_id


async def test_a_sender_killed_before_its_commit_doubles_that_one_mail_as_itself(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    await alerted(world, staffed(), OVERDUE)
    # What a sender does up to the server's answer; it is killed before it can write that down.
    async with world.database.write(SYSTEM) as connection:
        letter = await repository.claim(connection, timedelta(seconds=120))
    assert letter is not None
    mailbox = Mailbox(mailing.smtp_url, timeout=5)
    await mailbox.send(
        compose(letter, mail_from=mailing.mail_from, public_url="http://x", links=LINKS, traceparent=None)
    )
    await mailbox.close()
    async with one_sender(mailing, world) as sender:
        while await sender.send_next():
            pass
        assert len(post_office.mails) == 2
        await due_again(world)
        while await sender.send_next():
            pass
    ids = [mail["Message-ID"] for mail in post_office.mails]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert ids.count(f"<{letter.id}@lienvung.example>") == 2


async def test_a_mail_that_was_taken_while_the_database_went_away_is_not_sent_again(
    world: World, mailing: Settings, post_office: PostOffice, cluster: Cluster, notifier_database: DatabaseAddress
) -> None:
    name = notifier_database.name
    await alerted(world, staffed())
    admin = await asyncpg.connect(cluster.admin_url)
    try:
        async with one_sender(mailing, world) as sender:
            post_office.hold()
            sending = asyncio.create_task(sender.send_next())
            await post_office.arrived.wait()
            await admin.execute(f'alter database "{name}" connection limit 0')
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename like '%_app'",
                name,
            )
            post_office.release()
            done, _ = await asyncio.wait([sending], timeout=0.5)
            assert not done
            await admin.execute(f'alter database "{name}" connection limit -1')
            assert await sending
            await due_again(world)
            assert not await sender.send_next()
    finally:
        await admin.execute(f'alter database "{name}" connection limit -1')
        await admin.close()
    assert (await statuses(world), len(post_office.mails)) == ([("sent", 1)], 1)


async def test_a_sender_that_lost_its_lease_writes_nothing_down(world: World, mailing: Settings) -> None:
    await alerted(world, staffed())
    async with world.database.write(SYSTEM) as connection:
        slow = await repository.claim(connection, timedelta(0))
        fresh = await repository.claim(connection, timedelta(seconds=120))
        assert slow is not None
        assert fresh is not None
        assert not await repository.finish(connection, slow, "sent")
        assert await repository.finish(connection, fresh, "sent")


async def test_a_mail_refused_for_the_moment_is_tried_again_later(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    await alerted(world, staffed())
    post_office.refusals = ["451 try again"]
    async with one_sender(mailing, world) as sender:
        assert await sender.send_next()
        assert not await sender.send_next()
        assert await statuses(world) == [("queued", 1)]
        await due_again(world)
        assert await sender.send_next()
    assert (await statuses(world), len(post_office.mails)) == ([("sent", 2)], 1)


async def test_pauses_double_up_to_an_hour(mailing: Settings) -> None:
    pauses = [pause_after(attempts, mailing).total_seconds() for attempts in range(1, 11)]
    assert pauses == [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.parametrize(("answer", "attempts"), [("550 no such person", 1), ("451 try again", 8)])
async def test_a_mail_that_cannot_be_delivered_fails_for_good_with_one_event(
    world: World, mailing: Settings, post_office: PostOffice, answer: str, attempts: int
) -> None:
    body = staffed()
    task_id = await alerted(world, body)
    post_office.refusals = [answer] * 20
    async with one_sender(mailing, world) as sender:
        for _ in range(12):
            await due_again(world)
            await sender.send_next()
    assert await statuses(world) == [("failed", attempts)]
    rows = await world.owner.fetch("select payload::text from outbox where type = 'vn.lienvung.delivery.failed.v1'")
    (failed,) = [parse_envelope(row["payload"]).data for row in rows]
    assert failed.model_dump(mode="json")["alert"]["task_id"] == str(task_id)
    assert failed.model_dump(mode="json")["alert"]["reason"] == f"smtp {answer[:3]}"
    assert failed.members == [body.id]
    assert str(body.of("specialist").email) not in rows[0]["payload"]


@pytest.mark.parametrize("address", ["nobody", "a@b@c", "a b@c.d", "đông@triều.vn", "x@y.z\nBcc: q@r.s", "@", "a@"])
async def test_an_address_that_is_none_fails_and_holds_nothing_up(
    world: World, mailing: Settings, post_office: PostOffice, address: str
) -> None:
    await alerted(world, Body(people=(person("specialist", email=address), person("specialist"))))
    async with one_sender(mailing, world) as sender:
        while await sender.send_next():
            pass
    assert sorted(await statuses(world)) == [("failed", 1), ("sent", 1)]
    assert len(post_office.mails) == 1


async def test_a_mail_that_kills_its_senders_is_given_up(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    await alerted(world, staffed())
    await world.owner.execute("update delivery set attempts = $1", mailing.send_attempts)
    async with one_sender(mailing, world) as sender:
        await sender.send_next()
    assert ([status for status, _ in await statuses(world)], post_office.mails) == (["failed"], [])


async def test_a_server_that_is_away_costs_no_attempt(world: World, mailing: Settings, post_office: PostOffice) -> None:
    await alerted(world, staffed())
    await post_office.close()
    async with one_sender(mailing, world) as sender:
        with contextlib.suppress(ServerAway):
            await sender.send_next()
        assert await statuses(world) == [("queued", 0)]
        await post_office.open()
        assert await sender.send_next()
    assert await statuses(world) == [("sent", 1)]


async def test_somebody_who_opted_out_gets_the_alert_and_no_mail(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    body = staffed()
    task_id = await alerted(world, body)
    await world.owner.execute("insert into mail_optout values ($1, now())", body.of("specialist").account_id)
    async with one_sender(mailing, world) as sender:
        while await sender.send_next():
            pass
    assert post_office.mails == []
    assert await statuses(world) == [("withdrawn", 1)]
    assert len(await world.told(task_id)) == 1


async def test_two_senders_at_once_send_each_mail_once(
    world: World, mailing: Settings, post_office: PostOffice
) -> None:
    bodies = [Body(f"Đơn vị {number}", tuple(person("specialist") for _ in range(4))) for number in range(5)]
    await world.meet(*bodies)
    await world.learn(*(task_event(body, due_on=SOON, moment=TUESDAY) for body in bodies))
    await world.fire()
    stop = asyncio.Event()
    roles = asyncio.gather(*(send_role(mailing, world.database)(stop) for _ in range(3)))
    async with asyncio.timeout(30):
        while len(post_office.mails) < 20:
            await post_office.arrived.wait()
            post_office.arrived.clear()
    stop.set()
    await roles
    assert len(post_office.mails) == len({mail["Message-ID"] for mail in post_office.mails}) == 20


async def test_due_mails_are_found_by_index_however_many_wait(world: World) -> None:
    await alerted(world, staffed())
    await world.owner.execute(
        "insert into alert select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(),"
        " 'recipient_id', gen_random_uuid()))).* from alert a, generate_series(1, 3000)"
    )
    await world.owner.execute(
        "insert into delivery (alert_id, channel, organization_id, recipient_id, ready_at)"
        " select id, 'email', organization_id, recipient_id, now() + interval '1 hour' from alert"
        " on conflict do nothing"
    )
    await world.owner.execute("analyze delivery")
    async with world.database.read(SYSTEM) as connection:
        plan = await connection.fetch(
            "explain select id from delivery where status = 'queued' and ready_at <= statement_timestamp()"
            " order by ready_at limit 1 for update skip locked"
        )
    assert any("Index Cond" in row[0] and "ready_at" in row[0] for row in plan)
