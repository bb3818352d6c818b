"""The columns a remedy may look at, as numbers and codes, and how they turn back into a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets.suggest import may_be_feature
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.plan import Plan
from auditapp.predictors import features
from mitigations.contract import Column

#: Levels of a column that keep a code of their own where a model is asked by value.
MOST_LEVELS = 10_000
#: What rare levels that share a code are called: no value of a table, which has no line breaks.
OTHER = "\nother"


@dataclass(frozen=True)
class Inputs:
    """Input columns of all N rows.

    Parameters
    ----------
    x : (N, d) float32
        Numbers, or codes of levels; NaN for blank.
    columns
        What the slots are.
    keys
        For each slot the values that codes stand for, as the table writes them; none for numbers.
    """

    x: NDArray[np.float32]
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...]


def read(audited: Audited, train: NDArray[np.bool_]) -> Inputs:
    """The inputs of the audited model, else the columns that may describe people."""
    plan, table = audited.plan, audited.table
    if audited.fitted is not None:
        return _of(audited, audited.fitted.columns)
    names = _names(audited)
    if not names:
        return Inputs(np.zeros((table.n_rows, 0), np.float32), (), ())
    most = features.MOST_TREE_LEVELS if plan.model.kind == "columns" else MOST_LEVELS
    try:
        found, _ = features.read(table, names, train, most_levels=most)
    except AuditError:
        return Inputs(np.zeros((table.n_rows, 0), np.float32), (), ())
    return _of(audited, found)


def _names(audited: Audited) -> list[str]:
    plan = audited.plan
    if plan.features is not None:
        return list(plan.features)
    profile = audited.job.get("model_profile")
    if plan.model.kind != "columns" and profile is not None and profile.get("features"):
        return list(profile["features"])
    taken = _taken(plan)
    columns = json.loads((audited.table.path.parent / "profile.json").read_text())["columns"]
    return [c["name"] for c in columns if c["name"] not in taken and may_be_feature(c)]


def _taken(plan: Plan) -> set[str]:
    outcomes = (plan.label, plan.decision, plan.gold)
    taken = {outcome.column for outcome in outcomes if outcome is not None}
    taken |= {attribute.column for attribute in plan.attributes}
    taken |= {spec.column for spec in (plan.site,) if spec is not None}
    taken |= {name for name in (plan.unit, plan.query, plan.split.column) if name is not None}
    if plan.source is not None:
        taken.add(plan.source.column)
    if plan.weights is not None:
        taken |= {plan.weights.column, *plan.weights.replicates}
    if plan.score is not None and plan.score.column is not None:
        taken.add(plan.score.column)
    return taken | set(plan.references.columns if plan.references is not None else ())


def _of(audited: Audited, found: list[features.Column]) -> Inputs:
    plan, table = audited.plan, audited.table
    sensitive = {attribute.column for attribute in plan.attributes}
    words = _words(table)
    x = np.empty((table.n_rows, len(found)), np.float32)
    columns, keys = [], []
    for slot, column in enumerate(found):
        names = () if column.codes is None else _keys(table, column)
        if column.codes is None:
            x[:, slot] = np.asarray(column.values)
        else:
            blank = column.codes == column.levels + 1
            x[:, slot] = np.where(blank, np.nan, column.codes)
        columns.append(
            Column(
                name=column.name,
                kind="numeric" if column.codes is None else "categorical",
                levels=tuple(words.get(column.name, {}).get(key, key.strip()) for key in names),
                slot=slot,
                sensitive=column.name in sensitive,
                immutable=column.name in sensitive or column.name in plan.immutable,
                keys=tuple(key.strip() for key in names),
            )
        )
        keys.append(names)
    return Inputs(x, tuple(columns), tuple(keys))


def _keys(table: Table, column: features.Column) -> tuple[str, ...]:
    """Values behind the codes of a column; rare ones that share a code are `OTHER`."""
    levels, codes = table.codes(column.name)
    assert column.codes is not None
    size = column.levels + (1 if column.merged else 0)
    out = [OTHER] * size
    known = codes >= 0
    pairs = np.unique(np.stack([codes[known], column.codes[known]], axis=1), axis=0)
    for level, code in pairs.tolist():
        if code < column.levels:
            out[code] = levels[level]
    return tuple(out)


def _words(table: Table) -> dict[str, Mapping[str, str]]:
    path = table.path.parent / "profile.json"
    columns: list[dict[str, Any]] = json.loads(path.read_text())["columns"]
    return {c["name"]: c["words"] for c in columns if c.get("words")}
