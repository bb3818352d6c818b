"""What step 2 leaves in the draft, from a form that is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditapp.forms.roles import RolesForm

Json = dict[str, Any]


def draft_data(form: RolesForm) -> Json:
    """Roles and what they said, in the shape of the draft."""
    return {
        "roles": {
            column["name"]: role
            for column, role in zip(form.columns, form.roles, strict=True)
            if role != "unused"
        },
        "label": _outcome(form, "label"),
        "decision": _outcome(form, "decision"),
        "score": _score(form),
        "attributes": [_attribute(form, place) for place in form.places("sensitive")],
        "model": _model(form),
        "sensitive_features": bool(form.cleaned_data.get("sensitive_features")),
    }


def _model(form: RolesForm) -> Json:
    data = form.cleaned_data
    found: Json = {
        "kind": data.get("source"),
        "estimator": data.get("estimator") or "logistic",
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
        data = form.cleaned_data
        return {
            "column": form.columns[place]["name"],
            "favourable": data.get("direction") != "no",
            "low": data.get("low"),
            "high": data.get("high"),
        }
    return None


def _attribute(form: RolesForm, place: int) -> Json:
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
        "reference": form.stored("attribute", place).get("reference"),
    }
