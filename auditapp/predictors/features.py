"""Turn columns of the table into inputs of a reference model; learnt on the training rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditapp.errors import AuditError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from auditapp.datasets.table import Table

#: numbers with at most this many different values are levels, unless the profile says otherwise
FEW = 20
#: levels of a one-hot column; the rarer ones share one
MOST_LEVELS = 100
#: levels a boosted tree can tell apart
MOST_TREE_LEVELS = 250


@dataclass(frozen=True)
class Column:
    """One feature of the table.

    Parameters
    ----------
    name
        Name in the table.
    values : (n,) float64 array or None
        Numbers with NaN for blank; None for a categorical column.
    codes : (n,) int32 array or None
        Levels by descending frequency in the training rows, ``levels`` for the rare ones and
        ``levels + 1`` for blank; None for a numeric column.
    levels
        Number of levels kept.
    merged
        Number of rare levels that share one code.
    """

    name: str
    values: NDArray[np.float64] | None
    codes: NDArray[np.int32] | None
    levels: int = 0
    merged: int = 0


def read(
    table: Table, features: list[str], train: NDArray[np.bool_], *, most_levels: int
) -> tuple[list[Column], list[str]]:
    """Read the features; leave out those with a single value in the training rows.

    Returns
    -------
    columns : list of Column
    left_out : list of str
        Names of columns that hold nothing to learn from.
    """
    kinds = _kinds(table)
    columns = [
        _read(table, name, train, kind=kinds.get(name), most_levels=most_levels)
        for name in features
    ]
    used = [column for column in columns if _varies(column, train)]
    if not used:
        raise AuditError(
            "no-features",
            f"None of the {len(features):,} feature columns varies among the rows to train on.",
            "Choose other feature columns.",
        )
    kept = {column.name for column in used}
    return used, [name for name in features if name not in kept]


def extended(column: Column, keep: NDArray[np.intp], new: NDArray[np.float64]) -> Column:
    """Some rows of a column followed by new ones: numbers or codes, NaN for blank."""
    if column.codes is None:
        values = np.concatenate([np.asarray(column.values)[keep], new.astype(np.float64)])
        return Column(column.name, values, None)
    codes = np.where(np.isfinite(new), new, column.levels + 1).astype(np.int32)
    joined = np.concatenate([column.codes[keep], codes])
    return Column(column.name, None, joined, column.levels, column.merged)


def _kinds(table: Table) -> dict[str, str]:
    path = table.path.parent / "profile.json"
    if not path.is_file():
        return {}
    return {column["name"]: column["kind"] for column in json.loads(path.read_text())["columns"]}


def _read(
    table: Table, name: str, train: NDArray[np.bool_], *, kind: str | None, most_levels: int
) -> Column:
    if kind == "numeric":
        return Column(name, table.numbers(name), None)
    levels, codes = table.codes(name)
    if kind is None and len(levels) > FEW and _numeric(table, name):
        return Column(name, table.numbers(name), None)
    counts = np.bincount(codes[train & (codes >= 0)], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")
    seen = int(np.count_nonzero(counts))
    kept = seen if seen <= most_levels else most_levels - 1
    rank = np.full(len(levels) + 1, kept, dtype=np.int32)
    rank[order[:kept]] = np.arange(kept)
    rank[-1] = kept + 1
    return Column(name, None, rank[codes], kept, len(levels) - kept)


def _numeric(table: Table, name: str) -> bool:
    try:
        table.numbers(name)
    except AuditError:
        return False
    return True


def _varies(column: Column, train: NDArray[np.bool_]) -> bool:
    if column.codes is not None:
        part = column.codes[train]
        return bool(part.size and (part != part[0]).any())
    values = np.asarray(column.values)[train]
    known = values[np.isfinite(values)]
    varies = bool(known.size and known.min() < known.max())
    return varies or 0 < known.size < values.size


def sparse(columns: list[Column], train: NDArray[np.bool_]) -> csr_matrix:
    """Build the design of a linear model: standardised numbers and one-hot levels.

    A number that is blank becomes the mean of the training rows and, where the training rows
    have such blanks, a column of its own says so.

    Returns
    -------
    (n, p) csr_matrix of float64
    """
    from scipy.sparse import csr_matrix

    data: list[NDArray[np.float64]] = []
    place: list[NDArray[np.int32]] = []
    width = 0
    n = train.size
    for column in columns:
        if column.codes is not None:
            place.append(column.codes + np.int32(width))
            data.append(np.ones(n))
            width += column.levels + 2
            continue
        values, blank = _standardised(np.asarray(column.values), train)
        place.append(np.full(n, width, dtype=np.int32))
        data.append(values)
        width += 1
        if (blank & train).any():
            place.append(np.full(n, width, dtype=np.int32))
            data.append(blank.astype(np.float64))
            width += 1
    filled = len(place)
    pointer = np.arange(0, n * filled + 1, filled, dtype=np.int32 if n * filled < 2**31 else int)
    values = np.stack(data, axis=1).ravel()
    indices = np.stack(place, axis=1).ravel()
    return csr_matrix((values, indices, pointer), shape=(n, width))


def _standardised(
    values: NDArray[np.float64], train: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    blank = ~np.isfinite(values)
    known = values[train & ~blank]
    mean, spread = (float(known.mean()), float(known.std())) if known.size else (0.0, 0.0)
    scaled = (values - mean) / (spread if spread > 0 else 1.0)
    # Far outliers of rows that were not trained on would otherwise overflow the exponential.
    return np.where(blank, 0.0, np.clip(scaled, -50.0, 50.0)), blank


def dense(columns: list[Column]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Build the inputs of boosted trees: numbers with NaN, and codes of levels.

    Returns
    -------
    values : (n, d) float64 array
    categorical : (d,) bool array
    """
    stacked = [column.values if column.codes is None else column.codes for column in columns]
    values = np.stack([np.asarray(part, dtype=np.float64) for part in stacked], axis=1)
    return values, np.array([column.codes is not None for column in columns])
