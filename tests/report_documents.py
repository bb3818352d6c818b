"""Small simulated result documents for the tests of the report.

The numbers come from `metrics.audit.measure`, so a test of words or pages also notices when
the document changes its shape.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from metrics.audit import Attribute, Policy, measure

RACES = (
    "White",
    "Black or African American",
    "Asian",
    "Some other race",
    "Two or more races",
    "American Indian",
    "Native Hawaiian or Pacific Islander",
    "American Indian or Alaska Native, other",
    "Alaska Native",
)
SHARES = (0.74, 0.09, 0.06, 0.045, 0.04, 0.01, 0.006, 0.006, 0.003)
SHIFTS = (0.0, -0.9, 0.45, -1.4, -0.5, -1.0, -0.8, -0.9, -0.6)
SEXES = ("Men", "Women")
MARITAL = ("Married", "Widowed", "Divorced", "Separated", "Never married")

ABOUT = {
    "title": "Income model, national",
    "system": "Income model",
    "version": "1.0",
    "purpose": "Estimate who earns more than $50,000 a year.",
    "population": "adults in work in the United States",
    "period": "2018",
    "outcome": "A prediction of income above $50,000",
    "prepared_for": "Board of the Riverside Audit Office",
    "prepared_by": "Riverside Audit Office, model audit team",
    "simulated": True,
}


def document(
    n: int = 12_000,
    *,
    label: bool = True,
    score: bool = True,
    attributes: int = 2,
    intersections: int = 2,
    fair: bool = False,
    blank_labels: int = 0,
    unknown: int = 0,
    goal: str = "selection-rate",
    floor: int = 30,
    tolerance: float = 0.05,
    races: tuple[str, ...] = RACES,
    about: dict[str, Any] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Make the result document of a simulated population with planted or no gaps."""
    rng = np.random.default_rng(seed)
    shares = np.array(SHARES[: len(races)]) / sum(SHARES[: len(races)])
    race = rng.choice(len(races), size=n, p=shares)
    sex = rng.integers(0, 2, size=n)
    marital = rng.choice(5, size=n, p=(0.5, 0.05, 0.12, 0.03, 0.3))
    merit = rng.normal(size=n) - 0.55
    shift = np.zeros(n) if fair else np.array(SHIFTS)[race] - 0.5 * sex
    y = (merit + 0.6 * shift + rng.normal(scale=0.8, size=n) > 0).astype(np.int8)
    s = 1 / (1 + np.exp(-1.6 * (merit + shift)))
    d = (s >= 0.5).astype(np.int8)
    if blank_labels:
        y[:blank_labels] = -1
    if unknown:
        race = race.copy()
        race[-unknown:] = -1
    columns = [
        Attribute("RAC1P", races, race),
        Attribute("SEX", SEXES, sex),
        Attribute("MAR", MARITAL, marital),
    ][:attributes]
    policy = Policy(
        goal=goal, tolerance=tolerance, floor=floor, intersections=intersections, draws=200
    )
    measured = measure(
        columns,
        label=y if label else None,
        decision=d,
        score=s if score else None,
        policy=policy,
    )
    made = {
        "schema": "evenhand/result/1",
        "plan": _plan(n, label, score, columns, policy, {**ABOUT, **(about or {})}),
        "inputs": {"data": _data(n, blank_labels, unknown), "model": None},
        "rows": {
            "uploaded": n + 40,
            "used": n,
            "left_out": _left_out(),
            "label_blank": blank_labels,
        },
        **dict.fromkeys(("subgroups", "pid", "bounds", "shift", "change")),
        **measured,
        "methods": [],
        "run": {
            "id": "EH-2026-0147",
            "date": "2026-11-22T14:32:00Z",
            "people": "Ada Moreno",
            "status": "draft",
        },
        "environment": {
            "evenhand": "1.0.0",
            "python": "3.11.9",
            "system": "Linux x86_64",
            "cpus": 2,
            "device": "CPU",
            "packages": {"numpy": "2.4.6", "scipy": "1.17.1"},
        },
        "timings": {"started": 0.0, "steps": {"read": 0.4, "measure": 0.2}},
    }
    text: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
    return text


def _left_out() -> list[dict[str, Any]]:
    return [{"code": "no-decision", "reason": "no decision: the score is blank", "n": 40}]


def _plan(
    n: int, label: bool, score: bool, columns: list[Attribute], policy: Policy, about: Any
) -> dict[str, Any]:
    titles = {"RAC1P": "Race", "SEX": "Sex", "MAR": "Marital status"}
    return {
        "schema": "evenhand/plan/1",
        "about": about,
        "data": {"name": "people.csv", "sha256": "ab" * 32, "bytes": 123_456, "rows": n + 40},
        "model": {"kind": "columns"},
        "label": {"column": "PINCP", "favourable": ["1"]} if label else None,
        "decision": None if score else {"column": "decision", "favourable": ["yes"]},
        "score": {"column": "score", "favourable": True, "low": 0.0, "high": 1.0}
        if score
        else None,
        "features": None,
        "unit": None,
        "attributes": [
            {
                "column": a.name,
                "title": titles[a.name],
                "kind": "categorical",
                "cuts": [],
                "words": {str(i + 1): word for i, word in enumerate(a.levels)},
                "reference": None,
            }
            for a in columns
        ],
        "intersections": policy.intersections,
        "floor": policy.floor,
        "denominator_floor": policy.denominator_floor,
        "goal": policy.goal,
        "threshold": 0.5,
        "tolerance": policy.tolerance,
        "split": {"kind": "seeded", "shares": [50, 20, 30], "column": None},
        "draws": policy.draws,
        "seed": policy.seed,
    }


def _data(n: int, blank_labels: int, unknown: int) -> dict[str, Any]:
    missing = {"PINCP": blank_labels, "RAC1P": unknown}
    return {
        "name": "people.csv",
        "sha256": "ab" * 32,
        "bytes": 123_456,
        "rows": n + 40,
        "columns": [
            {"name": name, "type": "integer", "missing": missing.get(name, 0), "distinct": 9}
            for name in ("RAC1P", "SEX", "MAR", "PINCP", "score")
        ],
        "notices": [],
        "recognised": None,
    }


@lru_cache(maxsize=16)
def _cached(key: str) -> str:
    return json.dumps(document(**json.loads(key)))


def cached(**options: Any) -> dict[str, Any]:
    """As `document`, computed once for the same options; every caller gets a fresh copy."""
    made: dict[str, Any] = json.loads(_cached(json.dumps(options, sort_keys=True)))
    if "races" in options:
        options["races"] = tuple(options["races"])
    return made
