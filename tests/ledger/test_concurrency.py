"""Two people at once, on two real connections: whoever comes second waits, looks again, and is told.

The first does his part and keeps his transaction open; the second starts, and is watched until he waits for the
first or is through; the first commits. A control takes the lock away and shows what would come of it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, LiteralString, cast

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.transaction import atomic
from django.utils.datastructures import MultiValueDict

from financetracker.accounts import books
from financetracker.accounts.errors import Refusal, refusals
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import derived, journal
from financetracker.ledger.forms import Chart
from financetracker.ledger.models import Payee, Posting, Transaction
from financetracker.site.opening import StartForm
from financetracker.users.models import User
from tests.attacks import APP, OWNER
from tests.builders import DAY, Household, new_id

PATIENCE = 10.0


class Scene:
    """A household with `shop` (Food 12.50, Cash -12.50), `quad` (two pairs of legs) and idle accounts."""

    def __init__(self) -> None:
        self.home = Household()
        with self.home.scope():
            for name in ("Assets:Left", "Assets:Tree", "Assets:Tree:In", "Assets:Bush", "Assets:Bush:On"):
                books.open_account(self.home.book, name, "asset")
            self.home.accounts = {row.name: row for row in Account.objects.filter(book=self.home.book)}
            self.shop = self.home.post("Food 12.50", "Cash -12.50", payee="Spar")
            self.quad = self.home.post("Food 1", "Cash -1", "Rent 2", "Bank -2")
        self.ids = {name.lower(): row.pk for name, row in self.home.accounts.items()}
        self.ids |= {code: row.pk for code, row in self.home.commodities.items()}
        self.ids |= {"book": self.home.book.pk, "shop": self.shop.pk, "quad": self.quad.pk}
        self.ids |= {"person": self.home.owner.pk, "editor": self.home.editor.pk}

    def sql(self, statement: str, using: str = APP) -> list[tuple[Any, ...]]:
        """Run one statement with ids filled in, its refusals as people see them; return its rows."""
        with refusals(), connections[using].cursor() as cursor:
            cursor.execute(cast(LiteralString, statement), self.ids)
            return cursor.fetchall() if cursor.description else []

    def post(self, *legs: str, **columns: Any) -> Transaction:
        return self.home.post(*legs, **columns)

    def amend(self, **changes: Any) -> Transaction:
        """Change `shop` as somebody would who looked at its first version."""
        entry = replace(journal.entry_of(Transaction.objects.get(pk=self.shop.pk)), **changes)
        return journal.amend(self.shop, entry, version=1)


class Person:
    """Somebody on a connection of his own. His transaction opens with his first step and ends by `commit`."""

    def __init__(self, scene: Scene, user: User) -> None:
        self.scene, self.user = scene, user
        self._worker = ThreadPoolExecutor(1)
        self._open: ExitStack | None = None
        self.pid = 0

    def start(self, step: Callable[[], Any]) -> Future[Any]:
        return self._worker.submit(self._run, step)

    def do(self, step: Callable[[], Any]) -> Any:
        return self.start(step).result(PATIENCE)

    def commit(self) -> Future[None]:
        return self._worker.submit(self._leave)

    def go(self) -> None:
        """Give the connection back."""
        self._worker.submit(self._close).result(PATIENCE)
        self._worker.shutdown()

    def _run(self, step: Callable[[], Any]) -> Any:
        if self._open is None:
            self._open = ExitStack()
            self._open.enter_context(self.scene.home.scope(self.user))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (self.pid,) = cursor.fetchone()
        try:
            return step()
        except BaseException as error:
            left, self._open = self._open, None
            left.__exit__(type(error), error, error.__traceback__)
            raise

    def _close(self) -> None:
        connection.close()

    def _leave(self) -> None:
        if self._open is not None:
            left, self._open = self._open, None
            left.close()


def waits(person: Person, work: Future[Any], other: Person) -> bool:
    """Watch until the person waits for the other one's transaction, or is through; say which."""
    until = time.monotonic() + PATIENCE
    tick = threading.Event()
    with connections[OWNER].cursor() as cursor:
        while not work.done():
            cursor.execute("SELECT %s = ANY (pg_blocking_pids(%s))", [other.pid, person.pid])
            if person.pid and cursor.fetchone() == (True,):
                return True
            assert time.monotonic() < until, "neither waiting nor through"
            tick.wait(0.002)
    return False


@dataclass
class Outcome:
    """How the second one fared: whether he waited, what he got, or the rule (or error) that told him no."""

    waited: bool
    result: Any = None
    refused: str = ""


def race(scene: Scene, first: "Step", second: "Step", member: str = "editor") -> Outcome:
    """Let the owner do `first`, the other member `second` meanwhile; both commit if they may."""
    one, two = Person(scene, scene.home.owner), Person(scene, getattr(scene.home, member))
    try:
        one.do(lambda: first(scene))
        two.do(lambda: None)
        work = two.start(lambda: second(scene))
        outcome = Outcome(waits(two, work, one))
        # Without our locks a foreign key may make this commit wait for the other one's.
        committed = one.commit()
        try:
            outcome.result = work.result(PATIENCE)
            two.commit().result(PATIENCE)
        except Refusal as refusal:
            outcome.refused = refusal.rule
        committed.result(PATIENCE)
        return outcome
    finally:
        one.go()
        two.go()


@contextmanager
def without(*functions: str) -> Iterator[None]:
    """Take locks away: the functions that take them do nothing for a while."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = ANY (%s)", [list(functions)])
        kept = [definition for (definition,) in cursor.fetchall()]
        assert len(kept) == len(functions)
        for definition in kept:
            head, _begin, _body = definition.partition("BEGIN")
            cursor.execute(f"{head}BEGIN END $function$")
        try:
            yield
        finally:
            for definition in kept:
                cursor.execute(definition)


Step = Callable[[Scene], Any]


@dataclass(frozen=True)
class Race:
    """Two steps that must not both win: the rule that tells the second, and a query that finds what may not be.

    `without` names the functions whose locks keep it so; the control takes them away and must find something.
    """

    name: str
    first: Step
    second: Step
    refused: str
    forbidden: str
    without: tuple[str, ...] = ()
    member: str = "editor"
    beforehand: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name


def sql(statement: str) -> Step:
    return lambda scene: scene.sql(statement)


def post(*legs: str, **columns: Any) -> Step:
    return lambda scene: scene.post(*legs, **columns)


def lock(scene: Scene) -> object:
    return journal.lock_through(scene.home.book, DAY)


def lock_before(scene: Scene) -> object:
    return journal.lock_through(scene.home.book, DAY - timedelta(30))


def unlock(scene: Scene) -> object:
    return journal.unlock(scene.home.book, reason="A receipt turned up")


def void(scene: Scene) -> object:
    return journal.void(scene.shop, version=1)


def amend(**changes: Any) -> Step:
    return lambda scene: scene.amend(**changes)


def same_pair(scene: Scene) -> object:
    """A balanced pair more for `shop`, on the day it has in this person's eyes."""
    return scene.sql(
        "INSERT INTO ledger_posting (book_id, transaction_id, position, account_id, date, voided, amount,"
        " commodity_id, weight, weight_commodity_id, state, memo, metadata)"
        " SELECT t.book_id, t.id, pg_backend_pid() %% 10000 * 2 + i, a, t.date, t.voided, n, %(EUR)s, n, %(EUR)s,"
        " 'uncleared', '', '{}' FROM ledger_transaction t,"
        " (VALUES (10, %(food)s, 3), (11, %(cash)s, -3)) AS v (i, a, n) WHERE t.id = %(shop)s"
    )


GATE = ("hold_gate", "close_gate")

LOCKED_NEWS = (
    "SELECT 1 FROM ledger_posting p JOIN accounts_book b ON b.id = p.book_id JOIN ledger_postingrevision r"
    " ON r.posting_id = p.id AND r.operation = 'insert' JOIN ledger_revision l ON l.book_id = b.id"
    " AND l.\"table\" = 'accounts_book' AND l.recorded_at < r.recorded_at AND l.operation = 'update'"
    " WHERE p.date <= b.locked_through AND b.id = %(book)s"
)
OUTSIDE = (
    "SELECT 1 FROM ledger_posting p JOIN accounts_account a ON a.id = p.account_id"
    " WHERE a.book_id = %(book)s AND (p.date > a.closed_on OR a.placeholder"
    " OR (a.commodity_ids <> '{}' AND NOT p.commodity_id = ANY (a.commodity_ids)))"
)
ORPHANS = (
    "SELECT 1 FROM ledger_posting p LEFT JOIN accounts_account a ON a.id = p.account_id"
    " LEFT JOIN accounts_commodity c ON c.id = p.commodity_id"
    " WHERE p.book_id = %(book)s AND (a.id IS NULL OR c.id IS NULL)"
)
NAMELESS = (
    "SELECT 1 FROM ledger_transaction t LEFT JOIN ledger_payee p ON p.id = t.payee_id"
    " WHERE t.book_id = %(book)s AND t.payee_id IS NOT NULL AND p.id IS NULL"
)
TOO_FINE = (
    "SELECT 1 FROM ledger_posting p JOIN accounts_commodity c ON c.id = p.commodity_id"
    " WHERE p.book_id = %(book)s AND min_scale(p.amount) > c.scale"
)
LEGLESS = (
    "SELECT 1 FROM ledger_transaction t WHERE book_id = %(book)s"
    " AND NOT EXISTS (SELECT FROM ledger_posting p WHERE p.transaction_id = t.id)"
)
TORN = (
    "SELECT 1 FROM ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id"
    " WHERE t.book_id = %(book)s AND (t.date <> p.date OR t.voided <> p.voided)"
)
OWNERLESS = (
    "SELECT 1 FROM accounts_book b WHERE id = %(book)s"
    " AND NOT EXISTS (SELECT FROM accounts_membership m WHERE m.book_id = b.id AND m.role = 'owner')"
)
MISNAMED = (
    "SELECT 1 FROM accounts_account a JOIN accounts_account p ON p.id = a.parent_id"
    " WHERE a.book_id = %(book)s AND (a.full_name <> p.full_name || ':' || a.name OR a.type <> p.type)"
)
CIRCLES = (
    "SELECT 1 FROM accounts_account a JOIN accounts_account b ON b.id = a.parent_id JOIN accounts_account c"
    " ON c.id = b.parent_id JOIN accounts_account d ON d.id = c.parent_id"
    " WHERE a.book_id = %(book)s AND d.parent_id = a.id"
)
GHOSTS = (
    "SELECT 1 FROM accounts_account a CROSS JOIN unnest(a.commodity_ids) AS c (id)"
    " WHERE a.book_id = %(book)s AND NOT EXISTS (SELECT FROM accounts_commodity k WHERE k.id = c.id)"
)
SPLIT_MINDS = (
    "SELECT 1 FROM ledger_transactionrevision WHERE book_id = %(book)s AND transaction_id = %(shop)s"
    " AND operation = 'update' HAVING count(*) > 1"
)

CLOSE = sql(f"UPDATE accounts_account SET closed_on = '{DAY - timedelta(1)}' WHERE id = %(left)s")
GROUP = sql("UPDATE accounts_account SET placeholder = true WHERE id = %(left)s")
DOLLARS = sql("UPDATE accounts_account SET commodity_ids = ARRAY[%(USD)s]::bigint[] WHERE id = %(left)s")
REMOVE = sql("DELETE FROM accounts_account WHERE id = %(left)s")
REMOVE_YEN = sql("DELETE FROM accounts_commodity WHERE id = %(JPY)s")
REMOVE_PAYEE = sql("DELETE FROM ledger_payee WHERE book_id = %(book)s AND name = 'Idle'")
COARSE = sql("UPDATE accounts_commodity SET scale = 2 WHERE id = %(HOOL)s")
INTO_LEFT = post("Left 1", "Cash -1")
IN_YEN = post("Left 1 JPY", "Cash -1 JPY")
FINE = post("Depot 1.2345 HOOL @@ 1 EUR", "Cash -1")
CHILD = (
    "INSERT INTO accounts_account (public_id, book_id, parent_id, name, type, commodity_ids, code, placeholder,"
    " hidden, position, notes, iban, bank_code, account_number, metadata) VALUES (gen_random_uuid(), %(book)s,"
    " %(left)s, 'Child', 'asset', '{}', '', false, false, 0, '', '', '', '', '{}')"
)
RENAME = sql("UPDATE accounts_account SET name = 'Renamed' WHERE id = %(left)s")
RETYPE = sql("UPDATE accounts_account SET type = 'expense', parent_id = %(expenses)s WHERE id = %(left)s")
LIST_YEN = sql("UPDATE accounts_account SET commodity_ids = ARRAY[%(JPY)s]::bigint[] WHERE id = %(left)s")


def to_idle_payee(scene: Scene) -> object:
    """What a writer does who has looked the payee up before somebody removed it."""
    return scene.sql("UPDATE ledger_transaction SET payee_id = %(idle)s WHERE id = %(quad)s")


def idle_payee(scene: Scene) -> None:
    scene.ids["idle"] = Payee.objects.create(book=scene.home.book, name="Idle").pk


def two_owners(scene: Scene) -> None:
    scene.sql("UPDATE accounts_membership SET role = 'owner' WHERE user_id = %(editor)s")


def less(*names: str) -> Step:
    """Remove legs of `quad`, which add up."""

    def remove(scene: Scene) -> object:
        with refusals():
            return Posting.objects.filter(transaction=scene.quad, account__name__in=names).delete()

    return remove


def leave(who: str) -> Step:
    return sql(f"DELETE FROM accounts_membership WHERE book_id = %(book)s AND user_id = %({who})s")


LATER = DAY + timedelta(1)
RACES = [
    Race("lock, post", lock, post("Food 1", "Cash -1"), "period_is_open", LOCKED_NEWS, GATE),
    Race("post, lock", post("Food 1", "Cash -1"), lock, "", LOCKED_NEWS, member="second_owner"),
    Race("lock, amend", lock, amend(date=LATER), "period_is_open", TORN),
    Race("close, post", CLOSE, INTO_LEFT, "posting_account_is_open", OUTSIDE, GATE),
    Race("post, close", INTO_LEFT, CLOSE, "account_is_open_on_posting_dates", OUTSIDE, GATE),
    Race("make a group, post", GROUP, INTO_LEFT, "posting_account_is_no_placeholder", OUTSIDE, GATE),
    Race("post, make a group", INTO_LEFT, GROUP, "account_with_postings_is_no_placeholder", OUTSIDE, GATE),
    Race("dollars only, post", DOLLARS, INTO_LEFT, "posting_account_holds_commodity", OUTSIDE, GATE),
    Race("post, dollars only", INTO_LEFT, DOLLARS, "account_commodity_is_fixed", OUTSIDE, GATE),
    Race("remove account, post", REMOVE, INTO_LEFT, "posting_references_stay_in_book", ORPHANS, GATE),
    Race("post, remove account", INTO_LEFT, REMOVE, "posting_references_stay_in_book", ORPHANS, GATE),
    Race("remove commodity, post", REMOVE_YEN, IN_YEN, "posting_references_stay_in_book", ORPHANS, GATE),
    Race("post, remove commodity", IN_YEN, REMOVE_YEN, "posting_references_stay_in_book", ORPHANS, GATE),
    Race(
        "remove payee, name it",
        REMOVE_PAYEE,
        to_idle_payee,
        "transaction_references_stay_in_book",
        NAMELESS,
        GATE,
        beforehand=[idle_payee],
    ),
    Race(
        "name a payee, remove it",
        to_idle_payee,
        REMOVE_PAYEE,
        "transaction_references_stay_in_book",
        NAMELESS,
        GATE,
        beforehand=[idle_payee],
    ),
    Race("coarser scale, post", COARSE, FINE, "posting_amount_within_scale", TOO_FINE, GATE),
    Race("post, coarser scale", FINE, COARSE, "commodity_scale_holds_postings", TOO_FINE, GATE),
    Race(
        "amend, amend",
        amend(narration="mine"),
        amend(narration="yours"),
        "transaction_version",
        SPLIT_MINDS,
    ),
    Race("void, amend", void, amend(narration="yours"), "transaction_version", SPLIT_MINDS),
    Race("amend, void", amend(date=LATER), void, "transaction_version", TORN),
    Race(
        "two pairs of legs",
        less("Food", "Cash"),
        less("Rent", "Bank"),
        "transaction_has_postings",
        LEGLESS,
        ("lock_transactions",),
    ),
    Race(
        "another day, a pair more",
        amend(date=LATER),
        same_pair,
        "posting_mirrors_transaction",
        TORN,
        ("lock_transactions",),
    ),
    Race(
        "a pair more, another day",
        same_pair,
        sql(
            "WITH t AS (UPDATE ledger_transaction SET date = date + 1 WHERE id = %(shop)s RETURNING id)"
            " UPDATE ledger_posting SET date = date + 1 FROM t WHERE transaction_id = t.id"
        ),
        "posting_mirrors_transaction",
        TORN,
        ("lock_transactions",),
    ),
    Race("void, a pair more", void, same_pair, "posting_mirrors_transaction", TORN, ("lock_transactions",)),
    Race(
        "both owners leave",
        leave("person"),
        leave("editor"),
        "book_keeps_an_owner",
        OWNERLESS,
        ("close_gate",),
        beforehand=[two_owners],
    ),
    Race(
        "two moves that close a circle",
        sql("UPDATE accounts_account SET parent_id = %(on)s WHERE id = %(tree)s"),
        sql("UPDATE accounts_account SET parent_id = %(in)s WHERE id = %(bush)s"),
        "account_tree_has_no_cycle",
        CIRCLES,
        ("close_gate",),
    ),
    Race("rename, a child", RENAME, sql(CHILD), "", MISNAMED, GATE),
    Race("a child, rename", sql(CHILD), RENAME, "", MISNAMED, GATE),
    Race("another type, a child", RETYPE, sql(CHILD), "account_type_equals_parent", MISNAMED, GATE),
    Race("a child, another type", sql(CHILD), RETYPE, "account_type_equals_parent", MISNAMED, GATE),
    Race("list a commodity, remove it", LIST_YEN, REMOVE_YEN, "account_references_stay_in_book", GHOSTS, GATE),
    Race("remove a commodity, list it", REMOVE_YEN, LIST_YEN, "account_references_stay_in_book", GHOSTS, GATE),
    Race(
        "reconcile, amend",
        sql("UPDATE ledger_posting SET state = 'reconciled' WHERE transaction_id = %(shop)s AND amount < 0"),
        amend(date=LATER),
        "reconciled_posting_is_fixed",
        TORN,
    ),
]


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database that this module commits to; each test keeps books of its own."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False, database=OWNER, inhibit_post_migrate=True)
        for alias in (APP, OWNER):
            connections[alias].close()


@pytest.fixture
def scene(database: None) -> Scene:
    return Scene()


def prepare(scene: Scene, attempt: Race) -> None:
    if attempt.member == "second_owner":
        scene.home.second_owner = scene.home.editor  # type: ignore[attr-defined]
    with scene.home.scope():
        if attempt.member == "second_owner":
            two_owners(scene)
        for step in attempt.beforehand:
            step(scene)


@pytest.mark.parametrize("attempt", RACES, ids=str)
def test_the_second_waits_and_is_told(scene: Scene, attempt: Race) -> None:
    prepare(scene, attempt)
    outcome = race(scene, attempt.first, attempt.second, attempt.member)
    assert (outcome.waited, outcome.refused) == (True, attempt.refused)
    assert scene.sql(attempt.forbidden, OWNER) == []


@pytest.mark.parametrize("attempt", [attempt for attempt in RACES if attempt.without], ids=str)
def test_without_the_lock_both_win(scene: Scene, attempt: Race) -> None:
    prepare(scene, attempt)
    with without(*attempt.without):
        outcome = race(scene, attempt.first, attempt.second, attempt.member)
    assert outcome.refused == ""
    assert scene.sql(attempt.forbidden, OWNER) != []


def test_the_same_submission_twice_at_once_posts_once(scene: Scene) -> None:
    twice = post("Food 9", "Cash -9", public_id=new_id(scene.home.book.pk), payee="New")
    outcome = race(scene, twice, twice)
    assert outcome.waited
    assert outcome.refused == ""
    with scene.home.scope():
        only = Transaction.objects.get(public_id=new_id(scene.home.book.pk))
        assert outcome.result == only
        assert Posting.objects.filter(transaction=only).count() == 2


def test_a_submission_reused_for_other_figures_is_told(scene: Scene) -> None:
    public_id = new_id(scene.home.book.pk)
    outcome = race(
        scene, post("Food 9", "Cash -9", public_id=public_id), post("Food 8", "Cash -8", public_id=public_id)
    )
    assert (outcome.waited, outcome.refused) == (True, "submission_is_used_once")


def test_the_same_new_payee_at_once_is_one(scene: Scene) -> None:
    outcome = race(scene, post("Food 1", "Cash -1", payee="Billa"), post("Food 2", "Cash -2", payee="Billa"))
    assert (outcome.waited, outcome.refused) == (True, "")
    with scene.home.scope():
        billa = Payee.objects.get(name="Billa")
        assert Transaction.objects.filter(payee=billa).count() == 2


def test_the_same_book_begun_twice_at_once_is_one(scene: Scene) -> None:
    def begin(scene: Scene) -> int:
        chart = [("Assets:Cash", "asset"), ("Expenses:Food", "expense")]
        owner = scene.home.owner
        return books.start_book(owner, name="Second", base="EUR", time_zone="Asia/Tokyo", chart=chart).pk

    outcome = race(scene, begin, begin, "owner")
    assert (outcome.waited, outcome.refused) == (True, "")
    made = "SELECT b.id FROM accounts_book b JOIN accounts_membership m ON m.book_id = b.id"
    made += " WHERE b.name = 'Second' AND m.user_id = %(person)s"
    assert scene.sql(made, OWNER) == [(outcome.result,)]


def test_the_same_balances_to_begin_with_twice_at_once_are_one_transaction(scene: Scene) -> None:
    def begin(scene: Scene) -> bool:
        said = {"public_id": str(new_id(scene.home.book.pk)), "book": "", "date": "2026-03-14"}
        said |= {"row-0-account": "Cash", "row-0-amount": "12", "row-1-account": "Piggy bank", "row-1-amount": "3"}
        data = MultiValueDict({name: [value] for name, value in said.items()})
        return StartForm(Chart(scene.home.book), data).save()

    outcome = race(scene, begin, begin)
    assert outcome.waited
    with scene.home.scope():
        assert Account.objects.filter(name="Piggy bank").count() == 1
        assert Transaction.objects.filter(narration="Opening balances").count() == 1


def test_two_refunds_at_once_are_told_apart(scene: Scene) -> None:
    first, second = derived.refund_ids(scene.shop.public_id)[:2]
    assert first != second

    def refund(amount: str) -> Step:
        def step(scene: Scene) -> Transaction:
            entry = derived.refunded(journal.entry_of(scene.shop), DAY, first)
            legs = [replace(leg, amount=Decimal(amount).copy_sign(leg.amount)) for leg in entry.legs]
            return journal.post(scene.home.book, replace(entry, legs=legs))

        return step

    outcome = race(scene, refund("1"), refund("2"))
    assert (outcome.waited, outcome.refused) == (True, "submission_is_used_once")


def test_a_finer_scale_waits_for_nobody(scene: Scene) -> None:
    finer = sql("UPDATE accounts_commodity SET scale = 6 WHERE id = %(HOOL)s")
    outcome = race(scene, finer, FINE)
    assert (outcome.waited, outcome.refused) == (False, "")
    with scene.home.scope():
        assert Commodity.objects.get(code="HOOL").scale == 6


def test_two_people_post_without_waiting(scene: Scene) -> None:
    outcome = race(scene, post("Food 1", "Cash -1"), post("Food 2", "Cash -2"))
    assert (outcome.waited, outcome.refused) == (False, "")


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("using", [APP, OWNER])
def test_an_older_view_may_not_write(scene: Scene, level: str, using: str) -> None:
    empty = "DELETE FROM ledger_posting WHERE transaction_id = %(quad)s AND abs(amount) = 1"
    with atomic(using=using), ExitStack() as stack:
        connections[using].cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        if using == APP:
            stack.enter_context(scene.home.scope())
        with atomic(using=using), pytest.raises(Refusal) as refused, atomic(using=using):
            scene.sql(empty, using)
    assert refused.value.rule == "writer_reads_what_is_committed"


def test_without_that_rule_an_older_view_empties_a_transaction(scene: Scene) -> None:
    one = Person(scene, scene.home.owner)
    with without("refuse_old_view"), atomic(using=OWNER):
        with connections[OWNER].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM ledger_posting")
        one.do(lambda: less("Food", "Cash")(scene))
        one.commit().result(PATIENCE)
        scene.sql("DELETE FROM ledger_posting WHERE transaction_id = %(quad)s AND abs(amount) = 2", OWNER)
    one.go()
    assert scene.sql(LEGLESS, OWNER) != []


# --- The chart of accounts, by its own writers


def close_left(scene: Scene) -> object:
    return books.close_account(scene.home.accounts["Left"], DAY - timedelta(1))


def hide_left(scene: Scene) -> object:
    return books.hide_account(scene.home.accounts["Left"])


def reopen_left(scene: Scene) -> object:
    return books.reopen_account(scene.home.accounts["Left"])


def placed(which: str, **changes: str) -> Step:
    """Rename or move an account as somebody does who looks at it as it was made."""

    def step(scene: Scene) -> object:
        account = scene.home.accounts[which]
        above = scene.home.accounts[changes.get("below", "Assets")]
        return books.place_account(account, name=changes.get("name", which), parent=above, was=f"Assets:{which}")

    return step


def up(name: str) -> Step:
    return lambda scene: books.reorder_account(scene.home.accounts[name], -1)


CHART = {
    "close, post": (close_left, INTO_LEFT, "posting_account_is_open"),
    "post, close": (INTO_LEFT, close_left, "account_is_open_on_posting_dates"),
    "rename, rename": (placed("Left", name="One"), placed("Left", name="Two"), "account_is_as_it_was"),
    "move, rename": (placed("Left", below="Tree"), placed("Left", name="Two"), "account_is_as_it_was"),
    "move, move below": (placed("Tree", below="Bush"), placed("Bush", below="Tree"), "account_tree_has_no_cycle"),
}


@pytest.mark.parametrize("name", CHART)
def test_of_two_changes_to_an_account_the_second_is_told(scene: Scene, name: str) -> None:
    first, second, rule = CHART[name]
    outcome = race(scene, first, second)
    assert (outcome.waited, outcome.refused) == (True, rule)
    for forbidden in (OUTSIDE, MISNAMED, CIRCLES):
        assert scene.sql(forbidden, OWNER) == []


def test_two_people_reorder_one_after_the_other(scene: Scene) -> None:
    outcome = race(scene, up("Tree"), up("Tree"))
    assert (outcome.waited, outcome.refused) == (True, "")
    with scene.home.scope():
        assets = Account.objects.filter(parent=scene.home.accounts["Assets"]).order_by("position", "name")
        assert [row.name for row in assets] == ["Bank", "Bush", "Cash", "Tree", "Depot", "Left"]


@pytest.mark.parametrize(("first", "second"), [(hide_left, close_left), (close_left, hide_left)])
def test_two_changes_to_different_columns_both_stay(scene: Scene, first: Step, second: Step) -> None:
    outcome = race(scene, first, second)
    assert (outcome.waited, outcome.refused) == (True, "")
    with scene.home.scope():
        left = Account.objects.get(pk=scene.home.accounts["Left"].pk)
        assert (left.hidden, left.closed_on) == (True, DAY - timedelta(1))


def renamed(name: str) -> Step:
    return lambda scene: books.change_book(
        scene.home.book, name=name, time_zone="Europe/Vienna", first_day_of_week=1
    )


def test_two_changes_of_the_book_one_after_the_other(scene: Scene) -> None:
    with scene.home.scope():
        two_owners(scene)
    outcome = race(scene, renamed("First"), renamed("Second"))
    assert (outcome.waited, outcome.refused) == (True, "")
    with scene.home.scope():
        assert Book.objects.get().name == "Second"


@pytest.mark.parametrize(
    ("first", "second", "refused", "through"),
    [
        (lock, lock_before, "period_is_open", DAY),
        (lock_before, lock, "", DAY),
        (lock, unlock, "", None),
    ],
)
def test_of_two_locks_the_second_knows_the_first(
    scene: Scene, first: Step, second: Step, refused: str, through: date | None
) -> None:
    with scene.home.scope():
        two_owners(scene)
    outcome = race(scene, first, second)
    assert (outcome.waited, outcome.refused) == (True, refused)
    with scene.home.scope():
        assert Book.objects.get().locked_through == through


def test_who_reopens_last_has_the_account_open(scene: Scene) -> None:
    outcome = race(scene, close_left, reopen_left)
    assert (outcome.waited, outcome.refused) == (True, "")
    with scene.home.scope():
        assert Account.objects.get(pk=scene.home.accounts["Left"].pk).closed_on is None
