"""What the books know from before: whom people pay, how a payee is usually entered, what looks entered already.

A payee is suggested as most of his last few entries were made, the latest of those: easy to foresee, and easy to
explain on the page.
"""

import datetime
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger.entries import Entry
from financetracker.ledger.models import Payee, Posting, Transaction, TransactionTag

# Payees are ranked by the latest so many transactions; the others follow by name.
LOOKED_AT = 2000
# What is usual is said by so many entries of a payee, for so many of the latest payees; of others by the last one.
SAMPLE = 5
SAMPLED = 100
# Names offered while typing: enough to help, few enough to send with every form.
OFFERED = 500
# A probable duplicate is this near, in days.
NEAR = datetime.timedelta(3)

OWN = frozenset({Account.Type.ASSET, Account.Type.LIABILITY})
CATEGORIES = frozenset({Account.Type.INCOME, Account.Type.EXPENSE})


@dataclass(frozen=True, slots=True)
class UsualLeg:
    """A leg of such an entry: where it went, never how much. `account` is empty where that one is closed now."""

    account: str
    type: str
    commodity: str
    is_given: bool
    is_exchanged: bool


@dataclass(frozen=True, slots=True)
class Usual:
    """A payee, and how he is usually entered; `day`, of the example, is None and the rest empty without one."""

    payee: str
    day: datetime.date | None = None
    legs: tuple[UsualLeg, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it was one amount between an account of the household and one category."""
        own = [leg for leg in self.legs if leg.type in OWN]
        rest = [leg for leg in self.legs if leg.type in CATEGORIES]
        return len(own) == len(rest) == 1 and len(self.legs) == 2 and not any(leg.is_exchanged for leg in own)

    @property
    def is_split(self) -> bool:
        """Whether it was made of more than the plain form holds."""
        return bool(self.legs) and not self.is_plain

    @property
    def account(self) -> str:
        """The account it was paid with; the first of several."""
        return next((leg.account for leg in self.legs if leg.type in OWN), "")

    @property
    def category(self) -> str:
        return next((leg.account for leg in self.legs if leg.type in CATEGORIES), "")

    @property
    def data(self) -> dict[str, Any]:
        """As a script reads it."""
        return {
            "payee": self.payee,
            "day": self.day.isoformat() if self.day else "",
            "account": self.account,
            "category": self.category if self.is_plain else "",
            "tags": " ".join(self.tags),
            "split": self.is_split,
        }


_Entry = tuple[datetime.date, tuple[UsualLeg, ...], tuple[str, ...]]


def payees(book: Book) -> list[Usual]:
    """Return the payees to offer, the latest first, each as he is usually entered. Four queries."""
    rows = _counted(book).filter(payee__isnull=False).values_list("payee_id", "pk", "date")
    last: dict[int, list[tuple[int, datetime.date]]] = {}
    for payee, pk, day in rows[:LOOKED_AT]:
        last.setdefault(payee, []).append((pk, day))
    ranked = list(last)[:OFFERED]
    named = dict(Payee.objects.filter(book=book, pk__in=ranked).values_list("pk", "name"))
    others = Payee.objects.filter(book=book).exclude(pk__in=ranked).order_by("name")
    looked = [last[payee][: SAMPLE if n < SAMPLED else 1] for n, payee in enumerate(ranked)]
    entries = iter(_entries(itertools.chain.from_iterable(looked)))
    found = [
        _usual(named[payee], list(itertools.islice(entries, len(sample))))
        for payee, sample in zip(ranked, looked, strict=True)
    ]
    return (found + [Usual(name) for name in others.values_list("name", flat=True)[:OFFERED]])[:OFFERED]


def usual(book: Book, payee: str) -> Usual | None:
    """Return how a payee is usually entered; None for a payee nobody knows. Four queries."""
    typed = " ".join(payee.split())
    if not typed or len(typed) > 200 or "\0" in typed:
        return None
    known = list(Payee.objects.filter(book=book, name__iexact=typed).values_list("pk", "name")[:20])
    if not known:
        return None
    pk, name = next((row for row in known if row[1] == typed), known[0])
    return _usual(name, _entries(_counted(book).filter(payee=pk).values_list("pk", "date")[:SAMPLE]))


def has_held(account: Account, commodity: Commodity) -> bool:
    """Whether an account ever held a commodity. One query, by the index of its register."""
    return Posting.objects.filter(account=account, commodity=commodity, voided=False).exists()


def lookalikes(book: Book, entry: Entry) -> list[Transaction]:
    """Return what may be the same entry, made before: the same amount in the same account, within three days.

    What was sent under the same public id is the entry itself. One query.
    """
    own = [leg for leg in entry.legs if leg.account.type in OWN][:10]
    if not own:
        return []
    same = Q()
    for leg in own:
        same |= Q(account=leg.account, amount=leg.amount, commodity=leg.commodity)
    since, until = _around(entry.date)
    legs = (
        Posting.objects.filter(same, book=book, voided=False, date__gte=since, date__lte=until)
        .exclude(transaction__public_id=entry.public_id)
        .select_related("transaction__payee")
        .order_by("-date", "-pk")[:20]
    )
    return list({leg.transaction_id: leg.transaction for leg in legs}.values())[:3]


def _around(day: datetime.date) -> tuple[datetime.date, datetime.date]:
    since = day - NEAR if day - datetime.date.min > NEAR else datetime.date.min
    return since, day + NEAR if datetime.date.max - day > NEAR else datetime.date.max


def _counted(book: Book) -> Any:
    """Entries that count and were made for their own sake, the latest first."""
    return Transaction.objects.filter(book=book, voided=False, reverses__isnull=True).order_by("-date", "-pk")


def _usual(payee: str, sample: Sequence[_Entry]) -> Usual:
    """Choose the way most of these entries were made, the latest of equals, and its latest entry."""
    if not sample:
        return Usual(payee)
    ways = [tuple(leg.account for leg in legs) for _day, legs, _tags in sample]
    day, legs, tags = sample[max(range(len(ways)), key=lambda n: (ways.count(ways[n]), -n))]
    return Usual(payee, day, legs, tags)


def _entries(last: Iterable[tuple[int, datetime.date]]) -> list[_Entry]:
    """Read legs and tags of these transactions, in their order. Two queries."""
    wanted = list(last)
    pks = [pk for pk, _day in wanted]
    legs = _by_transaction(
        Posting.objects.filter(transaction__in=pks)
        .order_by("transaction", "position")
        .values_list(
            "transaction_id",
            "account__full_name",
            "account__type",
            "account__closed_on",
            "commodity__code",
            "commodity_id",
            "weight_commodity_id",
            "amount",
        )
        if pks
        else []
    )
    tags = _by_transaction(
        TransactionTag.objects.filter(transaction__in=pks)
        .order_by("transaction", "tag__name")
        .values_list("transaction_id", "tag__name")
        if pks
        else []
    )
    return [
        (day, tuple(_leg(row) for row in legs.get(pk, ())), tuple(name for _pk, name in tags.get(pk, ())))
        for pk, day in wanted
    ]


def _by_transaction(rows: Iterable[Sequence[Any]]) -> dict[int, list[Sequence[Any]]]:
    return {pk: list(group) for pk, group in itertools.groupby(rows, key=lambda row: row[0])}


def _leg(row: Sequence[Any]) -> UsualLeg:
    _transaction, account, type_, closed_on, code, commodity, weight_commodity, amount = row
    return UsualLeg("" if closed_on else account, type_, code, amount < 0, commodity != weight_commodity)
