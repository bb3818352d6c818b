"""The gain of one way to train over another: closed forms, seeds, intervals."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.gain import Arms, Ranked


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, n), rng.integers(0, 2, n)


def scores(y: np.ndarray, strength: float, seed: int, seeds: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return strength * y + rng.normal(size=(seeds, y.size))


def test_a_weighted_auc_is_that_of_repeated_rows() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 60), rng.integers(0, 9, 60).astype(float)
    weight = rng.integers(0, 4, 60)
    again = np.repeat(np.arange(60), weight)
    found = Ranked.of(score, y, np.ones(60, bool)).auc(weight[None].astype(float))
    assert found[0] == pytest.approx(roc_auc_score(y[again], score[again]), abs=1e-12)
    assert np.isnan(Ranked.of(score, np.ones(60), np.ones(60, bool)).auc(np.ones((1, 60))))


def test_the_lowest_group_counts_and_seeds_are_averaged() -> None:
    from sklearn.metrics import roc_auc_score

    y, group = rows(400, 1)
    given = scores(y, 1.0, 2)
    found = Arms(y, group, (0, 1)).spread(given, draws=50, rng=np.random.default_rng(0))
    wanted = np.array([[roc_auc_score(y[group == g], s[group == g]) for g in (0, 1)]
                       for s in given])  # fmt: skip
    np.testing.assert_allclose(found.by_seed, wanted.min(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.by_group, wanted.mean(axis=0), atol=1e-12)
    assert found.worst == found.by_seed.min()
    assert found.mean == pytest.approx(found.by_seed.mean())
    assert (found.low < found.by_group).all() and (found.by_group < found.high).all()


def test_a_clear_gain_is_evidence_and_none_is_not() -> None:
    y, group = rows(800, 3)
    arms = Arms(y, group, (0, 1))
    weak, strong = scores(y, 0.5, 4), scores(y, 1.5, 5)
    found = arms.gain(strong, weak, draws=300, rng=np.random.default_rng(0))
    assert found.evidence and 0 < found.low < found.diff < found.high
    back = arms.gain(weak, strong, draws=300, rng=np.random.default_rng(0))
    assert back.evidence and back.high < 0
    same = arms.gain(weak, weak, draws=300, rng=np.random.default_rng(0))
    assert (same.diff, same.low, same.high, same.evidence) == (0.0, 0.0, 0.0, False)
    lone = arms.gain(scores(y, 0.5, 6, 2), scores(y, 0.5, 7, 4), draws=300,
                     rng=np.random.default_rng(0))  # fmt: skip
    assert not lone.evidence and lone.low < 0 < lone.high


def test_seeds_that_differ_widen_the_interval() -> None:
    y, group = rows(800, 8)
    arms = Arms(y, group, (0, 1))
    base = scores(y, 1.0, 9, 1).repeat(3, axis=0)
    other = np.stack([y * s + np.random.default_rng(1).normal(size=y.size) for s in (0, 1, 2)])
    calm = arms.gain(base, base[:, ::1] + 0.0, draws=300, rng=np.random.default_rng(0))
    wild = arms.gain(other, base, draws=300, rng=np.random.default_rng(0))
    assert wild.high - wild.low > calm.high - calm.low + 0.1


def test_households_are_drawn_as_a_whole() -> None:
    y, group = rows(300, 11)
    twice = np.r_[np.arange(300), np.arange(300)]
    given = scores(y, 1.0, 12)
    alone = Arms(y, group, (0, 1)).spread(given, draws=400, rng=np.random.default_rng(0))
    double = Arms(y[twice], group[twice], (0, 1), twice).spread(
        given[:, twice], draws=400, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(double.by_group, alone.by_group, atol=1e-12)
    np.testing.assert_allclose(double.high - double.low, alone.high - alone.low, rtol=0.05)


def test_chance_between_three_seeds_is_seldom_taken_for_a_gain() -> None:
    false = 0
    for i in range(60):
        rng = np.random.default_rng([5, i])
        y, group = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
        base = rng.normal(size=300)
        sides = [
            np.stack([(1 + 0.3 * rng.normal()) * y + base for _ in range(3)]) for _ in range(2)
        ]
        false += Arms(y, group, (0, 1)).gain(sides[0], sides[1], draws=80, rng=rng).evidence
    assert false <= 8
