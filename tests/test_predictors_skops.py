"""skops models: the accept-list, versions, archives, and frames by column name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.errors import AuditError
from auditapp.predictors import inspect_model, outputs, predict, skops
from auditapp.predictors.rows import need_features
from auditapp.predictors.skops_types import TRUSTED
from auditapp.sandbox import Limits, run_child
from tests.model_files import pickled, table_columns, write_table, zip_bomb, zip_of


@pytest.fixture(scope="session")
def skops_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("skops")
    found = run_child(
        "tests.model_files:skops_files",
        {"out": str(folder)},
        workdir=folder,
        limits=Limits.trusted(),
        isolated=False,
    )
    found["profile"] = inspect_model(folder / "piped.skops", "piped.skops", folder)
    return folder, found


def refused(path: Path, tmp_path: Path, name: str | None = None) -> AuditError:
    with pytest.raises(AuditError) as caught:
        inspect_model(path, name or path.name, tmp_path)
    return caught.value


@pytest.mark.slow
def test_every_supported_estimator_reloads_with_our_list_and_no_other(tmp_path: Path) -> None:
    found = run_child(
        "tests.skops_estimators:round_trip",
        {},
        workdir=tmp_path,
        limits=Limits.trusted(),
        isolated=False,
    )
    assert [name for name, item in found.items() if not item["same"]] == []
    assert {kind for item in found.values() for kind in item["types"]} == TRUSTED
    assert len(found) > 85


def test_it_scores_a_pipeline_by_the_names_of_its_columns(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, expected = skops_models
    path, profile = folder / "piped.skops", expected["profile"]
    assert profile["format"] == "skops"
    assert profile["features"] == ["age", "hours", "job", "flag"]
    assert profile["estimator"] == "ColumnTransformer → LogisticRegression"
    assert (profile["output"], profile["positive"]) == ("predict_proba", "1")
    # other order of columns, one more column: names decide
    columns = table_columns()
    shuffled = {name: columns[name] for name in ("job", "flag", "hours", "age")}
    table = write_table(tmp_path / "t.parquet", {**shuffled, "more": columns["age"]})
    scores = predict(path, {}, profile, table, None, tmp_path)
    assert np.array_equal(scores, expected["piped"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.parquet"]


def test_it_scores_by_position_and_by_the_chosen_class(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, expected = skops_models
    path = folder / "words.skops"
    profile = inspect_model(path, "words.skops", tmp_path)
    assert profile["features"] is None
    assert (profile["classes"], profile["positive"]) == (["no", "yes"], "yes")
    table = write_table(tmp_path / "t.parquet")
    order = ["age", "hours"]
    scores = predict(path, {}, profile, table, order, tmp_path)
    assert np.array_equal(scores, expected["words"])
    take = outputs.reader(profile, "predict_proba", "no")
    assert take.values(np.array([[0.25, 0.75]]), 1).tolist() == [0.25]
    take = outputs.reader(profile, "predict", None)
    assert take.values(np.array(["no", "yes"]), 2).tolist() == [0.0, 1.0]


def test_a_class_cannot_be_chosen_where_the_output_names_none() -> None:
    take = outputs.Reader("probability", "0", ())
    with pytest.raises(AuditError) as caught:
        take.values(np.array([[0.25], [0.5]]), 2)
    assert caught.value.code == "positive-class"
    assert "class “0” cannot be chosen" in caught.value.message
    assert "--score-is unfavourable" in caught.value.hint


def test_it_counts_the_columns_it_takes_by_position() -> None:
    with pytest.raises(AuditError) as caught:
        need_features(["age"], 2)
    assert caught.value.code == "model-inputs"
    assert "takes 2 columns by position, and 1" in caught.value.message
    with pytest.raises(AuditError) as caught:
        need_features(None, 2)
    assert "no feature columns are chosen" in caught.value.message


def test_it_names_missing_columns_and_the_closest(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    path, profile = skops_models[0] / "piped.skops", skops_models[1]["profile"]
    columns = table_columns()
    columns["Hours"] = columns.pop("hours")
    table = write_table(tmp_path / "t.parquet", columns)
    with pytest.raises(AuditError) as caught:
        predict(path, {}, profile, table, None, tmp_path)
    assert caught.value.code == "model-inputs"
    assert "hours" in caught.value.message
    assert "hours → Hours" in caught.value.hint


def test_it_says_which_columns_are_blank_when_the_model_stops(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    path, profile = skops_models[0] / "piped.skops", skops_models[1]["profile"]
    columns = table_columns()
    columns["hours"] = [None, *columns["hours"][1:]]
    table = write_table(tmp_path / "t.parquet", columns)
    with pytest.raises(AuditError) as caught:
        predict(path, {}, profile, table, None, tmp_path)
    assert caught.value.code == "model-failed"
    assert "hours 1" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "kind"), [("evil", "posix.system"), ("foreign", "tests.model_files.Foreign")]
)
def test_it_refuses_types_that_are_not_on_the_list(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path, file: str, kind: str
) -> None:
    error = refused(skops_models[0] / f"{file}.skops", tmp_path)
    assert error.code == "skops-types"
    assert kind in error.message
    assert "to_onnx" in error.code_block
    assert "predict_proba" in error.code_block
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_another_version_of_scikit_learn_naming_both(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    from importlib.metadata import version

    error = refused(skops_models[0] / "old.skops", tmp_path)
    assert error.code == "sklearn-version"
    assert "1.2.2" in error.message
    assert version("scikit-learn") in error.message


def test_it_refuses_a_zip_bomb_before_unpacking_it(tmp_path: Path) -> None:
    with pytest.raises(AuditError) as caught:
        skops.check(zip_bomb(tmp_path / "bomb.skops"), "bomb.skops")
    assert caught.value.code == "zip-bomb"
    assert "600 MB" in caught.value.message


def test_it_refuses_thousands_of_entries(tmp_path: Path) -> None:
    path = tmp_path / "many.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
        for i in range(20_001):
            archive.writestr(f"{i}", b"")
    with pytest.raises(AuditError) as caught:
        skops.check(path, "many.skops")
    assert caught.value.code == "zip-bomb"


@pytest.mark.parametrize("schema", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_it_refuses_a_broken_schema(tmp_path: Path, schema: bytes) -> None:
    path = zip_of(tmp_path / "broken.skops", {"schema.json": schema})
    with pytest.raises(AuditError) as caught:
        skops.check(path, "broken.skops")
    assert caught.value.code == "skops-damaged"


def test_it_refuses_a_schema_that_skops_cannot_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "broken.skops", {"schema.json": b'{"__loader__": "Nothing"}'})
    assert refused(path, tmp_path).code == "skops-damaged"


def test_it_refuses_a_truncated_file(
    skops_models: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "cut.skops"
    path.write_bytes((skops_models[0] / "piped.skops").read_bytes()[:-100])
    with pytest.raises(AuditError) as caught:
        skops.check(path, "cut.skops")
    assert caught.value.code == "skops-damaged"


def test_it_refuses_a_pickle_named_skops(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(pickled())
    error = refused(path, tmp_path)
    assert error.code == "pickle"
    assert "skops.io.dump" in error.code_block
    assert not (tmp_path / "pwned").exists()
