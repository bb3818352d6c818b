"""Which characters can be shown, and what stands in for those that cannot.

Text in a report comes from uploaded files. On the page, control and direction characters become
visible; in the PDF also every character that no embedded font has, because PDF/A refuses those.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts" / "ttf"
DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
HIDDEN = frozenset({"Cc", "Cs", "Cn"})
WORD = re.compile(r"\S+")
ZERO_WIDTH_SPACE = "\u200b"


def code(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def safe(text: str) -> str:
    """Text for the page: what is invisible or turns the reading direction is spelled out."""
    return "".join(_safe(c) for c in text)


@lru_cache(maxsize=4096)
def _safe(c: str) -> str:
    if c in "\t\n\r":
        return " "
    if c in DIRECTION or unicodedata.category(c) in HIDDEN:
        return code(c)
    return c


@lru_cache(maxsize=4096)
def _printable(c: str) -> str:
    if c in "\t\n\r":
        return " "
    if unicodedata.category(c).startswith("C") or ord(c) not in covered():
        return code(c)
    return c


def printable(text: str) -> str:
    """Text for the PDF: only characters of the embedded fonts."""
    return "".join(_printable(c) for c in text)


def breakable(text: str, *, longest: int = 32, length: int = 16) -> str:
    """Let a word longer than that break, so that it stays inside its column."""
    return WORD.sub(
        lambda m: m[0] if len(m[0]) <= longest else ZERO_WIDTH_SPACE.join(_pieces(m[0], length)),
        text,
    )


def _pieces(word: str, length: int) -> Iterable[str]:
    return (word[i : i + length] for i in range(0, len(word), length))


def through(value: Any, change: Callable[[str], str]) -> Any:
    """Apply a change to every string of a JSON value, keys left alone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: through(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [through(item, change) for item in value]
    return value


@lru_cache(maxsize=1)
def covered() -> frozenset[int]:
    """Code points that at least one embedded font has a glyph for."""
    found: set[int] = set()
    for path in sorted(FONTS.glob("*.ttf")):
        found |= code_points(path.read_bytes())
    return frozenset(found)


def code_points(font: bytes) -> set[int]:
    """Read the character map of a TrueType file (formats 4 and 12)."""
    (tables,) = struct.unpack(">H", font[4:6])
    for i in range(tables):
        tag, _, offset, _ = struct.unpack(">4sIII", font[12 + 16 * i : 28 + 16 * i])
        if tag == b"cmap":
            return _cmap(font[offset:])
    return set()


def _cmap(cmap: bytes) -> set[int]:
    (n,) = struct.unpack(">H", cmap[2:4])
    found: set[int] = set()
    for i in range(n):
        _, _, offset = struct.unpack(">HHI", cmap[4 + 8 * i : 12 + 8 * i])
        sub = cmap[offset:]
        (kind,) = struct.unpack(">H", sub[:2])
        if kind == 4:
            found |= _segments(sub)
        elif kind == 12:
            (groups,) = struct.unpack(">I", sub[12:16])
            for g in range(groups):
                start, end, _ = struct.unpack(">III", sub[16 + 12 * g : 28 + 12 * g])
                found.update(range(start, end + 1))
    return found


def _segments(sub: bytes) -> set[int]:
    """Format 4: segments with a delta or an offset into a glyph list; glyph 0 is no glyph."""
    (double,) = struct.unpack(">H", sub[6:8])
    n = double // 2

    def column(at: int) -> tuple[int, ...]:
        return struct.unpack(f">{n}H", sub[at : at + double])

    ends, starts = column(14), column(16 + double)
    deltas, offsets = column(16 + 2 * double), column(16 + 3 * double)
    found: set[int] = set()
    for i in range(n):
        for c in range(starts[i], ends[i] + 1):
            if c == 0xFFFF:
                continue
            glyph = c
            if offsets[i]:
                at = 16 + 3 * double + 2 * i + offsets[i] + 2 * (c - starts[i])
                (glyph,) = struct.unpack(">H", sub[at : at + 2])
            if glyph and (offsets[i] or (glyph + deltas[i]) & 0xFFFF):
                found.add(c)
    return found
