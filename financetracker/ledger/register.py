"""The register of an account: its postings newest first, each with the exact balance after it, page by page.

Every function runs inside a scope and answers in the stored sign (debit positive). Voided legs are in no register.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.models import Posting


class Line(NamedTuple):
    """A posting in a register, and what the account held of its commodity after it."""

    posting: Posting
    balance: Decimal


class Cursor(NamedTuple):
    """A posting's place in a register: a page begins below it, or ends above it."""

    date: datetime.date
    posting_id: int


@dataclass(slots=True)
class Page:
    """A page of a register, newest first. `older` and `newer` lead to the next ones; None at an end."""

    lines: list[Line]
    older: Cursor | None
    newer: Cursor | None = None


class Standing(NamedTuple):
    """What an account holds of one commodity: all of it, by the end of a day, and by the state of its legs."""

    commodity_id: int
    balance: Decimal
    by_day: Decimal
    cleared: Decimal
    reconciled: Decimal
    uncleared: Decimal


# The sum of everything up to and including one posting, in the register's order.
_OPENING = """
SELECT commodity_id, sum(amount) FROM ledger_posting
 WHERE account_id = %(account)s AND NOT voided AND (date, id) <= (%(date)s, %(id)s)
   AND (%(commodity)s::bigint IS NULL OR commodity_id = %(commodity)s)
 GROUP BY commodity_id
"""

# The balance after each of some postings that do not follow one another: one pass over the account's index.
_RUNNING = """
SELECT id, running FROM (
  SELECT id, sum(amount) OVER (PARTITION BY commodity_id ORDER BY date, id) AS running
    FROM ledger_posting WHERE account_id = %(account)s AND NOT voided AND (date, id) <= (%(date)s, %(id)s)
) r WHERE id = ANY (%(ids)s)
"""

_STANDING = """
SELECT commodity_id, sum(amount),
       coalesce(sum(amount) FILTER (WHERE date <= %(day)s), 0),
       coalesce(sum(amount) FILTER (WHERE state <> 'uncleared'), 0),
       coalesce(sum(amount) FILTER (WHERE state = 'reconciled'), 0),
       coalesce(sum(amount) FILTER (WHERE state = 'uncleared'), 0)
  FROM ledger_posting WHERE account_id = %(account)s AND NOT voided
 GROUP BY commodity_id ORDER BY commodity_id
"""


def register(
    account: Account,
    *,
    commodity: Commodity | None = None,
    before: Cursor | None = None,
    after: Cursor | None = None,
    only: Q | None = None,
    limit: int = 50,
) -> Page:
    """Return a page of an account's postings, newest first, each with the exact balance after it.

    Pages are found by key, so the last page costs what the first does, save for the sum of what lies below it.
    `before` asks for what is older than a place, `after` for the page just above one. `only` keeps some postings;
    their balances are those of the whole account. An account with several commodities has a balance for each;
    `commodity` narrows to one. Three queries. `limit` is at least 1.
    """
    rows = Posting.objects.filter(account=account, voided=False)
    if commodity is not None:
        rows = rows.filter(commodity=commodity)
    if only is not None:
        rows = rows.filter(only)
    ids, more = _ids(rows, before, after, limit)
    if not ids:
        return Page([], None)
    joined = Posting.objects.select_related("transaction__payee", "commodity", "weight_commodity")
    shown = list(joined.filter(pk__in=ids).order_by("-date", "-pk"))
    balance = _running(account, commodity, shown) if only is None else _running_of_some(account, shown)
    top, last = (Cursor(row.date, row.pk) for row in (shown[0], shown[-1]))
    lines = [Line(posting, balance[posting.pk]) for posting in shown]
    if before is None and after is not None:
        return Page(lines, last, top if more else None)
    return Page(lines, last if more else None, top if before is not None else None)


def standing(account: Account, *, on: datetime.date) -> list[Standing]:
    """Return what an account holds, by commodity, and how much of it the bank has confirmed. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"account": account.pk, "day": on})
        return [Standing(*row) for row in cursor.fetchall()]


def _ids(
    rows: QuerySet[Posting], before: Cursor | None, after: Cursor | None, limit: int
) -> tuple[list[int], bool]:
    """Find the postings of a page, and whether there are more in its direction.

    They are found by the register's index alone, and joined afterwards: row security makes the planner expect one
    row of every table that is joined, and it then joins the whole account before it takes a page of it. The bounds
    on the date alone are what the index can begin at.
    """
    if before is None and after is not None:
        rows = rows.filter(Q(date__gt=after.date) | Q(pk__gt=after.posting_id), date__gte=after.date)
        found = list(rows.order_by("date", "pk").values_list("pk", flat=True)[: limit + 1])
    else:
        if before is not None:
            rows = rows.filter(Q(date__lt=before.date) | Q(pk__lt=before.posting_id), date__lte=before.date)
        found = list(rows.order_by("-date", "-pk").values_list("pk", flat=True)[: limit + 1])
    return found[:limit], len(found) > limit


def _running(account: Account, commodity: Commodity | None, shown: list[Posting]) -> dict[int, Decimal]:
    """Add up what lies below the page, and take it apart again posting by posting."""
    top = shown[0]
    asked: dict[str, Any] = {
        "account": account.pk,
        "date": top.date,
        "id": top.pk,
        "commodity": commodity.pk if commodity else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OPENING, asked)
        running: dict[int, Decimal] = dict(cursor.fetchall())
    after = {}
    for posting in shown:
        after[posting.pk] = running[posting.commodity_id]
        running[posting.commodity_id] = money.EXACT.subtract(running[posting.commodity_id], posting.amount)
    return after


def _running_of_some(account: Account, shown: list[Posting]) -> dict[int, Decimal]:
    top = shown[0]
    asked: dict[str, Any] = {
        "account": account.pk,
        "date": top.date,
        "id": top.pk,
        "ids": [row.pk for row in shown],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, asked)
        return dict(cursor.fetchall())
