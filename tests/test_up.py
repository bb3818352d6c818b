"""The supervisor, and `manage.py up` with everything it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from auditapp import embedded, queue, status
from auditapp.errors import AuditError
from auditapp.pipeline import execute
from auditapp.supervisor import Child, Supervisor
from tests.installation import Installation, alive, descendants

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def _until(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(env=dict(os.environ), cwd=tmp_path)
    yield made
    made.stop()


def _pid(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_it_starts_a_dead_child_again_after_its_preparation(supervisor: Supervisor) -> None:
    prepared: list[str] = []
    child = Child("sleeper", SLEEP, before=lambda: prepared.append("now"))
    supervisor.start(child)
    first = _pid(child)
    os.kill(first, signal.SIGKILL)
    assert supervisor.wait(lambda: child.running and _pid(child) != first, timeout=5)
    assert prepared == ["now", "now"]


def test_a_child_that_keeps_dying_starts_ever_more_slowly(supervisor: Supervisor) -> None:
    child = Child("broken", [sys.executable, "-c", ""])
    supervisor.start(child)
    supervisor.wait(lambda: False, timeout=1.5)
    assert 0.4 <= child.delay <= 1.6


def test_a_child_meant_to_end_is_left_alone(supervisor: Supervisor) -> None:
    child = Child("once", [sys.executable, "-c", ""], once=True)
    supervisor.start(child)
    assert supervisor.wait(lambda: not child.running, timeout=5)
    first = _pid(child)
    supervisor.wait(lambda: False, timeout=0.3)
    assert _pid(child) == first


def test_it_stops_the_last_started_first(supervisor: Supervisor) -> None:
    order: list[str] = []
    for name in ("redis", "worker", "web"):
        supervisor.start(Child(name, SLEEP))
    supervisor.stop(
        between={name: lambda name=name: order.append(name) for name in ("redis", "worker")}
    )
    assert order == ["worker", "redis"]


def test_stopping_takes_the_whole_session_along(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']);"
    code += "print(p.pid, file=open('pid', 'w'), flush=True); time.sleep(60)"
    child = Child("parent", [sys.executable, "-c", code], grace=1.0)
    supervisor.start(child)
    note = tmp_path / "pid"
    assert _until(lambda: note.exists() and note.read_text().strip() != "")
    supervisor.stop()
    assert _until(lambda: not alive(int(note.read_text())))


def test_a_child_that_ignores_the_wish_is_killed(supervisor: Supervisor) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    child = Child("stubborn", [sys.executable, "-c", code], grace=0.3)
    supervisor.start(child)
    time.sleep(0.3)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 2
    assert not child.running


def test_the_redis_server_is_the_newest_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = embedded.redis_binary()
    newer = tmp_path / "redis-server"
    newer.write_text("#!/bin/sh\necho 'Redis server v=99.0.1 sha=0'\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert embedded.redis_binary() == newer != found
    newer.write_text("#!/bin/sh\necho 'Redis server v=1.0.1 sha=0'\n")
    assert embedded.redis_binary() == found


def test_no_redis_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_version", lambda _: None)
    with pytest.raises(AuditError, match="set REDIS_URL"):
        embedded.redis_binary()


def test_the_runtime_folder_must_be_ours_and_private(tmp_path: Path) -> None:
    folder = embedded.private_folder(tmp_path / "run")
    assert folder.stat().st_mode & 0o777 == 0o700
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(AuditError, match="belongs to somebody else"):
        embedded.private_folder(link)


@pytest.mark.django_db
def test_it_asks_for_make_setup_when_tables_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    line = status.Line("tables", "Tables", "missing", "3 migrations wait", "Run make setup.")
    monkeypatch.setattr(status, "migrations", lambda: line)
    with pytest.raises(CommandError, match="Run make setup"):
        call_command("up")


@pytest.fixture
def redis_up() -> Iterator[None]:
    """Redis as the supervisor starts it, in the test's own data folder."""
    from auditapp.celery import app

    supervisor = Supervisor(env=dict(os.environ), cwd=Path.cwd())
    supervisor.start(embedded.redis_child())
    assert supervisor.wait(embedded.redis_answers, timeout=10)
    with app.connection_for_write() as connection, connection.channel() as channel:
        channel.client.flushdb()
    yield
    supervisor.stop()


def test_a_message_that_a_dead_worker_took_comes_back(redis_up: None) -> None:
    from auditapp.celery import app

    assert queue.send("execute_run", "some-id")
    with app.connection_for_read() as connection, connection.channel() as channel:
        assert channel.basic_get("cpu", no_ack=False) is not None
        channel.qos._delivered.clear()  # dead workers give nothing back
    assert queue.status()["waiting"]["cpu"] == 0
    assert queue.restore_unacked() == 1
    assert queue.status()["waiting"]["cpu"] == 1
    assert queue.restore_unacked() == 0


def test_the_queue_knows_when_a_worker_was_seen(redis_up: None) -> None:
    assert queue.status()["seen"] is None
    queue.worker_seen()
    assert queue.status()["seen"] < 5


def test_a_broker_that_is_away_does_not_break_the_request(settings: Any, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    assert queue.status()["ok"] is False


@pytest.mark.slow
def test_an_audit_outlives_its_worker_and_its_supervisor_and_is_done_once(tmp_path: Path) -> None:
    with Installation(tmp_path / "var") as installation:
        installation.start("--demo")
        assert _until(lambda: installation.run()["state"] == "running", 60)
        for pid in installation.processes("worker"):
            os.kill(pid, signal.SIGKILL)
        assert _until(lambda: installation.run()["attempt"] == 2, 30)
        assert _second_start(installation) == (1, True)

        family = descendants(installation.process.pid)
        assert len(family) >= 6
        installation.process.kill()
        installation.process.wait()
        assert _until(lambda: not any(alive(pid) for pid in family), 10)
        assert installation.run()["state"] == "running"

        installation.start("--demo")
        assert _until(lambda: installation.run()["state"] in {"done", "failed"}, 90)
        run = installation.run()
        assert (run["state"], run["attempt"], run["losses"]) == ("done", 3, 2), run["error"]
        assert installation.count("auditapp_audit") == 1
        assert installation.count("auditapp_report") == 1
        plan, stored, dataset = installation.stored()
        table = str(installation.data_dir / "datasets" / dataset)
        undisturbed = {"plan": plan, "table_dir": table, "out": str(tmp_path), "report": False}
        assert execute(undisturbed)["hash"] == stored

        family = descendants(installation.process.pid)
        began = time.monotonic()
        installation.process.send_signal(signal.SIGINT)
        installation.process.wait(30)
        assert time.monotonic() - began < 15
        assert [pid for pid in family if alive(pid)] == []


def _second_start(installation: Installation) -> tuple[int, bool]:
    """Exit status of another `up` on the same folder, and whether it says why it refuses."""
    again = subprocess.run(
        [sys.executable, "manage.py", "up"],
        env={**installation.env, "PORT": str(installation.port + 1)},
        cwd=installation.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return again.returncode, "runs already" in again.stderr
