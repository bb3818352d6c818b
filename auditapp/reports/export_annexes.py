"""What the CSV says of annexes: a section module may have ``items(facts, annex)``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from auditapp.regulatory import card
from auditapp.reports.facts import Facts

Row = dict[str, Any]


def items(facts: Facts) -> Iterator[tuple[str, Row]]:
    """Name of the table and the fields of each row, annexes in the order of the report."""
    for annex in facts.doc.get("annexes") or ():
        if "failed" in annex:
            continue
        make = getattr(import_module(card(annex["slug"]).section), "items", None)
        if make is not None:
            yield from ((f"annex-{annex['slug']}", row) for row in make(facts, annex))
