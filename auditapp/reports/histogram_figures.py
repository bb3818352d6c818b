"""The score distributions, with their words and their numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Table
from auditapp.reports.captions import clip
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import listing, percent
from auditapp.reports.score_figures import MAX_SERIES, drawn_note, rows_by_group
from auditapp.reports.score_scale import Scale, few_values, spread

Row = dict[str, Any]

MAX_HISTOGRAM = 4


def histogram(facts: Facts, table: Row) -> Figure | None:
    """How scores are spread in each group."""
    scale = Scale.of(facts)
    sweeps = {phrases.label(v["group"]): i for v, i in rows_by_group(facts, "sweep", table)}
    pairs = rows_by_group(facts, "histogram", table)
    series = []
    for level, item in pairs:
        total = sum(item["counts"])
        if total:
            label = phrases.label(level["group"])
            edges, shares = spread(facts, item, sweeps.get(label))
            series.append(
                {
                    "label": label,
                    "reference": level["status"] == "reference",
                    "n": total,
                    "edges": edges,
                    "shares": shares,
                    "group": level["group"],
                }
            )
    if not series:
        return None
    title = facts.table_title(table)
    columns = [Column(_("Score"), "start")]
    columns += [Column(s["label"]) for s in series[:MAX_SERIES]]
    edges = series[0]["edges"]
    few = few_values(facts.doc["scores"])
    rows = [
        (
            Cell(_name(scale, edges[i], edges[i + 1], few)),
            *(Cell(percent(s["shares"][i], 1)) for s in series[:MAX_SERIES]),
        )
        for i in range(len(edges) - 1)
    ]
    chosen = [_chosen(facts, s["group"]) for s in series[:MAX_SERIES]]
    reached = [f"{s['label']} {p}" for s, p in zip(series, chosen, strict=False) if p]
    kept = [{k: v for k, v in s.items() if k != "group"} for s in series[:MAX_HISTOGRAM]]
    return Figure(
        anchor=f"scores-{facts.anchor(table)}",
        title=_("{title}: how the scores are spread").format(title=title),
        subtitle=_("Share of each group's people by score. Filled: {rule}.").format(
            rule=scale.rule
        )
        + drawn_note(len(series), MAX_HISTOGRAM),
        alt=clip(
            _("Share {rule}: {reached}.").format(rule=scale.rule, reached=listing(reached))
            if reached
            else _("Score distributions of {kept} groups.").format(kept=len(kept))
        ),
        table=Table(columns=tables.share(columns), rows=tuple(rows), dense=True),
        chart={
            "kind": "score-histogram",
            "threshold": _boundary(edges, scale.threshold) if few else scale.threshold,
            "now": scale.text(scale.threshold),
            "favourable": scale.favourable,
            "series": kept,
        },
        print_half=True,
    )


def _boundary(edges: list[float], threshold: float) -> float:
    """Where the bars of single values part: the lower edge of the first at the threshold."""
    bars = list(pairwise(edges))
    return next((a for a, b in bars if (a + b) / 2 >= threshold - 1e-9), edges[-1])


def _name(scale: Scale, low: float, high: float, few: bool) -> str:
    if few:
        return scale.text((low + high) / 2)
    return _("{low} to {high}").format(low=scale.text(low), high=scale.text(high))


def _chosen(facts: Facts, group: dict[str, str]) -> str:
    """The stored selection rate, where the score decides."""
    found = None if facts.plan.get("decision") else facts.estimate("selection-rate", group)
    if found is None or found.get("value") is None or found.get("below_floor"):
        return ""
    return percent(found["value"])
