"""Look at an image set's archive before anything in it is opened."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from auditapp.datasets.options import ReadOptions
from auditapp.datasets.staged import counted
from auditapp.datasets.unpack import size_words
from auditapp.errors import AuditError

MANIFEST = "manifest.csv"
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
MOST_ENTRIES = 500_000
MOST_PICTURE = 64 << 20
MOST_MANIFEST = 256 << 20
LONGEST_NAME = 1_000
#: An entry counts as made to fill a disk from this unpacked size on.
RATIO_FROM = 16 << 20

_DRIVE = re.compile(r"[A-Za-z]:")
_SHOWN = 5


@dataclass(frozen=True)
class Archive:
    """A zip file whose entries were found harmless by name and size.

    Parameters
    ----------
    path, name
        The file, and what it was called.
    entries
        What can be a picture, by its path in the archive, without the folder that holds all.
    manifest
        The list of pictures; None where the archive holds pictures only.
    folder
        The folder that was cut off the paths, with its slash.
    """

    path: Path
    name: str
    entries: Mapping[str, zipfile.ZipInfo]
    manifest: zipfile.ZipInfo | None
    folder: str


def is_image_set(path: Path) -> bool:
    """Whether a zip file has a manifest, or pictures and nothing else that could be a table."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.orig_filename for info in archive.infolist() if not _skipped(info)]
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    if any(_is_manifest(name) for name in names):
        return True
    return len(names) > 1 and all(PurePosixPath(name).suffix.lower() in SUFFIXES for name in names)


def look(path: Path, name: str, options: ReadOptions, *, manifest: bool) -> Archive:
    """Check names, sizes and kinds of all entries.

    Parameters
    ----------
    path, name
        The zip file, and what it was called.
    options
        Limits on what it unpacks to.
    manifest
        Whether it has to hold a manifest.

    Raises
    ------
    AuditError
        ``truncated-file``, ``too-many-entries``, ``unsafe-path``, ``link-in-archive``,
        ``duplicate-entry``, ``encrypted-file``, ``zip-method``, ``zip-bomb``,
        ``over-the-limit`` or ``no-manifest``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError) as error:
        raise AuditError(
            "truncated-file",
            f"{name} cannot be unpacked: the zip file is cut off or damaged.",
            "Compare its size with the original and upload it again.",
            found=str(error)[:200],
        ) from error
    if len(infos) > MOST_ENTRIES:
        raise AuditError(
            "too-many-entries",
            f"{name} holds {len(infos):,} files; at most {MOST_ENTRIES:,} are taken.",
            "Split the set, or take a sample of it.",
        )
    for info in infos:
        _refuse_unsafe(info, name)
    kept = [info for info in infos if not _skipped(info)]
    _refuse_twice(kept, name)
    _refuse_bombs(kept, name, options)
    found = _manifest(kept, name) if manifest else None
    folder = _folder(kept, found)
    entries = {info.orig_filename.removeprefix(folder): info for info in kept if info is not found}
    return Archive(path, name, entries, found, folder)


def plain(name: str, most: int = 120) -> str:
    """A name out of an archive as it can be shown: no control or direction characters."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return text if len(text) <= most else f"{text[:most]}…"


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    text = ", ".join(plain(name) for name in listed[:_SHOWN])
    return text if len(listed) <= _SHOWN else f"{text} and {len(listed) - _SHOWN:,} more"


def unsafe(name: str) -> str | None:
    """Why a path must not be followed, in words; None where nothing speaks against it."""
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "a path that leaves the set (..)"
    if "\\" in name:
        return "a path with a backslash"
    if not name or len(name) > LONGEST_NAME or any(ord(c) < 32 or ord(c) == 127 for c in name):
        return "a path that no file of a set has"
    return None


def _skipped(info: zipfile.ZipInfo) -> bool:
    """Folders, and what desktops put into archives unasked."""
    name = info.orig_filename
    hidden = PurePosixPath(name).name.startswith(".") or PurePosixPath(name).name == "Thumbs.db"
    return info.is_dir() or name.startswith("__MACOSX/") or hidden


def _is_manifest(name: str) -> bool:
    parts = name.split("/")
    return parts[-1].lower() == MANIFEST and len(parts) <= 2


def _refuse_unsafe(info: zipfile.ZipInfo, name: str) -> None:
    why = unsafe(info.orig_filename)
    if why is not None:
        raise AuditError(
            "unsafe-path",
            f"{name} holds {why}, so nothing of it was unpacked.",
            "Pack the set again from the folder that holds manifest.csv.",
            where=plain(info.orig_filename),
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise AuditError(
            "link-in-archive",
            f"{name} holds a link instead of a file, so nothing of it was unpacked.",
            "Pack the files themselves.",
            where=plain(info.orig_filename),
        )
    if info.flag_bits & 1:
        raise AuditError(
            "encrypted-file",
            f"{name} is protected by a password.",
            "Upload it without a password.",
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise AuditError(
            "zip-method",
            f"{name} is packed with a method that cannot be opened here.",
            "Pack it with the usual method (deflate).",
            where=plain(info.orig_filename),
        )


def _refuse_twice(infos: list[zipfile.ZipInfo], name: str) -> None:
    counts = Counter(info.orig_filename for info in infos)
    twice = [path for path, n in counts.items() if n > 1]
    if twice:
        raise AuditError(
            "duplicate-entry",
            f"{name} holds {counted(len(twice), 'path')} more than once.",
            "Pack the set again, each file once.",
            found=some(twice),
        )


def _refuse_bombs(infos: list[zipfile.ZipInfo], name: str, options: ReadOptions) -> None:
    ends = sorted((info.header_offset, info.header_offset + info.compress_size) for info in infos)
    for (_, end), (start, _) in pairwise(ends):
        if start < end:
            raise _bomb(name, "entries that share the same bytes")
    for info in infos:
        wide = info.file_size > options.max_ratio * max(info.compress_size, 1)
        if info.file_size > RATIO_FROM and wide:
            raise _bomb(name, plain(info.orig_filename))
        most = MOST_MANIFEST if _is_manifest(info.orig_filename) else MOST_PICTURE
        if info.file_size > most:
            raise AuditError(
                "over-the-limit",
                f"{plain(info.orig_filename)} in {name} has {size_words(info.file_size)}; "
                f"at most {size_words(most)} are taken.",
                "Store that picture smaller; it is reduced to at most 224 pixels anyway.",
            )
    total = sum(info.file_size for info in infos)
    if total > options.max_expanded:
        raise AuditError(
            "over-the-limit",
            f"{name} unpacks to {size_words(total)}; at most "
            f"{size_words(options.max_expanded)} are taken.",
            "Reduce the pictures before packing them.",
        )


def _bomb(name: str, found: str) -> AuditError:
    return AuditError(
        "zip-bomb",
        f"{name} unpacks to far more than it holds, as archives made to fill a disk do.",
        "Pack the pictures themselves.",
        found=found,
    )


def _manifest(infos: list[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    found = [info for info in infos if _is_manifest(info.orig_filename)]
    top = [info for info in found if "/" not in info.orig_filename]
    found = top if top else found
    if len(found) == 1:
        return found[0]
    if found:
        raise AuditError(
            "several-members",
            f"{name} holds {len(found)} lists of pictures; exactly one manifest.csv is expected.",
            "Pack one set per file.",
            found=some(info.orig_filename for info in found),
        )
    raise AuditError(
        "no-manifest",
        f"{name} holds {counted(len(infos), 'picture')} and no manifest.csv.",
        "Add a manifest.csv with the columns path, label, split and one per group; or, on the "
        "command line, give the table first and the pictures with --images.",
    )


def _folder(infos: list[zipfile.ZipInfo], manifest: zipfile.ZipInfo | None) -> str:
    if manifest is None:
        return ""
    head, slash, _ = manifest.orig_filename.rpartition("/")
    return head + slash if all(i.orig_filename.startswith(head + slash) for i in infos) else ""
