"""Starting an audit from a finished plan, without the steps of the form."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from auditapp.datasets.lookup import unknown_column
from auditapp.errors import AuditError
from auditapp.models import Audit, Dataset, ModelFile, UploadState, User
from auditapp.plan import Plan, check, columns_of, draft_of
from auditapp.plan.checks import check_settings
from auditapp.services.audits import UPLOADED, audit_create, audit_queue

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
    check_settings((method.slug, method.settings) for method in wanted.methods)
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
