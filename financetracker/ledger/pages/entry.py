"""The form of a transaction: to enter one, to show one, to amend one; and what its scripts ask meanwhile."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.models import Account
from financetracker.ledger import journal, suggest
from financetracker.ledger.forms import Chart, EntryForm
from financetracker.ledger.forms.reading import reading
from financetracker.ledger.journal import Entry
from financetracker.ledger.models import Tag, Transaction
from financetracker.ledger.pages.base import TransactionPages, names, title, version
from financetracker.writing.days import BadDay, read_day, show_day

# The order in which categories are offered.
CATEGORIES = ((Account.Type.EXPENSE,), (Account.Type.INCOME,), suggest.OWN)

# What an address may put into an empty form: `add/?account=Assets:Cash`.
ASKED = ("date", "payee", "narration", "tags", "code", "notes", "amount", "account", "category")


def quick_entry(request: HttpRequest) -> dict[str, Any]:
    """Return what `{% include "ledger/plain_form.html" %}` needs to stand on any page; empty for who only looks.

    Seven queries, however large the book. The form is sent to the page for adding, and errors are shown there.
    """
    if not may_write(request):
        return {}
    book = book_of(request)
    form = EntryForm(Chart(book), initial={"date": today(book, timezone.now())})
    return form_context(form, action=reverse("admin:ledger_transaction_add"))


def form_context(form: EntryForm, *, action: str = "") -> dict[str, Any]:
    """What the templates of the form are told: the form itself, and the names to offer while somebody types.

    It is sent to the address it stands at, or to `action`.
    """
    chart = form.chart
    return {
        "form": form,
        "form_action": action,
        "payees": suggest.payees(chart.book),
        "tags": names(Tag, chart.book),
        "accounts": chart.offered() if form.plain is None else [],
        "own_accounts": chart.offered(suggest.OWN) if form.plain is not None else [],
        # Most of what is typed is spent; another account as category makes a transfer.
        "categories": [row for types in CATEGORIES for row in chart.offered(types)] if form.plain else [],
        "commodities": chart.commodities if form.plain is None else [],
    }


class EntryPages(TransactionPages):
    """The form: one submission is one call of the journal."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.form_page, "add", "add/"),
            self._page(self.form_page, "change", "<int:pk>/change/"),
            self._page(self.usual_answer, "usual", "usual/"),
            self._page(self.read_answer, "read", "read/"),
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
        chart = Chart(book)
        if request.method != "POST":
            if shown is not None:
                return self._form_answer(request, EntryForm(chart, transaction=row, entry=shown, wide=True))
            form = self._fresh(request, chart, row, entry)
            if entry is None:
                form.head.fields["payee"].widget.attrs["autofocus"] = True
            return self._form_answer(request, form)
        form = EntryForm(chart, transaction=row, entry=entry, data=request.POST)
        wrong_book = self._wrong_book(request, form.book_id)
        if wrong_book:
            form.errors.append(wrong_book)
        elif "more" in request.POST:
            form.add_rows(10)
        elif "wide" in request.POST:
            form.widen()
        elif "usual" in request.POST:
            self._took_usual(form, anew=True)
        elif "open" in request.POST:
            form.open_account(request.POST["open"])
            form.entry()  # what else is wrong stays said
        else:
            anyway, holds = "anyway" in request.POST, "holds" in request.POST
            saved = self._write(form, lambda: self._save(form, anyway=anyway, holds=holds))
            if saved is not None:
                return self._saved(request, saved, form, is_new=row is None)
        return self._form_answer(request, form)

    def usual_answer(self, request: HttpRequest) -> HttpResponse:
        """Tell a script how a payee is usually entered."""
        book = book_of(request)
        if not may_write(request):
            raise PermissionDenied
        found = suggest.usual(book, request.GET.get("payee", ""))
        return JsonResponse(found.data if found else {})

    def read_answer(self, request: HttpRequest) -> HttpResponse:
        """Tell a script what the form means as it is typed so far. Writes nothing."""
        book = book_of(request)
        if not may_write(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = EntryForm(Chart(book, hints=0), data=request.POST)
        answer = reading(form)
        if "draft" in request.POST:
            answer["saved"] = self._is_saved(form)
        return JsonResponse(answer)

    def _fresh(
        self, request: HttpRequest, chart: Chart, row: Transaction | None, entry: Entry | None
    ) -> EntryForm:
        """The form before anything was sent: what it amends, or empty but for what the address asks."""
        is_wide = "wide" in request.GET
        if entry is not None:
            return EntryForm(chart, transaction=row, entry=entry, wide=is_wide)
        initial: dict[str, Any] = {name: request.GET[name][:1000] for name in ASKED if name in request.GET}
        now = today(chart.book, timezone.now())
        try:
            initial["date"] = read_day(initial.get("date", ""), now)
        except BadDay:
            initial.setdefault("date", now)
        form = EntryForm(chart, initial=initial, wide=is_wide)
        if "kept" in request.GET and form.typed("account"):
            form.suggested.add("account")
        return form

    def _is_saved(self, form: EntryForm) -> bool:
        """Whether a draft was saved meanwhile, under its public id."""
        try:
            wanted = uuid.UUID(form.public_id)
        except ValueError:
            return False
        return Transaction.objects.filter(book=form.chart.book, public_id=wanted).exists()

    def _save(self, form: EntryForm, *, anyway: bool, holds: bool) -> Transaction | None:
        """Make the one journal call; None if something is wrong or is asked first: the form says so."""
        if self._took_usual(form):
            return None
        entry = form.entry()
        if entry is None or (not holds and form.asks_charged()):
            return None
        if form.transaction is not None:
            return journal.amend(form.transaction, entry, version=version(form.version))
        if form.before is None and not anyway:
            form.alike = suggest.lookalikes(form.chart.book, entry)
        return None if form.alike else journal.post(form.chart.book, entry)

    def _took_usual(self, form: EntryForm, *, anew: bool = False) -> bool:
        """Fill in where a payee's entries go, where nobody said it, or `anew`; it is asked for once more then."""
        if not (anew or form.lacks_accounts):
            return False
        usual = suggest.usual(form.chart.book, form.typed("payee"))
        if usual is None or usual.day is None:
            return False
        if anew:
            form.forget_category()
        if not form.take(usual):
            return False
        said = {"payee": usual.payee, "day": show_day(usual.day)}
        form.told.append(
            _("Laid out as %(payee)s was entered on %(day)s: say how much went where.") % said
            if form.plain is None
            else _("Filled in as %(payee)s was entered on %(day)s. Save again if it is right.") % said
        )
        return True

    def _saved(
        self, request: HttpRequest, row: Transaction, form: EntryForm | None = None, *, is_new: bool
    ) -> HttpResponse:
        goes_on = is_new and ("_addanother" in request.POST or request.POST.get("anyway") == "another")
        self._say_saved(request, row, leads=goes_on)
        if goes_on:
            return HttpResponseRedirect(f"{reverse(f'admin:{self._name}_add')}?{urlencode(_kept(row, form))}")
        return HttpResponseRedirect(reverse(f"admin:{self._name}_show", args=[row.pk]))

    def _form_answer(self, request: HttpRequest, form: EntryForm) -> HttpResponse:
        row = form.transaction
        return self._answer(
            request,
            "ledger/transaction_form.html",
            title=title(row, form.before.legs if form.before else None) if row else _("New transaction"),
            transaction=row,
            entry=form.before,
            is_fixed=bool(row and row.voided) or not may_write(request),
            goes_on="_addanother" in request.POST or request.POST.get("anyway") == "another",
            **form_context(form),
        )


def _kept(row: Transaction, form: EntryForm | None) -> Mapping[str, str]:
    """What the next form begins with: the day, and what was paid with, as a suggestion."""
    if form is None or form.plain is None:
        return {"date": show_day(row.date), "wide": "1"}
    return {"date": show_day(row.date), "account": form.plain.account, "kept": "1"}
