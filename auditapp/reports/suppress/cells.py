"""The groups of a result document as cells, and the sums that tie them together.

A group has counts of three kinds, each finer than the one before: how many people it has, how
many of them were chosen, and how the choices agree with what was recorded. A group whose size is
hidden shows nothing; one whose choices are hidden shows its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

Row = dict[str, Any]
#: Attribute and value of a group, in the order of the attributes; () for everybody.
Key = tuple[tuple[str, str], ...]

SIZE, CHOICES, OUTCOMES = 0, 1, 2
KINDS = (SIZE, CHOICES, OUTCOMES)

#: Metrics that tell who was chosen, and need no label.
ABOUT_CHOICES = frozenset({"selection-rate", "abstention-rate", "selection-at-k"})
#: The others that count people; the rest are made of these, or are no counts.
ABOUT_OUTCOMES = frozenset({"base-rate", "tpr", "fpr", "precision", "npv", "accuracy"})


def key(group: dict[str, str]) -> Key:
    """A group as something that can be looked up."""
    return tuple(sorted(group.items()))


def kind_of(metric: str) -> int:
    """What has to be hidden for a metric to be."""
    return CHOICES if metric in ABOUT_CHOICES else OUTCOMES


@dataclass(eq=False)
class Cell:
    """A group, or the people of a group that none of its parts lists.

    `counts` are people by kind and name; `hidden` are the kinds that the copy leaves out.
    """

    name: Key
    n: int
    outside: bool = False
    counts: tuple[dict[str, int], ...] = field(default_factory=lambda: ({}, {}, {}))
    hidden: set[int] = field(default_factory=set)

    def hide(self, kind: int) -> bool:
        """Hide a kind and every finer one; whether that changed anything."""
        more = {k for k in KINDS if k >= kind} - self.hidden
        self.hidden |= more
        return bool(more)

    def cap(self, name: str) -> float:
        """The most that a reader of the copy could take a count to be."""
        if SIZE in self.hidden:
            return float("inf")
        chosen = self.counts[CHOICES].get("selection-rate+")
        if chosen is None or CHOICES in self.hidden:
            return self.n
        if name in ("tpr+", "fpr+"):
            return chosen
        return self.n - chosen if name in ("tpr-", "fpr-") else self.n


@dataclass(frozen=True)
class Line:
    """A group and the parts it falls into by further attributes: their counts add up to its."""

    whole: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> Iterator[Cell]:
        """The group and its parts."""
        yield self.whole
        yield from self.parts

    def names(self, kind: int) -> Iterator[str]:
        """Counts that the group and all of its parts have."""
        return (
            name
            for name in self.whole.counts[kind]
            if all(name in part.counts[kind] for part in self.parts)
        )


@dataclass(frozen=True)
class Cells:
    """Every group of a document, and every sum that a reader of it knows to hold."""

    groups: dict[Key, Cell]
    lines: tuple[Line, ...]

    @property
    def everybody(self) -> Cell:
        """Everybody who was measured."""
        return self.groups[()]

    def outside(self, whole: Key, by: Iterable[str]) -> Cell | None:
        """The people of a group whom no part by these attributes lists."""
        wanted = set(by)
        for line in self.lines:
            first = line.parts[0].name
            if line.whole.name == whole and {name for name, _ in first} == wanted:
                return next((part for part in line.parts if part.outside), None)
        return None


def cells(document: Row) -> Cells:
    """The groups of a document with their counts, and how they add up."""
    groups: dict[Key, Cell] = {(): Cell((), int(document["rows"]["used"]))}
    tables: dict[frozenset[str], list[Cell]] = {frozenset(): [groups[()]]}
    for table in document.get("groups") or []:
        made = [Cell(key(level["group"]), int(level["n"])) for level in table["levels"]]
        groups |= {cell.name: cell for cell in made}
        tables[frozenset(table["by"])] = made
    for cell in groups.values():
        cell.counts[SIZE]["n"] = cell.n
    for item in document.get("estimates") or []:
        found = groups.get(key(item["group"]))
        if found is not None and item.get("subject", "baseline") == "baseline":
            _count(found, item)
    return Cells(groups, tuple(_lines(tables)))


def _count(cell: Cell, item: Row) -> None:
    metric = str(item["metric"])
    whole = (item.get("numerator"), item.get("denominator"))
    if metric not in ABOUT_CHOICES | ABOUT_OUTCOMES or not all(type(x) is int for x in whole):
        return
    name = metric if item.get("class") is None else f"{metric} of {item['class']}"
    counts = cell.counts[kind_of(metric)]
    counts[f"{name}+"] = whole[0]
    counts[f"{name}-"] = whole[1] - whole[0]


def _lines(tables: dict[frozenset[str], list[Cell]]) -> Iterator[Line]:
    for by, parts in tables.items():
        for size in range(len(by)):
            for fewer in combinations(sorted(by), size):
                wholes = tables.get(frozenset(fewer), [])
                yield from (_line(w, parts) for w in wholes if _of(w, parts))


def _of(whole: Cell, parts: list[Cell]) -> list[Cell]:
    return [part for part in parts if set(whole.name) <= set(part.name)]


def _line(whole: Cell, parts: list[Cell]) -> Line:
    """The line with the people whom no part lists: blank values, or values too rare to list."""
    inside = _of(whole, parts)
    rest = Cell(whole.name, whole.n - sum(part.n for part in inside), outside=True)
    for kind in KINDS:
        for name, count in whole.counts[kind].items():
            if all(name in part.counts[kind] for part in inside):
                rest.counts[kind][name] = count - sum(p.counts[kind][name] for p in inside)
    return Line(whole, (*inside, rest) if rest.n > 0 else tuple(inside))
