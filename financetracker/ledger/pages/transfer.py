"""The form of a transfer: to enter one, and to amend what fits it."""

import datetime
import urllib.parse

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.models import Account
from financetracker.ledger import balances, journal, transfers
from financetracker.ledger.forms import Chart
from financetracker.ledger.forms.transfer import TransferForm
from financetracker.ledger.models import Transaction
from financetracker.ledger.pages.base import (
    TransactionPages,
    title,
    version,
)
from financetracker.writing.days import BadDay, read_day, show_day


class TransferPages(TransactionPages):
    """One submission is one call of the journal, as with every other entry."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.transfer_page, "transfer", "transfer/"),
            self._page(self.transfer_page, "transfer_change", "<int:pk>/transfer/"),
            *super().get_urls(),
        ]

    def transfer_page(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Enter a transfer, or amend one. What is no transfer is led to the form that takes everything.

        With `read` nothing is saved: a script is told the rates of what is typed so far.
        """
        book = book_of(request)
        row = None if pk is None or self._other_book(request) else self._row(request, pk)
        if not may_write(request):
            raise PermissionDenied
        chart = Chart(book)
        before = journal.entry_of(row) if row else None
        if request.method != "POST":
            if row and before and (row.voided or transfers.read(before.legs, chart.base.pk) is None):
                return HttpResponseRedirect(reverse(f"admin:{self._name}_change", args=[row.pk]))
            source = _named(chart, request.GET.get("source", ""))
            initial = {"date": _day(request.GET.get("date", ""), today(book, timezone.now())), "source": source}
            empty = TransferForm(chart, transaction=row, before=before, initial=initial)
            if before:
                _compare(empty, before.date)
            first = "amount" if row else "target" if source else "source"
            empty.fields[first].widget.attrs["autofocus"] = True
            return self._transfer_answer(request, empty)
        form = TransferForm(chart, request.POST, transaction=row, before=before)
        if "read" in request.POST:
            return JsonResponse(_rates(form))
        wrong_book = self._wrong_book(request, form.book_id)
        if wrong_book:
            form.other_errors.append(wrong_book)
        else:
            anyway = "anyway" in request.POST
            saved = self._write(form, lambda: self._save_transfer(form, anyway=anyway))
            if saved is not None:
                return self._transferred(request, saved, form, is_new=row is None)
        return self._transfer_answer(request, form)

    def _save_transfer(self, form: TransferForm, *, anyway: bool) -> Transaction | None:
        """Make the one journal call; None if something is wrong or is asked first: the form says so."""
        entry = form.entry()
        if entry is None:
            return None
        _compare(form, entry.date)
        form.asks = bool(form.compared and form.compared.is_far and form.transfer != form.was and not anyway)
        if form.asks:
            form.fields["received"].widget.attrs["autofocus"] = True
            return None
        if form.transaction is None:
            return journal.post(form.chart.book, entry)
        return journal.amend(form.transaction, entry, version=version(form.version))

    def _transferred(
        self, request: HttpRequest, row: Transaction, form: TransferForm, *, is_new: bool
    ) -> HttpResponse:
        goes_on = _goes_on(request) and is_new
        self._say_saved(request, row, leads=goes_on)
        if goes_on:
            query = urllib.parse.urlencode(
                {"source": form.cleaned_data["source"], "date": show_day(form.cleaned_data["date"])}
            )
            return HttpResponseRedirect(reverse(f"admin:{self._name}_transfer") + "?" + query)
        return HttpResponseRedirect(reverse(f"admin:{self._name}_show", args=[row.pk]))

    def _transfer_answer(self, request: HttpRequest, form: TransferForm) -> HttpResponse:
        row, chart = form.transaction, form.chart
        return self._answer(
            request,
            "ledger/transfer_form.html",
            title=title(row, form.before.legs if form.before else None) if row else _("New transfer"),
            form=form,
            transaction=row,
            goes_on=_goes_on(request),
            ends=_offered(chart, transfers.ENDS),
            costs=_offered(chart, frozenset({Account.Type.EXPENSE})),
            commodities=chart.commodities,
        )


def _compare(form: TransferForm, day: datetime.date) -> None:
    """Hold the rate of an exchange against the book's prices of that day, or shortly before it. One query."""
    said = form.transfer
    if said is None or not said.is_exchange:
        return
    known = balances.rate(form.chart.book, said.commodity, said.received_commodity, day)
    if known is not None and day - known.on <= transfers.NEAR:
        form.compared = transfers.compare(said, known.value, known.on)


def _rates(form: TransferForm) -> dict[str, str]:
    """The rate of what is typed, and that by the book's prices; empty as long as it is no exchange."""
    entry = form.entry()
    if entry is None:
        return {"rate": "", "known": ""}
    _compare(form, entry.date)
    return {"rate": form.rate, "known": form.known_rate}


def _goes_on(request: HttpRequest) -> bool:
    return "_addanother" in request.POST or request.POST.get("anyway") == "another"


def _offered(chart: Chart, types: frozenset[Account.Type]) -> list[tuple[str, str]]:
    wanted = {row.full_name for row in chart.accounts if row.type in types}
    return [(name, code) for name, code in chart.offered() if name in wanted]


def _named(chart: Chart, name: str) -> str:
    """The name of an account from an address, if there is such an account."""
    return next((row.full_name for row in chart.accounts if row.full_name == name), "")


def _day(typed: str, now: datetime.date) -> datetime.date:
    """A day from an address; today if there is none."""
    try:
        return read_day(typed, now)
    except BadDay:
        return now
