"""Where a search keeps its trials: in memory, in a journal on Redis or in a file, in a database.

Every storage here survives a process that is killed: what was written is read by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

#: Key of the journal on Redis where the URL names none.
JOURNAL = "evenhand:study"
#: A journal on Redis that nobody writes to any more goes by itself.
KEEP_SECONDS = 7 * 24 * 3600
REDIS = ("redis", "rediss", "unix")


def open_storage(url: str | None) -> BaseStorage:
    """The storage of a URL.

    Parameters
    ----------
    url
        None for this process's memory. ``redis://``, ``rediss://`` or ``unix://``, with the
        journal's key after ``#``. ``journal:///path`` for a file. Everything else is a
        database: ``sqlite:///path``, ``postgresql://...``.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if url is None:
        return optuna.storages.InMemoryStorage()
    scheme = urlsplit(url).scheme
    if scheme in REDIS:
        return _journal(_redis_backend(url))
    if scheme == "journal":
        return _journal(_file_backend(Path(urlsplit(url).path)))
    return _database(url)


def drop(url: str | None) -> None:
    """Forget a journal on Redis; files and databases belong to whoever named them."""
    if url is not None and urlsplit(url).scheme in REDIS:
        client, key = _client(url, tries=1)
        client.delete(key)
        client.close()


def _journal(backend: Any) -> BaseStorage:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.JournalStorage(backend)


def _client(url: str, tries: int = 8) -> tuple[Any, str]:
    import redis
    from redis.backoff import ExponentialBackoff
    from redis.retry import Retry

    bare, _, key = url.partition("#")
    # A supervisor starts a broken Redis again within seconds; a search outlives that.
    retry = Retry(ExponentialBackoff(cap=2.0, base=0.1), tries)
    client = redis.Redis.from_url(bare, retry=retry, socket_connect_timeout=5)
    return client, key if key else JOURNAL


def _redis_backend(url: str) -> Any:
    from optuna.storages.journal import BaseJournalBackend

    class RedisList(BaseJournalBackend):
        """A journal in one Redis list: appended to in one step, dropped in one.

        Optuna's own backend keeps a pickled snapshot beside its entries, which whoever can
        write to Redis could replace; this one holds JSON alone.
        """

        def __init__(self) -> None:
            self._redis, self._key = _client(url)

        def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
            both = self._redis.pipeline()
            both.llen(self._key)
            both.lrange(self._key, log_number_from, -1)
            count, lines = both.execute()
            if count < log_number_from:
                raise ConnectionError("the journal of the search is gone from Redis")
            return [json.loads(line) for line in lines]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            both = self._redis.pipeline()
            both.rpush(self._key, *(json.dumps(log) for log in logs))
            both.expire(self._key, KEEP_SECONDS)
            both.execute()

    return RedisList()


def _file_backend(path: Path) -> Any:
    from optuna.storages.journal import JournalFileBackend
    from optuna.storages.journal._file import BaseJournalFileLock

    class Flock(BaseJournalFileLock):
        """A lock that the kernel takes back when its holder is killed."""

        def __init__(self) -> None:
            self._held = -1

        def acquire(self) -> bool:
            file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._held = file
            return True

        def release(self) -> None:
            os.close(self._held)

    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalFileBackend(str(path), lock_obj=Flock())


def _database(url: str) -> BaseStorage:
    import optuna

    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            url = "postgresql+psycopg://" + url.removeprefix(scheme)
    if not url.startswith("sqlite"):
        return optuna.storages.get_storage(url)
    from sqlalchemy import event

    storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})

    # Else two processes could both read a trial as waiting before one of them takes it.
    @event.listens_for(storage.engine, "connect")
    def _plain(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(storage.engine, "begin")
    def _lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()
    return optuna.storages.get_storage(storage)
