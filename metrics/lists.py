"""Measures of ranked lists from sums by list and group, with their tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metrics import bootstrap, contrasts, hypergeometric, ranks, shuffles
from metrics.cells import Axis, CellTable, Counts, Floats
from metrics.comparisons import REST, Comparisons
from metrics.groups import Attribute, grouping
from metrics.layout import Layout
from metrics.ranks import CHANCE, EXPOSURE, LISTS, NDCG, PLACES, SELECTED, STEP, N, RankCounts
from metrics.rates import divide
from metrics.significance import fisher_central

METRICS = ("selection-at-k", "exposure", "ndcg", "skew-at-k")
# Lists drawn again at a time, and the largest dense array of lists by groups.
BLOCK = 100
TOGETHER = 16


class _Policy(Protocol):
    @property
    def draws(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def alpha(self) -> float: ...


def measures(sums: NDArray[np.generic], everybody: NDArray[np.generic]) -> Floats:
    """Selection at k, exposure, NDCG and skew at k.

    Parameters
    ----------
    sums : (..., g, 7)
        Sums of each group by `ranks.COLUMNS`.
    everybody : (..., 7)
        Sums of all rows, unknown groups included.

    Returns
    -------
    (..., g, 4) float
        By `METRICS`; NaN where undefined. Exposure is 1 at the average of everybody.
    """
    s, e = sums.astype(float), everybody.astype(float)[..., None, :]
    selection = divide(s[..., SELECTED], s[..., PLACES])
    exposure = divide(s[..., EXPOSURE] * e[..., N], s[..., N] * e[..., EXPOSURE])
    ndcg = divide(s[..., NDCG] / STEP, s[..., LISTS])
    share = divide(s[..., SELECTED] * e[..., PLACES], s[..., PLACES] * e[..., SELECTED])
    skew = np.log(share, out=np.full(share.shape, np.nan), where=share > 0)
    return np.stack([selection, exposure, ndcg, skew], axis=-1)


def places_test(x1: Counts, n1: Counts, x2: Counts, n2: Counts) -> contrasts.Test:
    """Central Fisher test of selection with the limits that match it, given the places."""
    first, second = divide(x1, n1), divide(x2, n2)
    empty = np.minimum(n1, n2) == 0
    p = np.where(empty, np.nan, fisher_central(x1, n1, x2, n2))

    def bar(alpha: Floats) -> contrasts.Limits:
        return hypergeometric.difference_limits(x1, n1, x2, n2, alpha)

    pooled = divide(x1 + x2, n1 + n2)
    spread = pooled * (1 - pooled)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(spread * (1 / n1 + 1 / n2))
    return contrasts.Test(first - second, p, bar, error, spread)


def _drawn(weight: Floats, where: NDArray[np.intp], sums: Floats, ends: Counts) -> Floats:
    """(draws, g, 7) sums by group, each row counted as often as its list was drawn.

    Groups that most lists hold are multiplied together, the others from their own lists alone:
    the sums are whole numbers, so both ways agree to the last digit.
    """
    starts = np.r_[0, ends[:-1]]
    common = (ends - starts) * 4 >= len(weight)
    # A list may have several rows of people without a group.
    common[-1] = False
    out = np.empty((weight.shape[1], len(ends), sums.shape[1]))
    shared = np.flatnonzero(common)
    for some in (shared[i : i + TOGETHER] for i in range(0, len(shared), TOGETHER)):
        dense = np.zeros((len(weight), len(some), sums.shape[1]))
        for k, j in enumerate(some):
            dense[where[starts[j] : ends[j]], k] = sums[starts[j] : ends[j]]
        out[:, some] = (weight.T @ dense.reshape(len(weight), -1)).reshape(
            len(out), len(some), sums.shape[1]
        )
    for j in np.flatnonzero(~common):
        mine = slice(starts[j], ends[j])
        out[:, j] = weight[where[mine]].T @ sums[mine]
    return out


@dataclass(frozen=True)
class Lists:
    """Sums of all tables with the groups and words of a report.

    Parameters
    ----------
    counted
        Everything summed.
    layout
        Groups by table; their counts are the sums over all lists.
    place
        By table: position of each row's group, -1 where a column is blank.
    """

    counted: RankCounts
    layout: Layout
    place: dict[tuple[str, ...], NDArray[np.int64]]
    cache: dict[tuple[str, ...], Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, counted: RankCounts, attributes: Sequence[Attribute], *, floor: int) -> Lists:
        """Sum every table over its lists."""
        named = {attribute.name: attribute for attribute in attributes}
        groups, rows, unknown, place = {}, {}, {}, {}
        tail = (Axis("sum", len(ranks.COLUMNS), 0),)
        for by, table in counted.tables.items():
            axes = tuple(named[name].axis for name in by)
            whole = CellTable(axes, tail, table.cells, table.sums)
            # Rows differ by list too, so cells repeat: adding nothing merges them.
            nothing = CellTable(axes, tail, table.cells[:0], table.sums[:0])
            found = grouping(whole + nothing, by)
            groups[by], rows[by] = found, found.counts[:, N]
            unknown[by] = int(found.unknown[N])
            at = {tuple(cell): j for j, cell in enumerate(found.cells.tolist())}
            place[by] = np.array(
                [at.get(tuple(cell), -1) for cell in table.cells.tolist()], dtype=np.int64
            )
        return cls(counted, Layout(named, groups, rows, unknown, floor), place)

    @property
    def single(self) -> bool:
        """Whether there is one list, whose order can be shuffled."""
        return len(self.counted.queries) == 1

    def totals(self, by: tuple[str, ...]) -> Counts:
        """(g, 7) sums over all lists."""
        return self.layout.groups[by].counts

    def held(self, by: tuple[str, ...]) -> NDArray[np.int64]:
        """Lists in which each group has somebody."""
        place = self.place[by]
        return np.bincount(place[place >= 0], minlength=len(self.totals(by)))

    def sides(self, by: tuple[str, ...], pairs: Comparisons) -> tuple[Counts, Counts]:
        """(K, 7) sums of both sides of every comparison."""
        sums = self.totals(by)
        rest = sums.sum(axis=0) - sums
        against = pairs.comparator == REST
        there = np.where(against[:, None], rest[pairs.group], sums[pairs.comparator])
        return sums[pairs.group], there

    def shared(self, by: tuple[str, ...], pairs: Comparisons) -> NDArray[np.int64]:
        """Lists that hold the smaller side of each comparison."""
        held = self.held(by)
        query = self.counted.tables[by].query
        place = self.place[by]
        known = len(np.unique(query[place >= 0]))
        other = np.where(pairs.comparator == REST, known, held[pairs.comparator])
        return np.minimum(held[pairs.group], other)

    def whole(self, by: tuple[str, ...]) -> bool:
        """Whether no list holds two groups, so that groups are compared on whole lists."""
        place, query = self.place[by], self.counted.tables[by].query
        known = query[place >= 0]
        return len(np.unique(known)) == len(known)

    def chance(self, by: tuple[str, ...]) -> Floats:
        """(g,) mean NDCG of a random order, NaN without a gain."""
        sums = self.totals(by)
        return divide(sums[:, CHANCE] / STEP, sums[:, LISTS])

    def _resampled(self, by: tuple[str, ...], policy: _Policy) -> Floats:
        """(draws, g + 1, 7) sums of drawn lists; the last group is everybody."""
        if by not in self.cache:
            self._draw(policy)
        return self.cache[by]

    def _draw(self, policy: _Policy) -> None:
        """Draw lists once for every table: a draw is one set of lists for the whole report."""
        q = len(self.counted.queries)
        tables = {by: self._sorted(by) for by in self.counted.tables}
        for by, (_, _, ends) in tables.items():
            self.cache[by] = np.zeros((policy.draws, len(ends), len(ranks.COLUMNS)))
        rng = bootstrap.stream(policy.seed, "bootstrap/lists")
        for start in range(0, policy.draws, BLOCK):
            size = min(BLOCK, policy.draws - start)
            weight = rng.multinomial(q, np.full(q, 1 / q), size=size).T.astype(float, order="C")
            for by, (where, sums, ends) in tables.items():
                self.cache[by][start : start + size] = _drawn(weight, where, sums, ends)
        for out in self.cache.values():
            out[:, -1] = out.sum(axis=1)

    def _sorted(self, by: tuple[str, ...]) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
        """Position of the list and sums of each row by group, and where each group ends."""
        table, place = self.counted.tables[by], self.place[by]
        g = len(self.totals(by))
        slots = np.where(place < 0, g, place)
        order = np.argsort(slots, kind="stable")
        where = np.searchsorted(self.counted.queries, table.query)[order]
        ends = np.searchsorted(slots[order], np.arange(g + 1), side="right")
        # Floats: whole numbers below 2^53 stay exact, and the product goes to BLAS.
        return where, table.sums[order].astype(np.float64), ends

    def drawn(self, by: tuple[str, ...], policy: _Policy) -> Floats:
        """(draws, g, 4) measures of drawn lists."""
        drawn = self._resampled(by, policy)
        return measures(drawn[:, :-1], drawn[:, -1])

    def drawn_tests(
        self, by: tuple[str, ...], pairs: Comparisons, policy: _Policy
    ) -> dict[str, contrasts.Test]:
        """Student tests with bootstrap standard errors; lists less one degree of freedom."""
        here, there = self.sides(by, pairs)
        everybody = self.totals(()).sum(axis=0)
        gap = measures(here, everybody) - measures(there, everybody)
        error: Floats = np.full(gap.shape, np.nan)
        if policy.draws > 1 and len(pairs):
            drawn = self._resampled(by, policy)
            groups, total = drawn[:, :-1], drawn[:, -1]
            known = groups.sum(axis=1)
            mine = groups[:, pairs.group]
            rest = known[:, None] - mine
            against = (pairs.comparator == REST)[None, :, None]
            other = np.where(against, rest, groups[:, pairs.comparator])
            moved = measures(mine, total) - measures(other, total)
            seen = np.isfinite(moved)
            defined = seen.sum(axis=0)
            moved = np.where(seen, moved, 0.0)
            mean = moved.sum(axis=0) / np.maximum(defined, 1)
            spread = (np.where(seen, moved - mean, 0.0) ** 2).sum(axis=0)
            error = np.asarray(np.sqrt(spread / np.maximum(defined - 1, 1)), dtype=np.float64)
            error[(defined < 0.9 * policy.draws) | (error <= 0)] = np.nan
        df = np.asarray(self.shared(by, pairs) - 1, dtype=np.float64)
        return {
            metric: contrasts.student(gap[:, m], error[:, m], df)
            for m, metric in enumerate(METRICS[:3])
        }

    def _bins(self, by: tuple[str, ...]) -> tuple[Counts, Floats]:
        """(g + 1, bins) people by position, blanks last, and the discount of each bin."""
        positions = self.counted.positions
        if positions is None:
            raise ValueError("positions are kept for a single list only")
        out = np.zeros((len(self.totals(by)) + 1, len(positions.value)), dtype=np.int64)
        np.add.at(out, self.place[by], positions.counts[by])
        return out, positions.value

    def _average(self) -> float:
        everybody = self.totals(()).sum(axis=0)
        return float(everybody[EXPOSURE] / STEP / everybody[N])

    def exposure_limits(
        self, by: tuple[str, ...], j: int, value: float, policy: _Policy
    ) -> tuple[float, float]:
        """Limits of a group's exposure in a single list; everybody's is 1 by definition."""
        if not by:
            return value, value
        n = self.layout.rows[by]
        bins, discount = self._bins(by)
        rest = bins.sum(axis=0) - bins[j]
        if n[j] < self.layout.floor or rest.sum() < self.layout.floor or policy.draws < 40:
            return np.nan, np.nan
        rng = bootstrap.stream(policy.seed, f"exposure/{'/'.join(by)}/{j}")
        null = shuffles.null_differences(bins[j], rest, discount, rng=rng, draws=policy.draws)
        # The mean over everybody does not move: the group's share of the gap is fixed.
        share = rest.sum() / (rest.sum() + n[j]) / self._average()
        return shuffles.shifted_limits(value, null * share, 0.05)

    def shuffled_test(
        self, by: tuple[str, ...], pairs: Comparisons, gap: Floats, policy: _Policy
    ) -> contrasts.Test:
        """Permutation test of exposure in a single list."""
        bins, discount = self._bins(by)
        average = self._average()
        nulls: list[Floats | None] = []
        p, error = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
        for k, (j, against) in enumerate(zip(pairs.group, pairs.comparator, strict=True)):
            there = bins[:-1].sum(axis=0) - bins[j] if against == REST else bins[against]
            if policy.draws < 40 or not bins[j].sum() or not there.sum():
                nulls.append(None)
                continue
            name = f"exposure/{'/'.join(by)}/{j}/{against}"
            rng = bootstrap.stream(policy.seed, name)
            null = shuffles.null_differences(bins[j], there, discount, rng=rng, draws=policy.draws)
            null = null / average
            p[k] = shuffles.shuffled_p(float(gap[k]), null)
            if p[k] <= 4 / (policy.draws + 1):
                p[k] = min(p[k], shuffles.tail_bound(bins[j], there, discount))
            nulls.append(null)
            error[k] = null.std()
            if error[k] == 0:
                p[k] = np.nan

        def bar(alpha: Floats) -> contrasts.Limits:
            low, high = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
            for k, null in enumerate(nulls):
                if null is not None and np.isfinite(p[k]) and np.isfinite(alpha[k]):
                    low[k], high[k] = shuffles.shifted_limits(gap[k], null, float(alpha[k]))
            return low, high

        return contrasts.Test(gap, p, bar, error, np.full(len(pairs), np.nan))
