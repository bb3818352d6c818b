"""The processes of an installation started one by one, on PostgreSQL and a Redis over TCP."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
import redis

from auditapp import queue
from auditapp.embedded import redis_binary
from tests import postgres
from tests.installation import ROOT

CELERY = ["-m", "celery", "-A", "auditapp", "--quiet"]
REASON = postgres.missing()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(argv: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.3)
    return holds()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_web_worker_and_beat_of_their_own_audit_on_postgresql_and_redis(tmp_path: Path) -> None:
    password, redis_port, web_port = secrets.token_hex(8), _port(), _port()
    with ExitStack() as stack:
        cluster = stack.enter_context(postgres.Cluster())
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "auditapp.settings",
            "DATABASE_URL": cluster.make("evenhand"),
            "REDIS_URL": f"redis://:{password}@127.0.0.1:{redis_port}/0",
            "DATA_DIR": str(tmp_path / "data"),
            "STATIC_ROOT": str(tmp_path / "static"),
            "SECRET_KEY": secrets.token_hex(32),
            "PORT": str(web_port),
        }

        def manage(*arguments: str) -> str:
            return subprocess.run(
                [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True,
                capture_output=True, text=True, timeout=120,
            ).stdout  # fmt: skip

        def row(query: LiteralString) -> tuple[Any, ...] | None:
            place = f"host={cluster.folder} user=evenhand dbname=evenhand"
            with psycopg.connect(place) as connection:
                return connection.execute(query).fetchone()

        def start(name: str, *argv: str) -> None:
            stack.enter_context(_process(list(argv), env, tmp_path / f"{name}.log"))

        manage("migrate", "--noinput", "-v", "0")
        manage("collectstatic", "--noinput", "-v", "0")
        start("redis", str(redis_binary()), "--port", str(redis_port), "--bind", "127.0.0.1",
              "--requirepass", password, "--save", "", "--dir", str(tmp_path))  # fmt: skip
        assert _until(lambda: _connects(redis_port), 20)
        start("web", sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws",
              "--workers", "1", "--blocking-threads", "4", "--host", "127.0.0.1",
              "--port", str(web_port), "auditapp.wsgi:application")  # fmt: skip
        start("worker", sys.executable, *CELERY, "worker", "-Q", "cpu,gpu", "-c", "1",
              "--without-gossip", "--without-mingle", "--loglevel", "warning")  # fmt: skip
        start("beat", sys.executable, *CELERY, "beat", "--pidfile=", "--loglevel", "warning",
              "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler")  # fmt: skip
        manage("demo")

        def logs() -> str:
            return "\n".join(path.read_text()[-3000:] for path in tmp_path.glob("*.log"))

        url = f"http://127.0.0.1:{web_port}"
        assert _until(lambda: _status(f"{url}/healthz") == 200, 60), logs()
        ended = "select count(*) from auditapp_run where state in ('done', 'failed')"
        assert _until(lambda: row(ended) == (1,), 150), logs()
        assert row("select state, attempt, losses, error from auditapp_run") == (
            "done", 1, 0, None,
        ), logs()  # fmt: skip
        assert row("select count(*) from auditapp_report") == (1,)
        # A worker did a job that beat sent.
        with redis.Redis.from_url(env["REDIS_URL"]) as client:
            assert _until(lambda: client.exists(queue.SEEN_KEY) == 1, 30), logs()
        assert manage("signin_link", "demo@example.org").count(f"{url}/sign-in/link/") == 1
        found = manage("doctor")
        assert "PostgreSQL" in found
        assert "Traceback" not in logs()
