"""How organisations are named that take the places of others."""

import pytest

from agreements_api.party_succession.naming import Place, name_for, same_body

WARD = Place("Phường Chí Linh", "Phường", "commune")
ISLAND = Place("Đặc khu Cô Tô", "Đặc khu", "commune")
CITY = Place("Thành phố Hải Phòng", "Thành phố", "province")
PROVINCE = Place("Tỉnh Bắc Ninh", "Tỉnh", "province")
UPGRADED = Place("Thành phố Đông Triều", "Thành phố", "district")


@pytest.mark.parametrize(
    ("kind", "old", "unit", "place", "name"),
    [
        ("peoples_committee", "UBND thị xã A", "Thị xã A", WARD, "UBND phường Chí Linh"),
        ("peoples_committee", "Ủy ban nhân dân thị xã A", "Thị xã A", CITY, "Ủy ban nhân dân thành phố Hải Phòng"),
        ("standing_committee", "Ban Thường vụ Thị ủy A", "Thị xã A", WARD, "Ban Thường vụ Đảng ủy phường Chí Linh"),
        ("standing_committee", "Ban Thường vụ Huyện ủy A", "Huyện A", ISLAND, "Ban Thường vụ Đảng ủy đặc khu Cô Tô"),
        ("standing_committee", "Ban Thường vụ Tỉnh ủy A", "Tỉnh A", PROVINCE, "Ban Thường vụ Tỉnh ủy Bắc Ninh"),
        ("standing_committee", "Ban Thường vụ Tỉnh ủy A", "Tỉnh A", CITY, "Ban Thường vụ Thành ủy Hải Phòng"),
        ("standing_committee", "Ban Thường vụ Thị ủy A", "Thị xã A", UPGRADED, "Ban Thường vụ Thành ủy Đông Triều"),
        ("department", "Phòng Kinh tế thị xã A", "Thị xã A", WARD, "Phòng Kinh tế phường Chí Linh"),
        ("department", "Phòng Kinh tế", "Thị xã A", WARD, "Phòng Kinh tế phường Chí Linh"),
        ("other", "Hội Nông dân Thị xã A", "Thị xã A", WARD, "Hội Nông dân phường Chí Linh"),
    ],
)
def test_the_name_is_that_of_its_like_in_the_new_unit(kind: str, old: str, unit: str, place: Place, name: str) -> None:
    assert name_for(kind, old, unit, place) == name


def test_a_unit_has_one_committee_of_a_kind_and_many_departments() -> None:
    assert same_body("peoples_committee", "UBND thị xã A", "Thị xã A", "Ủy ban nhân dân phường B", "Phường B")
    assert same_body("department", "Phòng Kinh tế thị xã A", "Thị xã A", "Phòng Kinh tế phường B", "Phường B")
    assert not same_body("department", "Phòng Kinh tế thị xã A", "Thị xã A", "Phòng Văn hóa phường B", "Phường B")
