"""The plan that command-line options mean for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp import regulatory
from auditapp.datasets import suggest
from auditapp.datasets.keys import folded
from auditapp.datasets.lookup import unknown_column
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError
from auditapp.headless.options import Options
from auditapp.headless.weighting import weights_of
from auditapp.plan import (
    GOALS_NEEDING_LABEL,
    OUTCOMES,
    About,
    AttributeSpec,
    Checkpoint,
    Data,
    MethodSpec,
    Model,
    Outcome,
    Plan,
    References,
    Score,
    Source,
    TemplateSpec,
    check,
    goals_for,
)

Json = dict[str, Any]


def plan_of(
    options: Options,
    profile: Json,
    model: Json | None,
    references: Sequence[str] = (),
    start: Json | None = None,
) -> Plan:
    """Freeze the plan that these options mean for this table.

    `references` are the columns that came from the file of reference decisions, `start` is the
    profile of the starting network.

    Raises
    ------
    AuditError
        A column is unknown, a role is missing, or two options contradict each other.
    """
    columns = {column["name"]: column for column in profile["columns"]}
    _check_source(options)
    _check_columns(options, columns)
    _check_templates(options, columns)
    kind = "columns"
    if options.train is not None:
        kind = "train"
    elif model is not None:
        kind = model["format"]
    classless = options.outcome != "binary"
    label = _outcome(options.label, options.favourable, columns, "--favourable", classless)
    decision = _outcome(
        options.prediction,
        options.favourable_decision,
        columns,
        "--favourable-decision",
        classless,
    )
    low, high = options.score_range if options.score_range is not None else (0.0, 1.0)
    plan = Plan(
        about=_about(options, profile),
        data=Data(profile["name"], profile["sha256"], profile["bytes"], profile["rows"]),
        model=Model(
            kind=kind,
            estimator=options.train,
            name="" if model is None else model["name"],
            sha256="" if model is None else model["sha256"],
            output=options.model_output,
            positive=options.positive_class,
        ),
        label=label,
        decision=decision,
        score=_score(options, kind, low, high),
        features=_features(options, kind, columns),
        attributes=tuple(_attribute(name, options, columns) for name in options.sensitive),
        unit=options.unit,
        split=options.split,
        outcome=options.outcome,
        classes=tuple(options.classes),
        query=options.query,
        site=None if options.site is None else _attribute(options.site, options, columns),
        target=options.target,
        control=None if options.control is None else _attribute(options.control, options, columns),
        gold=_gold(options, label, columns),
        references=_references(references, decision, label, columns),
        skip=tuple(options.skip),
        methods=tuple(MethodSpec(slug, dict(given)) for slug, given in options.method),
        templates=tuple(TemplateSpec(slug, dict(given)) for slug, given in options.template),
        protect=options.protect,
        immutable=tuple(options.immutable),
        cost=_cost(options.cost),
        weights=weights_of(options, columns),
        source=None
        if options.source is None
        else Source(options.source[0], tuple(options.source[1])),
        checkpoint=None
        if start is None
        else Checkpoint(name=str(start["name"]), sha256=str(start["sha256"])),
        **_policy(options),
    )
    check(plan)
    return plan


def _check_templates(options: Options, columns: Mapping[str, Json]) -> None:
    for slug, settings in options.template:
        for name in regulatory.columns(slug, settings):
            if name not in columns:
                raise unknown_column(name, list(columns))


def _cost(given: Sequence[float] | None) -> tuple[float, float]:
    if given is None:
        return 1.0, 1.0
    if len(given) != 2 or min(given) < 0.0 or not 0.0 < sum(given) < float("inf"):
        raise AuditError(
            "cost",
            f"--cost is “{','.join(f'{value:g}' for value in given)}”.",
            "Write two numbers of 0 or more, not both 0: --cost 1,2.",
        )
    return given[0], given[1]


def _policy(options: Options) -> Json:
    """Numbers of the policy; a goal or a limit nobody gave is the outcome's own."""
    policy = {name: value for name, value in options.policy.items() if value is not None}
    goals = goals_for(options.outcome) if options.outcome in OUTCOMES else ()
    if options.label is None:
        goals = tuple(goal for goal in goals if goal not in GOALS_NEEDING_LABEL)
    if goals and "goal" not in policy:
        policy["goal"] = goals[0]
    if options.outcome == "regression" and "tolerance" not in policy:
        policy["tolerance"] = 0.1
    return policy


def _gold(options: Options, label: Outcome | None, columns: Mapping[str, Json]) -> Outcome | None:
    """Gold labels are coded as the label is, where that can be."""
    if options.gold is None:
        return None
    same = label is not None and _holds(columns[options.gold], label.favourable)
    favourable = label.favourable if label is not None and same else None
    return _outcome(options.gold, favourable, columns, "--favourable")


def _references(
    names: Sequence[str],
    decision: Outcome | None,
    label: Outcome | None,
    columns: Mapping[str, Json],
) -> References | None:
    names = [name for name in names if columns[name]["distinct"]]
    if not names:
        return None
    _check_words(names, decision, label, columns)
    for outcome in (decision, label):
        if outcome is not None and all(_holds(columns[n], outcome.favourable) for n in names):
            return References(tuple(names), outcome.favourable)
    guessed = _outcome(names[0], None, columns, "--favourable-decision")
    return References(tuple(names), () if guessed is None else guessed.favourable)


def _check_words(
    names: Sequence[str],
    decision: Outcome | None,
    label: Outcome | None,
    columns: Mapping[str, Json],
) -> None:
    """Whoever writes decisions in words of their own would count as always refusing."""
    known = [spec.column for spec in (decision, label) if spec is not None]
    for name in names:
        others = [*known, *(other for other in names if other != name)]
        words = [item["value"] for item in columns[name]["top"]]
        if not any(_holds(columns[other], words) for other in others):
            raise AuditError(
                "reference-words",
                f"Column “{name}” of the reference decisions has no value that another column of "
                "decisions or the label has.",
                "Write its decisions as the others are written, or take it out of that file.",
                where=f"column {name}",
                found=", ".join(f"{word}" for word in words[:6]) or "numbers",
            )


def _holds(column: Json, values: Sequence[str]) -> bool:
    """Whether a column has one of the values, however it is written."""
    found = {folded(item["value"]) for item in column["top"]}
    return any(folded(value) in found for value in values)


def _about(options: Options, profile: Json) -> About:
    suggested = suggest.plan_defaults(profile)
    about = suggested["about"]
    same_label = suggested["label"] and suggested["label"]["column"] == options.label
    return About(
        title=options.title if options.title else about["title"],
        outcome=about["outcome"] if same_label else "",
    )


def _check_source(options: Options) -> None:
    """A model, a trained model and given columns exclude each other."""
    given = [
        name
        for name, value in (
            ("--model", options.model),
            ("--train", options.train),
            ("--score or --prediction", options.score or options.prediction),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise AuditError(
            "two-sources",
            f"{given[0]} and {given[1]} both say where decisions come from.",
            "Give one of them. --score and --prediction may be given together.",
        )


def _check_columns(options: Options, columns: Mapping[str, Json]) -> None:
    wanted = [
        *options.sensitive,
        *(options.features or ()),
        *options.exclude,
        *options.bins,
        *options.compare_to,
        *options.immutable,
    ]
    singles = (
        options.label, options.prediction, options.score, options.unit,
        options.query, options.site, options.control, options.gold, options.weight,
    )  # fmt: skip
    wanted += [name for name in singles if name is not None]
    if options.source is not None:
        wanted.append(options.source[0])
    if options.split.column is not None:
        wanted.append(options.split.column)
    for name in wanted:
        if name not in columns:
            error = unknown_column(name, list(columns))
            if any("," in column for column in columns):
                error.hint += " A name that holds a comma stands in double quotes in the list."
            raise error
    grouping = {*options.sensitive, options.site, options.control}
    for option, names, known in (
        ("--bins", options.bins, grouping),
        ("--compare-to", options.compare_to, {*options.sensitive}),
    ):
        stray = [name for name in names if name not in known]
        if stray:
            raise AuditError(
                "not-sensitive",
                f"{option} names column “{stray[0]}”, which --sensitive does not.",
                f"Add it: --sensitive {','.join([*options.sensitive, stray[0]])}.",
            )


def _outcome(
    name: str | None,
    favourable: Sequence[str] | None,
    columns: Mapping[str, Json],
    option: str,
    classless: bool = False,
) -> Outcome | None:
    if name is None:
        return None
    if classless:
        return Outcome(name)
    if favourable:
        return Outcome(name, tuple(favourable))
    values = columns[name]["top"]
    rows = columns[name]["missing"]
    if not values and columns[name]["distinct"]:
        raise AuditError(
            "too-many-values",
            f"Column “{name}” holds numbers with too many different values to be yes or no.",
            "Choose a column of decisions or outcomes. Scores go with --score.",
            where=f"column {name}",
        )
    if not values:
        raise AuditError(
            "column-blank",
            f"Column “{name}” is blank in all {counted(rows, 'row')}.",
            "Choose another column, or fill it in.",
            where=f"column {name}",
        )
    # A page offers a guess among many values to be confirmed; here nobody would see it.
    two = len({folded(item["value"]) for item in values}) <= 2
    guessed = suggest.favourable_values(columns[name]) if two else []
    if guessed:
        return Outcome(name, tuple(guessed))
    listed = ", ".join(f"{item['value']} ({item['n']:,} rows)" for item in values[:12])
    raise AuditError(
        "no-favourable",
        f"Which values of column “{name}” are favourable is not clear.",
        f"Name them with {option} VALUE[,VALUE].",
        where=f"column {name}",
        found=listed,
    )


def _score(options: Options, kind: str, low: float, high: float) -> Score | None:
    favourable = options.score_is == "favourable"
    if kind == "columns":
        if options.score is None:
            return None
        return Score(options.score, favourable, low, high)
    return Score(None, favourable, low, high)


def _features(options: Options, kind: str, columns: Mapping[str, Json]) -> tuple[str, ...] | None:
    if options.features is not None:
        return tuple(name for name in options.features if name not in options.exclude)
    if kind != "train":
        return None
    taken = {
        options.label, options.gold, options.unit, options.split.column, options.query,
        options.site, *options.sensitive,
        None if options.source is None else options.source[0],
    }  # fmt: skip
    weights = weights_of(options, columns)
    if weights is not None:
        taken |= {weights.column, *weights.replicates}
    return tuple(
        name
        for name, column in columns.items()
        if name not in taken and name not in options.exclude and suggest.may_be_feature(column)
    )


def _attribute(name: str, options: Options, columns: Mapping[str, Json]) -> AttributeSpec:
    column = columns[name]
    spec = suggest.attribute_spec(column)
    if name in options.bins:
        spec = {**spec, "kind": "binned", "cuts": list(options.bins[name]), "words": {}}
    return AttributeSpec(
        column=name,
        title=spec["title"],
        kind=spec["kind"],
        cuts=tuple(float(cut) for cut in spec["cuts"]),
        words=dict(spec["words"]),
        reference=options.compare_to.get(name),
    )
