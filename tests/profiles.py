"""A profile of a small table, for pages that show columns."""

from __future__ import annotations

from typing import Any


def column(name: str, values: dict[str, int], **fields: Any) -> dict[str, Any]:
    """One column of a profile."""
    numbers = all(value.replace(".", "", 1).isdigit() for value in values)
    return {
        "name": name,
        "was": name,
        "type": "integer" if numbers else "text",
        "kind": "binary" if len(values) == 2 else "categorical",
        "missing": 0,
        "distinct": len(values),
        "capped": False,
        "min": min(map(float, values)) if numbers else None,
        "max": max(map(float, values)) if numbers else None,
        "top": [{"value": value, "n": n} for value, n in values.items()],
        "histogram": list(values.values())[:24],
        "title": None,
        "words": None,
        "guess": "feature",
        "why": "",
        **fields,
    }


def people(**fields: Any) -> dict[str, Any]:
    """Profile of 1,000 people with a label, two groups, an age, a score and a name."""
    ages = {str(age): 20 for age in range(18, 68)}
    return {
        "schema": "evenhand/profile/1",
        "name": "people.csv",
        "bytes": 7,
        "sha256": "0" * 64,
        "format": "csv",
        "read": {
            "delimiter": ",",
            "encoding": "utf-8",
            "header": True,
            "compression": None,
            "inner_name": None,
            "missing": ["", "NA"],
        },
        "rows": 1000,
        "columns": [
            column("hired", {"0": 600, "1": 400}, guess="label"),
            column("sex", {"F": 480, "M": 510, "X": 10}, guess="sensitive"),
            column("age", ages, guess="sensitive", kind="numeric"),
            column(
                "score", {"0.2": 500, "0.9": 500}, type="number", kind="numeric", guess="score"
            ),
            column("region", {"North": 700, "South": 300}),
            column("remarks", {"a": 500, "b": 500}, kind="text", distinct=1000, guess="unused"),
        ],
        "notices": [
            {
                "code": "shifted",
                "level": "check",
                "message": "sex has a third value.",
                "detail": "We read X as given.",
                "column": "sex",
            }
        ],
        "recognised": None,
        **fields,
    }
