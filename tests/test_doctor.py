"""`manage.py doctor` and the status page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from auditapp import pace, queue, selectors, status

pytestmark = pytest.mark.django_db


@pytest.fixture
def all_up(monkeypatch: pytest.MonkeyPatch) -> None:
    up = {"ok": True, "error": "", "waiting": {"cpu": 2, "gpu": 0}, "seen": 3.0}
    monkeypatch.setattr(queue, "status", lambda: up)
    monkeypatch.setattr(status, "static_files", lambda: status.Line("static", "Static", "ok"))
    monkeypatch.setattr(status, "sandbox", lambda: status.Line("sandbox", "Sandbox", "ok"))


def test_it_says_ok_for_each_part(all_up: None, capsys: Any) -> None:
    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    assert any(line.startswith("ok") and database in line for line in lines)
    assert any("embedded Redis, 2 waiting" in line for line in lines)
    assert not any(line.startswith("missing") for line in lines)


def test_it_exits_with_one_and_a_hint_when_something_is_missing(
    all_up: None, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    down = {"ok": False, "error": "no socket", "waiting": {}, "seen": None}
    monkeypatch.setattr(queue, "status", lambda: down)
    with pytest.raises(SystemExit) as caught:
        call_command("doctor")
    assert caught.value.code == 1
    assert "make run" in capsys.readouterr().out


def test_a_machine_without_isolation_is_told_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from auditapp import sandbox

    status._held.cache_clear()
    monkeypatch.setattr(sandbox, "isolation", lambda: {"network": "none", "files": "none"})
    line = status.sandbox()
    status._held.cache_clear()
    assert line.state == "missing"
    assert "Uploaded models are refused" in line.hint


def test_the_status_page_gets_plain_lines(all_up: None) -> None:
    lines = selectors.installation_status()
    assert {"slug", "title", "state", "detail", "hint"} == set(lines[0])
    assert {line["state"] for line in lines} <= {"ok", "missing", "off"}


def test_it_times_steps_where_that_is_asked(
    all_up: None, monkeypatch: pytest.MonkeyPatch, capsys: Any, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    settings.DEVICE = "cpu"
    monkeypatch.setattr(pace, "STEPS", 2)
    call_command("doctor", "--time")
    assert "ms for a step of 35 networks on 1,024 rows, cpu" in capsys.readouterr().out
    assert pace.read()["cpu"].step > 0
    settings.DEVICE = "cuda:7"
    with pytest.raises(SystemExit):
        call_command("doctor", "--time")
    assert "The device cuda:7 was asked for" in capsys.readouterr().out
