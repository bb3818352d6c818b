"""The history of a schedule as drawings, made by a worker: the web server draws nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from auditapp import storage
from auditapp.errors import AuditError
from auditapp.models import Schedule
from auditapp.reports.schedule_history import ANCHOR, history_view

log = structlog.get_logger(__name__)
KIND = "schedules"


def folder_of(schedule_id: UUID) -> Path:
    """Where the drawings of a schedule lie."""
    return storage.absolute(storage.folder_of(KIND, schedule_id))


def history_draw(*, schedule_id: UUID) -> None:
    """Worker: draw the stored history again; without a drawing the page shows its table."""
    from auditapp.reports import charts

    stored = Schedule.objects.filter(id=schedule_id).values_list("history", flat=True).first()
    view = history_view(stored)
    if view is None:
        return
    folder = folder_of(schedule_id) / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    for variant in ("wide", "narrow"):
        try:
            drawn = charts.draw(view["chart"], variant)
        except AuditError as error:
            log.warning("no history drawn", schedule=str(schedule_id), code=error.code)
            return
        part = folder / f"{ANCHOR}.{variant}.partial"
        part.write_text(drawn, encoding="utf-8")
        part.replace(folder / f"{ANCHOR}.{variant}.svg")


def history_shown(schedule: Schedule) -> dict[str, Any] | None:
    """What the page shows of a schedule's history."""
    view = history_view(schedule.history)
    if view is None:
        return None
    folder = folder_of(schedule.id)
    drawn = all((folder / "charts" / f"{ANCHOR}.{v}.svg").is_file() for v in ("wide", "narrow"))
    return {**view, "folder": str(folder), "drawn": drawn}


def charts_remove(*, schedule_id: UUID) -> None:
    """Delete the drawings of a schedule that is gone."""
    storage.remove(storage.folder_of(KIND, schedule_id))
