"""Groups compared inside each site, job or month, and pooled, in the four-fifths annex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, decimal, p_value, points, span, upper_first
from auditapp.reports.regulatory import ratios
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]


def table(facts: Facts, annex: Mapping[str, Any], found: Row, anchor: str) -> Table | None:
    """Pooled differences and odds ratios; None without strata."""
    rows = [r for r in ratios.in_order(found["groups"], "highest") if r.get("pooled")]
    if not rows:
        return None
    name = phrases.lower_first(str(annex["strata"]["heading"]))
    columns = [
        Column(upper_first(ratios.titled(facts, found)), "start", 1.8),
        Column("Values with both", share=1.0),
        Column("Points, all", share=1.3),
        Column("Points, pooled", share=1.3),
        Column("Odds ratio, pooled", share=1.4),
        Column("Test", share=1.0),
        Column("Same everywhere", share=1.2),
    ]
    outside = sum(sum(r["pooled"]["outside"].values()) for r in rows)
    foot = [
        "Cochran, Mantel and Haenszel: odds ratio and difference pooled over the values; the test "
        "is exact where few are expected. Same everywhere: Breslow and Day's test with Tarone's "
        "correction; a small p says that the odds ratio differs from value to value.",
        f"{count(outside)} people in values without the other group say nothing about the pooled "
        "difference."
        if outside
        else "",
    ]
    return Table(
        columns=share(columns),
        rows=tuple(_line(r) for r in rows),
        title=f"The same inside each value of {name}, pooled",
        anchor=anchor,
        foot=tuple(line for line in foot if line),
        stacked=True,
        dense=True,
    )


def _line(row: Row) -> tuple[Cell, ...]:
    found = row["pooled"]
    odds, same = found["odds_ratio"], found["homogeneity"]
    why = Cell(reason(found["undefined"]), soft=True) if found["undefined"] else None
    pooled = found["difference"]
    return (
        Cell(phrases.label(row["group"])),
        Cell(f"{count(found['shared_strata'])} of {count(found['strata'])}"),
        ratios.difference(row["difference"]),
        Cell(points(pooled["value"]), span(pooled["low"], pooled["high"]))
        if pooled["value"] is not None
        else Cell(reason(pooled["undefined"]), soft=True),
        Cell(decimal(odds["value"]), f"{decimal(odds['low'])} to {decimal(odds['high'])}")
        if odds["value"] is not None
        else Cell(reason(odds["undefined"]), soft=True),
        why or Cell(p_value(found["p"]), "exact" if found["method"] == "exact" else ""),
        Cell(p_value(same["p"]))
        if same["p"] is not None
        else Cell(reason(same["undefined"]), soft=True),
    )


def items(pooled: Row | None) -> Iterator[Row]:
    """Rows of the CSV for one group."""
    if pooled is None:
        return
    for kind, name in (("pooled difference", "difference"), ("pooled odds ratio", "odds_ratio")):
        limits = {key: pooled[name][key] for key in ("value", "low", "high")}
        yield limits | {"metric": "selection-rate", "kind": kind, "p": pooled["p"]}
    same = pooled["homogeneity"]
    tested = {"value": same["statistic"], "p": same["p"], "note": same["undefined"]}
    yield tested | {"metric": "breslow-day", "kind": "homogeneity"}
