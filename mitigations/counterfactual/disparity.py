"""Disparities of one group against a target, and how each changes with the group's inputs.

With h the decision at an input, y = P(Y=1 | x) in the group, w the distribution of its inputs and
E a mean under w, every rate is A / B of two means, and its influence function is

    IF = a / B - A b / B^2,      E[IF] = 0 .

A disparity M moves by -eps E[psi^2] when w becomes (1 - eps psi) w, psi being the influence
function of |M| (of M itself for divergences).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Disparities with their words.
DISPARITIES: Mapping[str, str] = MappingProxyType(
    {
        "selection-rate": "Selection rate",
        "selection-divergence": "Selection rate, as a divergence",
        "inputs": "Distribution of the inputs",
        "mixed": "Nine parts selection divergence, one part inputs",
        "fpr": "False positive rate",
        "fnr": "False negative rate",
        "fdr": "False discovery rate",
        "error": "Error rate",
        "odds": "False positive and false negative rate",
        "odds-squared": "The same, the larger gap counting more",
    }
)
#: Goal of an audit -> disparity.
GOALS: Mapping[str, str] = MappingProxyType(
    {
        "selection-rate": "selection-rate",
        "tpr": "fnr",
        "equalized-odds": "odds",
        "precision": "fdr",
        "accuracy": "error",
    }
)
#: Rates each disparity is made of.
RATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "selection-rate": ("selection-rate",),
        "selection-divergence": ("selection-rate",),
        "inputs": ("inputs",),
        "mixed": ("selection-rate", "inputs"),
        "fpr": ("fpr",),
        "fnr": ("fnr",),
        "fdr": ("fdr",),
        "error": ("error",),
        "odds": ("fpr", "fnr"),
        "odds-squared": ("fpr", "fnr"),
    }
)
LABELLED = frozenset({"fpr", "fnr", "fdr", "error"})
#: Shares of divergence and inputs in ``mixed``, and of the two rates in ``odds``.
MIX, EACH = (0.9, 0.1), 0.5
#: Gap below which a rate of ``odds`` no longer pulls with full strength.
SOFT = 0.005
#: Least pull of the divergence, so that a path can go past the target.
PULL = 0.25
EDGE = 1e-9


class Undefined(Exception):
    """Nothing to divide by: the rate does not exist."""


@dataclass(frozen=True)
class Inputs:
    """Different inputs of a group, or its people.

    Parameters
    ----------
    decision : (m,) float64
        1 favourable, 0 not; a probability where it is drawn.
    label : (m,) float64, optional
        P(Y=1 | x), or what was recorded.
    odds : (m,) float64, optional
        ln P(group | x) / P(others | x).
    """

    decision: Floats
    label: Floats | None = None
    odds: Floats | None = None

    def terms(self, rate: str) -> tuple[Floats, Floats]:
        """a and b of a rate A / B."""
        h, one = self.decision, np.ones(self.decision.size)
        if rate == "selection-rate":
            return h, one
        if rate == "inputs":
            assert self.odds is not None
            return self.odds, one
        assert self.label is not None
        y = self.label
        if rate == "fpr":
            return h * (1.0 - y), 1.0 - y
        if rate == "fnr":
            return (1.0 - h) * y, y
        if rate == "fdr":
            return h * (1.0 - y), h
        # |h - y| in the mean over both, since one of them is 0 or 1.
        return h * (1.0 - y) + (1.0 - h) * y, one

    def rate(self, name: str, weight: Floats) -> float:
        """A / B under these weights."""
        a, b = self.terms(name)
        below = float(weight @ b)
        if below <= 0.0:
            raise Undefined(name)
        return float(weight @ a) / below

    def influence(self, name: str, weight: Floats) -> Floats:
        """IF of a rate, (m,)."""
        a, b = self.terms(name)
        total = float(weight.sum())
        top, below = float(weight @ a) / total, float(weight @ b) / total
        if below <= 0.0:
            raise Undefined(name)
        return a / below - top * b / below**2


@dataclass(frozen=True)
class Disparity:
    """What is to vanish for one group.

    Parameters
    ----------
    kind
        Of `DISPARITIES`.
    target
        Rate -> value it is brought to; for ``inputs`` minus ln(n1 / n0), of which the mean odds
        of the group are brought.
    """

    kind: str
    target: Mapping[str, float]

    @property
    def rates(self) -> tuple[str, ...]:
        """Rates it is made of."""
        return RATES[self.kind]

    def gaps(self, rows: Inputs, weight: Floats) -> Floats:
        """Rate minus target, one entry per rate."""
        return np.array([rows.rate(name, weight) - self.target[name] for name in self.rates])

    def value(self, rows: Inputs, weight: Floats) -> float:
        """M: a difference with its sign, a divergence in nats, a sum of gaps or of squares."""
        return self.value_of(self.gaps(rows, weight))

    def value_of(self, gaps: Floats) -> float:
        """M of these gaps."""
        if self.kind in ("selection-divergence", "mixed"):
            rate = float(gaps[0]) + self.target["selection-rate"]
            nats = divergence(rate, self.target["selection-rate"])
            return nats if gaps.size == 1 else MIX[0] * nats + MIX[1] * float(gaps[1])
        if self.kind == "odds":
            return float(EACH * np.abs(gaps).sum())
        if self.kind == "odds-squared":
            return float(0.5 * (gaps**2).sum())
        return float(gaps[0])

    def signed(self, rows: Inputs, weight: Floats) -> float:
        """What changes sign where the disparity is gone; the disparity where nothing does."""
        return self.signed_of(self.gaps(rows, weight))

    def signed_of(self, gaps: Floats) -> float:
        """The same of these gaps."""
        return float(gaps[0]) if self.kind == "selection-divergence" else self.value_of(gaps)

    def influence(self, rows: Inputs, weight: Floats) -> Floats:
        """psi, (m,): moving weight against it shrinks the disparity fastest."""
        gaps = self.gaps(rows, weight)
        return self._combined(rows, weight, self._pulls(gaps))

    def direction(self, rows: Inputs, weight: Floats, sign: float) -> Floats:
        """psi on a path that started with this sign of the disparity, and may cross zero."""
        gaps = self.gaps(rows, weight)
        if self.kind in ("selection-divergence", "mixed"):
            pulls = self._pulls(gaps)
            start = sign if self.kind == "selection-divergence" else math.copysign(1.0, gaps[0])
            pulls[0] = start * max(abs(pulls[0]), PULL)
            return self._combined(rows, weight, pulls)
        if self.kind == "odds":
            return self._combined(rows, weight, EACH * np.tanh(gaps / SOFT))
        if self.kind == "odds-squared":
            largest = float(np.abs(gaps).max())
            return self._combined(rows, weight, gaps / max(largest, SOFT))
        pulls = np.array([sign])
        return self._combined(rows, weight, pulls)

    def _pulls(self, gaps: Floats) -> Floats:
        """Derivative of the disparity by each rate; of |M| for differences."""
        if self.kind in ("selection-divergence", "mixed"):
            rate = float(gaps[0]) + self.target["selection-rate"]
            pull = log_odds(rate) - log_odds(self.target["selection-rate"])
            return np.array([pull] if gaps.size == 1 else [MIX[0] * pull, MIX[1]])
        if self.kind == "inputs":
            return np.ones(1)
        if self.kind == "odds":
            return EACH * np.sign(gaps)
        return gaps.copy() if self.kind == "odds-squared" else np.sign(gaps)

    def _combined(self, rows: Inputs, weight: Floats, pulls: Floats) -> Floats:
        parts = [
            pull * rows.influence(name, weight)
            for name, pull in zip(self.rates, pulls, strict=True)
        ]
        return np.asarray(sum(parts[1:], parts[0]))


def divergence(rate: float, target: float) -> float:
    """KL divergence of two Bernoulli distributions, nats."""
    p, q = (min(max(v, EDGE), 1.0 - EDGE) for v in (rate, target))
    return p * math.log(p / q) + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))


def log_odds(rate: float) -> float:
    """ln rate / (1 - rate), finite."""
    p = min(max(rate, EDGE), 1.0 - EDGE)
    return math.log(p / (1.0 - p))
