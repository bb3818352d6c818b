"""Section 14: the words of the report and how to read its charts."""

from __future__ import annotations

from auditapp.reports.blocks import Fact, FactList, Section, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, limit

CHARTS = {
    "gap-strip": (
        "Gap strip",
        "Each mark is a group's difference to the reference. A triangle marks a difference: its "
        "thin bar leaves out the zero line. A thick bar inside the band rules out a gap of your "
        "limit.",
    ),
    "group-sizes": (
        "Group sizes",
        "The longer the bar, the more people; hatched bars are too small to be compared. The "
        "scale may grow in steps of ten; it says so.",
    ),
    "rates": (
        "Rates by group",
        "Each mark is a group's rate, its bar the 95% interval; the dashed line is everyone.",
    ),
    "intersection-grid": (
        "Intersection grid",
        "Each cell is one combination: the signed number says how far it lies from the overall "
        "rate, the small number how many people it holds.",
    ),
    "threshold-sweep": (
        "Threshold sweep",
        "Follow a line to see how many of a group would be chosen at another threshold; where "
        "lines cross, the order of groups changes.",
    ),
    "calibration": (
        "Calibration",
        "On the diagonal a score of 30% means three in ten; above it the score is too low, below "
        "it too high.",
    ),
    "score-histogram": (
        "Score distribution",
        "Bars show where a group's scores lie; filled bars get the favourable decision.",
    ),
}


def section(facts: Facts) -> Section:
    tolerance = limit(facts.tolerance)
    terms = [
        ("Difference found", "Exact test and 95% interval, both adjusted for all comparisons of "
         "the report, leave out zero (if only one of them does, which is rare, it is not called a "
         "difference). Above, near or below the limit says how large the gap must be."),
        ("No difference found", "A gap of the limit or more is ruled out: the 90% interval lies "
         f"inside {tolerance} points on both sides, a test at 5%."),
        ("Not enough data", "Neither of the two. A gap may or may not exist."),
        ("Point", "One percentage point. From 20% to 25% is 5 points. Differences are taken "
         "before rounding, so they can be one off the rounded rates."),
        ("Very likely", "A 95% interval: of intervals made this way, 95% hold the true value. "
         "Thin bars hold all true values of the report at once in 95% of reports."),
        ("Limit", f"The gap the auditor treats as too large, here {tolerance} points."),
        ("Floor", f"Groups under {count(facts.floor)} people are listed, not compared."),
        ("Reference", "The group others are compared with. It is not a norm."),
        ("Everyone else", "All people of the same table outside the group; unknown ones are not "
         "among them."),
        ("Steadied estimate", "An estimate that borrows from similar groups. It orders and "
         "colours the grid and decides nothing."),
        ("Result hash", "A fingerprint of the inputs, settings and numbers of this report."),
    ]  # fmt: skip
    if facts.not_applicable:
        terms.append(("Not applicable", "The metric needs something the data do not have."))
    shown = [name for name in CHARTS if _has(facts, name)]
    blocks = (
        FactList(tuple(Fact(term, rich(text)) for term, text in terms), columns=2),
        FactList(
            tuple(Fact(CHARTS[name][0], rich(CHARTS[name][1])) for name in shown),
            "How to read the charts",
            columns=2,
        ),
    )
    return Section("glossary", "Glossary", blocks, compact=True)


def _has(facts: Facts, chart: str) -> bool:
    if chart == "intersection-grid":
        return bool(facts.crosses)
    if chart in ("threshold-sweep", "calibration", "score-histogram"):
        return bool(facts.doc.get("scores"))
    return True
