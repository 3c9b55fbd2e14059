"""A ledger of dictionaries and fractions: what a book must say after each step, and which refusals would be true.

Written from the glossary, with no code of `financetracker`: days are small numbers, accounts and commodities are
names, amounts are Fractions, a transaction is a frozen value that a change replaces. Each verb returns the names
of all rules that the attempt breaks: the books must refuse with one of them, or accept if there is none.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

WRITERS = frozenset({"owner", "editor"})
BOUND = Fraction(10) ** 20
STRANGE = "~"  # before the name of an account: the one of that name in the other book

_LINE = re.compile(
    r"(?P<mark>[*!]?)(?P<account>~?[A-Za-z]+) (?P<amount>-?[0-9.]+)(?: (?P<code>[A-Z]+))?"
    r"(?: @@ (?P<weight>-?[0-9.]+) (?P<weight_code>[A-Z]+))?"
)
_STATES = {"": "uncleared", "*": "cleared", "!": "reconciled"}


@dataclass(frozen=True)
class Line:
    """A leg as somebody writes it: `Cash -12.50`, `*Depot 10 HOOL @@ 33.33 USD`; * is cleared, ! reconciled."""

    account: str
    amount: Decimal | Fraction
    commodity: str
    weight: Decimal | Fraction
    weight_commodity: str
    state: str = "uncleared"

    @property
    def exchanges(self) -> bool:
        return (self.weight, self.weight_commodity) != (self.amount, self.commodity)


def read(text: str) -> Line:
    """Read one line. Without a commodity it is in EUR; the weight is signed as written."""
    found = _LINE.fullmatch(text)
    assert found, f"not a line: {text}"
    amount, code = Decimal(found["amount"]), found["code"] or "EUR"
    weight = Decimal(found["weight"]) if found["weight"] else amount
    return Line(found["account"], amount, code, weight, found["weight_code"] or code, _STATES[found["mark"]])


@dataclass(frozen=True)
class Account:
    """What an account takes: legs on the days it is open, in the commodities of `holds` (none named: in any)."""

    opened: int | None = None
    closed: int | None = None
    group: bool = False
    holds: frozenset[str] = frozenset()

    def is_open(self, day: int) -> bool:
        return (self.opened is None or self.opened <= day) and (self.closed is None or day <= self.closed)


@dataclass(frozen=True)
class Leg:
    """A leg in the books. `key` counts the legs of a book in the order in which they were added."""

    key: int
    position: int
    account: str
    amount: Fraction
    commodity: str
    weight: Fraction
    weight_commodity: str
    state: str

    @property
    def moves(self) -> tuple[object, ...]:
        """What a lock and a reconciled state fix."""
        return self.account, self.amount, self.commodity, self.weight, self.weight_commodity


@dataclass(frozen=True)
class Entry:
    """A transaction that somebody wants to write. `key` is its public id as a number."""

    key: int
    day: int
    lines: tuple[Line, ...]
    payee: str = ""
    narration: str = ""
    tags: tuple[str, ...] = ()
    reverses: int | None = None

    @property
    def figures(self) -> tuple[object, ...]:
        """What must be equal for a second submission to be the first one again."""
        lines = [
            (line.account, line.amount, line.commodity, line.weight, line.weight_commodity) for line in self.lines
        ]
        return self.day, self.payee, self.narration, lines


@dataclass(frozen=True)
class Transaction:
    key: int
    day: int
    legs: tuple[Leg, ...]
    payee: str
    narration: str
    tags: frozenset[str]
    version: int = 1
    voided: bool = False
    reverses: int | None = None

    @property
    def facts(self) -> tuple[object, ...]:
        """What its typed history keeps."""
        return self.day, self.payee, self.narration, self.version, self.voided, self.reverses

    def leg_facts(self) -> dict[int, tuple[object, ...]]:
        """What the typed history of its legs keeps, by the leg's key."""
        return {
            leg.key: (self.key, leg.position, self.day, self.voided, *leg.moves, leg.state) for leg in self.legs
        }


type State = Mapping[int, Transaction]
type News = tuple[object, ...]


@dataclass
class PlainLedger:
    """One book. `roles` says who may do what, `scales` how many decimals a commodity stores."""

    roles: Mapping[str, str]
    scales: Mapping[str, int]
    accounts: dict[str, Account]
    locked: int | None = None
    transactions: dict[int, Transaction] = field(default_factory=dict)
    written: dict[int, Entry] = field(default_factory=dict)
    payees: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    legs: int = 0
    # What history gained by the last verb, and what the books said after each verb that moved something.
    news: Counter[News] = field(default_factory=Counter)
    past: list[State] = field(default_factory=list)

    # --- Verbs: each returns the broken rules, none if it was done

    def post(self, who: str, entry: Entry, *, taken: Iterable[int] = (), aware: bool = True) -> set[str]:
        """`aware` says that the writer sees the chart as it is; else only the books themselves can refuse for it.

        `taken` are public ids that are spent in another book.
        """
        self.news.clear()
        broken = self._not_writer(who) | self._wrong_lines(entry.lines)
        if entry.key not in self.written:
            broken |= self._wrong_places(entry.day, entry.lines) | self._locked(entry.day) | self._reversed(entry)
            if entry.key in taken:
                broken.add("submission_is_used_once")
        else:
            if aware:
                broken |= self._wrong_places(entry.day, entry.lines)
            if entry.figures != self.written[entry.key].figures:
                broken.add("submission_is_used_once")
        if not broken and entry.key not in self.written:
            self._add(who, entry)
            self._remember()
        return broken

    def post_many(
        self, who: str, entries: Sequence[Entry], *, taken: Iterable[int] = (), aware: bool = True
    ) -> set[str]:
        self.news.clear()
        broken, new = self._not_writer(who), {}
        for entry in entries:
            broken |= self._wrong_lines(entry.lines)
            if aware or entry.key not in self.written:
                broken |= self._wrong_places(entry.day, entry.lines)
            if entry.key not in self.written:
                broken |= self._locked(entry.day)
                if entry.key in taken:
                    broken.add("submission_is_used_once")
                new.setdefault(entry.key, entry)
        if not broken:
            for entry in new.values():
                self._add(who, entry)
            if new:
                self._remember()
        return broken

    def amend(
        self, who: str, entry: Entry, kept: Sequence[int | None], *, version: int, reason: str = ""
    ) -> set[str]:
        """`kept` names, for each line, the key of the leg that it replaces; None is a new leg."""
        self.news.clear()
        before = self.transactions[entry.key]
        broken = self._not_writer(who) | self._wrong_lines(
            [
                replace(line, state="uncleared") if key else line
                for line, key in zip(entry.lines, kept, strict=True)
            ]
        )
        broken |= self._wrong_places(entry.day, entry.lines)
        if version != before.version:
            broken.add("transaction_version")
        if before.voided:
            broken.add("transaction_is_void")
        own = {leg.key: leg for leg in before.legs}
        named = [key for key in kept if key is not None]
        if len(set(named)) < len(named) or not own.keys() >= set(named):
            return broken | {"posting_references_stay_in_book"}
        legs, fresh = [], self.legs
        for position, (line, key) in enumerate(zip(entry.lines, kept, strict=True)):
            if key is None:
                fresh += 1
            state = line.state if key is None else own[key].state
            legs.append(_leg(fresh if key is None else key, position, line, state))
        after = replace(
            before,
            day=entry.day,
            legs=tuple(legs),
            payee=entry.payee,
            narration=entry.narration,
            tags=frozenset(entry.tags),
            version=before.version + 1,
        )
        broken |= self._fixed(before, after)
        if not broken:
            self.legs = fresh
            self._names(who, entry, reason)
            for tag in before.tags ^ after.tags:
                self._note("ledger_transactiontag", "insert" if tag in after.tags else "delete", who, reason)
            self._replace(who, after, reason)
        return broken

    def set_voided(self, who: str, key: int, voided: bool, *, version: int, reason: str = "") -> set[str]:
        self.news.clear()
        before = self.transactions[key]
        after = replace(before, voided=voided, version=before.version + 1)
        broken = self._not_writer(who) | self._fixed(before, after)
        if version != before.version:
            broken.add("transaction_version")
        if before.voided == voided:
            broken.add("transaction_is_void")
        if not voided:
            if not all(self.accounts[leg.account].is_open(before.day) for leg in before.legs):
                broken.add("posting_account_is_open")
            if before.reverses is not None and self._is_reversed(before.reverses, besides=key):
                broken.add("transaction_is_reversed_once")
        if not broken:
            self._replace(who, after, reason)
        return broken

    def reverse(
        self, who: str, key: int, *, new_key: int, day: int, narration: str, version: int | None
    ) -> set[str]:
        self.news.clear()
        original = self.transactions[key]
        lines = tuple(
            Line(leg.account, -leg.amount, leg.commodity, -leg.weight, leg.weight_commodity)
            for leg in original.legs
        )
        entry = Entry(new_key, day, lines, original.payee, narration, tuple(sorted(original.tags)), key)
        broken = self._not_writer(who)
        if original.voided:
            broken.add("transaction_is_void")
        if version not in (None, original.version):
            broken.add("transaction_version")
        return broken or self.post(who, entry)

    def clear(self, who: str, legs: Iterable[tuple[int, int]], state: str) -> tuple[set[str], int]:
        """`legs` are pairs of a transaction's key and a leg's. Returns how many changed, too."""
        self.news.clear()
        broken, chosen = self._not_writer(who), set(legs)
        states = {self._find(pair).state for pair in chosen}
        if "reconciled" in states | {state}:
            broken.add("reconciled_posting_is_fixed")
        changed = {pair for pair in chosen if self._find(pair).state != state}
        if not broken:
            self._set_state(who, changed, state)
        return broken, len(changed)

    def reconcile(self, who: str, legs: Iterable[tuple[int, int]]) -> None:
        self.news.clear()
        self._set_state(who, {pair for pair in legs if self._find(pair).state != "reconciled"}, "reconciled")

    def lock_through(self, who: str, day: int, reason: str = "") -> set[str]:
        self.news.clear()
        broken = self._not_owner(who)
        if self.locked is not None and self.locked > day:
            broken.add("period_is_open")
        if not broken and day != self.locked:
            self.locked = day
            self._note("accounts_book", "update", who, reason)
        return broken

    def unlock(self, who: str, through: int | None, reason: str) -> set[str]:
        self.news.clear()
        broken = self._not_owner(who)
        if not reason.strip():
            broken.add("unlock_has_a_reason")
        if self.locked is None or (through is not None and through >= self.locked):
            broken.add("period_is_open")
        if not broken:
            self.locked = through
            self._note("accounts_book", "update", who, reason)
        return broken

    def close(self, who: str, name: str, day: int | None) -> set[str]:
        """Let an account end with a day, or go on."""
        self.news.clear()
        before = self.accounts[name]
        after = replace(before, closed=day)
        broken = set()
        if day is not None and before.opened is not None and day < before.opened:
            broken.add("account_closes_after_it_opens")
        if any(
            not after.is_open(transaction.day)
            for transaction in self.transactions.values()
            if not transaction.voided and any(leg.account == name for leg in transaction.legs)
        ):
            broken.add("account_is_open_on_posting_dates")
        if not broken and after != before:
            self.accounts[name] = after
            self._note("accounts_account", "update", who, "")
        return broken

    # --- Rules

    def _not_writer(self, who: str) -> set[str]:
        return set() if self.roles[who] in WRITERS else {"may_write"}

    def _not_owner(self, who: str) -> set[str]:
        return set() if self.roles[who] == "owner" else {"may_write"}

    def _locked(self, *days: int) -> set[str]:
        return {"period_is_open"} if self.locked is not None and min(days) <= self.locked else set()

    def _wrong_lines(self, lines: Sequence[Line]) -> set[str]:
        """What is wrong with lines whatever the book holds."""
        broken, off = set(), defaultdict(Fraction)
        for line in lines:
            amount, weight = Fraction(line.amount), Fraction(line.weight)
            off[line.weight_commodity] += weight
            if amount == 0:
                broken.add("posting_amount_is_not_zero")
            if abs(amount) >= BOUND or abs(weight) >= BOUND:
                broken.add("posting_amount_in_bounds")
            if weight != amount and line.weight_commodity == line.commodity:
                broken.add("posting_weight_is_amount")
            if weight * amount < 0 or (amount == 0 and weight != 0):
                broken.add("posting_weight_has_sign_of_amount")
            if line.state == "reconciled":
                broken.add("reconciled_posting_is_fixed")
        if any(off.values()):
            broken.add("transaction_balances")
        if len(lines) < 2 and not any(line.weight == 0 for line in lines):
            broken.add("transaction_has_postings")
        return broken

    def _wrong_places(self, day: int, lines: Iterable[Line]) -> set[str]:
        """What the chart of accounts and the commodities say against lines."""
        broken = set()
        for line in lines:
            if line.account.startswith(STRANGE):
                broken.add("posting_references_stay_in_book")
                continue
            account = self.accounts[line.account]
            if account.group:
                broken.add("posting_account_is_no_placeholder")
            if not account.is_open(day):
                broken.add("posting_account_is_open")
            if account.holds and line.commodity not in account.holds:
                broken.add("posting_account_holds_commodity")
            if not _fits(line.amount, self.scales[line.commodity]):
                broken.add("posting_amount_within_scale")
            if not _fits(line.weight, self.scales[line.weight_commodity]):
                broken.add("posting_weight_within_scale")
        return broken

    def _is_reversed(self, key: int, besides: int | None = None) -> bool:
        return any(
            other.reverses == key and not other.voided and other.key != besides
            for other in self.transactions.values()
        )

    def _reversed(self, entry: Entry) -> set[str]:
        twice = entry.reverses is not None and self._is_reversed(entry.reverses)
        return {"transaction_is_reversed_once"} if twice else set()

    def _fixed(self, before: Transaction, after: Transaction) -> set[str]:
        """What a lock or a reconciled state says against a change."""
        then, now = {leg.key: leg for leg in before.legs}, {leg.key: leg for leg in after.legs}
        whole = (before.day, before.voided) != (after.day, after.voided)
        moved = {
            key
            for key in then.keys() | now.keys()
            if whole or key not in then or key not in now or then[key].moves != now[key].moves
        }
        broken = self._locked(before.day, after.day) if moved else set()
        if any(key in then and then[key].state == "reconciled" for key in moved):
            broken.add("reconciled_posting_is_fixed")
        return broken

    # --- Writing

    def _add(self, who: str, entry: Entry) -> None:
        first = self.legs + 1
        legs = tuple(_leg(first + n, n, line, line.state) for n, line in enumerate(entry.lines))
        self.legs += len(legs)
        made = Transaction(
            entry.key,
            entry.day,
            legs,
            entry.payee,
            entry.narration,
            frozenset(entry.tags),
            reverses=entry.reverses,
        )
        self.written[entry.key] = entry
        self.transactions[entry.key] = made
        self._names(who, entry, "")
        for _tag in made.tags:
            self._note("ledger_transactiontag", "insert", who, "")
        self._note("transaction", entry.key, "insert", who, "", None, made.facts)
        for key, facts in made.leg_facts().items():
            self._note("posting", key, "insert", who, "", None, facts)

    def _replace(self, who: str, after: Transaction, reason: str) -> None:
        before = self.transactions[after.key]
        self.transactions[after.key] = after
        if before.facts != after.facts:
            self._note("transaction", after.key, "update", who, reason, before.facts, after.facts)
        was, now = before.leg_facts(), after.leg_facts()
        for key in was.keys() | now.keys():
            operation = "insert" if key not in was else "delete" if key not in now else "update"
            if was.get(key) != now.get(key):
                self._note("posting", key, operation, who, reason, was.get(key), now.get(key))
        if was != now:
            self._remember()

    def _set_state(self, who: str, pairs: Iterable[tuple[int, int]], state: str) -> None:
        changed = defaultdict(set)
        for transaction, leg in pairs:
            changed[transaction].add(leg)
        for key, keys in changed.items():
            before = self.transactions[key]
            legs = tuple(replace(leg, state=state) if leg.key in keys else leg for leg in before.legs)
            after = replace(before, legs=legs)
            self.transactions[key] = after
            was, now = before.leg_facts(), after.leg_facts()
            for leg in keys:
                self._note("posting", leg, "update", who, "", was[leg], now[leg])
        if changed:
            self._remember()

    def _names(self, who: str, entry: Entry, reason: str) -> None:
        """Make the payee and the tags that are missing."""
        for table, known, names in (
            ("ledger_payee", self.payees, {entry.payee} - {""}),
            ("ledger_tag", self.tags, set(entry.tags)),
        ):
            for _name in names - known:
                self._note(table, "insert", who, reason)
            known.update(names)

    def _note(self, *news: object) -> None:
        self.news[news] += 1

    def _remember(self) -> None:
        self.past.append(dict(self.transactions))

    def _find(self, pair: tuple[int, int]) -> Leg:
        transaction, key = pair
        return next(leg for leg in self.transactions[transaction].legs if leg.key == key)

    # --- Reading

    def register(self, account: str) -> list[tuple[int, int, Fraction, str, Fraction]]:
        """Day, leg, amount, commodity and running balance of what stands in an account, oldest first."""
        standing = sorted(
            (transaction.day, leg.key, leg.amount, leg.commodity)
            for transaction in self.transactions.values()
            if not transaction.voided
            for leg in transaction.legs
            if leg.account == account
        )
        running: defaultdict[str, Fraction] = defaultdict(Fraction)
        lines = []
        for day, key, amount, commodity in standing:
            running[commodity] += amount
            lines.append((day, key, amount, commodity, running[commodity]))
        return lines


def balances(state: State, as_of: int | None = None) -> dict[tuple[str, str], Fraction]:
    """What each account holds of each commodity at the end of a day; zero is left out."""
    held: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for transaction in state.values():
        if not transaction.voided and (as_of is None or transaction.day <= as_of):
            for leg in transaction.legs:
                held[leg.account, leg.commodity] += leg.amount
    return {place: amount for place, amount in held.items() if amount}


def _leg(key: int, position: int, line: Line, state: str) -> Leg:
    return Leg(
        key,
        position,
        line.account,
        Fraction(line.amount),
        line.commodity,
        Fraction(line.weight),
        line.weight_commodity,
        state,
    )


def _fits(amount: Decimal | Fraction, places: int) -> bool:
    return (Fraction(amount) * 10**places).denominator == 1
