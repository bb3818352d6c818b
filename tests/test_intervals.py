"""Intervals of rates, differences and ratios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.intervals import jeffreys, log_ratio, square_and_add, wilson


def test_wilson_gives_the_known_limits() -> None:
    low, high = wilson([0, 10, 81], [10, 10, 263])
    assert low == pytest.approx([0.0, 0.722467, 0.255289], abs=5e-5)
    assert high == pytest.approx([0.277533, 1.0, 0.366213], abs=5e-5)


def test_wilson_at_another_level_is_the_score_test_inverted() -> None:
    low, high = wilson(7, 40, 0.9)
    z = stats.norm.ppf(0.95)
    for p in (float(low), float(high)):
        assert abs(7 / 40 - p) / np.sqrt(p * (1 - p) / 40) == pytest.approx(z)


def test_an_empty_group_has_no_wilson_limits() -> None:
    low, high = wilson([0, 3], [0, 5])
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert np.isfinite([low[1], high[1]]).all()


def test_jeffreys_takes_a_level_for_each_entry() -> None:
    alpha = np.array([0.1, 0.05, 4e-4, 1e-7])
    low, high = jeffreys(3, 20, alpha)
    law = stats.beta(3.5, 17.5)
    assert low == pytest.approx(law.ppf(alpha / 2), rel=1e-9)
    assert high == pytest.approx(law.isf(alpha / 2), rel=1e-9)


def test_jeffreys_ends_at_zero_and_one() -> None:
    low, high = jeffreys([0, 12, 0], [12, 12, 0], 1e-5)
    assert low.tolist()[0] == 0.0
    assert high.tolist()[1:] == [1.0, 1.0]
    assert high[0] == pytest.approx(1 - low[1])


@pytest.mark.parametrize("n", [1, 50, 1_000_000, 2_000_000_000])
@pytest.mark.parametrize("alpha", [0.1, 1e-4, 1e-9])
def test_jeffreys_stays_ordered_at_any_size(n: int, alpha: float) -> None:
    x = np.unique([0, 1, n // 3, n - 1, n])
    low, high = jeffreys(x, n, alpha)
    assert ((low >= 0) & (low <= x / n) & (x / n <= high) & (high <= 1)).all()


def test_square_and_add_with_wilson_limits_is_newcombe_method_10() -> None:
    l1, u1 = wilson(56, 70)
    l2, u2 = wilson(48, 80)
    low, high = square_and_add(56 / 70, l1, u1, 48 / 80, l2, u2)
    assert float(low) == pytest.approx(0.0524, abs=5e-5)
    assert float(high) == pytest.approx(0.3339, abs=5e-5)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_a_difference_changes_sign_with_the_order(n1: int, n2: int, data: st.DataObject) -> None:
    x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    first = (x1 / n1, *jeffreys(x1, n1, 1e-3))
    second = (x2 / n2, *jeffreys(x2, n2, 1e-3))
    low, high = square_and_add(*first, *second)
    back_low, back_high = square_and_add(*second, *first)
    assert low == pytest.approx(-back_high)
    assert high == pytest.approx(-back_low)
    assert -1 <= low <= x1 / n1 - x2 / n2 <= high <= 1


def test_log_ratio_follows_its_formula() -> None:
    ratio, low, high, adjusted = log_ratio(30, 100, 45, 90)
    half = stats.norm.ppf(0.975) * np.sqrt(1 / 30 - 1 / 100 + 1 / 45 - 1 / 90)
    assert float(ratio) == pytest.approx(0.6)
    assert float(low) == pytest.approx(0.6 * np.exp(-half))
    assert float(high) == pytest.approx(0.6 * np.exp(half))
    assert not adjusted


def test_log_ratio_adds_half_a_person_where_a_count_is_zero_and_says_so() -> None:
    ratio, low, high, adjusted = log_ratio(
        [0, 5, 0, 8], [20, 20, 20, 8], [5, 0, 0, 6], [20] * 3 + [6]
    )
    assert adjusted.all()
    assert (np.isfinite(low) & (low < ratio) & (ratio < high) & np.isfinite(high)).all()
    assert float(ratio[0]) == pytest.approx((0.5 / 21) / (5.5 / 21))
    assert ratio[2] == 1.0
    assert ratio[3] == 1.0


def test_log_ratio_of_an_empty_group_is_undefined() -> None:
    ratio, low, high, adjusted = log_ratio([0, 3], [0, 9], [3, 0], [9, 0])
    assert np.isnan([ratio, low, high]).all()
    assert not adjusted.any()


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5)])
def test_a_count_outside_its_denominator_is_refused(x: int, n: int) -> None:
    for call in (lambda: wilson(x, n), lambda: jeffreys(x, n, 0.1), lambda: log_ratio(x, n, 1, 2)):
        with pytest.raises(ValueError, match="outside 0 to its denominator"):
            call()
