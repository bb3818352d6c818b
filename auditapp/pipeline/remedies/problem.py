"""From an audit to what a remedy is given: parts, columns, the protected axis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.remedies import keys
from auditapp.pipeline.remedies.asking import ask
from auditapp.pipeline.remedies.inputs import Inputs, read
from metrics.audit import Attribute
from mitigations.blobs import Chosen
from mitigations.contract import Part, Problem


@dataclass(frozen=True)
class Prepared:
    """A problem, and the rows that no remedy sees.

    Parameters
    ----------
    problem
        What remedies are given; its parts carry the audited decisions.
    audit
        The rows they are judged on.
    attribute
        The protected axis, n measured rows.
    inputs
        Columns behind `Part.x`.
    rows
        People in each part.
    """

    problem: Problem
    audit: Part
    attribute: Attribute
    inputs: Inputs
    rows: dict[str, int]


def prepare(audited: Audited) -> Prepared:
    """Split, read the inputs, and lay rows out in parts."""
    plan = audited.plan
    parts = _parts(audited)
    decided = audited.used | (parts == split.TRAIN)
    inputs = read(audited, (parts == split.TRAIN) & decided)
    everyone = _everyone(audited, inputs, parts)
    source = audited.source
    names = [attribute.column for attribute in plan.attributes]
    place = 0 if plan.protect is None else names.index(plan.protect)
    masks = {
        name: (parts == code) & decided
        for name, code in (("train", split.TRAIN), ("valid", split.VALID), ("audit", split.AUDIT))
    }
    made = {name: everyone.take(np.flatnonzero(mask)) for name, mask in masks.items()}
    if audited.part is not None and (audited.part == split.TRAIN).any():
        made["train"] = _unscored(made["train"])
    problem = Problem(
        train=made["train"],
        valid=made["valid"],
        columns=inputs.columns,
        group_names=audited.everyone[place].levels,
        axis_names={
            a.column: e.levels for a, e in zip(plan.attributes, audited.everyone, strict=True)
        },
        group_floor=plan.floor,
        threshold=_threshold(audited),
        cost=((0.0, plan.cost[0]), (plan.cost[1], 0.0)),
        goal=plan.goal,
        tolerance=plan.tolerance,
        predict=ask(audited, inputs),
        checkpoint=_checkpoint(audited),
        source=None if source is None else everyone.take(np.flatnonzero(source)),
    )
    rows = {name: int(mask.sum()) for name, mask in masks.items()}
    rows["unused"] = int(len(parts) - sum(rows.values()))
    return Prepared(problem, made["audit"], audited.attributes[place], inputs, rows)


def _parts(audited: Audited) -> NDArray[np.int8]:
    """The split of the plan; every row has a part, whoever fitted the audited model."""
    if audited.part is not None:
        return audited.part
    source = audited.source
    plan, table = audited.plan, audited.table
    layers = [attribute.codes for attribute in audited.everyone]
    if audited.every_label is not None:
        layers.insert(0, audited.every_label)
    unit = None if plan.unit is None else table.units(plan.unit)
    shares = plan.split.shares
    if source is not None:
        layers.append(source.astype(np.int8))
    dealt = split.seeded(table.n_rows, shares=shares, seed=plan.seed, strata=layers, unit=unit)
    return dealt if source is None else np.where(source, split.SOURCE, dealt).astype(np.int8)


def _everyone(audited: Audited, inputs: Inputs, parts: NDArray[np.int8]) -> Part:
    plan, table = audited.plan, audited.table
    n = table.n_rows
    decision = np.full(n, -1, dtype=np.int8)
    decision[audited.used] = audited.decision
    score: Any = None
    if audited.score is not None:
        score = np.full(n, np.nan)
        score[audited.used] = audited.score
    names = [attribute.column for attribute in plan.attributes]
    codes = {a.column: e.codes for a, e in zip(plan.attributes, audited.everyone, strict=True)}
    protect = names[0] if plan.protect is None else plan.protect
    site = audited.every_site
    images = table.images
    return Part(
        x=inputs.x,
        group=codes[protect].astype(np.int32),
        groups={name: code.astype(np.int32) for name, code in codes.items()},
        y=audited.every_label,
        score=score,
        decision=decision,
        weight=_weight(audited),
        site=None if site is None else site.codes.astype(np.int32),
        unit=None if plan.unit is None else np.asarray(table.units(plan.unit), dtype=np.int64),
        row_key=keys.of(table, [*(c.name for c in inputs.columns), *names]),
        blobs={} if images is None else {"image": cast(Any, Chosen.all(images))},
    )


def _weight(audited: Audited) -> NDArray[np.float64] | None:
    """Survey weight of every row; a blank one counts nobody."""
    weights = audited.plan.weights
    if weights is None:
        return None
    return np.maximum(np.nan_to_num(audited.table.numbers(weights.column)), 0.0)


def _unscored(part: Part) -> Part:
    """Rows the audited model was fitted on: their scores flatter it, so nobody gets them."""
    out = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return Part(**{**out, "score": None, "decision": None})


def _checkpoint(audited: Audited) -> Path | None:
    """The network to start from: the one that was given for it, else the audited one."""
    given = audited.job.get("checkpoint_path")
    if given is None and audited.plan.model.kind == "network":
        given = audited.job["model_path"]
    return None if given is None else Path(given)


def _threshold(audited: Audited) -> float:
    """The smallest score that is chosen: remedies cut at ``score >= threshold``.

    Of a risk score the boundary itself is not chosen, so the smallest is the next number above.
    """
    from auditapp.pipeline.outcomes.binary import threshold

    plan = audited.plan
    at = threshold(plan)
    risk = plan.score is not None and not plan.score.favourable
    return float(np.nextafter(at, np.inf)) if risk else at
