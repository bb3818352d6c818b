"""Exact intervals and tests of counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metrics.exact import clopper_pearson, mcnemar, stratified
from metrics.significance import cmh, fisher_central


def test_clopper_pearson_equals_scipy() -> None:
    for x, n in [(0, 10), (3, 17), (17, 17), (1, 1), (400, 1000)]:
        known = stats.binomtest(x, n).proportion_ci(method="exact")
        low, high = clopper_pearson(x, n)
        assert (float(low), float(high)) == pytest.approx((known.low, known.high))
    assert np.isnan(clopper_pearson(0, 0)).all()


def test_mcnemar_equals_the_binomial_test() -> None:
    for up, down in [(0, 5), (3, 9), (7, 7), (1, 0), (40, 70)]:
        known = stats.binomtest(min(up, down), up + down).pvalue
        assert float(mcnemar(up, down)) == pytest.approx(known)
    assert float(mcnemar(0, 0)) == 1.0


def test_one_stratum_is_fisher() -> None:
    for x1, n1, x0, n0 in [(3, 10, 1, 12), (0, 5, 4, 9), (30, 60, 10, 70)]:
        expected = float(fisher_central(x1, n1, x0, n0))
        assert stratified([x1], [n1], [x0], [n0]) == pytest.approx(expected)


def test_many_strata_come_close_to_the_asymptotic_test() -> None:
    rng = np.random.default_rng(0)
    n1, n0 = rng.integers(20, 60, 30), rng.integers(20, 60, 30)
    x1, x0 = rng.binomial(n1, 0.4), rng.binomial(n0, 0.33)
    p = stratified(x1, n1, x0, n0)
    assert p is not None
    assert p == pytest.approx(cmh(x1, n1, x0, n0)["p"], abs=0.02)


def test_strata_that_say_nothing_leave_it_undefined() -> None:
    assert stratified([0, 4, 3], [0, 4, 3], [1, 4, 0], [2, 4, 0]) is None
