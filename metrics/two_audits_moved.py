"""Who is decided otherwise: people whose decision differs between two audits, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from metrics import exact, rates, significance
from metrics.cells import Counts, Floats
from metrics.compare import Record
from metrics.two_audits_evidence import Groups, Paired, Rules, Three, apart_bar
from metrics.two_audits_tests import comparator, pairs, reasons
from metrics.two_audits_verdicts import Batch


def _moved_counts(counts: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """People decided by both, and those who got a yes, lost it, or changed otherwise."""
    yes = rates.DECISIONS.index("1")
    seen = counts[..., 1:, 1:].sum(axis=(-3, -2, -1))
    to_yes = counts[..., 1:, yes].sum(axis=(-2, -1)) - counts[..., yes, yes].sum(axis=-1)
    to_no = counts[..., yes, 1:].sum(axis=(-2, -1)) - counts[..., yes, yes].sum(axis=-1)
    alike = sum(counts[..., d, d].sum(axis=-1) for d in range(1, counts.shape[-1]))
    return seen, to_yes, to_no, seen - alike - to_yes - to_no


def moved_of(counts: Counts, by: Sequence[str], group: Mapping[str, str]) -> Record:
    """People of one group whose decision differs, with Clopper-Pearson limits of their share.

    Parameters
    ----------
    counts : (3, 4, 4) int64
        From `metrics.paired.joint`.
    by, group
        Columns and words of the group; empty for everybody.
    """
    seen, to_yes, to_no, other = (int(v) for v in _moved_counts(counts))
    out: Record = {
        "by": list(by), "group": dict(group), "n": seen, "to_yes": to_yes, "to_no": to_no,
        "other": other, "share": None, "share_low": None, "share_high": None,
    }  # fmt: skip
    if seen:
        low, high = exact.clopper_pearson(to_yes + to_no + other, seen)
        out["share"] = (to_yes + to_no + other) / seen
        out["share_low"], out["share_high"] = float(low), float(high)
    return out


def moved_batch(table: Groups, names: Sequence[Mapping[str, str]], rules: Rules) -> Batch:
    """Are decisions about a group changed more often than about its comparator?

    Fisher's exact test and square-and-add, since the people of two groups are different ones.
    The reference group stands last, without a test.

    Parameters
    ----------
    table
        An attribute of people decided twice.
    names
        Words of its groups.
    rules
        Floors.
    """
    where, own, other = pairs(table)
    if not isinstance(own, Paired) or not isinstance(other, Paired):
        raise TypeError("only decisions about the same people can be told to have changed")
    (x1, n1), (x2, n2) = (_changed(side.counts) for side in (own, other))
    known = (n1 > 0) & (n2 > 0)
    p = np.full(known.shape, np.nan)
    p[known] = significance.fisher_central(x1[known], n1[known], x2[known], n2[known])
    heads = [
        moved_of(counts, table.by, names[j]) | {"comparator": comparator(table)}
        for j, counts in zip(where, own.counts, strict=True)
    ]
    why = reasons((n1, n2), (n1, n2), rules)
    if table.reference is None:
        return Batch(heads, why, p, False, lambda alpha: apart_bar(x2, n2, x1, n1, alpha))
    reference = other.counts[0]
    alone = moved_of(reference, table.by, names[table.reference])
    heads.append(alone | {"comparator": None})

    def bar(alpha: Floats) -> Three:
        value, low, high = apart_bar(x2, n2, x1, n1, alpha[:-1])
        return np.append(value, np.nan), np.append(low, np.nan), np.append(high, np.nan)

    return Batch(heads, [*why, "reference"], np.append(p, np.nan), False, bar)


def _changed(counts: Counts) -> tuple[Counts, Counts]:
    """People decided otherwise, and people decided by both."""
    seen, to_yes, to_no, other = _moved_counts(counts)
    return to_yes + to_no + other, seen
