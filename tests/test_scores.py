"""Score behaviour: AUC against scikit-learn and brute-force DeLong, calibration, ROC, sweep."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import calibration, scores
from metrics.scores import Bins, choose_bins


def binned(score, label, bins=None):
    bins = Bins() if bins is None else bins
    codes = bins.codes(score)
    return tuple(np.bincount(codes[label == y], minlength=bins.size) for y in (1, 0))


def simulate(n, seed, shape=(2.0, 3.0)):
    rng = np.random.default_rng(seed)
    score = rng.beta(*shape, n)
    return score, (rng.random(n) < score).astype(int)


def brute_delong(score, label):
    x, y = score[label == 1], score[label == 0]
    kernel = (x[:, None] > y).astype(float) + 0.5 * (x[:, None] == y)
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    return kernel.mean(), v10.var(ddof=1) / len(x) + v01.var(ddof=1) / len(y)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_its_variance_equal_brute_force_delong_on_ties(seed):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 12, 200) / 12
    label = (rng.random(200) < 0.2 + 0.5 * score).astype(int)
    auc, variance = brute_delong(score, label)
    mine = scores.delong(*scores.profile(score, label)[1:])
    assert abs(mine[0] - auc) < 1e-12
    assert abs(mine[1] - variance) < 1e-12
    assert abs(mine[0] - sm.roc_auc_score(label, score)) < 1e-12


@pytest.mark.parametrize("shape", [(2.0, 3.0), (0.5, 0.5), (1.0, 40.0)])
def test_auc_from_bins_equals_scikit_learn_to_1e_4(shape):
    score, label = simulate(40_000, 3, shape)
    auc, _ = scores.delong(*binned(score, label, choose_bins([score])))
    assert abs(auc - sm.roc_auc_score(label, score)) < 1e-4


def test_auc_is_undefined_with_one_class_and_has_no_limits_at_a_bound():
    auc, variance = scores.delong(
        np.array([[3, 0], [0, 3], [0, 0]]), np.array([[0, 0], [3, 0], [2, 2]])
    )
    assert np.isnan(auc[[0, 2]]).all()
    assert auc[1] == 1
    low, high = scores.auc_interval(auc, variance)
    assert np.isnan(low).all()
    assert np.isnan(high).all()


@pytest.mark.slow
def test_the_logit_interval_covers_94_to_97_percent_at_fifty_rows():
    rng = np.random.default_rng(8)
    reps, kept = 4000, []
    score = rng.beta(2, 3, (reps, 50))
    label = rng.random((reps, 50)) < score
    grid = rng.beta(2, 3, 400_000)
    truth, _ = scores.delong(*binned(grid, (rng.random(400_000) < grid).astype(int)))
    for s, y in zip(score, label, strict=True):
        if 10 <= y.sum() <= 40:
            low, high = scores.auc_interval(*scores.delong(*binned(s, y.astype(int))))
            kept.append(low <= truth <= high)
    assert 0.94 <= np.mean(kept) <= 0.97


def test_the_gap_of_two_aucs_is_joined_by_square_and_add():
    gap, low, high, p = scores.auc_gap(
        np.array([0.8]), np.array([0.0004]), np.array([0.7]), np.array([0.0001])
    )
    assert gap == pytest.approx(0.1)
    assert 0 < low < 0.1 < high
    assert p == pytest.approx(7.744e-6, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_auc_turns_over_with_the_score_and_ignores_the_order_of_rows(seed):
    score, label = simulate(60, seed)
    if label.min() == label.max():
        return
    positives, negatives = scores.profile(score, label)[1:]
    auc, variance = scores.delong(positives, negatives)
    turned = scores.delong(positives[::-1], negatives[::-1])
    assert turned[0] == pytest.approx(1 - auc)
    assert turned[1] == pytest.approx(variance)
    order = np.random.default_rng(seed).permutation(60)
    assert scores.delong(*scores.profile(score[order], label[order])[1:])[0] == auc


def test_equal_width_bins_hold_exactly_what_their_edges_say():
    score = np.array([0.0, 1 / 1024, np.nextafter(1 / 1024, 0), 0.5, 1.0])
    assert Bins().codes(score).tolist() == [0, 1, 0, 512, 1023]
    assert Bins().codes(score.astype(np.float32)).tolist()[3:] == [512, 1023]


def test_cut_points_follow_the_scores_when_these_crowd_into_few_bins():
    smooth, label = simulate(20_000, 0)
    assert choose_bins([smooth]).kind == "fixed"
    tenths = np.round(smooth, 1)
    bins = choose_bins([tenths[:9000], tenths[9000:]])
    assert (bins.kind, bins.size) == ("quantile", 11)
    exact = sm.roc_auc_score(label, tenths)
    assert scores.delong(*binned(tenths, label, bins))[0] == pytest.approx(exact, abs=1e-12)
    rare = smooth / 5000
    tight = choose_bins([rare, np.array([np.nan])])
    assert tight.kind == "quantile"
    assert tight.size > 100
    assert (np.diff(tight.edges) > 0).all()
    exact = sm.roc_auc_score(label, rare)
    assert scores.delong(*binned(rare, label, tight))[0] == pytest.approx(exact, abs=1e-4)


def test_bins_of_one_constant_score_are_one():
    bins = choose_bins([np.full(100, 0.3)])
    assert bins.size == 1
    assert bins.codes(np.full(3, 0.3)).tolist() == [0, 0, 0]


def test_one_bin_with_a_fifth_of_the_scores_is_crowded():
    even = np.full(1024, 100)
    assert not scores.is_crowded(even)
    even[0] = even.sum() // 4
    assert scores.is_crowded(even)
    assert not scores.is_crowded(np.zeros(1024, dtype=int))


def test_the_brier_score_equals_scikit_learn_and_covers_it():
    score, label = simulate(3000, 1)
    value, positives, negatives = scores.profile(score, label)
    mean, low, high = scores.brier(positives, negatives, value)
    exact = sm.brier_score_loss(label, score)
    assert mean == pytest.approx(exact, abs=1e-12)
    assert low < exact < high
    assert (high - low) / 3.92 == pytest.approx(((label - score) ** 2).std() / 3000**0.5, rel=1e-3)
    middle = (np.arange(1024) + 0.5) / 1024
    assert scores.brier(*binned(score, label), middle)[0] == pytest.approx(exact, abs=1e-4)
    assert np.isnan(scores.brier(np.zeros(2, int), np.zeros(2, int), np.ones(2))[0])


def test_the_calibration_curve_splits_everybody_into_tenths_and_loses_nobody():
    score, label = simulate(30_000, 2)
    positives, negatives = binned(score, label)
    starts = calibration.curve_starts(positives + negatives)
    part = calibration.curve(positives, negatives, (np.arange(1024) + 0.5) / 1024, starts)
    assert len(starts) == 10
    assert part.n.sum() == 30_000
    assert part.positives.sum() == label.sum()
    assert (np.abs(part.n - 3000) < 200).all()
    assert np.abs(part.rate - part.mean_score).max() < 0.04


@pytest.mark.parametrize("n", [200, 5000])
def test_calibration_error_is_read_beside_its_value_under_perfect_calibration(n):
    found, null = [], []
    for seed in range(120):
        score, label = simulate(n, seed)
        positives, negatives = binned(score, label)
        starts = calibration.curve_starts(positives + negatives)
        part = calibration.curve(positives, negatives, (np.arange(1024) + 0.5) / 1024, starts)
        error = calibration.ece(part)
        found.append(error[0])
        null.append(error[1])
    assert np.mean(null) == pytest.approx(np.mean(found), rel=0.08)


def test_calibration_error_of_a_tiny_table_has_its_closed_form():
    part = calibration.Curve(np.array([4, 0]), np.array([3, 0]), np.array([0.5, np.nan]))
    error, null = calibration.ece(part)
    assert error == pytest.approx(0.25)
    # mean |X - 2| of a binomial(4, 1/2) is 0.75, over 4 rows
    assert null == pytest.approx(0.75 / 4)


@pytest.mark.parametrize(("n", "reps"), [(50, 3000), (1000, 1500)])
def test_the_calibration_test_keeps_five_percent(n, reps):
    rng = np.random.default_rng(n)
    middle = (np.arange(256) + 0.5) / 256
    code = np.minimum((rng.beta(2, 3, (reps, n)) * 256).astype(int), 255)
    label = rng.random((reps, n)) < middle[code]
    rows = np.repeat(np.arange(reps), n) * 256 + code.ravel()
    counts = [
        np.bincount(rows[label.ravel() == y], minlength=reps * 256).reshape(reps, 256)
        for y in (1, 0)
    ]
    _, df, p = calibration.calibration_test(*counts, middle)
    assert (df == 2).all()
    assert 0.035 <= np.mean(p <= 0.05) <= 0.065


def test_the_calibration_test_finds_a_shift_and_equals_the_matrix_form():
    score, label = simulate(4000, 5)
    moved = np.clip(score + 0.05, 0, 1)
    middle = (np.arange(1024) + 0.5) / 1024
    positives, negatives = binned(moved, label)
    statistic, _, p = calibration.calibration_test(positives, negatives, middle)
    assert p < 1e-6
    both, slope = positives + negatives, np.log(middle / (1 - middle))
    d, v = positives - both * middle, both * middle * (1 - middle)
    u = np.array([d.sum(), (d * slope).sum()])
    m = np.array([[v.sum(), (v * slope).sum()], [(v * slope).sum(), (v * slope**2).sum()]])
    assert statistic == pytest.approx(u @ np.linalg.solve(m, u))


def test_one_score_for_all_leaves_one_degree_of_freedom_and_none_leaves_nothing():
    statistic, df, p = calibration.calibration_test(
        np.array([[30, 0], [0, 0]]), np.array([[70, 0], [0, 0]]), np.array([0.4, 0.6])
    )
    assert df.tolist() == [1, 0]
    assert statistic[0] == pytest.approx(100 / 24)
    assert p[0] == pytest.approx(0.0412, abs=1e-3)
    assert np.isnan(p[1])


def test_the_sufficiency_test_keeps_five_percent_and_sees_a_crossing_difference():
    rng = np.random.default_rng(3)
    middle = (np.arange(64) + 0.5) / 64
    curve = middle**1.5

    def group(n, reps, shape, truth):
        at = np.minimum((rng.beta(*shape, (reps, n)) * 64).astype(int), 63)
        rows = np.repeat(np.arange(reps), n) * 64 + at.ravel()
        label = (rng.random((reps, n)) < truth[at]).ravel()
        return tuple(
            np.bincount(rows[label == y], minlength=reps * 64).reshape(reps, 64) for y in (1, 0)
        )

    small, large = group(200, 1500, (2, 3), curve), group(2000, 1500, (3, 2), curve)
    _, _, p = calibration.sufficiency_test(*small, *large, middle)
    assert 0.035 <= np.mean(p <= 0.05) <= 0.065
    crossing = group(2000, 20, (2, 2), np.clip(curve + 0.15 * (middle - 0.5), 0, 1))
    other = group(4000, 20, (2, 2), curve)
    _, _, p = calibration.sufficiency_test(*crossing, *other, middle)
    assert np.mean(p <= 0.05) > 0.6
    nothing = calibration.sufficiency_test(
        np.array([3, 0]),
        np.array([2, 0]),
        np.array([0, 3]),
        np.array([0, 2]),
        np.array([0.2, 0.8]),
    )
    assert np.isnan(nothing[2])


def test_the_roc_curve_runs_from_nobody_to_everybody_and_holds_the_auc():
    score, label = simulate(20_000, 6)
    positives, negatives = binned(score, label)
    points = scores.roc(positives, negatives, Bins())
    assert points[0] == [0, 0, None]
    assert points[-1][:2] == [1, 1]
    assert 50 < len(points) <= 101
    fpr, tpr, threshold = zip(*points, strict=True)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert np.trapezoid(tpr, fpr) == pytest.approx(sm.roc_auc_score(label, score), abs=1e-3)
    chosen = score >= threshold[40]
    assert (chosen & (label == 1)).sum() / label.sum() == tpr[40]


def test_a_sweep_counts_exactly_who_is_at_or_above_each_threshold():
    score, label = simulate(5000, 7)
    positives, negatives = binned(score, label)
    places = scores.sweep_places(Bins())
    assert len(places) <= 101
    assert 512 in places
    selected = scores.from_top(positives + negatives)[places]
    for place, n in zip(places, selected, strict=True):
        assert n == (score >= Bins().edges[place]).sum()
    assert scores.sweep_places(Bins((0.5,))).tolist() == [0, 1]


def test_a_histogram_keeps_everybody():
    score, label = simulate(5000, 9)
    positives, negatives = binned(score, label)
    found = scores.histogram(positives + negatives, (np.arange(1024) + 0.5) / 1024)
    assert found.tolist() == np.histogram(score, bins=32, range=(0, 1))[0].tolist()
