"""Chart C9 of a report, and who is affected by the recommended setting."""

from __future__ import annotations

from collections import Counter
from string import ascii_lowercase
from typing import Any

from auditapp.reports import phrases, tradeoff_tables, tradeoff_words, trained_facts
from auditapp.reports.blocks import Figure, Legend
from auditapp.reports.captions import clip
from auditapp.reports.charts.frontier import MOST
from auditapp.reports.charts.people_changed import per_1000
from auditapp.reports.numbers import count, limit, percent, plural, spelled, upper_first
from auditapp.reports.tradeoff_facts import Setting, Tradeoff, beats, value
from auditapp.reports.tradeoff_words import BEYOND

Row = dict[str, Any]

#: Settings that one picture can hold; of methods with more, those that others beat stay out.
CROWD = 40
#: Settings of one method that are always drawn.
ROOM = 8
#: How far below the marked settings one may lie, in their own span, to be drawn.
_DEEP = 2.0


def drawn(t: Tradeoff) -> tuple[Setting, ...]:
    """Settings of the picture.

    Those so far down that the others could not be told apart are left to the table.
    """
    able = [s for s in t.settings if s.drawn]
    own = value(t.baseline, "accuracy")
    kept = [
        value(s.point, "accuracy") for s in able if s.point["pareto"] or s.point["recommended"]
    ]
    levels = [v for v in [*kept, own] if v is not None]
    if not levels:
        return tuple(able)
    floor = min(levels) - _DEEP * max(max(levels) - min(levels), 0.01)
    near = [s for s in able if (value(s.point, "accuracy") or 0.0) >= floor]
    return tuple(near) if len(near) <= CROWD else _thinned(t, near)


def _thinned(t: Tradeoff, near: list[Setting]) -> tuple[Setting, ...]:
    """Without settings that another one of the same method and form beats on validation rows."""
    kept = {s.key for s in t.shortlist()}
    kept |= {s.key for s in near if s.point["pareto"] or s.point["recommended"]}
    many = Counter(s.key[0] for s in near)
    out = []
    for setting in near:
        alike = [s for s in near if s.key[0] == setting.key[0]]
        alike = [s for s in alike if trained_facts.form(s) == trained_facts.form(setting)]
        crowded = many[setting.key[0]] > ROOM and any(beats(s, setting) for s in alike)
        if setting.key in kept or not crowded:
            out.append(setting)
    return tuple(out)


def _mark(setting_point: Row) -> Row:
    """Place and bars of a setting: bars that hold for the whole picture at once."""
    gap, right = setting_point["disparity"], setting_point["accuracy"]
    out = {"x": gap["value"], "value": right["value"]}
    if gap.get("band_low") is not None:
        out |= {"x_low": gap["band_low"], "x_high": gap["band_high"]}
    if right.get("band_low") is not None:
        out |= {"low": right["band_low"], "high": right["band_high"]}
    return out


def _series(t: Tradeoff, shown: tuple[Setting, ...]) -> list[Row]:
    """One series for each method; from the eighth on they share one."""
    methods = sorted((m for m in t.methods if m["points"]), key=lambda m: t.looks[str(m["slug"])])
    out: list[Row] = [{"label": str(m["title"]), "points": []} for m in methods]
    letters = form_letters(t, shown)
    for setting in shown:
        point = _mark(setting.point)
        point |= {
            "hollow": not setting.decides_all,
            "recommended": bool(setting.point["recommended"]),
            "front": bool(setting.point["pareto"]),
        }
        letter = letters.get((setting.key[0], trained_facts.form(setting)))
        if letter:
            point["letter"] = letter
        out[setting.look]["points"].append(point)
    if len(out) > MOST + 1:
        rest = [p for s in out[MOST:] for p in s["points"]]
        out = [*out[:MOST], {"label": _others(len(out) - MOST), "points": rest}]
    return out


def form_letters(t: Tradeoff, shown: tuple[Setting, ...]) -> dict[tuple[str, str], str]:
    """A letter for each form of the methods that have several, in the order of the picture."""
    out: dict[tuple[str, str], str] = {}
    for method in t.methods:
        own = [s for s in shown if s.key[0] == method["slug"]]
        for name in trained_facts.forms_of(own):
            out[str(method["slug"]), name] = ascii_lowercase[len(out) % 26]
    return out


def _others(n: int) -> str:
    return f"{upper_first(spelled(n))} other remedies"


def frontier(t: Tradeoff) -> Figure | None:
    """C9: every setting by its largest gap and its accuracy."""
    shown = drawn(t)
    if (
        not shown
        or value(t.baseline, "accuracy") is None
        or value(t.baseline, "disparity") is None
    ):
        return None
    rule = next((r for r in BEYOND if t.at_most(r, t.tolerance) is not None), None)
    bound = [] if rule is None else t.bound(rule)
    most = None if rule is None else t.at_most(rule, t.tolerance)
    beyond = "" if rule is None else BEYOND[rule]
    far = beyond
    if most is not None:
        far = f"{beyond}: accuracy above {percent(most, 1)} (at your limit)"
    chart: Row = {
        "kind": "frontier",
        "series": _series(t, shown),
        "now": {**_mark(t.baseline), "label": "Now"},
        "frontier": t.steps,
        "yardstick": [] if t.doc.get("yardstick") is None else t.doc["yardstick"],
        "bound": bound,
        "beyond": beyond,
        "beyond_far": far,
        "x_title": f"Largest gap in {t.rate} between two {t.protect} groups, points",
        "limit": t.tolerance,
        "limit_label": f"Your limit: {limit(t.tolerance)} points",
    }
    missing = len(t.settings) - len(shown)
    letters = form_letters(t, shown)
    return Figure(
        anchor="trade-offs",
        title=tradeoff_words.message(t),
        subtitle=_subtitle(t, missing, rule),
        print_subtitle=_subtitle(t, missing, rule, brief=True),
        alt=clip(tradeoff_words.alt(t)),
        table=tradeoff_tables.candidates(t, t.settings, title="", bounds=False),
        chart=chart,
        legend=_legend(t, chart),
        note=forms(letters),
    )


def forms(letters: dict[tuple[str, str], str]) -> str:
    """What the letters of the picture stand for."""
    return ", ".join(f"{letter} {name}" for (_, name), letter in letters.items())


def _subtitle(t: Tradeoff, missing: int, rule: str | None, *, brief: bool = False) -> str:
    rows = count(t.doc["rows"]["audit"])
    text = (
        f"Accuracy on {rows} held-out rows against the largest gap. Crosses: 95% intervals both "
        f"ways, for all {plural(len(t.settings), 'setting')} at once."
    )
    if t.abstaining and brief:
        text += " Hollow: some people are sent to a person."
    elif t.abstaining:
        text += " Hollow: some people are sent to a person; where that lifts accuracy out of the "
        text += "picture, see below."
    if rule == "score":
        text += " Hatched: beyond what any rule on these scores can reach; a new model has others."
    elif rule is not None and not brief:
        text += " Hatched: beyond what any rule can reach."
    if missing:
        verb = "is" if missing == 1 else "are"
        why = "far below" if len(t.settings) <= CROWD else "far below or beaten on both counts"
        text += f" {plural(missing, 'setting')} {why} {verb} in the table only."
    return text


def _legend(t: Tradeoff, chart: Row) -> tuple[Legend, ...]:
    best = next((s for s in t.settings if s.point["recommended"]), None)
    items = [Legend("ring", "Now")]
    if best is not None:
        items.append(Legend(tradeoff_tables.shape_of(best), "Recommended"))
    for i, series in enumerate(chart["series"]):
        if not series["points"]:
            continue
        hollow = all(p["hollow"] for p in series["points"])
        kind = "hollow" if hollow else "method"
        items.append(Legend(f"{kind}-{min(i, MOST) + 1}", phrases.short(series["label"])))
    if chart["frontier"]:
        items.append(Legend("line-step", "Best measured, settings marked on validation rows"))
    if chart["yardstick"]:
        items.append(Legend("line-yardstick", "Thresholds alone"))
    return tuple(items)


def people(t: Tradeoff, *, half: bool) -> Figure | None:
    """Whose decision the recommended setting changes."""
    best = t.recommended
    if best is None:
        return None
    rows = [r for r in tradeoff_tables.changed_rows(t, best) if r["group"] is not None]
    if not any(r["up"] + r["down"] + r["to_human"] for r in rows):
        return None
    most = max(rows, key=lambda r: (r["up"] + r["down"]) / r["n"])
    share = (most["up"] + most["down"]) / most["n"]
    words = ", ".join(
        f"{phrases.short(r['group'])} {per_1000(r['up'] / r['n'])} to yes and "
        f"{per_1000(r['down'] / r['n'])} to no"
        for r in rows
    )
    return Figure(
        anchor="trade-offs-people",
        title="Who is affected by the recommended setting",
        subtitle="Decisions changed, in 1,000 people of the group. Filled: to yes; open: to no. "
        f"Most in {phrases.short(most['group'])}: {per_1000(share)} in 1,000.",
        print_subtitle="Decisions changed, in 1,000 people of the group.",
        alt=clip(f"In 1,000 people of each group: {words}."),
        table=tradeoff_tables.by_group(t, best),
        chart={
            "kind": "people-changed",
            "rows": [
                {
                    "label": phrases.short(r["group"]),
                    "up": r["up"] / r["n"],
                    "down": r["down"] / r["n"],
                    "human": r["to_human"] / r["n"],
                }
                for r in rows
            ],
        },
        print_half=half,
    )
