"""Keeping a handful of child processes alive, and taking all of them down together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)
PR_SET_PDEATHSIG = 1
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
#: A child that lived this long starts again without delay.
SETTLED_SECONDS = 30.0
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """One process: how it starts, how it is asked to stop, what it gets when we are killed.

    `on_death` is the signal the kernel sends the child when this process vanishes: SIGTERM for
    the web server, which has to take its own worker along, SIGKILL for all others.
    """

    name: str
    argv: Sequence[str]
    stop_with: signal.Signals = signal.SIGTERM
    on_death: signal.Signals = signal.SIGKILL
    grace: float = 8.0
    before: Callable[[], None] | None = None
    once: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    delay: float = field(default=FIRST_DELAY, init=False)
    next_start: float = field(default=0.0, init=False)

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self.process is not None and self.process.poll() is None

    def start(self, *, env: dict[str, str], cwd: Path) -> None:
        """Start the process in a session of its own."""
        if self.before is not None:
            self.before()
        parent, number = os.getpid(), int(self.on_death)

        def follow_parent() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        self.process = subprocess.Popen(
            self.argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=follow_parent,
        )
        self.started = time.monotonic()

    def schedule(self) -> None:
        """Set when to start again: at once the first time, later when it keeps dying."""
        now = time.monotonic()
        if now - self.started > SETTLED_SECONDS:
            self.delay = FIRST_DELAY
        self.next_start = now + self.delay
        self.delay = min(self.delay * 2, LONGEST_DELAY)

    def stop(self) -> None:
        """Ask, wait, then end the whole session."""
        if self.process is None:
            return
        if self.running:
            self.process.send_signal(self.stop_with)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.kill_session()

    def kill_session(self) -> None:
        """End whatever the process left behind in its session."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Supervisor:
    """Starts children in order, restarts the dead ones, stops them in reverse order."""

    def __init__(self, *, env: dict[str, str], cwd: Path) -> None:
        self._env = env
        self._cwd = cwd
        self._children: list[Child] = []
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether somebody asked us to stop."""
        return self._stopping

    def listen(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as the wish to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def start(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        self._children.append(child)
        child.start(env=self._env, cwd=self._cwd)

    def wait(self, until: Callable[[], bool], *, timeout: float) -> bool:
        """Look after the children until something holds; False when it does not come true."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and not self._stopping:
            if until():
                return True
            self.look_after()
            time.sleep(0.1)
        return False

    def run(self) -> None:
        """Look after the children until somebody asks us to stop."""
        while not self._stopping:
            self.look_after()
            time.sleep(0.2)

    def look_after(self) -> None:
        """Start dead children again."""
        for child in self._children:
            if child.running or child.process is None:
                continue
            if child.once:
                continue
            if child.next_start == 0.0:
                log.warning(
                    "a process ended and starts again",
                    name=child.name,
                    status=child.process.returncode,
                )
                child.kill_session()
                child.schedule()
            elif time.monotonic() >= child.next_start:
                child.next_start = 0.0
                try:
                    child.start(env=self._env, cwd=self._cwd)
                except Exception:
                    log.exception("a process could not be started", name=child.name)
                    child.schedule()

    def stop(self, *, between: dict[str, Callable[[], None]] | None = None) -> None:
        """Stop everything, last started first; `between` runs after the named child ended."""
        after = between if between is not None else {}
        for child in reversed(self._children):
            child.stop()
            if child.name in after:
                with suppress(Exception):
                    after[child.name]()

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping = True
