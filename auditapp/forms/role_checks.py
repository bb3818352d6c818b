"""What makes the answers of step 2 impossible, said before they are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _

from auditapp.forms import weights
from auditapp.forms.kinds import ALL_ROLES, BINARY, ONCE, kind_words
from auditapp.forms.role_fields import MOST_CLASSES, MOST_VALUES
from auditapp.forms.words import parse_cuts, parse_words

if TYPE_CHECKING:
    from auditapp.forms.roles import RolesForm

Json = dict[str, Any]
GROUPED = ("sensitive", "site", "control")
NUMBERS = {"integer", "number"}


def check(form: RolesForm, data: Json) -> None:
    """Add the errors of roles, values, groups, range and source."""
    _roles(form)
    _columns(form)
    for role in ("label", "decision", "gold"):
        for place in form.once(role):
            _values(form, place, role, data)
    weights.check(form)
    if form.kind == "multiclass":
        _classes(form)
    if not form.places("sensitive"):
        form.add_error(None, _("Give at least one column the role Sensitive"))
    for role in GROUPED:
        for place in form.places(role):
            _groups(form, place, data)
    if {"low", "high"} <= data.keys() and data["low"] >= data["high"]:
        form.add_error("high", _("The highest score must be above the lowest"))
    if form.places("gold") and not form.places("label"):
        _at(form, "gold", _("Gold labels are held against a label: give one column that role"))
    _source(form, data)


def _at(form: RolesForm, role: str, words: str) -> None:
    form.add_error(f"role-{form.places(role)[0]}", words)


def _roles(form: RolesForm) -> None:
    """Refuse roles that two columns have, or that this kind of outcome has not."""
    for place, role in enumerate(form.roles):
        if role not in form.offered:
            kind = kind_words(form.kind).lower()
            words = _("{name}: {kind} has no role {all_roles}").format(
                name=form.columns[place]["name"], kind=kind, all_roles=ALL_ROLES[role]
            )
            form.add_error(f"role-{place}", _("{words}; choose another").format(words=words))
    for role in ONCE:
        for place in form.places(role)[1:]:
            first = form.columns[form.places(role)[0]]["name"]
            words = form.offered[role].lower()
            form.add_error(
                f"role-{place}",
                _("{first} is the {words} already; choose one").format(first=first, words=words),
            )


def _columns(form: RolesForm) -> None:
    """Refuse columns that could only stop the audit later."""
    for role in form.offered:
        if role in {"unused", "feature", "unit"}:
            continue
        for place in form.places(role):
            column, name = form.columns[place], f"role-{place}"
            number = role == "score" or (
                role == "label" and form.kind in {"regression", "ranking"}
            )
            if column["distinct"] == 0:
                form.add_error(
                    name,
                    _("{name} is blank in every row; choose another").format(name=column["name"]),
                )
            elif number and column["type"] not in NUMBERS:
                what = (
                    _("a score")
                    if role == "score"
                    else _("the {lower}").format(lower=form.offered[role].lower())
                )
                form.add_error(
                    name,
                    _("{name} holds no numbers, and {what} is one").format(
                        name=column["name"], what=what
                    ),
                )
            elif role == "label" and form.kind == "ranking" and (column["min"] or 0) < 0:
                words = _("{name} goes below 0; relevance begins at 0").format(name=column["name"])
                form.add_error(
                    name,
                    _("{words}. Add a column that does, and upload it again").format(words=words),
                )


def _values(form: RolesForm, place: int, role: str, data: Json) -> None:
    if form.kind != BINARY:
        return
    column = form.columns[place]
    if column["distinct"] > MOST_VALUES:
        what = _("a gold label") if role == "gold" else f"a {role}"
        form.add_error(
            f"role-{place}",
            _(
                "{name} has {distinct:,} different values; {what} has two sides. Add a column "
                "that says yes or no, and upload the table again; or say above that the system "
                "gives something else"
            ).format(name=column["name"], distinct=column["distinct"], what=what),
        )
    chosen = data.get(f"values-{place}") or []
    if column["distinct"] > 1 and len(chosen) == column["distinct"]:
        form.add_error(
            f"values-{place}",
            _("Every value of {name} is ticked; leave one out").format(name=column["name"]),
        )


def _classes(form: RolesForm) -> None:
    for role in ("label", "decision"):
        for place in form.once(role):
            column = form.columns[place]
            if column["distinct"] > MOST_CLASSES:
                form.add_error(
                    f"role-{place}",
                    _(
                        "{name} has {distinct:,} different values; an audit compares at most "
                        "{most_classes} classes"
                    ).format(
                        name=column["name"], distinct=column["distinct"], most_classes=MOST_CLASSES
                    ),
                )


def _groups(form: RolesForm, place: int, data: Json) -> None:
    column = form.columns[place]
    keys = [value for value, _ in form.values_of(place)]
    parsers: dict[str, Callable[[str], Any]] = {
        f"cuts-{place}": parse_cuts,
        f"words-{place}": partial(parse_words, keys=keys),
    }
    for name, parse in parsers.items():
        if name not in form.fields:
            continue
        try:
            data[name] = parse(data.get(name) or "")
        except forms.ValidationError as error:
            form.add_error(name, error)
    if column["distinct"] > MOST_VALUES and not data.get(f"cuts-{place}"):
        form.add_error(
            f"cuts-{place}" if form.can_cut(place) else f"role-{place}",
            _(
                "{name} has {distinct:,} different values, and a group column has at most "
                "{most_values}"
            ).format(name=column["name"], distinct=column["distinct"], most_values=MOST_VALUES),
        )


def _source(form: RolesForm, data: Json) -> None:
    source, words = data.get("source"), form.offered
    if source == "train" and form.kind == "ranking":
        form.add_error("source", _("No ranking is trained here; use a model or a score column"))
    elif source == "train":
        if not form.places("label"):
            role = words["label"]
            form.add_error(
                "source", _("To train a model, give one column the role {role}").format(role=role)
            )
        if not _n_features(form, data, sensitive=False):
            form.add_error("source", _("To train a model, give some columns the role Feature"))
    if source == "columns":
        given = [role for role in ("decision", "score") if role in words]
        if not any(form.places(role) for role in given):
            named = " or ".join(str(words[role]) for role in given)
            form.add_error("source", _("Give one column the role {named}").format(named=named))
    if source == "upload" and not data.get("model"):
        form.add_error("model", _("Choose a model, or upload one in step 1"))
    elif source == "upload":
        _positions(form, data)
    if source == "upload" and "positive" in form.fields and not data.get("positive"):
        form.add_error("positive", _("Choose the class whose probability is audited"))


def _n_features(form: RolesForm, data: Json, *, sensitive: bool) -> int:
    """Columns that a model gets."""
    given = len(form.places("feature"))
    for role in ("site", "control"):
        given += sum(bool(data.get(f"feature-{place}")) for place in form.places(role))
    return given + (len(form.places("sensitive")) if sensitive else 0)


def _positions(form: RolesForm, data: Json) -> None:
    """A model that takes columns by position has to get as many as it takes."""
    profile = (form.model.profile if form.model is not None else None) or {}
    takes = profile.get("n_features")
    if profile.get("features") or takes is None:
        return
    given = _n_features(form, data, sensitive=bool(data.get("sensitive_features")))
    if given != takes:
        form.add_error(
            "source",
            _(
                "{model} takes {takes:,} columns by position, and gets {given:,}. Give the "
                "role Feature to the columns it was trained with, and only to those; if "
                "sensitive columns are among them, tick that the model gets them"
            ).format(model=form.model, takes=takes, given=given),
        )
