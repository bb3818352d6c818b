"""What the command line need not say of an image set: its list says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.datasets.options import LARGEST_IMAGE, SMALLEST_IMAGE
from auditapp.headless.options import Options
from auditapp.plan import Split

Json = dict[str, Any]


def in_size(options: Options, *networks: Json | None) -> Options:
    """Read pictures in the size of the first network that looks at them."""
    sizes = [
        found["network"]["size"]
        for found in networks
        if found is not None and (found.get("network") or {}).get("size")
    ]
    if "image_size" in options.read or not sizes:
        return options
    size = min(max(sizes[0], SMALLEST_IMAGE), LARGEST_IMAGE)
    return replace(options, read={**options.read, "image_size": size})


def with_roles(options: Options, profile: Json) -> Options:
    """Take label, parts, people and weights from the columns of a manifest.

    What the command line says wins; pictures beside a table change nothing.
    """
    if profile["format"] != "images":
        return options
    roles = profile["images"]["roles"]
    found: Json = {}
    if options.label is None:
        found["label"] = roles["label"]
    if options.split == Split():
        found["split"] = Split(kind="column", column=roles["split"])
    if options.unit is None:
        found["unit"] = roles["unit"]
    if options.weight is None:
        found["weight"] = roles["weight"]
    return replace(options, **found)
