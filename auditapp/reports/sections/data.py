"""Section 4: which rows were used, how large the groups are, what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import (
    copy_words,
    figures,
    kind_words,
    number_tables,
    phrases,
    survey_tables,
    tables,
)
from auditapp.reports.blocks import Block, Cell, Column, Prose, Section, Table, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.language import gettext_noop, ngettext
from auditapp.reports.numbers import count, percent, plural
from auditapp.reports.tables import share
from auditapp.reports.words import why_left_out

MAX_MISSING = 12
NEEDLESS = gettext_noop("counted only where no outcome is needed")
PRINT_ROWS = 14
PRINT_SIZES = 2
PRINT_MISSING = 6


def section(facts: Facts) -> Section:
    rows = facts.rows
    left = sum(item["n"] for item in rows["left_out"])
    n = rows["used"]
    lede = ngettext("All {used} was used.", "All {used} were used.", n).format(
        used=plural(n, "row")
    )
    if left:
        lede = ngettext(
            "{used} of {uploaded} was used; ", "{used} of {uploaded} were used; ", n
        ).format(used=count(n), uploaded=plural(rows["uploaded"], "row"))
        lede += ngettext(
            "{left} was left out, for the reasons listed.",
            "{left} were left out, for the reasons listed.",
            left,
        ).format(left=count(left))
    if rows["uploaded"] is None:
        lede = tables.reconcile(facts)
    blocks: list[Block] = [_rows(facts)]
    for i, table in enumerate(facts.singles):
        if facts.levels(table, "reference", "compared", "below-floor"):
            sizes = figures.group_sizes(facts, table)
            blocks.append(replace(sizes, printed=i < PRINT_SIZES))
        base = _base_rates(facts, table)
        if base is not None:
            blocks.append(base)
        outcomes = number_tables.outcomes(facts, table)
        if outcomes is not None:
            blocks.append(outcomes)
    lists = number_tables.lists(facts)
    if lists is not None:
        blocks.insert(1, lists)
    blocks += survey_tables.people(facts)
    missing = _missing(facts)
    if missing is not None:
        blocks.append(missing)
    blocks += _notes(facts)
    return Section("data", _("Data"), tuple(blocks), rich(lede))


def _rows(facts: Facts) -> Table:
    """T1: the rows reconcile."""
    rows = facts.rows
    body = [(Cell(_("Uploaded")), Cell(copy_words.uploaded(facts)), Cell(""))]
    for item in rows["left_out"]:
        body.append(
            (Cell(_("Left out")), Cell(count(item["n"])), Cell(why_left_out(item))),
        )
    if not rows["left_out"]:
        body.append((Cell(_("Left out")), Cell(copy_words.left_out(facts)), Cell("")))
    body.append((Cell(_("Used"), strong=True), Cell(count(rows["used"]), strong=True), Cell("")))
    blank = rows.get("label_blank") or 0
    if facts.plan.get("label"):
        body.append(
            (
                Cell(
                    _("of these, {lower} blank").format(
                        lower=kind_words.LABELS.get(facts.kind, kind_words.LABEL).lower()
                    )
                ),
                Cell(count(blank)),
                Cell(kind_words.BLANK.get(facts.kind, NEEDLESS) if blank else ""),
            )
        )
    for table in facts.singles:
        unknown = table.get("unknown") or 0
        body.append(
            (
                Cell(
                    _("of these, {table} unknown").format(
                        table=phrases.lower_first(facts.table_title(table))
                    )
                ),
                Cell(copy_words.unknown(table)),
                Cell(_("in totals, never compared") if unknown else ""),
            )
        )
    columns = [
        Column(_("Rows"), "start", 2.2),
        Column(_("Number")),
        Column(_("Why"), "start", 2.6),
    ]
    return Table(
        title=_("Rows"),
        anchor="rows",
        columns=share(columns),
        rows=tuple(body),
        foot=(tables.reconcile(facts),),
        dense=True,
    )


def _base_rates(facts: Facts, table: dict[str, Any]) -> Table | None:
    levels = facts.levels(table, "reference", "compared", "below-floor")
    known = [v for v in levels if v.get("base_rate") is not None]
    if not known:
        return None
    rows = []
    for level in levels:
        base = {
            "value": level.get("base_rate"),
            "low": level.get("base_low"),
            "high": level.get("base_high"),
            "undefined": copy_words.why_no_rate(level),
            "denominator": level.get("base_denominator") or 0,
            "n": level["n"],
        }
        base["below_floor"] = level["status"] == "below-floor" or (
            base["denominator"] < facts.plan.get("denominator_floor", 10)
        )
        rows.append(
            (
                Cell(phrases.label(level["group"])),
                Cell(count(level["n"])),
                Cell(copy_words.shown(level.get("base_denominator"))),
                Cell(copy_words.shown(level.get("base_numerator"))),
                tables.rate(base),
            )
        )
    title = facts.table_title(table)
    further = len(rows) - PRINT_ROWS
    columns = [
        Column(title, "start", 2.4),
        Column(_("People")),
        Column(_("Outcome recorded"), share=1.3),
        Column(_("Favourable"), share=1.1),
        Column(_("Base rate"), share=1.8),
    ]
    return Table(
        title=_("Favourable recorded outcomes by {title}").format(
            title=phrases.lower_first(title)
        ),
        anchor=f"base-rates-{facts.anchor(table)}",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(
            text
            for text in (
                _("Base rates are described, not judged. {facts}.").format(
                    facts=tables.interval_words(facts)
                ),
                tables.few_note(facts, rows),
            )
            if text
        ),
        dense=True,
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=_("{further} in tables.csv.").format(further=plural(further, "further group"))
        if further > 0
        else "",
    )


def _used_columns(facts: Facts) -> set[str]:
    plan = facts.plan
    names = {a["column"] for a in plan["attributes"]}
    for role in ("label", "decision", "score"):
        spec = plan.get(role)
        if spec and spec.get("column"):
            names.add(spec["column"])
    if plan.get("query"):
        names.add(plan["query"])
    return names | set(plan.get("features") or ())


def _missing(facts: Facts) -> Table | None:
    data = (facts.doc.get("inputs") or {}).get("data") or {}
    total = data.get("rows") or facts.rows["uploaded"] or facts.rows["used"]
    used = _used_columns(facts)
    found = [c for c in data.get("columns") or [] if c["name"] in used and c.get("missing")]
    if not found:
        return None
    found.sort(key=lambda c: (-c["missing"], c["name"]))
    rows = [
        (
            Cell(c["name"], mono=True),
            Cell(count(c["missing"])),
            Cell(percent(c["missing"] / total, 1) if total else ""),
        )
        for c in found[:MAX_MISSING]
    ]
    foot = [_("Of {total} uploaded.").format(total=plural(total, "row"))]
    if len(found) > MAX_MISSING:
        more = plural(len(found) - MAX_MISSING, "further column")
        foot.append(_("{more} with blanks: see the result document.").format(more=more))
    return Table(
        title=_("Blank values in the columns used"),
        anchor="missing",
        columns=share([Column(_("Column"), "start", 2.0), Column(_("Blank")), Column(_("Share"))]),
        rows=tuple(rows),
        foot=tuple(foot),
        dense=True,
        print_rows=PRINT_MISSING if len(rows) > PRINT_MISSING else None,
        print_more=_("The columns with most blanks; the others are in result.json.")
        if len(rows) > PRINT_MISSING
        else "",
    )


def _notes(facts: Facts) -> list[Block]:
    data = (facts.doc.get("inputs") or {}).get("data") or {}
    out: list[Block] = []
    if data.get("images"):
        out.append(Prose(rich(_pictures(data["images"])), "note"))
    if not _missing(facts):
        out.append(Prose(rich(_("No value is blank in the columns used.")), "note"))
    for notice in data.get("notices") or []:
        text = notice.get("message", "")
        if notice.get("level") == "check" and text:
            out.append(
                Prose(
                    rich(_("To check:") + f" {text} {notice.get('detail') or ''}".rstrip()), "note"
                )
            )
    out.append(survey_tables.note(facts))
    out.append(Prose(rich(_drift(facts)), "note"))
    return out


def _pictures(images: dict[str, Any]) -> str:
    """What was looked at; no picture is ever printed."""
    names = {"png": _("PNG"), "jpeg": _("JPEG"), "webp": _("WebP")}
    kinds = ", ".join(f"{count(n)} {names.get(k, k)}" for k, n in images["kinds"].items())
    sides = [images[key] for key in ("width", "height")]
    if all(low == high for low, _, high in sides):
        shape = _("all {sides} x {sides2} pixels").format(
            sides=count(sides[0][0]), sides2=count(sides[1][0])
        )
    else:
        wide, high = (
            _("{low} to {top}").format(low=count(low), top=count(top)) for low, _, top in sides
        )
        shape = _("{wide} pixels wide, {high} high").format(wide=wide, high=high)
    size = images["size"]
    return _("Pictures: {kinds}; {shape}. They were read as {size} x {size} pixels.").format(
        kinds=kinds, shape=shape, size=size
    )


def _drift(facts: Facts) -> str:
    """Whether the people were compared with those of an earlier audit, and where."""
    change = facts.doc.get("change")
    if not change or change.get("failed") or change["undefined"] is not None:
        return _("No earlier audit was compared, so drift of the inputs was not examined.")
    return _("Drift since the earlier audit stands in the section “Stability and shift”.")
