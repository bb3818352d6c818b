"""The frozen Plan of an audit: its shape, its checks, and how a web draft becomes one."""

from auditapp.plan.back import columns_of, draft_of
from auditapp.plan.checks import check
from auditapp.plan.draft import plan_from_draft
from auditapp.plan.goals import (
    ESTIMATORS,
    GOALS,
    GOALS_NEEDING_LABEL,
    OUTCOMES,
    SEARCHES,
    goals_for,
)
from auditapp.plan.model import (
    About,
    AttributeSpec,
    Checkpoint,
    Data,
    MethodSpec,
    Model,
    Outcome,
    Plan,
    References,
    Score,
    Source,
    Split,
    TemplateSpec,
    Weights,
)

__all__ = [
    "ESTIMATORS",
    "GOALS",
    "GOALS_NEEDING_LABEL",
    "OUTCOMES",
    "SEARCHES",
    "About",
    "AttributeSpec",
    "Checkpoint",
    "Data",
    "MethodSpec",
    "Model",
    "Outcome",
    "Plan",
    "References",
    "Score",
    "Source",
    "Split",
    "TemplateSpec",
    "Weights",
    "check",
    "columns_of",
    "draft_of",
    "goals_for",
    "plan_from_draft",
]
