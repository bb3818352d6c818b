"""The sentences about gaps with a legitimate factor held equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Rich, bold
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, p_value, points, size, span
from auditapp.reports.words import fill

Row = dict[str, Any]

#: {g} and {r} are the groups, {a} what all people show, {b} what remains with the factor equal.
SENTENCES = {
    "selection-rate": "{g} were chosen {a} than {r}",
    "tpr": "Of those with the favourable outcome on record, {g} were chosen {a} than {r}",
    "fpr": "Of those without the favourable outcome on record, {g} were chosen {a} than {r}",
    "precision": "Of those chosen, {g} had the favourable outcome on record {a} than {r}",
    "accuracy": "Decision and recorded outcome agreed for {g} {a} than for {r}",
}
ENDING = " among all people, and {b} with {c} held equal."


def control_title(facts: Facts) -> str:
    """What the report calls the factor."""
    spec = facts.plan.get("control") or {}
    return str(spec.get("title") or facts.doc["strata"]["title"])


def comparable(row: Row) -> bool:
    """Whether both differences may be printed."""
    fit = row["reason"] in (None, "one-outcome")
    return fit and row["crude"]["value"] is not None and row["pooled"]["value"] is not None


@dataclass(frozen=True)
class Told:
    """A gap that turns around; `settled` where chance does not explain that."""

    row: Row
    settled: bool

    def more(self, facts: Facts) -> str:
        """In how many strata, and how sure."""
        name = phrases.lower_first(control_title(facts))
        inside = self.row["reversal"]
        text = f"The difference opposes that of all people in {share(inside)} of {name}."
        if not self.settled:
            pooled = self.row["pooled"]
            ends = span(pooled["low"], pooled["high"])
            text += f" Held equal, the difference may be zero (95%: {ends} points)."
        return f"{text} The groups are spread differently over {name}."

    def short(self, facts: Facts) -> str:
        """`true positive rate of women (−34.1 points among all, +6.8 held equal)`."""
        row = self.row
        crude, pooled = points(row["crude"]["value"]), points(row["pooled"]["value"])
        name = metric_words.title(row["metric"]).lower()
        who = facts.people(row["group"])
        return f"{name} of {who} ({crude} points among all people, {pooled} held equal)"

    def detail(self, facts: Facts) -> str:
        """The second line of a finding: both estimates with their intervals."""
        crude, pooled = self.row["crude"], self.row["pooled"]
        name = phrases.lower_first(control_title(facts))
        return (
            f"{metric_words.title(self.row['metric'])}, all people {points(crude['value'])} "
            f"points (95%: {span(crude['low'], crude['high'])}); {name} held equal "
            f"{points(pooled['value'])} ({span(pooled['low'], pooled['high'])}), "
            f"adjusted {p_value(self.row['p_adjusted'])}"
        )


def share(inside: Row) -> str:
    """`4 of 6 values`, `all 6 values`."""
    against, compared = inside["opposite_strata"], inside["compared_strata"]
    if against == compared:
        return f"all {count(compared)} values" if compared > 1 else "the one value"
    return f"{count(against)} of {count(compared)} values"


def reversals(facts: Facts) -> list[Told]:
    """Gaps shown among all people that point the other way inside the strata, clearest first.

    A gap whose own interval holds zero has no direction to turn from and is not told.
    """
    found = facts.doc.get("strata")
    if not isinstance(found, dict) or "comparisons" not in found:
        return []
    out = [
        Told(row, row["reversal"]["kind"] == "settled")
        for row in found["comparisons"]
        if row["reversal"]["kind"] in ("settled", "estimates")
        and comparable(row)
        and row["crude"]["low"] * row["crude"]["high"] > 0
    ]
    order = {metric: i for i, metric in enumerate((*facts.leads, *facts.metrics))}
    return sorted(
        out,
        key=lambda t: (
            not t.settled,
            order.get(t.row["metric"], len(order)),
            -abs(t.row["crude"]["value"] - t.row["pooled"]["value"]),
        ),
    )


def tell(facts: Facts, told: Told) -> Rich:
    """One sentence with both differences."""
    row = told.row
    return fill(
        SENTENCES[row["metric"]] + ENDING,
        g=bold(facts.people(row["group"])),
        r=facts.comparator(row),
        a=bold(_amount(row["crude"]["value"])),
        b=bold(_amount(row["pooled"]["value"])),
        c=phrases.lower_first(control_title(facts)),
    )


def _amount(value: float) -> str:
    """`14.2 points less often`."""
    amount = size(value, 1)
    unit = "point" if amount == "1.0" else "points"
    return f"{amount} {unit} {'less' if value < 0 else 'more'} often"
