"""The searches that go deeper than rates: one file each, one line here.

A module has ``run(audited) -> dict | list | None``; None says that the plan gives it nothing to
look at. Its slug is the key of the result document that its answer stands under.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.progress import Progress

logger = logging.getLogger(__name__)

#: slug -> module, and what the progress page says while it runs
REGISTRY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "subgroups": ("auditapp.pipeline.diagnose.subgroups", "groups nobody named"),
        "pid": ("auditapp.pipeline.diagnose.pid", "where the gap comes from"),
        "bounds": ("auditapp.pipeline.diagnose.bounds", "the best that is possible"),
        "strata": ("auditapp.pipeline.diagnose.strata", "legitimate factors held equal"),
        "levels": ("auditapp.pipeline.diagnose.levels", "labels, scores and decisions apart"),
        "references": ("auditapp.pipeline.diagnose.references", "reference decisions"),
        "shift": ("auditapp.pipeline.diagnose.shift", "sites and shift"),
        "transfer": ("auditapp.pipeline.diagnose.transfer", "models moved between sites"),
        "change": ("auditapp.pipeline.diagnose.change", "change since the last audit"),
        "numerics": ("auditapp.pipeline.diagnose.numerics", "number formats"),
    }
)


def diagnose(audited: Audited, progress: Progress) -> dict[str, Any]:
    """Run every search the plan does not skip.

    One that fails says so in its place, ``{"failed": {"code", "message"}}``, and the rest of the
    report stands. A wish to stop is no failure: it is passed on.
    """
    wanted = [slug for slug in REGISTRY if slug not in audited.plan.skip]
    out: dict[str, Any] = dict.fromkeys(REGISTRY)
    for done, slug in enumerate(wanted):
        module, words = REGISTRY[slug]

        def tick(share: float, text: str, done: int = done, words: str = words) -> None:
            progress.within("diagnose", (done + share) / len(wanted), f"{words}: {text}")

        progress.within("diagnose", done / len(wanted), words)
        out[slug] = _one(slug, module, replace(audited, tick=tick))
    return out


def _one(slug: str, module: str, audited: Audited) -> Any:
    try:
        return import_module(module).run(audited)
    except AuditError as error:
        if error.code in {"cancelled", "deadline"}:
            raise
        return {"failed": {"code": error.code, "message": error.message}}
    except Exception as error:
        logger.exception("the search %s failed", slug)
        message = f"An error of the kind {type(error).__name__} stopped it."
        return {"failed": {"code": "search-failed", "message": message}}
