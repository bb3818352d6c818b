"""The organisation, logo, colour and language that new reports of a workspace carry."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from auditapp import sandbox, storage
from auditapp.models import User, Workspace
from auditapp.reports.language import ENGLISH, known
from auditapp.services.trail import event_add

Json = dict[str, Any]
TARGET = "auditapp.datasets.logos:child_main"
LOGO_SECONDS = 20.0


@transaction.atomic
def branding_change(
    *,
    workspace: Workspace,
    user: User,
    organisation: str,
    accent: str,
    language: str,
    logo: str | None = None,
) -> Workspace:
    """Keep what new reports look like; reports that exist stay as they are.

    `logo` is the stored file, empty for none, None to leave it.
    """
    found: Workspace = Workspace.objects.select_for_update().get(id=workspace.pk)
    wanted = {"organisation": organisation.strip(), "accent": accent.upper()}
    wanted["language"] = known(language)
    if logo is not None:
        wanted["logo"] = logo
    changed = {name: value for name, value in wanted.items() if getattr(found, name) != value}
    if not changed:
        return found
    if "logo" in changed and found.logo:
        transaction.on_commit(partial(_remove, found.logo))
    for name, value in changed.items():
        setattr(found, name, value)
    found.save(update_fields=list(changed))
    told = {name: value for name, value in changed.items() if name != "logo"}
    if "logo" in changed:
        told["logo"] = "set" if changed["logo"] else "removed"
    event_add(subject=found, verb="changed the look of reports", user=user, **told)
    return found


def logo_keep(*, workspace: Workspace, file: Any) -> str:
    """Decode an uploaded picture in the child and store it; the relative path comes back.

    Raises
    ------
    AuditError
        ``logo-refused``: the file is no picture that can be a logo.
    """
    with tempfile.TemporaryDirectory(prefix="logo-", dir=settings.TEMP_DIR) as name:
        work = Path(name)
        source, out = work / "upload", work / "logo.png"
        with source.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        sandbox.run_child(
            TARGET,
            {"source": str(source), "out": str(out), "read": [str(source)]},
            workdir=work,
            limits=sandbox.Limits.parsing("Reading the logo", wall=LOGO_SECONDS),
            isolated=True,
        )
        digest = hashlib.sha256(out.read_bytes()).hexdigest()
        relative = f"brands/{workspace.pk}/{digest[:16]}.png"
        kept = storage.absolute(relative)
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.move(out, kept)
    return relative


def logo_read(workspace: Workspace) -> bytes | None:
    """The stored logo; None where there is none."""
    if not workspace.logo:
        return None
    try:
        return storage.absolute(workspace.logo).read_bytes()
    except (OSError, ValueError):
        return None


def of_run(workspace: Workspace) -> Json:
    """What the result document of a new run keeps of a workspace; empty for a plain one."""
    found: Json = {}
    if workspace.language != ENGLISH:
        found["language"] = known(workspace.language)
    logo = logo_read(workspace)
    brand = {
        "organisation": workspace.organisation,
        "accent": workspace.accent,
        "logo": "" if logo is None else base64.b64encode(logo).decode("ascii"),
    }
    if any(brand.values()):
        found["brand"] = brand
    return found


def _remove(relative: str) -> None:
    storage.absolute(relative).unlink(missing_ok=True)
