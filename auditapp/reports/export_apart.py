"""What the CSV says of gaps with a factor held equal, of three levels, and of references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditapp.reports.facts import Facts

Row = dict[str, Any]


def items(facts: Facts) -> Iterator[tuple[str, Row]]:
    """Name of the table and the fields of each row."""
    for name, make in (("strata", _strata), ("levels", _levels), ("references", _references)):
        found = facts.doc.get(name)
        if found and not (isinstance(found, dict) and "failed" in found):
            yield from ((name, row) for row in make(found))


def _head(row: Row) -> Row:
    return {key: row[key] for key in ("by", "group", "comparator") if key in row}


def _strata(found: Row) -> Iterator[Row]:
    for row in found["comparisons"]:
        head = _head(row) | {"metric": row["metric"]}
        sizes = {"n": row["denominator"], "n_comparator": row["denominator_comparator"]}
        tested = {key: row[key] for key in ("p", "p_adjusted")} | {"note": row["reason"]}
        yield head | sizes | {"kind": "all people"} | row["crude"]
        yield head | sizes | tested | {"kind": "held equal"} | row["pooled"]
        yield head | tested | {"kind": "odds ratio, held equal"} | row["odds_ratio"]
        for part in row["strata"]:
            first, second = part["rate"]["denominator"], part["rate_comparator"]["denominator"]
            inside = {"kind": "inside one value", "n": first, "n_comparator": second}
            yield head | inside | part["difference"] | {"note": part["stratum"]}


def _levels(found: Row) -> Iterator[Row]:
    for name in ("labels", "scores", "decisions"):
        level = found[name]
        for row in level.get("groups", []):
            rate = row.get("rate", row)
            what = row.get("metric", row.get("test"))
            yield (
                _head(row)
                | {"metric": what, "kind": name, "p_adjusted": row.get("p_adjusted")}
                | {
                    key: rate.get(key)
                    for key in ("numerator", "denominator", "value", "low", "high")
                }
            )
        for row in level["comparisons"]:
            gap = row.get("at_equal_scores", row)
            what = row.get("metric", row.get("test", "outcome near the threshold"))
            yield (
                _head(row)
                | {"metric": what, "kind": f"{name}, difference"}
                | {
                    "value": gap["value"],
                    "low": gap["low"],
                    "high": gap["high"],
                    "p": row["p"],
                    "p_adjusted": row["p_adjusted"],
                    "note": row["reason"],
                }
            )


def _references(found: list[Row]) -> Iterator[Row]:
    for record in found:
        head = {"by": record["by"], "group": {}, "denominator": record["comparable"]}
        yield head | {
            "metric": "at least as good on all",
            "kind": "share",
            "numerator": record["as_good"],
            "value": record["gamma"],
            "low": record["low"],
            "high": record["high"],
            "note": record["undefined"],
        }
        for loss in record["losses"]:
            yield head | {
                "metric": loss["loss"],
                "kind": "share",
                "numerator": loss["at_least_as_good"],
                "value": loss["share"],
                "low": loss["low"],
                "high": loss["high"],
            }
