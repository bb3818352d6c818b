"""Logistic regression by Newton's method, with penalties on linear functions of the weights.

minimise  sum_i v_i log(1 + exp(-s_i (w.x_i + b))) / sum_i v_i  +  ridge |w|^2 / 2
          +  sum_j c_j phi(d_j.w),      phi(z) = z^2  or  |z|

with s_i = 2 y_i - 1 and the intercept b free. All terms are convex.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError

Floats = NDArray[np.float64]
Tick = Callable[[], None]

#: Rows of one matrix product; between two of them the work can be stopped.
CHUNK = 16384
ROUNDS = 100
#: Largest entry of the gradient at the end.
SLOPE = 1e-9
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
    x: Floats,
    y: NDArray[np.int8],
    weight: Floats | None = None,
    *,
    ridge: float,
    penalty: Penalty | None = None,
    start: Fit | None = None,
    tick: Tick | None = None,
) -> Fit:
    """Minimise by damped Newton steps.

    Parameters
    ----------
    x : (n, d) float64
    y : (n,) int8
        0 or 1.
    weight : (n,) float64, optional
        Not negative.
    ridge
        Above 0, so that there is one optimum.
    penalty, start
        None for no penalty, and for weights of 0.
    tick
        Called between matrix products; raises to stop.

    Raises
    ------
    MethodError
        ``solver``: no optimum within `ROUNDS` steps.
    """
    problem = _Problem(x, y, weight, ridge, penalty, tick)
    beta = np.zeros(x.shape[1] + 1)
    if start is not None:
        beta[:-1], beta[-1] = start.weights, start.intercept
    value = problem.value(beta)
    for _ in range(ROUNDS):
        gradient, curve = problem.slopes(beta)
        if np.abs(gradient).max() <= SLOPE:
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
    from scipy.linalg import LinAlgError, solve

    try:
        return np.asarray(solve(curve, gradient, assume_a="pos"), dtype=np.float64)
    except LinAlgError:
        return np.asarray(np.linalg.lstsq(curve, gradient, rcond=None)[0], dtype=np.float64)


@dataclass(frozen=True)
class _Problem:
    x: Floats
    y: NDArray[np.int8]
    weight: Floats | None
    ridge: float
    penalty: Penalty | None
    tick: Tick | None

    def _chunks(self) -> list[slice]:
        n = len(self.x)
        return [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]

    def _rows(self, rows: slice, beta: Floats) -> tuple[Floats, Floats]:
        """Margins and weights of some rows."""
        if self.tick is not None:
            self.tick()
        z = self.x[rows] @ beta[:-1] + beta[-1]
        total = float(len(self.x)) if self.weight is None else float(self.weight.sum())
        share = np.ones(z.size) if self.weight is None else self.weight[rows]
        return z, share / total

    def value(self, beta: Floats) -> float:
        """What is minimised."""
        out = 0.5 * self.ridge * float(beta[:-1] @ beta[:-1])
        for rows in self._chunks():
            z, share = self._rows(rows, beta)
            out += float(share @ np.logaddexp(0.0, np.where(self.y[rows] == 1, -z, z)))
        return out if self.penalty is None else out + self.penalty.value(beta[:-1])

    def slopes(self, beta: Floats) -> tuple[Floats, Floats]:
        """Gradient and matrix of second derivatives."""
        from scipy.special import expit

        d = self.x.shape[1]
        gradient, curve = np.zeros(d + 1), np.zeros((d + 1, d + 1))
        for rows in self._chunks():
            z, share = self._rows(rows, beta)
            p = expit(z)
            off = share * (p - self.y[rows])
            bend = share * p * (1.0 - p)
            x = self.x[rows]
            bent = x * bend[:, None]
            gradient[:-1] += x.T @ off
            gradient[-1] += off.sum()
            curve[:-1, :-1] += x.T @ bent
            curve[:-1, -1] += bent.sum(axis=0)
            curve[-1, -1] += bend.sum()
        curve[-1, :-1] = curve[:-1, -1]
        gradient[:-1] += self.ridge * beta[:-1]
        curve[np.arange(d), np.arange(d)] += self.ridge
        # Keeps the intercept's curvature above zero where every chance is 0 or 1.
        curve[-1, -1] += 1e-12
        if self.penalty is not None:
            more, bends = self.penalty.slopes(beta[:-1])
            gradient[:-1] += more
            curve[:-1, :-1] += bends
        return gradient, curve
