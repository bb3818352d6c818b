"""What a hostile model would try, written as targets of `run_child`."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from auditapp.errors import AuditError

Json = dict[str, Any]


def echo(payload: Json, tick: Any) -> Json:
    tick(1, 2, "half")
    tick(2, 2, "whole", preview={"rows": 3})
    return {"got": payload["value"], "argv": len(sys.argv)}


def environment(payload: Json, tick: Any) -> Json:
    return dict(os.environ)


def refuse(payload: Json, tick: Any) -> Json:
    raise AuditError("ragged-rows", "Row 3 has 4 values.", "Fix it.", where="row 3")


def break_down(payload: Json, tick: Any) -> Json:
    raise ValueError("secret detail")


def not_json(payload: Json, tick: Any) -> Json:
    return {"value": float("nan")}


def fault(payload: Json, tick: Any) -> Json:
    ctypes.string_at(0)
    return {}


def exhaust_memory(payload: Json, tick: Any) -> Json:
    return {"n": len(bytearray(40 << 30))}


def spin(payload: Json, tick: Any) -> Json:
    tick(0, 1, str(os.getpid()))
    while True:
        pass


def sleep(payload: Json, tick: Any) -> Json:
    tick(0, 1, str(os.getpid()))
    time.sleep(60)
    return {}


def flood(payload: Json, tick: Any) -> Json:
    for i in range(20_000):
        tick(i + 1, 20_000, "x" * 100)
    return {}


def fill_disk(payload: Json, tick: Any) -> Json:
    with Path("big").open("wb") as out:
        for _ in range(64):
            out.write(bytes(1 << 20))
    return {}


def killed_from_outside(payload: Json, tick: Any) -> Json:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def ignore_stop(payload: Json, tick: Any) -> Json:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    return spin(payload, tick)


def leave_orphan(payload: Json, tick: Any) -> Json:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    return {"pid": child.pid}


def nested(payload: Json, tick: Any) -> Json:
    """A trusted child with a sandboxed child of its own, as the pipeline has one."""
    from auditapp.sandbox import Limits, run_child

    return run_child(
        "tests.attacks.targets:sleep",
        {},
        workdir=Path.cwd(),
        limits=Limits.model(),
        isolated=True,
        on_progress=lambda report: tick(0, 1, report["text"]),
    )


def _attempt(action: Any) -> str:
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "worked"


def reach_network(payload: Json, tick: Any) -> Json:
    def connect() -> None:
        with socket.create_connection((payload["host"], payload["port"]), timeout=2):
            pass

    def by_unix_socket() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(payload["unix"])

    return {
        "tcp": _attempt(connect),
        "unix": _attempt(by_unix_socket),
        "udp": _attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "pair": _attempt(socket.socketpair),
        "held": payload["isolation"],
    }


def reach_files(payload: Json, tick: Any) -> Json:
    own = Path("note.txt")
    own.write_text("kept")
    own.rename("note2.txt")
    return {
        "given": _attempt(lambda: Path(payload["given"]).read_bytes()),
        "neighbour": _attempt(lambda: Path(payload["neighbour"]).read_bytes()),
        "overwrite": _attempt(lambda: Path(payload["given"]).write_bytes(b"")),
        "passwd": _attempt(lambda: Path("/etc/passwd").read_bytes()),
        "parent": _attempt(lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()),
        "project": _attempt(lambda: list(Path(payload["root"]).iterdir())),
        "outside": _attempt(lambda: Path(payload["outside"]).write_text("x")),
        "link": _attempt(lambda: Path("link").symlink_to("/etc/passwd")),
    }


def reach_processes(payload: Json, tick: Any) -> Json:
    return {
        "program": _attempt(lambda: subprocess.run(["/bin/true"], check=True)),
        "shell": str(os.system("true")),
        "fork": _attempt(os.fork),
        "signal": _attempt(lambda: os.kill(payload["pid"], 0)),
        "stay": ctypes.CDLL(None).prctl(1, 0, 0, 0, 0),
        "raise": _attempt(lambda: _raise_limit()),
        "threads": _threads(),
    }


def _raise_limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))


def _threads() -> int:
    import threading

    done: list[int] = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join()
    return len(done)


def fork_bomb(payload: Json, tick: Any) -> Json:
    made = 0
    for _ in range(200):
        with contextlib.suppress(OSError):
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
            made += 1
    return {"made": made}
