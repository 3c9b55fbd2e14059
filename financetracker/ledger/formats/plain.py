"""Books as plain data: what every text format is read into and written from.

Amounts are exact `Decimal`s, debit positive; dates are days; accounts are full names ("Assets:Bank"),
commodities are codes. Line numbers count from 1 and take no part in comparisons; 0 means: stands in no file.
"""

import hashlib
import json
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from financetracker.ledger.money import decimals

AccountType = Literal["asset", "liability", "equity", "income", "expense"]
ACCOUNT_TYPES: tuple[AccountType, ...] = ("asset", "liability", "equity", "income", "expense")
State = Literal["uncleared", "cleared", "reconciled"]

# The widths of the columns these texts end in, so that a file is refused with its line and not by the database.
PAYEE_WIDTH, NARRATION_WIDTH, CODE_WIDTH, MEMO_WIDTH = 200, 500, 60, 500
ACCOUNT_WIDTH, TAG_WIDTH, COMMODITY_WIDTH = 120, 60, 24
ACCOUNT_DEPTH = 100

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class FormatError:
    """One thing wrong with a file: where, why and what to do, and the text it is about (shortened)."""

    file: str
    line: int
    reason: str
    text: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.reason}"


class Refused(Exception):
    """A file that is not read; `errors` holds everything found wrong with it, in the file's order."""

    def __init__(self, errors: Iterable[FormatError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: error.line))
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader did differently from the letter of the file, for the dry run to list."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting. `weight` is what it counts in the balance: the amount itself, or what was paid for it.

    `rounding` marks a leg that no file wrote: the rest of legs which add up only within the file's tolerance.
    """

    account: str
    amount: Decimal
    commodity: str
    weight: Decimal
    weight_commodity: str
    state: State = "uncleared"
    memo: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    rounding: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction. `status` is "", "!" or "*"; the weights of its legs sum to zero for each commodity."""

    date: date
    status: str = ""
    code: str = ""
    payee: str = ""
    narration: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    legs: tuple[Leg, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an account holds of one commodity at the end of a day. `position` is its place in the file."""

    account: str
    date: date
    commodity: str
    amount: Decimal
    include_children: bool = False
    tolerance: Decimal = Decimal(0)
    metadata: dict[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a commodity was worth in `quote` on a day; above zero."""

    commodity: str
    quote: str
    date: date
    value: Decimal
    metadata: dict[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class AccountDirective:
    """An account of the file, whether declared or only used. A reader always knows its type."""

    name: str
    type: AccountType | None = None
    notes: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class CommodityDirective:
    """A commodity declared by the file; `places` are the decimals it is shown with, `style` its sample amount."""

    code: str
    places: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    style: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Journal:
    """A whole set of books as text holds it. Entries stand in the order of the file."""

    entries: tuple[Entry, ...] = ()
    accounts: tuple[AccountDirective, ...] = ()
    commodities: tuple[CommodityDirective, ...] = ()
    prices: tuple[Price, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    remarks: tuple[Remark, ...] = field(default=(), compare=False)


def arranged(journal: Journal) -> Journal:
    """Put a journal into the order of its days: what a writer writes. Entries of one day keep their order."""
    return replace(
        journal,
        entries=tuple(sorted(journal.entries, key=lambda entry: entry.date)),
        prices=tuple(sorted(journal.prices, key=lambda price: (price.date, price.commodity, price.quote))),
        assertions=tuple(
            sorted(journal.assertions, key=lambda a: (a.date, a.account, a.commodity, a.include_children))
        ),
    )


def finest(journal: Journal) -> dict[str, int]:
    """Return every commodity that legs, assertions and prices name, and how many decimals it needs to be stored.

    Prices have digits of their own and ask for none.
    """
    places: dict[str, int] = {}
    for entry in journal.entries:
        for leg in entry.legs:
            places[leg.commodity] = max(decimals(leg.amount), places.get(leg.commodity, 0))
            places[leg.weight_commodity] = max(decimals(leg.weight), places.get(leg.weight_commodity, 0))
    for said in journal.assertions:
        places[said.commodity] = max(decimals(said.amount), places.get(said.commodity, 0))
    for price in journal.prices:
        places.setdefault(price.commodity, 0)
        places.setdefault(price.quote, 0)
    return places


def decode(data: bytes, *, filename: str) -> str:
    """Read bytes as UTF-8, with or without a byte order mark. Raises Refused with the line that is not."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The offset counts from behind a byte order mark, which holds no line break.
        line = data.count(b"\n", 0, error.start) + 1
        problem = FormatError(filename, line, "this line is not UTF-8 text: save the file as UTF-8")
        raise Refused([problem]) from None


def shortened(text: str) -> str:
    """Cut a line of a file to what an error may show."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def identify(journal: Journal) -> list[tuple[Entry, str]]:
    """Give each entry the key under which an import finds it again.

    An entry whose metadata holds a UUID under `id` (as our own exports do) has that as its key. Any other is known
    by its date, code, payee, narration and legs, and by its place among the entries of the file that share all of
    these. Layout, comments, tags, the order of legs and other entries have no say. The canonical text is fixed: a
    change to it would import people's files twice, so it carries a version.
    """
    seen: Counter[str] = Counter()
    keyed = []
    for entry in journal.entries:
        key = own_id(entry)
        if not key:
            digest = hashlib.sha256(_canonical(entry).encode()).hexdigest()
            seen[digest] += 1
            key = f"v1:{digest}:{seen[digest]}"
        keyed.append((entry, key))
    return keyed


def own_id(entry: Entry) -> str:
    """Return the UUID an entry carries as its `id`, in its usual spelling, or nothing."""
    try:
        return str(uuid.UUID(entry.metadata.get("id", "").strip()))
    except ValueError:
        return ""


def _canonical(entry: Entry) -> str:
    legs = sorted(
        [leg.account, plain_number(leg.amount), leg.commodity, plain_number(leg.weight), leg.weight_commodity]
        for leg in entry.legs
        if not leg.rounding
    )
    facts = [entry.date.isoformat(), entry.code, entry.payee, entry.narration, legs]
    return unicodedata.normalize("NFC", json.dumps(facts, ensure_ascii=False, separators=(",", ":")))


def plain_number(value: Decimal) -> str:
    """Write a number with the digits it needs and no exponent: 12.5, 100, -0.001."""
    return f"{value:.{decimals(value)}f}" if value else "0"
