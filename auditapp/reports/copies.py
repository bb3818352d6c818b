"""Making the copy of a report that leaves small cells out; runs in a child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditapp import result
from auditapp.reports.build import build
from auditapp.reports.suppress import suppress


def make(payload: dict[str, Any], tick: Callable[..., None]) -> dict[str, Any]:
    """Write the files of a copy.

    Parameters
    ----------
    payload
        ``result``: the whole result document; ``out``: folder to write to; ``smallest``: cells
        of fewer people are suppressed.

    Returns
    -------
    dict
        ``{"hash", "pages", "status"}`` of the copy.
    """
    out = Path(payload["out"])
    out.mkdir(parents=True, exist_ok=True)
    whole = result.read(Path(payload["result"]))
    document = suppress(whole, int(payload["smallest"]))
    result.write(document, out / "result.json")
    made = build(document, out, tick)
    status = str((document.get("run") or {}).get("status") or "draft")
    return {"hash": made["hash"], "pages": made["pages"], "status": status}
