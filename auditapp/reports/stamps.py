"""Names and dates that more than one section prints."""

from __future__ import annotations

from datetime import UTC, datetime

from auditapp.reports.facts import Facts
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import upper_first

MONTHS = (
    gettext_noop("January"), gettext_noop("February"), gettext_noop("March"),
    gettext_noop("April"), gettext_noop("May"), gettext_noop("June"), gettext_noop("July"),
    gettext_noop("August"), gettext_noop("September"), gettext_noop("October"),
    gettext_noop("November"), gettext_noop("December"),
)  # fmt: skip
TRAINED = gettext_noop("trained for this audit")
SOURCES = Words(
    {
        "logistic": gettext_noop("reference logistic regression, trained for this audit"),
        "linear": gettext_noop("reference ridge regression, trained for this audit"),
        "boosting": gettext_noop("reference gradient boosting, trained for this audit"),
    }
)
KINDS = Words(
    {
        "onnx": gettext_noop("ONNX model"),
        "skops": gettext_noop("scikit-learn model"),
        "network": "network",
    }
)


def moment(facts: Facts) -> datetime | None:
    """The run date of the document, never the clock."""
    return _parsed(str(facts.run.get("date") or ""))


def _parsed(text: str) -> datetime | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def run_date(facts: Facts) -> str:
    return date_words(str(facts.run.get("date") or ""))


def date_words(text: str) -> str:
    """A stored date as people write it; one that is none stays as it is."""
    when = _parsed(text)
    if when is None:
        return text
    month = _(MONTHS[when.month - 1])
    return _("{day} {month} {year}, {time} UTC").format(
        day=when.day, month=month, year=when.year, time=f"{when:%H:%M}"
    )


def system(facts: Facts) -> str:
    """The audited system with its version and where its decisions come from."""
    about = facts.about
    name = str(about.get("system") or "").strip()
    version = str(about.get("version") or "").strip()
    if not name:
        return upper_first(decisions(facts))
    bits = [name]
    if version:
        bits.append(
            version
            if version.lower().startswith("version")
            else _("version {version}").format(version=version)
        )
    return f"{', '.join(bits)} ({decisions(facts)})"


def decisions(facts: Facts) -> str:
    """Where the decisions come from, in words."""
    plan = facts.plan
    model = plan.get("model") or {}
    kind = model.get("kind", "columns")
    if kind == "train":
        return SOURCES.get(model.get("estimator") or "logistic", TRAINED)
    if kind in KINDS:
        return f"{KINDS[kind]} {model.get('name', '')}".strip()
    if plan.get("decision"):
        return _("decisions in column {column}").format(column=plan["decision"]["column"])
    if plan.get("score"):
        what = _("predictions") if facts.kind == "regression" else _("scores")
        return _("{what} in column {column}").format(what=what, column=plan["score"]["column"])
    return _("decisions in the data")
