"""Charts C3 and C4 of decisions among several classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import class_tables, measures, metric_words, rate_figures
from auditapp.reports.blocks import Figure
from auditapp.reports.facts import DIFFERENCE, Facts, measured
from auditapp.reports.numbers import count

Row = dict[str, Any]

MAX_PANELS = 6


def rates(facts: Facts, table: Row) -> Figure | None:
    """C3: the share of every class by group, one panel for each class."""
    kind = class_tables.lead(facts)
    drawn = ranked(facts, table, kind)[:MAX_PANELS]
    figure = rate_figures.rates(facts, table, tuple(drawn))
    if figure is None:
        return None
    panels = [
        {**panel, "title": metric_words.quoted(str(measures.class_of(metric)))}
        for panel, metric in zip(figure.chart["panels"], drawn, strict=True)
    ]
    more = len(facts.classes) - len(drawn)
    rest = f" The {len(drawn)} classes with the most to say of {count(len(facts.classes))}."
    best = max(drawn, key=lambda metric: _support(facts, table, metric))
    widest = rate_figures.rates(facts, table, (best,))
    return replace(
        figure,
        title=figure.title if widest is None else widest.title,
        subtitle=f"{metric_words.of_classes(kind).title}, with its own 95% interval. Dashed line: "
        f"everyone together.{rest if more > 0 else ''}",
        chart={**figure.chart, "panels": panels},
        print_table=False,
    )


def ranked(facts: Facts, table: Row, kind: str) -> list[str]:
    """A metric of every class: those asked about, then by the largest supported gap here."""
    focus = facts.special.get("focus") or []
    every = [measures.of(kind, name) for name in facts.classes]
    if len(every) <= MAX_PANELS and not focus:
        return every

    def weight(metric: str) -> tuple[bool, float, float, int]:
        name = measures.class_of(metric)
        found = [abs(g["value"]) for g in facts.gaps(table["by"], metric) if measured(g)]
        support = _support(facts, table, metric)
        return name not in focus, -support, -max(found, default=0.0), every.index(metric)

    return sorted(every, key=weight)


def _support(facts: Facts, table: Row, metric: str) -> float:
    found = [g for g in facts.gaps(table["by"], metric) if measured(g)]
    sizes = [min(abs(g["low"]), abs(g["high"])) for g in found if g["verdict"] == DIFFERENCE]
    return max(sizes, default=0.0)


def grid(facts: Facts, table: Row) -> Figure | None:
    """C4: the class with the largest supported gap where attributes meet."""
    kind = class_tables.lead(facts)
    every = [measures.of(kind, name) for name in facts.classes]
    best = max(every, key=lambda m: (_support(facts, table, m), m == facts.lead))
    figure = rate_figures.intersection_grid(facts, table, best)
    if figure is None:
        return None
    return replace(figure, table=class_tables.comparisons(facts, table))
