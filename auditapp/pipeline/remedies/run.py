"""Try the remedies of a plan, measure every setting, and mark what to recommend."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import mitigations
from auditapp.errors import AuditError
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.progress import Progress
from auditapp.pipeline.remedies import arms, backdrop, computing, locally, rulefile
from auditapp.pipeline.remedies.judge import Judge
from auditapp.pipeline.remedies.problem import Prepared, prepare
from auditapp.pipeline.weights import effect_of
from metrics.choice import recommend, undominated
from metrics.estimates import GOALS
from metrics.tradeoffs import Settings
from mitigations.contract import Cancelled, Method, MethodError, Outcome
from mitigations.parameters import build

logger = logging.getLogger(__name__)

Json = dict[str, Any]

#: Share of people that has to be decided by the recommended setting that sends some to a person.
LEAST_COVERAGE = 0.5
STOPS = frozenset({"cancelled", "deadline"})


def remedies(audited: Audited, progress: Progress) -> Json:
    """The keys ``methods`` and ``tradeoff`` of the result document."""
    plan = audited.plan
    tick = _within(progress, 0.0, 0.05)
    try:
        prepared = prepare(_with_tick(audited, tick))
        _check(prepared)
    except AuditError as error:
        if error.code in STOPS:
            raise
        return {
            "methods": [],
            "tradeoff": {"failed": {"code": error.code, "message": error.message}},
        }
    found: list[tuple[str, Method | None, Outcome | MethodError]] = []
    for i, spec in enumerate(plan.methods):
        span = 0.05 + 0.75 * i / len(plan.methods), 0.75 / len(plan.methods)
        found.append(_try(spec.slug, dict(spec.settings), audited, prepared,
                          _within(progress, *span)))  # fmt: skip
    return _measured(audited, prepared, found, progress)


def _within(progress: Progress, start: float, share: float) -> Callable[[float, str], None]:
    def tick(done: float, text: str) -> None:
        progress.within("remedies", start + share * done, text)

    return tick


def _with_tick(audited: Audited, tick: Callable[[float, str], None]) -> Audited:
    from dataclasses import replace

    return replace(audited, tick=tick)


def _check(prepared: Prepared) -> None:
    audit = prepared.audit
    if audit.y is None or not (audit.y >= 0).any():
        raise AuditError(
            "remedies-no-label",
            "None of the rows that remedies are judged on has a label.",
            "Choose a label column that is filled in.",
        )
    known = audit.y[audit.y >= 0]
    if min((known == 0).sum(), (known == 1).sum()) == 0:
        raise AuditError(
            "remedies-one-class",
            f"All {known.size:,} labelled rows that remedies are judged on have the same label.",
            "Check which label values are favourable.",
        )


def _try(
    slug: str, settings: Json, audited: Audited, prepared: Prepared,
    tick: Callable[[float, str], None],
) -> tuple[str, Method | None, Outcome | MethodError]:  # fmt: skip
    """Run one method; what goes wrong in it is its own."""
    module, name = mitigations.REGISTRY[slug].split(":")

    def told(done: int, total: int, text: str) -> None:
        title = slug if method is None else method.card.title
        tick(done / max(total, 1), f"{title}: {text}" if text else title)

    method: Method | None = None
    try:
        method = build(getattr(import_module(module), name), settings)
        tick(0.0, method.card.title)
        context = computing.context(method.card, audited, told)
        outcome = method.fit(prepared.problem, context)
        computing.note(audited, slug, method.card, context)
        return slug, method, outcome
    except MethodError as error:
        return slug, method, error
    except AuditError as error:
        if error.code in STOPS:
            raise
        return slug, method, MethodError(error.code, error.message, error.hint)
    except Cancelled as error:
        raise AuditError("cancelled", "The audit was stopped.") from error
    except Exception as error:
        logger.exception("the remedy %s failed", slug)
        message = f"An error of the kind {type(error).__name__} stopped it."
        return slug, method, MethodError("method-failed", message, "The others are not affected.")


def _measured(
    audited: Audited,
    prepared: Prepared,
    found: list[tuple[str, Method | None, Outcome | MethodError]],
    progress: Progress,
) -> Json:
    plan = audited.plan
    many = sum(len(o.points) for _, _, o in found if isinstance(o, Outcome))
    settings = Settings(
        goal=plan.goal,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        draws=plan.draws,
        seed=plan.seed,
        settings=many + 1,
        effect=effect_of(audited, prepared.attribute, (*GOALS[plan.goal], "accuracy")),
    )
    judge = Judge(prepared, settings)
    baseline = judge.baseline()
    tick = _within(progress, 0.8, 0.2)
    methods, done = [], 0
    for (slug, method, outcome), spec in zip(found, plan.methods, strict=True):
        entry = _entry(slug, method, dict(spec.settings), outcome)
        entry["compute"] = computing.noted(audited, slug)
        if isinstance(outcome, Outcome):
            for point in outcome.points:
                tick(done / max(many, 1), f"measuring {entry['title']}, {point.label}")
                row = judge.point(slug, point)
                row["rule"] = rulefile.write(audited, prepared, slug, point)
                entry["points"].append(row)
                done += 1
        methods.append(entry)
    done_well = [(slug, o) for slug, _, o in found if isinstance(o, Outcome)]
    for (_, _, outcome), entry in zip(found, methods, strict=True):
        if isinstance(outcome, Outcome) and outcome.regions is not None:
            entry["tables"] |= locally.tables(
                prepared, done_well, outcome, seed=plan.seed,
                tick=lambda label: tick(1.0, f"looking at parts of the people, {label}"),
            )  # fmt: skip
        if isinstance(outcome, Outcome) and outcome.arms:
            entry["tables"] |= arms.tables(
                prepared, outcome, draws=plan.draws, seed=plan.seed,
                tick=lambda text: tick(1.0, text),
            )  # fmt: skip
    return {"methods": methods, "tradeoff": _tradeoff(audited, judge, baseline, methods)}


def _entry(slug: str, method: Method | None, given: Json, outcome: Outcome | MethodError) -> Json:
    card = None if method is None else method.card
    entry: Json = {
        "slug": slug,
        "title": slug if card is None else card.title,
        "text": "" if card is None else card.text,
        "source": "" if card is None else card.source,
        "kind": None if card is None else card.kind,
        "uses_group_at_decision": False if card is None else card.uses_group_at_decision,
        "settings": given if method is None else _settings(method),
        "status": "ok",
        "error": None,
        "notes": [],
        "tables": {},
        "points": [],
    }
    if isinstance(outcome, MethodError):
        error = {"code": outcome.code, "message": outcome.message, "hint": outcome.hint}
        return {**entry, "status": "error", "error": error}
    entry["notes"] = list(outcome.notes)
    entry["tables"] = {
        name: {
            "columns": list(table.columns),
            "rows": [list(row) for row in table.rows],
            "caption": table.caption,
            "split": table.split,
        }
        for name, table in outcome.tables.items()
    }
    return entry


def _settings(method: Method) -> Json:
    from mitigations.parameters import parameters

    return {item.name: getattr(method, item.name) for item in parameters(type(method))}


def _tradeoff(audited: Audited, judge: Judge, baseline: Json, methods: list[Json]) -> Json:
    plan, prepared = audited.plan, judge.prepared
    points = [(m["slug"], p) for m in methods for p in m["points"]]
    chosen, human, reason = _choose(points, baseline, plan.tolerance)
    _mark(points, baseline, chosen)
    names = prepared.problem.group_names
    reference = judge.reference
    return {
        "protect": plan.attributes[0].column if plan.protect is None else plan.protect,
        "groups": list(names),
        "compared": [names[int(g)] for g in judge.compared],
        "reference": None if reference is None else names[reference],
        "goal": plan.goal,
        "metrics": list(judge.settings.metrics),
        "tolerance": plan.tolerance,
        "rows": prepared.rows,
        "baseline": baseline,
        "bound": backdrop.bound(judge),
        "yardstick": backdrop.yardstick(judge, methods, seed=plan.seed),
        "recommended": chosen,
        "human": human,
        "reason": reason,
        "sweep": backdrop.sweep(judge),
    }


def _triple(point: Json) -> tuple[float, float, float]:
    valid = point["valid"]
    values = [valid[key] for key in ("disparity", "accuracy", "coverage")]
    gap, right, coverage = (math.nan if value is None else value for value in values)
    return gap, right, coverage


def _choose(
    points: list[tuple[str, Json]], baseline: Json, tolerance: float
) -> tuple[Json | None, Json | None, str | None]:
    """Recommended setting that decides everybody, one that does not, and why there is none."""
    usable = [(slug, p) for slug, p in points if p["status"] != "collapsed"]
    now = _triple(baseline)
    if math.isfinite(now[0]) and now[0] <= tolerance:
        return None, None, "baseline-keeps-limit"
    triples = [_triple(p) for _, p in usable]

    def named(found: tuple[int | None, bool]) -> Json | None:
        place, kept = found
        if place is None:
            return None
        slug, point = usable[place]
        return {"method": slug, "point": point["id"], "kept": kept}

    everybody = named(recommend(triples, tolerance))
    partial = [t if t[2] < 1.0 else (math.nan, math.nan, 1.0) for t in triples]
    human = named(recommend(partial, tolerance, least_coverage=LEAST_COVERAGE))
    return everybody, human, None if everybody is not None else "no-setting"


def _mark(points: list[tuple[str, Json]], baseline: Json, chosen: Json | None) -> None:
    """Pareto marks from the rows settings are chosen by, people who all get a decision."""
    full = [baseline, *(p for _, p in points)]
    triples = [_triple(p) for p in full]
    best = undominated([(g, a) if c >= 1.0 else (math.nan, math.nan) for g, a, c in triples])
    for (slug, point), mark in zip(points, best[1:], strict=True):
        point["pareto"] = bool(mark) and point["status"] != "collapsed"
        wanted = chosen is not None and (chosen["method"], chosen["point"]) == (slug, point["id"])
        point["recommended"] = wanted
    baseline["pareto"] = bool(best[0])
