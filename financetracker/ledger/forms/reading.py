"""What a form would be read as, while it is being typed: the day, sums, what the legs are off, in words."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from financetracker.ledger import arithmetic, money
from financetracker.ledger.forms.entry import EntryForm
from financetracker.ledger.forms.rows import FILL, Row
from financetracker.ledger.journal import Leg, residue
from financetracker.writing.days import BadDay, read_day, show_day


def reading(form: EntryForm) -> dict[str, Any]:
    """Say what has been typed so far means, as a script shows it. Nothing is written, and nothing is refused.

    `day` is the day that was read; `sums` are results of amounts that are computed, `fill` what `=` stands for, by
    the name of the input; `says` is the short form in words, `off` what the rows do not add up by, `unread` why
    that cannot be said; `charged` asks what an account was charged in its own commodity, where that is another.
    """
    answer: dict[str, Any] = {"day": _day(form), "sums": _sums(form), "says": form.says, "fill": {}, "off": None}
    answer |= {"unread": "", "charged": "" if form.plain is None else form.plain.asked(form.chart)}
    if form.plain is None:
        answer |= _balance(form)
    return answer


def _day(form: EntryForm) -> str:
    """Name the day with its weekday, which is enough where it stands there in full; empty for what is none yet."""
    typed = form.typed("date")
    try:
        day = read_day(typed, timezone.localdate())
    except BadDay:
        return ""
    if typed == show_day(day):
        return _weekday(day)
    return _("%(weekday)s, %(day)s") % {"weekday": _weekday(day), "day": show_day(day)}


def _weekday(day: Any) -> str:
    return str(WEEKDAYS[day.weekday()])


def _sums(form: EntryForm) -> dict[str, str]:
    typed = {f"leg-{row.index}-{name}": getattr(row, name) for row in form.rows for name in ("amount", "weight")}
    if form.plain is not None:
        typed |= {"amount": form.plain.parted[0], "charged": form.plain.charged}
    found = {}
    for name, text in typed.items():
        if arithmetic.is_sum(text):
            try:
                places = _places(form, name)
                found[name] = money.show(arithmetic.compute(text, places=places), places)
            except money.BadAmount:
                continue
    return found


def _places(form: EntryForm, name: str) -> int:
    """How many places the amount of this input is rounded to; the base's where its commodity is not clear."""
    row = next((row for row in form.rows if name.startswith(f"leg-{row.index}-")), None)
    try:
        if row is None:
            account = form.plain.account if form.plain is not None else ""
            code = form.plain.parted[1] if form.plain is not None and name == "amount" else ""
        else:
            account, code = row.account, row.commodity if name.endswith("-amount") else row.weight_commodity
        return form.chart.commodity(code, form.chart.account(account) if account and not code else None).places
    except ValueError:
        return form.chart.base.places


def _balance(form: EntryForm) -> dict[str, Any]:
    """What the rows are off by, and what would put it right; nothing of both as long as one cannot be read."""
    legs: list[Leg] = []
    open_row: Row | None = None
    for row in form.rows:
        if row.is_empty:
            continue
        if row.amount == FILL:
            open_row = row
            continue
        leg = _leg(form, row)
        if leg is None and row.amount:
            return {"unread": _("One amount cannot be read yet.")}
        if leg is not None:
            legs.append(leg)
    if not legs:
        return {"off": None}
    off = residue(legs)
    places = {row.code: row.places for row in form.chart.commodities}
    fill = {}
    if open_row is not None and len(off) == 1:
        ((code, value),) = off.items()
        fill[f"leg-{open_row.index}-amount"] = money.typed(value.copy_negate(), places[code])
    return {
        "off": [f"{money.show(value, places[code])} {code}" for code, value in sorted(off.items())],
        "fill": fill,
    }


def _leg(form: EntryForm, row: Row) -> Leg | None:
    """Read a row as far as it goes: an account that is not known yet does not keep its amount from counting."""
    tried = Row(row.index, "", row.account, row.amount, row.commodity, row.weight, row.weight_commodity)
    leg = tried.read(form.chart, {})
    if leg is not None or not form.chart.accounts or set(tried.errors) != {"account"}:
        return leg
    tried = Row(row.index, "", form.chart.accounts[0].full_name, row.amount, row.commodity or form.chart.base.code)
    tried.weight, tried.weight_commodity = row.weight, row.weight_commodity
    leg = tried.read(form.chart, {})
    return None if leg is None or leg.amount == Decimal(0) else leg
