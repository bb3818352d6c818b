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
    plural,
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
    "one-class": "only one recorded outcome",
    "empty-denominator": "nobody to count",
    "reference": "reference",
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


def not_enough(facts: Facts, gap: Gap) -> Rich:
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
    inside = "" if behind(gap) == gap["n"] else f" ({count(behind(gap))} {words.behind})"
    hidden = f"Gaps up to {at_most(gap['b'])} points in {words.title.lower()} could be hidden"
    if need is None and gap.get("rows_needed") is None:
        others = count(behind(gap, "_comparator"))
        return rich(
            f"{count(gap['n'])} ",
            bold(group),
            f"{inside} were compared with {facts.comparator(gap)}, only {others} {words.behind}. "
            f"{hidden}.",
        )
    if need is None:
        return rich(
            f"{count(gap['n'])} ",
            bold(group),
            f"{inside} were compared with {facts.comparator(gap)}. {hidden}, and none is shown.",
        )
    noun = "more" if words.behind == "people" else f"more {words.behind}"
    return rich(
        f"Only {count(gap['n'])} ",
        bold(group),
        f"{inside} were in the data. {hidden}. "
        f"Collect about {about(need)} {noun} before deciding.",
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
        bits.append(f"{points(gap['value'])} points ({span(gap['low'], gap['high'])})")
    bits.append(f"{count(behind(gap))} {words.behind}")
    return ", ".join(bits)


def headline(facts: Facts) -> tuple[Rich, Rich]:
    """The verdict of the report and the sentence on how sure it is."""
    gap = facts.headline_gap
    if gap is None:
        return _nothing_compared(facts)
    if gap["verdict"] == DIFFERENCE:
        return _plain(given(facts, gap)), rich(how_sure(facts, gap))
    settled = facts.tally[NO_DIFFERENCE]
    if gap["verdict"] == NOT_ENOUGH:
        metric = metric_words.title(gap["metric"]).lower()
        text = (
            f"Not enough data to say whether {facts.people(gap['group'])} and "
            f"{facts.comparator(gap)} are treated alike: a gap of up to "
            f"{at_most(gap['b'])} points in {metric} could be hidden."
        )
        more = [*_plain(not_enough(facts, gap))]
        if settled:
            more.append(Run(f" No difference was found in {plural(settled, 'other comparison')}."))
        return rich(text), tuple(more)
    below = facts.tally[NOT_ENOUGH]
    if settled == 1:
        return _plain(no_difference(facts, gap)), rich(detail(gap) + ".")
    widest = max(g["b"] for g in facts.settled_none)
    text = (
        "We saw no difference that matters at your limit: a gap of "
        f"{at_most(widest)} points or more is ruled out in all {count(settled)} comparisons (95%)."
    )
    rest = f" {count(below)} more could not be made, under the floor." if below else ""
    return rich(text), rich(
        f"The widest interval is for {facts.people(gap['group'])} against "
        f"{facts.comparator(gap)}.{rest}"
    )


def _plain(text: Rich) -> Rich:
    return rich("".join(run.t for run in text))


def _nothing_compared(facts: Facts) -> tuple[Rich, Rich]:
    text = "Not enough data: no two groups could be compared."
    return rich(text), rich(
        f"A group needs {count(facts.floor)} people and {facts.plan.get('denominator_floor', 10)} "
        "people behind each rate. Section “Data” lists the size of every group."
    )


def next_step(facts: Facts) -> Rich:
    """Until remedies exist: the finding to examine, or the data to collect."""
    gap = facts.headline_gap
    if gap is None:
        return rich(
            f"Collect at least {count(facts.floor)} people in each group that should be "
            "compared, then audit again."
        )
    if gap["verdict"] == DIFFERENCE:
        return rich(_examine(facts, gap))
    if gap["verdict"] == NO_DIFFERENCE:
        return rich(
            "Keep this report and audit again when the system or the people it decides about "
            "change."
        )
    need = more_needed(gap)
    words = metric_words.words(gap["metric"])
    group = facts.people(gap["group"])
    if need is None:
        return rich(
            f"Decide whether a gap of up to {at_most(gap['b'])} points for {group} matters here; "
            "more rows of this group alone would not settle it."
        )
    noun = "more" if words.behind == "people" else f"more {words.behind}"
    return rich(
        f"Collect about {about(need)} {noun} among {group}, then audit again: that many would "
        f"settle whether a gap of {limit(facts.tolerance)} points exists."
    )


def _examine(facts: Facts, gap: Gap) -> str:
    group, other = facts.people(gap["group"]), facts.comparator(gap)
    if gap["metric"] == "selection-rate":
        tpr = facts.gap("tpr", gap["group"])
        if tpr is not None and tpr["comparator"] == gap["comparator"] and tpr.get("value"):
            same = (tpr["value"] < 0) == (gap["value"] < 0)
            if tpr["verdict"] == DIFFERENCE and same:
                return (
                    f"Examine how {group} are decided on. Recorded outcomes alone do not explain "
                    "the gap: among people with the favourable outcome on record it is "
                    f"{size(tpr['value'])} points."
                )
            if tpr["verdict"] == NO_DIFFERENCE:
                return (
                    f"Examine how the outcome is recorded for {group}. Among people with the "
                    "favourable outcome on record, a difference of "
                    f"{at_most(tpr['b'])} points or more is ruled out."
                )
    return (
        f"Examine how {group} and {other} are decided on: it is the widest gap these data "
        "support. Check the recorded data of that group first."
    )
