"""Checks before anything starts; each names its cause and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from auditapp.services import keys
from auditapp.signing import KeyFault

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DATABASES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
SCHEMES = ("redis://", "rediss://", "unix://")


@register(Tags.security)
def folders(**_: Any) -> list[CheckMessage]:
    """DATA_DIR is writable, and the generated key is private."""
    found: list[CheckMessage] = []
    data = Path(settings.DATA_DIR)
    if not os.access(data, os.W_OK):
        hint = f"Let this user write to {data}, or set DATA_DIR."
        found.append(Error("The data folder cannot be written.", hint=hint, id="evenhand.E001"))
    elif data.stat().st_mode & 0o007:
        found.append(
            Warning(
                "Other users of this machine can enter the data folder.",
                hint=f"Run chmod o-rwx {data}: it holds the database and what people upload.",
                id="evenhand.W004",
            )
        )
    key = data / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        found.append(
            Error(
                "Other users of this machine can read the secret key.",
                hint=f"Run chmod 600 {key}.",
                id="evenhand.E002",
            )
        )
    return found


@register(Tags.security)
def signing(**_: Any) -> list[CheckMessage]:
    """The key that reports are signed with is one, and nobody else reads it."""
    found: list[CheckMessage] = []
    path = Path(settings.DATA_DIR) / keys.FILE
    kept = not settings.SIGNING_KEY
    if kept and not path.exists():
        return found  # made at first use
    if kept and path.stat().st_mode & 0o077:
        found.append(
            Error(
                "Other users of this machine can read the key that reports are signed with.",
                hint=f"Run chmod 600 {path}. If somebody may have read it, move it away: a new"
                " one is made.",
                id="evenhand.E007",
            )
        )
    try:
        keys.signing_key()
    except (OSError, UnicodeDecodeError, KeyFault) as error:
        where = str(path) if kept else "EVENHAND_SIGNING_KEY"
        found.append(
            Error(
                f"Reports cannot be signed: {error}.",
                hint=f"Put an Ed25519 private key into {where}, or take it away: one is made.",
                id="evenhand.E008",
            )
        )
    return found


@register(Tags.security)
def reachability(**_: Any) -> list[CheckMessage]:
    """Names and origins fit the address the server binds."""
    found: list[CheckMessage] = []
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        if "://" not in origin:
            found.append(
                Error(
                    f"TRUSTED_ORIGINS has {origin!r}, which has no scheme.",
                    hint=f"Write https://{origin}.",
                    id="evenhand.E003",
                )
            )
    if settings.HOST in LOOPBACK:
        return found
    if not settings.HTTPS:
        found.append(
            Warning(
                f"HOST is {settings.HOST} and HTTPS is off: passwords cross the network in clear.",
                hint="Put a proxy with TLS in front and set HTTPS=true (docs/install.md).",
                id="evenhand.W001",
            )
        )
    if set(settings.ALLOWED_HOSTS) <= {*LOOPBACK, "[::1]"}:
        found.append(
            Warning(
                f"HOST is {settings.HOST}, but ALLOWED_HOSTS knows this machine's own names only.",
                hint="Set ALLOWED_HOSTS to the names under which people reach it.",
                id="evenhand.W002",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS contains *, so links in mails can be forged.",
                hint="Name the hosts.",
                id="evenhand.W003",
            )
        )
    return found


@register(Tags.compatibility)
def services(**_: Any) -> list[CheckMessage]:
    """Database and queue are of a kind that was tried."""
    found: list[CheckMessage] = []
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine not in DATABASES:
        found.append(
            Error(
                f"DATABASE_URL leads to {engine}.",
                hint="Use sqlite:///path or postgres://user:password@host/name.",
                id="evenhand.E004",
            )
        )
    if not settings.REDIS_URL.startswith(SCHEMES):
        found.append(
            Error(
                "REDIS_URL has an unknown scheme.",
                hint=f"Begin it with one of: {', '.join(SCHEMES)}.",
                id="evenhand.E005",
            )
        )
    if settings.DATABASES["default"].get("ATOMIC_REQUESTS"):
        found.append(
            Error(
                "ATOMIC_REQUESTS is on, which would lock SQLite during every request.",
                hint="Leave it out; services open their own transactions.",
                id="evenhand.E006",
            )
        )
    return found
