"""How often a second run of the same model decides otherwise, by group.

The two runs may differ in number format (FP32, BF16, INT8), device or export; any two vectors
of decisions on the same rows will do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics import compare, exact, significance
from metrics.cells import Counts, Floats, IntArray
from metrics.compare import Record
from metrics.groups import Attribute


def flips_section(
    attributes: Sequence[Attribute],
    first: IntArray,
    second: IntArray,
    *,
    names: tuple[str, str] = ("first", "second"),
    floor: int = compare.FLOOR,
    alpha: float = compare.ALPHA,
) -> Record:
    """Flip rates by group between two vectors of decisions on the same rows.

    Parameters
    ----------
    attributes
        Sensitive columns, n rows each.
    first, second : (n,) int
        Decisions 0 or 1, -1 for none; rows without both are left out and counted.
    names
        What the two runs are called.
    floor
        Rows a group needs to be compared.
    alpha
        Error rate over all comparisons of this section.

    Returns
    -------
    dict
        ``groups[]``: everybody (``by: []``), then every group: n, flips, rate with
        Clopper-Pearson limits, ups and downs, net change with its exact McNemar p;
        ``comparisons[]``: each group's flip rate against the reference, Fisher, Bonferroni over
        all attributes. No test is made on flips by McNemar: it sees the net change only.

    Raises
    ------
    ValueError
        Columns that differ in length, or a decision other than -1, 0 and 1.

    References
    ----------
    Nelaturu, Ravichandran, Tran, Hooker, Fioretto, On the fairness impacts of hardware
    selection in machine learning, 2023 (the question); McNemar 1947; Clopper, Pearson 1934.
    """
    n = len(first)
    compare.same_length(n, second=second, **{a.name: a.codes for a in attributes})
    if n and (min(first.min(), second.min()) < -1 or max(first.max(), second.max()) > 1):
        raise ValueError("decisions are 0, 1 or -1")
    both = (first >= 0) & (second >= 0)
    up, down = both & (first == 0) & (second == 1), both & (first == 1) & (second == 0)
    groups = [_group((), {}, int(both.sum()), int(up.sum()), int(down.sum()))]
    comparisons: list[Record] = []
    for attribute in attributes:
        rows, ups, downs = (compare.group_counts(attribute, use) for use in (both, up, down))
        for j, word in enumerate(attribute.levels):
            head = {attribute.name: word}
            groups.append(
                _group((attribute.name,), head, int(rows[j]), int(ups[j]), int(downs[j]))
            )
        comparisons += _comparisons(attribute, rows, ups + downs, floor)
    k = compare.adjust(comparisons)
    return {
        "names": list(names),
        "rows": n,
        "used": int(both.sum()),
        "left_out": n - int(both.sum()),
        "undefined": None if both.any() else "no-decision",
        "groups": groups,
        "comparisons": comparisons,
        "tests": k,
        "alpha": alpha,
        "floor": floor,
    }


def _group(by: tuple[str, ...], group: dict[str, str], n: int, up: int, down: int) -> Record:
    head: Record = {"by": list(by), "group": group, "n": n, "flips": up + down}
    if n == 0:
        nothing = dict.fromkeys(("value", "low", "high", "net", "net_p"))
        return head | {"up": 0, "down": 0} | nothing | {"undefined": "empty-group"}
    low, high = exact.clopper_pearson(up + down, n)
    return head | {
        "up": up,
        "down": down,
        "value": (up + down) / n,
        "low": float(low),
        "high": float(high),
        "net": (up - down) / n,
        "net_p": float(exact.mcnemar(up, down)),
        "undefined": None,
    }


def _comparisons(attribute: Attribute, rows: Counts, flips: Counts, floor: int) -> list[Record]:
    r, choice = compare.reference(attribute, rows)
    if r is None:
        return []
    reasons = compare.too_small(rows, floor)
    out = []
    for j in range(len(attribute.levels)):
        if j == r:
            continue
        reason = reasons[j] if reasons[r] is None else "reference-below-floor"
        counts = int(flips[j]), int(rows[j]), int(flips[r]), int(rows[r])
        gap = compare.difference(*counts)
        p = float(significance.fisher_central(*counts)) if reason is None else None
        out.append(compare.head(attribute, j, r, choice) | gap | {"p": p, "reason": reason})
    return out


def sensitivity(values: Floats) -> tuple[Floats, float]:
    """Hardware sensitivity of a metric: mean absolute pairwise difference over runs, by group.

    D(a) = mean over i < j of |m_i(a) - m_j(a)|; spread = max_a D(a) - min_a D(a).

    Parameters
    ----------
    values : (r, g) float64
        Metric of each group in each of r runs; NaN where undefined.

    Returns
    -------
    by_group : (g,) float64
        NaN with fewer than two runs in which the metric is defined.
    spread : float
        NaN with fewer than two defined groups.
    """
    i, j = np.triu_indices(len(values), 1)
    apart = np.abs(values[i] - values[j])
    n = np.isfinite(apart).sum(axis=0)
    total = np.where(np.isfinite(apart), apart, 0.0).sum(axis=0)
    by_group = np.divide(total, n, out=np.full(values.shape[1], np.nan), where=n > 0)
    known = by_group[np.isfinite(by_group)]
    return by_group, float(known.max() - known.min()) if known.size > 1 else float("nan")
