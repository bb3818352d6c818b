"""Alternatives with less effect in the fair-lending annex: settings that were tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Part, Prose, Rich, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    listing,
    percent,
    percent_span,
    plural,
    points,
    span,
)
from auditapp.reports.regulatory import ratios
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import tradeoff
from auditapp.reports.words import reason

Row = dict[str, Any]

#: Columns of classes that fit on paper.
MOST_CLASSES = 4
ALL = 1.0 - 1e-12


def parts(facts: Facts, annex: Mapping[str, Any]) -> list[Block]:
    """The settings a reader would choose among; all of them are in the result document."""
    if not annex["approvals"]:
        return []
    found = annex["alternatives"]
    if not found:
        text = (
            "No alternative was tried in this audit, so nothing is said of whether a less "
            "discriminatory one exists. Remedies can be chosen in the policy of an audit that "
            "has labels."
        )
        return [Part("alternatives", "Less discriminatory alternatives", (Prose(rich(text)),))]
    shown = _shortlist(facts, found)
    blocks = (Prose(_said(facts, found, shown)), _table(facts, annex, found, shown))
    return [Part("alternatives", "Less discriminatory alternatives", blocks)]


def items(annex: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the CSV: every setting's approval ratios, accuracy and its change."""
    found = annex["alternatives"]
    if not found:
        return
    now = {**found["now"], "heading": "Now", "label": "", "many": 1}
    for point in (now, *found["settings"]):
        head: Row = {"by": [found["protect"]], "note": _name(point)}
        for row in point["ratios"]:
            yield (
                head
                | {"group": {found["protect"]: row["group"]}, "metric": "impact-ratio"}
                | {
                    "kind": "setting",
                    "comparator": {"group": {found["protect"]: found["control"]}},
                    **{k: row[k] for k in ("numerator", "denominator", "value", "low", "high")},
                }
            )
        head |= {"by": [], "group": {}, "kind": "setting", "metric": "accuracy"}
        yield head | {key: point["accuracy"].get(key) for key in ("value", "low", "high")}
        change = point["accuracy_change"]
        if change is not None:
            limits = {"value": change["diff"], "low": change["low"], "high": change["high"]}
            yield head | limits | {"kind": "setting, change"}


def _shortlist(facts: Facts, found: Row) -> list[Row]:
    """Those of the chapter on trade-offs."""
    t = tradeoff(facts)
    keys = set() if t is None else {setting.key for setting in t.shortlist()}
    return [s for s in found["settings"] if (s["method"], s["point"]) in keys]


def _name(setting: Row) -> str:
    if setting["many"] == 1:
        return str(setting["heading"])
    return f"{setting['heading']}, {phrases.lower_first(str(setting['label']))}"


def _lowest(point: Row) -> Row | None:
    return next((r for r in point["ratios"] if r["group"] == point["lowest"]), None)


def _said(facts: Facts, found: Row, shown: list[Row]) -> Rich:
    """The lowest ratio now, and under the setting that was chosen on rows of its own.

    The best of a table, picked on the rows it is measured on, would promise too much.
    """
    now = _lowest(found["now"])
    if now is None:
        return rich("No approval ratio can be computed on the rows that remedies are judged on.")
    start = (
        f"On rows they never saw, the lowest ratio is {now['printed']} now "
        f"({phrases.short(now['group'])}; 95%: {ratios.ratio_span(now)}). "
    )
    best = next((s for s in shown if s["recommended"]), None)
    low = None if best is None else _lowest(best)
    if best is None or low is None:
        return rich(
            start,
            "No setting is recommended: the table shows what each would change, none of them "
            "picked by these rows.",
        )
    change = best["accuracy_change"]
    cost = ""
    if change is not None and change["diff"] is not None:
        between = span(change["low"], change["high"])
        cost = f"; accuracy changes by {points(change['diff'])} points ({between})"
    return rich(
        start,
        bold(_name(best)),
        f", chosen on other rows, has {low['printed']} as its lowest ("
        f"{phrases.short(low['group'])}; {ratios.ratio_span(low)}){cost}.",
    )


def _lowest_first(found: Row) -> list[str]:
    now = {r["group"]: r["value"] for r in found["now"]["ratios"]}
    return sorted(found["compared"], key=lambda g: (now[g] is None, now[g] or 0.0))


def _table(facts: Facts, annex: Mapping[str, Any], found: Row, shown: list[Row]) -> Table:
    classes = _lowest_first(found)[:MOST_CLASSES]
    person = any(float(s["coverage"]["value"] or 0.0) < ALL for s in shown)
    columns = [
        Column("Setting", "start", 2.4),
        Column("Accuracy", share=1.1),
        Column("Change, points", share=1.2),
        *(Column(f"AIR, {phrases.short(group)}", share=1.1) for group in classes),
        *((Column("To a person", share=0.8),) if person else ()),
        Column("To yes", share=0.7),
        Column("To no", share=0.7),
    ]
    now = found["now"]
    rows = [_line(now, Cell("Now"), classes, person=person, baseline=True)]
    for setting in shown:
        best = bool(setting["recommended"])
        name = Cell(_name(setting), "Recommended" if best else "", strong=best)
        rows.append(_line(setting, name, classes, person=person))
    control = phrases.short(str(found["control"]))
    left = len(found["settings"]) - len(shown)
    foot = [
        f"AIR against {control}. Intervals: 95%, each on its own; change of accuracy: the same "
        "people before and after. To yes, to no: people whose decision changes.",
        "Settings change decisions, not prices or terms: the differences in standard deviations "
        "are those above. The loss of AUC is not computed, since most settings have no score.",
        f"{plural(left, 'further setting')} and all classes are in the result document."
        if left > 0 or len(found["compared"]) > len(classes)
        else "",
    ]
    if found["control_choice"] != "chosen":
        foot[0] = foot[0].replace(f"against {control}.", f"against {control}, the reference.")
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        title=f"Settings tried, between {listing([control, *map(phrases.short, classes)])}",
        anchor="alternatives-table",
        foot=tuple(line for line in foot if line),
        stacked=True,
        dense=True,
        tinted=tuple(i + 1 for i, s in enumerate(shown) if s["recommended"]),
    )


def _line(
    point: Row, name: Cell, classes: list[str], *, person: bool, baseline: bool = False
) -> tuple[Cell, ...]:
    right, change, changed = point["accuracy"], point["accuracy_change"], point["changed"]
    ratio_of = {r["group"]: r for r in point["ratios"]}
    sent = 1.0 - float(point["coverage"]["value"] or 1.0)
    return (
        name,
        Cell(percent(right["value"], 1), percent_span(right["low"], right["high"]))
        if right.get("value") is not None
        else Cell(reason(right.get("undefined")), soft=True),
        Cell("none", soft=True)
        if baseline
        else Cell("not computed", soft=True)
        if change is None or change["diff"] is None
        else Cell(points(change["diff"]), span(change["low"], change["high"])),
        *(_ratio(ratio_of[group]) for group in classes),
        *((Cell(percent(sent, 1) if sent > 0 else "0%"),) if person else ()),
        Cell("0" if baseline or not changed else count(changed["up"])),
        Cell("0" if baseline or not changed else count(changed["down"])),
    )


def _ratio(row: Row) -> Cell:
    if row["value"] is None:
        return Cell(reason(row["reason"]), soft=True)
    return Cell(row["printed"], ratios.ratio_span(row), strong=row["band"] == 0)
