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
    best = max(drawn, key=lambda metric: _size(facts, table, metric))
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
    """A metric of every class: those asked about, then by what there is to say of them here."""
    focus = facts.special.get("focus") or []
    every = [measures.of(kind, name) for name in class_tables.asked(facts)]
    if len(every) <= MAX_PANELS:
        return every
    others = every[len(focus) :]
    return every[: len(focus)] + sorted(others, key=lambda m: _size(facts, table, m), reverse=True)


def _size(facts: Facts, table: Row, metric: str) -> tuple[float, float]:
    """The largest supported gap in a table, and the largest estimate."""
    found = [g for g in facts.gaps(table["by"], metric) if measured(g)]
    sizes = [min(abs(g["low"]), abs(g["high"])) for g in found if g["verdict"] == DIFFERENCE]
    return max(sizes, default=0.0), max((abs(g["value"]) for g in found), default=0.0)


def grid(facts: Facts, table: Row) -> Figure | None:
    """C4: the class with the largest supported gap where attributes meet."""
    kind = class_tables.lead(facts)
    every = [measures.of(kind, name) for name in facts.classes]
    best = max(every, key=lambda metric: _size(facts, table, metric))
    figure = rate_figures.intersection_grid(facts, table, best)
    if figure is None:
        return None
    return replace(figure, table=class_tables.comparisons(facts, table))
