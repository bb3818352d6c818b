"""A copy of a result document in which cells of too few people are suppressed.

The copy is a result document too, with a hash of its own; page, PDF and CSV are drawn from it
as from any other, so none of them can show what it leaves out.
"""

from __future__ import annotations

from typing import Any

from auditapp.errors import AuditError
from auditapp.reports.suppress.cells import SIZE, cells
from auditapp.reports.suppress.choose import choose
from auditapp.reports.suppress.redact import LEFT_OUT, SUPPRESSED, redact
from auditapp.result import result_hash

__all__ = ["LEFT_OUT", "SUPPRESSED", "suppress"]


def suppress(document: dict[str, Any], smallest: int) -> dict[str, Any]:
    """The document without cells of fewer than `smallest` people.

    Parameters
    ----------
    document
        A whole result document; it is not changed.
    smallest
        A count of 1 to ``smallest - 1`` people in a group, and everything that it could be
        worked out from, is left out. A count of 0 is shown.

    Returns
    -------
    dict
        The copy, with the key ``suppressed``: ``smallest``, the hash of the whole document as
        ``of``, and what was left out.

    Raises
    ------
    AuditError
        The document is a copy already, or hardly anybody was measured.
    """
    if document.get(SUPPRESSED):
        raise AuditError(
            "copy-of-copy", "This report is a copy already.", "Make the copy from the report."
        )
    found = cells(document)
    if found.everybody.n < 2 * smallest:
        raise AuditError(
            "copy-too-few",
            f"Fewer than {2 * smallest:,} people were measured: too few to leave any out.",
            "Choose a smaller size, or share the whole report.",
            found=f"{found.everybody.n:,} people",
        )
    choose(found, smallest)
    if SIZE in found.everybody.hidden:
        raise AuditError(
            "copy-too-few",
            "No size of a group could be shown without giving another away.",
            "Choose a smaller size, or share the whole report.",
        )
    copy = redact(document, found, smallest)
    copy[SUPPRESSED]["of"] = result_hash(document)
    return copy
