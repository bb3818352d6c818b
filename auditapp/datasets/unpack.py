"""Unpack gz and zip uploads with one member, within limits."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path, PurePath
from typing import IO

from auditapp.datasets.options import ReadOptions, Tick
from auditapp.datasets.sniff import not_a_table, xlsx_refused
from auditapp.errors import AuditError

_CHUNK = 1 << 20
_RATIO_FROM = 64 << 20


def unpack_gzip(
    source: Path, name: str, target: Path, options: ReadOptions, tick: Tick
) -> tuple[Path, str]:
    """Write the content of a gz file to `target`; return the path and the inner name."""
    inner = PurePath(name).stem if name.lower().endswith(".gz") else PurePath(name).name
    try:
        with gzip.open(source, "rb") as stream:
            _copy(stream, target, name, source.stat().st_size, options, tick)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _truncated(name, "gz", error) from error
    return target, inner


def unpack_zip(
    source: Path, name: str, target: Path, options: ReadOptions, tick: Tick
) -> tuple[Path, str]:
    """Write the only member of a zip file to `target`; return the path and the member's name."""
    try:
        with zipfile.ZipFile(source) as archive:
            member = _only_member(archive, name)
            packed = max(1, member.compress_size)
            _guard(member.file_size, packed, name, options)
            with archive.open(member) as stream:
                _copy(stream, target, name, packed, options, tick)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise _truncated(name, "zip", error) from error
    except NotImplementedError as error:
        raise AuditError(
            "zip-method",
            f"{name} is packed with a method that cannot be opened here.",
            "Pack it with the usual method (deflate), or upload the table itself.",
            found=str(error),
        ) from error
    return target, PurePath(member.filename).name


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    names = archive.namelist()
    _refuse_known_archives(names, name)
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and not PurePath(info.filename).name.startswith(".")
    ]
    if not members:
        raise AuditError("empty-file", f"{name} holds no file.", "Pack the table again.")
    if len(members) > 1:
        shown = ", ".join(sorted(PurePath(m.filename).name for m in members)[:5])
        raise AuditError(
            "several-members",
            f"{name} holds {len(members):,} files; exactly one table is expected.",
            "Pack the one table to be examined, or upload it as it is.",
            found=shown + (" and others" if len(members) > 5 else ""),
        )
    if members[0].flag_bits & 1:
        raise AuditError(
            "encrypted-file",
            f"{name} is protected by a password.",
            "Upload it without a password.",
        )
    return members[0]


def _refuse_known_archives(names: list[str], name: str) -> None:
    if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names):
        raise xlsx_refused(name)
    if "[Content_Types].xml" in names:
        raise not_a_table(name, "an Office document")
    if "mimetype" in names and "content.xml" in names:
        raise not_a_table(name, "an OpenDocument file")
    if "schema.json" in names or any(n.endswith("data.pkl") for n in names):
        raise AuditError(
            "model-as-table",
            f"{name} is a model, not a table.",
            "Upload it in the field for the model, and a CSV or Parquet file here.",
        )
    if names and all(n.endswith(".npy") for n in names):
        raise not_a_table(name, "a NumPy archive")


def _copy(
    stream: IO[bytes] | gzip.GzipFile,
    target: Path,
    name: str,
    packed: int,
    options: ReadOptions,
    tick: Tick,
) -> None:
    expanded = 0
    with target.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            expanded += len(chunk)
            _guard(expanded, packed, name, options)
            out.write(chunk)
            tick(0, 0, f"Unpacking, {expanded >> 20:,} MB so far")


def _guard(expanded: int, packed: int, name: str, options: ReadOptions) -> None:
    if expanded > options.max_expanded:
        raise AuditError(
            "over-the-limit",
            f"{name} unpacks to more than {size_words(options.max_expanded)}, the limit here.",
            "Keep only the columns the audit needs, or upload the table as Parquet.",
        )
    if expanded > _RATIO_FROM and expanded > options.max_ratio * packed:
        raise AuditError(
            "zip-bomb",
            f"{name} unpacks to more than {options.max_ratio} times its size, "
            "as archives made to fill a disk do.",
            "Upload the table as it is, or as Parquet.",
            found=f"{size_words(packed)} packed, at least {size_words(expanded)} unpacked",
        )


def _truncated(name: str, kind: str, error: Exception) -> AuditError:
    return AuditError(
        "truncated-file",
        f"{name} cannot be unpacked: the {kind} file is cut off or damaged.",
        "Compare its size with the original and upload it again.",
        found=str(error),
    )


def size_words(n_bytes: int) -> str:
    """Return a size as people say it: 4 GB, 18.4 MB."""
    for unit, shift in (("GB", 30), ("MB", 20), ("kB", 10)):
        if n_bytes >> shift:
            return f"{n_bytes / (1 << shift):,.1f}".removesuffix(".0") + f" {unit}"
    return f"{n_bytes:,} bytes"
