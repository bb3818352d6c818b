"""The best accuracy under limits: published tables, another solver, shape of the surface."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from metrics import rate_bounds
from metrics.bound_program import Program
from metrics.bounds import Bound, axis
from metrics.bounds_section import accuracy, bounds_section, disparities
from metrics.cells import Floats
from tests.information_laws import ANCHORS

LN2 = np.log(2)
WHOLE, LOCAL = (0, 0.01, 1), (0, 0.005, 0.02, 0.1, 1)
PUBLISHED = {
    "iid": [
        [0.93466, 0.93466, 0.93466, 0.93466, 0.93466],
        [0.93466, 0.96056, 0.97062, 0.97062, 0.97062],
        [0.93466, 0.96056, 0.98407, 1, 1],
    ],
    "het": [
        [0.93368, 0.93466, 0.93466, 0.93466, 0.93466],
        [0.96534, 0.97062, 0.97062, 0.97062, 0.97062],
        [0.98087, 0.99073, 1, 1, 1],
    ],
    "syn": [
        [0.76553, 0.7744, 0.79456, 0.84941, 0.93466],
        [0.76588, 0.77467, 0.79466, 0.85654, 0.97062],
        [0.76588, 0.77467, 0.79466, 0.85654, 1],
    ],
}


def labels(split: str) -> Floats:
    """Joint shares with decisions that ignore everything."""
    table = np.array(ANCHORS[split], dtype=float)
    return np.repeat((table / table.sum())[..., None], 2, axis=3) / 2


def decisions(seed: int, shape: tuple[int, ...] = (2, 3), n: int = 4000) -> np.ndarray:
    """Counts by group, site, label and decision of a model that is right four times of five."""
    rng = np.random.default_rng(seed)
    mix = rng.dirichlet(np.full(int(np.prod(shape)), 4.0)).reshape(shape)
    base = rng.uniform(0.2, 0.6, shape)
    right, wrong = rng.uniform(0.7, 0.9, shape), rng.uniform(0.1, 0.3, shape)
    law = np.stack(
        [
            np.stack([(1 - base) * (1 - wrong), (1 - base) * wrong], axis=-1),
            np.stack([base * (1 - right), base * right], axis=-1),
        ],
        axis=-2,
    )
    law *= mix[..., None, None]
    return rng.multinomial(n, law.ravel() / law.sum()).reshape(law.shape)


@pytest.mark.parametrize("split", PUBLISHED)
def test_published_accuracies(split: str) -> None:
    bound = Bound(labels(split))
    for g, row in zip(WHOLE, PUBLISHED[split], strict=True):
        for h, expected in zip(LOCAL, row, strict=True):
            if split == "iid" and g == h == 0:
                continue
            point = bound.at(g * LN2, h * LN2)
            assert point.accuracy == pytest.approx(expected, abs=5e-5)
            assert point.certified


def test_the_published_corner_is_that_of_a_small_limit_not_of_none() -> None:
    """A limit of 1e-9 nats gives the printed number; exact equality of rates gives less."""
    bound = Bound(labels("iid"))
    relaxed = Program.compile(bound.maps, (False, False)).solve(1e-9, 1e-9)
    assert relaxed.accuracy == pytest.approx(0.93466, abs=5e-5)
    assert bound.at(0, 0).accuracy == pytest.approx(equal_rates(labels("iid")), abs=1e-7)


def equal_rates(joint: Floats) -> float:
    """Linear program: one rate at each site, and the same overall rate of both groups."""
    label = joint.sum(axis=3)
    z, s, _ = label.shape
    people = label.sum(axis=2)
    n = z * s * 2
    cells = np.arange(n).reshape(z, s, 2)
    rows = []
    for j in range(s):
        row = np.zeros(n)
        for i, sign in ((0, 1), (1, -1)):
            row[cells[i, j]] = sign * label[i, j] / people[i, j]
        rows.append(row)
    row = np.zeros(n)
    for i, sign in ((0, 1), (1, -1)):
        row[cells[i].ravel()] = sign * label[i].ravel() / people[i].sum()
    rows.append(row)
    gain = (label * [-1, 1]).ravel()
    found = linprog(-gain, A_eq=np.array(rows), b_eq=np.zeros(s + 1), bounds=(0, 1))
    return float(label[..., 0].sum() - found.fun)


@pytest.mark.parametrize("rule", ["free", "group-site", "group", "site", "blind"])
def test_the_surface_rises_and_is_concave_and_its_limits_are_kept(rule: str) -> None:
    counts = decisions(0)
    bound = Bound(counts / counts.sum(), rule)
    whole, local = np.linspace(0, bound.ceiling[0], 5), np.linspace(0, bound.ceiling[1], 5)
    grid = bound.surface(whole.tolist(), local.tolist())
    surface = np.array([[point.accuracy for point in row] for row in grid])
    assert np.diff(surface, axis=0).min() >= -1e-6
    assert np.diff(surface, axis=1).min() >= -1e-6
    assert np.diff(surface, n=2, axis=0).max() <= 2e-6
    assert np.diff(surface, n=2, axis=1).max() <= 2e-6
    assert np.diff(np.diagonal(surface), n=2).max() <= 2e-6
    for g, row in zip(whole, grid, strict=True):
        for h, point in zip(local, row, strict=True):
            assert point.certified
            kept = disparities(point.decided[:, :, None])
            assert kept[0] <= max(g, 1e-8) + 1e-7
            assert kept[1] <= max(h, 1e-8) + 1e-7


def test_a_grid_gives_what_single_points_give() -> None:
    bound = Bound(labels("het"))
    whole, local = axis(bound.ceiling[0], 6), axis(bound.ceiling[1], 6)
    grid = bound.surface(whole, local)
    for i, g in enumerate(whole):
        for j, h in enumerate(local):
            assert grid[i][j].accuracy == pytest.approx(bound.at(g, h).accuracy, abs=1e-6)


def test_without_limits_the_label_is_reached_and_a_model_is_never_worse_than_itself() -> None:
    for seed in range(3):
        counts = decisions(seed)
        joint = counts / counts.sum()
        assert Bound(joint).at(np.inf, np.inf).accuracy == pytest.approx(1, abs=1e-7)
        model = disparities(joint)
        free = Bound(joint).at(*model).accuracy
        for rule in ("group-site", "group", "site", "blind"):
            point = Bound(joint, rule).at(*(max(x, 1e-5) for x in model))
            assert accuracy(joint) - 1e-6 <= point.accuracy <= free + 1e-6


def test_more_knowledge_never_hurts() -> None:
    counts = decisions(5)
    joint = counts / counts.sum()
    best = {rule: Bound(joint, rule).at(1e-4, 1e-4).accuracy for rule in
            ("free", "group-site", "group", "site", "blind")}  # fmt: skip
    assert best["free"] >= best["group-site"] - 1e-6
    assert best["group-site"] >= max(best["group"], best["site"]) - 1e-6
    assert min(best["group"], best["site"]) >= best["blind"] - 1e-6


def test_three_classes_are_bounded_too() -> None:
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.full(2 * 2 * 9, 2.0)).reshape(2, 2, 3, 3)
    bound = Bound(joint)
    assert bound.at(np.inf, np.inf).accuracy == pytest.approx(1, abs=1e-7)
    assert bound.at(0, 0).certified
    assert bound.at(0, 0).accuracy < bound.at(0.01, 0.01).accuracy < 1


def test_rate_windows_agree_with_arithmetic() -> None:
    # 100 people in each group; 60 and 20 have the label. Equal rates cost 40 decisions.
    counts = np.array([[[40, 0], [0, 60]], [[80, 0], [0, 20]]])
    found = rate_bounds.windows(counts, "selection-rate", rule="free")
    assert found is not None
    gaps = [0.0, 0.1, 0.2, 0.4, 0.6]
    best = dict(rate_bounds.frontier(found, gaps))
    assert list(best.values()) == pytest.approx([0.8, 0.85, 0.9, 1.0, 1.0])
    assert rate_bounds.observed(counts, "selection-rate") == pytest.approx(0.4)
    assert rate_bounds.observed(counts, "tpr") == pytest.approx(0)


@pytest.mark.parametrize("metric", rate_bounds.METRICS)
def test_rate_windows_rise_and_reach_the_model_at_its_own_gap(metric: str) -> None:
    counts = decisions(1, (3, 1)).sum(axis=1)
    gap = rate_bounds.observed(counts, metric)
    assert gap is not None
    share = np.trace(counts, axis1=1, axis2=2).sum() / counts.sum()
    curves = {}
    for rule in rate_bounds.RULES:
        found = rate_bounds.windows(counts, metric, rule=rule)
        assert found is not None
        curves[rule] = [y for _, y in rate_bounds.frontier(found, [0, gap / 2, gap, 1])]
        assert np.diff(curves[rule]).min() >= -1e-9
    assert curves["group"][2] >= share - 1e-9
    assert np.all(np.array(curves["free"]) >= np.array(curves["group"]) - 1e-9)
    assert np.all(np.array(curves["group"]) >= np.array(curves["blind"]) - 1e-9)


def test_groups_below_the_floor_are_not_held_to_the_others() -> None:
    counts = np.array([[[40, 0], [0, 60]], [[8, 0], [0, 2]]])
    assert rate_bounds.windows(counts, "selection-rate", rule="free") is None


def section(counts: np.ndarray | None, **options: Any) -> dict[str, Any]:
    shape = (2, 3) if counts is None else counts.shape[:2]
    kept = {
        "by": ["SEX"], "site": "ST", "z_levels": list("ab")[: shape[0]], "draws": 20, "grid": 5,
        "sites": [f"site {j}" for j in range(shape[1])],
    }  # fmt: skip
    found = bounds_section(counts, **{**kept, **options})
    json.dumps(found, allow_nan=False)
    return found


def test_the_section_holds_surfaces_headroom_and_windows() -> None:
    found = section(decisions(0))
    assert found["undefined"] is None
    free, group = found["headroom"]
    assert 0 < free["low"] <= free["value"] <= free["high"]
    assert group["value"] <= free["value"]
    assert free["bound"] == pytest.approx(free["value"] + found["model"]["accuracy"], abs=1e-9)
    for surface in found["surfaces"]:
        assert surface["certificate"]["certified"]
        assert len(surface["accuracy"]) == len(surface["global"])
        assert len(surface["one_optimum"]["masked"][0]) == len(surface["local"])
    assert {w["metric"] for w in found["windows"]} == set(rate_bounds.METRICS)
    assert section(decisions(0)) == found


def test_without_a_site_column_there_is_one_limit() -> None:
    found = section(decisions(0, (2, 1)), site=None, sites=["everybody"])
    assert found["surfaces"][0]["local"] is None
    assert found["model"]["global"] == pytest.approx(found["model"]["local"])


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (None, "no-label"),
        (np.zeros((2, 3, 2, 2), dtype=int), "no-rows"),
        (np.stack([np.full((3, 2, 2), 9), np.zeros((3, 2, 2), dtype=int)]), "one-group"),
        (np.stack([np.full((2, 3, 2), 9), np.zeros((2, 3, 2), dtype=int)], axis=2), "one-label"),
    ],
)
def test_what_has_no_bound_says_why(counts: np.ndarray | None, reason: str) -> None:
    assert section(counts)["undefined"] == reason


def test_a_constant_decision_has_headroom() -> None:
    counts = decisions(0)
    counts[..., 0] += counts[..., 1]
    counts[..., 1] = 0
    found = section(counts)
    assert found["model"]["global"] == 0
    assert found["headroom"][0]["certificate"]["certified"]
