"""The short form of an entry: one amount, the account it was paid with, one category, as they were typed.

What is spent is written without a sign; the category says the rest: at an income account the amount comes in, at
an expense it goes out. A minus turns that round (a refund, a correction), a plus always means that it comes in.
Another account of the household as category makes a transfer into it. A code behind the amount is its commodity,
`1200 JPY`; where the account is kept in another one, `charged` says what it was charged. In a refund an amount
without a sign is what came back.
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

COLUMNS = ("amount", "account", "category", "charged")
# A single letter is a code only behind a space: 1O.20 is a slip, and no commodity.
_CODE = re.compile(r"(?P<number>.*?[0-9)])(?:\s*(?=[^\W\d_]{2})|\s+)(?P<code>[^\W\d_][\w.'\-]{0,23})")
# What an account that is not there may become.
TYPES = {
    "account": (Account.Type.ASSET, Account.Type.LIABILITY),
    "category": (Account.Type.EXPENSE, Account.Type.INCOME),
}


class PlainLegs:
    """Amount, account, category and what was charged as text, and what is wrong with each."""

    def __init__(
        self,
        amount: str = "",
        account: str = "",
        category: str = "",
        charged: str = "",
        *,
        is_refund: bool = False,
    ) -> None:
        self.amount, self.account, self.category, self.charged = amount, account, category, charged
        self.is_refund = is_refund
        self.errors: dict[str, list[str]] = {}
        self.offers: dict[str, list[Offer]] = {}
        self.holds = ""  # what a button says that lets the account hold the amount's commodity

    @classmethod
    def typed(cls, data: Mapping[str, str]) -> "PlainLegs":
        """Take what a form sent, or what an address asks for."""
        values = ((data.get(column) or "").strip() for column in COLUMNS)
        return cls(*values, is_refund=bool(data.get("refund")))

    @classmethod
    def of(cls, legs: Sequence[Leg], chart: Chart, *, is_refund: bool = False) -> "PlainLegs | None":
        """Write two legs in short; None where they say more than that."""
        pair = pair_of(legs)
        if pair is None:
            return None
        own, category = pair
        usual = -1 if (category.account.type == Account.Type.INCOME) is not is_refund else 1
        amount = money.typed(money.EXACT.multiply(category.amount, Decimal(usual)), category.commodity.places)
        if category.commodity != chart.default_commodity(own.account):
            amount += f" {category.commodity.code}"
        charged = ""
        if category.weight is not None:
            charged = money.typed(category.weight.copy_abs(), own.commodity.places)
        return cls(amount, own.account.full_name, category.account.full_name, charged, is_refund=is_refund)

    @property
    def is_empty(self) -> bool:
        return not (self.amount or self.account or self.category or self.charged)

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

    def kept_in(self, chart: Chart) -> Commodity | None:
        """The commodity that the account is kept in, where the amount is in another one that it need not hold."""
        code = self.parted[1]
        try:
            account, commodity = chart.account(self.account, within=OWN), chart.commodity(code)
        except BadName:
            return None
        own = chart.default_commodity(account)
        return None if not code or commodity == own or commodity.pk in account.commodity_ids else own

    def asked(self, chart: Chart) -> str:
        """Ask what the account was charged in its own commodity; empty where that is the amount's."""
        own = self.kept_in(chart)
        return _("Charged in %(code)s") % {"code": own.code} if own else ""

    def rows(self, chart: Chart, before: Sequence[Leg] = ()) -> list[Row]:
        """Return the two rows it stands for, in the order of the legs `before`; none if something is wrong."""
        account, category = self._account("account", chart), self._account("category", chart)
        if account is not None and account.type in CATEGORIES:
            self.refuse(
                "account",
                _("“%(name)s” is a category: write the account it was paid with.") % {"name": short(self.account)},
            )
        elif account is not None and account == category:
            self.refuse("category", _("It goes where it comes from: choose another account."))
        commodity, value = self._read_amount(chart, account)
        own, charged = self._read_charged(chart)
        if self.errors or account is None or category is None or commodity is None or value is None:
            return []
        size = value.copy_abs()  # the plain operators would round to 28 digits
        signed = size if self._goes_out(value, category) else size.copy_negate()
        into = Row(0, "", category.full_name, money.typed(signed, commodity.places), commodity.code)
        from_ = Row(1, "", account.full_name, money.typed(signed.copy_negate(), commodity.places), commodity.code)
        if own is not None and charged is not None:
            into.weight, into.weight_commodity = money.typed(charged, own.places), own.code
            given = charged.copy_negate() if signed > 0 else charged
            from_.amount, from_.commodity = money.typed(given, own.places), own.code
        pair = pair_of(before)
        if pair is None:
            return [into, from_]
        leg, other = pair
        from_.id, into.id = str(leg.id or ""), str(other.id or "")
        return [into, from_] if before[0] is other else [from_, into]

    def take_errors(self, rows: Sequence[Row]) -> None:
        """Put what is wrong with the rows under the fields they came from."""
        for row in rows:
            own, number = ("account", "charged") if row.index and self.charged else ("account", "amount")
            own = own if row.index else "category"
            at = {"amount": number, "weight": "charged", "weight_commodity": "charged"}
            for column, messages in row.errors.items():
                for message in messages:
                    self.refuse(at.get(column, own), message)

    def widened(self, chart: Chart) -> list[Row]:
        """Write what was typed as rows, whatever of it can be read."""
        if self.is_empty:
            return []
        rows = self._again().rows(chart)
        if rows:
            for row in rows:
                if row.commodity == chart.default_commodity(chart.account(row.account)).code == chart.base.code:
                    row.commodity = ""
            return rows
        number, code = self.parted
        left = FILL if number and self.account else ""
        worth = chart.base.code if self.charged else ""
        return [
            Row(0, "", self.category, number, code, self.charged, worth),
            Row(1, "", self.account, left, code if left and not worth else ""),
        ]

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
        rows = self._again().rows(chart)
        if not rows:
            return ""
        account, category = chart.account(self.account), chart.account(self.category)
        commodity = chart.commodity(rows[0].commodity)
        amount = money.parse_amount(rows[0].amount)
        said_ = {
            "amount": f"{money.show(amount.copy_abs(), commodity.places)} {commodity.code}"
            + self._said_charged(rows, chart),
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
        goes_out = (category.type != Account.Type.INCOME) is not self.is_refund and not self.amount.startswith("+")
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
            self.offers["amount"] = chart.currency_offers(code)
        except money.BadAmount as error:
            self.refuse("amount", said(error))
        return None, None

    def _read_charged(self, chart: Chart) -> tuple[Commodity | None, Decimal | None]:
        own = self.kept_in(chart)
        if not self.charged or self.errors:
            return None, None
        if own is None:
            self.refuse("charged", _("The account is charged the amount itself: leave this empty."))
            return None, None
        try:
            value = arithmetic.compute(self.charged, places=own.places, scale=own.scale).copy_abs()
        except money.BadAmount as error:
            self.refuse("charged", said(error))
            return None, None
        if not value:
            self.refuse("charged", _("Say what was charged, other than zero."))
        return own, value

    def _said_charged(self, rows: Sequence[Row], chart: Chart) -> str:
        if not rows[0].weight:
            return ""
        own = chart.commodity(rows[0].weight_commodity)
        return f" ({money.show(money.parse_amount(rows[0].weight), own.places)} {own.code})"

    def _again(self) -> "PlainLegs":
        """The same as it was typed, with nothing said to be wrong yet."""
        return PlainLegs(self.amount, self.account, self.category, self.charged, is_refund=self.is_refund)


def pair_of(legs: Sequence[Leg]) -> tuple[Leg, Leg] | None:
    """Return the leg of the household's account and that of the category, if the short form holds them whole."""
    own = [leg for leg in legs if leg.account.type in OWN]
    rest = [leg for leg in legs if leg.account.type in CATEGORIES]
    if not (len(own) == len(rest) == 1 and len(legs) == 2) or any(leg.memo for leg in legs):
        return None
    ((given,), (category,)) = own, rest
    paid = category.commodity if category.weight is None else category.weight_commodity
    return (given, category) if given.weight is None and paid == given.commodity else None
