"""Every rate of a whole audit equals fairlearn's, every AUC scikit-learn's, row for row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    count,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_negative_rate,
    true_positive_rate,
)
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    precision_score,
    roc_auc_score,
)

from auditapp.datasets import groups
from auditapp.datasets.inspect import inspect
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.simulated import write_demo
from auditapp.datasets.table import Table
from auditapp.headless import Options, plan_of
from auditapp.pipeline.decide import decide
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.outcomes.rows import rows_used
from auditapp.pipeline.progress import Progress

RATES: dict[str, Callable[..., float]] = {
    "selection-rate": selection_rate,
    "accuracy": accuracy_score,
    "balanced-accuracy": balanced_accuracy_score,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "tnr": true_negative_rate,
    "fnr": false_negative_rate,
    "precision": lambda y, d: precision_score(y, d, zero_division=np.nan),
}
pytestmark = pytest.mark.filterwarnings("ignore")  # the oracles warn of one-class groups


def compare(source: Path, work: Path, label: str) -> None:
    profile = inspect(source, source.name, work / "table", ReadOptions(), lambda *_, **__: None)
    options = Options(
        data=source, out=work / "r.json", label=label, train="logistic",
        sensitive=["RAC1P", "SEX"], exclude=["score"] if "score" in str(profile) else [],
    )  # fmt: skip
    plan = plan_of(options, profile, None)
    job = {"plan": plan.to_json(), "table_dir": str(work / "table"), "out": str(work)}
    document = document_of(plan, job, Progress(None))

    table = Table.open(work / "table")
    y = groups.binary(table, label, ["1"])
    coded = [groups.attribute(table, spec.__dict__) for spec in plan.attributes]
    decided = decide(plan, table, y, [codes for _, _, codes in coded], job, Progress(None))
    used = rows_used(decided.decision < 0, decided.part).mask & (y >= 0)
    columns = {
        spec.column: np.array([*words, "Unknown"])[codes][used]
        for spec, (words, _, codes) in zip(plan.attributes, coded, strict=True)
    }
    assert decided.score is not None
    check_rates(document, y[used], decided.decision[used], columns)
    check_scores(document["scores"], y[used], decided.score[used], columns)


def check_rates(document: dict[str, Any], y: Any, d: Any, columns: dict[str, Any]) -> None:
    compared = 0
    for by in ([], ["RAC1P"], ["SEX"], ["RAC1P", "SEX"]):
        features = {name: columns[name] for name in by} if by else {"all": np.zeros(y.size)}
        frame = MetricFrame(
            metrics={"n": count, **RATES}, y_true=y, y_pred=d, sensitive_features=features
        )
        oracle = frame.by_group
        for row in document["estimates"]:
            if row["by"] != by or row["metric"] not in RATES or row["value"] is None:
                continue
            key = tuple(row["group"][name] for name in by) if by else (0.0,)
            if by and not all(part in set(columns[n]) for n, part in zip(by, key, strict=True)):
                continue
            theirs = oracle.loc[key if len(key) > 1 else key[0], row["metric"]]
            assert abs(row["value"] - theirs) <= 1e-12, (row["metric"], row["group"])
            compared += 1
    assert compared > 150


def check_scores(scores: dict[str, Any], y: Any, s: Any, columns: dict[str, Any]) -> None:
    for row in [*scores["auc"], *scores["brier"]]:
        if row.get("value") is None:
            continue
        mask = np.ones(y.size, dtype=bool)
        for name in row["by"]:
            mask &= columns[name] == row["group"][name]
        if "positives" in row:
            assert abs(row["value"] - roc_auc_score(y[mask], s[mask])) <= 1e-4
        else:
            assert abs(row["value"] - brier_score_loss(y[mask], s[mask])) <= 1e-5


def test_simulated_people(tmp_path: Path) -> None:
    compare(write_demo(tmp_path / "demo.csv", n=12_000), tmp_path, "INCOME_ABOVE_50K")


@pytest.mark.slow
@pytest.mark.shared_data
def test_all_332900_rows_of_acs_income(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet"
    compare(source, tmp_path, "PINCP")
    facts = json.loads((tmp_path / "table" / "profile.json").read_text())
    assert facts["rows"] == 332_900
