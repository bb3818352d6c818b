"""Numbers in words, and the small parts that templates repeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import get_language, gettext, gettext_noop, ngettext

from auditapp.reports.language import punctuated

register = template.Library()

MINUS = "\u2212"

VERDICTS = {
    "difference": gettext_noop("Difference found"),
    "no-difference": gettext_noop("No difference found"),
    "not-enough-data": gettext_noop("Not enough data"),
    "not-applicable": gettext_noop("Not applicable"),
}

STATES = {
    "draft": (gettext_noop("Draft"), "pencil"),
    "queued": (gettext_noop("Waiting"), "waiting"),
    "received": (gettext_noop("Waiting"), "waiting"),
    "checking": (gettext_noop("Checking"), "running"),
    "running": (gettext_noop("Running"), "running"),
    "done": (gettext_noop("Done"), "tick"),
    "ready": (gettext_noop("Ready"), "tick"),
    "failed": (gettext_noop("Failed"), "stop"),
    "refused": (gettext_noop("Refused"), "stop"),
    "cancelled": (gettext_noop("Cancelled"), "cross"),
}


def local(number: str) -> str:
    """A number written in English, punctuated as the language of the page does it."""
    return punctuated(number, get_language() or "en")


@register.filter
def thousands(value: Any) -> str:
    """332900 becomes 332,900."""
    return "" if value is None else local(f"{int(value):,}")


NUMBERS = (
    gettext_noop("no"), gettext_noop("one"), gettext_noop("two"), gettext_noop("three"),
    gettext_noop("four"), gettext_noop("five"), gettext_noop("six"), gettext_noop("seven"),
    gettext_noop("eight"), gettext_noop("nine"), gettext_noop("ten"),
)  # fmt: skip


@register.filter
def number_word(value: int) -> str:
    """nine, and 11: small counts in words."""
    return gettext(NUMBERS[value]) if value < len(NUMBERS) else local(f"{value:,}")


@register.filter
def shape_words(shape: Sequence[int | None] | None) -> str:
    """The shape of a model's input or output in words: rows, rows x 2."""
    sizes = list(shape or ())
    if not sizes:
        return ""
    first = gettext("rows") if sizes[0] is None else local(f"{sizes[0]:,}")
    others = (gettext("any") if size is None else local(f"{size:,}") for size in sizes[1:])
    return " x ".join([first, *others])


@register.filter
def points(value: float | None) -> str:
    """A difference as points with its sign, and a true minus; zero has no sign."""
    if value is None:
        return ""
    text = f"{abs(value) * 100:,.1f}"
    if text == "0.0":
        return local(text)
    return f"{MINUS if value < 0 else '+'}{local(text)}"


@register.filter
def percent(value: float | None) -> str:
    """A rate with one decimal."""
    if value is None:
        return ""
    return gettext("%(number)s%%") % {"number": local(f"{value * 100:.1f}")}


@register.filter
def number100(value: float | None) -> str:
    """A rate's number without its sign, for intervals such as 37.2 to 37.6."""
    return "" if value is None else local(f"{value * 100:.1f}")


@register.filter
def plain_number(value: Any) -> str:
    """A measured value in as few digits as it needs, with a true minus."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return "" if value is None else str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return local(text.replace("-", MINUS))


@register.filter
def size(value: int | None) -> str:
    """Bytes as people say them."""
    if value is None:
        return ""
    amount = float(value)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            text = f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
            return local(text)
        amount /= 1000
    return local(f"{amount:.1f} GB")


MONTHS = (
    gettext_noop("Jan"), gettext_noop("Feb"), gettext_noop("Mar"), gettext_noop("Apr"),
    gettext_noop("May"), gettext_noop("Jun"), gettext_noop("Jul"), gettext_noop("Aug"),
    gettext_noop("Sep"), gettext_noop("Oct"), gettext_noop("Nov"), gettext_noop("Dec"),
)  # fmt: skip


@register.filter
def short_time(value: datetime | None) -> str:
    """22 Nov, 14:32; the year where it is not this one."""
    if value is None:
        return ""
    moment = value.astimezone(timezone.get_current_timezone())
    day = f"{moment.day} {gettext(MONTHS[moment.month - 1])}"
    if moment.year != timezone.now().year:
        day += f" {moment.year}"
    return f"{day}, {moment:%H:%M}"


@register.filter
def seconds(value: float | None) -> str:
    """Time spent: 0.3 s, 38 s, 4 min 10 s."""
    if value is None:
        return ""
    if value < 9.95:
        return local(f"{value:.1f} s")
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def fours(value: str | None) -> str:
    """A hash in groups of four."""
    text = value or ""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


@register.filter
def delimiter(value: str | None) -> str:
    """The name of a character that separates columns."""
    names = {
        ",": gettext("commas"),
        ";": gettext("semicolons"),
        "\t": gettext("tabs"),
        "|": gettext("vertical bars"),
    }
    return names.get(value or "", f"“{value}”" if value else gettext("nothing: one column"))


@register.filter
def plural(count: int, words: str) -> str:
    """`3|plural:"row,rows"` is "3 rows"."""
    one, many = words.split(",")
    return f"{local(f'{count:,}')} {ngettext(one, many, count)}"


@register.inclusion_tag("ui/icon.html")
def icon(name: str, classes: str = "") -> dict[str, str]:
    """One of our own icons; always beside words, so hidden from screen readers."""
    return {"name": name, "classes": classes}


@register.inclusion_tag("ui/chip.html")
def chip(verdict: str | None, size: str = "") -> dict[str, str]:
    """A verdict: word, shape and colour."""
    known = verdict if verdict in VERDICTS else "not-applicable"
    return {"verdict": known, "words": gettext(VERDICTS[known]), "size": size}


@register.inclusion_tag("ui/tally.html")
def tally(counts: Mapping[str, int] | None) -> dict[str, Any]:
    """How many comparisons ended in which verdict; zeros are shown."""
    counts = counts or {}
    return {
        "items": [
            (slug, gettext(VERDICTS[slug]), counts.get(slug.replace("-", "_"), 0))
            for slug in ("difference", "no-difference", "not-enough-data")
        ]
    }


@register.inclusion_tag("ui/state.html")
def state(slug: str, words: str = "") -> dict[str, str]:
    """State of a job or an upload."""
    default, name = STATES[slug]
    return {"slug": slug, "words": words or gettext(default), "icon": name}


@register.inclusion_tag("ui/field.html")
def field(bound: BoundField, unit: str = "", optional: bool = False) -> dict[str, Any]:
    """A labelled field: label, hint, error, box, in this order."""
    return {"field": bound, "unit": unit, "optional": optional}


STRIP_WIDTH = 190


def strip_scale(gaps: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """One scale for all strips of a list: every interval and limit, to whole tens of points."""
    ends = [0.0]
    for gap in gaps:
        found = (_number(gap, key) for key in ("low", "high", "value"))
        ends += [end for end in found if end is not None]
        limit = _number(gap, "tolerance")
        if limit is not None:
            ends += [limit, -limit]
    low = math.floor(min(ends) * 10 + 1e-9) / 10
    high = math.ceil(max(ends) * 10 - 1e-9) / 10
    return min(low, -0.1), max(high, 0.1)


def _number(gap: Mapping[str, Any], key: str) -> float | None:
    value = gap.get(key)
    return value if isinstance(value, (int, float)) else None


def _bar(
    gap: Mapping[str, Any], low: str, high: str, x: Callable[[float], float]
) -> tuple[float, float] | None:
    ends = (_number(gap, low), _number(gap, high))
    return None if ends[0] is None or ends[1] is None else (x(ends[0]), x(ends[1]))


@register.inclusion_tag("ui/strip.html")
def mini_strip(gap: Mapping[str, Any] | None, scale: tuple[float, float]) -> dict[str, Any]:
    """The gap strip of a list row; its numbers stand beside it in words."""
    value = None if gap is None else _number(gap, "value")
    if gap is None or value is None:
        return {"shown": False}
    low, high = scale

    def x(share: float) -> float:
        share = (min(max(share, low), high) - low) / (high - low)
        return round(6 + share * (STRIP_WIDTH - 12), 1)

    limit = _number(gap, "tolerance")
    at = x(value)
    verdict = gap.get("verdict")
    return {
        "shown": True,
        "zero": x(0),
        "band": (x(-limit), round(x(limit) - x(-limit), 1)) if limit is not None else None,
        "thin": _bar(gap, "low", "high", x),
        "thick": _bar(gap, "thick_low", "thick_high", x),
        "verdict": verdict if verdict in VERDICTS else "not-applicable",
        "x": at,
        "triangle": f"{at - 6} 17 {at + 6} 17 {at} 6.5",
        "square": at - 5,
    }


@register.simple_tag
def strip_ticks(scale: tuple[float, float]) -> list[dict[str, Any]]:
    """Words for the ends and the zero of a column of strips."""
    low, high = scale
    return [
        {
            "x": 6 + (value - low) / (high - low) * (STRIP_WIDTH - 12),
            "words": words,
            "anchor": anchor,
        }
        for value, words, anchor in (
            (low, f"{MINUS}{abs(low) * 100:.0f}", "start"),
            (0.0, "0", "middle"),
            (high, f"+{high * 100:.0f}", "end"),
        )
    ]


@register.filter
def ticks_width(count: int) -> int:
    """Where a tick of a run begins, and how wide so many are: six wide, three between."""
    return 9 * count


@register.inclusion_tag("ui/histogram.html")
def histogram(counts: Sequence[int] | None) -> dict[str, Any]:
    """At most 24 bars of a column's values; the numbers stand beside it."""
    values = list(counts or [])[:24]
    top = max(values, default=0)
    if top == 0:
        return {"bars": []}
    step = 92 / len(values)
    gap = 1 if len(values) > 8 else 1.5
    bars = []
    for i, value in enumerate(values):
        height = max(24 * value / top, 0.8 if value else 0)
        bars.append(
            {
                "x": round(i * step, 2),
                "y": round(24 - height, 2),
                "w": round(step - gap, 2),
                "h": round(height, 2),
            }
        )
    return {"bars": bars}
