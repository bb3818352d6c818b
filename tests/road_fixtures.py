"""Simulated populations with local bias that cancels, sits in one region, or hides in two.

Exactly the draws of the method's specification, so that its numbers can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mitigations.road import data
from mitigations.road.features import Features

Floats = NDArray[np.float64]
Kind = Literal["cancel", "one", "hidden"]
KINDS = ("cancel", "one", "hidden")
#: Places of the descriptors in X.
DESCRIPTORS = (4, 5, 6)


@dataclass(frozen=True)
class Drawn:
    """People: inputs (n, 7), label, group, bias of their region, declared bin, true score."""

    x: Floats
    y: NDArray[np.int8]
    s: NDArray[np.int64]
    h: NDArray[np.int64]
    bins: NDArray[np.int64]
    eta: Floats

    @property
    def a(self) -> Floats:
        """Descriptors: age, d1, d2."""
        return self.x[:, DESCRIPTORS]


def draw(kind: Kind, n: int, seed: int, k: int = 2) -> Drawn:
    """Draw n people."""
    r = np.random.default_rng([seed, KINDS.index(kind), k])
    s = r.integers(0, k, n)
    age = r.uniform(20, 80, n)
    x = r.standard_normal((n, 3))
    d1 = r.standard_normal(n)
    d2 = r.integers(0, 2, n)
    p = np.linspace(-1, 1, k)[s] + r.standard_normal(n)
    u = r.uniform(size=n)
    if kind == "cancel":
        h = np.where(age < 40, 1, np.where(age >= 60, -1, 0))
    elif kind == "one":
        h = np.where(age < 40, 1, 0)
    else:
        h = np.where((age < 50) & (d1 > 0), 1, np.where((age >= 50) & (d1 < 0), -1, 0))
    eta = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.6 * x[:, 2] + 0.55 * h * p - 0.3
    y = (u < 1.0 / (1.0 + np.exp(-eta))).astype(np.int8)
    inputs = np.column_stack([x, p, (age - 50.0) / 17.32, d1, d2 - 0.5])
    width = 20.0 if kind == "hidden" else 10.0
    return Drawn(inputs, y, s, h, ((age - 20.0) // width).astype(np.int64), eta)


@dataclass(frozen=True)
class Split:
    """Training, validation and test people, and the first two as tensors."""

    train: Drawn
    valid: Drawn
    test: Drawn
    rows: data.Rows
    looked: data.Rows


def split(kind: Kind, n: int, seed: int, k: int = 2, **options: object) -> Split:
    """Population number ``seed``: n to train on, max(n/2, 2000) to validate, 20,000 to test."""
    sizes = (n, max(n // 2, 2000), 20_000)
    parts = [draw(kind, size, 10 * seed + i, k) for i, size in enumerate(sizes)]
    features = Features.fit(parts[0].a, np.random.default_rng([seed, 99]))
    return Split(*parts, *(rows(part, features, k, **options) for part in parts[:2]))  # type: ignore[arg-type]


def rows(
    drawn: Drawn,
    features: Features,
    k: int = 2,
    *,
    parity: data.Parity = "selection-rate",
    device: str = "cpu",
) -> data.Rows:
    """People as tensors."""
    return data.of(
        drawn.x, drawn.y, drawn.s, (k,), features.descriptors(drawn.a), features(drawn.a),
        parity=parity, bins=drawn.bins, device=device,
    )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A scoring of test people: everything the acceptance checks compare."""

    accuracy: float
    worst: float
    regions: float
    whole: float
    auc: float
    sd: float


def measure(z: Floats, z_valid: Floats, of: Split, share: float) -> Measured:
    """Measure logits of test people, decided at the validation quantile that admits ``share``."""
    score = 1.0 / (1.0 + np.exp(-z))
    decided = z > np.quantile(z_valid, 1.0 - share)
    test = of.test
    order = np.argsort(np.argsort(z, kind="stable"), kind="stable") + 1.0
    positive = test.y == 1
    n1, n0 = positive.sum(), (~positive).sum()
    auc = (order[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
    return Measured(
        float((decided == positive).mean()),
        worst_gap(decided, test.s, test.bins),
        worst_gap(decided, test.s, test.h),
        worst_gap(decided, test.s, np.zeros_like(test.s)),
        float(auc),
        float(score.std()),
    )


def worst_gap(
    decided: NDArray[np.bool_], s: NDArray[np.int64], region: NDArray[np.int64]
) -> float:
    """Largest difference of decision rates between groups in any region."""
    gaps = []
    for value in np.unique(region):
        here = region == value
        rates = [decided[here & (s == code)].mean() for code in np.unique(s)]
        gaps.append(max(rates) - min(rates))
    return float(max(gaps))
