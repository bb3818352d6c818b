"""The body that starts an audit: the options of the audit command as JSON fields."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from auditapp.api.problems import Problem
from auditapp.api.words import Body, Id, Name, Names, Number, Text, examples
from auditapp.headless import Options, arguments, image_sets, plan_of
from auditapp.plan import SEARCHES, About, Plan, Split
from auditapp.regulatory.card import LONGEST

Json = dict[str, Any]
#: Fields of the body that are options of the same name, type and meaning.
SAME = (
    "model_output", "positive_class", "prediction", "score", "train", "outcome", "classes",
    "query", "label", "gold", "favourable", "favourable_decision", "score_is", "sensitive",
    "site", "target", "control", "bins", "compare_to", "features", "exclude", "unit", "skip",
    "protect", "immutable", "cost", "weight", "replicate_weights", "replicate_method",
)  # fmt: skip
#: An answer to a template, which may be a paragraph.
Answer = Annotated[str, Field(max_length=LONGEST, pattern=r"^[^\x00]*$")]
POLICY = (
    "intersections", "floor", "goal", "threshold", "tolerance", "tolerance_unit", "k", "draws",
    "seed",
)  # fmt: skip


class MethodIn(Body):
    """A remedy to try."""

    slug: Name = Field(description="Such as thresholds; docs/methods lists them")
    settings: dict[Name, str | Number | bool | list[Number]] = Field(
        {}, max_length=50, description="By name, as in the table of the remedy's page"
    )


class TemplateIn(Body):
    """A regulatory annex."""

    slug: Name = Field(description="Such as ll144; the list of templates has all of them")
    settings: dict[Name, Answer | Number | bool | Names] = Field(
        {}, max_length=50, description="Answers by name, as the list of templates asks"
    )


class SourceIn(Body):
    """Rows of another population."""

    column: Name
    values: Annotated[Names, Field(min_length=1)]


class AboutIn(Body):
    """Words for the cover; nothing is computed from them."""

    system: Text = ""
    version: Text = ""
    purpose: Text = ""
    population: Text = ""
    period: Text = ""
    outcome: Text = ""
    prepared_for: Text = ""
    prepared_by: Text = ""


class AuditIn(Body):
    """What to audit. Fields are the options of `manage.py audit` with underscores."""

    model_config = examples(
        dataset="5b0c7f0e-7d1c-4b0e-9a4e-2f3f6f0c9f11",
        title="Mortgage decisions",
        prediction="deny",
        favourable_decision=["no"],
        sensitive=["afam"],
    )

    dataset: Id = Field(description="A data set that is ready")
    title: Text = Field("", description="On the cover and in lists")
    previous: Id | None = Field(None, description="Earlier audit that this one is compared with")
    about: AboutIn = Field(AboutIn(), description="Words for the cover")

    model: Id | None = Field(None, description="Uploaded model that decides")
    model_output: Name | None = Field(None, description="Output of the model that holds the score")
    positive_class: Name | None = Field(None, description="Class that the score speaks of")
    prediction: Name | None = Field(None, description="Column of given decisions")
    score: Name | None = Field(None, description="Column of given scores")
    train: Literal["logistic", "boosting", "linear"] | None = Field(
        None, description="Reference model to train"
    )
    features: Names | None = Field(None, description="Inputs of the model, by column")
    exclude: Names = Field([], description="Columns a model must not see")
    split: Name | None = Field(
        None, description="Shares to train, validate and audit such as 50/20/30, or a column"
    )
    unit: Name | None = Field(None, description="Rows with one value of it are never split")

    outcome: Literal["binary", "multiclass", "regression", "ranking"] = Field(
        "binary", description="What is decided"
    )
    classes: Names = Field([], description="Classes that are compared; all if empty")
    query: Name | None = Field(None, description="Column that says which list a row is in")
    label: Name | None = Field(None, description="Column of the true outcome")
    gold: Name | None = Field(None, description="Column of second, careful labels")
    favourable: Names | None = Field(None, description="Label values good for the person")
    favourable_decision: Names | None = Field(
        None, description="Decision values good for the person"
    )
    score_is: Literal["favourable", "unfavourable"] = Field(
        "favourable", description="What a high score means for the person"
    )
    score_range: list[Number] | None = Field(
        None, min_length=2, max_length=2, description="Smallest and largest score; 0 and 1"
    )
    references: Names = Field([], description="Columns of reference decisions")

    sensitive: Names = Field(min_length=1, description="Columns whose groups are compared")
    bins: dict[Name, Annotated[list[Number], Field(min_length=1, max_length=50)]] = Field(
        {}, max_length=50, description="Cuts of a column of numbers into groups"
    )
    compare_to: dict[Name, Name] = Field(
        {}, max_length=50, description="Reference group of a column; the largest if not given"
    )
    site: Name | None = Field(None, description="Column of sites: states, hospitals, years")
    target: Name | None = Field(None, description="Site that rows of others may be added to")
    control: Name | None = Field(None, description="Legitimate factor to compare within")
    weight: Name | None = Field(None, description="How many people a row stands for")
    replicate_weights: Name | None = Field(None, description="Prefix of replicate weights")
    replicate_method: Literal["sdr", "brr", "jackknife", "bootstrap"] = Field(
        "sdr", description="How they make a variance"
    )

    goal: Name | None = Field(None, description="What should be equal between groups")
    intersections: int = Field(2, ge=1, le=4, description="Columns combined at most")
    floor: int = Field(30, ge=1, le=10_000, description="Smallest group that is compared")
    threshold: Number = Field(0.5, description="Score from which the model says yes")
    tolerance: Number | None = Field(None, ge=0, description="Gap that matters; 0.05")
    tolerance_unit: Literal["sd", "units"] | None = Field(
        None, description="Unit of the tolerance where a number is predicted"
    )
    k: int | None = Field(None, ge=1, le=100_000, description="Places of a list that count; 10")
    skip: list[Literal[SEARCHES]] = Field(  # type: ignore[valid-type]
        [], max_length=20, description="Searches to leave out"
    )
    draws: int = Field(1000, ge=100, le=20_000, description="Bootstrap draws")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Of the split, the fit and the draws")

    method: list[MethodIn] = Field([], max_length=20, description="Remedies to try")
    protect: Name | None = Field(None, description="Column that remedies work between")
    immutable: Names = Field([], description="Columns that a remedy may not move")
    cost: list[Annotated[Number, Field(ge=0)]] | None = Field(
        None, min_length=2, max_length=2, description="Cost of a wrong yes and of a wrong no"
    )
    source: SourceIn | None = Field(None, description="Rows that are learnt from only")
    template: list[TemplateIn] = Field([], max_length=20, description="Regulatory annexes")
    checkpoint: Id | None = Field(None, description="Uploaded network that remedies start from")


def plan_asked(
    body: AuditIn, profile: Mapping[str, Any], model: Json | None, start: Json | None
) -> Plan:
    """The plan that the body means for a table, on the same way as the command's options.

    Raises
    ------
    AuditError
        A column is unknown, a role is missing, or two fields contradict each other.
    """
    given = body.model_dump()
    options = Options(
        data=Path(str(profile["name"])),
        out=Path("result.json"),
        model=None if body.model is None else Path("model"),
        checkpoint=None if body.checkpoint is None else Path("checkpoint"),
        score_range=None
        if body.score_range is None
        else (body.score_range[0], body.score_range[1]),
        split=_split(body.split),
        method=[(item.slug, item.settings) for item in body.method],
        template=[(item.slug, item.settings) for item in body.template],
        source=None if body.source is None else (body.source.column, body.source.values),
        policy={name: given[name] for name in POLICY},
        title=body.title,
        **{name: given[name] for name in SAME},
    )
    found = dict(profile)
    options = image_sets.with_roles(options, found)
    plan = plan_of(options, found, model, _references(body, found), start)
    words = {name: value for name, value in given["about"].items() if value}
    return replace(plan, about=About(**{**vars(plan.about), **words}))


def _split(text: str | None) -> Split:
    try:
        return Split() if text is None else arguments.split(text)
    except argparse.ArgumentTypeError as error:
        raise Problem(
            422, "split", f"{error}.", "Write 50/20/30, or the name of a column.", where="split"
        ) from error


def _references(body: AuditIn, profile: Json) -> list[str]:
    from auditapp.datasets.lookup import unknown_column

    known = [column["name"] for column in profile["columns"]]
    for name in body.references:
        if name not in known:
            raise unknown_column(name, known)
    return list(body.references)
