"""The list of audits, and what a new workspace shows instead."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_safe

from auditapp import schedule_selectors, selectors
from auditapp.models import Audit, State, UploadState, Workspace
from auditapp.services.quotas import usage
from auditapp.templatetags.ui import strip_scale
from auditapp.views.access import may_edit, workspace_of
from auditapp.views.schedule_rows import health_words, schedule_row

TABS = {
    "all": (gettext_lazy("All"), Q()),
    "difference": (
        gettext_lazy("Difference found"),
        Q(summary__verdict="difference", state=State.DONE),
    ),
    "running": (gettext_lazy("Running"), Q(state__in=[State.QUEUED, State.RUNNING])),
    "attention": (
        gettext_lazy("Needs attention"),
        Q(state=State.FAILED)
        | Q(state=State.DRAFT, dataset__state=UploadState.REFUSED)
        | Q(state=State.DRAFT, model__state=UploadState.REFUSED),
    ),
}
HEAVY = ("draft", "plan", "dataset__profile", "model__profile", "dataset__read_options")
PER_PAGE = 50


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Audits of the current workspace."""
    workspace = workspace_of(request)
    edit = may_edit(request, workspace)
    found = selectors.audits_for(user=request.user, workspace=workspace)
    counts = found.order_by().aggregate(
        **{slug: Count("id", filter=q, distinct=True) for slug, (_, q) in TABS.items() if q},
        all=Count("id", distinct=True),
    )
    if workspace is None or counts["all"] == 0:
        return _first_run(request, workspace, edit)
    tab = request.GET.get("show", "all")
    tab = tab if tab in TABS else "all"
    search = request.GET.get("find", "").strip()[:100]
    shown = selectors.audits_for(user=request.user, workspace=workspace, search=search)
    page = Paginator(shown.filter(TABS[tab][1]).defer(*HEAVY), PER_PAGE).get_page(
        request.GET.get("page")
    )
    audits = list(page.object_list)
    context = {
        "audits": [_row(audit) for audit in audits],
        "scale": strip_scale([g for a in audits if (g := _largest(a)) and not g.get("amount")]),
        "tabs": [
            {"slug": slug, "words": words, "count": counts[slug], "current": slug == tab}
            for slug, (words, _) in TABS.items()
        ],
        "page": page,
        "tab": tab,
        "search": search,
        "edit": edit,
        "sentence": _sentence(counts),
        "installation": installation(),
        "systems": _systems(found) if not _is_fragment(request) else [],
        **_around(request, workspace),
        "polling": any(audit.is_open for audit in audits),
    }
    template = "pages/home_list.html" if _is_fragment(request) else "pages/home.html"
    return render(request, template, context)


def installation() -> list[dict[str, Any]]:
    """What works here; looked at every ten seconds at most."""
    found: list[dict[str, Any]] = cache.get_or_set(
        "installation", selectors.installation_status, 10
    )
    return found


def _first_run(request: HttpRequest, workspace: Workspace | None, edit: bool) -> HttpResponse:
    context = {
        "installation": installation(),
        "example": selectors.example_report(user=request.user),
        "edit": edit,
        "no_workspace": workspace is None,
    }
    return render(request, "pages/first_run.html", context)


MOST_SYSTEMS = 6


def _systems(found: QuerySet[Audit]) -> list[dict[str, Any]]:
    """Systems under audit with their latest verdict, those with a difference first."""
    done = found.filter(state=State.DONE).order_by("-finished_at").prefetch_related(None)
    rows = done.select_related(None).values(
        "id", "title", "finished_at", "summary", "plan__about__system"
    )
    latest: dict[str, dict[str, Any]] = {}
    for row in rows[:300]:
        name = (row["plan__about__system"] or "").strip()
        if not name:
            continue
        kept = latest.setdefault(name, {"name": name, "audit": row, "count": 0})
        kept["count"] += 1
    order = sorted(
        latest.values(),
        key=lambda item: (item["audit"]["summary"] or {}).get("verdict") != "difference",
    )
    return order[:MOST_SYSTEMS]


def _around(request: HttpRequest, workspace: Workspace) -> dict[str, Any]:
    """Schedules, open alerts and space, for the side of the page."""
    if _is_fragment(request):
        return {}
    schedules = list(schedule_selectors.schedules_for(user=request.user, workspace=workspace))
    alerts = schedule_selectors.alerts_for(user=request.user, workspace=workspace)
    rows = [schedule_row(schedule) for schedule in schedules]
    soon = sorted((row for row in rows if row["due"] is not None), key=lambda row: row["due"])
    return {
        "health": health_words(schedules),
        "soon": soon[:3],
        "latest_alerts": alerts.filter(closed_at=None)[:3],
        "usage": usage(workspace=workspace),
    }


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) and not request.htmx.boosted


def _sentence(counts: dict[str, int]) -> str:
    parts = []
    found, running, attention = counts["difference"], counts["running"], counts["attention"]
    if found:
        parts.append(
            _("{found} {maybe} with a difference found.").format(
                found=found, maybe=_("audit") if found == 1 else _("audits")
            )
        )
    if running:
        parts.append(_("{running} running.").format(running=running))
    if attention:
        parts.append(
            _("{attention} {maybe} attention.").format(
                attention=attention, maybe=_("needs") if attention == 1 else _("need")
            )
        )
    return " ".join(parts)


def _largest(audit: Audit) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (audit.summary or {}).get("largest")
    return found


#: One gap in a few words, by metric; the report says it in full.
PHRASES = {
    "selection-rate": gettext_lazy("{label} chosen {less} often than {comparator}"),
    "tpr": gettext_lazy("{label} recognised {less} often than {comparator}"),
    "fpr": gettext_lazy("{label} wrongly chosen {less} often than {comparator}"),
    "precision": gettext_lazy("A yes is right {less} often for {label} than for {comparator}"),
    "accuracy": gettext_lazy("Decisions are right {less} often for {label} than for {comparator}"),
    "bias": gettext_lazy("Predictions lean {lower} for {label} than for {comparator}"),
    "mae": gettext_lazy("Errors are {smaller} for {label} than for {comparator}"),
    "mean-prediction": gettext_lazy("{label} predicted {lower} than {comparator}"),
    "selection-at-k": gettext_lazy("{label} on top {less} often than {comparator}"),
    "exposure": gettext_lazy("{label} get {less} exposure than {comparator}"),
}
#: The same of one class among several.
OF_CLASS = {
    "selection-rate": gettext_lazy("{label} predicted as “{name}” {less} often than {comparator}"),
    "tpr": gettext_lazy("“{name}” recognised {less} often for {label} than for {comparator}"),
    "fpr": gettext_lazy(
        "“{name}” wrongly predicted {less} often for {label} than for {comparator}"
    ),
    "precision": gettext_lazy("“{name}” is right {less} often for {label} than for {comparator}"),
}
#: Words for a gap below zero and above it.
WAYS = {
    "less": (gettext_noop("less"), gettext_noop("more")),
    "lower": (gettext_noop("lower"), gettext_noop("higher")),
    "smaller": (gettext_noop("smaller"), gettext_noop("larger")),
}


def _words(summary: dict[str, Any]) -> str:
    """The weightiest result in one line."""
    gap = summary.get("largest") or {}
    name = gap.get("class")
    phrase = (PHRASES if name is None else OF_CLASS).get(gap.get("metric") or "")
    headline = str(summary.get("headline") or "")
    if summary.get("verdict") == "difference" and phrase is not None and gap.get("comparator"):
        ways = {name: _(pair[gap["value"] > 0]) for name, pair in WAYS.items()}
        return phrase.format(label=gap["label"], comparator=gap["comparator"], name=name, **ways)
    return headline.partition(". ")[0]


def _row(audit: Audit) -> dict[str, Any]:
    """What one line of the list needs."""
    refused = next(
        (
            upload
            for upload in (audit.dataset, audit.model)
            if upload is not None and upload.state == UploadState.REFUSED
        ),
        None,
    )
    run = selectors.audit_run(audit=audit) if audit.is_open else None
    return {
        "audit": audit,
        "summary": audit.summary or {},
        "words": _words(audit.summary or {}),
        "largest": _largest(audit),
        "refused": refused if audit.state == State.DRAFT else None,
        "progress": run.progress if run is not None else None,
    }
