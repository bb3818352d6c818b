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
from auditapp.reports.language import Words, gettext_noop, noting
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, upper_first
from auditapp.reports.units import POINTS, Unit

Gap = dict[str, Any]

VERDICT_WORDS = Words(
    {
        DIFFERENCE: gettext_noop("Difference found"),
        NO_DIFFERENCE: gettext_noop("No difference found"),
        NOT_ENOUGH: gettext_noop("Not enough data"),
        NOT_APPLICABLE: gettext_noop("Not applicable"),
    }
)
REASONS = Words(
    {
        "below-floor": gettext_noop("under the floor"),
        "suppressed": gettext_noop("suppressed"),
        "no-label": gettext_noop("needs a recorded outcome"),
        "no-labels": gettext_noop("needs a recorded outcome"),
        "no-decision": gettext_noop("needs a decision"),
        "one-group": gettext_noop("only one group"),
        "no-denominator": gettext_noop("nobody to count"),
        "empty-group": gettext_noop("nobody in the group"),
        "too-few": gettext_noop("too few"),
        "at-bound": gettext_noop("no interval at 0 or 1"),
        "one-score": gettext_noop("all have the same score"),
        "one-class": gettext_noop("only one recorded outcome"),
        "empty-denominator": gettext_noop("nobody to count"),
        "nobody-in-either": gettext_noop("nobody in either group"),
        "absent-class": gettext_noop("nobody recorded so"),
        "class-not-chosen": gettext_noop("nobody predicted so"),
        "only-class": gettext_noop("everybody recorded so"),
        "one-label": gettext_noop("only one recorded outcome"),
        "reference": gettext_noop("reference"),
        "score-is-no-probability": gettext_noop("the score is no probability between 0 and 1"),
        "abstain": gettext_noop("no decision was abstained from"),
        "no-columns": gettext_noop("no other column describes people"),
        "no-split": gettext_noop("no split beyond chance"),
        "constant-decision": gettext_noop("everybody is decided alike"),
        "has-a-role": gettext_noop("it has another part in the audit"),
        "one-value": gettext_noop("one value only"),
        "free-text": gettext_noop("free text"),
        "identifier": gettext_noop("numbers or names rows"),
        "weight": gettext_noop("a survey weight"),
        "tells-the-outcome": gettext_noop("it nearly tells the decision or the outcome"),
        "not-a-feature": gettext_noop("not a feature"),
        "beyond-cap": gettext_noop("no time was left"),
        "reference-below-floor": gettext_noop("reference under the floor"),
        "empty-control": gettext_noop("the factor is blank in every row"),
        "no-shared-stratum": gettext_noop("nowhere both groups"),
        "one-outcome": gettext_noop("all alike"),
        "one-stratum": gettext_noop("one value only"),
        "no-odds-ratio": gettext_noop("no odds ratio"),
        "sparse-strata": gettext_noop("too few in some values"),
        "no-gold": gettext_noop("no second labels"),
        "no-relabelled-row": gettext_noop("no measured row has a second label"),
        "no-score": gettext_noop("needs a score"),
        "no-labelled-score": gettext_noop("no row has a score and a recorded outcome"),
        "no-shared-scores": gettext_noop("no shared scores"),
        "no-references": gettext_noop("no reference decisions"),
        "not-comparable": gettext_noop("no reference could be compared"),
        "skewed": gettext_noop("too few for errors with long tails"),
        "zero-variance": gettext_noop("nothing varies"),
        "single-row": gettext_noop("one person only"),
        "one-list": gettext_noop("no interval from one list"),
        "too-few-lists": gettext_noop("too few lists"),
        "k-above-n": gettext_noop("every list is shorter than k"),
        "below-floor-before": gettext_noop("under the floor in the earlier audit"),
        "below-floor-after": gettext_noop("under the floor now"),
        "same-rows": gettext_noop("same rows, not tested"),
        "no-rows": gettext_noop("no rows"),
        "no-fitted-rows": gettext_noop("no fitted rows"),
        "one-site": gettext_noop("one site only"),
        "one-source": gettext_noop("one source only"),
        "no-features": gettext_noop("no columns to tell by"),
        "tied-at-k": gettext_noop("equal scores at the cut"),
        "no-relevance": gettext_noop("needs a relevance"),
        "none-selected": gettext_noop("nobody on top"),
    }
)
CHOICES = Words(
    {
        "largest": gettext_noop("the largest group"),
        "chosen": gettext_noop("chosen by the auditor"),
        "rest": gettext_noop("everyone else"),
    }
)


#: Why rows are left out, as the pipeline writes it.
LEFT_OUT = (
    gettext_noop("of the population that remedies start from"),
    gettext_noop("used to fit the audited model"),
    gettext_noop("no decision: the score or decision is blank"),
    gettext_noop("no prediction: the column is blank"),
    gettext_noop("in no order: the score is blank"),
    gettext_noop("in no list: the list column is blank"),
    gettext_noop("the picture cannot be decoded"),
)


def why_left_out(item: dict[str, Any]) -> str:
    """Why rows count in nothing; a reason that nobody translated stays as it is."""
    with noting():
        return _(str(item["reason"]))


def reason(code: str | None) -> str:
    """Why a number does not exist."""
    if not code:
        return _("not computed")
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
    return (
        amount + _(" off") if not unit.rounded(value, digits) else f"{amount} {sides[value > 0]}"
    )


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
    with_n = _("With {gap} {noun} in the smaller group, ").format(
        gap=count(min(behind(gap), behind(gap, "_comparator"))), noun=noun
    )
    if gap["size_class"] == "near" and not unit.sign:
        return _(
            "{with_n}the gap is real, very likely {interval} {many}, but may be smaller "
            "than your limit of {limit_words}."
        ).format(with_n=with_n, interval=interval, many=unit.many, limit_words=facts.limit_words)
    if gap["size_class"] == "near":
        return _(
            "{with_n}the gap is real but may be smaller than your limit of {limit_words} "
            "({interval} {many})."
        ).format(with_n=with_n, limit_words=facts.limit_words, interval=interval, many=unit.many)
    if gap["size_class"] == "below" and high >= facts.tolerance:
        return _(
            "{with_n}the gap is real and below the {tolerance_words} you set: a gap of "
            "{facts} or more is ruled out (95%)."
        ).format(with_n=with_n, tolerance_words=facts.tolerance_words, facts=ruled_out(facts, gap))
    if gap["size_class"] == "below":
        end = _("The gap is real and smaller than the {tolerance_words} you set.").format(
            tolerance_words=facts.tolerance_words
        )
    else:
        end = _("This is larger than the {tolerance_words} you set.").format(
            tolerance_words=facts.tolerance_words
        )
    between = _("{low} and {high}").format(
        low=unit.size(low, digits), high=unit.size(high, digits)
    )
    return _("{with_n}the true gap is very likely between {between} {many}. {end}").format(
        with_n=with_n, between=between, many=unit.many, end=end
    )


def no_difference(facts: Facts, gap: Gap) -> Rich:
    metric = gap["metric"]
    of_class = (
        ""
        if measures.class_of(metric) is None
        else _("in {metric} ").format(metric=metric_words.lower(metric))
    )
    return rich(
        _("We saw no difference {of_class}between ").format(of_class=of_class),
        bold(facts.people(gap["group"])),
        _(" and {gap} that matters at your limit: a gap of ").format(gap=facts.comparator(gap)),
        bold(ruled_out(facts, gap)),
        _(" or more is ruled out (95%)."),
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
    who = metric_words.words(gap["metric"]).behind.removeprefix(_("people "))
    return _(" ({gap} of them {who})").format(gap=count(behind(gap)), who=who)


def not_enough(facts: Facts, gap: Gap, *, hidden: bool = True) -> Rich:
    """How many there were, what could hide, how many more are needed."""
    group = facts.people(gap["group"])
    if not measured(gap):
        return rich(
            _("Only {n} ").format(n=count(gap["n"])),
            bold(group),
            _(" are in the data, under the floor of {floor}: nothing is said of them.").format(
                floor=count(facts.floor)
            ),
        )
    words = metric_words.words(gap["metric"])
    need = more_needed(gap)
    inside = of_them(gap)
    name = metric_words.lower(gap["metric"])
    could = _(" Gaps up to {facts} in {name} could be hidden").format(
        facts=ruled_out(facts, gap), name=name
    )
    text = f"{could}." if hidden else ""
    # At a limit of 0 no number of rows settles anything, however large the comparator.
    if need is None and gap.get("rows_needed") is None and facts.tolerance > 0:
        others = count(behind(gap, "_comparator"))
        return rich(
            _("{n} ").format(n=count(gap["n"])),
            bold(group),
            _("{inside} were compared with {gap}, only {others} {behind}.{text}").format(
                inside=inside,
                gap=facts.comparator(gap),
                others=others,
                behind=words.behind,
                text=text,
            ),
        )
    if need is None:
        return rich(
            _("{n} ").format(n=count(gap["n"])),
            bold(group),
            _("{inside} were compared with {gap}.").format(
                inside=inside, gap=facts.comparator(gap)
            )
            + (_("{could}, and none is shown.").format(could=could) if hidden else ""),
        )
    noun = (
        _("more")
        if words.behind == _("people")
        else _("more {behind}").format(behind=words.behind)
    )
    return rich(
        _("Only {n} ").format(n=count(gap["n"])),
        bold(group),
        _("{inside} were in the data.{text} Collect about {need} {noun} before deciding.").format(
            inside=inside, text=text, need=about(need), noun=noun
        ),
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
    who = words.behind.removeprefix(_("people "))
    bits.append(f"{count(behind(gap))} {who}")
    return ", ".join(bits)


def _spans(gap: Gap, unit: Unit) -> str:
    """The interval a verdict rests on: adjusted for a difference, else also the 90% one."""
    adjusted = unit.differences(gap["low"], gap["high"])
    if gap["verdict"] == DIFFERENCE:
        return adjusted
    thick = unit.differences(gap["thick_low"], gap["thick_high"])
    return _("90%: {thick}; adjusted 95%: {adjusted}").format(thick=thick, adjusted=adjusted)
