"""The result document: canonical bytes, and a hash that ignores what may vary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auditapp import result

DOCUMENT = {"schema": result.SCHEMA, "rows": {"used": 3}, "run": {"id": "EH-2026-0001"}}


def test_the_hash_ignores_run_environment_and_timings() -> None:
    other = {**DOCUMENT, "run": {"id": "EH-2026-0002"}, "timings": {"total": 3.1}}
    assert result.result_hash(other) == result.result_hash(DOCUMENT)


def test_the_hash_ignores_the_order_of_keys_and_changes_with_a_number() -> None:
    reordered = dict(reversed(list(DOCUMENT.items())))
    assert result.result_hash(reordered) == result.result_hash(DOCUMENT)
    changed = {**DOCUMENT, "rows": {"used": 4}}
    assert result.result_hash(changed) != result.result_hash(DOCUMENT)


def test_a_written_document_is_read_back_with_the_same_hash(tmp_path: Path) -> None:
    document = {**DOCUMENT, "value": 0.1 + 0.2, "word": "Ämter"}
    result.write(document, tmp_path / "result.json")
    assert result.result_hash(result.read(tmp_path / "result.json")) == result.result_hash(
        document
    )
    assert [item.name for item in tmp_path.iterdir()] == ["result.json"]


def test_a_document_with_nan_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        result.canonical({"value": float("nan")})


def test_numpy_values_become_plain_and_non_finite_ones_none() -> None:
    assert result.plain({"a": np.float64("nan"), "b": (np.int8(1), np.array([1.5]))}) == {
        "a": None,
        "b": [1, [1.5]],
    }
