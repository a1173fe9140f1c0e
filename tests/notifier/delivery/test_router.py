"""Stopping the mails by the link in a mail."""

from notifier.delivery.links import UnsubscribeLinks
from shared.auth import SYSTEM
from tests.notifier.conftest import Door, World, problem
from tests.notifier.factories import Body, person, staffed


async def link_for(world: World, body: Body) -> str:
    """The link as a mail to the organisation's specialist carries it."""
    async with world.database.read(SYSTEM) as connection:
        secret = await connection.fetchval("select value from service_secret where name = 'unsubscribe'")
    return UnsubscribeLinks(secret, "http://lienvung.test").url(body.of("specialist").account_id)


async def opted_out(world: World) -> int:
    count: int = await world.owner.fetchval("select count(*) from mail_optout")
    return count


async def test_opening_the_link_changes_nothing(world: World, door: Door) -> None:
    body = staffed()
    await world.meet(body)
    answer = await door.http.get(await link_for(world, body))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Ngừng nhận thư" in answer.text
    assert await opted_out(world) == 0


async def test_one_click_stops_the_mails_and_the_page_offers_them_again(world: World, door: Door) -> None:
    body = staffed()
    await world.meet(body)
    link = await link_for(world, body)
    for _ in range(2):
        answer = await door.http.post(link, data={"List-Unsubscribe": "One-Click"})
        assert "Đã ngừng gửi thư" in answer.text
    assert await opted_out(world) == 1
    assert "Nhận lại thư" in (await door.http.get(link)).text
    await door.http.post(link, data={"action": "resubscribe"})
    assert await opted_out(world) == 0


async def test_the_page_speaks_the_persons_language(world: World, door: Door) -> None:
    body = Body(people=(person("specialist", language="en"),))
    await world.meet(body)
    assert "Stop these mails" in (await door.http.get(await link_for(world, body))).text


async def test_a_forged_link_is_refused(world: World, door: Door) -> None:
    body = staffed()
    link = await link_for(world, body)
    for forged in (link[:-2] + "AA", "/v1/unsubscribe?token=x", "/v1/unsubscribe?token=AAAA"):
        assert problem(await door.http.post(forged), 400)["code"] == "unknown_token"
    problem(await door.http.post("/v1/unsubscribe"), 422)
    assert await opted_out(world) == 0
