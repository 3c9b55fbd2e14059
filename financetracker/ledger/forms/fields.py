"""Fields of every form of the site: a day, an exact amount."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.ledger import money

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def said(error: money.BadAmount) -> str:
    """Say what is wrong with an amount, in the person's language."""
    return _(error.sentence) % error.values


class DayField(forms.DateField):
    """A day as 2026-03-14: what a date input sends, and nothing that could be read in two ways."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages: ClassVar = {
        "invalid": gettext_lazy("That is not a day of the calendar: write it like 2026-03-14.")
    }

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not _DAY.fullmatch(value.strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class AmountField(forms.CharField):
    """An exact amount, written as the person's locale says; see money.parse_amount."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name in ("max_digits", "decimal_places", "localize"):
            kwargs.pop(name, None)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return money.parse_amount(str(value))
        except money.BadAmount as error:
            raise ValidationError(said(error), code="invalid") from error

    def run_validators(self, value: Any) -> None:
        """The validators of text have nothing to say about a number."""

    def prepare_value(self, value: Any) -> Any:
        """Show what is stored without an exponent and without trailing zeros."""
        return money.typed(value, 0) if isinstance(value, Decimal) else value
