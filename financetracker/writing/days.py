"""Days and moments as people write them, in the order of the person's locale: shown, and read as typed."""

import calendar
import datetime
import re

from django.utils import timezone
from django.utils.dates import MONTHS, MONTHS_3, WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from financetracker.writing import locale

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

_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = re.compile(r"([0-9]{1,4})([.\-/])([0-9]{1,2})(?:\2(?:([0-9]{4}|[0-9]{1,2})?))?", re.ASCII)
_ISO = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b", re.ASCII)
_NAMED = (
    re.compile(r"(?P<day>[0-9]{1,2})\.? (?P<month>[^\W\d_]{3,20})\.?(?:,? (?P<year>[0-9]{4}))?"),
    re.compile(r"(?P<month>[^\W\d_]{3,20})\.? (?P<day>[0-9]{1,2})(?:,? (?P<year>[0-9]{4}))?"),
)
# A leap day may be this far away; a day of a month or of a year is always nearer.
_YEARS_BACK = 8
# Without a year most days have been, and some are near: what is dated ahead is a bill or a standing order.
_AHEAD = datetime.timedelta(31)


class BadDay(ValueError):
    """What was typed is no day; the message says why, for a person."""


def show_day(day: datetime.date, *, year: bool = True) -> str:
    """Write a day: 14 Mar 2026, Mar 14, 2026 or 2026-03-14; without the year where a heading gives it."""
    return date_format(day, str((_WITH_YEAR if year else _WITHOUT_YEAR)[locale.active().order]))


def show_moment(moment: datetime.datetime) -> str:
    """Write an instant in the time zone of the household: 14 Mar 2026 14:02."""
    here = timezone.localtime(moment)
    return f"{show_day(here.date())} {here:%H:%M}"


def with_days(sentence: str) -> str:
    """Write the days of a sentence, which the database writes as 2026-03-14, as the person does."""

    def shown(found: re.Match[str]) -> str:
        try:
            return show_day(datetime.date.fromisoformat(found[0]))
        except ValueError:
            return found[0]

    return _ISO.sub(shown, sentence)


def read_day(text: str, today: datetime.date) -> datetime.date:
    """Read a day as a person types it. Raises BadDay.

    `3` is the latest 3rd, `3.5.` or `3 May` the latest 3rd of May that is not over a month ahead; `3/5` and `3-5`
    go by the locale's order, dots always put the day first. `yesterday`, `-2` (days ago) and `tuesday` count back
    from `today`, which is a Tuesday's `tuesday`. With a year, and as 2026-03-14, a day is that day; two digits of
    a year are of this century.
    """
    typed = " ".join(text.split()).casefold()
    if len(typed) > 40:
        raise BadDay(_no_day(text))
    near = _near(typed, today)
    if near is not None:
        return near
    numbers = _NUMBERS.fullmatch(typed)
    if numbers:
        return _by_numbers(text, numbers, today)
    for pattern in _NAMED:
        named = pattern.fullmatch(typed)
        month = _month(named["month"]) if named else 0
        if named and month:
            year = int(named["year"]) if named["year"] else None
            return _day_of(text, year, month, int(named["day"]), today)
    raise BadDay(_no_day(text))


def _near(typed: str, today: datetime.date) -> datetime.date | None:
    """Read what counts from today: a word, a number of days, a day of the month."""
    if typed in {"today", "yesterday", "tomorrow"}:
        return _moved(today, ("yesterday", "today", "tomorrow").index(typed) - 1)
    for word, days in ((_("today"), 0), (_("yesterday"), -1), (_("tomorrow"), 1)):
        if typed == word.casefold():
            return _moved(today, days)
    counted = re.fullmatch(r"([+\-\u2212])([0-9]{1,4})", typed, re.ASCII)
    if counted:
        return _moved(today, int(counted[2]) * (1 if counted[1] == "+" else -1))
    if re.fullmatch(r"[0-9]{1,2}\.?", typed, re.ASCII):
        return _latest_of_month(int(typed.rstrip(".")), today)
    if len(typed) > 1:
        for weekday, english in enumerate(_ENGLISH_DAYS):
            names = {str(WEEKDAYS[weekday]).casefold(), str(WEEKDAYS_ABBR[weekday]).casefold().rstrip(".")}
            if typed in names or (len(typed) > 2 and english.startswith(typed)):
                return _moved(today, -((today.weekday() - weekday) % 7))
    return None


def _latest_of_month(day: int, today: datetime.date) -> datetime.date | None:
    if not 1 <= day <= 31:
        return None
    year, month = today.year, today.month
    for _month_back in range(3):  # of two months in a row one has 31 days
        if day <= calendar.monthrange(year, month)[1] and (year, month, day) <= (*today.timetuple()[:3],):
            return datetime.date(year, month, day)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return None


def _by_numbers(text: str, found: re.Match[str], today: datetime.date) -> datetime.date:
    first, mark, second, third = found[1], found[2], found[3], found[4]
    if len(first) == 4:
        if not third or len(third) > 2:
            raise BadDay(_no_day(text))
        return _day_of(text, int(first), int(second), int(third), today)
    if len(first) == 3 or (third and len(third) == 1):
        raise BadDay(_no_day(text))
    day_first = mark == "." or locale.active().order == "dmy"
    day, month = (first, second) if day_first else (second, first)
    year = None if not third else int(third) + (today.year // 100 * 100 if len(third) == 2 else 0)
    return _day_of(text, year, int(month), int(day), today)


def _day_of(text: str, year: int | None, month: int, day: int, today: datetime.date) -> datetime.date:
    """Return that day of that year, or of the latest year in which it is not over a month ahead."""
    years = [year] if year is not None else range(min(9999, today.year + 1), max(0, today.year - _YEARS_BACK), -1)
    for tried in years:
        try:
            found = datetime.date(tried, month, day)
        except ValueError:
            continue
        if year is not None or found - today <= _AHEAD:
            return found
    tried = today.year if year is None else year
    if 1 <= month <= 12 and 1 <= tried <= 9999 and 1 <= day <= 31:
        last = datetime.date(tried, month, calendar.monthrange(tried, month)[1])
        raise BadDay(
            _("“%(text)s” is not a day in the calendar. Did you mean %(day)s?")
            % {"text": _short(text), "day": show_day(last)}
        )
    raise BadDay(_no_day(text))


def _month(name: str) -> int:
    """Return the number of a month by its name, of at least three letters; 0 for no month."""
    for number in range(1, 13):
        names = {str(MONTHS[number]).casefold(), str(MONTHS_3[number]).casefold().rstrip(".")}
        if name in names or calendar.month_name[number].casefold().startswith(name):
            return number
    return 0


def _moved(today: datetime.date, days: int) -> datetime.date:
    try:
        return today + datetime.timedelta(days)
    except OverflowError:
        raise BadDay(_("That is beyond the calendar.")) from None


def _no_day(text: str) -> str:
    return _("“%(text)s” is not a day: write it like %(like)s, 3, yesterday or 2026-03-14.") % {
        "text": _short(text),
        "like": "3.5." if locale.active().order == "dmy" else "5/3",
    }


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
