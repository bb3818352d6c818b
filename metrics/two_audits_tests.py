"""The tests of two audits: has a rate changed, has a gap changed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import compare, paired
from metrics.cells import Counts, Floats
from metrics.compare import Record
from metrics.two_audits_evidence import Evidence, Groups, Paired, Rules, Three
from metrics.two_audits_verdicts import Bar, Batch
from metrics.verdicts import BELOW_FLOOR


def reasons(n: tuple[Counts, Counts], below: Sequence[Counts], rules: Rules) -> list[str | None]:
    """Why a group is not compared, by its people and those below its lines."""
    out: list[str | None] = []
    for j in range(len(n[0])):
        people = min(int(n[0][j]), int(n[1][j]))
        least = min(int(line[j]) for line in below)
        reason = None
        if people == 0:
            reason = "empty-group" if max(int(n[0][j]), int(n[1][j])) == 0 else "one-audit-only"
        elif people < rules.floor or least < rules.denominator_floor:
            reason = BELOW_FLOOR
        out.append(reason)
    return out


def _head(kind: str, slug: str, by: Sequence[str], group: Mapping[str, str]) -> Record:
    return {"kind": kind, "metric": slug, "by": list(by), "group": dict(group)}


def rate_batch(
    by: tuple[str, ...],
    names: Sequence[Mapping[str, str]],
    evidence: Evidence,
    slug: str,
    rules: Rules,
) -> Batch:
    """Has the rate of each group changed?"""
    x1, n1, x2, n2 = evidence.margins(slug)
    n = evidence.people()
    heads = []
    for j, name in enumerate(names):
        head = _head("rate", slug, by, name) | {"comparator": None}
        head["n"] = {"first": int(n[0][j]), "second": int(n[1][j])}
        head["first"] = compare.rate(int(x1[j]), int(n1[j]))
        head["second"] = compare.rate(int(x2[j]), int(n2[j]))
        head["joint"] = _four(evidence, slug, j)
        heads.append(head)
    primary = slug in rules.primary
    bar = _bar(evidence.rate_bar, slug)
    return Batch(heads, reasons(n, (n1, n2), rules), evidence.rate_p(slug), primary, bar)


def _four(evidence: Evidence, slug: str, j: int) -> Record | None:
    """The nine places of a group that decide a paired rate."""
    if not isinstance(evidence, Paired):
        return None
    cells = paired.nine(evidence.counts[j], slug)
    inside = cells[paired.BELOW :, paired.BELOW :]
    return {
        "neither": int(inside[0, 0]), "second_only": int(inside[0, 1]),
        "first_only": int(inside[1, 0]), "both": int(inside[1, 1]),
        "outside_first": int(cells[paired.OUTSIDE, paired.BELOW :].sum()),
        "outside_second": int(cells[paired.BELOW :, paired.OUTSIDE].sum()),
    }  # fmt: skip


def _bar(make: Callable[[str, Floats], Three], slug: str) -> Bar:
    return lambda alpha: make(slug, alpha)


def pairs(table: Groups) -> tuple[NDArray[np.int64], Evidence, Evidence]:
    """Positions of the groups compared, their counts and those of their comparators."""
    size = len(table.evidence)
    if table.reference is None:
        where = np.arange(size)
        return where, table.evidence, table.evidence.rest()
    where = np.array([j for j in range(size) if j != table.reference], dtype=np.int64)
    same = np.full(where.size, table.reference)
    return where, table.evidence.at(where), table.evidence.at(same)


def comparator(table: Groups) -> Record | str:
    if table.reference is None:
        return "rest"
    return {"group": table.name(table.reference)}


def gap_batch(table: Groups, names: Sequence[Mapping[str, str]], slug: str, rules: Rules) -> Batch:
    """Has the gap between each group and its comparator changed?"""
    where, own, other = pairs(table)
    if not where.size or len(table.evidence) < 2:
        return Batch([], [], np.zeros(0), False, lambda alpha: (alpha, alpha, alpha))
    mine, across = own.margins(slug), other.margins(slug)
    people, theirs = own.people(), other.people()
    heads = []
    for i, j in enumerate(where):
        head = _head("gap", slug, table.by, names[j]) | {"comparator": comparator(table)}
        head["n"] = {"first": int(people[0][i]), "second": int(people[1][i])}
        for side, at in (("first", 0), ("second", 2)):
            x, n = int(mine[at][i]), int(mine[at + 1][i])
            y, m = int(across[at][i]), int(across[at + 1][i])
            head[side] = compare.difference(x, n, y, m) | {
                "numerator": x, "denominator": n,
                "numerator_comparator": y, "denominator_comparator": m,
            }  # fmt: skip
        head["joint"] = None
        heads.append(head)
    why = reasons(people, (mine[1], mine[3], across[1], across[3]), rules)
    small = reasons(theirs, (across[1], across[3]), rules)
    both = [
        mine_ if mine_ is not None else None if other_ is None else f"comparator-{other_}"
        for mine_, other_ in zip(why, small, strict=True)
    ]
    return Batch(
        heads, both, own.gap_p(other, slug), slug in rules.primary,
        lambda alpha: own.gap_bar(other, slug, alpha),
    )  # fmt: skip
