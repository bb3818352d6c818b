"""Comparisons of two audits, for the pages that show them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROWS = 6000


def compared(workspace: Any, user: Any) -> dict[str, str]:
    """Addresses by name: a list, the choice, one that is made, one that failed, one that waits."""
    from django.utils import timezone

    from auditapp.models import Comparison, State
    from auditapp.services import comparisons
    from tests.comparison_audits import audit, people
    from tests.comparison_rows import make_finished
    from tests.factories import make_dataset

    team: Any = SimpleNamespace(workspace=workspace, alice=user)
    dataset = make_dataset(team, name="Loan applications, autumn", rows=ROWS)
    with tempfile.TemporaryDirectory() as folder:
        table = people(ROWS, 8, planted=0.08)
        finished = [
            make_finished(team, audit(table, Path(folder) / score, score=score),
                          title=f"Loan score, {version}", dataset=dataset)
            for score, version in (("score", "version 4"), ("score_b", "version 5"))
        ]  # fmt: skip
    first, second = finished
    made = comparisons.comparison_start(first=first, second=second, user=user)
    for _ in range(200):
        made.refresh_from_db()
        if made.state == State.DONE:
            break
        time.sleep(0.3)
    else:
        raise AssertionError(f"the comparison was not made: {made.state} {made.error}")
    error = {
        "code": "rows-not-kept",
        "message": "Both audits are of the same people, so they have to be paired, and decisions"
        " were not kept row by row by A (“Loan score, version 4”).",
        "hint": "Run that audit again: it keeps them then. Rows go when their data set is"
        " deleted.",
    }
    common = {"workspace": workspace, "first": first, "second": second, "created_by": user}
    failed = Comparison.objects.create(
        number=91, title="Loan score, once more", state=State.FAILED, error=error,
        finished_at=timezone.now(), **common,
    )  # fmt: skip
    waiting = Comparison.objects.create(
        number=92, title="Loan score, waiting", state=State.QUEUED, **common
    )
    return {
        "comparisons": "/comparisons/",
        "comparison-new": f"/comparisons/new/?second={second.id}",
        "comparison": f"/comparisons/{made.id}/",
        "comparison-failed": f"/comparisons/{failed.id}/",
        "comparison-waiting": f"/comparisons/{waiting.id}/",
        "comparison-delete": f"/comparisons/{made.id}/delete/",
    }
