"""A gap beside itself with a factor held equal, and the same gap inside each stratum."""

from __future__ import annotations

from typing import Any

from auditapp.reports import factor_tables, metric_words, phrases
from auditapp.reports.blocks import Figure, Legend
from auditapp.reports.captions import clip
from auditapp.reports.factor_words import comparable, control_title, share
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, plural, points, spelled, upper_first

Row = dict[str, Any]

MAX_ROWS = 12


def lead_metric(facts: Facts, rows: list[Row]) -> str | None:
    """The report's metric where it can be pooled, else the first that can."""
    usable = [row["metric"] for row in rows if comparable(row)]
    return next((m for m in (*facts.leads, *facts.metrics) if m in usable), None)


def paired(facts: Facts, table: Row, rows: list[Row], *, alone: bool = True) -> Figure | None:
    """Every group of one attribute: all people as a diamond, held equal as a circle.

    `alone` is false where another figure shows the same if there is one group only.
    """
    metric = lead_metric(facts, rows)
    if metric is None:
        return None
    name = phrases.lower_first(control_title(facts))
    drawn = [row for row in rows if row["metric"] == metric and comparable(row)]
    if len(drawn) == 1 and not alone:
        return None
    shown = sorted(drawn, key=lambda r: -abs(r["crude"]["value"]))[:MAX_ROWS]
    words = metric_words.words(metric)
    capped = ""
    if len(drawn) > MAX_ROWS:
        capped = f" The {MAX_ROWS} largest gaps are drawn; the table has all."
    strata = sum(s["n"] > 0 for s in facts.doc["strata"]["strata"])
    return Figure(
        anchor=f"held-equal-{facts.anchor(table)}",
        title=_message(facts, metric, drawn),
        subtitle=(
            f"Difference in {words.title.lower()} to {facts.comparator(drawn[0])}, in percentage "
            f"points, among all people and pooled over {plural(strata, 'value')} of {name}. Bars: "
            f"95%, each on its own.{capped}"
        ),
        alt=clip(
            "; ".join(
                f"{phrases.label(r['group'])} {points(r['crude']['value'])} points, held equal "
                f"{points(r['pooled']['value'])}"
                for r in shown
            )
            + "."
        ),
        table=factor_tables.paired(facts, table, drawn),
        chart={
            "kind": "held-equal",
            "reference": phrases.label(drawn[0]["comparator"]["group"]),
            "less": words.less,
            "more": words.more,
            "rows": [
                {
                    "label": phrases.label(row["group"]),
                    "n": row["denominator"],
                    "marks": [_mark(row["crude"], "together"), _mark(row["pooled"], "equal")],
                }
                for row in shown
            ],
        },
        legend=(Legend("diamond", "All people"), Legend("dot", f"{upper_first(name)} held equal")),
    )


def _mark(part: Row, look: str) -> Row:
    return {"look": look, **{key: part[key] for key in ("value", "low", "high")}}


def _message(facts: Facts, metric: str, rows: list[Row]) -> str:
    """What holding the factor equal does to the gaps, in one line."""
    name = phrases.lower_first(control_title(facts))
    if len(rows) == 1:
        row = rows[0]
        return (
            f"{upper_first(facts.people(row['group']))}: {points(row['crude']['value'])} points "
            f"among all people, {points(row['pooled']['value'])} with {name} held equal"
        )
    smaller = sum(abs(r["pooled"]["value"]) < abs(r["crude"]["value"]) for r in rows)
    title = metric_words.title(metric)
    verb = "is" if smaller == 1 else "are"
    return (
        f"{title}: {spelled(smaller)} of {spelled(len(rows))} gaps {verb} smaller with {name} "
        "held equal"
    )


def inside(facts: Facts, table: Row, row: Row) -> Figure | None:
    """One gap inside each stratum, between the whole above and the pooled one below."""
    floor = facts.plan.get("denominator_floor", 10)
    known = [s for s in row["strata"] if s["difference"]["value"] is not None]
    usable = [s for s in known if _fewest(s) >= floor]
    if not usable:
        return None
    size = sorted(usable, key=lambda s: -_behind(s))[:MAX_ROWS]
    shown = [s for s in usable if s in size]
    name = phrases.lower_first(control_title(facts))
    words = metric_words.words(row["metric"])
    left = row["reversal"]["compared_strata"] - len(shown)
    some = f" {count(left)} smaller ones are not drawn." if left > 0 else ""
    group, other = facts.people(row["group"]), facts.comparator(row)
    rows = [
        ("All people", row["denominator"], _mark(row["crude"], "together")),
        *(
            (s["stratum"], s["rate"]["denominator"], _mark(s["difference"], "equal"))
            for s in shown
        ),
        (f"{control_title(facts)} held equal", None, _mark(row["pooled"], "equal")),
    ]
    return Figure(
        anchor=f"inside-{facts.anchor(table)}",
        title=_turned(facts, row, name),
        subtitle=(
            f"Difference in {words.title.lower()} of {group} to {other}, in percentage points: "
            f"among all people, inside each value of {name}, and pooled. Bars: 95%, each on its "
            f"own.{some}"
        ),
        alt=clip(
            f"All people {points(row['crude']['value'])} points; "
            + "; ".join(f"{s['stratum']} {points(s['difference']['value'])}" for s in shown)
            + "."
        ),
        table=factor_tables.inside(facts, row),
        chart={
            "kind": "held-equal",
            "reference": phrases.label(row["comparator"]["group"]),
            "less": words.less,
            "more": words.more,
            "rows": [{"label": label, "n": n, "marks": [mark]} for label, n, mark in rows],
        },
        legend=(
            Legend("diamond", "All people"),
            Legend("dot", f"Alike in {name}: inside one value, and pooled"),
        ),
    )


def _turned(facts: Facts, row: Row, name: str) -> str:
    crude, pooled = points(row["crude"]["value"]), points(row["pooled"]["value"])
    if row["reversal"]["opposite_strata"] == 0:
        return f"{crude} points among all people, {pooled} with {name} held equal"
    return (
        f"{upper_first(facts.people(row['group']))}: {crude} points among all people, the other "
        f"way round in {share(row['reversal'])} of {name}"
    )


def _fewest(stratum: Row) -> int:
    return int(min(stratum["rate"]["denominator"], stratum["rate_comparator"]["denominator"]))


def _behind(stratum: Row) -> int:
    return int(stratum["rate"]["denominator"] + stratum["rate_comparator"]["denominator"])
