"""A week of the demo household, entered by somebody who never touches the mouse; every keystroke is counted."""

import datetime
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Page

from financetracker.accounts import books
from financetracker.accounts.models import Book
from financetracker.accounts.scope import scope
from financetracker.ledger import journal
from financetracker.ledger.demo import PEOPLE, AnaAndBen
from financetracker.ledger.demo.seed import seed
from financetracker.ledger.journal import Leg
from financetracker.ledger.management.commands.demo import PASSWORD
from financetracker.ledger.models import Transaction
from financetracker.users.models import User
from tests.browser.conftest import Watched

# What is typed of a payee whom the household knows, who that is, and where his entries go.
KNOWN = {
    "gre": ("Greenmarket", "Visa card", "Groceries"),
    "bak": ("Bakery Sonnleitner", "Wallet", "Bakery"),
    "can": ("Canteen Tower 4", "Visa card", "Lunch at work"),
    "noo": ("Noodle Bar Hanoi", "Visa card", "Lunch at work"),
    "esp": ("Espresso Lindengasse", "Visa card", "Eating out"),
    "kio": ("Kiosk at the Station", "Visa card", "Eating out"),
    "org": ("Organic Basket", "Visa card", "Groceries"),
    "city t": ("City Transport", "Visa card", "Public transport"),
    "phar": ("Pharmacy Zum Löwen", "Visa card", "Health"),
    "dr": ("Drugstore Lavendel", "Visa card", "Household goods"),
    "book": ("Bookshop Amsel", "Visa card", "Books"),
    "pool": ("Public Pool", "Visa card", "Sport"),
    "kind": ("Kindergarten Löwenzahn", "Joint checking", "Kindergarten"),
    "sus": ("Sushi Hana", "Visa card", "Eating out"),
    "fue": ("Fuel Station Gürtel", "Visa card", "Car"),
}
# Day by day, the last one today. Two coffees at one price look like one entered twice: it is asked, and agreed to.
WEEK = (
    "bak 3.90, kio 2.60, can 9.40, gre 43.17, city t 2.40",
    "bak 4.20, esp 3.10, noo 11.90, dr 12.85, kind 350.40",
    "bak 3.60, esp 3.10, can 8.80, phar 7.45, org 24.00",
    "bak 5.10, kio 2.80, noo 12.40, gre 61.02, book 21.90",
    "bak 2.90, can 10.20, sus 58.50, fue 64.33",
    "bak 7.80, gre 88.64, dr 9.15, pool 13.50, esp 6.40, org 31.75",
    "bak 6.30, pool 11.00, esp 4.70, city t 4.80, gre 12.35, phar 16.90",
)
# Payee, amount, what is typed of the account and of the category, the category.
NEW = (
    ("Flower Corner", "14.90", "visa", "furn", "Furnishing"),
    ("Bike Repair Egon", "38.00", "wall", "sport", "Sport"),
    ("Puppet Theatre", "27.00", "visa", "cult", "Culture"),
    ("Honey from Ottakring", "9.50", "wall", "groc", "Groceries"),
)
# What is typed of the account that receives, the amount.
TRANSFERS = (("sav", "250"), ("wall", "120"), ("visa", "412.07"))
ACCOUNTS = {"sav": "Savings", "wall": "Wallet", "visa": "Visa card"}


class Typist:
    """Somebody at the keyboard, counted: `keys` of the entry that was begun, without the digits of its amounts."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, 0
        self.told: dict[str, list[tuple[str, int]]] = {}

    @contextmanager
    def entering(self, kind: str, what: str) -> Iterator[None]:
        """Count what is pressed within as one entry."""
        self.keys = 0
        yield
        self.told.setdefault(kind, []).append((what, self.keys))

    def press(self, *keys: str) -> None:
        """Press keys; of "Control+Enter" both count."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += len(key.split("+"))

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def amount(self, text: str) -> None:
        """Type an amount: its digits are free, its point is not."""
        self.page.keyboard.type(text)
        self.keys += sum(not sign.isdigit() for sign in text)

    def go(self, *keys: str) -> None:
        """Press what leads to another page, and look at it once its scripts have run."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.press(*keys)

    def save(self, keys: str = "Control+Enter") -> None:
        """Save, and agree if it looks like a duplicate."""
        self.go(keys)
        if self.page.locator("#alike").count():
            self.go("Enter")

    def stands_in(self, name: str) -> None:
        """Where the keys go now."""
        assert self.page.evaluate("document.activeElement.name") == name

    def tab_to(self, name: str) -> None:
        """Press Tab until the keys go there; it must not be far."""
        for _ in range(10):
            self.press("Tab")
            if self.page.evaluate("document.activeElement.name") == name:
                return
        raise AssertionError(f"{name} is out of reach")

    def table(self) -> str:
        """What was counted, kind by kind and entry by entry."""
        lines = ["", "keystrokes beside the amounts' digits"]
        for kind, entries in self.told.items():
            counts = [keys for _what, keys in entries]
            lines.append(f"{kind}: {len(counts)}, {min(counts)} to {max(counts)} each, {sum(counts)} in all")
            each = ", ".join(f"{what} {keys}" for what, keys in entries)
            lines += textwrap.wrap(each, 110, initial_indent="    ", subsequent_indent="    ")
        return "\n".join(lines)


class Demo:
    """The book of Ana and Ben, all three years of it."""

    def __init__(self) -> None:
        assert seed(AnaAndBen, PEOPLE, PASSWORD, lambda _said: None)
        with connections["owner"].cursor() as cursor:  # the tables of the tests have no autovacuum to do it
            cursor.execute("ANALYZE ledger_transaction, ledger_posting, ledger_payee, accounts_account")
        self.ana = User.objects.get(email=AnaAndBen.owner)
        with scope(self.ana.pk, None):
            self.book = Book.objects.get(memberships__user=self.ana)
        with self.scope():
            self.known = Transaction.objects.count()

    @contextmanager
    def scope(self) -> Iterator[None]:
        with scope(self.ana.pk, self.book.pk):
            yield

    def entered(self) -> list[str]:
        """What came in since, in the order it did: one line an entry, as `line` writes it."""
        with self.scope():
            rows = Transaction.objects.order_by("pk")[self.known :].select_related("payee", "book")
            return [
                line(row.date, row.payee.name if row.payee else "", *map(leg_in_words, journal.legs_of(row)))
                for row in rows
            ]


def line(day: datetime.date, payee: str, *legs: str) -> str:
    return f"{day} {payee}: {', '.join(legs)}"


def leg_in_words(leg: Leg) -> str:
    worth = "" if leg.weight is None else f" {leg.commodity.code} worth {leg.weight}"
    name = leg.account.name if leg.account.type != "income" else leg.account.full_name
    return f"{name} {leg.amount}{worth}"


@pytest.fixture
def demo(transactional_db: None) -> Demo:
    return Demo()


@pytest.mark.slow
def test_a_week_by_keyboard(window: Watched, demo: Demo) -> None:
    today = books.today(demo.book, timezone.now())
    window.log_in(demo.ana.email, PASSWORD)
    typist = Typist(window.page)
    typist.go("n")
    written = [*known_payees(typist, today), *new_payees(typist, today), *transfers(typist, today)]
    written.append(trip(typist, today))
    assert demo.entered() == written
    assert len(written) == 40 + 3 + 1

    correct_an_amount(typist)
    correct_a_category(typist)
    print(typist.table())
    put_right = {"Flower Corner": ("14.90", "41.90"), "Bookshop Amsel": (": Books", ": Gifts")}
    for payee, (wrong, right) in put_right.items():
        written = [text.replace(wrong, right) if payee in text else text for text in written]
    assert demo.entered() == written
    with demo.scope():
        since = Transaction.objects.order_by("pk")[demo.known :]
        assert {row.payee.name for row in since if row.version == 2 and row.payee} == set(put_right)
        assert list(since[43].tags.values_list("name", flat=True)) == ["japan-2026"]
    for kind in ("known payee", "known payee, another day"):
        assert max(keys for _what, keys in typist.told[kind]) <= 12


def known_payees(typist: Typist, today: datetime.date) -> Iterator[str]:
    """Type the days from the first: the payee's first letters, the amount, and on to the next."""
    for ago, shops in zip(range(len(WEEK) - 1, -1, -1), WEEK, strict=True):
        day = today - datetime.timedelta(ago)
        for n, (typed, amount) in enumerate(entry.rsplit(" ", 1) for entry in shops.split(", ")):
            typist.stands_in("payee")
            with typist.entering("known payee" if n else "known payee, another day", typed):
                if n == 0:
                    typist.press("Shift+Tab")
                    typist.type(str(day.day))
                    typist.press("Tab")
                typist.type(typed)
                typist.press("Tab")
                typist.amount(amount)
                typist.save()
            payee, paid, category = KNOWN[typed]
            yield line(day, payee, f"{category} {amount}", f"{paid} -{amount}")


def new_payees(typist: Typist, today: datetime.date) -> Iterator[str]:
    """Type payees whom nobody knows, with the account and the category."""
    for payee, amount, account, category, name in NEW:
        with typist.entering("new payee", payee):
            typist.type(payee)
            typist.press("Tab")
            typist.amount(amount)
            typist.press("Tab")
            typist.type(account)
            typist.press("Tab")
            typist.type(category)
            typist.save()
        yield line(today, payee, f"{name} {amount}", f"{ACCOUNTS[account]} -{amount}")


def transfers(typist: Typist, today: datetime.date) -> Iterator[str]:
    """Leave the form by keyboard, open the other one, and stay in it."""
    for n, (target, amount) in enumerate(TRANSFERS):
        with typist.entering("transfer", target):
            if n == 0:
                typist.press("Escape")  # out of the field, where t is a letter
                typist.go("t")
                typist.stands_in("source")
                typist.type("check")
                typist.press("Tab")
            typist.stands_in("target")
            typist.type(target)
            typist.press("Tab")
            typist.amount(amount)
            typist.save()
        yield line(today, "", f"Joint checking -{amount}", f"{ACCOUNTS[target]} {amount}")


def trip(typist: Typist, today: datetime.date) -> str:
    """Pay yen by a card that is kept in euros: laid out and tagged as last time, and one leg more."""
    with typist.entering("trip, split in yen and tagged", "nis"):
        typist.press("Escape")
        typist.go("n")
        typist.type("nis")
        typist.press("Tab")
        typist.amount("52.70")  # what the card was charged
        typist.go("Control+Enter")
        typist.stands_in("leg-0-amount")
        typist.amount("5300")
        typist.tab_to("leg-0-weight")
        typist.amount("34.20")
        typist.tab_to("leg-1-amount")
        typist.amount("0.60")
        typist.tab_to("leg-3-account")
        typist.type("sight")
        typist.tab_to("leg-3-amount")
        typist.amount("2800")
        typist.tab_to("leg-3-commodity")
        typist.type("jpy")
        typist.tab_to("leg-3-weight")
        typist.amount("17.90")
        typist.save()
    legs = "Food 5300 JPY worth 34.20", "Bank fees 0.60", "Visa card -52.70", "Sights 2800 JPY worth 17.90"
    return line(today, "Nishiki Market", *legs)


def find(typist: Typist, words: str) -> None:
    """Search from wherever one is, open the first row found, and change it."""
    typist.press("/")
    typist.type(words)
    typist.go("Enter")
    typist.press("j")
    typist.go("Enter")
    typist.go("e")
    typist.stands_in("amount")


def correct_an_amount(typist: Typist) -> None:
    with typist.entering("correction", "digits swapped"):
        typist.press("Escape")
        find(typist, "flower")
        typist.amount("41.90")
        typist.go("Enter")


def correct_a_category(typist: Typist) -> None:
    with typist.entering("correction", "another category"):
        find(typist, "amsel 21.90")
        typist.press("Tab", "Tab")
        typist.type("gif")
        typist.go("Control+Enter")
