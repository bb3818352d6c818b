"""The reference model as JSON: it answers as the trained one does, blanks and rare levels too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.predictors import reference
from auditapp.predictors.reference_file import Stored, to_json
from tests.model_files import write_table

NAMES = ["age", "hours", "job", "code"]


def fitted(tmp_path: Path, estimator: str) -> reference.Fitted:
    rng = np.random.default_rng(2)
    n = 3000
    age = np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n))
    job = rng.choice(np.array([f"job {i}" for i in range(130)] + [None], dtype=object), n)
    code = rng.integers(0, 8, n)
    logit = 0.05 * (np.nan_to_num(age, nan=60) - 50) + np.where(code == 3, 2.0, -0.5)
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    columns = {"age": age, "hours": rng.normal(38, 10, n), "job": job, "code": code}
    table = Table.open(write_table(tmp_path / "table.parquet", columns))
    train = np.arange(n) < n // 2
    return reference.fit_model(table, NAMES, label, train, estimator=estimator, seed=1)


def inputs(model: reference.Fitted) -> Any:
    parts = []
    for column in model.columns:
        if column.codes is None:
            parts.append(np.asarray(column.values))
        else:
            parts.append(np.where(column.codes == column.levels + 1, np.nan, column.codes))
    return np.stack(parts, axis=1)


@pytest.mark.parametrize("estimator", ["logistic", "boosting"])
def test_it_answers_as_the_trained_model_does(tmp_path: Path, estimator: str) -> None:
    model = fitted(tmp_path, estimator)
    x = inputs(model)
    np.testing.assert_allclose(model.ask(x), model.scores, rtol=0, atol=1e-12)
    stored = Stored.read(json.loads(json.dumps(to_json(model), allow_nan=False)))
    np.testing.assert_allclose(stored.ask(x), model.scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("estimator", ["logistic", "boosting"])
def test_it_answers_alike_about_values_nobody_was_trained_on(
    tmp_path: Path, estimator: str
) -> None:
    model = fitted(tmp_path, estimator)
    x = np.array([[np.nan] * 4, [1e9, -1e9, 0, 7], [40, 38, np.nan, np.nan]])
    stored = Stored.read(to_json(model))
    np.testing.assert_allclose(stored.ask(x), model.ask(x), rtol=0, atol=1e-12)


def test_another_file_is_refused() -> None:
    with pytest.raises(AuditError, match="does not hold one"):
        Stored.read({"schema": "something else"})
