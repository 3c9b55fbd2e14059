"""Legs as rows of text, as they were typed: read into legs, written from legs."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import arithmetic, money
from financetracker.ledger.forms.chart import BadName, Chart, Offer, UnknownName, short
from financetracker.ledger.forms.fields import said
from financetracker.ledger.journal import Leg
from financetracker.ledger.models import Posting

FILL = "="
# What an account that is not there may become, in the order it is offered.
OPENED = (Account.Type.EXPENSE, Account.Type.INCOME, Account.Type.ASSET, Account.Type.LIABILITY)

COLUMNS = ("id", "account", "amount", "commodity", "weight", "weight_commodity", "memo")
_ROW = re.compile(r"leg-([0-9]{1,6})-(" + "|".join((*COLUMNS, "suggested")) + ")", re.ASCII)


@dataclass(slots=True)
class Row:
    """One leg as it was typed: text only, and what is wrong with it, by column. `suggested` is an account too."""

    index: int
    id: str = ""
    account: str = ""
    amount: str = ""
    commodity: str = ""
    weight: str = ""
    weight_commodity: str = ""
    memo: str = ""
    state: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    suggested: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nobody wrote anything into it; such a row is no leg, and one that was a leg goes."""
        return not (self.account or self.amount or self.weight or self.memo)

    @property
    def is_suggested(self) -> bool:
        """Whether its account is the one that was suggested: nobody typed over it."""
        return bool(self.suggested) and self.suggested == self.account

    @property
    def is_reconciled(self) -> bool:
        return self.state == Posting.State.RECONCILED

    @property
    def messages(self) -> list[str]:
        """All that is wrong with the row, in reading order."""
        return [text for column in (*COLUMNS, "state") for text in self.errors.get(column, ())]

    def refuse(self, column: str, message: str) -> None:
        """Note what is wrong with a column."""
        self.errors.setdefault(column, []).append(message)

    def read(self, chart: Chart, own: Mapping[int, Leg]) -> Leg | None:
        """Return the leg, or None if something is wrong with it. `=` as amount gives zero, to be filled."""
        for column in COLUMNS:
            if "\x00" in getattr(self, column):
                self.refuse(column, _("Null characters are not allowed."))
        if len(self.memo) > 500:
            self.refuse("memo", _("A memo has at most 500 characters (this one has %d).") % len(self.memo))
        before = self._before(own)
        account = self._named("account", chart.account, chart)
        commodity = self._named("commodity", lambda text: chart.commodity(text, account), chart)
        amount = self._number("amount", commodity)
        weight, weight_commodity = self._weight(chart, amount)
        if self.errors or account is None or commodity is None or amount is None:
            return None
        leg = before or Leg(account, amount, commodity)
        return replace(
            leg,
            account=account,
            amount=amount,
            commodity=commodity,
            weight=weight,
            weight_commodity=weight_commodity,
            memo=self.memo,
        )

    def _before(self, own: Mapping[int, Leg]) -> Leg | None:
        if not self.id:
            return None
        before = own.get(int(self.id)) if re.fullmatch(r"[0-9]{1,18}", self.id, re.ASCII) else None
        if before is None:
            self.refuse("id", _("This row is no leg of this transaction: open it anew."))
        return before

    def _named(self, column: str, find: Any, chart: Chart) -> Any:
        typed = getattr(self, column)
        if column == "account" and not typed:
            self.refuse(column, _("An account is missing."))
            return None
        try:
            return find(typed)
        except BadName as error:
            self.refuse(column, str(error))
            if isinstance(error, UnknownName):
                self.offers += chart.offers(typed, OPENED) if column == "account" else chart.currency_offers(typed)
            return None

    def _number(self, column: str, commodity: Commodity | None) -> Decimal | None:
        typed = getattr(self, column)
        if column == "amount" and typed == FILL:
            return Decimal(0)
        places, scale = (commodity.places, commodity.scale) if commodity else (money.MAX_SCALE, money.MAX_SCALE)
        try:
            return arithmetic.compute(typed, places=places, scale=scale)
        except money.BadAmount as error:
            self.refuse(column, said(error))
            return None

    def _weight(self, chart: Chart, amount: Decimal | None) -> tuple[Decimal | None, Commodity | None]:
        if not self.weight:
            if self.weight_commodity:
                self.refuse(
                    "weight", _("Say what it was worth in %(code)s.") % {"code": short(self.weight_commodity)}
                )
            return None, None
        commodity = self._named("weight_commodity", chart.commodity, chart)
        weight = self._number("weight", commodity)
        if weight is not None and amount is not None and amount < 0 and self.weight[0] not in "+-\u2212":
            weight = weight.copy_negate()  # what was paid is written without a sign; it counts with the amount's
        return weight, commodity


def rows_in(data: MultiValueDict[str, str]) -> list[Row]:
    """Find the rows in what was sent, in the order of their numbers, whatever else was sent."""
    rows: dict[int, Row] = {}
    for key in data:
        match = _ROW.fullmatch(key)
        if match:
            row = rows.setdefault(int(match[1]), Row(int(match[1])))
            setattr(row, match[2], (data.get(key) or "").strip())
    return [rows[index] for index in sorted(rows)]


def rows_of(legs: Iterable[Leg], chart: Chart) -> list[Row]:
    """Write legs as rows of text, with the places people type, and a code where it says something."""

    def code(leg: Leg) -> str:
        is_clear = leg.commodity == chart.default_commodity(leg.account) == chart.base
        return "" if is_clear else leg.commodity.code

    return [
        replace(_row_of(leg, index, money.typed), id=str(leg.id or ""), commodity=code(leg))
        for index, leg in enumerate(legs)
    ]


def rows_to_see(legs: Iterable[Leg]) -> list[Row]:
    """Write legs as rows to be looked at: digits in groups, a true minus, every code."""
    return [_row_of(leg, index, money.show) for index, leg in enumerate(legs)]


def _row_of(leg: Leg, index: int, write: Callable[[Decimal, int], str]) -> Row:
    row = Row(index, account=leg.account.full_name, commodity=leg.commodity.code, memo=leg.memo)
    row.amount = write(leg.amount, leg.commodity.places)
    if leg.weight is not None and leg.weight_commodity is not None:
        row.weight = write(leg.weight, leg.weight_commodity.places)
        row.weight_commodity = leg.weight_commodity.code
    return row
