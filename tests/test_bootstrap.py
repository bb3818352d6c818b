"""Multinomial bootstrap: named streams, coverage of known spreads, undefined draws."""

from __future__ import annotations

import numpy as np
import pytest

from metrics import bootstrap, intervals
from metrics.rates import REGISTRY


def table(*cells):
    counts = np.zeros((len(cells), 3, 4), dtype=np.int64)
    for j, (tn, fp, fn, tp) in enumerate(cells):
        counts[j, 1, 1], counts[j, 1, 2], counts[j, 2, 1], counts[j, 2, 2] = tn, fp, fn, tp
    return counts


def test_equal_names_repeat_and_other_names_or_seeds_differ():
    first = bootstrap.stream(0, "a").random(4)
    assert (first == bootstrap.stream(0, "a").random(4)).all()
    assert (first != bootstrap.stream(0, "b").random(4)).all()
    assert (first != bootstrap.stream(1, "a").random(4)).all()


def test_every_drawn_table_has_the_total_of_the_counts():
    counts = table((40, 10, 5, 45), (3, 0, 1, 2))
    drawn = bootstrap.resample(counts, rng=bootstrap.stream(0, "x"), draws=50)
    assert drawn.shape == (2, 3, 4, 50)
    assert (drawn.sum(axis=(0, 1, 2)) == counts.sum()).all()
    assert (drawn[counts == 0] == 0).all()


def test_the_interval_of_a_rate_is_near_the_one_that_has_a_formula():
    counts = table((400, 100, 150, 350), (4000, 1000, 1500, 3500))
    slugs = ("selection-rate", "tpr", "accuracy")
    low, high = bootstrap.intervals(counts, slugs, rng=bootstrap.stream(0, "x"), draws=4000)
    wilson = intervals.wilson([[450, 350, 750], [4500, 3500, 7500]],
                              [[1000, 500, 1000], [10000, 5000, 10000]])  # fmt: skip
    assert np.abs(low - wilson[0]).max() < 0.005
    assert np.abs(high - wilson[1]).max() < 0.005


def test_functions_without_a_formula_get_the_spread_of_resampled_rows():
    counts = table((400, 100, 150, 350))
    slugs = ("balanced-accuracy", "predicted-actual-ratio", "adjusted-fp")
    drawn = bootstrap.draw_values(counts, slugs, rng=bootstrap.stream(0, "x"), draws=4000)
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(4), [400, 100, 150, 350])
    spread = []
    for _ in range(1500):
        tn, fp, fn, tp = np.bincount(rng.choice(rows, 1000), minlength=4)
        base = (tp + fn) / 1000
        spread.append([
            (tp / (tp + fn) + tn / (tn + fp)) / 2,
            (tp + fp) / (tp + fn),
            1000 * (1 - base) * fp / (fp + tn),
        ])  # fmt: skip
    assert drawn[:, 0].mean(axis=1) == pytest.approx(np.mean(spread, axis=0), rel=0.01)
    assert drawn[:, 0].std(axis=1) == pytest.approx(np.std(spread, axis=0), rel=0.08)


def test_a_measure_undefined_in_many_draws_has_no_interval():
    counts = table((50, 50, 1, 0), (50, 50, 30, 30))
    low, high = bootstrap.intervals(
        counts, ("tpr", "balanced-accuracy", "fpr"), rng=bootstrap.stream(0, "x"), draws=400
    )
    assert np.isnan(low[0, :2]).all()
    assert np.isnan(high[0, :2]).all()
    assert np.isfinite(low[1]).all()
    assert np.isfinite(low[:, 2]).all()


def test_undefined_draws_are_left_out_of_the_quantiles():
    draws = np.concatenate([np.arange(95.0), np.full(5, np.nan)])[::-1].reshape(1, 100)
    low, high = bootstrap.percentile_interval(draws.copy(), level=0.9)
    expected = np.quantile(np.arange(95.0), [0.05, 0.95])
    assert [low[0], high[0]] == pytest.approx(expected)
    whole = np.random.default_rng(0).random((3, 101))
    limits = bootstrap.percentile_interval(whole.copy())
    np.testing.assert_allclose(limits, np.quantile(whole, [0.025, 0.975], axis=1))
    assert np.isnan(bootstrap.percentile_interval(np.zeros((2, 0)))[0]).all()


def test_more_groups_than_a_block_are_drawn_block_by_block(monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCK", 2)
    counts = table(*[(40, 10, 10, 40)] * 5)
    slugs = tuple(REGISTRY)
    low, high = bootstrap.intervals(counts, slugs, rng=bootstrap.stream(0, "x"), draws=200)
    assert low.shape == (5, len(slugs))
    assert (low <= high).all()
