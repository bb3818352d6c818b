"""Local gaps inside an audit: measured on held-out rows, of every setting, in the same parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mitigations import device
from tests.test_pipeline_remedies import run

METHODS = [
    ("road", {"strengths": "1", "temperatures": "0.3", "seeds": 2, "steps": 40, "batch": 256,
              "rivals": "none"}),
    ("thresholds", {"limits": "0 0.05"}),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def on_the_cpu() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "resolve", lambda wanted: "cpu")
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("locally")


@pytest.fixture(scope="module")
def document(place: Path) -> dict[str, Any]:
    return run(place, method=METHODS)


def rows(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    table = document["methods"][0]["tables"][name]
    assert table["split"] == "audit"
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_gaps_are_measured_on_held_out_rows_beside_their_null(document: dict[str, Any]) -> None:
    assert document["methods"][0]["status"] == "ok", document["methods"][0]["error"]
    nulls = rows(document, "local-null")
    assert {"declared", "quantile", "random"} <= {row["family"] for row in nulls}
    assert {"Audited decisions", "No penalty"} <= {row["form"] for row in nulls}
    for row in nulls:
        if row["worst"] is not None:
            assert 0.001 <= row["p"] <= 1.0
            assert row["null_mean"] <= row["null_p95"]
    audit = document["tradeoff"]["rows"]["audit"]
    for row in rows(document, "local-gaps"):
        assert row["low"] <= row["gap"] <= row["high"] and row["gap"] >= 0.0
        assert 10 <= row["n"] <= audit and 10 <= row["n_other"] <= audit


def test_settings_of_other_remedies_are_measured_in_the_same_parts(
    document: dict[str, Any],
) -> None:
    found = rows(document, "local-points")
    settings = {(m["slug"], p["id"]) for m in document["methods"] for p in m["points"]}
    assert {(row["method"], row["point"]) for row in found} == {(None, None), *settings}
    json.dumps(found, allow_nan=False)


def test_points_hand_out_graph_and_weights(document: dict[str, Any], place: Path) -> None:
    points = document["methods"][0]["points"]
    assert {p["settings"]["form"] for p in points} >= {"plain", "groupdro", "dfr"}
    for point in points:
        assert point["seeds"]["n"] == 2
        for key in ("file", "onnx", "weights"):
            assert (place / "out" / point["rule"][key]).stat().st_size > 1000
    assert document["methods"][0]["compute"]["device"] == "CPU"


def test_the_same_audit_gives_the_same_document(document: dict[str, Any], tmp_path: Path) -> None:
    again = run(tmp_path / "again", method=METHODS)
    assert again["methods"][0] == document["methods"][0]
