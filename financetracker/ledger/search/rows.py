"""Terms as conditions on transactions, and pages of what they find.

A transaction is looked for from the newest on, by the index of the list, and its legs are asked for one by one: no
query reads the whole table of postings, and none counts more than a thousand rows.
"""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Abs

from financetracker.accounts.models import Account, Book
from financetracker.ledger.models import Payee, Posting, Transaction, TransactionTag
from financetracker.ledger.search.words import Kind, Term

# Up to so many rows are counted and added up; of more it is said that there are more.
MOST = 1000

_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})", re.ASCII)


class Place(NamedTuple):
    """A row's place in a list by day: a page begins below it, or ends above it."""

    date: datetime.date
    pk: int

    def __str__(self) -> str:
        return f"{self.date}.{self.pk}"


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list, newest first. `newer` and `older` are where the next ones begin; None at an end."""

    rows: Sequence[Any]
    newer: Place | None
    older: Place | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the places of the rows, newest first, and what they come to by commodity.

    Where there are more than `MOST`, one more than that is known, and no sums.
    """

    places: Sequence[Place]
    sums: dict[str, Decimal]

    @property
    def count(self) -> int:
        return len(self.places)

    @property
    def is_more(self) -> bool:
        return self.count > MOST


class EachExists(Exists):
    """An EXISTS that the database answers row by row.

    Without the offset it may turn it into a join, and read all postings of the book to show a page of fifty.
    """

    template = "EXISTS(%(subquery)s OFFSET 0)"


def place(text: str) -> Place | None:
    """Read a place from an address; None for anything that is none."""
    match = _CURSOR.fullmatch(text)
    try:
        return Place(datetime.date.fromisoformat(match[1]), int(match[2])) if match else None
    except ValueError:
        return None


def leg(*conditions: Q, **more: Any) -> Q:
    """Whether a transaction has a leg like this; `size` is its amount without the sign."""
    legs = Posting.objects.alias(size=Abs("amount")).filter(*conditions, transaction=OuterRef("pk"), **more)
    return Q(EachExists(legs))


def condition(book: Book, terms: Iterable[Term]) -> Q:
    """Return what all terms together ask of a transaction. A term that was not understood is met by none."""
    asked = Q()
    for term in terms:
        one = _of_term(book, term)
        asked &= ~one if term.negated else one
    return asked


def tagged(book: Book, name: str) -> Q:
    """Whether a transaction carries a tag of this name."""
    carried = TransactionTag.objects.filter(book=book, tag__name__iexact=name)
    return Q(pk__in=carried.values("transaction"))


def of_transaction(condition: Q) -> Q:
    """Turn a condition on transactions into one on postings: whether its transaction meets it."""
    return Q(EachExists(Transaction.objects.filter(pk=OuterRef("transaction_id")).filter(condition)))


def page(
    rows: QuerySet[Transaction],
    *,
    below: Place | None,
    above: Place | None,
    size: int,
    known: Found | None = None,
) -> Slice:
    """Return one page, newest first; nothing is counted. One query, and what is prefetched.

    `below` asks for what is older than a place, `above` for the rows just above one. Where all places are `known`,
    nothing is looked for a second time.
    """
    if known is not None and not known.is_more:
        return _page_of(rows, known.places, below, above, size)
    if above is not None and below is None:
        # The bound on the date alone is what the index can begin at.
        later = rows.filter(Q(date__gt=above.date) | Q(pk__gt=above.pk), date__gte=above.date)
        got = list(later.order_by("date", "pk")[: size + 1])
        shown = got[:size][::-1]
        newer = _place(shown[0]) if len(got) > size else None
        return Slice(shown, newer, _place(shown[-1]) if shown else None)
    if below is not None:
        rows = rows.filter(Q(date__lt=below.date) | Q(pk__lt=below.pk), date__lte=below.date)
    got = list(rows.order_by("-date", "-pk")[: size + 1])
    shown = got[:size]
    newer = _place(shown[0]) if below is not None and shown else None
    return Slice(shown, newer, _place(shown[-1]) if len(got) > size else None)


def found(rows: QuerySet[Transaction]) -> Found:
    """Find up to a thousand rows, and add up what the household has and owes by them.

    Two queries, whatever is found. Void transactions are found, and count in no sum.
    """
    places = [Place(*row) for row in rows.order_by("-date", "-pk").values_list("date", "pk")[: MOST + 1]]
    counted = [place.pk for place in places] if 0 < len(places) <= MOST else [0]
    own = (Account.Type.ASSET, Account.Type.LIABILITY)
    sums = (
        Posting.objects.filter(transaction_id__in=counted, voided=False, account__type__in=own)
        .order_by()
        .values_list("weight_commodity__code")
        .annotate(Sum("weight"))
    )
    return Found(places, {code: value for code, value in sorted(sums) if value})


def _page_of(
    rows: QuerySet[Transaction], places: Sequence[Place], below: Place | None, above: Place | None, size: int
) -> Slice:
    """The page of a list whose places are all known."""
    start = 0
    if below is not None:
        start = sum(place >= below for place in places)
    elif above is not None:
        start = max(0, sum(place > above for place in places) - size)
    shown = places[start : start + size]
    # A page of nothing asks as much as any other.
    by_pk = {row.pk: row for row in rows.filter(pk__in=[place.pk for place in shown] or [0])}
    found = [by_pk[place.pk] for place in shown if place.pk in by_pk]
    more = start + size < len(places)
    return Slice(found, shown[0] if start and shown else None, shown[-1] if more else None)


def _place(row: Any) -> Place:
    return Place(row.date, row.pk)


def _of_term(book: Book, term: Term) -> Q:
    match term.kind:
        case Kind.WORDS:
            return _about(book, term.value, term.accounts)
        case Kind.PAYEE:
            return _by_payee(book, term.value)
        case Kind.AMOUNT:
            sized = leg(**{f"size__{lookup}": value for lookup, value in term.amounts})
            return sized | _about(book, term.value) if term.value else sized
        case Kind.ACCOUNT:
            return leg(account__in=term.accounts)
        case Kind.TAG:
            return tagged(book, term.value)
        case Kind.DAYS:
            return _within(term)
        case Kind.STATE:
            return Q(voided=True) if term.value == "void" else leg(state=term.value)
        case _:
            return Q(pk__lt=0)


def _within(term: Term) -> Q:
    asked = Q()
    if term.days.since:
        asked &= Q(date__gte=term.days.since)
    if term.days.until:
        asked &= Q(date__lte=term.days.until)
    return asked


def _by_payee(book: Book, name: str) -> Q:
    return Q(payee_id__in=Payee.objects.filter(book=book, name__icontains=name).values("pk"))


def _about(book: Book, word: str, accounts: Sequence[int] = ()) -> Q:
    texts = Q(narration__icontains=word) | Q(notes__icontains=word) | Q(code__icontains=word)
    legs = Q(memo__icontains=word) | (Q(account__in=accounts) if accounts else Q())
    return _by_payee(book, word) | texts | leg(legs)
