"""Impact ratios of Local Law 144: exact, and printed on their own side of a mark."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest

from metrics.impact import (
    FOUR_FIFTHS,
    Category,
    above_median,
    highest,
    impact_ratio,
    is_small,
    printed,
    table,
)


def rows(*counts: tuple[str, int, int], out: tuple[str, ...] = ()) -> list[Category]:
    return [Category((name,), x, n, name in out) for name, x, n in counts]


def ratios(made: dict) -> list[str | None]:
    return [row["ratio"]["printed"] for row in made["rows"]]


def test_a_category_at_exactly_two_percent_is_not_small() -> None:
    assert not is_small(20, 1000)
    assert is_small(19, 1000)
    assert not is_small(20_000_000_000_000_001, 10**18)
    assert is_small(19_999_999_999_999_999, 10**18)


def test_the_most_selected_category_has_the_ratio_one_and_so_has_each_that_ties_with_it() -> None:
    made = table(rows(("a", 1, 3), ("b", 2, 6), ("c", 1, 4)))
    assert ratios(made) == ["1.00", "1.00", "0.75"]
    assert made["highest"] == [["a"], ["b"]]


def test_equal_rates_tie_even_where_floats_would_not() -> None:
    assert 3 * 0.1 != 0.3
    big = 10**17
    made = table(rows(("a", 3 * big, 10 * big), ("b", 3 * big - 1, 10 * big)))
    assert made["rows"][1]["ratio"]["numerator"] < made["rows"][1]["ratio"]["denominator"]
    assert made["highest"] == [["a"]]


def test_a_left_out_category_with_the_highest_rate_is_not_the_denominator() -> None:
    made = table(rows(("a", 500, 1000), ("b", 400, 1000), ("tiny", 9, 10), out=("tiny",)))
    assert made["highest"] == [["a"]]
    assert ratios(made) == ["1.00", "0.80", None]
    tiny = made["rows"][2]
    assert tiny["ratio"]["undefined"] == "left-out"
    assert tiny["rate"]["printed"] == "90.0"
    assert (tiny["rate"]["numerator"], tiny["rate"]["denominator"]) == (9, 10)
    assert tiny["small"]


def test_kept_small_categories_do_take_part() -> None:
    made = table(rows(("a", 500, 1000), ("tiny", 9, 10)))
    assert ratios(made) == ["0.56", "1.00"]
    assert [row["small"] for row in made["rows"]] == [False, True]


def test_nobody_and_nobody_selected_are_reasons_not_numbers() -> None:
    made = table(rows(("a", 0, 5), ("b", 0, 0)))
    assert [r["ratio"]["undefined"] for r in made["rows"]] == ["nobody-selected", "no-applicants"]
    assert made["rows"][1]["rate"]["undefined"] == "no-applicants"
    assert made["rows"][0]["rate"]["printed"] == "0.0"
    assert highest([]) is None
    assert table([])["rows"] == []
    assert impact_ratio(None, Fraction(1, 2)) == (None, "no-applicants")


def test_other_categories_are_held_against_the_listed_ones_and_may_exceed_one() -> None:
    listed = rows(("a", 5, 10))
    made = table(rows(("z", 9, 10)), against=listed)
    assert ratios(made) == ["1.80"]
    assert made["highest"] == [["a"]]


def test_a_ratio_just_under_the_mark_keeps_its_side() -> None:
    exact = Fraction(79_996, 100_000)
    assert printed(exact, 2) == "0.80"
    assert printed(exact, 2, mark=FOUR_FIFTHS) == "0.79996"
    assert printed(Fraction(7_996, 10_000), 2, mark=FOUR_FIFTHS) == "0.7996"
    assert printed(Fraction(4, 5), 2, mark=FOUR_FIFTHS) == "0.80"
    assert printed(Fraction(80_001, 100_000), 2, mark=FOUR_FIFTHS) == "0.80"
    assert printed(Fraction(79_999_999, 100_000_000), 2, mark=FOUR_FIFTHS) == "0.799999"
    made = table(rows(("a", 50_000, 50_000), ("b", 79_996, 100_000)), mark=FOUR_FIFTHS)
    assert ratios(made) == ["1.00", "0.79996"]
    assert made["rows"][1]["ratio"]["below"] is True


def test_a_printed_ratio_is_on_the_side_of_the_exact_one_whatever_the_counts() -> None:
    rng = np.random.default_rng(5)
    for _ in range(3000):
        n = int(rng.integers(1, 10**8))
        value = Fraction(4 * n // 5 + int(rng.integers(-3, 4)), n)
        text = printed(value, 2, mark=FOUR_FIFTHS)
        assert (Fraction(text) < FOUR_FIFTHS) == (value < FOUR_FIFTHS), (value, text)
        assert abs(Fraction(text) - value) <= Fraction(1, 200)
        assert len(text.partition(".")[2]) <= 6


@pytest.mark.parametrize(("x", "n", "text"), [(1, 8, "0.13"), (1, 200, "0.01"), (5, 1, "5.00")])
def test_halves_round_away_from_zero_from_the_exact_fraction(x: int, n: int, text: str) -> None:
    assert printed(Fraction(x, n), 2) == text


def test_printing_agrees_with_decimal_arithmetic() -> None:
    rng = np.random.default_rng(6)
    for x, n in rng.integers(1, 2000, size=(3000, 2)).tolist():
        exact = (Decimal(x * 10**40) / Decimal(n)).scaleb(-40)
        assert printed(Fraction(x, n), 2) == str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
    assert printed(Fraction(-1, 8), 2) == "-0.13"
    assert printed(Fraction(7, 2), 0) == "4"


def test_people_at_the_median_do_not_count_as_above() -> None:
    found = above_median(np.array([1.0, 2.0, 2.0, 2.0, 3.0]))
    assert (found.value, found.ties) == (2.0, 3)
    assert found.above.tolist() == [False, False, False, False, True]


def test_with_an_even_number_of_people_the_upper_half_is_above() -> None:
    found = above_median(np.array([4.0, 1.0, 3.0, 2.0]))
    assert (found.value, found.lower, found.upper, found.ties) == (2.5, 2.0, 3.0, 0)
    assert found.above.tolist() == [True, False, True, False]


def test_neighbouring_floats_around_the_median_are_told_apart() -> None:
    low = 1.0
    high = np.nextafter(low, 2.0)
    assert (low + high) / 2 in (low, high)
    found = above_median(np.array([low, high]))
    assert found.above.tolist() == [False, True]


def test_one_person_is_at_the_median() -> None:
    found = above_median(np.array([0.4]))
    assert (found.ties, found.above.tolist()) == (1, [False])


def test_the_number_above_the_median_is_that_of_a_sort() -> None:
    rng = np.random.default_rng(7)
    for n in range(1, 60):
        scores = rng.integers(0, 8, size=n) / 7
        middle = Fraction(0)
        ordered = sorted(Fraction(float(s)) for s in scores)
        middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        expected = [Fraction(float(s)) > middle for s in scores]
        found = above_median(scores)
        assert found.above.tolist() == expected
        assert found.ties == sum(Fraction(float(s)) == middle for s in scores)


def test_the_example_of_the_rule_comes_out() -> None:
    made = table(rows(("Male", 667, 1390), ("Female", 555, 1181)))
    assert [r["rate"]["printed"] for r in made["rows"]] == ["48.0", "47.0"]
    assert ratios(made) == ["1.00", "0.98"]
    assert made["base"] == 2571


def test_the_interval_of_a_ratio_of_zero_begins_there() -> None:
    row = table([Category(("a",), 2, 2), Category(("b",), 0, 1)])["rows"][1]["ratio"]
    assert (row["printed"], row["low"]) == ("0.00", 0.0)
    assert row["high"] > 1.0
