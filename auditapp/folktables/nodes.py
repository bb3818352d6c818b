"""What a condition is made of. Light: forms import it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True)
class Text:
    """A text between quotes."""

    value: str


@dataclass(frozen=True)
class Column:
    """A column by its name."""

    name: str


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers joined by one of ``+ - * /``."""

    sign: str
    left: Value
    right: Value


@dataclass(frozen=True)
class Comparison:
    """Two values compared by one of ``< <= > >= == !=``."""

    sign: str
    left: Value
    right: Value


@dataclass(frozen=True)
class Member:
    """Whether a value is one of a list."""

    of: Value
    values: tuple[Number | Text, ...]


@dataclass(frozen=True)
class Blank:
    """Whether a column has no value."""

    of: Column


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    of: Condition


@dataclass(frozen=True)
class Every:
    """Conditions that must all hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """Conditions of which one must hold."""

    parts: tuple[Condition, ...]


Value = Number | Text | Column | Arithmetic
Condition = Comparison | Member | Blank | Not | Every | Some
Node = Value | Condition
CONDITIONS = (Comparison, Member, Blank, Not, Every, Some)


def columns_of(node: Node) -> tuple[str, ...]:
    """Names of the columns that a node reads, each once, in the order they are written."""
    return tuple(dict.fromkeys(_columns(node)))


def _columns(node: Node) -> Iterator[str]:
    if isinstance(node, Column):
        yield node.name
    elif isinstance(node, (Arithmetic, Comparison)):
        yield from _columns(node.left)
        yield from _columns(node.right)
    elif isinstance(node, (Member, Blank, Not)):
        yield from _columns(node.of)
    elif isinstance(node, (Every, Some)):
        for part in node.parts:
            yield from _columns(part)
