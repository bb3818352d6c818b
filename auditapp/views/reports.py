"""A finished report: its page and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from auditapp import selectors
from auditapp.models import State
from auditapp.reports import sheets
from auditapp.services.finals import edition_unwritten
from auditapp.services.trail import report_downloaded
from auditapp.views.access import enter, may_edit
from auditapp.views.rules import has_rules

FILES = {
    "pdf": ("report.pdf", "application/pdf", "pdf"),
    "json": ("result.json", "application/json", "json"),
    "csv": ("tables.csv", "text/csv; charset=utf-8", "csv"),
}


@login_required
@require_safe
def report(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The report as a page; nothing is computed here.

    templates/report/body.html gets `document` (report.json) and `folder` (with charts/).
    """
    audit = selectors.audit_get(user=request.user, id=audit_id)
    if audit.state != State.DONE:
        return redirect("audit", audit.id)
    enter(request, audit.workspace)
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    document = document_of(found.folder)
    context: dict[str, Any] = {
        "audit": audit,
        "stored": found,
        "edit": may_edit(request, audit.workspace),
        "document": document,
        "sheets": sheets.annexes(document),
        "folder": found.folder,
        "rules": has_rules(found),
        "edition": edition_unwritten(report=found),
    }
    return render(request, "pages/report.html", context)


@login_required
@require_safe
def report_file(request: HttpRequest, audit_id: UUID, kind: str) -> FileResponse:
    """One of the report's files under a fixed name."""
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    response = file_of(found.folder, kind, name=found.audit.report_id)
    if request.method == "GET":
        report_downloaded(report=found, user=request.user, file=kind)
    return response


def file_of(folder: Path, kind: str, *, name: str) -> FileResponse:
    """One of the files of a report or of a copy, to be kept under a fixed name."""
    stored, content_type, suffix = FILES[kind]
    try:
        handle = (folder / stored).open("rb")
    except FileNotFoundError as error:
        raise Http404("This report has no such file.") from error
    response = FileResponse(
        handle, as_attachment=True, filename=f"{name}.{suffix}", content_type=content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def document_of(folder: Path) -> Any:
    """The blocks of a report or of a copy."""
    try:
        return json.loads((folder / "report.json").read_bytes())
    except FileNotFoundError as error:
        raise Http404("The files of this report are gone.") from error
