"""What survey weights do to a report: whom rows stand for, and intervals with the design."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Cell, Column, Prose, Table, rich
from auditapp.reports.facts import Facts
from auditapp.reports.language import Lines, Words, gettext_noop
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count, decimal, p_value, percent, plural
from auditapp.reports.tables import share
from auditapp.reports.units import POINTS

Row = dict[str, Any]

KINDS = Words(
    {
        "sdr": gettext_noop("successive differences, variance 4/R times the summed squares"),
        "brr": gettext_noop(
            "balanced repeated replication, variance 1/R times the summed squares"
        ),
        "jackknife": gettext_noop("the jackknife, variance (R − 1)/R times the summed squares"),
        "bootstrap": gettext_noop("the survey's bootstrap, variance 1/R times the summed squares"),
    }
)
FLAGS = {
    "effective-n": gettext_noop("few effective rows"),
    "cv": gettext_noop("standard error above 30% of the rate"),
}
READ = gettext_noop(
    "Effective rows: how many rows of equal weight would say as much, (sum of "
    "weights)² / sum of squared weights. Groups under the floor in rows or in "
    "effective rows are not compared."
)
PRINT_ROWS = 10
ONCE = gettext_noop(
    "Sites, drift, bounds, legitimate factors, sources of a gap and what remedies "
    "say of parts of the people count every row once."
)
METHODS = Lines(
    (
        gettext_noop(
            "Survey weights: rates from sums of weights; comparisons by the same exact "
            "test and intervals on people over the mean design effect of the table (Rao "
            "and Scott, Annals of Statistics 1984), at the weighted rates."
        ),
        gettext_noop(
            "Standard errors: replicate weights, or samples of whole households where "
            "there are none, centred at the estimate (Fay and Train, 1995), and Student's "
            "t."
        ),
    )
)


def weights(facts: Facts) -> Row | None:
    """What the plan says of survey weights."""
    found: Row | None = facts.plan.get("weights")
    return found


def how(facts: Facts) -> str:
    """How variances were made, one sentence."""
    given = weights(facts)
    assert given is not None
    if given["replicates"]:
        many = len(given["replicates"])
        return _("Variances from {many} replicate weights: {kinds}.").format(
            many=many, kinds=KINDS[given["method"]]
        )
    drawn = _("households") if facts.plan.get("unit") else _("rows")
    extra = (
        ""
        if facts.plan.get("unit")
        else _(" Households were not named, so clustering is not seen.")
    )
    return _(
        "No replicate weights were used: {drawn} were drawn anew 500 times. Intervals "
        "are approximate.{extra}"
    ).format(drawn=drawn, extra=extra)


def _source(facts: Facts) -> str:
    """Where standard errors come from, in two words at most."""
    given = weights(facts)
    if given is not None and given["replicates"]:
        return _("replicates")
    return _("drawn households") if facts.plan.get("unit") else _("drawn rows")


def note(facts: Facts) -> Prose:
    """Whether rows count once."""
    given = weights(facts)
    if given is None:
        return Prose(rich(_("No survey weights were given: every row counts once.")), "note")
    text = _(
        "Rates, differences, tests, what is said of scores{facts} are weighted by "
        "{column}. {facts2} Intervals hold what sampling alone leaves open: people who "
        "did not answer, errors of measurement and the choice of model are not in "
        "them. {once}"
    ).format(facts=_weighted_too(facts), column=given["column"], facts2=how(facts), once=ONCE)
    return Prose(rich(text), "note")


def _weighted_too(facts: Facts) -> str:
    """Parts of this report that are weighted beside the named groups."""
    found = [
        (_("the search for groups nobody named"), facts.doc.get("subgroups")),
        (_("the comparison of remedies"), facts.doc.get("tradeoff")),
        (_("models moved between sites"), facts.doc.get("transfer")),
    ]
    named = [words for words, there in found if there]
    return "".join(f", {words}" for words in named[:-1]) + (
        _(" and {named}").format(named=named[-1]) if named else ""
    )


def once(facts: Facts) -> tuple[Prose, ...]:
    """Beside parts of a weighted report that count rows."""
    if weights(facts) is None:
        return ()
    text = _(
        "Results by site, drift, changes and kinds of shift count every row once: "
        "their rates may differ from the weighted ones, and clustered rows make their "
        "intervals too narrow."
    )
    return (Prose(rich(text), "note"),)


def people(facts: Facts) -> list[Table]:
    """Whom the rows of each group stand for, the reading under the last table."""
    made = [found for found in (_people(facts, table) for table in facts.singles) if found]
    return [*made[:-1], *(replace(table, foot=(READ,)) for table in made[-1:])]


def _people(facts: Facts, table: Row) -> Table | None:
    levels = [
        level
        for level in facts.levels(table, "reference", "compared", "below-floor")
        if level.get("survey")
    ]
    if not levels:
        return None
    rows = []
    for level in levels:
        found = level["survey"]
        error = found["people_se"]
        spread = "" if error is None else count(round(error))
        part = "" if found["share"] is None else percent(found["share"], 1)
        rows.append(
            (
                Cell(phrases.label(level["group"])),
                Cell(count(level["n"])),
                Cell(count(round(found["people"]))),
                Cell(spread),
                Cell(part),
                Cell(count(round(found["effective_n"]))),
            )
        )
    title = facts.table_title(table)
    columns = [
        Column(title, "start", 2.2),
        Column(_("Rows")),
        Column(_("Stand for"), share=1.2),
        Column(_("Standard error"), share=1.2),
        Column(_("Share of people"), share=1.2),
        Column(_("Effective rows"), share=1.1),
    ]
    return Table(
        title=_("Whom the rows stand for, by {title}").format(title=phrases.lower_first(title)),
        anchor=f"weights-{facts.anchor(table)}",
        columns=share(columns),
        rows=tuple(rows),
        dense=True,
        print_rows=PRINT_ROWS if len(rows) > PRINT_ROWS else None,
        print_more=_("The other groups are in tables.csv.") if len(rows) > PRINT_ROWS else "",
    )


def intervals(facts: Facts, table: Row, metric: str) -> Table | None:
    """Rates with and without the design, side by side."""
    found = [
        e
        for level in facts.levels(table, "reference", "compared")
        if (e := facts.estimate(metric, level["group"])) and e.get("survey")
    ]
    found = [e for e in found if e["value"] is not None and not e["below_floor"]]
    if not found:
        return None
    rows = []
    for item in found:
        survey = item["survey"]
        t = _("under 140 rows")
        flag = FLAGS.get(survey["flag"] or "", "")
        if survey["t_low"] is not None:
            t = POINTS.values(survey["t_low"], survey["t_high"])
        rows.append(
            (
                Cell(phrases.label(item["group"])),
                Cell(POINTS.value(survey["unweighted"])),
                Cell(POINTS.value(item["value"]), flag, strong=True),
                Cell(POINTS.values(survey["naive_low"], survey["naive_high"])),
                Cell(POINTS.values(item["low"], item["high"])),
                Cell(t),
            )
        )
    name = metric_words.title(metric)
    effect = found[0]["survey"]["design_effect"]
    columns = [
        Column(facts.table_title(table), "start", 2.0),
        Column(_("Every row once"), share=1.2),
        Column(_("Weighted"), share=1.2),
        Column(_("95%, design ignored"), share=1.5),
        Column(_("95%, with the design"), share=1.5),
        Column(_("95%, {facts} and t").format(facts=_source(facts)), share=1.5),
    ]
    return Table(
        title=_("{name} with and without the survey's design").format(name=name),
        anchor=f"design-{facts.anchor(table)}-{metric}",
        columns=share(columns),
        rows=tuple(rows),
        foot=(
            _(
                "Mean design effect {effect}: an interval that ignores the design is too "
                "narrow by a factor of {effect2}. Verdicts use the design."
            ).format(effect=decimal(effect, 2), effect2=decimal(max(effect, 1.0) ** 0.5, 2)),
        ),
        dense=True,
        print_rows=PRINT_ROWS if len(rows) > PRINT_ROWS else None,
        print_more=_("The other groups are in tables.csv.") if len(rows) > PRINT_ROWS else "",
    )


def overall(facts: Facts, by: list[str], metric: str) -> str:
    """The Rao-Scott line of a table, empty where there is none."""
    found = facts.test(by, "rao-scott", metric)
    if found is None or found.get("statistic") is None:
        return ""
    return _("Rao-Scott F {statistic} on {df} and {df_error} of freedom, {p}.").format(
        statistic=decimal(found["statistic"], 1),
        df=decimal(found["df"], 1),
        df_error=plural(round(found["df_error"]), "degree"),
        p=p_value(found["p"]),
    )
