"""A transaction in one sentence: what was paid, received or moved, to whom, from where, for what."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import money
from financetracker.ledger.models import Posting

OWN = frozenset({Account.Type.ASSET, Account.Type.LIABILITY})
# More names than this make no sentence.
NAMED = 3


def sentence(legs: Sequence[Posting], payee: str = "") -> str:
    """Say what happened. Expects account and commodities of the legs to be loaded; runs no query."""
    own = [leg for leg in legs if leg.account.type in OWN]
    rest = [leg for leg in legs if leg.account.type not in OWN]
    if not own:
        return _between(legs, _("Counted %(amount)s from %(source)s as %(target)s."))
    if all(leg.account.type == Account.Type.EQUITY for leg in rest) and rest:
        return _opening(own, rest)
    given, taken = ([leg for leg in own if (leg.amount < 0) == wanted] for wanted in (True, False))
    if given and taken:
        return _moved(given, taken, rest)
    if given:
        return _paid(given, rest, payee)
    return _received(taken, rest, payee)


def amounts(legs: Iterable[Posting], *, sign: int = 1) -> str:
    """Add up legs by commodity: `12.50 EUR`, or `18 480 JPY and 3.00 EUR`."""
    sums: dict[str, tuple[Decimal, Commodity]] = {}
    for leg in legs:
        before = sums.get(leg.commodity.code, (Decimal(0), leg.commodity))[0]
        sums[leg.commodity.code] = (money.EXACT.add(before, leg.amount), leg.commodity)
    return _list(
        f"{money.show(total if sign > 0 else total.copy_negate(), commodity.places)} {commodity.code}"
        for total, commodity in sums.values()
        if total
    )


def _paid(given: Sequence[Posting], rest: Sequence[Posting], payee: str) -> str:
    said = {
        "amount": _with_other(given, rest, -1),
        "payee": payee,
        "source": _accounts(given),
        "target": _accounts(rest, lambda leg: leg.amount > 0) or _accounts(rest),
    }
    if payee:
        return _("Paid %(amount)s to %(payee)s from %(source)s for %(target)s.") % said
    return _("Paid %(amount)s from %(source)s for %(target)s.") % said


def _received(taken: Sequence[Posting], rest: Sequence[Posting], payee: str) -> str:
    income = [leg for leg in rest if leg.account.type != Account.Type.EXPENSE]
    said = {
        "amount": _with_other(taken, rest, 1),
        "payee": payee,
        "target": _accounts(taken),
        "source": _accounts(income or rest),
    }
    if not income:
        if payee:
            return _("Got back %(amount)s from %(payee)s into %(target)s, spent before for %(source)s.") % said
        return _("Got back %(amount)s into %(target)s, spent before for %(source)s.") % said
    if payee:
        return _("Received %(amount)s from %(payee)s into %(target)s as %(source)s.") % said
    return _("Received %(amount)s into %(target)s as %(source)s.") % said


def _moved(given: Sequence[Posting], taken: Sequence[Posting], rest: Sequence[Posting]) -> str:
    codes = {leg.commodity.code for leg in given}
    fees = [leg for leg in rest if leg.amount > 0 and leg.commodity.code in codes]
    said = {
        "given": amounts([*given, *fees], sign=-1),
        "amount": amounts(taken),
        "source": _accounts(given),
        "target": _accounts(taken),
        "fee": amounts(rest),
        "cost": _accounts(rest),
    }
    if {leg.commodity.code for leg in given} != {leg.commodity.code for leg in taken}:
        text = _("Exchanged %(given)s from %(source)s for %(amount)s in %(target)s") % said
    else:
        text = _("Moved %(amount)s from %(source)s to %(target)s") % said
    if rest and all(leg.amount > 0 for leg in rest):
        return _("%(moved)s, and paid %(fee)s for %(cost)s.") % (said | {"moved": text})
    if rest:
        return _("%(moved)s, with %(cost)s in it.") % (said | {"moved": text})
    return _("%(moved)s.") % {"moved": text}


def _opening(own: Sequence[Posting], rest: Sequence[Posting]) -> str:
    said = {"amount": amounts(own), "account": _accounts(own), "equity": _accounts(rest)}
    return _("%(account)s began with %(amount)s, set against %(equity)s.") % said


def _between(legs: Sequence[Posting], text: str) -> str:
    return text % {
        "amount": amounts(leg for leg in legs if leg.amount > 0),
        "source": _accounts(legs, lambda leg: leg.amount < 0),
        "target": _accounts(legs, lambda leg: leg.amount > 0),
    }


def _with_other(own: Sequence[Posting], rest: Sequence[Posting], sign: int) -> str:
    """The amount of one's own accounts, and in brackets what it was in the commodity of the other side."""
    here = amounts(own, sign=sign)
    if {leg.commodity.code for leg in own} == {leg.commodity.code for leg in rest}:
        return here
    other = amounts(rest, sign=-sign)
    return f"{here} ({other})" if other else here


def _accounts(legs: Iterable[Posting], keep: Callable[[Posting], bool] = lambda _leg: True) -> str:
    names = list(dict.fromkeys(_called(leg.account) for leg in legs if keep(leg)))
    if len(names) <= NAMED:
        return _list(names)
    more = len(names) - NAMED + 1
    return ngettext("%(names)s and %(more)d more", "%(names)s and %(more)d more", more) % {
        "names": ", ".join(names[: NAMED - 1]),
        "more": more,
    }


def _called(account: Account) -> str:
    """An account of one's own by its name; a category by its way below the root, because names repeat there."""
    if account.type in OWN:
        return account.name
    return " › ".join(account.full_name.split(":")[1:]) or account.name


def _list(parts: Iterable[str]) -> str:
    said = list(parts)
    if len(said) < 2:
        return "".join(said)
    return _("%(first)s and %(last)s") % {"first": ", ".join(said[:-1]), "last": said[-1]}
