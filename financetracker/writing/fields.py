"""A day in a form, typed and shown in the person's locale."""

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from financetracker.writing.days import BadDay, read_day, show_day


class DayInput(forms.TextInput):
    """A text input for a day, written as the person does. A script puts a calendar beside it."""

    class Media:
        js = (forms.Script("site/days.js", defer=True),)

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
