"""What an isolated child cannot reach, and what happens where the kernel offers less."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.sandbox import Limits, isolation, run, run_child

SMALL = Limits(what="The model", wall=20.0, memory=1 << 30)
HELD = isolation()
needs_network_isolation = pytest.mark.skipif(
    HELD["network"] == "none", reason="this kernel isolates no network"
)
needs_call_filter = pytest.mark.skipif(HELD["calls"] == "none", reason="no seccomp here")
needs_landlock = pytest.mark.skipif(HELD["files"] == "none", reason="no Landlock here")


def call(name: str, tmp_path: Path, payload: dict[str, Any], limits: Limits = SMALL) -> Any:
    target = f"tests.attacks.targets:{name}"
    return run_child(target, payload, workdir=tmp_path, limits=limits, isolated=True)


def test_it_says_what_holds_on_this_machine() -> None:
    assert HELD["network"] in {"namespace", "seccomp", "none"}
    assert HELD["files"] in {"landlock", "none"}
    assert HELD["accepted"] == (HELD["network"] != "none" or HELD["allowed_by_setting"])


def _listen(tmp_path: Path) -> tuple[socket.socket, socket.socket, dict[str, Any]]:
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    unix.listen()
    host, port = tcp.getsockname()
    return tcp, unix, {"host": host, "port": port, "unix": str(tmp_path / "s")}


@needs_network_isolation
@pytest.mark.parametrize("mechanisms", [("namespace", "seccomp", "landlock"), ("seccomp",)])
def test_it_reaches_no_listener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mechanisms: tuple[str, ...]
) -> None:
    if "seccomp" not in HELD["calls"]:
        pytest.skip("no seccomp here")
    monkeypatch.setattr(run, "MECHANISMS", mechanisms)
    tcp, unix, payload = _listen(tmp_path)
    with tcp, unix:
        found = call("reach_network", tmp_path, payload)
    assert {found[key] for key in ("tcp", "unix", "udp", "pair")} == {"PermissionError"}
    assert found["held"]["network"] == ("namespace" if len(mechanisms) == 3 else "seccomp")


@needs_network_isolation
def test_a_namespace_alone_keeps_it_from_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if HELD["network"] != "namespace":
        pytest.skip("no network namespace here")
    monkeypatch.setattr(run, "MECHANISMS", ("namespace",))
    tcp, unix, payload = _listen(tmp_path)
    with tcp, unix:
        found = call("reach_network", tmp_path, payload)
    assert found["tcp"] in {"OSError", "ConnectionRefusedError"}
    assert found["held"]["network"] == "namespace"


@needs_landlock
def test_it_reads_only_what_it_was_handed(tmp_path: Path) -> None:
    given, neighbour = tmp_path / "given", tmp_path / "neighbour"
    given.write_bytes(b"1")
    neighbour.write_bytes(b"2")
    work = tmp_path / "work"
    work.mkdir()
    payload = {
        "read": [str(given)],
        "given": str(given),
        "neighbour": str(neighbour),
        "outside": str(tmp_path / "outside"),
        "root": str(run.ROOT),
    }
    found = call("reach_files", work, payload)
    assert found == {
        "given": "worked",
        **dict.fromkeys(
            ("neighbour", "overwrite", "passwd", "parent", "project", "outside", "link"),
            "PermissionError",
        ),
    }
    assert [p.name for p in work.iterdir()] == ["note2.txt"]


@needs_call_filter
def test_it_starts_no_process_and_keeps_its_limits(tmp_path: Path) -> None:
    found = call("reach_processes", tmp_path, {"pid": os.getpid()})
    assert found["program"] == found["fork"] == found["signal"] == "PermissionError"
    assert found["shell"] != "0"
    assert found["stay"] == -1
    assert found["raise"] in {"PermissionError", "ValueError"}
    assert found["threads"] == 1


@needs_call_filter
def test_a_fork_bomb_makes_no_child(tmp_path: Path) -> None:
    assert call("fork_bomb", tmp_path, {}) == {"made": 0}


def test_it_refuses_models_where_nothing_isolates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MECHANISMS", ())
    monkeypatch.delenv("EVENHAND_ALLOW_UNISOLATED_MODELS", raising=False)
    with pytest.raises(AuditError) as caught:
        call("echo", tmp_path, {"value": 1})
    assert caught.value.code == "no-isolation"
    assert "EVENHAND_ALLOW_UNISOLATED_MODELS" in caught.value.hint
    assert not isolation()["accepted"]


def test_it_still_reads_tables_where_nothing_isolates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MECHANISMS", ())
    assert call("echo", tmp_path, {"value": 1}, Limits.parsing())["got"] == 1


def test_a_setting_allows_models_where_nothing_isolates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MECHANISMS", ())
    monkeypatch.setenv("EVENHAND_ALLOW_UNISOLATED_MODELS", "1")
    assert call("echo", tmp_path, {"value": 1})["got"] == 1
    assert isolation()["allowed_by_setting"]
