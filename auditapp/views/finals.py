"""Making a report final: the question, the writing of its files, and the signature."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from auditapp import selectors, signing
from auditapp.errors import AuditError
from auditapp.models import Edition, Report, ReportStatus, State
from auditapp.services import finals
from auditapp.services.trail import report_downloaded
from auditapp.views.access import enter


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_final(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Ask, then have the final edition written; meanwhile say how far it is."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    enter(request, audit.workspace)
    report = selectors.report_get(user=request.user, audit_id=audit.id)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            _post(request, report)
        except AuditError as error:
            errors = [("", str(error))]
        else:
            return redirect("report-final", audit.id)
    unwritten = finals.edition_unwritten(report=report)
    if not errors and unwritten is None and report.status != ReportStatus.DRAFT:
        return _onward(request, report)
    context: dict[str, Any] = {
        "audit": audit,
        "report": report,
        "edition": unwritten,
        "errors": errors,
    }
    if request.headers.get("HX-Request") and unwritten is not None:
        return render(request, "pages/report_final_now.html", context)
    if unwritten is None:
        context["blockers"] = finals.final_blockers(report=report)
        context["earlier"] = finals.final_earlier(audit=audit)
        context["later"] = finals.final_later(audit=audit)
    return render(request, "pages/report_final.html", context, status=409 if errors else 200)


@login_required
@require_safe
def report_signature(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """What this installation signed of the files, with the PDF among them."""
    report = selectors.report_get(user=request.user, audit_id=audit_id)
    if report.signature is None:
        raise Http404("This report was written before reports were signed.")
    if request.method == "GET":
        report_downloaded(report=report, user=request.user, file="signature")
    response = HttpResponse(signing.written(report.signature), content_type="application/json")
    name = f"{report.audit.report_id}.sig.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _post(request: HttpRequest, report: Report) -> None:
    unwritten = finals.edition_unwritten(report=report)
    if unwritten is not None and unwritten.state == State.FAILED:
        finals.edition_again(edition=unwritten, user=request.user)
        return
    finals.report_finalise(
        report=report, user=request.user, supersede=request.POST.get("supersede") != "no"
    )


def _onward(request: HttpRequest, report: Report) -> HttpResponse:
    address = reverse("report", args=[report.audit_id])
    latest = Edition.objects.filter(report=report).order_by("-created_at").first()
    if request.headers.get("HX-Request"):
        if latest is not None and latest.by_id == request.user.pk:
            messages.success(request, gettext("The report is final."))
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return redirect(address)
