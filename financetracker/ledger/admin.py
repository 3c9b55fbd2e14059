"""The ledger in the admin: a form in, one journal call; rows out.

Transactions have pages of their own instead of the stock list and form: the legs of one entry are one submission,
and the journal takes them whole. The other tables are plain pages of BookAdmin.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from financetracker.accounts.bookadmin import BookAdmin, BookForm, book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account
from financetracker.ledger import journal, money, search
from financetracker.ledger.forms import AmountField, Chart, DayField, EntryForm, FilterForm
from financetracker.ledger.history import history_of_transaction
from financetracker.ledger.models import BalanceAssertion, Payee, Posting, Price, Tag, Transaction

PAGE_SIZE = 50
# Names offered while typing: enough to help, few enough to send with every form.
OFFERED = 500


@dataclass(frozen=True, slots=True)
class Figure:
    """What a transaction comes to in one commodity, as text and as a plain number to copy."""

    text: str
    value: str
    code: str


@admin.register(Transaction)
class TransactionAdmin(BookAdmin):
    """Transactions: list, form, history, and the verbs of the journal as buttons."""

    own_history = True
    deletable = False

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse], name: str, route: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"{self._name}_{name}")

        return [
            page(self.list_page, "changelist", ""),
            page(self.form_page, "add", "add/"),
            page(self.form_page, "change", "<int:pk>/change/"),
            page(self.history_page, "history", "<int:pk>/history/"),
            page(self.void_action, "void", "<int:pk>/void/"),
            page(self.reinstate_action, "reinstate", "<int:pk>/reinstate/"),
            page(self.reverse_action, "reverse", "<int:pk>/reverse/"),
            page(self.clear_action, "clear", "<int:pk>/clear/"),
        ]

    # --- List

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """Show a page of transactions, newest first. Seven queries, however many rows."""
        book = book_of(request)
        chart = Chart(book)
        form = FilterForm(chart, request.GET)
        shown: Sequence[Transaction] = []
        below = older = None
        if form.is_valid():
            below = search.place(request.GET.get("below", ""))
            rows = (
                self.get_queryset(request)
                .select_related("payee")
                .prefetch_related(
                    models.Prefetch(
                        "postings",
                        Posting.objects.select_related("account", "commodity", "weight_commodity").order_by(
                            "position"
                        ),
                    ),
                    "tags",
                )
            )
            shown, older = search.page(search.narrow(rows, form.cleaned_data), below, PAGE_SIZE)
        asked = {name: value for name, value in form.data.items() if name in form.fields and value}
        return self._answer(
            request,
            "ledger/transaction_list.html",
            title=_("Transactions"),
            form=form,
            lines=[line_of(row) for row in shown],
            older=urlencode(asked | {"below": str(older)}) if older else "",
            newest=urlencode(asked) if below else "",
            is_narrowed=bool(asked),
            accounts=chart.offered(),
            tags=_names(Tag, book),
        )

    # --- Form

    def form_page(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Add a transaction, or show and amend one."""
        book = book_of(request)
        elsewhere = self._other_book(request)
        row = None if pk is None or elsewhere else self._row(request, pk)
        if not may_write(request) and (pk is None or request.method == "POST"):
            raise PermissionDenied
        chart = Chart(book)
        entry = journal.entry_of(row) if row else None
        if request.method != "POST":
            now = {"date": today(book, timezone.now())}
            return self._form_answer(request, EntryForm(chart, transaction=row, entry=entry, initial=now))
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
        version = _version(form.version)
        try:
            if form.transaction is not None:
                _refuse_stale(form.transaction, version)
            entry = form.entry()
            if entry is None:
                return None
            if form.transaction is None:
                return journal.post(form.chart.book, entry)
            return journal.amend(form.transaction, entry, version=version)
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
        return HttpResponseRedirect(reverse(f"admin:{self._name}_change", args=[row.pk]))

    def _form_answer(self, request: HttpRequest, form: EntryForm) -> HttpResponse:
        row, book = form.transaction, form.chart.book
        return self._answer(
            request,
            "ledger/transaction_form.html",
            title=_title(row) if row else _("New transaction"),
            form=form,
            transaction=row,
            entry=form.before,
            is_fixed=bool(row and row.voided) or not may_write(request),
            legs=_states(row) if row else [],
            reversal=_reversal(row) if row else None,
            new_id=uuid.uuid4(),
            accounts=form.chart.offered(),
            commodities=form.chart.commodities,
            payees=_names(Payee, book),
            tags=_names(Tag, book),
        )

    # --- Verbs

    def void_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a transaction out of every sum."""
        return self._act(
            request, pk, lambda row, version: journal.void(row, version=version, reason=_reason(request))
        )

    def reinstate_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Count a voided transaction again."""
        return self._act(
            request, pk, lambda row, version: journal.reinstate(row, version=version, reason=_reason(request))
        )

    def reverse_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write the opposite of a transaction on the day that was typed."""

        def act(row: Transaction, version: int) -> Transaction:
            try:
                day = DayField().clean(request.POST.get("date", ""))
                public_id = uuid.UUID(request.POST.get("public_id", ""))
            except ValidationError as error:
                raise Refusal(" ".join(error.messages)) from error
            except ValueError:
                public_id = uuid.uuid4()
            return journal.reverse(row, date=day, version=version, public_id=public_id)

        return self._act(request, pk, act)

    def clear_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Set one leg to cleared or back."""

        def act(row: Transaction, version: int) -> Transaction:
            _refuse_stale(row, version)
            wanted, _colon, state = request.POST.get("posting", "").partition(":")
            legs = [leg for leg in row.postings.all() if str(leg.pk) == wanted]
            if not legs:
                raise Refusal(_("There is no such leg in this transaction."))
            journal.clear(row.book, legs, state)
            return row

        return self._act(request, pk, act)

    def _act(self, request: HttpRequest, pk: int, act: Callable[[Transaction, int], Transaction]) -> HttpResponse:
        """Run a verb on a transaction of the chosen book and lead to what it made."""
        row = self._row(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_write(request):
            raise PermissionDenied
        try:
            row = act(row, _version(request.POST.get("version", "")))
        except Refusal as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(reverse(f"admin:{self._name}_change", args=[row.pk]))

    def history_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what happened to a transaction, in words."""
        row = self._row(request, pk)
        return self._answer(
            request,
            "site/history.html",
            title=_("History: %(what)s") % {"what": _title(row)},
            events=history_of_transaction(row),
            back=reverse(f"admin:{self._name}_change", args=[row.pk]),
        )

    # --- How

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

    def _answer(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            template,
            {**self.admin_site.each_context(request), "may_write": may_write(request), **context},
        )


@dataclass(frozen=True, slots=True)
class LegLine:
    """A leg under the form, with its state and what a button would make of it."""

    posting: Posting
    amount: str
    other_state: str


@dataclass(frozen=True, slots=True)
class ListLine:
    """A transaction in the list."""

    row: Transaction
    figures: list[Figure]
    accounts: str
    state: str
    tags: list[str]


def line_of(row: Transaction) -> ListLine:
    """Say a transaction in one line. Expects postings, accounts and tags to be loaded."""
    legs = list(row.postings.all())
    states = {leg.state for leg in legs}
    state = next((s for s in Posting.State.values if s in states), "")
    return ListLine(row, figures_of(legs), _path(legs), state, [tag.name for tag in row.tags.all()])


def figures_of(legs: Sequence[Posting]) -> list[Figure]:
    """Say what a transaction comes to: the change of what the household has and owes, by commodity.

    Where that is nothing (a transfer, or income met by an expense), what was moved, without a sign.
    """
    own = {Account.Type.ASSET, Account.Type.LIABILITY}
    sums: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = {}
    codes = {leg.weight_commodity.code: leg.weight_commodity for leg in legs}
    for leg in legs:
        code = leg.weight_commodity.code
        if leg.account.type in own:
            sums[code] = money.EXACT.add(sums.get(code, Decimal(0)), leg.weight)
        if leg.weight > 0:
            moved[code] = money.EXACT.add(moved.get(code, Decimal(0)), leg.weight)
    told = {code: value for code, value in sums.items() if value} or moved
    return [
        Figure(money.show(value, codes[code].places), f"{value:f}", code) for code, value in sorted(told.items())
    ]


def _path(legs: Sequence[Posting]) -> str:
    """Name the accounts: from where to where."""
    given = [leg.account.name for leg in legs if leg.amount < 0]
    taken = [leg.account.name for leg in legs if leg.amount > 0]
    return " → ".join(_few(names) for names in (given, taken) if names)


def _few(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    if len(distinct) <= 2:
        return ", ".join(distinct)
    more = len(distinct) - 1
    return ngettext("%(first)s and %(more)d more", "%(first)s and %(more)d more", more) % {
        "first": distinct[0],
        "more": more,
    }


def _title(row: Transaction) -> str:
    return row.payee.name if row.payee else row.narration or _("Transaction of %(date)s") % {"date": row.date}


def _states(row: Transaction) -> list[LegLine]:
    other = {Posting.State.UNCLEARED: Posting.State.CLEARED, Posting.State.CLEARED: Posting.State.UNCLEARED}
    legs = row.postings.select_related("account", "commodity").order_by("position")
    return [
        LegLine(
            leg,
            f"{money.show(leg.amount, leg.commodity.places)} {leg.commodity.code}",
            str(other.get(Posting.State(leg.state), "")),
        )
        for leg in legs
    ]


def _reversal(row: Transaction) -> Transaction | None:
    return Transaction.objects.filter(book_id=row.book_id, reverses=row, voided=False).first()


def _names(model: type[Payee] | type[Tag], book: Any) -> list[str]:
    return list(model._default_manager.filter(book=book).order_by("name").values_list("name", flat=True)[:OFFERED])


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:500]


def _version(typed: str) -> int:
    """Read a version from a form; anything that is none was never one."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


def _refuse_stale(row: Transaction, version: int) -> None:
    if row.version != version:
        raise journal.Stale(row.version)


# --- Plain pages


class AmountsAdmin(BookAdmin):
    """A page whose amounts are read exactly, as the transaction form reads them."""

    formfield_overrides: ClassVar = {
        models.DecimalField: {"form_class": AmountField},
        models.DateField: {"form_class": DayField, "widget": DayField.widget},
    }


@admin.register(Payee)
class PayeeAdmin(BookAdmin):
    """Payees; one that is used can be renamed, not removed."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {"payee_name_is_unique": "name", "payee_name_is_one_line": "name"}

    form = Form
    fields = ("name",)
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Tag)
class TagAdmin(BookAdmin):
    """Tags; one that is used can be renamed, not removed."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {"tag_name_is_unique": "name", "tag_name_is_one_word": "name"}

    form = Form
    fields = ("name",)
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Price)
class PriceAdmin(AmountsAdmin):
    """Prices of commodities by day."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {
            "price_is_unique": "date",
            "price_is_positive": "value",
            "price_is_in_another_commodity": "quote",
        }

    form = Form
    fields = ("date", "commodity", "value", "quote", "kind", "source")
    list_display = ("date", "commodity", "amount", "quote", "kind", "source")
    list_select_related = ("commodity", "quote")
    search_fields = ("commodity__code",)
    ordering = ("-date", "commodity__code", "quote__code")

    @admin.display(description=gettext_lazy("price"))
    def amount(self, price: Price) -> str:
        return money.show(price.value, price.quote.places)


@admin.register(BalanceAssertion)
class BalanceAssertionAdmin(AmountsAdmin):
    """What an account is said to hold at the end of a day."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {
            "assertion_is_unique": "date",
            "assertion_amount_in_bounds": "amount",
        }

    form = Form
    fields = ("account", "date", "amount", "commodity", "include_children", "tolerance")
    list_display = ("date", "account", "asserted", "include_children")
    list_select_related = ("account", "commodity")
    search_fields = ("account__full_name",)
    ordering = ("-date", "account__full_name")

    @admin.display(description=gettext_lazy("amount"))
    def asserted(self, assertion: BalanceAssertion) -> str:
        return f"{money.show(assertion.amount, assertion.commodity.places)} {assertion.commodity.code}"
