"""Recorded outcomes, scores and decisions, each held against what it has to answer for."""

from __future__ import annotations

from typing import Any

import numpy as np

from auditapp.datasets import groups
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.outcomes.binary import policy
from metrics.levels import levels_section


def run(audited: Audited) -> dict[str, Any] | None:
    """Labels against gold, scores against labels, decisions by outcomes at the threshold."""
    plan = audited.plan
    if plan.gold is None and audited.score is None:
        return None
    gold = None
    if plan.gold is not None:
        gold = groups.binary(audited.table, plan.gold.column, plan.gold.favourable)[audited.used]
    threshold = cut = policy(plan).threshold
    score = plan.score
    if score is not None and not score.favourable:
        # A high score is unfavourable from the threshold on: turned, its boundary is below.
        cut = float(np.nextafter(threshold, np.inf))
    found = levels_section(
        audited.attributes,
        label=audited.label,
        decision=audited.decision,
        score=audited.score,
        gold=gold,
        threshold=cut,
        probability=score is None or (score.low, score.high) == (0.0, 1.0),
        floor=plan.floor,
    )
    found["decisions"]["threshold"] = threshold
    audited.tick(1.0, "three levels")
    return found
