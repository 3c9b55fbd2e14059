"""What is to be put right in a form, for the one banner that every form has."""

from django import template
from django.forms import BaseForm

register = template.Library()


@register.filter
def problems(form: BaseForm) -> list[tuple[str, str]]:
    """The fields that are wrong: the id of each and what it is called, in reading order."""
    return [(field.id_for_label, str(field.label)) for field in form if field.errors]
