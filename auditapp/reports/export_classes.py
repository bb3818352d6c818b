"""Which class was taken for which, as rows of tables.csv."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditapp.reports.facts import Facts

Row = dict[str, Any]


def confusion(facts: Facts) -> Iterator[Row]:
    """Every group's people by recorded class, as shares of the class predicted for them."""
    for item in facts.special.get("confusion") or []:
        for recorded, counts in zip(facts.classes, item["counts"] or [], strict=False):
            total = sum(counts)
            for predicted, n in zip(facts.classes, counts, strict=True):
                yield {
                    "by": item["by"],
                    "group": item["group"],
                    "metric": "confusion",
                    "class": recorded,
                    "n": item["n"],
                    "numerator": n,
                    "denominator": total,
                    "value": n / total if total else None,
                    "note": f"predicted as {predicted}",
                }
