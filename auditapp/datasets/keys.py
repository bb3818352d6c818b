"""Keys: the one text form in which group values, codes and labels are compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
"""Characters XML 1.0 forbids; one of them in a chart label aborts the chart engine."""

FORBIDDEN_RE2 = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x{FFFE}\\x{FFFF}]"

_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
_PARTS = re.compile(r"(\d+)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


def clean(text: str) -> str:
    """Return `text` without the characters that XML 1.0 forbids."""
    return _FORBIDDEN.sub("", text)


def key_of(value: object) -> str:
    """Return the key of one value: stripped text, ``1`` for 1 and 1.0, ``true`` for True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isfinite(value) and value == math.floor(value) and abs(value) < 2**63:
            return str(int(value))
        return repr(value)
    return str(value).strip()


def folded(value: object) -> str:
    """Return the key for loose matching: case-folded, and ``1`` for the text ``1.0``."""
    key = key_of(value)
    if _NUMBER.match(key):
        return key_of(float(key)) if not key.lstrip("+-").isdigit() else key.lstrip("+")
    return key.casefold()


def is_number(text: str) -> bool:
    """Whether `text` reads as a decimal number."""
    return bool(_NUMBER.match(text.strip()))


def natural(key: str) -> tuple[int, float, list[tuple[int, int, str]], str]:
    """Return a sort key: numbers by size first, then text with its digits by size."""
    if _NUMBER.match(key):
        return 0, float(key), [], key
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in _PARTS.split(key)
        if part
    ]
    return 1, 0.0, parts, key


def natural_sorted(keys: Iterable[str]) -> list[str]:
    """Return keys in natural order."""
    return sorted(keys, key=natural)
