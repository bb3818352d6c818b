"""A whole installation in a folder of its own, started as `make run` starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"https?://\S+/sign-in/link/\S+")


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """Children, their children and so on."""
    found = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    for child in map(int, children):
        found += [child, *descendants(child)]
    return found


class Installation:
    """`manage.py up` as a process, and a look into its database."""

    def __init__(self, data_dir: Path) -> None:
        self.root = ROOT
        self.data_dir = data_dir
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        outside = {"DATABASE_URL", "REDIS_URL"}  # it has its own, and is looked into
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in outside},
            "DATA_DIR": str(data_dir),
            "STATIC_ROOT": str(data_dir / "static"),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "auditapp.settings",
        }
        self.log = data_dir.with_suffix(".log")
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Installation:
        for command in (["migrate"], ["collectstatic", "--noinput"]):
            subprocess.run(
                [sys.executable, "manage.py", *command, "-v", "0"],
                cwd=ROOT, env=self.env, check=True,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        family = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in filter(alive, family):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def start(self, *options: str) -> None:
        """Start everything; it may not answer yet."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *options],
                cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self, seconds: float = 60) -> None:
        """Until the web server answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"it did not start:\n{self.log.read_text()[-4000:]}")

    def manage(self, *arguments: str) -> str:
        """What a management command prints."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def signin_link(self, email: str = "demo@example.org", *options: str) -> str:
        """A fresh single-use link."""
        found = LINK.search(self.manage("signin_link", email, *options))
        assert found is not None
        return found.group(0)

    def processes(self, word: str) -> list[int]:
        """Descendants of the supervisor whose command line has the word."""
        found = []
        for pid in descendants(self.process.pid):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in line:
                found.append(pid)
        return found

    def run(self) -> dict[str, Any]:
        """The only run: state, attempt, losses, error."""
        row = self._one("select state, attempt, losses, error from auditapp_run")
        return dict(zip(("state", "attempt", "losses", "error"), row, strict=True))

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self._one(f"select count(*) from {table}")[0])

    def stored(self) -> tuple[dict[str, Any], str, str]:
        """Plan, hash of the stored result and id of the data set of the only report."""
        row = self._one(
            "select a.plan, r.result_hash, a.dataset_id from auditapp_report r"
            " join auditapp_audit a on a.id = r.audit_id"
        )
        return json.loads(row[0]), str(row[1]), str(UUID(row[2]))

    def _one(self, query: str) -> tuple[Any, ...]:
        connection = sqlite3.connect(self.data_dir / "evenhand.sqlite3", timeout=10)
        try:
            row = connection.execute(query).fetchone()
        finally:
            connection.close()
        return (None, None, None, None) if row is None else tuple(row)
