"""The count tables of an audit, kept beside its report: what schedules compare over time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditapp.pipeline.audited import Audited
from metrics.change_tables import RunTables
from metrics.count import CountSet, count
from metrics.estimates import GOALS

TABLES, WORDS = "counts.npz", "counts.json"


def write(audited: Audited, folder: Path) -> None:
    """Write people by sensitive column, label and decision, and the words of the groups.

    Nothing is written where rows are weighted: counts of rows are then no evidence by
    themselves.
    """
    plan = audited.plan
    if plan.weights is not None:
        return
    counted = count(
        audited.attributes, label=audited.label, decision=audited.decision, intersections=1
    )
    folder.mkdir(parents=True, exist_ok=True)
    counted.save(folder / TABLES)
    words = {
        "levels": {a.name: list(a.levels) for a in audited.attributes},
        "titles": {spec.column: spec.title for spec in plan.attributes},
        "metrics": list(GOALS[plan.goal]),
        "tolerance": plan.tolerance,
        "floor": plan.floor,
        "denominator_floor": plan.denominator_floor,
    }
    (folder / WORDS).write_text(json.dumps(words), encoding="utf-8")


def read(folder: Path) -> tuple[RunTables, dict[str, Any]] | None:
    """The tables of an audit with what goes with them; None where it kept none."""
    if not (folder / TABLES).is_file() or not (folder / WORDS).is_file():
        return None
    words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
    return RunTables.of(CountSet.load(folder / TABLES), words["levels"]), words
