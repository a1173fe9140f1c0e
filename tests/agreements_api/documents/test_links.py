"""Links that are good for one document, one organisation and a short time."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from agreements_api.documents.errors import LinkExpired, LinkInvalid
from agreements_api.documents.links import Links
from shared import clock

DOCUMENT, ORGANIZATION = uuid4(), uuid4()


def parts(path: str) -> tuple[UUID, UUID, int, str]:
    split = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return UUID(split.path.split("/")[3]), UUID(query["for"]), int(query["expires"]), query["signature"]


@pytest.fixture
def links() -> Links:
    return Links(b"secret", lifetime=timedelta(minutes=5))


def test_a_link_is_good_as_it_was_given_out(links: Links) -> None:
    path, expires_at = links.make(DOCUMENT, ORGANIZATION)
    links.check(*parts(path))
    left = expires_at - clock.wall_now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


def test_moving_the_products_clock_ends_no_link(links: Links) -> None:
    path, _ = links.make(DOCUMENT, ORGANIZATION)
    clock.set_offset(timedelta(days=3))
    try:
        links.check(*parts(path))
    finally:
        clock.set_offset(timedelta())


def test_a_link_for_another_document_organisation_or_time_is_none(links: Links) -> None:
    document, organization, expires, signature = parts(links.make(DOCUMENT, ORGANIZATION)[0])
    for changed in (
        (uuid4(), organization, expires, signature),
        (document, uuid4(), expires, signature),
        (document, organization, expires + 1, signature),
        (document, organization, expires, "é" * 32),
        (document, organization, expires, ""),
    ):
        with pytest.raises(LinkInvalid):
            links.check(*changed)


def test_another_secret_makes_other_links(links: Links) -> None:
    path, _ = Links(b"another", lifetime=timedelta(minutes=5)).make(DOCUMENT, ORGANIZATION)
    with pytest.raises(LinkInvalid):
        links.check(*parts(path))


def test_a_link_ends() -> None:
    links = Links(b"secret", lifetime=timedelta(seconds=-2))
    path, _ = links.make(DOCUMENT, ORGANIZATION)
    with pytest.raises(LinkExpired):
        links.check(*parts(path))
