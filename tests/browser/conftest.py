"""The real thing for browser tests: server, worker, beat and Redis started as `make run` does."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
LINK = re.compile(r"https?://\S+/sign-?in/link/\S+")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run everything here in one worker: the stack is started once."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session", autouse=True)
def _chromium_is_here() -> None:
    if CHROMIUM.exists():
        return
    if os.environ.get("EVENHAND_REQUIRE_BROWSER") == "1":
        pytest.fail("Chromium is missing: apt-get install chromium")
    pytest.skip("Chromium is not installed")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": str(CHROMIUM), "args": CHROMIUM_ARGS}


@dataclass
class Stack:
    """A running installation."""

    url: str
    data_dir: Path
    log: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    def manage(self, *arguments: str) -> str:
        """Run a management command against this installation."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def signin_link(self, email: str = "demo@example.org") -> str:
        found = LINK.search(self.manage("signin_link", email))
        assert found is not None
        return found.group(0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_stack(data_dir: Path, *extra: str, port: int | None = None) -> Stack:
    """Start `manage.py up` and wait until the web server answers."""
    port = _free_port() if port is None else port
    data_dir.mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "STATIC_ROOT": str(data_dir / "static"),
        "DJANGO_SETTINGS_MODULE": "auditapp.settings",
        "PYTHONUNBUFFERED": "1",
    }
    for command in (["migrate", "--verbosity", "0"], ["collectstatic", "--noinput", "-v", "0"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True)
    log = data_dir / "up.log"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", *extra],
        cwd=ROOT, env=env, stdout=log.open("ab"), stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    stack = Stack(f"http://127.0.0.1:{port}", data_dir, log, env, process)
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{stack.url}/healthz", timeout=2):
                return stack
        except OSError:
            time.sleep(0.2)
    stop_stack(stack)
    raise AssertionError(f"the stack did not start:\n{log.read_text()[-4000:]}")


def stop_stack(stack: Stack) -> None:
    """Ctrl-C, as a person would; SIGKILL if that does not end it."""
    if stack.process.poll() is None:
        stack.process.send_signal(signal.SIGINT)
        try:
            stack.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(stack.process.pid, signal.SIGKILL)
            stack.process.wait(timeout=5)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One installation with the demo workspace for all browser tests."""
    started = start_stack(tmp_path_factory.mktemp("up") / "var", "--demo")
    yield started
    stop_stack(started)


@pytest.fixture
def base_url(stack: Stack) -> str:
    return stack.url
