"""The nouns that templates count with ``|plural:"row,rows"``, where message tools find them.

`tests/test_languages.py` holds this list against the templates.
"""

from __future__ import annotations

from django.utils.translation import ngettext


def counted(number: int) -> tuple[str, ...]:
    """Every pair of words that the filter is given."""
    return (
        ngettext("audit it made stays", "audits it made stay", number),
        ngettext("audit", "audits", number),
        ngettext("code is", "codes are", number),
        ngettext("code that is", "codes that are", number),
        ngettext("code", "codes", number),
        ngettext("column", "columns", number),
        ngettext("day", "days", number),
        ngettext("event", "events", number),
        ngettext("further question", "further questions", number),
        ngettext("list", "lists", number),
        ngettext("member", "members", number),
        ngettext("open alert", "open alerts", number),
        ngettext("person is", "people are", number),
        ngettext("person", "people", number),
        ngettext("picture", "pictures", number),
        ngettext("remedy", "remedies", number),
        ngettext("row has", "rows have", number),
        ngettext("row is", "rows are", number),
        ngettext("row", "rows", number),
        ngettext("value", "values", number),
    )
