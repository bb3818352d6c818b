"""Gaps inside regions that a remedy named, measured on rows it never saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from auditapp.pipeline.remedies.judge import before
from auditapp.pipeline.remedies.problem import Prepared
from metrics.bootstrap import stream
from metrics.local import Local
from mitigations.contract import Outcome
from mitigations.regions import Regions
from mitigations.rules import decide

Json = dict[str, Any]

AUDITED = "Audited decisions"
#: Regions listed of each family, the widest gaps first.
LISTED = 12


def tables(
    prepared: Prepared,
    outcomes: list[tuple[str, Outcome]],
    of: Outcome,
    *,
    seed: int,
    tick: Callable[[str], None],
) -> dict[str, Json]:
    """Tables of a method that says where to look: region by region, and one line per setting.

    Parameters
    ----------
    outcomes
        Every method's, by slug: settings of others are measured in the same regions.
    of
        The one whose regions are looked at.
    """
    if of.regions is None:
        return {}
    audit, predict = prepared.audit, prepared.problem.predict
    watched = {point.id: point for point in of.points if point.id in of.watched}
    gaps: list[list[Any]] = []
    nulls: list[list[Any]] = []
    shown = [(AUDITED, before(audit))]
    shown += [
        (watched[name].label, decide(watched[name].rules[0], audit, predict))
        for name in of.watched
        if name in watched
    ]
    for label, decision in shown:
        tick(label)
        found = of.regions.measure(prepared.problem, audit, decision, _stream(seed, label))
        for local in found:
            nulls.append(_null(label, local))
            gaps += _gaps(label, local, prepared)
    out = {
        "local-gaps": _table(
            "form family region group n comparator n_other gap low high",
            gaps,
            f"At most {LISTED} parts of each kind. The interval of a part with more than two "
            "groups allows for the choice of the two that are furthest apart.",
        ),
        "local-null": _table(
            "form family region worst null_mean null_p95 p regions left_out",
            nulls,
            "Outcomes are shuffled inside each part; parts of single columns overlap and are "
            "shuffled one by one, so that their null is an upper bound. A gap in the whole shows "
            "in parts at random too: only what exceeds them is local.",
        ),
    }
    points = _points(prepared, of.regions, outcomes, seed, tick)
    if points:
        out["local-points"] = _table(
            "method point label worst region low high null_mean null_p95 p",
            points,
            "Widest gap among the declared parts under every setting of every remedy.",
        )
    return out


def _points(
    prepared: Prepared,
    regions: Regions,
    outcomes: list[tuple[str, Outcome]],
    seed: int,
    tick: Callable[[str], None],
) -> list[list[Any]]:
    audit, predict = prepared.audit, prepared.problem.predict
    rows: list[list[Any]] = []
    settings: list[tuple[str | None, str, str, Any]] = [(None, AUDITED, AUDITED, before(audit))]
    for slug, outcome in outcomes:
        for point in outcome.points:
            decision = decide(point.rules[0], audit, predict)
            settings.append((slug, point.id, point.label, decision))
    for of, name, label, decision in settings:
        tick(label)
        found = regions.declared_only(
            prepared.problem, audit, decision, _stream(seed, f"{of}/{name}")
        )
        if found is None or not found.gaps:
            continue
        first = found.gaps[0]
        rows.append(
            [of, None if of is None else name, label, found.worst, first.region, first.low,
             first.high, found.null_mean, found.null_p95, found.p]
        )  # fmt: skip
    return rows


def _null(label: str, local: Local) -> list[Any]:
    region = local.gaps[0].region if local.gaps else None
    return [
        label, local.family, region, local.worst, local.null_mean, local.null_p95, local.p,
        len(local.gaps), local.left_out,
    ]  # fmt: skip


def _gaps(label: str, local: Local, prepared: Prepared) -> list[list[Any]]:
    names = prepared.problem.group_names
    return [
        [label, local.family, gap.region, names[gap.less], gap.n[gap.less], names[gap.more],
         gap.n[gap.more], gap.gap, gap.low, gap.high]
        for gap in local.gaps[:LISTED]
    ]  # fmt: skip


def _table(columns: str, rows: list[list[Any]], caption: str) -> Json:
    return {"columns": columns.split(), "rows": rows, "caption": caption, "split": "audit"}


def _stream(seed: int, name: str) -> np.random.Generator:
    return stream(seed, f"remedies/local/{name}")
