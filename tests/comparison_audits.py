"""Two audits to compare: two models on the same people, or two months of different people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.simulated import acs_like
from auditapp.headless import Options, plan_of
from auditapp.pipeline import execute
from auditapp.plan import About

SKIP = ("subgroups", "pid", "bounds", "strata", "levels", "numerics")
KEY = "a-key-of-the-workspace"


def people(n: int, seed: int, *, planted: float = 0.0) -> pd.DataFrame:
    """Simulated people with two scores; the second takes a yes from some Black people."""
    table = acs_like(n, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    table["person"] = [f"P{seed}-{i:06d}" for i in range(n)]
    score = table["score"].to_numpy()
    other = np.clip(score + rng.normal(0, 0.04, n), 0, 1)
    if planted:
        group = np.flatnonzero((table["RAC1P"].astype(str) == "2").to_numpy() & (other >= 0.5))
        of_all = int((table["RAC1P"].astype(str) == "2").sum())
        lost = rng.permutation(group)[: round(planted * of_all)]
        other[lost] = 0.4
    table["score_b"] = np.round(other, 6)
    return table


def audit(
    table: pd.DataFrame,
    out: Path,
    *,
    score: str = "score",
    file: str = "people.csv",
    **changes: Any,
) -> Path:
    """Run one audit without its report; the folder of its result and rows."""
    out.mkdir(parents=True, exist_ok=True)
    source = out / file
    table.to_csv(source, index=False)
    inspect(source, file, out / "table", ReadOptions(), lambda *_, **__: None)
    profile = json.loads((out / "table" / "profile.json").read_text())
    given: dict[str, Any] = {
        "label": "INCOME_ABOVE_50K", "score": score, "sensitive": ["RAC1P", "SEX"],
        "unit": "person",
    }  # fmt: skip
    options = Options(data=source, out=out / "x.json", **{**given, **changes.pop("options", {})})
    about = About(title=f"Income model, {score}", system="Income model", version=score)
    plan = replace(plan_of(options, profile, None), skip=SKIP, draws=100, about=about)
    plan = replace(plan, **changes)
    execute(
        {
            "plan": plan.to_json(), "table_dir": str(out / "table"), "out": str(out / "done"),
            "report": False, "row_key": KEY,
            "run": {"id": f"EH-2026-{len(score):04d}", "date": "2026-11-02T09:00:00+00:00"},
        }
    )  # fmt: skip
    return out / "done"
