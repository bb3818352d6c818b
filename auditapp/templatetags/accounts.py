"""What the pages of the sign-in library need, since its views are not ours."""

from __future__ import annotations

from django import forms, template

from auditapp.forms.errors import Errors, error_list, mark_invalid

register = template.Library()


@register.simple_tag
def form_errors(form: object) -> Errors:
    """Errors for the top of the page; the boxes that have one say so to screen readers."""
    if not isinstance(form, forms.Form) or not form.is_bound:
        return []
    mark_invalid(form)
    return error_list(form)
