"""Where files lie under DATA_DIR. The database holds folders relative to it."""

from __future__ import annotations

import hashlib
import shutil
import stat
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

CHUNK = 1 << 20


def absolute(relative: str) -> Path:
    """Absolute path of a stored folder; one that would leave DATA_DIR is refused."""
    root = Path(settings.DATA_DIR)
    path = root / relative
    if not relative or ".." in path.parts or not path.is_relative_to(root):
        raise ValueError(f"{relative!r} is no folder inside DATA_DIR")
    return path


def folder_of(kind: str, key: UUID) -> str:
    """Relative folder of a `datasets`, `models` or `reports` entry."""
    return f"{kind}/{key}"


def receive(file: Any, target: Path) -> tuple[int, str]:
    """Write an uploaded file whole or not at all; bytes and SHA-256 come back.

    A file that DiskUploadHandler already hashed on its way to disk is moved, not copied.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known: str | None = getattr(file, "sha256", None)
    if known is not None and hasattr(file, "temporary_file_path"):
        Path(file.temporary_file_path()).replace(target)
        file.close()
        return int(file.size), known
    digest = hashlib.sha256()
    size = 0
    partial = target.with_name(f"{target.name}.partial")
    with partial.open("wb") as out:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            digest.update(chunk)
            out.write(chunk)
    partial.replace(target)
    return size, digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a stored file; empty where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def remove(relative: str) -> None:
    """Delete a stored folder with everything in it; one that is gone already is no error."""
    shutil.rmtree(absolute(relative), ignore_errors=True)


def work_folder(name: str) -> Path:
    """An empty folder under TEMP_DIR for one attempt of one job."""
    path = Path(settings.TEMP_DIR) / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=0o700)
    return path


def size_of(relative: str) -> int:
    """Bytes of a stored folder with everything in it; one that is gone has none."""
    total = 0
    for path in absolute(relative).rglob("*"):
        try:
            facts = path.lstat()
        except FileNotFoundError:
            continue
        total += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return total


def free_bytes() -> int:
    """Free space where data is kept."""
    return shutil.disk_usage(settings.DATA_DIR).free


def sweep(*, kept: set[str], older_than: float) -> list[str]:
    """Delete leftovers of killed jobs: old temporary files, and folders no row names.

    Parameters
    ----------
    kept
        Relative folders that rows of the database name.
    older_than
        Seconds for which nothing has changed in a leftover.
    """
    root = Path(settings.DATA_DIR)
    limit = time.time() - older_than
    gone = []
    for kind in ("tmp", "shared", "datasets", "models", "reports"):
        for path in sorted((root / kind).glob("*")):
            relative = str(path.relative_to(root))
            if relative in kept or _newest(path) > limit:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            gone.append(relative)
    return gone


def _newest(path: Path) -> float:
    try:
        times = [path.stat().st_mtime, *(p.stat().st_mtime for p in path.rglob("*"))]
    except FileNotFoundError:
        return time.time()
    return max(times)
