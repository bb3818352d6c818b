"""Measure the settings of a remedy on rows it never saw, as the audited system was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from auditapp.pipeline.remedies.problem import Prepared
from metrics import tradeoffs
from metrics.groups import largest
from metrics.no_harm import joint_cells, no_harm
from metrics.survey_tradeoffs import Standing
from metrics.tradeoffs import Settings, joint, joint_weighted
from mitigations.contract import Part, Point
from mitigations.rules import Rule, decide, expected

Json = dict[str, Any]

#: Rates of every group that a report shows beside those of the goal.
BESIDE = ("selection-rate", "tpr", "fpr", "precision", "accuracy", "abstention-rate")


class Judge:
    """Holds the audited decisions of the protected axis, and measures rules beside them."""

    def __init__(self, prepared: Prepared, settings: Settings) -> None:
        self.prepared = prepared
        self.settings = settings
        self.names = prepared.problem.group_names
        audit = prepared.audit
        self.compared = tradeoffs.compared(self.table(audit, before(audit)), settings)
        chosen = prepared.attribute.reference
        sizes = np.bincount(audit.group[audit.group >= 0], minlength=len(self.names))
        self.reference = largest(sizes) if chosen is None else chosen

    def table(self, part: Part, after: Any) -> Any:
        """Joint table of the audited decisions and others on a part, weighted if rows are."""
        given = part.group, part.y, before(part), after, len(self.names)
        if part.weight is None:
            return joint(*given)
        return joint_weighted(*given, weight=part.weight, effect=self.settings.effect)

    def baseline(self) -> Json:
        """The audited decisions, measured as every setting is."""
        audit, valid = self.prepared.audit, self.prepared.problem.valid
        return {
            "valid": self._valid(valid, before(valid)),
            **self._measured(self.table(audit, before(audit)), "baseline"),
        }

    def point(self, slug: str, point: Point) -> Json:
        """One setting: what it does on the audit rows, and what it did on the valid rows."""
        problem, audit = self.prepared.problem, self.prepared.audit
        rule = point.rules[0]
        after = decide(rule, audit, problem.predict)
        shares = rule.act(audit, problem.predict)
        randomised = bool(((shares > 1e-9) & (shares < 1 - 1e-9)).any())
        table = self.table(audit, after)
        abstains = bool((after == 2).any())
        return {
            "id": point.id,
            "label": point.label,
            "settings": dict(point.settings),
            "status": point.status,
            "chosen_on": point.chosen_on,
            "uses_group": rule.uses_group,
            "randomised": randomised,
            "valid": self._valid(problem.valid, decide(rule, problem.valid, problem.predict)),
            **self._measured(table, f"{slug}/{point.id}"),
            "value_expected": self._expected(rule) if randomised and not abstains else None,
            "no_harm": self._no_harm(after) if abstains else None,
            "seeds": self._seeds(point),
        }

    def pair(self, rule: Rule) -> tuple[float | None, float | None]:
        """Disparity and accuracy of a rule on the audit rows, without intervals."""
        audit = self.prepared.audit
        found = self._valid(audit, decide(rule, audit, self.prepared.problem.predict))
        return found["disparity"], found["accuracy"]

    def _measured(self, table: Any, name: str) -> Json:
        settings = self.settings
        metrics = tuple(dict.fromkeys((*settings.metrics, *BESIDE)))
        return {
            **tradeoffs.totals(table, settings, name=name),
            "rates": self._worded(tradeoffs.group_rates(table, metrics)),
            "gaps": self._worded(tradeoffs.group_gaps(table, self.reference or 0, settings)),
            "paired": self._worded(tradeoffs.paired(table)),
            "changed": self._worded(tradeoffs.changed(table)),
        }

    def _worded(self, rows: list[Json]) -> list[Json]:
        for row in rows:
            row["group"] = None if row["group"] is None else self.names[row["group"]]
        return rows

    def _valid(self, part: Part, after: Any) -> Json:
        """What settings are chosen by: values alone, since no report speaks of these rows."""
        alone = replace(self.settings, draws=2)
        found = tradeoffs.totals(self.table(part, after), alone, name="valid")
        return {key: found[key]["value"] for key in ("disparity", "accuracy", "coverage")}

    def _expected(self, rule: Rule) -> Json:
        """Disparity and accuracy before any draw, from the chances themselves."""
        audit = self.prepared.audit
        chance = expected(rule, audit, self.prepared.problem.predict)
        label = np.full(len(audit), -1) if audit.y is None else audit.y
        cell = (audit.group.astype(np.int64) + 1) * 3 + label + 1
        size = 3 * (len(self.names) + 1)
        table = np.zeros((len(self.names) + 1, 3, 4))
        each = 1.0 if audit.weight is None else audit.weight
        for slot, share in ((2, chance), (1, 1.0 - chance)):
            sums = np.bincount(cell, weights=share * each, minlength=size)
            table[..., slot] = sums.reshape(-1, 3)
        known = table[:, 1:].sum(axis=0)
        right = known[0, 1] + known[1, 2]
        total = known.sum()
        gap = tradeoffs.disparity(table, self.compared, self.settings.metrics)
        return {
            "disparity": float(gap) if np.isfinite(gap) else None,
            "accuracy": float(right / total) if total > 0 else None,
        }

    def _no_harm(self, after: Any) -> Json:
        audit = self.prepared.audit
        label = np.full(len(audit), -1) if audit.y is None else audit.y
        given = audit.group, label, before(audit), after, len(self.names)
        cells = joint_cells(*given)
        found = no_harm(cells, floor=self.settings.floor)
        if audit.weight is not None:
            sums = joint_cells(*given, weight=audit.weight)
            stand = Standing.of(cells, sums, self.settings.effect)
            people = found["groups"]
            found = no_harm(stand.effective, floor=self.settings.floor)
            for row, rows in zip(found["groups"], people, strict=True):
                row |= {"n": rows["n"], "decided": rows["decided"]}
        for name, row in zip(self.names, found["groups"], strict=True):
            row["group"] = name
        return found

    def _seeds(self, point: Point) -> Json | None:
        if len(point.rules) < 2:
            return None
        audit, predict = self.prepared.audit, self.prepared.problem.predict
        found = [self._valid(audit, decide(rule, audit, predict)) for rule in point.rules]
        out: Json = {"n": len(point.rules)}
        for key, worst in (("accuracy", min), ("disparity", max)):
            values = [f[key] for f in found if f[key] is not None]
            out[key] = {
                "mean": float(np.mean(values)) if values else None,
                "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "worst": float(worst(values)) if values else None,
            }
        return out


def before(part: Part) -> Any:
    """Decisions of the audited system."""
    return np.full(len(part), -1, dtype=np.int8) if part.decision is None else part.decision
