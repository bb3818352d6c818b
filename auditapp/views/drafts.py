"""Step 1 of a new audit: its files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.data import DataForm, ReadForm
from auditapp.forms.errors import Errors, error_list, mark_invalid, sentence
from auditapp.models import Audit, Dataset, ModelFile, State, UploadState, Workspace
from auditapp.services import audits, census, uploads
from auditapp.views.access import editing, enter
from auditapp.views.census import facts
from auditapp.views.joins import join_counts
from auditapp.views.roles import FORGOTTEN
from auditapp.views.steps import steps_of

Json = dict[str, Any]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_new(request: HttpRequest) -> HttpResponse:
    """Step 1 before anything is kept."""
    workspace = editing(request)
    form = _data_form(request, workspace)
    errors: Errors = []
    if request.method == "POST":
        if form.is_valid():
            try:
                dataset, model = _receive(request, workspace, form)
                audit = audits.audit_create(
                    workspace=workspace, user=request.user, dataset=dataset, model=model
                )
                return _done(request, reverse("audit-data", args=[audit.id]))
            except AuditError as error:
                errors = [("id_table", sentence(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    context = {"form": form, "errors": errors, "steps": steps_of(None, 1)}
    return render(request, "pages/audit_data.html", context, status=_status(errors))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_data(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Step 1 of a draft: the state of its files, and other files instead."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    if audit.state != State.DRAFT:
        return redirect("audit", audit.id)
    enter(request, audit.workspace)
    form = _data_form(request, audit.workspace, audit)
    errors: Errors = []
    if request.method == "POST":
        if form.is_valid():
            try:
                dataset, model = _receive(request, audit.workspace, form)
                _replace(request, audit, dataset, model)
                return _done(request, reverse("audit-data", args=[audit.id]))
            except AuditError as error:
                errors = [("id_table", sentence(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    return _data_page(request, audit, form, ReadForm(initial=_reading(audit)), errors)


@login_required
@require_safe
def audit_data_state(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The state of a draft's files, for polling; a full page load once they are settled."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    settled = all(upload.settled for upload in _uploads(audit))
    context = {"audit": audit, "waiting": not settled}
    response = render(request, "pages/audit_data_state.html", context)
    if settled:
        response["HX-Redirect"] = reverse("audit-data", args=[audit.id])
    return response


@login_required
@require_POST
def audit_data_reading(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Read the draft's table again with other options."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    reading = ReadForm(request.POST)
    errors: Errors = []
    if reading.is_valid() and audit.dataset is not None:
        try:
            uploads.dataset_reread(
                dataset=audit.dataset, options=reading.options(), user=request.user
            )
            if audit.state == State.DRAFT:
                audits.draft_save(audit=audit, step="data", data=forgotten(), user=request.user)
            return redirect("audit-data", audit.id)
        except AuditError as error:
            errors = [("reading", sentence(error))]
    errors = errors + error_list(reading)
    return _data_page(request, audit, _data_form(None, audit.workspace, audit), reading, errors)


def forgotten() -> Json:
    """Answers that belong to the columns of one table."""
    return dict(FORGOTTEN)


def _uploads(audit: Audit) -> list[Dataset | ModelFile]:
    return [upload for upload in (audit.dataset, audit.model) if upload is not None]


def _data_form(
    request: HttpRequest | None, workspace: Workspace, audit: Audit | None = None
) -> DataForm:
    user = request.user if request is not None else None
    posted = request is not None and request.method == "POST"
    datasets: list[Dataset] = []
    models: list[ModelFile] = []
    if user is not None:
        datasets = list(
            selectors.datasets_for(user=user, workspace=workspace, ready=True).defer("profile")
        )
        models = list(
            selectors.models_for(user=user, workspace=workspace, ready=True).defer("profile")
        )
    first: Json = {}
    if audit is not None:
        first["model"] = str(audit.model_id or "")
    elif request is not None:
        first["dataset"] = request.GET.get("dataset", "")
    return DataForm(
        request.POST if posted and request is not None else None,
        request.FILES if posted and request is not None else None,
        datasets=datasets,
        models=models,
        have_table=audit is not None and audit.dataset_id is not None,
        several=True,
        initial=first,
    )


def _receive(
    request: HttpRequest, workspace: Workspace, form: DataForm
) -> tuple[Dataset | None, ModelFile | None]:
    """Keep what was uploaded; a table and a model are kept both or neither."""
    data = form.cleaned_data
    dataset, model = data["dataset"], data["model"]
    new_table = None
    if len(form.tables) > 1:
        new_table = dataset = census.files_receive(
            workspace=workspace, user=request.user, files=form.tables
        )
    elif data.get("table"):
        new_table = dataset = uploads.dataset_receive(
            workspace=workspace, user=request.user, file=data["table"]
        )
    if data.get("model_file"):
        try:
            model = uploads.model_receive(
                workspace=workspace, user=request.user, file=data["model_file"]
            )
        except AuditError:
            if new_table is not None:
                uploads.dataset_delete(dataset=new_table, user=request.user)
            raise
    return dataset, model


def _replace(
    request: HttpRequest, audit: Audit, dataset: Dataset | None, model: ModelFile | None
) -> None:
    """Give the draft other files; answers about columns go when the table does.

    Where the table only gained columns the answers stay.
    """
    other = dataset is not None and dataset.id != audit.dataset_id
    more = dataset is not None and _gained(audit, dataset)
    data = forgotten() if other and not more else {}
    if model is not None and model.id != audit.model_id:
        data["model"] = {"kind": "upload"}
    audits.draft_save(
        audit=audit,
        step="data",
        data=data,
        user=request.user,
        dataset=dataset if other else audit.dataset,
        model=model,
        title=dataset.name if other and not more and dataset is not None else "",
    )


def _gained(audit: Audit, dataset: Dataset) -> bool:
    """Whether the table is the draft's own with columns joined, and its roles were given."""
    own = (dataset.joined or {}).get("first") == str(audit.dataset_id)
    return own and "roles" in audit.draft.get("steps", [])


def _reading(audit: Audit) -> dict[str, str]:
    if audit.dataset is None:
        return {}
    found = (audit.dataset.profile or {}).get("read") or {}
    return ReadForm.initial_of({**found, **audit.dataset.read_options})


def _data_page(
    request: HttpRequest, audit: Audit, form: DataForm, reading: ReadForm, errors: Errors
) -> HttpResponse:
    refused = [upload for upload in _uploads(audit) if upload.state == UploadState.REFUSED]
    title = ""
    if not errors and refused:
        errors = [
            (_anchor(upload), _named(upload, upload.error["message"]))
            for upload in refused
            if upload.error
        ]
        count = {1: _("One file was"), 2: _("Two files were")}[len(refused)]
        title = _("{count} refused.").format(count=count)
    context = {
        "audit": audit,
        "form": form,
        "reading": reading,
        "errors": errors,
        "errors_title": title,
        "steps": steps_of(audit, 1),
        "join": join_counts(audit.dataset),
        "census": facts(audit.dataset),
        "waiting": any(not upload.settled for upload in _uploads(audit)),
        "ready": audit.dataset is not None
        and all(upload.state == UploadState.READY for upload in _uploads(audit)),
    }
    return render(request, "pages/audit_data.html", context, status=_status(errors, title))


def _named(upload: Dataset | ModelFile, message: str) -> str:
    """The message, led by the file's name unless it says it."""
    name = upload.original_name
    return message if name in message else f"{name}: {message}"


def _anchor(upload: Dataset | ModelFile) -> str:
    return "refused-table" if isinstance(upload, Dataset) else "refused-model"


def _done(request: HttpRequest, url: str) -> HttpResponse:
    """Go on; an upload that a script sends reads the address from the answer."""
    if request.headers.get("X-Requested-With") == "upload":
        return HttpResponse(url, content_type="text/plain")
    return redirect(url)


def _status(errors: Errors, title: str = "") -> int:
    return 422 if errors and not title else 200
