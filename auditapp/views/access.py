"""Who asks, and in which workspace."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from auditapp import selectors
from auditapp.models import Workspace

KEY = "workspace"


def workspaces_of(request: HttpRequest) -> list[Workspace]:
    """Workspaces of the signed-in user; read once in a request."""
    found: list[Workspace] | None = getattr(request, "_workspaces", None)
    if found is None:
        found = list(selectors.workspaces_for(user=request.user))
        request._workspaces = found
    return found


def workspace_of(request: HttpRequest) -> Workspace | None:
    """The workspace chosen in the menu, else the first."""
    found = workspaces_of(request)
    chosen = request.session.get(KEY)
    return next((w for w in found if str(w.id) == chosen), found[0] if found else None)


def enter(request: HttpRequest, workspace: Workspace) -> None:
    """Make the workspace of what is shown the current one."""
    if request.session.get(KEY) != str(workspace.id):
        request.session[KEY] = str(workspace.id)


def may_edit(request: HttpRequest, workspace: Workspace | None) -> bool:
    """Whether buttons that change something are shown."""
    return workspace is not None and selectors.can_edit(
        user=request.user,
        workspace=workspace,
    )


def owning(request: HttpRequest) -> Workspace:
    """The current workspace, for a page of its owners; 403 for everybody else."""
    workspace = workspace_of(request)
    if workspace is None or not selectors.is_owner(user=request.user, workspace=workspace):
        raise PermissionDenied("Only an owner of this workspace may see or change this.")
    return workspace


def editing(request: HttpRequest) -> Workspace:
    """The current workspace, for a page that adds to it; 403 for a viewer."""
    workspace = workspace_of(request)
    if workspace is None or not may_edit(request, workspace):
        raise PermissionDenied("A viewer can read this workspace, and change nothing in it.")
    return workspace
