"""The rule of who answers, without a database."""

from datetime import date
from typing import Any
from uuid import UUID

from agreements_api.party_succession.answering import Successor, judge


def successor(name: str, **given: Any) -> Successor:
    values: dict[str, Any] = {
        "unit_id": UUID(int=sum(name.encode())),
        "name": name,
        "level": "commune",
        "type": "Phường",
        "sort_key": name,
        "is_default": True,
        "partial": False,
        "parts": 0,
        "effective_on": date(2025, 7, 1),
        "kind": "rearrangement",
        "legal_basis": None,
    }
    return Successor(**values | given)


def test_one_whole_successor_answers_by_itself() -> None:
    verdict = judge([successor("A")])
    assert (verdict.successor, verdict.provisional) == (successor("A"), False)


def test_a_single_successor_of_a_part_is_only_proposed() -> None:
    assert judge([successor("A", partial=True)]).provisional


def test_of_a_divided_unit_the_default_is_proposed() -> None:
    verdict = judge([successor("A", partial=True, is_default=False), successor("B", partial=True)])
    assert (verdict.successor, verdict.provisional) == (successor("B", partial=True), True)
    assert [one.name for one in verdict.candidates] == ["B", "A"]


def test_of_a_districts_successors_the_one_that_took_in_most_communes_is_proposed() -> None:
    verdict = judge([successor("A", parts=2), successor("B", parts=3), successor("C", parts=3)])
    assert [one.name for one in verdict.candidates] == ["B", "C", "A"]
    assert verdict.provisional


def test_whom_nobody_follows_nobody_answers_for() -> None:
    verdict = judge([])
    assert (verdict.successor, verdict.provisional, verdict.candidates) == (None, False, ())
