"""Remedies inside an audit: what stands in the document, and what no remedy may see."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from auditapp import result
from auditapp.datasets import split
from auditapp.datasets.inspect import ReadOptions, inspect
from auditapp.datasets.simulated import acs_like
from auditapp.headless import Options, plan_of
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
SKIP = ("subgroups", "pid", "bounds", "shift", "levels")


def run(place: Path, *, flip: bool = False, **changes: Any) -> dict[str, Any]:
    """Audit a simulated table; with `flip`, labels of the audit rows are turned round."""
    table = acs_like(4000, seed=5)
    parts = split.seeded(len(table), seed=2)
    table["part"] = np.array(["train", "valid", "audit"])[parts]
    if flip:
        rows = table["part"] == "audit"
        table.loc[rows, "INCOME_ABOVE_50K"] = 1 - table.loc[rows, "INCOME_ABOVE_50K"]
    place.mkdir(exist_ok=True)
    table.to_csv(place / "t.csv", index=False)
    profile = inspect(place / "t.csv", "t.csv", place / "table", ReadOptions(), lambda *_, **__: 0)
    given: dict[str, Any] = {"train": "logistic", "exclude": ["score"], **changes}
    options = Options(
        data=place / "t.csv", out=place / "r.json", label="INCOME_ABOVE_50K",
        sensitive=["SEX"], split=split_by("part"), skip=SKIP, **given,
    )  # fmt: skip
    plan = plan_of(options, profile, None)
    job = {"plan": plan.to_json(), "table_dir": str(place / "table"), "out": str(place / "out")}
    return result.plain(document_of(plan, job, Progress(None)))


def split_by(column: str) -> Any:
    from auditapp.plan import Split

    return Split(kind="column", column=column)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("remedies")
    return run(place, method=[("reweighing", {}), ("thresholds", {"limits": "0 0.05"})])


def test_the_document_keeps_the_published_shape(document: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "docs/result.schema.json").read_text())
    whole = {**document, "run": {}, "environment": {}, "timings": {}}
    jsonschema.validate(whole, schema)
    assert [m["status"] for m in document["methods"]] == ["ok", "ok"]
    assert document["tradeoff"]["rows"] == {
        "train": 2000,
        "valid": 800,
        "audit": 1200,
        "unused": 0,
    }


def test_the_baseline_changes_nothing_and_agrees_with_the_rates_of_its_rows(
    document: dict[str, Any],
) -> None:
    baseline = document["tradeoff"]["baseline"]
    assert baseline["change"]["accuracy"]["value"] == 0.0
    assert baseline["coverage"]["value"] == 1.0
    assert all(row["up"] == row["down"] == row["to_human"] == 0 for row in baseline["changed"])


def test_one_point_is_recommended_and_it_is_a_measured_one(document: dict[str, Any]) -> None:
    chosen = document["tradeoff"]["recommended"]
    marked = [(m["slug"], p["id"]) for m in document["methods"] for p in m["points"]
              if p["recommended"]]  # fmt: skip
    wanted = [] if chosen is None else [(chosen["method"], chosen["point"])]
    assert marked == wanted


def test_no_remedy_sees_the_labels_it_is_judged_by(
    document: dict[str, Any], tmp_path: Path
) -> None:
    methods = [("reweighing", {}), ("thresholds", {"limits": "0 0.05"})]
    turned = run(tmp_path / "turned", flip=True, method=methods)

    def rules(found: dict[str, Any]) -> list[str]:
        return [p["rule"]["id"] for m in found["methods"] for p in m["points"]]

    assert rules(turned) == rules(document)
    assert turned["tradeoff"]["recommended"] == document["tradeoff"]["recommended"]
    accuracy = [d["tradeoff"]["baseline"]["accuracy"]["value"] for d in (document, turned)]
    assert accuracy[0] != accuracy[1]


def test_the_same_audit_gives_the_same_document(document: dict[str, Any], tmp_path: Path) -> None:
    methods = [("reweighing", {}), ("thresholds", {"limits": "0 0.05"})]
    again = run(tmp_path / "again", method=methods)
    assert result.canonical(again) == result.canonical(document)


def test_a_method_that_cannot_run_says_why_and_the_others_stand(tmp_path: Path) -> None:
    found = run(
        tmp_path / "given", train=None, exclude=(), score="score",
        method=[("counterfactual", {}), ("thresholds", {"limits": "0.02"}),
                ("reweighing", {"strengths": "7000"})],
    )  # fmt: skip
    refused, made, wrong = found["methods"]
    assert (refused["status"], refused["error"]["code"]) == ("error", "needs-model")
    assert refused["error"]["hint"]
    assert made["status"] == "ok" and made["points"]
    assert wrong["status"] == "error" and wrong["error"]["code"] == "bad-setting"


def test_the_curve_of_the_score_alone_stands_under_every_remedy(tmp_path: Path) -> None:
    found = run(tmp_path / "bare", method=[("reweighing", {})])
    curve = found["tradeoff"]["yardstick"]
    assert len(curve) >= 2
    assert all(a[0] <= b[0] and a[1] < b[1] for a, b in itertools.pairwise(curve))


def test_rows_of_another_population_are_learnt_from_and_never_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditapp.pipeline.remedies import run as remedies_run

    seen = []
    prepare = remedies_run.prepare

    def kept(audited: Any) -> Any:
        seen.append(prepare(audited))
        return seen[-1]

    monkeypatch.setattr(remedies_run, "prepare", kept)
    document = run(tmp_path, source=("MAR", ["1"]), method=[("reweighing", {})])
    problem = seen[0].problem
    out = {item["code"]: item["n"] for item in document["rows"]["left_out"]}
    table = acs_like(4000, seed=5)
    assert len(problem.source) == out["source"] == int((table["MAR"] == 1).sum())
    assert out["source"] + out["fit"] + document["rows"]["used"] == 4000
    told = sum(document["tradeoff"]["rows"][name] for name in ("train", "valid", "audit"))
    assert told == 4000 - out["source"]
