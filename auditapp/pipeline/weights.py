"""Survey weights of the measured rows, as the measuring side takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.split import stream
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.plan import Weights
from metrics import design
from metrics.count import count
from metrics.groups import Attribute

Floats = NDArray[np.float64]


def weighted(
    audited: Audited, intersections: int, tick: Callable[[float, str], None]
) -> design.Weighted | None:
    """Weighted counts of the measured rows; None where every row counts once.

    Raises
    ------
    AuditError
        A weight is blank or negative, or all are 0.
    """
    plan = audited.plan
    if plan.weights is None:
        return None
    weight = of_rows(audited)
    columns = plan.weights.replicates
    if columns:
        scheme = scheme_of(plan.weights)
        replicates = _columns(audited, columns, tick)
    else:
        unit = None if plan.unit is None else audited.table.units(plan.unit)[audited.used]
        kind: design.Kind = "rows" if unit is None else "clusters"
        many = len(weight) if unit is None else int(design.units(len(unit), unit).max()) + 1
        scheme = design.Scheme.drawn(kind, many)
        replicates = _drawn(audited, weight, unit, tick)
    return design.weigh(
        audited.attributes,
        label=audited.label,
        decision=audited.decision,
        weight=weight,
        replicates=replicates,
        scheme=scheme,
        intersections=intersections,
        score=audited.score,
    )


def effect_of(audited: Audited, attribute: Attribute, metrics: Sequence[str]) -> float:
    """Largest mean design effect of some rates over the groups of an attribute, at least 1."""
    if audited.design is None:
        return 1.0
    label = audited.label
    table = count(
        [attribute], label=label, decision=audited.decision, intersections=1
    ).outcome_groups((attribute.name,))
    floor = audited.plan.denominator_floor
    return max(audited.design.effect(table, metric, floor) for metric in metrics)


def scheme_of(weights: Weights) -> design.Scheme:
    """How estimates with these replicate weights make a variance."""
    count = len(weights.replicates)
    factor = {
        "sdr": 4.0 / count,
        "brr": 1.0 / count,
        "bootstrap": 1.0 / count,
        "jackknife": (count - 1.0) / count,
    }[weights.method]
    return design.Scheme("replicates", factor, count - 1.0)


def of_rows(audited: Audited) -> Floats:
    """Weight of each measured row."""
    assert audited.plan.weights is not None
    column = audited.plan.weights.column
    weight = audited.table.numbers(column)[audited.used]
    for code, mask, words in (
        ("weight-blank", ~np.isfinite(weight), "no weight"),
        ("weight-negative", weight < 0, "a weight below 0"),
    ):
        if mask.any():
            row = int(np.flatnonzero(audited.used)[np.flatnonzero(mask)[0]]) + 1
            raise AuditError(
                code,
                f"{counted(int(mask.sum()), 'row')} {'has' if mask.sum() == 1 else 'have'} {words}"
                f" in column “{column}”.",
                "Give every row a weight of 0 or more; only replicate weights may be negative.",
                where=f"first in data row {row:,}",
            )
    if not weight.any():
        raise AuditError(
            "weights-zero",
            f"All weights in column “{column}” are 0.",
            "Choose the column that says how many people a row stands for.",
            where=f"column {column}",
        )
    return np.asarray(weight, dtype=np.float64)


def _columns(
    audited: Audited, columns: tuple[str, ...], tick: Callable[[float, str], None]
) -> Iterator[Floats]:
    for done, column in enumerate(columns):
        tick(done / len(columns), f"replicate weights, {done + 1} of {len(columns)}")
        values = audited.table.numbers(column)[audited.used]
        if not np.isfinite(values).all():
            raise AuditError(
                "replicate-blank",
                f"Column “{column}” of replicate weights is blank or no number in "
                f"{counted(int((~np.isfinite(values)).sum()), 'row')}.",
                "Give the file as the survey published it, or leave the replicate weights out: "
                "households are then drawn anew.",
                where=f"column {column}",
            )
        yield np.asarray(values, dtype=np.float64)


def _drawn(
    audited: Audited, weight: Floats, unit: Any, tick: Callable[[float, str], None]
) -> Iterator[Floats]:
    rng = stream("survey/1", audited.plan.seed)
    for done, sample in enumerate(design.drawn(weight, unit, rng)):
        if done % 20 == 0:
            tick(done / design.DRAWS, f"drawing households, {done} of {design.DRAWS}")
        yield sample
