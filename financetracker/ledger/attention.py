"""What a household should look at: legs nobody cleared for long, balances that are not what was asserted."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import DecimalField, QuerySet
from django.db.models.expressions import RawSQL

from financetracker.accounts.models import Account, Book
from financetracker.ledger import money
from financetracker.ledger.balances import Node
from financetracker.ledger.models import BalanceAssertion

# An uncleared leg older than this is worth a look, for a year: what is older still will never be looked at.
PATIENCE = datetime.timedelta(days=60)
YEAR = datetime.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Uncleared:
    """An account with legs that wait to be cleared: how many, and since which day."""

    account: Account
    count: int
    since: datetime.date


@dataclass(frozen=True, slots=True)
class Broken:
    """An account that does not hold what was asserted: the last assertion of it that there is."""

    account: Account
    assertion_id: int
    date: datetime.date
    code: str
    asserted: Decimal
    held: Decimal


# An account in which nobody clears anything has nothing to wait for. The days bound what is read of the register.
_UNCLEARED = """
SELECT account_id, count(*) FILTER (WHERE state = 'uncleared'), min(date) FILTER (WHERE state = 'uncleared')
  FROM ledger_posting
 WHERE account_id = ANY(%(accounts)s) AND NOT voided AND date >= %(since)s AND date < %(until)s
 GROUP BY account_id
HAVING bool_or(state = 'uncleared') AND bool_or(state <> 'uncleared') ORDER BY 3, 1
"""

# What came after the day is taken from today's balance: it is less to read than all that came before.
_SINCE_ASSERTED = """
WITH last AS (
  SELECT DISTINCT ON (account_id, commodity_id, include_children)
         id, account_id, commodity_id, include_children, date, amount, tolerance
    FROM ledger_balanceassertion WHERE book_id = %(book)s AND date <= %(today)s
   ORDER BY account_id, commodity_id, include_children, date DESC
)
SELECT last.id, last.account_id, c.code, last.include_children, last.date, last.amount, last.tolerance,
       coalesce((SELECT sum(p.amount) FROM ledger_posting p
                  WHERE p.account_id IN (SELECT a.id FROM accounts_account a
                                          WHERE a.id = t.id OR (last.include_children AND a.book_id = %(book)s
                                                AND starts_with(a.full_name, t.full_name || ':')))
                    AND NOT p.voided AND p.date > last.date AND p.date <= %(today)s
                    AND p.commodity_id = last.commodity_id), 0)
  FROM last JOIN accounts_account t ON t.id = last.account_id JOIN accounts_commodity c ON c.id = last.commodity_id
 ORDER BY last.date DESC, last.id
"""


# Account by account, by the index of the registers.
_HELD = """
(SELECT coalesce(sum(p.amount), 0) FROM ledger_posting p
  WHERE p.account_id = ANY (ARRAY(
          SELECT a.id FROM accounts_account a JOIN accounts_account t ON t.id = ledger_balanceassertion.account_id
           WHERE a.id = t.id OR (ledger_balanceassertion.include_children AND a.book_id = t.book_id
                                 AND starts_with(a.full_name, t.full_name || ':'))))
    AND p.commodity_id = ledger_balanceassertion.commodity_id
    AND NOT p.voided AND p.date <= ledger_balanceassertion.date)
"""


def with_held(rows: QuerySet[BalanceAssertion]) -> QuerySet[BalanceAssertion]:
    """Add to each assertion, as `held`, what the books hold at the end of its day. No query of its own."""
    return rows.annotate(held=RawSQL(_HELD, (), output_field=DecimalField()))  # noqa: S611  no value goes in


def uncleared(accounts: Mapping[int, Account], today: datetime.date) -> list[Uncleared]:
    """Return the accounts with legs older than `PATIENCE` to be cleared, the longest wait first. One query."""
    if not accounts:
        return []
    until = today - PATIENCE
    with connection.cursor() as cursor:
        cursor.execute(_UNCLEARED, {"accounts": list(accounts), "since": until - YEAR, "until": until})
        return [Uncleared(accounts[pk], count, since) for pk, count, since in cursor.fetchall()]


def broken(book: Book, nodes: Sequence[Node], today: datetime.date) -> list[Broken]:
    """Return the accounts whose last assertion does not hold; `nodes` is the tree of that day. One query."""
    by_id = {node.account.pk: node for node in nodes}
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_SINCE_ASSERTED, {"book": book.pk, "today": today})
        for pk, account_id, code, whole, date, asserted, tolerance, later in cursor.fetchall():
            node = by_id[account_id]
            now = (node.total if whole else node.own).get(code, Decimal(0))
            held = money.EXACT.subtract(now, later)
            if money.EXACT.subtract(held, asserted).copy_abs() > tolerance:
                found.append(Broken(node.account, pk, date, code, asserted, held))
    return found


def unpriced(nodes: Sequence[Node], types: Collection[str]) -> list[str]:
    """Return the codes that accounts of these types hold and that have no price in the tree's commodity."""
    roots = [node for node in nodes if node.depth == 0 and node.account.type in types]
    return sorted({code for node in roots for code in node.value.missing})
