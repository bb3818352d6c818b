"""Explicit ROAD's estimate of local gaps, its weights, and the derivative of its penalty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from mitigations.road import data
from mitigations.road.explicit import Explicit, attend, signs
from mitigations.road.features import Features
from tests.road_fixtures import draw, rows, split

Floats = NDArray[np.float64]
INF = float("inf")
TEN = 10_000


@pytest.mark.parametrize("tau", [0.05, 0.3, 1.0])
def test_weights_maximise_the_gap_less_the_divergence(tau: float) -> None:
    r = np.random.default_rng(0)
    gap = np.clip(r.normal(0.0, tau, 12), -5 * tau, 5 * tau)
    use = np.r_[np.ones(10), 0.0, 0.0]

    def loss(free: Floats, sign: float) -> float:
        q = np.exp(free - free.max())
        q /= q.sum()
        return float(-sign * q @ gap[:10] + tau * q @ np.log(10 * q))

    up, down = attend(
        torch.tensor(gap)[None, None], torch.tensor([tau], dtype=torch.float64),
        torch.tensor(use)[None],
    )  # fmt: skip
    for weights, sign in ((up, 1.0), (down, -1.0)):
        best = minimize(loss, np.zeros(10), args=(sign,), tol=1e-14, options={"gtol": 1e-10})
        q = np.exp(best.x - best.x.max())
        mine = weights[0, 0].numpy()
        np.testing.assert_allclose(mine[:10] / 10, q / q.sum(), atol=1e-5)
        assert (mine[10:] == 0.0).all()
        np.testing.assert_allclose(mine.sum(), 10.0, rtol=1e-6)


def test_infinite_temperature_weighs_all_alike_exactly() -> None:
    gap = torch.randn(2, 3, 100)
    use = (torch.rand(3, 100) < 0.7).float()
    up, down = attend(gap, torch.tensor([INF, 0.3]), use)
    assert torch.equal(up[0], use)
    assert torch.equal(down[0], use)
    assert not torch.equal(up[1], use)


@pytest.mark.parametrize("parity", ["selection-rate", "equalized-odds", "tpr"])
def test_contrasts_have_mean_zero_in_every_bin_and_label(parity: data.Parity) -> None:
    of = split("cancel", TEN, 0, parity=parity)
    term = Explicit(of.rows, torch.tensor([0.3]))
    labels = {"selection-rate": [None], "equalized-odds": [0, 1], "tpr": [1]}[parity]
    assert [one.label for one in term.comparisons] == labels
    assert of.rows.bins is not None
    for st, use in zip(term.st, term.use, strict=True):
        assert (st[use == 0.0] == 0.0).all()
        for bin_ in range(6):
            here = (of.rows.bins == bin_) & (use > 0.0)
            assert abs(float(st[here].mean())) <= 0.02


def reference(term: Explicit, z: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The penalty of a first step, as the specification has it, for automatic gradients."""
    r = term.rows
    sd = z.std(1, keepdim=True, unbiased=False)
    u = (z - z.mean(1, keepdim=True)) / (sd + 1e-6)
    q = u.detach().sort(1).values[:, int(len(at) * (1.0 - term.share))][:, None]
    soft = 2.5 * torch.sigmoid((u - q) / 0.3)
    total = torch.zeros(len(z))
    for j, one in enumerate(term.comparisons):
        here = term.use[j, at] > 0
        v = soft[:, here] - soft[:, here].mean(1, keepdim=True)
        phi, st, sg = r.phi[at][here], term.st[j, at][here], term.sg[j, at][here]
        use = term.use[j] > 0
        a = r.phi[use].T @ r.phi[use] / use.sum() + 0.1 * torch.eye(r.phi.shape[1])
        for c in range(len(z)):
            e = (st * v[c]) @ phi / here.sum()
            gap = (phi @ torch.linalg.solve(a, e)).detach()
            scaled = (gap / term.tau[c]).clamp(-6, 6)
            up, down = (torch.softmax(sign * scaled, 0) * here.sum() for sign in (1, -1))
            most, least = (up * gap).mean(), -(down * gap).mean()
            local = 2 * most * (up * st * v[c]).mean() - 2 * least * (down * st * v[c]).mean()
            whole = (sg * v[c]).mean()
            local = local + 2 * term.gamma[c] * whole.detach() * whole
            total[c] = total[c] + one.weight * local
    return total


@pytest.mark.parametrize("parity", ["selection-rate", "equalized-odds", "tpr"])
@pytest.mark.parametrize("k", [2, 3])
def test_the_derivative_is_that_of_the_specified_penalty(parity: data.Parity, k: int) -> None:
    people = draw("cancel", 1500, 2, k)
    features = Features.fit(people.a, np.random.default_rng(0))
    own = rows(people, features, k, parity=parity)
    s = torch.where(torch.rand(1500) < 0.1, -1, own.s[:, 0])
    second = torch.randint(-1, 2, (1500,))
    own = replace(own, s=torch.stack([s, second], 1), k=(k, 2))
    term = Explicit(own, torch.tensor([0.1, 1.0, INF]), gamma=torch.tensor([0.0, 1.0, 0.3]))
    strata = 1 + (parity == "equalized-odds")
    assert len(term.comparisons) == strata * ((1 if k == 2 else k) + 1)
    assert float(term.weight.sum()) == pytest.approx(1.0)
    at = torch.randperm(1500)[:400]
    z = (torch.randn(3, 400) * 0.3 + own.x[at, 0]).requires_grad_(True)
    value = reference(term, z, at)
    (wanted,) = torch.autograd.grad(value.sum(), z)
    mine = term.penalty(z, at, 0)
    torch.testing.assert_close(mine.detach(), value.detach(), rtol=1e-3, atol=1e-5)
    (pull,) = torch.autograd.grad(mine.sum(), z)
    torch.testing.assert_close(pull, wanted, rtol=1e-2, atol=3e-7)
    term.reset()
    torch.testing.assert_close(term.gradient(z.detach(), at, 0), pull, rtol=1e-4, atol=1e-8)


def test_the_estimated_gap_is_the_gap_of_the_regions() -> None:
    of = split("cancel", TEN, 0)
    term = Explicit(of.rows, torch.tensor([0.1]))
    z = torch.tensor(of.train.eta, dtype=torch.float32)[None]
    term.settle(lambda x: z)
    found = 2.0 / 2.5 * term.gaps(0)[0].numpy()
    u = (of.train.eta - of.train.eta.mean()) / of.train.eta.std()
    v = 1.0 / (1.0 + np.exp(-(u - np.quantile(u, 1.0 - term.share)) / 0.3))
    for sign in (1, -1):
        here = of.train.h == sign
        gap = v[here & (of.train.s == 1)].mean() - v[here & (of.train.s == 0)].mean()
        assert found[here].mean() == pytest.approx(gap, abs=0.04)
    weight = term.attention()[0].numpy()
    assert weight.mean() == pytest.approx(1.0, abs=1e-3)
    assert weight[of.train.h != 0].mean() > 1.2 * weight[of.train.h == 0].mean()


def test_looking_at_other_rows_changes_nothing() -> None:
    of = split("cancel", 2000, 0)
    term = Explicit(of.rows, torch.tensor([0.1, 1.0]), gamma=1.0)
    at = torch.arange(500)
    term.gradient(torch.randn(2, 500), at, 0)
    before = term.moment.clone()
    value = term.value(torch.randn(2, len(of.looked)), of.looked)
    assert torch.equal(before, term.moment)
    assert value.shape == (2,)
    assert (value >= 0.0).all()


def test_rows_without_a_group_and_groups_of_a_few_do_not_count() -> None:
    people = draw("cancel", 1000, 0)
    features = Features.fit(people.a, np.random.default_rng(0))
    own = rows(people, features)
    few = replace(own, s=torch.where(torch.arange(1000) < 3, 1, 0)[:, None])
    term = Explicit(few, torch.tensor([0.3]))
    assert term.comparisons == []
    z = torch.randn(1, 200)
    assert (term.gradient(z, torch.arange(200), 0) == 0.0).all()
    none = replace(own, s=torch.full_like(own.s, -1))
    assert signs(none, Explicit(own, torch.tensor([0.3])).comparisons)[2].sum() == 0.0


def test_a_minibatch_without_a_group_leaves_numbers() -> None:
    of = split("cancel", 1000, 0, parity="equalized-odds")
    term = Explicit(of.rows, torch.tensor([0.1]))
    for code in (0, 1):
        at = torch.where((of.rows.s[:, 0] == code) & (of.rows.y == code))[0][:50]
        pull = term.gradient(torch.randn(1, 50), at, 0)
        assert torch.isfinite(pull).all()
    # all logits alike
    assert torch.isfinite(term.gradient(torch.zeros(1, 50), at, 0)).all()


def test_features_are_those_of_a_smooth_kernel() -> None:
    a = np.random.default_rng(0).normal(size=(200, 2)) * [1.0, 30.0]
    features = Features.fit(a, np.random.default_rng(1), count=4000)
    phi = features(a)[:, 1:]
    near = phi @ phi.T / 4000
    scaled = features.descriptors(a)
    squares = ((scaled[:, None] - scaled[None]) ** 2).sum(-1)
    np.testing.assert_allclose(near, np.exp(-squares / (2 * 0.7**2)), atol=0.1)
    assert Features.fit(a, np.random.default_rng(1), batch=400).w.shape == (2, 10)
