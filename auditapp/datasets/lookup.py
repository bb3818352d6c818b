"""The refusal of a column that is not there, with the names that come close."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from auditapp.datasets.staged import counted
from auditapp.errors import AuditError


def unknown_column(name: str, names: Sequence[str]) -> AuditError:
    """Return the error for a column that a table does not have."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    same = [other for other in names if other.casefold() == name.casefold()]
    near = list(dict.fromkeys([*same, *close]))
    shown = ", ".join(names[:8]) + (" and others" if len(names) > 8 else "")
    return AuditError(
        "unknown-column",
        f"There is no column “{name}” among the {counted(len(names), 'column')}.",
        f"Did you mean {' or '.join(near)}?" if near else f"The columns are: {shown}.",
        where=name,
    )
