"""Loan applicants with planted gaps in approval, price and age, and a class that is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.pipeline import execute
from auditapp.plan import (
    AttributeSpec,
    Data,
    MethodSpec,
    Model,
    Outcome,
    Plan,
    Score,
    TemplateSpec,
)
from auditapp.plan.goals import SEARCHES
from auditapp.result import read

RACES = ("White", "Black", "Asian", "Pacific Islander")
MONTHS = ("2026-01", "2026-02", "2026-03")


def applicants(n: int = 3000, *, gap: float = 0.2, seed: int = 0) -> pd.DataFrame:
    """Black applicants are approved less often and pay more; one in a hundred is an Islander."""
    rng = np.random.default_rng(seed)
    race = rng.choice(4, n, p=[0.62, 0.25, 0.12, 0.01])
    age = rng.integers(20, 85, n)
    chance = np.array([0.72, 0.72 - gap, 0.74, 0.9])[race] - 0.05 * (age >= 62)
    score = np.clip(chance + rng.normal(0, 0.2, n), 0.001, 0.999)
    approved = rng.random(n) < chance
    repaid = (rng.random(n) < 0.2 + 0.7 * score).astype(int)
    guess = np.clip(0.85 * (race == 1) + rng.uniform(0, 0.3, n), 0.02, 0.95)
    rate = 4.0 + 0.5 * (race == 1) + rng.gamma(2.0, 0.5, n)
    made = pd.DataFrame(
        {
            "race": np.array(RACES)[race],
            "sex": rng.choice(["Female", "Male"], n),
            "age": age,
            "month": rng.choice(MONTHS, n),
            "approved": approved.astype(int),
            "repaid": repaid,
            "score": score.round(4),
            "rate": rate.round(3),
            "line": (20 - 0.1 * age + rng.normal(0, 3, n)).round(2),
            "p_black": guess.round(4),
            "p_white": (1 - guess).round(4),
        }
    )
    made["rate"] = made["rate"].mask(rng.random(n) < 0.05)
    made["race"] = made["race"].mask(rng.random(n) < 0.02)
    return made


def audit(
    table: pd.DataFrame,
    folder: Path,
    templates: dict[str, dict[str, Any]],
    *,
    methods: tuple[MethodSpec, ...] = (),
    report: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """The result document of an audit of these applicants with templates."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "applicants.csv"
    table.to_csv(source, index=False)
    inspect(source, "applicants.csv", folder / "table", ReadOptions(), lambda *_, **__: None)
    profile = json.loads((folder / "table" / "profile.json").read_text())
    given: dict[str, Any] = {
        "data": Data(profile["name"], profile["sha256"], profile["bytes"], profile["rows"]),
        "model": Model("columns"),
        "attributes": (
            AttributeSpec("race", "Race", reference="White"),
            AttributeSpec("sex", "Sex"),
        ),
        "decision": Outcome("approved", ("1",)),
        "label": Outcome("repaid", ("1",)),
        "score": Score("score"),
        "draws": 100,
        "intersections": 1,
        "skip": SEARCHES,
        "methods": methods,
        "templates": tuple(TemplateSpec(slug, given) for slug, given in templates.items()),
    }
    plan = Plan(**(given | changes))
    job = {"plan": plan.to_json(), "table_dir": str(folder / "table"), "out": str(folder / "out")}
    execute({**job, "report": report})
    return read(folder / "out" / "result.json")


def annex(document: dict[str, Any], slug: str) -> dict[str, Any]:
    """The annex of a template."""
    found: dict[str, Any] = next(a for a in document["annexes"] if a["slug"] == slug)
    return found
