"""The best accuracy when the rates of all groups must lie within so many points.

Linear programs over randomised rules, the same rules as in `metrics.bounds` without sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from metrics.cells import Counts, Floats

RULES = ("free", "group", "blind")
# The labels among which each rate is taken, None for everybody.
_LABELS: dict[str, tuple[int | None, ...]] = {
    "selection-rate": (None,),
    "tpr": (1,),
    "fpr": (0,),
    "equalized-odds": (1, 0),
}
METRICS = tuple(_LABELS)


@dataclass(frozen=True)
class Windows:
    """Rates and accuracy as linear functions of the chances of a favourable decision.

    Parameters
    ----------
    gain : (v,) float64
        Accuracy by variable.
    base
        Accuracy when nobody is chosen.
    rates : tuple of (g, v) float64
        Rates of the compared groups by variable, one array for each rate that is limited.
    """

    gain: Floats
    base: float
    rates: tuple[Floats, ...]

    def best(self, gap: float) -> float:
        """Best accuracy with rates at most `gap` apart, as a fraction."""
        v, m = len(self.gain), len(self.rates)
        rows, right = [], []
        for j, rates in enumerate(self.rates):
            low = np.zeros((len(rates), m))
            low[:, j] = 1.0
            rows += [np.hstack([-rates, low]), np.hstack([rates, -low])]
            right += [np.zeros(len(rates)), np.full(len(rates), gap)]
        found = linprog(
            np.concatenate([-self.gain, np.zeros(m)]),
            A_ub=np.vstack(rows),
            b_ub=np.concatenate(right),
            bounds=[(0.0, 1.0)] * (v + m),
            method="highs",
        )
        return min(self.base - float(found.fun), 1.0)


def windows(
    counts: Counts | Floats,
    metric: str,
    *,
    rule: str,
    floor: int = 30,
    denominator_floor: int = 10,
    held: Sequence[int] | None = None,
) -> Windows | None:
    """Set up the program.

    Parameters
    ----------
    counts : (z, 2, 2)
        People by group, label and decision of the audited model.
    metric
        One of `METRICS`: which rates are held together.
    rule
        One of `RULES`.
    floor, denominator_floor
        People a group needs, and in the denominator of a rate, to be held to the others.
    held
        The groups that are held together, where `counts` are weights and not people.

    Returns
    -------
    Windows or None
        None where fewer than two groups can be compared.
    """
    table = np.asarray(counts, dtype=np.float64)
    if rule == "free":
        table = table.sum(axis=2)[..., None] * np.eye(2)
    z, seen = table.shape[0], 2
    number = np.zeros(z, dtype=np.intp) if rule == "blind" else np.arange(z)
    v = (int(number.max()) + 1) * seen
    rates = []
    for label in _LABELS[metric]:
        among = table.sum(axis=1) if label is None else table[:, label]
        people = among.sum(axis=1)
        compared = (table.sum(axis=(1, 2)) >= floor) & (people >= denominator_floor)
        if held is not None:
            compared = np.isin(np.arange(z), held) & (people > 0)
        if compared.sum() < 2:
            return None
        rows = np.zeros((z, v))
        for k in range(seen):
            np.add.at(rows, (np.arange(z), number * seen + k), among[:, k])
        rates.append(rows[compared] / people[compared, None])
    gain = np.zeros(v)
    for k in range(seen):
        np.add.at(gain, number * seen + k, table[:, 1, k] - table[:, 0, k])
    return Windows(gain / table.sum(), float(table[:, 0].sum() / table.sum()), tuple(rates))


def observed(
    counts: Counts | Floats, metric: str, *, floor: int = 30, denominator_floor: int = 10
) -> float | None:
    """Largest gap of the audited model's rates between compared groups, as a fraction."""
    found = windows(counts, metric, rule="group", floor=floor, denominator_floor=denominator_floor)
    if found is None:
        return None
    unchanged = np.tile([0.0, 1.0], found.rates[0].shape[1] // 2)
    spread = [float(np.ptp(rates @ unchanged)) for rates in found.rates]
    return max(spread)


def frontier(found: Windows, gaps: Sequence[float]) -> list[tuple[float, float]]:
    """Best accuracy at each gap, gaps as fractions in ascending order."""
    out: list[tuple[float, float]] = []
    free = found.best(1.0)
    for gap in gaps:
        # Accuracy never falls as the window widens.
        done = bool(out) and out[-1][1] >= free - 1e-12
        out.append((gap, free if done else found.best(gap)))
    return out
