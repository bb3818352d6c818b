"""Which workers a plan is for, and whether several may share its searches."""

from __future__ import annotations

from typing import Any, Literal

from mitigations.catalogue import Entry, entry

Lane = Literal["cpu", "gpu"]


def lane_of(plan: dict[str, Any]) -> Lane:
    """``gpu`` where one of the chosen remedies wants one."""
    return "gpu" if any(item.card.lane == "gpu" for item in _chosen(plan)) else "cpu"


def is_helped(plan: dict[str, Any]) -> bool:
    """Whether one of the chosen remedies opens searches that other workers may join."""
    return any(item.card.helped for item in _chosen(plan))


def _chosen(plan: dict[str, Any]) -> list[Entry]:
    found = (entry(str(spec["slug"])) for spec in plan.get("methods") or ())
    return [item for item in found if item is not None]
