"""Charts C1 and C2 of a report with their message, their words and their numbers."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Table
from auditapp.reports.captions import clip, strip_alt, strip_message
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts, measured
from auditapp.reports.language import gettext as _
from auditapp.reports.language import gettext_noop
from auditapp.reports.numbers import comparisons, count, percent, plural, upper_first
from auditapp.reports.units import POINTS
from auditapp.reports.words import CHOICES, VERDICT_WORDS

Row = dict[str, Any]

#: Bars of group sizes that are printed.
PRINTED_SIZES = 14

MAX_STRIP = 12
THE_REFERENCE = gettext_noop("the reference")


def gap_strip(facts: Facts, table: Row, metric: str, *, anchor: str) -> Figure:
    """C1: every group of one attribute against the reference."""
    rows = [g for g in facts.gaps(table["by"], metric) if g["comparator"] != "rest"]
    reference = table["reference"]
    words = metric_words.words(metric)
    own = facts.estimate(metric, reference) or {}
    who = facts.people(reference)
    unit = facts.unit(metric)
    own_rate = f"{unit.value(own['value'])}, " if own.get("value") is not None else ""
    k = (facts.doc.get("family") or {}).get("k") or len(rows)
    adjusted = _(", adjusted for {k}").format(k=comparisons(k)) if k > 1 else ""
    drawn = rows
    capped = ""
    if len(rows) > MAX_STRIP:
        drawn = sorted(rows, key=_strip_rank)[:MAX_STRIP]
        capped = _(
            " The {max_strip} groups with the most to say are drawn; the table has all."
        ).format(max_strip=MAX_STRIP)
    chart = {
        "kind": "gap-strip",
        "rows": [_strip_row(facts, g) for g in drawn],
        "tolerance": facts.tolerance,
        "reference": phrases.label(reference),
        "less": words.less,
        "more": words.more,
        "unit": unit.to_chart(),
    }
    return Figure(
        anchor=anchor,
        title=strip_message(facts, table, metric),
        subtitle=(
            _(
                "Difference in {metric} to {who} ({own_rate}{table}), in {axis}. Thin bars: "
                "95%{adjusted}; thick bars: 90%{maybe}. Band: your limit of "
                "{limit_words}.{capped}"
            ).format(
                metric=metric_words.lower(metric),
                who=who,
                own_rate=own_rate,
                table=CHOICES.get(table.get("reference_choice") or "", THE_REFERENCE),
                axis=unit.axis,
                adjusted=adjusted,
                maybe=_(" each") if k > 1 else "",
                limit_words=facts.limit_words,
                capped=capped,
            )
        ),
        alt=strip_alt(facts, table, rows),
        table=_strip_table(facts, table, rows),
        chart=chart,
        legend=(*_strip_legend(rows), Legend("band", _("Within your limit"))),
    )


def _strip_rank(gap: Row) -> tuple[int, float, str]:
    """Findings by supported gap, then what could hide most, then the rest."""
    name = phrases.label(gap["group"])
    if not measured(gap):
        return 3, 0.0, name
    if gap["verdict"] == DIFFERENCE:
        return 0, -min(abs(gap["low"]), abs(gap["high"])), name
    return (1 if gap["verdict"] == NOT_ENOUGH else 2), -abs(gap["b"] or 0.0), name


def _strip_legend(rows: list[Row]) -> tuple[Legend, ...]:
    return tuple(
        Legend(slug, text)
        for slug, text in VERDICT_WORDS.items()
        if slug != "not-applicable" or any(g["verdict"] == slug for g in rows)
    )


def _strip_row(facts: Facts, gap: Row) -> Row:
    level = facts.level(gap["group"]) or {}
    row = {
        "label": phrases.label(gap["group"]),
        "n": level.get("n", gap.get("n")),
        "verdict": gap["verdict"],
        **{k: gap.get(k) for k in ("value", "low", "high", "thick_low", "thick_high")},
    }
    if not measured(gap):
        row["value"] = None
        row["note"] = _why(facts, gap)
    return row


def _why(facts: Facts, gap: Row) -> str:
    cell = tables.gap(gap, facts.unit(gap["metric"]))
    return ": ".join(bit for bit in (cell.text, cell.note) if bit)


def _strip_table(facts: Facts, table: Row, rows: list[Row]) -> Table:
    ordered = sorted(rows, key=lambda g: (not measured(g), g.get("value") or 0.0))
    unit = facts.unit(rows[0]["metric"]) if rows else POINTS
    columns = [
        Column(facts.table_title(table), "start", 2.4),
        Column(_("People")),
        Column(
            _("{value_heading}, 95% interval").format(value_heading=unit.value_heading), share=1.6
        ),
        Column(_("{heading}, 95% interval").format(heading=unit.heading), share=1.8),
        Column(_("90% interval"), share=1.4),
    ]
    body = []
    for gap in ordered:
        level = facts.level(gap["group"]) or {}
        thick = Cell(_("not computed"), soft=True)
        if measured(gap):
            thick = Cell(unit.differences(gap["thick_low"], gap["thick_high"]))
        body.append(
            (
                Cell(phrases.label(gap["group"])),
                Cell(count(level["n"] if level else gap["n"])),
                tables.rate(facts.estimate(gap["metric"], gap["group"]), unit),
                tables.gap(gap, unit),
                thick,
            )
        )
    return Table(
        columns=tables.share(columns),
        rows=tuple(body),
        verdicts=tables.used_verdicts(body),
    )


def group_sizes(facts: Facts, table: Row) -> Figure:
    """C2: how many people are in each group."""
    levels = facts.levels(table, "reference", "compared", "below-floor")
    small = [v for v in levels if v["status"] == "below-floor"]
    title = facts.table_title(table)
    biggest = max(levels, key=lambda v: v["n"])
    least = min(levels, key=lambda v: v["n"])
    span = _("{title}: {groups}, of {people}")
    if least["n"] != biggest["n"]:
        span = _("{title}: {groups}, from {least} to {people}")
    message = span.format(
        title=title,
        groups=plural(len(levels), "group"),
        least=count(least["n"]),
        people=plural(biggest["n"], "person", "people"),
    )
    columns = [
        Column(title, "start", 2.4),
        Column(_("People")),
        Column(_("Share")),
        Column("", "start"),
    ]
    unknown = table.get("unknown") or 0
    rows = [
        (
            Cell(phrases.label(v["group"])),
            Cell(count(v["n"])),
            Cell(percent(v["share"], 1) if v.get("share") is not None else ""),
            Cell(_("under the floor") if v in small else ""),
        )
        for v in levels
    ]
    rows.append((Cell(_("Unknown")), Cell(count(unknown)), Cell(""), Cell(_("never compared"))))
    sizes = [
        {"label": phrases.label(v["group"]), "n": v["n"], "below_floor": v in small}
        for v in levels
    ]
    most = sorted(sizes, key=lambda row: -row["n"])[:PRINTED_SIZES]
    return Figure(
        anchor=f"sizes-{facts.anchor(table)}",
        title=message,
        subtitle=_(
            "Number of people. Hatched: under the floor of {floor}, listed but not "
            "compared. Unknown: {unknown}."
        ).format(floor=count(facts.floor), unknown=count(unknown)),
        alt=clip(
            _(
                "{group} is the largest group with {n} people, {group2} the smallest with "
                "{n2}; {small} of {levels} groups are under the floor."
            ).format(
                group=upper_first(phrases.label(biggest["group"])),
                n=count(biggest["n"]),
                group2=phrases.label(least["group"]),
                n2=count(least["n"]),
                small=count(len(small)),
                levels=count(len(levels)),
            )
        ),
        table=Table(columns=tables.share(columns), rows=tuple(rows), foot=(reconciled(facts),)),
        chart={
            "kind": "group-sizes",
            "floor": facts.floor,
            "rows": sizes,
        },
        print_half=True,
        print_chart={"rows": most},
        print_subtitle=_(
            "Number of people. Hatched: under the floor of {floor}. Unknown: {unknown}."
        ).format(floor=count(facts.floor), unknown=count(unknown))
        + (
            _(" The {most} largest are drawn.").format(most=len(most))
            if len(most) < len(sizes)
            else ""
        ),
    )


def strip_metric(facts: Facts, table: Row) -> str:
    """The metric of the headline where the headline is about this attribute.

    Among several classes, that of the first finding on the attribute, or else of the headline.
    """
    gap = facts.headline_gap
    if gap is not None and gap["by"] == table["by"]:
        return str(gap["metric"])
    if facts.classes and gap is not None:
        here = [g for g in facts.found if g["by"] == table["by"] and g["comparator"] != "rest"]
        return str((here[0] if here else gap)["metric"])
    return facts.lead


def reconciled(facts: Facts) -> str:
    return tables.reconcile(facts)


def first_strip_table(facts: Facts) -> Row | None:
    """The attribute the answer page shows: that of the headline, else the first finding's."""
    head = facts.headline_gap
    usable = [t for t in facts.singles if t.get("reference")]
    usable = [
        t
        for t in usable
        if any(
            g["comparator"] != "rest" and measured(g)
            for g in facts.gaps(t["by"], strip_metric(facts, t))
        )
    ]
    gaps = [head] if head else []
    gaps += [g for g in facts.found if g["verdict"] == DIFFERENCE]
    for gap in gaps:
        for table in usable:
            if gap["by"] == table["by"]:
                return table
    return usable[0] if usable else None
