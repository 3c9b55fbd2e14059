"""Builders that read like a journal, over the same writers that people use.

`entry("Food 12.50", "Cash -12.50")` names accounts by the last segment of their name; a number without a commodity
is in the book's base. factory-boy makes people; books and entries come from the domain's own verbs.
"""

import datetime
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.accounts.scope import scope
from financetracker.ledger import journal
from financetracker.ledger.journal import Entry, Leg
from financetracker.ledger.models import Transaction
from financetracker.users.models import User

DAY = datetime.date(2026, 3, 14)

# "Food 12.50", "Wallet -20 USD", "HOOL 10 HOOL @@ 33.33 USD"
_LEG = re.compile(
    r"(?P<account>.+?) (?P<amount>-?[0-9.]+)(?: (?P<code>[A-Z]+))?"
    r"(?: @@ (?P<weight>-?[0-9.]+) (?P<weight_code>[A-Z]+))?"
)


class UserFactory(DjangoModelFactory):
    """A person with a login of his own. The password is `password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        kwargs.setdefault("password", "password")
        return model_class.objects.create_user(*args, **kwargs)


class Household:
    """A book with a small chart of accounts, and people in it by role.

    Accounts: Assets:Cash, Assets:Bank, Assets:Depot, Liabilities:Card, Income:Salary, Expenses:Food,
    Expenses:Rent, Equity:Opening. Commodities: EUR (base), USD, JPY, HOOL (a security, 0 places, 4 stored).
    """

    ACCOUNTS = (
        ("Assets:Cash", "asset"),
        ("Assets:Bank", "asset"),
        ("Assets:Depot", "asset"),
        ("Liabilities:Card", "liability"),
        ("Income:Salary", "income"),
        ("Expenses:Food", "expense"),
        ("Expenses:Rent", "expense"),
        ("Equity:Opening", "equity"),
    )

    def __init__(self, name: str = "Home") -> None:
        self.owner: User = UserFactory()
        self.editor: User = UserFactory()
        self.viewer: User = UserFactory()
        self.book: Book = books.create_book(self.owner, name=name, base="EUR", time_zone="Europe/Vienna")
        with self.scope(self.owner):
            books.add_member(self.book, self.editor, "editor")
            books.add_member(self.book, self.viewer, "viewer")
            books.add_commodity(self.book, "USD")
            books.add_commodity(self.book, "JPY")
            books.add_commodity(self.book, "HOOL", name="Hooli", kind="security", places=0, scale=4)
            for full_name, type_ in self.ACCOUNTS:
                books.open_account(self.book, full_name, type_)
            self.commodities = {row.code: row for row in Commodity.objects.filter(book=self.book)}
            self.accounts = {row.name: row for row in Account.objects.filter(book=self.book)}

    @contextmanager
    def scope(self, user: User | None = None, using: str = "default") -> Iterator[None]:
        """Run as a member, the owner if nobody is named."""
        with scope((user or self.owner).pk, self.book.pk, source="test", using=using):
            yield

    def leg(self, text: str, **columns: Any) -> Leg:
        """Read one leg: `Account amount [CODE] [@@ total CODE]`; the total takes the amount's sign."""
        match = _LEG.fullmatch(text)
        assert match, f"not a leg: {text}"
        amount = Decimal(match["amount"])
        weight = Decimal(match["weight"]).copy_sign(amount) if match["weight"] else None
        return Leg(
            self.accounts[match["account"]],
            amount,
            self.commodities[match["code"] or "EUR"],
            weight,
            self.commodities[match["weight_code"]] if match["weight_code"] else None,
            **columns,
        )

    def entry(self, *legs: str | Leg, date: datetime.date = DAY, **columns: Any) -> Entry:
        """Build an entry, unsaved."""
        return Entry(date, [leg if isinstance(leg, Leg) else self.leg(leg) for leg in legs], **columns)

    def post(self, *legs: str | Leg, **columns: Any) -> Transaction:
        """Post an entry in the running scope."""
        return journal.post(self.book, self.entry(*legs, **columns))


def new_id(n: int) -> uuid.UUID:
    """Return a fixed public id, so that a test can send the same submission twice."""
    return uuid.UUID(int=n)
