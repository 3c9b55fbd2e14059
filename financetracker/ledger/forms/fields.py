"""Fields of every form of the site: a day, an exact amount."""

import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.ledger import arithmetic, money
from financetracker.ledger.days import BadDay, read_day, show_day


def said(error: money.BadAmount) -> str:
    """Say what is wrong with an amount, in the person's language."""
    return _(error.sentence) % error.values


class DayInput(forms.TextInput):
    """A text input for a day, written as the person does. A script puts a calendar beside it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        offered = {"autocomplete": "off", "data-day": gettext_lazy("Open the calendar")}
        super().__init__(offered | (attrs or {}))

    def format_value(self, value: Any) -> str | None:
        return show_day(value) if isinstance(value, datetime.date) else super().format_value(value)


class DayField(forms.DateField):
    """A day as people type it: 3, 3.5., yesterday, -2, tuesday, 14 Mar 2026 or 2026-03-14; see days.read_day.

    "Today" is the household's: the request runs in the time zone of its book.
    """

    widget = DayInput

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        try:
            return read_day(value, timezone.localdate())
        except BadDay as error:
            raise ValidationError(str(error), code="invalid") from error


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
