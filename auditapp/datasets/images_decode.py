"""One picture: told by its first bytes, decoded within limits, reduced to a square."""

from __future__ import annotations

import io
import pickletools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

MOST_PIXELS = 40_000_000

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript program"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x00\x00\x00\x1cftyp", "a HEIC or AVIF picture, or a film"),
    (b"\x00\x00\x00\x18ftyp", "a HEIC or AVIF picture, or a film"),
    (b"\x00\x00\x00 ftyp", "a HEIC or AVIF picture, or a film"),
    (b"\x00\x00\x01\x00", "an icon"),
)


class Forbidden(Exception):
    """What no image set may hold: the whole set is refused."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Damaged(Exception):
    """A picture that cannot be read: its row is left out."""


@dataclass(frozen=True)
class Decoded:
    """A picture as networks take it, and what it was.

    Parameters
    ----------
    pixels : (3, s, s) uint8
        Red, green and blue.
    kind
        ``png``, ``jpeg`` or ``webp``.
    width, height
        In pixels, as uploaded.
    """

    pixels: NDArray[np.uint8]
    kind: str
    width: int
    height: int


def kind_of(data: bytes) -> str | None:
    """``png``, ``jpeg`` or ``webp`` by the first bytes, else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return None


def foreign(data: bytes) -> str | None:
    """What a file that is no picture is, in words; None where its bytes say nothing."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, words in _FOREIGN:
        if data.startswith(signature) or start.startswith(signature):
            return words
    return "a pickle file, which can run code when opened" if _is_pickle(data) else None


def decode(data: bytes, size: int) -> Decoded:
    """Decode a picture to red, green and blue, upright, its middle square reduced to `size`.

    Nothing but pixels is kept: no EXIF, no comments, no colour profile. Transparent parts
    become white; of an animation the first picture is taken.

    Raises
    ------
    Forbidden
        ``foreign-file``, ``picture-too-large``.
    Damaged
        The bytes begin like a picture and cannot be decoded, or say nothing.
    """
    from PIL import Image, ImageOps

    kind = kind_of(data)
    if kind is None:
        words = foreign(data)
        if words is not None:
            raise Forbidden("foreign-file", words)
        raise Damaged("is empty" if not data else "is no PNG, JPEG or WebP picture")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=(kind.upper(),)) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise _too_large(width, height)
                picture.draft("RGB", (2 * size, 2 * size))
                upright = ImageOps.exif_transpose(picture)
                plain = _rgb(upright)
        except Image.DecompressionBombError as error:
            raise Forbidden("picture-too-large", "more pixels than any picture here") from error
        except Forbidden:
            raise
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise Damaged(_why(error)) from error
    small = ImageOps.fit(plain, (size, size), Image.Resampling.BILINEAR)
    pixels = np.ascontiguousarray(np.asarray(small, dtype=np.uint8).transpose(2, 0, 1))
    return Decoded(pixels, kind, width, height)


def _rgb(picture: Picture) -> Picture:
    from PIL import Image

    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        values = np.asarray(picture, dtype=np.float64)
        top = 65535.0 if picture.mode != "F" else max(float(values.max(initial=1.0)), 1e-9)
        eight = np.clip(values * (255.0 / top), 0.0, 255.0).astype(np.uint8)
        return Image.fromarray(eight).convert("RGB")
    if picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert("RGB")
    picture.load()
    return picture.convert("RGB")


def _too_large(width: int, height: int) -> Forbidden:
    return Forbidden(
        "picture-too-large",
        f"{width:,} x {height:,} pixels; at most {MOST_PIXELS // 10**6} million are decoded",
    )


def _why(error: Exception) -> str:
    """What the decoder says, in words for people."""
    if "truncated" in str(error).lower():
        return "is cut off"
    return "is damaged"


def _is_pickle(data: bytes) -> bool:
    """Whether the bytes are a pickle; its instructions are listed and never run."""
    if len(data) > 1 and data[0] == 0x80 and data[1] <= 5:
        return True
    if not data or data[:1] not in b"(c]}lNIFSVKJ\x8c" or not data.rstrip().endswith(b"."):
        return False
    try:
        for _ in pickletools.genops(data):
            pass
    except (ValueError, IndexError, KeyError, UnicodeDecodeError):
        return False
    return True
