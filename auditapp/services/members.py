"""Who is in a workspace: invitations, roles, leaving."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import Invitation, Member, User, Workspace
from auditapp.models.team import Role
from auditapp.services.accounts import member_add, user_create
from auditapp.services.trail import event_add

log = structlog.get_logger(__name__)


@transaction.atomic
def role_change(*, member: Member, role: str, by: User) -> Member:
    """Give a member another role; a workspace keeps an owner."""
    current = _locked(member)
    if role not in Role.values:
        raise ValueError(f"{role!r} is no role")
    if current.role == role:
        return current
    if current.role == Role.OWNER:
        _keep_an_owner(current)
    before, current.role = current.role, role
    current.save(update_fields=["role"])
    event_add(
        subject=current.user, verb="role changed", user=by, workspace=current.workspace,
        member=current.user.email, before=before, role=role,
    )  # fmt: skip
    return current


@transaction.atomic
def member_remove(*, member: Member, by: User) -> None:
    """Take a member out, or leave; what they made stays."""
    current = _locked(member)
    if current.role == Role.OWNER:
        _keep_an_owner(current)
    event_add(
        subject=current.user,
        verb="left" if by.pk == current.user_id else "removed",
        user=by,
        workspace=current.workspace,
        member=current.user.email,
        role=current.role,
    )
    current.delete()


@transaction.atomic
def invitation_make(
    *, workspace: Workspace, email: str, role: str, by: User
) -> tuple[Invitation, str]:
    """Invite an address: the invitation, and the token that only its link carries.

    An earlier open invitation of the same address is void from then on.
    """
    email = email.strip().lower()
    if Member.objects.filter(workspace=workspace, user__email__iexact=email).exists():
        raise AuditError(
            "already-a-member",
            f"{email} is a member of “{workspace}” already.",
            "Change the role in the list of members.",
            where="email",
        )
    Invitation.objects.filter(workspace=workspace, email=email, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email,
        role=role,
        token_hash=_hash(token),
        invited_by=by,
        expires=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
    )
    event_add(subject=invitation, verb="invited", user=by, role=role)
    return invitation, token


def invitation_send(*, invitation: Invitation, url: str) -> bool:
    """Mail the link; False where the mail server does not take it."""
    context = {"invitation": invitation, "url": url, "days": settings.INVITATION_DAYS}
    subject = f"{invitation.invited_by} invites you to “{invitation.workspace}” in Evenhand"
    try:
        send_mail(
            " ".join(subject.split()),
            render_to_string("mail/invitation.txt", context),
            None,
            [invitation.email],
        )
    except (OSError, ValueError) as error:
        log.error("an invitation could not be mailed", error=str(error))
        return False
    return True


@transaction.atomic
def invitation_revoke(*, invitation: Invitation, by: User) -> None:
    """Make an open invitation void."""
    if Invitation.objects.filter(id=invitation.id, used_at=None).exists():
        event_add(subject=invitation, verb="invitation withdrawn", user=by, role=invitation.role)
        Invitation.objects.filter(id=invitation.id).delete()


def invitation_find(*, token: str) -> Invitation | None:
    """The open invitation of a link; None when it is unknown, used, withdrawn or too old."""
    found = Invitation.objects.select_related("workspace", "invited_by")
    return found.filter(token_hash=_hash(token), used_at=None, expires__gt=timezone.now()).first()


@transaction.atomic
def invitation_accept(
    *, token: str, user: User | None = None, name: str = "", password: str | None = None
) -> User | None:
    """Use an invitation up: its person is a member then.

    Without `user` an account is made for the invited address, which must have none. None comes
    back where the invitation is void by now, or meant for somebody else.
    """
    now = timezone.now()
    open_ = Q(token_hash=_hash(token), used_at=None, expires__gt=now)
    invitation = Invitation.objects.select_related("workspace").filter(open_).first()
    if invitation is None:
        return None
    known = User.objects.filter(email__iexact=invitation.email).first()
    if (known is None) != (user is None) or (user is not None and known != user):
        return None
    if Invitation.objects.filter(open_).update(used_at=now) != 1:
        return None
    if user is None:
        user = user_create(email=invitation.email, name=name, password=password)
    workspace = invitation.workspace
    if not Member.objects.filter(workspace=workspace, user=user).exists():
        member_add(workspace=workspace, user=user, role=invitation.role)
        event_add(
            subject=user, verb="joined", user=user, workspace=workspace,
            member=user.email, role=invitation.role,
        )  # fmt: skip
    return user


def invitations_forget() -> int:
    """Delete invitations that were used or ran out more than 30 days ago."""
    before = timezone.now() - timedelta(days=30)
    return Invitation.objects.filter(expires__lt=before).delete()[0]


def _locked(member: Member) -> Member:
    """The row as it is now; nobody else changes members of its workspace meanwhile."""
    Workspace.objects.select_for_update().get(id=member.workspace_id)
    return Member.objects.select_related("user", "workspace").get(id=member.id)


def _keep_an_owner(member: Member) -> None:
    others = Member.objects.filter(
        workspace=member.workspace_id, role=Role.OWNER, user__is_active=True
    ).exclude(id=member.id)
    if not others.exists():
        raise AuditError(
            "last-owner",
            f"{member.user} is the last owner of “{member.workspace}”.",
            "Make another member an owner first.",
            permanent=False,
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
