"""From a specification to SVG text, with patterns put in."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import vl_convert

from auditapp.reports.charts.config import (
    CELL_DARK,
    DIVERGING,
    DOTTED,
    FONT_DIR,
    HATCH_AREA,
    HATCH_MARK,
    LINE2,
    ORANGE_AREA,
    SCALE_FILL,
    SKY_AREA,
    STRIPED,
    SUNKEN,
    SURFACE,
    UNKNOWN,
)

VL_VERSION = "6.4"


def _hatch(name: str, ground: str, line: str, pitch: float, stroke: float) -> str:
    # The stroke lies along the tile's edge turned by 45 degrees, so that tiles join unseen.
    return (
        f'<pattern id="{name}" patternUnits="userSpaceOnUse" width="{pitch}" height="{pitch}" '
        f'patternTransform="rotate(45)"><rect width="{pitch}" height="{pitch}" fill="{ground}"/>'
        f'<rect width="{stroke}" height="{pitch}" fill="{line}"/></pattern>'
    )


def _dots(name: str, ground: str, dot: str) -> str:
    return (
        f'<pattern id="{name}" patternUnits="userSpaceOnUse" width="5" height="5">'
        f'<rect width="5" height="5" fill="{ground}"/>'
        f'<circle cx="2.5" cy="2.5" r="0.95" fill="{dot}"/></pattern>'
    )


def _gradient(name: str) -> str:
    stops = "".join(
        f'<stop offset="{i / 2}" stop-color="#{r:02X}{g:02X}{b:02X}"/>'
        for i, (r, g, b) in enumerate(DIVERGING)
    )
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="1" y2="0">{stops}</linearGradient>'


_PAINTS = {
    HATCH_MARK: ("hatch-mark", _hatch("hatch-mark", SURFACE, UNKNOWN, 3.2, 1.4)),
    HATCH_AREA: ("hatch-area", _hatch("hatch-area", SUNKEN, LINE2, 6, 1.3)),
    SCALE_FILL: ("scale", _gradient("scale")),
    DOTTED: ("dotted", _dots("dotted", SKY_AREA, CELL_DARK)),
    STRIPED: ("striped", _hatch("striped", ORANGE_AREA, CELL_DARK, 5, 1.1)),
}


@cache
def _prepare() -> None:
    """Register the vendored fonts, once for each process."""
    vl_convert.register_font_directory(str(FONT_DIR))


def _unsized(spec: dict[str, Any]) -> dict[str, Any]:
    """The same chart with text of size 0.

    Measuring text takes the engine nine tenths of its time, and places nothing here: every
    text already has its position.
    """
    layers = [
        {**layer, "mark": {**layer["mark"], "fontSize": 0}} if _is_text(layer) else layer
        for layer in spec["layer"]
    ]
    return {**spec, "layer": layers}


def _is_text(layer: dict[str, Any]) -> bool:
    return bool(layer["mark"]["type"] == "text")


def _sized(svg: str, spec: dict[str, Any]) -> str:
    """Put the sizes of text back, layer by layer; a rim goes behind its letters."""
    sizes = [layer["mark"].get("fontSize") for layer in spec["layer"]]
    parts = re.split(r'(<g class="mark-text role-mark layer_(\d+)_marks")', svg)
    done = [parts[0]]
    for head, index, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        size = f'font-size="{sizes[int(index)]:g}px"'
        body = re.sub(r'(<text [^<>]*)stroke="', r'\1paint-order="stroke" stroke="', body)
        done += [head, re.sub(r'(<text [^<>]*)font-size="0px"', rf"\1{size}", body)]
    return "".join(done)


def to_svg(spec: dict[str, Any]) -> str:
    """Draw; nothing is fetched, and equal specifications give equal bytes."""
    _prepare()
    svg = _sized(
        vl_convert.vegalite_to_svg(_unsized(spec), vl_version=VL_VERSION, allowed_base_urls=[]),
        spec,
    )
    defs = ""
    for placeholder, (name, definition) in _PAINTS.items():
        svg, found = re.subn(
            rf'(<(?:path|rect)[^<>]* fill=)"{placeholder}"', rf'\1"url(#{name})"', svg
        )
        if found:
            defs += definition
    if defs:
        head = svg.index(">") + 1
        svg = f"{svg[:head]}<defs>{defs}</defs>{svg[head:]}"
    return svg
