"""A transaction in one line: what it comes to, what for and with what it was paid, its state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from financetracker.accounts.models import Account
from financetracker.ledger import money
from financetracker.ledger.entries import Leg
from financetracker.ledger.models import Posting, Transaction

OWN = frozenset({Account.Type.ASSET, Account.Type.LIABILITY})


@dataclass(frozen=True, slots=True)
class Figure:
    """What a transaction comes to in one commodity, as text and as a plain number to copy."""

    text: str
    value: str
    code: str

    @property
    def size(self) -> str:
        """The text without its sign."""
        return self.text.removeprefix("\u2212")

    @classmethod
    def of(cls, value: Decimal, places: int, code: str, *, is_rounded: bool = False) -> "Figure":
        """Write an amount; `is_rounded` cuts a quotient to the places of its commodity."""
        value = money.round_to(value, places) if is_rounded else value
        return cls(money.show(value, places), f"{value:f}", code)


@dataclass(frozen=True, slots=True)
class ListLine:
    """A transaction in the list.

    `what` names what it was for, `paid` what it was paid with.
    `foreign` is what it was in the commodity of the shop, where that is another; `name` see `name_of`.
    """

    row: Transaction
    figures: list[Figure]
    state: str
    tags: list[str]
    what: str = ""
    paid: str = ""
    foreign: str = ""
    name: str = ""

    @property
    def title(self) -> str:
        """What the line is called: the payee, else what it was for."""
        return str(self.row.payee) if self.row.payee else self.row.narration or self.name

    @property
    def narration(self) -> str:
        """What it was for, where that is not its title already."""
        return self.row.narration if self.row.payee else ""


def line_of(row: Transaction) -> ListLine:
    """Say a transaction in one line. Expects postings, accounts and tags to be loaded."""
    legs = list(row.postings.all())
    what, paid = what_and_paid(legs)
    name = "" if row.payee or row.narration else name_of(legs)
    return ListLine(
        row,
        figures_of(legs),
        state_of(legs),
        [tag.name for tag in row.tags.all()],
        "" if what == name else what,
        paid,
        foreign_of(legs),
        name,
    )


def state_of(legs: Sequence[Posting]) -> str:
    """The state of the leg that is least settled."""
    states = {leg.state for leg in legs}
    return next((s for s in Posting.State.values if s in states), "")


def figures_of(legs: Sequence[Posting]) -> list[Figure]:
    """Say what a transaction comes to: the change of what the household has and owes, by commodity.

    Where that is nothing (a transfer, or income met by an expense), what was moved, without a sign.
    """
    sums: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = {}
    codes = {leg.weight_commodity.code: leg.weight_commodity for leg in legs}
    for leg in legs:
        code = leg.weight_commodity.code
        if leg.account.type in OWN:
            sums[code] = money.EXACT.add(sums.get(code, Decimal(0)), leg.weight)
        if leg.weight > 0:
            moved[code] = money.EXACT.add(moved.get(code, Decimal(0)), leg.weight)
    told = {code: value for code, value in sums.items() if value} or moved
    return [Figure.of(value, codes[code].places, code) for code, value in sorted(told.items())]


def foreign_of(legs: Sequence[Posting]) -> str:
    """What was exchanged, in its own commodity: 18 480 JPY."""
    sums: dict[str, Decimal] = {}
    places = {leg.commodity.code: leg.commodity.places for leg in legs}
    for leg in legs:
        if leg.commodity_id != leg.weight_commodity_id:
            code = leg.commodity.code
            sums[code] = money.EXACT.add(sums.get(code, Decimal(0)), leg.amount)
    return ", ".join(f"{money.show(abs(value), places[code])} {code}" for code, value in sums.items() if value)


def name_of(legs: Sequence[Posting | Leg]) -> str:
    """What is called by nothing else: a transfer by its way, whatever its fee, the rest by what it was for."""
    own = [leg for leg in legs if leg.account.type in OWN]
    costs = [leg for leg in legs if leg.account.type == Account.Type.EXPENSE and leg.amount > 0]
    is_moved = {leg.amount > 0 for leg in own} == {True, False} and len(own) + len(costs) == len(legs)
    return (path_of(own) if is_moved else what_and_paid(legs)[0]) or _("Transaction")


def what_and_paid(legs: Sequence[Posting | Leg]) -> tuple[str, str]:
    """Name the accounts a transaction was for, and those it was paid with; of a transfer the whole way."""
    own = [leg.account.name for leg in legs if leg.account.type in OWN]
    other = [leg.account.name for leg in legs if leg.account.type not in OWN]
    if own and other:
        return few(other), few(own)
    return path_of(legs), ""


def path_of(legs: Sequence[Posting | Leg]) -> str:
    """Name the accounts: from where to where."""
    given = [leg.account.name for leg in legs if leg.amount < 0]
    taken = [leg.account.name for leg in legs if leg.amount > 0]
    return " → ".join(few(names) for names in (given, taken) if names)


def few(names: Sequence[str]) -> str:
    """Name two, or the first and how many more."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) <= 2:
        return ", ".join(distinct)
    more = len(distinct) - 1
    return ngettext("%(first)s and %(more)d more", "%(first)s and %(more)d more", more) % {
        "first": distinct[0],
        "more": more,
    }


def rows_of_file(row: Transaction) -> Iterator[tuple[Any, ...]]:
    """Say a transaction in lines of a file: one for each commodity of its figures. Expects what `line_of` does."""
    legs = list(row.postings.all())
    given = [leg.account.full_name for leg in legs if leg.amount < 0]
    taken = [leg.account.full_name for leg in legs if leg.amount > 0]
    accounts = " > ".join(", ".join(dict.fromkeys(names)) for names in (given, taken))
    tags = " ".join(tag.name for tag in row.tags.all())
    places = {leg.weight_commodity.code: leg.weight_commodity.places for leg in legs}
    for figure in figures_of(legs):
        yield (
            *(row.date, row.payee.name if row.payee else "", row.narration, accounts),
            *(money.with_places(Decimal(figure.value), places[figure.code]), figure.code),
            *(state_of(legs), "void" if row.voided else ""),
            *(tags, row.code, row.notes, row.public_id),
        )
