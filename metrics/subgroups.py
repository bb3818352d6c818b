"""Worst-case local disparity: the part of a population in which groups are decided most unlike.

Nobody names it beforehand; it stands beside what the same search finds in shuffled decisions.
Three families of subgroups are searched: declared bins, quantile bins of one or two columns,
and a tree grown on one half of the rows and measured on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import rates
from metrics.groups import Attribute
from metrics.subgroup_columns import Descriptor, describe, members, number
from metrics.subgroup_families import CONSTANT, NO_SPLIT, Record, binned_family, tree_family
from metrics.subgroup_search import FAMILIES, Rows, Search, able, counted_rows
from metrics.verdicts import (
    BELOW_FLOOR,
    DIFFERENCE,
    NO_DENOMINATOR,
    NO_DIFFERENCE,
    NOT_APPLICABLE,
    NOT_ENOUGH_DATA,
    ONE_GROUP,
)

__all__ = [
    "FAMILIES",
    "Attribute",
    "Descriptor",
    "Search",
    "describe",
    "members",
    "sentence",
    "subgroups_section",
]

NO_COLUMNS = "no-columns"
NO_LABEL = "no-label"


def subgroups_section(
    attribute: Attribute,
    descriptors: Sequence[Descriptor],
    *,
    decision: NDArray[Any],
    label: NDArray[Any] | None = None,
    metric: str = "selection-rate",
    search: Search | None = None,
    weight: NDArray[np.float64] | None = None,
    effect: float = 1.0,
) -> Record:
    """Search for the subgroup in which two groups are decided most unlike.

    The statistic of a family is T = max over subgroups and pairs of groups of |d| - z s, with d
    the difference of the two rates, s its standard deviation when decisions are shuffled inside
    the subgroup, and z the normal quantile at level / (2 m) for m pairs. Its p-value is
    (1 + #{T* >= T}) / (1 + draws) over such shuffles.

    Parameters
    ----------
    attribute
        The sensitive column, n rows, -1 unknown.
    descriptors
        Columns that may describe a subgroup, n rows each; not the sensitive column.
    decision : (n,) int
        1 favourable, 0 not, 2 abstained, -1 none.
    label : (n,) int, optional
        0, 1, -1 blank.
    metric
        Slug of a proportion, such as ``"selection-rate"``, ``"tpr"`` or ``"fpr"``.
    search
        Where to look and how sure to be; None takes the defaults.
    weight : (n,) float, optional
        Survey weights. Every subgroup is then measured and tested on its people over `effect`,
        rounded, at the weighted rates. Only the half on which the tree is grown counts every row
        once: that choice guards the description, not the error rate.
    effect
        Mean design effect of the metric over the groups of the attribute, at least 1.

    Returns
    -------
    dict
        As docs/methods/subgroups.md lists it; None where undefined, never NaN.

    Raises
    ------
    ValueError
        Columns differ in length, codes lie outside their levels, or the metric is no
        proportion.

    References
    ----------
    Westfall, Young, Resampling-based multiple testing, Wiley 1993, section 2.3 (maximum over
    shuffles). Royen, Far East Journal of Theoretical Statistics 48, 2014 (subgroups that
    overlap may be shuffled independently). Phipson, Smyth, Statistical Applications in Genetics
    and Molecular Biology 9, 2010 (the p-value).
    """
    chosen = Search() if search is None else search
    section: Record = {
        "by": [attribute.name],
        "metric": metric,
        "level": chosen.level,
        "tests": 0,
        "tolerance": chosen.tolerance,
        "floor": chosen.floor,
        "denominator_floor": chosen.denominator_floor,
        "rank": chosen.rank,
        "families": [],
        "found": None,
        "verdict": NOT_APPLICABLE,
        "size_class": None,
        "b": None,
        "reason": None,
    }
    _check(attribute, descriptors, decision, label, metric)
    rate = rates.REGISTRY[metric]
    if label is None and isinstance(rate, rates.Rate) and rate.needs_label:
        return {**section, "reason": NO_LABEL}
    rows = counted_rows(attribute, decision, label, metric, weight=weight, effect=effect)
    if weight is not None:
        section["survey"] = {"design_effect": effect}
    if np.count_nonzero(np.bincount(rows.group[rows.known])) < 2:
        return {**section, "reason": ONE_GROUP}
    if not rows.counted.any():
        return {**section, "reason": NO_DENOMINATOR}
    searched = able(descriptors, chosen)
    if not searched:
        return {**section, "reason": NO_COLUMNS}
    tests = len(searched) * chosen.searches
    families = []
    for family in searched:
        name = f"subgroups/{attribute.name}/{metric}/{family}"
        work = tree_family if family == "tree" else binned_family
        families.append(work(rows, descriptors, chosen, family=family, tests=tests, name=name))
    return {**section, "tests": tests, "families": families, **_verdict(families, rows, chosen)}


def _check(
    attribute: Attribute,
    descriptors: Sequence[Descriptor],
    decision: NDArray[Any],
    label: NDArray[Any] | None,
    metric: str,
) -> None:
    rate = rates.REGISTRY.get(metric)
    if not isinstance(rate, rates.Rate) or not rate.proportion:
        raise ValueError(f"{metric!r} is not a rate of the registry that is a proportion")
    n = len(attribute.codes)
    named = [("decision", decision)] + [(d.name, d.values) for d in descriptors]
    named += [] if label is None else [("label", label)]
    for name, values in named:
        if len(values) != n:
            raise ValueError(f"column {name!r} has {len(values)} rows, {attribute.name!r} {n}")
    coded = [(d.name, d.values, len(d.levels)) for d in descriptors if d.levels]
    coded += [(attribute.name, attribute.codes, len(attribute.levels)), ("decision", decision, 3)]
    coded += [] if label is None else [("label", label, 2)]
    for name, values, size in coded:
        if n and (values.min() < -1 or values.max() >= size):
            raise ValueError(f"column {name!r} has codes outside -1 to {size - 1}")


def _verdict(families: list[Record], rows: Rows, search: Search) -> Record:
    """Judge the families together, as metrics.verdicts judges comparisons."""
    measured = [f for f in families if f["worst"] is not None]
    if not measured:
        reason = BELOW_FLOOR if any(f["reason"] == BELOW_FLOOR for f in families) else NO_SPLIT
        return {"verdict": NOT_ENOUGH_DATA, "reason": reason}
    b = max(f["b"] for f in measured)
    hits = rows.hit[rows.counted]
    out: Record = {"b": b, "verdict": NOT_ENOUGH_DATA}
    out["reason"] = CONSTANT if hits.min() == hits.max() else None
    found = [f for f in measured if f["p_adjusted"] <= search.level and f["worst"]["low"] > 0]
    if found:
        # What was measured on rows that had no part in the choice is named first.
        first = max(found, key=lambda f: (f["family"] == "tree", f["worst"]["low"]))
        shown, limit = first["worst"], search.tolerance
        size = "below" if -limit < shown["thick_low"] and shown["thick_high"] < limit else "near"
        null = {k: first[k] for k in ("null_mean", "null_p95", "excess", "p", "p_adjusted")}
        out["found"] = {"family": first["family"], **shown, **null, "draws": first["draws"]}
        out["verdict"] = DIFFERENCE
        out["size_class"] = "above" if shown["low"] > limit else size
    elif b < search.tolerance:
        out["verdict"] = NO_DIFFERENCE
    return out


def sentence(found: Record) -> str:
    """Say in one or two sentences what was found.

    Parameters
    ----------
    found
        The `found` of a section, or the `worst` of a family with the keys of its null.
    """
    by_group = {tuple(row["group"].values()): row for row in found["n_by_group"]}
    less, more = (by_group[tuple(found[key].values())] for key in ("group", "comparator"))
    names = [", ".join(row["group"].values()) for row in (less, more)]
    text = (
        f"Among {found['n_all']:,} people with {found['text']}, the rate is "
        f"{_points(less['value'])} % for {names[0]} and {_points(more['value'])} % for "
        f"{names[1]}: {_points(found['gap'])} points apart "
        f"({_points(found['low'])} to {_points(found['high'])})."
    )
    if found.get("null_mean") is not None:
        text += (
            f" With decisions shuffled, the search shows {_points(found['null_mean'])} points"
            f" on average and less than {_points(found['null_p95'])} in 95 % of shuffles."
        )
    return text


def _points(fraction: float) -> str:
    return number(round(100.0 * fraction, 1))
