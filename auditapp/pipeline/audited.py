"""What every deeper search may look at: the rows that were measured, and all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.table import Table
from auditapp.plan import Plan
from metrics.audit import Attribute
from metrics.design import Weighted


@dataclass(frozen=True)
class Audited:
    """One audit after its rates were measured.

    N rows are in the table, n of them were measured.

    Parameters
    ----------
    plan, table
        As frozen, and all N rows.
    used : (N,) bool
        Rows that were measured.
    attributes, site, control
        Groups of the n measured rows; None where the plan names no such column.
    label, decision : (n,) int8
        1 favourable, 0 not, 2 abstained, -1 blank.
    score : (n,) float64
        On [0, 1], favourable when high, NaN for none.
    everyone, every_site, every_label, part
        The same columns for all N rows, and the part of the split each row is in
        (`auditapp.datasets.split`), None where nothing was split.
    fitted
        The model trained here (`auditapp.predictors.reference.Fitted`), if one was.
    source : (N,) bool
        Rows of another population, which are not measured; None where the plan names none.
    design
        Weighted counts of the n rows, None where every row counts once.
    job
        As `auditapp.pipeline.execute`.
    tick
        ``tick(share, text)``: how far this search is, 0 to 1. It raises where the audit is to
        stop, so it belongs into every loop.
    """

    plan: Plan
    table: Table
    used: NDArray[np.bool_]
    attributes: list[Attribute]
    label: NDArray[np.int8] | None
    decision: NDArray[np.int8]
    score: NDArray[np.float64] | None
    site: Attribute | None
    control: Attribute | None
    everyone: list[Attribute]
    every_site: Attribute | None
    every_label: NDArray[np.int8] | None
    part: NDArray[np.int8] | None
    job: dict[str, Any]
    tick: Callable[[float, str], None]
    fitted: Any = None
    source: NDArray[np.bool_] | None = None
    design: Weighted | None = None
