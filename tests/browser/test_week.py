"""A week of a household, entered by somebody who never touches the mouse; every keystroke is counted."""

import datetime
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page

from financetracker.accounts import books
from financetracker.ledger.models import Posting, Transaction
from tests.browser.conftest import Watched
from tests.builders import Household

ADD = "/admin/ledger/transaction/add/"
LIST = "/admin/ledger/transaction/"

MORE_ACCOUNTS = (
    ("Assets:Savings", "asset"),
    ("Expenses:Transport", "expense"),
    ("Expenses:Eating out", "expense"),
    ("Expenses:Children", "expense"),
    ("Expenses:Travel", "expense"),
    ("Expenses:Household goods", "expense"),
)
# Whom the household knows, with the account and the category of the last time.
KNOWN = {
    "Greenmarket": ("Bank", "Food"),
    "Bakery Huber": ("Cash", "Food"),
    "City Transport": ("Card", "Transport"),
    "Noodle House": ("Card", "Eating out"),
    "Kindergarten": ("Bank", "Children"),
    "Drugstore": ("Card", "Household goods"),
}
# Day of the week from Monday, what is typed of the payee, the amount. What a week is like: some shops every day.
WEEK = [
    (day, payee, f"{3 + n}.{(37 * n + 11 * day) % 100:02}")
    for day in range(7)
    for n, payee in enumerate(("gre", "bak", "cit", "noo", "dru", "kin"))
    if (n + day) % 7 < 6 or payee in ("gre", "bak")
][:37]
NEW = (("Flower Corner", "14.90", "food"), ("Book Attic", "22.00", "children"), ("Lumen", "12.99", "eating"))
TRANSFERS = (("sav", "250"), ("sav", "75.50"), ("cash", "100"))


class Typist:
    """Somebody at the keyboard, counted: `keys` since the last `start`, `digits` of amounts beside them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = self.digits = 0
        self.told: list[tuple[str, int]] = []

    def start(self) -> None:
        self.keys = self.digits = 0

    def stop(self, kind: str) -> None:
        self.told.append((kind, self.keys))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += len(key.split("+"))

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def amount(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.digits += len(text)

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))

    def tab_to(self, is_there: Callable[[str], bool]) -> None:
        for _ in range(60):
            if is_there(self.focused()):
                return
            self.press("Tab")
        raise AssertionError(f"not reached by Tab, but {self.focused()}")

    def save(self, keys: str, *, leads_on: bool = True) -> None:
        """Save, agree if it looks like a duplicate, and wait for the page that follows."""
        before = self.page.locator("[name=public_id]").first.input_value()
        self.press(keys)
        self.page.wait_for_function(
            "before => document.querySelector('#alike')"
            " || document.querySelector('[name=public_id]')?.value !== before",
            arg=before,
        )
        if self.page.locator("#alike").count():
            with self.page.expect_navigation():
                self.press("Enter")
        if leads_on:
            self.page.wait_for_function("document.activeElement.name === 'payee'")


@pytest.mark.slow
def test_a_week_by_keyboard(window: Watched, home: Household) -> None:
    monday = datetime.date(2026, 3, 9)
    with home.scope():
        for full_name, type_ in MORE_ACCOUNTS:
            account = books.open_account(home.book, full_name, type_)
            home.accounts[account.name] = account
        for payee, (account, category) in KNOWN.items():
            home.post(f"{category} 1", f"{account} -1", payee=payee, date=monday - datetime.timedelta(20))
    page = window.log_in(home.owner.email)
    typist = Typist(page)
    window.go(ADD)
    today = None
    for day, payee, amount in WEEK:
        page.wait_for_function("document.activeElement.name === 'payee'")
        typist.start()
        if day != today:
            today = day
            typist.press("Shift+Tab")
            typist.type((monday + datetime.timedelta(day)).strftime("%d.%m.%y"))
            typist.press("Tab")
        typist.type(payee)
        typist.press("Tab")
        typist.amount(amount)
        typist.save("Control+Enter")
        typist.stop("known payee, another day" if typist.keys > 12 else "known payee")
    for payee, amount, category in NEW:
        typist.start()
        typist.type(payee)
        typist.press("Tab")
        typist.amount(amount)
        typist.press("Tab", "Tab")
        typist.type(category)
        typist.press("Tab")
        typist.save("Control+Enter")
        typist.stop("new payee")
    # On a day of its own, once with the rows, in another currency and split.
    typist.start()
    typist.type("Nishiki Market")
    typist.press("Tab")
    typist.tab_to(lambda name: name == "wide")
    with page.expect_navigation():
        typist.press("Enter")
    page.wait_for_function("document.activeElement.name === 'leg-0-account'")
    for account, yen, worth in (("travel", "12250", "74.70"), ("food", "4180", "25.49")):
        typist.type(account)
        typist.press("Tab")
        typist.amount(yen)
        typist.press("Tab")
        typist.type("jpy")
        typist.press("Tab")
        typist.amount(worth)
        typist.press("Tab", "Tab", "Tab", "Tab")
    typist.type("card")
    typist.press("Tab")
    typist.type("=")
    typist.save("Control+Enter")
    typist.stop("trip, split in yen")
    window.go(ADD)
    for into, amount in TRANSFERS:
        page.wait_for_function("document.activeElement.name === 'payee'")
        typist.start()
        typist.press("Tab")
        typist.amount(amount)
        typist.press("Tab")
        typist.type("bank")
        typist.press("Tab")
        typist.type(into)
        typist.press("Tab")
        typist.save("Control+Enter")
        typist.stop("transfer")
    with home.scope():
        wrong = list(Transaction.objects.filter(payee__name="Flower Corner")[:1])
        wrong += list(Transaction.objects.filter(payee__name="Book Attic")[:1])
    for row in wrong:
        window.go(f"{LIST}{row.pk}/change/")
        typist.start()
        typist.tab_to(lambda name: name == "amount")
        typist.amount("9.90")
        page.keyboard.press("Enter")
        typist.keys += 1
        page.wait_for_url(f"**{LIST}{row.pk}/")
        typist.stop("correction")
    kinds = dict.fromkeys(kind for kind, _keys in typist.told)
    for kind in kinds:
        counts = [keys for told, keys in typist.told if told == kind]
        print(
            f"{kind}: {len(counts)} entries, {min(counts)} to {max(counts)} keystrokes beside the amount's digits"
        )
    assert max(keys for kind, keys in typist.told if kind == "known payee") <= 12
    with home.scope():
        made = Transaction.objects.filter(date__gte=monday)
        assert made.count() == len(WEEK) + len(NEW) + 1 + len(TRANSFERS)
        assert made.filter(version=2).count() == 2
        assert Posting.objects.get(
            account__name="Card", transaction__payee__name="Nishiki Market"
        ).amount == Decimal("-100.19")
        spent = Posting.objects.filter(transaction__payee__name="Greenmarket", date__gte=monday)
        assert {leg.account.name for leg in spent.select_related("account")} == {"Bank", "Food"}
