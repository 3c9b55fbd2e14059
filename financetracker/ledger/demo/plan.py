"""What the books of a made-up household hold: pure Python, without a clock, a database or real chance.

A household writes its entries day by day and knows what each account holds on the way, so that a card is settled
to the cent and a balance assertion is right. The same figures come out every time, on every machine.
"""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.entries import Entry, Leg

NAMESPACE = uuid.UUID("5a0c2d4e-6f18-5b3a-9c7d-0e1f2a3b4c5d")
EVERY_MONTH = range(1, 13)
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAY = datetime.timedelta(days=1)


class AccountPlan(NamedTuple):
    """One account to open; `holds` are commodity codes, `columns` what else is known of it."""

    full_name: str
    type: str
    holds: tuple[str, ...] = ()
    columns: Mapping[str, Any] = {}


class CommodityPlan(NamedTuple):
    """One commodity besides the base; a currency's name and places come from ISO 4217."""

    code: str
    columns: Mapping[str, Any] = {}


class Chart(NamedTuple):
    """What the entries point at: accounts by full name, commodities by code."""

    accounts: Mapping[str, Account]
    commodities: Mapping[str, Commodity]


class Quote(NamedTuple):
    """What one unit of `code` was worth in the base commodity on a day."""

    code: str
    date: datetime.date
    value: Decimal


class Asserted(NamedTuple):
    """What the bank's paper said an account held at the end of a day."""

    account: str
    date: datetime.date
    code: str
    amount: Decimal


class Amendment(NamedTuple):
    """A transaction that was typed wrong at first, what it should have said, and why."""

    public_id: uuid.UUID
    entry: Entry
    reason: str


class Reversal(NamedTuple):
    """A transaction that is taken back on another day."""

    public_id: uuid.UUID
    date: datetime.date
    narration: str


@dataclass(slots=True)
class Plan:
    """Everything that is written into one household's book; `voided` maps a transaction to the reason."""

    entries: list[Entry] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    asserted: list[Asserted] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)
    reversals: list[Reversal] = field(default_factory=list)
    voided: dict[uuid.UUID, str] = field(default_factory=dict)
    locked_through: datetime.date | None = None


class Part(NamedTuple):
    """One leg in the tables' words: an account's full name, a signed amount, and what was paid for it."""

    account: str
    amount: Decimal
    code: str = ""
    weight: Decimal | None = None


class Bill(NamedTuple):
    """What comes every month (or in `months`) on the same day, or the first working day after it (at most 26).

    `rises` is by how many per mille it goes up each January. "{month}" in the narration is the month it is for.
    """

    day: int
    payee: str
    account: str
    cents: int
    narration: str
    paid: str
    months: Iterable[int] = EVERY_MONTH
    first: datetime.date = datetime.date.min
    last: datetime.date = datetime.date.max
    rises: int = 0
    code: str = ""


class Habit(NamedTuple):
    """What people buy now and then: the chance in percent for each day from Monday to Sunday, and the cents.

    Payees are named from the most to the least frequent, each with what is bought there; `paid` likewise lists
    accounts. Amounts are multiples of `step`.
    """

    account: str
    chances: tuple[int, int, int, int, int, int, int]
    low: int
    high: int
    payees: tuple[tuple[str, tuple[str, ...]], ...]
    paid: tuple[str, ...]
    step: int = 1
    beside: str = ""
    returned: int = 0


class Dice:
    """Numbers that look like chance and are the same everywhere: Knuth's linear congruence modulo 2^64.

    Python's own generator promises to repeat only its floats from one version to the next.
    """

    def __init__(self, seed: str) -> None:
        self.state = uuid.uuid5(NAMESPACE, seed).int & (2**64 - 1)

    def below(self, n: int) -> int:
        """Return a number from 0 to n - 1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return (self.state >> 33) % n

    def percent(self, chance: int) -> bool:
        """Return True in `chance` of 100 cases."""
        return self.below(100) < chance

    def between(self, low: int, high: int, step: int = 1) -> int:
        """Return a multiple of `step` from low to high, rather from the lower half: most purchases are small."""
        spread = (high - low) // step + 1
        return low // step * step + step * min(self.below(spread), self.below(spread))

    def rather_first[Thing](self, things: Sequence[Thing]) -> Thing:
        """Return one of the things, an earlier one more often than a later one."""
        return things[min(self.below(len(things)), self.below(len(things)))]

    def any_of[Thing](self, things: Sequence[Thing]) -> Thing:
        """Return one of the things, all alike."""
        return things[self.below(len(things))]


def cents(amount: int) -> Decimal:
    """Return 12.34 for 1234."""
    return Decimal(amount).scaleb(-2)


def working_day(year: int, month: int, day: int) -> datetime.date:
    """Return that day, or the Monday after it."""
    due = datetime.date(year, month, day)
    return due + DAY * max(0, 7 - due.weekday()) if due.weekday() > 4 else due


def month_name(day: datetime.date) -> str:
    """Return "March 2024", whatever language the machine speaks."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def month_end(day: datetime.date) -> bool:
    """Whether it is the last day of its month."""
    return (day + DAY).day == 1


class Household:
    """Keeps one household's books from the first day to the last. Subclasses say what happens on a day."""

    name: str
    owner: str
    base: str
    time_zone: str
    first: datetime.date
    last: datetime.date
    accounts: tuple[AccountPlan, ...]
    commodities: tuple[CommodityPlan, ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    bills: tuple[Bill, ...] = ()
    habits: tuple[Habit, ...] = ()
    checking: str
    wallet: str
    card: str
    card_payee: str
    cash_payee: str
    inflation = 2  # per mille a month

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.plan = Plan()
        self.held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.dice = {habit: Dice(f"{self.name}/{habit.account}/{habit.low}") for habit in self.habits}
        self.later: dict[datetime.date, list[tuple[str, str, Part, Part]]] = defaultdict(list)
        self.card_bill = Decimal(0)

    def keep(self) -> Plan:
        """Write everything down and return it."""
        self.open()
        for n in range((self.last - self.first).days + 1):
            day = self.first + DAY * n
            for payee, narration, *parts in self.later.pop(day, []):
                self.write(day, payee, narration, *parts)
            self.pay_bills(day)
            self.settle_card(day)
            self.live(day)
        return self.plan

    def open(self) -> None:
        """Write what there was on the first day."""
        raise NotImplementedError

    def live(self, day: datetime.date) -> None:
        """Write what happened on a day besides bills and the card's settlement."""
        raise NotImplementedError

    # --- Writing

    def write(
        self, day: datetime.date, payee: str, narration: str, *parts: Part, counted: bool = True, **columns: Any
    ) -> Entry:
        """Write one entry; the last part may be left to fill the rest, in the base, with an amount of zero.

        `counted` is False for what is voided later. Entries older than a month are cleared, save for a few.
        """
        number = len(self.plan.entries)
        if parts[-1].amount == 0:
            rest = money.total(part.amount if part.weight is None else part.weight for part in parts)
            parts = (*parts[:-1], parts[-1]._replace(amount=-rest))
        waits = (self.last - day).days < 31 or number % 229 == 57
        entry = Entry(
            day,
            [self.leg(part, "uncleared" if waits else "cleared") for part in parts],
            payee=payee,
            narration=narration,
            public_id=uuid.uuid5(NAMESPACE, f"{self.name}/{number}"),
            **columns,
        )
        self.plan.entries.append(entry)
        if counted:
            for part in parts:
                self.held[part.account, part.code or self.base] += part.amount
        return entry

    def leg(self, part: Part, state: str) -> Leg:
        """Turn a part into a leg of the chart."""
        return Leg(
            self.chart.accounts[part.account],
            part.amount,
            self.chart.commodities[part.code or self.base],
            part.weight,
            None if part.weight is None else self.chart.commodities[self.base],
            state=state,
        )

    def hold(self, account: str, code: str = "") -> Decimal:
        """Return what an account holds now."""
        return self.held[account, code or self.base]

    def prove(self, day: datetime.date, *accounts: tuple[str, str]) -> None:
        """Note what these accounts hold at the end of a day, as the bank's paper says it."""
        for account, code in accounts:
            self.plan.asserted.append(Asserted(account, day, code, self.hold(account, code)))

    # --- What every household does

    def pay_bills(self, day: datetime.date) -> None:
        """Pay what falls due today."""
        for bill in self.bills:
            if day.month not in bill.months or not bill.first <= day <= bill.last:
                continue
            if day != working_day(day.year, day.month, bill.day):
                continue
            amount = bill.cents
            for _year in range(max(bill.first, self.first).year, day.year):
                amount = amount * (1000 + bill.rises) // 10_000 * 10 if bill.rises else amount
            narration = bill.narration.format(month=month_name(day), year=day.year)
            code = bill.code.format(year=day.year, month=day.month)
            legs = Part(bill.account, cents(amount)), Part(bill.paid, -cents(amount))
            self.write(day, bill.payee, narration, *legs, code=code)

    def settle_card(self, day: datetime.date) -> None:
        """Close the card's bill on the 10th and pay it from the bank a week later."""
        if day.day == 10:
            self.card_bill = -self.hold(self.card)
        elif day == working_day(day.year, day.month, 17) and self.card_bill > 0:
            legs = Part(self.card, self.card_bill), Part(self.checking, -self.card_bill)
            self.write(day, self.card_payee, f"Card bill {month_name(day)}", *legs, code=f"{day:%Y-%m}")

    def buy(self, day: datetime.date) -> None:
        """Buy what people buy on such a day; some of it goes back to the shop."""
        months = (day.year - self.first.year) * 12 + day.month - self.first.month
        for habit in self.habits:
            dice = self.dice[habit]
            if not dice.percent(habit.chances[day.weekday()]):
                continue
            payee, things = dice.rather_first(habit.payees)
            narration, paid = dice.rather_first(things), dice.rather_first(habit.paid)
            amount = dice.between(habit.low, habit.high, habit.step)
            amount = amount * (1000 + self.inflation * months) // 1000 // habit.step * habit.step
            if paid == self.wallet and self.hold(self.wallet) < cents(amount) + 20:
                self.fetch_cash(day)
            legs = [Part(habit.account, cents(amount)), Part(paid, -cents(amount))]
            if habit.beside and dice.percent(14):
                aside = dice.between(200, max(220, amount // 3))
                legs[:1] = [Part(habit.account, cents(amount - aside)), Part(habit.beside, cents(aside))]
            self.write(day, payee, narration, *legs)
            if dice.percent(habit.returned) and paid != self.wallet:
                back = day + DAY * (6 + dice.below(15))
                refund = Part(paid, cents(amount)), Part(habit.account, -cents(amount))
                if back <= self.last:
                    self.later[back].append((payee, f"Refund: {narration or 'returned'}", *refund))

    def fetch_cash(self, day: datetime.date) -> None:
        """Take notes from the machine."""
        amount = Decimal(150 if day.month % 3 else 200)
        self.write(day, self.cash_payee, "Cash", Part(self.wallet, amount), Part(self.checking, -amount))
