"""Inspect an upload: one canonical table and one profile, or a readable refusal and nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

from auditapp.datasets import REGISTRY
from auditapp.datasets.options import DEFAULT_MARKS, ReadOptions, Tick, silent
from auditapp.datasets.sniff import file_kind, not_a_table, read_head
from auditapp.datasets.staged import Staged, notice
from auditapp.datasets.unpack import size_words, unpack_gzip, unpack_zip
from auditapp.errors import AuditError

__all__ = ["DEFAULT_MARKS", "ReadOptions", "child_main", "inspect"]

TABLE = "table.parquet"
PROFILE = "profile.json"


def child_main(payload: dict[str, Any], tick: Tick) -> dict[str, Any]:
    """Inspect in a child process: ``{"source", "name", "out", "options"}``."""
    return inspect(
        Path(payload["source"]),
        payload["name"],
        Path(payload["out"]),
        ReadOptions.from_dict(payload.get("options")),
        tick,
    )


def inspect(
    source: Path,
    name: str,
    out: Path,
    options: ReadOptions | None = None,
    tick: Tick | None = None,
) -> dict[str, Any]:
    """Write ``table.parquet`` and ``profile.json`` into `out`, both or neither.

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

    Returns
    -------
    dict
        The profile.

    Raises
    ------
    AuditError
        Whatever makes the file unusable; see the modules of this package.
    """
    options = ReadOptions() if options is None else options
    tick = silent if tick is None else tick
    name = PurePath(name.replace("\\", "/")).name or "upload"
    size = source.stat().st_size
    _refuse_by_size(size, name, options)
    existed = out.exists()
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".inspect-", dir=out))
    try:
        profile = _inspect(source, name, size, work, options, tick)
        (work / TABLE).replace(out / TABLE)
        (work / PROFILE).replace(out / PROFILE)
    except BaseException:
        shutil.rmtree(work if existed else out, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return profile


def _inspect(
    source: Path, name: str, size: int, work: Path, options: ReadOptions, tick: Tick
) -> dict[str, Any]:
    # Imported here so that sizes and signatures are refused before pyarrow is loaded.
    from auditapp.datasets import canonical, joint, profile

    staged, compression, inner = _stage(source, name, work, options, tick)
    types, text = canonical.decide_types(staged, options, tick)
    tallies = canonical.write(staged, types, work / TABLE, name, options, tick)
    shapes = canonical.histograms(work / TABLE, tallies)
    facts = profile.build(staged, work / TABLE, tallies, text, shapes)
    read = {"delimiter": None, "encoding": None, "quote": None, **staged.read}
    document = {
        "schema": facts["schema"],
        "name": name,
        "bytes": size,
        "sha256": _sha256(source),
        "format": staged.format,
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
    if staged.control and staged.format == "csv":
        document["notices"].append(
            notice("control-characters", "Characters that cannot be shown left out of the text.")
        )
    document["joint"] = joint.pairs(work / TABLE, document)
    content = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    (work / PROFILE).write_text(content + "\n", encoding="utf-8")
    tick(1, 1, "Inspected")
    return document


def _stage(
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
