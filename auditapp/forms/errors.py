"""Errors of a form as the list at the top of its page: where to go, and the same words."""

from __future__ import annotations

from django import forms

from auditapp.errors import AuditError

Errors = list[tuple[str, str]]


def error_list(*forms_: forms.Form) -> Errors:
    """Anchor and words of every error, in the order of the fields."""
    found: Errors = []
    for form in forms_:
        found += [("", str(words)) for words in form.non_field_errors()]
        for bound in form:
            found += [(anchor(bound), str(words)) for words in bound.errors]
    return found


def anchor(bound: forms.BoundField) -> str:
    """Id to jump to: of the first box where a field has several."""
    base = bound.auto_id
    several = isinstance(bound.field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple))
    return f"{base}_0" if several else base


def sentence(error: AuditError) -> str:
    """What was found and what to do, in one line."""
    return str(error)


def mark_invalid(form: forms.Form) -> None:
    """Tell screen readers which boxes have an error, and where its words are."""
    for name in form.errors:
        if name not in form.fields:
            continue
        bound = form[name]
        attrs = form.fields[name].widget.attrs
        attrs["aria-invalid"] = "true"
        described = [f"{bound.id_for_label}_error"]
        if form.fields[name].help_text:
            described.insert(0, f"{bound.id_for_label}_helptext")
        attrs["aria-describedby"] = " ".join(described)
