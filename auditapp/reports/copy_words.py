"""What a copy without small cells says of what it leaves out."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Fact, Notice, Prose, Rich, bold, mono, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import Words
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, plural
from auditapp.reports.suppress.redact import LEFT_OUT

Row = dict[str, Any]
MOST_NAMED = 24
PARTS = Words(LEFT_OUT)


def smallest(facts: Facts) -> int:
    """Cells of fewer people are left out; 0 for a whole report."""
    return int((facts.doc.get("suppressed") or {}).get("smallest") or 0)


def cover(facts: Facts) -> list[Fact]:
    """Rows of the cover: that this is a copy, and of what."""
    if not smallest(facts):
        return []
    found = facts.doc["suppressed"]
    text = _("Suppressed copy, cells below {k} people left out").format(k=count(smallest(facts)))
    of = str(found["of"])
    return [
        Fact(_("Copy"), rich(text)),
        Fact(_("Result hash of the report"), (mono(f"sha256 {of[:12]}…{of[-4:]}"),)),
    ]


def notice(facts: Facts) -> list[Block]:
    """What stands at the head of the answer."""
    if not smallest(facts):
        return []
    found = facts.doc["suppressed"]
    text = _(
        "Counts of fewer than {k} people are left out, and every count they could be worked out "
        "from: {groups} and {comparisons} are not shown."
    ).format(
        k=count(smallest(facts)),
        groups=plural(found["groups"], "group"),
        comparisons=plural(found["comparisons"], "comparison"),
    )
    parts = [str(PARTS[name]) for name in found["left_out"]]
    if parts:
        text += " " + _("Parts not in this copy: {parts}.").format(parts="; ".join(parts))
    text += " " + _("A finding may be among what is left out; the whole report has it.")
    return [Notice(rich(bold(_("Suppressed copy. ")), text), "check")]


def identity(facts: Facts) -> list[Fact]:
    """Rows of the reproducibility section."""
    if not smallest(facts):
        return []
    found = facts.doc["suppressed"]
    below = _("cells below {k} people left out").format(k=count(smallest(facts)))
    return [
        Fact(_("Suppressed copy"), rich(below)),
        Fact(_("Result hash of the report"), (mono(str(found["of"])),)),
    ]


def groups(facts: Facts, table: Row) -> list[Prose]:
    """The groups of a table that the copy leaves out, by name."""
    gone = table.get("suppressed") or []
    if not gone:
        return []
    named = [phrases.label(group) for group in gone]
    line = _("Not shown in this copy: ") + "; ".join(named[:MOST_NAMED])
    if len(named) > MOST_NAMED:
        line += _("; and {named} more").format(named=count(len(named) - MOST_NAMED))
    return [Prose(rich(f"{line}."), "note")]


def limit(facts: Facts) -> list[Rich]:
    """What the limits say of the copy."""
    if not smallest(facts):
        return []
    text = _(
        "Verdicts, intervals and their adjustment are those of the whole report. A group or rate "
        "that is missing here may be small itself, or be left out to protect one that is."
    )
    return [rich(bold(_("Suppressed copy. ")), text)]


def left_out(facts: Facts) -> str:
    """How many rows were left out: `12`, or `fewer than 10` where the copy says no more."""
    below = facts.rows.get("left_out_below")
    if below:
        return _("fewer than {k}").format(k=count(below))
    return count(sum(item["n"] for item in facts.rows["left_out"]))


def uploaded(facts: Facts) -> str:
    """How many rows were uploaded, or that the copy does not say."""
    number = facts.rows["uploaded"]
    return str(_("not shown")) if number is None else count(number)


def unknown(table: Row) -> str:
    """How many people have no value for an attribute, or that the copy does not say."""
    number = table.get("unknown", 0)
    return str(_("not shown")) if number is None else count(number or 0)


def shown(number: int | None) -> str:
    """A count, or that the copy leaves it out."""
    return str(_("suppressed")) if number is None else count(number)


def why_no_rate(level: Row) -> str:
    """Why a group has no rate of the recorded outcome."""
    if level.get("base_denominator") is None:
        return str(_("suppressed"))
    return str(_("nobody to count"))
