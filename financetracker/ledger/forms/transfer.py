"""The form of a transfer: two accounts, one amount, or two between commodities, and a fee."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.forms.chart import BadName, Chart
from financetracker.ledger.forms.fields import AmountField
from financetracker.ledger.forms.rows import Row, rows_to_see
from financetracker.ledger.journal import Entry, Leg, LegRefused
from financetracker.ledger.models import Transaction
from financetracker.ledger.transfers import ENDS, Compared, Transfer, legs_of, rate, read
from financetracker.writing.days import show_day
from financetracker.writing.fields import DayField

# Which field a refusal of a leg is shown at, by the leg's place and the column.
FIELDS = (
    {"account": "source", "amount": "amount", "commodity": "commodity", "weight": "amount"},
    {"account": "target", "amount": "received", "commodity": "received_commodity", "weight": "received"},
    {"account": "fee_account", "amount": "fee", "commodity": "fee", "weight": "fee"},
)
FIELDS_OF_RULES = {"period_is_open": "date", "transaction_date_in_calendar": "date"}


class TransferForm(forms.Form):
    """A transfer. Bound it reads an `entry()`; with `before` it amends, and keeps what it does not show.

    `compared` holds the rate of an exchange against the book's prices; `asks` whether that is to be looked at once
    more before it is saved.
    """

    date = DayField(label=gettext_lazy("Date"))
    source = forms.CharField(label=gettext_lazy("From"), max_length=1000)
    target = forms.CharField(label=gettext_lazy("To"), max_length=1000)
    amount = AmountField(label=gettext_lazy("Amount"))
    commodity = forms.CharField(label=gettext_lazy("Currency"), max_length=60, required=False)
    received = AmountField(label=gettext_lazy("Arrives (where the currency differs)"), required=False)
    received_commodity = forms.CharField(label=gettext_lazy("Arrives in"), max_length=60, required=False)
    fee = AmountField(label=gettext_lazy("Fee on top (optional)"), required=False)
    fee_account = forms.CharField(label=gettext_lazy("Fee for"), max_length=1000, required=False)
    narration = forms.CharField(label=gettext_lazy("What for (optional)"), max_length=500, required=False)

    def __init__(
        self,
        chart: Chart,
        data: Any = None,
        *,
        transaction: Transaction | None = None,
        before: Entry | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        known = read(before.legs, chart.base.pk) if before else None
        super().__init__(data, initial=_typed(before, known[0]) if before and known else initial or {})
        self.chart, self.transaction, self.before = chart, transaction, before
        self.own = known[1] if known else []
        self.transfer: Transfer | None = known[0] if known else None
        self.was = self.transfer
        self.compared: Compared | None = None
        self.asks = False
        self.other_errors: list[str] = []
        self.stale: Entry | None = None
        self.stale_rows: list[Row] = []
        sent = data if data is not None else {}
        self.public_id = sent.get("public_id") or str(before.public_id if before else uuid.uuid4())
        self.version = sent.get("version", str(transaction.version) if transaction else "")
        self.book_id = sent.get("book", str(chart.book.public_id))
        lists = {"source": "ends", "target": "ends", "fee_account": "costs"}
        lists |= {"commodity": "commodities", "received_commodity": "commodities"}
        for name, field in self.fields.items():
            field.widget.attrs.pop("maxlength", None)  # typed text must not be cut by the browser
            if name in lists:
                field.widget.attrs.update({"list": lists[name], "autocomplete": "off"})
        for name in ("commodity", "received_commodity"):
            self.fields[name].widget.attrs["placeholder"] = chart.base.code

    @property
    def rate(self) -> str:
        """The rate of what was read, if it is an exchange."""
        return rate(self.transfer) if self.transfer else ""

    @property
    def known_rate(self) -> str:
        """The rate by the book's prices, if it is an exchange and a price is known."""
        if self.compared is None:
            return ""
        said = {"day": show_day(self.compared.on), "known": self.compared.known}
        return _("by the price of %(day)s: %(known)s") % said

    @property
    def is_wrong(self) -> bool:
        return bool(self.errors or self.other_errors)

    def clean(self) -> dict[str, Any]:
        """Find the accounts and commodities, and see that the amounts fit them."""
        said = super().clean() or {}
        source, target = self._end("source"), self._end("target")
        commodity = self._commodity("commodity", source)
        received_commodity = self._commodity("received_commodity", target)
        if source is not None and source == target:
            self.add_error("target", _("It goes where it comes from: choose another account."))
        amount = self._above_zero("amount", commodity)
        fee = self._above_zero("fee", commodity)
        fee_account = self._cost(fee)
        received = self._received(amount, commodity, received_commodity)
        if not self.errors and source and target and amount and commodity and received and received_commodity:
            self.transfer = Transfer(
                source, target, amount, commodity, received, received_commodity, fee or Decimal(0), fee_account
            )
        return said

    def entry(self) -> Entry | None:
        """Read what was typed; None if something is wrong, and then it is said where."""
        if not self.is_valid() or self.transfer is None:
            return None
        try:
            public_id = uuid.UUID(self.public_id)
        except ValueError:
            self.public_id = str(uuid.uuid4())
            self.other_errors.append(_("The form came without its number. It has a new one now: save again."))
            return None
        legs = [
            replace(leg, id=own.id, state=own.state, memo=own.memo, metadata=own.metadata) if own else leg
            for leg, own in self._with_own(legs_of(self.transfer, self.chart.base.pk))
        ]
        said = {"date": self.cleaned_data["date"], "narration": self.cleaned_data["narration"], "legs": legs}
        if self.before is not None:
            return replace(self.before, **said)
        return Entry(**said, public_id=public_id)

    def refuse(self, refusal: Refusal) -> None:
        """Show what the books said, at the field it is about."""
        field = FIELDS_OF_RULES.get(refusal.rule)
        if isinstance(refusal, LegRefused) and refusal.leg < len(FIELDS):
            field = FIELDS[refusal.leg].get(refusal.field)
        if field is None:
            self.other_errors.append(refusal.message)
        else:
            self.add_error(field, refusal.message)

    def show_stale(self, transaction: Transaction, now: Entry, said: str) -> None:
        """Keep what was typed beside what the books hold now; saving again replaces that knowingly."""
        self.stale, self.transaction, self.version = now, transaction, str(transaction.version)
        self.stale_rows = rows_to_see(now.legs)
        self.other_errors.append(said)

    def _with_own(self, legs: list[Leg]) -> list[tuple[Leg, Leg | None]]:
        return [(leg, self.own[n] if n < len(self.own) else None) for n, leg in enumerate(legs)]

    def _account(self, name: str) -> Account | None:
        typed = self.cleaned_data.get(name)
        if not typed:
            return None
        try:
            return self.chart.account(typed)
        except BadName as error:
            self.add_error(name, str(error))
            return None

    def _end(self, name: str) -> Account | None:
        found = self._account(name)
        if found is not None and found.type not in ENDS:
            message = _("%(account)s is a category: enter it as a payment instead.")
            self.add_error(name, message % {"account": found.full_name})
            return None
        return found

    def _commodity(self, name: str, account: Account | None) -> Commodity | None:
        typed = self.cleaned_data.get(name, "")
        try:
            return self.chart.commodity(typed, account)
        except BadName as error:
            self.add_error(name, str(error))
            return None

    def _above_zero(self, name: str, commodity: Commodity | None) -> Decimal | None:
        value: Decimal | None = self.cleaned_data.get(name)
        if value is None:
            return None
        if value <= 0:
            self.add_error(name, _("Write an amount above zero."))
            return None
        if commodity is not None and money.decimals(value) > commodity.scale:
            message = _("%(code)s has at most %(places)d decimal places.")
            self.add_error(name, message % {"code": commodity.code, "places": commodity.scale})
            return None
        return value

    def _cost(self, fee: Decimal | None) -> Account | None:
        account = self._account("fee_account")
        if fee and account is None and "fee_account" not in self.errors:
            self.add_error("fee_account", _("Say what the fee is booked as, like Bank fees."))
        elif account is not None and account.type != Account.Type.EXPENSE:
            message = _("%(account)s is no expense account.")
            self.add_error("fee_account", message % {"account": account.full_name})
        elif account is not None and not fee and "fee" not in self.errors:
            self.add_error("fee", _("Say how much the fee is, or leave both empty."))
        return account

    def _received(
        self, amount: Decimal | None, commodity: Commodity | None, received_commodity: Commodity | None
    ) -> Decimal | None:
        received = self._above_zero("received", received_commodity)
        if commodity is None or received_commodity is None or "received" in self.errors:
            return None
        if commodity.pk != received_commodity.pk:
            if received is None:
                message = _("Say how much arrives in %(code)s.")
                self.add_error("received", message % {"code": received_commodity.code})
            return received
        if received is not None and amount is not None and received != amount:
            message = _("Both accounts hold %(code)s: leave this empty, and write a difference as the fee.")
            self.add_error("received", message % {"code": commodity.code})
            return None
        return amount


def _typed(entry: Entry, transfer: Transfer) -> dict[str, Any]:
    """Write a transfer as it stands in the form."""
    both = transfer.is_exchange
    return {
        "date": entry.date,
        "narration": entry.narration,
        "source": transfer.source.full_name,
        "target": transfer.target.full_name,
        "amount": money.typed(transfer.amount, transfer.commodity.places),
        "commodity": transfer.commodity.code,
        "received": money.typed(transfer.received, transfer.received_commodity.places) if both else "",
        "received_commodity": transfer.received_commodity.code,
        "fee": money.typed(transfer.fee, transfer.commodity.places) if transfer.fee else "",
        "fee_account": transfer.fee_account.full_name if transfer.fee_account else "",
    }
