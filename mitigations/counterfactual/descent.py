"""Reweight a group's inputs, step by step, towards no disparity; and how far that can go.

Deterministic: every step multiplies the weights by 1 - eps psi with psi the exact direction of
steepest descent, so that the path of a group is the same however often it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations.counterfactual.disparity import Disparity, Inputs, Undefined

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

#: Longest step, and the share of the largest weight it may take.
STEP, SHARE = 0.05, 0.5
#: How far past zero a path goes, in lengths of the first gap.
BEYOND = 1.5
#: Progress per step below which a path has ended, relative to the first gap.
STALL = 1e-5
SMALL = 1e-12


@dataclass(frozen=True)
class Limits:
    """What a counterfactual distribution may not do.

    Parameters
    ----------
    ratio
        Largest factor by which an input becomes more or less frequent.
    evenness
        Least effective share of people, 1 / sum(w^2 / p).
    steps
        Longest path.
    """

    ratio: float = 20.0
    evenness: float = 0.3
    steps: int = 200


@dataclass(frozen=True, eq=False)
class Path:
    """Weights from the group as it is, step by step.

    Parameters
    ----------
    weights : (k, m) float64
        The first is the group as it is.
    values, signed : (k,) float64
        The disparity, and what changes sign where it is gone.
    ended
        ``crossed``, ``steps``, ``evenness``, ``ratio`` or ``none``.
    """

    weights: Floats
    values: Floats
    signed: Floats
    ended: str

    def at(self, t: float) -> Floats:
        """Weights between two steps."""
        t = min(max(t, 0.0), len(self.values) - 1.0)
        k = min(int(t), max(len(self.values) - 2, 0))
        if len(self.values) == 1:
            return np.asarray(self.weights[0])
        return np.asarray((1.0 - (t - k)) * self.weights[k] + (t - k) * self.weights[k + 1])

    @property
    def length(self) -> float:
        """Last step."""
        return float(len(self.values) - 1)


def evenness(weight: Floats, start: Floats) -> float:
    """Effective share of people, 1 / sum(w^2 / p)."""
    return float(1.0 / np.sum(weight**2 / start))


def centred(psi: Floats, weight: Floats, strata: Ints) -> Floats:
    """psi minus its mean in each stratum: the part that moves no weight between strata."""
    total = np.bincount(strata, weight)
    mean = np.bincount(strata, weight * psi) / np.where(total > 0.0, total, 1.0)
    return np.asarray(psi - mean[strata])


def descend(
    disparity: Disparity,
    rows: Inputs,
    start: Floats,
    strata: Ints,
    limits: Limits,
    tick: Callable[[], None] | None = None,
) -> Path:
    """Follow the steepest direction through zero and beyond.

    Parameters
    ----------
    disparity, rows
        What is to vanish, and the group's different inputs.
    start : (m,) float64
        Their shares, summing to 1.
    strata : (m,) int
        Inputs between which weight may move, numbered from 0.
    limits
        Of the distribution.
    tick
        Called at every step.
    """
    keeper = _Keeper(start, strata, limits.ratio)
    first = disparity.signed(rows, start)
    path, values, signed = [start], [disparity.value(rows, start)], [first]
    ended = "steps"
    backward = disparity.kind in ("inputs", "mixed") and first <= 0.0
    if abs(first) <= SMALL or backward:
        return Path(np.array(path), np.array(values), np.array(signed), "none")
    sign = float(np.sign(first))
    for _ in range(limits.steps):
        if tick is not None:
            tick()
        try:
            psi = disparity.direction(rows, path[-1], sign)
            psi = centred(psi, path[-1], strata)
            largest = float(psi.max())
            if largest <= SMALL:
                ended = "ratio"
                break
            weight = keeper.keep(path[-1] * (1.0 - min(STEP, SHARE / largest) * psi))
            value, now = disparity.value(rows, weight), disparity.signed(rows, weight)
        except Undefined:
            break
        if evenness(weight, start) < limits.evenness:
            ended = "evenness"
            break
        stuck = np.abs(weight - path[-1]).sum() <= STALL
        path.append(weight)
        values.append(value)
        signed.append(now)
        if stuck:
            ended = "ratio" if keeper.binds(weight) else "steps"
            break
        if now * sign <= -BEYOND * abs(first):
            ended = "crossed"
            break
    return Path(np.array(path), np.array(values), np.array(signed), ended)


@dataclass(frozen=True, eq=False)
class _Keeper:
    """Keeps weights inside the ratio and every stratum at its mass."""

    start: Floats
    strata: Ints
    ratio: float

    def keep(self, weight: Floats) -> Floats:
        mass = np.bincount(self.strata, self.start)
        low, high = self.start / self.ratio, self.start * self.ratio
        for _ in range(20):
            total = np.bincount(self.strata, weight)
            weight = weight * (mass / np.where(total > 0.0, total, 1.0))[self.strata]
            clipped = np.clip(weight, low, high)
            if np.array_equal(clipped, weight):
                break
            weight = clipped
        total = np.bincount(self.strata, weight)
        return np.asarray(weight * (mass / np.where(total > 0.0, total, 1.0))[self.strata])

    def binds(self, weight: Floats) -> bool:
        found = weight / self.start
        return bool(
            (found >= self.ratio * (1 - 1e-6)).any() or (found <= (1 + 1e-6) / self.ratio).any()
        )


def crossing(path: Path, wanted: float = 0.0) -> float | None:
    """First place where the signed disparity is as wanted; None where it never is."""
    over = np.flatnonzero((path.signed[:-1] - wanted) * (path.signed[1:] - wanted) <= 0.0)
    if not over.size:
        return None
    k = int(over[0])
    before, after = path.signed[k] - wanted, path.signed[k + 1] - wanted
    return float(k) if before == after else k + float(before / (before - after))


def closest(
    path: Path, disparity: Disparity, rows: Inputs, wanted: float = 0.0
) -> tuple[float, bool]:
    """Place with the least distance from the wanted disparity, and whether it is met.

    The crossing is bisected on the disparity itself; without one, the least |M| of the path.
    """
    guess = crossing(path, wanted)
    if guess is None:
        distance = np.abs(path.signed - wanted)
        best = float(distance.argmin())
        return best, bool(distance.min() <= 1e-3)
    low, high = np.floor(guess), np.floor(guess) + 1.0
    below = disparity.signed(rows, path.at(low)) - wanted
    for _ in range(40):
        middle = (low + high) / 2.0
        value = disparity.signed(rows, path.at(middle)) - wanted
        if value * below > 0.0:
            low = middle
        else:
            high = middle
    return float(high), True


def reach(a: Floats, b: Floats, start: Floats, strata: Ints, ratio: float) -> tuple[float, float]:
    """Least and largest A / B under a cap on the density ratio.

    A linear-fractional program: bisect on its value v; whether sum w (a - v b) can be 0 is a
    fractional knapsack, filled in order of a - v b inside each stratum.
    """
    return -_largest(-a, b, start, strata, ratio), _largest(a, b, start, strata, ratio)


def _largest(a: Floats, b: Floats, start: Floats, strata: Ints, ratio: float) -> float:
    used = start > 0.0
    a, b, start, strata = a[used], b[used], start[used], strata[used]
    bounds = a[b > 0.0] / b[b > 0.0]
    if not bounds.size:
        return float("nan")
    low, high = float(bounds.min()), float(bounds.max())
    for _ in range(60):
        middle = (low + high) / 2.0
        if _fill(a - middle * b, start, strata, ratio) > 0.0:
            low = middle
        else:
            high = middle
        if high - low <= 1e-12 * max(1.0, abs(high)):
            break
    return (low + high) / 2.0


def _fill(gain: Floats, start: Floats, strata: Ints, ratio: float) -> float:
    """Largest sum of w times gain, w within the ratio and every stratum at its mass."""
    order = np.lexsort((-gain, strata))
    p, g, s = start[order], gain[order], strata[order]
    mass = np.bincount(s, p)
    before = np.cumsum(p) - p
    first = np.searchsorted(s, s)
    inside = before - before[first]
    # R on the best 1 / (R + 1) of each stratum and 1 / R on the rest keep its mass.
    room = np.clip(mass[s] / (ratio + 1.0) - inside, 0.0, p)
    return float(np.sum((room * ratio + (p - room) / ratio) * g))
