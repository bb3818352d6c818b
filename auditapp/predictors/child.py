"""What runs inside the sandbox: recognise and describe a model, or score a table with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from auditapp.predictors import REGISTRY
from auditapp.predictors.formats import detect
from auditapp.predictors.refusals import refusal

Json = dict[str, Any]


class _NoTorch:
    """Importing skops imports every scikit-learn estimator and with them torch: 4 s, 180 MB."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _module(kind: str) -> Any:
    if kind != "network":
        sys.meta_path.insert(0, _NoTorch())
    return import_module(REGISTRY[kind])


def inspect(payload: Json, tick: Callable[..., None]) -> Json:
    """Describe ``payload["path"]``, or refuse it."""
    path, name = Path(payload["path"]), payload["name"]
    kind = detect(path, name)
    if kind not in REGISTRY:
        raise refusal(kind, name)
    tick(0, 1, f"Reading {kind} model")
    described: Json = _module(kind).describe(path, name)
    return described


def score(payload: Json, tick: Callable[..., None]) -> Json:
    """Write one score per row into the preallocated file ``payload["out"]``.

    With ``payload["choose"]`` the score is the position of the chosen class.
    """
    path, name = Path(payload["path"]), payload["name"]
    kind = detect(path, name)
    if kind not in REGISTRY:
        raise refusal(kind, name)
    out = np.memmap(payload["out"], dtype=np.float64, mode="r+", shape=(payload["rows"],))
    _module(kind).scores(
        path,
        name,
        table=Path(payload["table"]),
        features=payload["features"],
        output=payload["output"],
        positive=payload["positive"],
        out=out,
        tick=tick,
        choose=payload.get("choose", False),
        **payload.get("options", {}),
    )
    out.flush()
    return {"rows": int(out.shape[0])}
