"""The sentences of a comparison. Rounded values only; nothing is ever a grade."""

from __future__ import annotations

from typing import Any

from auditapp.comparison.facts import DIFFERENCE, NO_DIFFERENCE, Facts, metric
from auditapp.reports.blocks import Rich, bold, rich
from auditapp.reports.numbers import (
    count,
    percent,
    plural,
    points,
    size,
    upper_first,
)
from auditapp.reports.words import reason as known_reason

Row = dict[str, Any]

REASONS = {
    "one-audit-only": "in one audit only",
    "comparator-below-floor": "its comparator is under the floor",
    "comparator-empty-group": "nobody to compare with",
    "comparator-one-audit-only": "its comparator is in one audit only",
}
LEFT_OUT = {
    "only-first": "a group column of A only",
    "only-second": "a group column of B only",
    "other-groups": "grouped otherwise in the two audits",
    "other-people": "the same people have other groups in the two files",
}
DIFFERS = {
    "data": "the data",
    "model": "the model",
    "decision": "the column that holds the decision or score",
    "threshold": "the threshold",
    "tolerance": "the limit (the stricter one is used here)",
    "floor": "the floor (the higher one is used here)",
    "denominator_floor": "the floor behind a rate (the higher one is used here)",
    "label": "the column of the recorded outcome",
}
#: What it means for a group that its rate is higher, in a few words.
MORE = {
    "selection-rate": ("chosen more often", "chosen less often"),
    "tpr": ("recognised more often", "recognised less often"),
    "fpr": ("chosen in error more often", "chosen in error less often"),
    "precision": ("right more often when chosen", "right less often when chosen"),
    "accuracy": ("decided rightly more often", "decided rightly less often"),
}
SIZES = {
    "above": "This is larger than the limit of {limit}.",
    "near": "It is real, and may be smaller than the limit of {limit}.",
    "below": "It is real, and smaller than the limit of {limit}.",
}


def reason(code: str | None) -> str:
    """Why there is no number."""
    return REASONS[code] if code in REASONS else known_reason(code)


def shift(row: Row) -> str:
    """What happened to a gap: wider, narrower, or turned round."""
    before, after = row["first"]["value"], row["second"]["value"]
    if before * after < 0 and min(abs(before), abs(after)) >= 0.0005:
        return "turned"
    return "wider" if abs(after) > abs(before) else "narrower"


def gap_sentence(facts: Facts, row: Row) -> str:
    """`Under B the gap in selection rate between women and men is 5.2 points wider than…`."""
    pair = f"{facts.people(row['group'])} and {facts.comparator(row)}"
    before, after = points(row["first"]["value"]), points(row["second"]["value"])
    way = shift(row)
    name = metric(row["metric"])
    how = "has turned round" if way == "turned" else f"is {size(row['value'], 1)} points {way}"
    return f"Under B the gap in {name} between {pair} {how}: {after} points instead of {before}."


def rate_sentence(facts: Facts, row: Row) -> str:
    """`B has a selection rate of 26.1% for women and A of 31.3%: 5.2 points less.`."""
    who = facts.people(row["group"])
    before, after = percent(row["first"]["value"], 1), percent(row["second"]["value"], 1)
    amount = size(row["value"], 1)
    way = "more" if row["value"] > 0 else "less"
    return (
        f"For {who}, {metric(row['metric'])} is {after} under B and {before} under A: "
        f"{amount} points {way}."
    )


def sentence(facts: Facts, row: Row) -> str:
    """The finding in one sentence, whatever its verdict."""
    if row["verdict"] == DIFFERENCE:
        return gap_sentence(facts, row) if row["kind"] == "gap" else rate_sentence(facts, row)
    what = subject(facts, row)
    b = size(row["b"], 1)
    if row["verdict"] == NO_DIFFERENCE:
        return (
            f"We saw no change that matters in {what}: "
            f"one of {b} points or more is ruled out (95%)."
        )
    return f"Whether {what} differs is not settled: a change of up to {b} points could be hidden."


def subject(facts: Facts, row: Row) -> str:
    """`the gap in selection rate between women and men`."""
    if row["kind"] == "gap":
        return (
            f"the gap in {metric(row['metric'])} between {facts.people(row['group'])} and "
            f"{facts.comparator(row)}"
        )
    return f"{metric(row['metric'])} of {facts.people(row['group'])}"


def ends(row: Row) -> tuple[str, str]:
    """Both ends of the adjusted interval; more decimals where few would put one on zero."""
    digits = 1
    if row["verdict"] == DIFFERENCE:
        near = min(abs(row["low"]), abs(row["high"]))
        digits = next((d for d in (1, 2, 3) if near >= 0.5 * 10.0 ** (-2 - d)), 4)
    return points(row["low"], digits), points(row["high"], digits)


def interval(row: Row) -> str:
    """`−7.1 to −2.5`."""
    return " to ".join(ends(row))


def how_sure(facts: Facts, row: Row) -> str:
    """The interval of a change, and how it stands to the limit."""
    told = SIZES.get(row["size_class"] or "", "").replace("{limit}", facts.limit_words)
    return f"The change is very likely between {' and '.join(ends(row))} points. {told}".strip()


def detail(facts: Facts, row: Row) -> str:
    """The line under a finding: rate, change, interval, people."""
    bits = [upper_first(metric(row["metric"]))]
    if row["value"] is not None:
        change = f"change {points(row['value'])} points"
        if row["low"] is not None:
            change += f" ({interval(row)})"
        bits.append(change)
    n = row["n"]
    people = plural(n["first"], "person", "people")
    bits.append(people if facts.paired else f"{people} in A, {count(n['second'])} in B")
    return ", ".join(bits)


def finding(facts: Facts, row: Row) -> Rich:
    """A finding with its change in bold."""
    text = sentence(facts, row)
    if row["verdict"] != DIFFERENCE:
        return rich(text)
    head, colon, tail = text.partition(": ")
    return rich(head, colon, bold(tail.rstrip(".")), ".")
