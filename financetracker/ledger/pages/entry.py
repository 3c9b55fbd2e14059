"""The form of a transaction: to enter one, to show one, to amend one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.ledger import journal
from financetracker.ledger.forms import Chart, EntryForm
from financetracker.ledger.journal import Entry
from financetracker.ledger.models import Payee, Tag, Transaction
from financetracker.ledger.pages.base import TransactionPages, names, refuse_stale, title, version


class EntryPages(TransactionPages):
    """The form: one submission is one call of the journal."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.form_page, "add", "add/"),
            self._page(self.form_page, "change", "<int:pk>/change/"),
            *super().get_urls(),
        ]

    def form_page(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Add a transaction, or show and amend one."""
        row = None if pk is None or self._other_book(request) else self._row(request, pk)
        if not may_write(request) and (pk is None or request.method == "POST"):
            raise PermissionDenied
        return self._enter(request, row, journal.entry_of(row) if row else None)

    def _enter(
        self, request: HttpRequest, row: Transaction | None, entry: Entry | None, shown: Entry | None = None
    ) -> HttpResponse:
        """Show a form, or take what was typed into it: `row` amended, or a new transaction without one.

        `entry` is what the form is about, or begins with; `shown` stands in it instead of `entry` at first.
        """
        book = book_of(request)
        elsewhere = self._other_book(request)
        chart = Chart(book)
        if request.method != "POST":
            now = {"date": today(book, timezone.now())}
            return self._form_answer(request, EntryForm(chart, transaction=row, entry=shown or entry, initial=now))
        form = EntryForm(chart, transaction=row, entry=entry, data=request.POST)
        if elsewhere:
            form.errors.append(
                _("This form belongs to the book “%(its)s”, and “%(chosen)s” is chosen now. Nothing was saved.")
                % {"its": elsewhere, "chosen": book.name}
                + " "
                + _("Choose its book in another tab and save again.")
            )
        elif "more" in request.POST:
            form.add_rows(10)
        elif form.book_id != str(book.public_id):
            form.errors.append(_("This form belongs to another book. Nothing was saved: open it anew."))
        else:
            saved = self._save(form)
            if saved is not None:
                return self._saved(request, saved, is_new=row is None)
        return self._form_answer(request, form)

    def _save(self, form: EntryForm) -> Transaction | None:
        """Make the one journal call; None if it was refused, and then the form says why."""
        seen = version(form.version)
        try:
            if form.transaction is not None:
                refuse_stale(form.transaction, seen)
            entry = form.entry()
            if entry is None:
                return None
            if form.transaction is None:
                return journal.post(form.chart.book, entry)
            return journal.amend(form.transaction, entry, version=seen)
        except journal.Stale as refusal:
            assert form.transaction is not None
            now = Transaction.objects.select_related("payee", "book").get(pk=form.transaction.pk)
            form.show_stale(now, journal.entry_of(now))
            form.errors.append(refusal.message)
        except Refusal as refusal:
            form.refuse(refusal)
        return None

    def _saved(self, request: HttpRequest, row: Transaction, *, is_new: bool) -> HttpResponse:
        what = row.payee.name if row.payee else row.narration or str(row.date)
        self.message_user(
            request, _("Saved: %(what)s, %(date)s.") % {"what": what, "date": row.date}, messages.SUCCESS
        )
        if "_addanother" in request.POST and is_new:
            return HttpResponseRedirect(reverse(f"admin:{self._name}_add"))
        return HttpResponseRedirect(reverse(f"admin:{self._name}_show", args=[row.pk]))

    def _form_answer(self, request: HttpRequest, form: EntryForm) -> HttpResponse:
        row, book = form.transaction, form.chart.book
        return self._answer(
            request,
            "ledger/transaction_form.html",
            title=title(row) if row else _("New transaction"),
            form=form,
            transaction=row,
            entry=form.before,
            is_fixed=bool(row and row.voided) or not may_write(request),
            accounts=form.chart.offered(),
            commodities=form.chart.commodities,
            payees=names(Payee, book),
            tags=names(Tag, book),
        )
