"""What the roles of step 2 ask beside their column: values, classes, lists, scores."""

from __future__ import annotations

from typing import Any

from auditapp.forms.kinds import BINARY
from auditapp.forms.roles import VALUED, RolesForm

Json = dict[str, Any]


def outcomes(form: RolesForm) -> list[Json]:
    """Columns of two sides, with the values that are good for the person."""
    if form.kind != BINARY:
        return []
    found = [
        {
            **_values(form, f"values-{place}", [place]),
            "role": role,
            "shown": [f"{role}-{place}"],
            "columns": [form.column(place)],
        }
        for role in VALUED
        for place in form.once(role)
    ]
    places = form.places("reference")
    if places:
        found.append(
            {
                **_values(form, "references", places),
                "role": "reference",
                "shown": [f"reference-{place}" for place in places],
                "columns": [form.column(place) for place in places],
            }
        )
    return found


def classes(form: RolesForm) -> Json | None:
    """Classes of the true and the predicted column, with how often each stands there."""
    if "classes" not in form.fields:
        return None
    places = [*form.once("label"), *form.once("decision")]
    found = _values(form, "classes", places[:1])
    counted = {item["value"]: item for item in found["values"]}
    chosen = set(form["classes"].value() or [])
    blank = {"words": "", "n": 0, "share": 0.0}
    values = [
        {**counted.get(name, blank), "value": name, "checked": name in chosen}
        for name in form.class_names()
    ]
    for i, item in enumerate(values):
        item["id"] = f"id_classes_{i}"
    return {
        **found,
        "values": values,
        "shown": form.classes_token(),
        "column": form.column(places[0]),
    }


def _values(form: RolesForm, name: str, places: list[int]) -> Json:
    """The values of columns as boxes to tick; counts are added where there are several."""
    counts: dict[str, int] = {}
    words: dict[str, str] = {}
    for place in places:
        words |= form.column(place).get("words") or {}
        for value, n in form.values_of(place):
            counts[value] = counts.get(value, 0) + n
    chosen, total = set(form[name].value() or []), sum(counts.values())
    return {
        "name": name,
        "errors": form[name].errors,
        "missing": form.column(places[0])["missing"] if len(places) == 1 else 0,
        "values": [
            {
                "id": f"id_{name}_{i}",
                "value": value,
                "words": words.get(value, ""),
                "n": n,
                "share": n / total if total else None,
                "checked": value in chosen,
            }
            for i, (value, n) in enumerate(counts.items())
        ],
    }


def given(form: RolesForm) -> list[Json]:
    """Columns of numbers that need nothing said about them: what was found there."""
    roles = {"regression": ("label", "score"), "ranking": ("label",)}.get(form.kind, ())
    return [
        {"words": form.offered[role], "column": form.column(place)}
        for role in roles
        for place in form.once(role)
    ]


def deciding(form: RolesForm) -> list[Json]:
    """Columns that would decide, were there no model."""
    return [
        {"words": form.offered[role], "column": form.column(place)}
        for role in ("decision", "score")
        for place in form.once(role)
    ]


def lists(form: RolesForm) -> Json | None:
    """Which rows make one list, or which column might say so."""
    if form.kind != "ranking":
        return None
    place = form.first_place("query")
    name = form.suggested_query()
    names = [column["name"] for column in form.columns]
    return {
        "column": None if place is None else form.column(place),
        "suggested": name if place is None else None,
        "place": None if name is None else names.index(name),
    }


def score(form: RolesForm) -> Json | None:
    if "direction" not in form.fields:
        return None
    place = form.once("score")[0]
    return {
        "shown": form.token("score", place),
        "column": form.column(place),
        "ranged": "low" in form.fields,
    }
