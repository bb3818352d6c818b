"""People, workspaces and sign-in links."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from auditapp.models import Member, SignInLink, User, Workspace
from auditapp.models.team import Role
from auditapp.services.trail import event_add, person_event


@transaction.atomic
def user_create(*, email: str, name: str = "", password: str | None = None) -> User:
    """Make an account; without a password only a sign-in link opens it."""
    return User.objects.create_user(email, password, name=name)


@transaction.atomic
def workspace_create(*, user: User, name: str, is_demo: bool = False) -> Workspace:
    """Make a workspace that the user owns."""
    stem = slugify(name)[:50] or "workspace"
    slug = stem
    while Workspace.objects.filter(slug=slug).exists():
        slug = f"{stem}-{secrets.token_hex(3)}"
    workspace = Workspace.objects.create(name=name[:120], slug=slug, is_demo=is_demo)
    member_add(workspace=workspace, user=user, role=Role.OWNER)
    event_add(subject=workspace, verb="created", user=user)
    return workspace


def member_add(*, workspace: Workspace, user: User, role: str = Role.AUDITOR) -> Member:
    """Let the user in, or change the role of someone who is in already."""
    member, _ = Member.objects.update_or_create(
        workspace=workspace, user=user, defaults={"role": role}
    )
    return member


def signin_link_make(*, user: User) -> str:
    """Make a single-use token; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(minutes=settings.SIGNIN_LINK_MINUTES)
    SignInLink.objects.create(user=user, token_hash=_hash(token), expires=expires)
    return token


def signin_link_use(*, token: str) -> User | None:
    """Consume a token: its user, or None when it is unknown, used or too old."""
    now = timezone.now()
    used = SignInLink.objects.filter(
        token_hash=_hash(token), used_at=None, expires__gt=now, user__is_active=True
    ).update(used_at=now)
    if used != 1:
        return None
    return SignInLink.objects.select_related("user").get(token_hash=_hash(token)).user


def signin_link_user(*, token: str) -> User | None:
    """Whose door the token would still open; nothing is consumed."""
    found = SignInLink.objects.select_related("user").filter(
        token_hash=_hash(token), used_at=None, expires__gt=timezone.now(), user__is_active=True
    )
    link = found.first()
    return None if link is None else link.user


def base_url() -> str:
    """Address of this installation as a terminal prints it, without a slash at the end."""
    host = settings.HOST if settings.HOST not in {"0.0.0.0", "::", ""} else "localhost"
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.HTTPS else "http"
    return f"{scheme}://{host}:{settings.PORT}"


def signin_link_url(*, token: str) -> str:
    """Address that opens with this token."""
    return base_url() + reverse("signin-link", args=[token])


def signin_links_forget() -> int:
    """Delete links that were used or ran out more than a day ago."""
    before = timezone.now() - timedelta(days=1)
    return SignInLink.objects.filter(expires__lt=before).delete()[0]


@transaction.atomic
def account_ensure(*, email: str, name: str = "", workspace_name: str = "") -> User:
    """Find the account of an address, or make it together with a workspace."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        try:
            with transaction.atomic():
                user = user_create(email=email, name=name)
        except IntegrityError:
            user = User.objects.get(email__iexact=email.strip())
    if not Member.objects.filter(user=user).exists():
        default = f"Workspace of {name if name else email}"
        workspace_create(user=user, name=workspace_name if workspace_name else default)
    return user


@transaction.atomic
def account_change(*, user: User, name: str, password: str | None = None) -> User:
    """Change the name, and the password where a new one is given, which ends open links."""
    user.name = name.strip()[:120]
    if password is not None:
        user.set_password(password)
        links_void(user=user)
        person_event(user=user, verb="password changed")
    user.save(update_fields=["name", "password"])
    return user


def links_void(*, user: User) -> None:
    """Open sign-in links of an account work no more."""
    SignInLink.objects.filter(user=user, used_at=None).delete()


@transaction.atomic
def sessions_end(*, user: User) -> User:
    """Sign the account out everywhere; open sign-in links go too."""
    User.objects.filter(pk=user.pk).update(sessions_ended=F("sessions_ended") + 1)
    user.refresh_from_db(fields=["sessions_ended"])
    links_void(user=user)
    person_event(user=user, verb="signed out everywhere")
    return user


@transaction.atomic
def second_step_forget(*, user: User, by: User | None = None) -> bool:
    """Take the second step off an account whose codes are lost; False where there was none."""
    gone = Authenticator.objects.filter(user=user).delete()[0]
    if gone:
        person_event(user=user, verb="second step removed", by=by, by_operator=by is None)
    return gone > 0


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def language_change(*, user: User, language: str) -> None:
    """Keep the language in which this person reads pages; empty leaves it to the browser."""
    User.objects.filter(pk=user.pk).update(language=language)
