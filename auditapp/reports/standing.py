"""How far people stand behind a report, and who signed it, in words."""

from __future__ import annotations

from auditapp.reports.blocks import Fact, Prose, mono, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.stamps import date_words

STATUS = Words(
    {
        "draft": gettext_noop("Draft"),
        "final": gettext_noop("Final"),
        "superseded": gettext_noop("Superseded"),
    }
)


def status(facts: Facts) -> str:
    """Draft, final, or superseded and by what."""
    value = str(facts.run.get("status") or "draft")
    later = str(facts.run.get("superseded_by") or "")
    if value == "superseded" and later:
        return _("Superseded by {report}").format(report=later)
    return STATUS.get(value, value.capitalize())


def rows(facts: Facts) -> list[Fact]:
    """Who made the report final and when, and what took its place."""
    run = facts.run
    found = []
    if run.get("final_date"):
        text = date_words(str(run["final_date"]))
        if run.get("final_by"):
            text = _("{date}, by {name}").format(date=text, name=run["final_by"])
        found.append(Fact(_("Made final"), rich(text)))
    if run.get("superseded_by") and run.get("status_date"):
        text = _("{date}, by report {report}").format(
            date=date_words(str(run["status_date"])), report=run["superseded_by"]
        )
        found.append(Fact(_("Superseded"), rich(text)))
    return found


def note(facts: Facts) -> str:
    """A sentence for the cover; empty where nothing is signed."""
    if not facts.run.get("signed_with"):
        return ""
    return _(
        "It is signed: the page Verify of the installation that wrote it says whether this copy "
        "is genuine and still in force."
    )


def identity(facts: Facts) -> list[Fact]:
    """Rows of the reproducibility section."""
    found = [Fact(_("Status"), rich(status(facts))), *rows(facts)]
    if facts.run.get("signed_with"):
        found.append(Fact(_("Signed with the key"), (mono(str(facts.run["signed_with"])),)))
    return found


def how(facts: Facts) -> Prose:
    """How to check the hash and the signature."""
    first = _("The same inputs and version give the same result hash. ")
    if facts.run.get("signed_with"):
        text = rich(
            first,
            mono("python manage.py verify report.pdf --key evenhand-key.pem"),
            _(
                " recomputes it from the attached file and checks the signature. The page Verify "
                "of the installation hands out the key, and says whether a later report took the "
                "place of this one."
            ),
        )
    else:
        text = rich(
            first,
            mono("python manage.py verify result.json"),
            _(" recomputes it from the attached file."),
        )
    return Prose(text, "note")
