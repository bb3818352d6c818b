"""Bars for group sizes: widths for SVG, on a log scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets.sizes import Size

WIDTH = 96
NARROW = 40
MOST_COLUMNS = 3
Json = dict[str, Any]


def log_bars(groups: Sequence[Size], floor: int) -> list[Json]:
    """One bar for each group; groups under the floor are marked."""
    top = max((n for _, n in groups if n is not None), default=1)
    return [{"words": words, **_bar(n, top, floor, WIDTH)} for words, n in groups]


def cross_bars(
    rows: Sequence[Size],
    columns: Sequence[Size],
    cells: Mapping[tuple[str, str], int],
    floor: int,
) -> Json:
    """Where two columns meet: a row for each group of one, largest first, a bar for each pair."""
    total: Counter[str] = Counter()
    for (row, _), n in cells.items():
        total[row] += n
    order = sorted((words for words, _ in rows), key=lambda words: -total[words])
    top = max(cells.values(), default=1)
    names = [words for words, _ in columns]
    found = [n for n in cells.values() if n]
    return {
        "columns": names,
        "rows": [
            {
                "words": row,
                "cells": [_bar(cells.get((row, name), 0), top, floor, NARROW) for name in names],
            }
            for row in order
        ],
        "under": sum(n < floor for n in found),
        "of": len(found),
    }


def _bar(n: int | None, top: int, floor: int, width: int) -> Json:
    scale = math.log10(max(top, 10))
    share = 0.0 if not n else math.log10(max(n, 1.6)) / scale
    return {
        "n": n,
        "below": n is not None and n < floor,
        "width": round(max(width * share, 2), 1) if n else 0,
    }
