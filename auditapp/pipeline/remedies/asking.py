"""Ask the audited model about changed inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import oriented, positive_class
from auditapp.pipeline.remedies.inputs import Inputs
from mitigations.contract import Part

Ask = Callable[[Part], NDArray[np.float64]]


def ask(audited: Audited, inputs: Inputs) -> Ask | None:
    """The audited model as a function of input columns, None where only its scores are known.

    It answers with scores on [0, 1], favourable when high.
    """
    if audited.fitted is not None:
        return lambda part: audited.fitted.ask(part.x)
    if audited.plan.model.kind == "columns":
        return None
    network = (audited.job["model_profile"] or {}).get("network") or {}
    if network.get("images"):
        return None  # its inputs are no columns
    return lambda part: _uploaded(audited, inputs, part)


def _uploaded(audited: Audited, inputs: Inputs, part: Part) -> NDArray[np.float64]:
    """Write the changed rows as a table and run the model on it in its sandbox."""
    from auditapp import predictors

    plan, profile = audited.plan, audited.job["model_profile"]
    work = Path(audited.job["out"]) / "model"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        path = Path(folder) / "table.parquet"
        _write(audited, inputs, part, path)
        raw = predictors.predict(
            Path(audited.job["model_path"]),
            {**plan.to_json()["model"], "positive": positive_class(plan, profile)},
            profile,
            path,
            None if plan.features is None else list(plan.features),
            Path(folder),
            lambda done, total, text, **_: audited.tick(done / max(total, 1), text),
            score_range=(0.0, 1.0) if plan.score is None else (plan.score.low, plan.score.high),
        )
    return oriented(raw, plan)[0]


def _write(audited: Audited, inputs: Inputs, part: Part, path: Path) -> None:
    """Columns in the types of the canonical table, so that the model sees what it saw before."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = pq.read_schema(audited.table.path)
    arrays = {}
    for column, keys in zip(inputs.columns, inputs.keys, strict=True):
        values = part.x[:, column.slot].astype(np.float64)
        blank = ~np.isfinite(values)
        kind = types.field(column.name).type
        if column.kind == "numeric":
            found = pa.array(np.where(blank, 0.0, values), mask=blank)
        else:
            codes = np.where(blank, 0, values).astype(np.int64)
            found = pa.array(np.asarray(keys, dtype=object)[codes], type=pa.string(), mask=blank)
        arrays[column.name] = found.cast(kind, safe=False)
    pq.write_table(pa.table(arrays), path)
