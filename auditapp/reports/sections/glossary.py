"""Section 14: the words of the report and how to read its charts."""

from __future__ import annotations

from auditapp.reports import (
    bound_figures,
    class_words,
    kind_words,
    source_words,
    survey_tables,
    trained_words,
)
from auditapp.reports.blocks import Fact, FactList, Figure, Section, rich, walk
from auditapp.reports.facts import Facts
from auditapp.reports.language import ENGLISH, Rows, gettext_noop, speaking
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import count
from auditapp.reports.sections import tradeoffs
from auditapp.reports.tradeoff_facts import tradeoff

CHARTS = Rows(
    {
        "gap-strip": (
            gettext_noop("Gap strip"),
            gettext_noop(
                "Each mark is a group's difference to the reference. A triangle marks a "
                "difference: its thin bar leaves out the zero line. A thick bar inside the "
                "band rules out a gap of your limit."
            ),
        ),
        "group-sizes": (
            gettext_noop("Group sizes"),
            gettext_noop(
                "The longer the bar, the more people; hatched bars are too small to be "
                "compared. The scale may grow in steps of ten; it says so."
            ),
        ),
        "rates": (
            gettext_noop("Rates by group"),
            gettext_noop(
                "Each mark is a group's rate, its bar the 95% interval; the dashed line is "
                "everyone."
            ),
        ),
        "intersection-grid": (
            gettext_noop("Intersection grid"),
            gettext_noop(
                "Each cell is one combination: the signed number says how far it lies from the "
                "overall rate, the small number how many people it holds."
            ),
        ),
        "threshold-sweep": (
            gettext_noop("Threshold sweep"),
            gettext_noop(
                "Follow a line to see how many of a group would be chosen at another "
                "threshold; where lines cross, the order of groups changes."
            ),
        ),
        "calibration": (
            gettext_noop("Calibration"),
            gettext_noop(
                "On the diagonal a score of 30% means three in ten; above it the score is too "
                "low, below it too high."
            ),
        ),
        "hidden-gaps": (
            gettext_noop("Groups nobody named"),
            gettext_noop(
                "Each triangle is a gap that a search names and that chance does not explain; "
                "the shaded bar is what the same search names in shuffled decisions, the "
                "diamond the gap of the same two groups outside the part."
            ),
        ),
        "held-equal": (
            gettext_noop("Factor held equal"),
            gettext_noop(
                "A diamond is the difference among all people, a circle the same difference "
                "among people who are alike in the factor. On opposite sides of zero, whole "
                "and parts disagree."
            ),
        ),
        "ratio-strip": (
            gettext_noop("Ratios of rates"),
            gettext_noop(
                "The diamond at 1 is the rate the others are held against, each circle a "
                "group's rate over it, its bar the 95% interval; dotted lines are the marks of "
                "the rule. A hatched square is a group too small to be held against."
            ),
        ),
        "shift-panel": (
            gettext_noop("Sites side by side"),
            gettext_noop(
                "Each mark is the same gap at one site; the dashed line is all sites together. "
                "A triangle marks a site whose gap differs from that of the others; its thin "
                "bar is adjusted for all sites."
            ),
        ),
        "history": (
            gettext_noop("History"),
            gettext_noop(
                "Follow a line from audit to audit, its shade is the 95% interval. A triangle "
                "marks a change that a test against the audit before supports; the band is "
                "your limit."
            ),
        ),
        "gap-parts": (
            gettext_noop("Parts of a gap"),
            gettext_noop(
                "The longer a bar, the more decisions tell about the group. Solid: it stays "
                "within sites; dotted: the sites tell it too; striped: only sites taken apart "
                "show it. The line is the interval of the whole bar."
            ),
        ),
        "bound-curve": (
            gettext_noop("Attainable accuracy"),
            gettext_noop(
                "A curve is the best accuracy with gaps up to the value below it; no such rule "
                "lies in the hatched part. The ring marks the audited decisions."
            ),
        ),
        "frontier": (
            gettext_noop("Trade-offs"),
            gettext_noop(
                "Left is less disparity, up is more accuracy; each point is one setting with "
                "bars both ways, the ring is now, the diamond what is recommended. The step is "
                "the best accuracy measured at that gap or less; nothing lies in the hatched "
                "part."
            ),
        ),
        "people-changed": (
            gettext_noop("Who is affected"),
            gettext_noop(
                "Bars to the right are people who would get the favourable decision, bars to "
                "the left people who would lose it, in 1,000 of the group."
            ),
        ),
        "abstention": (
            gettext_noop("Sent to a person"),
            gettext_noop(
                "Follow a line to see how accurate decisions about a group stay as more cases "
                "go to a person; below its dashes the group would be worse off than now."
            ),
        ),
        "move-profile": (
            gettext_noop("Move profile"),
            gettext_noop(
                "From the open to the filled dot: how the share of people with a value would "
                "move. The diamond is the reference group."
            ),
        ),
        "score-histogram": (
            gettext_noop("Score distribution"),
            gettext_noop(
                "Bars show where a group's scores lie; filled bars get the favourable decision."
            ),
        ),
    }
)


TRADEOFFS = frozenset({"frontier", "people-changed", "abstention", "move-profile"})


def section(facts: Facts) -> Section:
    test = _("Exact test") if facts.kind in ("binary", "multiclass") else _("Test")
    terms = [
        (
            _("Difference found"),
            _(
                "{test} and 95% interval, both adjusted for all comparisons of the report, "
                "leave out zero (if only one of them does, which is rare, it is not called a "
                "difference). Above, near or below the limit says how large the gap must be."
            ).format(test=test),
        ),
        (
            _("No difference found"),
            _(
                "A gap of the limit or more is ruled out: the 90% interval lies inside "
                "{limit_words} on both sides, a test at 5%."
            ).format(limit_words=facts.limit_words),
        ),
        (_("Not enough data"), _("Neither of the two. A gap may or may not exist.")),
        (
            _("Point"),
            _(
                "One percentage point. From 20% to 25% is 5 points. Differences are taken "
                "before rounding, so they can be one off the rounded rates."
            ),
        ),
        *(kind_words.terms(facts) if kind_words.special(facts) else ()),
        *(class_words.terms(facts) if facts.classes else ()),
        (
            _("Very likely"),
            _(
                "A 95% interval: of intervals made this way, 95% hold the true value. Thin "
                "bars hold all true values of the report at once in 95% of reports."
            ),
        ),
        (
            _("Limit"),
            _("The gap the auditor treats as too large, here {limit_words}.").format(
                limit_words=facts.limit_words
            ),
        ),
        (
            _("Floor"),
            _("Groups under {floor} people are listed, not compared.").format(
                floor=count(facts.floor)
            ),
        ),
        (_("Reference"), _("The group others are compared with. It is not a norm.")),
        (
            _("Everyone else"),
            _("All people of the same table outside the group; unknown ones are not among them."),
        ),
        (
            _("Steadied estimate"),
            _(
                "An estimate that borrows from similar groups. It orders and colours the grid "
                "and decides nothing."
            ),
        ),
        (_("Result hash"), _("A fingerprint of the inputs, settings and numbers of this report.")),
    ]
    unsaid = {_("Point")} if facts.kind == "regression" else set()
    unsaid |= {_("Steadied estimate")} if kind_words.special(facts) else set()
    terms = [term for term in terms if term[0] not in unsaid]
    if survey_tables.weights(facts) is not None:
        terms += [
            (_("Survey weight"), _("How many people a row stands for.")),
            (
                _("Replicate weights"),
                _(
                    "Further sets of weights. How an estimate moves from set to set tells its "
                    "variance. Where the survey gave none, households or rows are drawn anew."
                ),
            ),
            (
                _("Design effect"),
                _(
                    "Variance of a rate in this survey over that in as many independent rows. At "
                    "2, intervals are 1.4 times as wide."
                ),
            ),
            (_("Effective rows"), _("Rows of equal weight that would say as much.")),
        ]
    if facts.not_applicable:
        terms.append((_("Not applicable"), _("The metric needs something the data do not have.")))
    if _has(facts, "hidden-gaps"):
        terms += [
            (
                _("Part"),
                _(
                    "People who share values of one to three columns, found by a search. Nobody "
                    "named it beforehand."
                ),
            ),
            (
                _("Shuffled decisions"),
                _(
                    "The same decisions dealt anew among the people of each part. What a search "
                    "names then, it names by chance."
                ),
            ),
        ]
    if _has(facts, "held-equal"):
        terms += [
            (
                _("Held equal"),
                _(
                    "Compared among people who are alike in the named factor and pooled over its "
                    "values. It does not say whether the factor is a legitimate one."
                ),
            ),
            (
                _("Odds ratio"),
                _("Odds of one group divided by those of the other; 1 where both are alike."),
            ),
        ]
    if (facts.doc.get("levels") or {}).get("scores"):
        terms.append(
            (
                _("At equal scores"),
                _("Among people whose scores are the same, pooled over the scores."),
            ),
        )
    if _has(facts, "gap-parts"):
        terms += [
            (
                _("Bit"),
                _(
                    "The information in one fair yes or no. Decisions tell 0 bits about a group "
                    "where all groups are decided alike; reports print thousandths."
                ),
            ),
            (
                _("Unique, redundant, masked"),
                _(
                    "Parts of what decisions tell about the group: what stays within sites, what "
                    "the sites tell as well, and what shows only once sites are taken apart."
                ),
            ),
        ]
    if _has(facts, "bound-curve"):
        text = _(
            "Accuracy that a rule could gain without more disparity than the audited "
            "decisions have. No system need be able to gain it."
        )
        terms.append((_("Headroom"), text))
    if tradeoff(facts) is not None:
        terms += [
            (
                _("Setting"),
                _(
                    "One way to apply a remedy, such as a limit on the gap. Each is measured "
                    "beside the audited decisions on the same people."
                ),
            ),
            (
                _("Validation rows, held-out rows"),
                _(
                    "Rows by which settings are chosen, and rows that no remedy saw, on which "
                    "they "
                    "are measured."
                ),
            ),
            (_("No measurable effect"), _("The 95% interval of the change holds 0.")),
        ]
    terms += trained_words.terms(facts)
    if (facts.doc.get("numerics") or {}).get("runs"):
        terms += [
            (
                _("FP32, FP16, BF16, INT8"),
                _(
                    "Number formats of 32, 16, 16 and 8 bits. Fewer bits are faster and coarser; "
                    "BF16 has the range of FP32 and fewer digits than FP16."
                ),
            ),
            (
                _("Net change"),
                _(
                    "People who gain the favourable decision in another run less those who lose "
                    "it, as a share."
                ),
            ),
        ]
    if _has(facts, "history") or _has(facts, "shift-panel"):
        terms += [
            (
                _("Drift"),
                _(
                    "People, recorded outcomes or decisions are distributed otherwise than in the "
                    "audit before, by a test."
                ),
            ),
            (_("Site"), _("A place, a year or a client: rows that were collected together.")),
        ]
    shown = [name for name in CHARTS if _has(facts, name)]
    blocks = (
        FactList(tuple(Fact(term, rich(text)) for term, text in terms), columns=2),
        FactList(
            tuple(Fact(CHARTS[name][0], rich(CHARTS[name][1])) for name in shown),
            _("How to read the charts"),
            columns=2,
        ),
    )
    return Section("glossary", _("Glossary"), blocks, compact=True)


def _compared(facts: Facts, key: str, part: str) -> bool:
    found = facts.doc.get(key)
    return isinstance(found, dict) and bool(found.get(part))


def _tried(facts: Facts, chart: str) -> bool:
    """Whether the chapter on trade-offs draws this chart."""
    with speaking(ENGLISH):
        made = tradeoffs.section(facts)
    figures = [b for b in walk(made.blocks) if isinstance(b, Figure)] if made else []
    return any(figure.chart["kind"] == chart for figure in figures)


def _has(facts: Facts, chart: str) -> bool:
    if chart == "held-equal":
        return bool((facts.doc.get("strata") or {}).get("comparisons"))
    if chart in TRADEOFFS:
        return _tried(facts, chart)
    if chart == "hidden-gaps":
        found = facts.doc.get("subgroups")
        return isinstance(found, list) and bool(found)
    if chart == "gap-parts":
        return any(not item["undefined"] for item in source_words.entries(facts, "pid"))
    if chart == "bound-curve":
        found = source_words.entries(facts, "bounds")
        return any(bound_figures.curves(facts, item) for item in found)
    if chart == "shift-panel":
        return _compared(facts, "shift", "sites")
    if chart == "history":
        return _compared(facts, "change", "history")
    if chart == "intersection-grid":
        return bool(facts.crosses) and not kind_words.special(facts)
    if chart in ("threshold-sweep", "calibration", "score-histogram"):
        return bool(facts.doc.get("scores"))
    return True
