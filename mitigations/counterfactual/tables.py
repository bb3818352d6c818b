"""Numbers the method shows: what is in reach, where it stopped, and what would have to change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mitigations.contract import Problem, Table
from mitigations.counterfactual.descent import centred, evenness, reach
from mitigations.counterfactual.disparity import Undefined
from mitigations.counterfactual.group import Group
from mitigations.counterfactual.people import Aim, People
from mitigations.counterfactual.profile import as_number, profile
from mitigations.counterfactual.repair import Repair

#: Rows of a path that are kept.
PATH_ROWS = 40

REACH = ("group", "rate", "now", "target", "low", "high", "inside", "repairability")
STOPS = (
    "group", "close", "stop", "estimated", "before", "realised", "moved", "distance", "evenness",
    "ratio", "held", "met",
)  # fmt: skip
LABELS = ("group", "rows", "positives", "brier", "ece", "auc")
PATH = ("group", "step", "gap", "evenness")


def tables(
    problem: Problem, fitted: People, to: Aim, repairs: Sequence[Repair], ratio: float
) -> dict[str, Table]:
    """Every table by its slug."""
    out: dict[str, Table] = {}
    ordered = sorted(repairs, key=lambda r: (-abs(float(r.path.signed[0])), r.group.code))
    for k, found in enumerate(ordered):
        other, words = _others(problem, fitted, to, found.group)
        weight = found.last.weight
        out["profile" if k == 0 else f"profile-{k + 1}"] = profile(
            problem.columns, found.group, weight, other, words
        )
    out["reach"] = _reach([found.group for found in repairs], ratio)
    out["stops"] = _stops(repairs)
    labels = tuple(
        (g.name, q.rows, q.positives, q.brier, q.ece, q.auc)
        for g in (found.group for found in repairs)
        for q in [g.quality]
        if q is not None
    )
    if labels:
        caption = "Estimated chances of the label inside each group, on rows not fitted on."
        out["labels"] = Table(LABELS, labels, caption, "train")
    out["path"] = _path(repairs)
    return out


def _others(problem: Problem, fitted: People, to: Aim, group: Group) -> tuple[People, str]:
    if to.reference is not None:
        return fitted.of(to.reference), problem.group_names[to.reference]
    rows = fitted.part.group != group.code
    some = People(
        fitted.part.take(rows), fitted.decision[rows], fitted.score[rows], fitted.weight[rows]
    )
    return some, "everybody else"


def _reach(groups: Sequence[Group], ratio: float) -> Table:
    """Values a rate can take under the cap, before anything is run."""
    rows = []
    for group in groups:
        try:
            psi = group.disparity.influence(group.inputs, group.start)
            psi = centred(psi, group.start, group.strata)
            rise = float(group.start @ psi**2)
        except Undefined:
            rise = float("nan")
        for name in group.disparity.rates:
            a, b = group.inputs.terms(name)
            low, high = reach(a, b, group.start, group.strata, ratio)
            target = group.disparity.target[name]
            now = group.inputs.rate(name, group.start)
            rows.append(
                (
                    group.name, name, now, target, as_number(low), as_number(high),
                    bool(low - 1e-9 <= target <= high + 1e-9), as_number(rise),
                )
            )  # fmt: skip
    caption = (
        f"What each rate can become if no input gets more than {ratio:g} times as frequent or as "
        "rare; repairability is the fall of the disparity per unit of the first step."
    )
    return Table(REACH, tuple(rows), caption, "train")


def _stops(repairs: Sequence[Repair]) -> Table:
    rows = []
    for found in repairs:
        listed = [(share, "realised", stop) for share, stop in sorted(found.stops.items())]
        for share, kind, stop in [*listed, (1.0, "estimated", found.estimated)]:
            weight = stop.weight
            factor = weight / found.group.start
            rows.append(
                (
                    found.group.name, share, kind, as_number(stop.estimated),
                    as_number(found.before), as_number(stop.realised), stop.moved.share,
                    stop.moved.cost, evenness(weight, found.group.start),
                    float(np.maximum(factor, 1.0 / factor).max()), stop.moved.held, stop.met,
                )
            )  # fmt: skip
    caption = (
        "Disparity by the estimate; before, on all rows the model was not fitted on; realised: "
        "that and its change on the validation rows. Share of people moved and mean distance, "
        "effective share of people, largest density ratio."
    )
    return Table(STOPS, tuple(rows), caption, "valid")


def _path(repairs: Sequence[Repair]) -> Table:
    rows = []
    for found in repairs:
        last = len(found.path.signed) - 1
        for k in np.unique(np.linspace(0, last, PATH_ROWS).round().astype(int)).tolist():
            even = evenness(found.path.weights[k], found.group.start)
            rows.append((found.group.name, k, float(found.path.signed[k]), even))
    caption = "Estimated disparity along the descent."
    return Table(PATH, tuple(rows), caption, "train")
