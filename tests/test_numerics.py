"""Flips between number formats in an audit, and what the report says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp import result
from auditapp.datasets.table import Table
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import oriented
from auditapp.pipeline.diagnose import numerics
from auditapp.plan import Plan
from auditapp.plan.model import AttributeSpec, Data, Model, Score
from auditapp.predictors import inspect_model, predict
from auditapp.reports.blocks import Table as Shown
from auditapp.reports.blocks import plain, walk
from auditapp.reports.facts import Facts
from auditapp.reports.sections.numerics import section
from metrics.groups import Attribute
from tests import report_documents
from tests.model_files import constant_onnx, linear_onnx, table_columns, write_table

ORDER = ["age", "hours"]
Json = dict[str, Any]


def audited(
    tmp_path: Path, *, n: int = 3_000, kind: str = "onnx", favourable: bool = True
) -> Audited:
    """Audit the linear model up to where the searches start; every tenth row was left out."""
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, "m.onnx", tmp_path)
    columns = table_columns(n)
    table = write_table(tmp_path / "table.parquet", columns)
    plan = Plan(
        Data("t.csv", "0" * 64, 1, n),
        Model(kind, name="m.onnx"),
        (AttributeSpec("job", "Job"),),
        score=Score(favourable=favourable),
        features=tuple(ORDER),
        threshold=0.7,
    )
    raw = predict(path, {}, profile, table, ORDER, tmp_path / "model")
    score, decision = oriented(raw, plan)
    used = np.arange(n) % 10 != 0
    levels, codes = np.unique(columns["job"], return_inverse=True)
    job = Attribute("job", tuple(levels.tolist()), codes.astype(np.int32), None)
    kept = Attribute("job", job.levels, job.codes[used], None)
    facts = {"model_path": str(path), "model_profile": profile, "out": str(tmp_path / "out")}
    return Audited(
        plan=plan,
        table=Table.open(table),
        used=used,
        attributes=[kept],
        label=None,
        decision=decision[used],
        score=score[used],
        site=None,
        control=None,
        everyone=[job],
        every_site=None,
        every_label=None,
        part=None,
        job={**facts, "table_dir": str(tmp_path)},
        tick=lambda share, text: None,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """Return what a whole run finds, as it stands in a document."""
    made: Json = result.plain(numerics.run(audited(tmp_path_factory.mktemp("run"))))
    return made


def test_every_run_is_compared_with_the_audited_decisions(found: Json) -> None:
    assert (found["precision"], found["rows"], found["of"]) == ("fp32", 2_700, 2_700)
    assert [(run["format"], run["device"]) for run in found["runs"]] == [
        ("fp16", "cpu"),
        ("bf16", "cpu"),
        ("int8", "cpu"),
    ]
    for run in found["runs"]:
        everyone = run["flips"]["groups"][0]
        assert run["score_change"]["largest"] < 0.05
        assert everyone["n"] == 2_700
        assert everyone["flips"] == everyone["up"] + everyone["down"]
        assert sum(g["n"] for g in run["flips"]["groups"][1:]) == 2_700
    assert found["runs"][2]["flips"]["groups"][0]["flips"] > 0
    result.canonical(found)


def test_p_values_are_adjusted_over_all_runs(found: Json) -> None:
    comparisons = [c for run in found["runs"] for c in run["flips"]["comparisons"]]
    assert found["tests"] == len(comparisons) == 6
    for item in comparisons:
        assert item["p_adjusted"] == pytest.approx(min(1.0, 6 * item["p"]))


def test_the_spread_is_the_mean_distance_over_pairs_of_runs(found: Json) -> None:
    [spread] = found["sensitivity"]
    assert spread["runs"] == 4
    assert all(0 <= item["value"] < 0.05 for item in spread["groups"])


def test_at_most_a_fixed_number_of_rows_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numerics, "MOST_ROWS", 500)
    monkeypatch.setattr(numerics, "BATCH", 256)
    # Unfavourable when high: the oriented score, not the raw one, is compared.
    made = numerics.run(audited(tmp_path, favourable=False))
    assert made is not None
    assert (made["rows"], made["of"]) == (500, 2_700)
    assert made["runs"][0]["score_change"]["largest"] < 1e-3
    assert not (tmp_path / "out" / "numerics").exists()


def test_people_with_numbers_beyond_16_bits_are_counted(tmp_path: Path) -> None:
    columns = {"a": [1, 70_000, None, -70_000], "b": [0.5, None, 1e9, 2.0], "c": list("wxyz")}
    assert numerics._overflown(write_table(tmp_path / "t.parquet", columns)) == 3


def test_a_model_of_one_column_reads_the_chosen_one(tmp_path: Path) -> None:
    path = constant_onnx(tmp_path / "k.onnx", 0.5)
    profile = inspect_model(path, "k.onnx", tmp_path)
    made = audited(tmp_path, n=200)
    job = {**made.job, "model_path": str(path), "model_profile": profile}
    found = numerics.run(replace(made, plan=replace(made.plan, features=("age",)), job=job))
    assert found is not None
    assert found["runs"]


def test_other_models_have_nothing_to_run_again(tmp_path: Path) -> None:
    assert numerics.run(audited(tmp_path, n=50, kind="columns")) is None


def document(found: Json | None) -> Facts:
    made = report_documents.document(2_000)
    return Facts({**made, "numerics": found})


def texts(found: Json | None) -> str:
    made = section(document(found))
    assert made is not None
    words = [plain(made.lede)]
    for block in walk(made.blocks):
        if isinstance(block, Shown):
            words += [cell.text + " " + cell.note for row in block.rows for cell in row]
            words += block.foot
        elif hasattr(block, "text"):
            words.append(plain(block.text))
    return "\n".join(words)


def group(by: list[str], name: str, n: int, flips: int, **more: Any) -> Json:
    value = flips / n
    return {
        "by": by, "group": {by[0]: name} if by else {}, "n": n, "flips": flips, "up": flips,
        "down": 0, "value": value, "low": 0.0, "high": value + 0.002, "net": value, "net_p": 0.5,
        "undefined": None, **more,
    }  # fmt: skip


def planted(p: float, *, flips: int = 40) -> Json:
    """A document in which one run was made, and another could not be."""
    comparison = {
        "by": ["SEX"], "group": {"SEX": "Women"}, "comparator": {"group": {"SEX": "Men"}},
        "value": 0.03, "low": 0.02, "high": 0.04, "p": p / 2, "p_adjusted": p, "reason": None,
    }  # fmt: skip
    groups = [
        group([], "", 2_000, flips),
        group(["SEX"], "Women", 1_000, flips),
        group(["SEX"], "Men", 1_000, 0, net=0.0),
    ]
    run = {
        "format": "bf16", "device": "cpu", "how": "rounded", "clipped": 2,
        "overflown": 30, "code": None,
        "message": None, "score_change": {"mean": 0.001, "largest": 0.0123},
        "flips": {"groups": groups, "comparisons": [comparison], "tests": 2},
    }  # fmt: skip
    missing = {
        "format": "int8", "device": "cpu", "how": None, "clipped": 0,
        "overflown": 0, "code": "no-int8-trees",
        "message": "The thresholds of trees have no common 8-bit scale.", "score_change": None,
        "flips": None,
    }  # fmt: skip
    spread = [{"group": {"SEX": word}, "value": v} for word, v in (("Men", 0.0), ("Women", 0.02))]
    return {
        "precision": "fp32", "device": "cpu", "rows": 2_000, "of": 9_000, "runs": [run, missing],
        "tests": 2, "alpha": 0.05, "sensitivity": [
            {"by": ["SEX"], "metric": "selection-rate", "runs": 2, "groups": spread,
             "spread": 0.02},
        ],
    }  # fmt: skip


def test_the_section_says_which_group_changes_more_and_what_was_not_run() -> None:
    said = texts(planted(0.001))
    assert "2,000 of 9,000 people were drawn" in said
    assert "40 of 2,000 decisions changed at BF16." in said
    assert "At BF16, decisions on women changed more often than those on men: +3.00" in said
    assert "weights, inputs and intermediate values rounded, arithmetic in FP32" in said
    assert "2 weights beyond its range set to its largest; 30 people have an input beyond" in said
    assert "The thresholds of trees have no common 8-bit scale" in said
    assert "not applicable" in said
    assert "differs by 0.00 to 2.00 points on average" in said


def test_the_section_says_when_no_group_differs_and_when_nothing_changed() -> None:
    assert "In none of 2 comparisons" in texts(planted(0.4))
    none = texts(planted(1.0, flips=0))
    assert "No decision changed in any run" in none
    assert "is ruled out (95%)" in none


def test_a_section_that_failed_says_so_and_one_that_was_not_run_is_absent() -> None:
    made = section(document({"failed": {"code": "x", "message": "Out of memory."}}))
    assert made is not None
    assert section(document(None)) is None


def test_the_section_of_a_whole_run_holds_no_undefined_number(found: Json) -> None:
    said = texts(found)
    assert "nan" not in said.lower()
    assert "None" not in said
