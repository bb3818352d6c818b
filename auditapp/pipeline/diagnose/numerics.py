"""Whose decision changes when the same model runs in another number format or elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import oriented, positive_class
from auditapp.predictors import precision
from auditapp.predictors.base import columns_read
from metrics import compare
from metrics.flips import flips_section, sensitivity
from metrics.groups import Attribute

Json = dict[str, Any]

MOST_ROWS = 200_000
BATCH = 65_536
LARGEST_FP16 = 65_504.0
#: keeps this draw apart from the others made with the plan's seed
STREAM = 0x466C6970


def run(audited: Audited) -> Json | None:
    """Compare the audited decisions with those of every other run of an uploaded model.

    Returns
    -------
    dict or None
        ``precision`` of the upload, ``rows`` compared ``of`` those measured, ``runs[]`` with
        ``format, device, how, clipped, overflown, code, message, score_change, flips`` and
        ``sensitivity[]``; p-values are adjusted over all runs. ``overflown`` counts the people
        with a number that the format cannot hold. None without such a model.
    """
    if not _runs_again(audited) or audited.plan.outcome != "binary":
        return None
    chosen = _rows(audited)
    if chosen.size == 0:
        return None
    folder = Path(audited.job["out"]) / "numerics"
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "rows.parquet"
    try:
        upload = _upload(audited, table)
        columns = columns_read(upload.profile, upload.features)
        _write(audited.table.path, columns, np.flatnonzero(audited.used)[chosen], table)
        overflown = _overflown(table)
        name, variants = precision.variants(upload, folder, audited.tick)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    attributes = [
        Attribute(a.name, a.levels, a.codes[chosen], a.reference) for a in audited.attributes
    ]
    first = audited.decision[chosen].astype(np.int64)
    score = None if audited.score is None else audited.score[chosen]
    runs, decisions = [], [first]
    for variant in variants:
        record, second = _run(audited, variant, attributes, first, score, name)
        record["overflown"] = overflown if variant.format == "fp16" else 0
        runs.append(record)
        if second is not None:
            decisions.append(second)
    return {
        "precision": name,
        "device": "cpu",
        "rows": int(chosen.size),
        "of": int(audited.used.sum()),
        "runs": runs,
        "tests": _adjust(runs),
        "alpha": compare.ALPHA,
        "sensitivity": [_spread(a, decisions, audited.plan.floor) for a in attributes],
    }


def _runs_again(audited: Audited) -> bool:
    """Whether the model can be run in another number format; images do not fit its small table."""
    if audited.plan.model.kind == "network":
        return not audited.job["model_profile"]["network"]["images"]
    return audited.plan.model.kind == "onnx"


def _rows(audited: Audited) -> NDArray[np.int64]:
    """Choose the measured rows that every run scores, in their order."""
    n = int(audited.used.sum())
    if n <= MOST_ROWS:
        return np.arange(n, dtype=np.int64)
    rng = np.random.default_rng([audited.plan.seed % 2**32, STREAM])
    return np.sort(rng.choice(n, MOST_ROWS, replace=False)).astype(np.int64)


def _upload(audited: Audited, table: Path) -> precision.Upload:
    plan, profile = audited.plan, audited.job["model_profile"]
    return precision.Upload(
        Path(audited.job["model_path"]),
        {**plan.to_json()["model"], "positive": positive_class(plan, profile)},
        profile,
        table,
        None if plan.features is None else list(plan.features),
        (0.0, 1.0) if plan.score is None else (plan.score.low, plan.score.high),
    )


def _write(source: Path, columns: list[str], rows: NDArray[np.int64], target: Path) -> None:
    """Write some rows of the model's columns, without holding the whole table."""
    names = list(dict.fromkeys(columns))
    start = 0
    with pq.ParquetFile(source) as file:
        indices = [file.schema_arrow.get_field_index(name) for name in names]
        schema = pa.schema([file.schema_arrow.field(i) for i in indices])
        with pq.ParquetWriter(target, schema) as writer:
            for batch in file.iter_batches(batch_size=BATCH, columns=names):
                first, last = np.searchsorted(rows, (start, start + batch.num_rows))
                if last > first:
                    part = batch.take(pa.array(rows[first:last] - start)).select(names)
                    writer.write_batch(part.cast(schema))
                start += batch.num_rows


def _overflown(table: Path) -> int:
    """Count the rows with a number that 16 bits cannot hold: it becomes infinite."""
    found = 0
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            beyond = np.zeros(batch.num_rows, dtype=bool)
            for column in batch.columns:
                if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                    values = pc.fill_null(column.cast(pa.float64()), 0.0)
                    beyond |= np.abs(np.asarray(values)) > LARGEST_FP16
            found += int(beyond.sum())
    return found


def _run(
    audited: Audited,
    variant: precision.Variant,
    attributes: list[Attribute],
    first: NDArray[np.int64],
    score: NDArray[np.float64] | None,
    name: str,
) -> tuple[Json, NDArray[np.int64] | None]:
    record: Json = {
        "format": variant.format,
        "device": variant.device,
        "how": variant.how,
        "clipped": variant.clipped,
        "code": variant.code,
        "message": variant.message or None,
        "score_change": None,
        "flips": None,
    }
    if variant.scores is None:
        return record, None
    scaled, decision = oriented(variant.scores, audited.plan)
    second = decision.astype(np.int64)
    if score is not None:
        apart = np.abs(scaled - score)
        apart = apart[np.isfinite(apart)]
        if apart.size:
            record["score_change"] = {
                "mean": float(apart.mean()),
                "largest": float(apart.max()),
            }
    record["flips"] = flips_section(
        attributes, first, second, names=(name, variant.format), floor=audited.plan.floor
    )
    return record, second


def _adjust(runs: list[Json]) -> int:
    """Adjust the comparisons over all runs together."""
    found = [c for run in runs if run["flips"] for c in run["flips"]["comparisons"]]
    tests = compare.adjust(found)
    for run in runs:
        if run["flips"]:
            run["flips"]["tests"] = tests
    return tests


def _spread(attribute: Attribute, decisions: list[NDArray[np.int64]], floor: int) -> Json:
    """How far the selection rate of each group moves from run to run, on average over pairs."""
    values = np.full((len(decisions), len(attribute.levels)), np.nan)
    for i, decision in enumerate(decisions):
        chosen, n = compare.tally(attribute, decision >= 0, decision == 1)
        values[i, n >= floor] = chosen[n >= floor] / n[n >= floor]
    by_group, spread = sensitivity(values)
    return {
        "by": [attribute.name],
        "metric": "selection-rate",
        "runs": len(decisions),
        "groups": [
            {"group": {attribute.name: word}, "value": compare.number(by_group[j])}
            for j, word in enumerate(attribute.levels)
        ],
        "spread": compare.number(spread),
    }
