"""Section 5: every group against its comparator, then where attributes meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import (
    copy_words,
    kind_words,
    metric_words,
    number_tables,
    phrases,
    rate_figures,
    survey_tables,
    tables,
)
from auditapp.reports.blocks import Block, Part, Prose, Rich, Section, Tab, Tabs, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, decimal, p_value, plural, size
from auditapp.reports.sections import classes

METHODS = Words(
    {
        "asymptotic": "",
        "permutation": gettext_noop(" by permutation"),
        "exact": gettext_noop(", exact"),
    }
)


def section(facts: Facts) -> Section:
    if facts.classes:
        parts = [classes.single(facts, table, _lede(facts, table)) for table in facts.singles]
        parts += [
            classes.cross(facts, table, _cross_lede(facts, table)) for table in facts.crosses
        ]
    else:
        parts = [_single(facts, table) for table in facts.singles]
        parts += [_cross(facts, table) for table in facts.crosses]
    tabs = Tabs(_("Attributes"), tuple(Tab(p.title, p.anchor) for p in parts), tuple(parts))
    lede = _("Each rate is counted for each group and compared with a stated comparator. ")
    lede += _("Every comparison carries its interval.")
    lede = kind_words.LEDES.get(facts.kind, lede)
    blocks: tuple[Block, ...] = (tabs,) if parts else ()
    return Section("groups", _("Group results"), blocks, rich(lede))


def _overall(facts: Facts, table: dict[str, Any]) -> list[Prose]:
    """Chi-square and max-min lines. They describe; they decide nothing."""
    out: list[Prose] = []
    for metric in facts.leads:
        name = metric_words.title(metric).lower()
        parts = []
        chi = facts.test(table["by"], "chi-square", metric)
        if chi is not None and chi.get("statistic") is not None:
            how = METHODS.get(chi.get("method") or "", "")
            parts.append(
                _("chi-square {statistic} on {df} of freedom, {p}{how}.").format(
                    statistic=decimal(chi["statistic"], 1),
                    df=plural(chi["df"], "degree"),
                    p=p_value(chi["p"]),
                    how=how,
                )
            )
        survey = survey_tables.overall(facts, table["by"], metric)
        if survey:
            parts.append(survey)
        spread = facts.test(table["by"], "max-min", metric)
        if spread is not None and spread.get("value") is not None:
            parts.append(
                _(
                    "Highest minus lowest rate of the {groups} above the floor {value} points; "
                    "with no disparity at all it would be {null_mean} on average and under "
                    "{null_p95} in 95% of draws."
                ).format(
                    groups=plural(spread["groups"], "group"),
                    value=size(spread["value"], 1),
                    null_mean=size(spread["null_mean"], 1),
                    null_p95=size(spread["null_p95"], 1),
                )
            )
        ratio = facts.test(table["by"], "min-max-ratio", metric)
        if ratio is not None and ratio.get("value") is not None:
            parts.append(
                _(
                    "Lowest divided by highest {value}; with no disparity at all {null_mean} on "
                    "average and above {null_p05} in 95% of draws."
                ).format(
                    value=decimal(ratio["value"]),
                    null_mean=decimal(ratio["null_mean"]),
                    null_p05=decimal(ratio["null_p05"]),
                )
            )
        if parts:
            lead = bold(_("Overall variation in {name}: ").format(name=name))
            text = " ".join([*parts, _("This decides no verdict.")])
            out.append(Prose(rich(lead, text), "note"))
    return out


def _single(facts: Facts, table: dict[str, Any]) -> Part:
    title = facts.table_title(table)
    blocks: list[Block] = []
    figure = rate_figures.rates(facts, table)
    if figure is not None:
        blocks.append(figure)
    compared = facts.levels(table, "reference", "compared")
    if table.get("reference") and len(compared) > 1:
        blocks.append(tables.differences(facts, table))
    else:
        reason = _("Only one group") if len(compared) == 1 else _("No group")
        text = _("{reason} reaches the floor of {floor} people: nothing is compared.").format(
            reason=reason, floor=count(facts.floor)
        )
        blocks.append(Prose(rich(text)))
    for metric in facts.leads:
        design = survey_tables.intervals(facts, table, metric)
        if design is not None:
            blocks.append(design)
    described = number_tables.described(facts, table)
    if described is not None:
        blocks.append(described)
    # Between two groups the highest minus the lowest is the difference in the table.
    blocks += [replace(note, printed=len(compared) > 2) for note in _overall(facts, table)]
    line = tables.below_floor(facts, table)
    if line:
        blocks.append(Prose(rich(line), "note"))
    blocks += copy_words.groups(facts, table)
    return Part(facts.anchor(table), title, tuple(blocks), _lede(facts, table))


def _lede(facts: Facts, table: dict[str, Any]) -> tuple[Any, ...]:
    if not table.get("reference"):
        return ()
    who = facts.people(table["reference"])
    choice = {"largest": _("the largest group"), "chosen": _("the group the auditor chose")}
    why = choice.get(table.get("reference_choice") or "")
    return rich(_("Compared with {who}{maybe}.").format(who=who, maybe=f", {why}" if why else ""))


def _cross(facts: Facts, table: dict[str, Any]) -> Part:
    blocks: list[Block] = []
    compared = facts.levels(table, "compared", "reference")
    for metric in facts.leads:
        figure = rate_figures.intersection_grid(facts, table, metric)
        if figure is not None:
            blocks.append(figure)
    if compared:
        blocks.append(tables.cells(facts, table))
    else:
        text = _("No combination reaches the floor of {floor} people.").format(
            floor=count(facts.floor)
        )
        blocks.append(Prose(rich(text)))
    line = tables.below_floor(facts, table)
    if line:
        blocks.append(Prose(rich(line), "note"))
    blocks += copy_words.groups(facts, table)
    blocks += [replace(note, printed=False) for note in _overall(facts, table)]
    return Part(
        facts.anchor(table),
        _("{table} together").format(table=facts.table_title(table)),
        tuple(blocks),
        _cross_lede(facts, table),
    )


def _cross_lede(facts: Facts, table: dict[str, Any]) -> Rich:
    names = [phrases.lower_first(facts.titles.get(attr, attr)) for attr in table["by"]]
    where = _("where the two meet") if len(names) == 2 else _("where they meet")
    lede = _("A group can look unharmed by {names} and still fare badly {where}. ").format(
        names=_(" and by ").join(names), where=where
    )
    return rich(lede + _("Each cell is compared with everyone else."))
