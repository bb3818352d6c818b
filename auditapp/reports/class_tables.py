"""Tables of decisions among several classes: every class against its comparator, confusion."""

from __future__ import annotations

from typing import Any

from auditapp.reports import measures, metric_words, phrases, tables
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts, key, measured
from auditapp.reports.numbers import count, percent, percent_span, plural

Row = dict[str, Any]

TITLES = {
    "selection-rate": "Share predicted so",
    "tpr": "True positive rate",
    "fpr": "False positive rate",
    "precision": "Precision",
}
MACRO = ("macro-tpr", "macro-fpr", "macro-precision")
#: rows of a table of comparisons that are printed, all of them where there are no more
PRINTED = 14
#: classes up to which a whole confusion table stands on a page
MATRIX = 7
#: confusions on the page and in print, and groups beside them
MIX_UPS = 60
PRINTED_MIX_UPS = 10
MOST_GROUPS = 6


def asked(facts: Facts) -> tuple[str, ...]:
    """Classes the auditor asked about, as given, then the others."""
    focus = facts.special.get("focus") or []
    return (*focus, *(name for name in facts.classes if name not in focus))


def lead(facts: Facts) -> str:
    """The metric of one class the tables open with."""
    plain = (measures.metric_of(metric) for metric in facts.metrics)
    return next((metric for metric in plain if metric in TITLES), "selection-rate")


def of_one_class(facts: Facts) -> tuple[str, ...]:
    """Metrics of one class that were measured, the lead first."""
    seen = {measures.metric_of(metric) for metric in facts.metrics}
    first = lead(facts)
    return (first, *(metric for metric in TITLES if metric in seen and metric != first))


def comparisons(facts: Facts, table: Row) -> Table:
    """T2 and T3: every class and group against its comparator, as long as it is short."""
    first, kinds = lead(facts), of_one_class(facts)
    rows = [gap for c in asked(facts) for gap in facts.gaps(table["by"], measures.of(first, c))]
    shown = {key(level["group"]) for level in facts.levels(table, "reference", "compared")}
    rows = [gap for gap in rows if key(gap["group"]) in shown]
    cut = len(rows) > PRINTED
    if cut:
        rows = sorted(rows, key=_weight)
    cross = len(table["by"]) > 1
    columns = [Column(f"Class: {phrases.lower_first(facts.table_title(table))}", "start", 3.0)]
    columns += [Column("People", share=0.8), Column(TITLES[first], share=1.2)]
    columns.append(Column("Steadied" if cross else "Compared with", share=1.3))
    columns += [Column(f"{TITLES[kind]}, difference", share=1.45) for kind in kinds]
    body = [_comparison(facts, gap, kinds, cross=cross) for gap in rows]
    further = len(rows) - PRINTED
    steadied = "Steadied: the estimate borrows from similar groups; it decides no verdict."
    foot = [steadied if cross else "", tables.family_note(facts), tables.few_note(facts, body)]
    return Table(
        title="Differences to everyone else, in points" if cross else "Differences, in points",
        anchor=f"{facts.anchor(table)}-differences",
        columns=tables.share(columns),
        rows=tuple(body),
        foot=tuple(text for text in foot if text),
        verdicts=tables.used_verdicts(body),
        stacked=True,
        dense=True,
        print_rows=PRINTED if cut else None,
        print_more=(
            f"{count(further)} further rows, all with smaller supported gaps in the first metric"
            " or none, are in tables.csv, attached to this file."
            if cut
            else ""
        ),
    )


def _weight(gap: Row) -> tuple[int, float, str, str]:
    """Findings by supported gap, then what is not settled by its limit, then the rest."""
    name, of_class = phrases.label(gap["group"]), str(gap.get("class"))
    if not measured(gap):
        return 3, 0.0, name, of_class
    if gap["verdict"] == DIFFERENCE:
        return 0, -min(abs(gap["low"]), abs(gap["high"])), name, of_class
    return (1 if gap["verdict"] == NOT_ENOUGH else 2), -abs(gap.get("b") or 0.0), name, of_class


def _comparison(
    facts: Facts, gap: Row, kinds: tuple[str, ...], *, cross: bool
) -> tuple[Cell, ...]:
    estimate = facts.estimate(gap["metric"], gap["group"])
    level = facts.level(gap["group"]) or {"n": gap["n"]}
    return (
        Cell(f"{metric_words.quoted(gap['class'])}: {phrases.label(gap['group'])}"),
        tables.people(level["n"]),
        tables.rate(estimate),
        tables.steadied(estimate) if cross else _comparator(gap),
        *(tables.gap(_same(facts, gap, kind)) for kind in kinds),
    )


def _same(facts: Facts, gap: Row, kind: str) -> Row | None:
    """The same comparison in another metric."""
    rows = facts.gaps(gap["by"], measures.of(kind, gap["class"]))
    wanted = (gap["group"], gap["comparator"])
    return next((row for row in rows if (row["group"], row["comparator"]) == wanted), None)


def _comparator(gap: Row) -> Cell:
    other = gap["comparator"]
    name = "everyone else" if other == "rest" else phrases.label(other["group"])
    if gap.get("rate_comparator") is None:
        return Cell(name, soft=True)
    return Cell(percent(gap["rate_comparator"], 1), name)


def together(facts: Facts, table: Row) -> Table | None:
    """Accuracy and macro means by group: all classes at once."""
    if facts.overall("accuracy") is None or (facts.overall("accuracy") or {})["value"] is None:
        return None
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People", share=0.8)]
    for title in ("Accuracy", "Macro TPR", "Macro precision"):
        columns += [Column(title, share=1.2), Column("Difference", share=1.3)]
    columns.append(Column("Macro FPR", share=1.2))
    shown = ("accuracy", "macro-tpr", "macro-precision")
    rows = [
        (
            Cell(phrases.label(level["group"])),
            tables.people(level["n"]),
            *(cell for metric in shown for cell in _both(facts, table, metric, level["group"])),
            tables.rate(facts.estimate("macro-fpr", level["group"])),
        )
        for level in facts.levels(table, "reference", "compared", "below-floor")
    ]
    everyone = [
        cell for metric in shown for cell in (tables.rate(facts.overall(metric)), Cell(""))
    ]
    rows.append(
        (
            Cell("Everyone", strong=True),
            tables.people(facts.rows["used"]),
            *everyone,
            tables.rate(facts.overall("macro-fpr")),
        )
    )
    cross = len(table["by"]) > 1
    cap = tables.FEWEST_PRINTED if len(rows) > tables.FEWEST_PRINTED + 4 else None
    return Table(
        title="All classes together",
        anchor=f"{facts.anchor(table)}-together",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            "Macro means take every class alike, whatever its size; TPR: true positive rate, FPR:"
            " false positive rate. Their intervals stand alone (95%) and they carry no verdict. "
            f"Differences are to {'everyone else' if cross else _reference(facts, table)}.",
            *(note for note in (tables.few_note(facts, rows),) if note),
        ),
        verdicts=tables.used_verdicts(rows),
        stacked=True,
        dense=True,
        print_rows=cap,
        print_more=""
        if cap is None
        else f"{count(len(rows) - cap)} further rows are in tables.csv, attached to this file.",
    )


def _reference(facts: Facts, table: Row) -> str:
    return facts.people(table["reference"]) if table.get("reference") else "nobody"


def _both(facts: Facts, table: Row, metric: str, group: dict[str, str]) -> tuple[Cell, Cell]:
    value = tables.rate(facts.estimate(metric, group))
    if group == table.get("reference"):
        return value, Cell("reference", soft=True)
    return value, tables.gap(facts.gap(metric, group))


def _confusion(facts: Facts, group: dict[str, str]) -> Row | None:
    for row in facts.special.get("confusion") or []:
        if key(row["group"]) == key(group) and row.get("counts") is not None:
            found: Row = row
            return found
    return None


def whole(facts: Facts) -> Table | None:
    """Recorded against predicted classes of everyone."""
    if len(facts.classes) > MATRIX:
        return None
    rows = _matrix(facts)
    if not rows:
        return None
    return Table(
        title="Everyone",
        anchor="confusion-everyone",
        columns=_matrix_columns(facts),
        rows=tuple(rows),
        foot=(
            "Of those recorded as the class of the row, the share predicted as each class, with "
            "its own 95% interval.",
        ),
        stacked=True,
        dense=True,
    )


def _matrix_columns(facts: Facts) -> tuple[Column, ...]:
    columns = [Column("Recorded as", "start", 1.8), Column("People", share=0.9)]
    columns += [Column(f"Predicted {metric_words.quoted(c)}", share=1.2) for c in facts.classes]
    return tables.share(columns)


def _matrix(facts: Facts) -> list[tuple[Cell, ...]]:
    """One row per recorded class: its people and where they went."""
    found = _confusion(facts, {})
    if found is None:
        return []
    rows = []
    for i, name in enumerate(facts.classes):
        cells = [_share(facts, found, i, j) for j in range(len(facts.classes))]
        total = tables.people(sum(found["counts"][i]))
        rows.append((Cell(metric_words.quoted(name)), total, *cells))
    return rows


def _share(facts: Facts, found: Row | None, i: int, j: int) -> Cell:
    """The share of those recorded as one class that was predicted as another."""
    if found is None or not found.get("shares"):
        return Cell("not computed", soft=True)
    total = sum(found["counts"][i])
    if total < facts.plan.get("denominator_floor", 10):
        return Cell(tables.TOO_FEW, plural(total, "person", "people"), soft=True)
    value, low, high = (found["shares"][name][i][j] for name in ("value", "low", "high"))
    return Cell(percent(value, 1), percent_span(low, high), strong=i == j)


def mix_ups(facts: Facts, table: Row) -> Table | None:
    """Every confusion of two classes, the most frequent first, in the groups of an attribute."""
    everyone = _confusion(facts, {})
    if everyone is None:
        return None
    pairs = [
        (n, i, j)
        for i, counts in enumerate(everyone["counts"])
        for j, n in enumerate(counts)
        if i != j and n
    ]
    top = sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:MIX_UPS]
    levels = facts.levels(table, "reference", "compared")
    if not top or not levels:
        return None
    groups = sorted(levels, key=lambda level: -level["n"])[:MOST_GROUPS]
    columns = [Column("Recorded as, predicted as", "start", 3.0), Column("Everyone")]
    columns += [Column(phrases.label(level["group"])) for level in groups]
    found = [_confusion(facts, level["group"]) for level in groups]

    def named(i: int) -> str:
        return metric_words.quoted(facts.classes[i])

    rows = [
        (
            Cell(f"{named(i)}, as {named(j)}"),
            *(_share(facts, one, i, j) for one in (everyone, *found)),
        )
        for _, i, j in top
    ]
    notes = [
        "Of those recorded as the first class, the share predicted as the second, with its own "
        "95% interval. tables.csv has the counts."
    ]
    if len(groups) < len(levels):
        notes.append(f"Beside everyone, the {len(groups)} largest groups.")
    notes += [note for note in (tables.few_note(facts, rows),) if note]
    further = len(rows) - PRINTED_MIX_UPS
    return Table(
        title=f"Confusions by {phrases.lower_first(facts.table_title(table))}",
        anchor=f"confusion-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(" ".join(notes),),
        stacked=True,
        dense=True,
        print_rows=PRINTED_MIX_UPS if further > 0 else None,
        print_more=f"{count(further)} rarer confusions are in tables.csv, attached to this file."
        if further > 0
        else "",
    )
