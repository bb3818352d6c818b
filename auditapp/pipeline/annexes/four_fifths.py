"""Numbers of the template: four-fifths rule with significance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.datasets.split import stream
from auditapp.errors import AuditError
from auditapp.pipeline.annexes import named
from auditapp.pipeline.audited import Audited
from metrics import adverse_impact
from metrics.impact import FOUR_FIFTHS


def run(
    audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Every column's groups against the one with the highest rate.

    Returns
    -------
    dict
        ``attributes[]`` (`metrics.adverse_impact.impact`, with ``untold``: groups of people who
        did not say, counted as unknown), ``strata`` (column, title, values) or
        None, ``compared`` (tests made), ``mark``, ``deviations``, ``alpha`` and ``weighted``
        (the audit has survey weights, which this rule does not use).
    """
    if audited is None:
        raise AuditError(
            "template-outcome",
            "The four-fifths rule compares selections, and this audit has none.",
            "Leave the template out.",
        )
    within = named.strata(audited, str(settings["strata"]))
    stratum = None if within is None else within[0]
    made = []
    for whole in named.attributes(audited, settings["columns"]):
        attribute, untold = named.told(whole)
        found = adverse_impact.impact(
            attribute,
            audited.decision,
            stratum=None if stratum is None or stratum.name == attribute.name else stratum,
            share=named.exact(settings["least_share"], 100),
            rng=stream(f"four-fifths/{attribute.name}", audited.plan.seed),
            draws=audited.plan.draws,
        )
        made.append({**found, "untold": untold})
    return {
        "attributes": made,
        "strata": None
        if within is None
        else {
            "column": within[0].name,
            "heading": within[1],
            "values": len(within[0].levels),
        },
        "compared": sum(found["compared"] for found in made),
        "mark": float(FOUR_FIFTHS),
        "deviations": adverse_impact.DEVIATIONS,
        "alpha": adverse_impact.ALPHA,
        "weighted": audited.plan.weights is not None,
    }
