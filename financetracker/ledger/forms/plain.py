"""The short form of an entry: one amount, the account it was paid with, one category, as they were typed.

What is spent is written without a sign; the category says the rest: at an income account the amount comes in, at
an expense it goes out. A minus turns that round (a refund, a correction), a plus always means that it comes in.
Another account of the household as category makes a transfer into it. A code behind the amount is its commodity:
`1200 JPY`.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import arithmetic, money
from financetracker.ledger.forms.chart import BadName, Chart, Offer, UnknownName, short
from financetracker.ledger.forms.fields import said
from financetracker.ledger.forms.rows import FILL, Row
from financetracker.ledger.journal import Leg
from financetracker.ledger.suggest import CATEGORIES, OWN, Usual

COLUMNS = ("amount", "account", "category")
# A single letter is a code only behind a space: 1O.20 is a slip, and no commodity.
_CODE = re.compile(r"(?P<number>.*?[0-9)])(?:\s*(?=[^\W\d_]{2})|\s+)(?P<code>[^\W\d_][\w.'\-]{0,23})")
# What an account that is not there may become.
TYPES = {
    "account": (Account.Type.ASSET, Account.Type.LIABILITY),
    "category": (Account.Type.EXPENSE, Account.Type.INCOME),
}


class PlainLegs:
    """Amount, account and category as text, and what is wrong with each."""

    def __init__(self, amount: str = "", account: str = "", category: str = "") -> None:
        self.amount, self.account, self.category = amount, account, category
        self.errors: dict[str, list[str]] = {}
        self.offers: dict[str, list[Offer]] = {}

    @classmethod
    def typed(cls, data: Mapping[str, str]) -> "PlainLegs":
        """Take what a form sent, or what an address asks for."""
        return cls(*((data.get(column) or "").strip() for column in COLUMNS))

    @classmethod
    def of(cls, legs: Sequence[Leg], chart: Chart) -> "PlainLegs | None":
        """Write two legs in short; None where they say more than that."""
        pair = pair_of(legs)
        if pair is None:
            return None
        own, category = pair
        usual = -1 if category.account.type == Account.Type.INCOME else 1
        amount = money.typed(money.EXACT.multiply(category.amount, Decimal(usual)), own.commodity.places)
        if own.commodity != chart.default_commodity(own.account):
            amount += f" {own.commodity.code}"
        return cls(amount, own.account.full_name, category.account.full_name)

    @property
    def is_empty(self) -> bool:
        return not (self.amount or self.account or self.category)

    @property
    def parted(self) -> tuple[str, str]:
        """The amount, and the code behind it."""
        found = _CODE.fullmatch(self.amount)
        return (found["number"], found["code"]) if found else (self.amount, "")

    def refuse(self, column: str, message: str) -> None:
        """Note what is wrong with a column, once."""
        known = self.errors.setdefault(column, [])
        if message not in known:
            known.append(message)

    def rows(self, chart: Chart, before: Sequence[Leg] = ()) -> list[Row]:
        """Return the two rows it stands for, in the order of the legs `before`; none if something is wrong."""
        account, category = self._account("account", chart), self._account("category", chart)
        if account is not None and account.type in CATEGORIES:
            self.refuse(
                "account",
                _("“%(name)s” is a category: write the account it was paid with.") % {"name": short(self.account)},
            )
        commodity, value = self._read_amount(chart, account)
        if self.errors or account is None or category is None or commodity is None or value is None:
            return []
        size = value.copy_abs()  # the plain operators would round to 28 digits
        signed = size if self._goes_out(value, category) else size.copy_negate()
        into = Row(0, "", category.full_name, money.typed(signed, commodity.places), commodity.code)
        opposite = money.typed(signed.copy_negate(), commodity.places)
        from_ = Row(1, "", account.full_name, opposite, commodity.code)
        pair = pair_of(before)
        if pair is None:
            return [into, from_]
        own, other = pair
        from_.id, into.id = str(own.id or ""), str(other.id or "")
        return [into, from_] if before[0] is other else [from_, into]

    def take_errors(self, rows: Sequence[Row]) -> None:
        """Put what is wrong with the rows under the fields they came from."""
        for row in rows:
            own = "category" if row.index == 0 else "account"
            for column, messages in row.errors.items():
                for message in messages:
                    self.refuse("amount" if column in {"amount", "weight"} else own, message)

    def widened(self, chart: Chart) -> list[Row]:
        """Write what was typed as rows, whatever of it can be read."""
        if self.is_empty:
            return []
        rows = PlainLegs(self.amount, self.account, self.category).rows(chart)
        if rows:
            for row in rows:
                if row.commodity == chart.default_commodity(chart.account(row.account)).code == chart.base.code:
                    row.commodity = ""
            return rows
        number, code = self.parted
        left = FILL if number and self.account else ""
        return [Row(0, "", self.category, number, code), Row(1, "", self.account, left, code if left else "")]

    def take(self, usual: Usual, suggested: set[str]) -> set[str]:
        """Fill in what is empty or was `suggested` from the payee's last entry; return which columns."""
        known = {"account": usual.account, "category": usual.category}
        stands = {column: getattr(self, column) for column in known}
        filled = {
            column
            for column, value in known.items()
            if value and value != stands[column] and (not stands[column] or column in suggested)
        }
        for column in filled:
            setattr(self, column, known[column])
        return filled

    def says(self, chart: Chart) -> str:
        """Say in words what would be saved; empty as long as something is missing."""
        plain = PlainLegs(self.amount, self.account, self.category)
        rows = plain.rows(chart)
        if not rows:
            return ""
        account, category = chart.account(self.account), chart.account(self.category)
        commodity = chart.commodity(rows[0].commodity)
        amount = money.parse_amount(rows[0].amount)
        said_ = {
            "amount": f"{money.show(amount.copy_abs(), commodity.places)} {commodity.code}",
            "category": category.name,
            "account": account.name,
        }
        if category.type == Account.Type.INCOME:
            if amount < 0:
                return _("%(category)s: %(amount)s into %(account)s") % said_
            return _("%(category)s: %(amount)s taken back from %(account)s") % said_
        if category.type == Account.Type.EXPENSE:
            if amount > 0:
                return _("%(category)s: %(amount)s from %(account)s") % said_
            return _("%(category)s: %(amount)s back into %(account)s") % said_
        if amount > 0:
            return _("%(amount)s from %(account)s to %(category)s") % said_
        return _("%(amount)s from %(category)s to %(account)s") % said_

    def _goes_out(self, value: Decimal, category: Account) -> bool:
        goes_out = category.type != Account.Type.INCOME and not self.amount.startswith("+")
        return goes_out if value >= 0 else not goes_out

    def _account(self, column: str, chart: Chart) -> Account | None:
        typed = getattr(self, column)
        if "\x00" in typed:
            self.refuse(column, _("Null characters are not allowed."))
            return None
        if not typed:
            missing = {"account": _("Say what it was paid with."), "category": _("A category is missing.")}
            self.refuse(column, missing[column])
            return None
        try:
            return chart.account(typed, within=OWN if column == "account" else CATEGORIES)
        except BadName as error:
            self.refuse(column, str(error))
            if isinstance(error, UnknownName):
                self.offers[column] = chart.offers(typed, TYPES[column])
            return None

    def _read_amount(self, chart: Chart, account: Account | None) -> tuple[Commodity | None, Decimal | None]:
        number, code = self.parted
        try:
            commodity = chart.commodity(code, account)
            return commodity, arithmetic.compute(number, places=commodity.places, scale=commodity.scale)
        except BadName as error:
            self.refuse("amount", str(error))
        except money.BadAmount as error:
            self.refuse("amount", said(error))
        return None, None


def pair_of(legs: Sequence[Leg]) -> tuple[Leg, Leg] | None:
    """Return the leg of the household's account and that of the category, if the short form holds them whole."""
    own = [leg for leg in legs if leg.account.type in OWN]
    rest = [leg for leg in legs if leg.account.type in CATEGORIES]
    if not (len(own) == len(rest) == 1 and len(legs) == 2):
        return None
    if any(leg.memo or leg.weight is not None for leg in legs) or own[0].commodity != rest[0].commodity:
        return None
    return own[0], rest[0]
