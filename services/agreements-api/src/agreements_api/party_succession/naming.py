"""How an organisation is named that takes the place of another, where nobody has registered it. Pure functions."""

from dataclasses import dataclass

from agreements_api.localities.models import OrganizationKind, UnitLevel
from shared.text import fold

# How the party committee of a unit above the communes is called after the unit's type.
_COMMITTEES = {
    "Tỉnh": "Tỉnh ủy",
    "Thành phố": "Thành ủy",
    "Thị xã": "Thị ủy",
    "Quận": "Quận ủy",
    "Huyện": "Huyện ủy",
}
_ONE_OF_A_KIND = frozenset({OrganizationKind.STANDING_COMMITTEE.value, OrganizationKind.PEOPLES_COMMITTEE.value})


@dataclass(frozen=True)
class Place:
    """The unit that an organisation acts for."""

    name: str
    type: str
    level: str


def same_body(kind: str, name: str, unit_name: str, other_name: str, other_unit_name: str) -> bool:
    """Whether two organisations of one kind do the same work, each for its unit: a unit has many departments."""
    if kind in _ONE_OF_A_KIND:
        return True
    return fold(_without_unit(name, unit_name)) == fold(_without_unit(other_name, other_unit_name))


def name_for(kind: str, old_name: str, old_unit_name: str, place: Place) -> str:
    """The name in the new unit of what bore `old_name` in the old one."""
    if kind == OrganizationKind.STANDING_COMMITTEE:
        return f"Ban Thường vụ {_party_committee(place)}"
    if kind == OrganizationKind.PEOPLES_COMMITTEE:
        written_out = fold(old_name).startswith(fold("Ủy ban nhân dân"))
        return f"{'Ủy ban nhân dân' if written_out else 'UBND'} {_in_a_sentence(place.name)}"
    return f"{_without_unit(old_name, old_unit_name)} {_in_a_sentence(place.name)}"


def _party_committee(place: Place) -> str:
    if place.level == UnitLevel.COMMUNE:
        return f"Đảng ủy {_in_a_sentence(place.name)}"
    return f"{_COMMITTEES.get(place.type, 'Đảng ủy')} {place.name.removeprefix(place.type).strip()}"


def _in_a_sentence(name: str) -> str:
    return name[:1].lower() + name[1:]


def _without_unit(name: str, unit_name: str) -> str:
    """`Phòng Kinh tế thị xã Đông Triều` of `Thị xã Đông Triều` is `Phòng Kinh tế`."""
    if name.casefold().endswith(unit_name.casefold()):
        return name[: -len(unit_name)].strip() or name
    return name
