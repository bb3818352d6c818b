"""The forms explicit ROAD competes with: closed forms, invariants, edge cases, short trainings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mitigations.nets import Loop
from mitigations.road import data, train
from mitigations.road.bins import Bins, squared_gaps
from mitigations.road.conditional import Conditional
from mitigations.road.explicit import FEWEST_ROWS, comparisons, signs
from mitigations.road.features import Features
from mitigations.road.groupdro import CAP, GroupDRO
from mitigations.road.kernel import Kernel, covariance
from mitigations.road.newton import LARGEST, RIDGE, Newton, basis, gain, solve
from mitigations.road.published import Published, broad, log_ratio, objective
from mitigations.road.rivals import Pairs, pairs, standardised
from mitigations.road.tree import SMALLEST, Tree, grow
from tests import road_fixtures

FORMS: dict[str, Callable[[data.Rows, int], Any]] = {
    "newton": Newton,
    "kernel": lambda rows, count: Kernel(rows, count, gamma=1.0),
    "bins": Bins,
    "tree": lambda rows, count: Tree(rows, count, every=2),
    "groupdro": GroupDRO,
    "conditional": lambda rows, count: Conditional(rows, count, range(count)),
    "road": lambda rows, count: Published(rows, torch.full((count,), 0.1), seeds=range(count)),
    "broad": lambda rows, count: Published(
        rows, torch.full((count,), 0.1), form="broad", seeds=range(count)
    ),
}
#: Forms whose penalty is a function of the logits and the rows alone, at the first step.
STATELESS = ("newton", "kernel", "bins", "tree")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rows_of(drawn: road_fixtures.Drawn, groups: int, **more: Any) -> data.Rows:
    features = Features.fit(drawn.a, np.random.default_rng(0))
    made = road_fixtures.rows(drawn, features, groups)
    return replace(made, **more)


def few(n: int = 400, groups: int = 2, **more: Any) -> data.Rows:
    return rows_of(road_fixtures.draw("cancel", n, 7, groups), groups, **more)


def logits(rows: data.Rows, count: int = 2, seed: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    base = rows.x[:, 0] + 0.5 * rows.x[:, 3] * torch.sign(-rows.x[:, 4])
    return base + 0.5 * torch.randn((count, len(rows)), generator=generator)


def everyone(rows: data.Rows) -> torch.Tensor:
    return torch.arange(len(rows))


# --- published ratio ---------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("tau", [0.2, 0.7])
def test_weights_of_broad_minimise_the_ratio_objective(groups: int, tau: float) -> None:
    rng = np.random.default_rng([groups, 1])
    n = 60
    loss = torch.tensor(rng.gamma(2.0, 0.3, (1, n)))
    cell = torch.tensor(rng.integers(0, groups, n))
    heat = torch.tensor([tau], dtype=torch.float64)

    def value(at: np.ndarray) -> tuple[float, np.ndarray]:
        h = torch.tensor(at[None], requires_grad=True)
        total = objective(log_ratio(h, cell, groups), loss, cell, heat).sum()
        (slope,) = torch.autograd.grad(total, h)
        return float(total.detach()), slope[0].numpy()

    # the stated objective, in numpy, agrees with what is minimised
    h = rng.normal(size=n)
    r = np.exp(h)
    for g in range(groups):
        inside = cell.numpy() == g
        r[inside] /= r[inside].mean()
    stated = (r * loss.numpy()[0]).mean() + tau * (r * np.log(r)).mean()
    assert value(h)[0] == pytest.approx(stated, abs=1e-12)

    best = minimize(
        value, np.zeros(n), jac=True, method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-16, "gtol": 1e-10},
    )  # fmt: skip
    numeric = log_ratio(torch.tensor(best.x[None]), cell, groups).exp()
    closed = broad(loss, cell, groups, heat)
    assert torch.allclose(closed, numeric, atol=1e-5)
    for g in range(groups):
        assert float(closed[0, cell == g].mean()) == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 40), st.sampled_from([0.1, 10.0, 1e4]))
def test_ratios_have_mean_1_in_every_cell_whatever_is_missing(
    seed: int, n: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    h = torch.tensor(rng.normal(size=(3, n)) * scale, dtype=torch.float32)
    cell = torch.tensor(rng.integers(-1, 5, n))
    ratio = log_ratio(h, cell, 6).exp()
    assert torch.isfinite(ratio).all()
    assert (ratio[:, cell < 0] == 1.0).all()
    for g in range(5):
        if (cell == g).any():
            assert torch.allclose(ratio[:, cell == g].mean(1), torch.ones(3), atol=1e-4)
    # what is added to all of a cell changes nothing
    if scale < 100.0:
        moved = torch.where(cell == 2, h + 3.0, h)
        assert torch.allclose(log_ratio(moved, cell, 6).exp(), ratio, rtol=1e-3, atol=1e-4)


def test_infinite_temperature_weighs_all_alike_and_zero_the_surest_rows() -> None:
    loss = torch.tensor([[0.1, 0.4, 0.1, 0.9], [0.2, 0.4, 0.1, 0.9]])
    cell = torch.tensor([0, 0, 0, 1])
    heat = torch.tensor([torch.inf, 0.0])
    weights = broad(loss, cell, 2, heat)
    assert torch.equal(weights[0], torch.ones(4))
    assert torch.allclose(weights[1], torch.tensor([0.0, 0.0, 3.0, 1.0]))


@pytest.mark.parametrize("form", ["road", "broad"])
def test_published_forms_stand_extreme_temperatures_and_logits(form: Any) -> None:
    rows = few(weight=torch.ones(400))
    tau = torch.tensor([0.0, 1e-3, torch.inf])
    term = Published(rows, tau, form=form, seeds=[0, 0, 0], scaled=False)
    z = (100.0 * logits(rows, 3)).requires_grad_(True)
    for step in range(4):
        penalty = term.penalty(z, everyone(rows), step)
    penalty.sum().backward()
    assert torch.isfinite(penalty).all()
    assert torch.isfinite(z.grad).all()  # type: ignore[arg-type]
    assert term.attention() is None
    term.settle(lambda asked: z.detach())
    weight = term.attention()
    assert weight is not None
    assert torch.allclose(weight[2], torch.ones(400))
    assert torch.allclose(weight.mean(1), torch.ones(3), atol=1e-3)
    assert float(term.effective[2]) == pytest.approx(1.0, abs=1e-5)


def test_plain_adversaries_of_both_forms_agree_at_infinite_temperature() -> None:
    rows = few()
    tau = torch.tensor([torch.inf])
    found = [
        Published(rows, tau, form=form, seeds=[4]).penalty(logits(rows, 1), everyone(rows), 0)
        for form in ("road", "broad")
    ]
    assert torch.equal(found[0], found[1])


# --- Newton ------------------------------------------------------------------------------------


def test_newton_steps_reach_the_ridge_regression() -> None:
    rows = few(300, 3)
    to = pairs(rows)
    design = basis(standardised(logits(rows, 1)).double())
    beta = torch.zeros((1, 3, 5), dtype=torch.float64)
    exact = Pairs(to.member.double(), to.use.double(), to.share.double())
    found = solve(design, exact, beta, steps=60)
    penal = np.full(5, RIDGE)
    penal[0] = 1e-6
    x = design[0].numpy()
    for j in range(3):
        s = to.member[j].numpy()

        def loss(b: np.ndarray, s: np.ndarray = s) -> float:
            eta = x @ b
            return float(np.mean(np.logaddexp(0, eta) - s * eta) + 0.5 * (penal * b**2).sum())

        best = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9})
        assert loss(found[0, j].numpy()) <= best.fun + 1e-9
        assert np.allclose(found[0, j].numpy(), best.x, atol=2e-3)


def test_newtons_gain_is_that_of_a_table_of_counts() -> None:
    # two scores, hence a saturated adversary: the gain is the mutual information
    z = torch.tensor([[0.0] * 50 + [1.0] * 50])
    s = torch.tensor([1.0] * 35 + [0.0] * 15 + [1.0] * 10 + [0.0] * 40)
    to = Pairs(s[None], torch.ones((1, 100)), torch.ones(1))
    design = basis(standardised(z))
    beta = solve(design, to, torch.zeros((1, 1, 5)), steps=80)

    def h(p: float) -> float:
        return float(-p * np.log(p) - (1 - p) * np.log(1 - p))

    exact = h(0.45) - 0.5 * h(0.7) - 0.5 * h(0.2)
    assert float(gain(design, to, beta)) == pytest.approx(exact, rel=0.02)
    assert float(gain(design, to, beta)) <= exact + 1e-6


def test_newton_does_not_care_for_scale_order_or_names_of_the_groups() -> None:
    rows = few()
    z = logits(rows)
    base = Newton(rows, 2).penalty(z, everyone(rows), 0)
    assert torch.allclose(
        Newton(rows, 2).penalty(7.0 * z - 3.0, everyone(rows), 0), base, atol=1e-5
    )
    turned = replace(rows, s=1 - rows.s)
    assert torch.allclose(Newton(turned, 2).penalty(z, everyone(rows), 0), base, atol=1e-5)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(Newton(rows, 2).penalty(z[:, order], order, 0), base, atol=1e-5)


def test_newton_keeps_its_place_where_a_batch_lacks_a_group() -> None:
    rows = few()
    term = Newton(rows, 1)
    term.penalty(logits(rows, 1), everyone(rows), 0)
    before = term.beta.clone()
    one = torch.nonzero(rows.s[:, 0] == 1)[:, 0]
    penalty = term.penalty(logits(rows, 1)[:, one], one, 1)
    assert torch.equal(term.beta, before)
    assert float(penalty) == 0.0


def test_newton_does_not_run_away_where_scores_separate_the_groups() -> None:
    rows = few()
    z = (20.0 * rows.s[:, 0].float() - 10.0)[None]
    term = Newton(rows, 1)
    for step in range(60):
        penalty = term.penalty(z, everyone(rows), step)
    assert float(term.beta.abs().max()) <= LARGEST
    assert 0.3 < float(penalty) <= np.log(2.0) + 1e-6


# --- kernel, bins, tree ------------------------------------------------------------------------


def test_kernel_covariance_is_the_mean_over_pairs_of_different_rows() -> None:
    rng = np.random.default_rng(0)
    n, m = 12, 4
    v, contrast = rng.normal(size=(2, n)), rng.normal(size=(3, n))
    use = np.ones((3, n))
    use[1, 5:] = 0.0
    contrast[1, 5:] = 0.0
    phi = rng.normal(size=(n, m))
    found = covariance(*(torch.tensor(t) for t in (v, contrast, use, phi)))
    for c in range(2):
        for j in range(3):
            each = (v[c] * contrast[j])[:, None] * phi
            inside = np.flatnonzero(use[j])
            mean = np.mean([each[p] @ each[q] for p in inside for q in inside if p != q])
            assert float(found[c, j]) == pytest.approx(mean, abs=1e-12)


def test_squared_gaps_are_means_over_pairs_of_different_rows() -> None:
    rng = np.random.default_rng(1)
    n = 80
    v = rng.normal(size=(2, n))
    cell = rng.integers(-1, 3, n)
    member = rng.integers(0, 2, n).astype(float)
    to = Pairs(torch.tensor(member[None]), torch.ones((1, n), dtype=torch.float64), torch.ones(1))
    found = squared_gaps(torch.tensor(v), to, torch.tensor(cell), 4)
    assert found.shape == (2, 1, 4)
    assert (found[:, :, 3] == 0.0).all()
    for c in range(2):
        for b in range(3):
            ones = v[c, (cell == b) & (member == 1)]
            rest = v[c, (cell == b) & (member == 0)]

            def apart(x: np.ndarray) -> float:
                return float((x.sum() ** 2 - (x**2).sum()) / (x.size * (x.size - 1)))

            exact = apart(ones) + apart(rest) - 2.0 * ones.mean() * rest.mean()
            assert float(found[c, 0, b]) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("form", ["kernel", "bins"])
def test_gaps_of_chance_cost_nothing_on_average(form: str) -> None:
    rng = np.random.default_rng(5)
    rows = few(200)
    z = torch.as_tensor(rng.normal(size=(1, 200)), dtype=torch.float32)
    found = []
    for _ in range(300):
        shuffled = replace(rows, s=rows.s[torch.as_tensor(rng.permutation(200))])
        found.append(float(FORMS[form](shuffled, 1).penalty(z, everyone(rows), 0)[0]))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 4.0 * error


def test_contrasts_turn_means_into_half_gaps() -> None:
    people = road_fixtures.draw("cancel", 20_000, 3, 3)
    rows = rows_of(people, 3)
    to = pairs(rows)
    v = people.x[:, 3] * people.h + people.x[:, 0]
    contrast = signs(rows, comparisons(rows))[0].numpy()
    assert len(contrast) == len(to)
    for j in range(3):
        for region in (-1, 0, 1):
            inside = people.h == region
            member = people.s == j
            half = 0.5 * (v[inside & member].mean() - v[inside & ~member].mean())
            assert (contrast[j] * v)[inside].mean() == pytest.approx(half, abs=0.03)


def test_trees_find_regions_nobody_named() -> None:
    people = road_fixtures.draw("hidden", 8000, 2)
    rng = np.random.default_rng(0)
    target = 0.3 * people.h + rng.normal(size=8000)
    tree = grow(people.a, target[:, None])
    inside = tree.predict(people.a)
    for region, level in ((1, 0.3), (-1, -0.3), (0, 0.0)):
        assert inside[people.h == region].mean() == pytest.approx(level, abs=0.12)
    assert np.bincount(tree.apply(people.a))[tree.tree_.children_left < 0].min() >= SMALLEST


def test_a_tree_is_grown_when_it_is_due_and_for_each_slice_alone() -> None:
    rows = few(2000)
    term = Tree(rows, 2, every=3)
    first = logits(rows, 1)
    z = torch.cat([first, rows.x[:, 3:4].T * torch.sign(rows.x[:, 5]) * 3.0 + 0.0 * first])
    for step in range(3):
        whole = term.penalty(z, everyone(rows), step)
    assert int(term.leaf.max()) == 0
    parts = term.penalty(z, everyone(rows), 3)
    assert int(term.leaf.max(1).values.min()) > 0
    assert (parts > whole).all()
    assert not torch.equal(term.leaf[0], term.leaf[1])
    term.reset()
    assert int(term.leaf.max()) == 0


# --- GroupDRO ----------------------------------------------------------------------------------


def test_groupdro_moves_weight_to_the_cell_with_the_largest_loss() -> None:
    s = np.random.default_rng(0).integers(0, 2, 600)
    rows = replace(few(600), s=torch.as_tensor(s)[:, None])
    rows.s[:5] = -1
    term = GroupDRO(rows, 2, eta=torch.tensor([0.0, 0.1]))
    assert rows.bins is not None
    bad = (rows.bins == 2) & (rows.s[:, 0] == 1)
    loss = torch.where(bad, 1.5, 0.5).expand(2, -1)
    for step in range(10):
        weight = term.row_weight(loss, everyone(rows), step)
    assert torch.allclose(weight[0], torch.ones(600), atol=1e-5)
    known = rows.s[:, 0] >= 0
    assert torch.allclose(weight[:, known].mean(1), torch.ones(2), atol=1e-4)
    assert torch.equal(weight[:, ~known], torch.ones((2, 5)))
    assert float(weight[1, bad].min()) > 2.0 > 1.0 > float(weight[1, known & ~bad].max())
    # exponents of a cell: eta times its loss at every step
    ratio = float(weight[1, bad][0] / weight[1, known & ~bad][0])
    assert ratio == pytest.approx(np.exp(10 * 0.1 * 1.0), rel=1e-4)


def test_groupdro_does_not_bet_everything_on_three_people() -> None:
    rows = few(600)
    s = torch.zeros_like(rows.s)
    s[300:] = 1
    s[:3] = 2
    rows = replace(rows, s=s, k=(3,))
    term = GroupDRO(rows, 1, eta=5.0)
    loss = torch.ones((1, 600))
    loss[:, :3] = 10.0
    for step in range(50):
        weight = term.row_weight(loss, everyone(rows), step)
    assert torch.equal(weight[:, :3], torch.ones((1, 3)))
    assert float(weight.max()) <= CAP
    assert torch.isfinite(weight).all()


# --- all forms ---------------------------------------------------------------------------------


def awkward(parity: Any) -> data.Rows:
    """Two axes, one of three groups with three people in one of them, missing groups, bins."""
    rows = few(400, 2, parity=parity)
    second = torch.randint(0, 2, (400,), generator=torch.Generator().manual_seed(1))
    second[7:10] = 2
    s = torch.stack([rows.s[:, 0], second], dim=1)
    s[20:40, 0] = -1
    s[30:60, 1] = -1
    bins = rows.bins
    assert bins is not None
    bins[:11] = -1
    return replace(rows, s=s, k=(2, 3), bins=bins)


@pytest.mark.parametrize("parity", ["selection-rate", "equalized-odds", "tpr"])
@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_stands_batches_without_a_group(form: str, parity: Any) -> None:
    rows = awkward(parity)
    term = FORMS[form](rows, 2)
    batches = [
        everyone(rows),
        torch.nonzero(rows.s[:, 0] == 1)[:, 0],
        torch.nonzero((rows.s == -1).all(1))[:, 0],
        torch.nonzero(rows.y == 0)[:, 0],
        torch.arange(7, 10),
        torch.arange(1),
    ]
    for step, batch in enumerate(batches):
        z = logits(rows)[:, batch].clone().requires_grad_(True)
        penalty = term.penalty(z, batch, step)
        assert penalty.shape == (2,)
        assert torch.isfinite(penalty).all()
        penalty.sum().backward()
        assert torch.isfinite(z.grad).all()  # type: ignore[arg-type]
        if hasattr(term, "row_weight"):
            weight = term.row_weight(torch.rand(z.shape), batch, step)
            assert weight.shape == z.shape
            assert torch.isfinite(weight).all()
    with torch.no_grad():
        value = term.value(logits(rows), rows)
    assert value.shape == (2,)
    assert torch.isfinite(value).all()


@pytest.mark.parametrize("form", STATELESS)
def test_groups_of_rows_outside_the_parity_do_not_matter(form: str) -> None:
    rows = few(400, parity="tpr")
    outside = (rows.y == 0)[:, None]
    turned = replace(rows, s=torch.where(outside, 1 - rows.s, rows.s))
    missing = replace(rows, s=torch.where(outside, torch.full_like(rows.s, -1), rows.s))
    z = logits(rows)
    base = FORMS[form](rows, 2).penalty(z, everyone(rows), 0)
    assert float(base.abs().min()) > 0.0
    for other in (turned, missing):
        assert torch.equal(FORMS[form](other, 2).penalty(z, everyone(rows), 0), base)


@pytest.mark.parametrize("form", STATELESS)
def test_equalized_odds_is_the_mean_of_both_labels(form: str) -> None:
    rows = few(600)
    z = logits(rows)
    both, ones = (
        FORMS[form](replace(rows, parity=parity), 2).penalty(z, everyone(rows), 0)
        for parity in ("equalized-odds", "tpr")
    )
    other = replace(rows, parity="tpr", s=torch.where(rows.y[:, None] == 0, rows.s, -1))
    # opportunity among those with label 0: the same rows with labels turned
    turned = replace(other, y=1.0 - rows.y)
    share = float(rows.y.mean())
    term = FORMS[form](turned, 2)
    term.share = share
    zeros = term.penalty(z, everyone(rows), 0)
    assert torch.allclose(both, 0.5 * (ones + zeros), atol=1e-5)


@pytest.mark.parametrize("form", STATELESS)
def test_several_axes_are_averaged(form: str) -> None:
    rows = few(400)
    second = torch.randint(0, 3, (400,), generator=torch.Generator().manual_seed(2))
    both = replace(rows, s=torch.stack([rows.s[:, 0], second], 1), k=(2, 3))
    alone = replace(rows, s=second[:, None], k=(3,))
    z = logits(rows)
    found = [FORMS[form](r, 2).penalty(z, everyone(rows), 0) for r in (both, rows, alone)]
    assert torch.allclose(found[0], 0.5 * (found[1] + found[2]), atol=1e-5)


def test_groups_of_three_people_get_no_comparison_of_their_own() -> None:
    rows = few(400)
    s = rows.s.clone()
    s[:3] = 2
    to = pairs(replace(rows, s=s, k=(3,)))
    assert len(to) == 2
    assert float(to.share.sum()) == pytest.approx(1.0)
    assert float(to.use[0].sum()) == 400.0
    none = pairs(replace(few(FEWEST_ROWS), s=torch.zeros((FEWEST_ROWS, 1), dtype=torch.long)))
    assert len(none) == 0


@pytest.mark.parametrize("form", list(FORMS))
def test_forms_do_nothing_where_there_is_one_group(form: str) -> None:
    rows = few(100)
    rows = replace(rows, s=torch.full_like(rows.s, -1))
    z = logits(rows).requires_grad_(True)
    term = FORMS[form](rows, 2)
    term.penalty(z, everyone(rows), 0).sum().backward()
    assert z.grad is None or float(z.grad.abs().max()) == 0.0
    with torch.no_grad():
        assert torch.isfinite(term.value(z, rows)).all()


@pytest.mark.parametrize("form", list(FORMS))
def test_forms_repeat_for_a_seed_and_leave_global_randomness_alone(form: str) -> None:
    rows = few(600)
    state = torch.get_rng_state()
    found = []
    for _ in range(2):
        term = FORMS[form](rows, 2)
        made = train.fit(
            rows, term, [1.0, 3.0], [0, 1], Loop(steps=6, batch=128),
            rng=np.random.default_rng(0), tick=lambda done, total: None,
        )  # fmt: skip
        torch.rand(3, generator=torch.Generator().manual_seed(9))
        found.append(made.stack.flat.clone())
    assert torch.equal(found[0], found[1])
    assert torch.isfinite(found[0]).all()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("form", list(FORMS))
def test_a_slice_does_not_see_its_neighbours(form: str) -> None:
    rows = few(600)
    found = []
    for count in (1, 3):
        term = FORMS[form](rows, count)
        for step in range(4):
            z = logits(rows, 3)[:count]
            penalty = term.penalty(z, everyone(rows), step)
        found.append(penalty[0])
    assert torch.allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("form", list(FORMS))
def test_looking_at_other_rows_changes_nothing(form: str) -> None:
    rows, others = few(600, parity="equalized-odds"), few(250, parity="equalized-odds")
    found = []
    for looks in (False, True):
        term = FORMS[form](rows, 2)
        for step in range(4):
            penalty = term.penalty(logits(rows), everyone(rows), step)
            if looks:
                with torch.no_grad():
                    value = term.value(logits(others), others)
        found.append(penalty)
    assert torch.equal(found[0], found[1])
    assert value.shape == (2,)
    if form in ("newton", "conditional", "road", "broad"):
        assert (value >= 0.0).all()


def test_seeds_and_slices_have_to_match() -> None:
    with pytest.raises(ValueError, match="1 seeds for 2 slices"):
        Conditional(few(), 2, [0])


# --- short trainings ---------------------------------------------------------------------------


@cache
def population() -> road_fixtures.Split:
    return road_fixtures.split("cancel", 10_000, 0)


@cache
def trained(
    form: str, lam: tuple[float, ...], tau: tuple[float, ...] = ()
) -> tuple[list[road_fixtures.Measured], float, Any]:
    """Networks of fixture cancel, n = 10,000, seed 0; their positive share; the penalty."""
    torch.set_num_threads(1)
    of = population()
    count = len(lam)
    term: Any = None
    if form in ("road", "broad"):
        term = Published(of.rows, torch.tensor(tau), form=form, seeds=[0] * count)  # type: ignore[arg-type]
    elif form == "conditional":
        term = Conditional(of.rows, count, [0] * count)
    elif form == "kernel":
        term = Kernel(of.rows, count)
    elif form != "plain":
        term = FORMS[form](of.rows, count)
    made = train.fit(
        of.rows, term, list(lam), [0] * count, Loop(),
        rng=np.random.default_rng(0), tick=lambda done, total: None,
    )  # fmt: skip
    on = [
        made.stack.logits(torch.as_tensor(part.x, dtype=torch.float32)).numpy()
        for part in (of.valid, of.test)
    ]
    share = float((on[0][0] > 0).mean()) if form == "plain" else base_share()
    found = [road_fixtures.measure(on[1][c], on[0][c], of, share) for c in range(count)]
    return found, share, term


def base_share() -> float:
    return trained("plain", (0.0,))[1]


def plain() -> road_fixtures.Measured:
    return trained("plain", (0.0,))[0][0]


@pytest.mark.slow
def test_without_a_penalty_the_worst_band_is_that_of_the_specification() -> None:
    assert plain().accuracy == pytest.approx(0.748, abs=0.008)
    assert plain().worst == pytest.approx(0.294, abs=0.045)
    assert plain().whole < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("form", ["road", "broad"])
def test_published_forms_are_blind_to_gaps_that_cancel(form: str) -> None:
    found, _, term = trained(form, (1.0, 3.0), (0.05, 0.1))
    for one in found:
        assert one.worst == pytest.approx(plain().worst, rel=0.05)
        assert one.accuracy == pytest.approx(plain().accuracy, abs=0.004)
    assert (term.effective >= 0.9).all()


@pytest.mark.slow
def test_a_solved_adversary_closes_the_gap_of_the_whole_and_no_local_one() -> None:
    found, _, _ = trained("newton", (10.0, 30.0))
    for one, expected in zip(found, (0.288, 0.255), strict=True):
        assert one.worst == pytest.approx(expected, abs=0.045)
        assert one.worst > 0.75 * plain().worst
        assert one.accuracy == pytest.approx(0.748, abs=0.008)
        assert one.whole < 0.015


@pytest.mark.slow
@pytest.mark.parametrize("form", ["kernel", "bins", "tree"])
def test_local_penalties_trade_accuracy_for_local_gaps_as_measured(form: str) -> None:
    found, _, _ = trained(form, (0.1, 0.3, 1.0))
    worst = [one.worst for one in found]
    assert plain().worst > worst[0] > worst[1] > worst[2]
    # frontier of the specification: .742 / .173 and .737 / .095 (kernel), .739 / .096 (tree)
    accuracy = [one.accuracy for one in found]
    at = np.interp([0.737, 0.742], accuracy[::-1], worst[::-1])
    assert at[0] < 0.12
    assert at[1] < 0.19
    assert min(accuracy) > 0.728
    assert max(one.whole for one in found) < 0.03


@pytest.mark.slow
def test_an_adversary_that_sees_the_descriptors_finds_gaps_that_cancel() -> None:
    found, _, _ = trained("conditional", (1.0, 3.0))
    expected = ((0.744, 0.153), (0.738, 0.086))
    for one, (known, measured) in zip(found, expected, strict=True):
        assert one.accuracy == pytest.approx(known, abs=0.008)
        assert one.worst == pytest.approx(measured, abs=0.05)
        assert one.whole < 0.03


@pytest.mark.slow
def test_groupdro_does_not_lower_local_gaps() -> None:
    (one,), _, _ = trained("groupdro", (0.0,))
    assert one.accuracy == pytest.approx(plain().accuracy, abs=0.006)
    assert one.worst > 0.85 * plain().worst
