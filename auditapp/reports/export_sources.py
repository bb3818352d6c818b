"""What the CSV says of parts of a gap across sites and of bounds, in nats and fractions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditapp.reports import source_words
from auditapp.reports.facts import Facts

Row = dict[str, Any]

NUMBERS = ("global", "local", "unique", "redundant", "masked", "total")


def items(facts: Facts) -> Iterator[tuple[str, Row]]:
    """Name of the table and the fields of each row."""
    for item in source_words.entries(facts, "pid"):
        yield from (("pid", row) for row in _parts(item))
    for item in source_words.entries(facts, "bounds"):
        yield from (("bounds", row) for row in _bounds(item))


def _parts(item: Row) -> Iterator[Row]:
    head = {"by": item["by"], "group": {}, "kind": item["of"], "n": item["n"]}
    for name in NUMBERS:
        number = item[name]
        yield head | {
            "metric": f"information-{name}",
            "value": number["corrected"],
            "low": number["low"],
            "high": number["high"],
            "p": number["p"],
            "note": number["undefined"],
        }
    for site in item["per_site"]:
        yield head | {
            "metric": "information-site",
            "value": site["corrected"],
            "low": site["low"],
            "high": site["high"],
            "n": site["n"],
            "note": site["site"],
        }


def _bounds(item: Row) -> Iterator[Row]:
    head = {"by": item["by"], "group": {}, "n": item["n"]}
    if item["undefined"]:
        yield head | {"metric": "headroom", "note": item["undefined"]}
    for found in item["headroom"]:
        numbers = {key: found[key] for key in ("value", "low", "high")}
        said = None if found["certificate"]["certified"] else "not certified"
        yield head | numbers | {"metric": "headroom", "kind": found["rule"], "note": said}
    for curve in item["windows"]:
        for point in curve["points"]:
            yield head | {
                "metric": "best-accuracy",
                "kind": curve["rule"],
                "value": point["accuracy"],
                "note": f"{curve['metric']}: gap of at most {point['gap']!r}",
            }
