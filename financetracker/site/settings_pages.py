"""What is set once: a book's name, zone and week by its owner; how numbers and days look by each person."""

import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts import books
from financetracker.accounts.bookadmin import book_of, is_owner
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Book
from financetracker.ledger import money
from financetracker.ledger.history import history_of_row
from financetracker.site.locales import choices, read
from financetracker.users.models import User
from financetracker.writing.days import show_day
from financetracker.writing.locale import use

EXAMPLE = (Decimal("-1234.5"), datetime.date(2026, 3, 14))
FIELDS_OF_RULES = {"time_zone_is_known": "time_zone"}


class BookForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an owner may set of a book."""

    first_day_of_week = forms.TypedChoiceField(
        label=gettext_lazy("First day of the week"), choices=Book.Weekday.choices, coerce=int
    )

    class Meta:
        model = Book
        fields = ("name", "time_zone", "first_day_of_week")
        help_texts = {"time_zone": gettext_lazy("It decides which day is today, for everybody in the book.")}
        widgets = {"time_zone": forms.TextInput(attrs={"list": "zones", "autocomplete": "off"})}


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What each person sets for himself, whatever the book."""

    locale = forms.ChoiceField(label=gettext_lazy("Numbers and days as in"), required=False)

    class Meta:
        model = User
        fields = ("name", "locale")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["locale"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", _("what my browser asks for")),
            *((code, f"{name}: {example(code)}") for code, name in choices()),
        ]


def example(code: str) -> str:
    """Show an amount and a day as a locale writes them."""
    locale = read(code)
    if locale is None:
        return ""
    with use(locale):
        amount, day = EXAMPLE
        return f"{money.show(amount, 2)} · {show_day(day)}"


def book_settings(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show what is set of the book, and who set it; an owner changes it."""
    book = Book.objects.get(pk=book_of(request).pk)
    if request.method == "POST" and not is_owner(request):
        raise PermissionDenied
    began = {"first_day_of_week": book.week_begins}
    form = BookForm(request.POST if request.method == "POST" else None, instance=book, initial=began)
    if request.method == "POST" and form.is_valid():
        try:
            books.change_book(book, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(FIELDS_OF_RULES.get(refusal.rule), refusal.message)
        else:
            messages.success(request, _("Saved."))
            return redirect("admin:book_settings")
    book.refresh_from_db()
    context = {
        "title": _("Book settings"),
        "form": form,
        "is_fixed": not is_owner(request),
        "zones": sorted(available_timezones()),
        "events": history_of_row(book, columns=["name", "time_zone", "first_day_of_week"]),
    }
    return TemplateResponse(request, "site/settings.html", {**site.each_context(request), **context})


def preferences(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Let a person say his name and how he writes numbers and days."""
    assert isinstance(request.user, User)
    person = User.objects.get(pk=request.user.pk)
    form = PreferencesForm(request.POST if request.method == "POST" else None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("admin:preferences")
    context = {"title": _("Preferences"), "form": form}
    return TemplateResponse(request, "site/settings.html", {**site.each_context(request), **context})
