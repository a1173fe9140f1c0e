"""Organisations by what people call them."""

from datetime import date
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from agreements_api.imports.directory import Directory, Entry
from agreements_api.imports.values import NotUnderstood

TODAY = date(2026, 11, 24)


def entry(
    name: str, unit: str, *, short: str | None = None, until: date | None = None, above: str | None = None
) -> Entry:
    return Entry(uuid5(NAMESPACE_OID, name), name, short, unit, until, above)


KINH_MON = entry("UBND thị xã Kinh Môn", "Thị xã Kinh Môn")
CHI_LINH = entry("UBND thành phố Chí Linh", "Thành phố Chí Linh")
CULTURE = entry("Sở Văn hóa, Thể thao và Du lịch", "Tỉnh Hải Dương", short="Sở VHTTDL")
TOURISM = entry("Sở Du lịch", "Tỉnh Quảng Ninh")
DIRECTORY = Directory([KINH_MON, CHI_LINH, CULTURE, TOURISM], TODAY)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("UBND thị xã Kinh Môn", KINH_MON),
        ("ubnd tx. kinh mon", KINH_MON),
        ("Ủy ban nhân dân TX Kinh Môn", KINH_MON),
        ("thị xã Kinh Môn", KINH_MON),
        ("Kinh Môn", KINH_MON),
        ("TP Chí Linh", CHI_LINH),
        ("Sở VHTTDL", CULTURE),
        (str(CULTURE.id), CULTURE),
    ],
)
def test_an_organisation_has_many_names(text: str, meant: Entry) -> None:
    assert DIRECTORY.find(text) is meant


def test_nobody_of_the_name_is_said() -> None:
    with pytest.raises(NotUnderstood) as error:
        DIRECTORY.find("UBND huyện Không Có")
    assert error.value.code == "unknown_organization"
    with pytest.raises(NotUnderstood):
        DIRECTORY.find(str(UUID(int=7)))


def test_of_several_nobody_is_guessed_and_all_are_named() -> None:
    party, people = entry("Ban Thường vụ Thị ủy Kinh Môn", "Thị xã Kinh Môn"), KINH_MON
    with pytest.raises(NotUnderstood) as error:
        Directory([party, people], TODAY).find("thị xã Kinh Môn")
    assert error.value.code == "ambiguous_organization"
    for one in (party, people):
        assert one.name in error.value.wording["vi"]
        assert str(one.id) in error.value.wording["en"]


def test_most_of_many_are_only_counted() -> None:
    many = [entry("UBND phường Trần Phú", "Phường Trần Phú", above=f"UBND tỉnh {at}") for at in range(9)]
    with pytest.raises(NotUnderstood) as error:
        Directory(many, TODAY).find("UBND P. Trần Phú")
    assert "UBND tỉnh 0" in error.value.wording["vi"]
    assert "4 cơ quan khác" in error.value.wording["vi"]


def test_a_unit_of_today_is_meant_before_one_that_has_ended() -> None:
    past = entry("UBND thị xã Kinh Môn", "Thị xã Kinh Môn", until=date(2025, 6, 30))
    present = entry("UBND phường Kinh Môn", "Phường Kinh Môn")
    assert Directory([past, present], TODAY).find("Kinh Môn") is present
    assert Directory([past, present], TODAY).find("UBND thị xã Kinh Môn") is past
    assert Directory([past], TODAY).find("Kinh Môn") is past


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("UBND thị xã Kinh Môn, TP Chí Linh", [KINH_MON, CHI_LINH]),
        ("Sở Văn hóa, Thể thao và Du lịch", [CULTURE]),
        ("Sở Văn hóa, Thể thao và Du lịch, Sở Du lịch", [CULTURE, TOURISM]),
        ("TX Kinh Môn và TP Chí Linh", [KINH_MON, CHI_LINH]),
    ],
)
def test_commas_and_words_between_names_are_told_from_those_within(line: str, meant: list[Entry]) -> None:
    assert [found for found, _ in DIRECTORY.find_all(line)] == meant
