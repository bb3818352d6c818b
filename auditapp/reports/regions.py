"""Parts of a population that a search found, in words: conditions on columns become people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.numbers import MINUS, decimal
from auditapp.reports.phrases import Piece

Condition = dict[str, Any]

MOST_LISTED = 3
_WITH = "with "


def people(conditions: Sequence[Condition], whole: frozenset[str] = frozenset()) -> str:
    """The people of a part in a sentence: `married people aged 56 and over`.

    Parameters
    ----------
    conditions
        From a result document; all of them hold.
    whole
        Columns of whole numbers, where under 30 is at most 29.
    """
    pieces = [_piece(own, whole) for own in _columns(conditions)]
    plain = [p for p in pieces if not p.after.startswith(_WITH)]
    plain.sort(key=lambda p: not p.after.startswith(("aged ", "under ")))
    having = [p.after.removeprefix(_WITH) for p in pieces if p.after.startswith(_WITH)]
    if having:
        plain.append(Piece(after=_WITH + " and ".join(having)))
    return phrases.joined(plain)


def label(conditions: Sequence[Condition], whole: frozenset[str] = frozenset()) -> str:
    """The part in a table or chart: `Marital status Married, Age 56 and over`."""
    if not conditions:
        return "Everybody searched"
    parts = []
    for own in _columns(conditions):
        title = phrases.short(str(own[0]["title"]))
        parts.append(f"{title} {_value(own, whole, quoted=False)}")
    return ", ".join(parts)


def _columns(conditions: Sequence[Condition]) -> list[list[Condition]]:
    by_name: dict[str, list[Condition]] = {}
    for condition in conditions:
        by_name.setdefault(str(condition["column"]), []).append(condition)
    return list(by_name.values())


def _piece(own: list[Condition], whole: frozenset[str]) -> Piece:
    first = own[0]
    title = str(first["title"])
    value = _value(own, whole, quoted=True)
    if first["op"] == "in" and len(first["levels"]) == 1:
        known = phrases.piece(title, str(first["levels"][0]))
        if not known.after.endswith(f" group {value}"):
            return known
    if first["op"] in (">=", "<") and phrases.is_age(title):
        return Piece(after=value if value.startswith("under") else f"aged {value}")
    return Piece(after=f"with {phrases.lower_first(phrases.short(title))} {value}")


def _value(own: list[Condition], whole: frozenset[str], *, quoted: bool) -> str:
    by_op = {str(c["op"]): c for c in own}
    if "blank" in by_op:
        return "blank"
    if "in" in by_op:
        return _levels(by_op["in"]["levels"], quoted=quoted)
    if "not-in" in by_op:
        return f"other than {_levels(by_op['not-in']['levels'], quoted=quoted)}"
    low, high = (by_op[op]["value"] if op in by_op else None for op in (">=", "<"))
    return _range(low, high, whole=str(own[0]["column"]) in whole)


def _levels(levels: Sequence[str], *, quoted: bool) -> str:
    words = [f"“{phrases.short(str(w))}”" if quoted else phrases.short(str(w)) for w in levels]
    shown = words
    if len(words) > MOST_LISTED:
        shown = [*words[: MOST_LISTED - 1], f"{len(words) - MOST_LISTED + 1} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _range(low: float | None, high: float | None, *, whole: bool) -> str:
    """`under 30`, `30 to 39`, `1.5 to under 2`, `40 and over`."""
    if whole:
        low = None if low is None else float(math.ceil(low))
        high = None if high is None else float(math.ceil(high))
    if low is None or high is None:
        end = high if low is None else low
        text = "" if end is None else number(end)
        return f"under {text}" if low is None else f"{text} and over"
    if not whole:
        return f"{number(low)} to under {number(high)}"
    return number(low) if high - low <= 1 else f"{number(low)} to {number(high - 1)}"


def number(value: float) -> str:
    """A value of a column with thousands commas and no needless decimals."""
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.6g}".replace("-", MINUS)
    text = decimal(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text else text
