"""The count tables of several runs under the same groups: alignment, new rows, small groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.cells import Counts
from metrics.compare import FLOOR, Record
from metrics.count import CountSet

#: Expected people per group and run below which groups are tested together, and what they are
#: called. Chi-square has to hold far out: a year's level is shared by all runs and tests.
FEW = 20.0
OTHERS = "All small groups"


@dataclass(frozen=True)
class RunTables:
    """What was counted in one run.

    Parameters
    ----------
    levels
        By attribute: words of its groups, in code order.
    tables : dict of (a + 1, 3, 4) int64
        By attribute: people by group (the unknown ones first), label and decision.
    """

    levels: dict[str, tuple[str, ...]]
    tables: dict[str, Counts]

    @property
    def n(self) -> int:
        """People counted."""
        return int(next(iter(self.tables.values())).sum()) if self.tables else 0

    @classmethod
    def of(cls, counted: CountSet, levels: Mapping[str, Sequence[str]]) -> RunTables:
        """Read the single attributes out of a count set.

        Raises
        ------
        ValueError
            The words of an attribute do not fit its codes.
        """
        tables = {}
        for axis in counted.axes:
            found = counted.outcome_groups((axis.name,))
            table = np.zeros((axis.size, 3, 4), dtype=np.int64)
            if len(levels[axis.name]) != axis.size - 1:
                raise ValueError(f"{axis.name!r} has {axis.size - 1} groups and other words")
            table[0] = found.unknown
            table[1 + found.cells[:, 0]] = found.counts
            tables[axis.name] = table
        return cls({axis.name: tuple(levels[axis.name]) for axis in counted.axes}, tables)

    def __add__(self, other: RunTables) -> RunTables:
        """People of both, whose groups are the same."""
        if self.levels != other.levels:
            raise ValueError("runs are aligned before they are added")
        return RunTables(self.levels, {k: v + other.tables[k] for k, v in self.tables.items()})


def align(runs: Sequence[RunTables]) -> list[RunTables]:
    """Give every run the groups of all, by their words; a group that a run lacks has no people.

    Raises
    ------
    ValueError
        The runs have different attributes.
    """
    levels: dict[str, tuple[str, ...]] = {}
    for run in runs:
        if set(run.levels) != set(runs[0].levels):
            raise ValueError("the runs count different attributes")
        for name, words in run.levels.items():
            known = levels.get(name, ())
            levels[name] = (*known, *(word for word in words if word not in known))
    out = []
    for run in runs:
        tables = {}
        for name, words in levels.items():
            tables[name] = np.zeros((len(words) + 1, 3, 4), dtype=np.int64)
            tables[name][0] = run.tables[name][0]
            for j, word in enumerate(run.levels[name]):
                tables[name][1 + words.index(word)] = run.tables[name][1 + j]
        out.append(RunTables(dict(levels), tables))
    return out


def new_rows(before: RunTables, after: RunTables) -> RunTables | None:
    """Rows that a growing data set gained; None where an earlier row changed or is gone.

    The tables show a change of the past only where a cell lost people.
    """
    old, new = align([before, after])
    tables = {name: new.tables[name] - old.tables[name] for name in new.tables}
    if any((table < 0).any() for table in tables.values()):
        return None
    return RunTables(new.levels, tables)


def vanished(before: RunTables, now: RunTables, *, floor: int = FLOOR) -> list[Record]:
    """Groups without a single row, where at least `floor` were to be expected.

    Parameters
    ----------
    before
        All earlier runs of the baseline together.
    now
        The present run, aligned with them.
    floor
        Expected rows, from the group's earlier share, from which none is no chance.

    Returns
    -------
    list of dict
        by, group, expected, before (rows so far).
    """
    share = now.n / max(before.n, 1)
    out = []
    for name, words in now.levels.items():
        counts = [run.tables[name].sum(axis=(1, 2))[1:] for run in (before, now)]
        for word, old, new in zip(words, *(c.tolist() for c in counts), strict=True):
            if new == 0 and old * share >= floor:
                out.append(
                    {"by": [name], "group": {name: word}, "expected": old * share, "before": old}
                )
    return out


def without_small(before: RunTables, now: RunTables) -> tuple[RunTables, RunTables]:
    """Join groups too small for a chi-square test into one, in both.

    A group is small where fewer than 20 people were to be expected in either if nothing changed.
    """
    old: dict[str, Counts] = {}
    new: dict[str, Counts] = {}
    levels: dict[str, tuple[str, ...]] = {}
    sizes = np.array([before.n, now.n], dtype=np.float64)
    share = sizes.min() / max(sizes.sum(), 1)
    for name, words in now.levels.items():
        tables = before.tables[name], now.tables[name]
        both = sum(t.sum(axis=(1, 2)) for t in tables)[1:]
        few = np.flatnonzero((both * share < FEW) & (both > 0))
        kept = np.flatnonzero(both * share >= FEW)
        levels[name] = tuple(words[j] for j in kept) + ((OTHERS,) if few.size else ())
        for side, table in zip((old, new), tables, strict=True):
            rows = [table[:1], table[1 + kept]]
            if few.size:
                rows.append(table[1 + few].sum(axis=0)[None])
            side[name] = np.concatenate(rows)
    return RunTables(levels, old), RunTables(levels, new)
