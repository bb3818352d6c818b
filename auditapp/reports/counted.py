"""The nouns that `numbers.plural` counts in translated chapters, where message tools find them.

`tests/test_languages.py` holds this list against the code.
"""

from __future__ import annotations

from auditapp.reports.language import ngettext


def counted(number: int) -> tuple[str, ...]:
    """Every noun with its plural."""
    return (
        ngettext("column", "columns", number),
        ngettext("combination", "combinations", number),
        ngettext("comparison", "comparisons", number),
        ngettext("degree", "degrees", number),
        ngettext("further column", "further columns", number),
        ngettext("further group", "further groups", number),
        ngettext("group", "groups", number),
        ngettext("other comparison", "other comparisons", number),
        ngettext("person", "people", number),
        ngettext("place", "places", number),
        ngettext("row", "rows", number),
    )
