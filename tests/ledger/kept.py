"""Two households with a bit of everything, committed, and ways to damage them behind every trigger."""

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.db import connections
from django.db.transaction import atomic, set_rollback

from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.ledger import journal, verify
from financetracker.ledger.models import (
    BalanceAssertion,
    Payee,
    Posting,
    PostingRevision,
    Price,
    Revision,
    Tag,
    TransactionRevision,
    TransactionTag,
)
from tests.builders import DAY, Household, UserFactory

OLD_DAY = datetime.date(2020, 5, 1)


def days(n: int) -> datetime.date:
    return DAY + datetime.timedelta(n)


def keep_books(home: Household) -> dict[str, int]:
    """Keep a household's books with every verb there is; return the ids that damages aim at, by name."""
    at: dict[str, int] = {}
    book = home.book
    with home.scope():
        closed = books.open_account(book, "Assets:Giro", "asset", closed_on=datetime.date(2020, 12, 31))
        books.open_account(
            book,
            "Assets:Dollars",
            "asset",
            commodities=[home.commodities["USD"]],
            opened_on=datetime.date(2021, 1, 1),
        )
        rounding = books.open_account(book, "Equity:Rounding", "equity")
        Book.objects.filter(pk=book.pk).update(rounding_account=rounding)
        home.accounts |= {row.name: row for row in Account.objects.filter(book=book)}
        home.post("Giro 100", "Opening -100", date=OLD_DAY)
        plain = home.post(
            "Food 12.50", "Cash -12.50", payee="Spar", narration="Milk", tags=["trip", "food"], code="7"
        )
        split = home.post("Food 10", "Rent 20", "Cash -30", payee="Market", narration="Split")
        shares = home.post("Depot 10 HOOL @@ 33.33 USD", "Dollars -33.33 USD", narration="Shares")
        bonus = home.post("Depot 2.5 HOOL @@ 0 EUR", narration="Bonus")
        gone = home.post("Food 99", "Card -99", narration="Typed twice")
        journal.void(gone, version=1, reason="typed twice")
        back = home.post("Food 5", "Card -5", date=days(1), narration="Void and back")
        journal.reinstate(journal.void(back, version=1), version=2)
        opposite = journal.reverse(plain, date=days(3))
        cleared = home.post("Salary -1000", "Bank 1000", date=days(2), narration="Pay")
        journal.clear(book, Posting.objects.filter(transaction=cleared))
        price = Price.objects.create(
            book=book,
            commodity=home.commodities["USD"],
            quote=home.commodities["EUR"],
            date=DAY,
            value=Decimal("0.9"),
        )
        for account, amount, below in (("Bank", "1000", False), ("Assets", "1057.50", True)):
            at[f"assertion_{account}"] = BalanceAssertion.objects.create(
                book=book,
                account=home.accounts[account],
                date=days(2),
                commodity=home.commodities["EUR"],
                amount=Decimal(amount),
                include_children=below,
            ).pk
        Payee.objects.create(book=book, name="Misspelt").delete()
        Account.objects.filter(pk=closed.pk).update(notes="closed for good")
    with home.scope(home.editor):
        food, rent, cash = journal.legs_of(split)
        amended = home.entry(
            replace(food, amount=Decimal(30)),
            cash,
            payee="Market",
            narration="No longer split",
            date=DAY,
            tags=["food"],
        )
        split = journal.amend(split, amended, version=1, reason="one receipt")
        Tag.objects.filter(name="trip").update(name="Rome")
        Account.objects.filter(pk=home.accounts["Card"].pk).update(name="Visa")
    with home.scope():
        Membership.objects.filter(user=home.viewer).update(role="editor")
        Membership.objects.filter(user=home.viewer).update(role="viewer")
        journal.lock_through(book, OLD_DAY)
        for name, made in {
            "plain": plain,
            "split": split,
            "shares": shares,
            "bonus": bonus,
            "gone": gone,
            "back": back,
            "opposite": opposite,
            "cleared": cleared,
        }.items():
            at[name] = made.pk
            for leg in Posting.objects.filter(transaction=made):
                at[f"{name}{leg.position}"] = leg.pk
        at |= {f"account_{row.name}": row.pk for row in Account.objects.filter(book=book)}
        at |= {f"commodity_{row.code}": row.pk for row in Commodity.objects.filter(book=book)}
        at |= {f"member_{row.role}": row.pk for row in Membership.objects.filter(book=book)}
        at |= {f"payee_{row.name}": row.pk for row in Payee.objects.filter(book=book)}
        at |= {f"tag_{row.name}": row.pk for row in Tag.objects.filter(book=book)}
        link = TransactionTag.objects.get(transaction=plain, tag__name="Rome")
        at |= {"book": book.pk, "price": price.pk, "link": link.pk, "rent_leg": rent.id or 0}
        at |= {"owner": home.owner.pk, "editor": home.editor.pk, "viewer": home.viewer.pk}
        at |= revisions_of(at)
    return at


def revisions_of(at: dict[str, int]) -> dict[str, int]:
    """The history rows that damages aim at, the oldest of a row first: `split0_r0`, `split_r1`, `tag_Rome_r0`."""
    found: dict[str, int] = {}
    for name in ("plain", "split", "gone", "back", "opposite"):
        rows = TransactionRevision.objects.filter(transaction=at[name]).order_by("pk")
        found |= {f"{name}_r{n}": row.pk for n, row in enumerate(rows)}
        for leg in (f"{name}0", f"{name}1"):
            moves = PostingRevision.objects.filter(posting=at[leg]).order_by("pk")
            found |= {f"{leg}_r{n}": row.pk for n, row in enumerate(moves)}
    moves = PostingRevision.objects.filter(posting=at["rent_leg"]).order_by("pk")
    found |= {f"rent_leg_r{n}": row.pk for n, row in enumerate(moves)}
    for name, table, key in (
        ("tag", "ledger_tag", "tag_Rome"),
        ("visa", "accounts_account", "account_Visa"),
        ("book", "accounts_book", "book"),
        ("member", "accounts_membership", "member_viewer"),
        ("price", "ledger_price", "price"),
    ):
        changes = Revision.objects.filter(table=table, row_id=at[key]).order_by("pk")
        found |= {f"{name}_r{n}": row.pk for n, row in enumerate(changes)}
    removed = Revision.objects.get(table="ledger_payee", operation="delete")
    return found | {"misspelt": removed.row_id, "misspelt_r1": removed.pk}


class Books(NamedTuple):
    """Two households, and the ids that damages aim at; those of the second begin with `other_`."""

    home: Household
    other: Household
    at: dict[str, int]


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: Any) -> Iterator[Books]:
    """Two households, committed; gone again after this module."""
    with django_db_blocker.unblock():
        home, other = Household("Home"), Household("Next door")
        at = keep_books(home)
        at |= {f"other_{name}": key for name, key in keep_books(other).items()}
        at["stranger"] = UserFactory().pk
        yield Books(home, other, at)
        clear_tables()


def clear_tables() -> None:
    """Remove every book and every person, as only the owner of the tables may."""
    tables = ", ".join(model._meta.db_table for model in (*verify.ROWS, *verify.HISTORY))
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}, users_user CASCADE")


def look() -> verify.Look:
    return verify.Look(connections["owner"])


@contextmanager
def rolled_back() -> Iterator[Any]:
    """A cursor of the owner, and nothing of what it did stays."""
    with atomic(using="owner"), connections["owner"].cursor() as cursor:
        yield cursor
        set_rollback(True, using="owner")


LOOSEN = """
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT conname, conrelid::regclass AS holder FROM pg_constraint
            WHERE (conrelid = '{0}'::regclass AND contype IN ('c', 'u')) OR
                  (contype = 'f' AND '{0}'::regclass IN (conrelid, confrelid))
  LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.holder, r.conname); END LOOP;
  FOR r IN SELECT indexrelid::regclass AS name FROM pg_index WHERE indrelid = '{0}'::regclass
              AND indisunique AND NOT indisprimary
  LOOP EXECUTE format('DROP INDEX %s', r.name); END LOOP;
END $$
"""


def damage(cursor: Any, sql: str, *, loose: bool) -> None:
    """Change one table behind every trigger, and its constraints too if `loose`; triggers are on again then."""
    match = re.match(r"(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)", sql)
    assert match, sql
    cursor.execute(f"ALTER TABLE {match[1]} DISABLE TRIGGER USER")
    if loose:
        cursor.execute(LOOSEN.format(match[1]))
    cursor.execute(sql)
    assert cursor.rowcount == 1 or "2 rows" in sql, f"{cursor.rowcount} rows changed"
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(f"ALTER TABLE {match[1]} ENABLE TRIGGER USER")
