"""Charts C1 to C4 of a report with their message, their words and their numbers."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Table
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts, measured
from auditapp.reports.numbers import (
    count,
    limit,
    percent,
    points,
    size,
    span,
    upper_first,
)
from auditapp.reports.words import CHOICES, VERDICT_WORDS, clip, strip_alt, strip_message

Row = dict[str, Any]

MAX_PANELS = 5
MAX_STRIP = 12

VERDICT_LEGEND = tuple(Legend(slug, text) for slug, text in list(VERDICT_WORDS.items())[:3])


def gap_strip(facts: Facts, table: Row, metric: str, *, anchor: str) -> Figure:
    """C1: every group of one attribute against the reference."""
    rows = [g for g in facts.gaps(table["by"], metric) if g["comparator"] != "rest"]
    reference = table["reference"]
    words = metric_words.words(metric)
    own = facts.estimate(metric, reference) or {}
    who = facts.people(reference)
    own_rate = f"{percent(own['value'], 1)}, " if own.get("value") is not None else ""
    k = (facts.doc.get("family") or {}).get("k") or len(rows)
    drawn = rows
    capped = ""
    if len(rows) > MAX_STRIP:
        drawn = sorted(rows, key=_strip_rank)[:MAX_STRIP]
        capped = f" The {MAX_STRIP} groups with the most to say are drawn; the table has all."
    chart = {
        "kind": "gap-strip",
        "rows": [_strip_row(facts, g) for g in drawn],
        "tolerance": facts.tolerance,
        "reference": phrases.label(reference),
        "less": words.less,
        "more": words.more,
    }
    return Figure(
        anchor=anchor,
        title=strip_message(facts, table, metric),
        subtitle=(
            f"Difference in {words.title.lower()} to {who} ({own_rate}"
            f"{CHOICES.get(table.get('reference_choice') or '', 'the reference')}), in percentage "
            f"points. Thin bars: 95%, adjusted for {count(k)} comparisons; thick bars: 90% each. "
            f"Band: your limit of {limit(facts.tolerance)} points.{capped}"
        ),
        alt=strip_alt(facts, table, rows),
        table=_strip_table(facts, table, rows),
        chart=chart,
        legend=(*_strip_legend(rows), Legend("band", "Within your limit")),
    )


def _strip_rank(gap: Row) -> tuple[int, float, str]:
    """Findings by supported gap, then what could hide most, then the rest."""
    name = phrases.label(gap["group"])
    if not measured(gap):
        return 3, 0.0, name
    if gap["verdict"] == DIFFERENCE:
        return 0, -min(abs(gap["low"]), abs(gap["high"])), name
    return (1 if gap["verdict"] == NOT_ENOUGH else 2), -abs(gap["b"] or 0.0), name


def _strip_legend(rows: list[Row]) -> tuple[Legend, ...]:
    return tuple(
        Legend(slug, text)
        for slug, text in VERDICT_WORDS.items()
        if slug != "not-applicable" or any(g["verdict"] == slug for g in rows)
    )


def _strip_row(facts: Facts, gap: Row) -> Row:
    level = facts.level(gap["group"]) or {}
    row = {
        "label": phrases.label(gap["group"]),
        "n": level.get("n", gap.get("n")),
        "verdict": gap["verdict"],
        **{k: gap.get(k) for k in ("value", "low", "high", "thick_low", "thick_high")},
    }
    if not measured(gap):
        row["value"] = None
        row["note"] = _why(gap)
    return row


def _why(gap: Row) -> str:
    cell = tables.gap(gap)
    return " ".join(bit for bit in (cell.text, cell.note) if bit)


def _strip_table(facts: Facts, table: Row, rows: list[Row]) -> Table:
    ordered = sorted(rows, key=lambda g: (not measured(g), g.get("value") or 0.0))
    columns = [
        Column(facts.table_title(table), "start", 2.4),
        Column("People"),
        Column("Rate"),
        Column("Points, 95% interval", share=1.8),
        Column("90% interval", share=1.4),
    ]
    body = []
    for gap in ordered:
        level = facts.level(gap["group"]) or {}
        thick = Cell("not computed", soft=True)
        if measured(gap):
            thick = Cell(span(gap["thick_low"], gap["thick_high"]))
        rate = gap.get("rate") if measured(gap) else None
        body.append(
            (
                Cell(phrases.label(gap["group"])),
                Cell(count(level.get("n", gap.get("n") or 0))),
                Cell(percent(rate, 1)) if rate is not None else Cell("not computed", soft=True),
                tables.gap(gap),
                thick,
            )
        )
    return Table(
        columns=tables.share(columns),
        rows=tuple(body),
        verdicts=tables.used_verdicts(body),
    )


def group_sizes(facts: Facts, table: Row) -> Figure:
    """C2: how many people are in each group."""
    levels = facts.levels(table, "reference", "compared", "below-floor")
    small = [v for v in levels if v["status"] == "below-floor"]
    title = facts.table_title(table)
    biggest = max(levels, key=lambda v: v["n"])
    least = min(levels, key=lambda v: v["n"])
    message = f"{title}: {count(len(levels))} groups, from {count(least['n'])} to "
    message += f"{count(biggest['n'])} people"
    columns = [Column(title, "start", 2.4), Column("People"), Column("Share"), Column("", "start")]
    unknown = table.get("unknown") or 0
    rows = [
        (
            Cell(phrases.label(v["group"])),
            Cell(count(v["n"])),
            Cell(percent(v["share"], 1) if v.get("share") is not None else ""),
            Cell("under the floor" if v in small else ""),
        )
        for v in levels
    ]
    rows.append((Cell("Unknown"), Cell(count(unknown)), Cell(""), Cell("never compared")))
    return Figure(
        anchor=f"sizes-{facts.anchor(table)}",
        title=message,
        subtitle="Number of people. Hatched: under the floor of "
        f"{count(facts.floor)}, listed but not compared. Unknown: {count(unknown)}.",
        alt=clip(
            f"{upper_first(phrases.label(biggest['group']))} is the largest group with "
            f"{count(biggest['n'])} people, {phrases.label(least['group'])} the smallest with "
            f"{count(least['n'])}; {count(len(small))} of {count(len(levels))} groups are under "
            "the floor."
        ),
        table=Table(columns=tables.share(columns), rows=tuple(rows), foot=(reconciled(facts),)),
        chart={
            "kind": "group-sizes",
            "floor": facts.floor,
            "rows": [
                {"label": phrases.label(v["group"]), "n": v["n"], "below_floor": v in small}
                for v in levels
            ],
        },
    )


def reconciled(facts: Facts) -> str:
    return tables.reconcile(facts)


def rates(facts: Facts, table: Row) -> Figure | None:
    """C3: the family's rates by group in small multiples."""
    metrics = facts.metrics[:MAX_PANELS]
    panels = [panel for panel in (_panel(facts, table, m) for m in metrics) if panel["rows"]]
    if not panels:
        return None
    title = facts.table_title(table)
    lead = panels[0]["rows"]
    known = [r for r in lead if r["value"] is not None]
    top = max(known, key=lambda r: r["value"], default=None)
    low = min(known, key=lambda r: r["value"], default=None)
    name = panels[0]["title"]
    message = f"{title}: rates by group"
    alt = message
    if top and low and len(known) > 1:
        message = (
            f"{name} runs from {percent(low['value'])} ({low['label']}) to "
            f"{percent(top['value'])} ({top['label']})"
        )
        alt = "; ".join(_panel_words(panel) for panel in panels)
    return Figure(
        anchor=f"rates-{facts.anchor(table)}",
        title=message,
        subtitle="Rate with its own 95% interval. Dashed line: everyone together.",
        alt=clip(alt),
        table=tables.rates(facts, table, facts.metrics),
        chart={"kind": "rates", "panels": panels},
        legend=(
            Legend("diamond", "Reference"),
            Legend("dot", "Group"),
            *_few(facts, panels),
        ),
        print_table=True,
    )


def _few(facts: Facts, panels: list[Row]) -> tuple[Legend, ...]:
    if not any(row["status"] == "below-floor" for panel in panels for row in panel["rows"]):
        return ()
    floor = facts.plan.get("denominator_floor", 10)
    return (Legend("square", f"Fewer than {floor} people behind the rate"),)


def _panel_words(panel: Row) -> str:
    known = [r for r in panel["rows"] if r["value"] is not None]
    if not known:
        return f"{panel['title']}: no rate"
    low = min(known, key=lambda r: r["value"])
    top = max(known, key=lambda r: r["value"])
    return (
        f"{panel['title']} {percent(low['value'])} ({low['label']}) to "
        f"{percent(top['value'])} ({top['label']})"
    )


def _panel(facts: Facts, table: Row, metric: str) -> Row:
    reference = table.get("reference")
    rows = []
    for level in facts.levels(table, "reference", "compared"):
        estimate = facts.estimate(metric, level["group"])
        if estimate is None:
            continue
        status = "reference" if level["group"] == reference else "group"
        if estimate["value"] is None:
            status = "undefined"
        elif estimate.get("below_floor"):
            status = "below-floor"
        row = {
            "label": phrases.label(level["group"]),
            "status": status,
            "n": estimate.get("denominator"),
            **{k: estimate.get(k) for k in ("value", "low", "high")},
        }
        if status == "undefined":
            row["note"] = tables.rate(estimate).text
        rows.append(row)
    overall = facts.overall(metric) or {}
    title = metric_words.title(metric)
    return {"title": title, "overall": overall.get("value"), "rows": rows}


def intersection_grid(facts: Facts, table: Row, metric: str) -> Figure | None:
    """C4: steadied difference of every cell to the overall rate."""
    overall = (facts.overall(metric) or {}).get("value")
    first, *others = table["by"]
    cells = []
    for level in table["levels"]:
        estimate = facts.estimate(metric, level["group"]) or {}
        steady = (estimate.get("shrunken") or {}).get("value")
        shown = level["status"] in ("compared", "reference")
        value = steady - overall if shown and None not in (steady, overall) else None
        status = "shown" if value is not None else "below-floor"
        cells.append(
            {
                "x": level["group"][first],
                "y": ", ".join(level["group"][attr] for attr in others),
                "value": value,
                "n": level["n"],
                "status": "empty" if level["status"] == "empty" or not level["n"] else status,
            }
        )
    shown_cells = [c for c in cells if c["status"] == "shown"]
    if not shown_cells or overall is None:
        return None
    ranked = sorted(shown_cells, key=lambda c: (-abs(c["value"]), c["x"], c["y"]))
    words = metric_words.words(metric)
    furthest = ranked[0]
    name = facts.people(_group_of(table, furthest))
    where = "below" if furthest["value"] < 0 else "above"
    top = [f"{c['x']}, {c['y']} {points(c['value'], 0)}" for c in ranked[:3]]
    return Figure(
        anchor=f"grid-{facts.anchor(table)}-{metric}",
        title=f"{upper_first(name)} are furthest {where} the overall rate: "
        f"{size(furthest['value'])} points",
        subtitle=f"{words.title} minus the overall rate ({percent(overall, 1)}), in points. "
        "Steadied: borrows from similar groups, decides no verdict. Small number: people.",
        alt=clip(f"Furthest from the overall {words.title.lower()}: {'; '.join(top)} points."),
        table=tables.cells(facts, table),
        chart={
            "kind": "intersection-grid",
            "x": list(dict.fromkeys(c["x"] for c in cells)),
            "y": list(dict.fromkeys(c["y"] for c in cells)),
            "floor": facts.floor,
            "cells": cells,
            "less": "less",
            "more": "more",
        },
        legend=(Legend("not-enough-data", "Under the floor, not compared"),),
        note=_moved_most(facts, table, metric),
    )


def _group_of(table: Row, cell: Row) -> dict[str, str]:
    first, *others = table["by"]
    for level in table["levels"]:
        group: dict[str, str] = level["group"]
        if group[first] == cell["x"] and ", ".join(group[a] for a in others) == cell["y"]:
            return group
    return {}


def _moved_most(facts: Facts, table: Row, metric: str) -> str:
    """Which estimate the steadying changed most, so that nobody takes it for the raw one."""
    moved = []
    for level in facts.levels(table, "compared", "reference"):
        estimate = facts.estimate(metric, level["group"]) or {}
        steady = (estimate.get("shrunken") or {}).get("value")
        if steady is not None and estimate.get("value") is not None:
            moved.append((abs(steady - estimate["value"]), level, estimate["value"], steady))
    if not moved:
        return ""
    _, level, raw, steady = max(moved, key=lambda m: (m[0], -m[1]["n"]))
    return (
        f"Steadying moved {phrases.label(level['group'])} most: from {percent(raw, 1)} to "
        f"{percent(steady, 1)}."
    )


def first_strip_table(facts: Facts) -> Row | None:
    """The attribute the answer page shows: that of the headline, else the first finding's."""
    usable = [t for t in facts.singles if t.get("reference")]
    usable = [
        t
        for t in usable
        if any(g["comparator"] != "rest" and measured(g) for g in facts.gaps(t["by"], facts.lead))
    ]
    gaps = [facts.headline_gap] if facts.headline_gap else []
    gaps += [g for g in facts.found if g["verdict"] == DIFFERENCE]
    for gap in gaps:
        for table in usable:
            if gap["by"] == table["by"]:
                return table
    return usable[0] if usable else None
