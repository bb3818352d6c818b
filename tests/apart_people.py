"""People with a planted reversal, wrong labels in one group, and other decisions on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.pipeline import execute
from auditapp.plan import AttributeSpec, Data, Model, Outcome, Plan, References, Score
from auditapp.plan.goals import SEARCHES
from auditapp.result import read

APART = ("strata", "levels", "references")
WORDS = ("Engineering", "Physics", "Law", "Languages", "Arts", "Medicine")
MEN = (0.35, 0.25, 0.15, 0.1, 0.1, 0.05)


def people(n: int = 4000, *, wrong: float = 0.0, panels: int = 25, seed: int = 0) -> pd.DataFrame:
    """Women are chosen more often in every department and apply where few are chosen.

    `wrong` is the share of women whose recorded outcome is turned round.
    """
    rng = np.random.default_rng(seed)
    woman = rng.integers(0, 2, n)
    where = np.where(woman == 1, rng.choice(6, n, p=MEN[::-1]), rng.choice(6, n, p=MEN))
    chance = np.array([0.75, 0.65, 0.4, 0.35, 0.25, 0.12])[where] + 0.08 * woman
    score = 1 / (1 + np.exp(-np.log(chance / (1 - chance)) - rng.normal(0, 0.8, n)))
    truth = (rng.random(n) < score).astype(int)
    label = np.where((woman == 1) & (rng.random(n) < wrong), 1 - truth, truth)
    made = pd.DataFrame(
        {
            "sex": np.array(["Men", "Women"])[woman],
            "race": rng.choice(["White", "Black", "Asian"], n, p=[0.6, 0.3, 0.1]),
            "department": np.array(WORDS)[where],
            "outcome": label,
            "score": score.round(4),
            "second": np.where(rng.random(n) < 0.3, truth.astype(str), ""),
        }
    )
    for k in range(panels):
        turned = rng.random(n) < rng.uniform(0.35, 0.45)
        made[f"panel {k + 1}"] = np.where(turned, 1 - label, label)
    return made


def plan_for(folder: Path, **changes: Any) -> Plan:
    """A plan with a factor, second labels and nothing else to search for."""
    profile = json.loads((folder / "profile.json").read_text())
    given: dict[str, Any] = {
        "data": Data(profile["name"], profile["sha256"], profile["bytes"], profile["rows"]),
        "model": Model("columns"),
        "attributes": (
            AttributeSpec("sex", "Sex", reference="Men"),
            AttributeSpec("race", "Race"),
        ),
        "label": Outcome("outcome", ("1",)),
        "score": Score("score"),
        "control": AttributeSpec("department", "Department"),
        "draws": 100,
        "skip": tuple(name for name in SEARCHES if name not in APART),
    }
    return Plan(**(given | changes))


def audit(table: pd.DataFrame, folder: Path, **changes: Any) -> dict[str, Any]:
    """The result document of these people."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "people.csv"
    table.to_csv(source, index=False)
    inspect(source, "people.csv", folder / "table", ReadOptions(), lambda *_, **__: None)
    plan = plan_for(folder / "table", **changes)
    job = {"plan": plan.to_json(), "table_dir": str(folder / "table"), "out": str(folder / "out")}
    execute({**job, "report": False})
    return read(folder / "out" / "result.json")


def panels(table: pd.DataFrame) -> References:
    """Every column of other decisions."""
    return References(tuple(c for c in table.columns if c.startswith("panel")), ("1",))
