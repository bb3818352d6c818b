"""Section 3: what was examined, for whom, against what, and what was not."""

from __future__ import annotations

from typing import Any

from auditapp.reports import class_words, kind_words, metric_words, phrases, tables
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Fact,
    FactList,
    Section,
    Table,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.language import Words, gettext_noop, punctuated
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import comparisons, count, given, listing, plural, upper_first
from auditapp.reports.stamps import system
from auditapp.reports.words import CHOICES, reason

MAX_NAMES = 12
GOALS = Words(
    {
        "selection-rate": gettext_noop("Do groups get the favourable decision equally often?"),
        "tpr": gettext_noop(
            "Are people with the favourable recorded outcome recognised equally often?"
        ),
        "equalized-odds": gettext_noop("Are both kinds of error equally frequent in every group?"),
        "precision": gettext_noop("Does a favourable decision mean the same in every group?"),
        "accuracy": gettext_noop("Are decisions right equally often in every group?"),
    }
)
NOT_EXAMINED = Words(
    {
        "subgroups": gettext_noop(
            "Groups nobody named: no search was made outside the columns above."
        ),
        "pid": gettext_noop(
            "Where a gap comes from: it needs a column of sites, such as branches or states."
        ),
        "bounds": gettext_noop(
            "How far the decisions are from the best possible: it needs a recorded outcome."
        ),
        "strata": gettext_noop("Legitimate factors: no column was named to hold equal."),
        "references": gettext_noop("Other deciders: no reference decisions were given."),
        "numerics": gettext_noop(
            "Number formats: whether another precision would decide otherwise."
        ),
        "methods": gettext_noop(
            "Remedies and their cost: no other setting of the system was tried."
        ),
        "shift": gettext_noop("Other places and periods: results hold for this file only."),
        "change": gettext_noop("Change over time: there is no earlier audit to compare with."),
    }
)


def section(facts: Facts) -> Section:
    names = listing([phrases.lower_first(facts.table_title(t)) for t in facts.singles])
    met = _(", and where these meet") if facts.crosses else ""
    lede = _("{outcome}, compared between groups by {names}{met}.").format(
        outcome=facts.outcome, names=names, met=met
    )
    blocks: list[Block] = [
        _facts(facts),
        _groups(facts),
        _metrics(facts),
        Bullets(_outside(facts), _("Not examined"), columns=2),
    ]
    return Section("examined", _("What was examined"), tuple(blocks), rich(lede))


def _facts(facts: Facts) -> FactList:
    about, plan = facts.about, facts.plan
    rows = [Fact(_("System"), rich(system(facts)))]
    for key, label in (
        ("purpose", _("Purpose")),
        ("population", _("Population")),
        ("period", _("Period")),
    ):
        rows.append(Fact(label, rich(upper_first(str(about.get(key) or _("Not given"))))))
    decided = [(_("Favourable decision"), facts.outcome), (_("Decision"), _decision(plan))]
    if kind_words.special(facts):
        decided = kind_words.decided(facts)
    elif facts.classes:
        decided = class_words.decided(facts)
    rows += [Fact(label, rich(text)) for label, text in decided]
    outcome = plan.get("label")
    none = _("Not given: metrics that need one are not applicable")
    text = _column(outcome) if outcome else kind_words.UNLABELLED.get(facts.kind, none)
    rows.append(Fact(kind_words.LABELS.get(facts.kind, kind_words.LABEL), rich(text)))
    rows += _beside(plan)
    goals = class_words.GOALS if facts.classes else {**GOALS, **kind_words.GOALS}
    goal = goals.get(plan.get("goal", ""), str(plan.get("goal", "")))
    rows.append(Fact(_("Question asked"), rich(goal)))
    rows.append(
        Fact(
            _("Limit"),
            rich(
                _("{limit_words}, set by the auditor").format(
                    limit_words=upper_first(facts.limit_words)
                )
            ),
        )
    )
    behind = _(" and {value} behind a rate").format(value=plan.get("denominator_floor", 10))
    behind = "" if facts.kind == "regression" else behind
    floor = _("{floor} people in a group{behind}; smaller ones are listed, not compared").format(
        floor=count(facts.floor), behind=behind
    )
    rows.append(Fact(_("Floor"), rich(floor)))
    return FactList(tuple(rows), print_columns=2)


def _beside(plan: dict[str, Any]) -> list[Fact]:
    """Columns that neither decide nor group people, but are looked at beside them."""
    rows = []
    for key, label in (("site", _("Sites")), ("control", _("Legitimate factor"))):
        if plan.get(key):
            rows.append(Fact(label, rich(_("Column {column}").format(column=plan[key]["column"]))))
    if plan.get("target"):
        rows.append(Fact(_("Target site"), rich(str(plan["target"]))))
    if plan.get("gold"):
        rows.append(Fact(_("Gold labels"), rich(_column(plan["gold"]))))
    if plan.get("references"):
        names = listing(plan["references"]["columns"], 6)
        many = len(plan["references"]["columns"]) > 1
        rows.append(
            Fact(
                _("Reference decisions"),
                rich((_("Columns {names}") if many else _("Column {names}")).format(names=names)),
            )
        )
    return rows


def _column(spec: dict[str, Any]) -> str:
    if not spec["favourable"]:
        return _("Column {column}").format(column=spec["column"])
    values = listing([f"“{v}”" for v in spec["favourable"]], 6)
    return _("Column {column}; favourable: {values}").format(column=spec["column"], values=values)


def _decision(plan: dict[str, Any]) -> str:
    if plan.get("decision"):
        return _column(plan["decision"])
    uploaded = dict.fromkeys(("onnx", "skops", "network"), _("Uploaded model"))
    source = {"train": _("Reference model"), **uploaded}
    score = plan.get("score") or {}
    name = source.get((plan.get("model") or {}).get("kind", ""), "")
    name = name or (
        _("Score in column {column}").format(column=score["column"])
        if score.get("column")
        else _("Score")
    )
    at = _("at least") if score.get("favourable", True) else _("below")
    return _("{name}: favourable when the score is {at} {value}").format(
        name=name, at=at, value=given(plan.get("threshold", 0.5))
    )


def _groups(facts: Facts) -> Table:
    columns = [
        Column(_("Attribute"), "start", 1.5),
        Column(_("Column"), "start", 1.3),
        Column(_("Groups"), "start", 3.0),
        Column(_("Compared with"), "start", 1.8),
    ]
    rows = []
    for table in facts.tables:
        present = facts.levels(table, "reference", "compared", "below-floor")
        if len(table["by"]) == 1:
            names = _names([phrases.label(v["group"]) for v in present])
            other = _comparator(facts, table)
        else:
            names = plural(len(present), "combination")
            other = _("everyone else")
        rows.append(
            (
                Cell(facts.table_title(table)),
                Cell(", ".join(table["by"]), mono=True),
                Cell(names),
                Cell(other),
            )
        )
    return Table(
        title=_("Groups"),
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            _(
                "Where an attribute has three groups or more, the reference group is itself "
                "compared with everyone else."
            ),
        ),
    )


def _names(groups: list[str]) -> str:
    """Group names may hold commas, so they are parted by semicolons."""
    more = len(groups) - MAX_NAMES
    return "; ".join(groups[:MAX_NAMES]) + (
        _("; and {more} more").format(more=count(more)) if more > 0 else ""
    )


def _comparator(facts: Facts, table: dict[str, Any]) -> str:
    reference = table.get("reference")
    if not reference:
        return _("nothing: no group reaches the floor")
    choice = CHOICES.get(table.get("reference_choice") or "", "")
    name = phrases.label(reference)
    return f"{name} ({choice})" if choice else name


def _metrics(facts: Facts) -> Table:
    columns = [
        Column(_("Metric"), "start", 1.6),
        Column(_("What it asks"), "start", 4.0),
        Column(_("Role"), "start", 1.6),
    ]
    rows = class_words.metric_rows(facts) if facts.classes else _metric_rows(facts)
    family = facts.doc.get("family") or {}
    foot = []
    if family.get("k"):
        foot.append(
            _(
                "{k} in one family: {k_primary} primary, {k_secondary} secondary, level {alpha}."
            ).format(
                k=comparisons(family["k"]),
                k_primary=count(family["k_primary"]),
                k_secondary=count(family["k_secondary"]),
                alpha=punctuated(f"{family['alpha']:g}"),
            )
        )
    return Table(
        title=_("Metrics"), columns=tables.share(columns), rows=tuple(rows), foot=tuple(foot)
    )


def _metric_rows(facts: Facts) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for metric in facts.metrics:
        role = _("Primary") if metric in facts.primary else _("Secondary")
        words = metric_words.words(metric)
        asks = words.asks.replace("{k}", facts.first_k)
        rows.append((Cell(words.title), Cell(asks), Cell(role)))
    for metric in facts.not_applicable:
        words = metric_words.words(metric)
        asks = words.asks.replace("{k}", facts.first_k)
        why = facts.why_not(metric)
        role = _("Not applicable: {why}").format(why=reason(why)) if why else _("Not applicable")
        rows.append((Cell(words.title), Cell(asks), Cell(role, soft=True)))
    return rows


def _outside(facts: Facts) -> tuple[Any, ...]:
    gone = (facts.doc.get("suppressed") or {}).get("left_out") or ()
    absent = {k: text for k, text in NOT_EXAMINED.items() if not facts.doc.get(k)}
    items = [rich(text) for k, text in absent.items() if k not in gone]
    if facts.classes:
        items = [rich(class_words.NOT_SEARCHED), rich(NOT_EXAMINED["methods"])]
    left = [name for name in facts.plan.get("skip") or () if name in NOT_EXAMINED]
    if kind_words.special(facts):
        items = [rich(kind_words.NOT_SEARCHED[facts.kind]), rich(NOT_EXAMINED["methods"])]
    if left and not facts.classes and not kind_words.special(facts):
        names = listing([phrases.lower_first(NOT_EXAMINED[name].split(":")[0]) for name in left])
        items.append(rich(_("Switched off for this audit: {names}.").format(names=names)))
    items.append(rich(_("Whether any decision was lawful, and how people experienced it.")))
    if not facts.plan.get("label"):
        items.append(rich(_("Whether decisions were right: no recorded outcome was given.")))
    items.append(rich(_("Attributes that are not in the file or were not chosen.")))
    return tuple(items)
