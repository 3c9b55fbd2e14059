"""An exact amount in a form, typed and shown in the person's locale."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from financetracker.ledger import arithmetic, money


def said(error: money.BadAmount) -> str:
    """Say what is wrong with an amount, in the person's language."""
    return _(error.sentence) % error.values


class AmountField(forms.CharField):
    """An exact amount or a sum of some, written as the person's locale says; see arithmetic.compute."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name in ("max_digits", "decimal_places", "localize"):
            kwargs.pop(name, None)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return arithmetic.compute(str(value), places=money.MAX_SCALE)
        except money.BadAmount as error:
            raise ValidationError(said(error), code="invalid") from error

    def run_validators(self, value: Any) -> None:
        """The validators of text have nothing to say about a number."""

    def prepare_value(self, value: Any) -> Any:
        """Show what is stored without an exponent and without trailing zeros."""
        return money.typed(value, 0) if isinstance(value, Decimal) else value
