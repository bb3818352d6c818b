"""Measure decisions among several classes: each class against the rest, accuracy, macro means.

Everything follows from one table of (group, label, decision) that adds over shards. Rates of
one class against the rest are proportions and share the report's one family of verdicts;
macro means are functions of several of them, with an interval by multinomial bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metrics import bootstrap, intervals, macro, rates, shrinkage, values, verdicts
from metrics.cells import Counts, IntArray
from metrics.classes import ClassCounts, count_classes, tally
from metrics.comparisons import Comparisons, comparisons_of, join
from metrics.estimates import BASELINE, GOALS, Record, plain
from metrics.groups import Attribute, combine
from metrics.layout import Layout

__all__ = [
    "ClassCounts",
    "ClassPolicy",
    "count_classes",
    "derive_multiclass",
    "measure_multiclass",
]

RATES = ("selection-rate", "tpr", "fpr", "precision")
FAMILY = (*RATES, "accuracy")
NOTHING = {
    "selection-rate": "empty-denominator",
    "tpr": "absent-class",
    "fpr": "only-class",
    "precision": "class-not-chosen",
    "accuracy": "empty-denominator",
}


@dataclass(frozen=True)
class ClassPolicy:
    """What the auditor chose before seeing a number.

    Parameters
    ----------
    goal
        Which rates are primary: a key of `metrics.estimates.GOALS`.
    classes
        Words of the classes whose rates are primary; None takes all.
    tolerance
        Largest difference of rates that does not matter, as a fraction.
    floor, denominator_floor
        Rows and denominator a group needs to be compared.
    intersections
        Largest number of columns that are combined.
    family
        Rates that get a verdict; the goal's are added.
    draws, seed
        Bootstrap draws of the macro means and shuffles; seed of every random stream.
    alpha
        Error rate of the whole report.
    """

    goal: str = "selection-rate"
    classes: tuple[str, ...] | None = None
    tolerance: float = 0.05
    floor: int = 30
    denominator_floor: int = 10
    intersections: int = 2
    family: tuple[str, ...] = FAMILY
    draws: int = 1000
    seed: int = 0
    alpha: float = 0.05

    @property
    def primary(self) -> tuple[str, ...]:
        """Rates the goal makes primary."""
        return GOALS[self.goal]

    @property
    def judged(self) -> tuple[str, ...]:
        """Rates of the family, the goal's first."""
        return tuple(dict.fromkeys((*self.primary, *self.family)))


def measure_multiclass(
    attributes: Sequence[Attribute],
    *,
    decision: IntArray,
    classes: Sequence[str],
    label: IntArray | None = None,
    policy: ClassPolicy | None = None,
) -> Record:
    """Count rows and derive the report's numbers in one call.

    Parameters
    ----------
    attributes, decision, classes, label
        As in `count_classes`.
    policy
        The auditor's choices; None takes the defaults.

    Returns
    -------
    dict
        As `derive_multiclass`.

    Raises
    ------
    ValueError
        From `count_classes`, or a class of the policy that is none of these.
    """
    chosen = ClassPolicy() if policy is None else policy
    counted = count_classes(
        attributes,
        decision=decision,
        classes=classes,
        label=label,
        intersections=chosen.intersections,
    )
    return derive_multiclass(counted, attributes, chosen)


def derive_multiclass(
    counted: ClassCounts, attributes: Sequence[Attribute], policy: ClassPolicy
) -> Record:
    """Everything a report says about groups, from counts alone.

    Returns
    -------
    dict
        Keys ``groups``, ``estimates``, ``gaps``, ``tests``, ``verdicts`` and ``family`` of the
        result document, each record with its ``class`` (None for all together), and
        ``confusion`` and ``classes``; None where something is undefined, never NaN.
    """
    wrong = [word for word in policy.classes or () if word not in counted.classes]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is none of the classes {', '.join(counted.classes)}")
    if len(policy.judged) > len(set(policy.judged) & set(FAMILY)):
        raise ValueError(f"a rate of {policy.judged} is none of {', '.join(FAMILY)}")
    layout = _layout(counted, attributes, policy)
    gaps, order, family = _gaps(counted, layout, policy)
    draws = macro.Draws.of(layout, policy.draws, policy.seed, policy.denominator_floor)
    for record in macro.gaps(draws, counted.has_label):
        gaps.append(record | {"id": f"g{len(gaps) + 1}"})
    estimates = []
    for by in layout.groups:
        estimates += _estimates(counted, layout, by, policy)
        estimates += macro.estimates(draws, by, counted.has_label)
    return {
        "groups": layout.levels(),
        "estimates": estimates,
        "gaps": gaps,
        "tests": _tests(layout, policy),
        "verdicts": order,
        "family": family,
        "classes": list(counted.classes),
        "confusion": _confusion(counted, layout),
    }


def _layout(counted: ClassCounts, attributes: Sequence[Attribute], policy: ClassPolicy) -> Layout:
    named = {attribute.name: attribute for attribute in attributes}
    tables = [(), *combine(list(named), policy.intersections)]
    groups = {by: counted.tables.groups(by) for by in tables}
    return Layout(
        named,
        groups,
        {by: table.n for by, table in groups.items()},
        {by: int(table.unknown.sum()) for by, table in groups.items()},
        policy.floor,
    )


def _slugs(counted: ClassCounts) -> list[tuple[str, int | None]]:
    one = [(metric, j) for metric in RATES for j in range(len(counted.classes))]
    return [*one, ("accuracy", None)]


def _missing(counted: ClassCounts, metric: str) -> str | None:
    return None if counted.has_label or metric == "selection-rate" else "no-label"


def _estimates(
    counted: ClassCounts, layout: Layout, by: tuple[str, ...], policy: ClassPolicy
) -> list[Record]:
    table, listed = layout.groups[by], layout.listed(by)
    n = layout.rows[by][listed].tolist()
    out: list[Record] = []
    for metric, c in _slugs(counted):
        above, below = tally(table.counts[listed], metric, c)
        value = plain(rates.divide(above, below))
        low, high = (plain(limit) for limit in intervals.wilson(above, below))
        leads = len(by) > 1 and metric in policy.primary
        steadied = _steadied(table.cells, *tally(table.counts, metric, c)) if leads else {}
        for place, j in enumerate(listed.tolist()):
            nothing = "empty-group" if n[place] == 0 else NOTHING[metric]
            why = _missing(counted, metric) or nothing
            out.append(
                {
                    "subject": BASELINE,
                    "metric": metric,
                    "class": None if c is None else counted.classes[c],
                    "by": list(by),
                    "group": layout.words(by, j),
                    "n": n[place],
                    "numerator": int(above[place]),
                    "denominator": int(below[place]),
                    "value": value[place],
                    "low": low[place],
                    "high": high[place],
                    "undefined": why if value[place] is None else None,
                    "below_floor": n[place] < policy.floor
                    or int(below[place]) < policy.denominator_floor,
                    "interval": "wilson",
                    "shrunken": steadied.get(j),
                }
            )
    return out


def _steadied(cells: IntArray, above: Counts, below: Counts) -> dict[int, Record]:
    """Estimates of intersection cells that borrow from similar groups."""
    seen = np.flatnonzero(below > 0)
    if not seen.size:
        return {}
    effects = shrinkage.main_effects(cells[seen])
    found = shrinkage.logit_normal(above[seen], below[seen], effects)
    return {
        j: dict(zip(("value", "low", "high"), numbers, strict=True))
        for j, *numbers in zip(seen.tolist(), *(part.tolist() for part in found), strict=True)
    }


@dataclass(frozen=True)
class _Block:
    by: tuple[str, ...]
    metric: str
    c: int | None
    pairs: Comparisons
    n_comparator: NDArray[np.int64]


def _blocks(counted: ClassCounts, layout: Layout, policy: ClassPolicy) -> list[_Block]:
    out = []
    focus = counted.classes if policy.classes is None else policy.classes
    for by in layout.tables:
        table, n = layout.groups[by], layout.rows[by]
        for metric, c in _slugs(counted):
            above, below = tally(table.counts, metric, c)
            leads = metric in policy.primary and (c is None or counted.classes[c] in focus)
            pairs = comparisons_of(
                n,
                above,
                below,
                kind="attribute" if len(by) == 1 else "intersection",
                reference=layout.reference(by)[0],
                table="/".join(by),
                metric=_test_name(metric, c, len(counted.classes)),
                primary=leads,
                judged=metric in policy.judged,
            )
            kept = np.isin(pairs.group, layout.listed(by))
            pairs = Comparisons(**{name: part[kept] for name, part in vars(pairs).items()})
            missing = _missing(counted, metric)
            if missing:
                pairs = replace(pairs, reason=np.full(len(pairs), missing, dtype=object))
            rest = pairs.comparator == verdicts.REST
            against = np.where(rest, n.sum() - n[pairs.group], n[pairs.comparator])
            out.append(_Block(by, metric, c, pairs, against))
    return out


def _test_name(metric: str, c: int | None, k: int) -> str:
    """Equal names are one test: with two classes a rate of one is a rate of the other."""
    if k == 2 and c == 0:
        swapped = {"tpr": "fpr", "fpr": "tpr", "selection-rate": "selection-rate"}
        if metric in swapped:
            return f"{swapped[metric]}|1"
    return f"{metric}|{c}"


def _gaps(
    counted: ClassCounts, layout: Layout, policy: ClassPolicy
) -> tuple[list[Record], list[str], Record]:
    blocks = _blocks(counted, layout, policy)
    joined = join([block.pairs for block in blocks])
    judged = verdicts.judge(
        joined,
        tolerance=policy.tolerance,
        alpha=policy.alpha,
        floor=policy.floor,
        denominator_floor=policy.denominator_floor,
    )
    numbers = {name: plain(getattr(judged, name)) for name in values.COLUMNS}
    out: list[Record] = []
    for block in blocks:
        for k in range(len(block.pairs)):
            at, c = len(out), block.pairs
            x1, n1, x2, n2 = (int(part[k]) for part in (c.x1, c.n1, c.x2, c.n2))
            record = values.pair_head(layout, block.by, c, k) | {
                "id": f"g{at + 1}",
                "metric": block.metric,
                "class": None if block.c is None else counted.classes[block.c],
                "kind": "difference",
                "n": int(c.rows[k]),
                "n_comparator": int(block.n_comparator[k]),
                "numerator": x1,
                "denominator": n1,
                "numerator_comparator": x2,
                "denominator_comparator": n2,
                "rate": x1 / n1 if n1 else None,
                "rate_comparator": x2 / n2 if n2 else None,
                "primary": bool(c.primary[k]),
                "verdict": judged.verdict[at] or None,
                "size_class": judged.size_class[at] or None,
                "reason": judged.reason[at] or None,
            }
            record |= {name: column[at] for name, column in numbers.items()}
            needed = record["rows_needed"]
            record["rows_needed"] = None if needed is None else int(needed)
            out.append(record)
    order = [out[at]["id"] for at in verdicts.order(judged, joined.primary)]
    family = {
        "k": judged.k_primary + judged.k_secondary,
        "k_primary": judged.k_primary,
        "k_secondary": judged.k_secondary,
        "alpha": judged.alpha,
        "tolerance": judged.tolerance,
        "primary": list(policy.primary),
        "metrics": list(policy.judged),
    }
    return out, order, family


def _tests(layout: Layout, policy: ClassPolicy) -> list[Record]:
    """Overall variation of the chosen classes over the groups of each table; no verdict."""
    out = []
    for by in layout.tables:
        name = f"chi-square/{'/'.join(by)}"
        decided = layout.groups[by].counts[..., 1:].sum(axis=1)
        found = macro.association(
            decided, rng=bootstrap.stream(policy.seed, name), draws=policy.draws
        )
        head = {"subject": BASELINE, "by": list(by), "metric": "selection-rate"}
        out.append(head | {"kind": "chi-square"} | found)
    return out


def _confusion(counted: ClassCounts, layout: Layout) -> list[Record]:
    """Rows by true and chosen class for every listed group."""
    out = []
    for by, table in layout.groups.items():
        for j in layout.listed(by).tolist():
            counts = table.counts[j]
            out.append(
                {
                    "by": list(by),
                    "group": layout.words(by, j),
                    "n": int(counts.sum()),
                    "counts": counts[1:, 1:].tolist() if counted.has_label else None,
                    "label_blank": counts[0, 1:].tolist(),
                    "decision_blank": counts[1:, 0].tolist(),
                }
            )
    return out
