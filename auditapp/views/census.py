"""Census data sets: their task, and files loaded from the Census."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.folktables import catalogue
from auditapp.forms.census import MODES, OWN, LoadForm, TaskForm
from auditapp.forms.errors import Errors, error_list, mark_invalid, sentence
from auditapp.models import Audit, Dataset, State, UploadState
from auditapp.services import audits, census
from auditapp.views.access import editing, enter
from auditapp.views.joins import address, audit_asking, back
from auditapp.views.roles import FORGOTTEN

Json = dict[str, Any]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_task(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Choose a task for a Census table, or write one; a table of it is made."""
    first = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    audit = audit_asking(request, first)
    if first.state != UploadState.READY or not _tasks(first):
        return redirect(address("dataset-detail", first.id, audit=audit))
    enter(request, first.workspace)
    form = TaskForm(
        request.POST if request.method == "POST" else None,
        profile=first.profile,
        made=_made_before(first, audit),
    )
    errors: Errors = []
    if request.method == "POST":
        if form.is_valid() and form.task is not None:
            try:
                made = census.task_make(
                    first=first,
                    task=form.task,
                    how=form.how(),
                    left_out=form.left_out(),
                    user=request.user,
                )
                return _go_on(request, audit, made)
            except AuditError as error:
                errors = [("", sentence(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    context = {
        "first": first,
        "audit": audit,
        "form": form,
        "errors": errors,
        "tasks": _rows(form),
        "own": OWN,
        "modes": [{"slug": s, "words": w, "hint": h} for s, w, h in MODES],
        "census": facts(first),
        "here": address("dataset-task", first.id, audit=audit),
        "back": back(first, audit),
    }
    return render(request, "pages/dataset_task.html", context, status=422 if errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def census_load(request: HttpRequest) -> HttpResponse:
    """Ask for files of the Census; the host is looked at first."""
    workspace = editing(request)
    form = LoadForm(request.POST if request.method == "POST" else None)
    errors: Errors = []
    if request.method == "POST":
        trouble = census.host_trouble()
        if trouble:
            errors = [("", trouble)]
        elif form.is_valid():
            made = census.load_begin(workspace=workspace, wanted=form.wanted, user=request.user)
            audit = audits.audit_create(workspace=workspace, user=request.user, dataset=made)
            return redirect("audit-data", audit.id)
        errors = errors + error_list(form)
        mark_invalid(form)
    look = "look" in request.GET
    context = {
        "form": form,
        "errors": errors,
        "trouble": census.host_trouble(look=look, again=look),
    }
    return render(request, "pages/census_load.html", context, status=422 if errors else 200)


@login_required
@require_safe
def census_host(request: HttpRequest) -> HttpResponse:
    """Whether the Census host answers, with the form where it does: a part of the page."""
    editing(request)
    context = {"form": LoadForm(), "trouble": census.host_trouble()}
    return render(request, "pages/census_load_now.html", context)


@login_required
@require_POST
def dataset_again(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Try once more to load or to make what was refused."""
    found = selectors.dataset_get(user=request.user, id=dataset_id, edit=True)
    census.made_again(dataset=found, user=request.user)
    audit = audit_asking(request, found)
    if audit is not None:
        return redirect("audit-data", audit.id)
    return redirect("dataset-detail", found.id)


def facts(dataset: Dataset | None) -> Json | None:
    """What a Census table holds: years, states, people, households; None for any other."""
    profile = (dataset.profile or {}) if dataset is not None else {}
    survey = profile.get("survey") or {}
    if dataset is None or survey.get("record") is None:
        return None
    columns = {column["name"]: column for column in profile["columns"]}
    homes = columns.get(survey.get("household"))
    tasks = survey.get("tasks") or []
    made = dataset.made or {}
    return {
        "record": survey["record"],
        "years": survey["years"],
        "horizon": {"1-Year": "1 year", "5-Year": "5 years"}.get(survey["horizon"] or "", ""),
        "states": [state["name"] for state in survey["states"]],
        "rows": profile["rows"],
        "households": homes,
        "total": (survey.get("weights") or {}).get("total"),
        "replicates": len(survey["replicates"]),
        "weight": survey["weight"],
        "files": survey["files"] if len(survey["files"]) > 1 else [],
        "tasks": tasks,
        "computable": sum(task["computable"] for task in tasks),
        "task": profile.get("task"),
        "first": made.get("first"),
    }


def _go_on(request: HttpRequest, audit: Audit | None, made: Dataset) -> HttpResponse:
    """To the audit that asked, with the task's table as its own; else to the table."""
    if audit is None or audit.state != State.DRAFT:
        return redirect("dataset-detail", made.id)
    audits.draft_save(
        audit=audit,
        step="data",
        data=dict(FORGOTTEN),
        user=request.user,
        dataset=made,
        title=made.name,
    )
    return redirect("audit-data", audit.id)


def _tasks(dataset: Dataset) -> list[Json]:
    found: list[Json] = ((dataset.profile or {}).get("survey") or {}).get("tasks") or []
    return found


def _made_before(first: Dataset, audit: Audit | None) -> Json | None:
    """The task of the asking audit, where it is one of this table."""
    made = audit.dataset.made if audit is not None and audit.dataset is not None else None
    return made if made is not None and made.get("first") == str(first.id) else None


def _rows(form: TaskForm) -> list[Json]:
    """The eight tasks with what the table allows of each."""
    known = {task.name: task for task in catalogue()}
    chosen = form["choice"].value()
    return [
        {
            **state,
            "id": f"id_choice_{i}",
            "target": known[state["name"]].target,
            "filter": known[state["name"]].filter,
            "features": len(known[state["name"]].features) - _lost(known[state["name"]], state),
            "possible": state["computable"] or state["reduced"],
            "checked": chosen == state["name"],
        }
        for i, state in enumerate(form.states)
    ]


def _lost(task: Any, state: Json) -> int:
    return len(set(state["missing"]) & set(task.features))
