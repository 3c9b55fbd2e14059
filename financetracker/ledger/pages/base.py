"""What the pages of transactions share: their row, their answer, the version that a form was made from."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import BookAdmin, book_of, may_write
from financetracker.accounts.errors import Refusal
from financetracker.ledger import journal
from financetracker.ledger.entries import Entry, Leg
from financetracker.ledger.models import Payee, Posting, Tag, Transaction
from financetracker.ledger.pages.lines import figures_of, name_of
from financetracker.writing.days import show_day

# Names offered while typing: enough to help, few enough to send with every form.
OFFERED = 500


class SentForm(Protocol):
    """What saving asks of a form: which row it amends in which version, and that it says what went wrong."""

    transaction: Transaction | None
    version: str

    def refuse(self, refusal: Refusal) -> None: ...
    def show_stale(self, transaction: Transaction, now: Entry, said: str) -> None: ...


class TransactionPages(BookAdmin):
    """The base of every module of pages: it adds its own to `get_urls`, and takes the rest from `super()`."""

    own_history = True
    deletable = False

    def get_urls(self) -> list[URLPattern]:
        return []

    def _page(self, view: Callable[..., HttpResponseBase], name: str, route: str) -> URLPattern:
        return path(route, self.admin_site.admin_view(view), name=f"{self._name}_{name}")

    def _row(self, request: HttpRequest, pk: int) -> Transaction:
        rows = self.get_queryset(request).select_related("payee", "book")
        found: Transaction | None = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _other_book(self, request: HttpRequest) -> str:
        """Return the name of the person's other book that a sent form belongs to; empty if it is this one."""
        if request.method != "POST":
            return ""
        mine = {str(row.book.public_id): row.book for row in getattr(request, "memberships", ())}
        its = mine.get(request.POST.get("book", ""))
        return its.name if its is not None and its != book_of(request) else ""

    def _wrong_book(self, request: HttpRequest, book_id: str) -> str:
        """Say that a sent form belongs to another book than the chosen one; empty if it does not."""
        book, its = book_of(request), self._other_book(request)
        if its:
            said = _("This form belongs to the book “%(its)s”, and “%(chosen)s” is chosen now. Nothing was saved.")
            return (
                f"{said % {'its': its, 'chosen': book.name}} {_('Choose its book in another tab and save again.')}"
            )
        if book_id != str(book.public_id):
            return _("This form belongs to another book. Nothing was saved: open it anew.")
        return ""

    def _write(self, form: SentForm, save: Callable[[], Transaction | None]) -> Transaction | None:
        """Save a form; None if it was refused, and then the form says why.

        Where somebody else saved meanwhile nothing is written: the form shows both versions, and saving it again
        replaces the other one knowingly.
        """
        try:
            if form.transaction is not None:
                refuse_stale(form.transaction, version(form.version))
            return save()
        except journal.Stale as refusal:
            assert form.transaction is not None
            now = Transaction.objects.select_related("payee", "book").get(pk=form.transaction.pk)
            form.show_stale(now, journal.entry_of(now), refusal.message)
        except Refusal as refusal:
            form.refuse(refusal)
        return None

    def _say_saved(self, request: HttpRequest, row: Transaction, *, leads: bool) -> None:
        """Tell on the next page what was saved; `leads` makes it the way back to it. One query."""
        loaded = row.postings.select_related("account", "commodity", "weight_commodity")
        legs = list(loaded.order_by("position"))
        amounts = ", ".join(f"{figure.size} {figure.code}" for figure in figures_of(legs))
        what: str = title(row, legs)
        if leads:
            there = reverse(f"admin:{self._name}_show", args=[row.pk])
            what = format_html('<a href="{}">{}</a>', there, what)
        said = {"what": what, "amounts": amounts, "date": show_day(row.date)}
        self.message_user(request, format_html(_("Saved: {what}, {amounts}, {date}."), **said), messages.SUCCESS)

    def _answer(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            template,
            {**self.admin_site.each_context(request), "may_write": may_write(request), **context},
        )


def title(row: Transaction, legs: Sequence[Posting | Leg] | None = None) -> str:
    """What a transaction is called: its payee, else what it was for. One query where its `legs` have to say it."""
    if row.payee or row.narration:
        return row.payee.name if row.payee else row.narration
    return name_of(list(row.postings.select_related("account").order_by("position")) if legs is None else legs)


def names(model: type[Payee] | type[Tag], book: Any) -> list[str]:
    """The names to offer while somebody types."""
    return list(model._default_manager.filter(book=book).order_by("name").values_list("name", flat=True)[:OFFERED])


def version(typed: str) -> int:
    """Read a version from a form; anything that is none was never one."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


def refuse_stale(row: Transaction, version: int) -> None:
    """Refuse a form that was made from an older version of the row."""
    if row.version != version:
        raise journal.Stale(row.version)
