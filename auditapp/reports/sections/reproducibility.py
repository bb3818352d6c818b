"""Section 13: everything needed to run this again and get the same hash."""

from __future__ import annotations

from typing import Any

from auditapp.plan.goals import goals_for
from auditapp.reports import class_words, copy_words, kind_words, survey_tables, tables
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Fact,
    FactList,
    Section,
    Table,
    mono,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.language import Lines, Words, gettext_noop, punctuated
from auditapp.reports.language import gettext as _
from auditapp.reports.numbers import byte_size, count, given, limit, listing, plural
from auditapp.reports.stamps import decisions, run_date
from auditapp.reports.standing import how as standing_how
from auditapp.reports.standing import identity as standing_identity
from auditapp.reports.words import why_left_out

Row = dict[str, Any]

DEFAULTS: dict[str, Any] = {
    "goal": "selection-rate",
    "tolerance": 0.05,
    "threshold": 0.5,
    "floor": 30,
    "denominator_floor": 10,
    "intersections": 2,
    "draws": 1000,
    "seed": 0,
    "k": 10,
}
NAMES = Words(
    {
        "goal": gettext_noop("Goal"),
        "tolerance": gettext_noop("Limit, points"),
        "threshold": gettext_noop("Threshold"),
        "floor": gettext_noop("Floor, people"),
        "denominator_floor": gettext_noop("Floor behind a rate"),
        "intersections": gettext_noop("Intersections of"),
        "draws": gettext_noop("Bootstrap draws"),
        "seed": gettext_noop("Master seed"),
        "k": gettext_noop("Places, k"),
    }
)
MAX_CODES = 12
METHODS = Lines(
    (
        gettext_noop("Rates: Wilson interval (Wilson, JASA 1927)."),
        gettext_noop(
            "Differences: square-and-add of Jeffreys limits (Newcombe, Statistics in "
            "Medicine 1998; Brown, Cai and DasGupta, Statistical Science 2001)."
        ),
        gettext_noop(
            "Tests: central Fisher exact, one weighted Bonferroni family over the whole report."
        ),
        gettext_noop(
            "“No difference found”: two one-sided tests (Schuirmann, J. Pharmacokinet. "
            "Biopharm. 1987)."
        ),
        gettext_noop("Steadied intersections: logit-normal model with main effects."),
        gettext_noop(
            "AUC: DeLong, DeLong and Clarke-Pearson, Biometrics 1988, logit interval; "
            "exact ranks in groups under 5,000 people, score bins in others."
        ),
        gettext_noop(
            "Highest minus lowest rate: multivariate hypergeometric draws of the counts."
        ),
    )
)


def section(facts: Facts) -> Section:
    blocks: list[Block] = [
        _identity(facts),
        _files(facts),
        _roles(facts),
        _parameters(facts),
        _software(facts),
        Bullets(
            tuple(rich(m) for m in _methods(facts)),
            _("Methods"),
            columns=2,
        ),
        standing_how(facts),
    ]
    return Section("reproducibility", _("Reproducibility"), tuple(blocks), compact=True)


def _methods(facts: Facts) -> tuple[str, ...]:
    if facts.classes:
        return class_words.METHODS
    if facts.plan.get("weights"):
        return (*survey_tables.METHODS, *METHODS[1:])
    return kind_words.METHODS.get(facts.kind, tuple(METHODS))


def _or_none(value: Any) -> str:
    return str(value) if value not in (None, "") else _("Not given")


def _identity(facts: Facts) -> FactList:
    run = facts.run
    people = run.get("people")
    if isinstance(people, dict):
        people = "; ".join(f"{k}: {v}" for k, v in people.items())
    elif isinstance(people, list):
        people = listing([str(p) for p in people])
    rows = [
        Fact(_("Report"), rich(f"{_or_none(run.get('id'))} ({facts.doc['schema']})")),
        Fact(_("Result hash, SHA-256"), (mono(facts.hash),)),
        *copy_words.identity(facts),
        Fact(_("Run"), rich(_or_none(run_date(facts)))),
        Fact(_("Started by"), rich(_or_none(people))),
        Fact(_("Previous report"), rich(_or_none(run.get("previous")))),
        *standing_identity(facts),
    ]
    return FactList(tuple(rows))


def _files(facts: Facts) -> FactList:
    inputs = facts.doc.get("inputs") or {}
    rows = []
    for role, item in ((_("Data"), inputs.get("data")), (_("Model"), inputs.get("model"))):
        if not item:
            continue
        bits = [str(item.get("name") or decisions(facts))]
        if item.get("bytes") is not None:
            bits.append(byte_size(item["bytes"]))
        if item.get("rows") is not None:
            bits.append(plural(item["rows"], "row"))
        if item.get("columns"):
            bits.append(
                _("{columns}, types in result.json").format(
                    columns=plural(len(item["columns"]), "column")
                )
            )
        rows.append(Fact(role, rich("; ".join(bits))))
        if item.get("sha256"):
            rows.append(Fact(_("{role}, SHA-256").format(role=role), (mono(str(item["sha256"])),)))
    return FactList(tuple(rows), _("Files"))


def _codes(spec: Row) -> str:
    if spec.get("cuts"):
        return _("cut at {spec}").format(spec=listing([given(c) for c in spec["cuts"]]))
    words = spec.get("words") or {}
    if not words:
        return _("values as they stand")
    ordered = sorted(words.items(), key=lambda item: _in_order(item[0]))
    return listing([f"{key} = {word}" for key, word in ordered], MAX_CODES)


def _in_order(code: str) -> tuple[bool, float, str]:
    """Numbers by their size, before words."""
    try:
        return False, float(code), code
    except ValueError:
        return True, 0.0, code


def _roles(facts: Facts) -> Table:
    plan = facts.plan
    rows: list[tuple[Cell, ...]] = []
    for spec in plan["attributes"]:
        rows.append((Cell(spec["column"], mono=True), Cell(_("sensitive")), Cell(_codes(spec))))
    for role in ("label", "decision"):
        spec = plan.get(role)
        if spec:
            values = listing([f"“{v}”" for v in spec["favourable"]], MAX_CODES)
            name = _("recorded outcome") if role == "label" else _("decision")
            name = _("relevance") if role == "label" and facts.kind == "ranking" else name
            coding = (
                _("favourable: {values}").format(values=values)
                if values
                else _("values as they stand")
            )
            rows.append((Cell(spec["column"], mono=True), Cell(name), Cell(coding)))
    score = plan.get("score")
    if score and score.get("column"):
        way = (
            _("higher is favourable")
            if score.get("favourable", True)
            else _("lower is favourable")
        )
        text = _("{way}, range {value} to {value2}").format(
            way=way, value=given(score.get("low", 0)), value2=given(score.get("high", 1))
        )
        if facts.kind == "ranking":
            text = way.replace(_("favourable"), _("nearer the top"))
        name = _("score") if facts.kind != "regression" else _("prediction")
        text = text if facts.kind != "regression" else _("values as they stand")
        rows.append((Cell(score["column"], mono=True), Cell(name), Cell(text)))
    if plan.get("query"):
        cells = (
            Cell(plan["query"], mono=True),
            Cell(_("list")),
            Cell(_("one list for each value")),
        )
        rows.append(cells)
    rows += _further_roles(plan)
    features = plan.get("features")
    if features:
        rows.append((Cell(_("Features")), Cell(_("input")), Cell(listing(list(features), 30))))
    if plan.get("unit"):
        rows.append((Cell(plan["unit"], mono=True), Cell(_("unit")), Cell(_("never split"))))
    columns = [Column(_("Column"), "start", 1.5), Column(_("Role"), "start", 1.2)]
    columns.append(Column(_("Coding"), "start", 4.1))
    left = [f"{why_left_out(item)}: {count(item['n'])}" for item in facts.rows["left_out"]]
    if facts.rows.get("left_out_below"):
        left = [copy_words.left_out(facts)]
    return Table(
        title=_("Columns and codings"),
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(
            _("Row filters in order: {maybe}.").format(
                maybe="; ".join(left) if left else _("none")
            ),
        ),
        dense=True,
    )


def _further_roles(plan: Row) -> list[tuple[Cell, ...]]:
    """Columns that only the deeper searches read."""
    rows: list[tuple[Cell, ...]] = []
    for role, name in (("site", _("site")), ("control", _("legitimate factor"))):
        spec = plan.get(role)
        if spec:
            rows.append((Cell(spec["column"], mono=True), Cell(name), Cell(_codes(spec))))
    if plan.get("gold"):
        values = listing([f"“{v}”" for v in plan["gold"]["favourable"]], MAX_CODES)
        cells = (Cell(plan["gold"]["column"], mono=True), Cell(_("second, careful label")))
        rows.append((*cells, Cell(_("favourable: {values}").format(values=values))))
    if plan.get("references"):
        given = plan["references"]
        values = listing([f"“{v}”" for v in given["favourable"]], MAX_CODES)
        cells = (Cell(listing(list(given["columns"]), 30)), Cell(_("reference decisions")))
        rows.append((*cells, Cell(_("favourable: {values}").format(values=values))))
    return rows


def _parameters(facts: Facts) -> FactList:
    plan = facts.plan
    rows = []
    defaults = {**DEFAULTS, "goal": goals_for(facts.kind)[0]}
    if facts.kind == "regression" and plan.get("tolerance_unit", "sd") == "sd":
        defaults["tolerance"] = 0.1
    for key, name in NAMES.items():
        if key in _unused(facts):
            continue
        value = plan.get(key, defaults[key])
        shown = limit(value) if key == "tolerance" else _setting(value)
        if key == "tolerance" and facts.kind == "regression":
            name, shown = _("Limit"), facts.limit_words
        by = _("default") if value == defaults[key] else _("set by the auditor")
        rows.append(Fact(name, rich(f"{shown} ({by})")))
    if (plan.get("model") or {}).get("kind") == "train":
        rows.append(Fact(_("Split"), rich(_split(plan.get("split") or {}))))
    return FactList(tuple(rows), _("Parameters"), columns=2)


def _unused(facts: Facts) -> set[str]:
    """Parameters that this kind of audit does not ask for."""
    unused = set() if facts.doc.get("scores") else {"threshold"}
    if facts.kind != "ranking":
        unused.add("k")
    if facts.kind == "regression":
        unused |= {"denominator_floor", "draws"}
    return unused


def _setting(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,g}" if abs(value) < 1e6 else f"{value:,}"
    return str(value)


def _split(split: Row) -> str:
    if split.get("kind") == "column":
        return _("column {value}").format(value=split.get("column"))
    shares = split.get("shares") or (50, 20, 30)
    return _("seeded, {shares} (train / validate / audit)").format(
        shares=" / ".join(str(s) for s in shares)
    )


def _software(facts: Facts) -> FactList:
    env = facts.doc.get("environment") or {}
    packages = env.get("packages") or {}
    named = ", ".join(f"{k} {v}" for k, v in packages.items() if v)
    rows = [
        Fact(_("Evenhand"), rich(_or_none(env.get("evenhand")))),
        Fact(_("Python"), rich(_or_none(env.get("python")))),
        Fact(_("Machine"), rich(_machine(env))),
    ]
    if env.get("container"):
        rows.append(Fact(_("Container"), (mono(str(env["container"])),)))
    steps = (facts.doc.get("timings") or {}).get("steps") or {}
    if steps:
        total = sum(v for v in steps.values() if isinstance(v, (int, float)))
        rows.append(
            Fact(
                _("Time used"),
                rich(
                    _("{total} s before charts and PDF").format(total=punctuated(f"{total:.1f}"))
                ),
            )
        )
    rows.append(Fact(_("Libraries"), rich(named or _("Not given"))))
    return FactList(tuple(rows), _("Software and machine"), columns=2)


def _machine(env: Row) -> str:
    bits = [str(env.get(k)) for k in ("system", "device") if env.get(k)]
    if env.get("cpus"):
        bits.append(_("{cpus} processors").format(cpus=env["cpus"]))
    return ", ".join([*bits, _("64-bit floats")]) if bits else _("Not given")
