"""skops models: check archive, version and types, load with our own list, run as a frame."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError
from auditapp.predictors import deciders, outputs
from auditapp.predictors.refusals import COLUMN, SKL2ONNX
from auditapp.predictors.rows import BATCH, Rows, need_features
from auditapp.predictors.skops_types import TRUSTED

Json = dict[str, Any]

MOST_ENTRIES = 20_000
MOST_UNPACKED = 2 << 30
MOST_SCHEMA = 256 << 20
#: packed numbers rarely shrink more than this; below the floor nobody is harmed
MOST_RATIO = 200
RATIO_FLOOR = 64 << 20


def check(path: Path, name: str) -> Json:
    """Look at the archive's table of contents and its schema; unpack nothing else.

    Raises
    ------
    AuditError
        ``skops-damaged``, ``zip-bomb``, ``sklearn-version``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path.stat().st_size, name)
            schema = json.loads(archive.read("schema.json"))
    except AuditError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise _damaged(name, error) from None
    except RecursionError as error:
        raise _damaged(name, error) from None
    if not isinstance(schema, dict):
        raise _damaged(name, ValueError("schema.json holds no object"))
    _check_version(schema, name)
    return schema


def _damaged(name: str, error: Exception) -> AuditError:
    return AuditError(
        "skops-damaged",
        f"“{name}” is not a complete skops file.",
        "Save the model again with skops.io.dump, and check that the upload was complete.",
        where=name,
        found=outputs.first_line(str(error)),
    )


def _check_sizes(archive: zipfile.ZipFile, packed: int, name: str) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    schema = sum(entry.file_size for entry in entries if entry.filename == "schema.json")
    swollen = unpacked > RATIO_FLOOR and unpacked > MOST_RATIO * packed
    if not (
        len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or schema > MOST_SCHEMA or swollen
    ):
        return
    raise AuditError(
        "zip-bomb",
        f"“{name}” would unpack to {unpacked / 2**20:,.0f} MB in {len(entries):,} files, from"
        f" {packed / 2**20:,.1f} MB.",
        f"A model may unpack to {MOST_UNPACKED / 2**30:.0f} GB in {MOST_ENTRIES:,} files, and to"
        f" {MOST_RATIO} times its packed size. Use a smaller model, or add its scores as a"
        " column.",
        where=name,
        code_block=COLUMN,
    )


def _check_version(schema: Json, name: str) -> None:
    import sklearn

    ours = sklearn.__version__
    found = sorted(set(_versions(schema)))
    other = [version for version in found if version != ours]
    if not other:
        return
    raise AuditError(
        "sklearn-version",
        f"“{name}” was saved with scikit-learn {other[0]}, and this installation has {ours}.",
        "A model of one version may decide differently under another. Fit and save it with"
        f" scikit-learn {ours}, export it to ONNX, or add its scores as a column.",
        where=name,
        found=f"scikit-learn {', '.join(found)} in the file, {ours} here",
        code_block=SKL2ONNX.format(stem=name.rpartition(".")[0] or "model") + COLUMN,
    )


def _versions(node: Any) -> Iterator[str]:
    """Every ``_sklearn_version`` in the schema, wherever it stands; walked without recursion."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            version = item.get("_sklearn_version")
            if version is not None:
                yield _version(version)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _version(node: Any) -> str:
    content = node.get("content") if isinstance(node, dict) else node
    return str(content).strip('"')[:40]


def load(path: Path, name: str) -> Any:
    """Open the file, after every type in it was found on our list.

    Raises
    ------
    AuditError
        ``skops-types``, naming the types that are not on the list.
    """
    check(path, name)
    import skops.io

    try:
        asked = set(skops.io.get_untrusted_types(file=path))
    except MemoryError:
        raise
    except Exception as error:  # whatever a broken file makes skops raise
        raise _damaged(name, error) from None
    foreign = sorted(asked - TRUSTED)
    if foreign:
        raise AuditError(
            "skops-types",
            f"“{name}” holds {len(foreign):,} type{'s' if len(foreign) != 1 else ''} that"
            f" Evenhand does not open: {', '.join(foreign[:5])}"
            f"{' and others' if len(foreign) > 5 else ''}.",
            "Code of other packages runs when such a type is opened. Build the model from"
            " scikit-learn's own parts, export it to ONNX, or add its scores as a column.",
            where=name,
            found=", ".join(foreign[:20]),
            code_block=SKL2ONNX.format(stem=name.rpartition(".")[0] or "model") + COLUMN,
        )
    try:
        return skops.io.load(path, trusted=sorted(asked & TRUSTED))
    except MemoryError:
        raise
    except Exception as error:  # whatever a broken file makes skops raise
        raise _damaged(name, error) from None


def describe(path: Path, name: str) -> Json:
    """Columns, classes and outputs of the estimator in the file."""
    return _described(load(path, name), name)


def _described(model: Any, name: str) -> Json:
    results = _outputs(model, name)
    classes = [outputs.text(c) for c in getattr(model, "classes_", [])] or None
    names = getattr(model, "feature_names_in_", None)
    features = None if names is None else [str(n) for n in names]
    count = getattr(model, "n_features_in_", None)
    count = len(features) if count is None and features is not None else count
    chosen = outputs.choose(results, classes)
    return {
        "format": "skops",
        "inputs": [{"name": n, "type": "column", "shape": [None]} for n in features or ()],
        "outputs": results,
        "features": features,
        "n_features": None if count is None else int(count),
        "estimator": _title(model),
        "classes": classes,
        **chosen,
    }


def _outputs(model: Any, name: str) -> list[Json]:
    n = len(getattr(model, "classes_", ()))
    results: list[Json] = []
    if hasattr(model, "predict_proba"):
        results.append(_output("predict_proba", "tensor(double)", [None, n or None]))
    if hasattr(model, "decision_function") and n == 2:
        results.append(_output("decision_function", "tensor(double)", [None]))
    if hasattr(model, "predict"):
        label = "tensor(string)" if n else "tensor(double)"
        results.append(_output("predict", label, [None]))
    if not results:
        raise AuditError(
            "model-outputs",
            f"“{name}” holds {_title(model)}, which predicts nothing.",
            "Save the whole fitted classifier or pipeline with skops.io.dump.",
            where=name,
        )
    if results[0]["name"] == "decision_function":
        results.reverse()
    return results


def _output(name: str, kind: str, shape: list[int | None]) -> Json:
    return {"name": name, "type": kind, "shape": shape}


def _title(model: Any) -> str:
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        return " → ".join(type(step).__name__ for _, step in steps)
    return type(model).__name__


def scores(
    path: Path,
    name: str,
    *,
    table: Path,
    features: list[str] | None,
    output: str,
    positive: str | None,
    out: NDArray[np.float64],
    tick: Callable[..., None],
    choose: bool = False,
) -> None:
    """Fill `out` with the score of every row, or with the class chosen for it."""
    import joblib

    model = load(path, name)
    profile = _described(model, name)
    take = (
        deciders.decider(profile, output) if choose else outputs.reader(profile, output, positive)
    )
    named = profile["features"] is not None
    columns = profile["features"] if named else need_features(features, profile["n_features"])
    rows = Rows(table, columns, numeric=() if named else columns)
    function = getattr(model, take.output)
    with joblib.parallel_config(backend="threading"):
        for start, batch in rows.batches(BATCH):
            n = batch.num_rows
            data = rows.frame(batch) if named else rows.matrix(batch)
            try:
                result = function(data)
            except MemoryError:
                raise
            except Exception as error:  # whatever the model's steps raise on this table
                raise outputs.model_failed(str(error), rows.words(), start, n) from None
            out[start : start + n] = take.values(result, n)
            tick(start + n, rows.n_rows, f"{start + n:,} of {rows.n_rows:,} rows scored")
