"""How many requests a minute; counted in the cache that all web processes share."""

from __future__ import annotations

import time

import redis
import structlog
from django.conf import settings
from django.core.cache import cache

from auditapp.api.problems import Problem

log = structlog.get_logger(__name__)
WINDOW = 60


def count(who: str, limit: int) -> None:
    """Count a request of `who`; refuse it where there were `limit` in this minute already.

    Where the cache cannot be reached nothing is refused: a limit must not take the API down.
    """
    now = time.time()
    key = f"api:{who}:{int(now // WINDOW)}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        number = cache.incr(key)
    except ValueError:  # the key ran out between the two calls
        return
    except (redis.RedisError, OSError) as error:
        log.warning("requests are not counted", error=str(error))
        return
    if number > limit:
        wait = max(1, int(WINDOW - now % WINDOW) + 1)
        raise Problem(
            429,
            "too-many-requests",
            f"There were more than {limit:,} requests within a minute.",
            f"Wait {wait} s, as the header Retry-After says.",
            headers={"Retry-After": str(wait)},
        )


def reads() -> int:
    """Requests a minute of one token."""
    return int(settings.API_REQUESTS_PER_MINUTE)


def writes() -> int:
    """Of those, requests that change something."""
    return int(settings.API_CHANGES_PER_MINUTE)
