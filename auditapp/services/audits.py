"""Audits: drafting, starting, cancelling, repeating, deleting."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from auditapp import queue
from auditapp.errors import AuditError
from auditapp.models import (
    Audit,
    Dataset,
    ModelFile,
    Report,
    Run,
    State,
    UploadState,
    User,
    Workspace,
)
from auditapp.models.audit import OPEN_STATES
from auditapp.plan import plan_from_draft
from auditapp.services import quotas
from auditapp.services.comparisons import comparisons_remove_files
from auditapp.services.lanes import lane_of
from auditapp.services.reports import report_remove_files
from auditapp.services.trail import event_add

Json = dict[str, Any]
STEPS = ("data", "roles", "policy", "remedies")
UPLOADED = ("onnx", "skops", "network", "upload")


class Keep:
    """Marks an argument that was not given, where None has a meaning of its own."""


KEEP = Keep()


@transaction.atomic
def audit_create(
    *,
    workspace: Workspace,
    user: User | None,
    dataset: Dataset | None,
    model: ModelFile | None = None,
    title: str = "",
    draft: Json | None = None,
    previous: Audit | None = None,
) -> Audit:
    """Begin a draft. Without `draft` roles are guessed; a model that is given is to be used."""
    Workspace.objects.filter(id=workspace.id).update(last_number=F("last_number") + 1)
    number = Workspace.objects.values_list("last_number", flat=True).get(id=workspace.id)
    if not title:
        title = dataset.name if dataset is not None else f"Audit {number}"
    if draft is None:
        draft = guessed(dataset)
        if model is not None:
            draft["model"] = {"kind": "upload"}
    audit = Audit.objects.create(
        workspace=workspace,
        number=number,
        title=title[:200],
        dataset=dataset,
        model=model,
        draft=draft,
        previous=previous,
        created_by=user,
        saved_at=timezone.now(),
    )
    event_add(subject=audit, verb="drafted", user=user)
    return audit


def guessed(dataset: Dataset | None) -> Json:
    """Roles and groups that the columns of a data set suggest."""
    if dataset is None or dataset.profile is None:
        return {}
    from auditapp.datasets import replicates, suggest

    draft = dict(suggest.plan_defaults(dataset.profile))
    weights = replicates.suggested(dataset.profile)
    # A column called like a weight is one where a survey is recognised, else for the auditor
    # to say.
    roles = {name: "unused" if role == "weight" else role for name, role in draft["roles"].items()}
    if weights is not None:
        roles[weights["column"]] = "weight"
        if draft["unit"] is not None:
            roles[draft["unit"]] = "unit"
    return _as_task({**draft, "roles": roles, "weights": weights}, dataset.profile)


def _as_task(draft: Json, profile: Json) -> Json:
    """A model gets what the task names: sensitive columns all or none, as the groups' column."""
    task = profile.get("task")
    if task is None:
        return draft
    given = set(task["model_features"])
    whole = task["group"] in given
    odd = {
        spec["column"]
        for spec in draft["attributes"]
        if spec["column"] != task["group"] and (spec["column"] in given) != whole
    }
    roles = {name: "feature" if name in given else "unused" for name in odd}
    return {
        **draft,
        "roles": {**draft["roles"], **roles},
        "attributes": [spec for spec in draft["attributes"] if spec["column"] not in odd],
        "sensitive_features": whole,
    }


@transaction.atomic
def draft_save(
    *,
    audit: Audit,
    step: str,
    data: Json,
    user: User | None = None,
    dataset: Dataset | Keep | None = KEEP,
    model: ModelFile | Keep | None = KEEP,
    title: str = "",
) -> Audit:
    """Store what one step of the form said; keys of `data` replace those of the draft."""
    if step not in STEPS:
        raise ValueError(f"{step!r} is no step of a new audit")
    current = Audit.objects.get(id=audit.id)
    saved = sorted({*current.draft.get("steps", []), step}, key=STEPS.index)
    about = data.get("about") or {}
    wanted = title if title else about.get("title", "")
    changes: Json = {
        "draft": {**current.draft, **data, "steps": saved},
        "saved_at": timezone.now(),
        "error": None,
    }
    if wanted:
        changes["title"] = wanted[:200]
    if not isinstance(dataset, Keep):
        changes["dataset"] = dataset
    if not isinstance(model, Keep):
        changes["model"] = model
    if Audit.objects.filter(id=audit.id, state=State.DRAFT).update(**changes) != 1:
        raise _not_draft(current)
    audit.refresh_from_db()
    return audit


@transaction.atomic
def audit_start(*, audit: Audit, user: User | None) -> Audit:
    """Freeze the plan and queue the work.

    Raises
    ------
    AuditError
        The draft is no complete plan; `where` names the field.
    """
    audit = Audit.objects.select_related("dataset", "model").get(id=audit.id)
    if audit.state != State.DRAFT:
        raise _not_draft(audit)
    return audit_queue(audit=audit, plan=_plan_of(audit), user=user)


@transaction.atomic
def audit_queue(*, audit: Audit, plan: Json, user: User | None, **detail: Any) -> Audit:
    """Freeze this plan of a draft and queue its run; `detail` goes into the trail."""
    quotas.queue_check(workspace=audit.workspace)
    now = timezone.now()
    started = Audit.objects.filter(id=audit.id, state=State.DRAFT).update(
        state=State.QUEUED, plan=plan, started_at=now, error=None
    )
    if started != 1:
        raise _not_draft(audit)
    run = Run.objects.create(
        audit=audit,
        lane=lane_of(plan),
        queued_at=now,
        progress={"percent": 0, "text": "Waiting for a worker", "steps": [], "preview": None},
    )
    event_add(subject=audit, verb="started", user=user, **detail)
    queue.enqueue("execute_run", run.id, lane=run.lane)
    audit.refresh_from_db()
    return audit


def model_profile(audit: Audit) -> Json | None:
    """What the uploaded model that is audited says of itself; None where none is."""
    used = (audit.draft.get("model") or {}).get("kind") in UPLOADED
    return audit.model.profile if used and audit.model is not None else None


def draft_check(*, audit: Audit) -> None:
    """See whether the draft is a complete plan but for its remedies.

    Raises
    ------
    AuditError
        As `audit_start`.
    """
    _plan_of(audit, without=("methods", "protect"))


def _plan_of(audit: Audit, without: tuple[str, ...] = ()) -> Json:
    dataset, model = audit.dataset, audit.model
    if dataset is None or dataset.state != UploadState.READY or dataset.profile is None:
        name = "" if dataset is None else f"“{dataset.name}” "
        raise AuditError(
            "no-data",
            f"The data set {name}is not ready, or it was deleted.",
            "Choose a data set whose check is done.",
            where="dataset",
        )
    kind = (audit.draft.get("model") or {}).get("kind")
    facts = None
    if kind in UPLOADED and model is not None:
        if model.state != UploadState.READY:
            raise AuditError(
                "model-not-ready",
                f"The model “{model.name}” is not ready.",
                "Choose a model whose check is done.",
                where="model",
            )
        facts = model.profile
    about = {
        **(audit.draft.get("about") or {}),
        "title": audit.title,
        "simulated": dataset.simulated,
    }
    draft = {key: value for key, value in audit.draft.items() if key not in without}
    plan = plan_from_draft({**draft, "about": about}, dataset.profile, facts)
    return dict(plan.to_json())


@transaction.atomic
def audit_cancel(*, audit: Audit, user: User | None) -> Audit:
    """Stop an audit: at once while it waits, within about a second while it runs."""
    now = timezone.now()
    runs = Run.objects.filter(audit=audit)
    runs.filter(state=State.QUEUED).update(state=State.CANCELLED, finished_at=now)
    runs.filter(state=State.RUNNING, lease_until__lt=now).update(
        state=State.CANCELLED, finished_at=now, lease_until=None
    )
    runs.filter(state=State.RUNNING).update(cancel_requested=True)
    if not runs.filter(state=State.RUNNING).exists():
        Audit.objects.filter(id=audit.id, state__in=OPEN_STATES).update(
            state=State.CANCELLED, finished_at=now
        )
    audit.refresh_from_db()
    if audit.is_open or audit.state == State.CANCELLED:
        event_add(subject=audit, verb="cancelled", user=user)
    return audit


def audit_again(*, audit: Audit, user: User | None) -> Audit:
    """Begin a new draft with the same answers, to be changed before it starts."""
    draft = {key: value for key, value in audit.draft.items() if key != "steps"}
    return audit_create(
        workspace=audit.workspace,
        user=user,
        dataset=audit.dataset,
        model=audit.model,
        title=audit.title,
        draft=draft,
        previous=audit,
    )


@transaction.atomic
def audit_delete(*, audit: Audit, user: User | None) -> None:
    """Delete an audit with its report and files."""
    current = Audit.objects.get(id=audit.id)
    if current.is_open:
        raise AuditError(
            "audit-open",
            f"The audit “{current.title}” is {current.get_state_display().lower()}.",
            "Cancel it first, then delete it.",
            permanent=False,
        )
    event_add(subject=current, verb="deleted", user=user, report=current.report_id)
    for report in Report.objects.filter(audit=current):
        report_remove_files(report=report)
    comparisons_remove_files(audit=current)
    current.delete()


def _not_draft(audit: Audit) -> AuditError:
    return AuditError(
        "not-a-draft",
        f"The audit “{audit.title}” has been started already.",
        "Use “Audit again with changes” to begin a new draft from it.",
    )
