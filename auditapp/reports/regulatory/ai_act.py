"""Annex: EU AI Act, Annex IV evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditapp.regulatory.ai_act import AREAS
from auditapp.regulatory.annex_iv import ITEMS
from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Fact,
    FactList,
    Section,
    Table,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, listing, percent, plural
from auditapp.reports.regulatory import frame
from auditapp.reports.stamps import system

Row = Mapping[str, Any]

#: The day from which systems of Annex III have to follow it (amendment of June 2026).
APPLIES = "2 December 2027 for systems of Annex III, 2 August 2028 for products of Annex I"
STATES = {
    "here": "In this report",
    "part": "In part",
    "elsewhere": "Kept elsewhere",
    "open": "Open",
    "not-covered": "Not in this report",
}
AGAINST = {
    "below": "The interval lies below the declared level.",
    "above": "The interval lies above the declared level.",
    "around": "The declared level lies inside the interval.",
}

#: Names of columns that speak of special categories (Article 9(1) of Regulation (EU) 2016/679).
SPECIAL = re.compile(
    r"race|racial|rac1p|ethnic|afam|black|hispan|latin|asian|relig|faith|belief|politic|union_?member|health|disab|illness|"
    r"disease|diagnos|orientation|sexualit|genetic|biometric",
    re.I,
)


def section(facts: Facts, annex: Row) -> Section:
    """The evidence map, accuracy by group, and what the provider wrote."""
    if "failed" in annex:
        return frame.chapter(annex, (), "")
    settings = annex["settings"]
    states = [item["status"] for item in annex["items"]]
    answered = states.count("here") + states.count("part")
    lede = (
        f"This report answers {answered} of {len(states)} items of the technical documentation, "
        f"{states.count('part')} of them in part. The others belong in other documents."
    )
    blocks: list[Block] = [
        _head(facts, annex),
        _map(facts, annex),
        *_accuracy(facts, annex["accuracy"]),
        _words(settings),
        _special(facts, settings),
        frame.advice(),
    ]
    return frame.chapter(annex, blocks, lede)


def _head(facts: Facts, annex: Row) -> FactList:
    settings = annex["settings"]
    return frame.rule(
        annex,
        Fact("Applies from", rich(APPLIES)),
        Fact("Area", rich(AREAS[settings["area"]])),
        frame.written("Provider", settings["provider"]),
        Fact("System", rich(system(facts))),
        frame.written("Relation to earlier versions", settings["relation"]),
        frame.written("Responsible for this test report", settings["responsible"]),
        *frame.audit(facts),
    )


def _map(facts: Facts, annex: Row) -> Table:
    asks = {item.id: item.asks for item in ITEMS}
    rows = []
    for item in annex["items"]:
        links = frame.links(facts, item["sections"])
        notes = [*item["kept"], *item["missing"]]
        rows.append(
            (
                Cell(item["id"]),
                Cell(asks[item["id"]]),
                Cell("" if links else _nowhere(item), soft=not links, links=links),
                Cell(
                    STATES[item["status"]],
                    note="; ".join(notes),
                    strong=item["status"] == "open",
                    soft=item["status"] == "not-covered",
                ),
            )
        )
    columns = [
        Column("Item", "start", 1.0),
        Column("What it asks for", "start", 3.3),
        Column("Where in this report", "start", 1.95),
        Column("State", "start", 2.2),
    ]
    foot = ["Items of Annex IV; articles where they are named. Shortened by us, not quoted."]
    if annex["further"]:
        foot.append(f"Kept elsewhere as well: {'; '.join(annex['further'])}.")
    return Table(
        title="Evidence map",
        anchor="ai-act-map",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        dense=True,
        stacked=True,
    )


def _nowhere(item: Row) -> str:
    """What stands where no section answers an item: the provider's words, or nothing."""
    return "Below, in words" if item["status"] in ("here", "part") else "None"


def _accuracy(facts: Facts, found: Row) -> list[Block]:
    """Everyone, and the lowest and highest group of each attribute (item 3, Article 15)."""
    if not found["measured"]:
        return []
    metric = found["metric"]
    rows: list[tuple[Cell, ...]] = [(Cell("Everyone", strong=True), *_measured(facts, metric, {}))]
    for ends in found["by"]:
        title = phrases.lower_first(facts.titles[ends["column"]])
        for end in ("lowest", "highest"):
            name = Cell(f"{phrases.label(ends[end])}, {end} by {title}")
            rows.append((name, *_measured(facts, metric, ends[end])))
    words = metric_words.words(metric)
    foot = (
        f"{words.asks} {tables.interval_words(facts)}, each on its own; the lowest and the "
        "highest of several groups lie further apart by chance than two groups would.",
        *_declared(facts, found),
    )
    columns = [Column("Group", "start", 3.0), Column("People"), Column(words.title, share=1.8)]
    if metric == "accuracy":
        columns.insert(2, Column("Right"))
    else:
        rows = [(*row[:2], *row[3:]) for row in rows]
    return [
        Table(
            title=f"{words.title} overall and by group",
            anchor="ai-act-accuracy",
            columns=tables.share(columns),
            rows=tuple(rows),
            foot=foot,
            dense=True,
            stacked=True,
        )
    ]


def _measured(facts: Facts, metric: str, group: dict[str, str]) -> tuple[Cell, Cell, Cell]:
    row = facts.estimate(metric, group)
    if row is None:
        return Cell(""), Cell(""), Cell("not computed", soft=True)
    right = row.get("numerator") if metric == "accuracy" else None
    return (
        Cell(count(row["n"])),
        Cell("" if right is None else count(right)),
        tables.rate(row, facts.unit(metric)),
    )


def _declared(facts: Facts, found: Row) -> list[str]:
    """The declared level beside the measured one."""
    if found["declared"] is None:
        return []
    text = f"Declared: {percent(found['declared'], 1)}."
    if found["against"]:
        text += f" {AGAINST[found['against']]}"
    if found["below"]:
        names = listing([phrases.label(group) for group in found["below"]], 8)
        groups = plural(len(found["below"]), "group")
        text += f" Wholly below it lies the interval of {groups}: {names}."
    return [text]


def _words(settings: Row) -> FactList:
    named = (
        ("Design choices and trade-offs, 2(b)", "design"),
        ("Provenance of the data, 2(d)", "provenance"),
        ("Human oversight, 2(e) and 3", "oversight"),
        ("Unintended outcomes, 3", "outcomes"),
        ("Why these metrics suit the system, 4", "metrics"),
        ("Monitoring after release, 9", "monitoring"),
    )
    rows = tuple(frame.written(label, settings[name]) for label, name in named)
    return FactList(rows, "In the words of the provider")


def _special(facts: Facts, settings: Row) -> FactList:
    used = {"yes": "Yes", "no": "No, as the provider states"}
    rows = [Fact("Used to look for bias", rich(used.get(settings["special"], frame.BLANK)))]
    if settings["special"] == "yes":
        rows.append(frame.written("Why they were needed", settings["special_why"]))
        rows.append(frame.written("Deleted", settings["special_deleted"]))
    else:
        named = [t for c, t in facts.titles.items() if SPECIAL.search(c) or SPECIAL.search(t)]
        if named:
            text = f"Groups by {listing(named)}, which by name is such a category"
            rows.append(Fact("Compared in this audit", rich(text)))
    return FactList(tuple(rows), "Special categories of personal data, Article 4a")
