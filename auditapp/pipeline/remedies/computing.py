"""Where a remedy computes: its device, its helpers, and what the result says of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditapp.pipeline.audited import Audited
from mitigations import device
from mitigations.contract import Card, Context

Json = dict[str, Any]
#: Where the job keeps what was noted: beside its inputs, as it is no part of the plan.
NOTES = "computed"


def context(card: Card, audited: Audited, tick: Callable[[int, int, str], None]) -> Context:
    """What the method may use; only one that wants a GPU has the machine asked for it.

    Raises
    ------
    MethodError
        ``no-device``.
    """
    job = audited.job
    wanted = str(job.get("device") or "auto")
    shared = job.get("shared") if card.helped else None
    scratch = Path(job["out"]).parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return Context(
        seed=audited.plan.seed,
        device=device.resolve(wanted) if card.lane == "gpu" else "cpu",
        scratch=scratch,
        store=None if shared is None else job.get("store"),
        shared=None if shared is None else Path(shared),
        tick=tick,
    )


def note(audited: Audited, slug: str, card: Card, used: Context) -> None:
    """Remember how a method was computed, for `noted` and for the appendix."""
    if card.lane != "gpu":
        return
    facts = device.describe(used.device, str(used.facts.get("precision", "float32")))
    audited.job.setdefault(NOTES, {})[slug] = facts
    audited.job["device_name"] = device.name_of(used.device)


def noted(audited: Audited, slug: str) -> Json | None:
    """Device, precision and agreement of a method that trains networks, else None."""
    found: Json | None = audited.job.get(NOTES, {}).get(slug)
    return found
