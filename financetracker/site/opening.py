"""What there is on the first day of a book: balances of accounts, written against Equity."""

import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from financetracker.accounts import books
from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Account, Commodity
from financetracker.accounts.presets import EQUITY, OPENING_BALANCES, ROOTS
from financetracker.ledger import journal, money
from financetracker.ledger.forms import BadName, Chart
from financetracker.ledger.forms.fields import AmountField
from financetracker.ledger.journal import Entry, Leg
from financetracker.ledger.models import Posting
from financetracker.site.pages import show_page
from financetracker.writing.fields import DayField, DayInput

# Rows of the page of opening balances that are empty at first, and the most that are read.
EMPTY_ROWS, MOST_ROWS = 3, 100
DEEPEST = 8
_ROW = re.compile(r"row-([0-9]{1,3})-(account|amount|commodity)", re.ASCII)


@dataclass(slots=True)
class BalanceRow:
    """An account and what it holds, as typed; `errors` by column."""

    index: int
    account: str = ""
    amount: str = ""
    commodity: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sum:
    """A line under the balances: what is added up in it, and the amounts in each commodity, in words."""

    name: str
    label: str
    amounts: str


class StartForm:
    """Opening balances: rows of accounts, written as one transaction against Equity."""

    def __init__(self, chart: Chart, data: MultiValueDict[str, str] | None = None, *, date: Any = None) -> None:
        self.chart = chart
        self.errors: list[str] = []
        if data is None:
            self.date, self.public_id, self.book_id = date, str(uuid.uuid4()), str(chart.book.public_id)
            self.rows = [BalanceRow(n, name) for n, name in enumerate(_without_postings(chart))]
        else:
            self.date, self.public_id, self.book_id = (
                data.get(name, "") for name in ("date", "public_id", "book")
            )
            self.rows = _rows_in(data)
        self.date_errors: list[str] = []
        self._read: list[BalanceRow] = []
        first = self.rows[-1].index + 1 if self.rows else 0
        self.rows += [BalanceRow(first + n) for n in range(EMPTY_ROWS)]

    @property
    def is_wrong(self) -> bool:
        """Whether anything is to be put right."""
        return bool(self.errors or self.date_errors or any(row.errors for row in self.rows))

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Where something is to be put right: the id of the input and what it is called, in reading order."""
        names = {"account": _("Account"), "amount": _("Balance"), "commodity": _("Currency")}
        return [
            *([("id_date", _("On this day"))] if self.date_errors else []),
            *((f"row-{row.index}-{name}", row.account or names[name]) for row in self.rows for name in row.errors),
        ]

    @property
    def date_input(self) -> str:
        """The field of the day."""
        return str(DayInput().render("date", self.date, {"id": "id_date"}))

    @property
    def sums(self) -> list[Sum]:
        """What one has, what one owes, and what stands against both in Equity, of the rows that can be read.

        A debt counts in its natural sign. Writes nothing, and runs no query.
        """
        have, owe, both = _Amounts(self.chart), _Amounts(self.chart), _Amounts(self.chart)
        for row in self.rows:
            with suppress(ValidationError, BadName):
                amount, known = AmountField().clean(row.amount), _known(self.chart, row.account)
                if amount is None or not row.account:
                    continue
                type_ = known.type if known else _new_type(self.chart, row.account, amount)[1]
                code, places = self._counted_in(row, known)
                both.add(code, amount, places)
                if type_ == Account.Type.LIABILITY:
                    owe.add(code, amount.copy_negate(), places)
                elif type_ == Account.Type.ASSET:
                    have.add(code, amount, places)
        against = _("The difference, against %(account)s") % {"account": _opening_name(self.chart)}
        return [
            Sum("have", _("What you have"), have.said),
            Sum("owe", _("What you owe"), owe.said),
            Sum("both", against, both.said),
        ]

    def _counted_in(self, row: BalanceRow, known: Account | None) -> tuple[str, int]:
        """The code of a row's commodity and its places, whether the book knows it yet or not. Raises BadName."""
        try:
            found = self.chart.commodity(row.commodity, known)
        except BadName:
            new = CURRENCIES.get(row.commodity.upper())
            if new is None:
                raise
            return new.code, new.places
        return found.code, found.places

    def save(self) -> bool:
        """Open what is missing and write the balances; False if something is wrong, and then it is said where."""
        try:
            with atomic():
                self._save()
        except _Wrong:
            return False
        except journal.LegRefused as refusal:
            if refusal.leg < len(self._read):
                self._read[refusal.leg].errors["account"] = refusal.message
            else:
                self.errors.append(refusal.message)
            return False
        except Refusal as refusal:
            if refusal.rule == "period_is_open":
                self.date_errors.append(refusal.message)
            else:
                self.errors.append(refusal.message)
            return False
        return True

    def _save(self) -> None:
        date = None
        try:
            date = DayField().clean(self.date)
        except ValidationError as error:
            self.date_errors = list(error.messages)
        try:
            public_id = uuid.UUID(self.public_id)
        except ValueError:
            self.public_id = str(uuid.uuid4())
            public_id = uuid.UUID(self.public_id)
            self.errors.append(_("The form came without its number. It has a new one now: save again."))
        pairs = [(row, self._leg(row)) for row in self.rows if row.amount or row.errors]
        if self.is_wrong:
            raise _Wrong
        self._read = [row for row, leg in pairs if leg is not None]
        legs = [leg for _row, leg in pairs if leg is not None]
        if legs and date is not None:
            opposite = _against(legs, _opening_account(self.chart))
            said = _("Opening balances")
            journal.post(self.chart.book, Entry(date, [*legs, *opposite], narration=said, public_id=public_id))

    def _leg(self, row: BalanceRow) -> Leg | None:
        if row.errors:
            return None
        try:
            amount = AmountField().clean(row.amount)
        except ValidationError as error:
            row.errors["amount"] = " ".join(error.messages)
            return None
        if not row.account:
            row.errors["account"] = _("Which account holds it?")
            return None
        if amount == 0:
            return None
        commodity = self._commodity(row)
        if commodity is None:
            return None
        if money.decimals(amount) > commodity.scale:
            said = {"code": commodity.code, "places": commodity.scale}
            row.errors["amount"] = _("%(code)s has at most %(places)d decimal places.") % said
            return None
        try:
            return Leg(self._account(row.account, amount, commodity), amount, commodity)
        except (BadName, Refusal) as error:
            row.errors["account"] = error.message if isinstance(error, Refusal) else str(error)
            return None

    def _commodity(self, row: BalanceRow) -> Commodity | None:
        code = row.commodity.upper()
        known = {commodity.code for commodity in self.chart.commodities}
        try:
            if code in CURRENCIES and code not in known:
                made = books.add_commodity(self.chart.book, code)
                self.chart.commodities.append(made)
                return made
            return self.chart.commodity(row.commodity, _known(self.chart, row.account))
        except BadName as error:
            row.errors["commodity"] = str(error)
            return None

    def _account(self, typed: str, amount: Decimal, commodity: Commodity) -> Account:
        """Find the account, or open it: what is owed is a liability, everything else an asset."""
        found = _known(self.chart, typed)
        if found is not None:
            return found
        names = typed.split(":")
        if len(names) > DEEPEST or max(map(len, names)) > 120:
            raise Refusal(_("A name has at most 120 characters, and an account lies at most %d deep.") % DEEPEST)
        full_name, type_ = _new_type(self.chart, typed, amount)
        made = books.open_account(self.chart.book, full_name, type_, commodities=[commodity])
        self.chart.accounts.append(made)
        return made


class _Amounts:
    """Sums by commodity, as they are read and shown."""

    def __init__(self, chart: Chart) -> None:
        self._base = chart.base
        self._held: dict[str, tuple[Decimal, int]] = {}

    def add(self, code: str, amount: Decimal, places: int) -> None:
        before = self._held.get(code, (Decimal(0), places))[0]
        self._held[code] = (money.EXACT.add(before, amount), places)

    @property
    def said(self) -> str:
        """`3 500.00 EUR, 20 000 JPY`, broken between commodities alone; zero of the base for nothing."""
        held = {code: both for code, both in self._held.items() if both[0]}
        held = held or {self._base.code: (Decimal(0), self._base.places)}
        return ", ".join(f"{money.show(amount, places)}\u00a0{code}" for code, (amount, places) in held.items())


class _Wrong(Refusal):
    """Something is said at its field already; raised so that nothing of the form stays."""


def start_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Say what the accounts hold to begin with; then the first entry. With `read` a script is told the sums."""
    book = book_of(request)
    if not may_write(request):
        raise PermissionDenied
    chart = Chart(book)
    if request.method != "POST":
        form = StartForm(chart, date=today(book, timezone.now()))
    else:
        form = StartForm(chart, request.POST)
        if "read" in request.POST:
            return JsonResponse({line.name: line.amounts for line in form.sums})
        if form.book_id != str(book.public_id):
            form.errors.append(_("This form belongs to another book. Nothing was saved: open it anew."))
        elif form.save():
            said = {line.name: line.amounts for line in form.sums} | {"account": _opening_name(chart)}
            sums = _("You have %(have)s and owe %(owe)s; the difference of %(both)s stands against %(account)s.")
            messages.success(
                request, " ".join((_("The book is ready."), sums % said, _("Enter what happened first.")))
            )
            return redirect("admin:ledger_transaction_add")
    context = {
        "title": _("What you have today"),
        "form": form,
        "base": chart.base,
        "accounts": [name for name, _code in chart.offered()],
        "currencies": CURRENCIES.values(),
    }
    return show_page(request, site, "site/start.html", **context)


def _rows_in(data: MultiValueDict[str, str]) -> list[BalanceRow]:
    rows: dict[int, BalanceRow] = {}
    for key in data:
        match = _ROW.fullmatch(key)
        if match and (int(match[1]) in rows or len(rows) < MOST_ROWS):
            row = rows.setdefault(int(match[1]), BalanceRow(int(match[1])))
            text = (data.get(key) or "").strip()
            setattr(row, match[2], text)
            if "\x00" in text:
                row.errors[match[2]] = _("Null characters are not allowed.")
    return [rows[n] for n in sorted(rows) if rows[n].account or rows[n].amount or rows[n].commodity]


def _without_postings(chart: Chart) -> list[str]:
    """The accounts of one's own that nothing was entered for. One query, over the first posting of each."""
    own = [
        row
        for row in chart.accounts
        if row.type in (Account.Type.ASSET, Account.Type.LIABILITY)
        and not (row.placeholder or row.hidden or row.closed_on)
    ][:MOST_ROWS]
    used = set(
        Account.objects.filter(pk__in=[row.pk for row in own])
        .filter(Exists(Posting.objects.filter(account=OuterRef("pk"), voided=False)))
        .values_list("pk", flat=True)
    )
    return [row.full_name for row in own if row.pk not in used]


def _known(chart: Chart, typed: str) -> Account | None:
    """An account by its full name or the end of it; None where there is none. Raises BadName for several."""
    wanted = f":{typed.casefold()}"
    if not any(f":{row.full_name.casefold()}".endswith(wanted) for row in chart.accounts):
        return None
    return chart.account(typed)


def _root(chart: Chart, type_: str) -> Account | None:
    return next((row for row in chart.accounts if row.parent_id is None and row.type == type_), None)


def _root_name(chart: Chart, type_: Account.Type) -> str:
    found = _root(chart, type_)
    return found.full_name if found else str(ROOTS[type_])


def _new_type(chart: Chart, typed: str, amount: Decimal) -> tuple[str, str]:
    """The full name and type of an account that is not there: what is owed is a liability, the rest an asset."""
    first, colon, _rest = typed.partition(":")
    above = next((row for row in chart.accounts if colon and row.full_name == first), None)
    if above is not None:
        return typed, above.type
    type_ = Account.Type.LIABILITY if amount < 0 else Account.Type.ASSET
    return f"{_root_name(chart, type_)}:{typed}", type_


def _opening(chart: Chart) -> Account | None:
    """Equity:Opening Balances, whatever its root is called."""
    wanted = {"opening balances", str(OPENING_BALANCES).casefold()}
    for row in chart.accounts:
        if row.type == EQUITY and row.name.casefold() in wanted and not (row.placeholder or row.closed_on):
            return row
    return None


def _opening_name(chart: Chart) -> str:
    found = _opening(chart)
    return found.full_name if found else f"{_root_name(chart, EQUITY)}:{OPENING_BALANCES}"


def _opening_account(chart: Chart) -> Account:
    """The account that stands against the balances; opened where it is missing."""
    return _opening(chart) or books.open_account(chart.book, _opening_name(chart), EQUITY)


def _against(legs: Sequence[Leg], account: Account) -> list[Leg]:
    """What stands against the legs, one leg a commodity."""
    codes = {leg.commodity.code: leg.commodity for leg in legs}
    sums = [
        (commodity, money.total(leg.amount for leg in legs if leg.commodity.code == code))
        for code, commodity in codes.items()
    ]
    return [Leg(account, total.copy_negate(), commodity) for commodity, total in sums if total]
