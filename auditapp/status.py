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
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auditapp import queue, storage

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
    found = _("Python {python_version} on {system} {machine}").format(
        python_version=platform.python_version(),
        system=platform.system(),
        machine=platform.machine(),
    )
    if sys.version_info[:2] == (3, 11):
        return Line("python", _("Python"), "ok", found)
    return Line(
        "python", _("Python"), "missing", found, _("Install Python 3.11, then run make setup.")
    )


def database() -> Line:
    """Whether the database answers."""
    vendor = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(
        connection.vendor, connection.vendor
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Line(
            "database", _("Database"), "missing", f"{vendor}: {error}", _("Check DATABASE_URL.")
        )
    return Line("database", _("Database"), "ok", vendor)


def migrations() -> Line:
    """Whether the tables are up to date."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Line("tables", _("Tables"), "missing", str(error), _("Check DATABASE_URL."))
    if plan:
        found = _("{plan} migrations wait").format(plan=len(plan))
        return Line("tables", _("Tables"), "missing", found, _("Run make setup."))
    return Line("tables", _("Tables"), "ok", _("up to date"))


def redis() -> Line:
    """Whether the queue answers."""
    kind = _("embedded Redis") if settings.EMBEDDED_REDIS else _("Redis")
    found = queue.status()
    if found["ok"]:
        return Line(
            "queue",
            _("Queue"),
            "ok",
            _("{kind}, {values} waiting").format(kind=kind, values=sum(found["waiting"].values())),
        )
    hint = (
        _("Start Evenhand with make run; it brings its own Redis.")
        if settings.EMBEDDED_REDIS
        else _("Check REDIS_URL and that Redis runs.")
    )
    return Line(
        "queue", _("Queue"), "missing", _("{kind} does not answer").format(kind=kind), hint
    )


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
        return Line("worker", _("Worker"), "ok", _("working on an audit"))
    if seen is not None and seen < 60:
        return Line("worker", _("Worker"), "ok", _("seen {seen:.0f} s ago").format(seen=seen))
    detail = (
        _("not seen yet") if seen is None else _("last seen {seen:.0f} s ago").format(seen=seen)
    )
    return Line("worker", _("Worker"), "missing", detail, _("Start one with make run."))


def space() -> Line:
    """Free storage."""
    try:
        free = storage.free_bytes()
        writable = os.access(settings.DATA_DIR, os.W_OK)
    except OSError as error:
        return Line("storage", _("Storage"), "missing", str(error), _("Check DATA_DIR."))
    detail = _("{free:,.0f} GB free").format(free=free / 1024**3)
    if not writable:
        hint = _("Let this user write to {data_dir}, or set DATA_DIR.").format(
            data_dir=settings.DATA_DIR
        )
        return Line("storage", _("Storage"), "missing", _("the data folder is read-only"), hint)
    if free < LEAST_FREE:
        return Line(
            "storage", _("Storage"), "missing", detail, _("Free some space, or set DATA_DIR.")
        )
    return Line("storage", _("Storage"), "ok", detail)


def secret_key() -> Line:
    """Who can read the generated key."""
    path = Path(settings.DATA_DIR) / "secret.key"
    if not path.exists():
        return Line("key", _("Secret key"), "ok", _("from the environment"))
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Line(
            "key",
            _("Secret key"),
            "missing",
            _("{name} has mode {mode:04o}").format(name=path.name, mode=mode),
            _("Run chmod 600 {path}.").format(path=path),
        )
    return Line(
        "key",
        _("Secret key"),
        "ok",
        _("{name}, mode {mode:04o}").format(name=path.name, mode=mode),
    )


def static_files() -> Line:
    """Whether collectstatic has run."""
    if (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return Line("static", _("Static files"), "ok", "collected")
    return Line("static", _("Static files"), "missing", _("not collected"), _("Run make setup."))


def fonts() -> Line:
    """The fonts that page, charts and PDF share."""
    folder = settings.BASE_DIR / "static" / "fonts"
    found = sorted(path.name for path in folder.rglob("*.ttf")) if folder.is_dir() else []
    if found:
        return Line("fonts", _("Fonts"), "ok", _("{found} files").format(found=len(found)))
    hint = _("Fetch the repository again; static/fonts belongs to it.")
    return Line("fonts", _("Fonts"), "missing", _("no font files in static/fonts"), hint)


@cache
def _held() -> dict[str, Any]:
    from auditapp.sandbox import isolation

    return dict(isolation())


def sandbox() -> Line:
    """What keeps uploaded models away from network and files."""
    held = _held()
    network, files = held["network"], held["files"]
    detail = _("network by {network}, files by {files}").format(network=network, files=files)
    if network != "none":
        return Line("sandbox", _("Model sandbox"), "ok", detail)
    hint = _(
        "Uploaded models are refused. Install libseccomp2 or allow user namespaces; or "
        "set EVENHAND_ALLOW_UNISOLATED_MODELS=1 if every model comes from people you "
        "trust."
    )
    return Line("sandbox", _("Model sandbox"), "missing", detail, hint)


def device() -> Line:
    """Where networks are trained: found without importing torch, and what the setting says."""
    number = len(os.sched_getaffinity(0))
    cores = ngettext("{n} CPU core", "{n} CPU cores", number).format(n=number)
    wanted, gpus = settings.DEVICE, _gpus()
    found = f"{cores}, {_listed(gpus)}" if gpus else _("{cores}, no GPU").format(cores=cores)
    if wanted.startswith("cuda") and not gpus:
        hint = _("Set EVENHAND_DEVICE to auto or cpu, or give this machine the GPU.")
        return Line(
            "device",
            _("Device"),
            "missing",
            _("{found}, {wanted} is asked for").format(found=found, wanted=wanted),
            hint,
        )
    if gpus and wanted != "cpu":
        return Line(
            "device", _("Device"), "ok", _("{found}, networks train on it").format(found=found)
        )
    why = _("EVENHAND_DEVICE is cpu: networks train on the CPU.") if gpus else (
        _("Everything runs on the CPU; remedies that train many networks take longer.")
    )  # fmt: skip
    return Line("device", _("Device"), "off", found, why)


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
        return Line("email", _("Email"), "ok", str(settings.EMAIL_HOST))
    return Line("email", _("Email"), "off", _("not set"), _("This version sends no mail."))
