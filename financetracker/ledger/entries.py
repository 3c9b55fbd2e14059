"""What a transaction to be written is made of, and what can be said against it without asking the database."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import money
from financetracker.ledger.models import BOUND, Posting, Transaction
from financetracker.writing.days import show_day


class LegRefused(Refusal):
    """One leg is wrong: `leg` is its index from 0, `field` the name of the column."""

    def __init__(self, message: str, *, rule: str, leg: int, field: str) -> None:
        super().__init__(message, rule=rule)
        self.leg = leg
        self.field = field


class Unbalanced(Refusal):
    """The legs do not add up. `residue` is what is left a commodity's code; a debit too much is positive.

    It is shown with at least the `places` of each code.
    """

    rule = "transaction_balances"

    def __init__(self, residue: Mapping[str, Decimal], places: Mapping[str, int]) -> None:
        self.residue = dict(residue)
        off = ", ".join(f"{money.show(value, places[code])} {code}" for code, value in sorted(residue.items()))
        super().__init__(_("The legs do not add up: off by %(residue)s.") % {"residue": off})


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg to write: `amount` is signed, debit positive, in `commodity`.

    `weight` is the total that was paid for it in `weight_commodity`, with the amount's sign; without an exchange
    both stay empty. `id` names the posting that the leg replaces when a transaction is amended; it keeps the
    state it has.
    """

    account: Account
    amount: Decimal
    commodity: Commodity
    weight: Decimal | None = None
    weight_commodity: Commodity | None = None
    state: str = Posting.State.UNCLEARED
    memo: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction to write. `payee` and `tags` are names; those that are missing in the book are made.

    `public_id` may be chosen by the client: the same entry sent twice under one id is written once.
    """

    date: datetime.date
    legs: Sequence[Leg]
    payee: str = ""
    narration: str = ""
    notes: str = ""
    code: str = ""
    flag: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    reverses: Transaction | None = None


def residue(legs: Iterable[Leg]) -> dict[str, Decimal]:
    """Return what the legs are off, by commodity code; empty if they balance. Exact."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for leg in legs:
        code = (leg.weight_commodity or leg.commodity).code
        sums[code] = money.EXACT.add(sums[code], leg.amount if leg.weight is None else leg.weight)
    return {code: value for code, value in sums.items() if value}


def check(book: Book, entry: Entry) -> None:
    """Refuse kindly what the database would refuse anyway: the first wrong leg by its index, then the sum.

    Looks at the objects it was given and runs no query; the database has the last word.
    """
    _check_texts(entry)
    for index, leg in enumerate(entry.legs):
        if leg.account.book_id != book.pk or leg.commodity.book_id != book.pk:
            message = _("There is no such account or commodity in this book.")
            raise LegRefused(message, rule="posting_references_stay_in_book", leg=index, field="account")
        _check_leg(entry, index, leg)
    if len(entry.legs) < 2 and not (entry.legs and entry.legs[0].weight == 0):
        raise Refusal(
            _("A transaction has at least two legs, or one without weight."), rule="transaction_has_postings"
        )
    off = residue(entry.legs)
    if off:
        counted = [leg.weight_commodity or leg.commodity for leg in entry.legs]
        raise Unbalanced(off, {commodity.code: commodity.places for commodity in counted})


# What the columns hold, and what PostgreSQL keeps in no text at all.
_WIDTHS = {"payee": 200, "narration": 500, "code": 60, "flag": 1, "notes": 100_000}
_TAG_WIDTH, _MEMO_WIDTH = 60, 500


def _check_texts(entry: Entry) -> None:
    texts = [(getattr(entry, name), width) for name, width in _WIDTHS.items()]
    texts += [(tag, _TAG_WIDTH) for tag in entry.tags] + [(leg.memo, _MEMO_WIDTH) for leg in entry.legs]
    for text, width in texts:
        if len(text) > width or "\0" in text:
            shown = text[:30].replace("\0", "�")
            raise Refusal(
                _("“%(text)s…” is longer than %(width)d characters, or holds one that cannot be kept.")
                % {"text": shown, "width": width},
                rule="text_fits",
            )


def _check_leg(entry: Entry, index: int, leg: Leg) -> None:
    def refuse(column: str, rule: str, message: str) -> LegRefused:
        return LegRefused(message, rule=rule, leg=index, field=column)

    account, commodity = leg.account, leg.commodity
    if leg.amount == 0:
        raise refuse("amount", "posting_amount_is_not_zero", _("A posting moves an amount other than zero."))
    if not leg.amount.copy_abs() < BOUND:
        raise refuse("amount", "posting_amount_in_bounds", _("An amount has at most 20 digits before the point."))
    if money.decimals(leg.amount) > commodity.scale:
        raise refuse(
            "amount",
            "posting_amount_within_scale",
            _("%(code)s has at most %(places)d decimal places.")
            % {"code": commodity.code, "places": commodity.scale},
        )
    if leg.weight is not None or leg.weight_commodity is not None:
        _check_weight(leg, refuse)
    if leg.state not in {Posting.State.UNCLEARED, Posting.State.CLEARED} and leg.id is None:
        raise refuse("state", "reconciled_posting_is_fixed", _("Only a statement reconciles a leg."))
    if account.placeholder:
        raise refuse(
            "account",
            "posting_account_is_no_placeholder",
            _("%(account)s only groups other accounts.") % {"account": account.full_name},
        )
    if account.commodity_ids and commodity.pk not in account.commodity_ids:
        raise refuse(
            "commodity",
            "posting_account_holds_commodity",
            _("%(account)s holds no %(code)s.") % {"account": account.full_name, "code": commodity.code},
        )
    if (account.opened_on and entry.date < account.opened_on) or (
        account.closed_on and entry.date > account.closed_on
    ):
        raise refuse(
            "account",
            "posting_account_is_open",
            _("%(account)s is not open on %(date)s.")
            % {"account": account.full_name, "date": show_day(entry.date)},
        )


def _check_weight(leg: Leg, refuse: Any) -> None:
    weight, commodity = leg.weight, leg.weight_commodity
    if weight is None or commodity is None:
        raise refuse("weight", "posting_weight_is_amount", _("An exchange needs an amount and a commodity."))
    if commodity.pk == leg.commodity.pk and weight != leg.amount:
        raise refuse("weight", "posting_weight_is_amount", _("Without an exchange the weight is the amount."))
    if weight and (weight > 0) != (leg.amount > 0):
        raise refuse(
            "weight",
            "posting_weight_has_sign_of_amount",
            _("What is received for something counts with its sign."),
        )
    if not weight.copy_abs() < BOUND:
        raise refuse("weight", "posting_amount_in_bounds", _("An amount has at most 20 digits before the point."))
    if money.decimals(weight) > commodity.scale:
        raise refuse(
            "weight",
            "posting_weight_within_scale",
            _("%(code)s has at most %(places)d decimal places.")
            % {"code": commodity.code, "places": commodity.scale},
        )
