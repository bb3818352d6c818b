"""Rates within strata of a legitimate factor, pooled over them, and where the whole misleads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from metrics import compare, exact, rates, significance
from metrics.cells import Counts, IntArray
from metrics.compare import Record
from metrics.groups import Attribute

DEFAULT = ("selection-rate", "tpr", "fpr", "precision", "accuracy")
# Mantel and Fleiss: below this distance of the expected count to its ends, the test is exact.
ENOUGH = 5.0
# Largest number of possible values of the pooled count for which the exact law is added up.
EXACT_VALUES = 20_000
# Strata listed for one comparison; the pooled numbers use all.
LISTED_STRATA = 50
# Breslow and Day's chi-square needs expected counts; share of strata that may lack them.
SPARSE_SHARE = 0.2


def strata_section(
    attributes: Sequence[Attribute],
    control: Attribute,
    *,
    label: IntArray | None = None,
    decision: IntArray | None = None,
    metrics: Sequence[str] = DEFAULT,
    floor: int = compare.FLOOR,
    denominator_floor: int = compare.DENOMINATOR_FLOOR,
    alpha: float = compare.ALPHA,
) -> Record:
    """Compare groups inside strata of a control column, and pooled over the strata.

    Parameters
    ----------
    attributes
        Sensitive columns, n rows each.
    control
        Strata; rows in an unknown stratum are left out and counted.
    label, decision : (n,) int, optional
        0, 1 or -1; decisions may be 2 for abstained.
    metrics
        Rates of `rates.REGISTRY` that are proportions.
    floor, denominator_floor
        Rows a group, and denominator a rate, needs over all strata to be compared.
    alpha
        Error rate over all pooled comparisons of this section.

    Returns
    -------
    dict
        ``strata[]`` with sizes and ``comparisons[]``, one per attribute, metric and group: crude
        and pooled difference, pooled odds ratio, tests, reversal, and the rates of the 50 largest
        strata, with the number of the others.

    Raises
    ------
    ValueError
        Columns that differ in length, or a metric that is no proportion.
    """
    for slug in metrics:
        if not getattr(rates.REGISTRY[slug], "proportion", False):
            raise ValueError(f"{slug} is no proportion")
    n = len(control.codes)
    compare.same_length(n, label=label, decision=decision, **{a.name: a.codes for a in attributes})
    size = compare.group_counts(control)
    out: Record = {
        "control": control.name,
        "title": control.heading,
        "rows": n,
        "left_out": int((control.codes < 0).sum()),
        "strata": [
            {"stratum": word, "n": int(rows)}
            for word, rows in zip(control.levels, size, strict=True)
        ],
        "undefined": None if size.any() else "empty-control",
        "floor": floor,
        "alpha": alpha,
        "comparisons": [],
    }
    floors = floor, denominator_floor
    for attribute in attributes:
        counts = _count(attribute, control, label, decision)
        for slug in metrics:
            out["comparisons"] += _compare(
                attribute, control, counts, slug, floors, _missing(slug, label, decision)
            )
    out["tests"] = compare.adjust(out["comparisons"])
    for record in out["comparisons"]:
        record["reversal"] = _reversal(record, alpha=alpha)
    return out


def _missing(slug: str, label: IntArray | None, decision: IntArray | None) -> str | None:
    item = rates.REGISTRY[slug]
    if item.needs_label and (label is None or not (label >= 0).any()):
        return "no-label"
    if item.needs_decision and (decision is None or not (decision >= 0).any()):
        return "no-decision"
    return None


def _count(
    attribute: Attribute, control: Attribute, label: IntArray | None, decision: IntArray | None
) -> Counts:
    """People by group, stratum, label and decision: (g, s, 3, 4)."""
    groups, strata = len(attribute.levels), len(control.levels)
    use = (attribute.codes >= 0) & (control.codes >= 0)
    cell = attribute.codes.astype(np.int64) * strata + control.codes
    cell *= rates.SLOTS
    if label is not None:
        cell += (label.astype(np.int64) + 1) * len(rates.DECISIONS)
    if decision is not None:
        cell += decision + 1
    size = groups * strata * rates.SLOTS
    return np.bincount(cell[use], minlength=size).reshape(groups, strata, 3, 4)


def _compare(
    attribute: Attribute,
    control: Attribute,
    counts: Counts,
    slug: str,
    floors: tuple[int, int],
    missing: str | None,
) -> list[Record]:
    rows = counts.sum(axis=(1, 2, 3))
    r, choice = compare.reference(attribute, rows)
    if r is None:
        return []
    above, below = (part[..., 0] for part in rates.tally(counts, (slug,)))
    reasons = compare.too_small(rows, floors[0])
    behind = below.sum(axis=1)
    out = []
    for j in range(len(attribute.levels)):
        if j == r:
            continue
        reason = missing
        if reason is None:
            reason = reasons[j] if reasons[r] is None else "reference-below-floor"
        if reason is None and min(behind[j], behind[r]) < floors[1]:
            reason = "below-floor"
        head = compare.head(attribute, j, r, choice) | {
            "metric": slug,
            "n": int(rows[j]),
            "n_comparator": int(rows[r]),
            "denominator": int(behind[j]),
            "denominator_comparator": int(behind[r]),
        }
        pooled = pool(above[j], below[j], above[r], below[r], test=reason is None)
        pooled["reason"] = reason if reason is not None else pooled["undefined"]
        sides = [v[g] for g in (j, r) for v in (above, below)]
        pooled["strata"] = _strata(control, *sides)
        pooled["strata_unlisted"] = int((sides[1] + sides[3] > 0).sum()) - len(pooled["strata"])
        pooled["reversal"] = _inside(*sides, crude=pooled["crude"]["value"])
        out.append(head | pooled)
    return out


def _strata(control: Attribute, x1: Counts, n1: Counts, x0: Counts, n0: Counts) -> list[Record]:
    """Rates of the largest strata in which either group has somebody, in the control's order."""
    total = n1 + n0
    largest = np.argsort(-total, kind="stable")[:LISTED_STRATA]
    out = []
    for s in np.sort(largest[total[largest] > 0]).tolist():
        counts = [int(v[s]) for v in (x1, n1, x0, n0)]
        out.append(
            {
                "stratum": control.levels[s],
                "rate": compare.rate(*counts[:2]),
                "rate_comparator": compare.rate(*counts[2:]),
                "difference": compare.difference(*counts),
            }
        )
    return out


def _inside(x1: Counts, n1: Counts, x0: Counts, n0: Counts, *, crude: float | None) -> Record:
    """How many strata hold both groups, and in how many the difference opposes the whole."""
    gaps = rates.divide(x1, n1) - rates.divide(x0, n0)
    against = 0 if crude is None else int((gaps * crude < 0).sum())
    return {"compared_strata": int(np.isfinite(gaps).sum()), "opposite_strata": against}


def pool(
    x1: Counts, n1: Counts, x0: Counts, n0: Counts, *, test: bool = True, level: float = 0.95
) -> Record:
    """Crude and pooled comparison of two groups over strata.

    Parameters
    ----------
    x1, n1, x0, n0 : (s,) int
        Numerators and denominators of the group and of its comparator in each stratum.
    test
        Whether p-values are wanted.
    level
        Coverage of the intervals, pointwise.

    Returns
    -------
    dict
        ``crude`` (one table), ``pooled`` (`risk_difference`), ``odds_ratio`` and
        ``homogeneity`` (`significance.cmh`), p with its method, and the number of strata that
        hold both groups.

    References
    ----------
    Mantel, Haenszel 1959; Mantel, Fleiss, American Journal of Epidemiology 112, 1980 (when the
    asymptotic test holds).
    """
    both = (n1 > 0) & (n0 > 0)
    sums = [int(v.sum()) for v in (x1, n1, x0, n0)]
    found = significance.cmh(x1, n1, x0, n0, level=level)
    p, method = _test(x1, n1, x0, n0, found["p"]) if test else (None, None)
    homogeneity: Record = {
        "statistic": found["homogeneity_statistic"],
        "df": found["homogeneity_df"],
        "p": found["homogeneity_p"],
        "undefined": None,
    }
    if homogeneity["p"] is None:
        few = found["strata"] < 2
        homogeneity["undefined"] = "one-stratum" if few else "no-odds-ratio"
    elif _sparse(x1, n1, x0, n0):
        homogeneity |= {"statistic": None, "p": None, "undefined": "sparse-strata"}
    varied = ((x1 + x0 > 0) & (x1 + x0 < n1 + n0) & both).any()
    absent = "no-odds-ratio" if varied else "one-outcome"
    undefined = None
    if not both.any():
        undefined = "no-shared-stratum"
    elif p is None and test:
        undefined = "one-outcome"
    return {
        "crude": compare.difference(*sums, alpha=1 - level),
        "pooled": risk_difference(x1, n1, x0, n0, level=level),
        "odds_ratio": {
            "value": found["odds_ratio"],
            "low": found["low"],
            "high": found["high"],
            "undefined": None if found["odds_ratio"] is not None else absent,
        },
        "homogeneity": homogeneity,
        "p": p,
        "method": method,
        "shared_strata": int(both.sum()),
        "outside": {
            "group": int(n1[~both].sum()),
            "comparator": int(n0[~both].sum()),
        },
        "undefined": undefined,
    }


def _test(
    x1: Counts, n1: Counts, x0: Counts, n0: Counts, p: float | None
) -> tuple[float | None, str | None]:
    """Exact where the Mantel-Fleiss distance is small and the law can be added up."""
    if p is None:
        return None, None
    hits, total = x1 + x0, n1 + n0
    low, high = np.maximum(0, hits - n0), np.minimum(hits, n1)
    expected = float(rates.divide(n1 * hits, np.where(total > 0, total, 1)).sum())
    near = min(expected - float(low.sum()), float(high.sum()) - expected)
    if near >= ENOUGH or float((high - low).sum()) > EXACT_VALUES:
        return p, "asymptotic"
    return exact.stratified(x1, n1, x0, n0), "exact"


def _sparse(x1: Counts, n1: Counts, x0: Counts, n0: Counts) -> bool:
    """Whether too many strata have an expected count below 5 for Breslow and Day."""
    hits, total = (x1 + x0).astype(float), n1 + n0
    used = (n1 > 0) & (n0 > 0) & (hits > 0) & (hits < total)
    if not used.any():
        return False
    least = np.minimum(n1, n0)[used] * np.minimum(hits, total - hits)[used] / total[used]
    return bool((least < ENOUGH).mean() > SPARSE_SHARE)


def risk_difference(
    x1: Counts, n1: Counts, x0: Counts, n0: Counts, *, level: float = 0.95
) -> Record:
    """Mantel-Haenszel difference of rates with Sato's interval.

    d = sum((x1 n0 - x0 n1) / N) / sum(n1 n0 / N); its variance is (d P + Q) / sum(n1 n0 / N)^2,
    P = sum((n1^2 x0 - n0^2 x1 + n1 n0 (n0 - n1) / 2) / N^2),
    Q = sum((x1 (n0 - x0) + x0 (n1 - x1)) / (2 N)).

    Parameters
    ----------
    x1, n1, x0, n0 : (s,) int
        Numerators and denominators by stratum.
    level
        Coverage of the interval.

    Returns
    -------
    dict
        value, low, high, undefined. Strata without one of the groups have no weight. Where the
        variance is 0 the limits are those of the summed counts.

    References
    ----------
    Greenland, Robins, Biometrics 41, 1985; Sato, Biometrics 45, 1989.
    """
    keep = (n1 > 0) & (n0 > 0)
    if not keep.any():
        return {"value": None, "low": None, "high": None, "undefined": "no-shared-stratum"}
    a, m1, c, m0 = (v[keep].astype(np.float64) for v in (x1, n1, x0, n0))
    total = m1 + m0
    weight = float((m1 * m0 / total).sum())
    value = float(((a * m0 - c * m1) / total).sum()) / weight
    p = ((m1**2 * c - m0**2 * a + m1 * m0 * (m0 - m1) / 2) / total**2).sum()
    q = ((a * (m0 - c) + c * (m1 - a)) / (2 * total)).sum()
    variance = float(value * p + q) / weight**2
    if variance <= 0:
        sums = [int(v[keep].sum()) for v in (x1, n1, x0, n0)]
        return compare.difference(*sums, alpha=1 - level) | {"value": value}
    half = float(ndtri((1 + level) / 2)) * variance**0.5
    return {
        "value": value, "low": max(-1.0, value - half), "high": min(1.0, value + half),
        "undefined": None,
    }  # fmt: skip


def _reversal(record: Record, *, alpha: float) -> Record:
    """Whether the whole points the other way than the strata do.

    ``settled``: crude and pooled interval lie on opposite sides of 0, and the pooled test holds
    after adjustment. ``estimates``: the two estimates have opposite signs.
    """
    crude, pooled, p = record["crude"], record["pooled"], record["p_adjusted"]
    kind: str | None = "none"
    if crude["value"] is None or pooled["value"] is None or record["reason"] is not None:
        kind = None
    elif crude["value"] * pooled["value"] < 0:
        apart = all(part["low"] * part["high"] > 0 for part in (crude, pooled))
        kind = "settled" if apart and p is not None and p <= alpha else "estimates"
    return {"kind": kind, **record["reversal"]}
