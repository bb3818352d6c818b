"""Small texts that hold several values: cuts of a number, names of codes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from django import forms


def parse_cuts(text: str) -> list[float]:
    """`25, 45, 65` becomes numbers that go up.

    Raises
    ------
    ValidationError
        A part is no number, or the numbers do not go up.
    """
    cuts: list[float] = []
    for part in text.replace(";", ",").split(","):
        if not part.strip():
            continue
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise forms.ValidationError(
                f"“{part.strip()}” is no number. Enter cuts such as 25, 45, 65"
            )
        cuts.append(number)
    if any(b <= a for a, b in pairwise(cuts)):
        raise forms.ValidationError("Each cut must be larger than the one before it")
    return cuts


def cuts_text(cuts: Iterable[float]) -> str:
    """Cuts as they are typed."""
    return ", ".join(f"{cut:.12g}" for cut in cuts)


def parse_words(text: str, keys: Iterable[str]) -> dict[str, str]:
    """Lines `1 = White alone` become a mapping.

    A value may hold equals signs itself, so a line is split behind the longest of the `keys`
    it begins with.

    Raises
    ------
    ValidationError
        A line has no equals sign or begins with no value, or two values get the same name.
    """
    known = {_one_line(key): key for key in keys}
    longest_first = sorted(known, key=len, reverse=True)
    words: dict[str, str] = {}
    for line in (line.strip() for line in text.splitlines()):
        if not line:
            continue
        shown = next((key for key in longest_first if _begins(line, key)), None)
        key = line.partition("=")[0] if shown is None else shown
        name = line[len(key) :].lstrip()[1:].strip()
        if not key.strip() or not name:
            raise forms.ValidationError(f"The line “{line}” does not read value = name")
        if shown is None:
            raise forms.ValidationError(f"“{key.strip()}” is no value of this column")
        words[known[shown]] = name
    names = list(words.values())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise forms.ValidationError(f"Two values are both called “{twice}”. Name them apart")
    return words


def words_text(words: Mapping[str, str] | None, keys: Iterable[str]) -> str:
    """One line for each value."""
    words = words or {}
    return "\n".join(f"{_one_line(key)} = {_one_line(words.get(key, key))}" for key in keys)


def shortened(text: str, size: int) -> str:
    """The text, or its beginning where it is too long."""
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _begins(line: str, key: str) -> bool:
    return line.startswith(key) and line[len(key) :].lstrip().startswith("=")
