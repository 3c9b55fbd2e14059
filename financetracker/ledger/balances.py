"""Reads across rows: balances at a date, the account tree with its totals. The register stands in `register.py`.

Every function runs inside a scope, takes dates as arguments and answers in the stored sign (debit positive). They
read postings alone today; rollups may be put beneath `_SUMS` and `_OPENING` without a caller noticing.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, IntegerField, When

from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import money
from financetracker.ledger.models import Price

END_OF_TIME = datetime.date.max
FLOWS = frozenset({Account.Type.INCOME, Account.Type.EXPENSE})


class Balance(NamedTuple):
    """What one account holds of one commodity; never zero in a list of balances."""

    account_id: int
    commodity_id: int
    amount: Decimal


class Rate(NamedTuple):
    """What one unit of a commodity is worth, and how we know.

    `on` is the day of the oldest price used, `via` the code it went through (empty for a direct price). `value` is
    exact where a price is, and has 28 digits where one had to be turned round.
    """

    value: Decimal
    on: datetime.date
    via: str = ""


@dataclass(slots=True)
class Valuation:
    """A total in one commodity, with what it rests on.

    `amount` leaves out the commodities of `missing`: they are named, never counted as zero. `oldest` is the day of
    the oldest price used, None where no price was needed.
    """

    amount: Decimal
    missing: tuple[str, ...] = ()
    oldest: datetime.date | None = None

    def age(self, on: datetime.date) -> int | None:
        """Return how many days old the oldest price is on a day; None where no price was needed."""
        return None if self.oldest is None else (on - self.oldest).days


@dataclass(slots=True)
class Node:
    """An account in its tree, with its own balance and that of everything below it, by commodity code.

    `worth` is what the total counts as: what came in or was spent in another commodity counts as what was given or
    taken for it then. `value` is the value of that.
    """

    account: Account
    depth: int
    own: dict[str, Decimal] = field(default_factory=dict)
    total: dict[str, Decimal] = field(default_factory=dict)
    worth: dict[str, Decimal] = field(default_factory=dict)
    value: Valuation = field(default_factory=lambda: Valuation(Decimal(0)))


# Account by account, by the index of the registers alone: measured, a quarter less than over the whole table.
_SUMS = """
SELECT a.id, held.commodity_id, held.amount
  FROM accounts_account a CROSS JOIN LATERAL (
    SELECT p.commodity_id, sum(p.amount) AS amount FROM ledger_posting p
     WHERE p.account_id = a.id AND NOT p.voided AND p.date <= %(as_of)s
     GROUP BY p.commodity_id HAVING sum(p.amount) <> 0
  ) held
 WHERE a.book_id = %(book)s ORDER BY a.id, held.commodity_id
"""

# Of some accounts alone, by the index of their registers.
_OF_ACCOUNTS = """
SELECT account_id, commodity_id, sum(amount) FROM ledger_posting
 WHERE account_id = ANY (%(accounts)s) AND NOT voided AND date >= %(since)s AND date <= %(as_of)s
 GROUP BY account_id, commodity_id HAVING sum(amount) <> 0 ORDER BY account_id, commodity_id
"""

# What was paid for in another commodity, and with how much of which.
_EXCHANGED = """
SELECT account_id, commodity_id, sum(amount), weight_commodity_id, sum(weight) FROM ledger_posting
 WHERE account_id = ANY (%(accounts)s) AND NOT voided AND date >= %(since)s AND date <= %(as_of)s
   AND commodity_id <> weight_commodity_id
 GROUP BY account_id, commodity_id, weight_commodity_id
"""

# A change counts what it brought minus what it took away, so no version needs to be looked for (decision 0003).
_KNOWN_SUMS = """
SELECT account_id, commodity_id, sum(amount) FROM (
  SELECT new_account_id AS account_id, new_commodity_id AS commodity_id, new_amount AS amount
    FROM ledger_postingrevision
   WHERE book_id = %(book)s AND recorded_at <= %(known_at)s AND NOT new_voided AND new_date <= %(as_of)s
  UNION ALL
  SELECT old_account_id, old_commodity_id, -old_amount
    FROM ledger_postingrevision
   WHERE book_id = %(book)s AND recorded_at <= %(known_at)s AND NOT old_voided AND old_date <= %(as_of)s
) changes GROUP BY account_id, commodity_id HAVING sum(amount) <> 0 ORDER BY account_id, commodity_id
"""


def balances(
    book: Book,
    *,
    as_of: datetime.date | None = None,
    known_at: datetime.datetime | None = None,
) -> list[Balance]:
    """Return what each account holds of each commodity at the end of a day; zero balances are left out. One query.

    `as_of` is inclusive and counts what happened; without it everything counts. `known_at` answers with what the
    books said at that instant, every version recorded at or before it; without it with what they say now. Ordered
    by account and commodity id. Sub-accounts are not included: see `tree`.
    """
    parameters: dict[str, Any] = {"book": book.pk, "as_of": as_of or END_OF_TIME, "known_at": known_at}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS if known_at is None else _KNOWN_SUMS, parameters)
        return [Balance(*row) for row in cursor.fetchall()]


def sums(
    accounts: Iterable[Account],
    *,
    since: datetime.date = datetime.date.min,
    as_of: datetime.date = END_OF_TIME,
) -> list[Balance]:
    """Return what went into each account from a day to another, both inclusive; zero is left out. One query."""
    ids = [account.pk for account in accounts]
    with connection.cursor() as cursor:
        cursor.execute(_OF_ACCOUNTS, {"accounts": ids, "since": since, "as_of": as_of})
        return [Balance(*row) for row in cursor.fetchall()]


def balance(
    account: Account, *, as_of: datetime.date | None = None, with_children: bool = False
) -> dict[str, Decimal]:
    """Return what an account holds at the end of a day, by commodity code; zero balances are left out.

    Two queries. With children, everything below it counts too.
    """
    codes = dict(Commodity.objects.filter(book_id=account.book_id).values_list("pk", "code"))
    within = _ids_below(account) if with_children else {account.pk}
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in balances(account.book, as_of=as_of):
        if row.account_id in within:
            held[codes[row.commodity_id]] = money.EXACT.add(held[codes[row.commodity_id]], row.amount)
    return {code: amount for code, amount in held.items() if amount}


def tree(
    book: Book,
    *,
    as_of: datetime.date | None = None,
    known_at: datetime.datetime | None = None,
    value_in: Commodity | None = None,
    on: datetime.date | None = None,
    flows_since: datetime.date | None = None,
) -> list[Node]:
    """Return the chart of accounts with its balances, parents before children, siblings by order and name.

    Totals are valued in `value_in`, the book's base if nobody asks, at prices of `on` or before (`as_of`, else any
    day). With `flows_since` income and expense accounts count from that day on, the others from the beginning;
    what they took in another commodity counts as what was paid for it. Four queries, however many accounts; six
    with `flows_since`.
    """
    commodities = {row.pk: row for row in Commodity.objects.filter(book=book)}
    quote = value_in or commodities[book.base_commodity_id]
    nodes = nodes_of(Account.objects.filter(book=book))
    by_id = {node.account.pk: node for node in nodes}
    for row in (
        balances(book, as_of=as_of, known_at=known_at)
        if flows_since is None
        else _stocks_and_flows([node.account for node in nodes], flows_since, as_of or END_OF_TIME)
    ):
        by_id[row.account_id].own[commodities[row.commodity_id].code] = row.amount
        by_id[row.account_id].worth[commodities[row.commodity_id].code] = row.amount
    if flows_since is not None:
        _count_as_paid(by_id, commodities, flows_since, as_of or END_OF_TIME)
    for node in reversed(nodes):
        _add(node.total, node.own)
        if node.account.parent_id is not None:
            _add(by_id[node.account.parent_id].total, node.total)
            _add(by_id[node.account.parent_id].worth, node.worth)
    rates = rates_in(book, quote, on or as_of or END_OF_TIME)
    for node in nodes:
        node.total = {code: amount for code, amount in sorted(node.total.items()) if amount}
        node.worth = {code: amount for code, amount in sorted(node.worth.items()) if amount}
        node.value = value(node.worth, rates, quote)
    return nodes


def value(held: Mapping[str, Decimal], rates: Mapping[str, Rate], quote: Commodity) -> Valuation:
    """Return what amounts by commodity code are worth in `quote`, rounded to its places each."""
    amount, missing, oldest = Decimal(0), [], None
    for code, units in sorted(held.items()):
        rate = rates.get(code)
        if code == quote.code:
            amount = money.EXACT.add(amount, units)
        elif rate is None:
            missing.append(code)
        else:
            amount = money.EXACT.add(amount, money.convert(units, rate.value, quote.places))
            oldest = rate.on if oldest is None else min(oldest, rate.on)
    return Valuation(amount, tuple(missing), oldest)


def rates_in(book: Book, quote: Commodity, on: datetime.date) -> dict[str, Rate]:
    """Return what each commodity is worth in `quote` on a day, by code, by the latest prices till then. One query.

    A direct price is preferred, then one turned round, then two hops through a third commodity (the freshest).
    Between sources of one day market beats manual beats transaction. Commodities without a price are not in it.
    """
    direct = _latest(book, on)
    rates: dict[str, Rate] = {}
    codes = {code for pair in direct for code in pair}
    for code in codes - {quote.code}:
        hop = direct.get((code, quote.code))
        if hop is not None:
            rates[code] = hop
            continue
        ways = [
            Rate(money.product(first.value, second.value), min(first.on, second.on), via)
            for via in codes - {code, quote.code}
            if (first := direct.get((code, via))) and (second := direct.get((via, quote.code)))
        ]
        if ways:
            rates[code] = max(ways, key=lambda way: (way.on, way.via))
    return rates


def rate(book: Book, commodity: Commodity, quote: Commodity, on: datetime.date) -> Rate | None:
    """Return what one unit of `commodity` is worth in `quote` on a day; None where no price leads there."""
    return rates_in(book, quote, on).get(commodity.code)


def _stocks_and_flows(accounts: Iterable[Account], since: datetime.date, as_of: datetime.date) -> list[Balance]:
    stocks: list[Account] = []
    flowing: list[Account] = []
    for account in accounts:
        (flowing if account.type in FLOWS else stocks).append(account)
    return [*sums(stocks, as_of=as_of), *sums(flowing, since=since, as_of=as_of)]


def _count_as_paid(
    by_id: Mapping[int, Node],
    commodities: Mapping[int, Commodity],
    since: datetime.date,
    as_of: datetime.date,
) -> None:
    """Let exchanged flows count as what was paid for them: a dinner in yen as the euros the card was charged."""
    ids = [pk for pk, node in by_id.items() if node.account.type in FLOWS]
    with connection.cursor() as cursor:
        cursor.execute(_EXCHANGED, {"accounts": ids, "since": since, "as_of": as_of})
        for account_id, commodity_id, amount, weight_commodity_id, weight in cursor.fetchall():
            taken = {
                commodities[commodity_id].code: amount.copy_negate(),
                commodities[weight_commodity_id].code: weight,
            }
            _add(by_id[account_id].worth, taken)


def nodes_of(accounts: Iterable[Account]) -> list[Node]:
    """Order accounts depth first, siblings by position and name."""
    children: dict[int | None, list[Account]] = defaultdict(list)
    for account in accounts:
        children[account.parent_id].append(account)
    for siblings in children.values():
        siblings.sort(key=lambda account: (account.position, account.name))
    nodes: list[Node] = []
    waiting = [(account, 0) for account in reversed(children[None])]
    while waiting:
        account, depth = waiting.pop()
        nodes.append(Node(account, depth))
        waiting += [(child, depth + 1) for child in reversed(children[account.pk])]
    return nodes


def _ids_below(account: Account) -> set[int]:
    nodes = nodes_of(Account.objects.filter(book_id=account.book_id))
    start = next(i for i, node in enumerate(nodes) if node.account.pk == account.pk)
    ids = {account.pk}
    for node in nodes[start + 1 :]:
        if node.depth <= nodes[start].depth:
            break
        ids.add(node.account.pk)
    return ids


def _add(into: dict[str, Decimal], amounts: Mapping[str, Decimal]) -> None:
    for code, amount in amounts.items():
        into[code] = money.EXACT.add(into.get(code, Decimal(0)), amount)


# Between sources of one day: what the market said, then what a person wrote, then what somebody happened to pay.
PREFERENCE = Case(
    When(kind=Price.Kind.MARKET, then=0),
    When(kind=Price.Kind.MANUAL, then=1),
    default=2,
    output_field=IntegerField(),
)


def _latest(book: Book, on: datetime.date) -> dict[tuple[str, str], Rate]:
    """Return the latest price of each ordered pair of codes, turned round where only the other way is priced."""
    rows = (
        Price.objects.filter(book=book, date__lte=on)
        .order_by("commodity_id", "quote_id", "-date", PREFERENCE, "source")
        .distinct("commodity_id", "quote_id")
        .values_list("commodity__code", "quote__code", "value", "date")
    )
    best = {(code, quote): Rate(value, day) for code, quote, value, day in rows}
    for (code, quote), known in list(best.items()):
        if (quote, code) not in best:
            best[quote, code] = Rate(money.inverse(known.value), known.on)
    return best
