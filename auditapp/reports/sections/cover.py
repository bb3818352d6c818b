"""Section 1: what this is, of what, by whom, when."""

from __future__ import annotations

from auditapp.reports.blocks import Cover, Fact, Section, mono, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import plural
from auditapp.reports.stamps import run_date, system

STATUS = {"draft": "Draft", "final": "Final", "superseded": "Superseded"}


def section(facts: Facts) -> Section:
    about, run = facts.about, facts.run
    rows = [Fact("System", rich(system(facts)))]
    period = f", {about['period']}" if about.get("period") else ""
    source = f"{facts.plan['data']['name']}{period}; {plural(facts.rows['uploaded'], 'row')}"
    rows.append(Fact("Data", rich(source)))
    for name, label in (("prepared_for", "Prepared for"), ("prepared_by", "Prepared by")):
        rows += _given(label, about.get(name))
    rows += _given("Run", run_date(facts))
    rows += _given("Report", run.get("id"))
    digest = mono(f"sha256 {facts.hash[:12]}…{facts.hash[-4:]}")
    rows.append(Fact("Result hash", (digest,)))
    note = (
        "This report states what was measured and how sure it is. It is not legal advice. "
        "The full result document is attached to the PDF as result.json; any Evenhand "
        "installation can verify it against the result hash."
    )
    if about.get("simulated"):
        note = f"The data are simulated: no real person is described. {note}"
    return Section(
        slug="cover",
        title=facts.title,
        blocks=(Cover(_subtitle(facts), tuple(rows), note, status(facts)),),
    )


def status(facts: Facts) -> str:
    """Draft, final or superseded, as a word."""
    value = str(facts.run.get("status") or "draft")
    return STATUS.get(value, value.capitalize())


def _given(label: str, value: object) -> list[Fact]:
    """A row of the cover, left out where nothing was given."""
    return [Fact(label, rich(str(value)))] if value else []


def _subtitle(facts: Facts) -> tuple[str, ...]:
    about = facts.about
    people = f"for {plural(facts.rows['used'], 'person', 'people')}"
    if about.get("population"):
        people += f": {about['population']}"
    if about.get("period"):
        people += f", {about['period']}"
    lines = [facts.outcome, people]
    if about.get("simulated"):
        lines.append("Simulated data")
    return tuple(lines)
