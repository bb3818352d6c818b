"""Cells, figures and sentences about ratios of rates that several annexes share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Figure, Legend, Prose, Table, rich
from auditapp.reports.captions import clip
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    decimal,
    listing,
    p_value,
    percent,
    percent_span,
    plural,
    points,
    size,
    span,
)
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

METHODS = {"fisher": "Fisher, exact", "z": "two-sample z"}
MAX_ROWS = 14
#: Rows of a table that are printed.
PRINTED = 24


def titled(facts: Facts, found: Row) -> str:
    """The column of a table of the annex as its title."""
    return phrases.attributes(found["by"], facts.titles)


def in_order(rows: Sequence[Row], first: str) -> list[Row]:
    """The one that others are held against, then the lowest ratios first."""
    return sorted(rows, key=lambda r: (r["role"] != first, r["ratio"] is None, _value(r)))


def _value(row: Row) -> float:
    return float(row["ratio"]["value"]) if row["ratio"] else 0.0


def rate(found: Row) -> Cell:
    """A rate with its interval."""
    if found["value"] is None:
        return Cell(reason(found["undefined"]), soft=True)
    return Cell(percent(found["value"], 1), percent_span(found["low"], found["high"]))


def ratio(row: Row, *, interval: bool = True, strong: bool = False) -> Cell:
    """A ratio as it was printed with the marks in mind, with its interval."""
    found = row["ratio"]
    if found is None:
        return Cell("1" if row["reason"] is None else reason(row["reason"]), soft=True)
    note = ratio_span(found) if interval and found["low"] is not None else ""
    return Cell(found["printed"], note, strong=strong)


def ratio_span(found: Row) -> str:
    return f"{decimal(found['low'])} to {decimal(found['high'])}"


def difference(found: Row | None) -> Cell:
    """A difference in points with its interval."""
    if found is None or found["value"] is None:
        return Cell("", soft=True)
    return Cell(points(found["value"]), span(found["low"], found["high"]))


def test(row: Row) -> Cell:
    """The p-value, with the standard deviations and the kind of test under it."""
    if row["p"] is None:
        return Cell("", soft=True)
    kind = "z" if row["method"] == "z" else "exact"
    sd = "" if row["deviations"] is None else f"{decimal(row['deviations'], 1)} SD, "
    return Cell(p_value(row["p"]), f"{sd}{kind}", strong=bool(row["significant"]))


def figure(
    facts: Facts,
    found: Row,
    *,
    anchor: str,
    title: str,
    subtitle: str,
    marks: Sequence[float],
    mark_label: str,
    first: str,
    n: str,
) -> Figure | None:
    """Every group's ratio beside the one at 1; None where there is no ratio."""
    rows = in_order(found["groups"] if "groups" in found else found["classes"], first)
    top = next((r for r in rows if r["role"] == first), None)
    if top is None or not any(r["ratio"] for r in rows):
        return None
    shown = rows[:MAX_ROWS]
    capped = (
        f" {count(len(rows) - len(shown))} groups with higher ratios are only in the table."
        if len(rows) > len(shown)
        else ""
    )
    other = phrases.label(top["group"])
    told = [r for r in shown if r["ratio"]]
    alt = "; ".join(
        f"{phrases.label(r['group'])} {r['ratio']['printed']}, 95% {ratio_span(r['ratio'])}"
        for r in told
    )
    body = tuple(
        (
            Cell(phrases.label(r["group"])),
            Cell(count(r[n])),
            rate(r["rate"]),
            ratio(r),
        )
        for r in rows
    )
    columns = [Column(titled(facts, found), "start", 2.2), Column("People")]
    columns += [Column("Rate", share=1.6), Column("Ratio, 95% interval", share=1.8)]
    legend = [
        Legend("diamond", f"{phrases.short(other)}, whose rate is 1"),
        Legend("dot", "Ratio to that rate"),
    ]
    if any(r.get("small") for r in shown if r["role"] != first):
        legend.append(Legend("square", "Too small to be held against"))
    return Figure(
        anchor=anchor,
        title=title,
        subtitle=f"{subtitle}{capped}",
        alt=clip(f"Ratios to {other}: {alt}."),
        table=Table(columns=share(columns), rows=body, dense=True),
        chart={
            "kind": "ratio-strip",
            "reference": other,
            "marks": list(marks),
            "mark_label": mark_label,
            "rows": [_drawn(r, first, n) for r in shown],
        },
        legend=tuple(legend),
    )


def _drawn(row: Row, first: str, n: str) -> Row:
    status = "reference" if row["role"] == first else "group"
    if status == "group" and row.get("small"):
        status = "below-floor"
    found = row["ratio"] or dict.fromkeys(("value", "low", "high", "printed"))
    made = {"label": phrases.label(row["group"]), "n": row[n], "status": status}
    made |= {key: found[key] for key in ("value", "low", "high", "printed")}
    if row["ratio"] is None and row["reason"] is not None:
        made["note"] = reason(row["reason"])
    return made


def cap(rows: Sequence[Any]) -> dict[str, Any]:
    """How many rows of a long table are printed; the lowest ratios stand first."""
    if len(rows) <= PRINTED:
        return {}
    more = plural(len(rows) - PRINTED, "further group")
    return {
        "print_rows": PRINTED,
        "print_more": f"{more} with higher ratios in tables.csv, attached to this file.",
    }


def csv_rows(found: Row, rows: Sequence[Row], first: str, names: tuple[str, str]) -> Iterator[Row]:
    """Rate, ratio and difference of every group, unrounded; `names` of people and of those in."""
    top = next((r for r in rows if r["role"] == first), None)
    for row in rows:
        head = {"by": found["by"], "group": row["group"], "n": row[names[0]]}
        counts = {"numerator": row[names[1]], "denominator": row[names[0]]}
        limits = {key: row["rate"][key] for key in ("value", "low", "high")}
        yield head | counts | limits | {"metric": "selection-rate", "note": row["role"]}
        if row["ratio"] is None or top is None:
            continue
        head |= {"comparator": {"group": top["group"]}, "n_comparator": top[names[0]]}
        exact = {key: row["ratio"][key] for key in ("numerator", "denominator")}
        limits = {key: row["ratio"][key] for key in ("value", "low", "high")}
        tested = {"p": row["p"], "note": row["method"]}
        yield head | exact | limits | tested | {"metric": "impact-ratio", "kind": "ratio"}
        limits = {key: row["difference"][key] for key in ("value", "low", "high")}
        yield head | limits | tested | {"metric": "selection-rate", "kind": "difference"}


def apart(row: Row) -> str:
    """`19.1 points less`: the difference of the two rates in a sentence."""
    amount = size(row["difference"]["value"], 1)
    if amount == "0.0":
        return "less than 0.1 points apart" if row["difference"]["value"] else "no difference"
    unit = "point" if amount == "1.0" else "points"
    return f"{amount} {unit} {'less' if row['difference']['value'] < 0 else 'more'}"


def reconciled(known: int, unknown: int, undecided: int, what: str) -> str:
    """The line that accounts for every measured row."""
    parts = [f"{what} of known group {count(known)}", f"unknown {count(unknown)}"]
    if undecided:
        parts.append(f"without a yes or no {count(undecided)}")
    return f"{' + '.join(parts)} = measured {count(known + unknown + undecided)}."


def shown(table: Table) -> tuple[Block, ...]:
    """A table; where it has no row, what stands under it."""
    if table.rows:
        return (table,)
    return (Prose(rich(" ".join(table.foot)), "note"),) if table.foot else ()


def untold_note(found: Row) -> str:
    """Groups of people who did not say, which count as unknown."""
    gone = [
        f"“{next(iter(g['group'].values()))}” ({count(g['n'])})" for g in found.get("untold") or ()
    ]
    return f"Counted as unknown, and not as a group: {listing(gone, 6)}." if gone else ""


def adjusted_note(rows: Sequence[Row]) -> str:
    """That half a person was added, where it was."""
    if not any(r["ratio"] and r["ratio"].get("adjusted") for r in rows):
        return ""
    return (
        "Where nobody of a group was selected, or everybody of both, the interval adds half a "
        "person to each count."
    )


def tests_note(compared: int) -> str:
    """How many looks were taken, and that none is adjusted; nothing where there was none."""
    if not compared:
        return ""
    return (
        f"{plural(compared, 'test')}, each at 5% on its own, as the rule is used; the chapters "
        "on groups adjust for all comparisons of the report."
    )
