"""The page of one transaction: what happened, its legs, what may be done with it, what became of it."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone

from financetracker.accounts.bookadmin import may_write
from financetracker.accounts.books import today
from financetracker.accounts.models import Account
from financetracker.ledger import money, transfers
from financetracker.ledger.history import history_of_transaction
from financetracker.ledger.journal import Leg
from financetracker.ledger.models import Posting, Transaction
from financetracker.ledger.pages.again import purchase_of, refunds_of
from financetracker.ledger.pages.base import TransactionPages, title
from financetracker.ledger.pages.sentence import OWN, sentence
from financetracker.writing.fields import DayInput

# What happened last stands on the page; the rest has a page of its own.
EVENTS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class LegLine:
    """A leg on the page: its figures as text, and what a button would make of it."""

    posting: Posting
    amount: str
    plain: str
    worth: str
    other_state: str
    may_split: bool


class ShowPages(TransactionPages):
    """One transaction, to be read; every verb begins here."""

    def get_urls(self) -> list[URLPattern]:
        return [self._page(self.show_page, "show", "<int:pk>/"), *super().get_urls()]

    def show_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a transaction."""
        row = self._row(request, pk)
        legs = legs_of_page(row)
        purchase = purchase_of(row)
        events = history_of_transaction(row)
        writes = may_write(request) and not row.voided
        return self._answer(
            request,
            "ledger/transaction_show.html",
            title=title(row, [line.posting for line in legs]),
            transaction=row,
            sentence=sentence([line.posting for line in legs], row.payee.name if row.payee else ""),
            legs=legs,
            has_worth=any(line.worth for line in legs),
            zero=money.show(Decimal(0), legs[0].posting.weight_commodity.places) if legs else "",
            tags=[tag.name for tag in row.tags.order_by("name")],
            balances=_is_balanced(legs),
            may_clear=writes,
            may_refund=writes and purchase is None and _is_purchase(legs),
            may_join=writes and not row.is_locked and _may_join(legs),
            may_split=writes and not row.is_locked and any(line.may_split for line in legs),
            refunds=refunds_of(row) if _is_purchase(legs) else None,
            purchase=purchase,
            purchase_name=title(purchase) if purchase else "",
            amend_at=reverse(f"admin:{self._name}_{_form_for(row, legs)}", args=[row.pk]),
            reversal=reversal(row),
            events=events[:EVENTS_SHOWN],
            more_events=max(0, len(events) - EVENTS_SHOWN),
            new_id=uuid.uuid4(),
            reverse_day=_day_input(today(row.book, timezone.now())),
        )


def legs_of_page(row: Transaction) -> list[LegLine]:
    """The legs with their states, and what a button would make of each. One query."""
    other = {Posting.State.UNCLEARED: Posting.State.CLEARED, Posting.State.CLEARED: Posting.State.UNCLEARED}
    legs = row.postings.select_related("account", "commodity", "weight_commodity").order_by("position")
    return [
        LegLine(
            leg,
            money.show(leg.amount, leg.commodity.places),
            f"{leg.amount:f}",
            ""
            if leg.commodity_id == leg.weight_commodity_id
            else f"{money.show(leg.weight, leg.weight_commodity.places)} {leg.weight_commodity.code}",
            str(other.get(Posting.State(leg.state), "")),
            leg.account.type not in OWN and leg.state != Posting.State.RECONCILED,
        )
        for leg in legs
    ]


def _day_input(day: datetime.date) -> str:
    return str(DayInput().render("date", day, {"id": "reverse-date", "required": True}))


def reversal(row: Transaction) -> Transaction | None:
    """The transaction that takes this one back, if there is one. One query."""
    return Transaction.objects.filter(book_id=row.book_id, reverses=row, voided=False).first()


def _form_for(row: Transaction, lines: Sequence[LegLine]) -> str:
    """Which form amends it: that of a transfer where it fits, else the one that takes everything."""
    legs = [
        Leg(leg.account, leg.amount, leg.commodity)
        if leg.commodity_id == leg.weight_commodity_id
        else Leg(leg.account, leg.amount, leg.commodity, leg.weight, leg.weight_commodity)
        for leg in (line.posting for line in lines)
    ]
    return "change" if transfers.read(legs, row.book.base_commodity_id) is None else "transfer_change"


def _is_balanced(legs: Sequence[LegLine]) -> bool:
    """Whether the legs add up to zero in every commodity: asked of the figures on the page."""
    codes = {leg.posting.weight_commodity_id for leg in legs}
    return all(
        money.total(leg.posting.weight for leg in legs if leg.posting.weight_commodity_id == code) == 0
        for code in codes
    )


def _is_purchase(legs: Sequence[LegLine]) -> bool:
    """Whether something was bought: one's own accounts gave and took nothing, spending took, no income came in."""
    kinds = {(leg.posting.account.type, leg.posting.amount > 0) for leg in legs}
    spent = (Account.Type.EXPENSE, True) in kinds and (Account.Type.INCOME, False) not in kinds
    gave, took = (any((type_, wanted) in kinds for type_ in OWN) for wanted in (False, True))
    return spent and gave and not took


def _may_join(legs: Sequence[LegLine]) -> bool:
    """Whether two legs that are no account of one's own could be one."""
    kinds = [
        (
            leg.posting.account.type,
            leg.posting.commodity_id,
            leg.posting.weight_commodity_id,
            leg.posting.amount > 0,
        )
        for leg in legs
        if leg.may_split
    ]
    return len(set(kinds)) < len(kinds)
