"""Table T4 of a report: settings to choose among, what each costs, and whom it concerns."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, trained_facts
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.charts.frontier import MOST
from auditapp.reports.charts.people_changed import per_1000
from auditapp.reports.numbers import (
    count,
    limit,
    listing,
    percent,
    percent_span,
    points,
    size,
    span,
    upper_first,
)
from auditapp.reports.tables import rate, share
from auditapp.reports.tradeoff_facts import (
    Setting,
    Tradeoff,
    apart_from_zero,
    of_group,
    value,
)
from auditapp.reports.tradeoff_words import NO_EFFECT, RULES, accuracy_change, short_share
from auditapp.reports.words import reason

Row = dict[str, Any]

MOST_GROUPS = 12
MOST_USES = 5
WHEN = ("now", "after")
EVERYBODY = "Everybody"


def shape_of(setting: Setting) -> str:
    """The mark of a setting in picture, table and legend."""
    if setting.point["recommended"]:
        return f"best-{min(setting.look, MOST) + 1}"
    kind = "method" if setting.decides_all else "hollow"
    return f"{kind}-{min(setting.look, MOST) + 1}"


def estimate(found: Row | None, *, strong: bool = False) -> Cell:
    """A share with its interval, in percent."""
    if found is None or found.get("value") is None:
        return Cell(reason((found or {}).get("undefined")), soft=True)
    note = percent_span(found["low"], found["high"]) if found.get("low") is not None else ""
    return Cell(percent(found["value"], 1), note, strong=strong)


def gap(found: Row | None) -> Cell:
    """The largest gap with its interval, in points."""
    if found is None or found.get("value") is None:
        return Cell(reason((found or {}).get("undefined")), soft=True)
    note = span(found["low"], found["high"], 1, signed=False) if found["low"] is not None else ""
    return Cell(size(found["value"], 1), note, strong=True)


def change(found: Row | None, key: str = "value") -> Cell:
    """A change with its interval; one that may be none says so."""
    if found is None or found.get(key) is None:
        return Cell("not computed", soft=True)
    between = span(found["low"], found["high"]) if found.get("low") is not None else ""
    if between and not apart_from_zero(found):
        return Cell(NO_EFFECT, between, soft=True)
    return Cell(points(found[key]), between)


def _people(row: Row | None) -> tuple[Cell, Cell]:
    if row is None or not row["n"]:
        return Cell(""), Cell("")
    return Cell(per_1000(row["up"] / row["n"])), Cell(per_1000(row["down"] / row["n"]))


def _line(setting: Setting, *, person: bool) -> tuple[Cell, ...]:
    point = setting.point
    best = bool(point["recommended"])
    name = Cell(setting.name, _tag(setting), strong=best, mark=shape_of(setting))
    sent = Cell(short_share(setting.to_person))
    return (
        name,
        gap(point["disparity"]),
        estimate(point["accuracy"]),
        change(accuracy_change(setting), "diff"),
        *((sent,) if person else ()),
        *_people(of_group(point.get("changed"), None)),
    )


def _tag(setting: Setting) -> str:
    """What sets a setting apart, behind its name."""
    tags = ["recommended"] if setting.point["recommended"] else []
    tags += ["selected checkpoint"] if trained_facts.selected_checkpoint(setting.point) else []
    tags += ["levels down"] if trained_facts.levels_down(setting.method) else []
    return upper_first(", ".join(tags))


def _bounds(t: Tradeoff, *, person: bool) -> list[tuple[Cell, ...]]:
    """What no rule exceeds at the limit: rows of the table that nobody measured."""
    out = []
    for rule in ("score", "free", "group"):
        most = t.at_most(rule, t.tolerance)
        if most is None:
            continue
        rest = 3 if person else 2
        out.append(
            (
                Cell(f"Theoretical limit: {phrases.lower_first(RULES[rule])}", soft=True),
                Cell(f"{limit(t.tolerance)} or less", soft=True),
                Cell(f"at most {percent(most, 1)}", soft=True),
                Cell("", soft=True),
                *(Cell("", soft=True) for _ in range(rest)),
            )
        )
    return out


def ordered(settings: tuple[Setting, ...]) -> list[Setting]:
    """Everybody decided first; the widest measured gap first."""
    return sorted(
        settings, key=lambda s: (not s.decides_all, -(value(s.point, "disparity") or 0.0))
    )


def candidates(
    t: Tradeoff,
    settings: tuple[Setting, ...],
    *,
    title: str,
    anchor: str = "",
    bounds: bool = True,
) -> Table:
    """T4: the audited decisions, settings, and what no setting can exceed."""
    person = any(not s.decides_all for s in settings)
    columns = [
        Column("Setting", "start", 2.9),
        Column("Largest gap, points", share=1.15),
        Column("Accuracy", share=1.15),
        Column("Change, points", share=1.7),
        *((Column("To a person", share=0.7),) if person else ()),
        Column("To yes in 1,000", share=0.7),
        Column("To no in 1,000", share=0.7),
    ]
    now = (
        Cell("Now", mark="ring"),
        gap(t.baseline["disparity"]),
        estimate(t.baseline["accuracy"]),
        Cell("none", soft=True),
        *((Cell("0"),) if person else ()),
        Cell("0"),
        Cell("0"),
    )
    lines = ordered(settings)
    rows = [now, *(_line(s, person=person) for s in lines)]
    tinted = tuple(i + 1 for i, s in enumerate(lines) if s.point["recommended"])
    rows += _bounds(t, person=person) if bounds else []
    return Table(
        title=title,
        anchor=anchor,
        columns=share(columns),
        rows=tuple(rows),
        foot=(_foot(t, settings),),
        stacked=True,
        dense=True,
        tinted=tinted,
    )


def _foot(t: Tradeoff, settings: tuple[Setting, ...]) -> str:
    text = (
        f"Largest gap in {t.rate} between any two of {count(len(t.groups))} {t.protect} groups. "
        "Intervals: 95%, each on its own. Change: accuracy of the same people before and after, "
        "95% paired."
    )
    if any(not s.decides_all for s in settings):
        text += " Settings that send people to a person: accuracy of those still decided."
    uses = list(dict.fromkeys(s.title for s in settings if s.point.get("uses_group")))
    if uses:
        verb = "uses" if len(uses) == 1 else "use"
        names = listing([phrases.lower_first(name) for name in uses], MOST_USES)
        text += f" {upper_first(names)} {verb} the {t.protect} of a person when deciding."
    if any(s.point.get("randomised") for s in settings):
        text += " Rules that draw lots are counted with the lots they drew."
    return text


def by_group(t: Tradeoff, setting: Setting) -> Table:
    """Rates of every group before and after, and people whose decision changes."""
    person = not setting.decides_all
    columns = [Column(t.facts.titles.get(t.doc["protect"], "Group"), "start", 2.0)]
    columns.append(Column("People", share=0.9))
    for metric in t.metrics:
        columns += [Column(f"{metric_words.title(metric)} {when}", share=1.4) for when in WHEN]
    columns += [Column("To yes"), Column("To no")]
    columns += [Column("To a person")] if person else []
    rows = []
    for row in changed_rows(t, setting):
        group = row["group"]
        name = EVERYBODY if group is None else phrases.short(group)
        cells = [Cell(name, strong=group is None), Cell(count(row["n"]))]
        for metric in t.metrics:
            for point in (t.baseline, setting.point):
                cells.append(rate(of_group(point.get("rates"), group, metric)))
        for key in ("up", "down", *(("to_human",) if person else ())):
            cells.append(Cell(count(row[key]), f"{per_1000(row[key] / row['n'])} in 1,000"))
        rows.append(tuple(cells))
    return Table(columns=share(columns), rows=tuple(rows), dense=True, stacked=True)


def changed_rows(t: Tradeoff, setting: Setting) -> list[Row]:
    """Compared groups in their order, then everybody."""
    found = setting.point.get("changed") or []
    rows = [of_group(found, group) for group in [*t.groups[:MOST_GROUPS], None]]
    return [row for row in rows if row is not None and row["n"]]


def before_after(t: Tradeoff, setting: Setting, anchor: str) -> Table:
    """The rates of every group now and under one setting, and what changed measurably."""
    columns = [
        Column("Measure", "start", 2.2),
        Column("Now", share=1.3),
        Column("After", share=1.3),
        Column("Change, points", share=1.5),
    ]
    moves = setting.point.get("change") or {}
    rows = [
        (
            Cell("Largest gap, points"),
            gap(t.baseline["disparity"]),
            gap(setting.point["disparity"]),
            change(moves.get("disparity")),
        ),
        (
            Cell("Accuracy" if setting.decides_all else "Accuracy of those decided"),
            estimate(t.baseline["accuracy"]),
            estimate(setting.point["accuracy"]),
            change(accuracy_change(setting), "diff"),
        ),
    ]
    kind = "Accuracy" if setting.decides_all else "Accuracy of those decided"
    for group in t.groups[:MOST_GROUPS]:
        found = of_group(setting.point.get("paired"), group, "accuracy")
        was = of_group(t.baseline.get("rates"), group, "accuracy")
        now = of_group(setting.point.get("rates"), group, "accuracy")
        if was and now:
            cells = (rate(was), rate(now), change(found, "diff"))
            rows.append((Cell(f"{kind}, {phrases.short(group)}"), *cells))
    return Table(
        title=f"Before and after: {phrases.lower_first(setting.name)}",
        anchor=anchor,
        columns=share(columns),
        rows=tuple(rows),
        foot=(
            "Intervals: 95%, each on its own; changes of accuracy are paired. A change whose "
            f"interval holds 0 has {NO_EFFECT}.",
        ),
        dense=True,
        printed=False,
    )
