"""What kind of file this is, by its bytes and only then by its name. Opens nothing."""

from __future__ import annotations

import json
import pickletools
import zipfile
from pathlib import Path, PurePath

HEAD = 4096
FEW_OPCODES = 8
MOST_METADATA = 64 << 20
HDF5 = b"\x89HDF\r\n\x1a\n"
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x04\x22M\x18", b"\x28\xb5\x2f\xfd")
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
PICKLE_SUFFIXES = {".pkl", ".pickle", ".p", ".dill", ".cloudpickle"}
BY_SUFFIX = {
    ".joblib": "joblib",
    ".pt": "torch",
    ".pth": "torch",
    ".ptl": "torch",
    ".h5": "keras",
    ".hdf5": "keras",
    ".keras": "keras",
    ".pb": "keras",
    ".tflite": "keras",
    ".pmml": "pmml",
    ".ubj": "xgboost",
    ".cbm": "catboost",
    ".ort": "ort",
    ".safetensors": "safetensors",
    ".csv": "table",
    ".parquet": "table",
    ".7z": "archive",
    ".tar": "archive",
    ".rar": "archive",
}


def detect(path: Path, name: str) -> str:
    """Name the format of a file: a key of ``REGISTRY`` or of ``refusals.REFUSALS``."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archive(path)
    found = detect_head(head, name)
    return "network" if found == "safetensors" and _has_config(path) else found


def _has_config(path: Path) -> bool:
    """Whether the metadata of a safetensors file say what network the weights belong to."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= MOST_METADATA:
            return False
        try:
            found = json.loads(file.read(length))
        except (ValueError, RecursionError):
            return False
    told = found.get("__metadata__") if isinstance(found, dict) else None
    return isinstance(told, dict) and isinstance(told.get("config"), str)


def detect_head(head: bytes, name: str) -> str:
    """Name the format by the first bytes alone; a zip archive answers ``"zip"``."""
    suffix = PurePath(name).suffix.lower()
    if not head:
        return "empty"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    by_bytes = _by_bytes(head, suffix)
    if by_bytes is not None:
        return by_bytes
    if suffix in PICKLE_SUFFIXES:
        return "pickle"
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    # A protobuf has no magic number: ir_version, the first field of a model, is written first.
    if suffix == ".onnx" or (head[0] == 0x08 and len(head) > 2 and head[1] < 0x20):
        return "onnx"
    return "unknown"


def _by_bytes(head: bytes, suffix: str) -> str | None:
    joblib = suffix == ".joblib"
    if head[0] == 0x80 and len(head) > 1 and 2 <= head[1] <= 5:
        if b"torch" in head or suffix in (".pt", ".pth"):
            return "torch"
        return "joblib" if joblib or b"numpy_pickle" in head else "pickle"
    if _is_old_pickle(head):
        return "pickle"
    if head.startswith(COMPRESSED) or (head.startswith(ZLIB) and suffix != ".onnx"):
        packed = joblib or suffix in PICKLE_SUFFIXES
        return "joblib" if packed or head.startswith(ZLIB) else "archive"
    return _by_magic(head)


def _is_old_pickle(head: bytes) -> bool:
    """Whether these are the opcodes of protocol 0 or 1, which has no magic number.

    The opcodes are listed, never executed.
    """
    opcodes = 0
    try:
        for opcode, _, _ in pickletools.genops(head):
            opcodes += 1
            if opcode.name == "STOP":
                return opcodes > 2
    except (ValueError, IndexError, KeyError, OverflowError):
        return opcodes > FEW_OPCODES and len(head) == HEAD
    return False


def _by_magic(head: bytes) -> str | None:
    text = head.lstrip()
    starts: tuple[tuple[bytes, str], ...] = (
        (HDF5, "keras"),
        (b"\x93NUMPY", "arrays"),
        (b"PAR1", "table"),
        (b"CBM1", "catboost"),
        (b"binf", "xgboost"),
        (b"{L\x00\x00", "xgboost"),
        (b"tree\nversion=", "lightgbm"),
        (b"7z\xbc\xaf\x27\x1c", "archive"),
        (b"Rar!", "archive"),
    )
    for start, kind in starts:
        if head.startswith(start):
            return kind
    if head[4:8] == b"ORTM":
        return "ort"
    if head[4:8] == b"TFL3":
        return "keras"
    if head[257:262] == b"ustar":
        return "archive"
    if head[8:9] == b"{" and head[:8][3:] == bytes(5):
        return "safetensors"
    if b"<PMML" in head:
        return "pmml"
    if text.startswith(b'{"learner"') or b'"gradient_booster"' in head:
        return "xgboost"
    return None


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:10_000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "skops"  # its own check says what is broken
    last = {PurePath(name).name for name in names}
    if "schema.json" in names:
        return "skops"
    if {"model.safetensors", "config.json"} <= last:
        return "network"
    if last & {"data.pkl", "constants.pkl"}:
        return "torch"
    if last & {"model.weights.h5", "saved_model.pb", "keras_metadata.pb"}:
        return "keras"
    if names and all(name.endswith(".npy") for name in names):
        return "arrays"
    return "archive"
