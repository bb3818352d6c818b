"""Tables of counts for any kind of outcome, with the words and comparisons of their groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Axis, CellTable, Counts, cover, index_cells
from metrics.cells import CellIndex as Index
from metrics.comparisons import Comparisons, comparisons_of
from metrics.estimates import LISTED_GROUPS, Record
from metrics.groups import Attribute, Grouping, combine, grouping, largest

BUDGET = 1 << 24


@dataclass(frozen=True)
class TableSet:
    """Tables over the same attributes from which every wanted group can be summed.

    Parameters
    ----------
    axes
        The attributes.
    tables
        Count tables, each over all attributes or over one wanted combination.
    """

    axes: tuple[Axis, ...]
    tables: tuple[CellTable, ...]

    def groups(self, by: Sequence[str]) -> Grouping:
        """Known groups of the columns `by`.

        Raises
        ------
        KeyError
            If no table holds all of them.
        """
        for table in self.tables:
            if set(by) <= set(table.names):
                return grouping(table, by)
        raise KeyError(f"no table was counted over {tuple(by)}")

    def __add__(self, other: TableSet) -> TableSet:
        """Tables of the rows of both.

        Raises
        ------
        ValueError
            If the attributes or the tables differ.
        """
        if self.axes != other.axes or len(self.tables) != len(other.tables):
            raise ValueError("these counts have different attributes")
        return TableSet(
            self.axes, tuple(a + b for a, b in zip(self.tables, other.tables, strict=True))
        )


def check_lengths(attributes: Sequence[Attribute], columns: Mapping[str, object]) -> int:
    """Rows of the audit.

    Raises
    ------
    ValueError
        Without attributes, or if columns differ in length.
    """
    if not attributes:
        raise ValueError("an audit needs at least one sensitive column")
    first = attributes[0]
    n = len(first.codes)
    given = {name: column for name, column in columns.items() if column is not None}
    given |= {attribute.name: attribute.codes for attribute in attributes}
    for name, column in given.items():
        if len(column) != n:  # type: ignore[arg-type]
            raise ValueError(f"{name!r} has {len(column)} rows, {first.name!r} has {n}")  # type: ignore[arg-type]
    return n


def indexes(attributes: Sequence[Attribute], *, intersections: int, width: int) -> Iterator[Index]:
    """Cells of the rows, for each table that is needed.

    Parameters
    ----------
    attributes
        The sensitive columns.
    intersections
        Largest number of columns that are combined.
    width
        Slots per cell, which decides between one joint table and several.
    """
    own = {attribute.name: attribute for attribute in attributes}
    sizes = {name: attribute.axis.size for name, attribute in own.items()}
    for names in cover(sizes, combine(list(own), intersections), width=width, budget=BUDGET):
        yield index_cells([own[name].codes for name in names], [own[name].axis for name in names])


@dataclass(frozen=True)
class Layout:
    """Groups of a report with their words, sizes and comparators.

    Parameters
    ----------
    attributes
        The sensitive columns by name; their codes are not read.
    groups
        Known groups of every attribute and intersection, in report order; everybody is ``()``.
    rows
        Rows of each group, whatever a metric's denominator.
    unknown
        Rows in which a column of the table is blank.
    floor
        Rows a group needs to be compared.
    """

    attributes: dict[str, Attribute]
    groups: dict[tuple[str, ...], Grouping]
    rows: dict[tuple[str, ...], Counts]
    unknown: dict[tuple[str, ...], int]
    floor: int

    @property
    def tables(self) -> list[tuple[str, ...]]:
        """Every attribute and intersection, everybody aside."""
        return [by for by in self.groups if by]

    def words(self, by: Sequence[str], j: int) -> dict[str, str]:
        """Group of a document: column name to word."""
        cell = self.groups[tuple(by)].cells[j].tolist()
        return {
            name: self.attributes[name].levels[code] for name, code in zip(by, cell, strict=True)
        }

    def reference(self, by: tuple[str, ...]) -> tuple[int | None, str]:
        """Position of the reference group and how it was chosen."""
        if len(by) != 1:
            return None, "rest"
        n = self.rows[by]
        chosen = self.attributes[by[0]].reference
        if chosen is not None and n[chosen] > 0:
            return chosen, "chosen"
        return largest(n), "largest"

    def listed(self, by: tuple[str, ...]) -> NDArray[np.intp]:
        """Positions of the groups a document lists and compares, chosen by size alone."""
        n = self.rows[by]
        if len(n) <= LISTED_GROUPS or len(by) == 1:
            return np.arange(len(n))
        biggest = np.argsort(-n, kind="stable")[:LISTED_GROUPS]
        return np.sort(biggest[n[biggest] >= self.floor])

    def compared(
        self, by: tuple[str, ...], *, x: Counts | None = None, n: Counts | None = None
    ) -> Comparisons:
        """Who is compared with whom in a table; counts are 0 where only the pairs matter.

        Parameters
        ----------
        by
            The table.
        x, n : (g,) int64, optional
            Numerators and denominators of a rate.
        """
        rows = self.rows[by]
        whole = comparisons_of(
            rows,
            np.zeros_like(rows) if x is None else x,
            rows if n is None else n,
            kind="attribute" if len(by) == 1 else "intersection",
            reference=self.reference(by)[0],
            table="/".join(by),
        )
        kept = np.isin(whole.group, self.listed(by))
        return Comparisons(**{name: part[kept] for name, part in vars(whole).items()})

    def levels(self) -> list[Record]:
        """Key ``groups`` of the document; base rates belong to yes-or-no outcomes only."""
        return [self._levels(by) for by in self.tables]

    def _levels(self, by: tuple[str, ...]) -> Record:
        n, listed = self.rows[by], self.listed(by)
        reference, choice = self.reference(by)
        total = int(self.rows[()].sum())
        blank = dict.fromkeys(
            ("base_rate", "base_low", "base_high", "base_numerator", "base_denominator")
        )
        levels = []
        for j in listed.tolist():
            status = "compared" if n[j] >= self.floor else "below-floor"
            if n[j] == 0:
                status = "empty"
            elif j == reference:
                status = "reference"
            share = int(n[j]) / total if total else None
            head = {"group": self.words(by, j), "n": int(n[j]), "share": share, "status": status}
            levels.append(head | blank)
        return {
            "by": list(by),
            "title": " × ".join(self.attributes[name].heading for name in by),
            "unknown": self.unknown[by],
            "unlisted": {"groups": len(n) - len(listed), "n": int(n.sum() - n[listed].sum())},
            "levels": levels,
            "reference": None if reference is None else self.words(by, reference),
            "reference_choice": choice,
            "floor": self.floor,
        }
