"""What the report says of sites: one gap, place by place, beside all places together."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Block, Cell, Column, Figure, Legend, Part, Prose, Table, rich
from auditapp.reports.captions import clip
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.numbers import (
    count,
    p_value,
    percent,
    percent_span,
    plural,
    points,
    span,
    upper_first,
)
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

PRINT_ROWS = 4
#: sites with too few people that are named
NAMED_SMALL = 12
#: sites of the table of everyone
MOST_ROWS = 30
#: further comparisons whose sites are drawn on the page
MORE_FIGURES = 3


def name(facts: Facts) -> str:
    """What the column of sites is called."""
    spec = facts.plan.get("site") or {}
    return str(spec.get("title") or facts.doc["shift"]["sites"]["title"])


def drawn(row: Row) -> list[Row]:
    """Sites with enough people on both sides of the comparison."""
    return [s for s in row["sites"] if s["value"] is not None]


def support(row: Row) -> float:
    """How far the clearest odd site lies from the others."""
    ends = [min(abs(s["others_low"]), abs(s["others_high"])) for s in row["sites"] if s["differs"]]
    return max(ends, default=0.0)


def ranked(found: Row) -> list[Row]:
    """Comparisons in which sites differ first, then the least alike, then the largest."""

    def key(row: Row) -> tuple[float, float, int]:
        p = row["homogeneity"]["p_adjusted"]
        return -support(row), 1.0 if p is None else p, -row["n"]

    return sorted((r for r in found["comparisons"] if len(drawn(r)) > 1), key=key)


def parts(facts: Facts) -> list[Part]:
    """Results by site: the comparison that varies most in print, the others on the page."""
    found = facts.doc["shift"].get("sites")
    if not found:
        return []
    title = f"Results by {phrases.lower_first(name(facts))}"
    if found["undefined"] is not None:
        text = f"All rows are of one {phrases.lower_first(name(facts))}: nothing is compared."
        return [Part("stability-sites", title, (Prose(rich(text)),))]
    order = ranked(found)
    blocks: list[Block] = [Prose(rich(_opening(facts, found, order)))]
    if order:
        blocks.append(panel(facts, order[0], "stability-panel"))
        line = _few(facts, order[0])
        if line:
            blocks.append(Prose(rich(line), "note"))
    if found["comparisons"]:
        blocks.append(_summary(facts, found))
    blocks.append(_everyone(facts, found))
    made = [Part("stability-sites", title, tuple(blocks))]
    for i, row in enumerate(order[1 : 1 + MORE_FIGURES], start=2):
        more: list[Block] = [panel(facts, row, f"stability-panel-{i}")]
        line = _few(facts, row)
        if line:
            more.append(Prose(rich(line), "note"))
        heading = f"By {phrases.lower_first(name(facts))}: {_pair(row)}"
        made.append(Part(f"stability-sites-{i}", heading, tuple(more), printed=False))
    return made


def _pair(row: Row) -> str:
    return f"{phrases.label(row['group'])} and {phrases.label(row['comparator']['group'])}"


def _opening(facts: Facts, found: Row, order: list[Row]) -> str:
    what = phrases.lower_first(name(facts))
    if not order:
        return (
            f"No {what} has enough people of two groups to be compared: at least "
            f"{count(found['floor'])} in each and {count(found['denominator_floor'])} behind each "
            "rate."
        )
    differing = [row for row in order if row["differing"]]
    if not differing:
        text = f"No {what} is shown to differ from the others in "
        many = f"any of {count(len(order))} gaps" if len(order) > 1 else "the one gap compared"
        return f"{text}{many}."
    first = differing[0]
    odd = sorted(
        (s for s in first["sites"] if s["differs"]),
        key=lambda s: -min(abs(s["others_low"]), abs(s["others_high"])),
    )
    top = odd[0]
    text = f"{told(facts, first, top)}."
    if len(odd) > 1:
        text += f" {plural(len(odd) - 1, 'further site')} of {count(first['compared'])} "
        text += f"{'differs' if len(odd) == 2 else 'differ'} from the others as well."
    if len(differing) > 1:
        text += f" In {plural(len(differing) - 1, 'further comparison')} sites differ as well."
    return text


def told(facts: Facts, row: Row, site: Row) -> str:
    """`In Vermont the gap ... is −20.1 points, 8.0 points below that of the other sites`."""
    metric = metric_words.title(row["metric"]).lower()
    people = f"{facts.people(row['group'])} and {facts.people(row['comparator']['group'])}"
    side = "below" if site["others"] < 0 else "above"
    apart = points(abs(site["others"])).lstrip("+")
    return (
        f"In {phrases.short(site['site'])} the gap in {metric} between {people} is "
        f"{points(site['value'])} points, {apart} points {side} that of the other sites together "
        f"({span(site['others_low'], site['others_high'])})"
    )


def panel(facts: Facts, row: Row, anchor: str) -> Figure:
    """C10: one gap in every site, beside all sites together."""
    shown = sorted(drawn(row), key=lambda s: s["value"])
    pooled = row["pooled"]["value"]
    metric = metric_words.title(row["metric"])
    odd = [s for s in shown if s["differs"]]
    what = phrases.lower_first(name(facts))
    people = f"{facts.people(row['group'])} and {facts.people(row['comparator']['group'])}"
    ends = f"{points(shown[0]['value'])} to {points(shown[-1]['value'])} points"
    message = f"Gap between {people} by {what}: {ends}"
    alt = (
        f"{plural(len(shown), 'site')} from {phrases.short(shown[0]['site'])} "
        f"{points(shown[0]['value'])} to {phrases.short(shown[-1]['site'])} "
        f"{points(shown[-1]['value'])} points"
    )
    if pooled is not None:
        alt += f"; all together {points(pooled)}"
    alt += f"; {plural(len(odd), 'site differs', 'sites differ')} from the others."
    return Figure(
        anchor=anchor,
        title=upper_first(message),
        subtitle=f"{metric}: {phrases.label(row['group'])} minus "
        f"{phrases.label(row['comparator']['group'])}, in points. Thick bar: 95% on its own. "
        "Thin bar: adjusted for all sites. Dashed: all sites together.",
        alt=clip(alt),
        table=_sites_table(facts, row),
        chart={
            "kind": "shift-panel",
            "together": pooled,
            "rows": [
                {"label": s["site"]}
                | {k: s[k] for k in ("value", "low", "high", "thin_low", "thin_high", "differs")}
                | {"others": s["others"]}
                for s in shown
            ],
        },
        legend=(
            Legend("difference", "Differs from the other sites"),
            Legend("dot", "Not shown to differ"),
        )
        if odd
        else (),
        note=_alike(row),
    )


def _alike(row: Row) -> str:
    """The test over all sites together, which names none."""
    found = row["homogeneity"]
    if found["p"] is None:
        return f"One test of all sites together: not made, {_untested(row)}."
    return (
        f"One test of all sites together (equal odds ratios): chi-square {found['statistic']:.1f} "
        f"on {plural(found['df'], 'degree')} of freedom, {p_value(found['p_adjusted'])} after "
        "adjustment."
    )


def _untested(row: Row) -> str:
    code = row["homogeneity"]["undefined"]
    return {"sparse-strata": "too few in many sites", "one-stratum": "one site only"}.get(
        code, reason(code)
    )


def _sites_table(facts: Facts, row: Row) -> Table:
    group, other = phrases.label(row["group"]), phrases.label(row["comparator"]["group"])
    columns = [
        Column(upper_first(name(facts)), "start", 2.0),
        Column(f"{group}, of", share=1.1),
        Column(f"{other}, of", share=1.1),
        Column("Gap, points", share=1.6),
        Column("To the other sites", share=1.6),
    ]
    rows = []
    for s in sorted(row["sites"], key=lambda s: (s["value"] is None, s["value"] or 0.0)):
        sides = [
            Cell(f"{count(s[f'numerator{side}'])} of {count(s[f'denominator{side}'])}")
            for side in ("", "_comparator")
        ]
        if s["value"] is None:
            few = Cell(reason(s["reason"]), verdict=NOT_ENOUGH, soft=True)
            rows.append((Cell(phrases.short(s["site"])), *sides, few, Cell("")))
            continue
        gap = Cell(points(s["value"]), span(s["low"], s["high"]))
        apart = Cell("not compared", soft=True)
        if s["others"] is not None:
            verdict = DIFFERENCE if s["differs"] else ""
            apart = Cell(points(s["others"]), span(s["others_low"], s["others_high"]), verdict)
        rows.append((Cell(phrases.short(s["site"])), *sides, gap, apart))
    seen = {cell.verdict for cells in rows for cell in cells}
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        dense=True,
        stacked=True,
        verdicts=tuple(v for v in (DIFFERENCE, NOT_ENOUGH) if v in seen),
        foot=("To the other sites: the interval is adjusted for all sites of the section.",),
    )


def _few(facts: Facts, row: Row) -> str:
    """Sites with too few people of either group, none left unsaid."""
    small = [s for s in row["sites"] if s["value"] is None]
    if not small:
        return ""
    small.sort(key=lambda s: (-min(s["n"], s["n_comparator"]), s["site"]))
    named = [
        f"{phrases.short(s['site'])} ({count(s['n'])} and {count(s['n_comparator'])})"
        for s in small[:NAMED_SMALL]
    ]
    line = f"Not enough data, people in {_pair(row)}: {'; '.join(named)}"
    if len(small) > NAMED_SMALL:
        line += f"; and {count(len(small) - NAMED_SMALL)} more, all in the table of the figure"
    return f"{line}."


def _summary(facts: Facts, found: Row) -> Table:
    columns = [
        Column("Gap", "start", 2.4),
        Column("All sites together, points", share=1.7),
        Column("Sites compared", share=1.0),
        Column("Sites that differ", share=1.0),
        Column("All alike?", share=1.3),
    ]
    rows = []
    many = len(found["metrics"]) > 1
    for row in sorted(found["comparisons"], key=lambda r: (-r["differing"], -r["compared"])):
        pooled = row["pooled"]
        together = Cell(reason(pooled["undefined"]), soft=True)
        if pooled["value"] is not None:
            together = Cell(points(pooled["value"]), span(pooled["low"], pooled["high"]))
        p = row["homogeneity"]["p_adjusted"]
        alike = Cell(_untested(row), soft=True)
        rows.append(
            (
                Cell(_pair(row) + (f", {metric_words.title(row['metric']).lower()}" * many)),
                together,
                Cell(f"{count(row['compared'])} of {count(row['compared'] + row['few'])}"),
                Cell(count(row["differing"]), verdict=DIFFERENCE if row["differing"] else ""),
                alike if p is None else Cell(p_value(p)),
            )
        )
    foot = [
        "Together: Mantel-Haenszel difference, 95%. All alike: test of equal odds ratios, p "
        "adjusted. A site differs where its gap less that of the others leaves out 0 in an "
        f"interval adjusted for all {count(found['looks'])} looks."
    ]
    if found["unlisted"]:
        foot.append(f"{plural(found['unlisted'], 'smaller group')} not followed over the sites.")
    further = len(rows) - PRINT_ROWS
    return Table(
        title="Every gap over the sites",
        anchor="sites-gaps",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        stacked=True,
        dense=True,
        verdicts=(DIFFERENCE,) if any(r["differing"] for r in found["comparisons"]) else (),
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{plural(further, 'further gap')} in tables.csv." if further > 0 else "",
    )


def _everyone(facts: Facts, found: Row) -> Table:
    slugs = list(dict.fromkeys((*found["metrics"], "base-rate")))
    columns = [Column(upper_first(name(facts)), "start", 2.0), Column("People")]
    columns += [Column(metric_words.title(slug), share=1.6) for slug in slugs]
    rows = []
    ordered = sorted(found["sites"], key=lambda s: (-s["n"], s["site"]))
    for site in ordered[:MOST_ROWS]:
        cells = []
        for slug in slugs:
            rate = site["rates"][slug]
            if rate["value"] is None:
                cells.append(Cell(reason(rate["undefined"]), soft=True))
            else:
                ends = percent_span(rate["low"], rate["high"])
                cells.append(Cell(percent(rate["value"], 1), ends))
        rows.append((Cell(phrases.short(site["site"])), Cell(count(site["n"])), *cells))
    further = len(ordered) - PRINT_ROWS
    unknown = found["unknown"]
    foot = ["Everyone at the site. Wilson 95% intervals, each on its own."]
    if len(ordered) > MOST_ROWS:
        foot.append(f"The largest {MOST_ROWS} of {count(len(ordered))}; all are in tables.csv.")
    if unknown:
        foot.append(f"{plural(unknown, 'row')} of an unknown site in no site.")
    return Table(
        title=f"Everyone by {phrases.lower_first(name(facts))}",
        anchor="sites-everyone",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        dense=True,
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{count(further)} smaller sites are in tables.csv." if further > 0 else "",
        printed=not any(len(drawn(row)) > 1 for row in found["comparisons"]),
    )
