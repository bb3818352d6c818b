"""What is compared: a metric, of one class where decisions choose among several."""

from __future__ import annotations

from typing import Any

#: Parts a metric from its class. No metric holds it, so a class may.
OF = "/"


def of(metric: str, name: str | None) -> str:
    """The one word under which a report looks a metric of a class up."""
    return metric if name is None else f"{metric}{OF}{name}"


def metric_of(measure: str) -> str:
    return measure.partition(OF)[0]


def class_of(measure: str) -> str | None:
    """The class a measure is about, None for all together."""
    _, parted, name = measure.partition(OF)
    return name if parted else None


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with the class as a part of their metric."""
    return [
        row if row.get("class") is None else {**row, "metric": of(row["metric"], row["class"])}
        for row in rows
    ]
