"""Clara in Seattle, her own books in dollars: a year, a few hundred entries. Nobody else may see them."""

import datetime
from decimal import Decimal

from financetracker.ledger import money
from financetracker.ledger.demo.plan import (
    AccountPlan,
    Bill,
    Habit,
    Household,
    Part,
    month_end,
    month_name,
    working_day,
)

CHECKING = "Assets:Cascade Checking"
SAVINGS = "Assets:Cascade Savings"
WALLET = "Assets:Wallet"
CARD = "Liabilities:Rewards card"
OPENING = "Equity:Opening balances"

ACCOUNTS = (
    AccountPlan(CHECKING, "asset", ("USD",)),
    AccountPlan(SAVINGS, "asset", ("USD",)),
    AccountPlan(WALLET, "asset", ("USD",)),
    AccountPlan(CARD, "liability", ("USD",)),
    AccountPlan("Income:Salary", "income", ("USD",)),
    *(
        AccountPlan(f"Expenses:{name}", "expense", ("USD",))
        for name in (
            "Federal tax", "Social security", "Medicare", "Rent", "Groceries", "Eating out", "Utilities",
            "Transit", "Fun", "Pharmacy",
        )
    ),
    AccountPlan(OPENING, "equity"),
)  # fmt: skip

BILLS = (
    Bill(1, "Fremont Apartments", "Expenses:Rent", 158_000, "Rent {month}", CHECKING),
    Bill(5, "Sound Power", "Expenses:Utilities", 7_140, "Power {month}", CHECKING),
    Bill(8, "Fiberline", "Expenses:Utilities", 5_500, "Internet {month}", CARD),
    Bill(12, "Metro Transit", "Expenses:Transit", 9_900, "Pass {month}", CARD),
    Bill(21, "Lumen Films", "Expenses:Fun", 1_549, "Films {month}", CARD),
)

HABITS = (
    Habit("Expenses:Groceries", (20, 15, 22, 15, 28, 46, 20), 1_200, 9_800,
          (("Harbor Market", ("", "Weekly shop")), ("Ballard Co-op", ("",))), (CARD, CARD, CHECKING)),
    Habit("Expenses:Eating out", (14, 14, 18, 18, 34, 36, 24), 550, 5_400,
          (("Pine Street Coffee", ("",)), ("Taqueria Luz", ("", "With Sam")), ("Noodle Pier", ("",))),
          (CARD, WALLET)),
    Habit("Expenses:Fun", (2, 2, 4, 4, 10, 18, 12), 1_200, 8_000,
          (("Market Street Cinema", ("Movie",)), ("Elliott Books", ("", "Novel"))), (CARD,), returned=15),
    Habit("Expenses:Pharmacy", (3, 3, 3, 3, 4, 5, 0), 600, 4_500, (("Corner Pharmacy", ("",)),), (CARD,)),
)  # fmt: skip


class Clara(Household):
    """The second household."""

    name = "Clara"
    owner = "clara@example.org"
    base = "USD"
    time_zone = "America/Los_Angeles"
    first, last = datetime.date(2025, 11, 1), datetime.date(2026, 10, 31)
    accounts, bills, habits = ACCOUNTS, BILLS, HABITS
    checking, wallet, card = CHECKING, WALLET, CARD
    card_payee = cash_payee = "Cascade Bank"

    def open(self) -> None:
        """Begin with what there was on the first of November 2025."""
        for account, amount in (CHECKING, 4_210), (SAVINGS, 9_800), (WALLET, 60):
            self.write(
                self.first, "", "Opening balance", Part(account, Decimal(amount)), Part(OPENING, Decimal(0))
            )

    def live(self, day: datetime.date) -> None:
        """Write what happened on a day: pay twice a month, savings, and what she buys."""
        if day in (working_day(day.year, day.month, 12), working_day(day.year, day.month, 26)):
            gross = Decimal("2412.00")
            shares = (("Federal tax", "0.118"), ("Social security", "0.062"), ("Medicare", "0.0145"))
            held = [Part(f"Expenses:{name}", money.round_to(gross * Decimal(rate), 2)) for name, rate in shares]
            pay = Part("Income:Salary", -gross), *held, Part(CHECKING, Decimal(0))
            self.write(day, "Puget Analytics", f"Pay {month_name(day)}", *pay)
        if day == working_day(day.year, day.month, 2) and self.hold(CHECKING) > 3_500:
            self.write(day, "", "To savings", Part(SAVINGS, Decimal(400)), Part(CHECKING, Decimal(-400)))
        self.buy(day)
        if month_end(day) and day.month % 3 == 0:
            self.prove(day, (CHECKING, ""), (SAVINGS, ""))
