"""What step 2 leaves in the draft, from a form that is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditapp.forms import weights
from auditapp.forms.role_first import stored

if TYPE_CHECKING:
    from auditapp.forms.roles import RolesForm

Json = dict[str, Any]


def draft_data(form: RolesForm) -> Json:
    """Roles and what they said, in the shape of the draft."""
    return {
        "outcome": form.kind,
        "roles": _roles(form),
        "label": _outcome(form, "label"),
        "decision": _outcome(form, "decision"),
        "score": _score(form),
        "classes": _classes(form),
        "query": _name(form, "query"),
        "site": _spec(form, "site"),
        "control": _spec(form, "control"),
        "gold": _outcome(form, "gold"),
        "references": _references(form),
        "weights": weights.draft(form),
        "attributes": [_attribute(form, place) for place in form.places("sensitive")],
        "model": _model(form),
        "sensitive_features": bool(form.cleaned_data.get("sensitive_features")),
        **_target(form),
    }


def _roles(form: RolesForm) -> Json:
    """The role of each column; a site or factor the model gets is stored as a feature."""
    found = {}
    for place, (column, role) in enumerate(zip(form.columns, form.roles, strict=True)):
        also = role in {"site", "control"} and form.cleaned_data.get(f"feature-{place}")
        if role != "unused":
            found[column["name"]] = "feature" if also else role
    return found


def _name(form: RolesForm, role: str) -> str | None:
    place = form.first_place(role)
    return None if place is None else str(form.columns[place]["name"])


def _spec(form: RolesForm, role: str) -> Json | None:
    place = form.first_place(role)
    return None if place is None else _attribute(form, place, role)


def _classes(form: RolesForm) -> list[str]:
    """Classes that are compared; none named means all."""
    chosen = form.cleaned_data.get("classes") or []
    return [] if len(chosen) == len(form.class_names()) else list(chosen)


def _references(form: RolesForm) -> Json | None:
    columns = [form.columns[place]["name"] for place in form.places("reference")]
    if not columns:
        return None
    return {"columns": columns, "favourable": form.cleaned_data.get("references") or []}


def _target(form: RolesForm) -> Json:
    """A target is a group of one site column, and goes with it."""
    before = (form.draft.get("site") or {}).get("column")
    trained = form.cleaned_data.get("source") == "train"
    return {} if trained and before == _name(form, "site") else {"target": None}


def _model(form: RolesForm) -> Json:
    data = form.cleaned_data
    found: Json = {
        "kind": data.get("source"),
        "estimator": data.get("estimator") or None,
        "output": None,
        "positive": None,
    }
    if data.get("source") == "upload":
        found["id"] = data.get("model")
        found["output"] = data.get("output") or None
        found["positive"] = data.get("positive") or None
    return found


def _outcome(form: RolesForm, role: str) -> Json | None:
    for place in form.places(role)[:1]:
        return {
            "column": form.columns[place]["name"],
            "favourable": form.cleaned_data.get(f"values-{place}") or [],
        }
    return None


def _score(form: RolesForm) -> Json | None:
    for place in form.places("score")[:1]:
        data, column = form.cleaned_data, form.columns[place]
        asked = "low" in form.fields
        return {
            "column": column["name"],
            "favourable": data.get("direction") != "no",
            "low": data.get("low") if asked else column["min"],
            "high": data.get("high") if asked else column["max"],
        }
    return None


def _attribute(form: RolesForm, place: int, role: str = "sensitive") -> Json:
    data, column = form.cleaned_data, form.columns[place]
    cuts = data.get(f"cuts-{place}")
    cuts = cuts if isinstance(cuts, list) else []
    words = data.get(f"words-{place}")
    words = words if isinstance(words, dict) else {}
    return {
        "column": column["name"],
        "title": data.get(f"title-{place}") or column["name"],
        "kind": "binned" if cuts else "categorical",
        "cuts": cuts,
        "words": {} if cuts else {k: w for k, w in words.items() if k != w},
        "reference": stored(form.draft, role, column["name"]).get("reference"),
    }
