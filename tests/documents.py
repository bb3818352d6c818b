"""What every section of a result document must be."""

from __future__ import annotations

import json
from typing import Any


def sound(section: dict[str, Any]) -> dict[str, Any]:
    """Return a section that is plain JSON without NaN or infinity."""
    return json.loads(json.dumps(section, allow_nan=False))
