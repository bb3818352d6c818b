"""Shift: what kind the data have, each site's gap, sources told apart, and whether one helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from auditapp.datasets import split
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.diagnose import addition_trial, source_scan
from metrics import sites
from metrics.compare import group_counts
from metrics.estimates import GOALS
from metrics.shift import shift_section

CLASSES = ("not favourable", "favourable")


def run(audited: Audited) -> dict[str, Any]:
    """The four parts; one that does not apply is None, and `reasons` says why."""
    reasons: dict[str, str] = {}
    binary = audited.plan.outcome == "binary"
    out: dict[str, Any] = {"diagnosis": None, "sites": None, "sources": None, "addition": None}
    audited.tick(0.0, "labels and groups")
    if binary:
        out["diagnosis"] = _diagnosis(audited)
    else:
        reasons["diagnosis"] = reasons["sites"] = "binary-only"
    audited.tick(0.1, "each site's gap")
    if binary and audited.site is not None:
        out["sites"] = _sites(audited)
    elif audited.site is None:
        reasons["sites"] = "no-site"
    found, why = source_scan.scan(
        audited, lambda share, text: audited.tick(0.15 + share / 2, text)
    )
    out["sources"] = found
    if why is not None:
        reasons["sources"] = why
    trial, why = addition_trial.trial(
        audited, found, lambda share, text: audited.tick(0.65 + 0.35 * share, text)
    )
    out["addition"] = trial
    if why is not None:
        reasons["addition"] = why
    return out | {"reasons": reasons}


def _diagnosis(audited: Audited) -> dict[str, Any]:
    fitted = None
    if audited.part is not None and (audited.part == split.TRAIN).any():
        mask = audited.part == split.TRAIN
        fitted = [group_counts(attribute, mask) for attribute in audited.everyone]
    decision = np.where(audited.decision > 1, -1, audited.decision).astype(np.int8)
    found = shift_section(
        audited.attributes,
        audited.label,
        decision=decision,
        fitted=fitted,
        classes=CLASSES,
        seed=audited.plan.seed,
        draws=audited.plan.draws,
        floor=audited.plan.denominator_floor,
    )
    return found


def _sites(audited: Audited) -> dict[str, Any] | None:
    if audited.site is None:
        return None
    return sites.site_section(
        audited.attributes,
        audited.site,
        label=audited.label,
        decision=audited.decision,
        metrics=GOALS[audited.plan.goal],
        floor=audited.plan.floor,
        denominator_floor=audited.plan.denominator_floor,
    )
