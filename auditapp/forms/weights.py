"""Survey weights in step 2: the column, its replicates, and how they make a variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.datasets.replicates import Family, families, of_weight

if TYPE_CHECKING:
    from auditapp.forms.roles import RolesForm

Json = dict[str, Any]
METHODS = [
    ("sdr", gettext_lazy("Successive differences, as in the American Community Survey")),
    ("brr", gettext_lazy("Balanced repeated replication")),
    ("jackknife", gettext_lazy("Jackknife")),
    ("bootstrap", gettext_lazy("Bootstrap")),
]
_NUMBERS = {"integer", "number"}


def replicate_places(form: RolesForm) -> dict[int, Family]:
    """Where columns of replicate weights are; they come along with the weight, never alone."""
    given = [form.columns[i]["name"] for i, role in enumerate(form.roles) if role == "weight"]
    found: dict[int, Family] = {}
    places = {column["name"]: i for i, column in enumerate(form.columns)}
    for family in families(form.columns, given[0] if given else None):
        found |= {places[name]: family for name in family.names}
    return found


def family_of(form: RolesForm) -> Family | None:
    """The replicates of the column with the role."""
    place = form.first_place("weight")
    return None if place is None else of_weight(form.columns, form.columns[place]["name"])


def initial(form: RolesForm) -> Json:
    """First values: all replicates where they can be used."""
    said, family = form.draft.get("weights") or {}, family_of(form)
    place = form.first_place("weight")
    same = place is not None and said.get("column") == form.columns[place]["name"]
    if family is None or family.why:
        return {"replicates": "no", "replicate_method": "sdr"}
    drawn = same and not said.get("replicates")
    known = same and said.get("method") in dict(METHODS)
    return {
        "replicates": "no" if drawn else "yes",
        "replicate_method": said["method"] if known else family.method,
    }


def fields(form: RolesForm) -> dict[str, forms.Field]:
    """What a weight asks; nothing where it has no replicates that can be used."""
    family, first = family_of(form), initial(form)
    if family is None or family.why:
        return {}
    found: dict[str, forms.Field] = {
        "replicates": forms.ChoiceField(
            label=_("Where intervals come from"),
            choices=[
                ("yes", family.words),
                ("no", _("Do not use them: {form}").format(form=drawn_words(form))),
            ],
            initial=first["replicates"],
            widget=forms.RadioSelect,
        ),
        "replicate_method": forms.ChoiceField(
            label=_("What kind of replicate weights these are"),
            choices=METHODS,
            initial=first["replicate_method"],
        ),
    }
    found["replicate_method"].widget.attrs["class"] = "input"
    return found


def drawn_words(form: RolesForm) -> str:
    """What is drawn anew where no replicates are used."""
    place = form.first_place("unit")
    if place is None:
        return _("rows are drawn anew 500 times, and intervals are labelled approximate")
    name = form.columns[place]["name"]
    return _(
        "households ({name}) are drawn anew 500 times, and intervals are labelled approximate"
    ).format(name=name)


def check(form: RolesForm) -> None:
    """Refuse a weight that would stop the audit later."""
    for place in form.once("weight"):
        column, name = form.columns[place], form.columns[place]["name"]
        if column["distinct"] == 0:
            continue  # said for every role
        words = ""
        if column["type"] not in _NUMBERS:
            words = _("{name} holds no numbers, and a survey weight is one").format(name=name)
        elif (column["min"] or 0) < 0:
            words = _(
                "{name} goes below 0, and only replicate weights may. Choose the full weight"
            ).format(name=name)
        elif (column["max"] or 0) <= 0:
            words = _("{name} is 0 in every row, so nobody would count").format(name=name)
        elif column["missing"]:
            rows = (
                _("1 row")
                if column["missing"] == 1
                else _("{missing:,} rows").format(missing=column["missing"])
            )
            words = _(
                "{name} is blank in {rows}, and every row needs a weight of 0 or more. Leave "
                "those rows out, and upload the table again"
            ).format(name=name, rows=rows)
        if words:
            form.add_error(f"role-{place}", words)


def draft(form: RolesForm) -> Json | None:
    """The weights as the draft keeps them."""
    place = form.first_place("weight")
    if place is None:
        return None
    family, data = family_of(form), form.cleaned_data
    used = family is not None and not family.why and data.get("replicates") != "no"
    return {
        "column": form.columns[place]["name"],
        "replicates": list(family.names) if used and family is not None else [],
        "method": data.get("replicate_method") or "sdr" if used else "sdr",
    }


def card(form: RolesForm) -> Json | None:
    """What the side of the page says of the weight."""
    place = form.first_place("weight")
    if place is None:
        return None
    column, family = form.columns[place], family_of(form)
    total = ((form.profile.get("survey") or {}).get("weights") or {}).get("total")
    main = (form.profile.get("survey") or {}).get("weight") == column["name"]
    return {
        "place": place,
        "column": column,
        "shown": f"weight-{place}",
        "family": family,
        "total": total if main else None,
        "usable": family is not None and not family.why,
        "drawn": drawn_words(form),
        "unit": form.first_place("unit") is not None,
    }
