"""Tables fetched from an address, and the versions of a table."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from auditapp import outward, storage
from auditapp.errors import AuditError
from auditapp.models import Dataset, UploadState, User, Workspace
from auditapp.services.uploads import dataset_receive

CHUNK = 1 << 18
MEGABYTE = 1024**2
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


@dataclass
class Fetched:
    """A file on disk that an upload takes over, hashed on its way."""

    path: Path
    name: str
    size: int
    sha256: str

    def temporary_file_path(self) -> str:
        """Where it lies."""
        return str(self.path)

    def close(self) -> None:
        """Nothing is open."""


def source_check(url: str) -> None:
    """Refuse an address that no schedule may fetch; its host is not asked yet.

    Raises
    ------
    AuditError
        ``bad-url``, ``not-https``, ``host-not-allowed``.
    """
    outward.check(url, allowed=_allowed)


def source_fetch(
    url: str, folder: Path, *, should_stop: Callable[[], str | None] = lambda: None
) -> Fetched:
    """Load the table behind an address into a folder.

    Raises
    ------
    AuditError
        Where the address, the answer, its size or its time is not what a table needs; ``html``
        for a page in place of a table.
    """
    seconds = float(settings.SOURCE_TIME_LIMIT)
    end = time.monotonic() + seconds
    path = folder / "fetched"
    digest, size = hashlib.sha256(), 0
    with outward.request("GET", url, seconds=seconds, redirects=5, allowed=_allowed) as answer:
        if answer.status != 200:
            raise AuditError(
                "http-status",
                f"“{outward.shown(url)}” answered with {answer.status} {answer.reason}.",
                "Check that the address works without signing in, and that it still exists.",
                found=str(answer.status),
                permanent=False,
            )
        whole = answer.length
        _refuse_large(0 if whole is None else whole, url)
        with path.open("wb") as out:
            while chunk := answer.read(CHUNK):
                if size == 0:
                    _refuse_page(chunk, url)
                size += len(chunk)
                _refuse_large(size, url)
                digest.update(chunk)
                _write(out, chunk)
                if should_stop() is not None or time.monotonic() >= end:
                    break
    if time.monotonic() >= end:
        raise AuditError(
            "too-slow",
            f"“{outward.shown(url)}” was not loaded within {seconds:,.0f} seconds.",
            "Use a faster source, a smaller file, or raise SOURCE_TIME_LIMIT.",
            permanent=False,
        )
    if whole is not None and size < whole:
        raise AuditError(
            "unreachable",
            f"“{outward.shown(url)}” broke off after {size:,} of {whole:,} bytes.",
            "It is tried again at the next run.",
            permanent=False,
        )
    if size == 0:
        raise AuditError(
            "empty-file",
            f"“{outward.shown(url)}” is empty.",
            "Check the export that makes it.",
        )
    return Fetched(path, _name(url), size, digest.hexdigest())


@transaction.atomic
def version_receive(
    *, of: Dataset, user: User | None, file: Any, name: str = "", inspect_later: bool = True
) -> Dataset:
    """Keep a new version of a table: read as the one before, with the same name."""
    dataset = dataset_receive(
        workspace=of.workspace,
        user=user,
        file=file,
        name=name if name else of.name,
        simulated=of.simulated,
        read_options=dict(of.read_options),
        inspect_later=inspect_later,
    )
    return in_series(dataset, of.series)


def in_series(dataset: Dataset, series: UUID) -> Dataset:
    """Make a table a version of a series."""
    Dataset.objects.filter(id=dataset.id).update(series=series)
    dataset.series = series
    return dataset


def newest(*, workspace: Workspace, series: UUID) -> Dataset | None:
    """The newest version of a series that is ready."""
    return _versions(workspace, series).filter(state=UploadState.READY).first()


def latest(*, workspace: Workspace, series: UUID) -> Dataset | None:
    """The newest version, ready or not: one that was refused is not passed over in silence."""
    return _versions(workspace, series).first()


def _versions(workspace: Workspace, series: UUID) -> QuerySet[Dataset]:
    return Dataset.objects.filter(workspace=workspace, series=series).order_by("-created_at")


def work_folder(key: UUID, attempt: int) -> Path:
    """An empty folder for one download."""
    return storage.work_folder(f"source-{key}-{attempt}")


def _allowed(host: str) -> bool:
    """Whether the operator lets data be fetched from a host: `*` is any, `*.org` any below."""
    for item in settings.SOURCE_HOSTS:
        wanted = item.strip().lower()
        if wanted in {"*", host} or (wanted.startswith("*.") and host.endswith(wanted[1:])):
            return True
    return False


def _refuse_page(head: bytes, url: str) -> None:
    if _HTML.match(head.removeprefix(b"\xef\xbb\xbf")[:4096]):
        raise AuditError(
            "html",
            f"“{outward.shown(url)}” holds a web page, not a table.",
            "It may be a sign-in page. Use the address of the file itself.",
            found="HTML",
        )


def _refuse_large(size: int, url: str) -> None:
    limit = settings.UPLOAD_LIMIT_BYTES
    if size > limit:
        raise AuditError(
            "file-too-large",
            f"“{outward.shown(url)}” is larger than the {limit / MEGABYTE:,.0f} MB that this"
            " installation takes.",
            "Publish a smaller file (Parquet or gzip shrinks a CSV), or raise UPLOAD_LIMIT_MB.",
        )


def _write(out: BinaryIO, chunk: bytes) -> None:
    try:
        out.write(chunk)
    except OSError as error:
        raise AuditError(
            "no-space",
            "The table does not fit into the storage that is left.",
            "Delete data sets that are not needed any more, or ask the operator for more space.",
            permanent=False,
        ) from error


def _name(url: str) -> str:
    """The file name at the end of an address; what a table is read as does not hang on it."""
    name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    return name[:200] if name else "data"
