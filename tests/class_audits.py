"""Audits of simulated decisions among several classes, for the tests of pipeline and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.pipeline import execute
from auditapp.plan import AttributeSpec, Data, Model, Outcome, Plan
from auditapp.result import read

CLASSES = ("management", "manual", "office")
COLUMNS = (AttributeSpec("sex", "Sex"), AttributeSpec("race", "Race"))


def people(n: int = 1500, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> pd.DataFrame:
    """Decisions right seven times in ten; a third of women lose the first class to the second."""
    rng = np.random.default_rng(seed)
    sex, race = rng.integers(0, 2, n), rng.choice(3, n, p=(0.6, 0.3, 0.1))
    truth = rng.integers(0, len(classes), n)
    decision = np.where(rng.random(n) < 0.7, truth, rng.integers(0, len(classes), n))
    decision[(decision == 0) & (sex == 1) & (rng.random(n) < 0.35)] = 1
    words = np.array(classes, dtype=object)
    return pd.DataFrame(
        {
            "sex": np.array(["Men", "Women"])[sex],
            "race": np.array(["White", "Black", "Asian"])[race],
            "age": rng.integers(18, 80, n) + 20 * (truth == 2),
            "hours": np.round(rng.normal(38, 8, n) + 12 * truth, 1),
            "truth": words[truth],
            "prediction": words[decision],
        }
    )


def audit(frame: pd.DataFrame, folder: Path, job: Any = None, **plan: Any) -> dict[str, Any]:
    table = stored(frame, folder)
    profile = json.loads((table / "profile.json").read_text())
    given = {
        "model": Model("columns"),
        "label": Outcome("truth"),
        "decision": Outcome("prediction"),
        "attributes": COLUMNS,
        "draws": 100,
        **plan,
    }
    data = Data(profile["name"], profile["sha256"], profile["bytes"], profile["rows"])
    made = Plan(data=data, outcome="multiclass", **given)
    out = folder / "out"
    execute(
        {"plan": made.to_json(), "table_dir": str(table), "out": str(out), "report": False}
        | (job or {})
    )
    return read(out / "result.json")


def stored(frame: pd.DataFrame, folder: Path) -> Path:
    source, table = folder / "people.csv", folder / "table"
    frame.to_csv(source, index=False)
    if not table.exists():
        inspect(source, "people.csv", table, ReadOptions(), lambda *_, **__: None)
    return table
