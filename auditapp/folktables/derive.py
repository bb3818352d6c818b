"""Make a dataset version that holds a task: its rows, its label, its features, and the weights."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditapp.datasets import pums
from auditapp.datasets.inspect import PROFILE, TABLE, ReadOptions, inspect
from auditapp.datasets.options import Tick, silent
from auditapp.datasets.staged import counted, notice
from auditapp.errors import AuditError
from auditapp.folktables.apply import Applied, Cut, Settings, targets
from auditapp.folktables.tasks import VERSION, Task, make

Json = dict[str, Any]

KEPT = ("SERIALNO", "SPORDER", "ST", "STATE", "PUMA", "YEAR", "ADJINC")
"""Columns that say who a row is and where it comes from."""
GROUPS = ("RAC1P", "SEX", "AGEP", "HISP", "DIS", "NATIVITY", "CIT", "MAR", "MIL", "ENG", "LANX")
"""Columns whose groups an auditor may want to compare, though a task does not use them."""

# The table is canonical already: blanks are blanks and no text is a mark.
_READ = ReadOptions(missing=())
_WHY = "it is a feature of {task}"


def child_main(payload: dict[str, Any], tick: Tick) -> Json:
    """Derive in a child process: ``first`` and ``out`` are folders, ``task`` is JSON."""
    return derive(
        Path(payload["first"]),
        Path(payload["out"]),
        make(payload["task"]),
        Settings.from_json(payload.get("settings")),
        tick,
    )


def derive(
    first: Path,
    out: Path,
    task: Task,
    settings: Settings | None = None,
    tick: Tick | None = None,
) -> Json:
    """Write the dataset version of a task.

    Parameters
    ----------
    first
        Directory of a dataset version with the columns of the task.
    out
        Directory of the new version; made when absent.
    task, settings
        What to compute, and how blanks, dollars and sensitive features are treated.
    tick
        ``tick(done, total, text)``.

    Returns
    -------
    dict
        The profile, that of the first table in name, bytes and hash. ``task`` holds the
        declaration, ``settings``, ``label``, ``model_features`` and ``rows``.

    Raises
    ------
    AuditError
        ``task-columns``, ``no-adjinc``, ``task-features``, ``not-numeric``; ``task-empty`` when
        no row is left.
    """
    settings = Settings() if settings is None else settings
    tick = silent if tick is None else tick
    own: Json = json.loads((first / PROFILE).read_text(encoding="utf-8"))
    with pq.ParquetFile(first / TABLE) as file:
        names, total = list(file.schema_arrow.names), file.metadata.num_rows
    applied = Applied(task, names, settings)
    copied = _copied(applied, names)
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".task-", dir=out))
    try:
        kept = _write(first / TABLE, work / "task.parquet", applied, copied, total, tick)
        if kept == 0:
            raise AuditError(
                "task-empty",
                f"No row of {total:,} meets the filter of {task.name}.",
                "Look at the filter and at the file: " + "; ".join(task.filter) + ".",
                where="filter",
            )
        profile = inspect(work / "task.parquet", "task.parquet", work / "new", _READ, tick)
        _describe(profile, own, applied, total, kept)
        text = json.dumps(profile, ensure_ascii=False, allow_nan=False, indent=1)
        (work / "new" / PROFILE).write_text(text + "\n", encoding="utf-8")
        (work / "new" / TABLE).replace(out / TABLE)
        (work / "new" / PROFILE).replace(out / PROFILE)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return profile


def _copied(applied: Applied, names: Sequence[str]) -> tuple[str, ...]:
    """Columns taken over as they are: groups, who and where, weights."""
    made = {*applied.task.features, applied.task.group, applied.task.label}
    bridged = {source.successor for source in applied.bridged}
    weight = pums.weight_of(names)
    replicates = {} if weight is None else pums.replicates_of(names, weight)
    wanted = [name for name in names if name.upper() in {*KEPT, *GROUPS}]
    wanted += [weight] if weight is not None else []
    taken = {*made, *bridged, *targets(applied.task)}
    return (*(name for name in dict.fromkeys(wanted) if name not in taken), *replicates.values())


def _write(
    source: Path,
    target: Path,
    applied: Applied,
    copied: tuple[str, ...],
    total: int,
    tick: Tick,
) -> int:
    task = applied.task
    made = tuple(dict.fromkeys([*task.features, task.group]))
    reads = tuple(dict.fromkeys([*applied.reads, *copied]))
    done = kept = 0
    writer: pq.ParquetWriter | None = None
    schema = _schema(source, applied, made, copied)
    with pq.ParquetFile(source) as file:
        writer = pq.ParquetWriter(target, schema, compression="zstd", compression_level=1)
        try:
            for batch in file.iter_batches(columns=list(reads), batch_size=131_072):
                part, n = _part(batch, applied, made, copied, schema)
                writer.write_batch(part)
                done, kept = done + batch.num_rows, kept + n
                tick(done, total, f"{done:,} of {total:,} rows, {kept:,} kept")
        finally:
            writer.close()
    return kept


def _schema(
    source: Path, applied: Applied, made: tuple[str, ...], copied: tuple[str, ...]
) -> pa.Schema:
    """The types of the new table: those of the first, whole numbers where codes are mapped."""
    with pq.ParquetFile(source) as file:
        types = {field.name: field.type for field in file.schema_arrow}
    fields = [(applied.task.label, pa.int64())]
    for name in made:
        found = applied.sources[name]
        plain = applied.plain(name) and found.own is not None
        kind = types[found.own] if plain else pa.int64()
        fields.append((name, pa.float64() if applied.adjusted(name) else kind))
    return pa.schema([*fields, *((name, types[name]) for name in copied)])


def _part(
    batch: pa.RecordBatch,
    applied: Applied,
    made: tuple[str, ...],
    copied: tuple[str, ...],
    schema: pa.Schema,
) -> tuple[pa.RecordBatch, int]:
    own = applied.batch(batch)
    cut = applied.cut(own)
    at = pa.array(cut.rows)
    filled = set(applied.task.features)
    arrays = [_label(cut)]
    arrays += [own.arrow(name, filled=name in filled).take(at) for name in made]
    arrays += [batch.column(name).take(at) for name in copied]
    cast = [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)]
    return pa.RecordBatch.from_arrays(cast, schema=schema), len(cut.rows)


def _label(cut: Cut) -> pa.Array:
    return pa.array(cut.label.astype(np.int64), mask=cut.label < 0)


def _describe(profile: Json, own: Json, applied: Applied, total: int, kept: int) -> None:
    """Give the profile the identity of the first table, the roles of the task and its words."""
    task, settings = applied.task, applied.settings
    for key in ("name", "bytes", "sha256", "format", "read", "files", "joins"):
        if key in own:
            profile[key] = own[key]
    before = own.get("survey")
    if before is not None and "survey" in profile:
        for key in ("years", "horizon", "files", "states"):
            profile["survey"][key] = before[key]
        # A table of one task is no table for another.
        profile["survey"]["tasks"] = []
    known = {column["name"]: column for column in own["columns"]}
    for column in profile["columns"]:
        _role(column, known.get(column["name"]), applied)
    label = next(c for c in profile["columns"] if c["name"] == task.label)
    years = (before or {}).get("years", [])
    profile["recognised"] = {
        "task": task.name,
        "title": _title(task),
        "matched": 1 + len(task.features),
        "of": 1 + len(task.features),
        "year": years[0] if len(years) == 1 else None,
    }
    profile["task"] = {
        **task.to_json(),
        "settings": settings.to_json(),
        "label": task.label,
        "model_features": list(applied.features),
        "rows": {"kept": kept, "of": total, "unknown": label["missing"]},
    }
    inherited = [n for n in own["notices"] if n["code"] not in {"tasks", "recognised"}]
    fresh = [n for n in profile["notices"] if n["code"] in {"zero-filled", "codes-unknown"}]
    known_codes = {(n["code"], n["column"]) for n in inherited}
    fresh = [n for n in fresh if (n["code"], n["column"]) not in known_codes]
    profile["notices"] = [*_notices(applied, label, total, kept), *inherited, *fresh]


def _title(task: Task) -> str:
    if task.version == VERSION:
        return f"{task.name} from Folktables"
    return f"{task.name}, fewer features" if task.version.startswith(VERSION) else task.name


def _role(column: Json, before: Json | None, applied: Applied) -> None:
    task, name = applied.task, column["name"]
    sensitive = {"RAC1P", "SEX", task.group}
    if applied.settings.drop_sensitive:
        sensitive |= set(task.features) - set(applied.features)
    if name == task.label:
        column |= {"title": task.title, "words": {"1": "Yes", "0": "No"}}
        column |= {"guess": "label", "why": f"it is the target of {task.name}: {task.target}"}
        return
    if before is not None:
        column |= {key: before[key] for key in ("was", "title")}
        column["words"] = column["words"] if column["words"] is not None else before["words"]
    if name in sensitive:
        column |= {"guess": "sensitive", "why": f"{task.name} compares groups by it"}
    elif name in applied.features:
        column |= {"guess": "feature", "why": _WHY.format(task=task.name)}
    elif column["guess"] in {"feature", "label", "sensitive"}:
        column |= {"guess": "unused", "why": f"it is not part of {task.name}"}


def _notices(applied: Applied, label: Mapping[str, Any], total: int, kept: int) -> list[Json]:
    task, settings = applied.task, applied.settings
    top = {item["value"]: item["n"] for item in label["top"]}
    known = sum(top.values())
    rate = f", {100 * top.get('1', 0) / known:.1f}% positive" if known else ""
    lines = [
        notice(
            "task",
            f"{task.name}: {kept:,} of {counted(total, 'row')}{rate}.",
            f"Positive: {task.target}. Rows: {'; '.join(task.filter) if task.filter else 'all'}.",
        )
    ]
    if settings.mode == "compatible":
        lines.append(
            notice(
                "task-compatible",
                "Blanks in features are 0 and blank targets negative, as in the folktables "
                "package 0.0.12.",
                "Use it to repeat published numbers. 0 is a real code in RELP and POVPIP.",
                level="check",
            )
        )
    elif label["missing"]:
        lines.append(
            notice(
                "task-unknown",
                f"{counted(label['missing'], 'row')} without a label: what the target asks is "
                "blank there.",
                "The folktables package counts them as negative.",
                level="check",
                column=task.label,
            )
        )
    if settings.adjinc:
        lines.append(
            notice(
                "task-adjinc",
                "Dollars are multiplied by ADJINC.",
                "It brings the dollars of one file to one level, not those of different files.",
                level="check",
            )
        )
    for source in applied.bridged:
        lost = source.bridge.lost if source.bridge is not None else ""
        if lost:
            lines.append(
                notice(
                    "task-bridged",
                    f"{source.name} comes from {source.successor}, which stands for it since "
                    f"{source.bridge.since if source.bridge is not None else ''}.",
                    lost,
                    level="check",
                    column=source.name,
                )
            )
    lines += [notice("task-note", text, level="check") for text in task.notes]
    return lines
