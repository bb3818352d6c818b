"""Inspect an upload: one canonical table and one profile, or a readable refusal and nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from auditapp.datasets import REGISTRY
from auditapp.datasets.options import DEFAULT_MARKS, ReadOptions, Tick, silent
from auditapp.datasets.sniff import file_kind, not_a_table, read_head
from auditapp.datasets.staged import Staged, counted, notice
from auditapp.datasets.unpack import size_words, unpack_gzip, unpack_zip
from auditapp.errors import AuditError

if TYPE_CHECKING:
    from auditapp.datasets.images_archive import Archive

__all__ = ["DEFAULT_MARKS", "ReadOptions", "child_main", "inspect"]

TABLE = "table.parquet"
PROFILE = "profile.json"
IMAGES = "images.npy"


def child_main(payload: dict[str, Any], tick: Tick) -> dict[str, Any]:
    """Inspect in a child process: ``{"source", "name", "out", "options"}``.

    ``more`` holds further sources, ``{"source", "name"}`` each, of a table in several files;
    ``images`` is a zip file with the pictures of a table.
    """
    images = payload.get("images")
    given = [payload, *payload.get("more", ())]
    return inspect_several(
        [(Path(item["source"]), item["name"]) for item in given],
        Path(payload["out"]),
        ReadOptions.from_dict(payload.get("options")),
        tick,
        images=None if images is None else Path(images),
    )


def inspect(
    source: Path,
    name: str,
    out: Path,
    options: ReadOptions | None = None,
    tick: Tick | None = None,
    *,
    images: Path | None = None,
) -> dict[str, Any]:
    """Write ``table.parquet`` and ``profile.json`` into `out`, both or neither.

    An image set makes ``images.npy`` besides (`auditapp.datasets.images`).

    Parameters
    ----------
    source
        The uploaded file.
    name
        The name it was uploaded under; paths are cut off.
    out
        Directory of the dataset version; made when absent.
    options
        How to read it; what is None is detected.
    tick
        ``tick(done, total, text)``.
    images
        A zip file with the pictures of a table that has none.

    Returns
    -------
    dict
        The profile.

    Raises
    ------
    AuditError
        Whatever makes the file unusable; see the modules of this package.
    """
    return inspect_several([(source, name)], out, options, tick, images=images)


def inspect_several(
    sources: Sequence[tuple[Path, str]],
    out: Path,
    options: ReadOptions | None = None,
    tick: Tick | None = None,
    *,
    images: Path | None = None,
) -> dict[str, Any]:
    """Inspect one file, or several Census files as one table; see `inspect`.

    Names of several files keep their folders, which may say the survey year.
    """
    options = ReadOptions() if options is None else options
    tick = silent if tick is None else tick
    for source, name in sources:
        _refuse_by_size(source.stat().st_size, _last(name), options)
    existed = out.exists()
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".inspect-", dir=out))
    try:
        profile = _inspect(sources, work, options, tick, images)
        if (work / IMAGES).exists():
            (work / IMAGES).replace(out / IMAGES)
        (work / TABLE).replace(out / TABLE)
        (work / PROFILE).replace(out / PROFILE)
    except BaseException:
        shutil.rmtree(work if existed else out, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return profile


def _inspect(
    sources: Sequence[tuple[Path, str]],
    work: Path,
    options: ReadOptions,
    tick: Tick,
    images: Path | None = None,
) -> dict[str, Any]:
    # Refused by their first bytes before pyarrow is loaded.
    for source, given in sources:
        file_kind(read_head(source), _last(given))
    from auditapp.datasets import canonical, joint, profile, pums_profile

    name, files = _identity(sources)
    archive, sources = _archive(sources, images, work, options)
    staged, compression, inner = _stage(sources, work, options, tick)
    seen = None
    if archive is not None:
        from auditapp.datasets.images import attach

        staged, seen = attach(staged, archive, work, options, tick)
    types, text = canonical.decide_types(staged, options, tick)
    tallies = canonical.write(staged, types, work / TABLE, name, options, tick)
    shapes = canonical.histograms(work / TABLE, tallies)
    facts = profile.build(staged, work / TABLE, tallies, text, shapes)
    read = {"delimiter": None, "encoding": None, "quote": None, **staged.read}
    document = {
        "schema": facts["schema"],
        "name": name,
        **files,
        "format": staged.format if archive is None or images is not None else "images",
        "read": {
            **read,
            "compression": compression,
            "inner_name": inner,
            "missing": list(options.missing),
        },
        **{key: value for key, value in facts.items() if key != "schema"},
    }
    encoding = read["encoding"]
    if encoding not in {None, "utf-8"}:
        document["notices"].append(notice("encoding", f"The text is read as {encoding.upper()}."))
    if staged.control and staged.format == "csv" and staged.survey is None:
        document["notices"].append(
            notice("control-characters", "Characters that cannot be shown left out of the text.")
        )
    pums_profile.describe(document, work / TABLE, staged)
    if seen is not None:
        from auditapp.datasets.images import describe

        describe(document, seen)
    document["joint"] = joint.pairs(work / TABLE, document)
    content = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    (work / PROFILE).write_text(content + "\n", encoding="utf-8")
    tick(1, 1, "Inspected")
    return document


def _identity(sources: Sequence[tuple[Path, str]]) -> tuple[str, dict[str, Any]]:
    """Name, size and hash: of several files, the hash of their hashes and names in order."""
    listed = [
        {"name": _last(name), "bytes": source.stat().st_size, "sha256": _sha256(source)}
        for source, name in sources
    ]
    first = listed[0]
    if len(listed) == 1:
        return str(first["name"]), {"bytes": first["bytes"], "sha256": first["sha256"]}
    lines = sorted(f"{item['sha256']}  {item['name']}\n" for item in listed)
    more = counted(len(listed) - 1, "more file")
    return f"{first['name']} and {more}", {
        "bytes": sum(source.stat().st_size for source, _ in sources),
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "files": listed,
    }


def _archive(
    sources: Sequence[tuple[Path, str]], images: Path | None, work: Path, options: ReadOptions
) -> tuple[Archive | None, Sequence[tuple[Path, str]]]:
    """The pictures, and the files that list them: a table beside them, or their own manifest."""
    from auditapp.datasets import images_archive as archives

    if images is not None:
        return archives.look(images, images.name, options, manifest=False), sources
    source, name = sources[0]
    zipped = len(sources) == 1 and file_kind(read_head(source), _last(name)) == "zip"
    if not zipped or not archives.is_image_set(source):
        return None, sources
    from auditapp.datasets.images import open_manifest

    archive = archives.look(source, _last(name), options, manifest=True)
    return archive, [(open_manifest(archive, work), archives.MANIFEST)]


def _stage(
    sources: Sequence[tuple[Path, str]], work: Path, options: ReadOptions, tick: Tick
) -> tuple[Staged, str | None, str | None]:
    from auditapp.datasets import pums_parts, pums_read

    if len(sources) > 1:
        found = pums_parts.in_files(sources, options)
        try:
            return pums_read.stage(found, work, options, tick), None, None
        except pums_read.NotRead as error:
            raise pums_read.refused(sources, error) from error
    source, name = sources[0]
    name = _last(name)
    alone = pums_parts.in_file(source, sources[0][1], options)
    if alone is not None:
        try:
            staged = pums_read.stage(alone, work, options, tick)
        except pums_read.NotRead as error:
            if len(alone.parts) > 1:
                raise pums_read.refused(sources, error) from error
        else:
            return staged, alone.compression, alone.inner
    return _stage_one(source, name, work, options, tick)


def _stage_one(
    source: Path, name: str, work: Path, options: ReadOptions, tick: Tick
) -> tuple[Staged, str | None, str | None]:
    kind = file_kind(read_head(source), name)
    compression = inner = None
    if kind in {"gzip", "zip"}:
        compression = kind
        unpack = unpack_gzip if kind == "gzip" else unpack_zip
        source, inner = unpack(source, name, work / "unpacked", options, tick)
        if source.stat().st_size == 0:
            raise AuditError(
                "empty-file", f"{inner} in {name} is empty.", "Export the table again."
            )
        kind = file_kind(read_head(source), inner)
        if kind in {"gzip", "zip"}:
            raise not_a_table(name, "an archive inside an archive")
    module, function = REGISTRY[kind].split(":")
    staged = getattr(import_module(module), function)(
        source, name if inner is None else inner, work, options, tick
    )
    return staged, compression, inner


def _last(name: str) -> str:
    return PurePath(name.replace("\\", "/")).name or "upload"


def _refuse_by_size(size: int, name: str, options: ReadOptions) -> None:
    if size == 0:
        raise AuditError(
            "empty-file",
            f"{name} is empty: it has 0 bytes.",
            "Export the table again and upload the new file.",
        )
    if size > options.max_bytes:
        raise AuditError(
            "over-the-limit",
            f"{name} has {size_words(size)}; files up to {size_words(options.max_bytes)} "
            "are taken here.",
            "Keep only the columns the audit needs, compress it as gz or zip, or upload Parquet.",
            found=f"{size:,} bytes; the limit is {options.max_bytes:,}",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
