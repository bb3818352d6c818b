"""What the fields of step 2 hold at first: what the draft says, else what the column suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditapp.datasets.keys import natural_sorted
from auditapp.datasets.suggest import (
    attribute_spec,
    favourable_values,
    score_spec,
    site_spec,
    values_like,
)
from auditapp.forms import role_fields as fields
from auditapp.forms.words import cuts_text, shortened, words_text

if TYPE_CHECKING:
    from auditapp.forms.roles import RolesForm

Json = dict[str, Any]


def stored_roles(draft: Json) -> dict[str, str]:
    """Roles as they are shown: a column that is also a feature goes by its other role."""
    roles = dict(draft.get("roles") or {})
    for role in ("site", "control"):
        spec = draft.get(role)
        if spec and spec.get("column") and roles.get(spec["column"]) != "sensitive":
            roles[spec["column"]] = role
    return roles


def stored(draft: Json, role: str, name: str) -> Json:
    """What the draft says about a column in a role."""
    items = draft.get("attributes") or [] if role == "sensitive" else [draft.get(role) or {}]
    return next((item for item in items if item.get("column") == name), {})


def initial_of(form: RolesForm, place: int, role: str) -> Json:
    """First values of the fields that a role asks, by field name."""
    column = form.columns[place]
    said = stored(form.draft, role, column["name"])
    if role in {"label", "decision", "gold"}:
        given = said.get("favourable")
        return {f"values-{place}": _favourable(form, column, role) if given is None else given}
    if role == "reference":
        return {"references": _references(form)}
    if role == "score":
        spec = {**score_spec(column), **said}
        direction = "yes" if spec["favourable"] else "no"
        low, high = (f"{spec[end]:.12g}" for end in ("low", "high"))
        return {"direction": direction, "low": low, "high": high}
    return _groups(form, place, role, said)


def class_names(form: RolesForm) -> list[str]:
    """Values of the true and the predicted class, each once."""
    places = [*form.once("label"), *form.once("decision")]
    found = dict.fromkeys(value for place in places for value, _ in form.values_of(place))
    return natural_sorted(found)


def _groups(form: RolesForm, place: int, role: str, said: Json) -> Json:
    column = form.columns[place]
    suggested = site_spec(column) if role == "site" else attribute_spec(column)
    spec = {**suggested, **said}
    keys = natural_sorted(value for value, _ in form.values_of(place))
    found: Json = {
        f"title-{place}": shortened(spec["title"], fields.LONGEST_TITLE),
        f"cuts-{place}": cuts_text(spec["cuts"]),
        f"words-{place}": words_text(spec["words"], keys),
    }
    if role != "sensitive":
        before = (form.draft.get("roles") or {}).get(column["name"])
        found[f"feature-{place}"] = before == "feature"
    return found


def _favourable(form: RolesForm, column: Json, role: str) -> list[str]:
    """A gold label is read like the label that it is held against."""
    place = form.first_place("label")
    if role != "gold" or place is None:
        return favourable_values(column)
    return values_like(column, _chosen(form, place, "label"))


def _references(form: RolesForm) -> list[str]:
    """Reference decisions are read like the decision, else like the label."""
    columns = [form.columns[place] for place in form.places("reference")]
    said = form.draft.get("references") or {}
    if said.get("columns") == [column["name"] for column in columns]:
        return list(said["favourable"])
    for role in ("decision", "label"):
        place = form.first_place(role)
        if place is not None:
            return values_like(columns[0], _chosen(form, place, role))
    return favourable_values(columns[0])


def _chosen(form: RolesForm, place: int, role: str) -> list[str]:
    """Favourable values of another column: those ticked on the page, else its first ones."""
    name = f"values-{place}"
    if form.posted is not None and f"{role}-{place}" in form.shown:
        return list(form.posted.getlist(name))  # type: ignore[attr-defined]
    values: list[str] = initial_of(form, place, role)[name]
    return values
