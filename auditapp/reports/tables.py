"""Cells and tables that several sections share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditapp.reports import copy_words, metric_words, phrases
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.facts import DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH, Facts, measured
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, percent, percent_span, plural
from auditapp.reports.units import PLAIN, POINTS, Unit
from auditapp.reports.words import behind, reason

Row = dict[str, Any]

PRINT_CELLS = 5
FEWEST_PRINTED = 4
LIST_CAP = 24
TOO_FEW = gettext_noop("too few")
#: Intervals of values that are not yes/no rates.
INTERVALS = Words(
    {
        "regression": gettext_noop("95% t intervals"),
        "ranking": gettext_noop("95% intervals"),
    }
)


def interval_words(facts: Facts) -> str:
    """How the intervals of single rates were made."""
    if facts.plan.get("weights"):
        return _("95% intervals with the survey's design")
    return INTERVALS.get(facts.kind, gettext_noop("Wilson 95% intervals"))


def rate(estimate: Row | None, unit: Unit = POINTS, *, strong: bool = False) -> Cell:
    """A value with its pointwise interval, or why there is none."""
    if estimate is None:
        return Cell(_("not computed"), soft=True)
    if estimate.get("value") is None:
        return Cell(reason(estimate.get("undefined")), soft=True)
    if estimate.get("below_floor"):
        people_behind = estimate.get("denominator")
        if people_behind is None:
            people_behind = estimate["n"]
        return Cell(_(TOO_FEW), plural(people_behind, "person", "people"), soft=True)
    note = ""
    if estimate.get("low") is not None:
        note = unit.values(estimate["low"], estimate["high"])
    # The places of a list are given, not drawn: all of them together have no uncertainty.
    note = _("by definition") if estimate.get("interval") == "fixed" else note
    return Cell(unit.value(estimate["value"]), note, strong=strong)


def gap(row: Row | None, unit: Unit = POINTS) -> Cell:
    """A difference with its verdict shape and simultaneous interval."""
    if row is None:
        return Cell(_("not compared"), soft=True)
    if not measured(row):
        if row.get("reason") == "below-floor":
            fewest = min(behind(row), behind(row, "_comparator"))
            return Cell(_(TOO_FEW), plural(fewest, "person", "people"), row["verdict"] or "")
        return Cell(reason(row.get("reason")), verdict=row["verdict"] or "", soft=True)
    interval = unit.differences(row["low"], row["high"])
    return Cell(unit.difference(row["value"]), interval, row["verdict"] or "")


def people(n: int) -> Cell:
    return Cell(count(n))


def share(columns: list[Column]) -> tuple[Column, ...]:
    """Scale the columns' shares of the page to one."""
    total = sum(c.share for c in columns)
    return tuple(Column(c.text, c.align, round(c.share / total, 4)) for c in columns)


def used_verdicts(rows: Sequence[tuple[Cell, ...]]) -> tuple[str, ...]:
    seen = {cell.verdict for row in rows for cell in row}
    return tuple(v for v in (DIFFERENCE, NO_DIFFERENCE, NOT_ENOUGH) if v in seen)


def family_note(facts: Facts) -> str:
    k = (facts.doc.get("family") or {}).get("k")
    if not k:
        return ""
    if k == 1:
        return _("The only comparison of the report: nothing to adjust for.")
    return _("Adjusted for all {k} comparisons of the report.").format(k=count(k))


def few_note(facts: Facts, rows: Sequence[tuple[Cell, ...]]) -> str:
    """What "too few" means, where it stands in a table."""
    if not any(cell.text == _(TOO_FEW) for row in rows for cell in row):
        return ""
    behind_rate = facts.plan.get("denominator_floor", 10)
    behind_it = (
        ""
        if facts.kind == "regression"
        else _(" or {behind_rate} behind a rate").format(behind_rate=behind_rate)
    )
    return _("Too few: under {floor} people in the group{behind_it}.").format(
        floor=count(facts.floor), behind_it=behind_it
    )


def reconcile(facts: Facts) -> str:
    """The line under a table that accounts for every row."""
    rows = facts.rows
    used, uploaded = count(rows["used"]), copy_words.uploaded(facts)
    if rows["uploaded"] is None:
        return _("Used {used}; {left} left out.").format(
            used=used, left=copy_words.left_out(facts)
        )
    left = sum(item["n"] for item in rows["left_out"])
    return _("Used {used} + left out {left} = uploaded {uploaded}.").format(
        used=used, left=count(left), uploaded=uploaded
    )


def differences(facts: Facts, table: Row) -> Table:
    """T2: an attribute's groups, their primary rate and every difference to the reference."""
    lead = facts.lead
    metrics = facts.metrics
    reference = table.get("reference") or {}
    columns = [Column(facts.table_title(table), "start", 2.4), Column(_("People"), share=1.0)]
    columns.append(Column(metric_words.title(lead), share=1.3))
    columns += [
        Column(_("{m}, difference").format(m=metric_words.title(m)), share=1.5) for m in metrics
    ]
    spread = facts.kind == "regression"
    columns += (
        [Column(_("{lead}, in SD").format(lead=metric_words.title(lead)), share=1.3)]
        if spread
        else []
    )
    rows: list[tuple[Cell, ...]] = []
    for level in facts.levels(table, "reference", "compared", "below-floor"):
        group = level["group"]
        cells = [Cell(phrases.label(group)), people(level["n"])]
        cells.append(rate(facts.estimate(lead, group), facts.unit(lead)))
        if group == reference:
            cells += [Cell(_("reference"), soft=True)] * len(metrics)
        else:
            cells += [gap(facts.gap(m, group), facts.unit(m)) for m in metrics]
        lead_gap = None if group == reference else facts.gap(lead, group)
        rows.append((*cells, *((in_spreads(lead_gap),) if spread else ())))
    rows += _reference_against_rest(facts, table, reference, metrics)
    unknown = table.get("unknown") or 0
    if unknown:
        blank = [Cell(_("Unknown")), people(unknown), Cell(_("not compared"), soft=True)]
        rows.append((*blank, *[Cell(_("not compared"), soft=True)] * len(metrics)))
        rows[-1] += (Cell(""),) if spread else ()
    foot = [family_note(facts), few_note(facts, rows), reconcile(facts)]
    foot += (
        [_("SD: standard deviations of {facts}.").format(facts=_spread_of(facts))]
        if spread
        else []
    )
    unit = facts.unit(lead)
    title = _("Differences to everyone else, in {many}").format(many=unit.many)
    if reference:
        title = _("Differences to {reference}, in {many}").format(
            reference=facts.people(reference), many=unit.many
        )
    return Table(
        title=title,
        anchor=f"{facts.anchor(table)}-differences",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(f for f in foot if f),
        verdicts=used_verdicts(rows),
        stacked=len(metrics) > 3 or spread,
    )


def _reference_against_rest(
    facts: Facts, table: Row, reference: Row, metrics: tuple[str, ...]
) -> list[tuple[Cell, ...]]:
    """The reference group is itself compared, with the pooled rest."""
    if not reference:
        return []
    found = [facts.gap(m, reference) for m in metrics]
    if not any(g is not None and measured(g) for g in found):
        return []
    level = facts.level(reference)
    name = _("{reference} against everyone else").format(reference=phrases.label(reference))
    return [
        (
            Cell(name),
            people(level["n"] if level else 0),
            Cell("", soft=True),
            *(gap(g, facts.unit(m)) for m, g in zip(metrics, found, strict=True)),
            *((in_spreads(found[0]),) if facts.kind == "regression" else ()),
        )
    ]


def _spread_of(facts: Facts) -> str:
    return _("everybody's recorded outcomes") if facts.plan.get("label") else _("all predictions")


def in_spreads(row: Row | None) -> Cell:
    """A difference in standard deviations of everybody."""
    found = (row or {}).get("in_sd")
    if row is None or not found or not measured(row):
        return Cell("")
    interval = PLAIN.differences(found["low"], found["high"])
    return Cell(PLAIN.difference(found["value"]), interval)


def rates(facts: Facts, table: Row, metrics: tuple[str, ...]) -> Table:
    """The numbers behind C3."""
    columns = [Column(facts.table_title(table), "start", 2.2)]
    columns.append(Column(_("People"), share=0.9))
    columns += [Column(metric_words.title(m), share=1.4) for m in metrics]
    rows = [
        (
            Cell(phrases.label(level["group"])),
            people(level["n"]),
            *(rate(facts.estimate(m, level["group"]), facts.unit(m)) for m in metrics),
        )
        for level in facts.levels(table, "reference", "compared", "below-floor")
    ]
    rows.append(
        (
            Cell(_("Everyone"), strong=True),
            people(facts.rows["used"]),
            *(rate(facts.overall(m), facts.unit(m)) for m in metrics),
        )
    )
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(
            f
            for f in (
                _("{facts}, each on its own: no verdict is read off them.").format(
                    facts=interval_words(facts)
                ),
                few_note(facts, rows),
            )
            if f
        ),
        stacked=len(metrics) > 3 or facts.kind == "regression",
        dense=True,
    )


def _cell_order(facts: Facts, level: Row, metric: str) -> tuple[int, float, str]:
    """Findings by supported gap, then what is not settled by its limit, then the rest."""
    row = facts.gap(metric, level["group"])
    name = phrases.label(level["group"])
    if row is None or not measured(row):
        return 3, 0.0, name
    if row["verdict"] == DIFFERENCE:
        return 0, -min(abs(row["low"]), abs(row["high"])), name
    if row["verdict"] == NOT_ENOUGH:
        return 1, -abs(row.get("b") or 0.0), name
    return 2, -abs(row.get("b") or 0.0), name


def cells(facts: Facts, table: Row) -> Table:
    """T3: every intersection cell above the floor against everyone else."""
    lead = facts.lead
    metrics = facts.metrics
    columns = [Column(facts.table_title(table), "start", 2.0), Column(_("People"), share=0.8)]
    steady = any((facts.estimate(lead, v["group"]) or {}).get("shrunken") for v in table["levels"])
    columns += [Column(metric_words.title(lead), share=1.25)]
    columns += [Column(_("Steadied"), share=1.25)] if steady else []
    columns += [
        Column(_("{m}, difference").format(m=metric_words.title(m)), share=1.45) for m in metrics
    ]
    levels = sorted(
        facts.levels(table, "compared", "reference"), key=lambda v: _cell_order(facts, v, lead)
    )
    rows = []
    for level in levels:
        group = level["group"]
        estimate = facts.estimate(lead, group)
        rows.append(
            (
                Cell(phrases.label(group)),
                people(level["n"]),
                rate(estimate, facts.unit(lead)),
                *((steadied(estimate),) if steady else ()),
                *(gap(facts.gap(m, group), facts.unit(m)) for m in metrics),
            )
        )
    printed = max(FEWEST_PRINTED, PRINT_CELLS // len(facts.crosses))
    further = len(rows) - printed
    foot = [
        _("Steadied: the estimate borrows from similar groups; it decides no verdict.")
        if steady
        else "",
        family_note(facts),
        few_note(facts, rows),
    ]
    return Table(
        title=_("Differences to everyone else, in {many}").format(many=facts.unit(lead).many),
        anchor=f"{facts.anchor(table)}-differences",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(f for f in foot if f),
        verdicts=used_verdicts(rows),
        stacked=len(metrics) > 2,
        dense=True,
        print_rows=printed if further > 0 else None,
        print_more=(
            _(
                "{further} further groups, all with smaller supported gaps in {lead} or none, "
                "are in tables.csv, attached to this file."
            ).format(further=count(further), lead=metric_words.lower(lead))
            if further > 0
            else ""
        ),
    )


def steadied(estimate: Row | None) -> Cell:
    shrunken = (estimate or {}).get("shrunken")
    if not shrunken or shrunken.get("value") is None:
        return Cell(_("not computed"), soft=True)
    note = percent_span(shrunken["low"], shrunken["high"])
    return Cell(percent(shrunken["value"], 1), note, soft=True)


def below_floor(facts: Facts, table: Row) -> str:
    """The groups that are too small, in one line, none left unsaid."""
    small = facts.levels(table, "below-floor")
    if not small:
        return ""
    small = sorted(small, key=lambda v: (-v["n"], phrases.label(v["group"])))
    named = [f"{phrases.label(v['group'])} ({count(v['n'])})" for v in small]
    line = _("Under the floor of {floor} people and not compared: ").format(
        floor=count(facts.floor)
    )
    line += f"{'; '.join(named[:LIST_CAP])}"
    if len(named) > LIST_CAP:
        line += _("; and {named} more").format(named=count(len(named) - LIST_CAP))
    line += "."
    if len(named) > LIST_CAP:
        line += _(" All are listed in tables.csv.")
    empty = len(facts.levels(table, "empty"))
    if empty:
        line += _(" {empty} combinations hold nobody.").format(empty=count(empty))
    return line
