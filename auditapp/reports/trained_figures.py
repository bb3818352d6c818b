"""The widest gap inside parts of the people under every setting, beside its accuracy."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tradeoff_figures, tradeoff_tables
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Rich, Table, bold, rich
from auditapp.reports.captions import clip
from auditapp.reports.charts.frontier import MOST
from auditapp.reports.numbers import count, plural, size
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import Setting, Tradeoff, chosen_by, value
from auditapp.reports.tradeoff_words import within
from auditapp.reports.trained_facts import form, number, rows_of, words

Row = dict[str, Any]
Pair = tuple[Setting, Row]

MOST_ROWS = 80
THRESHOLDS = "thresholds"


def pairs(t: Tradeoff, method: Row) -> tuple[Row | None, list[Pair]]:
    """The row of the audited decisions, and every setting with its row."""
    rows = [r for r in rows_of(method, "local-points") if number(r, "worst") is not None]
    now = next((r for r in rows if not words(r, "method")), None)
    found = {(words(r, "method"), words(r, "point")): r for r in rows}
    return now, [(s, found[s.key]) for s in t.settings if s.key in found]


def beyond_chance(row: Row) -> bool:
    """Whether a worst gap is wider than shuffles show in 95% of searches."""
    return (number(row, "worst") or 0.0) > (number(row, "null_p95") or 0.0)


def local(t: Tradeoff, method: Row) -> Figure | None:
    """C9 with the widest local gap in the place of the gap of the whole."""
    now, found = pairs(t, method)
    drawn = [(s, r) for s, r in found if s.decides_all and value(s.point, "accuracy") is not None]
    right = t.baseline["accuracy"]
    if now is None or not drawn or right.get("value") is None:
        return None
    chance = number(now, "null_p95")
    letters = tradeoff_figures.form_letters(t, tuple(s for s, _ in drawn))
    chart: Row = {
        "kind": "frontier",
        "series": _series(t, drawn, letters),
        "now": {"label": "Now", "x": number(now, "worst"), "value": right["value"],
                **_across(now), **_up(right)},
        "frontier": [], "yardstick": [], "bound": [], "beyond": "",
        "x_title": f"Widest gap in {t.rate} inside one declared part, points",
        "limit": chance,
        "limit_label": "" if chance is None else f"Chance: under {size(chance, 1)}",
    }  # fmt: skip
    least = min(drawn, key=lambda pair: number(pair[1], "worst") or 0.0)
    most = max(drawn, key=lambda pair: number(pair[1], "worst") or 0.0)
    ends = [size(number(row, "worst") or 0.0, 1) for _, row in (least, most)]
    return Figure(
        anchor=f"{phrases.slug(str(method['slug']))}-local",
        title=f"The widest local gap runs from {ends[0]} to {ends[1]} points",
        subtitle=(
            "Accuracy against the widest gap among the declared parts, "
            f"{plural(len(drawn), 'setting')} of all remedies. Crosses: 95%, of that one part and "
            "of accuracy, each on its own. Dotted rule: what chance shows of the audited "
            "decisions in 95% of searches."
        ),
        print_subtitle="Accuracy against the widest gap among the declared parts. Crosses: 95%, "
        "each on its own. Dotted: chance, 95% of searches.",
        alt=clip(
            f"Now: widest gap {size(number(now, 'worst') or 0.0, 1)} points. Least: {ends[0]} "
            f"under {phrases.lower_first(least[0].name)}. Most: {ends[1]}."
        ),
        table=_table(now, found, t),
        chart=chart,
        legend=_legend(t, chart),
        note=tradeoff_figures.forms(letters),
    )


def _series(t: Tradeoff, drawn: list[Pair], letters: dict[tuple[str, str], str]) -> list[Row]:
    methods = sorted((m for m in t.methods if m["points"]), key=lambda m: t.looks[str(m["slug"])])
    out: list[Row] = [{"label": str(m["title"]), "points": []} for m in methods]
    for setting, row in drawn:
        right = setting.point["accuracy"]
        point = {"x": number(row, "worst"), "value": right["value"], "hollow": False}
        point |= {"recommended": bool(setting.point["recommended"]), **_across(row), **_up(right)}
        point["front"] = bool(setting.point["pareto"])
        letter = letters.get((setting.key[0], form(setting)))
        if letter:
            point["letter"] = letter
        out[setting.look]["points"].append(point)
    if len(out) > MOST + 1:
        rest = [p for s in out[MOST:] for p in s["points"]]
        out = [*out[:MOST], {"label": "Other remedies", "points": rest}]
    return out


def _across(row: Row) -> Row:
    """Bars of a gap, which is a size: an end beyond 0 is drawn at 0."""
    low, high = number(row, "low"), number(row, "high")
    if low is None or high is None:
        return {}
    return {"x_low": max(low, 0.0), "x_high": max(high, 0.0)}


def _up(right: Row) -> Row:
    if right.get("low") is None:
        return {}
    return {"low": right["low"], "high": right["high"]}


def _legend(t: Tradeoff, chart: Row) -> tuple[Legend, ...]:
    items = [Legend("ring", "Now")]
    best = next((s for s in t.settings if s.point["recommended"]), None)
    if best is not None:
        items.append(Legend(tradeoff_tables.shape_of(best), "Recommended"))
    for i, series in enumerate(chart["series"]):
        if series["points"]:
            items.append(Legend(f"method-{min(i, MOST) + 1}", phrases.short(series["label"])))
    return tuple(items)


def _table(now: Row, found: list[Pair], t: Tradeoff) -> Table:
    columns = [
        Column("Setting", "start", 2.6),
        Column("Widest in", "start", 2.4),
        Column("Widest gap, points", share=1.2),
        Column("By chance", share=1.1),
        Column("Accuracy", share=1.2),
    ]
    ordered = sorted(found, key=lambda pair: -(number(pair[1], "worst") or 0.0))[:MOST_ROWS]
    rows = [(Cell("Now", mark="ring"), *_cells(now, t.baseline))]
    for setting, row in ordered:
        name = Cell(setting.name, mark=tradeoff_tables.shape_of(setting))
        rows.append((name, *_cells(row, setting.point)))
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        foot=(
            "On held-out rows. A widest gap that is no wider than by chance says nothing; the "
            "part it was found in differs from setting to setting.",
        ),
        dense=True,
        stacked=True,
    )


def _cells(row: Row, point: Row) -> tuple[Cell, ...]:
    low, high = number(row, "low"), number(row, "high")
    worst, p95 = number(row, "worst") or 0.0, number(row, "null_p95")
    mean = number(row, "null_mean")
    return (
        Cell(words(row, "region")),
        Cell(
            size(worst, 1), "" if low is None or high is None else within(low, high),
            strong=beyond_chance(row), soft=not beyond_chance(row),
        ),
        Cell("") if mean is None or p95 is None else Cell(size(mean, 1), f"under {size(p95, 1)}"),
        tradeoff_tables.estimate(point["accuracy"]),
    )  # fmt: skip


def reading(t: Tradeoff, method: Row) -> Rich:
    """Which remedies bring the widest gap down to what chance shows, thresholds among them."""
    now, found = pairs(t, method)
    able = [(s, r) for s, r in found if s.decides_all and s.point["status"] != "collapsed"]
    if now is None or not able:
        return ()
    start = f"Now the widest gap inside a declared part is {_said(now)}"
    if not beyond_chance(now):
        return rich(f"{start}: chance shows as much, so no remedy can be shown to lower it.")
    quiet = [(s, r) for s, r in able if not beyond_chance(r)]
    if not quiet:
        return rich(f"{start}. No setting of any remedy brings it down to what chance shows.")
    text = f"{start}. Under {count(len(quiet))} of {plural(len(able), 'setting')} it is no wider "
    text += "than chance shows"
    best = max(quiet, key=lambda pair: chosen_by(pair[0].point, "accuracy") or 0.0)
    name = phrases.lower_first(best[0].name)
    text += f"; the most accurate of them on validation rows is {name}, {_said(best[1])}."
    known = any(s.key[0] == THRESHOLDS for s, _ in able)
    if best[0].key[0] == THRESHOLDS:
        return rich(text, " ", bold("Thresholds alone win here too"),
                    ": no new model is needed for that.")  # fmt: skip
    if any(s.key[0] == THRESHOLDS for s, _ in quiet):
        return rich(text, " Thresholds alone reach that as well.")
    return rich(text, " Thresholds alone do not reach that at any limit." if known else "")


def _said(row: Row) -> str:
    low, high = number(row, "low"), number(row, "high")
    between = "" if low is None or high is None else f" ({within(low, high)})"
    p95 = number(row, "null_p95")
    chance = "" if p95 is None else f", by chance under {size(p95, 1)}"
    return f"{size(number(row, 'worst') or 0.0, 1)} points{between}{chance}"
