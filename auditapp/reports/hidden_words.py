"""What the search for groups nobody named found, in sentences and in one table."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, regions, tables
from auditapp.reports.blocks import Cell, Column, Rich, Table, bold, rich
from auditapp.reports.facts import DIFFERENCE, NO_DIFFERENCE, NOT_APPLICABLE, NOT_ENOUGH, Facts
from auditapp.reports.numbers import count, p_value, percent, plural, points, size
from auditapp.reports.words import at_most, digits_for, fill, reason

Row = dict[str, Any]

FAMILIES = {
    "declared": "values",
    "quantile": "ranges",
    "tree": "tree",
}
PRINT_ROWS = 9


def searches(facts: Facts) -> list[Row]:
    """The searches of the report, those that found something first, the largest gaps leading."""
    found = [s for s in facts.doc.get("subgroups") or [] if isinstance(s, dict)]
    rank = {DIFFERENCE: 0, NO_DIFFERENCE: 1, NOT_ENOUGH: 2, NOT_APPLICABLE: 3}
    return sorted(
        found, key=lambda s: (rank[s["verdict"]], -s["found"]["low"] if s["found"] else 0.0)
    )


def leading(search: Row) -> Row | None:
    """The family a search is told by: the found one, else the one that stands out most."""
    measured: list[Row] = [f for f in search["families"] if f["worst"] is not None]
    if search["found"] is not None:
        return next(f for f in measured if f["family"] == search["found"]["family"])
    return min(measured, key=lambda f: (f["p"], -f["worst"]["low"]), default=None)


def whole(facts: Facts) -> frozenset[str]:
    """Columns of whole numbers."""
    columns = facts.doc["inputs"]["data"]["columns"]
    return frozenset(str(c["name"]) for c in columns if c["type"] == "integer")


def title(facts: Facts, search: Row) -> str:
    """`Race`, or `Race, true positive rate` where several metrics are searched."""
    name = facts.titles.get(search["by"][0], search["by"][0])
    several = len({s["metric"] for s in searches(facts)}) > 1
    return f"{name}, {metric_words.title(search['metric']).lower()}" if several else name


def part(facts: Facts, worst: Row) -> str:
    return regions.people(worst["conditions"], whole(facts))


def label(facts: Facts, worst: Row) -> str:
    return regions.label(worst["conditions"], whole(facts))


def bare(value: float, digits: int = 1) -> str:
    """A gap in points, with a sign only below zero."""
    return points(value, digits).lstrip("+")


def interval(row: Row, digits: int = 1) -> str:
    return f"{bare(row['low'], digits)} to {bare(row['high'], digits)}"


def _rates(worst: Row) -> tuple[Row, Row]:
    by_group = {tuple(row["group"].values()): row for row in worst["n_by_group"]}
    less, more = (by_group[tuple(worst[side].values())] for side in ("group", "comparator"))
    return less, more


def statement(facts: Facts, search: Row) -> Rich:
    """One search in two or three sentences."""
    family = leading(search)
    if search["verdict"] == NOT_APPLICABLE or family is None:
        return _nothing_to_search(facts, search)
    if search["verdict"] == DIFFERENCE:
        return (*found(facts, search), *rich(" ", outside(search["found"])))
    return _nothing_stands_out(facts, search, family)


def found(facts: Facts, search: Row) -> Rich:
    """`Among 182,245 married people, {outcome} was given to 46% of women and 62% of men: ...`"""
    worst = search["found"]
    less, more = _rates(worst)
    gap = {"rate": less["value"], "rate_comparator": more["value"], "value": -worst["gap"]}
    gap |= {"low": -worst["high"], "high": -worst["low"]}
    digits = digits_for(gap, facts.tolerance)
    given = fill(
        metric_words.given(search["metric"]),
        outcome=facts.outcome,
        a=bold(percent(less["value"], digits)),
        b=bold(percent(more["value"], digits)),
        g=bold(facts.people(worst["group"])),
        r=facts.people(worst["comparator"]),
    )
    amount = size(worst["gap"], digits)
    unit = "point" if amount == "1" else "points"
    who = part(facts, worst)
    return rich(
        f"Among {count(worst['n_all'])} ",
        bold(who),
        ", ",
        phrases.lower_first(given[0].t),
        *given[1:],
        f": {amount} {unit} less.",
    )


def outside(worst: Row) -> str:
    """Where the same two groups stand outside the part."""
    other = worst["elsewhere"]
    if other is None:
        return "Outside it too few of the two groups are left to compare."
    gap, ends = size(other["gap"]), interval(other, 0)
    unit = "point" if gap == "1" else "points"
    if other["low"] <= 0 <= other["high"]:
        return f"Outside it no gap between the two is shown ({ends} points)."
    if other["high"] < 0:
        return f"Outside it the gap runs the other way, {gap} {unit}."
    if worst["low"] > other["high"]:
        return f"Outside it the two are {gap} {unit} apart."
    return f"The gap is not confined to it: outside it the two are {gap} {unit} apart ({ends})."


def confined(worst: Row) -> bool:
    """Whether the gap is shown to be larger inside the part than outside it."""
    other = worst["elsewhere"]
    return other is None or worst["low"] > other["high"]


def detail(search: Row) -> str:
    """The second line: the gap with its interval, and what the same search finds by chance."""
    family = leading(search)
    if family is None:
        return metric_words.title(search["metric"])
    worst = family["worst"]
    bits = [
        f"{metric_words.title(search['metric'])}: {bare(worst['gap'])} points "
        f"({interval(worst)}, adjusted 95%)",
        f"on shuffled decisions {size(family['null_mean'], 1)} on average and under "
        f"{size(family['null_p95'], 1)} in 95% of searches",
        p_value(family["p_adjusted"]).replace(" ", "\u00a0")
        + (", adjusted" if search["tests"] > 1 else ""),
    ]
    if family["family"] == "tree":
        behind = plural(worst["n"], "person", "people")
        bits.append(f"measured on {behind} that had no part in the search")
    return "; ".join(bits) + "."


def _nothing_to_search(facts: Facts, search: Row) -> Rich:
    name = title(facts, search)
    if search["verdict"] == NOT_APPLICABLE:
        return rich(bold(f"{name}: "), f"not searched, {reason(search['reason'])}.")
    if search["reason"] == "below-floor":
        why = f"no part holds two groups of {count(search['floor'])} people or more."
    else:
        why = "no split of the people makes a difference that chance does not."
    return rich(bold(f"{name}: "), f"nothing stands out; {why}")


def _nothing_stands_out(facts: Facts, search: Row, family: Row) -> Rich:
    worst, name = family["worst"], title(facts, search)
    if search["reason"] == "constant-decision":
        text = "nothing can stand out: everybody is decided alike."
        return rich(bold(f"{name}: "), text)
    if search["verdict"] == NO_DIFFERENCE:
        return rich(
            bold(f"{name}: "),
            "no part differs by your limit or more. A gap of ",
            bold(f"{at_most(search['b'])} points"),
            " or more is ruled out in every part compared (95%).",
        )
    return rich(
        bold(f"{name}: "),
        f"nothing stands out. The search names {facts.people(worst['group'])} against "
        f"{facts.people(worst['comparator'])} among {part(facts, worst)}, "
        f"{size(worst['gap'])} points apart, which chance can explain. In some part a gap of up "
        f"to {at_most(search['b'])} points could be hidden.",
    )


def table(facts: Facts, rows: list[Row], *, lead: bool = False) -> Table:
    """The worst part of each family, or of the leading one, beside the same search by chance."""
    columns = [
        Column("Search", "start", 1.5),
        Column("Worst part", "start", 2.9),
        Column("People", share=0.9),
        Column("Groups", "start", 2.2),
        Column("Gap", share=1.2),
        Column("By chance", share=1.2),
        Column("p, adjusted", share=0.9),
    ]
    told = [(s, [leading(s)] if lead else s["families"]) for s in rows]
    body = [_family(facts, s, f) for s, families in told for f in families if f is not None]
    more = len(body) - PRINT_ROWS
    return Table(
        title="" if lead else "The worst part of each family, in points",
        anchor="" if lead else "hidden-families",
        columns=tables.share(columns),
        rows=tuple(body),
        foot=(
            "Values and ranges: one column or two at a time. Tree: up to three splits, found on "
            "one half of the people and measured on the other.",
            "Gap: the group named second less the one named first, with its 95% interval "
            "adjusted for every comparison of the family. By chance: what the same search names "
            "in shuffled decisions, on average and in 95% of searches at most. p: how many "
            "shuffles stand out as much, allowing for the number of comparisons, so that a gap "
            "may exceed its chance range without standing out.",
        ),
        verdicts=tables.used_verdicts(body),
        stacked=True,
        dense=True,
        print_rows=PRINT_ROWS if more > 0 else None,
        print_more=f"{count(more)} further rows are on the page." if more > 0 else "",
        printed=lead,
    )


def _family(facts: Facts, search: Row, family: Row) -> tuple[Cell, ...]:
    head = Cell(f"{title(facts, search)}, {FAMILIES[family['family']]}")
    worst = family["worst"]
    if worst is None:
        return (head, Cell(reason(family["reason"]), soft=True), *[Cell("")] * 5)
    low, high = (phrases.label(worst[side]) for side in ("group", "comparator"))
    return (
        head,
        Cell(label(facts, worst)),
        Cell(count(worst["n_all"])),
        Cell(low, f"against {high}"),
        Cell(bare(worst["gap"]), interval(worst), standing(search, family)),
        Cell(size(family["null_mean"], 1), f"under {size(family['null_p95'], 1)}"),
        Cell(p_value(family["p_adjusted"]).removeprefix("p ").removeprefix("= ")),
    )


def standing(search: Row, family: Row) -> str:
    """The verdict shape of one family: only what stands out is a difference."""
    out = family["p_adjusted"] <= search["level"] and family["worst"]["low"] > 0
    return DIFFERENCE if out else NOT_ENOUGH
