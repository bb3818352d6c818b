"""Typed readers of the environment that settings.py is written with."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

#: A Unix socket's path may have 107 bytes on Linux; the socket is RUN_DIR/redis.sock.
LONGEST_SOCKET_PATH = 100


def secret(env: environ.Env, name: str, default: str = "") -> str:
    """Value of `name`, or the contents of the file that `name`_FILE points to; empty is unset."""
    file = env.str(f"{name}_FILE", default="")
    if not file:
        value = str(env.str(name, default=""))
        return value if value else default
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE points to {file}, which cannot be read: {error.strerror}."
        ) from error


def generated_key(path: Path) -> str:
    """Key kept in `path`; made on first use and readable by its owner only."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(50)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(key, encoding="ascii")
    try:
        # A link fails where another process was first: its key is then the one.
        os.link(partial, path)
    except FileExistsError:
        key = path.read_text(encoding="ascii").strip()
    finally:
        partial.unlink()
    return key


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone can read: it holds people's data."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {path} cannot be made: {error.strerror}. Set DATA_DIR to a folder that"
            " this user can write to."
        ) from error


def runtime_dir(data_dir: Path) -> Path:
    """Folder for the Redis socket: inside `data_dir`, or a short one where that is too long."""
    inside = data_dir / "run"
    if len(os.fsencode(inside / "redis.sock")) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"evenhand-{os.getuid()}-{digest}"


def broker_url(redis_url: str) -> str:
    """The same Redis as kombu spells it: `unix:///path?db=0` is `redis+socket://`."""
    if not redis_url.startswith("unix://"):
        return redis_url
    address, _, query = redis_url.removeprefix("unix://").partition("?")
    number = query.removeprefix("db=") if query.startswith("db=") else "0"
    return f"redis+socket://{address}?virtual_host={number}"
