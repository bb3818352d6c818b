"""The frozen Plan of an audit: its shape, its checks, and how a web draft becomes one."""

from auditapp.plan.checks import GOALS, GOALS_NEEDING_LABEL, check
from auditapp.plan.draft import plan_from_draft
from auditapp.plan.model import (
    About,
    AttributeSpec,
    Data,
    Model,
    Outcome,
    Plan,
    Score,
    Split,
)

__all__ = [
    "GOALS",
    "GOALS_NEEDING_LABEL",
    "About",
    "AttributeSpec",
    "Data",
    "Model",
    "Outcome",
    "Plan",
    "Score",
    "Split",
    "check",
    "plan_from_draft",
]
