"""Width of text in the chart face, read from the vendored TrueType files.

Kerning is left out: it moves a label by a pixel at most, and only to the safe side.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache

from auditapp.reports.charts.config import FONT_DIR

_FILES = {
    400: "Inter_400Regular.ttf",
    500: "Inter_500Medium.ttf",
    600: "Inter_600SemiBold.ttf",
    700: "Inter_700Bold.ttf",
}


def _tables(data: bytes) -> dict[str, int]:
    (count,) = struct.unpack_from(">H", data, 4)
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * i) for i in range(count))
    return {tag.decode("ascii"): offset for tag, _, offset, _ in records}


def _glyphs(data: bytes, cmap: int) -> dict[int, int]:
    """Code point to glyph, from the first Unicode subtable of format 4 or 12."""
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    found: dict[int, int] = {}
    for i in range(count):
        platform, _, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * i)
        if platform not in (0, 3):
            continue
        start = cmap + offset
        (form,) = struct.unpack_from(">H", data, start)
        if form == 12:
            (groups,) = struct.unpack_from(">I", data, start + 12)
            for g in range(groups):
                first, last, glyph = struct.unpack_from(">III", data, start + 16 + 12 * g)
                found.update((code, glyph + code - first) for code in range(first, last + 1))
        elif form == 4:
            found.update(_format_4(data, start))
    return found


def _format_4(data: bytes, start: int) -> dict[int, int]:
    (double,) = struct.unpack_from(">H", data, start + 6)
    n = double // 2
    ends = struct.unpack_from(f">{n}H", data, start + 14)
    firsts = struct.unpack_from(f">{n}H", data, start + 16 + double)
    deltas = struct.unpack_from(f">{n}H", data, start + 16 + 2 * double)
    base = start + 16 + 3 * double
    offsets = struct.unpack_from(f">{n}H", data, base)
    found: dict[int, int] = {}
    for i in range(n):
        for code in range(firsts[i], ends[i] + 1):
            if code == 0xFFFF:
                continue
            glyph = code
            if offsets[i]:
                at = base + 2 * i + offsets[i] + 2 * (code - firsts[i])
                (glyph,) = struct.unpack_from(">H", data, at)
                if not glyph:
                    continue
            glyph = (glyph + deltas[i]) & 0xFFFF
            if glyph:
                found[code] = glyph
    return found


@cache
def _advances(weight: int) -> dict[int, float]:
    """Advance of each covered code point, in em."""
    data = (FONT_DIR / _FILES[weight]).read_bytes()
    at = _tables(data)
    (em,) = struct.unpack_from(">H", data, at["head"] + 18)
    (n,) = struct.unpack_from(">H", data, at["hhea"] + 34)
    widths = struct.unpack_from(f">{2 * n}H", data, at["hmtx"])[::2]
    glyphs = _glyphs(data, at["cmap"])
    return {code: widths[min(glyph, n - 1)] / em for code, glyph in glyphs.items()}


def covered(char: str) -> bool:
    """Whether the chart face has a glyph for the character."""
    return ord(char) in _advances(400)


def width(text: str, size: float, weight: int = 400) -> float:
    """Pixels the text takes; characters of other fonts count as one em."""
    advances = _advances(weight)
    total = 0.0
    for char in text:
        known = advances.get(ord(char))
        if known is not None:
            total += known
        elif not unicodedata.combining(char):
            total += 1.0
    return total * size
