"""Long lists in pages, by a cursor that new rows do not shift."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from ninja import Schema
from pydantic import Field

from auditapp.api.problems import Problem
from auditapp.api.words import Cursor

MOST = 100


class PageIn(Schema):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=MOST, description="Most items in the answer")
    cursor: Cursor | None = Field(
        None, description="“next” of the page before; leave it out for the newest"
    )


def page(rows: QuerySet[Any], asked: PageIn) -> tuple[list[Any], str | None]:
    """Rows of one page, newest first, and the cursor of the next one."""
    found = rows.order_by("-created_at", "-id")
    if asked.cursor is not None:
        at, key = _read(asked.cursor)
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=key))
    items = list(found[: asked.limit + 1])
    if len(items) <= asked.limit:
        return items, None
    items = items[: asked.limit]
    return items, _write(items[-1])


def _write(row: Any) -> str:
    text = f"{row.created_at.isoformat()}|{row.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, key = text.partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(key)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise Problem(
            422,
            "bad-cursor",
            "The cursor is not one that a list here gave out.",
            "Take “next” of the page before as it is, or leave the cursor out.",
            where="cursor",
        ) from error
