"""From the draft that the three steps of a new audit fill in to a frozen Plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.errors import AuditError
from auditapp.plan.checks import check
from auditapp.plan.model import (
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
    Split,
    TemplateSpec,
    Weights,
)
from auditapp.regulatory import card, columns

Json = Mapping[str, Any]

#: Policy fields of the draft that are Plan fields of the same name.
POLICY = (
    "intersections",
    "floor",
    "denominator_floor",
    "goal",
    "threshold",
    "tolerance",
    "draws",
    "seed",
    "k",
    "tolerance_unit",
)


def plan_from_draft(draft: Json, dataset: Json, model: Json | None = None) -> Plan:
    """Freeze a draft.

    Parameters
    ----------
    draft
        ``{"roles": {column: role}, "label", "decision", "score", "attributes", "model",
        "policy", "about"}`` as the forms store it.
    dataset
        The profile of the data set version (``profile.json``).
    model
        The profile of the uploaded model, if one is used.

    Raises
    ------
    AuditError
        `where` names the part of the form to change.
    """
    chosen = dict(draft.get("model") or {})
    kind = chosen.get("kind", "")
    if kind in {"onnx", "skops", "network", "upload"}:
        if model is None:
            raise AuditError(
                "no-model",
                "An uploaded model is to be used, and none is chosen.",
                "Upload an ONNX file, a skops file or a network, or choose another source.",
                where="model",
            )
        kind = model["format"]
    policy = {k: v for k, v in (draft.get("policy") or {}).items() if k in POLICY}
    outcome = str(draft.get("outcome") or "binary")
    classless = outcome != "binary"
    plan = Plan(
        about=About(**(draft.get("about") or {})),
        data=Data(
            name=dataset["name"],
            sha256=dataset["sha256"],
            bytes=dataset["bytes"],
            rows=dataset["rows"],
        ),
        model=Model(
            kind=kind,
            estimator=chosen.get("estimator") if kind == "train" else None,
            name=model["name"] if model is not None and kind != "train" else "",
            sha256=model["sha256"] if model is not None and kind != "train" else "",
            output=chosen.get("output"),
            positive=chosen.get("positive"),
        ),
        label=_outcome(draft.get("label"), "label", classless),
        decision=(
            _outcome(draft.get("decision"), "decision", classless) if kind == "columns" else None
        ),
        score=_score(draft.get("score"), kind),
        features=_features(draft, kind, dataset),
        attributes=tuple(_attribute(item) for item in draft.get("attributes") or ()),
        unit=next((c for c, r in (draft.get("roles") or {}).items() if r == "unit"), None),
        classes=tuple(str(item) for item in draft.get("classes") or ()),
        query=draft.get("query") or None,
        site=_groups(draft.get("site")),
        target=draft.get("target") or None,
        control=_groups(draft.get("control")),
        gold=_outcome(draft.get("gold"), "gold label"),
        references=_references(draft.get("references")),
        skip=tuple(draft.get("skip") or ()),
        methods=tuple(
            MethodSpec(item["slug"], dict(item.get("settings") or {}))
            for item in draft.get("methods") or ()
        ),
        templates=tuple(
            TemplateSpec(item["slug"], dict(item.get("settings") or {}))
            for item in draft.get("templates") or ()
        ),
        protect=draft.get("protect") or None,
        immutable=tuple(draft.get("immutable") or ()),
        source=_source(draft.get("source")),
        checkpoint=_checkpoint(draft.get("checkpoint")),
        weights=_weights(draft.get("weights")),
        split=_split(dataset),
        outcome=outcome,
        **policy,
    )
    check(plan)
    _check_templates(plan, dataset)
    return plan


def _check_templates(plan: Plan, dataset: Json) -> None:
    """A column that an annex names may be gone where the table was replaced."""
    known = {column["name"] for column in dataset["columns"]}
    for template in plan.templates:
        for name in columns(template.slug, template.settings):
            if name not in known:
                raise AuditError(
                    "unknown-column",
                    f"The template “{card(template.slug).title}” names the column “{name}”, which "
                    "this table does not have.",
                    "Choose another column there, or leave the template out.",
                    where="templates",
                )


def _groups(item: Json | None) -> AttributeSpec | None:
    return _attribute(item) if item and item.get("column") else None


def _split(dataset: Json) -> Split:
    """The parts that the list of an image set names; else rows are dealt out."""
    column = ((dataset.get("images") or {}).get("roles") or {}).get("split")
    if column is None or dataset.get("format") != "images":
        return Split()
    return Split(kind="column", column=str(column))


def _source(item: Json | None) -> Source | None:
    if not item or not item.get("column"):
        return None
    return Source(item["column"], tuple(str(value) for value in item.get("values") or ()))


def _checkpoint(item: Json | None) -> Checkpoint | None:
    return Checkpoint(str(item["name"]), str(item["sha256"])) if item else None


def _weights(item: Json | None) -> Weights | None:
    if not item or not item.get("column"):
        return None
    return Weights(
        str(item["column"]),
        tuple(str(name) for name in item.get("replicates") or ()),
        str(item.get("method") or "sdr"),
    )


def _references(item: Json | None) -> References | None:
    if not item or not item.get("columns"):
        return None
    if not item.get("favourable"):
        raise AuditError(
            "no-favourable",
            "No value of the reference decisions is marked as favourable.",
            "Tick the value or values that are good for the person concerned.",
            where="references",
        )
    return References(tuple(item["columns"]), tuple(str(value) for value in item["favourable"]))


def _outcome(item: Json | None, role: str, classless: bool = False) -> Outcome | None:
    if not item or not item.get("column"):
        return None
    if classless:
        return Outcome(item["column"])
    if not item.get("favourable"):
        raise AuditError(
            "no-favourable",
            f"No value of the {role} column “{item['column']}” is marked as favourable.",
            "Tick the value or values that are good for the person concerned.",
            where=role,
        )
    return Outcome(item["column"], tuple(str(value) for value in item["favourable"]))


def _score(item: Json | None, kind: str) -> Score | None:
    if not item:
        return None if kind == "columns" else Score()
    if kind == "train":
        return Score()
    if kind != "columns":
        # A given score column and its range say nothing about a model's output.
        return Score(favourable=item.get("favourable", True))
    if not item.get("column"):
        return None
    low, high = item.get("low"), item.get("high")
    return Score(
        column=item["column"],
        favourable=item.get("favourable", True),
        low=0.0 if low is None else float(low),
        high=1.0 if high is None else float(high),
    )


def _features(draft: Json, kind: str, dataset: Json) -> tuple[str, ...] | None:
    """Columns for the model in the order of the table: some models take them by position.

    A database may store the roles in any order, so theirs says nothing.
    """
    if kind == "columns":
        return None
    roles = draft.get("roles") or {}
    wanted = {"feature", "sensitive"} if draft.get("sensitive_features") else {"feature"}
    columns = [column["name"] for column in dataset["columns"]]
    return tuple(column for column in columns if roles.get(column) in wanted)


def _attribute(item: Json) -> AttributeSpec:
    return AttributeSpec(
        column=item["column"],
        title=item.get("title") or item["column"],
        kind=item.get("kind", "categorical"),
        cuts=tuple(float(cut) for cut in item.get("cuts") or ()),
        words=dict(item.get("words") or {}),
        reference=item.get("reference"),
    )
