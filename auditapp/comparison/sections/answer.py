"""The answer on one page. It has to stand alone."""

from __future__ import annotations

from typing import Any

from auditapp.comparison import figures, words
from auditapp.comparison.facts import (
    DIFFERENCE,
    NO_DIFFERENCE,
    NOT_ENOUGH,
    VERDICTS,
    Facts,
    metric,
)
from auditapp.reports.blocks import (
    Block,
    Finding,
    Findings,
    Headline,
    NextStep,
    Notice,
    Rich,
    Section,
    Stat,
    Stats,
    bold,
    rich,
)
from auditapp.reports.numbers import (
    count,
    percent,
    percent_span,
    plural,
    points,
    size,
    span,
    spelled,
    upper_first,
)

Row = dict[str, Any]

MOST = 3


def section(facts: Facts) -> Section:
    """Headline, cards, the strip of changes, findings and what to do next."""
    text, more = headline(facts)
    blocks: list[Block] = [Headline(facts.verdict, text, more)]
    if facts.simulated:
        note = rich(bold("Simulated data. "), "The rows were made by a program.")
        blocks.append(Notice(note, "check", printed=False))
    blocks.append(Stats(cards(facts)))
    shown = _shown(facts)
    if shown is not None:
        blocks.append(figures.strip(facts, *shown, anchor="answer-changes"))
    further = findings(facts)
    if further:
        blocks.append(
            Findings(
                titles=tuple(_title(further[: k + 1]) for k in range(len(further))),
                items=tuple(
                    Finding(words.finding(facts, row), words.detail(facts, row), row["verdict"])
                    for row in further
                ),
            )
        )
    blocks.append(next_step(facts))
    return Section("answer", "The answer", tuple(blocks))


def headline(facts: Facts) -> tuple[Rich, Rich]:
    """The verdict in one sentence, and how sure it is."""
    row = facts.headline
    if row is None:
        return (
            rich("Not enough data: no gap could be compared between A and B."),
            rich(f"A group needs {count(facts.floor)} people in both audits."),
        )
    settled = sum(r["verdict"] == NO_DIFFERENCE for r in facts.primary_gaps)
    if row["verdict"] == DIFFERENCE:
        more = words.how_sure(facts, row)
        if row["kind"] == "rate" or not row["primary"]:
            more += f" No gap in {_primary(facts)} is shown to differ between A and B."
        return rich(words.sentence(facts, row)), rich(more)
    if row["verdict"] == NO_DIFFERENCE:
        b = size(row["b"], 1)
        text = (
            f"No gap in {_primary(facts)} differs between A and B by {b} points or more: that is "
            f"ruled out in {_all(settled)} (95%)."
        )
        return rich(text), rich(_widest(facts, row))
    total = len(facts.primary_gaps)
    open_ones = (
        "the one gap" if total == 1 else f"{spelled(total - settled)} of {spelled(total)} gaps"
    )
    text = (
        f"Not enough data to say that A and B treat all groups alike: in {open_ones} in "
        f"{_primary(facts)} a change of {facts.limit_words} or more could be hidden."
    )
    who = facts.people(row["group"])
    more = f"The widest interval is for {who}: up to {size(row['b'], 1)} points."
    if settled:
        more += f" In {plural(settled, 'other gap')} such a change is ruled out."
    return rich(text), rich(more)


def _all(settled: int) -> str:
    return "the one comparison" if settled == 1 else f"all {count(settled)} comparisons"


def _widest(facts: Facts, row: Row) -> str:
    change = f"{points(row['value'])} points ({span(row['thick_low'], row['thick_high'])}, 90%)"
    return f"The widest interval is for {facts.people(row['group'])}: {change}."


def _primary(facts: Facts) -> str:
    return " or ".join(metric(slug) for slug in facts.primary)


def _shown(facts: Facts) -> tuple[Row, str] | None:
    """Column and rate of the headline, else the first column in which a gap was tested."""
    head = facts.headline
    slug = facts.primary[0]
    if head is not None and head["kind"] == "gap" and head["primary"]:
        slug = str(head["metric"])
    usable: list[Row] = [
        table
        for table in facts.singles
        if any(row["low"] is not None for row in facts.gaps(table["by"], slug))
    ]
    same = [table for table in usable if head is not None and table["by"] == head["by"]]
    found = next(iter([*same, *usable]), None)
    return None if found is None else (found, slug)


def cards(facts: Facts) -> tuple[Stat, ...]:
    """People, gaps compared, the largest supported change, and who is decided otherwise."""
    return _people(facts), _tally(facts), _largest(facts), _last(facts)


def _people(facts: Facts) -> Stat:
    rows = facts.doc["rows"]
    if not facts.paired:
        first, second = facts.first.rows["used"], facts.second.rows["used"]
        note = f"{count(first)} in A, {count(second)} in B"
        return Stat("People", count(first + second), note=note, short=note)
    only = rows["first_only"] + rows["second_only"]
    note = f"{count(only)} measured by one audit only" if only else "all measured by both audits"
    short = f"{count(only)} in one audit only" if only else "all in both"
    return Stat("People decided twice", count(rows["both"]), note=note, short=short)


def _tally(facts: Facts) -> Stat:
    tally = facts.tally("gap")
    total = sum(tally[verdict] for verdict in VERDICTS)
    note = f"{count(tally[NO_DIFFERENCE])} no difference, {count(tally[NOT_ENOUGH])} not settled"
    return Stat("Gaps that differ", count(tally[DIFFERENCE]), f"of {count(total)}", note, note)


def _largest(facts: Facts) -> Stat:
    found = [row for row in facts.found if row["kind"] == "gap"]
    if not found:
        return Stat("Largest supported change", "none", "", "of any gap", "of any gap")
    found = [row for row in found if row["primary"]] or found
    found = [row for row in found if len(row["by"]) == 1] or found
    top = max(found, key=lambda row: min(abs(row["low"]), abs(row["high"])))
    interval = words.interval(top)
    return Stat(
        "Largest supported change", points(top["value"]), "points",
        f"of a gap in {metric(top['metric'])}, 95% {interval}", f"95%: {interval}",
    )  # fmt: skip


def _last(facts: Facts) -> Stat:
    if facts.moved:
        row = facts.moved[0]
        if row["share"] is not None:
            note = f"{count(row['to_no'])} to no, {count(row['to_yes'])} to yes"
            interval = percent_span(row["share_low"], row["share_high"])
            return Stat("Decided otherwise", percent(row["share"], 1), "",
                        f"{note}; 95% {interval}", note)  # fmt: skip
    slug = facts.primary[0]
    row = facts.everybody(slug)
    name = f"{upper_first(metric(slug))}, everyone"
    if row["value"] is None or row["low"] is None:
        return Stat(name, "not known", "", words.reason(row["reason"]))
    interval = words.interval(row)
    return Stat(name, points(row["value"]), "points", f"B less A, 95% {interval}",
                f"95%: {interval}")  # fmt: skip


def findings(facts: Facts) -> list[Row]:
    """After the headline: the first of each column and rate, differences first."""
    head = facts.headline
    if head is None:
        return []
    seen = {_story(head)}
    out = []
    for row in facts.ordered:
        if row["b"] is None or row["p"] is None or len(row["by"]) > 1 or _story(row) in seen:
            continue
        if row["verdict"] != DIFFERENCE and not row["primary"]:
            continue
        if row["verdict"] != DIFFERENCE and row["kind"] == "rate" and row["by"]:
            continue
        seen.add(_story(row))
        out.append(row)
        if len(out) == MOST:
            break
    return out


def _story(row: Row) -> tuple[str, str, str]:
    return row["kind"], ",".join(row["by"]), row["metric"]


def _title(rows: list[Row]) -> str:
    noun = "finding" if rows[0]["verdict"] == DIFFERENCE else "result"
    if len(rows) == 1:
        return f"One further {noun}"
    return f"{upper_first(spelled(len(rows)))} further {noun}s, weightiest first"


def next_step(facts: Facts) -> NextStep:
    """What to look at before B takes the place of A, or which rows to collect."""
    row = facts.headline
    if row is None or row["verdict"] == NOT_ENOUGH:
        text = (
            "Audit both on more people, the same ones if you can: decisions about the same people "
            "tell two models apart with far fewer rows than two samples."
        )
        if row is not None and not facts.paired:
            text = (
                "Let the next audits gather more people, or run both models on the same rows: "
                "paired decisions settle a change with far fewer people."
            )
        return NextStep(rich(text), "See what was compared", "examined")
    if row["verdict"] == NO_DIFFERENCE:
        text = (
            "Choose between A and B on other grounds: what B does to these gaps is within the "
            "limit. Both audits still say how wide the gaps themselves are."
        )
        return NextStep(rich(text), "See the gaps of both", "gaps")
    who = facts.people(row["group"])
    if row["kind"] == "gap" and words.shift(row) == "narrower":
        text = f"Look at what the narrower gap for {who} costs: the rates of everyone stand first."
        return NextStep(rich(text), "See the rates", "gaps")
    if facts.paired:
        yes = next((m for m in facts.moved if m["group"] == row["group"]), None)
        lead = ""
        if yes is not None:
            lead = (
                f"Of {plural(yes['n'], 'decision')} about {who}, B turns {count(yes['to_no'])} to "
                f"no and {count(yes['to_yes'])} to yes. "
            )
        text = f"{lead}Look at those decisions before B takes the place of A."
        return NextStep(rich(text), "See who is decided otherwise", "moved")
    text = f"Find out what changed for {who} between the two audits: people, data or the system."
    return NextStep(rich(text), "See what drifted", "drift")
