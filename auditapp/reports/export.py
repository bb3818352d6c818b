"""The whole report as one CSV: every estimate, comparison, group size and score table."""

from __future__ import annotations

import csv
import io
from typing import Any

from auditapp.reports import (
    export_annexes,
    export_apart,
    export_classes,
    export_sources,
    export_stability,
    export_tradeoffs,
    measures,
    phrases,
)
from auditapp.reports.csv_cells import guarded
from auditapp.reports.facts import Facts
from auditapp.reports.score_scale import Scale

Row = dict[str, Any]

FIELDS = (
    "table",
    "metric",
    "by",
    "group",
    "comparator",
    "kind",
    "n",
    "n_comparator",
    "numerator",
    "denominator",
    "value",
    "low",
    "high",
    "thick_low",
    "thick_high",
    "steadied",
    "steadied_low",
    "steadied_high",
    "p",
    "p_adjusted",
    "level",
    "b",
    "rows_needed",
    "verdict",
    "size_class",
    "note",
)


def write_csv(facts: Facts) -> bytes:
    """All estimates, comparisons, group sizes and score tables, unrounded, in one long table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    fields = fields_of(facts)
    writer.writerow(fields)
    for row in _csv_rows(facts):
        writer.writerow([guarded(row.get(name)) for name in fields])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def fields_of(facts: Facts) -> tuple[str, ...]:
    """Columns of the table; the class stands beside its metric where there are several."""
    if not facts.classes:
        return FIELDS
    at = FIELDS.index("metric") + 1
    return (*FIELDS[:at], "class", *FIELDS[at:])


def _csv_rows(facts: Facts) -> list[Row]:
    doc = facts.doc
    rows = [
        {
            **_named(facts, "groups", {**level, "by": table["by"]}),
            "value": level.get("base_rate"),
            "low": level.get("base_low"),
            "high": level.get("base_high"),
            "numerator": level.get("base_numerator"),
            "denominator": level.get("base_denominator"),
            "metric": "base-rate",
            "note": level["status"],
        }
        for table in facts.tables
        for level in table["levels"]
    ]
    for table in facts.tables:
        if len(table["by"]) == 1:
            blank = {"by": table["by"], "group": {table["by"][0]: "Unknown"}}
            row = _named(facts, "groups", blank)
            rows.append({**row, "n": table.get("unknown", 0), "note": "unknown"})
    for item in doc.get("estimates") or []:
        steady = item.get("shrunken") or {}
        row = _named(facts, "estimates", item)
        row["steadied"] = steady.get("value")
        row["steadied_low"] = steady.get("low")
        row["steadied_high"] = steady.get("high")
        row["note"] = item.get("undefined")
        rows.append(row)
    for item in doc.get("gaps") or []:
        rows.append({**_named(facts, "gaps", item), "note": item.get("reason")})
    rows += _score_rows(facts)
    for item in export_classes.confusion(facts):
        rows.append({**_named(facts, "confusion", item), "note": item["note"]})
    for name, item in (
        *export_apart.items(facts),
        *export_stability.items(facts),
        *export_sources.items(facts),
        *export_tradeoffs.items(facts),
        *export_annexes.items(facts),
    ):
        rows.append({**_named(facts, name, item), "note": item.get("note")})
    return rows


def _named(facts: Facts, name: str, item: Row) -> Row:
    """The fields an item shares with the CSV, group and comparator as words."""
    row = {field: item[field] for field in fields_of(facts) if field in item}
    row["table"] = name
    if "metric" in row:
        row["metric"] = measures.metric_of(row["metric"])
    row["by"] = phrases.attributes(item["by"], facts.titles) if item["by"] else "Everyone"
    row["group"] = _whole(item["group"]) if item["group"] else "Everyone"
    other = item.get("comparator")
    if other is not None:
        row["comparator"] = "everyone else" if other == "rest" else _whole(other["group"])
    return row


def _whole(group: dict[str, str]) -> str:
    """Every value in full, however long."""
    return ", ".join(group.values())


def _threshold(scale: Scale, turned: float) -> str:
    """A threshold of the document, which turns scores to [0, 1] with higher favourable."""
    if scale.unit and scale.favourable:
        return f"at or above {turned:g}"
    way = "above" if scale.favourable else "below"
    return f"at or {way} {scale.text(scale.back(turned))}"


def _score_rows(facts: Facts) -> list[Row]:
    scale = Scale.of(facts)
    scores = facts.doc.get("scores") or {}
    rows: list[Row] = []
    for item in scores.get("auc") or []:
        rows.append({**_named(facts, "scores", item), "metric": "auc"})
    for item in scores.get("auc_gaps") or []:
        rows.append({**_named(facts, "scores", item), "metric": "auc", "kind": "difference"})
    for item in scores.get("brier") or []:
        rows.append({**_named(facts, "scores", item), "metric": "brier"})
    for item in scores.get("calibration") or []:
        row = {**_named(facts, "calibration", item), "note": item.get("undefined")}
        rows.append({**row, "metric": "ece", "value": item.get("ece")})
        rows.append({**row, "metric": "ece-null", "value": item.get("ece_null")})
        for point in item.get("curve") or []:
            low, high = point["low"], point["high"]
            named = _named(facts, "calibration", {**item, "n": point["n"]})
            rows.append(
                {
                    **named,
                    "metric": "share-with-outcome",
                    "value": point["rate"],
                    "low": point["rate_low"],
                    "high": point["rate_high"],
                    "note": f"score {low:.3f} to {high:.3f}, mean {point['mean_score']:.4f}",
                }
                if point.get("mean_score") is not None
                else {**named, "note": f"score {low:.3f} to {high:.3f}, nobody"}
            )
    for item in scores.get("sweep") or []:
        weighted = (item.get("survey") or {}).get("selected")
        for j, (t, selected) in enumerate(zip(item["thresholds"], item["selected"], strict=True)):
            value = selected / item["n"] if item["n"] else None
            rows.append(
                {
                    **_named(facts, "sweep", item),
                    "metric": "selection-rate",
                    "numerator": selected,
                    "denominator": item["n"],
                    "value": value if weighted is None else weighted[j],
                    "note": _threshold(scale, t),
                }
            )
    return rows
