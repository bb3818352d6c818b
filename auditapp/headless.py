"""The audit without a web application: from command-line options to result document and PDF."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditapp import delivery, result, sandbox
from auditapp.datasets import suggest
from auditapp.datasets.keys import folded
from auditapp.datasets.lookup import unknown_column
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError
from auditapp.plan import (
    About,
    AttributeSpec,
    Data,
    Model,
    Outcome,
    Plan,
    Score,
    Split,
    check,
)

Json = dict[str, Any]
Say = Callable[[Json], None]


@dataclass(frozen=True)
class Options:
    """What the command line said; None where it said nothing."""

    data: Path
    out: Path
    pdf: Path | None = None
    model: Path | None = None
    model_output: str | None = None
    positive_class: str | None = None
    prediction: str | None = None
    score: str | None = None
    train: str | None = None
    label: str | None = None
    favourable: Sequence[str] | None = None
    favourable_decision: Sequence[str] | None = None
    score_is: str = "favourable"
    score_range: tuple[float, float] | None = None
    sensitive: Sequence[str] = ()
    bins: Mapping[str, Sequence[float]] = field(default_factory=dict)
    compare_to: Mapping[str, str] = field(default_factory=dict)
    features: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    split: Split = field(default_factory=Split)
    unit: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""


def run(options: Options, say: Say | None = None) -> result.Document:
    """Audit a file and write the result document, and the PDF if asked for.

    Nothing is left behind when it fails: both files are moved into place at the end.

    Raises
    ------
    AuditError
        The input cannot be audited; nothing was written.
    """
    _check_files(options)
    with _scratch() as scratch:
        work = Path(scratch)
        profile = _inspect(options, work, say)
        model = _inspect_model(options, work)
        plan = plan_of(options, profile, model)
        job = {
            "plan": plan.to_json(),
            "table_dir": str(work / "table"),
            "out": str(work / "out"),
            "model_path": None if options.model is None else str(options.model.resolve()),
            "model_profile": model,
            "report": options.pdf is not None,
            "run": {"date": datetime.now(UTC).isoformat(timespec="seconds")},
        }
        sandbox.run_child(
            "auditapp.pipeline:execute",
            job,
            workdir=work,
            limits=sandbox.Limits.trusted(),
            isolated=False,
            on_progress=say,
        )
        document = result.read(work / "out" / "result.json")
        files = {options.out: work / "out" / "result.json"}
        if options.pdf is not None:
            files[options.pdf] = work / "out" / "report.pdf"
        delivery.put(files)
    return document


def _check_files(options: Options) -> None:
    inputs = {"the table": options.data}
    if options.model is not None:
        inputs["the model"] = options.model
    targets = {"--out": options.out}
    if options.pdf is not None:
        targets["--pdf"] = options.pdf
    delivery.check(targets, inputs)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="evenhand-")
    except OSError as error:
        raise AuditError(
            "no-scratch",
            "There is no folder for temporary files that can be written to.",
            "Set TMPDIR to a folder with room for the table.",
            found=error.strerror or "",
        ) from error


def _inspect(options: Options, work: Path, say: Say | None) -> Json:
    return sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        {
            "source": str(options.data.resolve()),
            "name": options.data.name,
            "out": str(work / "table"),
            "options": dict(options.read),
            "read": [str(options.data.resolve())],
        },
        workdir=work,
        limits=sandbox.Limits.parsing(),
        isolated=True,
        on_progress=say,
    )


def _inspect_model(options: Options, work: Path) -> Json | None:
    if options.model is None:
        return None
    from auditapp import predictors

    return predictors.inspect_model(options.model.resolve(), options.model.name, work)


def plan_of(options: Options, profile: Json, model: Json | None) -> Plan:
    """Freeze the plan that these options mean for this table.

    Raises
    ------
    AuditError
        A column is unknown, a role is missing, or two options contradict each other.
    """
    columns = {column["name"]: column for column in profile["columns"]}
    _check_source(options)
    _check_columns(options, columns)
    kind = "columns"
    if options.train is not None:
        kind = "train"
    elif model is not None:
        kind = model["format"]
    label = _outcome(options.label, options.favourable, columns, "--favourable")
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
        decision=_outcome(
            options.prediction, options.favourable_decision, columns, "--favourable-decision"
        ),
        score=_score(options, kind, low, high),
        features=_features(options, kind, columns),
        attributes=tuple(_attribute(name, options, columns) for name in options.sensitive),
        unit=options.unit,
        split=options.split,
        **options.policy,
    )
    check(plan)
    return plan


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
    ]
    singles = (options.label, options.prediction, options.score, options.unit)
    wanted += [name for name in singles if name is not None]
    if options.split.column is not None:
        wanted.append(options.split.column)
    for name in wanted:
        if name not in columns:
            error = unknown_column(name, list(columns))
            if any("," in column for column in columns):
                error.hint += " A name that holds a comma stands in double quotes in the list."
            raise error
    for option, names in (("--bins", options.bins), ("--compare-to", options.compare_to)):
        stray = [name for name in names if name not in options.sensitive]
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
) -> Outcome | None:
    if name is None:
        return None
    if favourable:
        return Outcome(name, tuple(favourable))
    values = columns[name]["top"]
    if not values:
        rows = columns[name]["missing"]
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
    if kind == "columns":
        return None
    if options.features is not None:
        return tuple(name for name in options.features if name not in options.exclude)
    if kind != "train":
        return None
    taken = {options.label, options.unit, options.split.column, *options.sensitive}
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


#: size classes that each --fail-on level counts
FAIL_ON: Mapping[str, tuple[str, ...]] = {
    "above": ("above",),
    "near": ("above", "near"),
    "any": ("above", "near", "below"),
}


def findings_at(document: result.Document, level: str) -> int:
    """Count the differences found whose size class is at or over the level."""
    return sum(
        1
        for gap in document["gaps"]
        if gap["verdict"] == "difference" and gap["size_class"] in FAIL_ON[level]
    )
