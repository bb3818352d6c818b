"""What a trained remedy chose among: its settings, and columns that describe parts."""

from __future__ import annotations

from typing import Any

from auditapp.reports.blocks import Block, Cell, Column, Prose, Rich, Table, rich
from auditapp.reports.numbers import count, decimal, listing, percent, size
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import Tradeoff
from auditapp.reports.trained_facts import caption, number, rows_of, words
from auditapp.reports.trained_local import MOST_NAMED, MOST_ROWS, estimated, setting

Row = dict[str, Any]


def blocks(t: Tradeoff, method: Row) -> list[Block]:
    """Columns that describe parts, and every setting."""
    out: list[Block] = []
    if rows_of(method, "descriptors"):
        out += [Prose(_described_by(method), "note"), _descriptors(t, method)]
    made = _settings(method)
    return out if made is None else [*out, made]


def _settings(method: Row) -> Table | None:
    """Every setting as it was on the rows that settings are chosen by."""
    rows = [r for r in rows_of(method, "settings") if words(r, "point")]
    if not rows:
        return None
    columns = [
        Column("Setting", "start", 2.6),
        Column("Seeds", share=0.6),
        Column("Accuracy", share=1.1),
        Column("AUC", share=0.8),
        Column("Gap in the whole, points", share=1.1),
        Column("Widest rank gap, points", share=1.1),
        Column("Standing", "start", 1.6),
    ]
    body = [
        (
            Cell(setting(method, r)),
            Cell("" if number(r, "seeds") is None else count(number(r, "seeds") or 0)),
            _spread(r, "accuracy", "accuracy_sd"),
            Cell("" if number(r, "auc") is None else decimal(number(r, "auc") or 0.0, 3)),
            estimated(r, "gap"),
            _spread(r, "rank_gap", "rank_gap_sd", of=size),
            Cell(_standing(r)),
        )
        for r in rows[:MOST_ROWS]
    ]
    return Table(
        title="Every setting on validation rows",
        anchor=f"{method['slug']}-settings",
        columns=share(columns),
        rows=tuple(body),
        foot=(caption(method, "settings"),),
        dense=True,
        stacked=True,
        printed=False,
    )


def _spread(row: Row, key: str, sd: str, of: Any = percent) -> Cell:
    found, spread = number(row, key), number(row, sd)
    if found is None:
        return Cell("not computed", soft=True)
    return Cell(of(found, 1), "" if spread is None else f"SD {size(spread, 1)}")


def _standing(row: Row) -> str:
    """Whether a setting is offered, and what is special about it."""
    if row.get("offered") is False:
        if number(row, "failed"):
            return "not offered: training failed"
        return "not offered: scores collapsed" if number(row, "collapsed") else "not offered"
    bits = ["chosen"] if row.get("selected") is True else []
    bits += ["no other beats it"] if row.get("front") is True else []
    bits += ["a new gap in the whole"] if row.get("new_gap") is True else []
    return ", ".join(bits)


def _described_by(method: Row) -> Rich:
    rows = rows_of(method, "descriptors")
    used = [words(r, "column") for r in rows if r.get("used") in (True, "yes", "used", 1)]
    left = [words(r, "column") for r in rows if r.get("used") in (False, "no", 0, None, "")]
    text = f"Parts were described by {listing(used, MOST_NAMED)}." if used else ""
    if left:
        text += " Left out, since they tell the group too well or not at all: "
        text += f"{listing(left, MOST_NAMED)}."
    return rich(text.strip())


def _descriptors(t: Tradeoff, method: Row) -> Table:
    columns = [
        Column("Column", "start", 2.0),
        Column(f"AUC for {t.protect}", share=1.0),
        Column("Used", "start", 0.7),
        Column("Why not", "start", 2.6),
    ]
    body = []
    for row in rows_of(method, "descriptors")[:MOST_ROWS]:
        auc = number(row, "auc")
        used = row.get("used") in (True, "yes", "used", 1)
        body.append(
            (
                Cell(words(row, "column"), mono=True),
                Cell("" if auc is None else decimal(auc, 2)),
                Cell("yes" if used else "no"),
                Cell("" if used else words(row, "why"), soft=True),
            )
        )
    return Table(
        title="Columns that describe parts",
        anchor=f"{method['slug']}-descriptors",
        columns=share(columns),
        rows=tuple(body),
        foot=(
            "AUC: how well the column alone tells the group; 0.5 is not at all. Where columns "
            "tell the group, people alike in them are of one group, and nothing is left to "
            "compare.",
            caption(method, "descriptors"),
        ),
        dense=True,
        printed=False,
    )
