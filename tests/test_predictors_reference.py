"""The reference models: what they learn from, what they refuse, and that they repeat."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.predictors import reference
from auditapp.sandbox import Limits, run_child
from tests.model_files import write_table

BOTH = ["logistic", "boosting"]
NAMES = ["age", "hours", "job", "code"]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of these small fits would mostly wait for each other on a busy machine."""
    monkeypatch.setattr(reference, "THREADS", 1)


def made(tmp_path: Path, n: int = 2000, **changes: Any) -> tuple[Table, Any, Any]:
    """Two informative columns (a number and a text), one of noise, and a nominal code."""
    rng = np.random.default_rng(1)
    age = rng.integers(18, 90, n)
    job = rng.choice(["nurse", "clerk", "guard"], n)
    code = rng.integers(0, 8, n)
    logit = 0.06 * (age - 50) + 1.5 * (job == "nurse") + np.where(code == 3, 2.0, -0.5)
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    columns = {"age": age, "hours": rng.normal(38, 10, n), "job": job, "code": code, **changes}
    table = Table.open(write_table(tmp_path / "table.parquet", columns))
    return table, label, np.arange(n) < n // 2


@pytest.mark.parametrize("estimator", BOTH)
def test_it_learns_and_repeats_itself(tmp_path: Path, estimator: str) -> None:
    table, label, train = made(tmp_path)
    scores, info = reference.fit(table, NAMES, label, train, estimator=estimator, seed=3)
    again, _ = reference.fit(table, NAMES, label, train, estimator=estimator, seed=3)
    assert scores.tobytes() == again.tobytes()
    assert scores.dtype == np.float64
    assert 0 <= scores.min() <= scores.max() <= 1
    assert ((scores >= 0.5) == label)[~train].mean() > 0.7
    assert info["trained_on"]["rows"] == int(train.sum())
    assert info["converged"]
    json.dumps(info, allow_nan=False)


@pytest.mark.parametrize("estimator", BOTH)
def test_it_learns_nothing_from_rows_outside_the_split(tmp_path: Path, estimator: str) -> None:
    table, label, train = made(tmp_path)
    scores, _ = reference.fit(table, NAMES, label, train, estimator=estimator, seed=0)
    flipped = np.where(train, label, 1 - label).astype(np.int8)
    other, _ = reference.fit(table, NAMES, flipped, train, estimator=estimator, seed=0)
    assert scores.tobytes() == other.tobytes()


def test_a_logistic_model_equals_the_textbook_one(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    table, label, train = made(tmp_path)
    scores, info = reference.fit(table, NAMES, label, train, estimator="logistic", seed=0)
    age, hours = table.numbers("age"), table.numbers("hours")
    parts = [(v - v[train].mean()) / v[train].std() for v in (age, hours)]
    for name in ("job", "code"):
        levels, codes = table.codes(name)
        parts += [(codes == i).astype(float) for i in range(len(levels))]
    design = np.stack(parts, axis=1)
    model = LogisticRegression(tol=1e-8, max_iter=1000).fit(design[train], label[train])
    assert np.allclose(scores, model.predict_proba(design)[:, 1], atol=1e-5)
    assert info["inputs"] >= design.shape[1]


@pytest.mark.parametrize("estimator", BOTH)
def test_it_fills_in_blanks(tmp_path: Path, estimator: str) -> None:
    n = 2000
    hours = [None if i % 5 == 0 else float(i % 60) for i in range(n)]
    job = [None if i % 7 == 0 else "nurse" for i in range(n)]
    empty = [None] * (n - 1) + [1.0]
    table, label, train = made(tmp_path, hours=hours, job=job, empty=empty)
    scores, info = reference.fit(
        table, [*NAMES, "empty"], label, train, estimator=estimator, seed=0
    )
    assert np.isfinite(scores).all()
    assert info["left_out"] == ["empty"]


@pytest.mark.parametrize("estimator", BOTH)
def test_it_merges_rare_levels_and_meets_new_ones(tmp_path: Path, estimator: str) -> None:
    n = 2000
    rng = np.random.default_rng(0)
    town = [f"t{i}" for i in rng.zipf(1.3, n) % 600]
    town[-1] = "never seen in training"
    table, label, train = made(tmp_path, town=town)
    scores, info = reference.fit(
        table, [*NAMES, "town"], label, train, estimator=estimator, seed=0
    )
    assert np.isfinite(scores).all()
    assert info["merged_levels"]["town"] > 0


def test_it_skips_rows_without_a_label(tmp_path: Path) -> None:
    table, label, train = made(tmp_path)
    label[:100] = -1
    _, info = reference.fit(table, NAMES, label, train, estimator="logistic", seed=0)
    assert info["trained_on"]["rows"] == int(train.sum()) - 100


@pytest.mark.parametrize("value", [0, 1, -1])
def test_it_refuses_a_label_of_one_class(tmp_path: Path, value: int) -> None:
    table, label, train = made(tmp_path)
    with pytest.raises(AuditError) as caught:
        reference.fit(
            table, NAMES, np.full_like(label, value), train, estimator="logistic", seed=0
        )
    assert caught.value.code == "one-class-label"


def test_it_refuses_too_few_rows_no_features_and_unknown_names(tmp_path: Path) -> None:
    table, label, train = made(tmp_path)
    few = label.copy()
    few[:] = 0
    few[:3] = 1
    for changes, code in (
        ({"label": few}, "too-few-rows"),
        ({"features": []}, "no-features"),
        ({"features": ["nothing"]}, "unknown-column"),
        ({"estimator": "oracle"}, "unknown-estimator"),
    ):
        given = {"features": NAMES, "label": label, "estimator": "logistic", **changes}
        with pytest.raises(AuditError) as caught:
            reference.fit(
                table,
                given["features"],
                given["label"],
                train,
                estimator=given["estimator"],
                seed=0,
            )
        assert caught.value.code == code


def fit_income(payload: dict[str, Any], tick: Any) -> dict[str, Any]:
    """In a child with fixed threads, as the pipeline fits."""
    from auditapp.datasets import groups, split

    table = Table.open(payload["table"])
    label = groups.binary(table, "PINCP", ["1"])
    part = split.seeded(table.n_rows, shares=(50, 20, 30), seed=0, strata=[label], unit=None)
    started = time.perf_counter(), time.process_time()
    scores, info = reference.fit(
        table, payload["features"], label, part == 0, estimator=payload["estimator"], seed=0
    )
    spent = time.perf_counter() - started[0], time.process_time() - started[1]
    accuracy = float(((scores >= 0.5) == label)[part == 2].mean())
    return {"accuracy": accuracy, "wall": spent[0], "cpu": spent[1], "info": info}


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(("estimator", "least"), [("logistic", 0.79), ("boosting", 0.81)])
def test_it_fits_the_census_quickly(
    shared_data: Path, tmp_path: Path, estimator: str, least: float
) -> None:
    features = ["AGEP", "COW", "SCHL", "MAR", "OCCP", "POBP", "RELP", "WKHP", "SEX", "RAC1P"]
    source = str(shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet")
    run_child(
        "auditapp.datasets.inspect:child_main",
        {
            "source": source,
            "name": "ACSIncome.test.parquet",
            "out": str(tmp_path / "table"),
            "options": {},
            "read": [source],
        },
        workdir=tmp_path,
        limits=Limits.parsing(),
        isolated=True,
    )
    found = run_child(
        "tests.test_predictors_reference:fit_income",
        {"table": str(tmp_path / "table"), "features": features, "estimator": estimator},
        workdir=tmp_path,
        limits=Limits.trusted(),
        isolated=False,
    )
    assert found["accuracy"] > least
    assert found["info"]["converged"]
    assert found["cpu"] < 12.0
