"""The same uploaded model in other number formats and on every device: the parent's side.

Nothing here opens a model: formats are written, and models run, in the sandbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditapp.errors import AuditError
from auditapp.predictors.base import COPIES, MEMORY, predict
from auditapp.predictors.onnx import CPU, DEVICES
from auditapp.sandbox import Limits, run_child

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = dict[str, Any]
Tick = Callable[[float, str], None]

FORMATS = ("fp32", "fp16", "bf16", "int8")
WRITING_SECONDS = 120.0
RUNNING_SECONDS = 600.0
#: ends an audit, or its search; everything else is a reason beside one run
PASSED_ON = {"cancelled", "deadline"}


@dataclass(frozen=True)
class Upload:
    """A model as `predict` takes it, with the table it is to score."""

    path: Path
    model: Json
    profile: Json
    table: Path
    features: list[str] | None
    score_range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Variant:
    """One run of the model in another way.

    Parameters
    ----------
    format, device
        ``fp32, fp16, bf16, int8`` or the upload's own; ``cpu, cuda, ...``.
    how
        ``as-uploaded``, ``converted`` (operators of that format), ``rounded`` (weights, inputs
        and values between operators rounded, arithmetic as it was) or ``rounded-weights``.
    clipped
        Weights beyond the format's range, set to its largest.
    scores : (n,) float64 array or None
    code, message
        Why there are no scores.
    """

    format: str
    device: str
    how: str | None = None
    clipped: int = 0
    scores: NDArray[np.float64] | None = None
    code: str | None = None
    message: str = ""


def variants(upload: Upload, workdir: Path, tick: Tick | None = None) -> tuple[str, list[Variant]]:
    """Write the model in every other format and score the table with each, on each device.

    Parameters
    ----------
    upload
        The model, which was scored before, and the rows to score.
    workdir
        A folder the models' processes may write to; what is made there is removed.
    tick
        ``tick(share, text)``; raises to stop.

    Returns
    -------
    precision : str
        Number format of the upload.
    variants : list of Variant
        The upload itself on the processor is not among them. One that could not be made or run
        says why.
    """
    tell = tick or _silent
    if upload.profile["format"] == "network":
        tell(0.0, "running bf16 on cpu")
        return "fp32", [_network(upload, workdir)]
    folder = workdir / "formats"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        tell(0.0, "writing the model in other number formats")
        precision, providers, made = _written(upload, folder)
        devices = [p for p in DEVICES if p in providers]
        wanted = [(name, provider) for provider in devices for name in (precision, *made)]
        wanted.remove((precision, CPU))
        out = []
        for i, (name, provider) in enumerate(wanted):
            tell(0.1 + 0.9 * i / len(wanted), f"running {name} on {DEVICES[provider]}")
            found = made.get(name) or {"how": "as-uploaded", "clipped": 0}
            out.append(_scored(upload, name, provider, found, folder))
        return precision, out
    finally:
        for left in folder.glob("*"):
            left.unlink()
        folder.rmdir()


def _network(upload: Upload, workdir: Path) -> Variant:
    """A network of ours again, with weights and arithmetic in 16 bits."""
    try:
        scores = predict(
            upload.path, upload.model, upload.profile, upload.table, upload.features, workdir,
            score_range=upload.score_range, options={"precision": "bfloat16"},
        )  # fmt: skip
    except AuditError as error:
        if error.code in PASSED_ON:
            raise
        return Variant("bf16", "cpu", "rounded", 0, None, error.code, error.message)
    return Variant("bf16", "cpu", "rounded", 0, scores)


def _silent(share: float, text: str) -> None:
    """Tell nobody."""


def _written(upload: Upload, folder: Path) -> tuple[str, list[str], dict[str, Json]]:
    """Write all formats in one process; where it dies, each in its own, to see which is why."""
    wanted = list(FORMATS)
    try:
        answer = _convert(upload, folder, wanted)
    except AuditError as error:
        if error.code in PASSED_ON:
            raise
        first = _convert(upload, folder, [])
        made = {name: _alone(upload, folder, name) for name in wanted}
        answer = {**first, "made": made}
    precision = str(answer["precision"])
    plain = {"as-uploaded"} | ({"coarser-upload"} if precision in ("fp16", "bf16") else set())
    made = {k: v for k, v in answer["made"].items() if v.get("code") not in plain}
    # An upload in 32 bits or fewer gains nothing from a run in 32 bits.
    if precision != "fp64":
        made.pop("fp32", None)
    return precision, list(answer["devices"]), made


def _alone(upload: Upload, folder: Path, name: str) -> Json:
    try:
        made: Json = _convert(upload, folder, [name])["made"][name]
    except AuditError as error:
        if error.code in PASSED_ON:
            raise
        return {"code": error.code, "message": error.message}
    return made


def _convert(upload: Upload, folder: Path, formats: list[str]) -> Json:
    size = upload.path.stat().st_size
    return run_child(
        "auditapp.predictors.precision_child:convert",
        {
            "path": str(upload.path),
            "name": upload.profile["name"],
            "formats": formats,
            "out": str(folder.resolve()),
            "read": [str(upload.path)],
        },
        workdir=folder,
        limits=Limits.model(
            "Writing the model in other number formats",
            wall=WRITING_SECONDS,
            memory=MEMORY + 2 * COPIES * size,
        ),
        isolated=True,
    )


def _scored(upload: Upload, name: str, provider: str, made: Json, folder: Path) -> Variant:
    device = DEVICES[provider]
    if "code" in made:
        return Variant(name, device, code=made["code"], message=made["message"])
    native = made.get("native") if provider != CPU else None
    how = "converted" if native else made["how"]
    path = folder / (native or made["file"]) if "file" in made else upload.path
    profile = {**upload.profile, "sha256": _sha256(path)}
    try:
        scores = predict(
            path,
            upload.model,
            profile,
            upload.table,
            upload.features,
            folder,
            score_range=upload.score_range,
            limits=Limits.model(
                f"The model as {name}",
                wall=RUNNING_SECONDS,
                memory=MEMORY + COPIES * path.stat().st_size,
            ),
            options={"provider": provider},
        )
    except AuditError as error:
        if error.code in PASSED_ON:
            raise
        return Variant(name, device, how, made["clipped"], None, error.code, error.message)
    return Variant(name, device, how, made["clipped"], scores)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
