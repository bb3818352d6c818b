"""Load a state's public-use file from the Census, in the file layout of the folktables package.

A load that was cut off goes on where it stopped, what does not look like the file asked for is
thrown away, and a JSON file beside the table says where it came from, when, and with which
SHA-256. Nothing here runs unless somebody asks for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from auditapp.datasets import pums, pums_parts
from auditapp.datasets.options import Tick, silent
from auditapp.datasets.unpack import size_words
from auditapp.errors import AuditError
from auditapp.folktables.census import Wanted
from auditapp.folktables.transfer import Answer, Remote, fetch

BASE = "https://www2.census.gov/programs-surveys/acs/data/pums"
LARGEST = 4 << 30
LARGEST_TABLE = 16 << 30
_CHUNK = 1 << 20
_ROOM = 64 << 20


@dataclass(frozen=True)
class Loaded:
    """A table on this machine, and whether it was there before."""

    path: Path
    record: dict[str, Any]
    fresh: bool


def reachable(base: str = BASE, *, timeout: float = 4.0) -> str:
    """Return an empty text where the host answers, else why it does not."""
    if not base:
        return "Loading from the Census is switched off here."
    try:
        with fetch(Remote(base.rstrip("/") + "/", timeout=timeout), head=True):
            return ""
    except AuditError as error:
        # A host that answers with a status is there, whatever it thinks of the folder.
        return error.message if error.code == "no-census-host" else ""


def load(
    what: Wanted,
    root: Path,
    *,
    base: str = BASE,
    tick: Tick | None = None,
    timeout: float = 30.0,
) -> Loaded:
    """Load a table, or return the one that is here already.

    Parameters
    ----------
    what
        From `auditapp.folktables.census.wanted`.
    root
        Folder of the layout; made when absent.
    base
        Address that the years are under; empty where loading is switched off.
    tick
        ``tick(done, total, text)`` in bytes.
    timeout
        Seconds that the host may be silent.

    Raises
    ------
    AuditError
        ``census-off``, ``no-census-host``, ``census-no-file``, ``census-status``,
        ``census-not-zip``, ``census-cut-off``, ``census-damaged``, ``census-changed``,
        ``over-the-limit``, ``no-space`` or ``download-running``.
    """
    tick = silent if tick is None else tick
    if not base:
        raise AuditError(
            "census-off",
            "Loading from the Census is switched off here.",
            "Load the file where that is possible, and upload it.",
        )
    folder = what.folder(root)
    target = folder / what.table
    if target.is_file():
        return Loaded(target, _recorded(target), fresh=False)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{what.archive}.part"
    with _alone(folder / f".{what.archive}.lock", what):
        answer = _transfer(what, partial, base, timeout, tick)
        record = _unpack(what, partial, target, tick)
        record = {
            "url": what.url(base),
            "loaded": datetime.now(UTC).isoformat(timespec="seconds"),
            "modified": answer.modified,
            **record,
        }
        _sidecar(target).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        partial.unlink()
        _state(partial).unlink(missing_ok=True)
    return Loaded(target, record, fresh=True)


def _transfer(what: Wanted, partial: Path, base: str, timeout: float, tick: Tick) -> Answer:
    """Bring the archive here, from where an earlier attempt stopped."""
    url = what.url(base)
    before = _resumable(partial, url)
    start = partial.stat().st_size if before else 0
    with fetch(Remote(url, timeout=timeout, start=start, mark=before)) as answer:
        _check(what, answer, partial.parent)
        mode = "ab" if answer.start else "wb"
        _state(partial).write_text(json.dumps({"url": url, "mark": answer.mark}))
        done = answer.start
        with partial.open(mode) as out:
            for chunk in answer.chunks(_CHUNK):
                if done == 0 and not chunk.startswith(b"PK"):
                    out.close()
                    _forget(partial)
                    raise _no_zip(what, chunk)
                done += len(chunk)
                if done > LARGEST:
                    out.close()
                    _forget(partial)
                    raise _too_large(what)
                out.write(chunk)
                tick(done, answer.total, f"{what.archive}: {size_words(done)} loaded")
    if answer.total and done != answer.total:
        raise AuditError(
            "census-cut-off",
            f"{what.archive} was cut off: {size_words(done)} of {size_words(answer.total)} came.",
            "Run it again: it goes on where it stopped.",
            permanent=False,
        )
    return answer


def _check(what: Wanted, answer: Answer, folder: Path) -> None:
    if answer.total > LARGEST:
        raise _too_large(what)
    if answer.kind.startswith("text/"):
        raise _no_zip(what, answer.kind.encode())
    free = shutil.disk_usage(folder).free
    if answer.total and free < 8 * (answer.total - answer.start) + _ROOM:
        raise AuditError(
            "no-space",
            f"{what.archive} needs about {size_words(8 * answer.total)} unpacked, and "
            f"{size_words(free)} are free.",
            "Make room, or name another folder.",
        )


def _unpack(what: Wanted, partial: Path, target: Path, tick: Tick) -> dict[str, Any]:
    """Take the one table out of the archive; its checks fail before the table is in place."""
    try:
        with zipfile.ZipFile(partial) as archive:
            member = _member(what, archive)
            whole = hashlib.sha256()
            fresh = target.with_name(f".{target.name}.part")
            with archive.open(member) as stream, fresh.open("wb") as out:
                head = stream.read(_CHUNK)
                names = pums_parts.header(head)
                if names is None or pums.record_of(names) != what.record:
                    raise _damaged(what, "its columns are not those of the Census")
                done = 0
                for chunk in _blocks(head, stream):
                    whole.update(chunk)
                    out.write(chunk)
                    done += len(chunk)
                    if done > LARGEST_TABLE:
                        raise _too_large(what)
                    tick(done, member.file_size, f"{what.table}: {size_words(done)} unpacked")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, AuditError) as error:
        target.with_name(f".{target.name}.part").unlink(missing_ok=True)
        _forget(partial)
        if isinstance(error, AuditError):
            raise
        raise _damaged(what, str(error)) from error
    fresh.replace(target)
    with partial.open("rb") as file:
        packed = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "archive": {
            "name": what.archive,
            "bytes": partial.stat().st_size,
            "sha256": packed,
        },
        "table": {"name": target.name, "bytes": done, "sha256": whole.hexdigest()},
    }


def _member(what: Wanted, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if pums.is_member(info.filename)]
    named = [info for info in found if info.filename == what.table]
    if len(named) != 1 or named[0].flag_bits & 1:
        listed = ", ".join(info.filename for info in archive.infolist()[:4])
        raise _damaged(what, f"it holds {listed if listed else 'nothing'}")
    return named[0]


def _blocks(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(_CHUNK):
        yield chunk


def _recorded(target: Path) -> dict[str, Any]:
    """What is known of a table that is here; one that was changed since is said to be."""
    sidecar = _sidecar(target)
    if not sidecar.is_file():
        return {}
    try:
        record: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
        size, digest = record["table"]["bytes"], record["table"]["sha256"]
    except (ValueError, KeyError, TypeError):
        return {}
    same = target.stat().st_size == size
    if same:
        with target.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == digest
    if not same:
        raise AuditError(
            "census-changed",
            f"{target.name} is not the file that was loaded: its SHA-256 differs.",
            "Delete it to load it anew.",
            where=str(target),
        )
    return record


def _sidecar(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _state(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _resumable(partial: Path, url: str) -> str:
    """The mark of a load that was cut off, if the file can have stayed the same; else empty."""
    try:
        state = json.loads(_state(partial).read_text(encoding="utf-8"))
        known = state["url"] == url and partial.stat().st_size > 0
        return str(state["mark"] or "") if known else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _state(partial).unlink(missing_ok=True)


@contextmanager
def _alone(lock: Path, what: Wanted) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AuditError(
                "download-running",
                f"{what.archive} of {what.year} is being loaded already.",
                "Wait until that is done.",
                permanent=False,
            ) from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _no_zip(what: Wanted, head: bytes) -> AuditError:
    shown = "".join(c for c in head[:60].decode("ascii", "replace") if c.isprintable())
    return AuditError(
        "census-not-zip",
        f"The Census host did not send {what.archive}, but something that is no zip file.",
        "Nothing was kept. Try again later, or load the file in a browser.",
        found=shown,
        permanent=False,
    )


def _too_large(what: Wanted) -> AuditError:
    return AuditError(
        "over-the-limit",
        f"{what.archive} is larger than a state's file can be, and was not kept.",
        "Load it in a browser and look at it.",
    )


def _damaged(what: Wanted, why: str) -> AuditError:
    return AuditError(
        "census-damaged",
        f"{what.archive} arrived damaged and was not kept.",
        "Run it again: it is loaded anew.",
        found=why[:200],
        permanent=False,
    )
