"""Two audits against each other without a web application."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditapp import delivery, result, sandbox
from auditapp.errors import AuditError
from auditapp.pipeline import kept

Json = dict[str, Any]
Say = Callable[[Json], None]


@dataclass(frozen=True)
class Request:
    """What the command line said; an audit is a folder of `audit --keep`, or a result document."""

    first: Path
    second: Path
    out: Path
    pdf: Path | None = None
    csv: Path | None = None
    mode: str = "auto"
    title: str = ""


def run(request: Request, say: Say | None = None) -> result.Document:
    """Compare two audits and write the document, and PDF and table if asked for.

    Raises
    ------
    AuditError
        The two cannot be compared; nothing was written.
    """
    sides = {"first": _side(request.first), "second": _side(request.second)}
    targets = {"--out": request.out, "--pdf": request.pdf, "--csv": request.csv}
    wanted = {option: path for option, path in targets.items() if path is not None}
    inputs = {f"the {name} audit": Path(side["result"]) for name, side in sides.items()}
    delivery.check(wanted, inputs)
    with tempfile.TemporaryDirectory(prefix="evenhand-") as scratch:
        work = Path(scratch)
        sandbox.run_child(
            "auditapp.comparison.build:make",
            {
                **sides,
                "out": str(work / "out"),
                "mode": request.mode,
                "report": request.pdf is not None or request.csv is not None,
                "run": {
                    "date": datetime.now(UTC).isoformat(timespec="seconds"),
                    "title": request.title,
                },
            },
            workdir=work,
            limits=sandbox.Limits.trusted("The comparison"),
            isolated=False,
            on_progress=say,
        )
        names = {"--out": "result.json", "--pdf": "report.pdf", "--csv": "tables.csv"}
        delivery.put({path: work / "out" / names[option] for option, path in wanted.items()})
    return result.read(request.out)


def _side(path: Path) -> Json:
    folder = path.is_dir()
    document = path / "result.json" if folder else path
    if not document.is_file():
        raise AuditError(
            "no-file",
            f"There is no result document at “{document}”.",
            "Name the folder that audit --keep wrote, or the JSON of audit --out.",
        )
    rows = path if folder and (path / kept.ROWS).is_file() else None
    return {
        "result": str(document.resolve()),
        "rows": None if rows is None else str(rows.resolve()),
    }
