"""What postings mean together: amounts left out, prices, tolerance, balances asserted and assigned.

Follows hledger 1.25: days in their order, within a day the order of the file, within a transaction the order
of its postings, and the posting whose amount is left out last. Sums are exact: the caller sets `money.EXACT`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from itertools import groupby

from financetracker.ledger.formats.plain import Assertion, Entry, Leg, Remark, State, plain_number
from financetracker.ledger.money import MAX_SCALE, WHOLE_DIGITS, decimals

_ZERO = Decimal(0)
_FINEST = Decimal(1).scaleb(-MAX_SCALE)


@dataclass(frozen=True, slots=True)
class Asserted:
    """A balance written behind a posting; `total` says that there is nothing else in the account."""

    code: str
    value: Decimal
    inclusive: bool
    total: bool
    text: str


@dataclass(slots=True)
class DraftLeg:
    """A posting as written. Without an amount it is computed, from its asserted balance or from the others."""

    line: int
    account: str
    amount: Decimal | None = None
    code: str = ""
    places: int = 0
    price: Decimal | None = None
    price_code: str = ""
    total: bool = False
    asserted: Asserted | None = None
    state: State = "uncleared"
    memo: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    rounding: bool = False
    weight: Decimal = _ZERO
    weight_code: str = ""

    def notes(self, text: str) -> None:
        """Keep an assertion that cannot stand as one of the books in the posting's metadata."""
        before = self.metadata.get("assertion")
        self.metadata["assertion"] = f"{before}, {text}" if before else text


@dataclass(slots=True)
class Draft:
    """A transaction whose legs are still as written. A silent one only carries assertions of our own export."""

    entry: Entry
    legs: list[DraftLeg] = field(default_factory=list)
    silent: bool = False


class _Unbalanced(ValueError):
    """Why a transaction cannot stand; the message is for a person."""


@dataclass(slots=True)
class Settled:
    """The transactions and assertions of a file, and what was found on the way."""

    entries: tuple[Entry, ...] = ()
    assertions: list[Assertion] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


class Holdings:
    """What every account holds as the days go by; with its sub-accounts where an assertion asks for that."""

    def __init__(self, inclusive: Iterable[str]) -> None:
        self._own: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        self._tree: dict[str, defaultdict[str, Decimal]] = {name: defaultdict(Decimal) for name in inclusive}

    def add(self, account: str, code: str, amount: Decimal) -> None:
        """Book an amount."""
        self._own[account][code] += amount
        if self._tree:
            name = account
            while name:
                if name in self._tree:
                    self._tree[name][code] += amount
                name = name.rpartition(":")[0]

    def of(self, account: str, *, inclusive: bool) -> defaultdict[str, Decimal]:
        """Return what an account holds of each commodity; `inclusive` only for the accounts named at the start."""
        return self._tree[account] if inclusive else self._own[account]


@dataclass(slots=True)
class _Books:
    """The books as the days go by, and the rules of the file they come from."""

    precision: dict[str, int]
    rounding_account: str
    holdings: Holdings
    settled: Settled = field(default_factory=Settled)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def remark(self, line: int, text: str) -> None:
        self.settled.remarks.append(Remark(line, text))


def settle(drafts: Sequence[Draft], precision: dict[str, int], rounding_account: str) -> Settled:
    """Turn drafts into entries whose weights sum to zero, and check what is asserted of balances.

    `precision` holds the decimals hledger shows of each commodity: half of the last one may stay open. Entries
    come back in the order of the drafts. Problems are collected, each with its line; assertions are not judged
    where a transaction does not balance. With any problem the entries are of no use.
    """
    asserted = (leg for draft in drafts for leg in draft.legs if leg.asserted and leg.asserted.inclusive)
    books = _Books(precision, rounding_account, Holdings(leg.account for leg in asserted))
    entries: dict[int, Entry] = {}
    order = sorted(range(len(drafts)), key=lambda i: drafts[i].entry.date)
    for _, day in groupby(order, key=lambda i: drafts[i].entry.date):
        numbers = list(day)
        for i in numbers:
            try:
                drafts[i].legs = _balanced(drafts[i], books)
            except _Unbalanced as problem:
                books.settled.problems.append((drafts[i].entry.line, str(problem)))
        for i in numbers:
            _close_day(drafts[i], books)
            if legs := _legs(drafts[i], books):
                entries[i] = replace(drafts[i].entry, legs=legs)
            elif not drafts[i].silent:
                books.remark(drafts[i].entry.line, "a transaction that moves nothing is left out")
    books.settled.problems = books.settled.problems or books.failed
    books.settled.entries = tuple(entries[i] for i in sorted(entries))
    return books.settled


def _balanced(draft: Draft, books: _Books) -> list[DraftLeg]:
    """Compute what the postings leave open. Raises _Unbalanced."""
    open_legs = _open_legs(draft)
    for leg in draft.legs:
        if not open_legs or leg is not open_legs[0]:
            _take(leg, books)
            _weigh(leg)
    written = [leg for leg in draft.legs if leg.amount]
    rest = _sums(written)
    if open_legs:
        filled = _fill(open_legs[0], written, rest)
        for leg in filled:
            books.holdings.add(leg.account, leg.code, leg.weight)
        if not filled:
            books.remark(open_legs[0].line, f"a posting of zero to {open_legs[0].account} is left out")
        at = next(i for i, leg in enumerate(draft.legs) if leg is open_legs[0])
        return [*draft.legs[:at], *filled, *draft.legs[at + 1 :]]
    if rest and _exchange(written, rest):
        return draft.legs
    return [*draft.legs, *_absorb(written, rest, draft.entry.line, books)]


def _open_legs(draft: Draft) -> list[DraftLeg]:
    """Return the posting whose amount the others decide, if there is one. Raises _Unbalanced."""
    missing = [leg for leg in draft.legs if leg.amount is None]
    open_legs = [leg for leg in missing if leg.asserted is None]
    if len(open_legs) > 1:
        raise _Unbalanced(
            f"the amount is left out of {len(open_legs)} postings, and only one can be computed "
            "(two spaces stand between an account and its amount)"
        )
    for leg in missing:
        if leg.asserted and any(other.price is not None for other in draft.legs):
            raise _Unbalanced(
                f"line {leg.line} assigns a balance beside a price, which hledger 1.25 would forget: "
                "write the amount in front of ="
            )
        if leg.asserted and leg.asserted.total:
            raise _Unbalanced(f"line {leg.line}: == without an amount is not read: write the amount, or = instead")
    return open_legs


def _take(leg: DraftLeg, books: _Books) -> None:
    """Book a posting's amount, computing it from the balance it assigns, and check the balance it asserts."""
    asserted, holdings = leg.asserted, books.holdings
    if leg.amount is None and asserted:
        leg.code = asserted.code
        leg.amount = asserted.value - holdings.of(leg.account, inclusive=asserted.inclusive)[asserted.code]
        leg.places = decimals(leg.amount)
    amount = leg.amount or _ZERO
    if amount:
        holdings.add(leg.account, leg.code, amount)
    if asserted:
        held = holdings.of(leg.account, inclusive=asserted.inclusive)
        others = [code for code, value in held.items() if value and code != asserted.code]
        if held[asserted.code] != asserted.value:
            books.failed.append((leg.line, _failed(leg, asserted, held[asserted.code])))
        elif asserted.total and others:
            books.failed.append((leg.line, f"{leg.account} also holds {', '.join(others)} here, which == denies"))


def _failed(leg: DraftLeg, asserted: Asserted, held: Decimal) -> str:
    with_children = " with its sub-accounts" if asserted.inclusive else ""
    return (
        f"{leg.account}{with_children} holds {plain_number(held)} {asserted.code} here, not the asserted "
        f"{plain_number(asserted.value)} (off by {plain_number(asserted.value - held)})"
    )


def _weigh(leg: DraftLeg) -> None:
    """Set what a posting counts in the balance. Raises _Unbalanced."""
    amount = leg.amount or _ZERO
    leg.weight, leg.weight_code = amount, leg.code
    if leg.price is None:
        return
    if leg.price < 0:
        raise _Unbalanced(f"line {leg.line}: a price is not below zero")
    if leg.price_code == leg.code:
        raise _Unbalanced(f"line {leg.line}: {leg.code} has a price in itself")
    if not amount and leg.total and leg.price:
        raise _Unbalanced(f"line {leg.line}: nothing was bought, but it has a price")
    leg.weight_code = leg.price_code
    leg.weight = leg.price.copy_sign(amount) if leg.total else amount * leg.price
    if not leg.weight:
        leg.weight = _ZERO


def _sums(legs: Iterable[DraftLeg]) -> dict[str, Decimal]:
    """Return what the weights leave open of each commodity."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for leg in legs:
        sums[leg.weight_code] += leg.weight
    return {code: value for code, value in sums.items() if value}


def _fill(leg: DraftLeg, others: Iterable[DraftLeg], rest: dict[str, Decimal]) -> list[DraftLeg]:
    """Give the posting without an amount what is open, with every digit: a leg for each commodity.

    Raises _Unbalanced if that takes more digits than the books hold.
    """
    for value in [*(other.weight for other in others), *rest.values()]:
        if decimals(value) > MAX_SCALE:
            raise _Unbalanced(
                f"line {leg.line}: the amount left out needs {plain_number(value)}, which has more than "
                f"{MAX_SCALE} decimal places: write it, or give whole prices after @@"
            )
    return [
        replace(leg, amount=amount, code=code, weight=amount, weight_code=code, metadata=dict(leg.metadata))
        for code, amount in sorted((code, trimmed(-value)) for code, value in rest.items())
    ]


def trimmed(value: Decimal) -> Decimal:
    """Take off the zeros that a product ends in."""
    return value.quantize(Decimal(1).scaleb(-decimals(value)))


def _round_weights(legs: Iterable[DraftLeg]) -> None:
    """Bring products with more digits than the books hold to the finest they do; what that leaves is absorbed."""
    for leg in legs:
        if decimals(leg.weight) > MAX_SCALE:
            leg.weight = leg.weight.quantize(_FINEST, ROUND_HALF_EVEN)


def _exchange(legs: Sequence[DraftLeg], rest: dict[str, Decimal]) -> bool:
    """Let two commodities without a price pay for each other, as hledger does; return whether they do.

    The legs of the commodity that comes first are weighed in the other, in proportion, and sum to it exactly.
    """
    if len(rest) != 2 or any(leg.price is not None for leg in legs):
        return False
    if len({value > 0 for value in rest.values()}) == 1:
        raise _Unbalanced("two commodities without a price both have the same sign: one is paid for the other")
    first = next(leg.code for leg in legs if leg.code in rest)
    other = next(code for code in rest if code != first)
    payers = [leg for leg in legs if leg.code == first]
    places = max(leg.places for leg in legs if leg.code == other)
    weights = shared(-rest[other], [leg.amount or _ZERO for leg in payers], places)
    for leg, weight in zip(payers, weights, strict=True):
        leg.weight, leg.weight_code = weight, other
    return True


def shared(total: Decimal, amounts: Sequence[Decimal], places: int) -> list[Decimal]:
    """Share a total out in proportion to signed amounts, whose sum is not zero; the parts sum to it exactly.

    Parts have `places` decimals, more if one would otherwise vanish; the largest amount takes what is left over.
    """
    if len(amounts) == 1:
        return [total]
    whole = sum(amounts, _ZERO)
    largest = max(range(len(amounts)), key=lambda i: abs(amounts[i]))
    while True:
        unit = Decimal(1).scaleb(-places)
        parts = [(total * amount / whole).quantize(unit, ROUND_DOWN) for amount in amounts]
        parts[largest] += total - sum(parts, _ZERO)
        if all(parts) or places >= MAX_SCALE:
            return parts
        places += 1


def _absorb(legs: Sequence[DraftLeg], rest: dict[str, Decimal], line: int, books: _Books) -> list[DraftLeg]:
    """Take in what is open within the tolerance: into a priced leg's weight, else as legs of their own.

    Half of the last decimal may be open that hledger shows of the commodity in this file. Where a price is part
    of the sum, half of the last decimal of this transaction will do too, as in later versions of hledger, but
    not half of a whole unit. A weight with a price for one unit gives way before one with a whole price, a larger
    before a smaller. Raises _Unbalanced.
    """
    for code, value in rest.items():
        allowed = [books.precision[code]] if code in books.precision else []
        own = [leg.places for leg in legs if leg.price is None and leg.code == code and leg.places]
        if own and any(leg.price is not None and leg.weight_code == code for leg in legs):
            allowed.append(max(own))
        if not any(abs(value) <= Decimal(5).scaleb(-places - 1) for places in allowed):
            raise _Unbalanced(_off(rest))
    _round_weights(legs)
    extra = []
    for code, value in sorted(_sums(legs).items()):
        if priced := [leg for leg in legs if leg.price is not None and leg.weight_code == code]:
            _give_way(priced, value)
            continue
        extra.append(DraftLeg(line, books.rounding_account, -value, code, weight=-value, weight_code=code))
        extra[-1].rounding = True
        books.remark(line, f"the {plain_number(value)} {code} its legs leave open go to {books.rounding_account}")
    return extra


def _give_way(priced: Sequence[DraftLeg], value: Decimal) -> None:
    """Put what is open into one weight. Raises _Unbalanced if that would turn its sign."""
    leg = max(priced, key=lambda leg: (not leg.total, abs(leg.weight)))
    weight = leg.weight - value
    if weight and (weight > 0) != ((leg.amount or _ZERO) > 0):
        raise _Unbalanced(f"what is open, {plain_number(value)} {leg.weight_code}, is more than any price holds")
    leg.weight = weight


def _off(rest: dict[str, Decimal]) -> str:
    sums = ", ".join(f"{plain_number(value)} {code}" for code, value in sorted(rest.items()))
    return f"this transaction does not balance: its postings sum to {sums}"


def _close_day(draft: Draft, books: _Books) -> None:
    """Keep each assertion of a transaction as one of the end of its day if it still holds there, else as text."""
    for leg in draft.legs:
        asserted = leg.asserted
        if not asserted:
            continue
        held = books.holdings.of(leg.account, inclusive=asserted.inclusive)
        others = [code for code in held if code != asserted.code] if asserted.total else []
        if held[asserted.code] == asserted.value and not any(held[code] for code in others):
            for code in [asserted.code, *others]:
                books.settled.assertions.append(
                    Assertion(
                        account=leg.account,
                        date=draft.entry.date,
                        commodity=code,
                        amount=asserted.value if code == asserted.code else _ZERO,
                        include_children=asserted.inclusive,
                        metadata={} if leg.amount else _metadata(leg),
                        line=leg.line,
                    )
                )
        elif leg.amount:
            leg.notes(asserted.text)
        else:
            books.remark(
                leg.line, f"{leg.account} {asserted.text} holds here but not at the end of the day: left out"
            )


def _metadata(leg: DraftLeg) -> dict[str, str]:
    """Return what the comment of a posting of zero says, for the assertion that takes its place."""
    return leg.metadata | ({"memo": leg.memo} if leg.memo else {})


def _legs(draft: Draft, books: _Books) -> tuple[Leg, ...]:
    """Return the legs that move something."""
    legs = []
    for leg in draft.legs:
        amount = leg.amount or _ZERO
        if not amount:
            if not leg.asserted:
                books.remark(leg.line, f"a posting of zero to {leg.account} is left out")
            continue
        if max(abs(amount), abs(leg.weight)).adjusted() >= WHOLE_DIGITS:
            books.settled.problems.append((leg.line, f"an amount here has more than {WHOLE_DIGITS} digits"))
        legs.append(
            Leg(
                account=leg.account,
                amount=amount,
                commodity=leg.code,
                weight=trimmed(leg.weight) if leg.price is not None else leg.weight,
                weight_commodity=leg.weight_code,
                state=leg.state,
                memo=leg.memo,
                metadata=leg.metadata,
                rounding=leg.rounding,
                line=leg.line,
            )
        )
    return tuple(legs)
