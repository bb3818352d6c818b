"""Ranked lists: who is near the top, by group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.outcomes import numbers, rows
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan
from metrics.ranking import JUDGED, RankingPolicy, measure_ranking

GOALS_RANKING = JUDGED


def measure(plan: Plan, table: Table, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Sum ranked lists and measure places, exposure and order by group."""
    with progress.step("decide", "putting every list in order"):
        attributes = rows.attributes(plan, table)
        score, model = numbers.given(plan, table, job, progress)
        # A risk puts people at the top that are least wanted there.
        if plan.score is not None and not plan.score.favourable:
            score = -score
        query = None if plan.query is None else table.units(plan.query)
        if plan.query is not None and query is not None and not (query >= 0).any():
            raise groups.blank(table, plan.query)
        relevance = _relevance(plan, table)
    unscored = np.isnan(score)
    unlisted = np.zeros(table.n_rows, bool) if query is None else query < 0
    used = numbers.reasoned(
        rows.rows_used(unscored | unlisted, None),
        ("no-score", "in no order: the score is blank", unscored),
        ("no-list", "in no list: the list column is blank", unlisted),
    )
    keep = used.mask
    with progress.step("count", f"{int(keep.sum()):,} people"):
        measured = [used.of(attribute) for attribute in attributes]
    with progress.step("measure", f"{plan.draws:,} draws, seed {plan.seed}"):
        sections = measure_ranking(
            measured,
            score=score[keep],
            query=None if query is None else query[keep],
            relevance=None if relevance is None else relevance[keep],
            policy=_policy(plan),
        )
    lists = sections.pop("lists")
    return {
        "model": model,
        "rows": rows.row_facts(table, used, None if relevance is None else np.isnan(relevance)),
        "tests": [],
        "scores": None,
        **sections,
        "outcome": {"kind": "ranking", "k": plan.k, "lists": lists},
    }


def _relevance(plan: Plan, table: Table) -> NDArray[np.float64] | None:
    """How well each row fits its list, 0 and up.

    Raises
    ------
    AuditError
        ``negative-relevance``: the gain of a place cannot be below nothing.
    """
    if plan.label is None:
        return None
    values = numbers.column(table, plan.label.column)
    below = values < 0
    if below.any():
        raise AuditError(
            "negative-relevance",
            f"The relevance in column “{plan.label.column}” is below 0 in"
            f" {int(below.sum()):,} of {values.size:,} rows.",
            "Give 0 where a row does not fit its list, and more the better it fits.",
            where=f"first in data row {int(np.flatnonzero(below)[0]) + 1:,}",
            found=f"smallest {np.nanmin(values):g}",
        )
    return values


def _policy(plan: Plan) -> RankingPolicy:
    return RankingPolicy(
        goal=plan.goal,
        k=plan.k,
        tolerance=plan.tolerance,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        intersections=plan.intersections,
        draws=plan.draws,
        seed=plan.seed,
    )
