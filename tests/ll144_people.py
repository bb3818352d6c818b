"""Applicants in a table, and the annex of Local Law 144 that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditapp.datasets import groups
from auditapp.datasets.table import Table
from auditapp.pipeline.annexes import annexes
from auditapp.pipeline.audited import Audited
from auditapp.plan import AttributeSpec, Data, Model, Outcome, Plan, Score, TemplateSpec
from metrics.audit import Attribute

ANSWERS = {
    "tool": "Screener",
    "distribution_date": "2025-09-01",
    "data_kind": "historical",
    "data_source": "Applications of spring.",
    "supplied_by": "The hiring team",
    "auditor": "Riverside Audit Office",
    "independence": "No part in the tool, no interest in it.",
}
RACES = (
    "White", "Black or African American", "Asian", "Native Hawaiian or Pacific Islander",
    "Native American or Alaska Native", "Two or More Races",
)  # fmt: skip


def rows(*cells: tuple[int, int, str, str]) -> dict[str, list[Any]]:
    """Columns of so many people, so many of them selected, of a sex and a race."""
    made: dict[str, list[Any]] = {"sex": [], "race": [], "decision": []}
    for n, x, sex, race in cells:
        made["sex"] += [sex] * n
        made["race"] += [race] * n
        made["decision"] += ["1"] * x + ["0"] * (n - x)
    return made


def hiring(n: int = 3000, seed: int = 0) -> dict[str, list[Any]]:
    """Applicants of every category, with origin, a score and a group the tool puts them in."""
    rng = np.random.default_rng(seed)
    race = rng.choice([*RACES, "Some other race", "Declined to answer"], n,
                      p=[0.52, 0.16, 0.13, 0.012, 0.015, 0.06, 0.08, 0.023])  # fmt: skip
    sex = rng.choice(["Male", "Female", "Nonbinary", "Unknown"], n, p=[0.53, 0.45, 0.008, 0.012])
    origin = rng.choice(["Hispanic or Latino", "Not Hispanic or Latino"], n, p=[0.18, 0.82])
    score = rng.normal(size=n) - 0.25 * (sex == "Female") - 0.3 * (race == RACES[1])
    return {
        "sex": list(sex),
        "race": list(race),
        "ethnicity": list(origin),
        "score": list((100 / (1 + np.exp(-score))).round(1)),
        "decision": list(np.where(score > 0.4, "1", "0")),
        "style": list(rng.choice(["Driver", "Analyst", "Mediator"], n)),
    }


def audited(
    columns: dict[str, list[Any]],
    folder: Path,
    *,
    sensitive: tuple[str, ...] = ("sex", "race"),
    words: dict[str, dict[str, str]] | None = None,
    score: Score | None = None,
    used: np.ndarray | None = None,
    settings: dict[str, Any] | None = None,
) -> Audited:
    """The measured rows of a table of text columns."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "people.parquet"
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    table = Table(path)
    specs = tuple(
        AttributeSpec(name, name.title(), words=(words or {}).get(name, {})) for name in sensitive
    )
    keep = np.ones(table.n_rows, dtype=bool) if used is None else used
    made = []
    for spec in specs:
        levels, _, codes = groups.attribute(table, {"column": spec.column, "words": spec.words})
        made.append(Attribute(spec.column, tuple(levels), codes[keep]))
    if "decision" in columns:
        decision = groups.binary(table, "decision", ("1",))
    else:
        decision = np.zeros(table.n_rows, dtype=np.int8)
    raw = None
    if score is not None and score.column is not None:
        raw = table.numbers(score.column)[keep] / score.high
        raw = raw if score.favourable else 1.0 - raw
    plan = Plan(
        data=Data("people.csv", "0" * 64, 1, table.n_rows),
        model=Model("columns"),
        attributes=specs,
        decision=Outcome("decision", ("1",)),
        score=score,
        templates=(TemplateSpec("ll144", {**ANSWERS, **(settings or {})}),),
    )
    return Audited(
        plan=plan, table=table, used=keep, attributes=made, label=None,
        decision=decision[keep], score=raw, site=None, control=None, everyone=made,
        every_site=None, every_label=None, part=None, job={}, tick=lambda share, text: None,
    )  # fmt: skip


def annex(columns: dict[str, list[Any]], folder: Path, **given: Any) -> dict[str, Any]:
    """The annex of a table, with every answer given unless settings say otherwise."""
    found = audited(columns, folder, **given)
    made = annexes(found.plan, found, {})
    assert made is not None
    return made[0]


def table(made: dict[str, Any], kind: str, group: str | None = None) -> dict[str, dict[str, Any]]:
    """Rows of a table by their names."""
    found = next(t for t in made["tables"] if t["kind"] == kind and t["group"] == group)
    return {" / ".join(row["names"]): row for row in found["rows"]}


def codes(made: dict[str, Any]) -> set[str]:
    """What is open."""
    return {item["code"] for item in made["open"]}
