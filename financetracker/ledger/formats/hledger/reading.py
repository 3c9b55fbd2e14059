"""What a reader knows half-way through a file: the directives in force, the names met, the problems found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from financetracker.ledger.formats.hledger.amounts import Amount, BadText, Codes, Marks
from financetracker.ledger.formats.hledger.balance import Draft
from financetracker.ledger.formats.plain import (
    ACCOUNT_DEPTH,
    ACCOUNT_WIDTH,
    AccountDirective,
    AccountType,
    Assertion,
    CommodityDirective,
    FormatError,
    Price,
    Remark,
    shortened,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, without its end, and its number."""

    number: int
    text: str


@dataclass(slots=True)
class Reading:
    """Everything gathered from the lines of one file, in their order."""

    filename: str
    codes: Codes
    default_year: int | None = None
    marks: Marks = field(default_factory=Marks)
    names: dict[str, str] = field(default_factory=dict)
    first_use: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, AccountDirective] = field(default_factory=dict)
    commodities: dict[str, CommodityDirective] = field(default_factory=dict)
    declared_places: dict[str, int] = field(default_factory=dict)
    default_places: dict[str, int] = field(default_factory=dict)
    seen_places: dict[str, int] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    prices: dict[tuple[str, str, date, str], Price] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    errors: list[FormatError] = field(default_factory=list)

    def error(self, line: int, reason: str, text: str = "") -> None:
        """Note a reason against the file."""
        self.errors.append(FormatError(self.filename, line, reason, shortened(text)))

    def remark(self, line: int, text: str) -> None:
        """Note something that is read differently from its letter."""
        self.remarks.append(Remark(line, text))

    def code(self, amount: Amount, line: int) -> str:
        """Return the code of an amount's commodity. A bare zero needs none, as in hledger."""
        symbol = amount.symbol or self.marks.default_symbol
        if not symbol and not amount.value:
            return self.codes.mapping.get("", "")
        return self.codes.of(symbol, line)

    def see(self, code: str, places: int) -> None:
        """Remember the most decimals met of a commodity: where no directive says so, they are its precision."""
        self.seen_places[code] = max(places, self.seen_places.get(code, 0))

    def precision(self) -> dict[str, int]:
        """Return the decimals hledger shows of each commodity; half of the last one is its tolerance."""
        return self.seen_places | self.default_places | self.declared_places

    def account(self, written: str, line: int) -> str:
        """Return an account's full name as the books have it. Raises BadText."""
        name = self.names.get(written)
        if name is None:
            name = self.names[written] = checked_name(" ".join(written.split()))
        self.first_use.setdefault(name, line)
        return name

    def rename(self, written: str, name: str) -> None:
        """Let a spelling that our export had to invent stand for an account's real name. Raises BadText."""
        if self.names.setdefault(written, checked_segments(name)) != name:
            raise BadText(f"“{shortened(written)}” is used before the directive that gives its real name")

    def used(self) -> Iterable[str]:
        """Give the full name of every account: declared ones first, each in the order of the file."""
        return dict.fromkeys([*self.accounts, *self.first_use])


def checked_name(name: str) -> str:
    """Return an account's name as a transaction writes it. Raises BadText."""
    if (name[:1], name[-1:]) in {("(", ")"), ("[", "]")}:
        raise BadText(
            "virtual postings (accounts in parentheses or brackets) are not read: they stand in no balance"
        )
    if " ;" in name:
        raise BadText("two spaces stand before a comment: with one, it would belong to the account's name")
    return checked_segments(name)


def checked_segments(name: str) -> str:
    """Return an account's full name if the books can hold it. Raises BadText."""
    segments = name.split(":")
    if len(segments) > ACCOUNT_DEPTH:
        raise BadText(f"this account lies deeper than {ACCOUNT_DEPTH} levels")
    for segment in segments:
        if not segment or segment != segment.strip():
            raise BadText(
                f"“{shortened(name)}” is no account: between colons stands a name without space around it"
            )
        if len(segment) > ACCOUNT_WIDTH:
            raise BadText(
                f"“{shortened(segment)}” is longer than the {ACCOUNT_WIDTH} characters of an account's name"
            )
    return name


def account_type(word: str) -> AccountType:
    """Return the type a `type:` tag declares. Raises BadText."""
    kind = _TYPES.get(word.lower())
    if kind is None:
        raise BadText(
            f"“{shortened(word)}” is not an account type: Asset, Liability, Equity, Revenue, Expense, Cash"
        )
    return kind


def type_of_root(name: str) -> AccountType | None:
    """Return the type hledger infers from the English name of a root account."""
    return _ROOTS.get(name.lower())


_TYPES: dict[str, AccountType] = {
    "a": "asset", "asset": "asset", "c": "asset", "cash": "asset",
    "l": "liability", "liability": "liability",
    "e": "equity", "equity": "equity", "v": "equity", "conversion": "equity",
    "r": "income", "revenue": "income",
    "x": "expense", "expense": "expense",
}  # fmt: skip

_ROOTS: dict[str, AccountType] = {
    "asset": "asset", "assets": "asset",
    "debt": "liability", "debts": "liability", "liability": "liability", "liabilities": "liability",
    "equity": "equity",
    "income": "income", "incomes": "income", "revenue": "income", "revenues": "income",
    "expense": "expense", "expenses": "expense",
}  # fmt: skip
