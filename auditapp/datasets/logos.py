"""A logo: decoded within limits in the sandboxed child, and written anew as a small PNG.

Nothing of the uploaded file is kept but its pixels.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from auditapp.datasets.images_decode import foreign, kind_of
from auditapp.errors import AuditError

WIDEST, HIGHEST = 640, 200
MOST_PIXELS = 20_000_000
LARGEST = 96 * 1024
KINDS = {"png": "PNG", "jpeg": "JPEG"}


def child_main(payload: dict[str, Any], tick: Any = None) -> dict[str, Any]:
    """Read ``payload["source"]``, write ``payload["out"]``; called in the child."""
    data = Path(payload["source"]).read_bytes()
    picture, width, height = encode(data)
    Path(payload["out"]).write_bytes(picture)
    return {"width": width, "height": height, "bytes": len(picture)}


def encode(data: bytes) -> tuple[bytes, int, int]:
    """A logo as a PNG of at most 640 x 200 pixels, and its size in pixels.

    Raises
    ------
    AuditError
        ``logo-refused``: it is no PNG or JPEG picture, is damaged, or has too many pixels.
    """
    from PIL import Image, ImageOps

    kind = kind_of(data)
    if kind not in KINDS:
        raise _refused(f"The file is {foreign(data) or 'no picture that can be a logo'}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=(KINDS[kind],)) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise _refused("The picture has more than 20 million pixels.")
                upright = ImageOps.exif_transpose(opened)
                clear = upright.convert("RGBA")
        except AuditError:
            raise
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise _refused("The picture is damaged.") from error
    for shrink in (1.0, 0.75, 0.5, 0.35, 0.25):
        small = clear.copy()
        box = (max(round(WIDEST * shrink), 1), max(round(HIGHEST * shrink), 1))
        small.thumbnail(box, Image.Resampling.LANCZOS)
        out = io.BytesIO()
        Image.frombytes("RGBA", small.size, small.tobytes()).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            return out.getvalue(), small.width, small.height
    raise _refused("The picture cannot be made small enough.")


def _refused(found: str) -> AuditError:
    return AuditError(
        "logo-refused", found, "Choose a PNG or JPEG picture of the logo.", where="logo"
    )
