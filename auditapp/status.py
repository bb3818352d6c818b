"""What works on this machine: `manage.py doctor` and the status page say the same."""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from auditapp import queue, storage
from auditapp.datasets.staged import counted

FONTS = ("source-serif-4", "inter", "jetbrains-mono")
LEAST_FREE = 2 * 1024**3


@dataclass(frozen=True)
class Line:
    """One line: `state` is ok, missing (something does not work) or off (not set up)."""

    slug: str
    title: str
    state: str
    detail: str = ""
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a template."""
        return asdict(self)


def installation() -> list[Line]:
    """Everything a running installation needs; quick enough for a page."""
    return [database(), redis(), worker(), space(), sandbox(), device(), email()]


def everything() -> list[Line]:
    """What doctor prints."""
    checks: list[Callable[[], Line]] = [
        python,
        database,
        migrations,
        redis,
        worker,
        space,
        secret_key,
        static_files,
        fonts,
        sandbox,
        device,
        email,
    ]
    return [check() for check in checks]


def python() -> Line:
    """Python 3.11 on Linux."""
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] == (3, 11):
        return Line("python", "Python", "ok", found)
    return Line("python", "Python", "missing", found, "Install Python 3.11, then run make setup.")


def database() -> Line:
    """Whether the database answers."""
    vendor = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(
        connection.vendor, connection.vendor
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Line("database", "Database", "missing", f"{vendor}: {error}", "Check DATABASE_URL.")
    return Line("database", "Database", "ok", vendor)


def migrations() -> Line:
    """Whether the tables are up to date."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Line("tables", "Tables", "missing", str(error), "Check DATABASE_URL.")
    if plan:
        found = f"{len(plan)} migrations wait"
        return Line("tables", "Tables", "missing", found, "Run make setup.")
    return Line("tables", "Tables", "ok", "up to date")


def redis() -> Line:
    """Whether the queue answers."""
    kind = "embedded Redis" if settings.EMBEDDED_REDIS else "Redis"
    found = queue.status()
    if found["ok"]:
        return Line("queue", "Queue", "ok", f"{kind}, {sum(found['waiting'].values())} waiting")
    hint = (
        "Start Evenhand with make run; it brings its own Redis."
        if settings.EMBEDDED_REDIS
        else "Check REDIS_URL and that Redis runs."
    )
    return Line("queue", "Queue", "missing", f"{kind} does not answer", hint)


def worker() -> Line:
    """Whether a worker has done anything lately."""
    from auditapp.models import Run
    from auditapp.services.leases import alive

    found = queue.status()
    seen = found["seen"]
    try:
        busy = alive(Run)
    except DatabaseError:
        busy = 0
    if busy:
        return Line("worker", "Worker", "ok", "working on an audit")
    if seen is not None and seen < 60:
        return Line("worker", "Worker", "ok", f"seen {seen:.0f} s ago")
    detail = "not seen yet" if seen is None else f"last seen {seen:.0f} s ago"
    return Line("worker", "Worker", "missing", detail, "Start one with make run.")


def space() -> Line:
    """Free storage."""
    try:
        free = storage.free_bytes()
        writable = os.access(settings.DATA_DIR, os.W_OK)
    except OSError as error:
        return Line("storage", "Storage", "missing", str(error), "Check DATA_DIR.")
    detail = f"{free / 1024**3:,.0f} GB free"
    if not writable:
        hint = f"Let this user write to {settings.DATA_DIR}, or set DATA_DIR."
        return Line("storage", "Storage", "missing", "the data folder is read-only", hint)
    if free < LEAST_FREE:
        return Line("storage", "Storage", "missing", detail, "Free some space, or set DATA_DIR.")
    return Line("storage", "Storage", "ok", detail)


def secret_key() -> Line:
    """Who can read the generated key."""
    path = Path(settings.DATA_DIR) / "secret.key"
    if not path.exists():
        return Line("key", "Secret key", "ok", "from the environment")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Line(
            "key",
            "Secret key",
            "missing",
            f"{path.name} has mode {mode:04o}",
            f"Run chmod 600 {path}.",
        )
    return Line("key", "Secret key", "ok", f"{path.name}, mode {mode:04o}")


def static_files() -> Line:
    """Whether collectstatic has run."""
    if (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return Line("static", "Static files", "ok", "collected")
    return Line("static", "Static files", "missing", "not collected", "Run make setup.")


def fonts() -> Line:
    """The fonts that page, charts and PDF share."""
    folder = settings.BASE_DIR / "static" / "fonts"
    found = sorted(path.name for path in folder.rglob("*.ttf")) if folder.is_dir() else []
    if found:
        return Line("fonts", "Fonts", "ok", f"{len(found)} files")
    hint = "Fetch the repository again; static/fonts belongs to it."
    return Line("fonts", "Fonts", "missing", "no font files in static/fonts", hint)


@cache
def sandbox() -> Line:
    """What keeps uploaded models away from network and files."""
    from auditapp.sandbox import isolation

    held = isolation()
    network, files = held["network"], held["files"]
    detail = f"network by {network}, files by {files}"
    if network != "none":
        return Line("sandbox", "Model sandbox", "ok", detail)
    hint = (
        "Uploaded models are refused. Install libseccomp2 or allow user namespaces; or set"
        " EVENHAND_ALLOW_UNISOLATED_MODELS=1 if every model comes from people you trust."
    )
    return Line("sandbox", "Model sandbox", "missing", detail, hint)


def device() -> Line:
    """Where networks are trained: found without importing torch, and what the setting says."""
    cores = counted(len(os.sched_getaffinity(0)), "CPU core")
    wanted, gpus = settings.DEVICE, _gpus()
    found = f"{cores}, {_listed(gpus)}" if gpus else f"{cores}, no GPU"
    if wanted.startswith("cuda") and not gpus:
        hint = "Set EVENHAND_DEVICE to auto or cpu, or give this machine the GPU."
        return Line("device", "Device", "missing", f"{found}, {wanted} is asked for", hint)
    if gpus and wanted != "cpu":
        return Line("device", "Device", "ok", f"{found}, networks train on it")
    why = "EVENHAND_DEVICE is cpu: networks train on the CPU." if gpus else (
        "Everything runs on the CPU; remedies that train many networks take longer."
    )  # fmt: skip
    return Line("device", "Device", "off", found, why)


def _gpus() -> list[str]:
    """GPUs by the name the driver gives them, where it says one."""
    nodes = [p for p in Path("/dev").glob("nvidia*") if p.name.removeprefix("nvidia").isdigit()]
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names if len(names) == len(nodes) else ["GPU"] * len(nodes)


def _listed(names: list[str]) -> str:
    counts = Counter(names)
    return ", ".join(f"{n} × {name}" if n > 1 else f"1 {name}" for name, n in counts.items())


def email() -> Line:
    """Whether mail can be sent."""
    if settings.EMAIL_SET:
        return Line("email", "Email", "ok", str(settings.EMAIL_HOST))
    return Line("email", "Email", "off", "not set", "This version sends no mail.")
