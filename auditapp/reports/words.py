"""The sentences of a report. Each is filled with rounded values; none is ever a grade."""

from __future__ import annotations

import math
import re
from typing import Any

from auditapp.reports import metric_words
from auditapp.reports.blocks import Rich, Run, bold, rich
from auditapp.reports.facts import (
    DIFFERENCE,
    NO_DIFFERENCE,
    NOT_APPLICABLE,
    NOT_ENOUGH,
    Facts,
    measured,
)
from auditapp.reports.numbers import (
    count,
    hundred,
    limit,
    percent,
    points,
    size,
    span,
    upper_first,
)

Gap = dict[str, Any]

VERDICT_WORDS = {
    DIFFERENCE: "Difference found",
    NO_DIFFERENCE: "No difference found",
    NOT_ENOUGH: "Not enough data",
    NOT_APPLICABLE: "Not applicable",
}
REASONS = {
    "below-floor": "under the floor",
    "no-label": "needs a recorded outcome",
    "no-labels": "needs a recorded outcome",
    "no-decision": "needs a decision",
    "one-group": "only one group",
    "no-denominator": "nobody to count",
    "empty-group": "nobody in the group",
    "too-few": "too few",
    "at-bound": "no interval at 0 or 1",
    "one-score": "all have the same score",
    "one-class": "only one recorded outcome",
    "empty-denominator": "nobody to count",
    "nobody-in-either": "nobody in either group",
    "reference": "reference",
    "score-is-no-probability": "the score is no probability between 0 and 1",
    "abstain": "no decision was abstained from",
}
CHOICES = {
    "largest": "the largest group",
    "chosen": "chosen by the auditor",
    "rest": "everyone else",
}


def reason(code: str | None) -> str:
    """Why a number does not exist."""
    if not code:
        return "not computed"
    return REASONS.get(code, code.replace("-", " "))


def fill(template: str, **parts: str | Run) -> Rich:
    """Put runs into `{names}` of a template; the first letter becomes a capital."""
    out: list[str | Run] = []
    for bit in re.split(r"(\{\w+\})", template):
        name = bit[1:-1] if bit.startswith("{") else None
        out.append(bit if name is None else parts.get(name, bit))
    joined = [p for p in rich(*out) if p.t]
    if joined:
        joined[0] = Run(upper_first(joined[0].t), joined[0].b, joined[0].m)
    return tuple(joined)


def rates_defined(gap: Gap) -> bool:
    return gap.get("rate") is not None and gap.get("rate_comparator") is not None


def behind(gap: Gap, side: str = "") -> int:
    """People behind a rate: its denominator."""
    found = gap.get(f"denominator{side}")
    return int(gap[f"n{side}"] if found is None else found)


def digits_for(gap: Gap, tolerance: float) -> int:
    """Whole points, or one decimal where whole points would hide what the sentence says."""
    if not rates_defined(gap) or gap.get("value") is None:
        return 1
    same_rates = hundred(gap["rate"], 0) == hundred(gap["rate_comparator"], 0)
    small = abs(hundred(gap["value"], 1)) < 2
    ends = [gap["low"], gap["high"]]
    if None in ends:
        return 1 if same_rates or small else 0
    same_ends = hundred(ends[0], 0) == hundred(ends[1], 0)
    near = min(abs(e) for e in ends)
    at_limit = near != tolerance and hundred(near, 0) == hundred(tolerance, 2)
    return 1 if same_rates or small or same_ends or at_limit else 0


def at_most(value: float) -> str:
    """A limit in points, rounded up so that the claim stays true."""
    pts = abs(value) * 100
    if pts < 1:
        return f"{math.ceil(round(pts * 10, 6)) / 10:.1f}"
    return count(math.ceil(round(pts, 6)))


def direction(value: float) -> str:
    return "less" if value < 0 else "more"


def given(facts: Facts, gap: Gap, *, difference: bool = True) -> Rich:
    """`{Outcome} was given to {a}% of {group} and {b}% of {ref}: {d} points less.`"""
    digits = digits_for(gap, facts.tolerance)
    text = fill(
        metric_words.given(gap["metric"]),
        outcome=facts.outcome,
        a=bold(percent(gap["rate"], digits)),
        b=bold(percent(gap["rate_comparator"], digits)),
        g=bold(facts.people(gap["group"])),
        r=facts.comparator(gap),
    )
    if not difference:
        return (*text, Run("."))
    amount = size(gap["value"], digits)
    unit = "point" if amount == "1" else "points"
    return (*text, Run(f": {amount} {unit} {direction(gap['value'])}."))


def how_sure(facts: Facts, gap: Gap) -> str:
    """The interval and the limit, after a difference was found."""
    digits = digits_for(gap, facts.tolerance)
    low, high = sorted((abs(gap["low"]), abs(gap["high"])))
    interval = span(low, high, digits, signed=False)
    noun = metric_words.words(gap["metric"]).behind
    with_n = (
        f"With {count(min(behind(gap), behind(gap, '_comparator')))} {noun} in the smaller group, "
    )
    if gap["size_class"] == "near":
        return (
            f"{with_n}the gap is real but may be smaller than your limit of "
            f"{limit(facts.tolerance)} points ({interval} points)."
        )
    if gap["size_class"] == "below" and high >= facts.tolerance:
        return (
            f"{with_n}the gap is real and below the {facts.tolerance_words} you set: a gap of "
            f"{at_most(gap['b'])} points or more is ruled out (95%)."
        )
    if gap["size_class"] == "below":
        end = f"The gap is real and smaller than the {facts.tolerance_words} you set."
    else:
        end = f"This is larger than the {facts.tolerance_words} you set."
    between = interval.replace(" to ", " and ")
    return f"{with_n}the true gap is very likely between {between} points. {end}"


def no_difference(facts: Facts, gap: Gap) -> Rich:
    return rich(
        "We saw no difference between ",
        bold(facts.people(gap["group"])),
        f" and {facts.comparator(gap)} that matters at your limit: a gap of ",
        bold(f"{at_most(gap['b'])} points"),
        " or more is ruled out (95%).",
    )


def more_needed(gap: Gap) -> int | None:
    """How many more rows would settle it; None where more rows of this group would not."""
    needed = gap.get("rows_needed")
    if needed is None or needed <= behind(gap):
        return None
    return math.ceil(float(needed) - behind(gap))


def about(value: int) -> str:
    """Two leading digits: nobody can plan to the last person."""
    step = 10 ** max(0, len(str(value)) - 2)
    return count(math.ceil(value / step) * step)


def of_them(gap: Gap) -> str:
    """` (76 of them with the favourable outcome)`, where a rate counts not all of a group."""
    if behind(gap) == gap["n"]:
        return ""
    who = metric_words.words(gap["metric"]).behind.removeprefix("people ")
    return f" ({count(behind(gap))} of them {who})"


def not_enough(facts: Facts, gap: Gap, *, hidden: bool = True) -> Rich:
    """How many there were, what could hide, how many more are needed."""
    group = facts.people(gap["group"])
    if not measured(gap):
        return rich(
            f"Only {count(gap['n'])} ",
            bold(group),
            f" are in the data, under the floor of {count(facts.floor)}: nothing is said of them.",
        )
    words = metric_words.words(gap["metric"])
    need = more_needed(gap)
    inside = of_them(gap)
    could = f" Gaps up to {at_most(gap['b'])} points in {words.title.lower()} could be hidden"
    text = f"{could}." if hidden else ""
    # At a limit of 0 no number of rows settles anything, however large the comparator.
    if need is None and gap.get("rows_needed") is None and facts.tolerance > 0:
        others = count(behind(gap, "_comparator"))
        return rich(
            f"{count(gap['n'])} ",
            bold(group),
            f"{inside} were compared with {facts.comparator(gap)}, only {others} {words.behind}."
            f"{text}",
        )
    if need is None:
        return rich(
            f"{count(gap['n'])} ",
            bold(group),
            f"{inside} were compared with {facts.comparator(gap)}."
            + (f"{could}, and none is shown." if hidden else ""),
        )
    noun = "more" if words.behind == "people" else f"more {words.behind}"
    return rich(
        f"Only {count(gap['n'])} ",
        bold(group),
        f"{inside} were in the data.{text} Collect about {about(need)} {noun} before deciding.",
    )


def finding(facts: Facts, gap: Gap) -> Rich:
    """One finding in one or two sentences."""
    if gap["verdict"] == DIFFERENCE:
        return given(facts, gap)
    if gap["verdict"] == NO_DIFFERENCE:
        return no_difference(facts, gap)
    return not_enough(facts, gap)


def detail(gap: Gap) -> str:
    """The second line: metric, estimate with interval, people behind it."""
    words = metric_words.words(gap["metric"])
    bits = [words.title]
    if measured(gap):
        bits.append(f"{points(gap['value'])} points ({_spans(gap)})")
    who = words.behind if words.behind == "people" else words.behind.removeprefix("people ")
    bits.append(f"{count(behind(gap))} {who}")
    return ", ".join(bits)


def _spans(gap: Gap) -> str:
    """The interval a verdict rests on: adjusted for a difference, else also the 90% one."""
    adjusted = span(gap["low"], gap["high"])
    if gap["verdict"] == DIFFERENCE:
        return adjusted
    return f"90%: {span(gap['thick_low'], gap['thick_high'])}; adjusted 95%: {adjusted}"
