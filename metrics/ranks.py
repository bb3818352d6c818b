"""Sums over ranked lists by list and group, which add over shards of whole lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Counts, Floats, IntArray, index_cells
from metrics.groups import Attribute, combine
from metrics.layout import check_lengths
from metrics.rates import divide

# Discounts and NDCG are summed in whole steps, so that sums do not depend on the order.
STEP = float(1 << 36)
COLUMNS = ("n", "places", "selected", "exposure", "ndcg", "lists", "chance")
N, PLACES, SELECTED, EXPOSURE, NDCG, LISTS, CHANCE = range(len(COLUMNS))
# Positions of a single list that are kept apart; beyond, bins grow by this ratio.
SINGLE, RATIO = 64, 1.25


@dataclass(frozen=True)
class ListSums:
    """Sums of one table by list and group.

    Parameters
    ----------
    query : (r,) int64
        List of each row.
    cells : (r, k) int32
        Codes of the group, -1 unknown; rows rise by list, then by cell.
    sums : (r, 7) int64
        By `COLUMNS`: people; people in lists that have a clear cut at k; those above the cut;
        discounts and NDCG in steps of 2^-36; lists that have an NDCG; NDCG of a random order.
    """

    query: NDArray[np.int64]
    cells: NDArray[np.int32]
    sums: Counts

    def __add__(self, other: ListSums) -> ListSums:
        """Sums of the lists of both."""
        query = np.concatenate([self.query, other.query])
        cells = np.concatenate([self.cells, other.cells])
        order = np.lexsort((*cells.T[::-1], query))
        return ListSums(query[order], cells[order], np.concatenate([self.sums, other.sums])[order])


@dataclass(frozen=True)
class Positions:
    """Where the people of a single list stand, for shuffles.

    Parameters
    ----------
    value : (bins,) float
        Mean discount of each bin of positions.
    counts
        By table: (r, bins) int64, in the row order of its `ListSums`.
    """

    value: Floats
    counts: dict[tuple[str, ...], Counts]


@dataclass(frozen=True)
class RankCounts:
    """Everything summed over lists; sets of different lists add.

    Parameters
    ----------
    tables
        By attribute or intersection; everybody is ``()``.
    k
        Places.
    has_relevance
        Whether a relevance was given.
    queries : (q,) int64
        The lists.
    tied, short
        Lists whose cut at k falls into a tie, and lists of fewer than k people.
    left_out
        Rows without a score or a list, by reason.
    positions
        Set for a single list.
    """

    tables: dict[tuple[str, ...], ListSums]
    k: int
    has_relevance: bool
    queries: NDArray[np.int64]
    tied: int
    short: int
    left_out: dict[str, int]
    positions: Positions | None

    def __add__(self, other: RankCounts) -> RankCounts:
        """Counts of the lists of both.

        Raises
        ------
        ValueError
            If k, the columns or the tables differ, or a list lies in both.
        """
        if (self.k, self.has_relevance, set(self.tables)) != (
            other.k,
            other.has_relevance,
            set(other.tables),
        ):
            raise ValueError("these counts have different k, columns or attributes")
        shared = np.intersect1d(self.queries, other.queries)
        if shared.size:
            raise ValueError(f"list {shared[0]} lies in both parts; a list is counted whole")
        queries = np.union1d(self.queries, other.queries)
        one = self.positions if len(other.queries) == 0 else other.positions
        return RankCounts(
            {by: table + other.tables[by] for by, table in self.tables.items()},
            self.k,
            self.has_relevance,
            queries,
            self.tied + other.tied,
            self.short + other.short,
            {name: n + other.left_out[name] for name, n in self.left_out.items()},
            one if len(queries) == 1 else None,
        )


@dataclass(frozen=True)
class _Runs:
    """Rows of lists in ranked order with their ties."""

    order: NDArray[np.intp]
    position: NDArray[np.int64]
    run: NDArray[np.int64]


def _ranked(lists: IntArray, score: Floats) -> _Runs:
    order = np.lexsort((-score, lists))
    own, ranked = lists[order], score[order]
    new_list = np.r_[True, own[1:] != own[:-1]]
    starts = np.flatnonzero(new_list)
    position = np.arange(len(own)) - np.repeat(starts, np.diff(np.r_[starts, len(own)])) + 1
    run = np.cumsum(new_list | np.r_[True, ranked[1:] != ranked[:-1]]) - 1
    return _Runs(order, position, run)


def discount(position: NDArray[np.int64]) -> Floats:
    """1 / log2(1 + position)."""
    return np.asarray(1.0 / np.log2(1.0 + position))


def _mean_of_run(values: Floats, run: NDArray[np.int64]) -> Floats:
    return np.asarray((np.bincount(run, values) / np.bincount(run))[run])


def count_ranking(
    attributes: Sequence[Attribute],
    *,
    score: Floats,
    query: IntArray | None = None,
    relevance: Floats | None = None,
    k: int = 10,
    intersections: int = 2,
) -> RankCounts:
    """Sum ranked lists by group in one pass; shards of whole lists add.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, with codes of n rows each.
    score : (n,) float
        Higher ranks first; NaN is in no list. Equal scores share the mean of their discounts.
    query : (n,) int, optional
        List of each row, -1 none; None for one list of all.
    relevance : (n,) float, optional
        Gain of each row, at least 0; NaN counts as 0.
    k
        Places: the cut of selection and of NDCG.
    intersections
        Largest number of columns that are combined.

    Raises
    ------
    ValueError
        Without attributes, if columns differ in length, k is below 1, or a relevance is
        negative or infinite.
    """
    n = check_lengths(attributes, {"score": score, "query": query, "relevance": relevance})
    if k < 1:
        raise ValueError(f"k is {k}, at least 1 is needed")
    lists = np.zeros(n, dtype=np.int64) if query is None else query.astype(np.int64)
    gain = np.zeros(n) if relevance is None else np.nan_to_num(relevance, nan=0.0, posinf=-1.0)
    if (gain < 0).any():
        raise ValueError(f"{int((gain < 0).sum())} relevances are negative or infinite")
    scored, listed = ~np.isnan(score), lists >= 0
    used = scored & listed
    left_out = {"no-score": int((~scored).sum()), "no-list": int((scored & ~listed).sum())}
    lists, gain, score = lists[used], gain[used], score[used]
    rows, tied, short = _rows(lists, score, k)
    queries = np.unique(lists)
    own = {a.name: a.codes[used] for a in attributes}
    tables: dict[tuple[str, ...], ListSums] = {}
    where: dict[tuple[str, ...], IntArray] = {}
    for by in [(), *combine(list(own), intersections)]:
        axes = [a.axis for name in by for a in attributes if a.name == name]
        cell = index_cells([own[name] for name in by], axes) if by else None
        codes = np.zeros(len(lists), np.int64) if cell is None else cell.codes.astype(np.int64)
        found = _table(lists, codes, score, gain, rows, k)
        cells = np.zeros((len(found[0]), 0), np.int32) if cell is None else cell.cells[found[1]]
        tables[by] = ListSums(found[0], cells.astype(np.int32), found[2])
        where[by] = found[3]
    positions = _positions(score, rows[2], where) if len(queries) == 1 else None
    return RankCounts(tables, k, relevance is not None, queries, tied, short, left_out, positions)


def _rows(
    lists: IntArray, score: Floats, k: int
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_], Floats], int, int]:
    """Whether each row's list has a clear cut, whether the row is above it, and its discount."""
    if not len(lists):
        nothing = np.zeros(0, dtype=bool)
        return (nothing, nothing, np.zeros(0)), 0, 0
    runs = _ranked(lists, score)
    own = lists[runs.order]
    _, place, size = np.unique(own, return_inverse=True, return_counts=True)
    last = np.maximum.reduceat(
        runs.position, np.flatnonzero(np.r_[True, runs.run[1:] != runs.run[:-1]])
    )[runs.run]
    straddles = np.bincount(place, (runs.position == k) & (last > k)) > 0
    short = size < k
    clear = ~(straddles | short)[place]
    shared = _mean_of_run(discount(runs.position), runs.run)
    out_clear, out_above = np.zeros(len(own), bool), np.zeros(len(own), bool)
    out_discount = np.zeros(len(own))
    out_clear[runs.order] = clear
    out_above[runs.order] = clear & (runs.position <= k)
    out_discount[runs.order] = shared
    return (out_clear, out_above, out_discount), int(straddles.sum()), int(short.sum())


def _table(
    lists: IntArray,
    codes: IntArray,
    score: Floats,
    gain: Floats,
    rows: tuple[NDArray[np.bool_], NDArray[np.bool_], Floats],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Counts, IntArray]:
    """Lists, cells and sums of one table, and the table row of each input row."""
    clear, above, shown = rows
    queries, place = np.unique(lists, return_inverse=True)
    width = int(codes.max(initial=0)) + 1
    keys, inverse = np.unique(place * width + codes, return_inverse=True)
    size = len(keys)
    sums = np.zeros((size, len(COLUMNS)), dtype=np.int64)
    steps = np.rint(shown * STEP)
    for slot, column in ((N, None), (PLACES, clear), (SELECTED, above), (EXPOSURE, steps)):
        sums[:, slot] = np.bincount(inverse, column, minlength=size)
    if size and gain.any():
        value, chance = _ndcg(inverse, score, gain, k, size)
        sums[:, NDCG] = np.rint(np.nan_to_num(value) * STEP)
        sums[:, CHANCE] = np.rint(np.nan_to_num(chance) * STEP)
        sums[:, LISTS] = ~np.isnan(value)
    return queries[keys // width], keys % width, sums, inverse


def _ndcg(
    lists: IntArray, score: Floats, gain: Floats, k: int, size: int
) -> tuple[Floats, Floats]:
    """NDCG at k of each list and of a random order, ties by their mean; NaN without a gain."""
    runs = _ranked(lists, score)
    seen = np.where(runs.position <= k, discount(runs.position), 0.0)
    own = lists[runs.order]
    dcg = np.bincount(own, _mean_of_run(gain[runs.order], runs.run) * seen, minlength=size)
    ideal = _ranked(lists, gain)
    seen = np.where(ideal.position <= k, discount(ideal.position), 0.0)
    best = np.bincount(lists[ideal.order], gain[ideal.order] * seen, minlength=size)
    mean = np.bincount(lists, gain, minlength=size) / np.bincount(lists, minlength=size)
    random = mean * np.bincount(own, seen, minlength=size)
    return divide(dcg, best), divide(random, best)


def _positions(score: Floats, shown: Floats, where: dict[tuple[str, ...], IntArray]) -> Positions:
    """Counts by bin of positions, single at the top and wider below."""
    n = len(score)
    edges = np.arange(1, SINGLE + 1, dtype=float)
    while edges[-1] * RATIO < n:
        edges = np.append(edges, np.ceil(edges[-1] * RATIO))
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((-score,))] = np.arange(1, n + 1)
    place = np.searchsorted(edges, rank, side="right") - 1
    bins = len(edges)
    people = np.bincount(place, minlength=bins)
    total = np.bincount(place, shown, minlength=bins)
    value = np.divide(total, people, out=np.zeros(bins), where=people > 0)
    counts = {}
    for by, row in where.items():
        flat = np.bincount(row * bins + place, minlength=(int(row.max(initial=-1)) + 1) * bins)
        counts[by] = flat.reshape(-1, bins)
    return Positions(value, counts)
