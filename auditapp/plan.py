"""The frozen Plan of an audit: everything that decides its result, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from auditapp.errors import AuditError

SCHEMA = "evenhand/plan/1"

GOALS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "selection-rate": ("selection-rate",),
        "tpr": ("tpr",),
        "equalized-odds": ("tpr", "fpr"),
        "precision": ("precision",),
        "accuracy": ("accuracy",),
    }
)
GOALS_NEEDING_LABEL = frozenset(GOALS) - {"selection-rate"}


@dataclass(frozen=True)
class About:
    """Words for the cover; nothing is computed from them."""

    title: str = ""
    system: str = ""
    version: str = ""
    purpose: str = ""
    population: str = ""
    period: str = ""
    outcome: str = ""
    prepared_for: str = ""
    prepared_by: str = ""
    simulated: bool = False


@dataclass(frozen=True)
class Data:
    name: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class Model:
    """Where decisions come from: `train`, `onnx`, `skops`, or `columns` of the table."""

    kind: str
    estimator: str | None = None
    name: str = ""
    sha256: str = ""
    output: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A two-valued column and the values in it that are favourable."""

    column: str
    favourable: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """A score; `favourable` says whether higher is favourable, low and high give its range."""

    column: str | None = None
    favourable: bool = True
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class AttributeSpec:
    """A sensitive column; cuts turn numbers into bins, words turn codes into text."""

    column: str
    title: str
    kind: str = "categorical"
    cuts: tuple[float, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None


@dataclass(frozen=True)
class Split:
    kind: str = "seeded"
    shares: tuple[int, int, int] = (50, 20, 30)
    column: str | None = None


@dataclass(frozen=True)
class Plan:
    """One audit, frozen."""

    data: Data
    model: Model
    attributes: tuple[AttributeSpec, ...]
    about: About = About()
    label: Outcome | None = None
    decision: Outcome | None = None
    score: Score | None = None
    features: tuple[str, ...] | None = None
    unit: str | None = None
    intersections: int = 2
    floor: int = 30
    denominator_floor: int = 10
    goal: str = "selection-rate"
    threshold: float = 0.5
    tolerance: float = 0.05
    split: Split = Split()
    draws: int = 1000
    seed: int = 0
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON types."""
        return _lists(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Rebuild a plan; unknown keys are refused, so a typo cannot pass silently."""
        unknown = sorted(set(data) - {f.name for f in fields(cls)})
        if unknown:
            raise AuditError(
                "unknown-plan-key",
                f"The plan has the unknown key “{unknown[0]}”.",
                "Compare it with docs/result-document.md.",
            )
        values = dict(data)
        values["data"] = Data(**data["data"])
        values["model"] = Model(**data["model"])
        values["about"] = About(**data.get("about", {}))
        values["attributes"] = tuple(_attribute(item) for item in data["attributes"])
        for name in ("label", "decision"):
            item = data.get(name)
            values[name] = None if item is None else _outcome(item)
        score = data.get("score")
        values["score"] = None if score is None else Score(**score)
        split = dict(data.get("split", {}))
        if "shares" in split:
            split["shares"] = tuple(split["shares"])
        values["split"] = Split(**split)
        features = data.get("features")
        values["features"] = None if features is None else tuple(features)
        return cls(**values)

    def with_words(self, words: Mapping[str, Mapping[str, str]]) -> Plan:
        """Add words for codes where the plan has none yet."""
        return replace(
            self,
            attributes=tuple(
                a if a.words else replace(a, words=dict(words.get(a.column, {})))
                for a in self.attributes
            ),
        )


def _outcome(item: Mapping[str, Any]) -> Outcome:
    return Outcome(item["column"], tuple(str(v) for v in item["favourable"]))


def _attribute(item: Mapping[str, Any]) -> AttributeSpec:
    values = dict(item)
    values["cuts"] = tuple(float(c) for c in item.get("cuts", ()))
    return AttributeSpec(**values)


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_lists(item) for item in value]
    return value


def _refuse(code: str, message: str, hint: str, where: str) -> AuditError:
    return AuditError(code, message, hint, where=where)


def check(plan: Plan) -> None:
    """Refuse a plan that could only fail later.

    Raises
    ------
    AuditError
        `where` names the field of the form that has to change.
    """
    _check_columns(plan)
    _check_numbers(plan)
    if plan.goal not in GOALS:
        raise _refuse(
            "unknown-goal",
            f"The goal “{plan.goal}” is not known.",
            f"Choose one of: {', '.join(GOALS)}.",
            "goal",
        )
    if plan.goal in GOALS_NEEDING_LABEL and plan.label is None:
        raise _refuse(
            "goal-needs-label",
            f"The goal “{plan.goal}” compares decisions with labels, and no label is chosen.",
            "Choose a label column, or the goal “selection-rate”.",
            "goal",
        )
    if plan.model.kind == "train" and plan.label is None:
        raise _refuse(
            "train-needs-label",
            "A reference model is to be trained, and no label is chosen.",
            "Choose a label column, or use a score or decision column instead.",
            "label",
        )
    if plan.model.kind == "columns" and plan.decision is None and plan.score is None:
        raise _refuse(
            "no-decision",
            "Nothing says what was decided: there is no model, score or decision column.",
            "Upload a model, choose a score or decision column, or train a reference model.",
            "model",
        )


def _check_columns(plan: Plan) -> None:
    if not plan.attributes:
        raise _refuse(
            "no-sensitive",
            "No sensitive column is chosen, so there are no groups to compare.",
            "Choose at least one sensitive column, such as sex, race or age.",
            "sensitive",
        )
    seen: dict[str, str] = {}
    roles = [(a.column, "sensitive") for a in plan.attributes]
    roles += [
        (outcome.column, name)
        for outcome, name in ((plan.label, "label"), (plan.decision, "decision"))
        if outcome is not None
    ]
    if plan.score is not None and plan.score.column is not None:
        roles.append((plan.score.column, "score"))
    for column, role in roles:
        if column in seen:
            raise _refuse(
                "two-roles",
                f"Column “{column}” is used as {seen[column]} and as {role}.",
                "Give each column one role.",
                role,
            )
        seen[column] = role


#: field, smallest, largest, unit in words
_LIMITS = (
    ("intersections", 1, 4, "columns"),
    ("floor", 1, 10_000, "people"),
    ("denominator_floor", 1, 10_000, "people"),
    ("draws", 100, 20_000, "draws"),
    ("seed", 0, 2**32 - 1, ""),
    ("threshold", 0.0, 1.0, ""),
    ("tolerance", 0.0, 0.5, ""),
)


def _check_numbers(plan: Plan) -> None:
    for name, low, high, unit in _LIMITS:
        value = getattr(plan, name)
        if not low <= value <= high:
            span = f"{low:,} to {high:,} {unit}".strip()
            raise _refuse(
                "out-of-range",
                f"{name.replace('_', ' ').capitalize()} is {value}.",
                f"Enter a number from {span}.",
                name,
            )
    score = plan.score
    if score is not None and not score.low < score.high:
        raise _refuse(
            "score-range",
            f"The score range runs from {score.low:g} to {score.high:g}.",
            "The first number must be the smaller one.",
            "score",
        )
