"""What this is, of which audits, by whom, when."""

from __future__ import annotations

from auditapp.comparison.facts import Facts, Side
from auditapp.reports.blocks import Cover, Fact, Section, mono, rich
from auditapp.reports.numbers import plural


def section(facts: Facts) -> Section:
    """The cover."""
    sides = (facts.first, facts.second)
    alike = _named(sides[0]) == _named(sides[1])
    rows = [Fact(side.letter, rich(_named(side, told=alike))) for side in sides]
    rows.append(Fact("People", rich(_people(facts))))
    for label, value in (
        ("Compared", facts.date), ("By", facts.run.get("people")), ("Report", facts.run.get("id")),
    ):  # fmt: skip
        if value:
            rows.append(Fact(label, rich(str(value))))
    rows.append(Fact("Result hash", (mono(f"sha256 {facts.hash[:12]}…{facts.hash[-4:]}"),)))
    note = (
        "This report states how two audits differ and how sure that is. It is not legal advice. "
        "The full document is attached to the PDF as result.json."
    )
    if facts.simulated:
        note = f"The data are simulated: no real person is described. {note}"
    lines = ("B against A", _how(facts), *(["Simulated data"] if facts.simulated else []))
    return Section("cover", facts.title, (Cover(lines, tuple(rows), note, "Comparison"),))


def _named(side: Side, *, told: bool = False) -> str:
    """Title, system, period and report; told apart by their decisions where titles are alike."""
    bits = [side.title, side.decisions] if told else [side.title]
    if side.system and side.system not in side.title:
        bits.append(side.system)
    if side.period:
        bits.append(side.period)
    if side.id:
        bits.append(side.id)
    return "; ".join(bits)


def _how(facts: Facts) -> str:
    return "The same people decided twice" if facts.paired else "Two audits of different people"


def _people(facts: Facts) -> str:
    if facts.paired:
        return plural(facts.doc["rows"]["both"], "person", "people")
    first, second = facts.first.rows["used"], facts.second.rows["used"]
    return f"{plural(first, 'person', 'people')} in A, {second:,} in B"
