"""The four-fifths rule against brute force, scipy and worked examples."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from metrics import adverse_impact as ai
from metrics.groups import Attribute
from tests.documents import sound


def rows(counts: dict[str, tuple[int, int]]) -> tuple[Attribute, np.ndarray]:
    """An attribute and decisions with `selected, applicants` in each group."""
    codes, decision = [], []
    for code, (x, n) in enumerate(counts.values()):
        codes += [code] * n
        decision += [1] * x + [0] * (n - x)
    return Attribute("race", tuple(counts), np.array(codes)), np.array(decision)


def exact_fisher(x1: int, n1: int, x0: int, n0: int) -> tuple[Fraction, Fraction]:
    """Two-sided p and mid-p from whole numbers alone."""
    hits, total = x1 + x0, n1 + n0
    law = {
        k: Fraction(comb(n1, k) * comb(n0, hits - k), comb(total, hits))
        for k in range(max(0, hits - n0), min(n1, hits) + 1)
    }
    seen = law[x1]
    p = sum((v for v in law.values() if v <= seen), Fraction(0))
    alike = sum((v for v in law.values() if v == seen), Fraction(0))
    return p, p - alike / 2


def small_tables() -> list[tuple[int, int, int, int]]:
    sizes = (1, 2, 5, 9, 14)
    return [
        (x1, n1, x0, n0)
        for n1, n0 in itertools.product(sizes, sizes)
        for x1 in range(n1 + 1)
        for x0 in range(1, n0 + 1)
    ]


def test_the_exact_test_is_the_sum_over_every_table() -> None:
    for table in small_tables():
        p, mid = exact_fisher(*table)
        found = ai.fisher(*table)
        assert found == pytest.approx((float(p), float(mid)), abs=1e-12), table


def test_the_exact_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n1, n0 = (int(v) for v in rng.integers(1, 400, 2))
        x1, x0 = int(rng.integers(0, n1 + 1)), int(rng.integers(0, n0 + 1))
        expected = stats.fisher_exact([[x1, n1 - x1], [x0, n0 - x0]]).pvalue
        assert ai.fisher(x1, n1, x0, n0)[0] == pytest.approx(expected, rel=1e-9)


def test_the_large_sample_test_is_the_root_of_the_uncorrected_chi_square() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        n1, n0 = (int(v) for v in rng.integers(150, 3000, 2))
        x1, x0 = int(rng.integers(20, n1 - 20)), int(rng.integers(20, n0 - 20))
        found = ai.two_sample(x1, n1, x0, n0)
        if found["method"] == "fisher":
            continue
        table = [[x1, n1 - x1], [x0, n0 - x0]]
        chi = stats.chi2_contingency(table, correction=False)
        assert found["z"] ** 2 == pytest.approx(chi.statistic, rel=1e-9)
        assert found["p"] == pytest.approx(chi.pvalue, rel=1e-9)
        assert (found["z"] > 0) == (x1 * n0 > x0 * n1)
        assert found["deviations"] == abs(found["z"])


@pytest.mark.parametrize(
    ("table", "method"),
    [
        ((50, 100, 50, 100), "z"),  # 200 people, 50 expected
        ((50, 100, 50, 99), "fisher"),  # 199 people
        ((3, 40, 97, 760), "z"),  # 40 * 100 / 800 = 5 expected, not fewer
        ((3, 40, 96, 760), "fisher"),  # 4.95 expected
        ((997, 1000, 998, 1000), "fisher"),  # 2.5 not selected expected
    ],
)
def test_which_test_is_used_is_settled_in_whole_numbers(
    table: tuple[int, int, int, int], method: str
) -> None:
    assert ai.two_sample(*table)["method"] == method


def test_nobody_or_everybody_selected_has_no_deviation_and_no_significance() -> None:
    for table in ((0, 300, 0, 300), (300, 300, 300, 300)):
        found = ai.two_sample(*table)
        assert found["z"] is None
        assert found["p"] == 1.0
        assert not found["significant"]


def test_shortfall_and_lift_are_the_first_that_suffice() -> None:
    for x1, n1, x0, n0 in small_tables():
        missing = next(k for k in itertools.count() if Fraction(x1 + k, n1) >= Fraction(x0, n0))
        assert ai.shortfall(x1, n1, x0, n0) == missing
        reach = (
            k for k in range(n1 - x1 + 1)
            if Fraction(x1 + k, n1) / Fraction(x0, n0) >= Fraction(4, 5)
        )  # fmt: skip
        assert ai.lift(x1, n1, x0, n0) == next(reach, None)


def test_exactly_four_fifths_is_not_below_and_a_hair_under_is() -> None:
    assert not ai.pair(40, 100, 50, 100)["below"]
    just = ai.pair(79_996, 200_000, 50_000, 100_000)
    assert just["ratio"]["value"] == 0.79996
    assert just["ratio"]["printed"] == "0.79996"
    assert just["below"]
    # 1/3 of 3/5 is a fraction no float holds: 3/15 over 3/12 is four fifths.
    assert not ai.pair(3, 15, 3, 12)["below"]
    assert ai.pair(3, 15, 3, 12)["ratio"]["numerator"] == 4


def test_the_highest_rate_needs_two_percent_of_the_applicants_and_exactly_two_are_enough() -> None:
    share = Fraction(2, 100)
    assert ai.highest(np.array([400, 20]), np.array([980, 20]), share) == 1
    assert ai.highest(np.array([400, 19]), np.array([981, 19]), share) == 0
    # Of equal rates, the group with more applicants.
    assert ai.highest(np.array([10, 50, 30]), np.array([20, 100, 60]), share) == 1
    assert ai.highest(np.array([0, 0]), np.array([20, 100]), share) is None


def test_every_reading_of_the_table() -> None:
    assert ai.pair(12, 40, 48, 80)["reading"] == ai.PRACTICAL
    assert ai.pair(2, 6, 9, 15)["reading"] == ai.UNCERTAIN
    assert ai.pair(4500, 5000, 4700, 5000)["reading"] == ai.SYSTEMATIC
    assert ai.pair(45, 100, 48, 100)["reading"] == ai.NONE


def test_a_ratio_that_one_more_selection_would_lift_says_so() -> None:
    found = ai.pair(2, 6, 9, 15)
    assert found["flip"] == {"needed": 1, "few": True}
    assert ai.pair(45, 100, 48, 100)["flip"] == {"needed": 0, "few": False}
    assert ai.pair(12, 40, 48, 80)["flip"] == {"needed": 8, "few": False}


def test_the_example_of_the_agencies_comes_out() -> None:
    # Questions and answers on the Uniform Guidelines, 1979: 60, 45, 48 and 51 percent hired give
    # ratios of 75, 80 and 85 percent, and adverse impact is indicated for the first only.
    attribute, decision = rows(
        {"White": (60, 100), "American Indian": (45, 100), "Hispanic": (48, 100),
         "Black": (51, 100)}
    )  # fmt: skip
    out = sound(ai.impact(attribute, decision))
    white, *others = out["groups"]
    assert out["highest"] == {"race": "White"}
    assert white["role"] == "highest"
    assert white["ratio"] is None
    assert [row["ratio"]["value"] for row in others] == [0.75, 0.8, 0.85]
    assert [row["below"] for row in others] == [True, False, False]
    assert (others[0]["ratio"]["numerator"], others[0]["ratio"]["denominator"]) == (3, 4)
    assert [row["shortfall"] for row in others] == [15, 12, 9]
    assert others[0]["difference"]["value"] == pytest.approx(-0.15)
    assert out["compared"] == 3


def test_small_groups_are_shown_but_never_the_highest() -> None:
    attribute, decision = rows({"A": (50, 500), "B": (40, 490), "C": (10, 10)})
    out = ai.impact(attribute, decision)
    assert out["highest"] == {"race": "A"}
    small = out["groups"][2]
    assert small["small"]
    assert small["ratio"]["value"] == 10.0
    assert small["reading"] == ai.HIGHER
    assert small["shortfall"] == 0


def test_unknown_groups_and_open_decisions_are_counted_and_left_out() -> None:
    attribute = Attribute("sex", ("m", "w"), np.array([0, 0, 1, 1, -1, -1, 0]))
    out = ai.impact(attribute, np.array([1, 0, 1, 0, 1, -1, 2]))
    assert (out["applicants"], out["unknown"], out["undecided"]) == (4, 1, 2)


def test_nobody_selected_gives_a_reason_and_no_number() -> None:
    attribute, decision = rows({"A": (0, 50), "B": (0, 40)})
    out = sound(ai.impact(attribute, decision, rng=np.random.default_rng(0)))
    assert out["highest"] is None
    assert {row["reason"] for row in out["groups"]} == {"nobody-selected"}
    assert out["null"]["value"] is None


def test_nobody_of_one_group_selected_has_a_ratio_of_zero_with_an_interval() -> None:
    found = ai.pair(0, 40, 20, 80)
    assert found["ratio"]["value"] == 0.0
    assert found["ratio"]["low"] == 0.0 < found["ratio"]["high"]
    assert found["ratio"]["adjusted"]


def test_strata_are_pooled_by_hand() -> None:
    # One site holds a gap, in the other everybody is alike: by hand from the textbook formula.
    site = Attribute("site", ("N", "S"), np.repeat([0, 1, 0, 1], [60, 40, 50, 150]))
    race = Attribute("race", ("B", "W"), np.repeat([0, 1], [100, 200]))
    decision = np.concatenate(
        [np.arange(n) < x for x, n in ((15, 60), (20, 40), (25, 50), (75, 150))]
    ).astype(int)
    out = sound(ai.impact(race, decision, stratum=site))
    found = out["groups"][0]["pooled"]
    above = 15 * 25 / 110 + 20 * 75 / 190
    below = 45 * 25 / 110 + 20 * 75 / 190
    assert found["odds_ratio"]["value"] == pytest.approx(above / below)
    expected = 60 * 40 / 110 + 40 * 95 / 190
    spread = 60 * 50 * 40 * 70 / (110**2 * 109) + 40 * 150 * 95 * 95 / (190**2 * 189)
    assert found["statistic"] == pytest.approx((35 - expected) ** 2 / spread)
    assert found["p"] == pytest.approx(stats.chi2.sf(found["statistic"], 1))
    assert found["homogeneity"]["df"] == 1
    assert found["homogeneity"]["p"] < 0.1
    assert "pooled" not in out["groups"][1]


def test_shuffled_decisions_say_how_low_a_lowest_ratio_is_by_chance() -> None:
    attribute, decision = rows({"A": (10, 40), "B": (9, 40), "C": (6, 40), "D": (8, 40)})
    found = ai.impact(attribute, decision, rng=np.random.default_rng(0), draws=4000)["null"]
    assert found["value"] == pytest.approx(0.6)
    # Nothing is planted, and still a lowest ratio of 0.6 is the usual one.
    assert found["null_p05"] < 0.4 < found["null_mean"] < 0.7
    assert found["p"] > 0.3


def test_the_shuffled_test_counts_that_the_highest_rate_was_looked_for() -> None:
    rng = np.random.default_rng(11)
    sizes = np.array([600, 200, 120, 60, 30])
    levels = tuple("ABCDE")
    group = Attribute("g", levels, np.repeat(np.arange(5), sizes))
    single, whole = [], []
    for _ in range(300):
        decision = (rng.random(sizes.sum()) < 0.3).astype(int)
        out = ai.impact(group, decision, rng=rng, draws=199)
        single.append(any(row["significant"] for row in out["groups"]))
        whole.append(out["null"]["p"] <= 0.05)
    # Nothing is planted: looking for the highest rate first makes some test significant often.
    assert np.mean(single) > 0.12
    assert np.mean(whole) < 0.09


def test_the_test_keeps_its_level_between_two_given_groups() -> None:
    rng = np.random.default_rng(7)
    for n1, n0, rate in ((120, 300, 0.3), (40, 60, 0.5), (30, 900, 0.1)):
        hits = [
            ai.two_sample(int(a), n1, int(b), n0)["significant"]
            for a, b in zip(
                rng.binomial(n1, rate, 2000), rng.binomial(n0, rate, 2000), strict=True
            )
        ]
        assert np.mean(hits) < 0.065
