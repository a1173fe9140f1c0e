"""The table says what was measured, beside what, and what was missed."""

from tests.load.table import Row, misses, rate_row, render


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_the_figures() -> None:
    row = rate_row("reads", [100, 300, 90], [200, 1000, 100], "raw", at_least=0.4)

    assert row.ratio == "0.50 ×"
    assert row.met


def test_a_ratio_below_what_is_wanted_is_not_met() -> None:
    assert rate_row("reads", [39], [100], "raw", at_least=0.4).verdict == "NOT MET"


def test_nothing_is_met_where_nothing_is_wanted() -> None:
    assert rate_row("reads", [39], [100], "raw").verdict == ""


def test_columns_stand_under_each_other() -> None:
    text = render([Row("a", "1/s", "b 2/s", "0.50 ×", "≥ 0.4 ×", True), Row("longer work", "1,000/s")])
    head, _, first, second = text.splitlines()

    ends = head.index("figure") + len("figure")
    assert first[:ends].endswith("1/s")
    assert second[:ends].endswith("1,000/s")
    assert first.endswith("met")


def test_misses_are_listed_with_what_was_wanted() -> None:
    rows = [Row("reads", "1/s", ratio="0.10 ×", wanted="≥ 0.4 ×", met=False), Row("writes", "2/s", met=True)]

    assert misses(rows).splitlines() == ["Not met:", "  reads: 0.10 ×, wanted ≥ 0.4 ×"]
    assert "was met" in misses(rows[1:])
