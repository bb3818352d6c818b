"""Count where two suggested sensitive columns meet, while the table is inspected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from auditapp.datasets.suggest import plan_defaults
from auditapp.datasets.table import Table

MOST_VALUES = 200
MOST_CELLS = 1000


def pairs(table: Path, profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Count pairs of values for every two of the suggested sensitive columns.

    Parameters
    ----------
    table
        The canonical table.
    profile
        Its profile.

    Returns
    -------
    list of dict
        ``columns``: two names; ``cells``: ``[key, key, people]``. People who are unknown in one
        of the columns are left out, and so are pairs with more than a thousand cells.
    """
    few = {
        column["name"]
        for column in profile["columns"]
        if column["distinct"] <= MOST_VALUES and not column["capped"]
    }
    names = [spec["column"] for spec in plan_defaults(profile)["attributes"]]
    opened = Table.open(table)
    codes = {name: opened.codes(name) for name in names if name in few}
    found = []
    for one, other in combinations(codes, 2):
        cells = _cells(codes[one], codes[other])
        if len(cells) <= MOST_CELLS:
            found.append({"columns": [one, other], "cells": cells})
    return found


def _cells(
    one: tuple[Sequence[str], Any], other: tuple[Sequence[str], Any]
) -> list[tuple[str, str, int]]:
    (first, rows), (second, columns) = one, other
    known = (rows >= 0) & (columns >= 0)
    flat = rows[known].astype(np.int64) * len(second) + columns[known]
    counts = np.bincount(flat, minlength=len(first) * len(second)).tolist()
    return [
        (first[i // len(second)], second[i % len(second)], n) for i, n in enumerate(counts) if n
    ]
