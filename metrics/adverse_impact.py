"""Impact ratios with significance: the four-fifths rule, and what supports or undoes it.

Everything is decided on whole numbers: whether a ratio reaches four fifths, how many people are
missing, how many more would lift it. Ratios as floats are for display.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from scipy.special import gammaln, ndtr

from metrics import compare, intervals, significance, strata
from metrics.cells import Floats, IntArray
from metrics.compare import Counts, Record
from metrics.groups import Attribute
from metrics.impact import FOUR_FIFTHS, printed

#: Standard deviations from which a difference counts as significant, and the same as a p-value.
DEVIATIONS = 1.96
ALPHA = 0.05
#: People in both groups, and people expected in a cell, below which the test is exact.
EXACT_BELOW = 200
EXPECTED_BELOW = 5
#: Share of the applicants a group needs to be the one that others are compared with.
LEAST_SHARE = Fraction(2, 100)
#: More selections that count as one or two.
FEW = 2
#: Tables that are as likely as the seen one but for rounding count as equally likely.
_ALIKE = 1.0 + 1e-7

PRACTICAL = "practical-and-statistical"
UNCERTAIN = "large-but-uncertain"
SYSTEMATIC = "small-but-systematic"
NONE = "no-evidence"
#: Only a group too small to be compared with can have a higher rate than the highest one.
HIGHER = "higher"


def impact(
    attribute: Attribute,
    decision: IntArray,
    *,
    stratum: Attribute | None = None,
    share: Fraction = LEAST_SHARE,
    rng: np.random.Generator | None = None,
    draws: int = 1000,
) -> Record:
    """Compare every group's selection rate with the highest one.

    Parameters
    ----------
    attribute
        Groups of n rows.
    decision : (n,) int
        1 selected, 0 not; rows with another value are left out and counted.
    stratum
        Where the comparison is repeated and pooled, such as site or month.
    share
        Share of the applicants of known group that a group needs for its rate to be the one the
        others are compared with.
    rng, draws
        Source and number of shuffles for what the lowest ratio is when decisions and groups are
        unrelated; no shuffles without a source.

    Returns
    -------
    dict
        ``by``, ``applicants`` (of known group), ``unknown``, ``undecided``, ``highest`` (group,
        None where nobody can be), ``groups[]`` as `against`, with ``pooled`` where there are
        strata, ``compared``, and ``null`` for the lowest ratio.

    Raises
    ------
    ValueError
        Columns that differ in length.
    """
    compare.same_length(len(attribute.codes), decision=decision)
    decided = (decision == 0) | (decision == 1)
    x, n = compare.tally(attribute, decided, decision == 1)
    top = highest(x, n, share)
    rows = [against(x, n, j, top, share) for j in range(len(n)) if n[j] > 0]
    for row in rows:
        j = row.pop("position")
        row["group"] = {attribute.name: attribute.levels[j]}
        if stratum is not None and top is not None and j != top:
            row["pooled"] = _pooled(attribute, stratum, decision, j, top)
    return {
        "by": [attribute.name],
        "applicants": int(n.sum()),
        "unknown": int((decided & (attribute.codes < 0)).sum()),
        "undecided": int((~decided).sum()),
        "least_share": float(share),
        "highest": None if top is None else {attribute.name: attribute.levels[top]},
        "compared": sum(row["p"] is not None for row in rows),
        "groups": rows,
        "null": None if rng is None else _null(x, n, share, rng, draws),
    }


def highest(x: Counts, n: Counts, share: Fraction = LEAST_SHARE) -> int | None:
    """Position of the group with the highest rate among those large enough.

    Parameters
    ----------
    x, n : (g,) int
        Selected and applicants of each group.
    share
        Share of all applicants a group needs; exactly this share is enough.

    Returns
    -------
    int or None
        Of equal rates the group with more applicants, then the first. None where nobody of a
        large enough group was selected.
    """
    best: int | None = None
    for j in range(len(n)):
        if not large(n, j, share) or x[j] == 0:
            continue
        if best is None:
            best = j
            continue
        lead = int(x[j]) * int(n[best]) - int(x[best]) * int(n[j])
        if lead > 0 or (lead == 0 and n[j] > n[best]):
            best = j
    return best


def large(n: Counts, j: int, share: Fraction) -> bool:
    """Whether a group has at least a share of all applicants, in whole numbers."""
    total = int(np.sum(n))
    return int(n[j]) > 0 and int(n[j]) * share.denominator >= total * share.numerator


def against(x: Counts, n: Counts, j: int, top: int | None, share: Fraction) -> Record:
    """One group beside the group with the highest rate.

    Parameters
    ----------
    x, n : (g,) int
        Selected and applicants of each group.
    j, top
        Positions of the group and of the one with the highest rate.
    share
        As `impact`.

    Returns
    -------
    dict
        position, applicants, selected, ``rate``, ``small`` (too small to be compared with),
        ``role`` (``highest``, ``compared``), and as `pair`.
    """
    row: Record = {
        "position": j,
        "applicants": int(n[j]),
        "selected": int(x[j]),
        "rate": compare.rate(int(x[j]), int(n[j])),
        "small": not large(n, j, share),
        "role": "highest" if j == top else "compared",
    }
    if top is None or j == top:
        return row | _nothing("nobody-selected" if top is None else None)
    return row | pair(int(x[j]), int(n[j]), int(x[top]), int(n[top]))


def _nothing(reason: str | None) -> Record:
    return dict.fromkeys(
        ("ratio", "difference", "z", "deviations", "p", "mid_p", "method", "below", "significant",
         "shortfall", "flip", "reading")
    ) | {"reason": reason}  # fmt: skip


def pair(x1: int, n1: int, x0: int, n0: int, *, mark: Fraction = FOUR_FIFTHS) -> Record:
    """A group beside a comparator: ratio, difference, test, shortfall, flip test, reading.

    Parameters
    ----------
    x1, n1
        Selected and applicants of the group.
    x0, n0
        Of the comparator, at least one selected.
    mark
        Ratio that counts as small from here on.

    Returns
    -------
    dict
        ``ratio`` (numerator and denominator in lowest terms, value, printed, low, high, adjusted),
        ``difference``, ``z``, ``p``, ``mid_p``, ``method``, ``below`` (the ratio is below the
        mark, exactly), ``significant``, ``shortfall`` (people), ``flip`` (more selections that
        reach the mark, and whether one or two do), ``reading``.
    """
    tested = two_sample(x1, n1, x0, n0)
    below = Fraction(x1 * n0, n1 * x0) < mark
    needed = lift(x1, n1, x0, n0, mark)
    return {
        "ratio": ratio(x1, n1, x0, n0, marks=(mark,)),
        "difference": compare.difference(x1, n1, x0, n0),
        **tested,
        "below": below,
        "shortfall": shortfall(x1, n1, x0, n0),
        "flip": {"needed": needed, "few": needed is not None and 0 < needed <= FEW},
        "reading": HIGHER
        if x1 * n0 > x0 * n1
        else reading(below=below, significant=tested["significant"]),
        "reason": None,
    }


def ratio(
    x1: int, n1: int, x0: int, n0: int, *, marks: Sequence[Fraction] = (FOUR_FIFTHS,)
) -> Record:
    """Ratio of two rates as a fraction, as a float and as printed, with limits on the log scale.

    The limits add half a person to each count where nobody of the group was selected, or
    everybody of both (`metrics.intervals.log_ratio`); the value never does. Where nobody was
    selected the lower limit is 0, as the value is.

    Parameters
    ----------
    x1, n1, x0, n0
        Selected and applicants of the group and of its comparator, at least one selected there.
    marks
        Thresholds: the printed ratio lies on the same side of the nearest as the exact one.
    """
    exact = Fraction(x1 * n0, n1 * x0)
    _, low, high, adjusted = intervals.log_ratio(x1, n1, x0, n0)
    return {
        "numerator": exact.numerator,
        "denominator": exact.denominator,
        "value": float(exact),
        "printed": printed(exact, 2, mark=min(marks, key=lambda mark: abs(mark - exact))),
        "low": float(low) if x1 else 0.0,
        "high": float(high),
        "adjusted": bool(adjusted),
    }


def two_sample(x1: int, n1: int, x0: int, n0: int) -> Record:
    """Test whether two groups were selected at one rate.

    z = (p1 - p0) / sqrt(p (1 - p) (1/n1 + 1/n0)), p the rate of both together. Where fewer than
    200 people are in both groups, or fewer than 5 are expected in a cell, Fisher's exact
    two-sided test decides: the probability of all tables with these margins that are no more
    likely than the one seen.

    Parameters
    ----------
    x1, n1, x0, n0
        Selected and applicants of the group and of its comparator.

    Returns
    -------
    dict
        ``z`` (None where everybody or nobody was selected), ``deviations`` (its size), ``p``,
        ``mid_p`` (exact tests only: the seen table counts half), ``method`` (``fisher`` or
        ``z``), ``significant`` (p at most 0.05, or 1.96 standard deviations and more).

    References
    ----------
    Fisher, The logic of inductive inference, Journal of the Royal Statistical Society 98, 1935.
    Castaneda v. Partida, 430 U.S. 482, note 17, 1977 (standard deviations as a measure).
    """
    hits, total = x1 + x0, n1 + n0
    z = None
    if 0 < hits < total:
        share = hits / total
        spread = math.sqrt(share * (1.0 - share) * (1.0 / n1 + 1.0 / n0))
        z = (x1 / n1 - x0 / n0) / spread
    sparse = min(n1, n0) * min(hits, total - hits) < EXPECTED_BELOW * total
    if z is None or sparse or total < EXACT_BELOW:
        p, mid = fisher(x1, n1, x0, n0)
        return {
            "z": z, "deviations": None if z is None else abs(z), "p": p, "mid_p": mid,
            "method": "fisher", "significant": p <= ALPHA,
        }  # fmt: skip
    return {
        "z": z, "deviations": abs(z), "p": float(2.0 * ndtr(-abs(z))), "mid_p": None,
        "method": "z", "significant": abs(z) >= DEVIATIONS,
    }  # fmt: skip


def fisher(x1: int, n1: int, x0: int, n0: int) -> tuple[float, float]:
    """Fisher's exact two-sided p-value by likelihood, and its mid-p.

    Parameters
    ----------
    x1, n1, x0, n0
        Selected and applicants of the group and of its comparator.

    Returns
    -------
    p, mid_p : float
        Sum of the probabilities of all tables no more likely than the seen one; and the same
        with half the probability of those just as likely.
    """
    hits = x1 + x0
    least, most = max(0, hits - n0), min(n1, hits)
    support = np.arange(least, most + 1)
    law = np.exp(
        _log_choose(n1, support) + _log_choose(n0, hits - support) - _log_choose(n1 + n0, hits)
    )
    law /= law.sum()
    seen = law[x1 - least]
    tail = float(law[law <= seen * _ALIKE].sum())
    alike = float(law[(law <= seen * _ALIKE) & (law >= seen / _ALIKE)].sum())
    return min(1.0, tail), min(1.0, tail - alike / 2.0)


def _log_choose(n: int, k: IntArray | int) -> Floats:
    chosen = np.asarray(k, dtype=np.float64)
    return np.asarray(gammaln(n + 1.0) - gammaln(chosen + 1.0) - gammaln(n - chosen + 1.0))


def shortfall(x1: int, n1: int, x0: int, n0: int) -> int:
    """People of the group missing from the selected, rounded up; 0 where none are.

    max(0, ceil(x0 n1 / n0 - x1)), in whole numbers.
    """
    return max(0, -((x1 * n0 - x0 * n1) // n0))


def lift(x1: int, n1: int, x0: int, n0: int, mark: Fraction = FOUR_FIFTHS) -> int | None:
    """Fewest more selections of the group that lift its ratio to the mark; 0 where it is there.

    Those of the comparator stay as they are. None where even everybody is not enough.
    """
    wanted = mark * Fraction(x0 * n1, n0)
    needed = max(0, math.ceil(wanted) - x1)
    return needed if x1 + needed <= n1 else None


def reading(*, below: bool, significant: bool) -> str:
    """What ratio and test say together; neither decides alone."""
    if below:
        return PRACTICAL if significant else UNCERTAIN
    return SYSTEMATIC if significant else NONE


def _pooled(
    attribute: Attribute, stratum: Attribute, decision: IntArray, j: int, top: int
) -> Record:
    """The two groups inside every stratum, pooled (Cochran, Mantel, Haenszel)."""
    parts = []
    no_stratum = 0
    for group in (j, top):
        own = attribute.codes == group
        decided = own & ((decision == 0) | (decision == 1))
        no_stratum += int((decided & (stratum.codes < 0)).sum())
        parts += [compare.group_counts(stratum, decided & (decision == 1))]
        parts += [compare.group_counts(stratum, decided)]
    x1, n1, x0, n0 = parts
    found = strata.pool(x1, n1, x0, n0)
    tested = significance.cmh(x1, n1, x0, n0)
    return {
        "strata": int(((n1 + n0) > 0).sum()),
        "shared_strata": found["shared_strata"],
        "outside": found["outside"],
        "no_stratum": no_stratum,
        "odds_ratio": found["odds_ratio"],
        "difference": found["pooled"],
        "statistic": tested["statistic"],
        "p": found["p"],
        "method": found["method"],
        "homogeneity": found["homogeneity"],
        "undefined": found["undefined"],
    }


def _null(
    x: Counts, n: Counts, share: Fraction, rng: np.random.Generator, draws: int
) -> Record | None:
    """The lowest ratio among groups that are large enough, beside its shuffled values.

    p counts that the group with the highest rate is found by looking, which the tests of single
    groups do not.
    """
    keep = [j for j in range(len(n)) if large(n, j, share)]
    if len(keep) < 2 or draws < 1:
        return None
    sizes, hits = n[keep], int(x[keep].sum())
    empty = dict.fromkeys(("value", "null_mean", "null_p05", "null_p95", "p"))
    if hits == 0:
        return empty | {"draws": 0, "groups": len(keep)}
    tables = rng.multivariate_hypergeometric(sizes, hits, size=draws, method="marginals")
    shuffled = np.asarray([_lowest(row / sizes) for row in tables])
    value = _lowest(x[keep] / sizes)
    low, high = np.quantile(shuffled, [0.05, 0.95])
    return {
        "value": value,
        "null_mean": float(shuffled.mean()),
        "null_p05": float(low),
        "null_p95": float(high),
        "p": (1 + int((shuffled <= value * _ALIKE).sum())) / (draws + 1),
        "draws": draws,
        "groups": len(keep),
    }


def _lowest(rates: Floats) -> float:
    return float(rates.min() / rates.max())
