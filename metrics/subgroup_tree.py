"""A small tree that looks for the part of a population in which groups are treated most unlike.

Works on histograms: one count of (bin, group, outcome) for each column and node, from which
every split of that column follows by cumulative sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from metrics.subgroup_columns import Binned, Condition, Mask
from metrics.subgroup_null import pairs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Region:
    """A set of people: allowed bins of some columns.

    Attributes
    ----------
    allowed : dict of int to (size,) bool
        Column position to its allowed bins; a blank is in no bin.
    """

    allowed: dict[int, Mask]

    def member(self, columns: Sequence[Binned]) -> Mask:
        """Which rows belong to it."""
        inside = np.ones(columns[0].codes.size, dtype=bool)
        for place, allowed in self.allowed.items():
            inside &= np.append(allowed, False)[columns[place].codes]
        return inside

    def conditions(self, columns: Sequence[Binned]) -> list[Condition]:
        """Return the structured description."""
        return [c for p in sorted(self.allowed) for c in columns[p].conditions(self.allowed[p])]

    def narrowed(self, place: int, allowed: Mask) -> Region:
        """Return the part of it inside `allowed` of one more column."""
        before = self.allowed.get(place, np.ones_like(allowed))
        return Region({**self.allowed, place: before & allowed})


@dataclass(frozen=True)
class _Split:
    worth: float
    place: int
    left: Mask
    right: Mask


def find(
    columns: Sequence[Binned],
    group: Ints,
    hit: Ints,
    rows: Places,
    *,
    n_groups: int,
    depth: int,
    smallest: int,
    side: int,
    alpha: float,
) -> tuple[Region | None, int]:
    """Grow a tree on some rows and return the part of it that stands out most.

    A node is split where the gap between one group and the others differs most between its two
    sides, H = (d_L - d_R)^2 / (v_L + v_R), if H exceeds the chi-square quantile at
    `alpha` divided by the number of splits tried; for sets of unordered levels, sorted by
    their gap, on (levels - 1) degrees of freedom, which bounds every such set. Among all nodes
    below the root the one is taken whose gap exceeds that of everybody by most standard errors:
    the gap alone would favour small parts at the edge of a larger one, standard errors alone
    would favour everybody. The ends of its ranges are then moved, one column at a time, to where
    that number is largest, since a tree cuts a range at one end after the other.

    Parameters
    ----------
    columns
        Binned descriptors of all n rows.
    group, hit : (n,) int
        Group and outcome of each row.
    rows : (r,) int
        The rows to search, all with a known group.
    n_groups
        Number of groups.
    depth
        Most splits on a path.
    smallest
        Rows a part needs.
    side
        Rows that two groups of a part need.
    alpha
        Chance, at most, that a node without differences is split, in (0, 1).

    Returns
    -------
    region, tried : Region or None, int
        None if no split was worth it; number of parts compared.

    References
    ----------
    Scheffe, A method for judging all contrasts in the analysis of variance, Biometrika 40,
    1953 (the bound for sets of levels). Athey, Imbens, Recursive partitioning for
    heterogeneous causal effects, PNAS 113, 2016 (honest trees).
    """
    outcome = (group * 2 + hit).astype(np.int64)
    nodes: list[tuple[Region, Places]] = []
    open_nodes: list[tuple[Region, Places]] = [(Region({}), rows)]
    for _ in range(depth):
        children: list[tuple[Region, Places]] = []
        for region, inside in open_nodes:
            split = _best_split(columns, outcome, inside, n_groups, smallest, side, alpha)
            if split is None:
                continue
            codes = columns[split.place].codes[inside]
            for allowed in (split.left, split.right):
                part = inside[np.append(allowed, False)[codes]]
                children.append((region.narrowed(split.place, allowed), part))
        nodes += children
        open_nodes = children
    if not nodes:
        return None, 0
    parts = [rows, *(part for _, part in nodes)]
    table = np.stack([np.bincount(outcome[part], minlength=2 * n_groups) for part in parts])
    table = table.reshape(-1, n_groups, 2)
    totals, hits = table.sum(axis=2), table[:, :, 1]
    compared = pairs(totals[1:], hits[1:], totals[1:], floor=side, denominator_floor=1)
    if not len(compared):
        return None, len(nodes)
    rate = hits[0] / np.maximum(totals[0], 1)
    overall = np.abs(rate[compared.first] - rate[compared.second])
    best = int(np.argmax(_beyond(np.abs(compared.gap) - overall, compared.chance)))
    region = nodes[int(compared.cell[best])][0]
    ends = int(compared.first[best]), int(compared.second[best])
    of_pair = rows[np.isin(group[rows], ends)]
    kinds = 2 * (group == ends[1]) + hit
    for _ in range(2):
        for place in sorted(region.allowed):
            region = _polished(columns, kinds, of_pair, region, place, float(overall[best]),
                               smallest, side)  # fmt: skip
    return region, len(nodes)


def _beyond(excess: Floats, spread: Floats) -> Floats:
    out = np.full(spread.shape, -np.inf)
    np.divide(excess, spread, out=out, where=spread > 0)
    return out


def _polished(
    columns: Sequence[Binned],
    kinds: Ints,
    rows: Places,
    region: Region,
    place: int,
    overall: float,
    smallest: int,
    side: int,
) -> Region:
    """Move both ends of one column's range to where the pair's gap stands out most."""
    column = columns[place]
    others = Region({p: allowed for p, allowed in region.allowed.items() if p != place})
    if not column.ordered:
        return region
    codes = column.codes[rows].astype(np.int64)
    keep = others.member(columns)[rows] & (codes >= 0)
    table = np.bincount(codes[keep] * 4 + kinds[rows[keep]], minlength=column.size * 4)
    sums = np.vstack([np.zeros((1, 4)), np.cumsum(table.reshape(-1, 4), axis=0)])
    low, high = np.triu_indices(column.size + 1, k=1)
    inside = sums[high] - sums[low]
    n = inside[:, ::2] + inside[:, 1::2]
    gap, spread = _gap(n[:, 0], inside[:, 1], n[:, 1], inside[:, 3])
    valid = (n.min(axis=1) >= side) & (n.sum(axis=1) >= smallest)
    whole = (low == 0) & (high == column.size)
    if not others.allowed:
        valid &= ~whole
    z = np.where(valid, _beyond(np.abs(gap) - overall, np.sqrt(spread)), -np.inf)
    best = int(np.argmax(z))
    if not np.isfinite(z[best]):
        return region
    if whole[best]:
        return others
    at = np.arange(column.size)
    return Region({**region.allowed, place: (at >= low[best]) & (at < high[best])})


def _best_split(
    columns: Sequence[Binned],
    outcome: Ints,
    rows: Places,
    n_groups: int,
    smallest: int,
    side: int,
    alpha: float,
) -> _Split | None:
    """Return the split that exceeds its critical value by the largest factor, or None."""
    if rows.size < 2 * smallest:
        return None
    kinds = outcome[rows]
    scored = []
    for place, column in enumerate(columns):
        if column.size < 2:
            continue
        codes = column.codes[rows].astype(np.int64)
        known = codes >= 0
        joint = codes * (2 * n_groups) + kinds
        if not known.all():
            joint = joint[known]
        table = np.bincount(joint, minlength=column.size * 2 * n_groups)
        table = table.reshape(-1, n_groups, 2)
        scored.append((place, *_heterogeneity(table, column.ordered, smallest, side)))
    tried = sum(int(valid.sum()) for _, _, valid, _, _ in scored)
    best: _Split | None = None
    for place, worth, valid, order, present in scored:
        if not valid.any():
            continue
        column = columns[place]
        free = 1 if column.ordered else max(int(present.sum()) - 1, 1)
        # Sets of levels are bounded all at once, cut points are counted one by one.
        looks = tried if column.ordered else len(worth) * len(scored)
        ratio = np.where(valid, worth, 0.0) / float(chdtri(free, alpha / looks))
        which, cut = np.unravel_index(int(ratio.argmax()), ratio.shape)
        if ratio[which, cut] <= 1.0 or (best is not None and ratio[which, cut] <= best.worth):
            continue
        left = np.zeros(column.size, dtype=bool)
        left[order[which, : cut + 1]] = True
        right = ~left
        if not column.ordered:
            left, right = left & present, right & present
        best = _Split(float(ratio[which, cut]), place, left, right)
    return best


def _heterogeneity(
    table: Ints, ordered: bool, smallest: int, side: int
) -> tuple[Floats, Mask, Places, Mask]:
    """Score every split of one column: (k, size - 1) statistics for k groups against the rest.

    Returns the statistics, where they are allowed, the (k, size) order of the bins, and which
    bins hold any rows.
    """
    totals, hits = table.sum(axis=2).T, table[:, :, 1].T
    k = 1 if len(totals) == 2 else len(totals)
    own_n, own_x = totals[:k].astype(np.float64), hits[:k].astype(np.float64)
    rest_n, rest_x = totals.sum(axis=0) - own_n, hits.sum(axis=0) - own_x
    if ordered:
        order = np.broadcast_to(np.arange(own_n.shape[1]), own_n.shape)
    else:
        gap = (own_x + 0.5) / (own_n + 1.0) - (rest_x + 0.5) / (rest_n + 1.0)
        order = np.argsort(gap, axis=1, kind="stable")
    parts = [np.take_along_axis(v, order, axis=1) for v in (own_n, own_x, rest_n, rest_x)]
    below = [np.cumsum(part, axis=1)[:, :-1] for part in parts]
    every = [part.sum(axis=1, keepdims=True) for part in parts]
    above = [whole - sums for whole, sums in zip(every, below, strict=True)]
    gap_left, spread_left = _gap(*below)
    gap_right, spread_right = _gap(*above)
    valid = np.ones(gap_left.shape, dtype=bool)
    for own, _, rest, _ in (below, above):
        valid &= (own >= side) & (rest >= side) & (own + rest >= smallest)
    spread = spread_left + spread_right
    worth = np.divide(
        (gap_left - gap_right) ** 2, spread, out=np.zeros_like(spread), where=spread > 0
    )
    return worth, valid, np.asarray(order), np.asarray(totals.sum(axis=0) > 0)


def _gap(own_n: Floats, own_x: Floats, rest_n: Floats, rest_x: Floats) -> tuple[Floats, Floats]:
    """Return the gap of a group to the rest and its variance under equal rates."""
    one, two = np.maximum(own_n, 1.0), np.maximum(rest_n, 1.0)
    share = (own_x + rest_x) / np.maximum(own_n + rest_n, 1.0)
    return own_x / one - rest_x / two, share * (1.0 - share) * (1.0 / one + 1.0 / two)
