"""Filters that write days as the person does; amounts come as text from `money.show`."""

import datetime

from django import template

from financetracker.writing.days import show_day, show_moment

register = template.Library()


@register.filter
def day(value: datetime.date | None) -> str:
    """A day with its year; nothing for nothing."""
    return show_day(value) if value else ""


@register.filter
def short_day(value: datetime.date | None) -> str:
    """A day without its year; nothing for nothing."""
    return show_day(value, year=False) if value else ""


@register.filter
def moment(value: datetime.datetime | None) -> str:
    """An instant, to the minute; nothing for nothing."""
    return show_moment(value) if value else ""
