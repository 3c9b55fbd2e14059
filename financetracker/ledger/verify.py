"""Whether the books are true: everything that can be re-derived from the postings, and the rules in their place.

`verify_ledger` runs every check of `CHECKS` in one read-only snapshot. A check is one function over a `Look`; it
yields a `Finding` for each thing that is wrong and changes nothing. Each is set-based, so the cost grows with the
rows and not with the books. What no check can find is listed in decision 0004.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import CheckConstraint, Field, Model, Q, UniqueConstraint
from django.db.transaction import atomic

from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.ledger.models import (
    BalanceAssertion,
    Payee,
    Posting,
    PostingRevision,
    Price,
    Revision,
    Tag,
    Transaction,
    TransactionRevision,
    TransactionTag,
)
from financetracker.ledger.shipped import APP_ROLE, rules_in_place, shipped_rules

# One broken loop must not fill a disk with findings; the report says that there are more.
MOST = 1000

ROWS: tuple[type[Model], ...] = (
    Book,
    Membership,
    Commodity,
    Account,
    Payee,
    Tag,
    Transaction,
    TransactionTag,
    Posting,
    Price,
    BalanceAssertion,
)
TYPED_HISTORY: tuple[tuple[type[Model], type[Model], str], ...] = (
    (Transaction, TransactionRevision, "transaction_id"),
    (Posting, PostingRevision, "posting_id"),
)
HISTORY: tuple[type[Model], ...] = (TransactionRevision, PostingRevision, Revision)


class CouldNotCheck(Exception):
    """The books may be right or wrong: this says in one sentence why nobody could look."""


class Finding(NamedTuple):
    """One thing that is wrong. `key` is the row's id, or account and day, or the rule's name.

    `book` is the public id of the book; empty for what belongs to all books, or to none that exists.
    """

    check: str
    table: str
    key: str
    book: str
    message: str


class Report(NamedTuple):
    """What was found. `cut` names checks that found more than is listed, `unchecked` why others did not run."""

    findings: tuple[Finding, ...]
    cut: tuple[str, ...] = ()
    unchecked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """The snapshot that the checks look through: all books of one database, or one of them."""

    connection: BaseDatabaseWrapper
    book_id: int | None = None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def search(self, check: str, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Finding]:
        """Yield what a query finds; its columns are table, key, the book's database id, message."""
        only = "" if self.book_id is None else f" WHERE f.book_id = {int(self.book_id)}"
        found = self.rows(
            f"SELECT f.name, f.key::text, coalesce(b.public_id::text, ''), f.message "  # noqa: S608
            f"FROM ({sql}) AS f (name, key, book_id, message) LEFT JOIN accounts_book b ON b.id = f.book_id"
            f"{only} LIMIT {MOST + 1}",
            parameters,
        )
        return (Finding(check, *row) for row in found)


Check = Callable[[Look], Iterator[Finding]]


def tables_read() -> dict[str, tuple[str, ...]]:
    """Return what the checks and the fingerprint read: table to columns, none where they read all of it.

    Of people they read no more than this, so a role that only verifies sees no password.
    """
    whole: dict[str, tuple[str, ...]] = {model._meta.db_table: () for model in (*ROWS, *HISTORY)}
    return {**whole, "django_migrations": (), "users_user": ("id", "email")}


@contextmanager
def snapshot(using: str) -> Iterator[BaseDatabaseWrapper]:
    """Open one read-only REPEATABLE READ transaction for a block.

    Raises CouldNotCheck where the database cannot be reached, its migrations are not the program's, or the role
    does not see every row.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        raise CouldNotCheck("A snapshot cannot begin inside another transaction.")
    try:
        with atomic(using=using):
            hold_still(connection)
            refuse_to_guess(connection)
            yield connection
    except Error as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise CouldNotCheck(f"The database did not answer: {reason}") from error


def hold_still(connection: BaseDatabaseWrapper) -> None:
    """Make the transaction that has just begun a snapshot of all rows, which changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    look_plainly(connection)


def look_plainly(connection: BaseDatabaseWrapper) -> None:
    """Let no setting hide rows, cut a query short or change how days are written, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL row_security = off")


def refuse_to_guess(connection: BaseDatabaseWrapper) -> None:
    """Raise CouldNotCheck where a check would not see everything, or not understand what it sees."""
    refuse_blind(connection)
    refuse_other_version(connection)


def refuse_blind(connection: BaseDatabaseWrapper) -> None:
    """Raise CouldNotCheck where the role may not read a table, or row security would hide rows of it."""
    tables = [model._meta.db_table for model in (*ROWS, *HISTORY)]
    read = tables_read()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, to_regclass('django_migrations') IS NULL")
        role, empty = cursor.fetchone()
        if empty:
            raise CouldNotCheck("This database holds no books: run migrate first.")
        cursor.execute(
            "SELECT name FROM unnest(%s::text[], %s::text[]) AS read (name, columns)"
            " WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(name, 'SELECT') AND"
            " (columns = '' OR EXISTS (SELECT FROM unnest(string_to_array(columns, ' ')) AS one"
            "                           WHERE NOT has_column_privilege(name, one, 'SELECT'))) LIMIT 1",
            [list(read), [" ".join(columns) for columns in read.values()]],
        )
        if denied := cursor.fetchone():
            raise CouldNotCheck(f"The role {role} may not read {denied[0]}: verify as the owner of the tables.")
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL"
            " AND row_security_active(to_regclass(name)) LIMIT 1",
            [tables],
        )
        if hidden := cursor.fetchone():
            raise CouldNotCheck(
                f"Row security hides rows of {hidden[0]} from the role {role}: verify as the owner of the tables,"
                " or as a role that bypasses row security."
            )


def refuse_other_version(connection: BaseDatabaseWrapper) -> None:
    """Raise CouldNotCheck where the database's migrations are not those of this program."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        raise CouldNotCheck(f"{len(missing)} migrations are not applied, the first is {first}: run migrate first.")
    known = executor.loader.disk_migrations.keys()
    for label, name in sorted(executor.loader.applied_migrations.keys() - known):
        if label in {"accounts", "ledger", "users"} and not any(
            (label, name) in migration.replaces for migration in executor.loader.disk_migrations.values()
        ):
            raise CouldNotCheck(f"The database is newer than this program: it has {label}.{name}.")


def verify(look: Look, checks: Iterable[Check] | None = None) -> Report:
    """Run the checks, all of them unless some are named, and return what they found.

    A check that the database refuses to run is noted and the others go on; where the connection is lost, all that
    follow are noted.
    """
    findings: list[Finding] = []
    cut: list[str] = []
    unchecked: list[tuple[str, str]] = []
    for check in CHECKS if checks is None else checks:
        try:
            with atomic(using=look.connection.alias):
                found = list(islice(check(look), MOST + 1))
        except Error as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            unchecked.append((check.__name__, reason))
            if isinstance(error, OperationalError) and not look.connection.is_usable():
                break
            continue
        if len(found) > MOST:
            cut.append(check.__name__)
        findings += found[:MOST]
    return Report(tuple(findings), tuple(cut), tuple(unchecked))


# --- Transactions and their legs


def sums(look: Look) -> Iterator[Finding]:
    """The weights of a transaction sum to zero, commodity by commodity."""
    return look.search(
        "sums",
        """SELECT 'ledger_transaction', s.id, s.book_id,
             format('Its weights are off by %s %s.', trim_scale(s.off), coalesce(c.code, '(no such commodity)'))
           FROM (SELECT transaction_id AS id, weight_commodity_id, min(book_id) AS book_id, sum(weight) AS off
                   FROM ledger_posting GROUP BY 1, 2 HAVING sum(weight) <> 0) s
           LEFT JOIN accounts_commodity c ON c.id = s.weight_commodity_id""",
    )


def legs(look: Look) -> Iterator[Finding]:
    """A transaction has two legs, or one without weight; each leg has a position of its own."""
    yield from look.search(
        "legs",
        """SELECT 'ledger_transaction', t.id, t.book_id,
             CASE WHEN p.legs IS NULL THEN 'It has no legs.' ELSE 'It has one leg alone, with a weight.' END
           FROM ledger_transaction t LEFT JOIN
             (SELECT transaction_id, count(*) AS legs, max(abs(weight)) AS weight FROM ledger_posting GROUP BY 1) p
             ON p.transaction_id = t.id
           WHERE p.legs IS NULL OR (p.legs = 1 AND p.weight <> 0)""",
    )
    yield from look.search(
        "legs",
        """SELECT 'ledger_transaction', transaction_id, min(book_id),
             format('%s of its legs have the position %s.', count(*), position)
           FROM ledger_posting GROUP BY transaction_id, position HAVING count(*) > 1""",
    )


def mirrors(look: Look) -> Iterator[Finding]:
    """A leg repeats the date and the void mark of its transaction."""
    return look.search(
        "mirrors",
        """SELECT 'ledger_posting', p.id, p.book_id, CASE
             WHEN p.date <> t.date THEN format('Its date is %s, its transaction''s is %s.', p.date, t.date)
             WHEN p.voided THEN 'It is void, its transaction is not.'
             ELSE 'Its transaction is void, it is not.' END
           FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
           WHERE p.date <> t.date OR p.voided <> t.voided""",
    )


def scale(look: Look) -> Iterator[Finding]:
    """Amount and weight of a leg have at most the decimals that their commodity stores."""
    return look.search(
        "scale",
        """SELECT 'ledger_posting', p.id, p.book_id, CASE WHEN min_scale(p.amount) > c.scale
             THEN format('Its amount %s has more than the %s decimals of %s.', p.amount, c.scale, c.code)
             ELSE format('Its weight %s has more than the %s decimals of %s.', p.weight, w.scale, w.code) END
           FROM ledger_posting p JOIN accounts_commodity c ON c.id = p.commodity_id
           JOIN accounts_commodity w ON w.id = p.weight_commodity_id
           WHERE min_scale(p.amount) > c.scale OR min_scale(p.weight) > w.scale""",
    )


def account_use(look: Look) -> Iterator[Finding]:
    """A leg stands on an account that takes it: no placeholder, in its commodities, on its open days."""
    return look.search(
        "account_use",
        """SELECT 'ledger_posting', p.id, p.book_id, CASE
             WHEN a.placeholder THEN format('%s only groups other accounts.', a.full_name)
             WHEN a.commodity_ids <> '{}' AND NOT p.commodity_id = ANY (a.commodity_ids)
               THEN format('%s holds no %s.', a.full_name,
                           (SELECT code FROM accounts_commodity c WHERE c.id = p.commodity_id))
             ELSE format('%s is not open on %s.', a.full_name, p.date) END
           FROM ledger_posting p JOIN accounts_account a ON a.id = p.account_id
           WHERE a.placeholder OR (a.commodity_ids <> '{}' AND NOT p.commodity_id = ANY (a.commodity_ids))
              OR (NOT p.voided AND (p.date < a.opened_on OR p.date > a.closed_on))""",
    )


def reversals(look: Look) -> Iterator[Finding]:
    """When a reversal was recorded, it was the opposite of what its transaction said at that moment."""
    return look.search(
        "reversals",
        """WITH pair AS (
             SELECT transaction_id AS id, book_id, new_reverses_id AS original, recorded_at
               FROM ledger_transactionrevision WHERE operation = 'insert' AND new_reverses_id IS NOT NULL
           ), moved AS (
             SELECT pair.*, p.new_account_id AS account, p.new_commodity_id AS commodity, p.new_amount AS amount,
                    p.new_weight_commodity_id AS weight_commodity, p.new_weight AS weight
               FROM pair JOIN ledger_postingrevision p
                 ON coalesce(p.new_transaction_id, p.old_transaction_id) = pair.id
                AND p.operation = 'insert' AND p.recorded_at = pair.recorded_at
             UNION ALL
             SELECT pair.*, s.* FROM pair JOIN ledger_postingrevision p
                 ON coalesce(p.new_transaction_id, p.old_transaction_id) = pair.original
                AND p.recorded_at <= pair.recorded_at
               CROSS JOIN LATERAL (VALUES
                 (p.new_account_id, p.new_commodity_id, p.new_amount, p.new_weight_commodity_id, p.new_weight),
                 (p.old_account_id, p.old_commodity_id, -p.old_amount, p.old_weight_commodity_id, -p.old_weight)
               ) AS s (account, commodity, amount, weight_commodity, weight) WHERE s.account IS NOT NULL
           )
           SELECT 'ledger_transaction', m.id, min(m.book_id),
             format('It reverses transaction %s, but what it moved on %s was not the opposite.', min(m.original),
                    coalesce(min(a.full_name), 'an account that is gone'))
           FROM moved m LEFT JOIN accounts_account a ON a.id = m.account
           GROUP BY m.id, m.account, m.commodity, m.weight_commodity
           HAVING sum(m.amount) <> 0 OR sum(m.weight) <> 0""",
    )


# --- Rows by themselves, and what they name


def row_rules(look: Look) -> Iterator[Finding]:
    """Each row keeps the check constraints of its table: bounds, signs, names, known words."""
    for model in ROWS:
        book = book_column(model)
        for constraint in model._meta.constraints:
            if not isinstance(constraint, CheckConstraint):
                continue
            broken = model._base_manager.using(look.connection.alias).filter(~Q(constraint.condition))
            if look.book_id is not None:
                broken = broken.filter(**{book: look.book_id})
            said = str(constraint.violation_error_message or "")
            message = f"It breaks the rule {constraint.name}: {said}" if said else f"It breaks {constraint.name}."
            rows = broken.values_list("pk", book)[: MOST + 1]
            names = dict(look.rows("SELECT id, public_id::text FROM accounts_book")) if rows else {}
            for key, book_id in rows:
                yield Finding("row_rules", model._meta.db_table, str(key), names.get(book_id, ""), message)


def unique_keys(look: Look) -> Iterator[Finding]:
    """What must be unique is, also where an index was lost or its collation changed under it."""
    for model in ROWS:
        for fields, nulls_distinct, condition in unique_sets(model):
            columns = [f"t.{column_of(model, name)}" for name in fields]
            present = "".join(f" AND {column} IS NOT NULL" for column in columns) if nulls_distinct else ""
            listed = ", ".join(columns)
            # The window reads the table itself; an index that lies could hide the twin from a lookup.
            yield from look.search(
                "unique_keys",
                f"""SELECT '{model._meta.db_table}', id, book_id, 'Another row has the same {", ".join(fields)}.'
                    FROM (SELECT t.id, t.{book_column(model)} AS book_id,
                                 count(*) OVER (PARTITION BY {listed}) AS n
                            FROM {model._meta.db_table} t WHERE {condition}{present}) twins WHERE n > 1""",  # noqa: S608
            )


def unique_sets(model: type[Model]) -> Iterator[tuple[tuple[str, ...], bool, str]]:
    """Yield the sets of fields that are unique together, whether nulls differ, and the condition in SQL."""
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield (field.name,), True, "true"
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields:
            pairs: list[Any] = list(constraint.condition.children) if isinstance(constraint.condition, Q) else []
            condition = " AND ".join(f"t.{column_of(model, name)} = {value}" for name, value in pairs) or "true"
            yield tuple(constraint.fields), constraint.nulls_distinct is not False, condition


def references(look: Look) -> Iterator[Finding]:
    """Whatever a row names exists, and belongs to the same book."""
    for model in ROWS:
        table, book = model._meta.db_table, book_column(model)
        for field in model._meta.concrete_fields:
            target = field.related_model
            if not isinstance(target, type):
                continue
            there = "p.id IS NULL"
            if any(column.name == "book" for column in target._meta.concrete_fields):
                there = f"p.book_id IS DISTINCT FROM t.{book}"
            yield from look.search(
                "references",
                f"""SELECT '{table}', t.id, t.{book},
                      format('Its {field.name.replace("_", " ")} (%s) %s.', t.{field.column},
                             CASE WHEN p.id IS NULL THEN 'does not exist' ELSE 'belongs to another book' END)
                    FROM {table} t LEFT JOIN {target._meta.db_table} p ON p.id = t.{field.column}
                    WHERE t.{field.column} IS NOT NULL AND {there}""",  # noqa: S608
            )
    yield from look.search(
        "references",
        """SELECT 'accounts_account', a.id, a.book_id,
             format('It may hold a commodity (%s) that is not of its book.', held.id)
           FROM accounts_account a CROSS JOIN unnest(a.commodity_ids) AS held (id)
           LEFT JOIN accounts_commodity c ON c.id = held.id WHERE c.book_id IS DISTINCT FROM a.book_id""",
    )
    yield from look.search(
        "references",
        """SELECT 'accounts_book', b.id, b.id,
             format('Its rounding account %s is no equity account.', a.full_name)
           FROM accounts_book b JOIN accounts_account a ON a.id = b.rounding_account_id
           WHERE a.type <> 'equity'""",
    )


def account_tree(look: Look) -> Iterator[Finding]:
    """Every account hangs below a root, has its parent's type, and its full name is the path to it."""
    return look.search(
        "account_tree",
        """WITH RECURSIVE tree AS (
             SELECT id, name::text AS path, type FROM accounts_account WHERE parent_id IS NULL
             UNION ALL
             SELECT a.id, tree.path || ':' || a.name, tree.type FROM tree JOIN accounts_account a
                 ON a.parent_id = tree.id
           )
           SELECT 'accounts_account', a.id, a.book_id, CASE
             WHEN tree.id IS NULL THEN 'It stands below itself, or below an account that does not exist.'
             WHEN p.type <> a.type THEN format('It is of type %s, its parent of type %s.', a.type, p.type)
             ELSE format('Its full name is %L, its path is %L.', a.full_name, tree.path) END
           FROM accounts_account a LEFT JOIN tree ON tree.id = a.id
           LEFT JOIN accounts_account p ON p.id = a.parent_id
           WHERE tree.id IS NULL OR p.type <> a.type OR a.full_name <> tree.path""",
    )


def owners(look: Look) -> Iterator[Finding]:
    """A book has at least one owner."""
    return look.search(
        "owners",
        """SELECT 'accounts_book', b.id, b.id, 'It has no owner.' FROM accounts_book b WHERE NOT EXISTS
             (SELECT FROM accounts_membership m WHERE m.book_id = b.id AND m.role = 'owner')""",
    )


def assertions(look: Look) -> Iterator[Finding]:
    """An account holds at the end of a day what was asserted of it."""
    return look.search(
        "assertions",
        """WITH RECURSIVE below AS (
             SELECT id AS top, id FROM accounts_account
              WHERE id IN (SELECT account_id FROM ledger_balanceassertion WHERE include_children)
             UNION
             SELECT below.top, a.id FROM below JOIN accounts_account a ON a.parent_id = below.id
           )
           SELECT 'ledger_balanceassertion', concat(a.full_name, ' ', s.date), s.book_id,
             format('%s holds %s %s at the end of %s%s, but %s is asserted.',
                    a.full_name, trim_scale(x.held), c.code, s.date,
                    CASE WHEN s.include_children THEN ' with its sub-accounts' END, trim_scale(s.amount))
           FROM ledger_balanceassertion s JOIN accounts_account a ON a.id = s.account_id
           JOIN accounts_commodity c ON c.id = s.commodity_id
           CROSS JOIN LATERAL (
             SELECT coalesce(sum(p.amount), 0) AS held FROM ledger_posting p
              WHERE NOT p.voided AND p.date <= s.date AND p.commodity_id = s.commodity_id AND p.account_id IN
                (SELECT s.account_id UNION SELECT id FROM below WHERE top = s.account_id AND s.include_children)
           ) x WHERE abs(x.held - s.amount) > s.tolerance""",
    )


# --- History


def history_begins_and_goes_on(look: Look) -> Iterator[Finding]:
    """A row's history begins with its insert, and each revision starts from what the one before it left."""
    for _row, revision, key in TYPED_HISTORY:
        names = typed_columns(revision)
        extra = ""
        if revision is TransactionRevision:
            extra = """WHEN public_id <> lag(public_id) OVER w THEN 'It bears another public id.'
                WHEN new_version <> coalesce(old_version, 0) + 1
                  THEN format('Version %s follows version %s.', new_version, coalesce(old_version, 0))"""
        old, new = (", ".join(f"r.{side}_{name}" for name in names) for side in ("old", "new"))
        yield from look.search(
            "history_begins_and_goes_on",
            chain_query(revision._meta.db_table, key, (f"ROW({old})", old), (f"ROW({new})", new), extra),
        )
    extra = f"""WHEN r."table" <> ALL (ARRAY{plain_tables()}) THEN 'It tells of a table without such a history.'
        WHEN coalesce(r.new, r.old) ->> 'id' IS DISTINCT FROM r.row_id::text THEN 'It tells of another row.'
        WHEN coalesce(r.new, r.old) ->> (CASE r."table" WHEN 'accounts_book' THEN 'id' ELSE 'book_id' END)
             IS DISTINCT FROM r.book_id::text THEN 'It tells of a row of another book.'"""
    yield from look.search(
        "history_begins_and_goes_on",
        chain_query(
            "ledger_revision", '"table", r.row_id', (whole("old"), "r.old"), (whole("new"), "r.new"), extra
        ),
    )


def chain_query(table: str, key: str, before: tuple[str, str], after: tuple[str, str], extra: str) -> str:
    """Return the query for what is wrong in the chains of revisions of each row.

    `before` and `after` are a revision's two sides: as one value to compare, and as the columns it is made of.
    """
    (old, olds), (new, news) = before, after
    return f"""SELECT '{table}', id, book_id, wrong FROM (
        SELECT r.id, r.book_id, CASE
            WHEN r.operation NOT IN ('insert', 'update', 'delete') THEN 'Its operation is none that happens.'
            WHEN lag(r.id) OVER w IS NULL AND r.operation <> 'insert' THEN 'What came before it is missing.'
            WHEN lag(r.id) OVER w IS NOT NULL AND r.operation = 'insert' THEN 'It adds a row that was there.'
            WHEN lag(r.operation) OVER w = 'delete' THEN 'It follows the removal of its row.'
            WHEN r.operation = 'insert' AND num_nonnulls({olds}) > 0 THEN 'An insert has no values before it.'
            WHEN r.operation = 'delete' AND num_nonnulls({news}) > 0 THEN 'A removal has no values after it.'
            WHEN lag(r.id) OVER w IS NOT NULL AND {old} IS DISTINCT FROM lag({new}) OVER w
              THEN 'It starts from other values than the revision before it left.'
            WHEN r.operation = 'update' AND {old} IS NOT DISTINCT FROM {new} THEN 'It changes nothing.'
            WHEN r.book_id <> lag(r.book_id) OVER w THEN 'It belongs to another book than the revision before it.'
            WHEN r.recorded_at < lag(r.recorded_at) OVER w THEN 'It was recorded before the revision before it.'
            WHEN r.recorded_at > clock_timestamp() THEN 'It was recorded in the future.'
            {extra}
          END AS wrong FROM {table} r WINDOW w AS (PARTITION BY r.{key} ORDER BY r.id)
        ) chain WHERE wrong IS NOT NULL"""  # noqa: S608


def history_tells_the_rows(look: Look) -> Iterator[Finding]:
    """The newest revision of a row says what the row says; a row that is gone has its removal as the newest."""
    for row, revision, key in TYPED_HISTORY:
        table, names = row._meta.db_table, typed_columns(revision)
        types = {name: revision._meta.get_field(f"new_{field}").db_type(look.connection)
                 for name, field in names.items()}  # fmt: skip
        fields = {name: (f"r.new_{name}", f"t.{name}::{types[name]}") for name in names}
        fields["book_id"] = ("r.book_id", "t.book_id")
        if revision is TransactionRevision:
            fields["public_id"] = ("r.public_id", "t.public_id")
        differing = ", ".join(f"CASE WHEN {a} IS DISTINCT FROM {b} THEN '{name}' END"
                              for name, (a, b) in fields.items())  # fmt: skip
        newest = f"SELECT DISTINCT ON ({key}) * FROM {revision._meta.db_table} ORDER BY {key}, id DESC"  # noqa: S608
        yield from look.search(
            "history_tells_the_rows",
            newest_query(table, newest, f"r.{key}", f"concat_ws(', ', {differing})", "t.book_id"),
        )
    for model in ROWS:
        table = model._meta.db_table
        if table not in plain_tables():
            continue
        said, is_ = f"'{column_defaults(model)}'::jsonb || r.new", "to_jsonb(t) - 'full_name'"
        # Column by column only where the row differs at all: that takes a millisecond a row.
        differing = f"""CASE WHEN ({said}) IS DISTINCT FROM ({is_}) THEN
            (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(({said}) || ({is_})) AS k
              WHERE ({said}) -> k IS DISTINCT FROM ({is_}) -> k) END"""  # noqa: S608
        newest = f"""SELECT DISTINCT ON (row_id) * FROM ledger_revision WHERE "table" = '{table}'
                     ORDER BY row_id, id DESC"""  # noqa: S608
        yield from look.search(
            "history_tells_the_rows",
            newest_query(table, newest, "r.row_id", differing, f"t.{book_column(model)}"),
        )


def newest_query(table: str, newest: str, key: str, differing: str, book: str) -> str:
    """Return the query for rows that their newest revision does not tell; `differing` lists columns."""
    return f"""SELECT '{table}', coalesce(t_id, {key.replace("r.", "f.")}), book_id, wrong FROM (
        SELECT t.id AS t_id, {key}, coalesce({book}, r.book_id) AS book_id, CASE
            WHEN r.id IS NULL THEN 'It has no history.'
            WHEN t.id IS NULL AND r.operation <> 'delete'
              THEN 'It is gone, and history does not tell of its removal.'
            WHEN t.id IS NULL THEN NULL
            WHEN r.operation = 'delete' THEN 'It is there, though history tells of its removal.'
            ELSE 'It differs from its newest revision in: ' || nullif({differing}, '') || '.'
          END AS wrong FROM {table} t FULL JOIN ({newest}) r ON {key} = t.id
        ) f WHERE wrong IS NOT NULL"""  # noqa: S608


def history_balances(look: Look) -> Iterator[Finding]:
    """At every moment of the past the weights known of a transaction summed to zero."""
    return look.search(
        "history_balances",
        """SELECT 'ledger_transaction', s.id, min(r.book_id),
             format('What history recorded of it at %s is off by %s %s.', r.recorded_at, sum(s.weight),
                    coalesce(min(c.code), '(no such commodity)'))
           FROM ledger_postingrevision r CROSS JOIN LATERAL (VALUES
               (r.new_transaction_id, r.new_weight_commodity_id, r.new_weight),
               (r.old_transaction_id, r.old_weight_commodity_id, -r.old_weight)) AS s (id, commodity, weight)
           LEFT JOIN accounts_commodity c ON c.id = s.commodity
           WHERE s.id IS NOT NULL GROUP BY s.id, s.commodity, r.recorded_at HAVING sum(s.weight) <> 0""",
    )


def history_moves_together(look: Look) -> Iterator[Finding]:
    """Legs change with their transaction, in one moment, by one person, for one reason; only their state need not.

    This is how the journal writes, and it makes a moment or an actor that was changed in one table stand out.
    """
    same = """x.recorded_at = r.recorded_at AND x.source = r.source AND x.reason = r.reason
              AND x.actor_id IS NOT DISTINCT FROM r.actor_id"""
    besides_state = [name for name in typed_columns(PostingRevision) if name != "state"]
    old, new = (", ".join(f"r.{side}_{name}" for name in besides_state) for side in ("old", "new"))
    yield from look.search(
        "history_moves_together",
        f"""SELECT 'ledger_postingrevision', r.id, r.book_id,
              'Its transaction did not change in the same moment, by the same person and for the same reason.'
            FROM ledger_postingrevision r WHERE ROW({old}) IS DISTINCT FROM ROW({new}) AND NOT EXISTS
              (SELECT FROM ledger_transactionrevision x
                WHERE x.transaction_id = coalesce(r.new_transaction_id, r.old_transaction_id) AND {same})""",  # noqa: S608
    )
    yield from look.search(
        "history_moves_together",
        f"""SELECT 'ledger_transactionrevision', r.id, r.book_id,
              'None of its legs changed in the same moment, by the same person and for the same reason.'
            FROM ledger_transactionrevision r
            WHERE r.operation <> 'delete'
              AND (r.old_date, r.old_voided) IS DISTINCT FROM (r.new_date, r.new_voided) AND NOT EXISTS
              (SELECT FROM ledger_postingrevision x
                WHERE coalesce(x.new_transaction_id, x.old_transaction_id) = r.transaction_id AND {same})""",  # noqa: S608
    )


def history_actors(look: Look) -> Iterator[Finding]:
    """Whoever history names existed and had been let into the book to write before. The owner role has no name."""
    for revision in HISTORY:
        table = revision._meta.db_table
        yield from look.search(
            "history_actors",
            f"""WITH writer AS (
                  SELECT book_id, new ->> 'user_id' AS person, min(recorded_at) AS since FROM ledger_revision
                   WHERE "table" = 'accounts_membership' AND new ->> 'role' IN ('owner', 'editor') GROUP BY 1, 2)
                SELECT '{table}', r.id, r.book_id,
                  CASE WHEN u.id IS NULL THEN format('Its actor (%s) does not exist.', r.actor_id)
                       ELSE format('Its actor (%s) could not write in this book then.', r.actor_id) END
                FROM {table} r LEFT JOIN users_user u ON u.id = r.actor_id
                LEFT JOIN writer w ON w.book_id = r.book_id AND w.person = r.actor_id::text
                WHERE r.actor_id IS NOT NULL AND (u.id IS NULL OR w.since IS NULL OR r.recorded_at < w.since)""",  # noqa: S608
        )


# --- The rules themselves


def rules(look: Look) -> Iterator[Finding]:
    """Triggers, functions, policies, constraints and rights are those that the migrations made."""
    shipped, found = shipped_rules(), rules_in_place(look.connection)
    for name in sorted(shipped.keys() | found.keys()):
        table, _colon, key = name.partition(": ")
        if name not in found:
            message = "It is gone."
        elif name not in shipped:
            if key.startswith("rights of ") and key != "rights of everybody" and found[name] == "SELECT":
                continue  # a role that may only read: row security still decides what
            message = f"The migrations made no such thing: {found[name]}"
        elif found[name] != shipped[name]:
            message = f"It is not as the migrations made it, but: {found[name]}"
        else:
            continue
        yield Finding("rules", table, key, "", message)


def app_role(look: Look) -> Iterator[Finding]:
    """The role that serves rows is bound by every rule: it owns nothing, and has no way around row security."""
    facts = look.rows(
        """SELECT rolsuper, rolbypassrls, rolcreaterole, has_schema_privilege(oid, 'public', 'CREATE'),
                  EXISTS (SELECT FROM pg_class c
                           WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace),
                  (SELECT pg_has_role(r.oid, c.relowner, 'MEMBER') FROM pg_class c
                    WHERE c.oid = 'accounts_book'::regclass)
           FROM pg_roles r WHERE rolname = %s""",
        [APP_ROLE],
    )
    sentences = (
        "It is a superuser, whom no rule binds.",
        "It bypasses row security.",
        "It may make roles, and so give itself any right.",
        "It may make objects in the schema public.",
        "It owns objects in the schema public, and may change them.",
        "It may act as the owner of the tables.",
    )
    if not facts:
        yield Finding("app_role", "pg_roles", APP_ROLE, "", "There is no such role.")
        return
    for holds, sentence in zip(facts[0], sentences, strict=True):
        if holds:
            yield Finding("app_role", "pg_roles", APP_ROLE, "", sentence)


CHECKS: tuple[Check, ...] = (
    sums,
    legs,
    mirrors,
    scale,
    account_use,
    reversals,
    row_rules,
    unique_keys,
    references,
    account_tree,
    owners,
    assertions,
    history_begins_and_goes_on,
    history_tells_the_rows,
    history_balances,
    history_moves_together,
    history_actors,
    rules,
    app_role,
)


# --- What the models say about tables


def book_column(model: type[Model]) -> str:
    """Return the column that holds the book of a row."""
    return "id" if model is Book else "book_id"


def column_of(model: type[Model], name: str) -> str:
    """Return the column of a field."""
    (column,) = [field.column for field in model._meta.concrete_fields if field.name == name]
    return str(column)


def typed_columns(revision: type[Model]) -> dict[str, str]:
    """Return what a typed revision keeps of a row: name of the column to name of the field."""
    kept = [field for field in revision._meta.concrete_fields if field.name.startswith("new_")]
    return {str(field.column).removeprefix("new_"): field.name.removeprefix("new_") for field in kept}


def plain_tables() -> list[str]:
    """Return the tables whose history is kept as JSON."""
    typed = {row for row, _revision, _key in TYPED_HISTORY}
    return [model._meta.db_table for model in ROWS if model not in typed]


def whole(side: str) -> str:
    """Return a JSON revision's values, with the defaults of columns that are younger than it."""
    cases = "".join(
        f" WHEN '{model._meta.db_table}' THEN '{column_defaults(model)}'::jsonb"
        for model in ROWS
        if model._meta.db_table in plain_tables()
    )
    return f"(CASE r.\"table\"{cases} ELSE '{{}}'::jsonb END || r.{side})"


def column_defaults(model: type[Model]) -> str:
    """Return, as JSON, what the columns of a table hold where nobody said anything.

    A column that a later migration adds is missing in older revisions; to them it had its default.
    """
    return json.dumps(
        {field.column: field.get_default() for field in model._meta.concrete_fields if has_default(field)}
    )


def has_default(field: "Field[Any, Any]") -> bool:
    """Whether a column can be added to rows that exist without anybody choosing its value."""
    if field.primary_key or field.name in {"public_id", "full_name"}:
        return False
    silent = field.null or field.has_default() or (field.empty_strings_allowed and field.blank)
    return silent and isinstance(field.get_default(), str | bool | int | dict | list | None)
