"""What a column's profile suggests, and the groups it would make."""

from __future__ import annotations

from typing import Any

from auditapp.forms.words import bins

Json = dict[str, Any]


def groups_of(column: Json, spec: Json) -> list[tuple[str, int | None]]:
    """Groups that a sensitive column makes, largest first; sizes None where unknown."""
    top = [(item["value"], item["n"]) for item in column.get("top") or []]
    complete = column["distinct"] <= len(top)
    cuts = spec.get("cuts") or []
    if not cuts:
        words = spec.get("words") or column.get("words") or {}
        return [(words.get(value, value), n) for value, n in top]
    found: list[tuple[str, int | None]] = []
    for low, high, words in bins(cuts):
        n = sum(n for value, n in top if low <= _number(value) < high)
        found.append((words, n if complete else None))
    return found


def fits_unit(column: Json) -> bool:
    """Whether every number of the column lies in 0 to 1."""
    low, high = column.get("min"), column.get("max")
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return True
    return low >= 0 and high <= 1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def natural(key: str) -> tuple[int, float, str]:
    """Sort key: numbers by size, then words."""
    number = _number(key)
    return (1, 0.0, key) if number != number else (0, number, key)
