"""`run_child`: answers, progress, limits, stopping, and nothing left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.sandbox import Limits, run_child

SMALL = Limits(what="The test", wall=20.0, memory=1 << 30)


def call(name: str, tmp_path: Path, payload: dict[str, Any] | None = None, **options: Any) -> Any:
    options = {"limits": SMALL, "isolated": False, "poll": 0.1, **options}
    return run_child(f"tests.attacks.targets:{name}", payload or {}, workdir=tmp_path, **options)


def refusal(name: str, tmp_path: Path, **options: Any) -> AuditError:
    with pytest.raises(AuditError) as caught:
        call(name, tmp_path, **options)
    assert list(tmp_path.glob(".child-*")) == []
    return caught.value


def gone(pid: int, seconds: float = 3.0) -> bool:
    """Whether the process ends within the time; a zombie nobody has reaped yet counts."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("isolated", [False, True])
def test_it_returns_the_answer_and_the_last_progress(tmp_path: Path, isolated: bool) -> None:
    seen: list[dict[str, Any]] = []
    answer = call("echo", tmp_path, {"value": "é"}, isolated=isolated, on_progress=seen.append)
    assert answer["got"] == "é"
    assert seen[-1] == {"done": 2, "total": 2, "text": "whole", "preview": {"rows": 3}}
    assert list(tmp_path.iterdir()) == []


def test_it_starts_with_an_empty_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    for isolated in (False, True):
        found = call("environment", tmp_path, isolated=isolated)
        assert found.keys() - {"LC_CTYPE"} == {
            "PATH", "LANG", "TZ", "HOME", "TMPDIR", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS",
            "OMP_WAIT_POLICY",
            "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        }  # fmt: skip
        assert "s3cret" not in found.values()


def test_it_passes_on_an_error_meant_for_the_user(tmp_path: Path) -> None:
    error = refusal("refuse", tmp_path)
    assert error.as_dict()["where"] == "row 3"
    assert (error.code, error.hint) == ("ragged-rows", "Fix it.")


def test_it_keeps_details_of_a_crash_for_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        error = refusal("break_down", tmp_path)
    assert error.code == "child-crashed"
    assert "secret detail" not in str(error)
    assert "secret detail" in caplog.text


def test_it_refuses_an_answer_that_is_not_json(tmp_path: Path) -> None:
    assert refusal("not_json", tmp_path).code == "child-crashed"


def test_it_survives_a_memory_fault(tmp_path: Path) -> None:
    error = refusal("fault", tmp_path)
    assert error.code == "child-crashed"
    assert "memory fault" in error.message


def test_it_names_the_memory_limit(tmp_path: Path) -> None:
    error = refusal("exhaust_memory", tmp_path)
    assert error.code == "out-of-memory"
    assert "1 GB" in error.message


def test_it_stops_at_the_wall_clock(tmp_path: Path) -> None:
    started = time.monotonic()
    error = refusal("sleep", tmp_path, limits=SMALL.but(wall=0.5))
    assert error.code == "time-limit"
    assert "0.5 seconds" in error.message
    assert time.monotonic() - started < 2.0


def test_it_stops_at_the_processor_time(tmp_path: Path) -> None:
    error = refusal("spin", tmp_path, limits=SMALL.but(cpu=1.0))
    assert error.code == "time-limit"


def test_it_stops_at_the_file_size(tmp_path: Path) -> None:
    error = refusal("fill_disk", tmp_path, limits=SMALL.but(file_bytes=4 << 20))
    assert error.code == "disk-limit"
    assert "4 MB" in error.message


def test_it_says_when_the_system_killed_it(tmp_path: Path) -> None:
    error = refusal("killed_from_outside", tmp_path)
    assert error.code == "child-killed"
    assert not error.permanent


@pytest.mark.parametrize(("word", "code"), [("cancel", "cancelled"), ("deadline", "deadline")])
def test_it_stops_a_deaf_child_within_a_second(tmp_path: Path, word: str, code: str) -> None:
    seen: list[int] = []
    asked: list[float] = []

    def should_stop() -> str | None:
        if seen and not asked:
            asked.append(time.monotonic())
        return word if seen else None

    error = refusal(
        "ignore_stop",
        tmp_path,
        should_stop=should_stop,
        on_progress=lambda report: seen.append(int(report["text"])),
    )
    assert error.code == code
    assert time.monotonic() - asked[0] < 1.0
    assert gone(seen[0], 0.5)


def test_it_kills_the_child_when_progress_raises(tmp_path: Path) -> None:
    seen: list[int] = []

    def lost_lease(report: dict[str, Any]) -> None:
        seen.append(int(report["text"]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call("sleep", tmp_path, on_progress=lost_lease)
    assert gone(seen[0], 0.5)
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_no_process_of_the_group_behind(tmp_path: Path) -> None:
    assert gone(call("leave_orphan", tmp_path)["pid"])


def test_a_sandboxed_grandchild_dies_with_its_parent(tmp_path: Path) -> None:
    seen: list[int] = []
    error = refusal(
        "nested",
        tmp_path,
        should_stop=lambda: "cancel" if seen else None,
        on_progress=lambda report: seen.append(int(report["text"])),
    )
    assert error.code == "cancelled"
    assert gone(seen[0])


def test_the_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    read, write = os.pipe()
    worker = os.fork()
    if worker == 0:
        try:
            call("spin", tmp_path, on_progress=lambda r: os.write(write, r["text"].encode()))
        finally:
            os._exit(1)
    os.close(write)
    child = int(os.read(read, 32))
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    os.close(read)
    assert gone(child)
    assert len(list(tmp_path.iterdir())) == 1
    call("echo", tmp_path, {"value": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_flood_of_progress_does_not_reach_the_caller(tmp_path: Path) -> None:
    seen: list[int] = []
    started = time.monotonic()
    call("flood", tmp_path, on_progress=lambda report: seen.append(report["done"]))
    assert seen[-1] == 20_000
    assert len(seen) < 15 * (time.monotonic() - started) + 3
