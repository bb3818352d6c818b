"""Labels of charts: made safe to draw, wrapped, shortened."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from auditapp.reports.charts.measure import covered, width
from auditapp.reports.numbers import decimal, percent

ELLIPSIS = "…"
NOTHING = "—"

# What XML 1.0 forbids, other controls, and marks that only steer the direction of text.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\ud800-\udfff\ufffe\uffff"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
_SPACE = re.compile(r"\s+")
#: Where a label may be broken: after a space, or after a hyphen inside a word.
_BREAKS = re.compile(r"(?<= )|(?<=\w-)(?=\w)")
_LONGEST = 400
_SHORT = (
    (9_950, 1_000, "k", 1),
    (999_500, 1_000, "k", 0),
    (9_950_000, 1_000_000, "M", 1),
)


def plain(text: object, *, printed: bool = False) -> str:
    """One line that every engine can draw.

    ``printed`` also writes characters that the PDF fonts lack in a visible form, ``[U+65E5]``:
    under the PDF standards a single missing glyph fails the whole document.
    """
    raw = unicodedata.normalize("NFC", str(text)[: 4 * _LONGEST])
    line = _SPACE.sub(" ", _UNWANTED.sub("", _SPACE.sub(" ", raw))).strip()
    line = "".join(c for c in line if (ord(c) & 0xFFFF) not in (0xFFFE, 0xFFFF))[:_LONGEST]
    if printed:
        line = _JOINERS.sub("", line)
        line = "".join(c if covered(c) else f"[U+{ord(c):04X}]" for c in line)
    return line or "(blank)"


def rate(value: float, digits: int = 1) -> str:
    """A fraction in percent without the sign, for columns: ``45.7``."""
    return percent(value, digits).removesuffix("%")


def short_count(n: int) -> str:
    """At most four characters: 950, 1.2k, 123k, 4.5M."""
    if n < 1_000:
        return str(n)
    for limit, unit, letter, digits in _SHORT:
        if n < limit:
            return f"{decimal(n / unit, digits)}{letter}"
    return f"{decimal(n / 1_000_000, 0)}M"


def thinned(labels: list[tuple[float, float, str]], size: float) -> list[tuple[float, float, str]]:
    """Centred labels of an axis, every second one of them where they would touch."""
    for a, b in pairwise(labels):
        half = (width(a[2], size) + width(b[2], size)) / 2
        if b[0] - a[0] < half + 5:
            return thinned(labels[::2], size)
    return labels


def clip(text: str, room: float, size: float, weight: int = 400) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if width(text, size, weight) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + ELLIPSIS, size, weight) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def wrap(text: str, room: float, size: float, *, weight: int = 400, lines: int = 2) -> list[str]:
    """At most so many lines of at most that width; the last one ends in an ellipsis if cut."""
    if width(text, size, weight) <= room or lines == 1:
        return [clip(text, room, size, weight)]
    words = _BREAKS.split(text)
    done: list[str] = []
    line = ""
    for i, word in enumerate(words):
        longer = line + word
        if not line or width(longer.rstrip(), size, weight) <= room:
            line = longer
            continue
        done.append(clip(line.rstrip(), room, size, weight))
        if len(done) == lines - 1:
            done.append(clip("".join(words[i:]), room, size, weight))
            return done
        line = word
    return [*done, clip(line, room, size, weight)]
