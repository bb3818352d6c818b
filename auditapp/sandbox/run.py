"""The parent's side: start the child, watch it, stop it, and turn its end into words."""

from __future__ import annotations

import json
import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from auditapp.errors import AuditError
from auditapp.sandbox import messages
from auditapp.sandbox.limits import Limits
from auditapp.sandbox.lockdown import MECHANISMS

Progress = Callable[[dict[str, Any]], None]
ShouldStop = Callable[[], str | None]

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]);from auditapp.sandbox.child import main; main()"
)
ALLOW_UNISOLATED = "EVENHAND_ALLOW_UNISOLATED_MODELS"
SCRATCH = ".child-"
LONGEST_ANSWER = 256 << 20
LONGEST_LINE = 1 << 20
SHORTEST_PAUSE = 0.1
STDERR_KEPT = 20_000

logger = logging.getLogger(__name__)


def run_child(
    target: str,
    payload: dict[str, Any],
    *,
    workdir: Path,
    limits: Limits,
    isolated: bool,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    poll: float = 0.5,
) -> dict[str, Any]:
    """Call ``target(payload, tick)`` in a fresh interpreter and return its JSON answer.

    Parameters
    ----------
    target
        ``"module:function"`` of this project.
    payload
        JSON for the function. With ``isolated=True``, ``payload["read"]`` lists the files and
        folders it may read and ``payload["write"]`` the folders it may write besides `workdir`;
        the child adds ``payload["isolation"]``, what it found to hold.
    workdir
        The child's current folder, and the only one it may write to.
    limits
        Time, memory, file size, threads.
    isolated
        True for anything that opens an uploaded file.
    on_progress
        Receives ``{"done", "total", "text", ...}``: the newest report, ten times a second at
        most, and always the last one.
    should_stop
        Asked every `poll` seconds; ``"cancel"``, ``"deadline"`` or another word ends the child.
    poll
        Seconds between questions.

    Raises
    ------
    AuditError
        The function's own, or cancelled, deadline, time-limit, out-of-memory, disk-limit,
        disk-full, child-crashed, child-killed, no-isolation.
    """
    scratch = _scratch(workdir)
    try:
        with (
            tempfile.TemporaryFile(dir=scratch) as result,
            tempfile.TemporaryFile(dir=scratch) as stderr,
        ):
            child = _Child(on_progress, should_stop, limits, poll)
            order = {
                "target": target,
                "payload": payload,
                "workdir": str(workdir.resolve()),
                "scratch": str(scratch.resolve()),
                "isolated": isolated,
                "strict": limits.strict and not unisolated_allowed(),
                "limits": limits.to_json(),
                "mechanisms": MECHANISMS,
                "root": str(ROOT),
                "parent": os.getpid(),
                "result": result.fileno(),
            }
            environment = _environment(limits, scratch.resolve(), isolated=isolated)
            code = child.run(order, environment, result, stderr, scratch)
            text, answer = _tail(stderr), _read(result)
            if text:
                broken = code != 0 or answer is None or "crash" in answer
                level = logging.WARNING if broken else logging.DEBUG
                logger.log(level, "child %s wrote: %s", target, text)
            return _outcome(code, answer, limits, text)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def unisolated_allowed() -> bool:
    """Whether the installation runs uploaded models even where nothing isolates them."""
    return os.environ.get(ALLOW_UNISOLATED, "").lower() in {"1", "true", "yes", "on"}


def _scratch(workdir: Path) -> Path:
    """Make the child's temporary folder, and clear those a killed parent left in `workdir`.

    A child's child gets its folder inside the child's, so that one removal clears both.
    """
    for old in workdir.glob(SCRATCH + "*"):
        if not Path("/proc", old.name.split("-")[1]).exists():
            shutil.rmtree(old, ignore_errors=True)
    ours = Path(tempfile.gettempdir())
    parent = ours if ours.name.startswith(SCRATCH) else workdir
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=parent))


def _environment(limits: Limits, scratch: Path, *, isolated: bool) -> dict[str, str]:
    threads = str(limits.threads)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "MALLOC_ARENA_MAX": "2",
        # Waiting threads sleep: spinning ones made a fit ten times slower on a busy machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        **dict.fromkeys(names, threads),
    }
    if not isolated:
        # Which GPUs we may use, and where a container keeps the driver.
        kept = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
        environment |= {name: os.environ[name] for name in kept if name in os.environ}
    if not isolated and unisolated_allowed():
        environment[ALLOW_UNISOLATED] = "1"
    return environment


class _Child:
    """One child process from start to reaping."""

    def __init__(
        self,
        on_progress: Progress | None,
        should_stop: ShouldStop | None,
        limits: Limits,
        poll: float,
    ) -> None:
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._limits = limits
        self._poll = poll
        self._buffer = b""
        self._newest: bytes | None = None
        self._told = 0.0

    def run(
        self,
        order: dict[str, Any],
        environment: dict[str, str],
        result: IO[bytes],
        stderr: IO[bytes],
        scratch: Path,
    ) -> int:
        """Start, watch and reap; whatever happens, nothing of the child's group is left."""
        read, write = os.pipe()
        try:
            with tempfile.TemporaryFile(dir=scratch) as stdin:
                stdin.write(json.dumps({**order, "progress": write}, default=str).encode())
                stdin.seek(0)
                process = subprocess.Popen(
                    [sys.executable, "-I", "-c", BOOTSTRAP, str(ROOT)],
                    stdin=stdin,
                    stdout=stderr,
                    stderr=stderr,
                    env=environment,
                    cwd=scratch,
                    pass_fds=(write, result.fileno()),
                    start_new_session=True,
                )
            os.close(write)
            write = -1
            try:
                self._watch(process, read)
            finally:
                _end(process)
            return process.returncode
        finally:
            os.close(read)
            if write >= 0:
                os.close(write)

    def _watch(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        os.set_blocking(pipe, False)
        started = asked = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            listening = True
            while not _exited(process):
                pause = min(self._poll, SHORTEST_PAUSE)
                if not listening:
                    time.sleep(SHORTEST_PAUSE / 5)
                elif selector.select(pause):
                    listening = self._listen(pipe)
                    if not listening:
                        selector.unregister(pipe)
                self._tell()
                now = time.monotonic()
                if self._limits.wall is not None and now - started > self._limits.wall:
                    raise messages.time_limit(self._limits, self._limits.wall)
                if self._should_stop is not None and now - asked >= self._poll:
                    asked = now
                    reason = self._should_stop()
                    if reason:
                        raise messages.stopped(reason, self._limits)
            while listening and self._listen(pipe):
                pass
        self._tell(last=True)

    def _listen(self, pipe: int) -> bool:
        """Take in what is there; False once the other end is closed or nothing is left."""
        try:
            data = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if lines:
            self._newest = lines[-1]
        if len(self._buffer) > LONGEST_LINE:
            self._buffer = b""
        return bool(data)

    def _tell(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if self._newest is None or (not last and now - self._told < SHORTEST_PAUSE):
            return
        line, self._newest, self._told = self._newest, None, now
        if self._on_progress is None:
            return
        try:
            report = json.loads(line)
        except ValueError:
            return
        if isinstance(report, dict):
            self._on_progress(report)


def _exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether the child has ended; it stays unreaped, so its group number stays ours."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, options) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's process group, then reap the child."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _tail(stderr: IO[bytes]) -> str:
    length = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(length - STDERR_KEPT, 0))
    return stderr.read(STDERR_KEPT).decode("utf-8", "replace").strip()


def _read(result: IO[bytes]) -> dict[str, Any] | None:
    result.seek(0)
    data = result.read(LONGEST_ANSWER)
    try:
        answer = json.loads(data)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _outcome(
    code: int, answer: dict[str, Any] | None, limits: Limits, stderr: str
) -> dict[str, Any]:
    if code != 0 or answer is None:
        raise messages.ended(code, limits, stderr)
    if "ok" in answer:
        found: dict[str, Any] = answer["ok"]
        return found
    if "error" in answer:
        raise AuditError.from_dict(answer["error"])
    if "memory" in answer:
        raise messages.out_of_memory(limits)
    if "refused" in answer:
        raise messages.no_isolation()
    if "file_size" in answer or "disk_full" in answer:
        raise messages.disk(limits, full="disk_full" in answer)
    raise messages.internal(limits, str(answer.get("crash", "error")))
