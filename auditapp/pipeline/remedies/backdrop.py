"""What settings are held against: the best of any rule, of this score, and of every threshold."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from auditapp.pipeline.remedies.judge import Judge
from metrics import rate_bounds
from mitigations.contract import Context, MethodError
from mitigations.thresholds import Thresholds

Json = dict[str, Any]

#: Largest gaps at which the best accuracy of any rule is computed.
GAPS = tuple(i / 100 for i in range(0, 51, 2))


def bound(judge: Judge) -> list[Json]:
    """Best accuracy of any rule when the rates of all groups lie within each gap."""
    if judge.settings.goal not in rate_bounds.METRICS:
        return []
    audit = judge.prepared.audit
    use = (audit.group >= 0) & (audit.y >= 0) if audit.y is not None else audit.group < -1
    weighted = audit.weight is not None
    counts = np.zeros((len(judge.names), 2, 2), dtype=float if weighted else np.int64)
    decided = use & (audit.decision >= 0) & (audit.decision < 2) if audit.decision is not None \
        else use  # fmt: skip
    if audit.y is None or audit.decision is None or not decided.any():
        return []
    each: Any = 1 if audit.weight is None else audit.weight[decided]
    np.add.at(counts, (audit.group[decided], audit.y[decided], audit.decision[decided]), each)
    out = []
    for rule in ("free", "group"):
        windows = rate_bounds.windows(
            counts, judge.settings.goal, rule=rule, floor=judge.settings.floor,
            denominator_floor=judge.settings.denominator_floor,
            held=judge.compared.tolist() if weighted else None,
        )  # fmt: skip
        if windows is not None:
            out.append({"rule": rule, "points": rate_bounds.frontier(windows, GAPS)})
    return out


def yardstick(judge: Judge, methods: list[Json], *, seed: int) -> list[list[float]] | None:
    """Measured (gap, accuracy) of thresholds by group: what this score alone can do.

    It stands under every remedy, so it is computed where nobody asked for the method too.
    """
    found = next((m for m in methods if m["slug"] == "thresholds" and m["points"]), None)
    if found is not None:
        pairs = [(p["disparity"]["value"], p["accuracy"]["value"]) for p in found["points"]]
    else:
        try:
            fitted = Thresholds(deterministic=False).fit(
                judge.prepared.problem, Context(seed=seed)
            )
        except MethodError:
            return None
        pairs = [judge.pair(point.rules[0]) for point in fitted.points]
    out: list[list[float]] = []
    for gap, right in sorted((g, a) for g, a in pairs if g is not None and a is not None):
        if not out or right > out[-1][1]:
            out.append([gap, right])
    return out


def sweep(judge: Judge) -> Json | None:
    """Counts behind the explorer: who would be chosen at each of 101 thresholds.

    Of survey data each group's people at their weighted shares, rounded.
    """
    audit = judge.prepared.audit
    if audit.score is None or audit.y is None:
        return None
    thresholds = np.arange(101) / 100
    groups = []
    for code in judge.compared:
        use = (audit.group == code) & np.isfinite(audit.score)
        score, label = audit.score[use], audit.y[use]
        each = np.ones(len(score)) if audit.weight is None else audit.weight[use]
        if each.sum() > 0:
            each = each * (len(each) / each.sum())
        place = np.searchsorted(thresholds, score, "right")
        above = partial(_above, place, each, len(thresholds))
        groups.append(
            {
                "group": judge.names[int(code)],
                "n": int(use.sum()),
                "labelled": int(np.rint(each[label >= 0].sum())),
                "positives": int(np.rint(each[label == 1].sum())),
                "selected": above(label > -2),
                "true_positives": above(label == 1),
                "false_positives": above(label == 0),
            }
        )
    return {"thresholds": thresholds.tolist(), "now": judge.prepared.problem.threshold,
            "groups": groups}  # fmt: skip


def _above(place: Any, each: Any, steps: int, mine: Any) -> list[int]:
    """People at or above each threshold; `place` counts the thresholds that a score reaches."""
    reached = np.bincount(place[mine], each[mine], minlength=steps + 1)
    return [int(v) for v in np.rint(np.cumsum(reached[::-1])[::-1])[1:]]
