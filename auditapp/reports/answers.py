"""The report in one record, for lists of audits."""

from __future__ import annotations

from typing import Any

from auditapp.reports import headlines, phrases
from auditapp.reports.blocks import plain
from auditapp.reports.coverage import safe, through
from auditapp.reports.facts import Facts, measured


def summary(facts: Facts) -> dict[str, Any]:
    """Headline, verdict, tally and the largest gap, as rows of an audit list show them."""
    text, more = headlines.headline(facts)
    gap = facts.headline_gap
    largest = None
    if gap is not None and measured(gap):
        largest = {
            "label": phrases.label(gap["group"]),
            "metric": gap["metric"],
            "comparator": facts.comparator(gap),
            "value": gap["value"],
            "low": gap["low"],
            "high": gap["high"],
            "thick_low": gap["thick_low"],
            "thick_high": gap["thick_high"],
            "tolerance": facts.tolerance,
            "verdict": gap["verdict"],
            "size_class": gap.get("size_class"),
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
