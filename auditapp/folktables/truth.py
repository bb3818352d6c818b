"""What a condition says about a batch of rows.

Blank cells are neither above nor below anything: a comparison with one is unknown, and ``and``,
``or`` and ``not`` follow from it as in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auditapp.folktables.nodes import (
    Arithmetic,
    Blank,
    Column,
    Comparison,
    Condition,
    Every,
    Member,
    Not,
    Number,
    Some,
    Text,
    Value,
)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Columns(Protocol):
    """Columns of one batch of rows."""

    def numbers(self, name: str) -> Floats:
        """A column as numbers, NaN where blank."""
        ...

    def texts(self, name: str) -> NDArray[np.object_]:
        """A column as trimmed text, None where blank."""
        ...

    def blank(self, name: str) -> Bools:
        """Rows of a column without a value."""
        ...


@dataclass(frozen=True)
class Truth:
    """Which rows a condition holds for, and which it can be answered for: (n,) bool both."""

    true: Bools
    known: Bools


def evaluate(node: Condition, columns: Columns) -> Truth:
    """Answer a condition for a batch of rows.

    Raises
    ------
    AuditError
        Whatever `columns` raises for a name it does not have.
    """
    if isinstance(node, Every):
        parts = [evaluate(part, columns) for part in node.parts]
        false = _any([part.known & ~part.true for part in parts])
        true = ~_any([~part.true for part in parts])
        return Truth(true, true | false)
    if isinstance(node, Some):
        parts = [evaluate(part, columns) for part in node.parts]
        true = _any([part.true for part in parts])
        return Truth(true, true | ~_any([~part.known for part in parts]))
    if isinstance(node, Not):
        of = evaluate(node.of, columns)
        return Truth(of.known & ~of.true, of.known)
    if isinstance(node, Blank):
        blank = columns.blank(node.of.name)
        return Truth(blank, np.ones(blank.shape, dtype=bool))
    if isinstance(node, Member):
        return _member(node, columns)
    return _compared(node, columns)


def _any(parts: list[Bools]) -> Bools:
    return np.asarray(np.logical_or.reduce(parts), dtype=bool)


def _member(node: Member, columns: Columns) -> Truth:
    if isinstance(node.values[0], Text):
        assert isinstance(node.of, Column)
        texts = columns.texts(node.of.name)
        known = ~columns.blank(node.of.name)
        wanted = {value.value for value in node.values}
        return Truth(np.array([text in wanted for text in texts], dtype=bool) & known, known)
    of = _numbers(node.of, columns)
    known = ~np.isnan(of)
    return Truth(np.isin(of, [value.value for value in node.values]) & known, known)


def _compared(node: Comparison, columns: Columns) -> Truth:
    if isinstance(node.right, Text):
        assert isinstance(node.left, Column)
        texts = columns.texts(node.left.name)
        known = ~columns.blank(node.left.name)
        same = np.array([text == node.right.value for text in texts], dtype=bool)
        return Truth((same if node.sign == "==" else ~same) & known, known)
    left, right = _numbers(node.left, columns), _numbers(node.right, columns)
    known = ~(np.isnan(left) | np.isnan(right))
    ways = {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }
    return Truth(np.asarray(ways[node.sign](left, right), dtype=bool) & known, known)


def _numbers(node: Value, columns: Columns) -> Floats:
    """Values of a number, column or sum; what is divided by 0 is blank."""
    if isinstance(node, Number):
        return np.asarray(node.value, dtype=np.float64)
    if isinstance(node, Column):
        return columns.numbers(node.name)
    assert isinstance(node, Arithmetic)
    left, right = _numbers(node.left, columns), _numbers(node.right, columns)
    ways = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    with np.errstate(all="ignore"):
        result = np.asarray(ways[node.sign](left, right), dtype=np.float64)
    return np.where(np.isfinite(result), result, np.nan)
