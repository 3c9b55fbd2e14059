"""The page of the locked period: how far the book is locked, who locked or opened it, and why."""

import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.bookadmin import book_of, is_owner
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Book
from financetracker.ledger import journal
from financetracker.ledger.history import history_of_row
from financetracker.site.pages import show_page
from financetracker.writing.days import show_day
from financetracker.writing.fields import DayField

FIELDS_OF_RULES = {"period_is_open": "date", "unlock_has_a_reason": "reason"}


class LockForm(forms.Form):
    """The last day to be fixed, and why if one likes."""

    date = DayField(label=gettext_lazy("Last day that is locked"))
    reason = forms.CharField(label=gettext_lazy("Why (optional)"), max_length=500, required=False)


class UnlockForm(forms.Form):
    """The last day that stays fixed, none for all, and why it is opened."""

    date = DayField(label=gettext_lazy("Last day that stays locked"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        error_messages={"required": gettext_lazy("Say why the period is opened again.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["date"].help_text = _("Leave it empty to open everything.")


def period(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show how far the book is locked; an owner locks further, or opens again and says why."""
    book = Book.objects.get(pk=book_of(request).pk)
    sent = request.POST if request.method == "POST" else None
    opens = sent is not None and "unlock" in sent
    day = _proposed(book, today(book, timezone.now()))
    lock = LockForm(None if opens else sent, initial={"date": day}, auto_id="lock_%s")
    unlock = UnlockForm(sent if opens else None, auto_id="unlock_%s")
    if sent is not None:
        if not is_owner(request):
            raise PermissionDenied
        if _save(book, unlock if opens else lock, opens=opens):
            book.refresh_from_db()
            _say(request, book)
            return redirect("admin:period")
    context = {
        "title": _("Locked period"),
        "book": book,
        "lock": lock,
        "unlock": unlock,
        "is_owner": is_owner(request),
        "events": history_of_row(book, columns=["locked_through"]),
    }
    return show_page(request, site, "site/period.html", **context)


def _save(book: Book, form: forms.Form, *, opens: bool) -> bool:
    """Lock or open; False if something is wrong, and then it is said where."""
    if not form.is_valid():
        return False
    said = form.cleaned_data
    try:
        if opens:
            journal.unlock(book, through=said["date"], reason=said["reason"])
        else:
            journal.lock_through(book, said["date"], reason=said["reason"])
    except Refusal as refusal:
        form.add_error(FIELDS_OF_RULES.get(refusal.rule), refusal.message)
        return False
    return True


def _say(request: HttpRequest, book: Book) -> None:
    if book.locked_through is None:
        messages.success(request, _("Nothing is locked now."))
    else:
        messages.success(request, _("Locked through %(day)s.") % {"day": show_day(book.locked_through)})


def _proposed(book: Book, now: datetime.date) -> datetime.date | None:
    """The end of the last month that is over: what people close. Nothing where that is locked already."""
    last = now.replace(day=1) - datetime.timedelta(days=1)
    return None if book.locked_through and book.locked_through >= last else last
