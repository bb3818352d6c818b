"""Has a gap changed between two audits? From the counts of both, by group, label and decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr

from metrics import compare, intervals, rates, significance
from metrics.cells import Counts, IntArray
from metrics.compare import Record

ALPHA = 0.04

Four = tuple[int, int, int, int]
"""Numerator and denominator of a group, then of its comparator."""


def change_section(
    before: Mapping[str, Counts],
    after: Mapping[str, Counts],
    levels: Mapping[str, Sequence[str]],
    references: Mapping[str, int],
    *,
    metrics: Sequence[str],
    floor: int = compare.FLOOR,
    denominator_floor: int = compare.DENOMINATOR_FLOOR,
    same_rows: bool = False,
    alpha: float = ALPHA,
) -> Record:
    """Compare everybody's rates and every gap with those of an earlier audit.

    For independent rows: the change of a gap is (q1 - q0) after minus before, its p from
    Z = change / sqrt(sum of variances), each variance q (1 - q) / (n + 2) with q = (x + 1) /
    (n + 2), its interval from square-and-add of the four Jeffreys limits at level alpha over the
    number of tests; rates of everybody have Fisher's exact p. A gap has `changed` where both
    agree. For the same rows audited twice nothing is tested, and the interval joins the ends of
    the two gaps' intervals at half the level, which holds whatever the dependence.

    Parameters
    ----------
    before, after : mapping of (a + 1, 3, 4) int64
        By attribute: people by group (the unknown ones first), label and decision.
    levels
        Words of each attribute's groups, in code order; the same in both audits.
    references
        Code of each attribute's comparator.
    metrics
        Rates of `rates.REGISTRY` that are proportions.
    floor, denominator_floor
        Rows and denominator that both sides of a gap need in both audits.
    same_rows
        Whether both audits measured the same rows.
    alpha
        Error rate of all tests together (Bonferroni).

    Returns
    -------
    dict
        ``rates[]`` of everybody and ``gaps[]``: before, after, change with limits, p, p_adjusted,
        changed, reason; ``k``, the number of tests.

    Raises
    ------
    ValueError
        Attributes or shapes that differ, or a metric that is no proportion.

    References
    ----------
    Zou, Donner, Statistics in Medicine 27, 2008 (limits of sums and differences).
    """
    _check(before, after, levels, metrics)
    everybody = [next(iter(side.values())).sum(axis=0) for side in (before, after) if side]
    totals = [_rate(slug, everybody, same_rows) for slug in metrics if everybody]
    gaps = [
        _gap(name, words, j, references[name], slug, sides, (floor, denominator_floor), same_rows)
        for name, words in levels.items()
        for sides in [(before[name], after[name])]
        for slug in metrics
        for j in range(len(words))
        if j != references[name]
    ]
    everything = [*totals, *gaps]
    compare.adjust(everything)
    k = sum(record["reason"] in (None, "same-rows") for record in everything)
    for record in everything:
        _limits(record, alpha / max(k, 1), same_rows)
        p = record["p_adjusted"]
        apart = record["low"] is not None and record["low"] * record["high"] > 0
        record["changed"] = None if p is None else bool(p <= alpha and apart)
    return {"rates": totals, "gaps": gaps, "k": k, "alpha": alpha, "same_rows": same_rows}


def _check(
    before: Mapping[str, Counts],
    after: Mapping[str, Counts],
    levels: Mapping[str, Sequence[str]],
    metrics: Sequence[str],
) -> None:
    if list(before) != list(after) or set(before) != set(levels):
        raise ValueError("the two audits count different attributes")
    for name, words in levels.items():
        if before[name].shape != after[name].shape or len(before[name]) != len(words) + 1:
            raise ValueError(f"the groups of {name!r} differ between the two audits")
    for slug in metrics:
        if not getattr(rates.REGISTRY[slug], "proportion", False):
            raise ValueError(f"{slug} is no proportion")


def _side(counts: Counts, slug: str) -> tuple[int, int]:
    above, below = (int(part[0]) for part in rates.tally(counts, (slug,)))
    return above, below


def _rate(slug: str, everybody: Sequence[Counts], same_rows: bool) -> Record:
    (x0, n0), (x1, n1) = (_side(counts, slug) for counts in everybody)
    out: Record = {"metric": slug, "by": [], "group": {}, "comparator": None, "reason": None}
    out["before"], out["after"] = compare.rate(x0, n0), compare.rate(x1, n1)
    out["p"] = None
    if min(n0, n1) == 0:
        return out | {"reason": "empty-denominator"}
    if same_rows:
        return out | {"reason": "same-rows"}
    return out | {"p": float(significance.fisher_central(x1, n1, x0, n0))}


def _gap(
    name: str,
    words: Sequence[str],
    j: int,
    r: int,
    slug: str,
    sides: tuple[Counts, Counts],
    floors: tuple[int, int],
    same_rows: bool,
) -> Record:
    out: Record = {
        "metric": slug, "by": [name], "group": {name: words[j]},
        "comparator": {"group": {name: words[r]}}, "p": None, "reason": None,
    }  # fmt: skip
    four: list[Four] = []
    for when, counts in zip(("before", "after"), sides, strict=True):
        both = [counts[code + 1] for code in (j, r)]
        x1, n1, x0, n0 = found = (*_side(both[0], slug), *_side(both[1], slug))
        four.append(found)
        rows = min(int(side.sum()) for side in both)
        if out["reason"] is None and (rows < floors[0] or min(n1, n0) < floors[1]):
            out["reason"] = f"below-floor-{when}"
        out[when] = {
            "n": int(both[0].sum()), "n_comparator": int(both[1].sum()),
            "numerator": x1, "denominator": n1,
            "numerator_comparator": x0, "denominator_comparator": n0,
        } | compare.difference(x1, n1, x0, n0)  # fmt: skip
    if out["reason"] is not None:
        return out
    if same_rows:
        return out | {"reason": "same-rows"}
    z = (out["after"]["value"] - out["before"]["value"]) / sum(map(_variance, four)) ** 0.5
    return out | {"p": float(2 * ndtr(-abs(z)))}


def _variance(four: Four) -> float:
    x1, n1, x0, n0 = four
    out = 0.0
    for x, n in ((x1, n1), (x0, n0)):
        q = (x + 1) / (n + 2)
        out += q * (1 - q) / (n + 2)
    return out


def _limits(record: Record, level: float, same_rows: bool) -> None:
    """Write the change with its interval, where both audits have the numbers."""
    record |= {"change": None, "low": None, "high": None}
    if record["reason"] not in (None, "same-rows"):
        return
    share = level / 2 if same_rows else level
    ends = [_ends(record[when], share) for when in ("before", "after")]
    (v0, l0, h0), (v1, l1, h1) = ends
    low, high = l1 - h0, h1 - l0
    if not same_rows:
        low, high = (float(v) for v in intervals.square_and_add(v1, l1, h1, v0, l0, h0))
    most = 1.0 if record["comparator"] is None else 2.0
    record |= {"change": v1 - v0, "low": max(-most, low), "high": min(most, high)}


def _ends(side: Record, level: float) -> tuple[float, float, float]:
    """A rate's or a gap's value and Jeffreys limits."""
    x1, n1 = side["numerator"], side["denominator"]
    if "numerator_comparator" not in side:
        low, high = intervals.jeffreys(x1, n1, level)
        return float(side["value"]), float(low), float(high)
    found = compare.difference(
        x1, n1, side["numerator_comparator"], side["denominator_comparator"], alpha=level
    )
    return found["value"], found["low"], found["high"]


def tables(
    attributes: Sequence[tuple[str, int, IntArray]],
    label: IntArray | None,
    decision: IntArray | None,
) -> dict[str, Counts]:
    """Count people by group, label and decision, the unknown ones first.

    Parameters
    ----------
    attributes
        Name, number of groups and codes (n,) of each column; -1 unknown.
    label, decision : (n,) int, optional
        0, 1, -1 for blank; decisions may be 2.

    Returns
    -------
    dict of (a + 1, 3, 4) int64
    """
    out: dict[str, Counts] = {}
    for name, size, codes in attributes:
        cell = (codes.astype(np.int64) + 1) * rates.SLOTS
        if label is not None:
            cell += (label.astype(np.int64) + 1) * len(rates.DECISIONS)
        if decision is not None:
            cell += decision.astype(np.int64) + 1
        counted = np.bincount(cell, minlength=(size + 1) * rates.SLOTS)
        out[name] = counted.reshape(size + 1, 3, 4).astype(np.int64)
    return out
