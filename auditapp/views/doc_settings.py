"""Settings of a remedy as a table of its page in the docs, made when the page is read."""

from __future__ import annotations

import re

from mitigations.catalogue import Entry, entry
from mitigations.parameters import Parameter

#: Stands on a line of its own in docs/methods/<slug>.md; elsewhere than here it shows nothing.
MARKER = re.compile(r"^<!-- settings: ([a-z0-9-]+) -->[ \t]*$", re.M)


def with_settings(text: str, slug: str = "") -> str:
    """The Markdown of a page with a table in place of each marker.

    The page of the method `slug` ends in its table where it holds no marker.
    """
    if entry(slug) is not None and MARKER.search(text) is None:
        text = f"{text.rstrip()}\n\n## Settings\n\n<!-- settings: {slug} -->\n"

    def table(match: re.Match[str]) -> str:
        found = entry(match[1])
        return "" if found is None else _table(found)

    return MARKER.sub(table, text)


def _table(found: Entry) -> str:
    if not found.parameters:
        return "There is nothing to set."
    rows = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    rows += [_row(parameter) for parameter in found.parameters]
    first = found.parameters[0]
    value = " ".join(first.shown(first.default).split(", "))
    quoted = f'"{value}"' if " " in value else value
    command = f"--method {found.slug}:{first.name}={quoted}"
    return "\n".join([*rows, "", f"On the command line: `{command}`."])


def _row(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        allowed = "; ".join(f"`{name}`: {words}" for name, words in parameter.choices)
    elif parameter.kind == "switch":
        allowed = "`yes`, `no`"
    else:
        allowed = parameter.span
    shown = parameter.shown(parameter.default)
    default = f"`{shown}`" + (f" {parameter.unit}" if parameter.unit else "")
    cells = (f"{parameter.label} (`{parameter.name}`)", default, allowed, parameter.help)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
