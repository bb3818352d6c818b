"""Comparisons in the database, with files where they are done."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from auditapp import storage
from auditapp.models import Audit, Comparison, Dataset, Report, State
from auditapp.result import read, result_hash
from tests.factories import Team, make_draft


def make_comparison(first: Audit, second: Audit, **fields: Any) -> Comparison:
    """A comparison; a finished one has files."""
    values: dict[str, Any] = {"state": State.DONE, "title": "B against A", **fields}
    if values["state"] == State.DONE:
        values |= {"path": storage.folder_of("reports", uuid.uuid4()), "verdict": "difference"}
    number = Comparison.objects.filter(workspace=first.workspace).count() + 1
    row: Comparison = Comparison.objects.create(
        workspace=first.workspace, first=first, second=second, number=number, **values
    )
    if row.path:
        row.folder.mkdir(parents=True)
        (row.folder / "report.json").write_text(json.dumps({"sections": []}))
        for name in ("result.json", "tables.csv", "report.pdf"):
            (row.folder / name).write_bytes(b"{}")
    return row


def make_finished(team: Team, folder: Path, *, title: str, dataset: Dataset) -> Audit:
    """A finished audit with the result and the rows of a folder."""
    audit = make_draft(team, title=title, dataset=dataset)
    document = read(folder / "result.json")
    Audit.objects.filter(id=audit.id).update(
        state=State.DONE, plan=document["plan"], summary={}, finished_at=audit.created_at
    )
    report = Report.objects.create(
        audit=audit, result_hash=result_hash(document),
        path=storage.folder_of("reports", uuid.uuid4()),
    )  # fmt: skip
    shutil.copytree(folder, report.folder)
    audit.refresh_from_db()
    return audit
