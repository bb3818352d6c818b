"""How a table is to be read. Light enough for the web process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

DEFAULT_MARKS: tuple[str, ...] = ("", "?", "NA", "N/A", "#N/A", "NaN", "NULL", "<NA>")
"""Cells that stand for a missing value, compared after trimming and without regard to case."""

ENCODINGS: tuple[str, ...] = ("utf-8", "cp1252", "latin-1", "utf-16", "utf-32")
"""Encodings offered to the user; any text encoding Python knows is accepted."""

MAX_COLUMNS = 5_000

SMALLEST_IMAGE, IMAGE_SIZE, LARGEST_IMAGE = 32, 64, 224
"""Pixels a side that pictures are reduced to: the least, what is taken unasked, the most."""

Tick = Callable[..., None]
"""``tick(done, total, text)``: progress of a long step."""


def silent(*_args: object, **_extra: object) -> None:
    """Progress nobody listens to."""


@dataclass(frozen=True)
class ReadOptions:
    """How a table is to be read; ``None`` means detect.

    Parameters
    ----------
    delimiter, encoding, header, quote
        Declared by the user, or None. ``quote=""`` means no quoting.
    missing
        Cells that stand for a missing value.
    max_bytes
        Limit on the uploaded file.
    max_expanded, max_ratio
        Limits on a compressed file once unpacked; the ratio counts beyond 64 MiB.
    image_size
        Pixels a side that the pictures of an image set are reduced to.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    missing: tuple[str, ...] = DEFAULT_MARKS
    quote: str | None = None
    max_bytes: int = 4 << 30
    max_expanded: int = 16 << 30
    max_ratio: int = 200
    image_size: int = IMAGE_SIZE

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> ReadOptions:
        """Build options from JSON; unknown keys are ignored and blanks mean detect."""
        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in (data or {}).items() if k in known and v is not None}
        for name in ("delimiter", "encoding"):
            if values.get(name) == "":
                del values[name]
        if "missing" in values:
            values["missing"] = tuple(str(mark) for mark in values["missing"])
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as JSON."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**data, "missing": list(self.missing)}

    def marks(self) -> frozenset[str]:
        """Return every spelling of the missing marks: as given, lower, upper and title case."""
        spellings = set()
        for mark in self.missing:
            plain = mark.strip()
            spellings |= {plain, plain.lower(), plain.upper(), plain.title()}
        return frozenset(spellings)
