"""Reading the environment: secrets in files, the generated key, the socket's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from auditapp.environment import broker_url, generated_key, runtime_dir, secret


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("SOME_KEY", "from the environment")
    assert secret(environ.Env(), "SOME_KEY") == "from the environment"
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "key"))
    assert secret(environ.Env(), "SOME_KEY") == "from a file"


def test_a_secret_file_that_cannot_be_read_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", "/nowhere/key")
    with pytest.raises(ImproperlyConfigured, match="SOME_KEY_FILE points to /nowhere/key"):
        secret(environ.Env(), "SOME_KEY")


def test_the_generated_key_stays_the_same_and_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    key = generated_key(path)
    assert len(key) >= 50
    assert generated_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret.key"]


def test_two_processes_agree_on_the_generated_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    code = "import sys; from pathlib import Path; from auditapp.environment import generated_key"
    code += "; print(generated_key(Path(sys.argv[1])))"
    children = [
        subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    keys = {child.communicate()[0].strip() for child in children}
    assert keys == {path.read_text()}


def test_the_socket_path_stays_short(tmp_path: Path) -> None:
    assert runtime_dir(tmp_path) == tmp_path / "run"
    deep = tmp_path / ("long" * 40)
    short = runtime_dir(deep)
    assert len(str(short / "redis.sock")) < 107
    assert short == runtime_dir(deep)
    assert short != runtime_dir(deep / "other")


def test_kombu_spells_a_unix_socket_differently() -> None:
    assert broker_url("redis://host:1/2") == "redis://host:1/2"
    assert broker_url("unix:///run/r.sock?db=3") == "redis+socket:///run/r.sock?virtual_host=3"
    assert broker_url("unix:///run/r.sock") == "redis+socket:///run/r.sock?virtual_host=0"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "")
    assert secret(environ.Env(), "SOME_KEY", "default") == "default"
