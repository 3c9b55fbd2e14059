"""The only writer of transactions and postings.

Admin, API, imports, commands, demo data and test builders call these verbs; each runs inside a scope, writes in
one statement so that the database's rules judge the whole, and raises `Refusal` (or a child of it below) with the
name of the rule. A refused call leaves the surrounding block as it was.
"""

import datetime
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any, NamedTuple

from django.db import connection
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from financetracker.accounts.books import require_writer, today
from financetracker.accounts.errors import NotAllowed, Refusal, refusals
from financetracker.accounts.models import Book
from financetracker.accounts.scope import because
from financetracker.ledger.entries import Entry, Leg, LegRefused, Unbalanced, check, residue
from financetracker.ledger.models import (
    Payee,
    Posting,
    PostingRevision,
    Tag,
    Transaction,
    TransactionRevision,
    TransactionTag,
)
from financetracker.writing.days import show_day

__all__ = [
    "Entry",
    "Leg",
    "LegRefused",
    "Posted",
    "Reused",
    "Stale",
    "Unbalanced",
    "amend",
    "check",
    "clear",
    "entry_of",
    "legs_of",
    "lock_through",
    "post",
    "post_many",
    "reinstate",
    "residue",
    "reverse",
    "unlock",
    "void",
]

# Entries a statement. Large enough that the cost of a statement vanishes, small enough to bound its memory.
BATCH = 10_000


class Stale(Refusal):
    """Somebody else changed it first: `current` is the version the books hold now."""

    rule = "transaction_version"

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(_("Somebody changed this transaction while you looked at it. Nothing was overwritten."))


class Reused(Refusal):
    """The submission's id belongs to another transaction already; that one is kept."""

    rule = "submission_is_used_once"

    def __init__(self) -> None:
        super().__init__(
            _("This form was saved already, with other figures. Open the saved transaction to change it.")
        )


class Posted(NamedTuple):
    """What `post_many` did: how many transactions it added, and how many were there already."""

    added: int
    known: int


# --- Verbs


def post(book: Book, entry: Entry) -> Transaction:
    """Write one transaction with its legs and return it. One statement, two more for each new payee or tag.

    The same entry under the same `public_id` returns the first result, and raises Reused if it differs from it.
    Raises Unbalanced, LegRefused, NotAllowed, or Refusal with the broken rule.
    """
    check(book, entry)
    with atomic(), refusals():
        require_writer()
        payees = _payees(book, [entry])
        written = _insert(book, [entry], payees)
        if entry.public_id not in written:
            return _first_result(book, entry)
        transaction = Transaction(
            id=written[entry.public_id],
            public_id=entry.public_id,
            book=book,
            date=entry.date,
            payee_id=payees.get(entry.payee),
            narration=entry.narration,
            notes=entry.notes,
            code=entry.code,
            flag=entry.flag,
            metadata=dict(entry.metadata),
            reverses=entry.reverses,
        )
        transaction._state.adding = False
        return transaction


def post_many(book: Book, entries: Iterable[Entry]) -> Posted:
    """Write many transactions, all or none. One statement for every 10,000, a few more for new payees and tags.

    An entry whose `public_id` the book holds already is counted as known and left alone, whatever became of it.
    Raises as `post` does; a LegRefused or Unbalanced carries the entry as `entry`.
    """
    added = known = 0
    with atomic(), refusals():
        require_writer()
        for batch in batched(entries, BATCH):
            for entry in batch:
                try:
                    check(book, entry)
                except Refusal as refusal:
                    refusal.entry = entry  # type: ignore[attr-defined]
                    raise
            written = _insert(book, batch, _payees(book, batch))
            _refuse_foreign(book, {entry.public_id for entry in batch} - written.keys())
            added += len(written)
            known += len(batch) - len(written)
    return Posted(added, known)


def amend(transaction: Transaction, entry: Entry, *, version: int, reason: str = "") -> Transaction:
    """Replace what a transaction says by `entry`. Legs with an `id` keep it, others are new, missing ones go.

    `version` is the one the person looked at: Stale if the books have moved on. One statement. A voided
    transaction is reinstated first. Raises as `post` does.
    """
    check(transaction.book, entry)
    with atomic(), refusals(), because(reason):
        require_writer()
        _refuse_stale(transaction, version)
        if Transaction.objects.values_list("voided", flat=True).get(pk=transaction.pk):
            raise Refusal(_("This transaction is void: bring it back first."), rule="transaction_is_void")
        kept = [leg.id for leg in entry.legs if leg.id is not None]
        own = set(Posting.objects.filter(transaction=transaction).values_list("pk", flat=True))
        if len(set(kept)) < len(kept) or not own.issuperset(kept):
            raise Refusal(_("A leg does not belong to this transaction."), rule="posting_references_stay_in_book")
        payees = _payees(transaction.book, [entry])
        with connection.cursor() as cursor:
            cursor.execute(_AMEND, _amend_parameters(transaction, entry, version, payees.get(entry.payee)))
            if cursor.fetchone() is None:
                raise Stale(_current_version(transaction))
        _write_tags(transaction.book, [(transaction.pk, entry.tags)], replace_all=True)
        return Transaction.objects.select_related("book", "payee").get(pk=transaction.pk)


def void(transaction: Transaction, *, version: int, reason: str = "") -> Transaction:
    """Take a transaction out of every sum; it stays in sight and in history, and `reinstate` brings it back."""
    return _set_voided(transaction, version, reason, voided=True)


def reinstate(transaction: Transaction, *, version: int, reason: str = "") -> Transaction:
    """Count a voided transaction again. Its accounts and its day must allow it as if it were new."""
    return _set_voided(transaction, version, reason, voided=False)


def reverse(
    transaction: Transaction,
    *,
    date: datetime.date,
    version: int | None = None,
    narration: str = "",
    public_id: uuid.UUID | None = None,
) -> Transaction:
    """Write the opposite of a transaction on another day, linked to it. At most one reversal counts at a time.

    The transaction is held while its legs are read, so that what is reversed is what it says; with `version` it is
    refused as Stale if that is not what the person looked at.
    """
    with atomic(), refusals():
        require_writer()
        rows = Transaction.objects.select_related("book", "payee").select_for_update(of=("self",), no_key=True)
        held = rows.get(pk=transaction.pk)
        if version is not None and held.version != version:
            raise Stale(held.version)
        if held.voided:
            raise Refusal(_("This transaction is void: there is nothing to reverse."), rule="transaction_is_void")
        opposite = [
            replace(
                leg,
                id=None,
                state=Posting.State.UNCLEARED,
                # The minus operator would round to the 28 digits of the default context.
                amount=leg.amount.copy_negate(),
                weight=None if leg.weight is None else leg.weight.copy_negate(),
            )
            for leg in legs_of(held)
        ]
        told = narration or _("Reversal: %(what)s") % {"what": held.narration or show_day(held.date)}
        entry = replace(
            entry_of(held, opposite),
            date=date,
            narration=told[:500],
            public_id=public_id or uuid.uuid4(),
            reverses=held,
        )
        return post(held.book, entry)


def clear(book: Book, postings: Iterable[Posting], state: str = Posting.State.CLEARED) -> int:
    """Set legs to cleared or uncleared, all or none; return how many changed. A reconciled leg is refused."""
    if state not in {Posting.State.CLEARED, Posting.State.UNCLEARED}:
        raise Refusal(_("Only a statement reconciles a leg."), rule="reconciled_posting_is_fixed")
    ids = [posting.pk for posting in postings]
    with atomic(), refusals():
        require_writer()
        found = Posting.objects.filter(book=book, pk__in=ids).select_for_update(of=("self",)).order_by("pk")
        states = dict(found.values_list("pk", "state"))
        if len(states) < len(set(ids)):
            raise Refusal(_("There is no such leg in this book."), rule="posting_references_stay_in_book")
        if Posting.State.RECONCILED in states.values():
            raise Refusal(_("A reconciled leg stays reconciled."), rule="reconciled_posting_is_fixed")
        return Posting.objects.filter(pk__in=ids).exclude(state=state).update(state=state)


def lock_through(book: Book, date: datetime.date, *, reason: str = "") -> Book:
    """Fix amounts, accounts and days up to and including `date`, today at most. Owners only.

    Moves forward only: see `unlock`.
    """
    if date > today(book, timezone.now()):
        raise Refusal(
            _("%(date)s has not come yet: lock through today at most.") % {"date": show_day(date)},
            rule="period_is_open",
        )
    with atomic(), refusals(), because(reason):
        held = _held(book)
        if held.locked_through is not None and held.locked_through > date:
            raise Refusal(
                _("The book is locked through %(date)s already.") % {"date": show_day(held.locked_through)},
                rule="period_is_open",
            )
        Book.objects.filter(pk=book.pk).update(locked_through=date)
    return Book.objects.get(pk=book.pk)


def unlock(book: Book, *, through: datetime.date | None = None, reason: str) -> Book:
    """Open the book after `through`, or wholly. Owners only; the reason stays in history."""
    if not reason.strip():
        raise Refusal(_("Say why the period is opened again."), rule="unlock_has_a_reason")
    with atomic(), refusals(), because(reason):
        held = _held(book)
        if held.locked_through is None or (through is not None and through >= held.locked_through):
            raise Refusal(_("The book is not locked that far."), rule="period_is_open")
        Book.objects.filter(pk=book.pk).update(locked_through=through)
    return Book.objects.get(pk=book.pk)


# --- What a caller may ask before it writes


def legs_of(transaction: Transaction) -> list[Leg]:
    """Return the legs of a transaction as they stand, ready to be changed and given to `amend`. One query."""
    rows = Posting.objects.filter(transaction=transaction).order_by("position", "pk")
    return [
        Leg(
            account=row.account,
            amount=row.amount,
            commodity=row.commodity,
            weight=None if row.commodity_id == row.weight_commodity_id else row.weight,
            weight_commodity=None if row.commodity_id == row.weight_commodity_id else row.weight_commodity,
            state=row.state,
            memo=row.memo,
            metadata=row.metadata,
            id=row.pk,
        )
        for row in rows.select_related("account", "commodity", "weight_commodity")
    ]


def entry_of(transaction: Transaction, legs: Sequence[Leg] | None = None) -> Entry:
    """Return what a transaction says, ready to be changed and given to `amend`. Two or three queries."""
    return Entry(
        date=transaction.date,
        legs=legs_of(transaction) if legs is None else legs,
        payee=transaction.payee.name if transaction.payee else "",
        narration=transaction.narration,
        notes=transaction.notes,
        code=transaction.code,
        flag=transaction.flag,
        tags=tuple(transaction.tags.order_by("name").values_list("name", flat=True)),
        metadata=transaction.metadata,
        public_id=transaction.public_id,
    )


# --- How


# Which columns of an entry are text to PostgreSQL's array syntax; all others are numbers, days and ids.
_TEXTS = {"narration", "notes", "code", "flag", "metadata", "state", "memo", "leg_metadata"}

_POST = """
WITH e AS (
  SELECT * FROM unnest(%(public_id)s::uuid[], %(date)s::date[], %(payee)s::bigint[], %(narration)s::text[],
    %(notes)s::text[], %(code)s::text[], %(flag)s::text[], %(metadata)s::jsonb[], %(reverses)s::bigint[])
    WITH ORDINALITY AS e (public_id, date, payee_id, narration, notes, code, flag, metadata, reverses_id, n)
), t AS (
  INSERT INTO ledger_transaction (public_id, book_id, date, payee_id, narration, notes, code, flag, metadata,
                                  version, voided, reverses_id)
  SELECT public_id, %(book)s, date, payee_id, narration, notes, code, flag, metadata, 1, false, reverses_id
    FROM e ORDER BY n ON CONFLICT (public_id) DO NOTHING RETURNING id, public_id, date
), p AS (
  INSERT INTO ledger_posting (book_id, transaction_id, date, voided, position, state,
                              account_id, amount, commodity_id, weight, weight_commodity_id, memo, metadata)
  SELECT %(book)s, t.id, t.date, false, l.position, l.state,
         l.account_id, l.amount, l.commodity_id, l.weight, l.weight_commodity_id, l.memo, l.metadata
    FROM unnest(%(leg_of)s::int[], %(position)s::smallint[], %(state)s::text[], %(account)s::bigint[],
      %(amount)s::numeric[], %(commodity)s::bigint[], %(weight)s::numeric[], %(weight_commodity)s::bigint[],
      %(memo)s::text[], %(leg_metadata)s::jsonb[])
      WITH ORDINALITY AS l (entry, position, state, account_id, amount, commodity_id, weight,
                            weight_commodity_id, memo, metadata, n)
    JOIN e ON e.n = l.entry JOIN t ON t.public_id = e.public_id ORDER BY l.n
)
SELECT id, public_id FROM t
"""

_AMEND = """
WITH t AS (
  UPDATE ledger_transaction
     SET date = %(date)s, payee_id = %(payee)s, narration = %(narration)s, notes = %(notes)s, code = %(code)s,
         flag = %(flag)s, metadata = %(metadata)s, version = version + 1
   WHERE id = %(id)s AND version = %(version)s RETURNING id, book_id, date, voided
), l AS (
  SELECT * FROM unnest(%(leg)s::bigint[], %(position)s::smallint[], %(state)s::text[], %(account)s::bigint[],
    %(amount)s::numeric[], %(commodity)s::bigint[], %(weight)s::numeric[], %(weight_commodity)s::bigint[],
    %(memo)s::text[], %(leg_metadata)s::jsonb[])
    AS l (id, position, state, account_id, amount, commodity_id, weight, weight_commodity_id, memo, metadata)
), u AS (
  UPDATE ledger_posting p
     SET date = t.date, position = l.position, account_id = l.account_id, amount = l.amount,
         commodity_id = l.commodity_id, weight = l.weight, weight_commodity_id = l.weight_commodity_id,
         memo = l.memo, metadata = l.metadata
    FROM t, l WHERE p.id = l.id AND p.transaction_id = t.id
), d AS (
  DELETE FROM ledger_posting p USING t
   WHERE p.transaction_id = t.id AND NOT EXISTS (SELECT FROM l WHERE l.id = p.id)
), i AS (
  INSERT INTO ledger_posting (book_id, transaction_id, date, voided, position, state,
                              account_id, amount, commodity_id, weight, weight_commodity_id, memo, metadata)
  SELECT t.book_id, t.id, t.date, t.voided, l.position, l.state,
         l.account_id, l.amount, l.commodity_id, l.weight, l.weight_commodity_id, l.memo, l.metadata
    FROM t, l WHERE l.id IS NULL
)
SELECT id FROM t
"""

_VOID = """
WITH t AS (
  UPDATE ledger_transaction SET voided = %(voided)s, version = version + 1
   WHERE id = %(id)s AND version = %(version)s RETURNING id
), p AS (
  UPDATE ledger_posting p SET voided = %(voided)s FROM t WHERE p.transaction_id = t.id
)
SELECT id FROM t
"""


def _payees(book: Book, entries: Iterable[Entry]) -> dict[str, int]:
    return _names(Payee, book, {entry.payee for entry in entries if entry.payee})


def _names[Named: (Payee, Tag)](model: type[Named], book: Book, names: set[str]) -> dict[str, int]:
    """Return the ids of payees or tags by name, made where they are missing. One query, three if any is new."""
    if not names:
        return {}
    rows = model._default_manager.filter(book=book, name__in=names)
    found: dict[str, int] = dict(rows.values_list("name", "pk"))
    missing = sorted(names - found.keys())
    if missing:
        # Another connection may make the same name at this moment: both then find the one that won.
        model._default_manager.bulk_create(
            [model(book=book, name=name) for name in missing], ignore_conflicts=True
        )
        found = dict(rows.values_list("name", "pk"))
    return found


def _insert(book: Book, entries: Sequence[Entry], payees: Mapping[str, int]) -> dict[uuid.UUID, int]:
    """Write entries in one statement; return the ids of those that were new, by public id."""
    # The same id twice in one statement would give one transaction the legs of both: the first of them counts.
    first: dict[uuid.UUID, Entry] = {}
    for entry in entries:
        first.setdefault(entry.public_id, entry)
    entries = list(first.values())
    legs = [(n, position, leg) for n, entry in enumerate(entries, 1) for position, leg in enumerate(entry.legs)]
    columns: dict[str, list[Any]] = {
        "public_id": [entry.public_id for entry in entries],
        "date": [entry.date for entry in entries],
        "payee": [payees.get(entry.payee) for entry in entries],
        "narration": [entry.narration for entry in entries],
        "notes": [entry.notes for entry in entries],
        "code": [entry.code for entry in entries],
        "flag": [entry.flag for entry in entries],
        "metadata": [_json(entry.metadata) for entry in entries],
        "reverses": [entry.reverses.pk if entry.reverses else None for entry in entries],
        "leg_of": [n for n, _position, _leg in legs],
        **_leg_columns([(position, leg) for _n, position, leg in legs]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_POST, {"book": book.pk, **_arrays(columns)})
        written = {public_id: pk for pk, public_id in cursor.fetchall()}
    _write_tags(book, [(written[e.public_id], e.tags) for e in entries if e.tags and e.public_id in written])
    return written


def _leg_columns(legs: Sequence[tuple[int, Leg]]) -> dict[str, list[Any]]:
    return {
        "position": [position for position, _leg in legs],
        "state": [str(leg.state) for _position, leg in legs],
        "account": [leg.account.pk for _position, leg in legs],
        "amount": [leg.amount for _position, leg in legs],
        "commodity": [leg.commodity.pk for _position, leg in legs],
        "weight": [leg.amount if leg.weight is None else leg.weight for _position, leg in legs],
        "weight_commodity": [(leg.weight_commodity or leg.commodity).pk for _position, leg in legs],
        "memo": [leg.memo for _position, leg in legs],
        "leg_metadata": [_json(leg.metadata) for _position, leg in legs],
    }


def _json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(dict(metadata)) if metadata else "{}"


def _arrays(columns: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Write columns as PostgreSQL reads arrays. The driver's own way takes several times as long for an import."""
    return {name: "{" + ",".join(_written(name, values)) + "}" for name, values in columns.items()}


def _written(name: str, values: Sequence[Any]) -> Iterable[str]:
    if name in _TEXTS:
        # Most legs say the same: nothing.
        quoted = {text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in set(values)}
        return [quoted[text] for text in values]
    return ["NULL" if value is None else str(value) for value in values]


def _amend_parameters(transaction: Transaction, entry: Entry, version: int, payee: int | None) -> dict[str, Any]:
    return {
        "id": transaction.pk,
        "version": version,
        "date": entry.date,
        "payee": payee,
        "narration": entry.narration,
        "notes": entry.notes,
        "code": entry.code,
        "flag": entry.flag,
        "metadata": Jsonb(dict(entry.metadata)),
        **_arrays({"leg": [leg.id for leg in entry.legs], **_leg_columns(list(enumerate(entry.legs)))}),
    }


def _write_tags(book: Book, tagged: Sequence[tuple[int, Sequence[str]]], *, replace_all: bool = False) -> None:
    ids = _names(Tag, book, {name for _pk, names in tagged for name in names})
    if replace_all:
        for pk, names in tagged:
            TransactionTag.objects.filter(transaction_id=pk).exclude(tag__name__in=names).delete()
    TransactionTag.objects.bulk_create(
        [
            TransactionTag(book=book, transaction_id=pk, tag_id=ids[name])
            for pk, names in tagged
            for name in dict.fromkeys(names)
        ],
        ignore_conflicts=True,
    )


def _set_voided(transaction: Transaction, version: int, reason: str, *, voided: bool) -> Transaction:
    with atomic(), refusals(), because(reason):
        require_writer()
        _refuse_stale(transaction, version)
        if Transaction.objects.values_list("voided", flat=True).get(pk=transaction.pk) == voided:
            message = _("This transaction is void already.") if voided else _("This transaction is not void.")
            raise Refusal(message, rule="transaction_is_void")
        with connection.cursor() as cursor:
            parameters: dict[str, Any] = {"id": transaction.pk, "version": version, "voided": voided}
            cursor.execute(_VOID, parameters)
            if cursor.fetchone() is None:
                raise Stale(_current_version(transaction))
        return Transaction.objects.select_related("book", "payee").get(pk=transaction.pk)


def _current_version(transaction: Transaction) -> int:
    return int(Transaction.objects.values_list("version", flat=True).get(pk=transaction.pk))


def _refuse_stale(transaction: Transaction, version: int) -> None:
    current = _current_version(transaction)
    if current != version:
        raise Stale(current)


def _refuse_foreign(book: Book, ids: set[uuid.UUID]) -> None:
    """Raise Reused if an id that could not be written belongs to no transaction of this book. One query if any."""
    if ids and Transaction.objects.filter(book=book, public_id__in=ids).count() < len(ids):
        raise Reused


def _held(book: Book) -> Book:
    """Return the book, locked against every writer of postings. Raises NotAllowed for who is not its owner."""
    held = Book.objects.select_for_update(no_key=True).filter(pk=book.pk).first()
    if held is None:
        raise NotAllowed(_("Only an owner of the book may do this."))
    return held


def _first_result(book: Book, entry: Entry) -> Transaction:
    """Return what the same submission wrote before; raise Reused if that was something else.

    Compared is what history says was first written, not what the transaction says today: a late retry of an entry
    that was amended since is still a retry.
    """
    first = TransactionRevision.objects.filter(book=book, public_id=entry.public_id, operation="insert").first()
    if first is None:
        raise Reused
    legs = PostingRevision.objects.filter(
        new_transaction=first.transaction_id, operation="insert", recorded_at=first.recorded_at
    ).order_by("new_position")
    was = (
        first.new_date,
        first.new_payee.name if first.new_payee else "",
        first.new_narration,
        [
            (
                leg.new_account_id,
                leg.new_amount,
                leg.new_commodity_id,
                leg.new_weight,
                leg.new_weight_commodity_id,
            )
            for leg in legs
        ],
    )
    columns = _leg_columns(list(enumerate(entry.legs)))
    asked = zip(
        *(columns[name] for name in ("account", "amount", "commodity", "weight", "weight_commodity")),
        strict=True,
    )
    if was != (entry.date, entry.payee, entry.narration, list(asked)):
        raise Reused
    return Transaction.objects.select_related("book", "payee").get(pk=first.transaction_id)
