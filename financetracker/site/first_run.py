"""How a book begins: its name, what it counts in, a chart of accounts. What there is then says opening.py."""

import difflib
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts import books
from financetracker.accounts.errors import Refusal
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Book
from financetracker.accounts.presets import PRESETS
from financetracker.site.middleware import SESSION_KEY
from financetracker.site.pages import show_page
from financetracker.users.models import User

FIELDS_OF_RULES = {
    "time_zone_is_known": "time_zone",
    "commodity_is_known": "base",
    "book_name_is_free": "name",
}


class BookForm(forms.Form):
    """What a book is made of."""

    name = forms.CharField(label=gettext_lazy("Name of the book"), max_length=120)
    base = forms.CharField(
        label=gettext_lazy("Currency you count in"),
        max_length=60,
        help_text=gettext_lazy("Its code, like EUR. It is the one answer that cannot be changed later."),
        widget=forms.TextInput(attrs={"list": "currencies", "autocomplete": "off", "placeholder": "EUR"}),
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        help_text=gettext_lazy("It decides which day is today."),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "placeholder": "Europe/Vienna"}),
    )
    first_day_of_week = forms.TypedChoiceField(
        label=gettext_lazy("The week begins on"),
        coerce=int,
        choices=Book.Weekday.choices,
        initial=Book.Weekday.MONDAY,
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("Accounts and categories to begin with"),
        choices=[(code, preset.label) for code, preset in PRESETS.items()],
        initial="household",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "base", "time_zone"):
            self.fields[name].widget.attrs.pop("maxlength", None)

    @property
    def presets(self) -> list[tuple[str, Any, int, bool]]:
        """Each chart to choose: its code, what it is, how many accounts, whether it is chosen."""
        chosen = self["preset"].value()
        return [(code, preset, len(preset.accounts), code == chosen) for code, preset in PRESETS.items()]

    def clean_name(self) -> str:
        """Keep a name to one line."""
        name = str(self.cleaned_data["name"])
        if not name.isprintable():
            raise ValidationError(_("A name is one line of text."))
        return name

    def clean_base(self) -> str:
        """Find a currency by its code or its name."""
        typed = str(self.cleaned_data["base"])
        code = typed.partition(" ")[0].upper()
        if code in CURRENCIES:
            return code
        names = {row.name.casefold(): row.code for row in CURRENCIES.values()}
        if typed.casefold() in names:
            return names[typed.casefold()]
        near = difflib.get_close_matches(typed.casefold(), names, n=3)
        near += difflib.get_close_matches(code, CURRENCIES, n=3)
        hint = ", ".join(names.get(word, word) for word in near[:3])
        message = _("“%(typed)s” is no currency of ISO 4217: write a code like EUR.") % {"typed": typed}
        if hint:
            message += " " + _("Did you mean %(names)s?") % {"names": hint}
        raise ValidationError(message)


def new_book(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Let a person make a book of his own, the first or one more."""
    assert isinstance(request.user, User)
    form = BookForm(request.POST if request.method == "POST" else None, initial=_guess(request))
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        chart = PRESETS[said.pop("preset")].full_names()
        try:
            book = books.start_book(request.user, **said, chart=chart)
        except Refusal as refusal:
            form.add_error(FIELDS_OF_RULES.get(refusal.rule), refusal.message)
        else:
            request.session[SESSION_KEY] = str(book.public_id)
            return redirect("admin:book_start")
    is_first = not getattr(request, "memberships", None)
    return show_page(
        request,
        site,
        "site/new_book.html",
        title=_("Start your book") if is_first else _("Start another book"),
        form=form,
        currencies=CURRENCIES.values(),
        zones=sorted(available_timezones()),
    )


def _guess(request: HttpRequest) -> dict[str, Any]:
    """Where and how somebody lives who has a book already."""
    mine = getattr(request, "memberships", None)
    if not mine:
        return {}
    return {"time_zone": mine[0].book.time_zone, "first_day_of_week": mine[0].book.week_begins}
