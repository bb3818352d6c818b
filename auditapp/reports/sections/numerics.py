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
)
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

MAX_PRINTED = 1
PRINTED_ROWS = 8
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


def _name(run: Row, found: Row) -> str:
    name = FORMATS[run["format"]]
    several = len({r["device"] for r in found["runs"]} | {found["device"]}) > 1
    return f"{name}, {DEVICES[run['device']]}" if several else name


def _overview(found: Row) -> Table:
    rows = []
    for run in found["runs"]:
        base = FORMATS[found["precision"]]
        how = HOW.get(run["how"] or "", "").format(base=base)
        if run["clipped"]:
            how += f"; {plural(run['clipped'], 'weight')} beyond its range clipped"
        head = (Cell(_name(run, found), how), Cell(DEVICES[run["device"]]))
        rows.append((*head, *_changed(run)))
    columns = [
        Column("Run", "start", 3.0),
        Column("Device", "start", 1.0),
        Column("Decisions changed", share=1.8),
        Column("Gained, lost", share=1.2),
        Column("Largest score change", share=1.3),
    ]
    return Table(
        title="The same model, run again",
        anchor="numerics-runs",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            "Decisions changed: share of people decided otherwise than in the audited run, with"
            " its Clopper-Pearson 95% interval. Gained: they now have the favourable decision;"
            " lost: they no longer have it.",
        ),
        stacked=True,
    )


def _changed(run: Row) -> tuple[Cell, ...]:
    if not run["flips"]:
        return (Cell("not applicable", _why(run), soft=True), Cell(""), Cell(""))
    everyone = run["flips"]["groups"][0]
    change = run["score_change"]
    return (
        _rate(everyone),
        Cell(f"{count(everyone['up'])}, {count(everyone['down'])}"),
        Cell("" if change is None else decimal(change["largest"], 4)),
    )


def _why(run: Row) -> str:
    if run["code"] in ("no-int8", "no-int8-trees", "device-not-opened", "not-converted"):
        return str(run["message"]).rstrip(".")
    return str(run["message"] or reason(run["code"])).rstrip(".")


def _digits(value: float) -> int:
    """Enough decimals for a share that is often far below one per cent."""
    return 1 if value == 0 or value >= 0.01 else 2


def _rate(item: Row) -> Cell:
    if item["value"] is None:
        return Cell(reason(item["undefined"]), soft=True)
    digits = _digits(item["value"])
    limits = percent_span(item["low"], item["high"], max(digits, _digits(item["high"])))
    return Cell(percent(item["value"], digits), limits)


def _sentence(facts: Facts, found: Row, ran: list[Row]) -> list[Any]:
    """What the comparisons of all runs say, in two sentences."""
    worst = max(ran, key=lambda run: run["flips"]["groups"][0]["flips"])
    most = worst["flips"]["groups"][0]
    if most["flips"] == 0:
        return [
            f"No decision changed in any run: with {count(most['n'])} people compared, a share"
            f" above {percent(most['high'], _digits(most['high']))} is ruled out (95%)."
        ]
    text: list[Any] = [
        f"At most {plural(most['flips'], 'decision')} changed ({_name(worst, found)}). "
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
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People", share=0.9)]
    columns += [Column(_name(run, found), share=1.6) for run in ran]
    spread = _spread(by, found)
    foot = [
        "Share of decisions that changed, with Clopper-Pearson 95% interval. Net: change of the"
        " share with the favourable decision, in points; p from McNemar's exact test, unadjusted."
    ]
    if spread:
        foot.append(spread)
    block = Table(
        title="Decisions changed, by group",
        anchor=f"numerics-table-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        stacked=True,
        dense=True,
        print_rows=PRINTED_ROWS,
        print_more="All groups are on the page and in the result document.",
    )
    return Part(f"numerics-by-{facts.anchor(table)}", facts.table_title(table), (block,))


def _groups(by: list[str], ran: list[Row]) -> list[tuple[Cell, ...]]:
    listed = [[g for g in run["flips"]["groups"] if g["by"] == by] for run in ran]
    rows: list[tuple[Cell, ...]] = []
    for places in zip(*listed, strict=True):
        if places[0]["n"] == 0:
            continue
        head = (Cell(phrases.label(places[0]["group"])), Cell(count(places[0]["n"])))
        rows.append((*head, *(_cell(item) for item in places)))
    return rows


def _cell(item: Row) -> Cell:
    made = _rate(item)
    if not item["flips"] or item["net"] is None:
        return made
    net = f"net {points(item['net'], 2)}, {p_value(item['net_p'])}"
    return Cell(made.text, f"{made.note}; {net}")


def _spread(by: list[str], found: Row) -> str:
    item = next((s for s in found["sensitivity"] if s["by"] == by), None)
    values = [g["value"] for g in item["groups"] if g["value"] is not None] if item else []
    if item is None or len(values) < 2:
        return ""
    return (
        "From run to run the share with the favourable decision moves by"
        f" {points(min(values), 2).lstrip('+')} to {points(max(values), 2).lstrip('+')} points on"
        " average, depending on the group."
    )
