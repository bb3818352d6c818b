"""`manage.py verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from auditapp import result

DOCUMENT = {"schema": result.SCHEMA, "rows": {"used": 3}, "run": {"id": "EH-2026-0001"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_it_prints_the_hash_of_the_document(file: Path, capsys: Any) -> None:
    call_command("verify", str(file))
    assert capsys.readouterr().out.strip() == f"sha256 {result.result_hash(DOCUMENT)}"


def test_it_accepts_the_begun_hash_with_its_spaces(file: Path, capsys: Any) -> None:
    found = result.result_hash(DOCUMENT)
    call_command("verify", str(file), "--hash", f"{found[:4]} {found[4:8]} {found[8:12]}")
    assert "has this hash" in capsys.readouterr().out


def test_a_changed_document_is_found_out(file: Path) -> None:
    file.write_text(json.dumps({**DOCUMENT, "rows": {"used": 4}}))
    with pytest.raises(CommandError, match="was changed") as caught:
        call_command("verify", str(file), "--hash", result.result_hash(DOCUMENT))
    assert caught.value.returncode == 3


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"a": NaN}'])
def test_what_is_no_result_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        call_command("verify", str(path))
    assert caught.value.returncode == 2
