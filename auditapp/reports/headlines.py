"""What the report says first, and what to do next."""

from __future__ import annotations

from auditapp.reports import measures, metric_words
from auditapp.reports.blocks import Rich, Run, rich
from auditapp.reports.facts import DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, plural, size
from auditapp.reports.words import (
    Gap,
    about,
    at_most,
    detail,
    given,
    how_sure,
    more_needed,
    no_difference,
    not_enough,
    ruled_out,
)

DECIDED = gettext_noop("decided on")
DONE = Words({"regression": gettext_noop("predicted"), "ranking": gettext_noop("ranked")})


def headline(facts: Facts) -> tuple[Rich, Rich]:
    """The verdict of the report and the sentence on how sure it is."""
    gap = facts.headline_gap
    if gap is None:
        return _nothing_compared(facts)
    if gap["verdict"] == DIFFERENCE:
        return _plain(given(facts, gap)), rich(how_sure(facts, gap))
    settled = facts.tally[NO_DIFFERENCE]
    if gap["verdict"] == NOT_ENOUGH:
        metric = metric_words.lower(gap["metric"])
        text = _(
            "Not enough data to say whether {group} and {gap} are treated alike: a gap of "
            "up to {facts} in {metric} could be hidden."
        ).format(
            group=facts.people(gap["group"]),
            gap=facts.comparator(gap),
            facts=ruled_out(facts, gap),
            metric=metric,
        )
        more = [*_plain(not_enough(facts, gap, hidden=False))]
        if settled:
            more.append(
                Run(
                    _(" No difference was found in {settled}.").format(
                        settled=plural(settled, "other comparison")
                    )
                )
            )
        return rich(text), tuple(more)
    below = facts.tally[NOT_ENOUGH]
    if settled == 1:
        return _plain(no_difference(facts, gap)), rich(_detail(facts, gap) + ".")
    widest = max(facts.settled_none, key=lambda g: g["b"])
    text = _(
        "We saw no difference that matters at your limit: a gap of {facts} or more is "
        "ruled out in all {settled} comparisons (95%)."
    ).format(facts=ruled_out(facts, widest), settled=count(settled))
    rest = (
        _(" {below} more could not be made, under the floor.").format(below=count(below))
        if below
        else ""
    )
    return rich(text), rich(
        _("The widest interval is for {group} against {widest}: {facts}.{rest}").format(
            group=facts.people(widest["group"]),
            widest=facts.comparator(widest),
            facts=_lower(_detail(facts, widest)),
            rest=rest,
        )
    )


def _detail(facts: Facts, gap: Gap) -> str:
    return detail(gap, facts.unit(gap["metric"]))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _plain(text: Rich) -> Rich:
    return rich("".join(run.t for run in text))


def _nothing_compared(facts: Facts) -> tuple[Rich, Rich]:
    text = _("Not enough data: no two groups could be compared.")
    behind = _(" and {value} people behind each rate").format(
        value=facts.plan.get("denominator_floor", 10)
    )
    behind = "" if facts.kind == "regression" else behind
    return rich(text), rich(
        _(
            "A group needs {floor} people{behind}. Section “Data” lists the size of every group."
        ).format(floor=count(facts.floor), behind=behind)
    )


def next_step(facts: Facts) -> Rich:
    """Until remedies exist: the finding to examine, or the data to collect."""
    gap = facts.headline_gap
    if gap is None:
        return rich(
            _(
                "Collect at least {floor} people in each group that should be compared, then "
                "audit again."
            ).format(floor=count(facts.floor))
        )
    if gap["verdict"] == DIFFERENCE:
        return rich(_examine(facts, gap))
    if gap["verdict"] == NO_DIFFERENCE:
        return rich(
            _(
                "Keep this report and audit again when the system or the people it decides "
                "about change."
            )
        )
    need = more_needed(gap)
    behind = metric_words.words(gap["metric"]).behind
    group = facts.people(gap["group"])
    if need is None:
        return rich(
            _(
                "Decide whether a gap of up to {facts} for {group} matters here; more rows of "
                "this group alone would not settle it."
            ).format(facts=ruled_out(facts, gap), group=group)
        )
    noun = _("more") if behind == _("people") else _("more {behind}").format(behind=behind)
    return rich(
        _(
            "Collect about {need} {noun} among {group}, then audit again: if there is no "
            "gap, that many rule out one of {limit_size} four times in five."
        ).format(need=about(need), noun=noun, group=group, limit_size=facts.limit_size)
    )


def _examine(facts: Facts, gap: Gap) -> str:
    group, other = facts.people(gap["group"]), facts.comparator(gap)
    of_class = measures.class_of(gap["metric"])
    if measures.metric_of(gap["metric"]) == "selection-rate":
        found = measures.of("tpr", of_class)
        tpr = facts.gap(found, gap["group"])
        recorded = _("people with the favourable outcome on record")
        if of_class is not None:
            recorded = metric_words.words(found).behind
        if tpr is not None and tpr["comparator"] == gap["comparator"] and tpr.get("value"):
            same = (tpr["value"] < 0) == (gap["value"] < 0)
            if tpr["verdict"] == DIFFERENCE and same:
                return _(
                    "Examine how {group} are decided on. Recorded outcomes alone do not explain "
                    "the gap: among {recorded} it is {value} points."
                ).format(group=group, recorded=recorded, value=size(tpr["value"]))
            if tpr["verdict"] == NO_DIFFERENCE:
                return _(
                    "Examine how the outcome is recorded for {group}. Among {recorded}, a "
                    "difference of {b} points or more is ruled out."
                ).format(group=group, recorded=recorded, b=at_most(tpr["b"]))
    metric = metric_words.lower(gap["metric"])
    verb = DONE.get(facts.kind, DECIDED)
    start = _(
        "Examine how {group} and {other} are {verb}, starting with how their data were recorded"
    ).format(group=group, other=other, verb=verb)
    if sum(facts.tally.values()) == 1:
        return f"{start}."
    return _("{start}: no gap in {metric} is better supported by these data.").format(
        start=start, metric=metric
    )
