"""A transaction in one line: what it comes to, from where to where, its state."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import ngettext

from financetracker.accounts.models import Account
from financetracker.ledger import money
from financetracker.ledger.models import Posting, Transaction


@dataclass(frozen=True, slots=True)
class Figure:
    """What a transaction comes to in one commodity, as text and as a plain number to copy."""

    text: str
    value: str
    code: str


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
