"""Estimates that borrow from similar cells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from metrics.intervals import wilson
from metrics.shrinkage import logit_normal, main_effects

LEVELS = np.stack(np.unravel_index(np.arange(90), (9, 2, 5)), axis=1)
DESIGN = main_effects(LEVELS)


def test_the_design_has_an_intercept_and_one_column_for_each_other_level() -> None:
    assert DESIGN.shape == (90, 1 + 8 + 1 + 4)
    assert (DESIGN[:, 0] == 1).all()
    assert main_effects([[0], [1], [2]], reference=[1]).tolist() == [
        [1, 1, 0],
        [1, 0, 0],
        [1, 0, 1],
    ]


def test_large_cells_keep_their_own_rate() -> None:
    n = np.full(90, 1_000_000)
    x = np.random.default_rng(0).integers(200_000, 700_000, 90)
    value, low, high = logit_normal(x, n, DESIGN)
    assert np.abs(value - x / n).max() < 1e-4
    assert ((low < value) & (value < high)).all()


def test_an_empty_cell_gets_what_its_attributes_predict() -> None:
    effects = np.array([0.0, 1.0])[LEVELS[:, 1]] - 1.0
    n = np.full(90, 4000)
    x = np.rint(n * expit(effects)).astype(int)
    n[[0, 5]] = x[[0, 5]] = 0
    value, low, high = logit_normal(x, n, DESIGN)
    assert value[[0, 5]] == pytest.approx([expit(-1.0), expit(0.0)], abs=0.01)
    assert ((low[[0, 5]] < value[[0, 5]]) & (value[[0, 5]] < high[[0, 5]])).all()


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_rates_of_zero_and_one_everywhere_stay_finite(rate: float) -> None:
    n = np.full(90, 20)
    for limit in logit_normal(n * rate, n, DESIGN):
        assert np.isfinite(limit).all()
        assert ((limit >= 0) & (limit <= 1)).all()


def test_no_rows_at_all_are_undefined() -> None:
    for limit in logit_normal(np.zeros(90), np.zeros(90), DESIGN):
        assert np.isnan(limit).all()


def test_the_order_of_cells_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(0, 300, 90)
    x = rng.binomial(n, 0.3)
    turn = rng.permutation(90)
    plain, turned = logit_normal(x, n, DESIGN), logit_normal(x[turn], n[turn], DESIGN[turn])
    for first, second in zip(plain, turned, strict=True):
        assert second == pytest.approx(first[turn], abs=1e-9)


def test_sparse_cells_come_closer_to_the_truth_and_are_covered_on_average() -> None:
    rng = np.random.default_rng(4)
    size = rng.dirichlet(np.full(90, 0.4)) * 20_000
    main = rng.normal(0, 0.4, 9)[LEVELS[:, 0]] + rng.normal(0, 0.4, 5)[LEVELS[:, 2]]
    raw_error, error, covered, raw_covered = [], [], [], []
    for _ in range(40):
        truth = expit(-0.8 + main + rng.normal(0, 0.25, 90))
        n = rng.poisson(size)
        x = rng.binomial(n, truth)
        value, low, high = logit_normal(x, n, DESIGN)
        sparse = (n > 0) & (n < 30)
        raw_error.append((x[sparse] / n[sparse] - truth[sparse]) ** 2)
        error.append((value[sparse] - truth[sparse]) ** 2)
        covered.append((low <= truth) & (truth <= high))
        raw_low, raw_high = wilson(x[n > 0], n[n > 0])
        raw_covered.append((raw_low <= truth[n > 0]) & (truth[n > 0] <= raw_high))
    assert np.sqrt(np.concatenate(error).mean()) < 0.6 * np.sqrt(np.concatenate(raw_error).mean())
    assert 0.90 <= np.mean(covered) <= 0.98
    assert np.mean(np.concatenate(raw_covered)) > 0.93


def test_a_count_above_its_denominator_is_refused() -> None:
    with pytest.raises(ValueError, match="outside 0 to its denominator"):
        logit_normal([3], [2], [[1.0]])
