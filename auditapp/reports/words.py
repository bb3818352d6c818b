"""The sentences of a report. Each is filled with rounded values; none is ever a grade."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from auditapp.reports import measures, metric_words
from auditapp.reports.blocks import Rich, Run, bold, rich
from auditapp.reports.facts import (
    DIFFERENCE,
    NO_DIFFERENCE,
    NOT_APPLICABLE,
    NOT_ENOUGH,
    Facts,
    measured,
)
from auditapp.reports.numbers import count, upper_first
from auditapp.reports.units import POINTS, Unit

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
    "absent-class": "nobody recorded so",
    "class-not-chosen": "nobody predicted so",
    "only-class": "everybody recorded so",
    "one-label": "only one recorded outcome",
    "reference": "reference",
    "score-is-no-probability": "the score is no probability between 0 and 1",
    "abstain": "no decision was abstained from",
    "no-columns": "no other column describes people",
    "no-split": "no split beyond chance",
    "constant-decision": "everybody is decided alike",
    "has-a-role": "it has another part in the audit",
    "one-value": "one value only",
    "free-text": "free text",
    "identifier": "numbers or names rows",
    "weight": "a survey weight",
    "tells-the-outcome": "it nearly tells the decision or the outcome",
    "not-a-feature": "not a feature",
    "beyond-cap": "no time was left",
    "reference-below-floor": "reference under the floor",
    "empty-control": "the factor is blank in every row",
    "no-shared-stratum": "nowhere both groups",
    "one-outcome": "all alike",
    "one-stratum": "one value only",
    "no-odds-ratio": "no odds ratio",
    "sparse-strata": "too few in some values",
    "no-gold": "no second labels",
    "no-relabelled-row": "no measured row has a second label",
    "no-score": "needs a score",
    "no-labelled-score": "no row has a score and a recorded outcome",
    "no-shared-scores": "no shared scores",
    "no-references": "no reference decisions",
    "not-comparable": "no reference could be compared",
    "skewed": "too few for errors with long tails",
    "zero-variance": "nothing varies",
    "single-row": "one person only",
    "one-list": "no interval from one list",
    "too-few-lists": "too few lists",
    "k-above-n": "every list is shorter than k",
    "below-floor-before": "under the floor in the earlier audit",
    "below-floor-after": "under the floor now",
    "same-rows": "same rows, not tested",
    "no-rows": "no rows",
    "no-fitted-rows": "no fitted rows",
    "one-site": "one site only",
    "one-source": "one source only",
    "no-features": "no columns to tell by",
    "tied-at-k": "equal scores at the cut",
    "no-relevance": "needs a relevance",
    "none-selected": "nobody on top",
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


def digits_for(gap: Gap, tolerance: float, unit: Unit = POINTS) -> int:
    """Few decimals, or more where few would hide what the sentence says."""
    fine, coarse = unit.fine, unit.coarse
    if not rates_defined(gap) or gap.get("value") is None:
        return fine
    same_rates = unit.rounded(gap["rate"], coarse) == unit.rounded(gap["rate_comparator"], coarse)
    small = abs(unit.rounded(gap["value"], fine)) < 2 * Decimal(1).scaleb(-coarse)
    ends = [gap["low"], gap["high"]]
    if None in ends:
        return fine if same_rates or small else coarse
    same_ends = unit.rounded(ends[0], coarse) == unit.rounded(ends[1], coarse)
    near = min(abs(e) for e in ends)
    limit = unit.rounded(tolerance, fine + 1)
    at_limit = near != tolerance and unit.rounded(near, coarse) == limit
    return fine if same_rates or small or same_ends or at_limit else coarse


def at_most(value: float, unit: Unit = POINTS) -> str:
    """A limit in points, rounded up so that the claim stays true."""
    return unit.at_most(value)


def ruled_out(facts: Facts, gap: Gap) -> str:
    """`4 points`: the gap that an equivalence test excludes, or that could hide."""
    unit = facts.unit(gap["metric"])
    return f"{unit.at_most(gap['b'])} {unit.many}"


def direction(value: float, metric: str = "") -> str:
    """What a gap of this sign is: less or more, or what the metric calls it."""
    return metric_words.words(metric).way[0 if value < 0 else 1]


def value_words(facts: Facts, metric: str, value: float, digits: int) -> str:
    """A value in a sentence: `34%`, `3.1 units`, `0.8 units too low`."""
    unit = facts.unit(metric)
    sides = metric_words.words(metric).sides
    if unit.sign:
        return unit.value(value, digits)
    if sides is None:
        return unit.counted(unit.value(value, digits))
    amount = unit.counted(unit.size(value, digits))
    return amount + " off" if not unit.rounded(value, digits) else f"{amount} {sides[value > 0]}"


def given(facts: Facts, gap: Gap, *, difference: bool = True) -> Rich:
    """`{Outcome} was given to {a}% of {group} and {b}% of {ref}: {d} points less.`"""
    unit, metric = facts.unit(gap["metric"]), gap["metric"]
    digits = digits_for(gap, facts.tolerance, unit)
    name = measures.class_of(metric)
    text = fill(
        metric_words.given(metric),
        outcome=facts.outcome,
        a=bold(value_words(facts, metric, gap["rate"], digits)),
        b=bold(value_words(facts, metric, gap["rate_comparator"], digits)),
        g=bold(facts.people(gap["group"])),
        r=facts.comparator(gap),
        k=facts.first_k,
        c="" if name is None else metric_words.quoted(name),
    )
    if not difference:
        return (*text, Run("."))
    amount = unit.counted(unit.size(gap["value"], digits))
    return (*text, Run(f": {amount} {direction(gap['value'], metric)}."))


def how_sure(facts: Facts, gap: Gap) -> str:
    """The interval and the limit, after a difference was found."""
    unit = facts.unit(gap["metric"])
    digits = digits_for(gap, facts.tolerance, unit)
    low, high = sorted((abs(gap["low"]), abs(gap["high"])))
    interval = unit.sizes(low, high, digits)
    noun = metric_words.words(gap["metric"]).behind
    with_n = (
        f"With {count(min(behind(gap), behind(gap, '_comparator')))} {noun} in the smaller group, "
    )
    if gap["size_class"] == "near" and not unit.sign:
        return (
            f"{with_n}the gap is real, very likely {interval} {unit.many}, but may be smaller "
            f"than your limit of {facts.limit_words}."
        )
    if gap["size_class"] == "near":
        return (
            f"{with_n}the gap is real but may be smaller than your limit of "
            f"{facts.limit_words} ({interval} {unit.many})."
        )
    if gap["size_class"] == "below" and high >= facts.tolerance:
        return (
            f"{with_n}the gap is real and below the {facts.tolerance_words} you set: a gap of "
            f"{ruled_out(facts, gap)} or more is ruled out (95%)."
        )
    if gap["size_class"] == "below":
        end = f"The gap is real and smaller than the {facts.tolerance_words} you set."
    else:
        end = f"This is larger than the {facts.tolerance_words} you set."
    between = interval.replace(" to ", " and ")
    return f"{with_n}the true gap is very likely between {between} {unit.many}. {end}"


def no_difference(facts: Facts, gap: Gap) -> Rich:
    metric = gap["metric"]
    of_class = "" if measures.class_of(metric) is None else f"in {metric_words.lower(metric)} "
    return rich(
        f"We saw no difference {of_class}between ",
        bold(facts.people(gap["group"])),
        f" and {facts.comparator(gap)} that matters at your limit: a gap of ",
        bold(ruled_out(facts, gap)),
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
    name = metric_words.lower(gap["metric"])
    could = f" Gaps up to {ruled_out(facts, gap)} in {name} could be hidden"
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


def detail(gap: Gap, unit: Unit = POINTS) -> str:
    """The second line: metric, estimate with interval, people behind it."""
    words = metric_words.words(gap["metric"])
    bits = [words.title]
    if measured(gap):
        bits.append(f"{unit.difference(gap['value'])} {unit.many} ({_spans(gap, unit)})")
    who = words.behind if words.behind == "people" else words.behind.removeprefix("people ")
    bits.append(f"{count(behind(gap))} {who}")
    return ", ".join(bits)


def _spans(gap: Gap, unit: Unit) -> str:
    """The interval a verdict rests on: adjusted for a difference, else also the 90% one."""
    adjusted = unit.differences(gap["low"], gap["high"])
    if gap["verdict"] == DIFFERENCE:
        return adjusted
    thick = unit.differences(gap["thick_low"], gap["thick_high"])
    return f"90%: {thick}; adjusted 95%: {adjusted}"
