"""Rows of a report's tables: a large report has thousands of cells, which loops are slow for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

Block = Mapping[str, Any]
NOTHING = SafeString("")


@register.simple_tag
def table_rows(block: Block) -> SafeString:
    """The rows of a table; the first cell of each is its header."""
    marks = _Marks()
    tinted = set(block["tinted"])
    return format_html_join(
        "\n",
        "<tr{}>{}</tr>",
        (
            (SafeString(' class="tinted"') if i in tinted else NOTHING, _row(block, row, marks))
            for i, row in enumerate(block["rows"])
        ),
    )


class _Marks:
    """Shapes with their words, each drawn once for a table."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str], SafeString] = {}

    def _once(self, name: str, key: str, **context: str) -> SafeString:
        if (name, key) not in self._drawn:
            self._drawn[name, key] = render_to_string(name, context)
        return self._drawn[name, key]

    def legend(self, shape: str) -> SafeString:
        """The shape of a legend; nothing for none."""
        if not shape:
            return NOTHING
        return self._once("report/blocks/legend_shape.html", shape, shape=shape)

    def verdict(self, verdict: str) -> SafeString:
        """The shape of a verdict and its word for those who hear the page."""
        if not verdict:
            return NOTHING
        return format_html(
            '{}<span class="hidden-words">{}: </span>',
            self._once("ui/shape.html", verdict, verdict=verdict),
            self._once("report/verdict_word.html", verdict, verdict=verdict),
        )


def _row(block: Block, row: list[Block], marks: _Marks) -> SafeString:
    cells = zip(block["columns"], row, strict=True)
    return format_html_join(
        "",
        "{}",
        (
            (_cell(column, cell, marks, stacked=block["stacked"]) if i else _head(cell, marks),)
            for i, (column, cell) in enumerate(cells)
        ),
    )


def _head(cell: Block, marks: _Marks) -> SafeString:
    text = cell["text"]
    if cell["mono"]:
        text = format_html("<code>{}</code>", text)
    elif cell["soft"]:
        text = format_html('<span class="faint">{}</span>', text)
    return format_html(
        '<th scope="row"{}>{}{}{}</th>',
        SafeString(' class="strong"') if cell["strong"] else NOTHING,
        marks.legend(cell["mark"]),
        text,
        format_html(' <span class="cell-tag">{}</span>', cell["note"])
        if cell["note"]
        else NOTHING,
    )


def _cell(column: Block, cell: Block, marks: _Marks, *, stacked: bool) -> SafeString:
    text = format_html("<code>{}</code>", cell["text"]) if cell["mono"] else cell["text"]
    return format_html(
        '<td class="{}" data-label="{}">{}{}<span class="cell-value{}{}">{}</span>{}</td>',
        "num" if column["align"] == "end" else "words",
        column["text"],
        marks.verdict(cell["verdict"]),
        _links(cell.get("links") or ()),
        " faint" if cell["soft"] else "",
        " strong" if cell["strong"] else "",
        text,
        _note(cell["note"], stacked=stacked),
    )


def _links(links: Any) -> SafeString:
    if not links:
        return NOTHING
    inside = format_html_join(
        "", '<a href="#{}">{}</a>', ((x["anchor"], x["text"]) for x in links)
    )
    return format_html('<span class="cell-links">{}</span>', inside)


def _note(text: str, *, stacked: bool) -> SafeString:
    if not text:
        return NOTHING
    pattern = (
        ' <span class="cell-note">{}</span>' if stacked else ' <span class="cell-note">({})</span>'
    )
    return format_html(pattern, text)
