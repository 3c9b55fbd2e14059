"""Two short strings that say what is in a book: one for its rows, one for its history (decision 0004).

Equal books have equal fingerprints, wherever they are kept: database ids, the order in which rows were written,
the server's version and its collation leave no trace. Each row is one line of canonical JSON that names other rows
by their public id or natural key; the lines, in the order of these keys, go through SHA-256. Rows are streamed, so
the memory needed does not grow with the book. Any change of what a line says needs a new VERSION.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField, DateTimeField, DecimalField, Field, JSONField, Model, UUIDField

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
from financetracker.ledger.verify import Look, book_column
from financetracker.users.models import User

VERSION = "v1"
CHUNK = 2000

# What is no number with decimals, and holds none, Python writes canonically by itself, and many times faster.
FLAT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))

# What names a row to other rows, and in which order the rows of a table come.
NAMES: dict[type[Model], str] = {
    Account: "public_id::text",
    Commodity: "code",
    Payee: "name",
    Tag: "name",
    Transaction: "public_id::text",
    User: "lower(email)",
}
ORDER: dict[type[Model], tuple[str, ...]] = {
    Book: ("public_id",),
    Membership: ("user",),
    Commodity: ("code",),
    Account: ("public_id",),
    Payee: ("name",),
    Tag: ("name",),
    Transaction: ("public_id",),
    TransactionTag: ("transaction", "tag"),
    Posting: ("transaction", "position"),
    Price: ("commodity", "quote", "date", "source"),
    BalanceAssertion: ("account", "date", "commodity", "include_children"),
}
HISTORY_ORDER: dict[type[Model], tuple[str, ...]] = {
    TransactionRevision: ("recorded_at", "public_id", "operation"),
    PostingRevision: (
        "recorded_at", "new_transaction", "old_transaction", "operation", "new_position", "old_position",
    ),
}  # fmt: skip

# The full name repeats the names above it. A revision's own row is told by its public id, or by its transaction
# and position.
LEFT_OUT = {
    Account: {"full_name"},
    TransactionRevision: {"transaction"},
    PostingRevision: {"posting"},
}


class Fingerprint(NamedTuple):
    """What a book (by its public id) and its history come to."""

    book: str
    books: str
    history: str


def fingerprints(look: Look) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of the books in sight, in the order of their public ids.

    One query for each of fourteen tables, whatever the number of books. Must run inside a transaction.
    """
    with look.connection.cursor() as cursor:
        # A cursor is planned for its first rows unless told that all will be read.
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
    books: dict[str, Any] = defaultdict(hashlib.sha256)
    history: dict[str, Any] = defaultdict(hashlib.sha256)
    for model in ORDER:
        for book, line in lines(look, model):
            books[book].update(line)
    revisions: tuple[type[Model], ...] = (*HISTORY_ORDER, Revision)
    for model in revisions:
        for book, line in lines(look, model):
            history[book].update(line)
    return tuple(
        Fingerprint(book, f"{VERSION}:{books[book].hexdigest()}", f"{VERSION}:{history[book].hexdigest()}")
        for book in sorted(books.keys() | history.keys())
    )


def total(prints: tuple[Fingerprint, ...]) -> Fingerprint:
    """Return one fingerprint for several books: of the lines "public id, space, fingerprint"."""

    def together(which: str) -> str:
        listed = "".join(f"{one.book} {getattr(one, which)}\n" for one in prints)
        return f"{VERSION}:{hashlib.sha256(listed.encode()).hexdigest()}"

    return Fingerprint("", together("books"), together("history"))


def lines(look: Look, model: type[Model]) -> Iterator[tuple[str, bytes]]:
    """Yield a table's rows in canonical order: the book's public id ('' if it has none), and the line."""
    sql = revisions_sql(look.book_id) if model is Revision else table_sql(model, look.book_id)
    for row in stream(look.connection, sql):
        book = row.pop("of book")
        yield book, f"{canonical([model.__name__, spoken(row)])}\n".encode()


def stream(connection: BaseDatabaseWrapper, sql: str) -> Iterator[dict[str, Any]]:
    """Yield rows by name from a cursor of the server, parsing what is named with a final `json`."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while chunk := cursor.fetchmany(CHUNK):
            names = [
                (column[0].removesuffix(" json"), column[0].endswith(" json")) for column in cursor.description
            ]
            for row in chunk:
                yield {
                    name: parsed(value) if is_json else value
                    for (name, is_json), value in zip(names, row, strict=True)
                }


# --- What a row says


def spoken(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says: without columns that are empty or false.

    A later column that most rows leave empty then leaves their lines as they are.
    """
    return {name: value for name, value in row.items() if value or (value == 0 and value is not False)}


def parsed(text: str | None) -> Any:
    """Return JSON as it stands in the database, numbers exact. The top level is what `spoken` keeps of it."""
    value = None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return spoken(value) if isinstance(value, dict) else value


def canonical(value: Any) -> str:
    """Return the one way to write a value as JSON: keys sorted, no spaces, numbers without trailing zeros."""
    if isinstance(value, dict):
        if not any(isinstance(part, dict | list | Decimal) for part in value.values()):
            return FLAT.encode(value)
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return FLAT.encode(value)


# --- How rows are read


def table_sql(model: type[Model], book_id: int | None) -> str:
    """Return the query for a table: its columns as text, references by what names their row, and its order."""
    order = ORDER.get(model) or HISTORY_ORDER[model]
    live = model in ORDER
    columns, joins, sorting = [], [], {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.name == "book" or field.name in LEFT_OUT.get(model, ()):
            continue
        column, label = f"t.{field.column}", field.name
        target = field.related_model
        if isinstance(target, type):
            joins.append(f"LEFT JOIN ({names_sql(target, live=live)}) {label}_ ON {label}_.id = {column}")
            shown = f"CASE WHEN {column} IS NOT NULL THEN coalesce({label}_.name, '?') END"
            sorting[label] = f'{label}_.name COLLATE "C"'
        else:
            shown = column_sql(field, column)
            sorting[label] = f'{column} COLLATE "C"' if field.empty_strings_allowed else column
        columns.append(f'{shown} AS "{label}{" json" if isinstance(field, JSONField | ArrayField) else ""}"')
    where = "" if book_id is None else f"WHERE t.{book_column(model)} = {int(book_id)}"
    book = book_column(model)
    return (
        f"SELECT coalesce(b.public_id::text, '') AS \"of book\", {', '.join(columns)} "  # noqa: S608
        f"FROM {model._meta.db_table} t LEFT JOIN accounts_book b ON b.id = t.{book} {' '.join(joins)} {where} "
        f"ORDER BY {', '.join(sorting[name] for name in order)}"
    )


def column_sql(field: "Field[Any, Any]", column: str) -> str:
    """Return a column as text that no setting of the server changes; numbers and truth values as they are."""
    if isinstance(field, DateTimeField):
        return moment(column)
    if isinstance(field, DateField):
        return f"to_char({column}, 'YYYY-MM-DD')"
    if isinstance(field, DecimalField):
        return f"trim_scale({column})::text"
    if isinstance(field, ArrayField):
        return (
            f"(SELECT jsonb_agg(coalesce(c.code, '?') ORDER BY c.code COLLATE \"C\")::text"  # noqa: S608
            f" FROM unnest({column}) AS held (id) LEFT JOIN accounts_commodity c ON c.id = held.id)"
        )
    return f"{column}::text" if isinstance(field, UUIDField | JSONField) else column


def moment(column: str) -> str:
    """Return an instant as text, in UTC and to the microsecond."""
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def names_sql(target: type[Model], *, live: bool) -> str:
    """Return the query for what names each row of a table, by id.

    History names a row by what it was first called: the row may be gone, and a new name must not change old lines.
    """
    if live or target is User:
        return f"SELECT id, {NAMES[target]} AS name FROM {target._meta.db_table}"  # noqa: S608
    if target is Transaction:
        return """SELECT DISTINCT ON (transaction_id) transaction_id AS id, public_id::text AS name
                  FROM ledger_transactionrevision ORDER BY transaction_id, ledger_transactionrevision.id"""
    return f"""SELECT DISTINCT ON (row_id) row_id AS id, new ->> '{NAMES[target].removesuffix("::text")}' AS name
               FROM ledger_revision WHERE "table" = '{target._meta.db_table}'
               ORDER BY row_id, ledger_revision.id"""  # noqa: S608


# Keys of the JSON history that hold a database id, and of what.
REFERENCES: dict[str, type[Model]] = {
    "base_commodity_id": Commodity,
    "rounding_account_id": Account,
    "user_id": User,
    "parent_id": Account,
    "transaction_id": Transaction,
    "tag_id": Tag,
    "account_id": Account,
    "commodity_id": Commodity,
    "quote_id": Commodity,
}
KEYS = (
    "public_id", "code", "name", "user_id", "transaction_id", "tag_id", "account_id", "commodity_id", "quote_id",
    "date", "source", "include_children",
)  # fmt: skip


def revisions_sql(book_id: int | None) -> str:
    """Return the query for the JSON history: each side with names in the place of ids."""
    targets = {target: names_sql(target, live=False) for target in REFERENCES.values()}
    named = ", ".join(
        f"{target.__name__.lower()}_name AS MATERIALIZED (SELECT id::text AS id, name FROM ({sql}) n)"  # noqa: S608
        for target, sql in targets.items()
    )
    joins = " ".join(
        f"LEFT JOIN {target.__name__.lower()}_name {side}_{key} ON {side}_{key}.id = r.{side} ->> '{key}'"
        for side in ("old", "new")
        for key, target in REFERENCES.items()
    )
    where = "" if book_id is None else f"WHERE r.book_id = {int(book_id)}"
    keys = ", ".join(f"(coalesce(new, old) ->> '{key}') COLLATE \"C\"" for key in KEYS)
    return f"""WITH {named}, said AS (
          SELECT r.book_id, r.recorded_at, r."table", r.operation, r.actor_id, r.source, r.reason,
                 {side_sql("old")} AS old, {side_sql("new")} AS new
            FROM ledger_revision r {joins} {where})
        SELECT coalesce(b.public_id::text, '') AS "of book", {moment("recorded_at")} AS recorded_at, "table",
          operation,
          CASE WHEN actor_id IS NOT NULL THEN coalesce(lower(u.email), '?') END AS actor, source, reason,
          old::text AS "old json", new::text AS "new json"
        FROM said LEFT JOIN accounts_book b ON b.id = said.book_id LEFT JOIN users_user u ON u.id = said.actor_id
        ORDER BY said.recorded_at, "table", operation, {keys}"""  # noqa: S608


def side_sql(side: str) -> str:
    """Return one side of a JSON revision, with names in the place of ids and without its own id and book."""
    pairs = ", ".join(
        f"'{key}', CASE WHEN r.{side} ->> '{key}' IS NOT NULL THEN coalesce({side}_{key}.name, '?') END"
        for key in REFERENCES
    )
    held = f"""CASE WHEN jsonb_typeof(r.{side} -> 'commodity_ids') = 'array' THEN jsonb_build_object(
        'commodity_ids', (SELECT jsonb_agg(coalesce(c.name, '?') ORDER BY c.name COLLATE "C")
           FROM jsonb_array_elements_text(r.{side} -> 'commodity_ids') AS held (id)
           LEFT JOIN commodity_name c ON c.id = held.id)) ELSE '{{}}' END"""  # noqa: S608
    return f"r.{side} - 'id' - 'book_id' || jsonb_strip_nulls(jsonb_build_object({pairs})) || {held}"
