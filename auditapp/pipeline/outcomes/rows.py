"""Which groups people are in, and which rows are measured: the same for every kind of outcome."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups, split
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.plan import AttributeSpec, Plan
from metrics.audit import Attribute


@dataclass(frozen=True)
class Used:
    """Which rows are measured, and why the others are not."""

    mask: NDArray[np.bool_]
    left_out: list[dict[str, Any]]

    def of(self, attribute: Attribute) -> Attribute:
        """The groups of the measured rows."""
        codes = attribute.codes[self.mask]
        return Attribute(attribute.name, attribute.levels, codes, attribute.reference)


def attributes(plan: Plan, table: Table) -> list[Attribute]:
    """The sensitive columns of every row."""
    return [attribute(table, spec) for spec in plan.attributes]


def attribute(table: Table, spec: AttributeSpec) -> Attribute:
    """A column of groups, every row.

    Raises
    ------
    AuditError
        The column cannot serve, or its reference group is not in it.
    """
    levels, keys, codes = groups.attribute(table, asdict(spec))
    reference = spec.reference
    index: int | None = None
    if reference is not None:
        names = [str(key).casefold() for key in keys]
        words = [level.casefold() for level in levels]
        wanted = reference.strip().casefold()
        index = next((found.index(wanted) for found in (names, words) if wanted in found), None)
        if index is None:
            raise AuditError(
                "unknown-reference",
                f"The reference group “{reference}” is not in column “{spec.column}”.",
                f"Choose one of: {', '.join(levels[:20])}.",
                where="reference",
            )
    return Attribute(spec.column, tuple(levels), codes, index)


def rows_used(
    undecided: NDArray[np.bool_],
    part: NDArray[np.int8] | None,
    source: NDArray[np.bool_] | None = None,
) -> Used:
    """Leave out rows the audited model was fitted on, and rows without a decision.

    Parameters
    ----------
    undecided : (n,) bool
        Rows whose decision, prediction or score is blank.
    part : (n,) int8, optional
        Part of the split each row is in.
    source : (n,) bool, optional
        Rows of another population.

    Raises
    ------
    AuditError
        No row remains.
    """
    n = undecided.size
    fitted = np.zeros(n, dtype=bool) if part is None else part == split.TRAIN
    other = np.zeros(n, dtype=bool) if source is None else source
    undecided = undecided & ~fitted & ~other
    left_out = []
    for code, reason, mask in (
        ("source", "of the population that remedies start from", other),
        ("fit", "used to fit the audited model", fitted),
        ("no-decision", "no decision: the score or decision is blank", undecided),
    ):
        if mask.any():
            left_out.append({"code": code, "reason": reason, "n": int(mask.sum())})
    keep = ~(fitted | undecided | other)
    if not keep.any():
        raise AuditError(
            "no-rows",
            f"None of the {n:,} rows can be measured.",
            "Check that the score or decision column is filled in."
            if undecided.any()
            else "Change the split, so that some rows are left to measure.",
            found="; ".join(f"{item['n']:,} rows: {item['reason']}" for item in left_out),
        )
    return Used(keep, left_out)


def row_facts(table: Table, used: Used, blank: NDArray[np.bool_] | None) -> dict[str, Any]:
    """How uploaded rows reconcile; `blank` are rows without a label."""
    unread = table.left_out
    return {
        "uploaded": table.n_rows + sum(item["n"] for item in unread),
        "used": int(used.mask.sum()),
        "left_out": [*unread, *used.left_out],
        "label_blank": 0 if blank is None else int(blank[used.mask].sum()),
    }
