"""Section 1: what this is, of what, by whom, when."""

from __future__ import annotations

from auditapp.reports import copy_words
from auditapp.reports.blocks import Cover, Fact, Section, mono, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import plural
from auditapp.reports.stamps import run_date, system
from auditapp.reports.standing import note as standing_note
from auditapp.reports.standing import rows as standing_rows
from auditapp.reports.standing import status

__all__ = ["section", "status"]


def section(facts: Facts) -> Section:
    about, run = facts.about, facts.run
    rows = [Fact(_("System"), rich(system(facts)))]
    period = f", {about['period']}" if about.get("period") else ""
    many = facts.rows["uploaded"] or facts.rows["used"]
    source = f"{facts.plan['data']['name']}{period}; {plural(many, 'row')}"
    rows.append(Fact(_("Data"), rich(source)))
    for name, label in (("prepared_for", _("Prepared for")), ("prepared_by", _("Prepared by"))):
        rows += _given(label, about.get(name))
    rows += _given(_("Run"), run_date(facts))
    rows += _given(_("Report"), run.get("id"))
    rows += standing_rows(facts)
    digest = mono(f"sha256 {facts.hash[:12]}…{facts.hash[-4:]}")
    rows.append(Fact(_("Result hash"), (digest,)))
    rows += copy_words.cover(facts)
    note = _(
        "This report states what was measured and how sure it is. It is not legal "
        "advice. The full result document is attached to the PDF as result.json; any "
        "Evenhand installation can verify it against the result hash."
    )
    note = f"{note} {standing_note(facts)}".rstrip()
    if about.get("simulated"):
        note = _("The data are simulated: no real person is described. {note}").format(note=note)
    return Section(
        slug="cover",
        title=facts.title,
        blocks=(Cover(_subtitle(facts), tuple(rows), note, status(facts)),),
    )


def _given(label: str, value: object) -> list[Fact]:
    """A row of the cover, left out where nothing was given."""
    return [Fact(label, rich(str(value)))] if value else []


def _subtitle(facts: Facts) -> tuple[str, ...]:
    about = facts.about
    people = _("for {used}").format(used=plural(facts.rows["used"], "person", "people"))
    if about.get("population"):
        people += f": {about['population']}"
    if about.get("period"):
        people += f", {about['period']}"
    lines = [facts.outcome, people]
    if about.get("simulated"):
        lines.append(_("Simulated data"))
    return tuple(lines)
