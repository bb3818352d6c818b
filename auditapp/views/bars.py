"""Bars for group sizes: widths for SVG, on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTH = 96


def log_bars(groups: Sequence[tuple[str, int | None]], floor: int) -> list[dict[str, Any]]:
    """One bar for each group; groups under the floor are marked."""
    top = max((n for _, n in groups if n is not None), default=1)
    scale = math.log10(max(top, 10))
    return [
        {
            "words": words,
            "n": n,
            "below": n is not None and n < floor,
            "width": 0 if not n else round(max(WIDTH * math.log10(max(n, 1.6)) / scale, 2), 1),
        }
        for words, n in groups
    ]
