"""The tables of one annex of a report, to be published beside a tool."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from auditapp import selectors
from auditapp.reports.sheets import sheet
from auditapp.services.trail import report_downloaded
from auditapp.views.reports import document_of


@login_required
@require_safe
def annex_csv(request: HttpRequest, audit_id: UUID, annex: str) -> HttpResponse:
    """Every table of an annex with exactly its columns."""
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    content = sheet(document_of(found.folder), annex)
    if content is None:
        raise Http404("This report has no such tables.")
    name = f"{found.audit.report_id}-{annex}.csv"
    if request.method == "GET":
        report_downloaded(report=found, user=request.user, file=f"{annex}.csv")
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response
