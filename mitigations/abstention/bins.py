"""The program over intervals of the score: what it decides can be done without the label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from metrics.abstention_cells import AMONG, Cells, Wish
from metrics.abstention_program import Allocation, allocate
from mitigations.rules.bins import Bins, ScoreBins, SharedBins

Floats = NDArray[np.float64]

#: Standard errors by which shares and gap are kept below their limits.
CAUTION = 1.64


@dataclass(frozen=True)
class Rows:
    """Labelled and scored rows.

    Parameters
    ----------
    slot : (n,) int
        Compared groups 0 ... G - 1; everybody else is G.
    label, score, weight : (n,)
        Weights have mean 1.
    slots
        G + 1.
    threshold
        Of the model.
    """

    slot: NDArray[np.intp]
    label: NDArray[np.int8]
    score: Floats
    weight: Floats
    slots: int
    threshold: float

    @property
    def decision(self) -> NDArray[np.intp]:
        """Decision of the model."""
        return (self.score >= self.threshold).astype(np.intp)

    @property
    def size(self) -> Floats:
        """Weight of each slot."""
        return np.bincount(self.slot, self.weight, minlength=self.slots).astype(np.float64)

    def counts(self) -> Floats:
        """Weight by slot, label and decision, (G + 1, 2, 2)."""
        code = (self.slot * 2 + self.label) * 2 + self.decision
        counted = np.bincount(code, self.weight, minlength=4 * self.slots)
        return counted.astype(np.float64).reshape(-1, 2, 2)


@dataclass(frozen=True)
class Grid:
    """Intervals of the score and who is in them.

    Parameters
    ----------
    edges
        Of each slot, or one for all.
    cells
        Places: the intervals of all slots in order, or the shared ones.
    scores
        Scores of each place in order, and their weights, for cutting it by score.
    """

    edges: tuple[Floats, ...]
    cells: Cells
    scores: tuple[tuple[Floats, Floats], ...]

    @property
    def shared(self) -> bool:
        """Whether groups share their intervals."""
        return len(self.edges) == 1


def grid(rows: Rows, bins: int, *, shared: bool) -> Grid:
    """Intervals of equal weight with a cut at the threshold, chances of label 1 in each.

    Chances rise with the score within a slot (isotonic), half a case added to both labels.
    """
    slots = [np.arange(rows.slots)] if shared else [np.array([g]) for g in range(rows.slots)]
    edges = [_edges(rows.score[np.isin(rows.slot, own)], bins, rows.threshold) for own in slots]
    n_places = sum(len(e) + 1 for e in edges)
    n, chance = np.zeros((rows.slots, n_places)), np.zeros((rows.slots, n_places))
    kept = np.zeros(n_places, dtype=np.int8)
    scores: list[tuple[Floats, Floats]] = []
    start = 0
    for own, cuts in zip(slots, edges, strict=True):
        here = slice(start, start + len(cuts) + 1)
        kept[here] = np.concatenate([[-np.inf], cuts]) >= rows.threshold
        for slot in own:
            mine = rows.slot == slot
            n[slot, here], chance[slot, here] = _chances(
                rows.score[mine], rows.label[mine], rows.weight[mine], cuts
            )
        mine = np.isin(rows.slot, own)
        scores += _within(rows.score[mine], rows.weight[mine], cuts)
        start += len(cuts) + 1
    return Grid(tuple(edges), Cells(n, chance, kept, whole=False), tuple(scores))


def cautious(wish: Wish, rows: Rows) -> Wish:
    """The wish with room for chance: those who come next are other people.

    The share loses 1.64 sqrt(share / n) of its group, the gap 1.64 standard errors of the widest
    difference of two compared rates; each keeps at least half.
    """
    size = rows.size
    share = wish.shares(size.size)
    less = np.maximum(share - CAUTION * np.sqrt(share / np.maximum(size, 1.0)), share / 2.0)
    pooled = wish.pooled(size)
    counts = rows.counts()[~pooled]
    noise = 0.0
    for label in AMONG[wish.parity]:
        cases = counts.sum(axis=1) if label is None else counts[:, label]
        n = np.maximum(cases.sum(axis=1), 1.0)
        rate = (cases[:, 1] + 1.0) / (n + 2.0)
        variance = np.sort(rate * (1.0 - rate) / n)[::-1]
        noise = max(noise, float(np.sqrt(variance[:2].sum())))
    gap = max(wish.gap - CAUTION * noise, wish.gap / 2.0)
    return replace(wish, share=tuple(less.tolist()), gap=gap)


def solve(
    found: Grid, wish: Wish, *, chance: bool, tick: Callable[[], None] | None
) -> tuple[Allocation, list[Bins]]:
    """The program's solution, and the intervals of each slot or the shared ones.

    Parameters
    ----------
    found, wish
        Places and what is asked of them.
    chance
        Whether people of a place are drawn; otherwise places are cut by score, those nearest
        the threshold overturned first and then left to a person.
    tick
        Called before every solve.
    """
    solution = allocate(found.cells, wish, tick=tick)
    total = found.cells.n.sum(axis=0)
    some = np.maximum(total, 1e-12)
    left = np.where(total > 0, solution.abstain / some, 0.0).clip(0.0, 1.0)
    turned = np.where(total > 0, solution.flip / some, 0.0).clip(0.0, 1.0 - left)
    out, start = [], 0
    for cuts in found.edges:
        here = range(start, start + len(cuts) + 1)
        start += len(cuts) + 1
        if chance:
            table = np.array([_row(found.cells.kept[i], left[i], turned[i]) for i in here])
            out.append(Bins.of(cuts, table))
            continue
        edges, rows = _cut(cuts, [found.scores[i] for i in here], found.cells.kept[list(here)],
                           left[list(here)], turned[list(here)])  # fmt: skip
        out.append(Bins.of(edges, rows))
    return solution, out


def rule(
    bins: list[Bins],
    groups: tuple[str, ...],
    codes: tuple[int, ...],
    threshold: float,
    rest: bool,
) -> ScoreBins:
    """The rule of these intervals.

    Parameters
    ----------
    bins
        Of each slot, or the shared ones.
    groups, codes
        Words of the protected axis, and the compared groups in slot order.
    threshold
        Of the model.
    rest
        Whether the last slot had rows enough for intervals of its own; otherwise everybody else
        is decided as the model does.
    """
    if len(bins) == 1:
        return SharedBins(groups, (None,) * len(groups), bins[0])
    own: list[Bins | None] = [None] * len(groups)
    for slot, code in enumerate(codes):
        own[code] = bins[slot]
    as_model = Bins.of([threshold], np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    return ScoreBins(groups, tuple(own), bins[-1] if rest else as_model)


def _edges(score: Floats, bins: int, threshold: float) -> Floats:
    if score.size == 0:
        return np.array([threshold])
    inner = np.quantile(score, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="nearest")
    return np.unique(np.append(inner, threshold))


def _chances(
    score: Floats, label: NDArray[np.int8], weight: Floats, cuts: Floats
) -> tuple[Floats, Floats]:
    """Weight and chance of label 1 in each interval."""
    place = np.searchsorted(cuts, score, side="right")
    n = np.bincount(place, weight, minlength=len(cuts) + 1).astype(np.float64)
    ones = np.bincount(place, weight * label, minlength=len(cuts) + 1)
    some = n > 0
    chance = np.zeros(n.size)
    if some.any():
        raw = (ones[some] + 0.5) / (n[some] + 1.0)
        chance[some] = isotonic_regression(raw, weights=n[some]).x
    return n, chance


def _within(score: Floats, weight: Floats, cuts: Floats) -> list[tuple[Floats, Floats]]:
    order = np.argsort(score, kind="stable")
    score, weight = score[order], weight[order]
    at = np.searchsorted(score, cuts, side="left")
    return list(zip(np.split(score, at), np.split(weight, at), strict=True))


def _row(kept: int, left: float, turned: float) -> tuple[float, float, float]:
    stays = max(1.0 - left - turned, 0.0)
    return (turned, stays, left) if kept else (stays, turned, left)


def _cut(
    cuts: Floats,
    scores: list[tuple[Floats, Floats]],
    kept: NDArray[np.int8],
    left: Floats,
    turned: Floats,
) -> tuple[Floats, Floats]:
    """Intervals cut where the shares end, counted from the threshold."""
    edges: list[float] = []
    rows: list[tuple[float, float, float]] = []
    for i, (values, weight) in enumerate(scores):
        share = np.cumsum(weight) / weight.sum() if weight.size else np.zeros(0)
        parts = [(turned[i], _row(kept[i], 0.0, 1.0)), (left[i], _row(kept[i], 1.0, 0.0)),
                 (1.0, _row(kept[i], 0.0, 0.0))]  # fmt: skip
        # Favoured scores leave the threshold upwards, others downwards.
        steps = parts if kept[i] else [(None, row) for _, row in reversed(parts)]
        inside = np.clip(np.cumsum([turned[i], left[i]]), 0.0, 1.0)
        levels = inside if kept[i] else 1.0 - inside[::-1]
        rows.append(steps[0][1])
        for level, (_, row) in zip(levels, steps[1:], strict=True):
            edges.append(_at(values, share, float(level), cuts, i))
            rows.append(row)
        if i < len(cuts):
            edges.append(float(cuts[i]))
    return _tidy(edges, rows)


def _at(values: Floats, share: Floats, level: float, cuts: Floats, i: int) -> float:
    """Score below which a share of the place lies; its ends for none and for all."""
    if level <= 1e-9 or values.size == 0:
        return float(cuts[i - 1]) if i > 0 else -np.inf
    if level >= 1.0 - 1e-9:
        return float(cuts[i]) if i < len(cuts) else np.inf
    place = int(np.searchsorted(share, level - 1e-12, side="left")) + 1
    if place >= values.size:
        return float(cuts[i]) if i < len(cuts) else np.inf
    return float(values[place])


def _tidy(edges: list[float], rows: list[tuple[float, float, float]]) -> tuple[Floats, Floats]:
    """Without intervals that hold no score."""
    low = [-np.inf, *edges]
    high = [*edges, np.inf]
    kept = [i for i in range(len(rows)) if low[i] < high[i]]
    return np.array([low[i] for i in kept[1:]]), np.array([rows[i] for i in kept])
