"""Sharing a report: its links, and its copies without small cells."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.errors import Errors, error_list, mark_invalid
from auditapp.forms.shares import CopyForm, ShareForm
from auditapp.models import Report
from auditapp.services import copies, shares
from auditapp.services.trail import report_downloaded
from auditapp.views.access import enter
from auditapp.views.reports import file_of

Json = dict[str, Any]


@sensitive_post_parameters("password")
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_shares(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The links of a report; a new one stands in this one answer and nowhere else."""
    found = _report(request, audit_id)
    if request.method != "POST":
        return _page(request, found, ShareForm())
    form = ShareForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            link, token = shares.share_create(report=found, user=request.user, **data)
        except AuditError as error:
            form.add_error(error.where if error.where in form.fields else None, str(error))
        else:
            url = request.build_absolute_uri(reverse("shared", args=[token]))
            return _page(request, found, ShareForm(), new={"link": link, "url": url})
    mark_invalid(form)
    return _page(request, found, form, errors=error_list(form), status=422)


@login_required
@never_cache
@require_safe
def report_copies(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The copies as a part of the page, which asks for it until they are made."""
    found = _report(request, audit_id)
    return render(request, "pages/shares_copies.html", _copies(found))


@login_required
@require_POST
def report_copy(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Have a copy made for downloads."""
    found = _report(request, audit_id)
    form = CopyForm(request.POST)
    errors = error_list(form) if not form.is_valid() else []
    if not errors:
        try:
            copies.copy_ensure(
                report=found, smallest=form.cleaned_data["smallest"], user=request.user
            )
        except AuditError as error:
            errors = [("", str(error))]
    if errors:
        return _page(request, found, ShareForm(), errors=errors, copy_form=form, status=422)
    return redirect(reverse("report-shares", args=[audit_id]) + "#copies")


@login_required
@require_POST
def share_revoke(request: HttpRequest, share_id: UUID) -> HttpResponse:
    """End a link."""
    link = selectors.share_get(user=request.user, id=share_id)
    shares.share_revoke(link=link, user=request.user)
    messages.success(
        request, _("The link {prefix}… opens nothing any more.").format(prefix=link.prefix)
    )
    return redirect("report-shares", link.report.audit_id)


@login_required
@require_safe
def copy_file(request: HttpRequest, audit_id: UUID, smallest: int, kind: str) -> FileResponse:
    """One of the files of a copy under a fixed name."""
    found = selectors.report_get(user=request.user, audit_id=audit_id)
    copy = selectors.copy_get(report=found, smallest=smallest)
    name = f"{found.audit.report_id}-below-{smallest}"
    response = file_of(copy.folder, kind, name=name)
    if request.method == "GET":
        report_downloaded(report=found, user=request.user, file=kind, cells_below=smallest)
    return response


def _report(request: HttpRequest, audit_id: UUID) -> Report:
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    enter(request, audit.workspace)
    return selectors.report_get(user=request.user, audit_id=audit_id)


def _page(
    request: HttpRequest,
    found: Report,
    form: ShareForm,
    *,
    errors: Errors | None = None,
    new: Json | None = None,
    copy_form: CopyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    links = list(selectors.shares_of(report=found))
    context = {
        "form": form,
        "copy_form": CopyForm() if copy_form is None else copy_form,
        "errors": errors if errors is not None else [],
        "new": new,
        "links": [link for link in links if link.works],
        "ended": [link for link in links if not link.works],
        **_copies(found),
    }
    return render(request, "pages/shares.html", context, status=status)


def _copies(found: Report) -> Json:
    made = list(selectors.copies_of(report=found))
    return {
        "audit": found.audit,
        "stored": found,
        "copies": made,
        "making": any(copy.is_open for copy in made),
    }
