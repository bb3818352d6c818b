"""What has to be tidied up now and then."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from auditapp import storage
from auditapp.models import Comparison, Dataset, ModelFile, Report, SharedCopy
from auditapp.services.accounts import signin_links_forget
from auditapp.services.idempotency import keys_forget
from auditapp.services.members import invitations_forget
from auditapp.services.shares import shares_forget


def sweep() -> list[str]:
    """Delete files of killed jobs, folders no row names, old sign-in links and sessions."""
    signin_links_forget()
    invitations_forget()
    keys_forget()
    shares_forget()
    SessionStore.clear_expired()
    kept: set[str] = set()
    for model in (Dataset, ModelFile, Report, SharedCopy, Comparison):
        kept.update(model.objects.values_list("path", flat=True))
    return storage.sweep(kept=kept, older_than=settings.AUDIT_TIME_LIMIT + 3600)
