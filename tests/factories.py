"""Rows that many tests need: an owner, a colleague, a viewer, a stranger, and their things."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from auditapp import storage
from auditapp.models import Audit, Dataset, ModelFile, Run, User, Workspace
from auditapp.models.team import Role
from auditapp.services.accounts import member_add, user_create, workspace_create

PROFILE: dict[str, Any] = {
    "schema": "evenhand/profile/1",
    "name": "people.csv",
    "bytes": 7,
    "sha256": "0" * 64,
    "format": "csv",
    "read": {},
    "rows": 3,
    "columns": [],
    "notices": [],
    "recognised": None,
}
DRAFT: dict[str, Any] = {
    "roles": {"sex": "sensitive", "hired": "decision"},
    "decision": {"column": "hired", "favourable": ["1"]},
    "attributes": [{"column": "sex", "title": "Sex"}],
    "model": {"kind": "columns"},
    "policy": {"tolerance": 0.05},
    "about": {"title": "Hiring"},
}


@dataclass(frozen=True)
class Team:
    """Alice owns the workspace, Bob audits, Vera only reads, Charlie is a stranger."""

    workspace: Workspace
    alice: User
    bob: User
    vera: User
    charlie: User


def make_team() -> Team:
    """One workspace with everyone who matters."""
    alice, bob, vera, charlie = (
        user_create(email=f"{name}@example.org", name=name.title())
        for name in ("alice", "bob", "vera", "charlie")
    )
    workspace = workspace_create(user=alice, name="Audit office")
    member_add(workspace=workspace, user=bob, role=Role.AUDITOR)
    member_add(workspace=workspace, user=vera, role=Role.VIEWER)
    workspace_create(user=charlie, name="Elsewhere")
    return Team(workspace, alice, bob, vera, charlie)


def make_dataset(team: Team, **fields: Any) -> Dataset:
    """A data set that is ready, with a source file on disk."""
    key = uuid.uuid4()
    path = storage.folder_of("datasets", key)
    storage.absolute(path).mkdir(parents=True)
    (storage.absolute(path) / "source").write_bytes(b"a,b\n1,2\n")
    values = {
        "name": "People",
        "original_name": "people.csv",
        "bytes": 7,
        "sha256": "0" * 64,
        "state": "ready",
        "profile": PROFILE,
        "rows": 3,
        **fields,
    }
    return Dataset.objects.create(
        id=key, workspace=team.workspace, created_by=team.alice, path=path, **values
    )


def make_model(team: Team, **fields: Any) -> ModelFile:
    """A model that is ready."""
    key = uuid.uuid4()
    path = storage.folder_of("models", key)
    storage.absolute(path).mkdir(parents=True)
    (storage.absolute(path) / "source").write_bytes(b"model")
    values = {"name": "Scorer", "original_name": "m.onnx", "bytes": 5, "sha256": "1" * 64}
    values |= {"state": "ready", "profile": {"format": "onnx"}, **fields}
    return ModelFile.objects.create(
        id=key, workspace=team.workspace, created_by=team.alice, path=path, **values
    )


def make_draft(team: Team, **fields: Any) -> Audit:
    """A draft that can be started."""
    from auditapp.services.audits import audit_create

    values: dict[str, Any] = {"draft": DRAFT, "title": "Hiring", **fields}
    if "dataset" not in values:
        values["dataset"] = make_dataset(team)
    return audit_create(workspace=team.workspace, user=team.alice, **values)


def make_run(team: Team) -> Run:
    """A run that waits, of an audit that was started."""
    from auditapp.services.audits import audit_start

    audit = audit_start(audit=make_draft(team), user=team.alice)
    return audit.runs.get()
