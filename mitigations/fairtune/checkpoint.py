"""A network as a file: safetensors and a JSON config, never a pickle.

A checkpoint is a folder or a zip with ``model.safetensors`` and ``config.json``, or one
``.safetensors`` file whose metadata hold the config as JSON under the key ``config``.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError
from mitigations.rules.base import Arrays
from mitigations.rules.base import digest as digest

Json = dict[str, Any]

SCHEMA = "evenhand/network/1"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
#: ViT-L in single precision is 1.2 GB.
MOST_BYTES = 2 << 30
MOST_CONFIG_BYTES = 4 << 20
MOST_HEADER_BYTES = 32 << 20
MOST_ARRAYS = 5000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}", re.ASCII)
_DTYPES: dict[str, type] = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32,
    "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
#: Whole numbers of a config by architecture: name -> limits, both allowed.
_SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "residual-mlp": {"width": (1, 4096), "depth": (1, 64)},
    "ft-transformer": {"width": (1, 4096), "depth": (1, 64), "heads": (1, 64)},
    "vit": {
        "img_size": (2, 1024), "patch": (1, 64), "dim": (1, 4096), "depth": (1, 64),
        "heads": (1, 64), "channels": (1, 4),
    },
    "convnet": {
        "img_size": (2, 1024), "dim": (1, 4096), "depth": (1, 16), "channels": (1, 4),
    },
}  # fmt: skip
TABULAR = frozenset({"residual-mlp", "ft-transformer"})
ARCHITECTURES = tuple(_SIZES)
MOST_COLUMNS, MOST_LEVELS = 2000, 20_000


@dataclass(frozen=True)
class Checkpoint:
    """A config and the arrays of a network.

    Parameters
    ----------
    config
        ``schema``, ``arch``, ``classes``, ``positive`` and the sizes of the architecture. For
        tables ``columns``: ``[{"name", "kind", "levels", "mean", "sd"}]``; for images ``mean``
        and ``std`` of each channel.
    arrays
        State of the network by name.
    """

    config: Json
    arrays: dict[str, NDArray[Any]]

    @property
    def arch(self) -> str:
        """One of `ARCHITECTURES`."""
        return str(self.config["arch"])

    @property
    def tabular(self) -> bool:
        """Whether it reads columns of a table rather than images."""
        return self.arch in TABULAR

    @property
    def sha256(self) -> str:
        """Of config and arrays."""
        text = json.dumps(self.config, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode() + digest(self.arrays).encode()).hexdigest()

    def with_arrays(self, arrays: Arrays) -> Checkpoint:
        """The same network with some arrays replaced."""
        return Checkpoint(self.config, {**self.arrays, **arrays})


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    MethodError
        ``bad-checkpoint``: it is none, or holds what a network has no use for.
    """
    try:
        if path.is_dir():
            blob = _bounded((path / WEIGHTS).open("rb"), MOST_BYTES)
            config = _json(_bounded((path / CONFIG).open("rb"), MOST_CONFIG_BYTES))
        elif zipfile.is_zipfile(path):
            blob, config = _zipped(path)
        else:
            blob = _bounded(path.open("rb"), MOST_BYTES)
            config = _embedded(blob)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise _refused(f"“{_short(path.name)}” cannot be read as a network.") from error
    check_config(config)
    return Checkpoint(config, _arrays(blob))


def write(path: Path, config: Json, arrays: Arrays) -> None:
    """Write one ``.safetensors`` file where the name ends so, else a folder."""
    check_config(config)
    if path.suffix == ".safetensors":
        path.write_bytes(to_bytes(config, arrays))
        return
    path.mkdir(parents=True, exist_ok=True)
    (path / WEIGHTS).write_bytes(to_bytes(config, arrays))
    (path / CONFIG).write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n", "utf-8")


def to_bytes(config: Json, arrays: Arrays) -> bytes:
    """One safetensors file with the config in its metadata; equal input gives equal bytes."""
    from safetensors.numpy import save

    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return bytes(save(whole, metadata={"config": text}))


def check_config(config: Any) -> None:
    """See that a config names an architecture of ours with sizes it can have.

    Raises
    ------
    MethodError
        ``bad-checkpoint``.
    """
    if not isinstance(config, dict) or config.get("schema") != SCHEMA:
        raise _refused(f"The config does not say “schema”: “{SCHEMA}”.")
    arch = config.get("arch")
    if not isinstance(arch, str) or arch not in _SIZES:
        raise _refused(
            f"The architecture “{_short(arch)}” is not known.",
            f"Known are {', '.join(ARCHITECTURES)}.",
        )
    classes = _whole(config, "classes", 2, 100_000)
    _whole(config, "positive", 0, classes - 1)
    sizes = {name: _whole(config, name, *limits) for name, limits in _SIZES[arch].items()}
    width = sizes.get("width", sizes.get("dim", 1))
    if width % sizes.get("heads", 1):
        raise _refused(f"{width} dimensions cannot be shared by {sizes['heads']} heads.")
    if arch in TABULAR:
        _check_columns(config.get("columns"))
    else:
        _check_channels(config)


def _check_columns(columns: Any) -> None:
    if not isinstance(columns, list) or not 1 <= len(columns) <= MOST_COLUMNS:
        raise _refused("The config has no list “columns” of the inputs.")
    names = set()
    for column in columns:
        if not isinstance(column, dict) or not isinstance(column.get("name"), str):
            raise _refused("A column of the config has no name.")
        name = column["name"]
        if name in names:
            raise _refused(f"The config names the column “{_short(name)}” twice.")
        names.add(name)
        _check_column(name, column)


def _check_column(name: str, column: Json) -> None:
    if column.get("kind") == "numeric":
        good = _number(column.get("mean")) and _number(column.get("sd"))
        if not good or not float(column["sd"]) > 0.0:
            raise _refused(f"The number “{_short(name)}” has no mean and sd above 0.")
    elif column.get("kind") == "categorical":
        levels = column.get("levels")
        if (
            not isinstance(levels, list)
            or len(levels) > MOST_LEVELS
            or not all(isinstance(level, str) for level in levels)
            or len(set(levels)) < len(levels)
        ):
            raise _refused(f"The levels of “{_short(name)}” are not a list of different texts.")
    else:
        raise _refused(f"“{_short(name)}” is neither numeric nor categorical.")


def _check_channels(config: Json) -> None:
    for key in ("mean", "std"):
        values = config.get(key)
        if (
            not isinstance(values, list)
            or len(values) != config["channels"]
            or not all(_number(value) for value in values)
        ):
            raise _refused(f"“{key}” is not one number for each channel.")
    if min(config["std"]) <= 0.0:
        raise _refused("“std” is not above 0.")
    if config["arch"] == "vit" and config["img_size"] % config["patch"]:
        raise _refused("The image size is no multiple of the patch size.")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


def _whole(config: Json, name: str, low: int, high: int) -> int:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refused(f"“{name}” is not a whole number from {low} to {high:,}.")
    return value


def _bounded(file: IO[bytes], most: int) -> bytes:
    with file:
        blob = file.read(most + 1)
    if len(blob) > most:
        raise _refused(f"It is larger than {most >> 20:,} MiB.")
    return blob


def _zipped(path: Path) -> tuple[bytes, Any]:
    """Both files of an archive; nothing is unpacked to disk, so its paths lead nowhere."""
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        found = {info.filename: info for info in files}
        if set(found) != {WEIGHTS, CONFIG} or len(files) != 2:
            names = ", ".join(_short(name) for name in sorted(found)[:5])
            raise _refused(
                f"The archive holds {names if names else 'nothing'}.",
                f"It should hold {WEIGHTS} and {CONFIG}, and nothing else.",
            )
        return (
            _bounded(archive.open(found[WEIGHTS]), MOST_BYTES),
            _json(_bounded(archive.open(found[CONFIG]), MOST_CONFIG_BYTES)),
        )


def _embedded(blob: bytes) -> Any:
    """The config in the metadata of a safetensors file."""
    metadata = _header(blob).get("__metadata__")
    if not isinstance(metadata, dict) or "config" not in metadata:
        raise _refused(
            "The file is no safetensors file with a config in its metadata.",
            f"Upload a zip of {WEIGHTS} and {CONFIG}, or write the config as JSON into the "
            "metadata under “config”.",
        )
    return _json(str(metadata["config"]).encode())


def _header(blob: bytes) -> Json:
    refused = _refused("The weights are no safetensors file.")
    if len(blob) < 10:
        raise refused
    (size,) = struct.unpack("<Q", blob[:8])
    if not 2 <= size <= min(len(blob) - 8, MOST_HEADER_BYTES):
        raise refused
    try:
        header = json.loads(blob[8 : 8 + size])
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(header, dict):
        raise refused
    return header


def _arrays(blob: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, deserialize

    _header(blob)
    try:
        found: list[tuple[str, Json]] = deserialize(blob)  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError) as error:
        raise _refused("The weights are no safetensors file.") from error
    if not 1 <= len(found) <= MOST_ARRAYS:
        raise _refused(f"The weights are {len(found):,} arrays.")
    out: dict[str, NDArray[Any]] = {}
    for name, facts in found:
        if not _NAME.fullmatch(name):
            raise _refused(f"“{_short(name)}” is no name of an array.")
        array = _array(name, facts)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise _refused(f"“{_short(name)}” holds values that are not numbers.")
        out[name] = array
    return out


def _array(name: str, facts: Json) -> NDArray[Any]:
    kind, raw = facts["dtype"], bytes(facts["data"])
    if kind == "BF16":
        words = np.frombuffer(raw, np.uint16).astype(np.uint32) << np.uint32(16)
        return words.view(np.float32).reshape(facts["shape"])
    if kind not in _DTYPES:
        raise _refused(f"“{_short(name)}” is of the type {_short(kind)}.")
    return np.frombuffer(raw, _DTYPES[kind]).reshape(facts["shape"]).copy()


def _json(blob: bytes) -> Any:
    def constant(_: str) -> Any:
        raise ValueError

    try:
        return json.loads(blob, parse_constant=constant)
    except (ValueError, RecursionError):
        raise _refused("The config is no JSON.") from None


def _refused(message: str, hint: str = "") -> MethodError:
    usual = f"Give {WEIGHTS} with {CONFIG}; the docs page of FairTune says what they hold."
    return MethodError("bad-checkpoint", message, hint if hint else usual)


def _short(text: Any) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in str(text))
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
