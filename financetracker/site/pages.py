"""Pages of the site that span apps: locking a period, history of plain rows."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import BookAdmin, book_of, is_owner, may_write
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Book
from financetracker.ledger import journal
from financetracker.ledger.forms import DayField
from financetracker.ledger.history import history_of_row


def period(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show how far the book is locked; an owner locks further, or opens again and says why."""
    book = Book.objects.get(pk=book_of(request).pk)
    error, typed = "", {"date": "", "reason": ""}
    if request.method == "POST":
        if not is_owner(request):
            raise PermissionDenied
        typed = {name: request.POST.get(name, "") for name in typed}
        try:
            _lock_or_unlock(book, request)
        except Refusal as refusal:
            error = refusal.message
        else:
            return redirect("admin:period")
    return _answer(
        request,
        site,
        "site/period.html",
        title=_("Locked period"),
        book=book,
        error=error,
        typed=typed,
        is_owner=is_owner(request),
        events=history_of_row(book, columns=["locked_through"]),
    )


def row_history(request: HttpRequest, site: AdminSite, *, pages: BookAdmin, pk: int) -> HttpResponse:
    """Show what happened to one row of the chosen book."""
    row = pages.get_object(request, str(pk))
    if not pages.has_view_permission(request, row):
        raise PermissionDenied
    opts = pages.opts
    return _answer(
        request,
        site,
        "site/history.html",
        title=_("History: %(what)s") % {"what": row},
        events=history_of_row(row),
        back=reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk]),
    )


def _lock_or_unlock(book: Book, request: HttpRequest) -> None:
    reason = request.POST.get("reason", "").strip()
    if "\x00" in reason:
        raise Refusal(_("Null characters are not allowed."))
    if "unlock" in request.POST:
        day = _day(request, required=False)
        journal.unlock(book, through=day, reason=reason)
    else:
        journal.lock_through(book, _day(request, required=True), reason=reason)


def _day(request: HttpRequest, *, required: bool) -> Any:
    try:
        return DayField(required=required).clean(request.POST.get("date", ""))
    except ValidationError as error:
        raise Refusal(" ".join(error.messages)) from error


def _answer(request: HttpRequest, site: AdminSite, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(
        request, template, {**site.each_context(request), "may_write": may_write(request), **context}
    )
