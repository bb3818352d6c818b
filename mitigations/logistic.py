"""Logistic regression by Newton's method, with penalties on linear functions of the weights.

minimise  sum_i v_i log(1 + exp(-s_i (w.x_i + b))) / sum_i v_i  +  ridge |w|^2 / 2
          +  sum_j c_j phi(d_j.w),      phi(z) = z^2  or  |z|

with s_i = 2 y_i - 1 and the intercept b free. All terms are convex.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError

Floats = NDArray[np.float64]
#: (n, d) float64, dense or as scipy's csr_array
Rows = Any
Tick = Callable[[], None]

#: Rows of one matrix product; between two of them the work can be stopped.
CHUNK = 16384
ROUNDS = 100
#: Largest entry of the gradient at the end, unless told otherwise.
FLAT = 1e-9
#: |z| is sqrt(z^2 + ROUND^2) - ROUND.
ROUND = 1e-3


@dataclass(frozen=True)
class Penalty:
    """Linear functions of the weights that are to be small.

    Parameters
    ----------
    directions : (m, d) float64
    strength : (m,) float64
    squared
        phi(z) = z^2, else |z| (rounded off within `ROUND` of 0).
    """

    directions: Floats
    strength: Floats
    squared: bool = True

    def value(self, weights: Floats) -> float:
        """Penalty at these weights."""
        z = self.directions @ weights
        phi = z * z if self.squared else np.sqrt(z * z + ROUND**2) - ROUND
        return float(self.strength @ phi)

    def slopes(self, weights: Floats) -> tuple[Floats, Floats]:
        """Gradient (d,) and second derivatives (d, d)."""
        z = self.directions @ weights
        if self.squared:
            first, second = 2.0 * z, np.full(z.size, 2.0)
        else:
            root = np.sqrt(z * z + ROUND**2)
            first, second = z / root, ROUND**2 / root**3
        gradient = self.directions.T @ (self.strength * first)
        curve = self.directions.T @ ((self.strength * second)[:, None] * self.directions)
        return gradient, curve


@dataclass(frozen=True)
class Fit:
    """Weights, intercept, and the value of what was minimised."""

    weights: Floats
    intercept: float
    objective: float


def fit(
    x: Rows,
    y: NDArray[np.int8],
    weight: Floats | None = None,
    *,
    ridge: float,
    lift: Floats | None = None,
    flat: float = FLAT,
    penalty: Penalty | None = None,
    start: Fit | None = None,
    tick: Tick | None = None,
) -> Fit:
    """Minimise by damped Newton steps.

    Parameters
    ----------
    x : (n, e) float64
        Dense, or scipy's csr_array.
    y : (n,) int8
        0 or 1.
    weight : (n,) float64, optional
        Not negative.
    ridge
        Above 0, so that there is one optimum.
    lift : (e, d) float64, optional
        The features are x @ lift; without it they are x.
    flat
        Largest entry of the gradient at the end.
    penalty, start
        None for no penalty, and for weights of 0.
    tick
        Called between matrix products; raises to stop.

    Raises
    ------
    MethodError
        ``solver``: no optimum within `ROUNDS` steps.
    """
    beta = np.zeros((x.shape[1] if lift is None else lift.shape[1]) + 1)
    if start is not None:
        beta[:-1], beta[-1] = start.weights, start.intercept
    # Small matrices gain nothing from threads, and results must not depend on their number.
    with _threads().limit(limits=1):
        return _descend(_Problem(_chunks(x), y, weight, ridge, lift, penalty, tick), beta, flat)


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _chunks(x: Rows) -> list[tuple[slice, Rows, Rows]]:
    """Some rows at a time: their numbers, the rows, and the rows turned, ready for products."""
    out = []
    for start in range(0, x.shape[0], CHUNK):
        rows = slice(start, min(start + CHUNK, x.shape[0]))
        block = x[rows]
        out.append((rows, block, block.T if isinstance(x, np.ndarray) else block.T.tocsr()))
    return out


def _descend(problem: _Problem, beta: Floats, flat: float) -> Fit:
    value = problem.value(beta)
    for _ in range(ROUNDS):
        gradient, curve = problem.slopes(beta)
        if np.abs(gradient).max() <= flat:
            return Fit(beta[:-1], float(beta[-1]), value)
        step = _newton(curve, gradient)
        slope = float(gradient @ step)
        length = 1.0
        while True:
            new = beta - length * step
            found = problem.value(new)
            # Below rounding of the objective there is nothing left to gain.
            if found <= value - 1e-4 * length * slope or length < 1e-8:
                break
            length /= 2.0
        if value - found <= 1e-15 * max(abs(value), 1.0):
            best, least = (new, found) if found < value else (beta, value)
            return Fit(best[:-1], float(best[-1]), least)
        beta, value = new, found
    raise MethodError(
        "solver",
        f"The logistic regression was not solved within {ROUNDS} steps.",
        "Raise the ridge.",
    )


def _newton(curve: Floats, gradient: Floats) -> Floats:
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        return np.asarray(cho_solve(cho_factor(curve), gradient), dtype=np.float64)
    except LinAlgError:
        return np.asarray(np.linalg.lstsq(curve, gradient, rcond=None)[0], dtype=np.float64)


@dataclass(frozen=True)
class _Problem:
    chunks: list[tuple[slice, Rows, Rows]]
    y: NDArray[np.int8]
    weight: Floats | None
    ridge: float
    lift: Floats | None
    penalty: Penalty | None
    tick: Tick | None

    def _margins(self, rows: slice, x: Rows, beta: Floats) -> tuple[Floats, Floats]:
        """Margins and weights of some rows."""
        if self.tick is not None:
            self.tick()
        inner = beta[:-1] if self.lift is None else self.lift @ beta[:-1]
        z = x @ inner + beta[-1]
        total = float(len(self.y)) if self.weight is None else float(self.weight.sum())
        share = np.ones(z.size) if self.weight is None else self.weight[rows]
        return z, share / total

    def value(self, beta: Floats) -> float:
        """What is minimised."""
        out = 0.5 * self.ridge * float(beta[:-1] @ beta[:-1])
        for rows, x, _ in self.chunks:
            z, share = self._margins(rows, x, beta)
            out += float(share @ np.logaddexp(0.0, np.where(self.y[rows] == 1, -z, z)))
        return out if self.penalty is None else out + self.penalty.value(beta[:-1])

    def slopes(self, beta: Floats) -> tuple[Floats, Floats]:
        """Gradient and matrix of second derivatives."""
        from scipy.special import expit

        e = self.chunks[0][1].shape[1]
        slope, crossed, bends = np.zeros(e), np.zeros(e), np.zeros((e, e))
        off_sum = bend_sum = 0.0
        for rows, x, turned in self.chunks:
            z, share = self._margins(rows, x, beta)
            p = expit(z)
            off = share * (p - self.y[rows])
            bend = share * p * (1.0 - p)
            slope += turned @ off
            crossed += turned @ bend
            bends += _gram(x, turned, bend)
            off_sum += float(off.sum())
            bend_sum += float(bend.sum())
        if self.lift is not None:
            slope, crossed = self.lift.T @ slope, self.lift.T @ crossed
            bends = self.lift.T @ bends @ self.lift
        d = slope.size
        gradient, curve = np.append(slope, off_sum), np.empty((d + 1, d + 1))
        curve[:-1, :-1] = bends
        curve[:-1, -1] = curve[-1, :-1] = crossed
        curve[-1, -1] = bend_sum
        gradient[:-1] += self.ridge * beta[:-1]
        curve[np.arange(d), np.arange(d)] += self.ridge
        # Keeps the intercept's curvature above zero where every chance is 0 or 1.
        curve[-1, -1] += 1e-12
        if self.penalty is not None:
            more, bent = self.penalty.slopes(beta[:-1])
            gradient[:-1] += more
            curve[:-1, :-1] += bent
        return gradient, curve


def _gram(x: Rows, turned: Rows, weight: Floats) -> Floats:
    """x' diag(weight) x."""
    if isinstance(x, np.ndarray):
        return np.asarray(turned @ (x * weight[:, None]))
    scaled = x.copy()
    scaled.data *= np.repeat(weight, np.diff(x.indptr))
    return np.asarray((turned @ scaled).todense(), dtype=np.float64)
