"""The look of an organisation on its reports: a name, a logo and one colour.

What is shown comes from ``run.brand`` of the result document, outside what the hash covers, so
that a report that is written anew looks as it did. Nothing in it is trusted: a colour has to be
readable on paper, a logo a PNG that we encoded ourselves.
"""

from __future__ import annotations

import base64
import binascii
import colorsys
import re
from typing import Any

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
PNG = b"\x89PNG\r\n\x1a\n"
#: Backgrounds of pages and of the PDF; text of a colour must stand out from each.
LIGHT = ("#F7F5F0", "#FFFFFF")
DARK = ("#121212", "#1B1E22")
ENOUGH = 4.5
LONGEST_NAME = 120
LARGEST_LOGO = 96 * 1024


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as WCAG 2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, *, dark: bool = False) -> bool:
    """Whether text of this colour can be read on the pages of a theme."""
    return all(contrast(colour, paper) >= ENOUGH for paper in (DARK if dark else LIGHT))


def nearest(colour: str, *, dark: bool = False) -> str:
    """The colour of the same hue that is readable, and lies nearest in lightness."""
    if readable(colour, dark=dark):
        return colour.upper()
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    steps = 1000
    for step in range(steps + 1):
        part = step / steps
        level = lightness + (1 - lightness) * part if dark else lightness * (1 - part)
        found = _hex(colorsys.hls_to_rgb(hue, level, saturation))
        if readable(found, dark=dark):
            return found
    return "#FFFFFF" if dark else "#000000"


def of_run(run: dict[str, Any]) -> dict[str, str] | None:
    """What pages and the PDF show of a brand; None where there is none.

    Returns
    -------
    dict or None
        ``organisation``, ``accent`` and ``accent_dark`` (empty for ours), ``logo`` as a data
        address or empty.
    """
    given = run.get("brand")
    if not isinstance(given, dict):
        return None
    accent = str(given.get("accent") or "")
    accent = nearest(accent) if COLOUR.fullmatch(accent) else ""
    found = {
        "organisation": str(given.get("organisation") or "")[:LONGEST_NAME],
        "accent": accent,
        "accent_dark": nearest(accent, dark=True) if accent else "",
        "logo": "",
    }
    logo = logo_bytes(given)
    if logo is not None:
        found["logo"] = "data:image/png;base64," + base64.b64encode(logo).decode("ascii")
    return found if any(found.values()) else None


def logo_bytes(given: dict[str, Any]) -> bytes | None:
    """The picture of a brand, where it is one of ours."""
    text = given.get("logo")
    if not isinstance(text, str) or not text or len(text) > 2 * LARGEST_LOGO:
        return None
    try:
        data = base64.b64decode(text.removeprefix("data:image/png;base64,"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data.startswith(PNG) and len(data) <= LARGEST_LOGO else None


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * min(max(v, 0.0), 1.0)):02X}" for v in parts)
