"""Charts of accounts to begin with: data alone. Names are translated when a book is made, and are its own then."""

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from financetracker.accounts.models import Account

type Name = str | Promise

ASSET, LIABILITY, EQUITY = Account.Type.ASSET, Account.Type.LIABILITY, Account.Type.EQUITY
INCOME, EXPENSE = Account.Type.INCOME, Account.Type.EXPENSE

ROOTS = {
    ASSET: _("Assets"),
    LIABILITY: _("Liabilities"),
    EQUITY: _("Equity"),
    INCOME: _("Income"),
    EXPENSE: _("Expenses"),
}
OPENING_BALANCES = _("Opening Balances")


class Preset(NamedTuple):
    """A chart to begin with. `accounts` are a type and the names below its root."""

    label: Name
    about: Name
    accounts: Sequence[tuple[Account.Type, tuple[Name, ...]]]

    def full_names(self) -> list[tuple[str, str]]:
        """Return each account's full name and type, in the language of the running request."""
        return [(":".join(map(str, (ROOTS[type_], *names))), str(type_)) for type_, names in self.accounts]


_MONEY = (
    (ASSET, (_("Bank"), _("Checking"))),
    (ASSET, (_("Bank"), _("Savings"))),
    (ASSET, (_("Cash"), _("Wallet"))),
    (LIABILITY, (_("Credit card"),)),
    (EQUITY, (OPENING_BALANCES,)),
    (INCOME, (_("Salary"),)),
    (INCOME, (_("Interest"),)),
    (INCOME, (_("Gifts received"),)),
    (INCOME, (_("Other income"),)),
)
_LIVING = (
    (EXPENSE, (_("Food"), _("Groceries"))),
    (EXPENSE, (_("Food"), _("Eating out"))),
    (EXPENSE, (_("Home"), _("Rent"))),
    (EXPENSE, (_("Home"), _("Utilities"))),
    (EXPENSE, (_("Home"), _("Phone and internet"))),
    (EXPENSE, (_("Home"), _("Furnishing"))),
    (EXPENSE, (_("Transport"), _("Public transport"))),
    (EXPENSE, (_("Transport"), _("Car"))),
    (EXPENSE, (_("Health"),)),
    (EXPENSE, (_("Insurance"),)),
    (EXPENSE, (_("Clothing"),)),
    (EXPENSE, (_("Leisure"),)),
    (EXPENSE, (_("Travel"),)),
    (EXPENSE, (_("Gifts"),)),
    (EXPENSE, (_("Taxes"),)),
    (EXPENSE, (_("Bank fees"),)),
    (EXPENSE, (_("Other spending"),)),
)
_FAMILY = (
    (ASSET, (_("Bank"), _("Joint account"))),
    (EXPENSE, (_("Home"), _("Household goods"))),
    (EXPENSE, (_("Children"), _("Care and school"))),
    (EXPENSE, (_("Children"), _("Pocket money"))),
    (EXPENSE, (_("Pets"),)),
)
_BUSINESS = (
    (ASSET, (_("Bank"), _("Business account"))),
    (ASSET, (_("Invoices to be paid"),)),
    (LIABILITY, (_("Value added tax"),)),
    (INCOME, (_("Invoices"),)),
    (EXPENSE, (_("Business"), _("Equipment"))),
    (EXPENSE, (_("Business"), _("Software"))),
    (EXPENSE, (_("Business"), _("Office"))),
    (EXPENSE, (_("Business"), _("Business travel"))),
    (EXPENSE, (_("Business"), _("Advice"))),
    (EXPENSE, (_("Social insurance"),)),
)

PRESETS = {
    "household": Preset(
        _("Household"), _("Two or more people: a joint account, home, children."), (*_MONEY, *_FAMILY, *_LIVING)
    ),
    "single": Preset(_("Single"), _("One person: a few accounts and the usual categories."), (*_MONEY, *_LIVING)),
    "freelancer": Preset(
        _("Freelancer"),
        _("As single, with a business account, invoices, taxes and costs of the work."),
        (*_MONEY, *_BUSINESS, *_LIVING),
    ),
    "none": Preset(_("None"), _("Start empty, and open accounts as you need them."), ()),
}
