"""Which output of a model is the probability, of which class, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError

Json = dict[str, Any]

LIKELY = re.compile(r"prob", re.IGNORECASE)
LONGEST_TEXT = 300


def choose(results: list[Json], classes: Sequence[str] | None) -> Json:
    """Guess output and positive class, to be shown and confirmed.

    Parameters
    ----------
    results
        ``{"name", "type", "shape"}`` of every output; ``role`` is added to each:
        ``probability`` (numbers, one per class or one in all) or ``label``.
    classes
        Class labels, where the model names them.

    Returns
    -------
    dict
        ``output`` and ``positive``; ``positive`` is None where there is one column of scores
        and no class to choose, or where more than two classes make the choice the auditor's.
    """
    for item in results:
        item["role"] = _role(item)
    known = [item for item in results if item["role"] is not None]
    if not known:
        names = ", ".join(f"{item['name']} ({item['type']})" for item in results)
        raise AuditError(
            "model-outputs",
            f"None of the model's outputs holds one score or label per row: {names}.",
            "Export the model with its probabilities as an output.",
        )
    likely = [item for item in known if item["role"] == "probability"]
    best = next((item for item in likely if LIKELY.search(item["name"])), None)
    chosen = best or (likely or known)[0]
    return {"output": chosen["name"], "positive": _positive(chosen, classes)}


def _role(item: Json) -> str | None:
    kind, shape = item["type"], item["shape"]
    if kind.startswith("seq(map("):
        return "probability"
    if not 1 <= len(shape) <= 2:
        return None
    if kind in ("tensor(float)", "tensor(double)", "tensor(float16)"):
        return "probability"
    narrow = len(shape) == 1 or shape[1] in (1, None)
    if narrow and re.fullmatch(r"tensor\((u?int\d+|bool|string)\)", kind):
        return "label"
    return None


def _positive(chosen: Json, classes: Sequence[str] | None) -> str | None:
    shape = chosen["shape"]
    single = chosen["role"] == "probability" and (
        len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    )
    if single and not chosen["type"].startswith("seq"):
        return None
    if classes is not None and len(classes) == 2:
        return classes[1]
    return "1" if classes is None and chosen["role"] == "label" else None


@dataclass(frozen=True)
class Reader:
    """Takes one number per row out of what one output returned."""

    output: str
    positive: str | None
    classes: tuple[str, ...]

    def values(self, result: Any, n: int) -> NDArray[np.float64]:
        """Return the scores of the first `n` rows."""
        if isinstance(result, list):
            return self._from_maps(result[:n])
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
            return array.reshape(n, -1)[:, self._index(array[0].size)].astype(np.float64)
        flat = array.reshape(n)
        if flat.dtype.kind == "f":
            return self._single(flat.astype(np.float64))
        return self._from_labels(flat)

    def _single(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """One column is the probability of the second class; of the first it is 1 minus that."""
        if self.positive is not None and not self.classes:
            raise AuditError(
                "positive-class",
                f"The output “{self.output}” gives one number for each row and names no classes,"
                f" so the class “{self.positive}” cannot be chosen.",
                "Leave the class out. Where a high score is unfavourable, say so"
                " (--score-is unfavourable on the command line).",
            )
        other = len(self.classes) == 2 and self.positive == self.classes[0]
        return 1.0 - scores if other else scores

    def _index(self, width: int) -> int:
        if len(self.classes) == width and self.positive in self.classes:
            return self.classes.index(self.positive)
        if self.positive is not None and self.positive.isdigit() and int(self.positive) < width:
            return int(self.positive)
        raise _choose_positive(self.classes or [str(i) for i in range(width)], self.positive)

    def _from_maps(self, maps: list[dict[Any, float]]) -> NDArray[np.float64]:
        keys = list(maps[0]) if maps else []
        key = next((k for k in keys if text(k) == self.positive), None)
        if key is None and keys:
            raise _choose_positive([text(k) for k in keys], self.positive)
        return np.array([item[key] for item in maps], dtype=np.float64)

    def _from_labels(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        if self.positive is None:
            found = sorted({text(v) for v in labels[:1000]})
            raise _choose_positive(self.classes or found, None)
        values, inverse = np.unique(labels, return_inverse=True)
        match = np.array([text(v) == self.positive for v in values], dtype=np.float64)
        return match[inverse]


def reader(profile: Json, output: str | None, positive: str | None) -> Reader:
    """Return the reader of an output; the profile's guess stands where nothing was chosen.

    Raises
    ------
    AuditError
        ``model-outputs``: there is no such output; ``positive-class``: there is no such class.
    """
    names = [item["name"] for item in profile["outputs"]]
    output = output or profile["output"]
    if output not in names:
        raise AuditError(
            "model-outputs",
            f"The model has no output “{output}”.",
            f"Choose one of: {', '.join(names)}.",
        )
    classes = tuple(profile["classes"] or ())
    positive = profile["positive"] if positive in (None, "") else positive
    if positive is not None and classes and positive not in classes:
        raise _choose_positive(classes, positive)
    return Reader(output, positive, classes)


def _choose_positive(classes: Sequence[str], positive: str | None) -> AuditError:
    what = "none is chosen" if positive is None else f"“{positive}” is not one of them"
    return AuditError(
        "positive-class",
        f"The model has the classes {', '.join(classes[:20])}, and {what}.",
        "Choose the class whose probability is audited.",
    )


def text(value: Any) -> str:
    """Write a class label the way the profile lists it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    return str(value)


def first_line(said: str) -> str:
    """Return what a library said, on one line, without paths and control characters."""
    line = next((part for part in said.splitlines() if part.strip()), "").strip()
    line = re.sub(r"(?:/[\w.+-]+){2,}", "…", line)
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT] + "…"


def model_failed(said: str, blanks: str, start: int, n: int) -> AuditError:
    """Return the error for a model that stopped in the middle of the rows."""
    return AuditError(
        "model-failed",
        f"The model stopped between row {start + 1:,} and row {start + n:,}.",
        f"Run it on these rows where it was trained. {blanks}".strip(),
        where=f"rows {start + 1:,} to {start + n:,}",
        found=first_line(said),
    )
