"""Chart C7 of a report, and the tables of parts and of sites under it."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Table
from auditapp.reports.captions import clip
from auditapp.reports.charts.gap_parts import amount
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, p_value, percent
from auditapp.reports.source_words import (
    ALPHA,
    PARTS,
    QUESTIONS,
    alt,
    message,
    milli,
    shown,
    site_title,
    spread,
)

Row = dict[str, Any]

MAX_BARS = 12
PRINT_BARS = 6
MAX_ROWS = 50
UNIT = "thousandths of a bit"


def parts(facts: Facts, table: Row, items: list[Row]) -> Figure:
    """C7: one stacked bar for each question, one bar for each site of the decisions."""
    first = items[0]
    sites = _largest(first)
    capped = ""
    if len(first["per_site"]) > len(sites):
        capped = (
            f" The {MAX_BARS} sites with most of it are drawn, of "
            f"{count(len(first['per_site']))}; the table has "
            + ("more." if len(first["per_site"]) > MAX_ROWS else "all.")
        )
    chart: Row = {
        "kind": "gap-parts",
        "rows": [_bar(item) for item in items],
        "title": "All sites together" if sites else "",
        "sites": [_site_bar(row) for row in sites],
        "sites_title": f"Decisions at each site ({site_title(facts)}), weighted by its people",
    }
    measure = (
        f"Information about {phrases.lower_first(facts.table_title(table))}, in {UNIT}, "
        "corrected for chance. 95% intervals, each on its own: "
    )
    printed = sites[:PRINT_BARS]
    of = f" of {count(len(first['per_site']))}" if len(first["per_site"]) > len(printed) else ""
    return Figure(
        anchor=f"parts-{facts.anchor(table)}",
        title=message(facts, first),
        subtitle=f"{measure}of the sum of the three parts above; below, of a site's piece of the "
        f"disparity within sites.{capped}",
        alt=clip(alt(facts, first)),
        table=_parts_table(items),
        chart=chart,
        legend=(
            Legend("unique", "Unique"),
            Legend("redundant", "Redundant"),
            Legend("masked", "Masked"),
        ),
        print_chart={"sites": [_site_bar(row) for row in printed]},
        print_subtitle=f"{measure}at the left of the sum of the three parts; at the right of a "
        "site's piece of the disparity within sites."
        + (f" Drawn: the {len(printed)} sites with most of it{of}." if of else ""),
    )


def _bar(item: Row) -> Row:
    return {
        "label": QUESTIONS[item["of"]],
        **{k: milli(item[k]["corrected"]) for k in ("unique", "redundant", "masked")},
        "value": milli(item["total"]["corrected"]),
        "low": milli(item["total"]["low"]),
        "high": milli(item["total"]["high"]),
    }


def _largest(item: Row) -> list[Row]:
    rows = sorted(item["per_site"], key=lambda s: (-s["corrected"], -s["n"], s["site"]))
    return rows[:MAX_BARS]


def _site_bar(row: Row) -> Row:
    return {
        "label": phrases.short(row["site"]),
        "value": milli(row["corrected"]),
        "low": milli(row["low"]),
        "high": milli(row["high"]),
    }


def _parts_table(items: list[Row]) -> Table:
    columns = [Column("", "start", 2.4), *(Column(t, share=1.4) for t in PARTS.values())]
    columns.append(Column("Sum of the three", share=1.4))
    rows = [
        (
            Cell(QUESTIONS[item["of"]]),
            *(Cell(amount(milli(item[k]["corrected"])), spread(item[k])) for k in PARTS),
            Cell(amount(milli(item["total"]["corrected"])), spread(item["total"])),
        )
        for item in items
    ]
    return Table(columns=tables.share(columns), rows=tuple(rows), stacked=True)


def tested(facts: Facts, table: Row, items: list[Row]) -> Table:
    """Every part with its interval, what chance reaches, and its test."""
    columns = [
        Column("Part", "start", 1.8),
        Column("Corrected, 95% interval", share=1.8),
        Column("As measured", share=1.1),
        Column("By chance up to", share=1.1),
        Column("Test", share=1.2),
    ]
    rows = []
    for item in items:
        for name, words in PARTS.items():
            number = item[name]
            head = words if item["of"] == "decision" else f"{words}: {_short(item)}"
            null = number["null_threshold"]
            rows.append(
                (
                    Cell(head),
                    Cell(shown(number)),
                    Cell(amount(milli(number["value"]))),
                    Cell("" if null is None else amount(milli(null))),
                    Cell("no valid test", soft=True)
                    if number["p"] is None
                    else Cell(p_value(number["p"])),
                )
            )
    draws = items[0]
    cautious = any(
        item[k]["low"] == 0 and (item[k]["p"] or 1.0) <= ALPHA for item in items for k in PARTS
    )
    return Table(
        title=f"Parts of the gap by {phrases.lower_first(facts.table_title(table))}",
        anchor=f"parts-table-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            f"In {UNIT}. Over all sites is unique plus redundant; within sites is unique plus "
            "masked. By chance up to: what 95% of tables without the part stay below. Tests and "
            "intervals each on their own, outside the family of verdicts; a part whose test "
            "excludes nothing has an interval from 0. "
            f"{count(draws['draws'])} drawn tables, {count(draws['null_draws'])} for each test: "
            f"no p is below {1 / (draws['null_draws'] + 1):.3f}."
            + (
                " Where a test excludes 0 and its interval does not, the interval is the more "
                "cautious of the two."
                if cautious
                else ""
            ),
        ),
        dense=True,
        printed=False,
    )


def _short(item: Row) -> str:
    return {"label": "recorded outcomes", "decision-given-label": "same outcome"}[item["of"]]


def by_site(facts: Facts, table: Row, item: Row) -> Table | None:
    """Each site's piece of the disparity within sites."""
    if not item["per_site"]:
        return None
    rows = sorted(item["per_site"], key=lambda s: (-s["corrected"], -s["n"], s["site"]))
    columns = [
        Column(site_title(facts), "start", 2.2),
        Column("People", share=0.9),
        Column("Piece, 95% interval", share=1.7),
        Column("By chance up to", share=1.1),
        Column("Share of people", share=1.1),
        Column("Share of the pieces", share=1.2),
    ]
    total = sum(row["corrected"] for row in rows)
    body = [
        (
            Cell(phrases.short(row["site"])),
            Cell(count(row["n"])),
            Cell(shown(row)),
            Cell(amount(milli(row["null_threshold"]))),
            Cell(percent(row["n"] / item["n"], 1)),
            Cell(percent(row["corrected"] / total, 1) if total > 0 else ""),
        )
        for row in rows[:MAX_ROWS]
    ]
    foot = [
        f"In {UNIT}, corrected for chance, each weighted by the site's share of people; the "
        "pieces as measured add up to the disparity within sites."
    ]
    if len(rows) > MAX_ROWS:
        foot.append(
            f"The {MAX_ROWS} largest of {count(len(rows))}; all are in the result document."
        )
    return Table(
        title="Where people of different groups are decided differently",
        anchor=f"sites-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(body),
        foot=tuple(foot),
        dense=True,
        printed=False,
    )
