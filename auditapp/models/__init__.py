"""Every table. Rules the database can state are constraints."""

from auditapp.models.api import ApiToken, IdempotencyKey
from auditapp.models.audit import Audit, Report, ReportStatus, Run
from auditapp.models.edition import Edition
from auditapp.models.lease import State
from auditapp.models.schedule import (
    Alert,
    AlertKind,
    Delivery,
    DeliveryState,
    Schedule,
    ScheduleRun,
    ScheduleRunState,
    ScheduleState,
    Webhook,
)
from auditapp.models.share import Comparison, SharedCopy, ShareLink
from auditapp.models.team import Invitation, Member, SignInLink, User, Workspace
from auditapp.models.trail import Event
from auditapp.models.upload import Dataset, ModelFile, UploadState

__all__ = [
    "Alert",
    "AlertKind",
    "ApiToken",
    "Audit",
    "Comparison",
    "Dataset",
    "Delivery",
    "DeliveryState",
    "Edition",
    "Event",
    "IdempotencyKey",
    "Invitation",
    "Member",
    "ModelFile",
    "Report",
    "ReportStatus",
    "Run",
    "Schedule",
    "ScheduleRun",
    "ScheduleRunState",
    "ScheduleState",
    "ShareLink",
    "SharedCopy",
    "SignInLink",
    "State",
    "UploadState",
    "User",
    "Webhook",
    "Workspace",
]
