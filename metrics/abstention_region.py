"""How many people must go to a person before a gap can be kept: closed forms, and exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics import abstention_solver as solver
from metrics.abstention_cells import Cells, Wish
from metrics.abstention_program import build
from metrics.abstention_windows import Family

Floats = NDArray[np.float64]


def share_abstaining(selected: Sequence[float], gap: float) -> float:
    """Smallest share of the group selected most often, rates counted among everybody.

    u_hi - u_lo - gap, and 0 where that is negative: its selection rate falls by one for each
    favoured person left out.

    Parameters
    ----------
    selected
        Selection rates of two or more groups.
    gap
        Largest difference allowed.

    Notes
    -----
    Holds while enough of the favoured people of that group are false positives for its accuracy
    not to fall: P(y=0, favoured) of at least its error rate times the share.
    """
    return max(float(max(selected)) - float(min(selected)) - gap, 0.0)


def share_among_decided(selected: Sequence[float], gap: float) -> float:
    """Smallest common share, rates counted among the decided: at least this much.

    (u_hi - u_lo - gap) / (1 - gap); keeping accuracy can only ask for more.
    """
    wanted = float(max(selected)) - float(min(selected)) - gap
    return max(wanted, 0.0) / (1.0 - gap) if gap < 1.0 else 0.0


def reach_flipping(base: ArrayLike, share: ArrayLike, allowed: ArrayLike) -> tuple[Floats, Floats]:
    """Selection rates each group can be given where any decision may be overturned.

    [max(0, base - share - allowed (1 - share)), min(1, base + allowed)], among everybody.

    Parameters
    ----------
    base
        Share with label 1 of each group.
    share
        Largest share that goes to a person.
    allowed
        Largest error rate among the decided.
    """
    tau, delta, error = (np.asarray(v, np.float64) for v in (base, share, allowed))
    return np.maximum(0.0, tau - delta - error * (1.0 - delta)), np.minimum(1.0, tau + error)


def share_flipping(
    base: tuple[float, float], allowed: tuple[float, float], gap: float, spread: float = 1.0
) -> float:
    """Smallest share of the group with the larger base rate where decisions may be overturned.

    (tau_hi - tau_lo - e_hi - e_lo - gap) / (1 - e_hi), and with a limit on the difference of the
    shares, where the result exceeds it,
    (tau_hi - tau_lo - e_hi - e_lo (1 + spread) - gap) / (1 - e_hi - e_lo).

    Parameters
    ----------
    base, allowed
        Base rates and largest error rates among the decided, in the same order.
    gap, spread
        Largest differences of the selection rates, and of the shares going to a person.

    Returns
    -------
    float
        May exceed 1: then no share is enough.
    """
    hi, lo = (0, 1) if base[0] >= base[1] else (1, 0)
    lack = base[hi] - base[lo] - allowed[hi] - allowed[lo] - gap
    share = max(lack / (1.0 - allowed[hi]), 0.0)
    if share <= spread:
        return share
    rest = 1.0 - allowed[hi] - allowed[lo]
    return max((lack - allowed[lo] * spread) / rest, spread) if rest > 0.0 else np.inf


def smallest_share(
    cells: Cells,
    wish: Wish,
    *,
    group: int | None = None,
    tick: Callable[[], None] | None = None,
) -> float | None:
    """Smallest share with which the gap can be kept, people counted in fractions.

    Parameters
    ----------
    cells, wish
        Who, and what is asked; its share does not matter but for the other groups where one
        group is named.
    group
        The group whose share is sought; a common one where None.
    tick
        Called before every solve.

    Returns
    -------
    float or None
        None where no share is enough.
    """
    program = build(replace(cells, whole=False), replace(wish))
    wanted = [
        i
        for i, (name, g) in enumerate(program.names)
        if name == "share" and (group is None or g == group)
    ]
    rows = np.hstack([program.rows, np.zeros((len(program.rows), 1))])
    limits = program.limits.copy()
    pool = wish.pooled(cells.size)
    for i in wanted:
        g = program.names[i][1]
        rows[i, -1] = -float(cells.size[pool].sum() if g < 0 else cells.size[g])
        limits[i] = 0.0
    wider = replace(
        program,
        errors=np.append(program.errors, 0.0),
        burden=np.append(program.burden, 0.0),
        rows=rows,
        limits=limits,
        upper=np.append(program.upper, 1.0),
        families=tuple(_wider(family) for family in program.families),
    )
    objective = np.zeros(wider.errors.size)
    objective[-1] = 1.0
    return solver.least(wider, objective, tick)


def region(
    counts: ArrayLike,
    wish: Wish,
    gaps: Sequence[float],
    *,
    tick: Callable[[], None] | None = None,
) -> list[dict[str, Any]]:
    """Smallest common share for each gap: ``gap`` and ``share``, None where none is enough."""
    cells = Cells.of(counts)
    return [
        {"gap": float(gap), "share": smallest_share(cells, replace(wish, gap=gap), tick=tick)}
        for gap in gaps
    ]


def _wider(family: Family) -> Family:
    zero = np.zeros((family.top0.size, 1))
    return replace(
        family, top=np.hstack([family.top, zero]), bottom=np.hstack([family.bottom, zero])
    )
