"""Keeping what a finished run wrote."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction

from auditapp import storage
from auditapp.models import Audit, Report, SharedCopy
from auditapp.services.finals import draft_edition


def report_before(*, audit: Audit) -> Report | None:
    """The report of the audit that this one repeats; one that ended without is passed over."""
    seen = {audit.pk}
    earlier = audit.previous
    while earlier is not None and earlier.pk not in seen:
        found = Report.objects.filter(audit=earlier).select_related("audit").first()
        if found is not None:
            return found
        seen.add(earlier.pk)
        earlier = earlier.previous
    return None


def report_remove_files(*, report: Report) -> None:
    """Delete the folders of a report and of its copies once the transaction stands."""
    copies = SharedCopy.objects.filter(report=report).exclude(path="")
    for path in (report.path, *copies.values_list("path", flat=True)):
        transaction.on_commit(partial(storage.remove, path))


def report_store(*, audit: Audit, outcome: dict[str, Any], out: Path) -> Report:
    """Move the folder to its place and note it; inside the transaction that ends the run.

    A crash between the move and the commit leaves a folder no row names: sweep deletes it.
    """
    for old in Report.objects.filter(audit=audit):
        report_remove_files(report=old)
        old.delete()
    key = uuid.uuid4()
    path = storage.folder_of("reports", key)
    target = storage.absolute(path)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    out.replace(target)
    report = Report.objects.create(
        id=key,
        audit=audit,
        result_hash=outcome["hash"],
        path=path,
        pages=outcome.get("pages"),
        pdf_hash=outcome.get("pdf_hash") or "",
        signature=outcome.get("signature"),
    )
    draft_edition(report=report, outcome=outcome)
    return report
