"""The best that is possible: the picture of attainable accuracy, its table, its sentences."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Rich, Run, Table, bold, rich
from auditapp.reports.captions import clip
from auditapp.reports.charts.gap_parts import amount
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, limit, percent, size, span
from auditapp.reports.source_words import milli

Row = dict[str, Any]

RULES = {
    "free": "Any rule at all",
    "group": "These decisions, reworked by group",
}
LONG = {
    "free": "Any rule at all, even one that knows the recorded outcome",
    "group": "These decisions, changed at random for each group",
}
BEYOND = {"free": "Out of reach of any rule", "group": "Out of reach of these decisions"}
NAMES = {"selection-rate": "selection rate", "tpr": "true positive rate"}
NAMES |= {"fpr": "false positive rate", "equalized-odds": "true or false positive rate"}
PERFECT_FROM = 0.9995
#: Rates that a perfect prediction has alike in all groups: the freest rule is always right.
PERFECT = ("tpr", "fpr", "equalized-odds")


def metric_of(facts: Facts) -> str:
    """The rate whose gap is limited: that of the goal, else the selection rate."""
    goal = str(facts.plan.get("goal", "selection-rate"))
    return goal if goal in NAMES else "selection-rate"


def curves(facts: Facts, item: Row) -> list[Row]:
    """Frontiers of the rate in question, the widest rule first."""
    metric = metric_of(facts)
    rules = ("group",) if metric in PERFECT else ("free", "group")
    found = {w["rule"]: w for w in item["windows"] if w["metric"] == metric and w["points"]}
    return [found[rule] for rule in rules if rule in found]


def figure(facts: Facts, table: Row, item: Row) -> Figure | None:
    """Accuracy that a rule can reach, by the largest gap it may have."""
    drawn = curves(facts, item)
    if not drawn or drawn[0]["gap"] is None:
        return None
    gap, own = drawn[0]["gap"], item["model"]["accuracy"]
    name = NAMES[metric_of(facts)]
    over = facts.overall("accuracy") or {}
    return Figure(
        anchor=f"bound-{facts.anchor(table)}",
        title=_title(facts, drawn, own),
        subtitle=(
            f"Best accuracy among the {count(item['n'])} people examined, by the largest gap in "
            f"{name} between groups that reach the floor. Hatched: out of reach. Ring: the "
            "audited decisions, with the 95% interval of their accuracy."
        ),
        alt=clip(_alt(facts, drawn, own, name)),
        table=_curve_table(drawn),
        chart={
            "kind": "bound-curve",
            "x_title": f"Largest gap in {name}, points (lower is better)",
            "series": [
                {
                    "label": RULES[w["rule"]],
                    "points": [{"x": p["gap"], "value": p["accuracy"]} for p in w["points"]],
                }
                for w in drawn
            ],
            "beyond": BEYOND[drawn[0]["rule"]],
            "now": {
                "x": gap,
                "value": own,
                "low": over.get("low"),
                "high": over.get("high"),
                "label": f"Now: {percent(own, 1)}, {size(gap, 1)} points",
            },
            "limit": facts.tolerance,
            "limit_label": f"Your limit: {limit(facts.tolerance)} points",
        },
        legend=(Legend("ring", "The audited decisions"),),
    )


def at(curve: Row, gap: float) -> float | None:
    """Accuracy at one of the gaps of a frontier."""
    return next((p["accuracy"] for p in curve["points"] if abs(p["gap"] - gap) < 1e-12), None)


def _title(facts: Facts, drawn: list[Row], own: float) -> str:
    """What the picture says of the auditor's limit."""
    group = next((w for w in drawn if w["rule"] == "group"), None)
    best = None if group is None else at(group, facts.tolerance)
    if group is None or best is None or group["gap"] <= facts.tolerance:
        return "How accurate decisions could be with a smaller gap"
    words, cost = f"{limit(facts.tolerance)} points", own - best
    if cost <= 0.0005:
        return f"Reworked by group, a gap within {words} need not cost accuracy"
    return f"Within {words}, these decisions lose at least {size(cost, 1)} points of accuracy"


def _alt(facts: Facts, drawn: list[Row], own: float, name: str) -> str:
    text = f"Now: accuracy {percent(own, 1)}, gap in {name} {size(drawn[0]['gap'], 1)} points."
    for curve in drawn:
        best = at(curve, facts.tolerance)
        if best is not None:
            text += (
                f" {RULES[curve['rule']]}, within {limit(facts.tolerance)} points: at most "
                f"{percent(best, 1)}."
            )
    return text


def _curve_table(drawn: list[Row]) -> Table:
    columns = [Column("Largest gap, points", "start", 1.2)]
    columns += [Column(RULES[w["rule"]], share=1.6) for w in drawn]
    gaps = [p["gap"] for p in drawn[0]["points"]]
    rows = [
        (Cell(size(gap, 1)), *(Cell(percent(w["points"][i]["accuracy"], 2)) for w in drawn))
        for i, gap in enumerate(gaps)
    ]
    return Table(columns=tables.share(columns), rows=tuple(rows), dense=True)


def sentence(facts: Facts, item: Row) -> Rich:
    """Headroom: what could be gained without more disparity."""
    where = ", over all sites or within them" if item["site"] else ""
    free = next((h for h in item["headroom"] if h["rule"] == "free"), None)
    group = next((h for h in item["headroom"] if h["rule"] == "group"), None)
    if free is None or group is None:
        return ()
    name = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
    own = percent(item["model"]["accuracy"], 1)
    if free["bound"] >= PERFECT_FROM:
        text: list[str | Run] = [
            f"These decisions are right in {own} of cases. A perfect prediction would have no "
            f"more disparity by {name} than they have{where}: headroom {_points(free)}. "
        ]
    else:
        text = [
            f"With no more disparity by {name} than now{where}, no rule of any kind is right "
            "in more than ",
            bold(percent(free["bound"], 1)),
            f" of cases; these decisions are in {own}. Headroom: {_points(free)}. ",
        ]
    most = group["value"] if group["high"] is None else group["high"]
    if most < 0.0005:
        text.append("Reworking these same decisions by group gains less than 0.1 points.")
    else:
        text.append(f"Reworking these same decisions by group gains at most {_points(group)}.")
    return rich(*text)


def _points(found: Row) -> str:
    return f"{size(found['value'], 1)} points ({_interval(found)})"


def _interval(found: Row) -> str:
    if found["low"] is None:
        return "interval not computed"
    return span(found["low"], found["high"], 1, signed=False)


def rules(facts: Facts, table: Row, item: Row) -> Table:
    """Headroom by rule with its interval and certificate."""
    columns = [
        Column("Rule", "start", 3.0),
        Column("Best accuracy", share=1.1),
        Column("Headroom, points", share=1.5),
        Column("Certified", share=1.0),
    ]
    rows = []
    for found in item["headroom"]:
        certificate = found["certificate"]
        proved = "yes" if certificate["certified"] else "not certified"
        note = "" if certificate["certified"] else f"gap {size(certificate['gap'], 3)} points"
        rows.append(
            (
                Cell(LONG[found["rule"]]),
                Cell(percent(found["bound"], 1)),
                Cell(size(found["value"], 1), _interval(found)),
                Cell(proved, note),
            )
        )
    return Table(
        title="What could be gained with no more disparity than now",
        anchor=f"headroom-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(_foot(item),),
        dense=True,
        printed=not curves(facts, item),
    )


def _foot(item: Row) -> str:
    model, labels = item["model"], item["labels"]
    text = (
        f"Disparity of the decisions: {amount(milli(model['global']))} thousandths of a bit over "
        "everybody"
    )
    if item["site"]:
        text += f", {amount(milli(model['local']))} within sites"
    text += f"; of the recorded outcomes {amount(milli(labels['global']))}"
    if item["site"]:
        text += f" and {amount(milli(labels['local']))}"
    text += ", as measured. A rule may toss a coin; one that treats groups differently is a "
    text += "bound here, not advice."
    draws = max((h["draws"] for h in item["headroom"]), default=0)
    text += f" Intervals: 95%, {count(draws)} drawn tables."
    if item.get("grid"):
        text += (
            f" The result document has the whole surface, {item['grid']} limits along each axis."
        )
    elif item["site"]:
        text += " The table is too large for a surface over both limits; none was computed."
    if item.get("sites_left_out"):
        text += " Sites are left out here: too many groups and sites for the solver."
    return text


def undefined(item: Row) -> str:
    """Why there is no bound."""
    return {
        "no-rows": "nobody has all of the columns filled in",
        "one-group": "only one group was seen",
        "one-label": "all recorded outcomes are alike",
        "no-label": "there is no recorded outcome",
    }.get(str(item["undefined"]), "not computed")
