"""Result documents of predicted numbers and ranked lists, from simulated people."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.progress import Progress
from auditapp.plan import About, AttributeSpec, Data, Model, Outcome, Plan, Score, check
from auditapp.result import plain

RACES = ("White", "Black or African American", "Asian", "Native")
RUN = {"id": "EH-2026-0147", "date": "2026-11-22T14:32:00Z", "people": "", "status": "draft"}


def people(n: int = 3000, *, gap: float = 0.0, scale: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Outcomes with predictions; those of women are lower by `gap` standard deviations."""
    rng = np.random.default_rng(seed)
    race = rng.choice(RACES, n, p=(0.6, 0.25, 0.145, 0.005))
    sex = rng.choice(("Women", "Men"), n)
    skill = rng.normal(size=n)
    pay = 5.0 + skill + 0.5 * rng.normal(size=n)
    guess = 5.0 + skill - gap * 1.118 * (sex == "Women") + 0.4 * rng.normal(size=n)
    return pd.DataFrame(
        {"race": race, "sex": sex, "skill": skill, "pay": pay * scale, "guess": guess * scale}
    )


def applicants(
    lists: int = 60, size: int = 20, *, gap: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """Lists with a score and a relevance; the scores of women are lower by `gap`."""
    rng = np.random.default_rng(seed)
    n = lists * size
    sex = rng.choice(("Women", "Men"), n)
    fit = rng.integers(0, 4, n)
    score = fit + rng.normal(size=n) - gap * (sex == "Women")
    job = np.repeat(np.arange(lists), size)
    return pd.DataFrame({"job": job, "sex": sex, "fit": fit, "score": score})


def document(table: pd.DataFrame, job: Any = None, **plan: Any) -> dict[str, Any]:
    """Run an audit without its report; `job` adds an uploaded model."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        source, out = work / "people.csv", work / "table"
        table.to_csv(source, index=False)
        profile = inspect(source, "people.csv", out, ReadOptions(), lambda *_, **__: None)
        data = Data("people.csv", profile["sha256"], profile["bytes"], profile["rows"])
        made = Plan(data=data, **{"model": Model("columns"), **plan})
        check(made)
        order = {"table_dir": str(out), "out": str(work), "plan": made.to_json(), **(job or {})}
        found = document_of(made, order, Progress(None))
    environment = {"evenhand": "1.0.0", "python": "3.11.9", "packages": {}}
    whole = {**found, "run": RUN, "environment": environment, "timings": {"steps": {}}}
    return dict(plain(whole))


def regression(table: pd.DataFrame, **plan: Any) -> dict[str, Any]:
    """Audit the guesses of `people`."""
    return document(
        table,
        **{
            "outcome": "regression",
            "goal": "bias",
            "tolerance": 0.1,
            "label": Outcome("pay"),
            "score": Score("guess"),
            "attributes": (AttributeSpec("race", "Race"), AttributeSpec("sex", "Sex")),
            "about": About(title="Pay", outcome="A pay forecast", simulated=True),
            **plan,
        },
    )


def ranking(table: pd.DataFrame, **plan: Any) -> dict[str, Any]:
    """Audit the lists of `applicants`."""
    return document(
        table,
        **{
            "outcome": "ranking",
            "goal": "selection-at-k",
            "k": 5,
            "query": "job",
            "label": Outcome("fit"),
            "score": Score("score"),
            "attributes": (AttributeSpec("sex", "Sex"),),
            "about": About(title="Applicants", outcome="An interview", simulated=True),
            **plan,
        },
    )


@lru_cache(maxsize=1)
def unequal_pay() -> dict[str, Any]:
    """Forecasts that are half a standard deviation lower for women."""
    return regression(people(gap=0.5))


@lru_cache(maxsize=1)
def unequal_lists() -> dict[str, Any]:
    """Lists in which women stand lower."""
    return ranking(applicants(gap=1.0))
