"""A fingerprint follows what the books say, and nothing else."""

import datetime
import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.db.transaction import atomic

from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.accounts.scope import scope
from financetracker.ledger import fingerprint, journal, verify
from financetracker.ledger.fingerprint import Fingerprint, fingerprints, total
from financetracker.ledger.journal import Entry, Leg
from financetracker.ledger.models import (
    BalanceAssertion,
    Posting,
    Price,
    Revision,
    Transaction,
)
from financetracker.users.models import User
from tests.builders import DAY, UserFactory, new_id
from tests.ledger.kept import LOOSEN, Books, clear_tables, kept, look, rolled_back

__all__ = ["kept"]  # the fixture

CHART = (
    ("Assets", "asset", True),
    ("Assets:Cash", "asset", False),
    ("Assets:Depot", "asset", False),
    ("Expenses", "expense", True),
    ("Expenses:Food", "expense", False),
)
BOOK = uuid.UUID("00000000-0000-4000-8000-00000000b00c")


def found_book(owner: User, code: str) -> Book:
    """A book of a known public id, which `create_book` would draw by lot."""
    with atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_commodity (id, book_id, code, name, kind, places, scale, metadata)"
            " VALUES (nextval(pg_get_serial_sequence('accounts_commodity', 'id')),"
            " nextval(pg_get_serial_sequence('accounts_book', 'id')), %s, 'Euro', 'currency', 2, 2, '{}')"
            " RETURNING id, book_id",
            [code],
        )
        base, book = cursor.fetchone()
        cursor.execute(
            "INSERT INTO accounts_book (id, public_id, name, base_commodity_id, time_zone)"
            " VALUES (%s, %s, 'Home', %s, 'UTC')",
            [book, BOOK, base],
        )
        cursor.execute(
            "INSERT INTO accounts_membership (book_id, user_id, role) VALUES (%s, %s, 'owner')", [book, owner.pk]
        )
    with scope(owner.pk, book):
        return Book.objects.get(pk=book)


def keep(arrange: Callable[[Sequence[Any]], Sequence[Any]], gap: int) -> tuple[Fingerprint, ...]:
    """Keep the same books with everything done in another order and with other ids; return their fingerprints."""
    with connections["owner"].cursor() as cursor:
        for model in verify.ROWS:
            cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{model._meta.db_table}', 'id'))"
                           f" FROM generate_series(1, {gap})")  # fmt: skip
    owner = UserFactory(email="Ana@example.org", name="Ana")
    book = found_book(owner, "EUR")
    with scope(owner.pk, book.pk, source="test"):
        for code in arrange(["USD", "HOOL", "JPY"]):
            books.add_commodity(book, code, scale=4)
        for full_name, kind, placeholder in CHART:  # parents come first
            books.open_account(
                book,
                full_name,
                kind,
                placeholder=placeholder,
                public_id=uuid.uuid5(BOOK, full_name),
                commodities=Commodity.objects.filter(code__in=["USD", "EUR"]) if "Cash" in full_name else (),
            )
        commodity = {row.code: row for row in Commodity.objects.all()}
        account = {row.name: row for row in Account.objects.all()}
        entries = [
            Entry(
                DAY + datetime.timedelta(n % 5),
                [
                    Leg(account["Food"], Decimal(n) / 4, commodity["EUR"], memo=f"{n}", metadata={"n": n}),
                    Leg(account["Cash"], Decimal(-n) / 4, commodity["EUR"]),
                ],
                payee=f"Payee {n % 3}",
                narration=f"Entry {n} \u00e4\U0001f600\u2028",
                tags=[f"tag{n % 2}", "all"],
                public_id=new_id(n),
            )
            for n in range(1, 12)
        ]
        for entry in arrange(entries):
            journal.post(book, entry)
        for n in arrange(range(4)):
            Price.objects.create(
                book=book,
                commodity=commodity["USD"],
                quote=commodity["EUR"],
                date=DAY,
                value=Decimal("0.90"),
                source=n,
            )
            BalanceAssertion.objects.create(
                book=book,
                account=account["Cash"],
                date=DAY - datetime.timedelta(n + 1),
                commodity=commodity["EUR"],
                amount=0,
            )
    return fingerprints(look())


@pytest.mark.usefixtures("django_db_setup")
def test_equal_books_have_one_fingerprint_however_they_were_made(django_db_blocker: Any) -> None:
    made = []
    with django_db_blocker.unblock():
        for arrange, gap in (
            (list, 0),
            (lambda rows: list(reversed(rows)), 3),
            (lambda rows: random.Random(7).sample(list(rows), len(rows)), 1000),
        ):
            try:
                made.append(keep(arrange, gap))
            finally:
                clear_tables()
    assert [one.book for one in made[0]] == [str(BOOK)]
    assert {prints[0].books for prints in made} == {made[0][0].books}
    # What version 1 came to when it was decided: if this changes, so must VERSION.
    assert made[0][0].books == "v1:b6874924558c25079fd20ab53a90d1a514493c253db01f53111d32bee9670364"


# What a column is changed to, by the kind of its field; the old value is never kept.
CHANGES: tuple[tuple[type[models.Field], str], ...] = (
    (models.UUIDField, "gen_random_uuid()"),
    (models.DateTimeField, "{c} - interval '1 microsecond'"),
    (models.DateField, "coalesce({c}, '2026-01-01') + 1"),
    (models.DecimalField, "coalesce({c}, 0) + 0.000000000000000001"),
    (models.BooleanField, "NOT coalesce({c}, false)"),
    (models.JSONField, "coalesce({c}, '{{}}') || '{{\"seen\": 0}}'"),
    (ArrayField, "ARRAY[(SELECT max(id) FROM accounts_commodity)]"),
    (models.IntegerField, "coalesce({c}, 0) + 1"),
    (models.CharField, "left(coalesce({c}, ''), 5) || '\u00e9'"),
    (models.TextField, "left(coalesce({c}, ''), 5) || '\u00e9'"),
)


def changed(field: "models.Field[Any, Any]") -> str:
    """SQL for another value of a column; a reference goes nowhere, because another row may have the same name."""
    if isinstance(field.related_model, type):
        return "999999"
    return next(sql for kind, sql in CHANGES if isinstance(field, kind)).format(c=f't."{field.column}"')


def said(model: type[models.Model]) -> dict[str, bytes]:
    """What a table's rows say in the fingerprint, by book."""
    found: dict[str, bytes] = defaultdict(bytes)
    for book, line in fingerprint.lines(look(), model):
        found[book] += line
    return found


@pytest.mark.parametrize("model", [*verify.ROWS, *verify.HISTORY], ids=lambda model: model.__name__)
def test_any_change_changes_it(kept: Books, model: type[models.Model]) -> None:
    """Every column but the database's own ids and what repeats others."""
    table, book = model._meta.db_table, verify.book_column(model)
    home, other = str(kept.home.book.public_id), str(kept.other.book.public_id)
    covered = [
        field
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name not in {*fingerprint.LEFT_OUT.get(model, ()), "row_id"}
    ]
    unseen, spilt = [], []
    with rolled_back() as cursor:
        before = said(model)
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(LOOSEN.format(table))
        for field in covered:
            with rolled_back():
                cursor.execute(
                    f'UPDATE {table} t SET "{field.column}" = {changed(field)}'
                    f" WHERE id = (SELECT max(id) FROM {table} WHERE {book} = {kept.home.book.pk})"
                )
                after = said(model)
            unseen += [field.name] if before[home] == after[home] else []
            spilt += [field.name] if before[other] != after[other] else []
    assert len(covered) >= 2
    assert (unseen, spilt) == ([], [])


def test_a_change_shows_in_its_book_and_in_the_total(kept: Books) -> None:
    home, other = str(kept.home.book.public_id), str(kept.other.book.public_id)
    with rolled_back() as cursor:
        before = fingerprints(look())
        cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_posting SET memo = 'x' WHERE id = %s", [kept.at["plain0"]])
        after = fingerprints(look())
    was, is_ = ({one.book: one for one in prints} for prints in (before, after))
    assert was[other] == is_[other]
    assert was[home].books != is_[home].books
    assert was[home].history == is_[home].history
    assert total(before).books != total(after).books
    assert total(before).history == total(after).history


def test_what_says_the_same_changes_nothing(kept: Books) -> None:
    with rolled_back() as cursor:
        before = fingerprints(look())
        for table, change in (
            ("ledger_posting", "amount = amount * 1.000, weight = weight * 1.00000"),
            ("ledger_price", "value = value * 1.0"),
            ("accounts_account", "full_name = 'x'"),
            ("ledger_postingrevision", "new_amount = new_amount * 1.00"),
        ):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"UPDATE {table} SET {change}")
        assert fingerprints(look()) == before


RENUMBERED = """
UPDATE ledger_revision SET row_id = row_id + 1000, old = renumbered(old), new = renumbered(new)
"""
RENUMBER = """
CREATE FUNCTION renumbered(side jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(key, CASE
    WHEN key = 'commodity_ids' THEN (SELECT coalesce(jsonb_agg(id::bigint + 1000), '[]')
                                       FROM jsonb_array_elements_text(value) AS held (id))
    WHEN (key = 'id' OR key LIKE '%\\_id') AND key <> 'user_id' AND jsonb_typeof(value) = 'number'
      THEN to_jsonb(value::text::bigint + 1000)
    ELSE value END) FROM jsonb_each(side)
$$
"""


def test_a_copy_with_other_ids_in_another_order_keeps_it(kept: Books) -> None:
    with rolled_back() as cursor:
        before = fingerprints(look())
        cursor.execute(RENUMBER)
        tables = [*verify.ROWS, *verify.HISTORY]
        for model in tables:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
            cursor.execute(LOOSEN.format(model._meta.db_table))
        for model in tables:
            table = model._meta.db_table
            names = [field.column for field in model._meta.concrete_fields
                     if field.primary_key or field.related_model not in {None, User}]  # fmt: skip
            sets = [f"{name} = {name} + 1000" for name in names]
            if model is Account:
                sets.append("commodity_ids = ARRAY(SELECT id + 1000 FROM unnest(commodity_ids) AS held (id))")
            cursor.execute(f"UPDATE {table} SET {', '.join(sets)}")
        cursor.execute(RENUMBERED)
        for model in tables:
            table = model._meta.db_table
            cursor.execute(f"CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM {table}")
            cursor.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM copied ORDER BY id DESC")
            cursor.execute("DROP TABLE copied")
        assert fingerprints(look()) == before
        truths = [check for check in verify.CHECKS if check is not verify.rules]
        assert verify.verify(look(), truths) == verify.Report(())


def test_one_book_alone_has_the_same_fingerprint(kept: Books) -> None:
    with rolled_back():
        everything = fingerprints(look())
        alone = fingerprints(verify.Look(connections["owner"], kept.home.book.pk))
        assert [one.book for one in everything] == sorted(str(b.book.public_id) for b in (kept.home, kept.other))
        assert alone == tuple(one for one in everything if one.book == str(kept.home.book.public_id))


def test_lines_are_canonical(kept: Books) -> None:
    with rolled_back() as cursor:
        leg = kept.at["shares0"]
        cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE ledger_posting SET amount = 10.500, memo = %s, metadata = %s WHERE id = %s",
            ['Zwölf "Äpfel"', '{"b": [1.50, 1e2, null, true], "a": {"d": "x", "c": ""}}', leg],
        )
        public_id = Transaction.objects.using("owner").get(pk=kept.at["shares"]).public_id
        account = Account.objects.using("owner").get(pk=kept.at["account_Depot"]).public_id
        book = str(kept.home.book.public_id)
        lines = [line for of, line in fingerprint.lines(look(), Posting) if of == book and b"pfel" in line]
    assert lines == [
        f'["Posting",{{"account":"{account}","amount":"10.5","commodity":"HOOL","date":"2026-03-14","memo":"Zwölf '
        f'\\"Äpfel\\"","metadata":{{"a":{{"c":"","d":"x"}},"b":[1.5,100,null,true]}},"position":0,'
        f'"state":"uncleared","transaction":"{public_id}","weight":"33.33","weight_commodity":"USD"}}]\n'.encode()
    ]


def test_history_keeps_the_first_name_of_what_was_renamed(kept: Books) -> None:
    with rolled_back():
        lines = [line.decode() for _book, line in fingerprint.lines(look(), Revision)]
    links = [line for line in lines if '"table":"ledger_transactiontag"' in line]
    assert any('"tag_id":"trip"' in line for line in links)
    assert not any('"tag_id":"Rome"' in line for line in links)
    assert any('"name":"Rome"' in line for line in lines)
