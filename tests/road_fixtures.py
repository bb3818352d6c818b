"""Simulated people with local bias, exactly as the specification of ROAD draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

KINDS = {"cancel": 0, "one": 1, "hidden": 2}
TEST_ROWS = 20_000


@dataclass(frozen=True)
class People:
    """n people.

    Parameters
    ----------
    x : (n, 7)
        x1, x2, x3, the proxy p, scaled age, d1, d2.
    bins, region : (n,)
        Declared bins of age, and the true regions: 1, -1, 0.
    """

    x: NDArray[np.float64]
    y: NDArray[np.int8]
    s: NDArray[np.int64]
    bins: NDArray[np.int64]
    region: NDArray[np.int64]

    @property
    def a(self) -> NDArray[np.float64]:
        """The descriptors: the last three columns."""
        return self.x[:, 4:]


def people(kind: str, n: int, seed: int, groups: int = 2) -> People:
    """Draw people of a kind: ``cancel``, ``one`` or ``hidden``."""
    r = np.random.default_rng([seed, KINDS[kind], groups])
    s = r.integers(0, groups, n)
    age = r.uniform(20, 80, n)
    x = r.standard_normal((n, 3))
    d1 = r.standard_normal(n)
    d2 = r.integers(0, 2, n)
    p = np.linspace(-1, 1, groups)[s] + r.standard_normal(n)
    u = r.uniform(size=n)
    if kind == "cancel":
        h = np.where(age < 40, 1, np.where(age >= 60, -1, 0))
    elif kind == "one":
        h = np.where(age < 40, 1, 0)
    else:
        h = np.where((age < 50) & (d1 > 0), 1, np.where((age >= 50) & (d1 < 0), -1, 0))
    eta = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.6 * x[:, 2] + 0.55 * h * p - 0.3
    y = (u < expit(eta)).astype(np.int8)
    matrix = np.column_stack([x, p, (age - 50) / 17.32, d1, d2 - 0.5])
    width = 20.0 if kind == "hidden" else 10.0
    bins = np.minimum((age - 20) // width, 60 / width - 1).astype(np.int64)
    return People(matrix, y, s, bins, h.astype(np.int64))


@dataclass(frozen=True)
class Fixture:
    """Train, validation and test rows of seed k."""

    train: People
    valid: People
    test: People
    groups: int


def fixture(kind: str, n: int = 10_000, k: int = 0, groups: int = 2) -> Fixture:
    """The splits of seed k: n, max(n / 2, 2,000) and 20,000 people."""
    return Fixture(
        people(kind, n, 10 * k, groups),
        people(kind, max(n // 2, 2000), 10 * k + 1, groups),
        people(kind, TEST_ROWS, 10 * k + 2, groups),
        groups,
    )


def worst_gap(
    chosen: NDArray[np.bool_], part: People, groups: int, cells: NDArray[Any] | None = None
) -> float:
    """Largest difference of the share chosen between groups, in any cell (declared bins)."""
    found = []
    where = part.bins if cells is None else cells
    for cell in np.unique(where):
        inside = where == cell
        rates = [chosen[inside & (part.s == g)].mean() for g in range(groups)]
        found.append(max(rates) - min(rates))
    return float(max(found))


def global_gap(chosen: NDArray[np.bool_], part: People, groups: int) -> float:
    rates = [chosen[part.s == g].mean() for g in range(groups)]
    return float(max(rates) - min(rates))


def decided(score: NDArray[Any], on_valid: NDArray[Any], share: float) -> NDArray[np.bool_]:
    """Decisions at the threshold that chooses `share` of the validation rows."""
    return np.asarray(score >= np.quantile(on_valid, 1.0 - share))
