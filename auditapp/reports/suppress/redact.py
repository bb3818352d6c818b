"""The copy itself: what is known to be safe to show is kept, everything else is left out.

A part of the document that this module does not know is left out, so that a part added later
shows nothing before somebody has thought about its cells.
"""

from __future__ import annotations

from typing import Any

from auditapp.reports.suppress.cells import (
    OUTCOMES,
    SIZE,
    Cell,
    Cells,
    Row,
    key,
    kind_of,
)

SUPPRESSED = "suppressed"
#: Parts of the document that a copy shows, if with cells left out.
SHOWN = frozenset(
    {
        "schema", "plan", "inputs", "rows", "groups", "estimates", "gaps", "tests", "scores",
        "outcome", "verdicts", "family", "run", "environment", "timings",
    }
)  # fmt: skip
#: What the others are called on the copy's page.
LEFT_OUT = {
    "subgroups": "groups nobody named",
    "pid": "where the gap comes from",
    "bounds": "the best that is possible",
    "shift": "sites and shift",
    "transfer": "models and thresholds moved between sites",
    "change": "change since an earlier audit",
    "strata": "legitimate factors held equal",
    "levels": "labels, scores and decisions apart",
    "references": "reference decisions",
    "numerics": "number formats and devices",
    "methods": "remedies",
    "tradeoff": "trade-offs",
    "annexes": "regulatory annexes",
}
#: What a hidden estimate or comparison still says.
NAMES = ("subject", "metric", "class", "by", "group", "n")
GAP_NAMES = (
    "id", "subject", "metric", "class", "by", "group", "comparator", "reference_choice", "kind",
    "n", "weight", "level", "primary",
)  # fmt: skip
ESTIMATED = ("numerator", "denominator", "value", "low", "high", "interval", "shrunken")
COMPARED = (
    "value", "low", "high", "thick_low", "thick_high", "p", "p_adjusted", "b", "rows_needed",
    "mdd", "size_class", "n_comparator", "numerator", "denominator", "numerator_comparator",
    "denominator_comparator", "rate", "rate_comparator",
)  # fmt: skip
LEVEL = ("group", "n", "share", "status")
BASE = ("base_rate", "base_low", "base_high", "base_numerator", "base_denominator")
#: Parts of the scores that are lists; of these only the AUC is one number for each group.
SCORED = (
    "auc", "auc_gaps", "brier", "calibration", "calibration_gaps", "roc", "sweep", "histogram",
)  # fmt: skip


def redact(document: Row, found: Cells, smallest: int) -> Row:
    """The document with what `found` hides, and what it could be worked out from, left out."""
    made = _Copy(found, smallest)
    out: Row = {name: document[name] for name in document if name in SHOWN}
    gone = [name for name in LEFT_OUT if _says_something(document.get(name))]
    out |= {name: None for name in LEFT_OUT if name in document}
    out["methods"] = []
    out["plan"] = made.plan(document["plan"])
    out["inputs"] = made.inputs(document.get("inputs") or {})
    out["rows"] = made.rows(document["rows"])
    out["groups"] = [made.table(table) for table in document.get("groups") or []]
    out["estimates"] = made.estimates(document.get("estimates") or [])
    out["gaps"] = made.gaps(document.get("gaps") or [])
    out["tests"] = [item for item in document.get("tests") or [] if made.whole(item["by"])]
    out["scores"] = made.scores(document.get("scores"))
    out["outcome"] = made.outcome(document.get("outcome"))
    told = {gap["id"] for gap in out["gaps"] if gap.get("reason") != SUPPRESSED}
    out["verdicts"] = [name for name in document.get("verdicts") or [] if name in told]
    out[SUPPRESSED] = {
        "smallest": smallest,
        "left_out": gone,
        "groups": sum(SIZE in cell.hidden for cell in found.groups.values()),
        "comparisons": sum(
            gap.get("p_adjusted") is not None and gap["id"] not in told
            for gap in document.get("gaps") or []
        ),
    }
    return out


def _says_something(part: Any) -> bool:
    return part not in (None, [], {})


class _Copy:
    """What of each part of a document is shown."""

    def __init__(self, found: Cells, smallest: int) -> None:
        self.found = found
        self.smallest = smallest

    def hides(self, group: dict[str, str], kind: int) -> bool:
        """Whether a group's counts of a kind are hidden; those of a group nobody listed are."""
        cell = self.found.groups.get(key(group))
        return cell is None or kind in cell.hidden

    def whole(self, by: list[str], kind: int = OUTCOMES) -> bool:
        """Whether nothing of a table is hidden, so that what sums it up gives nothing away."""
        cells = [c for c in self.found.groups.values() if {name for name, _ in c.name} == set(by)]
        outside = self.outside(by)
        return not any(kind in cell.hidden for cell in (*cells, *outside))

    def outside(self, by: list[str]) -> list[Cell]:
        """The people whom no group of a table lists, if there are any."""
        cell = self.found.outside((), by)
        return [] if cell is None else [cell]

    def few(self, count: int) -> bool:
        """Whether a count of people is too small to show."""
        return 0 < count < self.smallest

    def plan(self, plan: Row) -> Row:
        """Without the hash of the file, which a small file could be guessed from."""
        data = {**plan.get("data", {}), "sha256": None, "bytes": None, "rows": None}
        out = {**plan, "data": data}
        if plan.get("templates"):
            out["templates"] = [{"slug": item["slug"]} for item in plan["templates"]]
        return out

    def inputs(self, inputs: Row) -> Row:
        """Names and types; counts of blank or distinct values and notices say too much."""
        data = inputs.get("data") or {}
        columns = [
            {name: column.get(name) for name in ("name", "type")}
            for column in data.get("columns") or []
        ]
        kept = {name: data.get(name) for name in ("name", "format")}
        model = inputs.get("model")
        names = ("name", "format", "sha256", "bytes", "kind", "estimator")
        return {
            "data": {**kept, "columns": columns, "notices": []},
            "model": None if model is None else {n: model[n] for n in names if n in model},
        }

    def rows(self, rows: Row) -> Row:
        """Rows by reason, those of rare reasons together; none where all of them are few."""
        rare = [item for item in rows["left_out"] if self.few(item["n"])]
        kept = [item for item in rows["left_out"] if not self.few(item["n"])]
        while kept and rare and self.few(sum(item["n"] for item in rare)):
            kept.sort(key=lambda item: -item["n"])
            rare.append(kept.pop())
        total = sum(item["n"] for item in rare)
        if self.few(total):
            return {**rows, "uploaded": None, "left_out": [], "left_out_below": self.smallest}
        if len(rare) > 1:
            reasons = "; ".join(str(item["reason"]) for item in rare)
            rare = [{"code": SUPPRESSED, "reason": reasons, "n": total}]
        return {**rows, "left_out": [*kept, *rare]}

    def table(self, table: Row) -> Row:
        """A table of groups; those whose size is hidden are named, and no more."""
        by = list(table["by"])
        levels = [item for item in table["levels"] if not self.hides(item["group"], SIZE)]
        gone = [item["group"] for item in table["levels"] if self.hides(item["group"], SIZE)]
        out = {
            name: table.get(name)
            for name in ("by", "title", "reference", "reference_choice", "floor")
        }
        out["levels"] = [self.level(item) for item in levels]
        out[SUPPRESSED] = gone
        reference = table.get("reference")
        if reference is not None and self.hides(reference, SIZE):
            out["reference"], out["reference_choice"] = None, None
        unknown = int(table.get("unknown") or 0)
        unlisted = table.get("unlisted") or {"groups": 0, "n": 0}
        hidden = any(SIZE in cell.hidden for cell in self.outside(by))
        hidden |= self.few(unknown) or self.few(int(unlisted["n"]))
        out["unknown"] = None if hidden else unknown
        out["unlisted"] = {**unlisted, "n": None} if hidden else unlisted
        return out

    def level(self, level: Row) -> Row:
        """A group with its size; how many have the outcome only where that is shown."""
        out = {name: level.get(name) for name in LEVEL}
        shown = not self.hides(level["group"], OUTCOMES)
        out |= {name: level.get(name) if shown else None for name in BASE}
        if "survey" in level and shown:
            out["survey"] = level["survey"]
        return out

    def estimates(self, items: list[Row]) -> list[Row]:
        """Rates; a hidden one says that it is, one of a hidden group is not there."""
        out = []
        for item in items:
            if self.hides(item["group"], SIZE):
                continue
            if self.hides(item["group"], kind_of(item["metric"])):
                kept: Row = {name: item[name] for name in NAMES if name in item}
                kept |= dict.fromkeys(ESTIMATED)
                out.append({**kept, "undefined": SUPPRESSED, "below_floor": False})
            elif self.whole(list(item["by"]), kind_of(item["metric"])):
                out.append(item)
            else:  # a steadied value borrows from groups that are hidden
                out.append({**item, "shrunken": None})
        return out

    def gaps(self, items: list[Row]) -> list[Row]:
        """Comparisons; one with a hidden rate on either side tells nothing."""
        out = []
        for item in items:
            if self.hides(item["group"], SIZE):
                continue
            if self.tells(item, kind_of(item["metric"])):
                out.append(item)
                continue
            kept: Row = {name: item[name] for name in GAP_NAMES if name in item}
            kept |= {name: None for name in COMPARED if name in item}
            verdict = None if item.get("verdict") is None else "not-applicable"
            out.append({**kept, "verdict": verdict, "reason": SUPPRESSED})
        return out

    def tells(self, item: Row, kind: int) -> bool:
        """Whether a comparison shows rates that are shown anyway."""
        if self.hides(item["group"], kind):
            return False
        other = item["comparator"]
        if other != "rest":
            return not self.hides(other["group"], kind)
        # everybody else is everybody with a known group: the rest of that are the unknown
        outside = self.outside(list(item["by"]))
        shown = not self.hides({}, kind) and not any(kind in cell.hidden for cell in outside)
        counts = (item.get("numerator_comparator"), item.get("denominator_comparator"))
        if shown and all(type(count) is int for count in counts):
            x, n = counts
            return not self.few(x) and not self.few(n - x) and not self.few(n)
        return shown

    def scores(self, scores: Row | None) -> Row | None:
        """One number for each group that is shown; curves and bins are made of single people."""
        if scores is None:
            return None
        out: Row = {n: scores[n] for n in ("bins", "edges_kind", "threshold") if n in scores}
        out |= {"cuts": None} | {name: [] for name in SCORED if name in scores}
        found = scores.get("auc") or []
        out["auc"] = [item for item in found if not self.hides(item["group"], OUTCOMES)]
        out["auc_gaps"] = [i for i in scores.get("auc_gaps") or [] if self.tells(i, OUTCOMES)]
        return out

    def outcome(self, outcome: Row | None) -> Row | None:
        """What kind of outcome it is, without its tables."""
        if outcome is None:
            return None
        names = ("kind", "classes", "spread", "k")
        return {name: outcome[name] for name in names if name in outcome}
