"""The document of a comparison: everything its report says, and a hash of it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from auditapp.comparison import people, refusals
from auditapp.comparison.match import Match, match
from auditapp.errors import AuditError
from auditapp.pipeline.kept import Kept
from auditapp.result import Document, plain, result_hash
from metrics.drift import drift_section
from metrics.estimates import GOALS
from metrics.two_audits import Rules, comparison_section

SCHEMA = "evenhand/comparison/1"
PAIRED, INDEPENDENT = "paired", "independent"
MODES = ("auto", PAIRED, INDEPENDENT)
#: Error rate of a comparison. Of different people the data may have drifted: those tests have
#: their share of it.
ALPHA, APART_ALPHA, DRIFT_ALPHA = 0.05, 0.04, 0.01
Row = dict[str, Any]


def compare(
    first: Document,
    second: Document,
    first_rows: Kept | None = None,
    second_rows: Kept | None = None,
    *,
    mode: str = "auto",
) -> Document:
    """Hold the second audit against the first.

    Parameters
    ----------
    first, second
        Result documents.
    first_rows, second_rows
        What the audits kept row by row; None where nothing was kept.
    mode
        ``paired`` and ``independent`` insist; ``auto`` pairs wherever the people are the same.

    Returns
    -------
    dict
        docs/compare.md describes it.

    Raises
    ------
    AuditError
        Those of `refusals.refuse`; ``rows-not-kept`` and ``not-the-same-people``.
    """
    refusals.refuse(first, second)
    found = _pairs(first, second, first_rows, second_rows, mode)
    rules = _rules(first["plan"], second["plan"], ALPHA if found is not None else APART_ALPHA)
    names, left_out = refusals.common(first, second)
    if found is None or first_rows is None or second_rows is None:
        kind, made = INDEPENDENT, _independent(first, second, names, rules)
    else:
        kind, made = PAIRED, _paired(first, second, (first_rows, second_rows), found, rules)
    document = {
        "schema": SCHEMA,
        "mode": kind,
        "first": _side(first),
        "second": _side(second),
        "rules": _rules_json(rules, first["plan"], second["plan"]),
        "differs": refusals.differs(first["plan"], second["plan"]),
        **made,
        "left_out": [*left_out, *made["left_out"]],
    }
    return dict(plain(document))


def _pairs(
    first: Document, second: Document, a: Kept | None, b: Kept | None, mode: str
) -> Match | None:
    if mode == INDEPENDENT:
        return None
    same = first["plan"]["data"]["sha256"] == second["plan"]["data"]["sha256"]
    for document, rows in ((first, a), (second, b)):
        if rows is not None and rows.sha256 != document["plan"]["data"]["sha256"]:
            raise AuditError(
                "other-rows",
                f"The kept rows of “{_title(document)}” are of another file than its result.",
                "Give the folder that was kept by the same audit.",
            )
    sides = (("A", first, a), ("B", second, b))
    missing = [f"{name} (“{_title(doc)}”)" for name, doc, rows in sides if rows is None]
    if missing and (same or mode == PAIRED):
        who = " and ".join(missing)
        raise AuditError(
            "rows-not-kept",
            "Both audits are of the same people, so they have to be paired, and decisions were not"
            f" kept row by row by {who}."
            if same
            else f"Decisions were not kept row by row by {who}.",
            "Run that audit again: it keeps them then, on the command line with --keep FOLDER."
            " Rows go when their data set is deleted.",
        )
    found = None if a is None or b is None else match(a, b)
    if found is not None and not len(found):
        raise AuditError(
            "no-common-rows",
            "The two audits measured no row in common.",
            "Give both audits the same split, so that they measure the same rows.",
        )
    if found is None and mode == PAIRED:
        raise AuditError(
            "not-the-same-people",
            "Nothing says that the two audits are of the same people.",
            "Give both audits the same file, or one id column, with a value of its own for each"
            " row, as the unit.",
        )
    return found


def _title(document: Document) -> str:
    return str(document["plan"]["about"].get("title") or document["plan"]["data"]["name"])


def _rules(a: Row, b: Row, alpha: float) -> Rules:
    """What both were asked; of two limits the stricter, of two floors the higher."""
    return Rules(
        metrics=refusals.metrics_of(a, b),
        primary=GOALS[str(a.get("goal") or "selection-rate")],
        tolerance=min(float(plan.get("tolerance", 0.05)) for plan in (a, b)),
        floor=max(int(plan.get("floor", 30)) for plan in (a, b)),
        denominator_floor=max(int(plan.get("denominator_floor", 10)) for plan in (a, b)),
        alpha=alpha,
    )


def _rules_json(rules: Rules, a: Row, b: Row) -> Row:
    specs = {s["column"]: s for plan in (b, a) for s in plan["attributes"]}
    return {
        "goal": str(a.get("goal") or "selection-rate"),
        "metrics": list(rules.metrics),
        "primary": list(rules.primary),
        "tolerance": rules.tolerance,
        "floor": rules.floor,
        "denominator_floor": rules.denominator_floor,
        "alpha": rules.alpha,
        "titles": {name: str(spec.get("title") or name) for name, spec in specs.items()},
    }


def _side(document: Document) -> Row:
    """Which audit it is: of what, on which data, with which result."""
    plan = document["plan"]
    kept = ("about", "data", "model", "decision", "score", "threshold", "tolerance", "floor",
            "denominator_floor", "label", "outcome", "split", "seed")  # fmt: skip
    return {
        "hash": result_hash(document),
        "plan": {name: plan.get(name) for name in kept},
        "rows": {
            "uploaded": document["rows"]["uploaded"],
            "used": document["rows"]["used"],
            "left_out": document["rows"]["left_out"],
        },
    }


def _paired(
    first: Document, second: Document, rows: tuple[Kept, Kept], found: Match, rules: Rules
) -> Row:
    names, _ = refusals.common(first, second)
    made = people.pair(rows, found, names, labelled=len(rules.metrics) > 1)
    if not made.attributes:
        raise AuditError(
            "other-attributes",
            "No group column gives the same people the same groups in both audits.",
            "Audit again with the same sensitive column.",
        )
    tables = [made.table([a]) for a in made.attributes]
    most = min(int(doc["plan"].get("intersections", 2)) for doc in (first, second))
    for size in range(2, most + 1):
        tables += [made.table(group) for group in combinations(made.attributes, size)]
    section = comparison_section(made.everybody(), tables, rules, moved=True)
    blank = 0 if made.label is None else int((made.label < 0).sum())
    return {
        "basis": found.basis,
        "rows": {
            "both": len(found),
            "first_only": len(rows[0]) - len(found),
            "second_only": len(rows[1]) - len(found),
            "label_blank": blank,
            "relabelled": made.relabelled,
            "regrouped": made.regrouped,
        },
        "left_out": made.left_out,
        "drift": None,
        **section,
    }


def _independent(first: Document, second: Document, names: list[str], rules: Rules) -> Row:
    sides = people.counted((first, second), names)
    tables = [people.apart(sides, name, (first, second)) for name in names]
    section = comparison_section(people.whole(sides, names[0]), tables, rules, moved=False)
    before, after = ({name: side.tables[name] for name in names} for side in sides)
    drift = drift_section(before, after, dict(sides[0].levels), alpha=DRIFT_ALPHA)
    return {
        "basis": None,
        "rows": {
            "both": 0,
            "first_only": int(first["rows"]["used"]),
            "second_only": int(second["rows"]["used"]),
            "label_blank": 0,
            "relabelled": 0,
            "regrouped": {},
        },
        "left_out": [],
        "drift": drift,
        **section,
    }
