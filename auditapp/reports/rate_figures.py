"""Charts C3 and C4, rates by group and where attributes meet, with their words and numbers."""

from __future__ import annotations

from typing import Any

from auditapp.reports import measures, metric_words, phrases, tables
from auditapp.reports.blocks import Figure, Legend
from auditapp.reports.captions import clip
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import percent, points, size, upper_first
from auditapp.reports.units import Unit

Row = dict[str, Any]

MAX_PANELS = 5
#: Panels that stand beside each other in print; the table of differences has every metric.
PRINT_PANELS = 4
#: Means of amounts, whose axis need not show zero.
FREE = frozenset({"mean-prediction", "mean-label"})


def rates(facts: Facts, table: Row, chosen: tuple[str, ...] = ()) -> Figure | None:
    """C3: the family's rates by group in small multiples; the chosen ones if there are any."""
    metrics = chosen if chosen else facts.metrics[:MAX_PANELS]
    panels = [panel for panel in (_panel(facts, table, m) for m in metrics) if panel["rows"]]
    if not panels:
        return None
    title = facts.table_title(table)
    lead = panels[0]["rows"]
    known = [r for r in lead if r["value"] is not None]
    top = max(known, key=lambda r: r["value"], default=None)
    low = min(known, key=lambda r: r["value"], default=None)
    name = panels[0]["title"]
    unit = facts.unit(metrics[0])
    message = _("{title}: {lower}s by group").format(title=title, lower=unit.value_heading.lower())
    alt = message
    if top and low and len(known) > 1:
        message = _range(name, low, top, unit)
        alt = "; ".join(_panel_words(panel) for panel in panels)
    return Figure(
        anchor=f"rates-{facts.anchor(table)}",
        title=message,
        subtitle=_(
            "{value_heading} with its own 95% interval{maybe}. Dashed line: everyone together."
        ).format(
            value_heading=unit.value_heading,
            maybe="" if unit.sign else _(", in {axis}").format(axis=unit.axis),
        ),
        alt=clip(alt),
        table=tables.rates(facts, table, chosen if chosen else facts.metrics),
        chart={"kind": "rates", "panels": panels},
        legend=(
            Legend("diamond", _("Reference")),
            Legend("dot", _("Group")),
        ),
        note=_few(facts, panels),
        print_chart=_printed(panels),
        print_note=_everyone(facts, metrics) if table == facts.singles[0] else "",
    )


def _printed(panels: list[Row]) -> Row:
    """As many panels as fit on one line."""
    return {"panels": panels[:PRINT_PANELS], "across": min(len(panels), PRINT_PANELS)}


def _everyone(facts: Facts, metrics: tuple[str, ...]) -> str:
    """The rates of everyone together, which the printed chart shows as lines only."""
    told: list[str] = []
    for metric in metrics:
        cell = tables.rate(facts.overall(metric), facts.unit(metric))
        if not cell.soft:
            name = metric_words.lower(metric) if told else metric_words.title(metric)
            told.append(f"{name} {cell.text}{f' ({cell.note})' if cell.note else ''}")
    return _("Everyone together: {told}.").format(told="; ".join(told)) if told else ""


def _range(name: str, low: Row, top: Row, unit: Unit) -> str:
    """`Selection rate runs from 12% (A) to 44% (B)`, with decimals where the ends need them."""
    coarse = unit.coarse
    if low["value"] == top["value"]:
        return _("{name} is {value} in every group").format(
            name=name, value=unit.value(low["value"], coarse)
        )
    same = unit.rounded(low["value"], coarse) == unit.rounded(top["value"], coarse)
    digits = unit.fine if same else coarse
    ends = [f"{unit.value(r['value'], digits)} ({r['label']})" for r in (low, top)]
    return _("{name} runs from {ends} to {ends2}").format(name=name, ends=ends[0], ends2=ends[1])


def _few(facts: Facts, panels: list[Row]) -> str:
    if not any(row.get("note") == _(tables.TOO_FEW) for panel in panels for row in panel["rows"]):
        return ""
    floor = facts.plan.get("denominator_floor", 10)
    return _("Too few: fewer than {floor} people behind the rate.").format(floor=floor)


def _panel_words(panel: Row) -> str:
    known = [r for r in panel["rows"] if r["value"] is not None]
    if not known:
        return _("{title}: no rate").format(title=panel["title"])
    low = min(known, key=lambda r: r["value"])
    top = max(known, key=lambda r: r["value"])
    unit = Unit.of(panel["unit"])
    return _("{title} {value} ({label}) to {value2} ({label2})").format(
        title=panel["title"],
        value=unit.value(low["value"], unit.coarse),
        label=low["label"],
        value2=unit.value(top["value"], unit.coarse),
        label2=top["label"],
    )


def _panel(facts: Facts, table: Row, metric: str) -> Row:
    reference = table.get("reference")
    rows = []
    for level in facts.levels(table, "reference", "compared"):
        estimate = facts.estimate(metric, level["group"])
        if estimate is None:
            continue
        status = "reference" if level["group"] == reference else "group"
        if estimate["value"] is None or estimate.get("below_floor"):
            status = "undefined"
        row = {
            "label": phrases.label(level["group"]),
            "status": status,
            "n": estimate.get("denominator"),
            **{k: estimate.get(k) for k in ("value", "low", "high")},
        }
        if status == "undefined":
            row |= {"value": None, "low": None, "high": None}
            row["note"] = tables.rate(estimate).text
        rows.append(row)
    overall = facts.overall(metric) or {}
    return {
        "title": metric_words.title(metric),
        "overall": overall.get("value"),
        "rows": rows,
        "unit": facts.unit(metric).to_chart(),
        "free": metric in FREE,
    }


def intersection_grid(facts: Facts, table: Row, metric: str) -> Figure | None:
    """C4: steadied difference of every cell to the overall rate."""
    overall = (facts.overall(metric) or {}).get("value")
    first, *others = table["by"]
    cells = []
    for level in table["levels"]:
        estimate = facts.estimate(metric, level["group"]) or {}
        steady = (estimate.get("shrunken") or {}).get("value")
        shown = level["status"] in ("compared", "reference") and not estimate.get("below_floor")
        value = None
        if shown and steady is not None and overall is not None:
            value = steady - overall
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
    hidden = any(c["status"] == "below-floor" for c in cells)
    ranked = sorted(shown_cells, key=lambda c: (-abs(c["value"]), c["x"], c["y"]))
    words = metric_words.words(metric)
    furthest = ranked[0]
    name = facts.people(_group_of(table, furthest))
    where = _("below") if furthest["value"] < 0 else _("above")
    top = [f"{c['x']}, {c['y']} {points(c['value'], 0)}" for c in ranked[:3]]
    rate = _("the overall rate")
    if measures.class_of(metric) is not None:
        rate = _("the overall {value}").format(
            value=metric_words.lower(metric).removeprefix(_("the "))
        )
    message = _("{table}: no combination is a point from {rate}").format(
        table=facts.table_title(table), rate=rate
    )
    if abs(furthest["value"]) >= 0.01:
        amount = size(furthest["value"])
        message = _("{name} are furthest {where} {rate}: {amount} {maybe}").format(
            name=upper_first(name),
            where=where,
            rate=rate,
            amount=amount,
            maybe=_("point") if amount == "1" else _("points"),
        )
    return Figure(
        anchor=f"grid-{facts.anchor(table)}-{facts.slug(metric)}",
        title=message,
        subtitle=_(
            "{title} minus the overall rate ({overall}), in points. Steadied: borrows from "
            "similar groups, decides no verdict. Small number: people."
        ).format(title=words.title, overall=percent(overall, 1)),
        alt=clip(
            _("Furthest from the overall {metric}: {top} points.").format(
                metric=metric_words.lower(metric), top="; ".join(top)
            )
        ),
        table=tables.cells(facts, table),
        chart={
            "kind": "intersection-grid",
            "x": list(dict.fromkeys(c["x"] for c in cells)),
            "y": list(dict.fromkeys(c["y"] for c in cells)),
            "floor": facts.floor,
            "cells": cells,
            "less": _("less"),
            "more": _("more"),
        },
        legend=(Legend("not-enough-data", _("Under the floor, not compared")),) if hidden else (),
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
    _size, level, raw, steady = max(moved, key=lambda m: (m[0], -m[1]["n"]))
    return _("Steadying moved {group} most: from {raw} to {steady}.").format(
        group=phrases.label(level["group"]), raw=percent(raw, 1), steady=percent(steady, 1)
    )
