"""What was compared: both audits side by side, the people of each, and what differs."""

from __future__ import annotations

from auditapp.comparison import words
from auditapp.comparison.facts import Facts, Side, metric
from auditapp.comparison.match import SAME_FILE, SAME_ID, SAME_ORDER
from auditapp.reports import phrases
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Prose,
    Rich,
    Section,
    Table,
    bold,
    rich,
)
from auditapp.reports.numbers import count, listing, percent, plural, short_hash
from auditapp.reports.tables import share

BASES = {
    SAME_FILE: "Both audits measured the same file, so each row is paired with itself.",
    SAME_ID: "Both files have an id column; rows with the same id are paired. Ids are kept as "
    "keyed hashes only.",
    SAME_ORDER: "The files differ, and hold the same number of rows with the same groups and "
    "recorded outcomes in the same order: rows are taken to be the same people.",
}


def section(facts: Facts) -> Section:
    """Chapter two."""
    blocks: list[Block] = [Prose(_how(facts)), _table(facts)]
    remarks = _remarks(facts)
    blocks += [Prose(text) for text in remarks]
    blocks.append(Prose(_judged(facts), "note"))
    return Section("examined", "What was compared", tuple(blocks))


def _how(facts: Facts) -> Rich:
    if not facts.paired:
        return rich(
            bold("Different people. "),
            "Nothing says that both audits measured the same people, so every rate of one stands "
            "beside that of the other as two samples do. Should some people be in both, the "
            "intervals are longer than they need be, not shorter.",
        )
    rows = facts.doc["rows"]
    text = (
        f"{BASES[facts.doc['basis']]} {plural(rows['both'], 'person', 'people')} were measured by "
        "both; whoever both decide alike tells nothing about the difference, and is not counted "
        "as evidence for it."
    )
    return rich(bold("The same people. "), text)


def _table(facts: Facts) -> Table:
    sides = (facts.first, facts.second)
    rows: list[tuple[str, list[str], bool]] = [
        ("Audit", [side.title for side in sides], False),
        ("System", [side.system or "not named" for side in sides], False),
        ("Decisions from", [side.decisions for side in sides], False),
        ("Threshold", [_threshold(side) for side in sides], False),
        ("Data", [side.plan["data"]["name"] for side in sides], False),
        ("Period", [side.period or "not given" for side in sides], False),
        ("Rows uploaded", [count(side.rows["uploaded"]) for side in sides], False),
        ("People measured", [count(side.rows["used"]) for side in sides], False),
    ]
    if facts.paired:
        found = facts.doc["rows"]
        rows.append(("Of these in both", [count(found["both"])] * 2, False))
        only = [count(found["first_only"]), count(found["second_only"])]
        rows.append(("In this audit only, left out", only, False))
    rows.append(("Report", [_report(side) for side in sides], False))
    rows.append(("Result hash", [short_hash(side.hash) for side in sides], True))
    body = tuple(
        (Cell(name), *(Cell(value, mono=fixed) for value in values))
        for name, values, fixed in rows
        if any(value not in ("not given", "not named", "none") for value in values)
    )
    columns = [Column("", "start", 1.2), Column("A", "start", 2.0), Column("B", "start", 2.0)]
    return Table(columns=share(columns), rows=body, title="The two audits", anchor="audits")


def _threshold(side: Side) -> str:
    scored = side.plan["model"].get("kind") != "columns" or side.plan.get("score")
    if side.plan.get("decision") or not scored:
        return "none"
    return f"{side.plan.get('threshold'):g}"


def _report(side: Side) -> str:
    bits = [bit for bit in (side.id, side.date) if bit]
    return ", ".join(bits) if bits else "not given"


def _remarks(facts: Facts) -> list[Rich]:
    out = []
    different = [words.DIFFERS[code] for code in facts.doc["differs"] if code in words.DIFFERS]
    if different:
        text = f"Between A and B: {listing(different)}."
        if len(different) > 1:
            text += " A change cannot be put down to one of them alone."
        out.append(rich(bold("What else differs. "), text))
    rows = facts.doc["rows"]
    notes = []
    if rows["relabelled"]:
        who = plural(rows["relabelled"], "person", "people")
        notes.append(
            f"{who} have another recorded outcome in B; they count only in rates that need none."
        )
    for name, n in rows["regrouped"].items():
        title = phrases.lower_first(facts.titles.get(name, name))
        who = plural(n, "person", "people")
        notes.append(f"{who} have another {title} in B, or none, and count as unknown there.")
    if rows["label_blank"] - rows["relabelled"] > 0:
        who = plural(rows["label_blank"] - rows["relabelled"], "person", "people")
        notes.append(f"{who} have no recorded outcome.")
    if notes:
        out.append(rich(bold("Rows that disagree. "), " ".join(notes)))
    left = [
        f"{phrases.lower_first(facts.titles.get(item['by'], item['by']))} "
        f"({words.LEFT_OUT[item['reason']]})"
        for item in facts.doc["left_out"]
    ]
    if left:
        out.append(rich(bold("Not compared. "), f"{listing(left)}."))
    if len(facts.metrics) == 1:
        text = "Only who was chosen could be compared: the audits share no recorded outcome."
        out.append(rich(bold("No common outcome. "), text))
    return out


def _judged(facts: Facts) -> Rich:
    goal = " and ".join(metric(slug) for slug in facts.primary)
    return rich(
        f"The goal of both audits is {goal}. Limit: {facts.limit_words}. A group needs "
        f"{count(facts.floor)} people and {count(facts.denominator_floor)} behind each rate in "
        f"both audits. All tests together are wrong in {percent(facts.alpha)} of comparisons of "
        "audits that do not differ, at most."
    )
