"""Every rate again among people who are alike in a legitimate factor."""

from __future__ import annotations

from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.plan.goals import GOALS
from metrics.strata import DEFAULT, strata_section

#: Rates of single strata that a document keeps; pooled results are kept for every comparison.
LISTED = 2_000
_TOLD = {"settled": 0, "estimates": 1}


def run(audited: Audited) -> dict[str, Any] | None:
    """Pooled comparisons of each attribute over the strata of the plan's control column."""
    control = audited.control
    if control is None:
        return None
    attributes = [a for a in audited.attributes if a.name != control.name]
    if not attributes:
        return None
    plan = audited.plan
    found = strata_section(
        attributes,
        control,
        label=audited.label,
        decision=audited.decision,
        metrics=DEFAULT,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
    )
    _shorten(found["comparisons"], GOALS.get(plan.goal, ()))
    audited.tick(1.0, f"{len(found['comparisons']):,} comparisons")
    return found


def _shorten(comparisons: list[dict[str, Any]], primary: tuple[str, ...]) -> None:
    """Keep single strata of reversals, then of the goal's metrics, until the list is full."""

    def rank(i: int) -> tuple[int, bool, int]:
        item = comparisons[i]
        told = _TOLD.get(item["reversal"]["kind"], 2)
        return told, item["metric"] not in primary, i

    room = LISTED
    for i in sorted(range(len(comparisons)), key=rank):
        item = comparisons[i]
        if len(item["strata"]) > room:
            item["strata_unlisted"] += len(item["strata"])
            item["strata"] = []
        room -= len(item["strata"])
