"""What the report says of an earlier audit: every gap before and now, and drift."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, stability_tables
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Legend,
    Part,
    Prose,
    Rich,
    Table,
    bold,
    mono,
    rich,
)
from auditapp.reports.captions import clip
from auditapp.reports.facts import DIFFERENCE, Facts, key
from auditapp.reports.numbers import (
    count,
    listing,
    p_value,
    percent,
    plural,
    points,
    short_hash,
    size,
    span,
    upper_first,
)
from auditapp.reports.stability_tables import support
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

#: columns of the table under the history
LINES = 8
REFUSED = {
    "unreadable-earlier": "the earlier result could not be read",
    "other-schema": "the earlier result was written in another form",
    "other-goal": "the earlier audit had another goal, so its primary metric is another one",
    "other-label": "other values of the recorded outcome were favourable in the earlier audit",
    "other-attributes": "no group column is in both audits with the same groups",
    "binary-only": "only decisions between two outcomes are compared over time",
}
ALSO = {
    "model": "the model",
    "threshold": "the threshold",
    "tolerance": "the limit",
    "label": "the column of the recorded outcome",
}
LEFT_OUT = {
    "only-now": "not in the earlier audit",
    "only-before": "in the earlier audit only",
    "other-groups": "grouped otherwise in the earlier audit",
}


def date(run: Row) -> str:
    """The day of an audit, its period, or its place in line."""
    day = str(run.get("date") or "")[:10]
    return day or str(run.get("period") or "") or "earlier audit"


def part(facts: Facts) -> Part | None:
    """The sub-section, or None where no earlier audit was named."""
    found = facts.doc.get("change")
    if not found:
        return None
    blocks: list[Block] = []
    if found.get("failed"):
        text = rich(bold("This part could not be computed. "), found["failed"].get("message", ""))
        blocks.append(Prose(text))
    elif found["undefined"] is not None:
        why = REFUSED.get(found["undefined"], reason(found["undefined"]))
        which = "the earlier audit"
        if found["previous"]:
            which = f"the audit of {date(found['previous'])}"
        blocks.append(Prose(rich(f"This audit is not compared with {which}: {why}.")))
    else:
        blocks += _compared(facts, found)
    return Part("stability-change", "Change since the last audit", tuple(blocks))


def _compared(facts: Facts, found: Row) -> list[Block]:
    blocks: list[Block] = [Prose(_opening(facts, found))]
    figure = history(facts)
    if figure is not None:
        blocks.append(figure)
    blocks.append(stability_tables.gaps(facts))
    blocks.append(stability_tables.drift(facts, found))
    left_out = [
        f"{phrases.lower_first(facts.titles.get(item['by'], item['by']))} "
        f"({LEFT_OUT[item['reason']]})"
        for item in found["left_out"]
    ]
    if left_out:
        blocks.append(Prose(rich(f"Not compared over time: {listing(left_out)}."), "note"))
    return blocks


def _opening(facts: Facts, found: Row) -> Rich:
    before = found["previous"]
    text: list[Any] = [
        f"Compared with the audit of {date(before)}, {plural(before['rows'], 'person', 'people')},"
        " result ",
        mono(short_hash(before["hash"])),
        ". ",
    ]
    if found["same_rows"]:
        text.append(
            "Both audits measured the same file. Its rows are no new evidence: changes are shown "
            "with intervals that hold for such a pair, and none is tested. "
        )
    else:
        told = [row for row in found["gaps"] if row["changed"]]
        tested = sum(row["changed"] is not None for row in found["gaps"])
        text.append(bold(_changed(facts, told, tested)))
        text += [f" {_everyone(row)}" for row in found["rates"] if row["changed"]]
        text.append(" ")
    others = [ALSO[code] for code in found["also"] if code in ALSO]
    if others:
        verb = "was" if len(others) == 1 else "were"
        text.append(
            f"{upper_first(listing(others))} {verb} changed as well, so a gap may have moved for "
            "that reason. "
        )
    return rich(*text)


def _changed(facts: Facts, told: list[Row], tested: int) -> str:
    if not tested:
        return "No gap has enough people in both audits to be tested."
    if not told and tested == 1:
        return "The one gap tested is not shown to have changed."
    if not told:
        return f"Of {plural(tested, 'gap')} tested, none is shown to have changed."
    first = max(told, key=support)
    rest = len(told) - 1
    text = f"{moved(facts, first)}."
    if rest:
        text += f" {plural(rest, 'further gap')} of {count(tested)} changed."
    return text


def _everyone(row: Row) -> str:
    name = metric_words.title(row["metric"])
    return (
        f"{name} of everyone together went from {percent(row['before']['value'], 1)} to "
        f"{percent(row['after']['value'], 1)}."
    )


def moved(facts: Facts, row: Row) -> str:
    """`The gap in selection rate between women and men went from −10.2 to −17.1 points`."""
    name = metric_words.title(row["metric"]).lower()
    pair = f"{facts.people(row['group'])} and {facts.people(row['comparator']['group'])}"
    return (
        f"The gap in {name} between {pair} went from {points(row['before']['value'])} to "
        f"{points(row['after']['value'])} points"
    )


def history(facts: Facts) -> Figure | None:
    """C11: the gaps of the attribute that changed most, over all audits of the chain."""
    found = facts.doc["change"]
    streams = found["history"]["streams"]
    rows = {_of(row): row for row in found["gaps"]}
    usable = [
        s
        for s in streams
        if sum(p is not None for p in s["points"]) > 1
        and (rows[_of(s)]["reason"] in (None, "same-rows"))
    ]
    if not usable:
        return None

    def first(stream: Row) -> tuple[bool, float]:
        row = rows[_of(stream)]
        return not row["changed"], -support(row) if row["changed"] else -abs(row["change"])

    top = min(usable, key=first)
    drawn = [s for s in usable if s["by"] == top["by"] and s["metric"] == top["metric"]]
    drawn.sort(
        key=lambda s: (first(s)[0], -abs(s["points"][-1]["value"] if s["points"][-1] else 0))
    )
    name = metric_words.title(top["metric"])
    runs = [{"label": date(facts.run if run["now"] else run)} for run in found["history"]["runs"]]
    row = rows[_of(top)]
    other = facts.people(row["comparator"]["group"])
    message = f"No gap to {other} is shown to have changed since {date(found['previous'])}"
    if row["changed"]:
        wider = abs(row["after"]["value"]) > abs(row["before"]["value"])
        message = (
            f"The gap between {facts.people(row['group'])} and {other} is "
            f"{'wider' if wider else 'narrower'} by {size(row['change'], 1)} points"
        )
        if row["before"]["value"] * row["after"]["value"] < 0:
            message = f"The gap between {facts.people(row['group'])} and {other} turned round"
    elif found["same_rows"]:
        message = f"Gaps to {other} in two audits of the same file"
    return Figure(
        anchor="stability-history",
        title=message,
        subtitle=f"{name}: difference to {other} in points, with its own 95% interval, at each "
        f"audit. Band: the limit of {facts.tolerance * 100:g} points.",
        alt=clip("; ".join(_line_words(facts, s, rows[_of(s)]) for s in drawn)),
        table=_history_table(facts, drawn, runs),
        chart={
            "kind": "history",
            "tolerance": facts.tolerance,
            "runs": runs,
            "series": [{"label": phrases.label(s["group"]), "points": s["points"]} for s in drawn],
        },
        legend=(
            Legend("difference", "Changed since the audit before"),
            Legend("dot", "No change shown"),
        )
        if any(p is not None and p["changed"] for s in drawn for p in s["points"])
        else (),
        note=""
        if found["same_rows"]
        else f"Changes are tested at {percent(found['alpha'])} for all gaps of an audit together.",
    )


def _of(row: Row) -> tuple[Any, ...]:
    return row["metric"], key(row["group"]), key(row["comparator"]["group"])


def _line_words(facts: Facts, stream: Row, row: Row) -> str:
    if row["change"] is None:
        return f"{phrases.label(stream['group'])}: not comparable"
    text = (
        f"{phrases.label(stream['group'])} {points(row['before']['value'])} to "
        f"{points(row['after']['value'])} points"
    )
    return f"{text}, {p_value(row['p'])}" if row["p"] is not None else text


def _history_table(facts: Facts, drawn: list[Row], runs: list[Row]) -> Table:
    shown = drawn[:LINES]
    columns = [Column("Audit", "start", 1.4)]
    columns += [Column(phrases.label(s["group"]), share=1.5) for s in shown]
    rows = []
    for at, run in enumerate(runs):
        cells = [Cell(run["label"])]
        for stream in shown:
            point = stream["points"][at]
            if point is None:
                cells.append(Cell("not measured", soft=True))
                continue
            verdict = DIFFERENCE if point["changed"] else ""
            note = span(point["low"], point["high"])
            cells.append(Cell(points(point["value"]), note, verdict))
        rows.append(tuple(cells))
    seen = any(cell.verdict for row in rows for cell in row)
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        stacked=True,
        dense=True,
        verdicts=(DIFFERENCE,) if seen else (),
    )
