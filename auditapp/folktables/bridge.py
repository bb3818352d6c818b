"""Columns that another year of the survey calls otherwise, and how their codes correspond.

From 2019 on RELSHIPP stands for RELP and JWTRNS for JWTR, from 2023 on STATE for ST. The codes are
those of the Census Bureau's dictionaries of 2018, 2022 and 2023; what several codes become one,
cannot be undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from auditapp.errors import AuditError
from auditapp.folktables.tasks import Task


@dataclass(frozen=True)
class Bridge:
    """How a column follows from its successor.

    Parameters
    ----------
    column, successor
        Name until and since the change.
    since
        First survey year of the successor.
    codes
        Code of the successor to code of the column; empty where they are the same.
    common
        Codes of the column that no successor has, to the nearest one that it has: used where
        years before and after the change are compared.
    lost
        What the correspondence loses, in words.
    """

    column: str
    successor: str
    since: int
    codes: Mapping[int, int] = field(default_factory=dict)
    common: Mapping[int, int] = field(default_factory=dict)
    lost: str = ""


BRIDGES: tuple[Bridge, ...] = (
    Bridge(
        "RELP",
        "RELSHIPP",
        2019,
        codes={
            20: 0, 21: 1, 22: 13, 23: 1, 24: 13, 25: 2, 26: 3, 27: 4, 28: 5, 29: 6, 30: 7,
            31: 8, 32: 9, 33: 10, 34: 12, 35: 14, 36: 15, 37: 16, 38: 17,
        },
        common={11: 12},
        lost="Spouses of the same and of the other sex become one code, and so do partners; "
        "roomers (RELP 11) have no successor.",
    ),
    Bridge(
        "JWTR",
        "JWTRNS",
        2019,
        codes={1: 1, 2: 2, 3: 4, 4: 5, 5: 3, 6: 6, 7: 7, 8: 8, 9: 9, 10: 10, 11: 11, 12: 12},
        lost="Railroad and commuter rail, and streetcar and light rail, count as the same.",
    ),
    Bridge("ST", "STATE", 2023),
)  # fmt: skip

_BY_COLUMN = {bridge.column: bridge for bridge in BRIDGES}


@dataclass(frozen=True)
class Source:
    """Where a column of a task comes from in a table.

    Both `own` and `successor` are set where years before and after a change are in one table.
    """

    name: str
    own: str | None
    successor: str | None
    bridge: Bridge | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that are read."""
        return tuple(name for name in (self.own, self.successor) if name is not None)


def sources(names: Sequence[str], available: Sequence[str]) -> dict[str, Source]:
    """Return where each of these columns comes from; what is missing is left out.

    Names are compared without regard to case, as early files write ``pwgtp``.
    """
    folded = {name.upper(): name for name in reversed(available)}
    found = {}
    for name in names:
        own = name if name in available else folded.get(name.upper())
        bridge = _BY_COLUMN.get(name.upper())
        successor = None if bridge is None else folded.get(bridge.successor)
        if own is not None or successor is not None:
            found[name] = Source(name, own, successor, bridge)
    return found


def missing(task: Task, available: Sequence[str]) -> tuple[str, ...]:
    """Columns of a task that a table has under no name."""
    found = sources(task.columns, available)
    return tuple(name for name in task.columns if name not in found)


def refuse_missing(task: Task, available: Sequence[str]) -> None:
    """Refuse a table that a task cannot be computed from.

    Raises
    ------
    AuditError
        ``task-columns``, naming what is missing and whether it can be left out.
    """
    gone = missing(task, available)
    if not gone:
        return
    hint = "Use another file, or another task."
    if not set(gone) & set(task.required) and len(gone) < len(task.features):
        hint = f"Leave {'it' if len(gone) == 1 else 'them'} out: --exclude {','.join(gone)}."
    raise AuditError(
        "task-columns",
        f"{task.name} cannot be computed: the table has no {_listed(gone)}.",
        hint,
        where=task.name,
        found=f"{len(task.columns) - len(gone)} of {len(task.columns)} columns found",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8:,} more"
