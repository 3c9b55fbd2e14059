"""The names a form may use, found by what people type."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Account, Book, Commodity

# Close names are looked for this often a form: it is slow, and a thousand wrong rows need no thousand hints.
HINTS = 8


class BadName(ValueError):
    """No single row of the book has this name; the message says which come close."""


class UnknownName(BadName):
    """No row of the book has this name at all, so one may be made."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An account that is not there and could be opened; or a currency to add, with its code as the type."""

    type: str
    full_name: str

    @property
    def sentence(self) -> str:
        """What the button says."""
        if self.type in CURRENCIES:
            return _("Add %(name)s (%(code)s)") % {"name": self.full_name, "code": self.type}
        return _("Open %(type)s account “%(name)s”") % {
            "type": Account.Type(self.type).label,
            "name": short(self.full_name),
        }


def short(text: str) -> str:
    """Cut what is quoted back to a person."""
    return text if len(text) <= 60 else text[:59] + "…"


class Chart:
    """The names a form may use: accounts and commodities of one book. Two queries."""

    def __init__(self, book: Book, *, hints: int = HINTS) -> None:
        self.book = book
        self.accounts = list(Account.objects.filter(book=book).order_by("full_name"))
        self.commodities = list(Commodity.objects.filter(book=book).order_by("code"))
        self.by_id = {row.pk: row for row in self.commodities}
        self._hints = hints

    @property
    def base(self) -> Commodity:
        return self.by_id[self.book.base_commodity_id]

    def offered(self, types: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return the accounts to suggest, each with the code of the only commodity it holds (or none)."""
        return [
            (row.full_name, self.default_commodity(row).code if len(row.commodity_ids) == 1 else "")
            for row in self.accounts
            if not (row.placeholder or row.hidden or row.closed_on) and (not types or row.type in types)
        ]

    def account(self, typed: str, within: Collection[str] = ()) -> Account:
        """Find an account by its full name, or by the end of it where only one fits.

        Where several fit, those of the types `within` go first. Raises BadName.
        """
        wanted = typed.casefold()
        for row in self.accounts:
            if row.full_name == typed:
                return row
        found = [row for row in self.accounts if f":{row.full_name.casefold()}".endswith(f":{wanted}")]
        found = [row for row in found if row.type in within] or found
        whole = [row for row in found if row.full_name.casefold() == wanted]
        if len(whole or found) == 1:
            return (whole or found)[0]
        if found:
            names = ", ".join(row.full_name for row in found[:5])
            raise BadName(
                _("“%(name)s” fits several accounts: %(names)s.") % {"name": short(typed), "names": names}
            )
        raise UnknownName(self._no_such(_("There is no account “%(name)s”."), typed, self._account_names()))

    def offers(self, typed: str, types: Sequence[str]) -> list[Offer]:
        """Say which accounts could be opened under a name that is not there: below the one it begins with, else
        below the first of each of the `types`."""
        above, _colon, name = typed.rpartition(":")
        if (
            self._hints < 0
            or not name.strip()
            or len(typed) > 120
            or any(not part.strip() for part in typed.split(":"))
        ):
            return []
        try:
            parent = self.account(above) if above else None
        except BadName:
            parent = None
        if parent is not None:
            return [Offer(parent.type, f"{parent.full_name}:{name.strip()}")] if parent.type in types else []
        roots = {row.type: row.full_name for row in reversed(self.accounts) if row.parent_id is None}
        named = {row.full_name: row for row in self.accounts if row.parent_id is None}
        first = typed.partition(":")[0]
        if first in named:
            return [Offer(named[first].type, typed)] if named[first].type in types else []
        return [Offer(type_, f"{roots.get(type_) or _root_name(type_)}:{typed}") for type_ in types]

    def commodity(self, typed: str, account: Account | None = None) -> Commodity:
        """Find a commodity by its code; nothing typed means the account's only one, or the base."""
        if not typed:
            return self.default_commodity(account)
        for row in self.commodities:
            if row.code == typed or row.code == typed.upper():
                return row
        raise UnknownName(
            self._no_such(
                _("There is no commodity “%(name)s”."),
                typed,
                {r.code.casefold(): r.code for r in self.commodities},
            )
        )

    def currency_offers(self, typed: str) -> list[Offer]:
        """Say which currency could be added under a code that is not there."""
        known = CURRENCIES.get(typed.upper())
        return [Offer(known.code, known.name)] if known else []

    def default_commodity(self, account: Account | None) -> Commodity:
        if account is not None and len(account.commodity_ids) == 1:
            return self.by_id.get(account.commodity_ids[0], self.base)
        return self.base

    def _account_names(self) -> dict[str, str]:
        names = {row.name.casefold(): row.full_name for row in self.accounts}
        return names | {row.full_name.casefold(): row.full_name for row in self.accounts}

    def _no_such(self, sentence: str, typed: str, names: Mapping[str, str]) -> str:
        message = sentence % {"name": short(typed)}
        self._hints -= 1
        if self._hints < 0 or len(typed) > 200:
            return message
        close = difflib.get_close_matches(typed.casefold(), names, n=3)
        if not close:
            return message
        near = ", ".join(dict.fromkeys(names[name] for name in close))
        return message + " " + _("Did you mean %(names)s?") % {"names": near}


def _root_name(type_: str) -> str:
    """What the first account of a type is called where there is none yet."""
    return {
        Account.Type.ASSET: _("Assets"),
        Account.Type.LIABILITY: _("Liabilities"),
        Account.Type.EQUITY: _("Equity"),
        Account.Type.INCOME: _("Income"),
        Account.Type.EXPENSE: _("Expenses"),
    }[Account.Type(type_)]
