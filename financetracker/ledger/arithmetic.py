"""Sums typed where an amount is asked for: `12.50+3`, `3*4.20`, `100/3`. Exact, and rounded once at the end."""

import re
from decimal import Decimal
from fractions import Fraction

from financetracker.ledger import money
from financetracker.ledger.money import BadAmount, gettext_noop

# A bill of many lines fits; nothing that keeps the server busy does.
MOST = 200

_PIECES = re.compile(r"([+\-\u2212*×/÷()])")
_SIGNS = {"\u2212": "-", "×": "*", "÷": "/"}


def compute(text: str, *, places: int, scale: int = money.MAX_SCALE) -> Decimal:
    """Read an amount or a sum of amounts, each as the person's locale writes it. Raises BadAmount.

    A plain amount is read exactly and may have `scale` decimals; the result of a sum is rounded to `places`, half
    away from zero. `*` and `/` bind stronger than `+` and `-`; parentheses are understood.
    """
    typed = text.strip()
    if not is_sum(typed):
        return money.parse_amount(typed, places=scale)
    if len(typed) > MOST:
        raise _no_sum(typed)
    reading = _Reading(typed)
    value = reading.sum()
    if reading.pieces:
        raise _no_sum(typed)
    rounded = _rounded(value, places)
    if rounded and rounded.adjusted() >= money.WHOLE_DIGITS:
        raise BadAmount(
            gettext_noop("“%(text)s” is too large: at most %(most)d digits before the decimals."),
            text=_short(typed),
            most=money.WHOLE_DIGITS,
        )
    return rounded


def is_sum(text: str) -> bool:
    """Whether something is to be computed: a sign at the beginning alone is none."""
    return any(sign in text.strip()[1:] for sign in "+-\u2212*×/÷()") and any(map(str.isdecimal, text))


class _Reading:
    """What is left to be read of a sum, piece by piece."""

    def __init__(self, typed: str) -> None:
        self.typed = typed
        found = (piece.strip() for piece in _PIECES.split(typed))
        self.pieces = [_SIGNS.get(piece, piece) for piece in found if piece][::-1]

    def sum(self) -> Fraction:
        sign = self._take("+-")
        value = -self._product() if sign == "-" else self._product()
        while operator := self._take("+-"):
            value += -self._product() if operator == "-" else self._product()
        return value

    def _product(self) -> Fraction:
        value = self._part()
        while operator := self._take("*/"):
            by = self._part()
            if operator == "/" and not by:
                raise BadAmount(gettext_noop("“%(text)s” divides by zero."), text=_short(self.typed))
            value = value / by if operator == "/" else value * by
        return value

    def _part(self) -> Fraction:
        if self._take("("):
            value = self.sum()
            if not self._take(")"):
                raise _no_sum(self.typed)
            return value
        if not self.pieces or self.pieces[-1] in "+-*/)":
            raise _no_sum(self.typed)
        return Fraction(money.parse_amount(self.pieces.pop()))

    def _take(self, operators: str) -> str:
        return self.pieces.pop() if self.pieces and self.pieces[-1] in operators else ""


def _rounded(value: Fraction, places: int) -> Decimal:
    """Round half away from zero, as money.round_to does."""
    units = abs(value) * 10**places
    whole = int(units + Fraction(1, 2))
    exact = money.EXACT.scaleb(Decimal(whole), -places) if whole < 10**60 else Decimal("1e60")
    return -exact if value < 0 else exact


def _no_sum(typed: str) -> BadAmount:
    return BadAmount(gettext_noop("“%(text)s” cannot be computed: write it like 12+3 or 3*4."), text=_short(typed))


def _short(typed: str) -> str:
    return typed if len(typed) <= 40 else typed[:37] + "…"
