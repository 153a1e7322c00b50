"""``{% field form.email %}``: a form field in Bootstrap's clothes, its help and errors tied to the input."""

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField

register = template.Library()


@register.inclusion_tag("accounts/_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Label, input, help, errors. A password has a button that shows it."""
    widget = bound.field.widget
    is_check = isinstance(widget, forms.CheckboxInput)
    kind = "form-check-input" if is_check else "form-control"
    if isinstance(widget, forms.Select):
        kind = "form-select"
    css = f"{kind} is-invalid" if bound.errors else kind
    return {
        "field": bound,
        "input": bound.as_widget(attrs={"class": css}),
        "is_check": is_check,
        "is_hidden": bound.is_hidden,
        "is_password": isinstance(widget, forms.PasswordInput),
    }


@register.inclusion_tag("accounts/_form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong with the form as a whole."""
    return {"errors": form.non_field_errors()}
