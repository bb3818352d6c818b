"""The shared cache: one count for every process, and a limit that holds without Redis too."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from auditapp.cache import JsonSerializer, SharedCache
from auditapp.embedded import redis_binary


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "r.sock"
    server = subprocess.Popen(
        [str(redis_binary()), "--port", "0", "--unixsocket", str(path), "--save", ""],
        stdout=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    yield f"unix://{path}?db=0"
    server.kill()
    server.wait()


def shared(address: str) -> SharedCache:
    return SharedCache(address, {"KEY_PREFIX": "evenhand-cache"})


def test_two_processes_see_one_count(socket: str) -> None:
    one, other = shared(socket), shared(socket)
    one.set("tries", [1.5, 2.5], 60)
    assert other.get("tries") == [1.5, 2.5]
    assert one.add("lock", True, 10) and not other.add("lock", True, 10)
    one.set("count", 4)
    assert other.incr("count") == 5 and one.get("count") == 5
    one.set_many({"a": {"b": [None, "ü"]}, "c": 0})
    assert other.get_many(["a", "c", "d"]) == {"a": {"b": [None, "ü"]}, "c": 0}


def test_clearing_leaves_the_queue_alone(socket: str) -> None:
    client = redis.Redis.from_url(socket)
    client.rpush("cpu", "a job")
    cache = shared(socket)
    cache.set("tries", [1.0])
    cache.clear()
    assert cache.get("tries") is None
    assert client.llen("cpu") == 1
    client.close()


def test_nothing_in_it_is_a_pickle(socket: str) -> None:
    shared(socket).set("tries", [1.0, True])
    client = redis.Redis.from_url(socket)
    assert [client.get(key) for key in client.keys("*")] == [b"[1.0, true]"]
    client.close()
    with pytest.raises(ValueError):
        JsonSerializer().loads(b"\x80\x04N.")


def test_without_redis_this_process_counts_for_itself(tmp_path: Path) -> None:
    cache = shared(f"unix://{tmp_path}/none.sock?db=0")
    cache.clear()
    cache.set("tries", [1.0], 60)
    assert cache.get("tries") == [1.0]
    assert cache.add("lock", True, 10) and not cache.add("lock", True, 10)
    assert cache.delete("tries") and cache.get("tries") is None
