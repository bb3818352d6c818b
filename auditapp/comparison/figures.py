"""Charts of a comparison with their message, their words and their numbers."""

from __future__ import annotations

from typing import Any

from auditapp.comparison import tables, words
from auditapp.comparison.facts import (
    DIFFERENCE,
    NO_DIFFERENCE,
    NOT_ENOUGH,
    VERDICTS,
    Facts,
    metric,
)
from auditapp.reports import phrases
from auditapp.reports.blocks import Figure, Legend
from auditapp.reports.captions import clip
from auditapp.reports.numbers import comparisons, plural, points, size, span
from auditapp.reports.units import POINTS
from auditapp.reports.words import VERDICT_WORDS

Row = dict[str, Any]

MAX_ROWS = 12


def strip(facts: Facts, table: Row, slug: str, *, anchor: str) -> Figure:
    """By how much each gap of a column differs between the audits."""
    rows = facts.gaps(table["by"], slug)
    drawn = sorted(rows, key=_rank)[:MAX_ROWS]
    to = "everyone else" if table["reference"] is None else facts.people(table["reference"])
    capped = ""
    if len(rows) > MAX_ROWS:
        capped = f" The {MAX_ROWS} groups with the most to say are drawn; the table has all."
    pairing = "the same people decided twice" if facts.paired else "different people"
    return Figure(
        anchor=anchor,
        title=strip_message(facts, table, rows, slug),
        subtitle=(
            f"Change of the gap in {metric(slug)} to {to}, B less A, in percentage points; "
            f"{pairing}. Thin bars: 95%, adjusted for "
            f"{comparisons(facts.doc['family']['k'])}; thick bars: 90% each. Band: the limit of "
            f"{facts.limit_words}.{capped}"
        ),
        alt=clip(strip_alt(facts, rows)),
        table=tables.gaps(facts, rows, facts.table_title(table)),
        chart={
            "kind": "gap-strip",
            "rows": [_strip_row(row) for row in drawn],
            "tolerance": facts.tolerance,
            "reference": "under A",
            "less": "less often under B",
            "more": "more often under B",
            "unit": POINTS.to_chart(),
        },
        legend=(*_verdicts(), Legend("band", "Within the limit")),
    )


def _verdicts() -> tuple[Legend, ...]:
    return tuple(Legend(slug, VERDICT_WORDS[slug]) for slug in VERDICTS)


def _rank(row: Row) -> tuple[int, float]:
    if row["value"] is None or row["low"] is None:
        return 3, 0.0
    if row["verdict"] == DIFFERENCE:
        return 0, -min(abs(row["low"]), abs(row["high"]))
    return (1 if row["verdict"] == NOT_ENOUGH else 2), -row["b"]


def _strip_row(row: Row) -> Row:
    out = {
        "label": phrases.label(row["group"]),
        "n": row["n"]["first"] if row["n"]["first"] <= row["n"]["second"] else row["n"]["second"],
        "verdict": row["verdict"],
        **{k: row[k] for k in ("value", "low", "high", "thick_low", "thick_high")},
    }
    if row["low"] is None:
        out["value"] = None
        out["note"] = words.reason(row["reason"])
    return out


def strip_message(facts: Facts, table: Row, rows: list[Row], slug: str) -> str:
    """The message over the strip of changes."""
    found = [row for row in rows if row["verdict"] == DIFFERENCE]
    tested = [row for row in rows if row["p"] is not None]
    name = phrases.lower_first(facts.table_title(table))
    if not tested:
        return f"No gap by {name} has enough people to be compared"
    if found:
        top = max(found, key=lambda row: min(abs(row["low"]), abs(row["high"])))
        who = f"between {facts.people(top['group'])} and {facts.comparator(top)}"
        way = words.shift(top)
        if way == "turned":
            return f"The gap {who} turns round under B"
        return f"The gap {who} is {size(top['value'], 1)} points {way} under B"
    if all(row["verdict"] == NO_DIFFERENCE for row in tested):
        b = max(row["b"] for row in tested)
        return f"By {name}, no gap differs by {size(b, 1)} points or more between A and B"
    return f"By {name}, no gap in {metric(slug)} is shown to differ between A and B"


def strip_alt(facts: Facts, rows: list[Row]) -> str:
    """The strip in words."""
    tested = [row for row in rows if row["low"] is not None]
    found = [row for row in tested if row["verdict"] == DIFFERENCE]
    text = f"{len(found)} of {plural(len(tested), 'gap')} differ between A and B"
    if not tested:
        return f"{text}."
    top = max(found or tested, key=lambda row: abs(row["value"]))
    return (
        f"{text}; largest change: {phrases.label(top['group'])}, {points(top['value'])} points, "
        f"95% {span(top['low'], top['high'])}."
    )


def pair(facts: Facts, table: Row, slug: str, *, anchor: str) -> Figure:
    """Every gap of a column under A and under B, each with its own interval."""
    rows = [row for row in facts.gaps(table["by"], slug) if row["low"] is not None]
    drawn = sorted(rows, key=_rank)[:MAX_ROWS]
    to = "everyone else" if table["reference"] is None else facts.people(table["reference"])
    more, less = words.MORE.get(slug, ("higher", "lower"))
    widest = max(drawn, key=lambda row: abs(row["second"]["value"]), default=None)
    message = f"Gaps in {metric(slug)} under A and under B"
    alt = message
    if widest is not None:
        message = (
            f"The widest gap under B is {size(widest['second']['value'], 1)} points, "
            f"for {facts.people(widest['group'])}"
        )
        alt = "; ".join(
            f"{phrases.label(row['group'])} {points(row['first']['value'])} under A, "
            f"{points(row['second']['value'])} under B"
            for row in drawn
        )
    which = "the chart of changes pairs them" if facts.paired else "the chart of changes does"
    return Figure(
        anchor=anchor,
        title=message,
        subtitle=(
            f"Difference in {metric(slug)} to {to} in each audit, in percentage points, each with"
            " its own 95% interval. Whether A and B differ cannot be read off two such intervals:"
            f" {which}."
        ),
        alt=clip(alt),
        table=tables.sides(facts, rows, facts.table_title(table)),
        chart={
            "kind": "held-equal",
            "reference": phrases.label(table["reference"]),
            "rows": [
                {
                    "label": phrases.label(row["group"]),
                    "n": min(row["n"].values()),
                    "marks": [
                        {"look": "together", **_ends(row["first"])},
                        {"look": "equal", **_ends(row["second"])},
                    ],
                }
                for row in drawn
            ],
            "less": less,
            "more": more,
        },
        legend=(Legend("diamond", "A"), Legend("dot", "B")),
    )


def _ends(side: Row) -> Row:
    return {name: side[name] for name in ("value", "low", "high")}


def moved(facts: Facts, table: Row, *, anchor: str) -> Figure:
    """Who gets a yes or a no instead, in each group."""
    rows = [row for row in facts.moved if row["by"] == table["by"] and row["n"]]
    large = [row for row in rows if row["n"] >= facts.floor]
    drawn = sorted(large, key=lambda row: -(row["share"] or 0.0))[:MAX_ROWS]
    everybody = facts.moved[0]
    return Figure(
        anchor=anchor,
        title=_moved_message(facts, rows),
        subtitle="People in 1,000 of each group whose decision B changes: to no on the left, to "
        f"yes on the right. Groups of {facts.floor} people or more; intervals are in the table.",
        alt=clip(
            "; ".join(
                f"{phrases.label(row['group'])}: {row['to_no']} of {row['n']} to no, "
                f"{row['to_yes']} to yes"
                for row in drawn
            )
        ),
        table=tables.moved(facts, [everybody, *rows], facts.table_title(table)),
        chart={
            "kind": "people-changed",
            "rows": [
                {
                    "label": phrases.label(row["group"]),
                    "up": row["to_yes"] / row["n"],
                    "down": row["to_no"] / row["n"],
                }
                for row in drawn
            ],
        },
        legend=(Legend("band", "To a person or back"),) if any(r["other"] for r in rows) else (),
        print_table=True,
    )


def _moved_message(facts: Facts, rows: list[Row]) -> str:
    """Who is decided otherwise more often than others, where that is shown."""
    found = [row for row in rows if row["verdict"] == DIFFERENCE and row["value"] > 0]
    if found:
        top = max(found, key=lambda row: row["low"])
        return (
            f"B decides otherwise about {facts.people(top['group'])} more often than about "
            f"{facts.comparator(top)}: {size(top['share'], 1)} in 100"
        )
    return f"B decides otherwise about {size(facts.moved[0]['share'], 1)} in 100 people"
