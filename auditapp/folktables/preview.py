"""What a task would measure in a table, counted for a form before a data set is made of it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets import pums
from auditapp.datasets.inspect import TABLE
from auditapp.datasets.keys import key_of, natural_sorted
from auditapp.datasets.options import Tick, silent
from auditapp.folktables.apply import Applied, Settings
from auditapp.folktables.tasks import Task, make

Json = dict[str, Any]
MOST_GROUPS = 200


def child_main(payload: dict[str, Any], tick: Tick) -> Json:
    """Count in a child process: ``first`` is a folder, ``task`` and ``settings`` are JSON."""
    settings = Settings.from_json(payload.get("settings"))
    return preview(Path(payload["first"]), make(payload["task"]), settings, tick)


def preview(
    first: Path, task: Task, settings: Settings | None = None, tick: Tick | None = None
) -> Json:
    """Count rows, labels and groups of a task.

    Returns
    -------
    dict
        ``of`` rows of the table, ``rows`` kept, ``unknown`` labels, ``positive`` share or None,
        and ``groups``: ``value, rows, weighted, positive, positive_weighted`` each, the group of
        blanks with the value None.

    Raises
    ------
    AuditError
        As `auditapp.folktables.derive.derive`, but for ``task-empty``.
    """
    tick = silent if tick is None else tick
    with pq.ParquetFile(first / TABLE) as file:
        schema, total = file.schema_arrow, file.metadata.num_rows
    applied = Applied(task, schema.names, Settings() if settings is None else settings)
    weight = pums.weight_of(schema.names)
    if weight is not None and pa.types.is_string(schema.field(weight).type):
        weight = None
    reads = dict.fromkeys([*applied.reads, *([weight] if weight is not None else [])])
    # Rows by label (0, 1, unknown), then weights by label.
    cells: defaultdict[str | None, np.ndarray] = defaultdict(lambda: np.zeros((2, 3)))
    done = 0
    with pq.ParquetFile(first / TABLE) as file:
        for batch in file.iter_batches(columns=list(reads), batch_size=131_072):
            _add(cells, batch, applied, weight)
            done += batch.num_rows
            tick(done, total, f"{done:,} of {total:,} rows")
    every = sum(cells.values(), np.zeros((2, 3)))
    return {
        "of": total,
        "rows": int(every[0].sum()),
        "unknown": int(every[0, 2]),
        "positive": _share(every[0]),
        "groups": [_group(value, cells[value]) for value in _ordered(cells)],
    }


def _add(
    cells: defaultdict[str | None, np.ndarray],
    batch: pa.RecordBatch,
    applied: Applied,
    weight: str | None,
) -> None:
    own = applied.batch(batch)
    cut = applied.cut(own)
    label = np.where(cut.label < 0, 2, cut.label)
    weights = np.ones(len(label))
    if weight is not None:
        column = batch.column(batch.schema.names.index(weight)).cast(pa.float64())
        weights = np.nan_to_num(column.to_numpy(zero_copy_only=False)[cut.rows])
    coded = pc.dictionary_encode(own.arrow(applied.task.group, filled=False))
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)[cut.rows]
    keys = [key_of(value) for value in coded.dictionary.to_pylist()]
    for code in np.unique(codes):
        here = codes == code
        key = keys[code] if code >= 0 and keys[code] != "" else None
        cells[key][0] += np.bincount(label[here], minlength=3)
        cells[key][1] += np.bincount(label[here], weights[here], minlength=3)


def _ordered(cells: defaultdict[str | None, np.ndarray]) -> list[str | None]:
    known = natural_sorted(key for key in cells if key is not None)[:MOST_GROUPS]
    return [*known, *([None] if None in cells else [])]


def _group(value: str | None, cell: np.ndarray) -> Json:
    return {
        "value": value,
        "rows": int(cell[0].sum()),
        "weighted": float(cell[1].sum()),
        "positive": _share(cell[0]),
        "positive_weighted": _share(cell[1]),
    }


def _share(cell: np.ndarray) -> float | None:
    known = cell[0] + cell[1]
    return float(cell[1] / known) if known else None
