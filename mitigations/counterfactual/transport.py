"""The cheapest way to turn one distribution of inputs into another.

min sum_ij G_ij c(x_i, x_j)  with  G 1 = p,  G^T 1 = q,  G >= 0.

Under a cost with the triangle inequality, mass min(p, q) stays where it is in some cheapest plan;
so only inputs that lose mass are matched with those that gain, stratum by stratum, exactly.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError
from mitigations.rules.space import CHUNK
from mitigations.rules.transport import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mitigations.rules.space import Space

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

#: Times the largest cost: what a move against a direction costs before it is given up.
FORBIDDEN = 1e4
#: Pivots of the simplex.
PIVOTS = 100_000_000
SMALL = 1e-15


@dataclass(frozen=True, eq=False)
class Moved:
    """A plan, and what it costs.

    Parameters
    ----------
    plan
        Shares of the people at each input.
    share
        Of all people who are moved.
    cost
        Mean distance over all people.
    held
        Share of people who would have had to move against a direction, and stay.
    """

    plan: Plan
    share: float
    cost: float
    held: float


def solve(
    space: Space,
    points: Floats,
    start: Floats,
    end: Floats,
    strata: Ints,
    *,
    tick: Callable[[], None] | None = None,
) -> Moved:
    """Match inputs that lose mass with those that gain.

    Parameters
    ----------
    space
        Distances and directions.
    points : (m, d)
        Inputs.
    start, end : (m,) float64
        Distributions with the same mass in every stratum.
    strata : (m,) int
        Inputs between which a move is allowed.
    tick
        Called while the solver works; raises to stop.
    """
    change = end - start
    parts: list[tuple[Ints, Ints, Floats]] = []
    cost = held = 0.0
    order = np.argsort(strata, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        if tick is not None:
            tick()
        loses = members[change[members] < -SMALL]
        gains = members[change[members] > SMALL]
        if not loses.size or not gains.size:
            continue
        price, dear = _price(space, points, loses, gains, tick)
        flow = _flow(-change[loses], change[gains], price, tick)
        i, j = np.nonzero(flow)
        mass, wrong = flow[i, j], price[i, j] >= dear
        held += float(mass[wrong].sum())
        i, j, mass = i[~wrong], j[~wrong], mass[~wrong]
        cost += float(mass @ space.apart(points[loses[i]], points[gains[j]]))
        parts.append((loses[i], gains[j], mass))
    return _packed(parts, start, cost, held)


def _price(
    space: Space,
    points: Floats,
    loses: Ints,
    gains: Ints,
    tick: Callable[[], None] | None,
) -> tuple[Floats, float]:
    """What the solver is told each move costs, and from which price on a move is forbidden.

    Filled some rows at a time: at 20,000 inputs one such matrix takes 0.8 GB.
    """
    price = np.empty((loses.size, gains.size))
    wrong = None
    if space.directed:
        wrong = np.empty(price.shape, dtype=np.bool_)
    step = max(1, CHUNK // gains.size)
    for start in range(0, loses.size, step):
        if tick is not None:
            tick()
        rows = slice(start, start + step)
        here = price[rows]
        here[:] = space.distance(points[loses[rows]], points[gains])
        if wrong is not None:
            wrong[rows] = space.backwards(points[loses[rows]], points[gains])
    if wrong is None:
        return price, np.inf
    dear = FORBIDDEN * (1.0 + float(price.max()))
    price[wrong] += dear
    return price, dear


def _packed(
    parts: list[tuple[Ints, Ints, Floats]], start: Floats, cost: float, held: float
) -> Moved:
    if not parts:
        none = np.zeros(0, dtype=np.intp)
        return Moved(Plan(none, none, np.zeros(0)), 0.0, 0.0, held)
    source, target = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    flow = np.concatenate([part[2] for part in parts])
    order = np.lexsort((target, source))
    source, target, flow = source[order], target[order], flow[order]
    plan = Plan(source, target, np.minimum(flow / start[source], 1.0))
    return Moved(plan, float(flow.sum()), cost, held)


def _flow(
    loses: Floats, gains: Floats, price: Floats, tick: Callable[[], None] | None = None
) -> Floats:
    """Exact flow of mass, the solver in a thread of its own so that it can be left alone."""
    a, b = loses, gains * (loses.sum() / gains.sum())
    if min(price.shape) == 1:
        return np.asarray(np.outer(a, b) / a.sum())
    if tick is None or price.size < 1_000_000:
        return _simplex(a, b, price)
    found: list[Floats | BaseException] = []

    def work() -> None:
        try:
            found.append(_simplex(a, b, price))
        except BaseException as error:  # handed to the waiting thread
            found.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    while worker.is_alive():
        worker.join(0.5)
        tick()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _simplex(a: Floats, b: Floats, price: Floats) -> Floats:
    solver = pot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flow, log = solver.emd(a / a.sum(), b / b.sum(), price, numItermax=PIVOTS, log=True)
    if log["warning"] is not None:
        raise MethodError(
            "solver",
            f"The transport between {a.size} and {b.size} inputs was not solved.",
            "Lower the number of different inputs.",
        )
    found: Floats = np.asarray(flow, dtype=np.float64)
    found *= a.sum()
    return found


def pot() -> Any:
    """The solver, without the tensor libraries it would load on import."""
    with _without_backends():
        import ot
    return ot


@contextmanager
def _without_backends() -> Iterator[None]:
    names = [f"POT_BACKEND_DISABLE_{name}" for name in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW")]
    added = [name for name in names if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
