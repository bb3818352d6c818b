"""Survey weights that command-line options mean for a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from auditapp.errors import AuditError
from auditapp.headless.options import Options
from auditapp.plan import Weights


def weights_of(options: Options, columns: Iterable[str]) -> Weights | None:
    """The weight, and every column of the prefix and a number, in the order of the numbers."""
    prefix = options.replicate_weights
    if options.weight is None:
        if prefix is None:
            return None
        raise AuditError(
            "replicates-alone",
            "--replicate-weights is given without --weight.",
            "Name the column of full weights: --weight PWGTP.",
        )
    if prefix is None:
        return Weights(options.weight)
    shape = re.compile(re.escape(prefix) + r"_?(\d+)", re.IGNORECASE)
    found = {int(m.group(1)): name for name in columns if (m := shape.fullmatch(name))}
    if not found:
        raise AuditError(
            "no-replicates",
            f"No column is named “{prefix}” and a number.",
            "Give what the names of the replicate weights begin with: --replicate-weights PWGTP.",
        )
    last = max(found)
    gaps = [number for number in range(min(found), last + 1) if number not in found]
    if gaps or (prefix.upper() in {"PWGTP", "WGTP"} and len(found) != 80):
        lacking = gaps[0] if gaps else last + 1
        raise AuditError(
            "replicates-missing",
            f"{len(found)} columns are named “{prefix}” and a number; “{prefix}{lacking}” is not"
            " among them.",
            "Variances need all of them. Give the whole file, or leave --replicate-weights out: "
            "households are then drawn anew, which is approximate.",
        )
    return Weights(
        options.weight, tuple(found[n] for n in sorted(found)), options.replicate_method
    )
