"""Which of several classes a model chooses: the largest probability, or its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError
from auditapp.predictors.outputs import text

Json = dict[str, Any]

WAY_OUT = (
    "Predict every row elsewhere, save the predicted class as a column of the table, and choose"
    " it as the decision (--prediction on the command line)."
)


@dataclass(frozen=True)
class Decider:
    """Takes one class per row, by its position, out of what one output returned."""

    output: str
    classes: tuple[str, ...]

    def values(self, result: Any, n: int) -> NDArray[np.float64]:
        """Return the position of the chosen class of the first `n` rows; ties take the first.

        Raises
        ------
        AuditError
            ``model-rows``, ``model-classes``.
        """
        if isinstance(result, list) and result and isinstance(result[0], dict):
            result = _matrix(result[:n], self.classes)
        array = np.asarray(result)
        if array.ndim == 0 or array.shape[0] < n:
            raise AuditError(
                "model-rows",
                f"The model returned {array.shape[0] if array.ndim else 1:,} values for"
                f" {n:,} rows.",
                "Export it so that every row gives one value, in the order of the rows.",
            )
        array = array[:n]
        if array.ndim > 1 and array[0].size > 1:
            return self._largest(array.reshape(n, -1))
        return self._labels(array.reshape(n))

    def _largest(self, array: NDArray[Any]) -> NDArray[np.float64]:
        if array.shape[1] != len(self.classes):
            raise AuditError(
                "model-classes",
                f"The output “{self.output}” gives {array.shape[1]:,} numbers for each row, and"
                f" the model names {len(self.classes):,} classes.",
                WAY_OUT,
            )
        scores = array.astype(np.float64)
        known = np.asarray(np.isfinite(scores).all(axis=1), dtype=bool)
        chosen = np.argmax(np.where(known[:, None], scores, 0.0), axis=1)
        return np.where(known, chosen.astype(np.float64), np.nan)

    def _labels(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        if labels.dtype.kind == "f":
            raise AuditError(
                "model-classes",
                f"The output “{self.output}” gives one number for each row, and no class.",
                f"Choose the output with a probability for every class. {WAY_OUT}",
            )
        values, inverse = np.unique(labels, return_inverse=True)
        place = {name: float(i) for i, name in enumerate(self.classes)}
        odd = [text(value) for value in values if text(value) not in place]
        if odd:
            raise AuditError(
                "model-classes",
                f"The model chose “{odd[0][:80]}”, which is none of its classes.",
                WAY_OUT,
                found=", ".join(self.classes[:20]),
            )
        return np.array([place[text(value)] for value in values])[inverse]


def _matrix(maps: list[dict[Any, float]], classes: Sequence[str]) -> NDArray[np.float64]:
    keys = {text(key): key for key in maps[0]}
    if set(keys) != set(classes):
        raise AuditError(
            "model-classes",
            f"The model gives probabilities of {len(keys):,} classes, and names {len(classes):,}.",
            WAY_OUT,
        )
    order = [keys[name] for name in classes]
    return np.array([[item[key] for key in order] for item in maps], dtype=np.float64)


def names(profile: Json, output: str | None) -> tuple[str, ...]:
    """Return the classes of a model in the order of its probabilities.

    A model that names none has them numbered from 0, as many as its output has columns.

    Raises
    ------
    AuditError
        ``model-outputs``: there is no such output; ``model-classes``: nothing says which classes
        there are.
    """
    results = {item["name"]: item for item in profile["outputs"]}
    chosen = results.get(output or profile["output"])
    if chosen is None:
        raise AuditError(
            "model-outputs",
            f"The model has no output “{output}”.",
            f"Choose one of: {', '.join(results)}.",
        )
    if profile["classes"]:
        return tuple(profile["classes"])
    shape = chosen["shape"]
    width = shape[1] if len(shape) == 2 else None
    if width is None or width < 2:
        raise AuditError(
            "model-classes",
            f"The output “{chosen['name']}” does not say which classes there are.",
            WAY_OUT,
            where=f"output {chosen['name']}",
        )
    return tuple(str(i) for i in range(width))


def decider(profile: Json, output: str | None) -> Decider:
    """Return what reads the chosen class out of an output."""
    return Decider(output or profile["output"], names(profile, output))
