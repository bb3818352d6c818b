"""Every read of the database, within what a user may see. A stranger gets 404."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Prefetch, QuerySet
from django.http import Http404

from auditapp.models import (
    ApiToken,
    Audit,
    Comparison,
    Dataset,
    Event,
    Invitation,
    Member,
    ModelFile,
    Report,
    Run,
    SharedCopy,
    ShareLink,
    User,
    Workspace,
)
from auditapp.models.team import Role

EDITORS = (Role.OWNER, Role.AUDITOR)
Row = TypeVar("Row", bound=models.Model)


def workspaces_for(*, user: User) -> QuerySet[Workspace]:
    """Workspaces the user is a member of, own ones before the demo."""
    return Workspace.objects.filter(member__user=user).order_by("is_demo", "name")


def workspace_get(*, user: User, slug: str) -> Workspace:
    """One workspace of the user."""
    return _one(workspaces_for(user=user).filter(slug=slug))


def role_of(*, user: User, workspace: Workspace) -> str | None:
    """The user's role there; None for a stranger."""
    roles = Member.objects.filter(user=user, workspace=workspace).values_list("role", flat=True)
    return roles.first()


def can_edit(*, user: User, workspace: Workspace) -> bool:
    """Whether the user may upload, start, cancel and delete there."""
    return role_of(user=user, workspace=workspace) in EDITORS


def is_owner(*, user: User, workspace: Workspace) -> bool:
    """Whether the user may invite, change roles and read the trail there."""
    return role_of(user=user, workspace=workspace) == Role.OWNER


def members_of(*, user: User, workspace: Workspace) -> QuerySet[Member]:
    """Members of a workspace the user is in."""
    _one(workspaces_for(user=user).filter(id=workspace.id))
    return Member.objects.filter(workspace=workspace).select_related("user")


def member_get(*, user: User, id: UUID | str, own: bool = True) -> Member:
    """One member of a workspace the user is in; with `own` only its owners, and the member."""
    found = Member.objects.filter(workspace__member__user=user, id=id)
    member: Member = _one(found.select_related("user", "workspace"))
    if own and member.user_id != user.pk:
        _owned(user, member.workspace)
    return member


def invitations_for(*, user: User, workspace: Workspace) -> QuerySet[Invitation]:
    """Invitations of an owner's workspace that nobody used yet, newest first."""
    _one(workspaces_for(user=user).filter(id=workspace.id))
    _owned(user, workspace)
    found = Invitation.objects.filter(workspace=workspace, used_at=None)
    return found.select_related("invited_by").order_by("-created_at")


def invitation_get(*, user: User, id: UUID | str) -> Invitation:
    """One invitation to an owner's workspace."""
    found = Invitation.objects.filter(workspace__member__user=user, id=id)
    invitation: Invitation = _one(found.select_related("workspace"))
    _owned(user, invitation.workspace)
    return invitation


def audits_for(
    *,
    user: User,
    workspace: Workspace | None = None,
    state: str | None = None,
    search: str = "",
    title_of: Audit | None = None,
) -> QuerySet[Audit]:
    """Audits the user may see, newest first, ready for a list."""
    found = (
        _mine(Audit, user, workspace)
        .select_related("dataset", "model", "created_by", "report", "workspace")
        .prefetch_related(Prefetch("runs", Run.objects.order_by("kind")))
        .order_by("-created_at")
    )
    if state:
        found = found.filter(state=state)
    if search:
        found = found.filter(
            models.Q(title__icontains=search) | models.Q(dataset__name__icontains=search)
        )
    if title_of is not None:
        found = found.filter(title=title_of.title).exclude(id=title_of.id)
    return found


def audit_get(
    *, user: User, id: UUID | str, edit: bool = False, workspace: Workspace | None = None
) -> Audit:
    """One audit; with `edit` a viewer gets 403."""
    return _checked(audits_for(user=user, workspace=workspace).filter(id=id), user, edit=edit)


def audit_run(*, audit: Audit) -> Run | None:
    """The baseline run of an audit; None for a draft."""
    return next((run for run in audit.runs.all() if run.kind == "baseline"), None)


def runs_for(*, user: User, workspace: Workspace) -> QuerySet[Run]:
    """Runs of audits the user may see there."""
    found = Run.objects.filter(audit__workspace__member__user=user, audit__workspace=workspace)
    return found.select_related("audit").order_by("audit", "kind")


def run_get(*, user: User, workspace: Workspace, id: UUID | str) -> Run:
    """One run."""
    return _one(runs_for(user=user, workspace=workspace).filter(id=id))


def report_get(*, user: User, audit_id: UUID | str) -> Report:
    """The report of an audit."""
    found = Report.objects.filter(audit__workspace__member__user=user, audit_id=audit_id)
    return _one(found.select_related("audit__workspace", "audit__created_by", "audit__dataset"))


def shares_of(*, report: Report) -> QuerySet[ShareLink]:
    """Links of a report that the user may change, newest first."""
    return ShareLink.objects.filter(report=report).select_related("copy", "created_by")


def share_get(*, user: User, id: UUID | str) -> ShareLink:
    """One link of a report that the user may change."""
    found = ShareLink.objects.filter(report__audit__workspace__member__user=user, id=id)
    link: ShareLink = _one(found.select_related("report__audit__workspace"))
    if not can_edit(user=user, workspace=link.report.audit.workspace):
        raise PermissionDenied("A viewer can read this workspace, and change nothing in it.")
    return link


def copies_of(*, report: Report) -> QuerySet[SharedCopy]:
    """Copies of a report without small cells, by size."""
    return SharedCopy.objects.filter(report=report).order_by("smallest")


def copy_get(*, report: Report, smallest: int) -> SharedCopy:
    """A copy that is made."""
    return _one(copies_of(report=report).filter(smallest=smallest).exclude(path=""))


def comparisons_for(*, user: User, workspace: Workspace | None = None) -> QuerySet[Comparison]:
    """Comparisons of audits the user may see, newest first."""
    found = _mine(Comparison, user, workspace)
    return found.select_related("first", "second", "created_by", "workspace")


def comparison_get(*, user: User, id: UUID | str, edit: bool = False) -> Comparison:
    """One comparison; with `edit` a viewer gets 403."""
    return _checked(comparisons_for(user=user).filter(id=id), user, edit=edit)


def example_report(*, user: User) -> Report | None:
    """The newest report of a demo workspace the user is in."""
    found = Report.objects.filter(
        audit__workspace__member__user=user, audit__workspace__is_demo=True
    )
    return found.select_related("audit").order_by("-created_at").first()


def datasets_for(
    *, user: User, workspace: Workspace | None = None, ready: bool = False
) -> QuerySet[Dataset]:
    """Data sets the user may see, newest first, each with `n_audits`."""
    return _uploads(Dataset, user, workspace, ready=ready)


def dataset_get(
    *, user: User, id: UUID | str, edit: bool = False, workspace: Workspace | None = None
) -> Dataset:
    """One data set; with `edit` a viewer gets 403."""
    return _checked(datasets_for(user=user, workspace=workspace).filter(id=id), user, edit=edit)


def models_for(
    *, user: User, workspace: Workspace | None = None, ready: bool = False
) -> QuerySet[ModelFile]:
    """Models the user may see, newest first, each with `n_audits`."""
    return _uploads(ModelFile, user, workspace, ready=ready)


def model_get(
    *, user: User, id: UUID | str, edit: bool = False, workspace: Workspace | None = None
) -> ModelFile:
    """One model; with `edit` a viewer gets 403."""
    return _checked(models_for(user=user, workspace=workspace).filter(id=id), user, edit=edit)


def events_for(*, user: User, workspace: Workspace | None = None) -> QuerySet[Event]:
    """The trail, newest first."""
    return _mine(Event, user, workspace).select_related("user").order_by("-at", "-sequence")


def trail_of(*, user: User, workspace: Workspace, search: str = "") -> QuerySet[Event]:
    """The trail of an owner's workspace, newest first; `search` in people, deeds and names."""
    _one(workspaces_for(user=user).filter(id=workspace.id))
    _owned(user, workspace)
    found = Event.objects.filter(workspace=workspace).order_by("-sequence")
    for word in search.split():
        found = found.filter(
            models.Q(actor__icontains=word)
            | models.Q(verb__icontains=word)
            | models.Q(subject__icontains=word)
            | models.Q(name__icontains=word)
        )
    return found


def tokens_for(*, user: User) -> QuerySet[ApiToken]:
    """The user's own tokens, and everybody's in workspaces the user owns; newest first."""
    owned = Workspace.objects.filter(member__user=user, member__role=Role.OWNER)
    found = ApiToken.objects.filter(models.Q(user=user) | models.Q(workspace__in=owned))
    return found.select_related("user", "workspace").order_by("-created_at", "-id")


def token_get(*, user: User, id: UUID | str) -> ApiToken:
    """One token the user may revoke."""
    return _one(tokens_for(user=user).filter(id=id))


def installation_status() -> list[dict[str, Any]]:
    """What works on this installation: slug, title, state ok|missing|off, detail, hint."""
    from auditapp.status import installation

    return [line.as_dict() for line in installation()]


def _uploads(
    model: type[Any], user: User, workspace: Workspace | None, *, ready: bool
) -> QuerySet[Any]:
    found = (
        _mine(model, user, workspace)
        .select_related("workspace", "created_by")
        .annotate(n_audits=Count("audits", distinct=True))
        .order_by("-created_at")
    )
    return found.filter(state="ready") if ready else found


def _mine(model: type[Any], user: User, workspace: Workspace | None) -> QuerySet[Any]:
    found = model.objects.filter(workspace__member__user=user)
    return found if workspace is None else found.filter(workspace=workspace)


def _owned(user: User, workspace: Workspace) -> None:
    if not is_owner(user=user, workspace=workspace):
        raise PermissionDenied("Only an owner of this workspace may see or change this.")


def _one(found: QuerySet[Row]) -> Row:
    row = found.first()
    if row is None:
        raise Http404("There is nothing here, or it is not yours to see.")
    return row


def _checked(found: QuerySet[Any], user: User, *, edit: bool) -> Any:
    row = _one(found)
    if edit and not can_edit(user=user, workspace=row.workspace):
        raise PermissionDenied("A viewer can read this workspace, and change nothing in it.")
    return row
