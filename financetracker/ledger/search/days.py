"""Stretches of days by their names: 2026, 2026-03, 2026-Q1, 14.3.2026, last month, and from one to another."""

import datetime
import re
from collections.abc import Callable
from typing import NamedTuple

from django.utils.translation import gettext as _

from financetracker.writing import locale
from financetracker.writing.days import show_day

_YEAR = re.compile(r"(?:19|20)[0-9]{2}", re.ASCII)
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})", re.ASCII)
_QUARTER = re.compile(r"([0-9]{4})-?[qQ]([1-4])", re.ASCII)
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
_LOCAL = re.compile(r"([0-9]{1,2})[./]([0-9]{1,2})[./]([0-9]{4})", re.ASCII)


class Days(NamedTuple):
    """A stretch of days, both ends inclusive; None is an open end."""

    since: datetime.date | None
    until: datetime.date | None

    def __str__(self) -> str:
        """Say it to a person."""
        if self.since is None:
            return _("until %(day)s") % {"day": show_day(self.until)} if self.until else _("any day")
        if self.until is None:
            return _("since %(day)s") % {"day": show_day(self.since)}
        if self.since == self.until:
            return show_day(self.since)
        same_year = self.since.year == self.until.year
        return f"{show_day(self.since, year=not same_year)} – {show_day(self.until)}"


def days_named(text: str, *, today: datetime.date, first_day: int) -> Days | None:
    """Return the days a word or phrase names, or None. `first_day` of the week: 0 is Monday.

    A range is written with two dots: 2026-01..2026-03, with either end left out if it is open.
    """
    try:
        start, dots, end = text.partition("..")
        if not dots:
            return _one(text, today, first_day)
        left = _one(start, today, first_day) if start else Days(None, None)
        right = _one(end, today, first_day) if end else Days(None, None)
        if left is None or right is None or not (start or end):
            return None
        return Days(left.since, right.until)
    except (ValueError, OverflowError):
        return None


def phrases() -> dict[str, str]:
    """Return the names of stretches that are said relative to today, in English and in the person's language."""
    said = {
        "today": _("today"),
        "yesterday": _("yesterday"),
        "this week": _("this week"),
        "last week": _("last week"),
        "this month": _("this month"),
        "last month": _("last month"),
        "this year": _("this year"),
        "last year": _("last year"),
    }
    return {name: name for name in said} | {name.casefold(): key for key, name in said.items()}


def _one(text: str, today: datetime.date, first_day: int) -> Days | None:
    known = phrases().get(text.casefold())
    if known is not None:
        return _RELATIVE[known](today, first_day)
    if _YEAR.fullmatch(text):
        return _months(int(text), 1, 12)
    if match := _QUARTER.fullmatch(text):
        return _months(int(match[1]), 3 * int(match[2]) - 2, 3)
    if match := _MONTH.fullmatch(text):
        return _months(int(match[1]), int(match[2]), 1)
    if match := _DAY.fullmatch(text):
        day = datetime.date(int(match[1]), int(match[2]), int(match[3]))
        return Days(day, day)
    if match := _LOCAL.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        month, of = (first, second) if locale.active().order == "mdy" else (second, first)
        day = datetime.date(int(match[3]), month, of)
        return Days(day, day)
    return None


def _months(year: int, month: int, count: int) -> Days:
    start = datetime.date(year, month, 1)
    last = month + count - 1
    if (year, last) == (datetime.MAXYEAR, 12):
        return Days(start, datetime.date.max)
    after = datetime.date(year + last // 12, last % 12 + 1, 1)
    return Days(start, after - datetime.timedelta(1))


def _days_back(count: int) -> Callable[[datetime.date, int], Days]:
    def days(today: datetime.date, _first_day: int) -> Days:
        day = today - datetime.timedelta(count)
        return Days(day, day)

    return days


def _week(back: int) -> Callable[[datetime.date, int], Days]:
    def days(today: datetime.date, first_day: int) -> Days:
        start = today - datetime.timedelta((today.weekday() - first_day) % 7 + 7 * back)
        return Days(start, start + datetime.timedelta(6))

    return days


def _month(back: int) -> Callable[[datetime.date, int], Days]:
    def days(today: datetime.date, _first_day: int) -> Days:
        months = 12 * today.year + today.month - 1 - back
        return _months(months // 12, months % 12 + 1, 1)

    return days


def _year(back: int) -> Callable[[datetime.date, int], Days]:
    return lambda today, _first_day: _months(today.year - back, 1, 12)


_RELATIVE = {
    "today": _days_back(0),
    "yesterday": _days_back(1),
    "this week": _week(0),
    "last week": _week(1),
    "this month": _month(0),
    "last month": _month(1),
    "this year": _year(0),
    "last year": _year(1),
}
