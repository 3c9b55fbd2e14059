"""The book that is measured: forty accounts, one of them in a quarter of all postings, and entries without end."""

import datetime
from collections.abc import Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from itertools import islice

from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.accounts.scope import Scope, scope
from financetracker.ledger.demo.plan import Dice, cents
from financetracker.ledger.entries import Entry, Leg
from financetracker.users.models import User

FIRST_DAY = datetime.date(2016, 1, 1)
DAYS = 3650
PAYEES = [f"Shop {n}" for n in range(200)]


class Bench:
    """The book with its chart; `with bench.scope():` opens it."""

    def __init__(self) -> None:
        self.owner = User.objects.create_user("bench@example.org", None, name="Bench")
        self.book: Book = books.create_book(self.owner, name="Bench", base="EUR")
        with self.scope():
            self.eur = Commodity.objects.get()
            names = [(f"Expenses:Kind {n}", "expense") for n in range(30)]
            names += [(f"Assets:Bank {n}", "asset") for n in range(8)] + [("Income:Salary", "income")]
            for full_name, type_ in names:
                books.open_account(self.book, full_name, type_)
            by_type = {row.full_name: row for row in Account.objects.filter(placeholder=False)}
            self.hot = by_type["Assets:Bank 0"]
            self.banks = [row for row in by_type.values() if row.type == "asset"]
            self.kinds = [row for row in by_type.values() if row.type == "expense"]

    def scope(self) -> AbstractContextManager[Scope]:
        """Open the book as its owner."""
        return scope(self.owner.pk, self.book.pk, source="bench")

    def entries(self, seed: str, *, payees: bool = True) -> Iterator[Entry]:
        """Build entries for ever: two legs, every fourth three; half of them touch the hot account."""
        dice = Dice(seed)
        while True:
            bank = self.hot if dice.percent(50) else dice.any_of(self.banks)
            amounts = [cents(dice.between(100, 20_000)) for _ in range(2 if dice.percent(25) else 1)]
            legs = [Leg(dice.any_of(self.kinds), amount, self.eur) for amount in amounts]
            legs.append(Leg(bank, -sum(amounts, Decimal(0)), self.eur))
            date = FIRST_DAY + datetime.timedelta(days=dice.below(DAYS))
            payee = dice.rather_first(PAYEES) if payees else ""
            yield Entry(date, legs, payee=payee, narration=f"Purchase {dice.below(1000)}")

    def two_legs(self, *, payee: str = "") -> Entry:
        """Build the smallest entry, on the hot account."""
        legs = [Leg(self.kinds[0], Decimal("12.50"), self.eur), Leg(self.hot, Decimal("-12.50"), self.eur)]
        return Entry(FIRST_DAY, legs, payee=payee, narration="Lunch")

    def with_postings(self, seed: str, count: int) -> list[Entry]:
        """Build entries that have at least `count` postings together."""
        found: list[Entry] = []
        entries, postings = self.entries(seed), 0
        while postings < count:
            more = list(islice(entries, max(1, (count - postings) // 3)))
            found += more
            postings += sum(len(entry.legs) for entry in more)
        return found
