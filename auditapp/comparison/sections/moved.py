"""Who is decided otherwise: the people whose decision B changes."""

from __future__ import annotations

from auditapp.comparison import figures
from auditapp.comparison.facts import Facts
from auditapp.reports.blocks import Block, Prose, Run, Section, bold, rich
from auditapp.reports.numbers import count, percent, percent_span


def section(facts: Facts) -> Section | None:
    """None where the people are not the same."""
    if not facts.moved or facts.moved[0]["share"] is None:
        return None
    row = facts.moved[0]
    changed = row["to_no"] + row["to_yes"] + row["other"]
    text: list[str | Run] = [
        bold(f"B decides otherwise about {count(changed)} of {count(row['n'])} people"),
        f" ({percent(row['share'], 1)}, 95% {percent_span(row['share_low'], row['share_high'])}): "
        f"{count(row['to_no'])} get a no instead of a yes, {count(row['to_yes'])} a yes instead of"
        " a no.",
    ]
    if row["other"]:
        text.append(f" {count(row['other'])} more are sent to a person, or no longer.")
    blocks: list[Block] = [Prose(rich(*text))]
    for table in facts.singles:
        if any(r["by"] == table["by"] and r["n"] >= facts.floor for r in facts.moved):
            blocks.append(figures.moved(facts, table, anchor=f"moved-{facts.anchor(table)}"))
    return Section("moved", "Who is decided otherwise", tuple(blocks))
