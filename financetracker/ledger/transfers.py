"""A transfer: what left one account of one's own and arrived in another, with a fee or without. Pure functions."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext as _

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.entries import Leg

ENDS = frozenset({Account.Type.ASSET, Account.Type.LIABILITY, Account.Type.EQUITY})
# Digits of a rate that is shown: more than any bank prints.
DIGITS = 6
# A rate that is further from the known one than this is looked at twice: a slip of the decimal mark is.
FAR = Decimal("0.05")
# A price that is older says nothing of the rate of a day.
NEAR = datetime.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a person says of a transfer. All amounts are above zero; `fee` leaves the source on top of `amount`."""

    source: Account
    target: Account
    amount: Decimal
    commodity: Commodity
    received: Decimal
    received_commodity: Commodity
    fee: Decimal = Decimal(0)
    fee_account: Account | None = None

    @property
    def is_exchange(self) -> bool:
        """Whether something else arrives than leaves."""
        return self.commodity.pk != self.received_commodity.pk


@dataclass(frozen=True, slots=True)
class Compared:
    """Two rates of an exchange in words: as it was typed, and by the book's prices, the oldest of them of `on`."""

    typed: str
    known: str
    on: datetime.date
    is_far: bool


def legs_of(transfer: Transfer, base_id: int) -> list[Leg]:
    """Return the legs: source, target, fee.

    An exchange counts in the base where that arrives, else in what leaves; the fee counts at the same rate then.
    """
    out = money.EXACT.add(transfer.amount, transfer.fee).copy_negate()
    source = Leg(transfer.source, out, transfer.commodity)
    target = Leg(transfer.target, transfer.received, transfer.received_commodity)
    fee = Leg(transfer.fee_account, transfer.fee, transfer.commodity) if transfer.fee_account else None
    if transfer.is_exchange and transfer.received_commodity.pk == base_id:
        worth = transfer.received_commodity
        cost = money.EXACT.divide(money.EXACT.multiply(transfer.fee, transfer.received), transfer.amount)
        cost = money.round_to(cost, worth.places)
        total = money.EXACT.add(transfer.received, cost).copy_negate()
        source = replace(source, weight=total, weight_commodity=worth)
        fee = replace(fee, weight=cost, weight_commodity=worth) if fee else None
    elif transfer.is_exchange:
        target = replace(target, weight=transfer.amount, weight_commodity=transfer.commodity)
    return [source, target, *([fee] if fee else [])]


def read(legs: Sequence[Leg], base_id: int) -> tuple[Transfer, list[Leg]] | None:
    """Return the transfer that legs are, and them in the order of `legs_of`; None if they are something else."""
    ends = sorted((leg for leg in legs if leg.account.type in ENDS), key=lambda leg: leg.amount)
    rest = [leg for leg in legs if leg.account.type not in ENDS]
    if len(ends) != 2 or len(rest) > 1 or not ends[0].amount < 0 < ends[1].amount:
        return None
    source, target = ends
    fee = rest[0] if rest else None
    if fee and (fee.account.type != Account.Type.EXPENSE or fee.amount <= 0 or fee.commodity != source.commodity):
        return None
    spent = fee.amount if fee else Decimal(0)
    amount = money.EXACT.subtract(source.amount.copy_negate(), spent)
    if amount <= 0:
        return None
    found = Transfer(
        source.account,
        target.account,
        amount,
        source.commodity,
        target.amount,
        target.commodity,
        spent,
        fee.account if fee else None,
    )
    ordered = [source, target, *rest]
    same = [_said(leg) for leg in legs_of(found, base_id)] == [_said(leg) for leg in ordered]
    return (found, ordered) if same else None


def rate(transfer: Transfer) -> str:
    """Write the rate of an exchange the way round that is above one: `163.99 JPY per EUR`. Empty without one."""
    return _rate(transfer, _paid(transfer)) if transfer.is_exchange else ""


def compare(transfer: Transfer, known: Decimal, on: datetime.date) -> Compared:
    """Hold the rate of an exchange against the one `known` from prices: how much arrives for one unit that leaves.

    They are written the same way round, that in which the known one is above one. Half a unit of the last place of
    either amount makes no difference: what is small is rounded.
    """
    expected = money.product(transfer.amount, known)
    allowed = money.total(
        (
            money.product(expected, FAR),
            money.product(_half(transfer.commodity), known),
            _half(transfer.received_commodity),
        )
    )
    off = money.EXACT.subtract(transfer.received, expected).copy_abs()
    turned = known < 1
    return Compared(
        _rate(transfer, _paid(transfer), turned=turned), _rate(transfer, known, turned=turned), on, off > allowed
    )


def _paid(transfer: Transfer) -> Decimal:
    return money.EXACT.divide(transfer.received, transfer.amount)


def _half(commodity: Commodity) -> Decimal:
    return Decimal(5).scaleb(-commodity.places - 1)


def _rate(transfer: Transfer, value: Decimal, *, turned: bool | None = None) -> str:
    """Write how much arrives for one unit that leaves, or `turned` round: by default where that is above one."""
    many, few = transfer.received_commodity.code, transfer.commodity.code
    if value < 1 if turned is None else turned:
        value, many, few = money.EXACT.divide(Decimal(1), value), few, many
    places = max(0, DIGITS - 1 - value.adjusted())
    text = money.show(money.round_to(value, min(places, money.MAX_SCALE)).normalize(money.EXACT), 0)
    return _("%(value)s %(many)s per %(few)s") % {"value": text, "many": many, "few": few}


def _said(leg: Leg) -> tuple[object, ...]:
    weight = leg.amount if leg.weight is None else leg.weight
    return leg.account.pk, leg.amount, leg.commodity.pk, weight, (leg.weight_commodity or leg.commodity).pk
