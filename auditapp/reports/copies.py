"""Making the copy of a report that leaves small cells out; runs in a child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditapp import result, signing
from auditapp.reports.build import build
from auditapp.reports.suppress import suppress


def make(payload: dict[str, Any], tick: Callable[..., None]) -> dict[str, Any]:
    """Write the files of a copy.

    Parameters
    ----------
    payload
        ``result``: the whole result document; ``out``: folder to write to; ``smallest``: cells
        of fewer people are suppressed; ``signing_key``: private key of the installation.

    Returns
    -------
    dict
        ``{"hash", "pages", "status"}`` of the copy.
    """
    out = Path(payload["out"])
    out.mkdir(parents=True, exist_ok=True)
    whole = result.read(Path(payload["result"]))
    document = suppress(whole, int(payload["smallest"]))
    key = payload["signing_key"]
    document["run"] = {**(document.get("run") or {}), "signed_with": signing.id_of(key)}
    result.write(document, out / "result.json")
    made = build(document, out, tick, key=key)
    status = str(document["run"].get("status") or "draft")
    return {"hash": made["hash"], "pages": made["pages"], "status": status}
