"""The demo workspace: a simulated population with planted gaps, and its first audit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction

from auditapp.errors import AuditError
from auditapp.models import Audit, Dataset, Event, Member, UploadState, User, Workspace
from auditapp.models.team import Role
from auditapp.services.accounts import member_add, user_create, workspace_create
from auditapp.services.audits import audit_create, audit_start, guessed
from auditapp.services.trail import event_add
from auditapp.services.uploads import dataset_inspect, dataset_receive

DEMO_EMAIL = "demo@example.org"
FILE_NAME = "simulated-population.parquet"
TITLE = "Income scores of a simulated population"


@transaction.atomic
def demo_workspace_ensure() -> tuple[Workspace, User]:
    """The demo workspace and its user, made on first use."""
    user = User.objects.filter(email=DEMO_EMAIL).first()
    if user is None:
        user = user_create(email=DEMO_EMAIL, name="Demo auditor")
    workspace = Workspace.objects.filter(is_demo=True).first()
    if workspace is None:
        workspace = workspace_create(user=user, name="Demo workspace", is_demo=True)
    if not Member.objects.filter(workspace=workspace, user=user).exists():
        member_add(workspace=workspace, user=user, role=Role.OWNER)
    return workspace, user


def demo_ensure() -> Audit | None:
    """Make the demo and start its first audit, once; None where that was done before."""
    from auditapp.datasets.simulated import SCORE

    workspace, user = demo_workspace_ensure()
    if Event.objects.filter(workspace=workspace, verb="demo started").exists():
        return None
    dataset = _dataset(workspace, user)
    if dataset.state != UploadState.READY:
        raise (
            AuditError.from_dict(dataset.error)
            if dataset.error
            else AuditError(
                "demo", "The simulated table was not accepted.", "Run manage.py demo again."
            )
        )
    with transaction.atomic():
        draft = guessed(dataset)
        draft["model"] = {"kind": "columns"}
        draft["score"] = {"column": SCORE, "favourable": True, "low": 0.0, "high": 1.0}
        draft["decision"] = None
        draft["about"] = {
            "title": TITLE,
            "system": "A simulated scorer with planted gaps",
            "population": "Simulated: no row is a person",
            "outcome": "A prediction of income above $50,000",
            "prepared_by": "Evenhand demo",
            "simulated": True,
        }
        audit = audit_create(
            workspace=workspace, user=user, dataset=dataset, title=TITLE, draft=draft
        )
        audit = audit_start(audit=audit, user=user)
        event_add(subject=workspace, verb="demo started", user=user)
    return audit


def _dataset(workspace: Workspace, user: User) -> Dataset:
    from auditapp.datasets.simulated import write_demo

    found = Dataset.objects.filter(workspace=workspace, simulated=True, state="ready").first()
    if found is not None:
        return found
    with tempfile.TemporaryDirectory(dir=settings.TEMP_DIR, prefix="demo-") as folder:
        path = Path(folder) / FILE_NAME
        write_demo(path)
        with path.open("rb") as stream:
            dataset = dataset_receive(
                workspace=workspace,
                user=user,
                file=File(stream, name=FILE_NAME),
                name="Simulated population",
                simulated=True,
                inspect_later=False,
            )
    dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    return dataset
