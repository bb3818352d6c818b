"""What the CSV says of remedies: every setting with its gap, its accuracy and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditapp.reports.facts import Facts
from auditapp.reports.tradeoff_facts import Tradeoff, tradeoff

Row = dict[str, Any]

TOTALS = ("disparity", "accuracy", "coverage")
MOVES = ("up", "down", "to_human")


def items(facts: Facts) -> Iterator[tuple[str, Row]]:
    """Name of the table and the fields of each row."""
    t = tradeoff(facts)
    if t is None:
        return
    head = {"by": [str(t.doc["protect"])], "group": {}}
    yield from _point(t, head | {"kind": "now", "note": "Now"}, t.baseline)
    for setting in t.settings:
        named = {"kind": "/".join(setting.key), "note": setting.name}
        yield from _point(t, head | named, setting.point)
    for bound in t.doc.get("bound") or []:
        for gap, most in bound["points"]:
            said = f"gap of at most {gap!r}"
            row = {"metric": "best-accuracy", "kind": bound["rule"], "value": most, "note": said}
            yield "tradeoffs", head | row


def _point(t: Tradeoff, head: Row, point: Row) -> Iterator[tuple[str, Row]]:
    everybody = head | {"by": []}
    for key in TOTALS:
        found = point.get(key) or {}
        row = {k: found.get(k) for k in ("value", "low", "high")}
        yield "tradeoffs", (head if key == "disparity" else everybody) | row | {"metric": key}
    column = str(t.doc["protect"])

    def of(group: str | None) -> Row:
        return everybody if group is None else head | {"group": {column: group}}

    for rate in point.get("rates") or []:
        kept = ("metric", "n", "numerator", "denominator", "value", "low", "high")
        if rate["group"] is not None or rate["metric"] != "accuracy":
            yield "tradeoffs", of(rate["group"]) | {k: rate[k] for k in kept}
    for pair in point.get("paired") or []:
        if pair["diff"] is not None:
            numbers = {"n": pair["n"], "value": pair["diff"]}
            numbers |= {"low": pair["low"], "high": pair["high"]}
            yield "tradeoffs", of(pair["group"]) | numbers | {"metric": "accuracy-change"}
    for move in point.get("changed") or []:
        for key in MOVES:
            numbers = {"metric": f"changed-{key.replace('_', '-')}", "n": move["n"]}
            yield "tradeoffs", of(move["group"]) | numbers | {"numerator": move[key]}
