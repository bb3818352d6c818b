"""Change since an earlier audit: drift, every gap before and now, and the line of all audits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose import earlier
from auditapp.result import Document, read, result_hash
from metrics import change, compare
from metrics.cells import Counts
from metrics.drift import drift_section
from metrics.estimates import GOALS
from metrics.groups import Attribute

#: audits a line may have; older ones are dropped
MOST_RUNS = 60
MOST_BYTES = 256 * 1024**2
#: what reading a file raises that is no result document, or no whole one
DAMAGED = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError,
    RecursionError,
)  # fmt: skip
POINT = (
    "numerator", "denominator", "numerator_comparator", "denominator_comparator", "value", "low",
    "high",
)  # fmt: skip
RUN = ("id", "date", "hash", "rows", "period")


def run(audited: Audited) -> dict[str, Any] | None:
    """The change since the job's earlier result, or why the two do not compare."""
    path = audited.job.get("previous")
    if path is None:
        return None
    audited.tick(0.0, "reading the earlier result")
    try:
        document = _read(Path(path))
        out: dict[str, Any] = {"undefined": None, "previous": _facts(document)}
        why = earlier.refusal(audited, document)
        if why is not None:
            return out | {"undefined": why}
        found, left_out = earlier.alike(audited, document)
        also = earlier.also(audited, document)
    except DAMAGED:
        return {"undefined": "unreadable-earlier", "previous": None}
    out["left_out"] = left_out
    if not found:
        return out | {"undefined": "other-attributes"}
    audited.tick(0.3, "testing each gap")
    return out | {"also": also} | _compare(audited, document, found)


def _read(path: Path) -> Document:
    """The file a user calls an earlier result, which may be any file at all."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("too large for a result document")
    document = read(path)
    if not isinstance(document, dict):
        raise TypeError("not a result document")
    return document


def _facts(document: Document) -> dict[str, Any]:
    """Which audit it is that this one is compared with."""
    stamp = document.get("run") or {}
    return {
        "id": str(stamp.get("id") or ""),
        "date": _date(stamp.get("date")),
        "hash": result_hash(document),
        "rows": int(document["rows"]["used"]),
        "period": str(document["plan"].get("about", {}).get("period") or ""),
        "data": str(document["inputs"]["data"]["sha256"]),
    }


def _date(text: object) -> str | None:
    """A moment in the calendar; anything else is no date."""
    try:
        datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return str(text)


def _compare(audited: Audited, document: Document, found: list[earlier.Alike]) -> dict[str, Any]:
    plan = audited.plan
    same = document["inputs"]["data"]["sha256"] == plan.data.sha256
    columns = [(a.attribute.name, len(a.levels), a.codes) for a in found]
    after = change.tables(columns, audited.label, audited.decision)
    before = {a.attribute.name: a.before for a in found}
    levels: dict[str, Sequence[str]] = {a.attribute.name: a.levels for a in found}
    out: dict[str, Any] = {"same_rows": same}
    out["drift"] = None if same else drift_section(before, after, levels, seed=plan.seed)
    out["drift_undefined"] = "same-rows" if same else None
    made = change.change_section(
        before,
        after,
        levels,
        {a.attribute.name: _reference(a.attribute, after[a.attribute.name]) for a in found},
        metrics=GOALS[plan.goal],
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        same_rows=same,
    )
    return out | made | {"history": history(document, made["gaps"])}


def _reference(attribute: Attribute, table: Counts) -> int:
    """The group that the present report compares with; a level of both audits keeps its code."""
    r, _ = compare.reference(attribute, table[1:].sum(axis=(1, 2)))
    return 0 if r is None else r


def history(document: Document, gaps: list[dict[str, Any]]) -> dict[str, Any]:
    """Every gap over all audits of the chain, the present one last.

    The earlier document brings the points of the audits before it. A group that an audit lacks
    has None there. The present audit's date is not part of it: it lies outside the hash.
    """
    try:
        runs, before, marks = _past(document)
    except DAMAGED:
        runs, before, marks = [], {}, {}
    facts = _facts(document)
    runs.append({key: facts[key] for key in RUN})
    runs[-1]["now"] = False
    streams = []
    for gap in gaps:
        key = _key(gap)
        points = before.get(key) or [None] * (len(runs) - 1)
        sides = [(gap["before"], marks.get(key)), (gap["after"], gap["changed"])]
        points = points + [_point(side, mark) for side, mark in sides]
        named = {name: gap[name] for name in ("metric", "by", "group", "comparator")}
        streams.append(named | {"points": points[-MOST_RUNS:]})
    return {"runs": [*runs, {"now": True}][-MOST_RUNS:], "streams": streams}


def _past(document: Document) -> tuple[list[Any], dict[Any, Any], dict[Any, Any]]:
    """Runs of the chain before the earlier audit, their points, and its own marks of change."""
    past = ((document.get("change") or {}).get("history")) or {"runs": [], "streams": []}
    runs = [_run(run) for run in past["runs"] if not run["now"]]
    before, marks = {}, {}
    for stream in past["streams"]:
        points = [None if p is None else _stored(p) for p in stream["points"]]
        if len(points) > len(runs):
            before[_key(stream)] = points[: len(runs)]
        if points and points[-1] is not None:
            marks[_key(stream)] = points[-1]["changed"]
    return runs, before, marks


def _run(run: dict[str, Any]) -> dict[str, Any]:
    text = {name: str(run.get(name) or "") for name in ("id", "hash", "period")}
    return text | {"date": _date(run.get("date")), "rows": int(run["rows"]), "now": False}


def _stored(point: dict[str, Any]) -> dict[str, Any]:
    """A point as written before; what is no finite number raises."""
    out: dict[str, Any] = {name: point[name] for name in POINT}
    for value in out.values():
        if value is not None and not math.isfinite(value):
            raise ValueError("not a number")
    if any(out[name] is None for name in ("value", "low", "high")):
        raise ValueError("a point without a value")
    return out | {"changed": None if point["changed"] is None else bool(point["changed"])}


def _key(gap: dict[str, Any]) -> tuple[str, ...]:
    sides = (gap["group"], gap["comparator"]["group"])
    return (gap["metric"], *(word for side in sides for pair in side.items() for word in pair))


def _point(side: dict[str, Any], changed: bool | None) -> dict[str, Any] | None:
    if side["value"] is None:
        return None
    return {name: side[name] for name in POINT} | {"changed": changed}
