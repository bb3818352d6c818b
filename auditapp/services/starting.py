"""Starting an audit from a finished plan, without the steps of the form."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from auditapp import queue
from auditapp.datasets.lookup import unknown_column
from auditapp.errors import AuditError
from auditapp.models import Audit, Dataset, ModelFile, Run, State, UploadState, User
from auditapp.plan import Plan, check, columns_of, draft_of
from auditapp.services import quotas
from auditapp.services.audits import UPLOADED, audit_create
from auditapp.services.lanes import lane_of
from auditapp.services.trail import event_add
from mitigations.catalogue import entry
from mitigations.contract import MethodError

Json = dict[str, Any]


@transaction.atomic
def audit_start_from(
    *,
    plan: Json,
    dataset: Dataset,
    user: User | None,
    title: str = "",
    model: ModelFile | None = None,
    previous: Audit | None = None,
    schedule: Any = None,
    **detail: Any,
) -> Audit:
    """Start an audit of `dataset` as `plan` says; what the plan says of the table is renewed.

    `detail` goes into the trail, with the schedule where there is one.

    Raises
    ------
    AuditError
        The data set is not ready, lost a column, or the plan does not fit; nothing was started.
    """
    profile = ready_profile(dataset)
    about = {**(plan.get("about") or {}), "simulated": dataset.simulated}
    about["title"] = title if title else about.get("title") or dataset.name
    facts = {key: profile[key] for key in ("name", "sha256", "bytes", "rows")}
    wanted = Plan.from_json({**plan, "data": facts, "about": about})
    check(wanted)
    _check_settings(wanted)
    columns = [column["name"] for column in profile["columns"]]
    for name in columns_of(wanted):
        if name not in columns:
            raise unknown_column(name, columns)
    if wanted.model.kind in UPLOADED and model is None:
        model = _model_of(wanted, dataset)
    audit = audit_create(
        workspace=dataset.workspace,
        user=user,
        dataset=dataset,
        model=model,
        title=about["title"],
        draft=draft_of(wanted, columns),
        previous=previous,
    )
    if schedule is not None:
        detail["schedule"] = str(schedule.pk)
    return audit_queue(audit=audit, plan=dict(wanted.to_json()), user=user, **detail)


@transaction.atomic
def audit_queue(*, audit: Audit, plan: Json, user: User | None, **detail: Any) -> Audit:
    """Freeze the plan of a draft and queue its run."""
    quotas.queue_check(workspace=audit.workspace)
    now = timezone.now()
    started = Audit.objects.filter(id=audit.id, state=State.DRAFT).update(
        state=State.QUEUED, plan=plan, started_at=now, error=None
    )
    if started != 1:
        raise AuditError(
            "not-a-draft",
            f"The audit “{audit.title}” has been started already.",
            "Use “Audit again with changes” to begin a new draft from it.",
        )
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


def ready_profile(dataset: Dataset) -> Json:
    """The profile of a data set that can be audited."""
    if dataset.state != UploadState.READY or dataset.profile is None:
        raise AuditError(
            "no-data",
            f"The data set “{dataset.name}” is {dataset.get_state_display().lower()}.",
            "Wait until its check is done, or choose another one.",
            where="dataset",
            permanent=dataset.state == UploadState.REFUSED,
        )
    return dict(dataset.profile)


def _check_settings(plan: Plan) -> None:
    """Refuse settings of remedies now, which a worker would refuse after minutes."""
    for method in plan.methods:
        found = entry(method.slug)
        if found is None:
            continue
        known = {parameter.name: parameter for parameter in found.parameters}
        for name, value in method.settings.items():
            if name not in known:
                raise AuditError(
                    "unknown-setting",
                    f"The remedy “{method.slug}” has no setting “{name}”.",
                    f"Choose among: {', '.join(known)}."
                    if known
                    else "This remedy has no settings.",
                    where="method",
                )
            try:
                known[name].read(value)
            except MethodError as error:
                raise AuditError(error.code, error.message, error.hint, where="method") from error


def _model_of(plan: Plan, dataset: Dataset) -> ModelFile:
    found = ModelFile.objects.filter(
        workspace=dataset.workspace_id, sha256=plan.model.sha256, state=UploadState.READY
    ).first()
    if found is None:
        raise AuditError(
            "no-model",
            f"The model “{plan.model.name}” of this plan was deleted.",
            "Upload it again, or choose another source of decisions.",
            where="model",
        )
    return found
