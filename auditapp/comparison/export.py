"""The whole comparison as one CSV, unrounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from auditapp.comparison.facts import Facts
from auditapp.reports import phrases
from auditapp.reports.csv_cells import guarded

Row = dict[str, Any]

FIELDS = (
    "table", "metric", "primary", "by", "group", "comparator",
    "n_a", "n_b", "numerator_a", "denominator_a", "numerator_b", "denominator_b",
    "value_a", "low_a", "high_a", "value_b", "low_b", "high_b",
    "only_a", "only_b", "both", "neither",
    "change", "low", "high", "thick_low", "thick_high",
    "p", "p_adjusted", "level", "b", "verdict", "size_class",
    "to_no", "to_yes", "other", "note",
)  # fmt: skip
TABLES = {"rate": "rates", "gap": "gaps"}


def write_csv(facts: Facts) -> bytes:
    """Every rate, every gap, everybody decided otherwise, and drift."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FIELDS)
    for row in _rows(facts):
        writer.writerow([guarded(row.get(name)) for name in FIELDS])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _rows(facts: Facts) -> Iterator[Row]:
    for row in facts.changes:
        first, second, four = row["first"], row["second"], row["joint"] or {}
        yield {
            **_named(facts, row), **_judged(row),
            "table": TABLES[row["kind"]], "metric": row["metric"], "primary": row["primary"],
            "n_a": row["n"]["first"], "n_b": row["n"]["second"],
            **{f"{name}_a": first[name] for name in ("numerator", "denominator", "value", "low",
                                                     "high")},
            **{f"{name}_b": second[name] for name in ("numerator", "denominator", "value", "low",
                                                      "high")},
            "only_a": four.get("first_only"), "only_b": four.get("second_only"),
            "both": four.get("both"), "neither": four.get("neither"),
        }  # fmt: skip
    for row in facts.moved:
        yield {
            **_named(facts, row), **(_judged(row) if row["by"] else {}), "table": "moved",
            "metric": "decided-otherwise", "n_a": row["n"], "n_b": row["n"],
            "value_b": row["share"], "low_b": row["share_low"], "high_b": row["share_high"],
            "to_no": row["to_no"], "to_yes": row["to_yes"], "other": row["other"],
        }  # fmt: skip
    for test in (facts.doc["drift"] or {}).get("tests", ()):
        yield from _drift(facts, test)


def _named(facts: Facts, row: Row) -> Row:
    by = phrases.attributes(row["by"], facts.titles) if row["by"] else "Everyone"
    other = row.get("comparator")
    against = None
    if other is not None:
        against = "everyone else" if other == "rest" else ", ".join(other["group"].values())
    return {"by": by, "group": ", ".join(row["group"].values()) or "Everyone",
            "comparator": against}  # fmt: skip


def _judged(row: Row) -> Row:
    names = ("low", "high", "thick_low", "thick_high", "p", "p_adjusted", "level", "b", "verdict",
             "size_class")  # fmt: skip
    return {name: row[name] for name in names} | {"change": row["value"], "note": row["reason"]}


def _drift(facts: Facts, test: Row) -> Iterator[Row]:
    base = {"table": "drift", "metric": test["what"], "p": test["p"],
            "p_adjusted": test["p_adjusted"]}  # fmt: skip
    sides: list[tuple[Row, Row, Row, Row]] = [
        (level["before_share"], level["after_share"], level["change"], level["group"])
        for level in test.get("levels", ())
    ]
    if test["what"] != "group-shares":
        sides = [(test["before"], test["after"], test["change"], {})]
    for before, after, change, group in sides:
        yield {
            **base, **_named(facts, {"by": test["by"], "group": group}),
            **{f"{name}_a": before[name] for name in ("numerator", "denominator", "value", "low",
                                                      "high")},
            **{f"{name}_b": after[name] for name in ("numerator", "denominator", "value", "low",
                                                     "high")},
            "change": change["value"], "low": change["low"], "high": change["high"],
            "note": "drift" if test["drift"] else test["undefined"],
        }  # fmt: skip
