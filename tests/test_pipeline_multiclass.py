"""Decisions among several classes from a table to a result document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from auditapp.errors import AuditError
from auditapp.plan import AttributeSpec, Model, Outcome
from auditapp.predictors.base import inspect_model
from auditapp.result import result_hash
from tests.class_audits import CLASSES, audit, people


def refused(frame: pd.DataFrame, folder: Path, **plan: Any) -> AuditError:
    with pytest.raises(AuditError) as error:
        audit(frame, folder, **plan)
    return error.value


def test_a_planted_gap_is_found_in_its_class_and_rows_reconcile(tmp_path: Path) -> None:
    document = audit(people(), tmp_path)
    found = [g for g in document["gaps"] if g["verdict"] == "difference" and g["primary"]]
    planted = [g for g in found if g["by"] == ["sex"]]
    assert {g["class"] for g in planted} == {"management", "manual"}
    assert document["rows"] == {"uploaded": 1500, "used": 1500, "left_out": [], "label_blank": 0}
    assert document["scores"] is None
    outcome = document["outcome"]
    assert (outcome["kind"], outcome["classes"]) == ("multiclass", list(CLASSES))
    everyone = outcome["confusion"][0]
    assert sum(map(sum, everyone["counts"])) == 1500
    first = everyone["counts"][0]
    assert everyone["shares"]["value"][0][0] == pytest.approx(first[0] / sum(first))


def test_the_same_plan_gives_the_same_hash(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = audit(people(), tmp_path / "a"), audit(people(), tmp_path / "b")
    assert result_hash(first) == result_hash(second)


def test_blank_decisions_are_left_out_and_blank_labels_counted(tmp_path: Path) -> None:
    frame = people(400)
    frame.loc[:9, "prediction"] = None
    frame.loc[20:24, "truth"] = None
    rows = audit(frame, tmp_path)["rows"]
    assert (rows["used"], rows["label_blank"]) == (390, 5)
    assert rows["left_out"][0]["code"] == "no-decision"


def test_words_that_differ_in_case_are_one_class(tmp_path: Path) -> None:
    frame = people(400)
    frame["truth"] = frame["truth"].str.upper()
    assert audit(frame, tmp_path)["outcome"]["classes"] == list(CLASSES)


def test_only_classes_that_were_named_are_primary(tmp_path: Path) -> None:
    document = audit(people(), tmp_path, classes=("Manual",))
    primary = {(g["metric"], g["class"]) for g in document["gaps"] if g["primary"]}
    assert primary == {("selection-rate", "manual")}
    assert document["outcome"]["focus"] == ["manual"]


def test_without_a_label_shares_alone_are_compared(tmp_path: Path) -> None:
    document = audit(people(400), tmp_path, label=None)
    assert {g["metric"] for g in document["gaps"] if g["p"] is not None} == {"selection-rate"}
    assert document["outcome"]["confusion"][0]["shares"] is None


def test_a_class_nobody_has_is_undefined_with_its_reason(tmp_path: Path) -> None:
    frame = people(600)
    frame["truth"] = frame["truth"].replace("manual", "office")
    undefined = {
        (e["metric"], e["class"]): e["undefined"]
        for e in audit(frame, tmp_path)["estimates"]
        if not e["by"] and e["value"] is None
    }
    assert undefined == {("tpr", "manual"): "absent-class", ("macro-tpr", None): "absent-class"}


def test_a_group_of_one_is_listed_and_not_compared(tmp_path: Path) -> None:
    frame = people(400)
    frame["race"] = frame["race"].astype(object)
    frame.loc[0, "race"] = "Alone"
    document = audit(frame, tmp_path)
    table = next(t for t in document["groups"] if t["by"] == ["race"])
    level = next(v for v in table["levels"] if v["group"] == {"race": "Alone"})
    assert (level["n"], level["status"]) == (1, "below-floor")
    gaps = [g for g in document["gaps"] if g["group"] == {"race": "Alone"}]
    assert {g["verdict"] for g in gaps} <= {None, "not-enough-data", "not-applicable"}


def test_one_class_too_many_classes_and_foreign_words_are_refused(tmp_path: Path) -> None:
    frame = people(200)
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    one = frame.assign(prediction="office", truth="office")
    assert refused(one, folders[0]).code == "one-class"
    many = people(900, tuple(f"job {i}" for i in range(31)))
    assert refused(many, folders[1]).code == "too-many-classes"
    codes = frame.assign(truth=frame["truth"].map({"management": 1, "manual": 2, "office": 3}))
    assert refused(codes, folders[2]).code == "no-common-class"
    assert refused(frame, folders[3], classes=("boss",)).where == "classes"


@pytest.mark.parametrize("estimator", ["logistic", "boosting"])
def test_a_reference_model_chooses_among_classes(estimator: str, tmp_path: Path) -> None:
    document = audit(
        people(1200),
        tmp_path,
        model=Model("train", estimator=estimator),
        decision=None,
        features=("age", "hours"),
    )
    assert document["rows"]["left_out"][0]["code"] == "fit"
    model = document["inputs"]["model"]
    assert sum(model["trained_on"]["classes"].values()) == model["trained_on"]["rows"]
    accuracy = next(
        e["value"] for e in document["estimates"] if e["metric"] == "accuracy" and not e["by"]
    )
    assert accuracy > 0.5


def test_a_label_with_one_class_cannot_train_a_model(tmp_path: Path) -> None:
    model = {"model": Model("train"), "decision": None, "features": ("age", "hours")}
    assert refused(people(200).assign(truth="office"), tmp_path, **model).code == "one-class"


def test_an_uploaded_model_decides_by_its_largest_probability(tmp_path: Path) -> None:
    frame = people(300)
    path = softmax_onnx(tmp_path / "model.onnx", CLASSES)
    profile = inspect_model(path, "model.onnx", tmp_path)
    assert profile["classes"] == list(CLASSES)
    document = audit(
        frame,
        tmp_path,
        job={"model_path": str(path), "model_profile": profile},
        model=Model("onnx", name="model.onnx", sha256=profile["sha256"]),
        decision=None,
        features=("hours",),
    )
    chosen = {
        e["class"]: e["numerator"]
        for e in document["estimates"]
        if e["metric"] == "selection-rate" and not e["by"]
    }
    above, below = int((frame["hours"] > 55).sum()), int((frame["hours"] < 45).sum())
    assert chosen == {"management": below, "manual": 300 - above - below, "office": above}


def softmax_onnx(path: Path, classes: tuple[str, ...]) -> Path:
    """Three scores that take turns at 45 and 55 hours, and a label output that names classes."""
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node(
        "LinearClassifier",
        ["X"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        classlabels_strings=list(classes),
        coefficients=[-1.0, 0.0, 1.0],
        intercepts=[45.0, 0.0, -55.0],
        post_transform="SOFTMAX",
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 1])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_occupations_of_real_people_are_audited(shared_data: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet")
    frame = frame.sample(12_000, random_state=0).reset_index(drop=True)
    bands = [0, 3550, 4655, 5940, 7640, 9760]
    names = ["Management and professions", "Service", "Sales and office", "Construction",
             "Production and transport"]  # fmt: skip
    frame["occupation"] = pd.cut(frame["OCCP"], bands, labels=names)
    document = audit(
        frame.drop(columns=["OCCP"]),
        tmp_path,
        model=Model("train", estimator="logistic"),
        label=Outcome("occupation"),
        decision=None,
        features=("PINCP", "AGEP", "SCHL", "WKHP", "COW", "MAR"),
        attributes=(AttributeSpec("SEX", "Sex", words={"1": "Men", "2": "Women"}),),
    )
    assert document["outcome"]["classes"] == sorted(names)
    found = {g["class"] for g in document["gaps"] if g["verdict"] == "difference" and g["primary"]}
    assert {"Construction", "Production and transport"} <= found
