"""Ask a child of this machine what isolates it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from auditapp.errors import AuditError
from auditapp.sandbox.limits import Limits
from auditapp.sandbox.run import run_child, unisolated_allowed

SECONDS = 30.0


def isolation() -> dict[str, Any]:
    """What an isolated child finds to hold here, for `doctor` and the status page.

    Returns
    -------
    dict
        ``network`` in ``namespace | seccomp | none``; ``calls`` in ``seccomp | none`` (starting
        programs and processes, Unix sockets); ``files`` in ``landlock | none``; ``landlock_abi``;
        ``accepted``, whether uploaded models run here; ``allowed_by_setting``.
    """
    allowed = unisolated_allowed()
    limits = Limits.model(what="The isolation probe", wall=SECONDS).but(strict=False)
    try:
        with tempfile.TemporaryDirectory(prefix="evenhand-probe-") as folder:
            held: dict[str, Any] = run_child(
                "auditapp.sandbox.probe:report",
                {},
                workdir=Path(folder),
                limits=limits,
                isolated=True,
            )
    except (AuditError, OSError):
        held = {"network": "none", "calls": "none", "files": "none", "landlock_abi": 0}
    return {
        **held,
        "accepted": held["network"] != "none" or allowed,
        "allowed_by_setting": allowed,
    }


def report(payload: dict[str, Any], tick: Any) -> dict[str, Any]:
    """In the child: pass on what `lock_down` verified."""
    found: dict[str, Any] = payload["isolation"]
    return found
