"""What a gap strip says in its title, and in words for those who do not see it."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts, measured
from auditapp.reports.language import ENGLISH, current
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import spelled, upper_first

Gap = dict[str, Any]

#: How the verbs of `MetricWords.ways` begin, said of many and of one.
VERBS = {
    ENGLISH: (("have ", "has "), ("are ", "is "), ("get ", "gets ")),
    "es": (("tienen ", "tiene "), ("reciben ", "recibe "), ("están ", "está "), ("son ", "es ")),
}


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
        ways = (
            _("have a lower {of_it} than").format(of_it=of_it),
            _("have a higher {of_it} than").format(of_it=of_it),
        )
    elif facts.kind == "ranking":
        ways = (ways[0].replace("{k}", facts.first_k), ways[1].replace("{k}", facts.first_k))
    if total == 1 and (less or more):
        group = upper_first(facts.people(rows[0]["group"]))
        return f"{group} {ways[0] if less else ways[1]} {reference}"
    if less or more:
        lead, way = (less, ways[0]) if less >= more else (more, ways[1])
        groups = (
            _("{name} groups").format(name=name)
            if total > 1
            else _("{name} group").format(name=name)
        )
        verb = _of_one(way) if lead == 1 else way
        if lead == total:
            every = _("Both") if total == 2 else _("All {total}").format(total=spelled(total))
            return f"{every} {groups} {verb} {reference}"
        return _("{lead} of {total} {groups} {verb} {reference}").format(
            lead=upper_first(spelled(lead)),
            total=spelled(total),
            groups=groups,
            verb=verb,
            reference=reference,
        )
    open_rows = sum(g["verdict"] == NOT_ENOUGH for g in rows)
    if not open_rows and total:
        return _("No {name} group differs from {reference} by your limit or more").format(
            name=name, reference=reference
        )
    if total == 1:
        group = facts.people(rows[0]["group"])
        return _("Not enough data to compare {group} with {reference}").format(
            group=group, reference=reference
        )
    return _(
        "No {name} group is shown to differ from {reference}; {open_rows} of {total} "
        "are not settled"
    ).format(name=name, reference=reference, open_rows=spelled(open_rows), total=spelled(total))


def _of_one(way: str) -> str:
    """What several groups do, said of one."""
    for many, one in VERBS.get(current(), ()):
        if way.startswith(many):
            return one + way.removeprefix(many)
    return way


def strip_alt(facts: Facts, table: Gap, rows: list[Gap]) -> str:
    """C1: `{k} of {m} groups differ from {ref}; largest: {g}, {est} points, 95% {lo} to {hi}.`"""
    found = [g for g in rows if g["verdict"] == DIFFERENCE]
    reference = _(" and ").join(table["reference"].values())
    text = _("{found} of {rows} groups differ from {reference}").format(
        found=len(found), rows=len(rows), reference=reference
    )
    drawn = [g for g in rows if measured(g)]
    if not drawn:
        return text + "."
    top = max(found or drawn, key=lambda g: abs(g["value"]))
    name = ", ".join(top["group"].values())
    unit = facts.unit(top["metric"])
    return clip(
        _("{text}; largest: {name}, {value} {many}, 95% {low}.").format(
            text=text,
            name=name,
            value=unit.difference(top["value"]),
            many=unit.many,
            low=unit.differences(top["low"], top["high"]),
        )
    )


def clip(text: str, length: int = 250) -> str:
    """Alternative texts stay short; the table beside the figure is complete."""
    return text if len(text) <= length else text[: length - 1].rstrip(" ,;") + "…"
