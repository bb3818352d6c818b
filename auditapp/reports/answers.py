"""The report in one record, for lists of audits."""

from __future__ import annotations

from typing import Any

from auditapp.reports import headlines, measures, phrases
from auditapp.reports.blocks import plain
from auditapp.reports.coverage import safe, through
from auditapp.reports.facts import Facts, measured
from auditapp.reports.units import points


def summary(facts: Facts) -> dict[str, Any]:
    """Headline, verdict, tally and the largest gap, as rows of an audit list show them."""
    text, more = headlines.headline(facts)
    gap = facts.headline_gap
    largest = None
    if gap is not None and measured(gap):
        largest = {
            "label": phrases.label(gap["group"]),
            "metric": measures.metric_of(gap["metric"]),
            "class": measures.class_of(gap["metric"]),
            "comparator": facts.comparator(gap),
            "value": gap["value"],
            "low": gap["low"],
            "high": gap["high"],
            "thick_low": gap["thick_low"],
            "thick_high": gap["thick_high"],
            "tolerance": facts.tolerance,
            "verdict": gap["verdict"],
            "size_class": gap.get("size_class"),
            "amount": _amount(facts, gap),
        }
    shown: dict[str, Any] = through(
        {
            "headline": plain(text),
            "more": plain(more),
            "verdict": facts.verdict,
            "tally": {
                "difference": facts.tally["difference"],
                "no_difference": facts.tally["no-difference"],
                "not_enough_data": facts.tally["not-enough-data"],
            },
            "largest": largest,
            "rows": facts.rows["used"],
        },
        safe,
    )
    return shown


def _amount(facts: Facts, gap: dict[str, Any]) -> dict[str, str] | None:
    """A gap that does not count in points, as it is written."""
    unit = facts.unit(gap["metric"])
    if unit == points():
        return None
    return {
        "value": unit.difference(gap["value"]),
        "span": unit.differences(gap["low"], gap["high"]),
        "unit": unit.many,
    }
