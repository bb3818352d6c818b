"""What every page's frame shows: the workspace menu, the current area, the version."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language

from auditapp import __version__
from auditapp.reports.language import ENGLISH, LANGUAGES, known
from auditapp.schedule_selectors import alerts_for
from auditapp.script_words import script_words
from auditapp.selectors import is_owner
from auditapp.views.access import workspace_of, workspaces_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of templates/base.html."""
    match = getattr(request, "resolver_match", None)
    name = (match.url_name or "") if match else ""
    signed_in = getattr(request, "user", None) is not None and request.user.is_authenticated
    theme = request.COOKIES.get("theme", "")
    return {
        "version": __version__,
        "theme": theme if theme in {"light", "dark"} else "",
        "area": _area(name),
        "language": known(get_language()),
        "languages": LANGUAGES.items(),
        "script_words": script_words() if known(get_language()) != ENGLISH else None,
        "workspaces": workspaces_of(request) if signed_in else [],
        "workspace": workspace_of(request) if signed_in else None,
        "owner": signed_in and _owns(request),
        "open_alerts": _alerts(request) if signed_in else 0,
    }


def _owns(request: HttpRequest) -> bool:
    workspace = workspace_of(request)
    return workspace is not None and is_owner(user=request.user, workspace=workspace)


def _alerts(request: HttpRequest) -> int:
    workspace = workspace_of(request)
    if workspace is None:
        return 0
    found = alerts_for(user=request.user, workspace=workspace)
    return found.filter(closed_at=None, seen_at=None).count()


def _area(name: str) -> str:
    if name.startswith("schedule"):
        return "schedules"
    if name.startswith(("alert", "webhook")):
        return "alerts"
    if name.startswith("workspace-"):
        return "workspace"
    if name.startswith("trail"):
        return "trail"
    if name.startswith(("member", "invit")):
        return "members"
    if name == "data-list" or name.startswith(("dataset", "model")):
        return "data"
    if name.startswith(("doc", "api")):
        return "docs"
    if name in {"status", "signin", "signin-link", "tokens", ""} or name.startswith(
        ("account", "mfa", "verify")
    ):
        return ""
    return "audits"
