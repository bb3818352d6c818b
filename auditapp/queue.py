"""The only place that talks to the broker: jobs are sent by task name, with an id."""

from __future__ import annotations

import time
from functools import partial
from typing import Any
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from auditapp.celery import app

log = structlog.get_logger(__name__)
LANES = ("cpu", "gpu")
#: An invitation to help that nobody took by then is void.
INVITATION_SECONDS = 60
SEEN_KEY = "evenhand:worker-seen"


def enqueue(name: str, key: UUID, *, lane: str = "cpu") -> None:
    """Send the job when the transaction commits.

    The row is the truth: where the broker cannot be reached, requeue_stale sends it later.
    """
    transaction.on_commit(partial(send, name, str(key), lane))


def send(name: str, key: str, lane: str = "cpu") -> bool:
    """Send the job now; False where the broker cannot be reached."""
    try:
        app.send_task(f"auditapp.{name}", args=[key], queue=lane, retry_policy={"max_retries": 1})
    except (OperationalError, redis.RedisError) as error:
        log.warning("the queue cannot be reached", job=name, key=key, error=str(error))
        return False
    return True


def invite(key: str, lane: str) -> bool:
    """Ask an idle worker to help a run; who gets to it late finds that it has expired."""
    try:
        app.send_task(
            "auditapp.help_study", args=[key], queue=lane, expires=INVITATION_SECONDS,
            retry_policy={"max_retries": 0},
        )  # fmt: skip
    except (OperationalError, redis.RedisError):
        return False
    return True


def restore_unacked() -> int:
    """Put back every message that a worker took and never finished.

    Only for a Redis of our own, while no worker runs.
    """
    with app.connection_for_write() as connection, connection.channel() as channel:
        tags = channel.client.zrange(channel.unacked_index_key, 0, -1)
        for tag in tags:
            channel.qos.restore_by_tag(tag)
    return len(tags)


def worker_seen() -> None:
    """Note that a worker is alive: it just did a job that beat sent."""
    client = _client()
    client.set(SEEN_KEY, int(time.time()), ex=300)
    client.close()


def status() -> dict[str, Any]:
    """Whether the broker answers, what waits in each lane, and when a worker was last seen."""
    client = _client()
    try:
        client.ping()
        waiting = {lane: client.llen(lane) for lane in LANES}
        seen = client.get(SEEN_KEY)
    except redis.RedisError as error:
        return {"ok": False, "error": str(error), "waiting": {}, "seen": None}
    finally:
        client.close()
    return {
        "ok": True,
        "error": "",
        "waiting": waiting,
        "seen": None if seen is None else time.time() - int(seen),
    }


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
