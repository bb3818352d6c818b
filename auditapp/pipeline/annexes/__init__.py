"""The numbers of regulatory annexes, counted once and stored: one file for each template."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.plan import Plan
from auditapp.regulatory import card
from auditapp.regulatory.card import Card

logger = logging.getLogger(__name__)


def annexes(
    plan: Plan, audited: Audited | None, document: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """What the plan's templates show; None where it has none.

    Parameters
    ----------
    plan, audited
        As frozen, and the measured rows of a yes/no outcome; None for other outcomes.
    document
        The sections of the result document measured so far.

    Returns
    -------
    list of dict
        ``{slug, title, jurisdiction, rule, version, source, settings, open}`` and what the
        template adds. `open` lists what keeps a report a draft: ``{"code", "text"}``.
    """
    if not plan.templates:
        return None
    return [_one(plan, audited, document, card(item.slug), item.settings)
            for item in plan.templates]  # fmt: skip


def _one(
    plan: Plan,
    audited: Audited | None,
    document: Mapping[str, Any],
    found: Card,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    settings = found.settings(given)
    empty = [
        {"code": "empty", "text": f"“{item.label}” is empty."}
        for item in found.fields
        if item.needed and settings[item.name] in ("", [])
    ]
    head = {
        "slug": found.slug,
        "title": found.title,
        "jurisdiction": found.jurisdiction,
        "rule": found.rule,
        "version": found.version,
        "source": found.source,
        "settings": settings,
    }
    whole = {"plan": plan.to_json(), **document}
    try:
        made = dict(import_module(found.compute).run(audited, whole, settings))
    except AuditError as error:
        if error.code in {"cancelled", "deadline"}:
            raise
        made = {"failed": {"code": error.code, "message": error.message}}
    except Exception as error:
        logger.exception("the template %s failed", found.slug)
        message = f"An error of the kind {type(error).__name__} stopped it."
        made = {"failed": {"code": "template-failed", "message": message}}
    if "failed" in made:
        empty.append({"code": "failed", "text": made["failed"]["message"]})
    return {**head, **made, "open": [*empty, *made.get("open", [])]}
