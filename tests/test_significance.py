"""Tests of equal rates."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.verdicts import fisher_against_scipy
from metrics.significance import chi_square, cmh, fisher_central, null_gap

# Admissions to Berkeley in six departments (Bickel, Hammel, O'Connell, Science 187, 1975).
MEN = ([512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373])
WOMEN = ([89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341])


def test_fisher_equals_scipy_on_a_thousand_tables_and_stays_finite() -> None:
    error, finite = fisher_against_scipy()
    assert error <= 1e-9
    assert finite


def test_fisher_has_the_known_value_for_the_tea_tasting() -> None:
    # 3 of 4 cups right: P(X >= 3) = 17/70.
    assert float(fisher_central(3, 4, 1, 4)) == pytest.approx(34 / 70)


def test_fisher_of_huge_gaps_is_small_and_never_nan() -> None:
    p = fisher_central([0, 20_000, 4_000, 0], [20_000] * 4, [20_000, 0, 8_000, 1], [20_000] * 4)
    assert (p[:3] < 1e-300).all()
    assert p[3] == 1.0


def test_fisher_keeps_its_precision_for_a_million_rows() -> None:
    n, m, x, y = 1_000_000, 600_000, 333_700, 199_300
    hits = x + y
    law = stats.hypergeom(n + m, hits, n)
    assert float(fisher_central(x, n, y, m)) == pytest.approx(2 * law.sf(x - 1), rel=1e-6)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"),
    [(0, 0, 0, 0), (0, 0, 3, 5), (3, 5, 0, 0), (0, 9, 0, 9), (9, 9, 9, 9), (1, 1, 0, 1)],
)
def test_fisher_is_one_where_nothing_can_differ(x1: int, n1: int, x2: int, n2: int) -> None:
    assert fisher_central(x1, n1, x2, n2) == 1.0


@given(st.integers(0, 60), st.integers(0, 60), st.data())
def test_fisher_is_its_definition_whichever_way_the_table_is_turned(
    n1: int, n2: int, data: st.DataObject
) -> None:
    x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    hits, total = x1 + x2, n1 + n2
    possible = range(max(0, hits - n2), min(n1, hits) + 1)
    terms = {x: comb(n1, x) * comb(n2, hits - x) / comb(total, hits) for x in possible}
    below = sum(p for x, p in terms.items() if x <= x1)
    above = sum(p for x, p in terms.items() if x >= x1)
    expected = pytest.approx(min(1.0, 2 * min(below, above)), rel=1e-9)
    turned = fisher_central([x1, x2, n1 - x1], [n1, n2, n1], [x2, x1, n2 - x2], [n2, n1, n2])
    assert list(turned) == [expected] * 3


def test_fisher_never_rejects_more_often_than_its_level() -> None:
    n1, n2, rate = 40, 400, 0.1
    x1, x2 = np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij")
    p = fisher_central(x1, n1, x2, n2)
    chance = np.outer(stats.binom.pmf(x1[:, 0], n1, rate), stats.binom.pmf(x2[0], n2, rate))
    for level in (0.05, 0.01, 4e-4):
        assert chance[p <= level].sum() <= level


def test_fisher_refuses_an_impossible_count() -> None:
    with pytest.raises(ValueError, match="outside 0 to its group's size"):
        fisher_central(5, 4, 0, 4)


def test_chi_square_is_pearsons_without_the_empty_groups() -> None:
    x, n = np.array([30, 45, 0, 12]), np.array([100, 90, 0, 60])
    result = chi_square(x, n, rng=np.random.default_rng(0))
    keep = n > 0
    other = stats.chi2_contingency(np.stack([x, n - x])[:, keep], correction=False)
    assert result["method"] == "asymptotic"
    assert result["df"] == 2
    assert result["statistic"] == pytest.approx(other.statistic)
    assert result["p"] == pytest.approx(other.pvalue)


def test_chi_square_draws_tables_where_an_expected_count_is_below_five() -> None:
    result = chi_square([3, 1], [4, 4], rng=np.random.default_rng(1), draws=20_000)
    assert result["method"] == "permutation"
    assert result["draws"] == 20_000
    assert result["p"] == pytest.approx(34 / 70, abs=0.01)


def test_chi_square_repeats_with_its_seed() -> None:
    first, again, other = (
        chi_square([3, 1, 7], [9, 30, 12], rng=np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert first == again
    assert first["p"] != other["p"]


@pytest.mark.parametrize(
    ("x", "n"), [([], []), ([3], [9]), ([0, 0], [9, 9]), ([9, 9], [9, 9]), ([3, 0], [9, 0])]
)
def test_chi_square_without_meaning_says_undefined(x: list[int], n: list[int]) -> None:
    result = chi_square(x, n, rng=np.random.default_rng(0))
    assert result["method"] == "undefined"
    assert result["statistic"] is None
    assert result["p"] is None


def test_the_null_of_the_largest_gap_is_that_of_shuffled_decisions() -> None:
    x, n = np.array([30, 25, 6]), np.array([100, 100, 20])
    result = null_gap(x, n, rng=np.random.default_rng(0), draws=4000)
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(3), n)
    decision = np.arange(220) < 61
    gaps = []
    for _ in range(4000):
        rates = np.bincount(group, rng.permutation(decision)) / n
        gaps.append(rates.max() - rates.min())
    found = result["max-min"]
    assert found["value"] == pytest.approx(0.05)
    assert found["null_mean"] == pytest.approx(np.mean(gaps), abs=0.005)
    assert found["null_p95"] == pytest.approx(np.quantile(gaps, 0.95), abs=0.015)
    assert result["min-max-ratio"]["value"] == pytest.approx(0.25 / 0.3)
    assert result["min-max-ratio"]["null_p05"] < result["min-max-ratio"]["null_mean"]


def test_the_null_gap_of_one_group_or_of_nobody_chosen_is_undefined() -> None:
    rng = np.random.default_rng(0)
    assert null_gap([3, 0], [9, 0], rng=rng)["max-min"]["value"] is None
    nobody = null_gap([0, 0], [9, 5], rng=rng)
    assert nobody["max-min"]["value"] == 0.0
    assert nobody["min-max-ratio"]["value"] is None


def test_cmh_gives_the_published_values_for_the_berkeley_admissions() -> None:
    result = cmh(*MEN, *WOMEN)
    assert result["odds_ratio"] == pytest.approx(0.9047, abs=1e-4)
    assert result["low"] == pytest.approx(0.7719, abs=1e-4)
    assert result["high"] == pytest.approx(1.0603, abs=1e-4)
    assert result["homogeneity_p"] < 0.01
    assert result["strata"] == 6
    assert result["homogeneity_df"] == 5


def test_cmh_of_one_stratum_is_the_plain_odds_ratio() -> None:
    result = cmh([12], [40], [5], [30])
    assert result["odds_ratio"] == pytest.approx((12 * 25) / (28 * 5))
    hits, total = 17, 70
    spread = 40 * 30 * hits * (total - hits) / (total**2 * (total - 1))
    assert result["statistic"] == pytest.approx((12 - 40 * hits / total) ** 2 / spread)
    assert result["homogeneity_p"] is None


def test_cmh_leaves_out_strata_that_say_nothing() -> None:
    full = cmh([12, 4], [40, 9], [5, 2], [30, 8])
    padded = cmh([12, 0, 4, 7], [40, 0, 9, 7], [5, 3, 2, 4], [30, 9, 8, 4])
    assert padded == pytest.approx(full)
    assert cmh([0], [5], [0], [5])["p"] is None


def test_cmh_without_a_finite_odds_ratio_still_tests() -> None:
    result = cmh([5], [5], [0], [6])
    assert result["odds_ratio"] is None
    assert result["p"] < 0.01
