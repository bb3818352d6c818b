"""The scale a score was given on, and what its threshold means there.

The result document holds scores turned to [0, 1] with higher favourable. Readers know the scale
of the file: 1 to 10 with high risk unfavourable, or 300 to 850. There a favourable score decides
at or above the threshold, an unfavourable one strictly below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from auditapp.reports.facts import Facts
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import decimal

Row = dict[str, Any]

FEW_VALUES = 40


@dataclass(frozen=True)
class Scale:
    """Low and high end of the file's scores, and whether high ones are favourable."""

    low: float
    high: float
    favourable: bool
    threshold: float
    given: bool = False

    @classmethod
    def of(cls, facts: Facts) -> Scale:
        spec = facts.plan.get("score") or {}
        return cls(
            float(spec.get("low", 0.0)),
            float(spec.get("high", 1.0)),
            bool(spec.get("favourable", True)),
            float(facts.plan.get("threshold", 0.5)),
            bool(facts.plan.get("decision")),
        )

    @property
    def unit(self) -> bool:
        return (self.low, self.high) == (0.0, 1.0)

    def back(self, turned: float) -> float:
        """A score of the document on the file's own scale."""
        width = self.high - self.low
        raw = self.low + turned * width if self.favourable else self.high - turned * width
        return round(raw, 6 + self.finer)

    @property
    def finer(self) -> int:
        """Decimals that a scale narrower than one needs beyond those of a unit scale."""
        return max(0, -math.floor(math.log10(self.high - self.low)))

    def text(self, value: float) -> str:
        """A score as a reader writes it: 0.50 on a unit scale, 5 or 4.5 or 620 on others."""
        shown = decimal(value, 2 + self.finer)
        whole = self.unit or "." not in shown or "e" in shown
        return shown if whole else shown.rstrip("0").rstrip(".")

    @property
    def rule(self) -> str:
        """Which scores get the favourable decision."""
        where = _("at or above") if self.favourable else _("below")
        return f"{where} {self.text(self.threshold)}"

    @property
    def axis(self) -> str:
        if self.favourable:
            return _("Threshold: score needed for a favourable decision")
        return _("Threshold: scores below it get a favourable decision")


def few_values(scores: Row) -> bool:
    """Whether the document's cut points are the few values that scores take."""
    return 0 < len(scores.get("cuts") or ()) < FEW_VALUES


def sweep_points(facts: Facts, item: Row, group: dict[str, str]) -> list[Row]:
    """Threshold and selected people on the file's scale, the threshold in force among them.

    The document counts people at or above each turned threshold. For an unfavourable score the
    boundary itself is not favourable, so where scores repeat, those strictly above are taken.
    At the threshold in force the stored selection rate stands, so that no two numbers differ.
    """
    from metrics.intervals import wilson

    scale = Scale.of(facts)
    turned, selected = list(item["thresholds"]), list(item["selected"])
    at = [scale.back(t) for t in turned]
    if not scale.favourable and item.get("selected_above") is not None:
        selected = list(item["selected_above"])
    low, high = wilson(selected, item["n"])
    value = [x / item["n"] for x in selected]
    if item.get("survey"):
        value, low, high = _weighted(item, scale)
    points = [
        {"t": t, "value": x, "low": float(a), "high": float(b)}
        for t, x, a, b in zip(at, value, low, high, strict=True)
        if x is not None
    ]
    now = None if scale.given else facts.estimate("selection-rate", group)
    if now is not None and now.get("value") is not None and now.get("low") is not None:
        here = scale.text(scale.threshold)
        points = [p for p in points if scale.text(p["t"]) != here]
        points.append({"t": scale.threshold, **{k: now[k] for k in ("value", "low", "high")}})
    return sorted(points, key=lambda p: p["t"])


def _weighted(item: Row, scale: Scale) -> tuple[Any, Any, Any]:
    """Weighted selection rates of a sweep and their limits."""
    survey = item["survey"]
    names = ("selected", "low", "high")
    if not scale.favourable and survey.get("selected_above") is not None:
        names = ("selected_above", "low_above", "high_above")
    value, low, high = (survey[name] for name in names)
    return value, *([0.0 if v is None else v for v in part] for part in (low, high))


def spread(facts: Facts, histogram: Row, sweep: Row | None) -> tuple[list[float], list[float]]:
    """Edges and shares of a group's scores on the file's scale, from low to high."""
    scale = Scale.of(facts)
    if sweep is not None and sweep["n"] and few_values(facts.doc["scores"]):
        return _by_value(scale, sweep)
    total = sum(histogram["counts"])
    edges = [scale.back(e) for e in histogram["edges"]]
    shares = [c / total for c in histogram["counts"]]
    if histogram.get("survey"):
        shares = [share or 0.0 for share in histogram["survey"]["shares"]]
    return (edges, shares) if scale.favourable else (edges[::-1], shares[::-1])


def _by_value(scale: Scale, sweep: Row) -> tuple[list[float], list[float]]:
    """One bar for each value, its edges halfway to the neighbours."""
    reached, n = [*sweep["selected"], 0], sweep["n"]
    if sweep.get("survey"):
        reached, n = [*(x or 0.0 for x in sweep["survey"]["selected"]), 0.0], 1
    pairs = sorted(
        (scale.back(t), (a - b) / n)
        for t, a, b in zip(sweep["thresholds"], reached, reached[1:], strict=False)
    )
    at = [value for value, _share in pairs]
    between = [(a + b) / 2 for a, b in pairwise(at)]
    first, last = 2 * at[0] - between[0], 2 * at[-1] - between[-1]
    return [first, *between, last], [share for _value, share in pairs]
