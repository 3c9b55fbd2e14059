"""A book of 200,000 postings: each page asks as many questions as of 200, reads no whole table, stays small."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.transaction import atomic
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from financetracker.ledger.models import Posting
from tests.site.matrix import PAGES
from tests.site.world import furnish

OWNER = "owner"
TABLES = ("ledger_transaction", "ledger_posting")
FEW, MANY = 100, 100_000  # transactions of two legs
HEAVIEST = 150_000  # bytes, compressed

LIST = "/admin/ledger/transaction/"
REGISTER = "/admin/accounts/account/{account}/register/"
# What the table of addresses does not say: searches, filters and pages in the middle.
ASKED = (
    LIST + "usual/?payee=shop+7",
    LIST + "?q=shop",
    LIST + "?q=nothing-like-it",
    LIST + "?q=food+-shop",
    LIST + "?q=%3E180",
    LIST + "?q=10..90",
    LIST + "?q=%23rare",
    LIST + "?q=2016+10..90",
    LIST + "?account=Expenses&state=uncleared&since=2016-02-01&until=2016-12-31",
    LIST + "?state=reconciled",
    LIST + "?void=yes",
    LIST + "?below=2018-06-01.999999999",
    LIST + "?above=2018-06-01.0",
    LIST + "?q=shop&below=2018-06-01.999999999",
    REGISTER + "?below=2018-06-01.999999999",
    REGISTER + "?above=2018-06-01.0",
    REGISTER + "?q=shop+7",
    REGISTER + "?q=%3E90&state=uncleared",
    REGISTER + "?q=nothing-like-it",
    "/admin/accounts/account/?all",
    "/admin/accounts/account/?on=2018-06-01",
)

# Entries over ten years, each between an account and a category: half of them of the account with the register, as
# nearly everything is paid from one account.
_FILL = """
WITH t AS (
  INSERT INTO ledger_transaction (public_id, book_id, date, payee_id, narration, notes, code, flag, metadata,
                                  version, voided)
  SELECT gen_random_uuid(), %(book)s, date '2016-01-01' + n * 3650 / %(count)s,
         (%(payees)s::bigint[])[1 + n %% 50], 'Purchase ' || n %% 1000, '', '', '', '{}', 1, false
    FROM generate_series(1, %(count)s) n RETURNING id, date
), e AS (
  SELECT id, date, row_number() OVER (ORDER BY id) AS n FROM t
)
INSERT INTO ledger_posting (book_id, transaction_id, date, voided, position, state, account_id, amount,
                            commodity_id, weight, weight_commodity_id, memo, metadata)
SELECT %(book)s, e.id, e.date, false, side, 'uncleared',
       CASE WHEN side = 0 THEN (%(kinds)s::bigint[])[1 + n %% 10]
            WHEN n %% 2 = 0 THEN %(hot)s ELSE (%(banks)s::bigint[])[1 + n %% 9] END,
       a.amount, %(eur)s, a.amount, %(eur)s, '', '{}'
  FROM e, generate_series(0, 1) side,
       LATERAL (SELECT (1 - 2 * side) * (1 + (n * 7919 %% 20000) / 100.0)::numeric(12, 2) AS amount) a
"""


@dataclass
class Look:
    """What one page did: its questions, its weight, and plans that read a whole table."""

    status: int
    queries: int
    weight: int
    scans: list[str] = field(default_factory=list)


class Large:
    """The book, and what every page of it did when it was small and when it was large."""

    def __init__(self) -> None:
        self.home, self.things = furnish("Large", "lrg")
        self.client = Client()
        self.client.force_login(self.home.owner)
        with self.home.scope():
            self._prepare()
        pages = [page.at(self.things) for page in PAGES.values() if not page.of_logins]
        pages += [path.format(account=self.things.account) for path in ASKED]
        self.fill(FEW)
        for path in pages:
            self.client.get(path)  # content types are remembered from now on
        self.few = {path: self.look(path, explain=False) for path in pages}
        self.fill(MANY)
        self.many = {path: self.look(path, explain=True) for path in pages}

    def _prepare(self) -> None:
        from financetracker.accounts import books  # noqa: PLC0415
        from financetracker.ledger.models import Payee  # noqa: PLC0415

        book = self.home.book
        self.banks = [books.open_account(book, f"Assets:Bank {n}", "asset").pk for n in range(9)]
        self.kinds = [books.open_account(book, f"Expenses:Kind {n}", "expense").pk for n in range(10)]
        self.payees = [Payee.objects.create(book=book, name=f"Shop {n}").pk for n in range(50)]

    def fill(self, count: int) -> None:
        """Write so many entries, and let the planner know the tables as a server would.

        The triggers look away for once: that rules and history hold at this size is measured elsewhere, and takes
        a minute that the pages have no use for.
        """
        values = {
            "book": self.home.book.pk,
            "count": count,
            "payees": self.payees,
            "kinds": self.kinds,
            "banks": self.banks,
            "hot": self.things.account,
            "eur": self.home.commodities["EUR"].pk,
        }
        with atomic(using=OWNER), connections[OWNER].cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(_FILL, values)
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        with connections[OWNER].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE ledger_transaction, ledger_posting, ledger_payee, accounts_account")

    def look(self, path: str, *, explain: bool) -> Look:
        """Open a page as its owner, and ask the planner about each of its questions."""
        with CaptureQueriesContext(connection) as captured:
            answer = self.client.get(path)
        body = b"" if answer.streaming else answer.content
        found = Look(answer.status_code, len(captured), len(gzip.compress(body)))
        if answer.streaming:
            with CaptureQueriesContext(connection) as captured:
                next(iter(answer.streaming_content))  # the head
                next(iter(answer.streaming_content))  # the first batch
            answer.close()
        if explain:
            found.scans = [scan for query in captured.captured_queries for scan in self.scans(query["sql"])]
        return found

    def scans(self, sql: str) -> list[str]:
        """Name the ways in which a question reads postings without a bound on them."""
        if not re.match(r"\s*(?:SELECT|WITH)\b", sql) or "ledger_posting" not in sql:
            return []
        with self.home.scope(), connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql)
            (plan,) = cursor.fetchone()
        whole = json.loads(plan) if isinstance(plan, str) else plan
        return [f"{node['Node Type']}: {sql[:400]}" for node in nodes(whole[0]["Plan"]) if is_unbound(node)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk through a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def is_unbound(node: dict[str, Any]) -> bool:
    """Whether a step of a plan reads the table of postings from end to end."""
    if node.get("Relation Name") != "ledger_posting" or node["Node Type"] == "Bitmap Heap Scan":
        return False
    return "Index Cond" not in node


@pytest.fixture(scope="module")
def large(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Large]:
    """The book, committed so that the planner knows it, and removed in the end."""
    with django_db_blocker.unblock():
        try:
            yield Large()
        finally:
            call_command("flush", verbosity=0, interactive=False, database=OWNER, inhibit_post_migrate=True)
            for alias in ("default", OWNER):
                connections[alias].close()


def test_every_page_asks_as_many_questions_as_of_a_small_book(large: Large) -> None:
    few = {path: (look.status, look.queries) for path, look in large.few.items()}
    many = {path: (look.status, look.queries) for path, look in large.many.items()}
    assert few == many
    assert sum(status == 200 for status, _queries in few.values()) > 40


def test_no_page_reads_the_whole_table_of_postings(large: Large) -> None:
    found = [f"{path}: {scan}" for path, look in large.many.items() for scan in look.scans]
    assert not found, "\n".join(found)


def test_no_page_is_heavy(large: Large) -> None:
    assert {path: look.weight for path, look in large.many.items() if look.weight > HEAVIEST} == {}


def test_a_question_that_reads_everything_is_seen(large: Large) -> None:
    """Control: the sum over all postings, and a condition that no index knows."""
    assert large.scans("SELECT sum(amount) FROM ledger_posting")
    assert large.scans("SELECT id FROM ledger_posting WHERE abs(amount) > 100 ORDER BY id LIMIT 5")
    legs = f"SELECT sum(amount) FROM ledger_posting WHERE account_id = {large.banks[0]} AND NOT voided"
    assert not large.scans(legs)


def test_a_probable_duplicate_is_found_without_reading_all(large: Large) -> None:
    with large.home.scope():
        legs = Posting.objects.select_related("account").filter(account=large.things.account, amount__lt=0)
        leg = legs.filter(date__year=2018).order_by("date", "pk").first()
        assert leg is not None
    data = {
        "shape": "plain",
        "public_id": "00000000-0000-0000-0000-000000000077",
        "version": "",
        "book": large.things.book_public_id,
        "date": leg.date.isoformat(),
        "amount": f"{-leg.amount:f}",
        "account": leg.account.full_name,
        "category": "Expenses:Kind 3",
    }
    with CaptureQueriesContext(connection) as captured:
        answer = large.client.post(f"{LIST}add/", data)
    assert 'id="alike"' in answer.text
    assert [scan for query in captured.captured_queries for scan in large.scans(query["sql"])] == []
