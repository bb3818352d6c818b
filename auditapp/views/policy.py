"""Step 3 of a new audit: policy and words; on to the remedies, or a start without any."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from auditapp import selectors
from auditapp.datasets.sizes import group_sizes
from auditapp.errors import AuditError
from auditapp.forms.annexes import AnnexesForm, titles
from auditapp.forms.errors import Errors, error_list, mark_invalid
from auditapp.forms.kinds import BINARY, ROLES, estimator_words, kind_of, kind_words
from auditapp.forms.policy import PolicyForm
from auditapp.forms.remedy_needs import offered
from auditapp.models import Audit, State
from auditapp.services import audits
from auditapp.services.reports import report_before
from auditapp.views.access import enter
from auditapp.views.steps import reached, steps_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_policy(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Goal, limits and words; goes on to the remedies, or starts the audit without any."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    if audit.state != State.DRAFT:
        return redirect("audit", audit.id)
    if reached(audit) < 3 or audit.dataset is None:
        return redirect("audit-roles" if reached(audit) == 2 else "audit-data", audit.id)
    enter(request, audit.workspace)
    form = PolicyForm(
        request.POST if request.method == "POST" else None,
        draft=_draft(request, audit),
        profile=audit.dataset.profile,
        title=_title(audit),
        model_format=_format(audit),
    )
    annexes = AnnexesForm(
        request.POST if request.method == "POST" else None,
        draft=audit.draft,
        profile=audit.dataset.profile,
    )
    errors: Errors = []
    if request.method == "POST":
        # Both are looked at, so that one page names every error.
        if all([form.is_valid(), annexes.is_valid()]):
            audits.draft_save(
                audit=audit,
                step="policy",
                data={**form.draft_data(), **annexes.draft_data()},
                user=request.user,
                title=form.cleaned_data["title"],
            )
            action = request.POST.get("action")
            if action == "save":
                return redirect("audit-policy", audit.id)
            try:
                audits.draft_check(audit=audit)
                if action == "continue":
                    return redirect("audit-remedies", audit.id)
                none = {"methods": [], "protect": None, "immutable": []}
                audits.draft_save(audit=audit, step="policy", data=none, user=request.user)
                audits.audit_start(audit=audit, user=request.user)
                return redirect("audit-progress", audit.id)
            except AuditError as error:
                of = annexes if error.where in annexes.fields else form
                if error.where in of.fields:
                    of.add_error(error.where, str(error))
                else:
                    errors = [("", str(error))]
        errors = errors + error_list(form, annexes)
        mark_invalid(form)
        mark_invalid(annexes)
    context = {
        "audit": audit,
        "form": form,
        "annexes": annexes,
        "errors": errors,
        "before": report_before(audit=audit) if form.kind == BINARY else None,
        "references": [form[name] for name in form.fields if name.startswith("reference-")],
        "summary": summary(audit),
        "remedies": offered(audit.draft),
        "steps": steps_of(audit, 3),
    }
    return render(request, "pages/audit_policy.html", context, status=422 if errors else 200)


def _format(audit: Audit) -> str | None:
    """The format of the uploaded model that is audited."""
    profile = audits.model_profile(audit)
    return None if profile is None else profile.get("format")


def _title(audit: Audit) -> str:
    """The audit's title; for one that is still called like its file, what the data suggest."""
    if audit.dataset is None or audit.title != audit.dataset.name:
        return audit.title
    about = audits.guessed(audit.dataset).get("about") or {}
    return about.get("title") or audit.title


def _draft(request: HttpRequest, audit: Audit) -> dict[str, Any]:
    """The draft, with who prepares it and what the data say filled in the first time."""
    draft = dict(audit.draft)
    if "policy" in draft.get("steps", []) or draft.get("about"):
        return draft
    about = audits.guessed(audit.dataset).get("about") or {}
    recognised = ((audit.dataset and audit.dataset.profile) or {}).get("recognised") or {}
    draft["about"] = {
        "prepared_by": f"{request.user}, {audit.workspace.name}",
        "system": audit.model.name if audit.model is not None else "",
        "outcome": about.get("outcome") or "",
        "period": str(recognised.get("year") or ""),
    }
    return draft


def summary(audit: Audit) -> list[dict[str, str]]:
    """What the earlier steps said, with the page to change it on."""
    draft = audit.draft
    data = reverse("audit-data", args=[audit.id])
    roles = reverse("audit-roles", args=[audit.id])
    dataset = audit.dataset
    rows = [
        {
            "term": _("Data"),
            "words": _("{name}, {rows:,} rows").format(name=dataset.name, rows=dataset.rows)
            if dataset is not None
            else "",
            "url": data,
        },
        {"term": _("Outcome"), "words": kind_words(draft.get("outcome", BINARY)), "url": roles},
        {"term": _("Decisions"), "words": _source(audit), "url": roles},
    ]
    words_of = ROLES[kind_of(draft.get("outcome"))]
    for role in ("label", "decision", "gold", "query"):
        words = _named(draft.get(role))
        if words and role in words_of:
            rows.append({"term": words_of[role], "words": words, "url": roles})
    others = draft.get("references")
    if others:
        words = _named({**others, "column": ", ".join(others["columns"])})
        rows.append({"term": _("References"), "words": words, "url": roles})
    weights = draft.get("weights")
    if weights and "weight" in words_of:
        n = len(weights.get("replicates") or [])
        with_them = _(", {n} replicate weights").format(n=n) if n else _(", no replicate weights")
        rows.append(
            {"term": words_of["weight"], "words": f"{weights['column']}{with_them}", "url": roles}
        )
    columns = {c["name"]: c for c in ((dataset and dataset.profile) or {}).get("columns") or []}
    specs = [(spec["title"], spec) for spec in draft.get("attributes") or []]
    specs += [(words_of[r], draft[r]) for r in ("site", "control") if draft.get(r)]
    for term, spec in specs:
        column = columns.get(spec["column"])
        n = len(group_sizes(column, spec)) if column is not None else 0
        words = f"{spec['column']}, {n} {'group' if n == 1 else 'groups'}"
        rows.append({"term": term, "words": words, "url": roles})
    return rows


def policy_summary(audit: Audit) -> list[dict[str, str]]:
    """What all steps up to the third said."""
    found = titles(audit.draft.get("templates"))
    url = reverse("audit-policy", args=[audit.id])
    rows = [{"term": _("Annexes"), "words": found, "url": url}] if found else []
    return [*summary(audit), *rows]


def _named(item: Any) -> str:
    """A column, and which of its values are favourable."""
    if not item:
        return ""
    if isinstance(item, str):
        return item
    values = ", ".join(item.get("favourable") or [])
    return (
        _("{column}; favourable: {values}").format(column=item["column"], values=values)
        if values
        else str(item["column"])
    )


def _source(audit: Audit) -> str:
    model = audit.draft.get("model") or {}
    kind = model.get("kind")
    if kind == "train":
        words = estimator_words(model.get("estimator"))
        given = {"feature", "sensitive"} if audit.draft.get("sensitive_features") else {"feature"}
        n = sum(role in given for role in audit.draft.get("roles", {}).values())
        return _("{words}, trained on {n} {maybe}").format(
            words=words, n=n, maybe=_("column") if n == 1 else _("columns")
        )
    if kind == "columns":
        score, decision = audit.draft.get("score"), audit.draft.get("decision")
        if decision and score:
            return _("Decision column; the score column {column} is described").format(
                column=score["column"]
            )
        if not score:
            return _("Decision column")
        return _("Score column {column}").format(column=score["column"])
    return audit.model.name if audit.model is not None else _("Uploaded model")
