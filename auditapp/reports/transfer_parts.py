"""What the report says of models moved between sites, and of thresholds moved along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Block, Cell, Column, Figure, Part, Prose, Table, rich
from auditapp.reports.captions import clip
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    decimal,
    percent,
    percent_span,
    plural,
    points,
    span,
)
from auditapp.reports.tables import share

Row = dict[str, Any]

ANCHOR = "stability-transfer"
PRINT_ROWS = 9
REASONS = {
    "no-label": "Models were not moved between sites: no recorded outcome was named.",
    "no-score": "Models were not moved between sites: decisions are given without a score.",
    "one-site": "Models were not moved between sites: fewer than two have enough people with a "
    "recorded outcome in every part of the split.",
}


def part(facts: Facts) -> Part | None:
    """Who is served how where the model comes from elsewhere; None where nothing was moved."""
    found = facts.doc.get("transfer")
    if not found or found.get("failed"):
        return None
    title = "Models moved between sites"
    if found["reason"] is not None:
        return Part(ANCHOR, title, (Prose(rich(REASONS[found["reason"]]), "note"),))
    pair = widest_pair(found)
    blocks: list[Block | None] = [Prose(rich(text)) for text in opening(facts, found, pair)]
    if pair is not None:
        blocks.append(_gaps(facts, found, pair, moved=False))
        blocks.append(_gaps(facts, found, pair, moved=True))
    if found["trained"]:
        blocks.append(_accuracy(facts, found))
    blocks.append(_told(facts, found))
    blocks.extend(Prose(rich(text), "note") for text in _notes(found))
    return Part(ANCHOR, title, tuple(b for b in blocks if b is not None))


def widest_pair(found: Row) -> tuple[str, str, str] | None:
    """Group, comparator and metric with people in most cells; of equals the most people."""
    seen: dict[tuple[str, str, str], tuple[int, int]] = {}
    for cell in found["cells"]:
        for gap in cell["gaps"]:
            if gap["value"] is not None:
                key = gap["group"], gap["comparator"], gap["metric"]
                many, n = seen.get(key, (0, 0))
                seen[key] = many + 1, n + gap["n"]
    return max(seen, key=lambda key: seen[key]) if seen else None


def _gap(cell: Row | None, pair: tuple[str, str, str]) -> Row | None:
    if cell is None:
        return None
    for gap in cell["gaps"]:
        if (gap["group"], gap["comparator"], gap["metric"]) == pair:
            found: Row = gap
            return found if found["value"] is not None else None
    return None


def opening(facts: Facts, found: Row, pair: tuple[str, str, str] | None) -> list[str]:
    """Accuracy at home and abroad, then what thresholds of home leave abroad."""
    out = []
    cells = [c for c in found["cells"] if c["accuracy"]["value"] is not None]
    if found["trained"]:
        home = [c["accuracy"]["value"] for c in cells if c["source"] == c["target"]]
        away = [c["accuracy"]["value"] for c in cells if c["source"] != c["target"]]
        if home and away:
            out.append(
                f"A model was trained at each of {count(len(found['sites']))} sites and used at "
                f"every other. At home they are right about {percent(min(home))} to "
                f"{percent(max(home))} of people, elsewhere {percent(min(away))} to "
                f"{percent(max(away))}."
            )
    if pair is None:
        out.append("No two groups have enough people at any site to be compared.")
        return out
    told = [(c, g) for c in cells if c["moved"] and (g := _gap(c["moved"], pair))]
    away_told = [(c, g) for c, g in told if c["source"] != c["target"]]
    if away_told:
        cell, gap = max(away_told, key=lambda item: _support(item[1]))
        beyond = sum(_support(g) > 0 for _, g in away_told)
        own = [gap["value"] for c, gap in told if c["source"] == c["target"]]
        text = "Thresholds were set at each site to leave no gap among the people they were set by"
        if own:
            ends = points(own[0]) if len(own) == 1 else f"{points(min(own))} to {points(max(own))}"
            text += f"; among others at home they leave {ends} points"
        text += (
            f". Elsewhere a gap is shown in {count(beyond)} of {plural(len(away_told), 'move')}"
        )
        if beyond:
            text += (
                f", the clearest from {phrases.short(cell['source'])} to "
                f"{phrases.short(cell['target'])}: {points(gap['value'])} points "
                f"({span(gap['low'], gap['high'])}) for {facts.people(_group(found, gap))}"
            )
        out.append(f"{text}. Each interval stands on its own, so one in twenty may miss.")
    return out


def _group(found: Row, gap: Row) -> dict[str, str]:
    return {found["attribute"]: gap["group"]}


def _support(gap: Row) -> float:
    return max(float(gap["low"]), -float(gap["high"]), 0.0)


def _gaps(facts: Facts, found: Row, pair: tuple[str, str, str], *, moved: bool) -> Figure | None:
    def gap(cell: Row) -> Row | None:
        return _gap(cell["moved"] if moved else cell, pair)

    cells = _cells(found, lambda cell: None if (g := gap(cell)) is None else g["value"])
    shown = [c for c in cells if c["value"] is not None]
    if not shown:
        return None
    group, comparator, metric = pair
    low, high = min(c["value"] for c in shown), max(c["value"] for c in shown)
    what = "with the thresholds of home" if moved else "by where the model comes from"
    name = metric_words.title(metric)
    ends = f"{points(low)} to {points(high)} points"
    return Figure(
        anchor=f"{ANCHOR}-{'moved' if moved else 'gap'}",
        title=f"Gap in {name.lower()} {what}: {ends}",
        subtitle=f"{name}: {phrases.short(group)} minus {phrases.short(comparator)}, in points. "
        "Down: where the people are. Across: where the model comes from. Small number: people.",
        alt=clip(
            f"Gap of {phrases.short(group)} to {phrases.short(comparator)} {ends} over "
            f"{plural(len(shown), 'pair')} of sites."
        ),
        table=_gap_table(found, pair, moved=moved),
        chart=_chart(cells, "lower", "higher"),
        printed=not moved or bool(found["trained"]),
    )


def _accuracy(facts: Facts, found: Row) -> Figure:
    own = {
        c["target"]: c["accuracy"]["value"] for c in found["cells"] if c["source"] == c["target"]
    }

    def change(cell: Row) -> float | None:
        value, home = cell["accuracy"]["value"], own.get(cell["target"])
        return None if value is None or home is None else float(value - home)

    cells = _cells(found, change)
    shown = [c["value"] for c in cells if c["value"] is not None and c["x"] != c["y"]]
    ends = f"{points(min(shown))} to {points(max(shown))} points" if shown else "none"
    return Figure(
        anchor=f"{ANCHOR}-accuracy",
        title=f"Accuracy of a model from elsewhere: {ends} against one from home",
        subtitle="Share of right decisions less that of the model trained there, in points. Down: "
        "where the people are. Across: where the model comes from.",
        alt=clip(f"Accuracy moved {ends} against the model trained at the same site."),
        table=_accuracy_table(found),
        chart=_chart(cells, "less accurate", "more accurate"),
        printed=False,
    )


def _cells(found: Row, value: Callable[[Row], float | None]) -> list[Row]:
    out = []
    for cell in found["cells"]:
        got = value(cell)
        out.append(
            {
                "x": phrases.short(cell["source"]),
                "y": phrases.short(cell["target"]),
                "value": got,
                "n": cell["n"],
                "status": "shown" if got is not None else "below-floor",
            }
        )
    return out


def _chart(cells: list[Row], less: str, more: str) -> Row:
    return {
        "kind": "intersection-grid",
        "x": list(dict.fromkeys(c["x"] for c in cells)),
        "y": list(dict.fromkeys(c["y"] for c in cells)),
        "cells": cells,
        "dense": True,
        "less": less,
        "more": more,
    }


def _gap_table(found: Row, pair: tuple[str, str, str], *, moved: bool) -> Table:
    rows = []
    for cell in found["cells"]:
        gap = _gap(cell["moved"] if moved else cell, pair)
        if gap is None:
            value = Cell("too few people", soft=True)
        else:
            value = Cell(points(gap["value"]), span(gap["low"], gap["high"]))
        head = (Cell(phrases.short(cell["source"])), Cell(phrases.short(cell["target"])))
        rows.append((*head, Cell(count(cell["n"])), value))
    columns = [
        Column("Model from", "start", 1.4),
        Column("Used in", "start", 1.4),
        Column("People"),
        Column("Gap, points", share=1.8),
    ]
    return _table(columns, rows)


def _accuracy_table(found: Row) -> Table:
    rows = []
    for cell in found["cells"]:
        right = cell["accuracy"]
        value = Cell("not computed", soft=True)
        if right["value"] is not None:
            value = Cell(percent(right["value"], 1), percent_span(right["low"], right["high"]))
        head = (Cell(phrases.short(cell["source"])), Cell(phrases.short(cell["target"])))
        rows.append((*head, Cell(count(cell["n"])), value))
    columns = [
        Column("Model from", "start", 1.4),
        Column("Used in", "start", 1.4),
        Column("People"),
        Column("Accuracy", share=1.8),
    ]
    return _table(columns, rows)


def _table(columns: list[Column], rows: list[Any]) -> Table:
    more = len(rows) - PRINT_ROWS
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        foot=("95% intervals, each on its own.",),
        dense=True,
        print_rows=PRINT_ROWS if more > 0 else None,
        print_more=f"{plural(more, 'further row')} in result.json." if more > 0 else "",
    )


def _told(facts: Facts, found: Row) -> Table | None:
    """Which sites' people are least alike in what a model sees."""
    told = [item for item in found["told"] if item["value"] is not None]
    if not told:
        return None
    told.sort(key=lambda item: -item["value"])
    rows = [
        (
            Cell(phrases.short(item["sites"][0])),
            Cell(phrases.short(item["sites"][1])),
            Cell(
                decimal(item["value"], 3),
                "" if item["low"] is None else f"{item['low']:.3f} to {item['high']:.3f}",
            ),
        )
        for item in told
    ]
    more = len(rows) - PRINT_ROWS
    return Table(
        title="How unlike two sites' people are",
        anchor=f"{ANCHOR}-told",
        columns=share(
            [Column("Site", "start", 1.4), Column("Site", "start", 1.4), Column("AUC", share=1.6)]
        ),
        rows=tuple(rows),
        foot=(
            "AUC of a classifier that tells the two sites' people apart by the columns a model "
            "sees: 0.5 is no difference, 1 none alike.",
        ),
        dense=True,
        print_rows=PRINT_ROWS if more > 0 else None,
        print_more=f"{plural(more, 'further pair')} in result.json." if more > 0 else "",
    )


def _notes(found: Row) -> list[str]:
    held = [item["tested"] for item in found["sites"]]
    text = (
        f"Tested on {size_words(min(held), max(held))} people of each site who trained no model "
        "and set no threshold."
    )
    if max(held) >= found["most_rows"]:
        text += f" From larger sites {count(found['most_rows'])} were drawn."
    out = [text]
    if found["unlisted"]:
        out.append(
            f"{plural(found['unlisted'], 'further site')} with too few people, or beyond the "
            "largest twelve, took no part."
        )
    return out


def size_words(low: int, high: int) -> str:
    """`1,039`, or `1,039 to 20,000`."""
    return count(low) if low == high else f"{count(low)} to {count(high)}"
