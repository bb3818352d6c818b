"""How many networks the settings train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def trainings(settings: Mapping[str, Any]) -> int:
    return 3 * int(settings["trials"]) + 6


def seconds(settings: Mapping[str, Any], rows: int) -> float:
    return 2.0 * trainings(settings) * min(rows, 1000) / 1000
