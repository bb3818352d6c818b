"""What labels, scores and decisions show when each is looked at alone, in sentences."""

from __future__ import annotations

from typing import Any

from auditapp.reports.blocks import Rich, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, listing, percent, plural, size, span
from auditapp.reports.score_scale import Scale, few_values
from auditapp.reports.words import fill, reason

Row = dict[str, Any]

#: Given decisions that the threshold explains in fewer cases than this are not cut by it.
EXPLAINED = 0.98
LABELS = {
    "agreement": "the two agree for {a} of {g} and {b} of {r}",
    "fpr": "of those whose second label is not favourable, {a} of {g} and {b} of {r} were "
    "recorded as favourable",
    "fnr": "of those whose second label is favourable, {a} of {g} and {b} of {r} were recorded as "
    "not favourable",
}


def found(level: Row, alpha: float) -> list[Row]:
    """Comparisons of a level that chance does not explain, the clearest first."""
    rows = [c for c in level["comparisons"] if c["p_adjusted"] is not None]
    return sorted((c for c in rows if c["p_adjusted"] <= alpha), key=lambda c: float(c["p"]))


def tested(level: Row) -> int:
    return sum(c["p_adjusted"] is not None for c in level["comparisons"])


def labels(facts: Facts, level: Row, alpha: float) -> Rich:
    head = bold("Labels. ")
    if level["undefined"] == "no-gold":
        return rich(
            head,
            "Not checked: no second, careful labels were given. If the outcome was recorded "
            "differently for different groups, what follows inherits that.",
        )
    if level["undefined"]:
        return rich(head, f"Not checked: {reason(level['undefined'])}.")
    start = f"{plural(level['rows'], 'row carries', 'rows carry')} a second, careful label. "
    rows = found(level, alpha)
    if not rows:
        whole = _group(level, {}, "agreement")
        share = "" if whole is None else f"The two agree in {percent(whole['value'])} of rows. "
        return rich(head, start + share + _none(level, "No difference between groups is shown"))
    row = rows[0]
    sides = [_group(level, g, row["metric"]) for g in (row["group"], row["comparator"]["group"])]
    text = fill(
        LABELS[row["metric"]],
        a=bold(percent(sides[0]["value"])) if sides[0] else "",
        b=bold(percent(sides[1]["value"])) if sides[1] else "",
        g=bold(facts.people(row["group"])),
        r=facts.comparator(row),
    )
    return (*rich(head, start), *text, *rich("." + _more(rows, level)))


def _group(level: Row, group: dict[str, str], metric: str) -> Row | None:
    return next(
        (
            g
            for g in level["groups"]
            if g["group"] == group and g["metric"] == metric and g["value"] is not None
        ),
        None,
    )


def _none(level: Row, text: str) -> str:
    if not tested(level):
        return "No two groups have enough rows to be compared."
    return f"{text} ({plural(tested(level), 'comparison')})."


def _more(rows: list[Row], level: Row) -> str:
    if len(rows) < 2:
        return f" It is the only one of {plural(tested(level), 'comparison')} that differs."
    return f" In all, {count(len(rows))} of {plural(tested(level), 'comparison')} differ."


def scores(facts: Facts, level: Row, alpha: float) -> Rich:
    head = bold("Scores. ")
    if level["undefined"]:
        return rich(head, f"Not checked: {reason(level['undefined'])}.")
    rows = found(level, alpha)
    if not tested(level):
        return rich(head, "Not checked: too few people with a score and a recorded outcome.")
    if not rows:
        none = "Nothing shows that equal scores mean different outcomes in different groups"
        return rich(head, _none(level, none))
    row = rows[0]
    apart = row["at_equal_scores"]
    start = "Equal scores do not mean the same in every group. "
    if apart["value"] is None or apart["low"] * apart["high"] <= 0:
        text = fill(
            "For {g} and {r} the difference changes along the scale of scores.",
            g=bold(facts.people(row["group"])),
            r=facts.comparator(row),
        )
    else:
        text = fill(
            "At equal scores, {g} had the favourable outcome {d} often than {r} (95%: {i}).",
            g=bold(facts.people(row["group"])),
            r=facts.comparator(row),
            d=bold(_amount(apart["value"])),
            i=span(apart["low"], apart["high"]),
        )
    return (*rich(head, start), *text, *rich(_more(rows, level)))


def _amount(value: float) -> str:
    amount = size(value, 1)
    unit = "point" if amount == "1.0" else "points"
    return f"{amount} {unit} {'less' if value < 0 else 'more'}"


def decisions(facts: Facts, level: Row, alpha: float) -> Rich:
    head = bold("Decisions. ")
    if level["undefined"]:
        return rich(head, f"Not checked: {reason(level['undefined'])}.")
    if not tested(level):
        return rich(head, "Not checked: too few people are scored near the threshold.")
    rows = found(level, alpha)
    end = _caveats(level)
    if not rows:
        none = "No difference in outcomes is shown among people scored near the threshold"
        return rich(head, _none(level, none) + end)
    row = rows[0]
    bar = "a stricter" if row["value"] > 0 else "a less strict"
    text = fill(
        "Near the threshold ({w}), {g} had the favourable outcome {d} often than {r} at equal "
        "scores (95%: {i}). It would look like this if {bar} threshold were set for them.",
        w=window(facts, row),
        g=bold(facts.people(row["group"])),
        r=facts.comparator(row),
        d=bold(_amount(row["value"])),
        i=span(row["low"], row["high"]),
        bar=bar,
    )
    return (*rich(head), *text, *rich(_more(rows, level) + end))


def window(facts: Facts, *rows: Row) -> str:
    """`scores within 0.02 or 0.05 of 0.50`, or `scores of 5`, on the file's own scale."""
    scale = Scale.of(facts)
    widths = sorted({float(row["half_width"]) for row in rows})
    listed = facts.doc.get("scores") or {}
    if few_values(listed):
        at = float(facts.doc["levels"]["decisions"]["threshold"])
        near = [c for c in listed["cuts"] if at - widths[-1] <= c < at + widths[-1]]
        if near:
            values = sorted(scale.back(c) for c in near)
            return f"scores of {listing([scale.text(v) for v in values])}"
    half = [scale.text(width * (scale.high - scale.low)) for width in widths]
    shown = half[0] if len(half) == 1 else f"{', '.join(half[:-1])} or {half[-1]}"
    return f"scores within {shown} of {scale.text(scale.threshold)}"


def _caveats(level: Row) -> str:
    out = ""
    share = (level["agreement"] or {}).get("value")
    if share is not None and share < EXPLAINED:
        out += (
            f" The threshold explains only {percent(share)} of the decisions given, so this "
            "speaks about the score more than about them."
        )
    labelled = level["labelled"] or {}
    if labelled.get("below") == 0 and labelled.get("above"):
        out += " No outcome is recorded below the threshold: this is about those just above it."
    return out


def conclusion(facts: Facts, levels: Row) -> Rich:
    """At which level a difference shows first, and what that leaves open."""
    alpha = levels["alpha"]
    names = {"labels": "the labels", "scores": "the scores", "decisions": "the threshold"}
    at = [name for name in names if found(levels[name], alpha)]
    unseen = [names[n] for n in names if levels[n]["undefined"] or not tested(levels[n])]
    if not at:
        text = "No level shows a difference by itself."
        if facts.found:
            text += (
                " Groups that are chosen at different rates are then scored differently, without "
                "the data showing that the scores mean something else for them."
            )
    elif at[0] == "labels":
        text = (
            "A difference shows already at the labels. Scores and decisions are held against "
            "these labels, so what they show may come from there."
        )
    elif at == ["scores", "decisions"]:
        text = (
            "A difference shows first at the scores and again at the threshold, which cuts the "
            "same scores for all."
        )
    else:
        text = f"A difference shows at {names[at[0]]}, and at no other level that was checked."
    if unseen:
        text += f" Not checked: {' and '.join(unseen)}."
    return rich(bold("Where a gap enters. "), text)
