"""Recorded outcomes, scores and decisions looked at apart: where does a gap enter?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import level_words, phrases, tables
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Part,
    Prose,
    Section,
    Tab,
    Table,
    Tabs,
    rich,
)
from auditapp.reports.facts import Facts, key
from auditapp.reports.numbers import count, p_value, percent, plural, points, span
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

TITLE = "Labels, scores and decisions apart"
MAX_PRINTED = 1
PRINT_ROWS = 8
LABEL_COLUMNS = {
    "agreement": "Labels agree",
    "fpr": "Wrongly favourable",
    "fnr": "Wrongly unfavourable",
}


def section(facts: Facts) -> Section | None:
    found = facts.doc.get("levels")
    if not found:
        return None
    broken = failed("levels", TITLE, found)
    if broken is not None:
        return broken
    names = ("labels", "scores", "decisions")
    if all(found[name]["undefined"] for name in names):
        return None
    alpha = found["alpha"]
    lede = (
        "A gap can enter where outcomes are recorded, where people are scored, or where the "
        "scores are cut. Each is held against something else, and each has its own tests."
    )
    sentences = (
        level_words.labels(facts, found["labels"], alpha),
        level_words.scores(facts, found["scores"], alpha),
        level_words.decisions(facts, found["decisions"], alpha),
    )
    blocks: list[Block] = [Bullets(sentences), Prose(level_words.conclusion(facts, found))]
    made = [part for part in (_part(facts, t, found) for t in facts.singles) if part is not None]
    told = _told(found, alpha)
    made = sorted(
        made, key=lambda p: p.anchor not in {f"levels-{_anchor(facts, b)}" for b in told}
    )
    # Beside the tables of the section on scores, the sentences above are what is new.
    most = 0 if facts.doc.get("scores") and found["labels"]["undefined"] else MAX_PRINTED
    parts = tuple(replace(part, printed=i < most) for i, part in enumerate(made))
    if parts:
        blocks.append(Tabs("Attributes", tuple(Tab(p.title, p.anchor) for p in parts), parts))
    return Section("levels", TITLE, tuple(blocks), rich(lede))


def _anchor(facts: Facts, by: list[str]) -> str:
    return facts.anchor({"by": by})


def _told(found: Row, alpha: float) -> list[list[str]]:
    """The attribute of the first sentence that names a group: its table is the one to print."""
    for name in ("labels", "scores", "decisions"):
        rows = level_words.found(found[name], alpha)
        if rows:
            return [rows[0]["by"]]
    return []


def _part(facts: Facts, table: Row, found: Row) -> Part | None:
    levels = facts.levels(table, "reference", "compared")
    if len(levels) < 2:
        return None
    made = [_labels, _scores, _decisions]
    columns = [Column(facts.table_title(table), "start", 1.8), Column("People", share=0.8)]
    cells: list[list[Cell]] = [
        [Cell(phrases.label(v["group"])), Cell(count(v["n"]))] for v in levels
    ]
    for make in made:
        heads, values = make(found, table, levels)
        columns += heads
        for row, more in zip(cells, values, strict=True):
            row += more
    if len(columns) < 3:
        return None
    further = len(cells) - PRINT_ROWS
    return Part(
        f"levels-{facts.anchor(table)}",
        facts.table_title(table),
        (
            Table(
                columns=tables.share(columns),
                rows=tuple(tuple(row) for row in cells),
                anchor=f"levels-{facts.anchor(table)}-table",
                foot=tuple(_foot(facts, found, table)),
                stacked=True,
                dense=True,
                print_rows=PRINT_ROWS if further > 0 else None,
                print_more=f"{plural(further, 'further group')} in tables.csv, attached to this "
                "file."
                if further > 0
                else "",
            ),
        ),
    )


def _foot(facts: Facts, found: Row, table: Row) -> list[str]:
    near = [
        c
        for c in found["decisions"]["comparisons"]
        if c["by"] == table["by"] and c["p"] is not None
    ]
    out = []
    if not found["labels"]["undefined"]:
        out.append(
            "Labels: against the second, careful ones. Wrongly favourable: of those whose second "
            "label is not favourable; wrongly unfavourable: of those whose second label is."
        )
    if not found["scores"]["undefined"]:
        out.append(
            "At equal scores: difference to the reference in the share with the favourable "
            "outcome, in points, with the test whether equal scores mean the same."
        )
    if near:
        why = ", the narrowest range with enough people" if len(near) > 1 else ""
        out.append(f"Near the threshold: the same among {level_words.window(facts, *near)}{why}.")
    out.append(
        "Bold: differs after adjusting for all tests of its level. 95% intervals, each on its own."
    )
    return out


def _by_group(rows: list[Row], table: Row) -> dict[Any, Row]:
    return {key(row["group"]): row for row in rows if row["by"] == table["by"]}


def _labels(found: Row, table: Row, levels: list[Row]) -> tuple[list[Column], list[list[Cell]]]:
    level, alpha = found["labels"], found["alpha"]
    if level["undefined"]:
        return [], [[] for _ in levels]
    out: list[list[Cell]] = [[] for _ in levels]
    for metric in LABEL_COLUMNS:
        own = _by_group([g for g in level["groups"] if g["metric"] == metric], table)
        apart = _by_group([c for c in level["comparisons"] if c["metric"] == metric], table)
        for cells, v in zip(out, levels, strict=True):
            p = apart.get(key(v["group"]), {}).get("p_adjusted")
            cells.append(_rate(own.get(key(v["group"])), strong=p is not None and p <= alpha))
    return [Column(title, share=1.3) for title in LABEL_COLUMNS.values()], out


def _rate(item: Row | None, *, strong: bool) -> Cell:
    if item is not None and item["value"] is not None and item["denominator"] < 10:
        return Cell(tables.TOO_FEW, plural(item["denominator"], "person", "people"), soft=True)
    return tables.rate(item, strong=strong)


def _scores(found: Row, table: Row, levels: list[Row]) -> tuple[list[Column], list[list[Cell]]]:
    level, alpha = found["scores"], found["alpha"]
    if level["undefined"]:
        return [], [[] for _ in levels]
    own, apart = _by_group(level["groups"], table), _by_group(level["comparisons"], table)
    columns = [Column("At equal scores", share=1.4), Column("Same meaning test", share=1.0)]
    if level["probability"]:
        columns.insert(0, Column("Outcome beside score", share=1.3))
    out = []
    for v in levels:
        row = apart.get(key(v["group"]))
        cells = [_stated(own.get(key(v["group"])), alpha)] if level["probability"] else []
        if row is None:
            out.append([*cells, Cell("reference", soft=True), Cell("")])
            continue
        out.append([*cells, _apart(row, row["at_equal_scores"]), _p(row, alpha)])
    return columns, out


def _stated(item: Row | None, alpha: float) -> Cell:
    """The share with the outcome beside what the scores say; bold where the test doubts it."""
    if item is None or item["p"] is None:
        return Cell(reason((item or {}).get("reason")), soft=True)
    strong = item["p_adjusted"] <= alpha
    said = f"score {percent(item['mean_score'], 1)}"
    return Cell(percent(item["rate"]["value"], 1), said, strong=strong)


def _apart(row: Row, part: Row, *, strong: bool = False) -> Cell:
    if row["reason"] is not None:
        return Cell(reason(row["reason"]), soft=True)
    if part["value"] is None:
        return Cell(reason(part["undefined"]), soft=True)
    return Cell(points(part["value"]), span(part["low"], part["high"]), strong=strong)


def _p(row: Row, alpha: float) -> Cell:
    if row["p_adjusted"] is None:
        return Cell("", soft=True)
    return Cell(p_value(row["p_adjusted"]), strong=row["p_adjusted"] <= alpha)


def _decisions(found: Row, table: Row, levels: list[Row]) -> tuple[list[Column], list[list[Cell]]]:
    level, alpha = found["decisions"], found["alpha"]
    if level["undefined"]:
        return [], [[] for _ in levels]
    apart = _by_group(level["comparisons"], table)
    out = []
    for v in levels:
        row = apart.get(key(v["group"]))
        if row is None:
            out.append([Cell("reference", soft=True)])
            continue
        p = row["p_adjusted"]
        out.append([_apart(row, row, strong=p is not None and p <= alpha)])
    return [Column("Near the threshold", share=1.4)], out
