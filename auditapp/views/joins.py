"""Joining a second table to one that is here: which, by what, and what came of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.data import DataForm
from auditapp.forms.errors import Errors, error_list, mark_invalid, sentence
from auditapp.forms.joins import JoinForm
from auditapp.models import Audit, Dataset, State, UploadState
from auditapp.services import joins, uploads
from auditapp.views.access import enter

Json = dict[str, Any]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_join(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Choose the table that is to be joined, or upload it."""
    first = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    audit = audit_asking(request, first)
    if first.state != UploadState.READY:
        return redirect(address("dataset-detail", first.id, audit=audit))
    enter(request, first.workspace)
    posted = request.method == "POST"
    others = selectors.datasets_for(user=request.user, workspace=first.workspace, ready=True)
    form = DataForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        datasets=list(others.exclude(id=first.id).defer("profile")),
        models=[],
    )
    errors: Errors = []
    if posted:
        if form.is_valid():
            try:
                second = _second(request, first, form)
                url = address("dataset-join-columns", first.id, second.id, audit=audit)
                if request.headers.get("X-Requested-With") == "upload":
                    return HttpResponse(url, content_type="text/plain")
                return redirect(url)
            except AuditError as error:
                errors = [("id_table", sentence(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    context = {
        "first": first,
        "form": form,
        "errors": errors,
        "here": address("dataset-join", first.id, audit=audit),
        "back": back(first, audit),
    }
    return render(request, "pages/dataset_join.html", context, status=422 if errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_join_columns(request: HttpRequest, dataset_id: UUID, other_id: UUID) -> HttpResponse:
    """Choose by which columns the two tables are joined, once the second is ready."""
    first = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    second = selectors.dataset_get(user=request.user, id=other_id, edit=True)
    if first.workspace_id != second.workspace_id or first.id == second.id:
        raise Http404("These two tables cannot be joined.")
    audit = audit_asking(request, first)
    if first.state != UploadState.READY:
        return redirect(address("dataset-detail", first.id, audit=audit))
    enter(request, first.workspace)
    here = address("dataset-join-columns", first.id, second.id, audit=audit)
    context: Json = {
        "first": first,
        "second": second,
        "here": here,
        "back": address("dataset-join", first.id, audit=audit),
    }
    if second.state != UploadState.READY or getattr(request, "htmx", False):
        return _not_ready(request, context)
    form = JoinForm(
        request.POST if request.method == "POST" else None,
        first=first.profile,
        second=second.profile,
        names=(first.original_name, second.original_name),
        again=joins.joined_before(first=first, second=second),
    )
    errors: Errors = []
    if request.method == "POST":
        if form.is_valid():
            try:
                made = joins.dataset_join(
                    first=first, second=second, user=request.user, **form.how()
                )
                return redirect(address("dataset-detail", made.id, audit=audit))
            except AuditError as error:
                errors = [("", sentence(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    context |= {"form": form, "errors": errors, "boxes": _boxes(form)}
    status = 422 if errors else 200
    return render(request, "pages/dataset_join_columns.html", context, status=status)


def audit_asking(request: HttpRequest, dataset: Dataset) -> Audit | None:
    """The draft that the joined table is for, where the address names one."""
    key = request.GET.get("audit", "")
    if not key:
        return None
    try:
        found = selectors.audit_get(user=request.user, id=UUID(key), edit=True)
    except ValueError as error:
        raise Http404("There is no such audit.") from error
    same = found.workspace_id == dataset.workspace_id and found.state == State.DRAFT
    return found if same else None


def address(name: str, *keys: UUID, audit: Audit | None) -> str:
    """An address that keeps the draft in mind."""
    url = reverse(name, args=keys)
    return url if audit is None else f"{url}?{urlencode({'audit': audit.id})}"


def back(dataset: Dataset, audit: Audit | None) -> str:
    """Where the person came from."""
    if audit is not None:
        return reverse("audit-data", args=[audit.id])
    return reverse("dataset-detail", args=[dataset.id])


def join_counts(dataset: Dataset | None) -> Json | None:
    """What became of the rows of both tables when this one was made; None for any other."""
    joined = dataset.joined if dataset is not None else None
    done = (dataset.profile or {}).get("joins") if dataset is not None else None
    if joined is None or not done:
        return None
    counts = done[-1]
    one, other = counts["first"], counts["second"]
    rows = [
        (_("Rows"), one["rows"], other["rows"]),
        (_("Found their row in the other"), one["matched"], other["matched"]),
        (_("of these, with the id of an earlier row"), one["shared"], None),
        (_("Without a row in the other"), one["unmatched"], other["unmatched"]),
        (_("Without an id"), one["blank"], other["blank"]),
        (_("With the id of an earlier row: not used"), None, other["duplicates"]),
    ]
    return {
        **counts,
        "names": joined["names"],
        "table": [row for i, row in enumerate(rows) if i < 2 or row[1] or row[2]],
        "lone": one["unmatched"] + one["blank"],
        "added": list(counts["columns"].items()),
    }


def _second(request: HttpRequest, first: Dataset, form: DataForm) -> Dataset:
    """The table that was chosen, or the one that was sent."""
    if not form.cleaned_data.get("table"):
        found: Dataset = form.cleaned_data["dataset"]
        return found
    return uploads.dataset_receive(
        workspace=first.workspace, user=request.user, file=form.cleaned_data["table"]
    )


def _not_ready(request: HttpRequest, context: Json) -> HttpResponse:
    """The state of the second table; the browser is sent on once it is ready."""
    second: Dataset = context["second"]
    if getattr(request, "htmx", False):
        response = render(request, "pages/dataset_join_state.html", context)
        if second.settled:
            response["HX-Redirect"] = context["here"]
        return response
    errors: Errors = []
    if second.state == UploadState.REFUSED and second.error:
        errors = [("refused-table", second.error["message"])]
    context |= {"errors": errors, "waiting": not second.settled}
    return render(request, "pages/dataset_join_columns.html", context)


def _boxes(form: JoinForm) -> list[Json]:
    """Columns to add as boxes; the id comes along by itself."""
    chosen = set(form["columns"].value() or [])
    return [
        {"id": f"id_columns_{i}", "column": column, "checked": column["name"] in chosen}
        for i, column in enumerate(form.second["columns"])
    ]
