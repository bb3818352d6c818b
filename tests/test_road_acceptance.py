"""Explicit ROAD: the acceptance checks of its specification that train, on its own fixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from metrics import logistic
from mitigations.contract import Column, Context, MethodError, Part, Problem
from mitigations.nets import Loop, quiet
from mitigations.road import data
from mitigations.road.bins import Bins
from mitigations.road.describe import choose
from mitigations.road.explicit import Explicit
from mitigations.road.newton import Newton
from mitigations.road.train import fit
from tests.road_fixtures import Drawn, Measured, Split, draw, measure, split
from tests.road_tables import compas, law, parts

Floats = NDArray[np.float64]
INF = float("inf")
TEN = 10_000


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with quiet(1):
        yield


def run(
    of: Split, term: Any, lam: Sequence[float], seed: int, loop: Loop | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits of test and validation people, one row for each lambda."""
    found = fit(
        of.rows, term, lam, [seed] * len(lam), loop if loop is not None else Loop(),
        rng=np.random.default_rng([seed, 5]), tick=lambda done, total: None,
    )  # fmt: skip
    assert found.failed == [None] * len(lam)
    x = torch.tensor(of.test.x, dtype=torch.float32)
    return found.stack.logits(x).numpy(), found.stack.logits(of.looked.x).numpy()


class Trial:
    """Explicit settings, the first of them lambda 0, and a rival, on one population."""

    def __init__(
        self,
        kind: Any,
        seed: int,
        settings: Sequence[tuple[float, float]],
        rival: Callable[[data.Rows], Any] | None = None,
        weight: float = 10.0,
        k: int = 2,
    ) -> None:
        of = split(kind, TEN, seed, k)
        lam, tau = zip((0.0, INF), *settings, strict=True)
        z, looked = run(of, Explicit(of.rows, torch.tensor(tau)), lam, seed)
        share = float((looked[0] > 0.0).mean())
        found = [measure(*pair, of, share) for pair in zip(z, looked, strict=True)]
        self.plain, self.explicit = found[0], found[1:]
        self.rival: Measured | None = None
        if rival is not None:
            z, looked = run(of, rival(of.rows), [weight], seed)
            self.rival = measure(z[0], looked[0], of, share)


@cache
def cancel(seed: int) -> Trial:
    return Trial("cancel", seed, [(3.0, 0.3), (1.0, 0.3), (1.0, 0.05)], lambda r: Newton(r, 1))


# the fixtures


def test_a_population_is_drawn_as_specified() -> None:
    people = draw("cancel", 5, 0)
    r = np.random.default_rng([0, 0, 2])
    assert np.array_equal(people.s, r.integers(0, 2, 5))
    np.testing.assert_allclose(people.x[:, 4] * 17.32 + 50.0, r.uniform(20, 80, 5))
    assert people.x.shape == (5, 7)
    assert {draw("hidden", 500, 3).bins.max(), draw("one", 500, 3).bins.max()} == {2, 5}
    assert set(draw("cancel", 500, 3, k=3).s) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(5))
def test_without_a_penalty_the_fixture_is_as_hard_as_specified(seed: int) -> None:
    plain = cancel(seed).plain
    assert plain.accuracy == pytest.approx(0.748, abs=0.006)
    assert plain.auc == pytest.approx(0.827, abs=0.008)
    assert plain.worst == pytest.approx(0.294, abs=0.035)


# 8.2


def test_lambda_zero_is_an_unpenalised_network() -> None:
    of = split("cancel", 2000, 0)
    loop = Loop(steps=60, batch=256)
    both, _ = run(of, Explicit(of.rows, torch.tensor([0.3, 0.3])), [0.0, 3.0], 1, loop)
    plain, _ = run(of, None, [0.0], 1, loop)
    np.testing.assert_allclose(both[0], plain[0], atol=1e-6)
    assert np.abs(both[1] - plain[0]).mean() > 0.01


# 8.3


def test_a_slice_is_what_it_would_be_alone() -> None:
    of = split("cancel", 4000, 0)
    loop = Loop(steps=50)
    tau, lam = [0.05, 0.3, 1.0, INF], [1.0, 3.0, 0.3, 1.0]
    many, _ = run(of, Explicit(of.rows, torch.tensor(tau), gamma=0.5), lam, 1, loop)
    for c in range(4):
        term = Explicit(of.rows, torch.tensor(tau[c : c + 1]), gamma=0.5)
        one, _ = run(of, term, lam[c : c + 1], 1, loop)
        np.testing.assert_allclose(many[c], one[0], atol=1e-4)


# 8.4


@pytest.mark.parametrize("seed", range(5))
def test_bias_that_cancels_falls_far_below_the_plain_adversary(seed: int) -> None:
    trial = cancel(seed)
    strong, mild, _ = trial.explicit
    assert trial.rival is not None
    assert strong.worst <= 0.6 * trial.rival.worst
    assert strong.accuracy >= trial.plain.accuracy - 0.012
    assert mild.worst <= 0.75 * trial.rival.worst
    assert mild.accuracy >= trial.plain.accuracy - 0.009


def test_bias_that_cancels_falls_by_half_on_average() -> None:
    trials = [cancel(seed) for seed in range(5)]
    worst = np.mean([t.explicit[0].worst for t in trials])
    assert worst <= 0.52 * np.mean([t.rival.worst for t in trials if t.rival is not None])
    assert worst <= 0.15


# 8.5


@pytest.mark.parametrize("seed", [0, 1])
def test_hidden_regions_fall_below_what_declared_bins_reach(seed: int) -> None:
    trial = Trial("hidden", seed, [(1.0, 0.1)], lambda r: Bins(r, 1), 1.0)
    assert trial.rival is not None
    assert trial.explicit[0].regions <= 0.8 * trial.rival.regions
    assert abs(trial.explicit[0].accuracy - trial.rival.accuracy) <= 0.005


def test_colder_weights_press_harder_on_the_one_region() -> None:
    trial = Trial("one", 0, [(1.0, tau) for tau in (INF, 0.3, 0.1, 0.05)])
    worst = [found.worst for found in trial.explicit]
    assert worst == sorted(worst, reverse=True)
    assert worst[-1] < 0.4 * worst[0]
    whole = [found.whole for found in trial.explicit]
    assert max(whole) - min(whole) <= 0.01


def test_three_groups_fall_far_below_the_plain_adversary() -> None:
    trial = Trial("cancel", 0, [(3.0, 0.3)], lambda r: Newton(r, 1), k=3)
    assert trial.rival is not None
    assert trial.explicit[0].worst <= 0.7 * trial.rival.worst
    assert trial.explicit[0].accuracy >= trial.plain.accuracy - 0.005


NAMES = ("x1", "x2", "x3", "p", "age", "d1", "d2")


def problem_of(people: Drawn) -> Problem:
    n = len(people.y)
    part = Part(
        people.x.astype(np.float32), people.s.astype(np.int32), np.arange(n, dtype=np.uint64),
        y=people.y,
    )  # fmt: skip
    columns = tuple(Column(name, "numeric", slot=i) for i, name in enumerate(NAMES))
    return Problem(part, part, columns, ("a", "b"))


def test_all_descriptors_with_the_proxy_are_refused_and_left_out_by_default() -> None:
    problem = problem_of(draw("cancel", 6000, 0))
    group = problem.train.group.astype(np.int64)
    with pytest.raises(MethodError, match="told from") as caught:
        choose(NAMES, problem, problem.train, group, Context())
    assert caught.value.code == "descriptors-tell-group"
    used = choose((), problem, problem.train, group, Context()).used
    assert "p" not in used
    assert "age" in used


# 8.6


@pytest.mark.shared_data
@pytest.mark.parametrize("table", [law, compas])
def test_stopping_early_keeps_up_with_logistic_regression(
    table: Callable[[Path], Any], shared_data: Path
) -> None:
    people = table(shared_data)
    ours, theirs = [], []
    for seed in range(3):
        of = parts(people, seed)
        found = fit(
            of.train, None, [0.0] * 3, [seed, seed + 10, seed + 20], Loop(),
            rng=np.random.default_rng(seed), tick=lambda done, total: None, valid=of.valid,
        )  # fmt: skip
        z = found.stack.logits(torch.tensor(of.x, dtype=torch.float32)).numpy()
        ours.append(((z > 0.0) == of.y).mean())
        weights = logistic.fit(of.train.x.numpy().astype(float), of.train.y.numpy() == 1)
        theirs.append(((logistic.predict(weights, of.x) > 0.5) == of.y).mean())
    assert np.mean(ours) >= np.mean(theirs) - 0.01


# 8.7


def test_no_setting_up_to_lambda_1_collapses() -> None:
    of = split("one", 4000, 1)
    settings = [(lam, tau) for lam in (0.1, 1.0) for tau in (0.05, 0.1, 0.3, 1.0)]
    lam, tau = zip((0.0, INF), *settings, strict=True)
    z, looked = run(of, Explicit(of.rows, torch.tensor(tau)), lam, 1)
    found = [measure(*pair, of, 0.45) for pair in zip(z, looked, strict=True)]
    assert min(one.sd for one in found) > 0.25
    assert min(one.auc for one in found) > 0.5 + 0.9 * (found[0].auc - 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_coldest_weights_at_lambda_1_leave_the_score_alive(seed: int) -> None:
    cold = cancel(seed).explicit[2]
    assert cold.sd > 0.25
    assert cold.auc > 0.80


# 8.8


@pytest.mark.parametrize("parity", ["equalized-odds", "tpr"])
def test_odds_of_equal_labels_come_closer(parity: data.Parity) -> None:
    of = split("cancel", TEN, 0, parity=parity)
    term = Explicit(of.rows, torch.tensor([INF, 0.1]))
    z, looked = run(of, term, [0.0, 1.0], 0)
    gaps = []
    for c in range(2):
        decided = z[c] > np.quantile(looked[c], 0.55)
        mine = of.test.y == 1
        rates = [
            [decided[mine & (of.test.bins == b) & (of.test.s == s)].mean() for s in (0, 1)]
            for b in range(6)
        ]
        gaps.append(np.abs(np.diff(rates, axis=1)).max())
    assert gaps[1] < 0.75 * gaps[0]
