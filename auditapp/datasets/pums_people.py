"""Every person once: the household number and the person number name a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditapp.datasets import pums
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

_BATCH = 131_072
_SHOWN = 3
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def refuse_duplicates(table: Path, names: Sequence[str], survey: Mapping[str, Any]) -> None:
    """Refuse a table that holds a person twice.

    Raises
    ------
    AuditError
        ``duplicate-persons``, with the number of rows and examples.
    """
    wanted = [n for n in names if n.upper() in {pums.HOUSEHOLD, pums.PERSON}]
    if len(wanted) != 2:
        return
    year = survey["year"]
    columns = [*sorted(wanted, key=str.upper), *([year] if year is not None else [])]
    hashes = np.concatenate([_hashes(batch) for batch in _batches(table, columns)])
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not twice.size:
        return
    people: Counter[tuple[Any, ...]] = Counter()
    for batch in _batches(table, columns):
        rows = np.flatnonzero(np.isin(_hashes(batch), twice))
        people.update(
            zip(
                *(batch.column(i).take(rows).to_pylist() for i in range(len(columns))), strict=True
            )
        )
    several = {person: n for person, n in people.items() if n > 1}
    if several:
        raise _duplicates(several, survey)


def _duplicates(several: Mapping[tuple[Any, ...], int], survey: Mapping[str, Any]) -> AuditError:
    extra = sum(several.values()) - len(several)
    shown = ", ".join(
        f"{person[0]} person {person[1]}, {n} times"
        for person, n in list(several.items())[:_SHOWN]
    )
    files = [item["name"] for item in survey["files"]]
    hint = "Read the file anew from its source."
    if len(files) > 1:
        hint = (
            "Give every file once. A 5-Year file holds the rows of the 1-Year files of its years."
        )
    return AuditError(
        "duplicate-persons",
        f"{counted(extra, 'row')} {'names' if extra == 1 else 'name'} a person who is on an "
        "earlier row already, by SERIALNO and SPORDER.",
        hint,
        where=", ".join(files[:6]) if len(files) > 1 else "SERIALNO, SPORDER",
        found=shown + (f" and {len(several) - _SHOWN:,} more" if len(several) > _SHOWN else ""),
    )


def _batches(table: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(columns=list(columns), batch_size=_BATCH):
            yield batch.select(list(columns))


def _hashes(batch: pa.RecordBatch) -> NDArray[np.uint64]:
    """One number per row of household, person and year; equal rows get equal ones."""
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for column in batch.columns:
        if pa.types.is_string(column.type):
            own = pd.util.hash_array(
                np.asarray(column.to_pylist(), dtype=object), categorize=False
            )
        else:
            own = pd.util.hash_array(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
        total = total * _GOLDEN + own
    return total
