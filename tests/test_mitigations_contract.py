"""What every remedy in the registry must do, whatever it does."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitigations import REGISTRY
from mitigations.contract import (
    Cancelled,
    Card,
    Context,
    Method,
    MethodError,
    Outcome,
    Part,
    Problem,
)
from mitigations.parameters import build, parameters
from mitigations.rules import ABSTAIN, decide, from_state
from tests import problems

DOCS = Path(__file__).resolve().parent.parent / "docs" / "methods"
SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
NEEDS = {
    "label", "score", "features", "model", "two-groups", "checkpoint", "images", "source",
}  # fmt: skip
SLUGS = sorted(REGISTRY)
#: Less work than by default, for methods that search long; every other setting is the default.
QUICK: dict[str, dict[str, object]] = {
    "exponentiated-gradient": {"limits": "0.05", "steps": 6},
    "grid-search": {"prices": 5},
    "abstention": {"shares": "0.05 0.3", "draws": 10},
    "road": {"strengths": "1", "temperatures": "0.3", "seeds": 1, "steps": 30, "batch": 256},
    "fairtune": {
        "trials": 6, "baseline_trials": 1, "top": 1, "again": 1, "final": 1, "epochs": 2,
        "width": 8, "depth": 1, "source_epochs": 1, "scratch": False, "batch": 256,
    },
}  # fmt: skip
GROUPS = (2, 4)
#: Longest time without a tick.
PATIENCE = 5.0


def method(slug: str) -> type[Method]:
    module, name = REGISTRY[slug].split(":")
    found: type[Method] = getattr(import_module(module), name)
    return found


def quick(slug: str) -> Method:
    """The method as the tests run it."""
    found: Method = build(method(slug), QUICK.get(slug, {}))
    return found


@cache
def problem(groups: int) -> Problem:
    return problems.problem(1500, seed=3, groups=groups)


@cache
def audit(groups: int) -> Part:
    return problems.audit(400, seed=3, groups=groups)


def unlabelled(part: Part) -> Part:
    return replace(part, y=None)


@cache
def fitted(slug: str, groups: int) -> Outcome | MethodError:
    """One fit for all tests that look at it."""
    try:
        return quick(slug).fit(problem(groups), Context(seed=5))
    except MethodError as error:
        return error


def outcome(slug: str, groups: int) -> Outcome:
    found = fitted(slug, groups)
    if isinstance(found, MethodError):
        pytest.skip(f"{slug} cannot use {groups} groups: {found.code}")
    return found


def said(error: MethodError) -> None:
    """An error of a method names itself, what was found, and what to do."""
    assert SLUG.match(error.code)
    assert error.message.endswith(".") and error.hint.endswith(".")


@pytest.mark.parametrize("slug", SLUGS)
def test_the_card_says_what_the_method_does_and_needs(slug: str) -> None:
    card = method(slug).card
    assert isinstance(card, Card)
    assert SLUG.match(slug) and card.title and card.source
    assert card.text.endswith(".")
    assert card.needs <= NEEDS
    page = (DOCS / f"{slug}.md").read_text()
    assert page.startswith(f"# {card.title}\n")


@pytest.mark.parametrize("slug", SLUGS)
def test_settings_go_to_json_and_back(slug: str) -> None:
    kind = method(slug)
    default = build(kind, {})
    declared = {item.name for item in parameters(kind)}
    stored = json.loads(json.dumps(asdict(default)))
    assert set(stored) == declared
    assert build(kind, stored) == default
    as_text = {
        name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in stored.items()
    }
    assert build(kind, as_text) == default
    for item in parameters(kind):
        assert item.label and item.help.endswith("."), item.name
    with pytest.raises(MethodError, match="no setting"):
        build(kind, {"no-such-setting": 1})


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_fit_ends_in_points_or_in_an_error_with_a_hint(slug: str, groups: int) -> None:
    found = fitted(slug, groups)
    if isinstance(found, MethodError):
        said(found)
        return
    ids = [point.id for point in found.points]
    assert ids and len(set(ids)) == len(ids)
    for point in found.points:
        assert SLUG.match(point.id) and point.label and point.rules
        json.dumps(dict(point.settings), allow_nan=False)
    for table in found.tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
        json.dumps(table.rows, allow_nan=False)
    assert all(isinstance(note, str) and note.endswith(".") for note in found.notes)


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("slug", SLUGS)
def test_rules_give_probabilities_without_looking_at_a_label(slug: str, groups: int) -> None:
    rows = audit(groups)
    for point in outcome(slug, groups).points:
        for rule in point.rules:
            shares = rule.act(unlabelled(rows), problems.predict)
            assert shares.shape == (len(rows), 3) and shares.dtype == np.float64
            assert shares.min() >= -1e-12
            np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)
            np.testing.assert_array_equal(shares, rule.act(rows, problems.predict))
            assert set(np.unique(decide(rule, rows, problems.predict))) <= {0, 1, ABSTAIN}


@pytest.mark.parametrize("slug", SLUGS)
def test_rules_look_at_the_group_only_where_they_say_so(slug: str) -> None:
    card = method(slug).card
    rows = audit(2)
    other = replace(
        rows,
        group=np.full(len(rows), -1, dtype=np.int32),
        groups={name: np.full(len(rows), -1, dtype=np.int32) for name in rows.groups},
    )
    for point in outcome(slug, 2).points:
        for rule in point.rules:
            if rule.uses_group:
                assert card.uses_group_at_decision
                continue
            before = rule.act(rows, problems.predict)
            np.testing.assert_array_equal(before, rule.act(other, problems.predict))


@pytest.mark.parametrize("slug", SLUGS)
def test_a_decision_does_not_depend_on_the_other_rows(slug: str) -> None:
    rows = audit(2)
    turned = np.arange(len(rows))[::-1][: len(rows) // 2]
    for point in outcome(slug, 2).points:
        for rule in point.rules:
            whole = decide(rule, rows, problems.predict)[turned]
            np.testing.assert_array_equal(whole, decide(rule, rows.take(turned), problems.predict))


@pytest.mark.parametrize("slug", SLUGS)
def test_a_stored_rule_decides_as_before(slug: str) -> None:
    rows = audit(2)
    for point in outcome(slug, 2).points:
        for rule in point.rules:
            stored = json.loads(json.dumps(rule.to_json(), allow_nan=False))
            again = from_state(stored, rule.arrays())
            assert again.id == rule.id
            assert again.uses_group == rule.uses_group
            np.testing.assert_array_equal(
                decide(again, rows, problems.predict), decide(rule, rows, problems.predict)
            )


@pytest.mark.parametrize("slug", SLUGS)
def test_an_exported_graph_decides_as_the_rule_does(slug: str) -> None:
    from mitigations.rules import uniforms

    rows = audit(2)
    for point in outcome(slug, 2).points:
        for rule in point.rules:
            graph = rule.to_onnx()
            if graph is None:
                continue
            u = uniforms(rule.id, rows.row_key)
            got = run_graph(graph, rows, u)
            np.testing.assert_array_equal(got, decide(rule, rows, problems.predict))


def run_graph(graph: bytes, rows: Part, u: np.ndarray) -> np.ndarray:
    """Decisions of onnxruntime, given what the graph asks for."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {"score": rows.score, "group": rows.group.astype(np.int64), "x": rows.x, "u": u}
    asked = {item.name: given[item.name] for item in session.get_inputs()}
    return np.asarray(session.run(["decision"], asked)[0])


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_seed_gives_the_same_rules(slug: str) -> None:
    first = outcome(slug, 2)
    again = quick(slug).fit(problem(2), Context(seed=5))
    assert [p.id for p in again.points] == [p.id for p in first.points]
    for one, other in zip(first.points, again.points, strict=True):
        assert [r.to_json() for r in one.rules] == [r.to_json() for r in other.rules]


def stopping(after: int) -> tuple[Context, list[float]]:
    """A context that is told to stop at one of its ticks, and the time of every tick."""
    times = [time.monotonic()]

    def tick(done: int, total: int, text: str) -> None:
        times.append(time.monotonic())
        if len(times) > after:
            raise Cancelled

    return Context(seed=5, tick=tick), times


@pytest.mark.parametrize("slug", SLUGS)
def test_a_method_looks_often_whether_it_is_to_stop(slug: str) -> None:
    outcome(slug, 2)
    context, times = stopping(10**9)
    quick(slug).fit(problem(2), context)
    times.append(time.monotonic())
    assert len(times) > 2, "no tick at all"
    assert np.diff(times).max() <= PATIENCE
    for after in (1, len(times) // 2):
        context, _ = stopping(after)
        with pytest.raises(Cancelled):
            quick(slug).fit(problem(2), context)


def no_columns(given: Problem) -> Problem:
    bare = [replace(p, x=np.zeros((len(p), 0), np.float32)) for p in (given.train, given.valid)]
    return replace(given, train=bare[0], valid=bare[1], columns=())


def no_labels(given: Problem) -> Problem:
    return replace(given, train=unlabelled(given.train), valid=unlabelled(given.valid))


def no_scores(given: Problem) -> Problem:
    bare = [replace(p, score=None, decision=None) for p in (given.train, given.valid)]
    return replace(given, train=bare[0], valid=bare[1], predict=None)


def one_group(given: Problem) -> Problem:
    alone = [
        replace(p, group=np.zeros_like(p.group), groups={"group": np.zeros_like(p.group)})
        for p in (given.train, given.valid)
    ]
    return replace(given, train=alone[0], valid=alone[1])


def one_label(given: Problem) -> Problem:
    alike = [replace(p, y=np.ones(len(p), np.int8)) for p in (given.train, given.valid)]
    return replace(given, train=alike[0], valid=alike[1])


def few_rows(given: Problem) -> Problem:
    few = np.arange(12)
    return replace(given, train=given.train.take(few), valid=given.valid.take(few))


def one_score(given: Problem) -> Problem:
    alike = [replace(p, score=np.full(len(p), 0.5)) for p in (given.train, given.valid)]
    return replace(given, train=alike[0], valid=alike[1])


def blanks(given: Problem) -> Problem:
    """A tenth of everything that may be missing is missing."""
    out = []
    for i, part in enumerate((given.train, given.valid)):
        rng = np.random.default_rng(i)
        gone = [rng.random(len(part)) < 0.1 for _ in range(4)]
        assert part.y is not None and part.score is not None
        x = part.x.copy()
        x[gone[0], 0] = np.nan
        group = np.where(gone[1], -1, part.group).astype(np.int32)
        out.append(
            replace(
                part,
                x=x,
                group=group,
                groups={"group": group},
                y=np.where(gone[2], -1, part.y).astype(np.int8),
                score=np.where(gone[3], np.nan, part.score),
            )
        )
    return replace(given, train=out[0], valid=out[1])


def weighted(given: Problem) -> Problem:
    parts = [
        replace(p, weight=np.random.default_rng(9).exponential(size=len(p)))
        for p in (given.train, given.valid)
    ]
    return replace(given, train=parts[0], valid=parts[1])


def dear_refusals(given: Problem) -> Problem:
    return replace(given, cost=((0.0, 1.0), (5.0, 0.0)))


ODD: tuple[Callable[[Problem], Problem], ...] = (
    no_columns, no_labels, no_scores, one_group, one_label, few_rows, one_score, blanks, weighted,
    dear_refusals,
)  # fmt: skip


@pytest.mark.parametrize("change", ODD, ids=lambda change: change.__name__)
@pytest.mark.parametrize("slug", SLUGS)
def test_odd_input_ends_in_points_or_in_an_error_with_a_hint(
    slug: str, change: Callable[[Problem], Problem]
) -> None:
    given = change(problems.problem(400, seed=4))
    rows: Any = audit(2)
    try:
        found = quick(slug).fit(given, Context(seed=1))
    except MethodError as error:
        said(error)
        return
    if not given.columns:
        rows = replace(rows, x=np.zeros((len(rows), 0), np.float32))
    for point in found.points:
        for rule in point.rules:
            decide(rule, rows, given.predict)
