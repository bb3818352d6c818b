"""The Census tables in what was uploaded: bare files, archives, folders of them."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, Literal

from auditapp.datasets import pums, pums_dictionary
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.sniff import file_kind, read_head
from auditapp.datasets.unpack import size_words
from auditapp.errors import AuditError

HEAD = 1 << 20
MOST_TABLES = 250
MOST_ENTRIES = 20_000
_RATIO_FROM = 64 << 20


@dataclass(frozen=True)
class Part:
    """One Census table.

    Parameters
    ----------
    name
        What messages call it.
    path
        Its name with folders, which may say the year.
    kind
        ``csv`` or ``parquet``; a Parquet part is a file of its own.
    open
        Opens its bytes from the start.
    size
        Bytes, expanded.
    names
        Its header.
    """

    name: str
    path: str
    kind: Literal["csv", "parquet"]
    open: Callable[[], IO[bytes]]
    size: int
    names: tuple[str, ...]
    source: Path | None = None

    @property
    def record(self) -> pums.Record:
        """Persons or housing units."""
        record = pums.record_of(self.names)
        assert record is not None
        return record


@dataclass(frozen=True)
class Found:
    """The Census tables of an upload, and the words of dictionaries that lay beside them."""

    parts: tuple[Part, ...]
    words: pums_dictionary.Dictionary = field(default_factory=pums_dictionary.Dictionary)
    compression: str | None = None
    inner: str | None = None


def plain(options: ReadOptions) -> bool:
    """Whether nobody said how the text is to be read, so that the Census' way is tried."""
    return (
        options.delimiter in {None, ","}
        and options.encoding is None
        and options.header is not False
        and options.quote is None
    )


def in_file(source: Path, name: str, options: ReadOptions) -> Found | None:
    """Return the Census tables in a file, or None when it is something else.

    Raises
    ------
    AuditError
        ``encrypted-file``, ``over-the-limit``, ``zip-bomb`` or ``truncated-file`` for archives.
    """
    if not plain(options):
        return None
    kind = file_kind(read_head(source), name)
    if kind == "zip":
        return _in_zip(source, name, options)
    if kind != "csv":
        return None
    with source.open("rb") as file:
        head = file.read(HEAD)
    names = header(head)
    if names is None or pums.record_of(names) is None:
        return None
    part = Part(
        PurePath(name).name, name, "csv", lambda: source.open("rb"), source.stat().st_size, names
    )
    return Found((part,))


def in_files(sources: Sequence[tuple[Path, str]], options: ReadOptions) -> Found:
    """Return the Census tables in several files.

    Raises
    ------
    AuditError
        ``several-tables`` when one of them is something else, ``persons-and-housing`` when they
        hold both kinds of record.
    """
    parts: list[Part] = []
    words = pums_dictionary.Dictionary()
    for source, name in sources:
        read = pums_dictionary.in_file(source)
        if read is not None:
            words = words.beside(read)
            continue
        found = in_file(source, name, options)
        if found is None:
            found = _in_parquet(source, name)
        if found is None:
            raise AuditError(
                "several-tables",
                f"{PurePath(name).name} is no Census public-use file, and several files are read "
                "as one only where all of them are.",
                "Give one table, or add columns of a second one with --join.",
                where=name,
                found="a Census file has the columns SERIALNO, ST, AGEP, PWGTP, SEX and RAC1P",
            )
        parts += found.parts
        words = words.beside(found.words)
    if not parts:
        raise AuditError(
            "several-tables",
            "There is a data dictionary and no table.",
            "Give the table it describes.",
            where=sources[0][1],
        )
    records = {part.record: part.name for part in parts}
    if len(records) > 1:
        raise AuditError(
            "persons-and-housing",
            f"{records['person']} holds persons and {records['housing']} housing units.",
            "Give the person files as the table, and the housing file as the second file joined "
            "by SERIALNO: --join FILE --on SERIALNO.",
        )
    return Found(tuple(parts), words)


def folder(path: Path) -> list[Path]:
    """Return the files of a folder that are called as Census files are, in a fixed order.

    Raises
    ------
    AuditError
        ``no-census-file``.
    """
    entries = sorted(islice(path.rglob("*"), MOST_ENTRIES))
    found = [file for file in entries if _is_census(file)]
    if not any(pums.is_member(file.name) or pums.is_archive(file.name) for file in found):
        raise AuditError(
            "no-census-file",
            f"The folder “{path}” holds no file called as the Census calls its files.",
            "They are called psam_p06.csv, ss16pca.csv or csv_pca.zip. Name other files one by "
            "one.",
            where=str(path),
        )
    return [file for file in found if not _beside(file, found)]


def header(head: bytes) -> tuple[str, ...] | None:
    """Return the names in the first line of comma-separated text, or None if it has none."""
    line, newline, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError:
        return None
    if not newline or "," not in text or "\x00" in text:
        return None
    return tuple(name.strip() for name in next(csv.reader([text.rstrip("\r")])))


def _is_census(file: Path) -> bool:
    if not file.is_file():
        return False
    if pums.is_member(file.name) or pums.is_archive(file.name):
        return True
    return file.suffix.lower() == ".csv" and pums_dictionary.in_file(file) is not None


def _beside(file: Path, found: Sequence[Path]) -> bool:
    """Whether an archive lies beside the table that was taken out of it."""
    said = pums.origin(str(file))
    return pums.is_archive(file.name) and any(
        other.parent == file.parent
        and pums.is_member(other.name)
        and (pums.origin(str(other)).state, pums.origin(str(other)).record)
        == (said.state, said.record)
        for other in found
    )


def _in_parquet(source: Path, name: str) -> Found | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file_kind(read_head(source), name) != "parquet":
        return None
    try:
        with pq.ParquetFile(source) as file:
            names = tuple(file.schema_arrow.names)
    except (pa.ArrowException, OSError):
        return None
    if pums.record_of(names) is None:
        return None
    part = Part(
        PurePath(name).name,
        name,
        "parquet",
        lambda: source.open("rb"),
        source.stat().st_size,
        names,
        source,
    )
    return Found((part,))


def _in_zip(source: Path, name: str, options: ReadOptions) -> Found | None:
    try:
        with zipfile.ZipFile(source) as archive:
            return _members(source, name, archive, options)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError):
        # The reader of ordinary archives refuses these with the words they need.
        return None


def _members(
    source: Path, name: str, archive: zipfile.ZipFile, options: ReadOptions
) -> Found | None:
    tables = [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and info.filename.lower().endswith(".csv")
        and not info.filename.startswith("__MACOSX/")
        and not PurePath(info.filename).name.startswith(".")
    ]
    parts: list[Part] = []
    words = pums_dictionary.Dictionary()
    if len(tables) > MOST_TABLES or any(info.flag_bits & 1 for info in tables):
        return None
    for info in tables:
        with archive.open(info) as stream:
            head = stream.read(HEAD)
        if pums_dictionary.is_dictionary(head):
            with archive.open(info) as stream:
                words = words.beside(pums_dictionary.read(stream))
            continue
        names = header(head)
        if names is None or pums.record_of(names) is None:
            return None
        _guard(info, sum(part.size for part in parts) + info.file_size, name, options)
        shown = PurePath(info.filename).name
        where = info.filename if pums.is_member(shown) else f"{PurePath(name).stem}/{shown}"
        parts.append(
            Part(shown, where, "csv", _member(source, info), max(1, info.file_size), names)
        )
    if not parts:
        return None
    inner = parts[0].name if len(parts) == 1 else f"{len(parts)} tables"
    return Found(tuple(parts), words, "zip", inner)


def _member(source: Path, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        # The archive is closed with the member: nothing else holds it.
        return zipfile.ZipFile(source).open(info)

    return opened


def _guard(info: zipfile.ZipInfo, expanded: int, name: str, options: ReadOptions) -> None:
    if expanded > options.max_expanded:
        raise AuditError(
            "over-the-limit",
            f"{name} unpacks to at least {size_words(expanded)}; up to "
            f"{size_words(options.max_expanded)} are read here.",
            "Give the files of single states.",
        )
    if info.file_size > _RATIO_FROM and info.file_size > options.max_ratio * max(
        1, info.compress_size
    ):
        raise AuditError(
            "zip-bomb",
            f"{name} unpacks to more than {options.max_ratio} times its size, "
            "as archives made to fill a disk do.",
            "Upload the table as it is, or as Parquet.",
        )
