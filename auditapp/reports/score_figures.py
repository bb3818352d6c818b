"""Charts C5 and C6, threshold sweep and calibration, with their words and their numbers."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Table
from auditapp.reports.captions import clip
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.language import punctuated
from auditapp.reports.numbers import count, listing, percent, percent_span
from auditapp.reports.score_scale import Scale, sweep_points

Row = dict[str, Any]

MAX_SERIES = 7
MAX_CALIBRATION = 6
#: In print: lines of a sweep, panels of a calibration chart.
PRINT_SERIES = 5
PRINT_CALIBRATION = 4
SWEEP_STEPS = 9


def largest_levels(facts: Facts, table: Row) -> list[Row]:
    """The reference, then the largest groups, as many as lines can be told apart."""
    levels = facts.levels(table, "compared", "reference")
    return sorted(levels, key=lambda v: (v["status"] != "reference", -v["n"]))


def rows_by_group(facts: Facts, name: str, table: Row) -> list[tuple[Row, Row]]:
    """Pairs of group counts and a score entry, the reference first."""
    items = (facts.doc.get("scores") or {}).get(name) or []
    found = {phrases.label(i["group"]): i for i in items if i["by"] == table["by"]}
    return [
        (level, found[phrases.label(level["group"])])
        for level in largest_levels(facts, table)
        if phrases.label(level["group"]) in found
    ]


def _nearest(points: list[Row], threshold: float) -> Row:
    """The stored point of a sweep closest to a threshold."""
    return min(points, key=lambda point: abs(point["t"] - threshold))


def _everyone(facts: Facts, name: str) -> list[tuple[Row, Row]]:
    """The entry of the whole population, named like a group."""
    items = (facts.doc.get("scores") or {}).get(name) or []
    return [
        ({"group": {"": _("Everyone")}, "status": "", "n": 0}, i) for i in items if not i["by"]
    ]


def sweep(facts: Facts, table: Row) -> Figure | None:
    """C5: who would be chosen at every other threshold."""
    scale = Scale.of(facts)
    pairs = rows_by_group(facts, "sweep", table)
    series = []
    for level, item in pairs:
        if not item["n"]:
            continue
        pts = sweep_points(facts, item, level["group"])
        label = phrases.label(level["group"])
        reference = level["status"] == "reference"
        series.append({"label": label, "reference": reference, "points": pts})
    if len(series) < 2 or len(series[0]["points"]) < 2:
        return None
    title = facts.table_title(table)
    columns = [Column(title, "start", 2.0)]
    steps = _steps(scale, series[0]["points"])
    columns += [Column(scale.text(t)) for t in steps]
    rows = []
    for entry in series:
        at = [_nearest(entry["points"], t) for t in steps]
        cells = [Cell(percent(q["value"], 1), percent_span(q["low"], q["high"])) for q in at]
        rows.append((Cell(entry["label"]), *cells))
    subtitle = _("Selection rate if the threshold were moved. Ribbon: 95% interval at each ")
    subtitle += _("threshold. Now: {rule}.").format(rule=scale.rule)
    return Figure(
        anchor=f"sweep-{facts.anchor(table)}",
        title=_sweep_message(series, title),
        subtitle=subtitle + drawn_note(len(series), MAX_SERIES),
        alt=_sweep_alt(series, scale, title),
        table=Table(
            columns=tables.share(columns),
            rows=tuple(rows),
            foot=(_("Selection rate at each threshold, in percent, with its 95% interval."),),
            stacked=True,
            dense=True,
        ),
        chart={
            "kind": "threshold-sweep",
            "threshold": scale.threshold,
            "now": scale.text(scale.threshold),
            "x_title": scale.axis,
            "y": _("Selection rate"),
            "series": series,
        },
        print_half=True,
        print_chart={"series": series[:PRINT_SERIES]},
        print_subtitle=subtitle + drawn_note(len(series), PRINT_SERIES),
        explorer=_explorer(series, scale, f"sweep-{facts.anchor(table)}", title),
    )


def _steps(scale: Scale, points: list[Row]) -> list[float]:
    """The thresholds of the table: every one of few, else nine evenly placed."""
    at = [p["t"] for p in points]
    if len(at) <= SWEEP_STEPS + 2:
        return at
    width = scale.high - scale.low
    return [round(scale.low + width * i / 10, 9) for i in range(1, SWEEP_STEPS + 1)]


def _explorer(series: list[Row], scale: Scale, anchor: str, title: str) -> Row:
    """The stored selection rates at every threshold, as the page prints them."""
    steps = [q["t"] for q in series[0]["points"]]
    return {
        "id": f"{anchor}-data",
        "group": title,
        "now": min(range(len(steps)), key=lambda i: abs(steps[i] - scale.threshold)),
        "thresholds": [scale.text(t).replace(",", "") for t in steps],
        "rows": [
            {
                "label": s["label"],
                "rate": [percent(q["value"], 1) for q in s["points"]],
                "interval": [percent_span(q["low"], q["high"]) for q in s["points"]],
            }
            for s in series[:MAX_SERIES]
        ],
    }


def drawn_note(n: int, most: int) -> str:
    if n <= most:
        return ""
    return _(" Drawn: the reference and the {most} largest others.").format(most=most - 1)


def _crossings(series: list[Row]) -> list[tuple[str, str, float]]:
    """Where two drawn groups change places with separate ribbons on both sides."""
    out = []
    drawn = series[:MAX_SERIES]
    for i, a in enumerate(drawn):
        for b in drawn[i + 1 :]:
            last = 0
            for p, q in zip(a["points"], b["points"], strict=True):
                sign = (p["low"] > q["high"]) - (p["high"] < q["low"])
                if sign and last and sign != last:
                    out.append((a["label"], b["label"], p["t"]))
                    break
                last = sign or last
    return out


def _sweep_message(series: list[Row], title: str) -> str:
    if _crossings(series):
        return _("{title}: which group is chosen more depends on the threshold").format(
            title=title
        )
    return _("{title}: no groups are shown to change places at another threshold").format(
        title=title
    )


def _sweep_alt(series: list[Row], scale: Scale, title: str) -> str:
    crossing = _crossings(series)
    now = []
    for entry in series[:MAX_SERIES]:
        at = _nearest(entry["points"], scale.threshold)
        now.append(f"{entry['label']} {percent(at['value'])}")
    text = _("At threshold {threshold}: {now}. ").format(
        threshold=scale.text(scale.threshold), now=", ".join(now)
    )
    if crossing:
        a, b, t = crossing[0]
        return clip(
            _("{a} and {b} cross near {t}. {text}").format(a=a, b=b, t=scale.text(t), text=text)
        )
    name = phrases.lower_first(title)
    return clip(
        _("No lines of {name} groups cross by more than their intervals. {text}").format(
            name=name, text=text
        )
    )


def calibration(facts: Facts, table: Row) -> Figure | None:
    """C6: does a score of 0.3 mean three in ten, in every group?"""
    pairs = rows_by_group(facts, "calibration", table)
    if len(pairs) < MAX_CALIBRATION // 2:
        pairs += _everyone(facts, "calibration")
    series = []
    worst: tuple[float, str, Row] | None = None
    tests = sum(bool(item.get("test")) for _size, item in pairs)
    groups = {phrases.label(v["group"]): v["group"] for v, _size in pairs if v["status"]}
    for level, item in pairs:
        pts = [
            {
                "x": p["mean_score"],
                "value": p["rate"],
                "low": p["rate_low"],
                "high": p["rate_high"],
                "n": p["n"],
            }
            for p in item.get("curve") or []
            if p["n"] and p.get("rate") is not None and p.get("mean_score") is not None
        ]
        if not pts:
            continue
        label = phrases.label(level["group"])
        series.append({"label": label, "reference": level["status"] == "reference", "points": pts})
        if not _doubted(item, tests):
            continue
        for p in (q for q in pts if q["n"] >= facts.floor):
            away = max(p["low"] - p["x"], p["x"] - p["high"])
            if away > 0 and (worst is None or away > worst[0]):
                worst = (away, label, p)
    if not series:
        return None
    title = facts.table_title(table)
    message = _("{title}: no calibration test shows the scores to be off").format(title=title)
    alt = _("No calibration test, adjusted for all of them, is under 5%.")
    if not tests:
        message = _("{title}: too few people for a calibration test").format(title=title)
        alt = _("No group is large enough for a calibration test.")
    doubted = [phrases.label(v["group"]) for v, item in pairs if _doubted(item, tests)]
    if doubted:
        names = listing(doubted, 3)
        message = _(
            "{title}: the calibration test is under 5% for {names}, though no interval of "
            "theirs misses the diagonal"
        ).format(title=title, names=names)
        alt = _("The calibration test, adjusted for {tests}, is under 5% for {names}.").format(
            tests=tests, names=names
        )
    if worst is not None:
        _size, label, p = worst
        group = groups.get(label)
        who = facts.people(group) if group else _("everyone together")
        side = _("low") if p["value"] > p["x"] else _("high")
        message = _("Scores run furthest too {side} for {who}").format(side=side, who=who)
        alt = _(
            "Largest supported deviation: {label}, mean score {x}, outcome in {value} ({low}%)."
        ).format(
            label=label,
            x=punctuated(f"{p['x']:.2f}"),
            value=percent(p["value"]),
            low=percent_span(p["low"], p["high"], 0),
        )
    subtitle = _("Share with the favourable recorded outcome by mean score, with 95% interval, ")
    subtitle += _("each on its own.")
    subtitle += (
        "" if Scale.of(facts).favourable else _(" Scores are turned round: 1 minus the score.")
    )
    kept = _printed(series, None if worst is None else worst[1])
    return Figure(
        anchor=f"calibration-{facts.anchor(table)}",
        title=message,
        subtitle=subtitle + drawn_note(len(series), MAX_CALIBRATION),
        alt=clip(alt),
        table=_calibration_table(series, title),
        chart={"kind": "calibration", "series": series[:MAX_CALIBRATION]},
        print_chart={"series": kept, "across": PRINT_CALIBRATION},
        print_subtitle=subtitle
        + (
            _(" Drawn: {kept}.").format(kept=listing([s["label"] for s in kept]))
            if len(kept) < len(series)
            else ""
        ),
    )


def _printed(series: list[Row], worst: str | None) -> list[Row]:
    """The reference, the group that the title names, and the largest others."""
    first = [s for s in series if s["reference"] or s["label"] == worst]
    others = [s for s in series if s not in first]
    kept = [*first, *others][:PRINT_CALIBRATION]
    return [s for s in series if s in kept]


def _doubted(item: Row, tests: int) -> bool:
    """Whether the calibration test of one group, adjusted for all drawn, is under 5%.

    Ten intervals in each of several groups nearly always include one that misses the diagonal.
    """
    p = (item.get("test") or {}).get("p")
    return p is not None and p * tests < 0.05


def _calibration_table(series: list[Row], title: str) -> Table:
    columns = [
        Column(title, "start", 2.0),
        Column(_("Mean score")),
        Column(_("Share with the outcome"), share=1.8),
        Column(_("People")),
    ]
    rows = [
        (
            Cell(entry["label"]),
            Cell(f"{p['x']:.3f}"),
            Cell(percent(p["value"], 1), percent_span(p["low"], p["high"])),
            Cell(count(p["n"])),
        )
        for entry in series
        for p in entry["points"]
    ]
    return Table(columns=tables.share(columns), rows=tuple(rows), dense=True)
