"""What the report says of the kind of shift, of telling sources apart and of adding one."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Part, Prose, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    decimal,
    listing,
    percent,
    percent_span,
    plural,
    points,
    span,
)
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

PRINT_ROWS = 6
SCORES = {
    "spurious-correlation": "Outcome follows group",
    "attribute-imbalance": "Groups uneven",
    "class-imbalance": "Outcomes uneven",
}
ANSWERS = {"helps": "helps", "harms": "harms", "unclear": "unclear"}


def kind_of_shift(facts: Facts) -> Part | None:
    """Four scores for each attribute, and the cells in which decisions are most often wrong."""
    found = facts.doc["shift"].get("diagnosis")
    if not found:
        return None
    known = [
        row for row in found["attributes"] if any(s["value"] is not None for s in row["scores"])
    ]
    blocks: list[Block] = []
    if known:
        blocks.append(_scores(facts, found))
    if found["undefined"] is None:
        blocks.append(_accuracy(facts, found))
    if not blocks:
        return None
    lede = (
        "How far the recorded outcome follows the group, how uneven groups and outcomes are, and "
        "where decisions and recorded outcomes agree least."
    )
    return Part("stability-kind", "Kind of shift", tuple(blocks), rich(lede))


def _scores(facts: Facts, found: Row) -> Table:
    columns = [Column("Attribute", "start", 1.4)]
    columns += [Column(words, share=1.3) for words in SCORES.values()]
    columns.append(Column("Groups the model never saw", "start", 1.7))
    rows = []
    for row in found["attributes"]:
        cells = [Cell(facts.titles.get(row["by"][0], row["title"]))]
        by_slug = {s["slug"]: s for s in row["scores"]}
        for slug in SCORES:
            score = by_slug[slug]
            if score["value"] is None:
                cells.append(Cell(reason(score["undefined"]), soft=True))
                continue
            ends = ""
            if score["low"] is not None:
                ends = f"{decimal(score['low'], 3)} to {decimal(score['high'], 3)}"
            cells.append(Cell(decimal(score["value"], 3), ends))
        cells.append(_unseen(row["generalisation"]))
        rows.append(tuple(cells))
    return Table(
        title="Scores from 0 (none) to 1",
        anchor="shift-scores",
        columns=share(columns),
        rows=tuple(rows),
        stacked=True,
        dense=True,
        foot=(
            "Outcome follows group: information they share, of what there is. 95% limits by "
            "bootstrap, lowered by its own bias.",
        ),
    )


def _unseen(found: Row) -> Cell:
    if found["value"] is None:
        return Cell(reason(found["undefined"]), soft=True)
    if not found["levels"]:
        return Cell("none")
    rows = found["rows"]
    note = f"{count(rows['numerator'])} of {count(rows['denominator'])} people"
    return Cell(listing([phrases.short(word) for word in found["levels"]], 3), note)


def _accuracy(facts: Facts, found: Row) -> Table:
    columns = [
        Column("Attribute", "start", 1.3),
        Column("Lowest group", "start", 1.5),
        Column("Accuracy", share=1.2),
        Column("Lowest group and outcome", "start", 2.0),
        Column("Accuracy", share=1.2),
        Column("Mean of these", share=1.2),
    ]
    rows = []
    for row in found["attributes"]:
        rows.append(
            (
                Cell(facts.titles.get(row["by"][0], row["title"])),
                *_worst(row["by_group"]["worst"]),
                *_worst(row["by_cell"]["worst"]),
                _limits(row["by_cell"]["adjusted"]),
            )
        )
    everyone = found["accuracy"]
    foot = f"Everyone: {percent(everyone['value'], 1)} "
    foot += f"({percent_span(everyone['low'], everyone['high'])}). The lowest has limits that "
    foot += "hold for the smallest accuracy whichever cell it belongs to."
    return Table(
        title="Where decisions and recorded outcomes agree least",
        anchor="shift-accuracy",
        columns=share(columns),
        rows=tuple(rows),
        stacked=True,
        dense=True,
        foot=(foot,),
        printed=False,
    )


def _worst(found: Row) -> tuple[Cell, Cell]:
    if found["value"] is None:
        return Cell("none", soft=True), Cell(reason(found["undefined"]), soft=True)
    note = f"outcome {found['cell']['label']}" if "label" in found["cell"] else ""
    return Cell(phrases.label(found["cell"]["group"]), note), _limits(found)


def _limits(found: Row) -> Cell:
    if found["value"] is None:
        return Cell(reason(found["undefined"]), soft=True)
    return Cell(percent(found["value"], 1), percent_span(found["low"], found["high"]))


def sources(facts: Facts) -> Part | None:
    """Whether a classifier can tell sources apart."""
    found = facts.doc["shift"].get("sources")
    if not found or not found["scores"]:
        return None
    blocks: list[Block] = [Prose(rich(text)) for text in _told(found) if text]
    ordered = sorted(
        found["scores"],
        key=lambda s: (s["kind"] != "fitted", -(_either(s) or 0.0), str(s["source"])),
    )
    rows = [
        (
            Cell(_source(item)),
            Cell(count(item["used"]["candidate"]), f"against {count(item['used']['target'])}"),
            _auc(item["x"]),
            _auc(item["xy"]),
        )
        for item in ordered
    ]
    columns = [
        Column("Rows of", "start", 2.2),
        Column("Rows used", share=1.2),
        Column("AUC, features", share=1.4),
        Column("AUC, features and outcome", share=1.6),
    ]
    further = len(rows) - PRINT_ROWS
    foot = [
        f"A small classifier on {plural(len(found['features']), 'column')}; 0.5 means that it "
        "cannot tell. 95% intervals, each on its own."
    ]
    if found["unlisted"]:
        foot.append(f"{plural(found['unlisted'], 'smaller site')} not scored.")
    if found["left_out"]:
        foot.append(f"{plural(found['left_out'], 'further column')} not used.")
    blocks.append(
        Table(
            columns=share(columns),
            rows=tuple(rows),
            foot=tuple(foot),
            stacked=True,
            dense=True,
            anchor="sources-auc",
            title="How well sources can be told apart",
            print_rows=PRINT_ROWS if further > 0 else None,
            print_more=f"{count(further)} more in tables.csv." if further > 0 else "",
            printed=not any(_told(found)),
        )
    )
    return Part("stability-sources", "Sources", tuple(blocks))


def _either(item: Row) -> float | None:
    values = [item[k]["value"] for k in ("x", "xy") if item[k]["value"] is not None]
    return max(values, default=None)


def _source(item: Row) -> str:
    if item["kind"] == "fitted":
        return "Audited rows, against those the model was fitted on"
    against = item["against"]
    name = phrases.short(item["source"])
    return f"{name} against {'the others' if against is None else phrases.short(against)}"


def _told(found: Row) -> list[str]:
    out = []
    for item in found["scores"]:
        score = item["xy"] if item["xy"]["value"] is not None else item["x"]
        if item["kind"] != "fitted" or score["low"] is None:
            continue
        ends = (
            f"AUC {decimal(score['value'])}, {decimal(score['low'])} to {decimal(score['high'])}"
        )
        told = score["low"] > 0.5
        out.append(
            "The audited rows can be told from those the model was fitted on "
            f"({ends}): it is audited on other people than it learned from."
            if told
            else f"The audited rows are not shown to differ from those the model was fitted on "
            f"({ends})."
        )
    sites = [s for s in found["scores"] if s["kind"] == "site" and _either(s) is not None]
    if sites:
        top = max(sites, key=lambda s: _either(s) or 0.0)
        out.append(
            f"Easiest to tell apart: {_source(top)}{_ends(top)}. A value that is higher with the "
            "outcome than without it points to another rule between features and outcome."
        )
    return out


def _ends(item: Row) -> str:
    """` (AUC 0.79, 0.77 to 0.81)` of the higher of the two."""
    best = max((item[k] for k in ("x", "xy") if item[k]["value"] is not None), key=_value)
    if best["low"] is None:
        return f" (AUC {decimal(best['value'])}, {reason(best['undefined'])})"
    return f" (AUC {decimal(best['value'])}, {decimal(best['low'])} to {decimal(best['high'])})"


def _value(score: Row) -> float:
    return float(score["value"])


def _auc(found: Row) -> Cell:
    if found["value"] is None:
        return Cell(reason(found["undefined"]), soft=True)
    if found["low"] is None:
        return Cell(decimal(found["value"]), reason(found["undefined"]))
    return Cell(decimal(found["value"]), f"{decimal(found['low'])} to {decimal(found['high'])}")


def addition(facts: Facts) -> list[Part]:
    """Should a source be added? One part for each attribute, the first one printed."""
    found = facts.doc["shift"].get("addition")
    if not found:
        return []
    made = [a for a in found["attributes"] if a["undefined"] is None]
    out = []
    for i, item in enumerate(made):
        title = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
        blocks: list[Block] = [Prose(_rule(found, item)), _steps(facts, found, item)]
        heading = f"Adding sources to {phrases.short(found['target'])}: {title}"
        anchor = "stability-adding" if i == 0 else f"stability-adding-{i + 1}"
        out.append(Part(anchor, heading, tuple(blocks), printed=i == 0))
    return out


def _rule(found: Row, item: Row) -> Any:
    target = phrases.short(found["target"])
    chosen = [phrases.short(word) for word in item["chosen"]]
    helps = [phrases.short(s["added"]) for s in item["steps"][1:] if s["answer"] == "helps"]
    harms = [phrases.short(s["added"]) for s in item["steps"][1:] if s["answer"] == "harms"]
    text = f"Adding {listing(chosen)} keeps the accuracy of the worst group of {target} at least "
    text += "as high as without, by its estimate."
    if not chosen:
        text = (
            f"The first source already lowers the accuracy of the worst group of {target}, by its "
            "estimate: the rule adds none."
        )
    sure = "No step is shown to help or to harm the worst group."
    if helps or harms:
        bits = [f"{listing(helps)} is shown to help"] if helps else []
        bits += [f"{listing(harms)} is shown to harm"] if harms else []
        sure = f"Among the steps, {' and '.join(bits)} the worst group."
    return rich(bold(text), f" {sure}")


def _steps(facts: Facts, found: Row, item: Row) -> Table:
    columns = [
        Column("Training rows of", "start", 1.7),
        Column("Rows", share=0.8),
        Column("Accuracy", share=1.2),
        Column("Worst group", "start", 1.3),
        Column("Its accuracy", share=1.2),
        Column("Change of it", share=1.3),
        Column("Answer", share=1.2),
    ]
    rows = []
    for step in item["steps"]:
        first = step["added"] is None
        name = phrases.short(found["target"]) if first else f"+ {phrases.short(step['added'])}"
        trained = found["rows"]["train"] if first else step["rows_added"]
        rate, worst = step["accuracy"], step["worst"]
        change, answer = Cell("", soft=True), Cell("start")
        if not first:
            ends = step["change"]["worst"]
            note = "" if ends["low"] is None else span(ends["low"], ends["high"])
            change = Cell(points(ends["value"]), note)
            answer = Cell(ANSWERS[step["answer"]])
            if step["added"] == item["stopped_at"]:
                answer = Cell(ANSWERS[step["answer"]], "rule stops here")
        rows.append(
            (
                Cell(name),
                Cell(count(trained)),
                _limits(rate),
                Cell(phrases.label(worst["group"])),
                _limits(worst),
                change,
                answer,
            )
        )
    foot = [
        f"Measured on {plural(found['rows']['decided'], 'row')} of "
        f"{phrases.short(found['target'])} that trained nothing. Sources in order of their AUC "
        f"against it, at most {count(found['most_rows'])} rows of each. Changes against the step "
        "before, paired, 95%."
    ]
    if found["unlisted"]:
        foot.append(f"{plural(found['unlisted'], 'smaller source')} not tried.")
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        stacked=True,
        dense=True,
        title="Accuracy as sources are added",
        anchor=f"adding-{'-'.join(phrases.slug(by) for by in item['by'])}",
        print_rows=PRINT_ROWS if len(rows) > PRINT_ROWS else None,
        print_more=f"{plural(len(rows) - PRINT_ROWS, 'further step')} in tables.csv."
        if len(rows) > PRINT_ROWS
        else "",
    )
