"""Which columns describe parts of the people: those from which the group cannot be told.

Where descriptors predict the group, people alike in them are of one group, "the gap between groups
among people alike" is empty, and pressing on it destroys the score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.subgroup_columns import Binned, quantiles
from mitigations.contract import Column, Context, MethodError, Part, Problem
from mitigations.regions import descriptor
from mitigations.road.card import among
from mitigations.road.select import auc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: AUC for the group above which a column is left out, all of them together, and refused.
ALONE, TOGETHER, REFUSED = 0.65, 0.75, 0.9
#: Most columns: features of few people alike in many columns are noise.
MOST = 6
#: Bins of a column when it is looked at alone, and levels that get a place of their own.
BINS, LEVELS = 16, 8
#: Rows looked at.
ROWS = 20_000
#: Points of the scale on which numbers become ranks.
GRID = 129


@dataclass(frozen=True)
class Described:
    """The columns that describe parts.

    Parameters
    ----------
    used
        Names, the ones in whose bins the gap varies most first.
    table
        ``(column, AUC for the group or None, used, why not)``.
    auc
        For the group, of all of them together.
    notes
        In words.
    columns, scales
        The columns, and how they become numbers: of numbers, values and their ranks, (2, m); of
        codes, those with a place of their own, (m,).
    """

    used: tuple[str, ...]
    table: tuple[tuple[str, float | None, bool, str], ...]
    auc: float
    notes: tuple[str, ...]
    columns: tuple[Column, ...]
    scales: tuple[Floats, ...]

    @property
    def slots(self) -> int:
        """Least width of raw rows."""
        return 1 + max((column.slot for column in self.columns), default=-1)

    def matrix(self, x: NDArray[np.float32]) -> Floats:
        """Ranks of numbers with deviation about 1, one place for each level, (n, p)."""
        parts = []
        for column, scale in zip(self.columns, self.scales, strict=True):
            values = x[:, column.slot].astype(np.float64)
            if scale.ndim == 1:
                parts.append((values[:, None] == scale).astype(np.float64))
                continue
            scaled = np.sqrt(12.0) * (np.interp(values, *scale) - 0.5)
            parts.append(np.where(np.isfinite(values), scaled, 0.0)[:, None])
        return np.hstack(parts)


def choose(
    wanted: Sequence[str], problem: Problem, part: Part, group: Ints, context: Context
) -> Described:
    """Columns that were named, checked, or those from which the group cannot be told.

    Parameters
    ----------
    wanted
        Names, or none.
    part, group
        Labelled training rows and their groups, -1 unknown.

    Raises
    ------
    MethodError
        ``unknown-column``, ``descriptors-tell-group`` or ``no-descriptors``.
    """
    rng = context.rng("road/describe")
    known = np.flatnonzero(group >= 0)
    rows = known if known.size <= ROWS else np.sort(rng.choice(known, ROWS, replace=False))
    rng.shuffle(rows)
    assert part.y is not None
    looked = _Looked(part.take(rows), group[rows], rng, lambda: context.tick(0, 1, "columns"))
    by_name = {column.name: column for column in problem.columns}
    among(wanted, list(by_name), "The columns that describe parts")
    facts: dict[str, tuple[float | None, float]] = {}
    for name, column in by_name.items():
        context.tick(0, 1, f"looking at {name}")
        facts[name] = looked.alone(column)
    if wanted:
        used = list(wanted)
        why = dict.fromkeys(by_name, "not among the columns that were named")
        together = looked.together([by_name[name] for name in used])
        _refuse(used, together)
    else:
        used, why, together = _automatic(by_name, facts, looked)
    table = tuple(
        (name, facts[name][0], name in used, "" if name in used else why[name]) for name in by_name
    )
    columns = tuple(by_name[name] for name in used)
    return Described(
        tuple(used),
        table,
        together,
        _notes(used, together, bool(wanted)),
        columns,
        tuple(_scale(column, part) for column in columns),
    )


def _automatic(
    by_name: dict[str, Column], facts: dict[str, tuple[float | None, float]], looked: _Looked
) -> tuple[list[str], dict[str, str], float]:
    why: dict[str, str] = {}
    usable: list[str] = []
    for name, (own, _) in facts.items():
        if own is None:
            why[name] = "the same for almost everybody"
        elif own > ALONE:
            why[name] = f"tells the group (AUC {own:.2f}, above {ALONE:g})"
        else:
            usable.append(name)
    usable.sort(key=lambda name: -facts[name][1])
    for name in usable[MOST:]:
        why[name] = f"the gap varies more in the bins of {MOST} others"
    used = usable[:MOST]
    together = looked.together([by_name[name] for name in used]) if used else 0.5
    while len(used) > 1 and together > TOGETHER:
        worst = max(used, key=lambda name: facts[name][0] or 0.0)
        used.remove(worst)
        why[worst] = f"with the others it tells the group (AUC {together:.2f})"
        together = looked.together([by_name[name] for name in used])
    if not used or together > TOGETHER:
        raise MethodError(
            "no-descriptors",
            "Every column tells the group apart, so that no part of the people can be compared.",
            "Name columns that describe parts in the settings, or choose another remedy.",
        )
    return used, why, together


def _refuse(used: Sequence[str], together: float) -> None:
    if together <= REFUSED:
        return
    raise MethodError(
        "descriptors-tell-group",
        f"The group can be told from {', '.join(used[:6])} (AUC {together:.2f}, above "
        f"{REFUSED:g}): people alike in them are of one group.",
        "Name fewer columns, or leave the setting empty.",
    )


def _notes(used: Sequence[str], together: float, named: bool) -> tuple[str, ...]:
    out = [f"Parts are described by {', '.join(used)}; together they tell the group with an AUC "
           f"of {together:.2f}."]  # fmt: skip
    if named and together > TOGETHER:
        out.append(
            f"Above {TOGETHER:g} a gap among people alike is hard to see: expect a loss of "
            "accuracy without a smaller gap."
        )
    return tuple(out)


@dataclass(frozen=True)
class _Looked:
    """Rows on which columns are looked at, in random order: one half predicts the other."""

    part: Part
    group: Ints
    rng: np.random.Generator
    tick: Callable[[], None]

    def alone(self, column: Column) -> tuple[float | None, float]:
        """AUC for the group, None for a constant, and how much the label's gap varies."""
        found = quantiles(descriptor(column, self.part), BINS)
        codes = np.where(found.codes < 0, found.size, found.codes).astype(np.int64)
        n = np.bincount(codes, minlength=found.size + 1)
        if n.max(initial=0) > 0.995 * codes.size:
            return None, 0.0
        return self._auc(codes, found), self._varies(codes, n)

    def _groups(self) -> list[int]:
        n = np.bincount(self.group)
        return [1] if n.size == 2 else np.flatnonzero(n >= 50).tolist()

    def _auc(self, codes: Ints, column: Binned) -> float:
        half = codes.size // 2
        best = 0.5
        for g in self._groups():
            mine = self.group == g
            for seen, other in ((slice(0, half), slice(half, None)),
                                (slice(half, None), slice(0, half))):  # fmt: skip
                n = np.bincount(codes[seen], minlength=column.size + 1)
                hits = np.bincount(codes[seen][mine[seen]], minlength=column.size + 1)
                share = (hits + mine.mean()) / (n + 1.0)
                best = max(best, auc(share[codes[other]], mine[other].astype(np.int8)))
        return best

    def _varies(self, codes: Ints, n: Ints) -> float:
        """Chi-square of the label's gap over bins, less what chance gives on average."""
        assert self.part.y is not None
        y = self.part.y.astype(np.float64)
        worth = 0.0
        for g in self._groups():
            sums = []
            for mine in (self.group == g, self.group != g):
                size = np.bincount(codes[mine], minlength=n.size).astype(np.float64)
                hits = np.bincount(codes[mine], weights=y[mine], minlength=n.size)
                sums.append((size, hits))
            (n1, x1), (n0, x0) = sums
            fine = (n1 >= 5) & (n0 >= 5)
            if fine.sum() < 2:
                continue
            n1, x1, n0, x0 = n1[fine], x1[fine], n0[fine], x0[fine]
            share = (x1 + x0) / (n1 + n0)
            weight = 1.0 / np.maximum(share * (1 - share) * (1 / n1 + 1 / n0), 1e-9)
            gap = x1 / n1 - x0 / n0
            mean = (weight @ gap) / weight.sum()
            free = fine.sum() - 1
            worth = max(worth, (float(weight @ (gap - mean) ** 2) - free) / np.sqrt(2 * free))
        return float(worth)

    def together(self, columns: Sequence[Column]) -> float:
        """AUC for the group of boosted trees on these columns, on rows they were not fitted on."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        x: NDArray[Any] = self.part.x[:, [c.slot for c in columns]]
        half = len(x) // 2
        best = 0.5
        for g in self._groups():
            self.tick()
            mine = (self.group == g).astype(np.int8)
            if np.unique(mine[:half]).size < 2:
                continue
            model = HistGradientBoostingClassifier(
                max_iter=40, max_leaf_nodes=15, learning_rate=0.15, early_stopping=False,
                random_state=0,
            )  # fmt: skip
            model.fit(x[:half], mine[:half])
            best = max(best, auc(model.predict_proba(x[half:])[:, 1], mine[half:]))
        return best


def _scale(column: Column, part: Part) -> Floats:
    values = part.x[:, column.slot].astype(np.float64)
    known = values[np.isfinite(values)]
    if column.kind == "categorical":
        codes, n = np.unique(known, return_counts=True)
        return np.sort(codes[np.lexsort((codes, -n))[:LEVELS]])
    if known.size == 0:
        return np.array([[0.0], [0.5]])
    grid = np.quantile(known, np.linspace(0.0, 1.0, GRID))
    steps, place = np.unique(grid, return_inverse=True)
    ranks = np.bincount(place, weights=np.linspace(0.0, 1.0, GRID)) / np.bincount(place)
    return np.stack([steps, ranks])
