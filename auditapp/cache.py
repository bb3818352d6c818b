"""The cache that all processes share: counts of failed sign-ins have to be one count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)
SAY_EVERY = 60.0
_said = [-SAY_EVERY]


class JsonSerializer:
    """Values as JSON: what lies in Redis can never run code when it is read."""

    def dumps(self, value: Any) -> Any:
        """Whole numbers stay plain, so that Redis can count with them."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value again."""
        return json.loads(data)


def _say(error: Exception) -> None:
    """One line a minute."""
    if time.monotonic() - _said[0] >= SAY_EVERY:
        _said[0] = time.monotonic()
        log.warning("the shared cache cannot be reached", error=str(error))


def _guarded(name: str) -> Callable[..., Any]:
    def method(self: SharedCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(RedisCache, name)(self, *args, **kwargs)
        except (OSError, redis.RedisError) as error:
            _say(error)
            return getattr(self.local, name)(*args, **kwargs)

    method.__name__ = name
    return method


class SharedCache(RedisCache):  # type: ignore[misc]
    """Redis; while it cannot be reached, the memory of this process, so that limits still hold."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "serializer": JsonSerializer}
        # A page waits for no retries: what cannot be reached is counted here meanwhile.
        options |= {
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry": Retry(NoBackoff(), 1),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self.local = LocMemCache("shared-cache", params)

    add = _guarded("add")
    get = _guarded("get")
    set = _guarded("set")
    touch = _guarded("touch")
    delete = _guarded("delete")
    has_key = _guarded("has_key")
    incr = _guarded("incr")
    get_many = _guarded("get_many")
    set_many = _guarded("set_many")
    delete_many = _guarded("delete_many")

    def clear(self) -> bool:
        """Forget our own keys only: the queue lives in the same Redis."""
        self.local.clear()
        client = self._cache.get_client(None, write=True)
        try:
            keys = list(client.scan_iter(match=f"{self.key_prefix}:*", count=1000))
            if keys:
                client.delete(*keys)
        except (OSError, redis.RedisError) as error:
            _say(error)
        return True
