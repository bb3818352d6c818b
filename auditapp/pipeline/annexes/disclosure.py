"""Numbers of the template: Facts for disclosure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.pipeline.audited import Audited


def run(
    audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What the annex shows."""
    return {}
