"""Data sets and models that are here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.datasets.replicates import families
from auditapp.errors import AuditError
from auditapp.forms.data import ReadForm
from auditapp.forms.errors import Errors, error_list
from auditapp.models import Dataset, ModelFile
from auditapp.services import uploads
from auditapp.views.access import enter, may_edit, workspace_of
from auditapp.views.census import facts
from auditapp.views.joins import audit_asking, join_counts


@login_required
@require_safe
def data_list(request: HttpRequest) -> HttpResponse:
    """Tables and models of the current workspace."""
    workspace = workspace_of(request)
    context = {
        "datasets": selectors.datasets_for(user=request.user, workspace=workspace).defer("profile")
        if workspace is not None
        else [],
        "models": selectors.models_for(user=request.user, workspace=workspace)
        if workspace is not None
        else [],
        "edit": may_edit(request, workspace),
    }
    return render(request, "pages/data_list.html", context)


@login_required
@require_safe
def dataset_detail(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Profile of a table."""
    found = selectors.dataset_get(user=request.user, id=dataset_id)
    return _dataset_page(request, found, None, [])


@login_required
@require_POST
def dataset_reading(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Read the table again with other options."""
    found = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    form = ReadForm(request.POST)
    errors: Errors = []
    if form.is_valid():
        try:
            uploads.dataset_reread(dataset=found, options=form.options(), user=request.user)
            return redirect("dataset-detail", found.id)
        except AuditError as error:
            errors = [("reading", str(error))]
    return _dataset_page(request, found, form, errors + error_list(form))


def _dataset_page(
    request: HttpRequest, found: Dataset, reading: ReadForm | None, errors: Errors
) -> HttpResponse:
    enter(request, found.workspace)
    profile = found.profile or {}
    if reading is None:
        options = {**(profile.get("read") or {}), **found.read_options}
        reading = ReadForm(initial=ReadForm.initial_of(options))
    edit = may_edit(request, found.workspace)
    join = join_counts(found)
    notices = [
        notice
        for notice in profile.get("notices") or []
        if join is None or not notice["code"].startswith("join")
    ]
    replicates = families(profile.get("columns") or [])
    context = {
        "dataset": found,
        "profile": profile,
        "families": replicates,
        "apart": {name for family in replicates for name in family.names},
        "reading": reading,
        "errors": errors,
        "edit": edit,
        "join": join,
        "census": facts(found),
        "notices": notices,
        "asking": audit_asking(request, found) if edit else None,
        "audits": found.audits.defer("draft", "plan").order_by("-created_at")[:20],
    }
    return render(request, "pages/dataset_detail.html", context, status=422 if errors else 200)


@login_required
@require_safe
def model_detail(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """What an uploaded model is."""
    found = selectors.model_get(user=request.user, id=model_id)
    enter(request, found.workspace)
    context = {
        "model": found,
        "profile": found.profile or {},
        "edit": may_edit(request, found.workspace),
        "audits": found.audits.defer("draft", "plan").order_by("-created_at")[:20],
    }
    return render(request, "pages/model_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_delete(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Ask, then delete a table with its files."""
    found = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    return _delete(request, found, _("data set"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_delete(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """Ask, then delete a model with its file."""
    found = selectors.model_get(user=request.user, id=model_id, edit=True)
    return _delete(request, found, "model")


def _delete(request: HttpRequest, found: Dataset | ModelFile, kind: str) -> HttpResponse:
    errors: Errors = []
    if request.method == "POST":
        try:
            if isinstance(found, Dataset):
                uploads.dataset_delete(dataset=found, user=request.user)
            else:
                uploads.model_delete(model=found, user=request.user)
        except AuditError as error:
            errors = [("", str(error))]
        else:
            messages.success(
                request, _("The {kind} “{name}” is deleted.").format(kind=kind, name=found.name)
            )
            return redirect("data-list")
    context: dict[str, Any] = {
        "upload": found,
        "kind": kind,
        "errors": errors,
        "back": "dataset-detail" if isinstance(found, Dataset) else "model-detail",
    }
    return render(request, "pages/upload_delete.html", context, status=409 if errors else 200)
