"""The parent's side of uploaded models: everything that opens one happens in the sandbox."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditapp.errors import AuditError
from auditapp.sandbox import Limits, run_child

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = dict[str, Any]
Tick = Callable[..., None]
ShouldStop = Callable[[], str | None]

SCHEMA = "evenhand/model/1"
INSPECT_SECONDS = 120.0
SCORING_SECONDS = 1800.0
MEMORY = 3 << 30
#: a model is held as a file's bytes, as parsed, and as laid out for running
COPIES = 4
ROUNDING = 1e-6
SCORES = "scores.bin"


def inspect_model(
    path: Path, name: str, workdir: Path, *, limits: Limits | None = None
) -> dict[str, Any]:
    """Recognise an uploaded model by its bytes and describe it.

    Parameters
    ----------
    path
        The file as it was received.
    name
        The name it was uploaded under.
    workdir
        A folder for temporary files; nothing stays in it.

    Returns
    -------
    dict
        ``schema, format, name, sha256, bytes, inputs, outputs[{name, type, shape, role}],
        features, n_features, estimator, classes, output, positive``. ``features`` are the
        columns taken by name, None where they are taken by position. ``output`` and
        ``positive`` are guesses to confirm.

    Raises
    ------
    AuditError
        The file is refused; ``code_block`` then often holds a way out.
    """
    described = run_child(
        "auditapp.predictors.child:inspect",
        {"path": str(path), "name": name, "read": [str(path)]},
        workdir=workdir,
        limits=limits or _limits(path, f"Opening “{name}”", INSPECT_SECONDS),
        isolated=True,
    )
    facts = {"name": name, "sha256": _sha256(path), "bytes": path.stat().st_size}
    return {"schema": SCHEMA, "format": described["format"], **facts, **described}


def predict(
    path: Path,
    model: dict[str, Any],
    profile: dict[str, Any],
    table_path: Path,
    features: list[str] | None,
    workdir: Path,
    tick: Tick | None = None,
    should_stop: ShouldStop | None = None,
    *,
    score_range: tuple[float, float] = (0.0, 1.0),
    limits: Limits | None = None,
    options: Json | None = None,
) -> NDArray[np.float64]:
    """Score every row of a canonical table with an uploaded model.

    Parameters
    ----------
    path
        The model file.
    model
        The plan's model: ``output``, ``positive``, ``sha256``, ``name``.
    profile
        What `inspect_model` returned.
    table_path
        The canonical Parquet file.
    features
        Columns in the model's order, for models that take them by position.
    workdir
        A folder the model's process may write to.
    tick, should_stop
        As for `run_child`.
    score_range
        Smallest and largest value a score may have.
    options
        Further arguments of the format's ``scores``.

    Returns
    -------
    scores : (n,) float64 array
        Probability of the positive class, in the order of the rows.

    Raises
    ------
    AuditError
        The model does not fit the table, stopped, or returned what is no score.
    """
    job = _Job(path, model, profile, table_path, features, workdir)
    scores = _run(job, tick, should_stop, limits, options=options)
    return _checked(scores, job.output, score_range, job.blanks)


def predict_classes(
    path: Path,
    model: dict[str, Any],
    profile: dict[str, Any],
    table_path: Path,
    features: list[str] | None,
    workdir: Path,
    tick: Tick | None = None,
    should_stop: ShouldStop | None = None,
    *,
    limits: Limits | None = None,
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Choose a class for every row: the most probable one, the first of equals.

    Parameters
    ----------
    path, model, profile, table_path, features, workdir, tick, should_stop
        As for `predict`.

    Returns
    -------
    codes : (n,) int64 array
        Position in `classes`, in the order of the rows.
    classes : tuple of str

    Raises
    ------
    AuditError
        As `predict`; ``model-classes``: the model does not say which class it chooses.
    """
    import numpy as np

    from auditapp.predictors import deciders

    job = _Job(path, model, profile, table_path, features, workdir)
    classes = deciders.names(profile, job.output)
    chosen = _run(job, tick, should_stop, limits, choose=True)
    places = _checked(chosen, job.output, (0.0, len(classes) - 1.0), job.blanks)
    return places.astype(np.int64), classes


@dataclass(frozen=True)
class _Job:
    """One model on one table."""

    path: Path
    model: Json
    profile: Json
    table: Path
    features: list[str] | None
    workdir: Path

    @property
    def name(self) -> str:
        return str(self.model.get("name") or self.profile["name"])

    @property
    def output(self) -> str:
        return str(self.model.get("output") or self.profile["output"])

    def blanks(self) -> str:
        return _blanks(self.table, columns_read(self.profile, self.features))


def columns_read(profile: Json, features: Sequence[str] | None) -> list[str]:
    """Columns of the table that a model reads.

    An ONNX model of one column names its input, which need be no column: a chosen one counts.
    """
    named = list(profile["features"] or ())
    if features and (not named or (profile["format"] == "onnx" and len(named) == 1)):
        return list(features)
    return named


def _run(
    job: _Job,
    tick: Tick | None,
    should_stop: ShouldStop | None,
    limits: Limits | None,
    *,
    choose: bool = False,
    options: Json | None = None,
) -> NDArray[np.float64]:
    """One number per row from the model's process, unchecked."""
    import numpy as np
    import pyarrow.parquet as pq

    _check_same(job.path, job.name, job.profile["sha256"])
    with pq.ParquetFile(job.table) as file:
        n = int(file.metadata.num_rows)
    job.workdir.mkdir(parents=True, exist_ok=True)
    out = job.workdir / SCORES
    order = {
        "path": str(job.path),
        "name": job.name,
        "table": str(job.table),
        "rows": n,
        "out": str(out),
        "features": job.features,
        "output": job.output,
        "positive": job.model.get("positive"),
        "choose": choose,
        "options": options or {},
        "read": [str(path) for path in (job.path, job.table, *_images(job)) if path.exists()],
    }

    def report(progress: Json) -> None:
        if tick is not None:
            tick(progress["done"], progress["total"], progress["text"])

    try:
        # Our own descriptor: whatever the child does to the folder, we read what we made.
        with out.open("w+b") as file:
            file.write(np.full(n, np.nan).tobytes())
            file.flush()
            run_child(
                "auditapp.predictors.child:score",
                order,
                workdir=job.workdir,
                limits=limits or _limits(job.path, f"The model “{job.name}”", SCORING_SECONDS),
                isolated=True,
                on_progress=report,
                should_stop=should_stop,
            )
            file.seek(0)
            scores = np.frombuffer(file.read(n * 8 + 1), dtype=np.uint8)
    finally:
        out.unlink(missing_ok=True)
    if scores.size != n * 8:
        raise AuditError("model-rows", f"The model left no score for each of {n:,} rows.")
    return scores.view(np.float64)


def _images(job: _Job) -> list[Path]:
    """The images beside the table, for a network that looks at them."""
    network = job.profile.get("network") or {}
    return [job.table.with_name("images.npy")] if network.get("images") else []


def _limits(path: Path, what: str, seconds: float) -> Limits:
    return Limits.model(what, wall=seconds, memory=MEMORY + COPIES * path.stat().st_size)


def _blanks(table_path: Path, columns: list[str]) -> str:
    from auditapp.predictors.rows import Rows

    return Rows(table_path, columns).words()


def _checked(
    scores: NDArray[np.float64],
    output: str,
    score_range: tuple[float, float],
    blanks: Callable[[], str] = str,
) -> NDArray[np.float64]:
    import numpy as np

    low, high = score_range
    finite = np.isfinite(scores)
    broken = int((~finite).sum())
    if broken:
        nan = int(np.isnan(scores).sum())
        raise AuditError(
            "model-scores",
            f"The model gave no number for {broken:,} of {scores.size:,} rows.",
            "Check how the model treats blank and unusual values, and export it with the step"
            f" that fills them in. {blanks()}".strip(),
            where=f"output {output}, first in data row {int(np.flatnonzero(~finite)[0]) + 1:,}",
            found=f"{nan:,} not a number, {broken - nan:,} infinite",
        )
    # Probabilities in 32 bits may sum to a hair more than one.
    slack = ROUNDING * (high - low)
    near = (scores >= low - slack) & (scores <= high + slack)
    scores = np.where(near, np.clip(scores, low, high), scores)
    outside = ~near
    if outside.any():
        smallest, largest = float(scores.min()), float(scores.max())
        raise AuditError(
            "score-out-of-range",
            f"The model's output “{output}” has {int(outside.sum()):,} of {scores.size:,} values"
            f" outside {low:g} to {high:g}.",
            "Choose the output that holds the probability, or give the range with"
            f" --score-range={smallest:g},{largest:g} (field “Score runs from … to …” on the"
            " page). Calibration is then not applicable.",
            where=f"first in data row {int(np.flatnonzero(outside)[0]) + 1:,}",
            found=f"smallest {smallest:g}, largest {largest:g}",
        )
    return scores


def _check_same(path: Path, name: str, sha256: str) -> None:
    if _sha256(path) != sha256:
        raise AuditError(
            "model-changed",
            f"The stored file of “{name}” is no longer the one that was checked.",
            "Upload the model again.",
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
