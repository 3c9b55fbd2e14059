"""One book and its plain ledger side by side: what is given to the journal, and everything that is compared.

Balances and registers are read as anybody reads them. Rows, their history and the checks of `verify` are read with
queries that are prepared once: they are asked after every step, and planning them costs more than running them.
"""

import copy
import datetime
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from financetracker.accounts.models import Account, Commodity
from financetracker.accounts.scope import scope
from financetracker.ledger import balances, journal, register, verify
from financetracker.ledger.models import Transaction
from tests.builders import DAY, Household
from tests.reliability import plain_ledger as plain
from tests.reliability.plain_ledger import STRANGE, Entry, Line, PlainLedger

# Accounts beside those of `Household`: Giro and Dollars, with the limits that are written here.
CHART = {
    "Cash": plain.Account(),
    "Bank": plain.Account(),
    "Food": plain.Account(),
    "Depot": plain.Account(),
    "Giro": plain.Account(closed=6),
    "Dollars": plain.Account(opened=1, holds=frozenset({"USD"})),
    "Expenses": plain.Account(group=True),
}
SCALES = {"EUR": 2, "USD": 2, "JPY": 0, "HOOL": 4}
ROLES = {
    "home": {"ann": "owner", "bob": "editor", "vic": "viewer"},
    "firm": {"ann": "editor", "bob": "owner", "vic": "viewer"},
}

# The machine changes rows through the journal, never a rule: what the catalogue and check constraints say holds.
CHECKS = tuple(check for check in verify.CHECKS if check not in (verify.rules, verify.app_role, verify.row_rules))


def date_of(day: int) -> datetime.date:
    return DAY + datetime.timedelta(day)


def day_of(date: datetime.date) -> int:
    return (date - DAY).days


def decimal_of(amount: Decimal | Fraction) -> Decimal:
    """A fraction that came from a decimal as one again, exactly."""
    if isinstance(amount, Decimal):
        return amount
    units = amount * 10**18
    assert units.denominator == 1
    return Decimal((int(units < 0), Decimal(abs(int(units))).as_tuple().digits, -18))


class Shelf:
    """One book, its plain ledger, and how the names of one are the ids of the other."""

    def __init__(self, name: str, home: Household, people: dict[str, int]) -> None:
        self.name, self.book, self.people = name, home.book, people
        self.person_of = {pk: person for person, pk in people.items()}
        self.commodities = home.commodities
        self.accounts = {account: copy.copy(home.accounts[account]) for account in CHART}
        self.name_of = {row.pk: account for account, row in home.accounts.items()}
        self.code_of = {row.pk: code for code, row in self.commodities.items()}
        self.plain = PlainLedger(ROLES[name], SCALES, dict(CHART))
        self.leg_key: dict[int, int] = {}  # of a posting
        self.posting: dict[int, int] = {}  # of a leg
        self.transaction_key: dict[int, int] = {}
        self.first_seen: dict[int, Transaction] = {}
        self.instants: list[datetime.datetime] = []
        self.looks = 0
        with self.scope("ann"):
            self.compared = self.digest()

    @contextmanager
    def scope(self, who: str) -> Iterator[None]:
        with scope(self.people[who], self.book.pk, source="machine"):
            yield

    # --- What is given to the journal

    def entry(self, entry: Entry, other: "Shelf", *, aware: bool, ids: Sequence[int | None] = ()) -> journal.Entry:
        """An entry as the journal wants it; `ids` are those of the postings that its legs replace."""
        return journal.Entry(
            date_of(entry.day),
            [self._leg(line, other, aware, ids[n] if ids else None) for n, line in enumerate(entry.lines)],
            payee=entry.payee,
            narration=entry.narration,
            tags=entry.tags,
            public_id=uuid.UUID(int=entry.key),
        )

    def _leg(self, line: Line, other: "Shelf", aware: bool, replaced: int | None) -> journal.Leg:
        return journal.Leg(
            self._account(line.account, other, aware),
            decimal_of(line.amount),
            self._commodity(line.commodity, aware),
            decimal_of(line.weight) if line.exchanges else None,
            self._commodity(line.weight_commodity, aware) if line.exchanges else None,
            state=line.state,
            id=replaced,
        )

    def _account(self, name: str, other: "Shelf", aware: bool) -> Account:
        """An account as the writer knows it; one who is not aware holds a copy that forbids nothing."""
        strange = name.startswith(STRANGE)
        row = (other if strange else self).accounts[name.removeprefix(STRANGE)]
        if aware:
            return row
        return Account(pk=row.pk, book_id=self.book.pk, name=row.name, full_name=row.full_name, commodity_ids=[])

    def _commodity(self, code: str, aware: bool) -> Commodity:
        row = self.commodities[code]
        return row if aware else Commodity(pk=row.pk, book_id=row.book_id, code=row.code, scale=18)

    # --- What is compared; all of it inside a scope

    def agree(self) -> None:
        """The book says what the plain ledger says; where no row changed, what was compared before still holds."""
        self.looks += 1
        digest = self.digest()
        if digest != self.compared or self.plain.news:
            self.compare_history()
            self.compared = digest
            self.compare_rows()
            self.compare_register()
            self.verify()
            self.compare_balances(None)
        self.compare_balances(self.looks % 9 - 1)
        if self.instants:
            self.compare_known(self.looks * 7 % len(self.instants), self.looks * 5 % 9 - 1)

    def untouched(self) -> None:
        """Nobody changed this book since it was compared."""
        assert self.digest() == self.compared, f"a step in the other book changed {self.name}"

    def digest(self) -> tuple[Any, ...]:
        """Newest ids of history, the lock, and a hash of the rows that can be seen. One query."""
        return ask("machine_digest")[0]

    def compare_history(self) -> None:
        """History gained what the plain ledger expects, in one moment if amounts moved, and nothing else."""
        changes, moves, others = (
            ask(f"machine_{name}", newest or 0)
            for name, newest in zip(("changes", "moves", "others"), self.compared, strict=False)
        )
        found: Counter[Any] = Counter()
        for table, operation, actor, reason in others:
            found[table, operation, self.person_of[actor], reason] += 1
        self._learn(changes, moves)
        for _at, source, operation, actor, reason, posting, *sides in moves:
            was, now = sides[:10], sides[10:]
            facts = [None if operation == "insert" else self.facts(*was)]
            facts += [None if operation == "delete" else self.facts(*now)]
            found["posting", self.leg_key[posting], operation, self.person_of[actor], reason, *facts] += 1
            assert source == "machine"
        for source, operation, actor, reason, pk, _id, *sides in changes:
            was, now = sides[:6], sides[6:]
            facts = [None if operation == "insert" else self._about(*was), self._about(*now)]
            key = self.transaction_key[pk]
            found["transaction", key, operation, self.person_of[actor], reason, *facts] += 1
            assert source == "machine"
        assert found == self.plain.news
        self.plain.news.clear()
        if moves:
            (moment,) = {row[0] for row in moves}
            self.instants.append(moment)
        assert len(self.instants) == len(self.plain.past)

    def _learn(self, changes: list[tuple[Any, ...]], moves: list[tuple[Any, ...]]) -> None:
        """Find out which ids the new rows got. The n-th leg that was added is the n-th leg of the plain ledger."""
        for _source, _operation, _actor, _reason, pk, public_id, *_sides in changes:
            self.transaction_key[pk] = public_id.int
        added = sorted(
            posting for _at, _source, operation, _who, _why, posting, *_ in moves if operation == "insert"
        )
        for posting in added:
            key = len(self.leg_key) + 1
            self.leg_key[posting] = key
            self.posting[key] = posting

    def facts(self, *columns: Any) -> tuple[object, ...]:
        """What a leg says, with the names of the plain ledger."""
        transaction, position, date, voided, account, amount, commodity, weight, weight_commodity, state = columns
        return (
            self.transaction_key[transaction], position, day_of(date), voided, self.name_of[account],
            Fraction(amount), self.code_of[commodity], Fraction(weight), self.code_of[weight_commodity], state,
        )  # fmt: skip

    def _about(self, *columns: Any) -> tuple[object, ...]:
        """What a transaction says, likewise."""
        date, payee, narration, version, voided, reverses = columns
        return day_of(date), payee, narration, version, voided, reverses and self.transaction_key[reverses]

    def compare_rows(self) -> None:
        """Every transaction and leg that can be seen, whatever book it says, and the lock."""
        expected = {key: (*row.facts, row.tags) for key, row in self.plain.transactions.items()}
        found = {
            public_id.int: (*self._about(*about), frozenset(tags))
            for public_id, tags, *about in ask("machine_transactions")
        }
        assert found == expected
        legs = {self.leg_key[pk]: self.facts(*row) for pk, *row in ask("machine_postings")}
        rows = self.plain.transactions.values()
        assert legs == {key: facts for row in rows for key, facts in row.leg_facts().items()}
        locked = self.compared[3]
        assert (locked and day_of(locked)) == self.plain.locked

    def compare_balances(self, day: int | None) -> None:
        assert self.held(as_of=day) == plain.balances(self.plain.transactions, day), f"as of day {day}"

    def compare_known(self, n: int, day: int | None) -> None:
        """The instant of the n-th change knows it, the one before does not."""
        before = self.plain.past[n - 1] if n else {}
        at = self.instants[n]
        assert self.held(day, at) == plain.balances(self.plain.past[n], day), f"known at change {n}, day {day}"
        at -= datetime.timedelta(microseconds=1)
        assert self.held(day, at) == plain.balances(before, day), f"known just before change {n}, day {day}"

    def held(
        self, as_of: int | None = None, known_at: datetime.datetime | None = None
    ) -> dict[tuple[str, str], Fraction]:
        rows = balances.balances(self.book, as_of=None if as_of is None else date_of(as_of), known_at=known_at)
        names, codes = self.name_of, self.code_of
        return {(names[row.account_id], codes[row.commodity_id]): Fraction(row.amount) for row in rows}

    def compare_register(self) -> None:
        """One account, in two pages."""
        name = list(CHART)[self.looks % 6]
        page = register.register(self.accounts[name], limit=3)
        lines = page.lines
        if page.older:
            rest = register.register(self.accounts[name], before=page.older, limit=10_000)
            assert rest.older is None
            lines = lines + rest.lines
        found = [
            (
                day_of(line.posting.date),
                self.leg_key[line.posting.pk],
                Fraction(line.posting.amount),
                line.posting.commodity.code,
                Fraction(line.balance),
            )
            for line in reversed(lines)
        ]
        assert found == self.plain.register(name), f"register of {name}"

    def verify(self) -> None:
        """`verify` with all its queries sent as one. The app role looks, so it sees this book alone."""
        findings = [row for row in ask("machine_verify") if row[-1] in (None, self.book.pk)]
        assert not findings, findings


# --- Queries


_LEG = (
    "transaction_id, position, date, voided, account_id, amount, commodity_id, weight, weight_commodity_id, state"
)

QUERIES = {
    # Ids and lock first, then every table that a verb may write. Row security leaves the rows of the chosen book.
    "machine_digest": "SELECT (SELECT max(id) FROM ledger_transactionrevision),"
    " (SELECT max(id) FROM ledger_postingrevision), (SELECT max(id) FROM ledger_revision),"
    " (SELECT locked_through FROM accounts_book WHERE id = current_book()), "
    + ", ".join(
        f"(SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t)"
        for table in (
            "ledger_transaction",
            "ledger_posting",
            "ledger_payee",
            "ledger_tag",
            "ledger_transactiontag",
            "accounts_account",
        )
    ),
    "machine_transactions": """
        SELECT public_id, ARRAY(SELECT g.name FROM ledger_transactiontag x JOIN ledger_tag g ON g.id = x.tag_id
                                 WHERE x.transaction_id = t.id),
               date, coalesce((SELECT name FROM ledger_payee p WHERE p.id = t.payee_id), ''),
               narration, version, voided, reverses_id
          FROM ledger_transaction t""",
    "machine_postings": f"SELECT id, {_LEG} FROM ledger_posting",
    "machine_changes": """
        SELECT source, operation, actor_id, reason, transaction_id, public_id,
               old_date, coalesce((SELECT name FROM ledger_payee p WHERE p.id = old_payee_id), ''),
               old_narration, old_version, old_voided, old_reverses_id,
               new_date, coalesce((SELECT name FROM ledger_payee p WHERE p.id = new_payee_id), ''),
               new_narration, new_version, new_voided, new_reverses_id
          FROM ledger_transactionrevision WHERE id > $1""",
    "machine_moves": f"""
        SELECT recorded_at, source, operation, actor_id, reason, posting_id,
               {", ".join(f"{side}_{name}" for side in ("old", "new") for name in _LEG.split(", "))}
          FROM ledger_postingrevision WHERE id > $1""",
    "machine_others": 'SELECT "table", operation, actor_id, reason FROM ledger_revision WHERE id > $1',
}


def ask(name: str, *parameters: int) -> list[tuple[Any, ...]]:
    """Run a prepared query."""
    listed = f" ({', '.join(map(str, parameters))})" if parameters else ""
    with connection.cursor() as cursor:
        cursor.execute(f"EXECUTE {name}{listed}")
        return cursor.fetchall()


@contextmanager
def prepared() -> Iterator[None]:
    """Prepare the queries on this connection for a block, each planned once: the books stay small."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
        for name, sql in {**QUERIES, "machine_verify": queries_of_checks()}.items():
            cursor.execute(f"PREPARE {name} AS {sql}")
    yield
    with connection.cursor() as cursor:
        for name in (*QUERIES, "machine_verify"):
            cursor.execute(f"DEALLOCATE {name}")
        cursor.execute("RESET plan_cache_mode; RESET jit")


class Gather:
    """Takes the place of a `verify.Look` and keeps the queries that checks would run."""

    book_id = None
    connection = connection

    def __init__(self) -> None:
        self.queries: list[str] = []

    def search(self, check: str, sql: str, parameters: Sequence[Any] = ()) -> Iterator[verify.Finding]:
        assert not parameters
        self.queries.append(
            f"SELECT '{check}', f.name::text, f.key::text, f.message::text, f.book_id::bigint"
            f" FROM ({sql}) AS f (name, key, book_id, message)"
        )
        return iter(())


def queries_of_checks() -> str:
    """One query for all checks."""
    gather = Gather()
    for check in CHECKS:
        assert not list(check(gather))  # type: ignore[arg-type]
    return " UNION ALL ".join(gather.queries)
