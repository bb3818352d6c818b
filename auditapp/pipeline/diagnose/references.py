"""The audited decisions beside other decisions on the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.datasets.keys import folded
from auditapp.datasets.table import Table
from auditapp.pipeline.audited import Audited
from metrics.references import references_section


def run(audited: Audited) -> list[dict[str, Any]] | None:
    """One record for each sensitive column."""
    plan = audited.plan
    if plan.references is None:
        return None
    names, favourable = plan.references.columns, plan.references.favourable
    given = np.full((len(names), int(audited.used.sum())), -1, dtype=np.int8)
    for i, name in enumerate(names):
        audited.tick(i / len(names), f"{i + 1:,} of {len(names):,}")
        given[i] = _decided(audited.table, name, favourable)[audited.used]
    label = audited.label
    known = np.full(given.shape[1], -1, dtype=np.int8) if label is None else label
    decision = np.where(audited.decision > 1, -1, audited.decision)
    found = [
        references_section(a, known, decision, given, names=names, floor=plan.floor)
        for a in audited.attributes
    ]
    if label is None:
        for record in found:
            record["undefined"] = "no-label"
    return found


def _decided(table: Table, column: str, favourable: tuple[str, ...]) -> NDArray[np.int8]:
    """1 where favourable; columns may write it differently, so each needs one of the values."""
    present = {folded(level) for level in table.codes(column)[0]}
    if not present:  # every id of this decider may be on rows of other people
        return np.full(table.n_rows, -1, dtype=np.int8)
    own = [value for value in favourable if folded(value) in present]
    return groups.binary(table, column, own if own else favourable)
