"""The families of subgroups: each counts, shuffles and describes what stands out most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metrics import subgroup_tree
from metrics.bootstrap import stream
from metrics.subgroup_columns import FINE, Binned, Condition, Descriptor, describe, quantiles
from metrics.subgroup_null import Pairs, Worst, pairs, worst
from metrics.subgroup_search import Ints, Mask, Rows, Search, crossings, joint
from metrics.verdicts import BELOW_FLOOR, THICK_ALPHA

Record = dict[str, Any]

MOST_SUBGROUPS = 2000
"""Combinations of columns are taken in their order until a family has this many subgroups."""
NO_SPLIT = "no-split"
CONSTANT = "constant-decision"


def binned_family(
    rows: Rows,
    descriptors: Sequence[Descriptor],
    search: Search,
    *,
    family: str,
    tests: int,
    name: str,
) -> Record:
    """Search declared or quantile bins.

    Parameters
    ----------
    rows, descriptors, search
        What is searched, and how.
    family
        ``"declared"`` or ``"quantile"``.
    tests
        Searches that share the level.
    name
        Of the random stream.
    """
    offered = crossings(descriptors, search, family)
    used: list[tuple[Binned, ...]] = []
    starts = [0]
    tables = []
    for columns in offered:
        size = int(np.prod([c.size + 1 for c in columns]))
        if used and starts[-1] + size > MOST_SUBGROUPS:
            continue
        used.append(columns)
        starts.append(starts[-1] + size)
        tables.append(rows.table(joint(columns), size))
    n, hits, totals = (np.concatenate([t[i] for t in tables]) for i in range(3))
    compared = pairs(
        n, hits, totals, floor=search.floor, denominator_floor=search.denominator_floor
    )
    record = _family(family, compared, int((n.sum(axis=1) > 0).sum()))
    record["left_out"] = len(offered) - len(used)
    if not len(compared):
        return {**record, "reason": BELOW_FLOOR}
    outcome = _outcome(compared, search, tests, name)
    cell = int(compared.cell[outcome.place])
    which = int(np.searchsorted(starts, cell, side="right")) - 1
    columns, cell = used[which], cell - starts[which]
    codes = np.unravel_index(cell, [c.size + 1 for c in columns])
    conditions = [
        condition
        for column, code in zip(columns, codes, strict=True)
        for condition in column.bin_conditions(int(code) if code < column.size else -1)
    ]
    inside = joint(columns) == cell
    everybody = np.ones_like(inside)
    shown = _shown(rows, search, compared, outcome, conditions, inside, everybody, tests)
    return _filled(record, compared, outcome, shown, tests)


def _outcome(compared: Pairs, search: Search, tests: int, name: str) -> Worst:
    """Shuffle so often that one shuffle may stand out as much and the level still be reached."""
    return worst(
        compared,
        level=search.level,
        rank=search.rank,
        rng=stream(search.seed, name),
        draws=max(search.draws, int(np.ceil(2 * tests / search.level))),
        least=search.draws,
        claim=search.level / tests,
    )


def tree_family(
    rows: Rows,
    descriptors: Sequence[Descriptor],
    search: Search,
    *,
    family: str,
    tests: int,
    name: str,
) -> Record:
    """Find a subgroup on one half of the rows and measure it on the other.

    The half that is measured had no part in the choice, so that one subgroup is tested there
    and shuffling inside it is the whole null distribution: no search is repeated.

    Parameters
    ----------
    rows, descriptors, search, tests, name
        As in `binned_family`.
    family
        ``"tree"``.
    """
    columns = [quantiles(d, FINE) for d in descriptors]
    half = np.zeros(rows.group.size, dtype=bool)
    order = stream(search.seed, f"{name}/halves").permutation(rows.group.size)
    half[order[: rows.group.size // 2]] = True
    seen = np.flatnonzero(half & rows.counted)
    region, tried = subgroup_tree.find(
        columns,
        rows.group,
        rows.hit,
        seen,
        n_groups=len(rows.attribute.levels),
        depth=search.depth,
        smallest=max(round(search.smallest * seen.size), 2 * search.floor),
        side=max(search.floor, search.denominator_floor),
        alpha=search.split,
    )
    inside = np.zeros_like(half) if region is None else region.member(columns)
    codes = np.where(inside & ~half, 0, -1)
    n, hits, totals = rows.table(codes, 1)
    compared = pairs(
        n, hits, totals, floor=search.floor, denominator_floor=search.denominator_floor
    )
    record = _family(family, compared, tried)
    record |= {
        "depth": search.depth,
        "smallest": search.smallest,
        "search_rows": int(seen.size),
        "measured_rows": int((rows.counted & ~half).sum()),
    }
    if region is None:
        return {**record, "reason": NO_SPLIT}
    if not len(compared):
        return {**record, "reason": BELOW_FLOOR}
    outcome = _outcome(compared, search, tests, name)
    conditions = region.conditions(columns)
    shown = _shown(rows, search, compared, outcome, conditions, inside, ~half, tests)
    return _filled(record, compared, outcome, shown, tests)


def _family(family: str, compared: Pairs, met: int) -> Record:
    """Record of a family before anything is shuffled."""
    used = int(np.unique(compared.cell).size)
    return {
        "family": family,
        "n_subgroups": used if family != "tree" else met,
        "below_floor": met - used if family != "tree" else 0,
        "left_out": 0,
        "worst": None,
        "null_mean": None,
        "null_p95": None,
        "excess": None,
        "p": None,
        "p_adjusted": None,
        "draws": 0,
        "b": None,
        "reason": None,
    }


def _filled(record: Record, compared: Pairs, outcome: Worst, shown: Record, tests: int) -> Record:
    low, high = compared.bars(THICK_ALPHA)
    everyone = compared.hits.sum(axis=1), compared.totals.sum(axis=1)
    constant = bool(((everyone[0] == 0) | (everyone[0] == everyone[1])).all())
    return {
        **record,
        "worst": shown,
        "null_mean": outcome.null_mean,
        "null_p95": outcome.null_p95,
        "excess": outcome.gap - outcome.null_mean,
        "p": outcome.p,
        "p_adjusted": min(1.0, outcome.p * tests),
        "draws": outcome.draws,
        "b": float(np.maximum(np.abs(low), np.abs(high)).max()),
        "reason": CONSTANT if constant else None,
    }


def _shown(
    rows: Rows,
    search: Search,
    compared: Pairs,
    outcome: Worst,
    conditions: list[Condition],
    inside: Mask,
    measured: Mask,
    tests: int,
) -> Record:
    """Document of the subgroup that stands out, the group decided less favourably first."""
    place = outcome.place
    low, high = (bar[place] for bar in compared.bars(search.level / (tests * len(compared))))
    thick_low, thick_high = (bar[place] for bar in compared.bars(THICK_ALPHA))
    more, less = int(compared.first[place]), int(compared.second[place])
    if compared.gap[place] < 0:
        less, more = more, less
        low, high, thick_low, thick_high = -high, -low, -thick_high, -thick_low
    word = rows.attribute.levels
    by = rows.attribute.name
    codes = np.where(inside & measured, 0, -1)
    n, hits, totals = (t[0] for t in rows.people(codes, 1))
    rate = rows.rate(codes, 1)[0]
    gap = outcome.gap
    if rows.weight is not None:
        # Whole numbers of effective rows hit the weighted rates only nearly.
        gap = float(rate[more] - rate[less])
        low, high, thick_low, thick_high = (
            min(max(limit + gap - outcome.gap, -1.0), 1.0)
            for limit in (low, high, thick_low, thick_high)
        )
    outside = np.where(~inside & measured, 0, -1)
    rest, people = rows.table(outside, 1), rows.people(outside, 1)
    return {
        "conditions": conditions,
        "text": describe(conditions),
        "group": {by: word[less]},
        "comparator": {by: word[more]},
        "n": int(n.sum()),
        "n_all": int((inside & rows.known).sum()),
        "share": float((inside & rows.known).sum() / rows.known.sum()),
        "n_by_group": [
            {
                "group": {by: word[g]},
                "n": int(n[g]),
                "numerator": int(hits[g]),
                "denominator": int(totals[g]),
                "value": float(rate[g]) if np.isfinite(rate[g]) else None,
            }
            for g in range(len(word))
        ],
        "gap": gap,
        "low": float(low),
        "high": float(high),
        "thick_low": float(thick_low),
        "thick_high": float(thick_high),
        "elsewhere": _elsewhere(rest, people, search, less, more),
    }


def _elsewhere(
    tables: tuple[Ints, Ints, Ints],
    people: tuple[Ints, Ints, Ints],
    search: Search,
    less: int,
    more: int,
) -> Record | None:
    """Give the gap of the same two groups outside the subgroup, None with too few rows."""
    n, hits, totals = (t[:, [more, less]] for t in tables)
    compared = pairs(
        n, hits, totals, floor=search.floor, denominator_floor=search.denominator_floor
    )
    if not len(compared):
        return None
    low, high = compared.bars(0.05)
    return {
        "n": int(people[0][:, [more, less]].sum()),
        "gap": float(compared.gap[0]),
        "low": float(low[0]),
        "high": float(high[0]),
    }
