"""Everything the pages can show, put into a running installation; called in its own process."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

EMAIL = "pages@example.org"
NEW = "new@example.org"
STEPS = [
    ("read", "Read the table", "1,500 rows, 13 columns", "done", 0.3),
    ("train", "Train the reference model", "logistic regression", "done", 2.3),
    ("count", "Count once", "29 groups in 1 pass", "running", None),
    ("write", "Write the report", "page, PDF, JSON, CSV", "waiting", None),
]


def seed() -> None:
    """Print the addresses of what was made, as JSON."""
    from auditapp.models import Audit
    from auditapp.models.team import Role
    from auditapp.regulatory import REGISTRY
    from auditapp.services import accounts, audits
    from tests.browser.seed_compared import compared
    from tests.browser.seed_more import more, outside, report_start

    user = accounts.account_ensure(
        email=EMAIL, name="Ann Moreau", workspace_name="Riverside Audit Office"
    )
    accounts.account_ensure(email=NEW, name="New Person", workspace_name="Empty Office")
    workspace = user.workspaces.get()
    example = _example()
    demo = example.workspace
    accounts.member_add(workspace=demo, user=user, role=Role.VIEWER)
    table, refused = _tables(workspace, user)
    other, joined = _joined(workspace, user)
    model, pickle = _models(workspace, user)

    def draft(title: str, **fields: Any) -> Audit:
        return audits.audit_create(workspace=workspace, user=user, title=title, **fields)

    roles = draft("Applicants, roles", dataset=table)
    uploaded = draft("Applicants, model", dataset=table, model=model, draft={})
    policy = draft("Applicants, policy", dataset=table)
    every = {"templates": [{"slug": slug, "settings": {}} for slug in REGISTRY]}
    audits.draft_save(audit=policy, step="roles", data=every, user=user)
    remedies = draft("Applicants, remedies", dataset=table)
    for step in ("roles", "policy"):
        audits.draft_save(audit=remedies, step=step, data={}, user=user)
    wrong = draft("Refused files", dataset=refused, model=pickle)
    failed = draft("Failed audit", dataset=table)
    running = draft("Running audit", dataset=table)
    _fail(failed)
    _run(running)
    long = report_start(workspace, user)
    paths = {
        "home": "/",
        "look": "/workspace/settings/",
        "search": "/?find=nothing+like+this",
        "new": "/audits/new/",
        "data": f"/audits/{roles.id}/data/",
        "refused": f"/audits/{wrong.id}/data/",
        "roles": f"/audits/{roles.id}/roles/",
        "model-roles": f"/audits/{uploaded.id}/roles/",
        "policy": f"/audits/{policy.id}/policy/",
        "remedies": f"/audits/{remedies.id}/remedies/",
        "progress": f"/audits/{running.id}/progress/",
        "failed": f"/audits/{failed.id}/progress/",
        "audit-delete": f"/audits/{failed.id}/delete/",
        "data-list": "/data/",
        "dataset": f"/data/{table.id}/",
        "join": f"/data/{table.id}/join/?audit={roles.id}",
        "join-columns": f"/data/{table.id}/join/{other.id}/",
        "join-refused": f"/data/{table.id}/join/{refused.id}/",
        "joined": f"/data/{joined.id}/?audit={roles.id}",
        "dataset-delete": f"/data/{table.id}/delete/",
        "model": f"/models/{model.id}/",
        "model-refused": f"/models/{pickle.id}/",
        "model-delete": f"/models/{model.id}/delete/",
        "account": "/account/",
        "status": "/status/",
        "docs": "/docs/",
        "doc": "/docs/data/",
        "not-found": "/nothing/",
        **more(workspace, user, long),
        **outside(long, user),
        **compared(workspace, user),
        "report": f"/audits/{example.id}/report/",
    }
    sys.stdout.write(json.dumps(paths) + "\n")


def _example() -> Any:
    """The demo's audit, which is made beside the server's start."""
    from auditapp.models import Audit

    for _ in range(150):
        found = Audit.objects.filter(dataset__simulated=True).order_by("created_at").first()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError("the demo was not made")


def _tables(workspace: Any, user: Any) -> tuple[Any, Any]:
    from django.core.files import File
    from django.core.files.base import ContentFile

    from auditapp.datasets.simulated import write_demo
    from auditapp.services import uploads

    with tempfile.TemporaryDirectory() as folder:
        path = write_demo(Path(folder) / "applicants.csv", n=1500)
        with path.open("rb") as stream:
            table = uploads.dataset_receive(
                workspace=workspace, user=user, file=File(stream, name=path.name),
                inspect_later=False,
            )  # fmt: skip
    ragged = ContentFile(b"a,b,c\n1,2,3\n4,5\n" * 40, name="applicants_2026.csv")
    refused = uploads.dataset_receive(
        workspace=workspace, user=user, file=ragged, inspect_later=False
    )
    for item in (table, refused):
        uploads.dataset_inspect(dataset_id=item.id)
        item.refresh_from_db()
    return table, refused


def _joined(workspace: Any, user: Any) -> tuple[Any, Any]:
    """Two small tables, and what came of joining them."""
    from django.core.files.base import ContentFile

    from auditapp.services import joins, uploads

    people = b"id,sex,hired\n" + b"".join(
        b"%d,%s,1\n" % (i, b"FM"[i % 2 :][:1]) for i in range(90)
    )
    gold = b"id,gold,hired\n" + b"".join(b"%d,%d,0\n" % (i, i % 2) for i in range(9, 99))
    rows = []
    for name, body in (("people.csv", people), ("relabels_of_2026.csv", gold)):
        file = ContentFile(body, name=name)
        row = uploads.dataset_receive(
            workspace=workspace, user=user, file=file, inspect_later=False
        )
        uploads.dataset_inspect(dataset_id=row.id)
        row.refresh_from_db()
        rows.append(row)
    made = joins.dataset_join(first=rows[0], second=rows[1], user=user, on="id", second_on="id")
    uploads.dataset_inspect(dataset_id=made.id)
    return rows[1], made


def _models(workspace: Any, user: Any) -> tuple[Any, Any]:
    from auditapp.models import ModelFile

    profile = {
        "format": "skops",
        "name": "scorer.skops",
        "sha256": "1" * 64,
        "estimator": "LogisticRegression",
        "features": ["age", "hours_per_week"],
        "inputs": [
            {"name": name, "type": "column", "shape": [None]} for name in ("age", "hours_per_week")
        ],
        "outputs": [
            {
                "name": "predict_proba",
                "type": "tensor(double)",
                "shape": [None, 2],
                "role": "probability",
            },
            {"name": "predict", "type": "tensor(string)", "shape": [None], "role": "label"},
        ],
        "output": "predict_proba",
        "classes": ["no", "yes"],
        "positive": "yes",
    }
    error = {
        "code": "pickle-refused",
        "message": "Pickle files can run code when opened, so Evenhand never opens one.",
        "where": "credit_model.pkl",
        "hint": "Export the same model as skops or ONNX and upload that file.",
        "code_block": 'import skops.io\nskops.io.dump(model, "credit_model.skops")  # ' + 40 * "-",
    }
    common = {"workspace": workspace, "created_by": user, "bytes": 2100, "sha256": "1" * 64}
    ready = ModelFile.objects.create(
        name="Scorer", original_name="scorer.skops", path="models/a", state="ready",
        profile=profile, **common,
    )  # fmt: skip
    refused = ModelFile.objects.create(
        name="credit_model.pkl", original_name="credit_model.pkl", path="models/b",
        state="refused", error=error, **common,
    )  # fmt: skip
    return ready, refused


def _fail(audit: Any) -> None:
    from django.utils import timezone

    from auditapp.models import Audit, State

    error = {
        "code": "one-class",
        "message": "Label column “approved” has one value only.",
        "where": "approved",
        "found": "1: 1,500 rows",
        "hint": "Choose another label, or audit the decisions without training.",
    }
    now = timezone.now()
    Audit.objects.filter(id=audit.id).update(
        state=State.FAILED, plan={}, error=error, started_at=now, finished_at=now
    )


def _run(audit: Any) -> None:
    from django.utils import timezone

    from auditapp.models import Audit, Run, State

    now = timezone.now()
    rows = [
        {"label": label, "value": value, "low": value - 0.02, "high": value + 0.02, "n": n}
        for label, value, n in (("White", 0.374, 1100), ("Some other race", 0.101, 120))
    ]
    keys = ("slug", "title", "detail", "state", "seconds")
    progress = {
        "percent": 44,
        "text": "Count once: 29 groups",
        "steps": [dict(zip(keys, step, strict=True)) for step in STEPS],
        "preview": {"by": "Race", "metric": "Selection rate", "rows": rows},
    }
    Audit.objects.filter(id=audit.id).update(state=State.RUNNING, plan={}, started_at=now)
    Run.objects.create(
        audit=audit, state=State.RUNNING, attempt=1, started_at=now, progress=progress,
        lease_until=now + timedelta(hours=2),
    )  # fmt: skip
