"""What a run of a schedule found, beside the runs before it: stored, and told where it matters.

Only stored counts are read. What is computed stands in `auditapp.pipeline.overtime`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from auditapp.models import Alert, AlertKind, Report, Schedule, ScheduleRun, ScheduleRunState
from auditapp.services import alerts, leases
from auditapp.services.alert_words import EVERYBODY, WHAT, group_name
from auditapp.services.schedule_charts import history_draw
from auditapp.timing import Clock

if TYPE_CHECKING:
    from metrics.change_tables import RunTables

Json = dict[str, Any]


@dataclass(frozen=True)
class _Stored:
    """Earlier runs that were tested: what they are and their tables, oldest first.

    `pool` holds the runs of the baseline before those, once there are very many.
    """

    runs: list[Json]
    tables: list[RunTables]
    pool: Json | None = None

    @property
    def numbers(self) -> list[int]:
        """Numbers of the runs."""
        return [run["number"] for run in self.runs]

    def since(self, number: int) -> _Stored:
        """Those from a run on."""
        at = sum(n < number for n in self.numbers)
        pool = self.pool if self.pool is not None and self.pool["first"] >= number else None
        return _Stored(self.runs[at:], self.tables[at:], pool)


def run_judge(run: ScheduleRun) -> None:
    """Worker: compare the audit of a run with those before it."""
    from auditapp.pipeline import counted

    report = Report.objects.filter(audit=run.audit_id).first()
    found = None if report is None else counted.read(report.folder)
    tables, words = (None, None) if found is None else found
    counts_take(run=run, tables=tables, words=words)
    history_draw(schedule_id=run.schedule_id)


def counts_take(*, run: ScheduleRun, tables: RunTables | None, words: Json | None) -> Json:
    """Store what was counted in a held run, compare it, end the run and raise its alerts.

    Parameters
    ----------
    tables, words
        As `auditapp.pipeline.counted.read`; None where an audit keeps no counts.

    Returns
    -------
    dict
        The facts of the run.
    """
    schedule = Schedule.objects.select_related("last_run").get(id=run.schedule_id)
    if tables is None or words is None:
        facts: Json = {"undefined": "not-counted"}
        _end(run, schedule, facts, None, None)
        return facts
    counts, tested = _tested(run, schedule, tables)
    stored = _stored(schedule, run, tables)
    facts, history = _compared(run, schedule, tested, stored, words)
    if tested is not None:
        counts["pool"] = _pool(stored.since(schedule.baseline))
    facts = {**facts, "undefined": counts.pop("undefined", None) or facts["undefined"]}
    _end(run, schedule, facts, counts, history)
    return facts


def _tested(
    run: ScheduleRun, schedule: Schedule, tables: RunTables
) -> tuple[Json, RunTables | None]:
    """What is stored of a run's counts, and the people that none of the runs before had."""
    from auditapp.pipeline import overtime

    last = schedule.last_run
    if run.data_sha256 and last is not None and last.data_sha256 == run.data_sha256:
        # The same people are no new evidence. What grows goes on from their counts.
        kept = {"total": (last.counts or {}).get("total")}
        return {**kept, "tested": None, "undefined": "same-data"}, None
    if not schedule.grows:
        return {"tested": overtime.to_json(tables)}, tables
    earlier = _runs(schedule, run).filter(number__gte=schedule.baseline)
    before = next(
        (c["total"] for c in earlier.order_by("-number").values_list("counts", flat=True)
         if c.get("total")),
        None,
    )  # fmt: skip
    added, why = overtime.added(None if before is None else overtime.from_json(before), tables)
    tested = None if added is None else overtime.to_json(added)
    return {"total": overtime.to_json(tables), "tested": tested, "undefined": why}, added


def _runs(schedule: Schedule, run: ScheduleRun) -> Any:
    return ScheduleRun.objects.filter(
        schedule=schedule, state=ScheduleRunState.DONE, number__lt=run.number,
        counts__isnull=False,
    )  # fmt: skip


def _stored(schedule: Schedule, run: ScheduleRun, tables: RunTables) -> _Stored:
    """Earlier runs with the same attributes, as far back as one is shown or compared."""
    from auditapp.pipeline import overtime

    rows = _runs(schedule, run).order_by("-number")
    rows = rows.values_list("number", "due_at", "audit_id", "counts")
    runs: list[Json] = []
    kept: list[RunTables] = []
    pool = None
    for number, due_at, audit_id, counts in rows[: 2 * overtime.MOST].iterator():
        if number < schedule.baseline and len(runs) >= overtime.SHOWN:
            break
        if counts["tested"] is None:
            continue
        if set(counts["tested"]["levels"]) != set(tables.levels):
            break
        pool = counts.get("pool") if not runs else pool
        if len(runs) == overtime.MOST or (pool is not None and number <= pool["last"]):
            break
        runs.append(_shown(number, due_at, audit_id))
        kept.append(overtime.from_json(counts["tested"]))
    return _Stored(runs[::-1], kept[::-1], pool)


def _shown(number: int, due_at: datetime, audit_id: UUID | None) -> Json:
    """A run as the history names it."""
    date = due_at.isoformat(timespec="seconds")
    return {"number": number, "date": date, "audit": None if audit_id is None else str(audit_id)}


def _pool(recent: _Stored) -> Json | None:
    """The pool that goes with the present run; the oldest run joins it once there are many."""
    from auditapp.pipeline import overtime

    if len(recent.numbers) < overtime.MOST:
        return recent.pool
    oldest, first = recent.tables[0], recent.numbers[0]
    if recent.pool is None:
        return {"first": first, "last": first, "runs": 1, "counts": overtime.to_json(oldest)}
    counts = overtime.joined(overtime.from_json(recent.pool["counts"]), oldest)
    return {
        "first": recent.pool["first"], "last": first, "runs": recent.pool["runs"] + 1,
        "counts": overtime.to_json(counts),
    }  # fmt: skip


def _compared(
    run: ScheduleRun, schedule: Schedule, tested: RunTables | None, stored: _Stored, words: Json
) -> tuple[Json, Json | None]:
    from auditapp.pipeline import overtime

    facts: Json = {"undefined": None, "scan": None, "drift": [], "vanished": [], "new": []}
    facts |= {"tolerance": words["tolerance"], "titles": words["titles"]}
    if tested is None:
        return facts, None
    clock = Clock(schedule.cron, schedule.every, schedule.period, schedule.timezone)
    rules = overtime.Rules.of(words, clock.times_a_year())
    recent = stored.since(schedule.baseline)
    pool = None
    if recent.pool is not None:
        pool = (overtime.from_json(recent.pool["counts"]), int(recent.pool["runs"]))
    facts |= overtime.compare(recent.tables, tested, rules, pool=pool)
    numbers = [*recent.numbers, run.number]
    for stream in (facts["scan"] or {"streams": []})["streams"]:
        ago = stream.pop("runs_ago")
        stream["since"] = None if ago is None else numbers[len(numbers) - 1 - ago]
    facts["baseline"] = numbers[0] if recent.pool is None else recent.pool["first"]
    history = None
    if tested.n:
        runs = [*stored.runs, _shown(run.number, run.due_at, run.audit_id)]
        history = {
            "tolerance": words["tolerance"],
            "titles": words["titles"],
            "runs": runs[-overtime.SHOWN :],
            "streams": overtime.lines([*stored.tables, tested], rules),
        }
    return facts, history


# --- telling ---------------------------------------------------------------------------------


@transaction.atomic
def _end(
    run: ScheduleRun, schedule: Schedule, facts: Json, counts: Json | None, history: Json | None
) -> None:
    now = timezone.now()
    held = leases.held_by(run).update(
        state=ScheduleRunState.DONE, counts=counts, facts=facts, finished_at=now,
        lease_until=None, error=None,
    )  # fmt: skip
    if held != 1:
        return
    known = list(Alert.objects.filter(schedule=schedule))
    _tell(run, schedule, facts, [alert for alert in known if alert.is_open])
    gone = {_key("vanished", item) for item in facts.get("vanished", [])}
    if any(alert.is_open for alert in known):
        rewritten = facts["undefined"] == "past-rewritten"
        alerts.alerts_settle(run=run, gone=gone, rewritten=rewritten)
    changes: Json = {"last_run": run}
    if history is not None:
        changes["history"] = _marked(history, [*known, *Alert.objects.filter(run=run)])
    Schedule.objects.filter(id=schedule.id).update(**changes)


def _tell(run: ScheduleRun, schedule: Schedule, facts: Json, known: list[Alert]) -> None:
    """Raise what is new; what is told already only counts on in the open alert that tells it."""
    if facts["undefined"] == "past-rewritten":
        alerts.alert_raise(schedule=schedule, kind=AlertKind.REWRITTEN, detail={}, run=run)
    scan = facts.get("scan") or {"streams": []}
    found = {
        "change": sorted((s for s in scan["streams"] if s["changed"]), key=lambda s: -abs(s["z"])),
        "drift": [test for test in facts.get("drift", []) if test["drift"]],
        "vanished": list(facts.get("vanished", [])),
    }
    now = {_key(what, item) for what, items in found.items() for item in items}
    for alert in known:
        if now & set(alert.detail.get("keys", ())):
            Alert.objects.filter(id=alert.id).update(times=F("times") + 1)
    told = {key for alert in known for key in alert.detail.get("keys", ())}
    for what, items in found.items():
        new = [item for item in items if _key(what, item) not in told]
        if what == "change":
            new = _also(new, facts["titles"], known) if new else []
        if new:
            kind, detail = _DETAILS[what](new, run, facts)
            keys = [_key(what, item) for item in new]
            alerts.alert_raise(
                schedule=schedule, kind=kind, key=f"{what}:{run.number}", run=run,
                detail={**detail, "keys": keys},
            )  # fmt: skip


def _also(items: list[Json], titles: Json, known: list[Alert]) -> list[Json]:
    """Add to an open alert what the same change did elsewhere; what is left is another change.

    A gap that crossed the limit is always told anew.
    """
    left = []
    for item in items:
        same = [
            alert for alert in known
            if "streams" in alert.detail and abs(alert.detail["baseline"] - item["since"]) <= 1
        ]  # fmt: skip
        if not same or (item["crossed"] and same[0].kind != AlertKind.TOLERANCE):
            left.append(item)
            continue
        detail = same[0].detail
        detail["streams"].append(_stream(item, titles))
        detail["keys"].append(_key("change", item))
        Alert.objects.filter(id=same[0].id).update(detail=detail)
    return left


def _changed(items: list[Json], run: ScheduleRun, facts: Json) -> tuple[str, Json]:
    crossed = any(item["crossed"] for item in items)
    return AlertKind.TOLERANCE if crossed else AlertKind.CHANGE, {
        "streams": [_stream(item, facts["titles"]) for item in items],
        "baseline": min(item["since"] for item in items),
        "tolerance": facts["tolerance"],
    }


def _drifted(items: list[Json], run: ScheduleRun, facts: Json) -> tuple[str, Json]:
    tests = [_test(item, facts["titles"]) for item in items]
    return AlertKind.DRIFT, {"tests": tests, "baseline": run.number}


def _gone(items: list[Json], run: ScheduleRun, facts: Json) -> tuple[str, Json]:
    titles = facts["titles"]
    groups = [{**item, "label": group_name(item["group"], titles)} for item in items]
    return AlertKind.VANISHED, {"groups": groups, "baseline": run.number}


_DETAILS: dict[str, Callable[[list[Json], ScheduleRun, Json], tuple[str, Json]]] = {
    "change": _changed, "drift": _drifted, "vanished": _gone,
}  # fmt: skip


def _key(what: str, item: Json) -> str:
    """What an alert is about, whatever its numbers are."""
    group = [word for pair in item.get("group", {}).items() for word in pair]
    parts = [what, item.get("metric", item.get("what", "")), *item["by"], *group]
    return "\x1f".join(str(part) for part in parts)


def _stream(item: Json, titles: Json) -> Json:
    numbers = {side: item[side]["value"] for side in ("before", "after")}
    kept = {key: item[key] for key in ("metric", "by", "group", "change", "low", "high", "since")}
    label = group_name(item["group"], titles) if item["by"] else EVERYBODY
    return {**kept, **numbers, "z": item["z"], "crossed": item["crossed"], "label": label}


def _test(item: Json, titles: Json) -> Json:
    shares = item["what"] == "group-shares"
    label = (
        f"groups of {titles.get(item['by'][0], item['by'][0])}" if shares else WHAT[item["what"]]
    )
    return {
        "what": item["what"], "by": item["by"], "label": label,
        "p_adjusted": item["p_adjusted"], "moved": item["moved"] if shares else None,
        "before": None if shares else item["before"]["value"],
        "after": None if shares else item["after"]["value"],
    }  # fmt: skip


def _marked(history: Json, known: list[Alert]) -> Json:
    """Mark, for C11, the runs at which changes that were told began."""
    began = {
        (_key("change", item), item["since"])
        for alert in known
        for item in alert.detail.get("streams", ())
    }
    for stream in history["streams"]:
        key = _key("change", stream)
        for run, point in zip(history["runs"], stream["points"], strict=True):
            if point is not None:
                point["changed"] = (key, run["number"]) in began
    return history
