"""Copies without small cells: nothing that a copy leaves out can be worked out from it."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from auditapp.errors import AuditError
from auditapp.reports.build import build
from auditapp.reports.suppress import suppress
from auditapp.reports.suppress.cells import ABOUT_CHOICES, ABOUT_OUTCOMES
from auditapp.reports.suppress.choose import SIZES
from auditapp.result import NOT_RUN, result_hash
from metrics.audit import Attribute, Policy, measure
from tests.report_documents import cached

Row = dict[str, Any]
COUNTED = ABOUT_CHOICES | ABOUT_OUTCOMES


def small_counts(document: Row, smallest: int) -> dict[tuple[Any, ...], int]:
    """Every count of too few people in a whole document, by group and what it counts."""
    found: dict[tuple[Any, ...], int] = {}
    for table in document["groups"]:
        for level in table["levels"]:
            found[named(level["group"]), "n"] = level["n"]
    for item in document["estimates"]:
        if item["metric"] in COUNTED and isinstance(item["numerator"], int):
            name = named(item["group"])
            found[name, item["metric"], "+"] = item["numerator"]
            found[name, item["metric"], "-"] = item["denominator"] - item["numerator"]
    return {name: count for name, count in found.items() if 0 < count < smallest}


def shown_counts(copy: Row) -> dict[tuple[Any, ...], int]:
    """Every count that a copy shows in so many words."""
    found: dict[tuple[Any, ...], int] = {(named({}), "n"): copy["rows"]["used"]}
    for table in copy["groups"]:
        for level in table["levels"]:
            found[named(level["group"]), "n"] = level["n"]
            if level["base_numerator"] is not None:
                count, of = level["base_numerator"], level["base_denominator"]
                found[named(level["group"]), "base-rate", "+"] = count
                found[named(level["group"]), "base-rate", "-"] = of - count
    for item in copy["estimates"]:
        found[named(item["group"]), "n"] = item["n"]
        if item["metric"] in COUNTED and item["numerator"] is not None:
            found[named(item["group"]), item["metric"], "+"] = item["numerator"]
            rest = item["denominator"] - item["numerator"]
            found[named(item["group"]), item["metric"], "-"] = rest
    for gap in copy["gaps"]:
        if gap.get("numerator") is not None and gap["metric"] in COUNTED:
            found[named(gap["group"]), gap["metric"], "+"] = gap["numerator"]
            if gap["comparator"] == "rest":
                by = tuple(gap["by"])
                found[("rest", by, named(gap["group"])), gap["metric"], "+"] = gap[
                    "numerator_comparator"
                ]
    return found


def named(group: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(group.items()))


def deduced(copy: Row, whole: Row) -> dict[tuple[Any, ...], int]:
    """Everything that adding and taking away along the sums of a table tells a reader.

    A reader knows every group by name, and that parts add up to a whole but for people whose
    value is blank; how many those are is taken to be known where the copy does not hide it.
    """
    known = shown_counts(copy)
    names = {named(level["group"]) for t in whole["groups"] for level in t["levels"]} | {()}
    blank = {tuple(t["by"]): t["unknown"] for t in copy["groups"]}
    kinds = {name[1:] for name in known if name[0] != "rest"}
    changed = True
    while changed:
        changed = False
        for parent, further in itertools.product(names, blank):
            have = {attr for attr, _ in parent}
            if not have < set(further):
                continue
            parts = [
                n for n in names
                if {a for a, _ in n} == set(further) and set(parent) <= set(n)
            ]  # fmt: skip
            if blank[further] is None or blank[further] > 0:
                continue  # somebody may be in no part
            for kind in kinds:
                line = [((parent, *kind), -1), *(((p, *kind), 1) for p in parts)]
                gone = [(k, sign) for k, sign in line if k not in known]
                if len(gone) == 1:
                    total = sum(known[k] * sign for k, sign in line if k in known)
                    known[gone[0][0]] = -total * gone[0][1]
                    changed = True
    return known


DOCUMENTS = {
    "small": {"n": 600},
    "middle": {"n": 3000, "unknown": 7, "blank_labels": 25},
    "large": {"n": 12000},
    "no labels": {"n": 1500, "label": False},
    "three attributes": {"n": 900, "attributes": 3, "intersections": 2},
}


@pytest.mark.parametrize("smallest", [5, 10])
@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_no_small_count_is_shown_or_adds_up(name: str, smallest: int) -> None:
    whole = cached(**DOCUMENTS[name])
    small = small_counts(whole, smallest)
    assert small, "the document has something to hide"
    copy = suppress(whole, smallest)
    known = deduced(copy, whole)
    told = {key: count for key, count in small.items() if key in known}
    assert told == {}


@pytest.mark.parametrize("smallest", [5, 10])
def test_the_people_nobody_lists_are_not_told_by_what_is_left(smallest: int) -> None:
    whole = cached(n=3000, unknown=smallest - 1)
    copy = suppress(whole, smallest)
    for table in copy["groups"]:
        if "RAC1P" in table["by"]:
            assert table["unknown"] is None
            assert table["suppressed"], "one blank group alone would be a difference of two sums"
    gaps = [g for g in copy["gaps"] if g["comparator"] == "rest" and "RAC1P" in g["by"]]
    assert gaps
    assert all(gap["value"] is None for gap in gaps)


@pytest.mark.parametrize("seed", range(6))
def test_every_small_count_could_be_any_other_small_one(seed: int) -> None:
    """Solves the sums anew, with unknowns of its own, for a table of two crossed attributes."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    whole = crossed(rng, n=int(rng.integers(300, 2500)))
    smallest = 10
    copy = suppress(whole, smallest)
    sizes = {named(v["group"]): v["n"] for t in whole["groups"] for v in t["levels"]}
    shown = {named(v["group"]): v["n"] for t in copy["groups"] for v in t["levels"]}
    order = [*sizes]
    left, right = [], []
    for parent in [(), *(n for n in order if len(n) == 1)]:
        for by in (t["by"] for t in whole["groups"]):
            if not {a for a, _ in parent} < set(by):
                continue
            row = np.zeros(len(order))
            for i, name in enumerate(order):
                if {a for a, _ in name} == set(by) and set(parent) <= set(name):
                    row[i] = 1
            total = 0.0
            if parent == ():
                total = whole["rows"]["used"]
            else:
                row[order.index(parent)] = -1
            left.append(row)
            right.append(total)
    bounds = [(shown[n], shown[n]) if n in shown else (0, None) for n in order]
    hidden = [n for n in order if n not in shown]
    assert hidden
    for name in hidden:
        if sizes[name] >= smallest:
            continue
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(order))
            cost[order.index(name)] = sign
            solved = linprog(cost, A_eq=left, b_eq=right, bounds=bounds)
            assert solved.success
            ends.append(sign * solved.fun)
        assert ends[1] - ends[0] >= smallest - 1 - 1e-6, (name, ends)


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_copies_of_two_sizes_show_no_more_than_the_one_of_the_smaller(seed: int) -> None:
    """Else a reader of both could take a count that one shows from a sum that the other does."""
    rng = np.random.default_rng(seed)
    whole = crossed(rng, n=int(rng.integers(300, 2500)))
    shown = [everything_shown(suppress(whole, smallest)) for smallest in SIZES]
    for smaller, larger in itertools.pairwise(shown):
        assert larger <= smaller


def test_the_sizes_of_copies_are_those_of_the_form() -> None:
    from auditapp.forms import shares

    whole, *smaller = shares.SIZES
    assert (whole, tuple(smaller)) == (0, SIZES)


def everything_shown(copy: Row) -> set[Any]:
    found = {(named(v["group"]), "n") for t in copy["groups"] for v in t["levels"]}
    found |= {(tuple(t["by"]), "unknown") for t in copy["groups"] if t["unknown"] is not None}
    found |= {
        (named(item["group"]), item["metric"])
        for item in copy["estimates"]
        if item["undefined"] != "suppressed"
    }
    return found | {gap["id"] for gap in copy["gaps"] if gap.get("reason") != "suppressed"}


def crossed(rng: np.random.Generator, n: int) -> Row:
    """Decisions alone, by two crossed attributes with rare values."""
    a = rng.choice(5, n, p=(0.5, 0.3, 0.15, 0.04, 0.01))
    b = rng.choice(3, n, p=(0.6, 0.37, 0.03))
    d = (rng.random(n) < 0.3).astype(np.int8)
    columns = [
        Attribute("a", tuple("pqrst"), a.astype(np.int32)),
        Attribute("b", tuple("xyz"), b.astype(np.int32)),
    ]
    made = measure(decision=d, attributes=columns, policy=Policy(intersections=2, draws=20))
    return {**cached(n=600), **made, "rows": {**cached(n=600)["rows"], "used": n,
            "uploaded": n, "left_out": []}}  # fmt: skip


def test_files_of_a_copy_hold_no_more_than_its_document(tmp_path: Path) -> None:
    whole = cached(n=3000, unknown=7, blank_labels=25)
    copy = suppress(whole, 10)
    build(copy, tmp_path)
    small = small_counts(whole, 10)
    rows = csv.DictReader(io.StringIO((tmp_path / "tables.csv").read_text("utf-8-sig")))
    for row in rows:
        for name in ("n", "n_comparator", "numerator"):
            if row[name] and row["table"] in {"groups", "estimates", "gaps"}:
                assert not 0 < float(row[name]) < 10, row
    text = (tmp_path / "report.json").read_text()
    hidden = {key[0][0][1] for key in small if key[1] == "n" and len(key[0]) == 1}
    report = json.loads(text)
    for group in hidden:
        for cells_of in texts_of_rows(report):
            assert cells_of[0] != group, "a hidden group has a row"
    assert "Suppressed copy" in text
    assert "cells below 10 people" in text
    assert copy["suppressed"]["of"][:12] in text


def texts_of_rows(part: Any) -> Any:
    if isinstance(part, dict):
        if part.get("kind") == "table":
            for row in part["rows"]:
                yield [cell.get("text", "") for cell in row]
        for item in part.values():
            yield from texts_of_rows(item)
    elif isinstance(part, list):
        for item in part:
            yield from texts_of_rows(item)


def test_a_copy_has_a_hash_of_its_own_and_names_its_report() -> None:
    whole = cached(n=3000)
    before = json.dumps(whole)
    copy = suppress(whole, 10)
    assert json.dumps(whole) == before
    assert copy["suppressed"]["of"] == result_hash(whole) != result_hash(copy)
    assert result_hash(suppress(whole, 10)) == result_hash(copy)


def test_a_copy_is_a_result_document() -> None:
    whole: Row = {**dict.fromkeys(NOT_RUN), **cached(n=3000, unknown=7)}
    few = [{"code": "a", "reason": "no decision", "n": 4}]
    whole["rows"] = {**whole["rows"], "uploaded": 3004, "left_out": few}
    schema = json.loads((Path(__file__).parent.parent / "docs/result.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(suppress(whole, 10))


def test_a_part_nobody_has_thought_about_is_left_out() -> None:
    whole = {**cached(n=3000), "something_new": {"people": 3}, "subgroups": [{"by": ["SEX"]}]}
    copy = suppress(whole, 10)
    assert "something_new" not in copy
    assert copy["subgroups"] is None
    assert copy["suppressed"]["left_out"] == ["subgroups"]


def test_the_hash_of_a_small_file_cannot_be_guessed() -> None:
    text = json.dumps(suppress(cached(n=3000), 10))
    assert cached(n=3000)["inputs"]["data"]["sha256"] not in text


def test_rare_reasons_are_told_together_or_not_at_all() -> None:
    whole = cached(n=3000)
    rows = whole["rows"]
    few = [{"code": "a", "reason": "first", "n": 3}, {"code": "b", "reason": "second", "n": 40}]
    copy = suppress({**whole, "rows": {**rows, "left_out": few, "uploaded": 3043}}, 10)
    assert [item["n"] for item in copy["rows"]["left_out"]] == [43]
    alone = {**rows, "left_out": few[:1], "uploaded": rows["used"] + 3}
    copy = suppress({**whole, "rows": alone}, 10)
    assert copy["rows"]["uploaded"] is None
    assert copy["rows"]["left_out"] == []


def test_a_report_about_too_few_people_is_not_copied() -> None:
    with pytest.raises(AuditError, match="Fewer than 2,000 people"):
        suppress(cached(n=600), 1000)


def test_a_copy_is_not_copied_again() -> None:
    with pytest.raises(AuditError):
        suppress(suppress(cached(n=3000), 10), 20)


def test_nothing_is_hidden_where_every_cell_is_large() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    columns = [
        Attribute("a", tuple("pq"), rng.integers(0, 2, n).astype(np.int32)),
        Attribute("b", tuple("xy"), rng.integers(0, 2, n).astype(np.int32)),
    ]
    decision = (rng.random(n) < 0.3).astype(np.int8)
    made = measure(decision=decision, attributes=columns, policy=Policy(intersections=2, draws=20))
    rows = {"uploaded": n, "used": n, "left_out": [], "label_blank": 0}
    copy = suppress({**cached(n=600), **made, "rows": rows}, 10)
    assert copy["estimates"] == made["estimates"]
    assert copy["gaps"] == made["gaps"]
    assert copy["tests"] == made["tests"]
    assert copy["suppressed"]["comparisons"] == copy["suppressed"]["groups"] == 0
