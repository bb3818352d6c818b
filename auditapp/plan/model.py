"""Everything that decides the result of an audit, as frozen dataclasses and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from auditapp.errors import AuditError

SCHEMA = "evenhand/plan/1"


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
    """Where decisions come from: `train`, `onnx`, `skops`, `network`, or `columns`."""

    kind: str
    estimator: str | None = None
    name: str = ""
    sha256: str = ""
    output: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A column and the values in it that are favourable.

    Where outcomes are classes, numbers or places in a list, no value is favourable as such and
    `favourable` is empty.
    """

    column: str
    favourable: tuple[str, ...] = ()


@dataclass(frozen=True)
class References:
    """Columns of other decisions on the same rows, and the values in them that are favourable."""

    columns: tuple[str, ...]
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
    """A column of groups; cuts turn numbers into bins, words turn codes into text."""

    column: str
    title: str
    kind: str = "categorical"
    cuts: tuple[float, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None


@dataclass(frozen=True)
class MethodSpec:
    """A remedy to try: a slug of `mitigations.REGISTRY` and its settings."""

    slug: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TemplateSpec:
    """An annex that is wanted: a slug of `auditapp.regulatory.REGISTRY` and its answers."""

    slug: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Rows of another population, by the values of a column: learnt from, never measured."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A network that remedies start from, where it is not the audited model itself."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Weights:
    """Survey weights: how many people a row stands for.

    `replicates` are columns of replicate weights and `method` is how estimates with them make a
    variance: ``sdr`` (successive differences, the American Community Survey), ``brr``,
    ``jackknife`` or ``bootstrap``. Without them households (`Plan.unit`) or rows are drawn anew.
    """

    column: str
    replicates: tuple[str, ...] = ()
    method: str = "sdr"


@dataclass(frozen=True)
class Split:
    kind: str = "seeded"
    shares: tuple[int, int, int] = (50, 20, 30)
    column: str | None = None


@dataclass(frozen=True)
class Plan:
    """One audit, frozen.

    `outcome` says what is decided: ``binary``, ``multiclass`` (`classes` are compared, all if
    empty), ``regression`` (`score` is the prediction, `tolerance` counts in `tolerance_unit`) or
    ``ranking`` (by `score`, in the lists that `query` names, the first `k` places).
    `site` and `control` are columns that groups are compared within; `target` is the site that
    rows of the others may be added to; `gold` holds second, careful labels. `skip` names
    searches of `auditapp.pipeline.diagnose` that are not wanted. `methods` are remedies to try
    and `protect` the sensitive column between whose groups they work, the first if None;
    `immutable` columns are not moved, and `cost` is that of a favourable decision for somebody
    with the unfavourable label, and the other way round. `source` are rows of another population
    and `checkpoint` a network, both to start from. `weights` say how many people rows stand for.
    `templates` are the regulatory annexes.
    """

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
    outcome: str = "binary"
    classes: tuple[str, ...] = ()
    k: int = 10
    query: str | None = None
    tolerance_unit: str = "sd"
    site: AttributeSpec | None = None
    target: str | None = None
    control: AttributeSpec | None = None
    gold: Outcome | None = None
    references: References | None = None
    skip: tuple[str, ...] = ()
    methods: tuple[MethodSpec, ...] = ()
    protect: str | None = None
    immutable: tuple[str, ...] = ()
    cost: tuple[float, float] = (1.0, 1.0)
    source: Source | None = None
    checkpoint: Checkpoint | None = None
    weights: Weights | None = None
    templates: tuple[TemplateSpec, ...] = ()
    schema: str = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON types."""
        plain: dict[str, Any] = _lists(asdict(self))
        return plain

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
        for name in ("label", "decision", "gold"):
            item = data.get(name)
            values[name] = None if item is None else _outcome(item)
        for name in ("site", "control"):
            item = data.get(name)
            values[name] = None if item is None else _attribute(item)
        if "cost" in data:
            values["cost"] = (float(data["cost"][0]), float(data["cost"][1]))
        for name in ("classes", "skip", "immutable"):
            values[name] = tuple(str(item) for item in data.get(name, ()))
        values["methods"] = tuple(
            MethodSpec(item["slug"], dict(item.get("settings") or {}))
            for item in data.get("methods", ())
        )
        values["templates"] = tuple(
            TemplateSpec(item["slug"], dict(item.get("settings") or {}))
            for item in data.get("templates", ())
        )
        other = data.get("references")
        values["references"] = (
            None
            if other is None
            else References(tuple(other["columns"]), tuple(map(str, other["favourable"])))
        )
        source = data.get("source")
        values["source"] = (
            None if source is None else Source(source["column"], tuple(map(str, source["values"])))
        )
        weights = data.get("weights")
        values["weights"] = (
            None
            if weights is None
            else Weights(**{**weights, "replicates": tuple(weights.get("replicates", ()))})
        )
        start = data.get("checkpoint")
        values["checkpoint"] = None if start is None else Checkpoint(**start)
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
    return Outcome(item["column"], tuple(str(v) for v in item.get("favourable", ())))


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
