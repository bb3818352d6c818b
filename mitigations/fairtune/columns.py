"""Columns of a table as a network's inputs: as it learnt them, whatever codes a table has now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Column, MethodError

Json = dict[str, Any]
Floats = NDArray[np.float64]

#: Levels of one column that get an embedding of their own; rarer ones share that of unknown.
MOST_LEVELS = 5000
#: Rows that a level needs in the population the network is trained on.
FEWEST_ROWS = 3


@dataclass(frozen=True)
class Place:
    """Where a network finds one of its columns.

    Parameters
    ----------
    slot
        In `Part.x`.
    kind
        ``number``: a number as it is; ``number-of-code``: `table` holds the number of each code,
        NaN for none; ``row-of-code``: `table` holds the embedding row of each code;
        ``row-of-number``: the rows 1, 2, ... are those of the numbers in `table`.
    table
        See `kind`.
    """

    slot: int
    kind: str
    table: tuple[float, ...] = ()

    def state(self) -> Json:
        """As JSON types; no number stands for NaN."""
        table = [None if np.isnan(value) else value for value in self.table]
        return {"slot": self.slot, "kind": self.kind, "table": table}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Place:
        """The place of a state."""
        table = tuple(np.nan if value is None else float(value) for value in state["table"])
        return cls(int(state["slot"]), str(state["kind"]), table)

    def of(self, x: NDArray[np.float32]) -> Floats:
        """Numbers with NaN for blank, or embedding rows with 0 for blank and unknown, (n,)."""
        values = x[:, self.slot].astype(np.float64)
        known = np.isfinite(values)
        if self.kind == "number":
            return np.where(known, values, np.nan)
        if self.kind == "row-of-number":
            return np.asarray(self._row_of_number(values, known))
        table = np.array([*self.table, np.nan if self.kind == "number-of-code" else 0.0])
        codes = np.where(known, values, -1).astype(np.int64)
        last = len(self.table)
        return table[np.where((codes < 0) | (codes >= last), last, codes)]

    def _row_of_number(self, values: Floats, known: NDArray[np.bool_]) -> Floats:
        numbers = np.array(self.table)
        order = np.argsort(numbers, kind="stable")
        wanted = np.where(known, values, 0.0)
        at = np.searchsorted(numbers[order], wanted).clip(0, max(numbers.size - 1, 0))
        if numbers.size == 0:
            return np.zeros(values.size)
        found = order[at]
        return np.where(known & (numbers[found] == wanted), found + 1.0, 0.0)


def places(config: Mapping[str, Any], columns: Sequence[Column]) -> tuple[Place, ...]:
    """Where the columns of a network are among those of a table.

    Raises
    ------
    MethodError
        ``missing-column``.
    """
    by_name = {column.name: column for column in columns}
    missing = [c["name"] for c in config["columns"] if c["name"] not in by_name]
    if missing:
        raise MethodError(
            "missing-column",
            f"The network reads {len(config['columns'])} columns, and {len(missing)} of them are "
            f"not among the inputs: {', '.join(str(m)[:40] for m in missing[:5])}.",
            "Give the columns the role feature, with the names that the network knows.",
        )
    return tuple(_place(wanted, by_name[wanted["name"]]) for wanted in config["columns"])


def _place(wanted: Mapping[str, Any], column: Column) -> Place:
    coded = bool(column.levels) or column.kind == "categorical"
    if wanted["kind"] == "numeric":
        if not coded:
            return Place(column.slot, "number")
        return Place(column.slot, "number-of-code", tuple(map(_number, texts(column))))
    rows = {level: float(i + 1) for i, level in enumerate(wanted["levels"])}
    if not coded:
        numbers = [_number(level) for level in rows]
        first = [v if v not in numbers[:i] else np.nan for i, v in enumerate(numbers)]
        return Place(column.slot, "row-of-number", tuple(first))
    keys, words = texts(column), column.levels
    found = [rows.get(key, rows.get(word, 0.0)) for key, word in zip(keys, words, strict=True)]
    return Place(column.slot, "row-of-code", tuple(found))


def texts(column: Column) -> tuple[str, ...]:
    """The levels of a column as its table writes them."""
    return column.keys if column.keys else column.levels


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


def encode(
    config: Mapping[str, Any], where: Sequence[Place], x: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Inputs of a network for tables.

    Returns
    -------
    numbers : (n, 2 k) float32
        Standardised, 0 for blank; then 1 where it was blank.
    codes : (n, c) int64
        Embedding rows, 0 for blank and unknown.
    """
    numbers, blanks, codes = [], [], []
    for wanted, place in zip(config["columns"], where, strict=True):
        values = place.of(x)
        if wanted["kind"] == "categorical":
            codes.append(values.astype(np.int64))
            continue
        blank = np.isnan(values)
        scaled = (values - float(wanted["mean"])) / float(wanted["sd"])
        numbers.append(np.where(blank, 0.0, scaled).astype(np.float32))
        blanks.append(blank.astype(np.float32))
    n = len(x)
    return (
        np.stack([*numbers, *blanks], axis=1) if numbers else np.zeros((n, 0), np.float32),
        np.stack(codes, axis=1) if codes else np.zeros((n, 0), np.int64),
    )


def learn(columns: Sequence[Column], x: NDArray[np.float32]) -> list[Json]:
    """Columns of a config from the rows that a network is about to be trained on."""
    out: list[Json] = []
    for column in columns:
        values = x[:, column.slot].astype(np.float64)
        known = values[np.isfinite(values)]
        if column.levels or column.kind == "categorical":
            out.append(_levels(column, known))
            continue
        sd = float(known.std()) if known.size else 0.0
        mean = float(known.mean()) if known.size else 0.0
        facts = {"mean": round(mean, 9), "sd": round(sd, 9) if sd > 1e-9 else 1.0}
        out.append({"name": column.name, "kind": "numeric", **facts})
    return out


def _levels(column: Column, known: Floats) -> Json:
    codes, n = np.unique(known.astype(np.int64), return_counts=True)
    order = np.lexsort((codes, -n))[:MOST_LEVELS]
    names = texts(column)
    kept = [int(codes[i]) for i in order if n[i] >= FEWEST_ROWS and codes[i] < len(names)]
    levels = list(dict.fromkeys(names[code] for code in sorted(kept)))
    return {"name": column.name, "kind": "categorical", "levels": levels}
