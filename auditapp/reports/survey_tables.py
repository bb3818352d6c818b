"""What survey weights do to a report: whom rows stand for, and intervals with the design."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Cell, Column, Prose, Table, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, decimal, p_value, percent, plural
from auditapp.reports.tables import share
from auditapp.reports.units import POINTS

Row = dict[str, Any]

KINDS = {
    "sdr": "successive differences, variance 4/R times the summed squares",
    "brr": "balanced repeated replication, variance 1/R times the summed squares",
    "jackknife": "the jackknife, variance (R − 1)/R times the summed squares",
    "bootstrap": "the survey's bootstrap, variance 1/R times the summed squares",
}
FLAGS = {
    "effective-n": "few effective rows",
    "cv": "standard error above 30% of the rate",
}
READ = (
    "Effective rows: how many rows of equal weight would say as much, (sum of weights)² / sum of "
    "squared weights. Groups under the floor in rows or in effective rows are not compared."
)
PRINT_ROWS = 10
ONCE = (
    "Sites, drift, bounds, legitimate factors, sources of a gap and what remedies say of parts "
    "of the people count every row once."
)
METHODS = (
    "Survey weights: rates from sums of weights; comparisons by the same exact test and "
    "intervals on people over the mean design effect of the table (Rao and Scott, Annals of "
    "Statistics 1984), at the weighted rates.",
    "Standard errors: replicate weights, or samples of whole households where there are none, "
    "centred at the estimate (Fay and Train, 1995), and Student's t.",
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
        return f"Variances from {many} replicate weights: {KINDS[given['method']]}."
    drawn = "households" if facts.plan.get("unit") else "rows"
    extra = (
        "" if facts.plan.get("unit") else " Households were not named, so clustering is not seen."
    )
    return (
        f"No replicate weights were used: {drawn} were drawn anew 500 times. Intervals are "
        f"approximate.{extra}"
    )


def _source(facts: Facts) -> str:
    """Where standard errors come from, in two words at most."""
    given = weights(facts)
    if given is not None and given["replicates"]:
        return "replicates"
    return "drawn households" if facts.plan.get("unit") else "drawn rows"


def note(facts: Facts) -> Prose:
    """Whether rows count once."""
    given = weights(facts)
    if given is None:
        return Prose(rich("No survey weights were given: every row counts once."), "note")
    text = (
        f"Rates, differences, tests, what is said of scores{_weighted_too(facts)} are weighted by "
        f"{given['column']}. {how(facts)} Intervals hold what sampling alone leaves open: people "
        "who did not answer, errors of measurement and the choice of model are not in them. "
        f"{ONCE}"
    )
    return Prose(rich(text), "note")


def _weighted_too(facts: Facts) -> str:
    """Parts of this report that are weighted beside the named groups."""
    found = [
        ("the search for groups nobody named", facts.doc.get("subgroups")),
        ("the comparison of remedies", facts.doc.get("tradeoff")),
        ("models moved between sites", facts.doc.get("transfer")),
    ]
    named = [words for words, there in found if there]
    return "".join(f", {words}" for words in named[:-1]) + (f" and {named[-1]}" if named else "")


def once(facts: Facts) -> tuple[Prose, ...]:
    """Beside parts of a weighted report that count rows."""
    if weights(facts) is None:
        return ()
    text = (
        "Results by site, drift, changes and kinds of shift count every row once: their rates "
        "may differ from the weighted ones, and clustered rows make their intervals too narrow."
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
        Column("Rows"),
        Column("Stand for", share=1.2),
        Column("Standard error", share=1.2),
        Column("Share of people", share=1.2),
        Column("Effective rows", share=1.1),
    ]
    return Table(
        title=f"Whom the rows stand for, by {phrases.lower_first(title)}",
        anchor=f"weights-{facts.anchor(table)}",
        columns=share(columns),
        rows=tuple(rows),
        dense=True,
        print_rows=PRINT_ROWS if len(rows) > PRINT_ROWS else None,
        print_more="The other groups are in tables.csv." if len(rows) > PRINT_ROWS else "",
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
        t = "under 140 rows"
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
        Column("Every row once", share=1.2),
        Column("Weighted", share=1.2),
        Column("95%, design ignored", share=1.5),
        Column("95%, with the design", share=1.5),
        Column(f"95%, {_source(facts)} and t", share=1.5),
    ]
    return Table(
        title=f"{name} with and without the survey's design",
        anchor=f"design-{facts.anchor(table)}-{metric}",
        columns=share(columns),
        rows=tuple(rows),
        foot=(
            f"Mean design effect {decimal(effect, 2)}: an interval that ignores the design is "
            f"too narrow by a factor of {decimal(max(effect, 1.0) ** 0.5, 2)}. Verdicts use the "
            "design.",
        ),
        dense=True,
        print_rows=PRINT_ROWS if len(rows) > PRINT_ROWS else None,
        print_more="The other groups are in tables.csv." if len(rows) > PRINT_ROWS else "",
    )


def overall(facts: Facts, by: list[str], metric: str) -> str:
    """The Rao-Scott line of a table, empty where there is none."""
    found = facts.test(by, "rao-scott", metric)
    if found is None or found.get("statistic") is None:
        return ""
    return (
        f"Rao-Scott F {decimal(found['statistic'], 1)} on {decimal(found['df'], 1)} and "
        f"{plural(round(found['df_error']), 'degree')} of freedom, {p_value(found['p'])}."
    )
