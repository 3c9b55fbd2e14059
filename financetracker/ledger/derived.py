"""Entries made from other entries: a copy for another day, a refund, one leg split into several, several made one.

Pure functions: nothing is written before a person has seen the form that begins with what they return.
"""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _

from financetracker.accounts.models import Account
from financetracker.ledger import money
from financetracker.ledger.entries import Entry, Leg
from financetracker.ledger.models import Posting

REFUND_OF = "refund_of"
# In at most so many parts: the ids of refunds are known beforehand, so that they are found by them.
MOST_REFUNDS = 20
OWN = frozenset({Account.Type.ASSET, Account.Type.LIABILITY})


def copied(entry: Entry, date: datetime.date) -> Entry:
    """Return the same entry for another day, as a new one: no state, no code and no metadata go along."""
    return replace(
        entry,
        date=date,
        legs=[_fresh(leg) for leg in entry.legs],
        code="",
        metadata={},
        public_id=uuid.uuid4(),
        reverses=None,
    )


def refund_ids(purchase: uuid.UUID) -> list[uuid.UUID]:
    """Return the public ids that refunds of a purchase have, the first one first."""
    return [uuid.uuid5(purchase, f"refund {n}") for n in range(1, MOST_REFUNDS + 1)]


def refunded(entry: Entry, date: datetime.date, public_id: uuid.UUID) -> Entry:
    """Return the opposite of a purchase on the day the money came back, linked to it by its metadata."""
    return replace(
        copied(entry, date),
        legs=[_opposite(_fresh(leg)) for leg in entry.legs],
        narration=(_("Refund: %(what)s") % {"what": entry.narration} if entry.narration else _("Refund"))[:500],
        notes="",
        public_id=public_id,
        metadata={REFUND_OF: str(entry.public_id)},
    )


def split(entry: Entry, leg_id: int, parts: int = 2) -> Entry:
    """Return the entry with one leg shared out evenly over several of the same account, that one first.

    Raises LookupError where the entry has no such leg.
    """
    at = next((i for i, leg in enumerate(entry.legs) if leg.id == leg_id), None)
    if at is None:
        raise LookupError(leg_id)
    leg = entry.legs[at]
    amounts = money.split(leg.amount, [1] * parts, leg.commodity.scale)
    weights: list[Decimal | None] = [None] * parts
    if leg.weight is not None and leg.weight_commodity is not None:
        weights = list(money.split(leg.weight, [1] * parts, leg.weight_commodity.scale))
    made = [
        replace(leg if n == 0 else _fresh(leg), amount=amount, weight=weight)
        for n, (amount, weight) in enumerate(zip(amounts, weights, strict=True))
        if amount
    ]
    return replace(entry, legs=[*entry.legs[:at], *made, *entry.legs[at + 1 :]])


def joined(entry: Entry) -> Entry:
    """Return the entry with legs of one kind made one: on the account of the largest, where the first one stood.

    Of one kind are legs of categories of one type, in one direction and one commodity. Reconciled legs stay.
    """
    groups: dict[object, list[Leg]] = {}
    for n, leg in enumerate(entry.legs):
        groups.setdefault(_kind(leg) or n, []).append(leg)
    return replace(entry, legs=[_one(group) for group in groups.values()])


def _kind(leg: Leg) -> tuple[object, ...] | None:
    if leg.account.type in OWN or leg.state == Posting.State.RECONCILED:
        return None
    worth = leg.weight_commodity.code if leg.weight_commodity else ""
    return leg.account.type, leg.commodity.code, worth, leg.amount > 0


def _one(group: Sequence[Leg]) -> Leg:
    largest = max(group, key=lambda leg: leg.amount.copy_abs())
    weights = [leg.weight for leg in group if leg.weight is not None]
    memos = dict.fromkeys(leg.memo for leg in group if leg.memo)
    return replace(
        largest,
        amount=money.total(leg.amount for leg in group),
        weight=money.total(weights) if weights else None,
        memo=", ".join(memos)[:500],
    )


def _fresh(leg: Leg) -> Leg:
    return replace(leg, id=None, state=Posting.State.UNCLEARED, metadata={})


def _opposite(leg: Leg) -> Leg:
    # The minus operator would round to the 28 digits of the default context.
    return replace(
        leg,
        amount=leg.amount.copy_negate(),
        weight=None if leg.weight is None else leg.weight.copy_negate(),
    )
