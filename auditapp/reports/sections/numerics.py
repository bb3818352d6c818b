"""Section "Numerics": whose decision changes when the model runs in another number format."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Part,
    Prose,
    Section,
    Tab,
    Table,
    Tabs,
    bold,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    decimal,
    listing,
    p_value,
    percent,
    percent_span,
    plural,
    points,
    size,
    span,
)
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

MAX_PRINTED = 1
#: with more runs than this, only the shares stand beside each other
MOST_NET = 4
#: shares are often far below one per cent
DIGITS = 2
PRINTED_ROWS = 8
SHOWN = 8
FORMATS = {
    "fp64": "FP64",
    "fp32": "FP32",
    "fp16": "FP16",
    "bf16": "BF16",
    "int8": "INT8",
}
DEVICES = {
    "cpu": "processor",
    "cuda": "graphics processor (CUDA)",
    "rocm": "graphics processor (ROCm)",
    "directml": "graphics processor (DirectML)",
    "coreml": "CoreML",
    "openvino": "OpenVINO",
}
HOW = {
    "as-uploaded": "as uploaded",
    "converted": "converted by ONNX Runtime",
    "rounded": "weights, inputs and intermediate values rounded, arithmetic in {base}",
    "rounded-weights": "weights rounded to 8 bits, arithmetic in {base}",
}


def section(facts: Facts) -> Section | None:
    found = facts.doc.get("numerics")
    if not found:
        return None
    if "failed" in found:
        return failed("numerics", "Numerics", found)
    ran = [run for run in found["runs"] if run["flips"]]
    blocks: list[Block] = [_overview(found)]
    if ran:
        blocks.append(Prose(rich(*_sentence(facts, found, ran))))
        parts = [
            part
            for part in (_part(facts, table, found, ran) for table in facts.singles)
            if part is not None
        ]
        if parts:
            blocks.append(_tabs(parts))
    return Section("numerics", "Numerics", tuple(blocks), rich(_lede(found)))


def _tabs(parts: list[Part]) -> Tabs:
    printed = tuple(
        Part(p.anchor, p.title, p.blocks, p.lede, printed=i < MAX_PRINTED)
        for i, p in enumerate(parts)
    )
    return Tabs("Attributes", tuple(Tab(p.title, p.anchor) for p in parts), printed)


def _lede(found: Row) -> str:
    text = (
        "The uploaded model was run again with coarser numbers, as it may be where it is put to"
        f" use. Its own numbers are {FORMATS[found['precision']]}, and the audited decisions were"
        " made with them on the processor."
    )
    if found["rows"] < found["of"]:
        text += f" {count(found['rows'])} of {count(found['of'])} people were drawn for this."
    return text


def _several(found: Row) -> bool:
    return len({run["device"] for run in found["runs"]} | {found["device"]}) > 1


def _name(run: Row, found: Row) -> str:
    name = FORMATS[run["format"]]
    return f"{name}, {DEVICES[run['device']]}" if _several(found) else name


def _how(run: Row, found: Row) -> Cell:
    if not run["flips"]:
        return Cell(str(run["message"] or reason(run["code"])).rstrip("."))
    how = HOW[run["how"]].format(base=FORMATS[found["precision"]])
    notes = []
    if run["clipped"]:
        notes.append(f"{plural(run['clipped'], 'weight')} beyond its range set to its largest")
    if run["overflown"]:
        people = plural(run["overflown"], "person has", "people have")
        notes.append(f"{people} an input beyond its range, taken as infinite")
    return Cell(how, "; ".join(notes))


def _overview(found: Row) -> Table:
    columns = [
        Column("Run", "start", 1.0),
        Column("How", "start", 3.0),
        Column("Decisions changed", share=1.4),
        Column("Gained", share=0.8),
        Column("Lost", share=0.8),
        Column("Largest score change", share=1.3),
    ]
    rows = [(Cell(_name(run, found)), _how(run, found), *_changed(run)) for run in found["runs"]]
    return Table(
        title="The same model, run again",
        anchor="numerics-runs",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            "Decisions changed: share of people decided otherwise than in the audited run, with"
            " its Clopper-Pearson 95% interval. Gained: people who now have the favourable"
            " decision; lost: people who no longer have it.",
        ),
        stacked=True,
    )


def _changed(run: Row) -> tuple[Cell, ...]:
    if not run["flips"]:
        return (Cell("not applicable", soft=True), Cell(""), Cell(""), Cell(""))
    everyone = run["flips"]["groups"][0]
    change = run["score_change"]
    return (
        _rate(everyone),
        Cell(count(everyone["up"])),
        Cell(count(everyone["down"])),
        Cell("" if change is None else decimal(change["largest"], 4)),
    )


def _rate(item: Row) -> Cell:
    if item["value"] is None:
        return Cell(reason(item["undefined"]), soft=True)
    return Cell(percent(item["value"], DIGITS), percent_span(item["low"], item["high"], DIGITS))


def _sentence(facts: Facts, found: Row, ran: list[Row]) -> list[Any]:
    """What the comparisons of all runs say, in two sentences."""
    worst = max(ran, key=lambda run: run["flips"]["groups"][0]["flips"])
    most = worst["flips"]["groups"][0]
    if most["flips"] == 0:
        return [
            "No decision changed in any run: with "
            f"{plural(most['n'], 'person', 'people')} compared, a share above "
            f"{percent(most['high'], DIGITS)} is ruled out (95%)."
        ]
    text: list[Any] = [
        f"{count(most['flips'])} of {plural(most['n'], 'decision')} changed at"
        f" {_name(worst, found)}{', no more in any other run' if len(ran) > 1 else ''}. "
    ]
    differing = [
        (run, item)
        for run in ran
        for item in run["flips"]["comparisons"]
        if item.get("p_adjusted") is not None and item["p_adjusted"] <= found["alpha"]
    ]
    tested = found["tests"]
    if not tested:
        return [*text, "No group was large enough to be compared with the reference group."]
    if not differing:
        return [
            *text,
            f"In none of {plural(tested, 'comparison')} did a group's decisions change at"
            " another rate than those of the reference group (5% over all of them).",
        ]
    run, item = min(differing, key=lambda pair: pair[1]["p_adjusted"])
    more = "more" if item["value"] > 0 else "less"
    text += [
        f"At {_name(run, found)}, decisions on ",
        bold(facts.people(item["group"])),
        f" changed {more} often than those on {facts.people(item['comparator']['group'])}:"
        f" {points(item['value'], 2)} points, adjusted {p_value(item['p_adjusted'])}.",
    ]
    if len(differing) > 1:
        others = sorted({_name(r, found) for r, _ in differing})
        text.append(
            f" {count(len(differing))} of {plural(tested, 'comparison')} differ like this"
            f" ({listing(others)})."
        )
    return text


def _part(facts: Facts, table: Row, found: Row, ran: list[Row]) -> Part | None:
    by = table["by"]
    rows = _groups(by, ran)
    if not rows:
        return None
    net = len(ran) <= MOST_NET
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People", share=0.9)]
    for run in ran:
        columns.append(Column(_name(run, found), share=1.3))
        if net:
            columns.append(Column("Net", share=1.0))
    foot = ["Share of decisions that changed, with its Clopper-Pearson 95% interval."]
    if net:
        foot.append(
            "Net: change of the share with the favourable decision in points, with the p-value of"
            " McNemar's exact test, unadjusted."
        )
    foot += _spread(by, found)
    block = Table(
        title="Decisions changed, by group",
        anchor=f"numerics-table-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(" ".join(foot),),
        stacked=True,
        dense=True,
        print_rows=PRINTED_ROWS,
        print_more="All groups are on the page.",
    )
    anchor = f"numerics-by-{facts.anchor(table)}"
    blocks = (block, *_compared(facts, table, found, ran))
    return Part(anchor, facts.table_title(table), blocks)


def _groups(by: list[str], ran: list[Row]) -> list[tuple[Cell, ...]]:
    listed = [[g for g in run["flips"]["groups"] if g["by"] == by] for run in ran]
    rows: list[tuple[Cell, ...]] = []
    for places in zip(*listed, strict=True):
        if places[0]["n"] == 0:
            continue
        cells = [Cell(phrases.label(places[0]["group"])), Cell(count(places[0]["n"]))]
        for item in places:
            cells.append(_rate(item))
            if len(ran) <= MOST_NET:
                cells.append(_net(item))
        rows.append(tuple(cells))
    return rows


def _net(item: Row) -> Cell:
    if item["net"] is None:
        return Cell(reason(item["undefined"]), soft=True)
    return Cell(points(item["net"], DIGITS), p_value(item["net_p"]) if item["flips"] else "")


def _compared(facts: Facts, table: Row, found: Row, ran: list[Row]) -> tuple[Table, ...]:
    """The groups against the reference, the clearest differences first."""
    listed = [
        (run, item)
        for run in ran
        for item in run["flips"]["comparisons"]
        if item["by"] == table["by"] and item["p_adjusted"] is not None
    ]
    if not listed:
        return ()
    listed.sort(key=lambda pair: pair[1]["p"])
    more = ""
    if len(listed) > SHOWN:
        more = f" The {SHOWN} smallest p of {len(listed):,}; the others are in the JSON file."
    reference = phrases.label(listed[0][1]["comparator"]["group"])
    columns = [
        Column("Run", "start", 1.0),
        Column(facts.table_title(table), "start", 2.0),
        Column("Difference, points", share=1.2),
        Column("Adjusted p", share=1.0),
    ]
    rows = [
        (
            Cell(_name(run, found)),
            Cell(phrases.label(item["group"])),
            Cell(points(item["value"], DIGITS), span(item["low"], item["high"], DIGITS)),
            Cell(p_value(item["p_adjusted"])),
        )
        for run, item in listed[:SHOWN]
    ]
    made = Table(
        title=f"Share of decisions changed, compared with: {reference}",
        anchor=f"numerics-compared-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            "Fisher's exact test, adjusted over all comparisons of this chapter; the interval is"
            f" a 95% one of its own. No verdict of the report rests on it.{more}",
        ),
        stacked=True,
        dense=True,
        print_rows=PRINTED_ROWS // 2,
        print_more="More are on the page.",
    )
    return (made,)


def _spread(by: list[str], found: Row) -> list[str]:
    item = next((s for s in found["sensitivity"] if s["by"] == by), None)
    values = [g["value"] for g in item["groups"] if g["value"] is not None] if item else []
    if len(values) < 2:
        return []
    low, high = size(min(values), DIGITS), size(max(values), DIGITS)
    return [
        f"Between two runs the share with the favourable decision differs by {low} to {high}"
        " points on average, depending on the group."
    ]
