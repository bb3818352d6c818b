"""Small image sets: drawn squares, never a person."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HEAD = ("path", "label", "split", "group")


def picture(value: int = 0, size: tuple[int, int] = (40, 40), kind: str = "PNG") -> bytes:
    """A plain picture with a bright square whose place depends on `value`."""
    pixels = np.full((size[1], size[0], 3), 40 + value % 100, np.uint8)
    at = value % max(size[0] // 2, 1)
    pixels[at : at + 8, at : at + 8] = 220
    return encoded(Image.fromarray(pixels), kind)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rows(n: int = 120) -> list[dict[str, str]]:
    """A list of `n` pictures in three parts, two groups and two labels."""
    parts = ("train", "valid", "test")
    return [
        {
            "path": f"images/{i:04d}.png",
            "label": str(i % 2),
            "split": parts[i % 3],
            "group": "AB"[(i // 2) % 2],
        }
        for i in range(n)
    ]


def listing(found: Sequence[Mapping[str, str]], head: Sequence[str] | None = None) -> bytes:
    """A manifest."""
    out = io.StringIO()
    names = list(found[0]) if head is None else list(head)
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


def write(
    path: Path,
    found: Sequence[Mapping[str, str]],
    files: Mapping[str, bytes] | None = None,
    *,
    manifest: bytes | None = None,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """A zip of a manifest and pictures; `files` replace single pictures, None-like drop them."""
    given = {} if files is None else dict(files)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", listing(found) if manifest is None else manifest)
        for i, row in enumerate(found):
            data = given.get(row["path"], picture(i))
            if data is not MISSING:
                archive.writestr(row["path"], data)
        for name, data in ({} if more is None else more).items():
            archive.writestr(name, data)
    return path


MISSING = b"\0missing"
