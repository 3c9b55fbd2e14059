"""Finding transactions: what people type into the search box and the filters, as conditions on rows."""

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Abs

from financetracker.ledger import money
from financetracker.ledger.models import Posting, Transaction, TransactionTag

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_AMOUNT = re.compile(rf"(?P<sign>[<>]=?)?(?P<low>{_NUMBER})(?:\.\.(?P<high>{_NUMBER}))?", re.ASCII)
_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})", re.ASCII)
_COMPARISONS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


class Place(NamedTuple):
    """Where a page of the list ends; the next one begins below it."""

    date: datetime.date
    pk: int

    def __str__(self) -> str:
        return f"{self.date}.{self.pk}"


def place(text: str) -> Place | None:
    """Read a place from an address; None for anything that is none."""
    match = _CURSOR.fullmatch(text)
    try:
        return Place(datetime.date.fromisoformat(match[1]), int(match[2])) if match else None
    except ValueError:
        return None


def narrow(rows: QuerySet[Transaction], wanted: Mapping[str, Any]) -> QuerySet[Transaction]:
    """Keep the transactions that fit the cleaned data of the filter form."""
    for word in wanted["q"].split():
        rows = rows.filter(_about(word))
    if wanted["account"]:
        rows = rows.filter(_leg(account__in=wanted["account"]))
    if wanted["state"]:
        rows = rows.filter(_leg(state=wanted["state"]))
    if wanted["tag"]:
        named = TransactionTag.objects.filter(transaction=OuterRef("pk"), tag__name=wanted["tag"].lstrip("#"))
        rows = rows.filter(Exists(named))
    if wanted["void"]:
        rows = rows.filter(voided=wanted["void"] == "yes")
    if wanted["since"]:
        rows = rows.filter(date__gte=wanted["since"])
    if wanted["until"]:
        rows = rows.filter(date__lte=wanted["until"])
    return rows


def page(
    rows: QuerySet[Transaction], below: Place | None, size: int
) -> tuple[Sequence[Transaction], Place | None]:
    """Return one page, newest first, and where the next begins; nothing is counted."""
    if below is not None:
        rows = rows.filter(Q(date__lt=below.date) | Q(date=below.date, pk__lt=below.pk))
    found = list(rows.order_by("-date", "-pk")[: size + 1])
    shown = found[:size]
    return shown, Place(shown[-1].date, shown[-1].pk) if len(found) > size else None


def _about(word: str) -> Q:
    text = Q(payee__name__icontains=word) | Q(narration__icontains=word)
    match = _AMOUNT.fullmatch(word)
    if match is None or len(word) > 2 * money.WHOLE_DIGITS:
        return text
    low = Decimal(match["low"])
    if match["high"]:
        return Q(_leg(size__gte=low, size__lte=Decimal(match["high"])))
    if match["sign"]:
        return Q(_leg(**{f"size__{_COMPARISONS[match['sign']]}": low}))
    return text | Q(_leg(size=low))


def _leg(**conditions: Any) -> Exists:
    """Whether a transaction has a leg like this; `size` is its amount without the sign."""
    return Exists(Posting.objects.alias(size=Abs("amount")).filter(transaction=OuterRef("pk"), **conditions))
