"""Annex: Model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import Block, Cell, Fact, FactList, Section, Table, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, given, listing, percent, plural, upper_first
from auditapp.reports.regulatory import frame
from auditapp.reports.stamps import decisions

Row = Mapping[str, Any]

MOST_METRICS = 4
MOST_ROWS = 8
MOST_CELLS = 5
MOST_COLUMNS = 16


def section(facts: Facts, annex: Row) -> Section:
    """The nine headings of Mitchell and others, in their order."""
    if "failed" in annex:
        return frame.chapter(annex, (), "")
    settings = annex["settings"]
    blocks: list[Block] = [
        _details(facts, settings),
        _use(facts, settings),
        _factors(facts, settings),
        _metrics(facts),
        _evaluation(facts, settings),
        _training(facts, settings),
        *_analyses(facts),
        FactList((frame.written("Considered", settings["ethics"]),), "Ethical considerations"),
        _caveats(facts, settings),
        frame.rule(annex),
        frame.advice(),
    ]
    lede = "A model card on the evidence of this audit. It describes one set of data at one time."
    return frame.chapter(annex, blocks, lede)


def _details(facts: Facts, settings: Row) -> FactList:
    about = facts.about
    rows = (
        frame.written("Model", about.get("system")),
        frame.written("Version", about.get("version")),
        frame.written("Date", frame.day(settings["date"])),
        frame.written("Developed by", settings["developers"]),
        Fact("Kind", rich(settings["kind"] or upper_first(decisions(facts)))),
        frame.written("Licence", settings["licence"]),
        frame.written("Questions to", settings["contact"]),
    )
    return FactList(rows, "Model details", columns=2, print_columns=2)


def _use(facts: Facts, settings: Row) -> FactList:
    purpose = upper_first(str(facts.about.get("purpose") or ""))
    rows = (
        frame.written("Intended uses", settings["uses"] or purpose),
        frame.written("Intended users", settings["users"]),
        frame.written("Out of scope", settings["unsuitable"]),
    )
    return FactList(rows, "Intended use")


def _factors(facts: Facts, settings: Row) -> FactList:
    groups = [
        f"{facts.table_title(table)} ({plural(len(facts.levels(table)), 'group')})"
        for table in facts.singles
    ]
    met = f"; where they meet, {plural(len(facts.crosses), 'table')}" if facts.crosses else ""
    rows = [Fact("Evaluated", rich(f"{listing(groups)}{met}"))]
    for key, label in (("site", "Sites"), ("control", "Legitimate factor")):
        if facts.plan.get(key):
            rows.append(Fact(label, rich(str(facts.plan[key]["title"]))))
    rows.append(frame.written("Not evaluated, may matter", settings["factors"]))
    return FactList(tuple(rows), "Factors")


def _metrics(facts: Facts) -> FactList:
    names = listing([metric_words.lower(m) for m in facts.metrics], 12)
    rows = [Fact("Measured", rich(upper_first(names)))]
    if facts.kind == "binary":
        rows.append(Fact("Favourable decision", frame.decided(facts)))
    if facts.kind == "binary" and _thresholded(facts):
        rows.append(Fact("Decision threshold", rich(given(facts.plan.get("threshold", 0.5)))))
    rows.append(Fact("Gap that matters", rich(upper_first(facts.limit_words))))
    k = (facts.doc.get("family") or {}).get("k")
    if k:
        text = f"verdicts adjusted for all {count(k)} comparisons of the report"
        text = "one comparison, so nothing to adjust for" if k == 1 else text
        rows.append(Fact("Uncertainty", rich(f"{tables.interval_words(facts)}; {text}")))
    return FactList(tuple(rows), "Metrics")


def _thresholded(facts: Facts) -> bool:
    return not facts.plan.get("decision") and bool(facts.plan.get("score"))


def _evaluation(facts: Facts, settings: Row) -> FactList:
    data = facts.plan["data"]
    used, uploaded = count(facts.rows["used"]), count(facts.rows["uploaded"])
    rows = (
        Fact("Data", rich(f"{data['name']}; {used} of {uploaded} rows measured")),
        frame.written("People", upper_first(str(facts.about.get("population") or ""))),
        frame.written("Period", facts.about.get("period")),
        frame.written("Why these data", settings["evaluation"]),
        Fact("Preparation", rich(tables.reconcile(facts))),
    )
    return FactList(rows, "Evaluation data")


def _training(facts: Facts, settings: Row) -> FactList:
    rows = [frame.written("Data", settings["training"])]
    columns = facts.plan.get("features") or []
    if columns:
        text = f"{plural(len(columns), 'column')}: {listing(columns, MOST_COLUMNS)}"
        rows.append(Fact("Inputs", rich(text)))
    if (facts.plan.get("model") or {}).get("kind") == "train":
        split = facts.plan.get("split") or {}
        shares = split.get("shares")
        if split.get("kind") == "seeded" and shares:
            text = f"{percent(shares[0] / 100)} of the uploaded rows, none of them measured"
            rows.insert(0, Fact("Trained for this audit on", rich(text)))
    return FactList(tuple(rows), "Training data")


def _analyses(facts: Facts) -> list[Block]:
    """Unitary results of every attribute, then the first where attributes meet."""
    shown = facts.metrics[:MOST_METRICS]
    blocks: list[Block] = []
    for table in facts.singles:
        made = tables.rates(facts, table, shown)
        title = phrases.lower_first(facts.table_title(table))
        blocks.append(_short(made, f"Unitary results by {title}", MOST_ROWS))
    for table in facts.crosses[:1]:
        made = tables.cells(facts, table)
        title = phrases.lower_first(facts.table_title(table))
        blocks.append(_short(made, f"Intersectional results: {title}", MOST_CELLS))
    if facts.crosses[1:]:
        last = blocks[-1]
        assert isinstance(last, Table)
        more = f"{plural(len(facts.crosses) - 1, 'further pair')} in section “Group results”."
        blocks[-1] = replace(last, foot=(*last.foot, more))
    return blocks


def _short(table: Table, title: str, most: int) -> Table:
    """The table of the report under another name, its first rows where it is long."""
    further = len(table.rows) - most
    foot = table.foot
    if further > 0:
        last = table.rows[-1] if _is_everyone(table.rows[-1]) else None
        kept = table.rows[: most - 1] + ((last,) if last is not None else ())
        foot = (f"{plural(further, 'further row')} in section “Group results”.", *foot)
        table = replace(table, rows=kept if last is not None else table.rows[:most])
    return replace(
        table, title=title, anchor="", foot=foot, print_rows=None, print_more="", tinted=()
    )


def _is_everyone(row: tuple[Cell, ...]) -> bool:
    return row[0].text == "Everyone"


def _caveats(facts: Facts, settings: Row) -> FactList:
    skipped = [phrases.lower_first(metric_words.title(m)) for m in facts.not_applicable]
    rows = [frame.written("Recommended", settings["caveats"])]
    if skipped:
        rows.append(Fact("Not applicable here", rich(upper_first(listing(skipped, 8)))))
    text = "Section “Limits” says what these numbers cannot say and what would change a verdict."
    rows.append(Fact("Limits of the numbers", rich(text)))
    return FactList(tuple(rows), "Caveats and recommendations")
