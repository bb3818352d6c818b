"""What the CSV says of sites, sources, added sources and the change since an earlier audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditapp.reports.facts import Facts

Row = dict[str, Any]

COUNTS = ("numerator", "denominator")
LIMITS = ("value", "low", "high")


def items(facts: Facts) -> Iterator[tuple[str, Row]]:
    """Name of the table and the fields of each row."""
    shift, change = facts.doc.get("shift"), facts.doc.get("change")
    if shift and "failed" not in shift:
        for name in ("sites", "sources", "addition"):
            if shift.get(name):
                yield from ((name, row) for row in PARTS[name](shift[name]))
    if change and "failed" not in change and change["undefined"] is None:
        yield from (("change", row) for row in _change(change))


def _sites(found: Row) -> Iterator[Row]:
    for site in found["sites"]:
        for metric, rate in site["rates"].items():
            everyone = {"by": [], "group": {}, "metric": metric, "n": site["n"]}
            numbers = {key: rate[key] for key in (*COUNTS, *LIMITS)}
            yield everyone | numbers | {"kind": "everyone at one site", "note": site["site"]}
    for row in found["comparisons"]:
        head = {key: row[key] for key in ("by", "group", "comparator", "metric")}
        sizes = {"n": row["n"], "n_comparator": row["n_comparator"]}
        alike = {key: row["homogeneity"][key] for key in ("p", "p_adjusted")}
        yield head | sizes | row["pooled"] | {"kind": "all sites together"}
        yield head | sizes | alike | {"kind": "sites alike"}
        for site in row["sites"]:
            sizes = {key: site[key] for key in ("n", "n_comparator", *COUNTS, *LIMITS)}
            said = {"kind": "one site", "note": site["site"]}
            yield (head | sizes | said | {"verdict": site["reason"]})
            if site["others"] is None:
                continue
            apart = {"value": site["others"], "low": site["others_low"]}
            apart |= {"high": site["others_high"], "kind": "one site less the others"}
            yield (
                head
                | apart
                | {
                    "note": site["site"],
                    "verdict": "differs" if site["differs"] else "not shown to differ",
                }
            )


def _sources(found: Row) -> Iterator[Row]:
    for item in found["scores"]:
        source = "audited against fitted rows" if item["kind"] == "fitted" else item["source"]
        if item["against"] is not None:
            source = f"{source} against {item['against']}"
        for key, kind in (("x", "features"), ("xy", "features and outcome")):
            score = {name: item[key][name] for name in (*LIMITS, "p")}
            yield (
                {"by": [], "group": {}, "metric": "source-auc", "kind": kind}
                | score
                | {
                    "n": item["used"]["candidate"],
                    "n_comparator": item["used"]["target"],
                    "note": source,
                }
            )


def _addition(found: Row) -> Iterator[Row]:
    for item in found["attributes"]:
        for step in item["steps"]:
            mixture = " + ".join((found["target"], *step["mixture"]))
            for kind, rate, group in (
                ("everyone", step["accuracy"], {}),
                ("worst group", step["worst"], step["worst"]["group"]),
            ):
                numbers = {key: rate[key] for key in (*COUNTS, *LIMITS)}
                yield (
                    {"by": item["by"], "group": group, "metric": "accuracy"}
                    | numbers
                    | {
                        "kind": kind,
                        "note": mixture,
                    }
                )


def _change(found: Row) -> Iterator[Row]:
    for row in (*found["rates"], *found["gaps"]):
        head = {key: row[key] for key in ("by", "group", "comparator", "metric")}
        for when in ("before", "after"):
            side = {key: row[when][key] for key in (*COUNTS, *LIMITS)}
            yield head | side | {"kind": when}
        said = "changed" if row["changed"] else "no change shown"
        yield head | {
            "kind": "change",
            "value": row["change"],
            "low": row["low"],
            "high": row["high"],
            "p": row["p"],
            "p_adjusted": row["p_adjusted"],
            "verdict": None if row["changed"] is None else said,
            "note": row["reason"],
        }
    for test in (found["drift"] or {}).get("tests", []):
        yield {"by": test["by"], "group": {}, "kind": "drift", "metric": test["what"]} | {
            "p": test["p"],
            "p_adjusted": test["p_adjusted"],
            "verdict": None if test["drift"] is None else "drift" if test["drift"] else "no drift",
            "note": test["undefined"],
        }


PARTS = {"sites": _sites, "sources": _sources, "addition": _addition}
