"""The first numbers of a running audit: counted, and marked as not final."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.audit import Attribute
from metrics.intervals import wilson


def first_numbers(
    attribute: Attribute, decision: NDArray[np.int8], limit: int = 12
) -> dict[str, Any]:
    """Selection rate with its Wilson interval for the largest groups of one attribute."""
    known = attribute.codes >= 0
    size = len(attribute.levels)
    n = np.bincount(attribute.codes[known], minlength=size)
    x = np.bincount(attribute.codes[known & (decision == 1)], minlength=size)
    order = [int(g) for g in np.argsort(-n, kind="stable") if n[g] > 0][:limit]
    low, high = wilson(x[order], n[order])
    return {
        "by": attribute.name,
        "metric": "Selection rate",
        "rows": [
            {
                "label": attribute.levels[g],
                "n": int(n[g]),
                "value": float(x[g] / n[g]),
                "low": float(low[i]),
                "high": float(high[i]),
            }
            for i, g in enumerate(order)
        ],
    }
