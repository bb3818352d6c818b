"""What a gap strip says in its title, and in words for those who do not see it."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts, measured
from auditapp.reports.numbers import spelled, upper_first

Gap = dict[str, Any]


def strip_message(facts: Facts, table: Gap, metric: str) -> str:
    """The title of a gap strip says what the picture shows."""
    rows = [g for g in facts.gaps(table["by"], metric) if g["comparator"] != "rest"]
    reference = facts.people(table["reference"])
    total = len(rows)
    name = phrases.lower_first(facts.table_title(table))
    less = sum(g["verdict"] == DIFFERENCE and g["value"] < 0 for g in rows)
    more = sum(g["verdict"] == DIFFERENCE and g["value"] > 0 for g in rows)
    words = metric_words.words(metric)
    ways = words.ways
    if ways is None:
        of_it = metric_words.lower(metric)
        ways = (f"have a lower {of_it} than", f"have a higher {of_it} than")
    elif facts.kind == "ranking":
        ways = (ways[0].replace("{k}", facts.first_k), ways[1].replace("{k}", facts.first_k))
    if total == 1 and (less or more):
        group = upper_first(facts.people(rows[0]["group"]))
        return f"{group} {ways[0] if less else ways[1]} {reference}"
    if less or more:
        lead, way = (less, ways[0]) if less >= more else (more, ways[1])
        groups = f"{name} groups" if total > 1 else f"{name} group"
        verb = _of_one(way) if lead == 1 else way
        if lead == total:
            every = "Both" if total == 2 else f"All {spelled(total)}"
            return f"{every} {groups} {verb} {reference}"
        return f"{upper_first(spelled(lead))} of {spelled(total)} {groups} {verb} {reference}"
    open_rows = sum(g["verdict"] == NOT_ENOUGH for g in rows)
    if not open_rows and total:
        return f"No {name} group differs from {reference} by your limit or more"
    if total == 1:
        group = facts.people(rows[0]["group"])
        return f"Not enough data to compare {group} with {reference}"
    return (
        f"No {name} group is shown to differ from {reference}; "
        f"{spelled(open_rows)} of {spelled(total)} are not settled"
    )


def _of_one(way: str) -> str:
    """What several groups do, said of one."""
    for many, one in (("have ", "has "), ("are ", "is "), ("get ", "gets ")):
        if way.startswith(many):
            return one + way.removeprefix(many)
    return way


def strip_alt(facts: Facts, table: Gap, rows: list[Gap]) -> str:
    """C1: `{k} of {m} groups differ from {ref}; largest: {g}, {est} points, 95% {lo} to {hi}.`"""
    found = [g for g in rows if g["verdict"] == DIFFERENCE]
    reference = " and ".join(table["reference"].values())
    text = f"{len(found)} of {len(rows)} groups differ from {reference}"
    drawn = [g for g in rows if measured(g)]
    if not drawn:
        return text + "."
    top = max(found or drawn, key=lambda g: abs(g["value"]))
    name = ", ".join(top["group"].values())
    unit = facts.unit(top["metric"])
    return clip(
        f"{text}; largest: {name}, {unit.difference(top['value'])} {unit.many}, "
        f"95% {unit.differences(top['low'], top['high'])}."
    )


def clip(text: str, length: int = 250) -> str:
    """Alternative texts stay short; the table beside the figure is complete."""
    return text if len(text) <= length else text[: length - 1].rstrip(" ,;") + "…"
