"""Days and moments as people write them, in the order of the person's locale."""

import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext_lazy

from financetracker.ledger import locale

# Django's letters for dates: a language may want others.
_WITH_YEAR = {
    "dmy": pgettext_lazy("day month year", "j M Y"),
    "mdy": pgettext_lazy("month day year", "M j, Y"),
    "ymd": pgettext_lazy("year month day", "Y-m-d"),
}
_WITHOUT_YEAR = {
    "dmy": pgettext_lazy("day month", "j M"),
    "mdy": pgettext_lazy("month day", "M j"),
    "ymd": pgettext_lazy("month day in numbers", "m-d"),
}


def show_day(day: datetime.date, *, year: bool = True) -> str:
    """Write a day: 14 Mar 2026, Mar 14, 2026 or 2026-03-14; without the year where a heading gives it."""
    return date_format(day, str((_WITH_YEAR if year else _WITHOUT_YEAR)[locale.active().order]))


def show_moment(moment: datetime.datetime) -> str:
    """Write an instant in the time zone of the household: 14 Mar 2026 14:02."""
    here = timezone.localtime(moment)
    return f"{show_day(here.date())} {here:%H:%M}"
