"""Amounts: reading what a person typed, showing it, rounding it, sharing it out. Pure functions over Decimal."""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext

WHOLE_DIGITS = 20
MAX_SCALE = 18

# Enough digits that sums and products of bounded amounts are exact: 20 before the point and 2 x 18 behind it,
# times a few million legs. The default context would round at 28.
EXACT = Context(prec=80)

_AMOUNT = re.compile(r"[+\-\u2212]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)


class BadAmount(ValueError):
    """What was typed is no amount; the message says why, for a person."""


def parse_amount(text: str, *, places: int = MAX_SCALE) -> Decimal:
    """Read an amount as a person types it: digits, one decimal point, a sign. Never guesses.

    At most 20 digits before the point and `places` after it. A comma, a space, an underscore, an exponent, digits
    of another script and words like NaN are refused. Raises BadAmount.
    """
    typed = text.strip()
    shown = typed if len(typed) <= 40 else typed[:37] + "…"
    if not typed:
        raise BadAmount("An amount is missing.")
    if "," in typed and re.fullmatch(r"[+\-\u2212]?[0-9.,]+", typed, re.ASCII):
        raise BadAmount(f"“{shown}”: write the decimals after a point, and no separators: 1234.50.")
    if not _AMOUNT.fullmatch(typed):
        raise BadAmount(f"“{shown}” is not an amount: digits and one decimal point, like 12.50.")
    value = Decimal(typed.replace("\u2212", "-"))
    if value.adjusted() >= WHOLE_DIGITS and value != 0:
        raise BadAmount(f"“{shown}” is too large: at most {WHOLE_DIGITS} digits before the point.")
    if decimals(value) > places or len(typed.partition(".")[2]) > MAX_SCALE:
        raise BadAmount(f"“{shown}” has more than {places} decimal places.")
    return value


def decimals(value: Decimal) -> int:
    """Return how many decimal places the value needs: 2 for 12.34, 1 for 12.5000, 0 for 100."""
    exponent = EXACT.normalize(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def show(value: Decimal, places: int) -> str:
    """Write an amount with at least `places` decimals, never fewer than it needs, and a true minus sign."""
    text = f"{value.copy_abs():,.{max(places, decimals(value))}f}".replace(",", "\u00a0")
    return f"\u2212{text}" if value < 0 else text


def total(values: Iterable[Decimal]) -> Decimal:
    """Add without rounding."""
    with localcontext(EXACT):
        return sum(values, Decimal(0))


def product(amount: Decimal, price: Decimal) -> Decimal:
    """Multiply without rounding."""
    return EXACT.multiply(amount, price)


def inverse(rate: Decimal) -> Decimal:
    """Turn a rate round, to 28 significant digits: more than any printed rate has."""
    return Context(prec=28).divide(Decimal(1), rate)


def round_to(value: Decimal, places: int) -> Decimal:
    """Round half away from zero, as banks and bills do."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)


def convert(amount: Decimal, rate: Decimal, places: int) -> Decimal:
    """Value an amount at a rate, rounded half to even: thousands of valuations should not drift upwards."""
    exact = EXACT.multiply(amount, rate)
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=EXACT)


def split(amount: Decimal, shares: Sequence[int], places: int) -> list[Decimal]:
    """Share an amount out in proportion; the parts add up to it exactly.

    Each part has at most `places` decimals. Units left over go to the largest remainders, the first among equals.
    `shares` are not negative and not all zero. Source: largest remainder method (Hamilton).
    """
    if not shares or min(shares) < 0 or sum(shares) == 0:
        raise ValueError("shares must be zero or more, and not all zero")
    unit = Decimal(1).scaleb(-places)
    units = EXACT.divide(amount, unit)
    if units != units.to_integral_value():
        raise ValueError(f"{amount} has more than {places} decimal places")
    whole, sign, weight = abs(int(units)), (-1 if amount < 0 else 1), sum(shares)
    parts = [whole * share // weight for share in shares]
    order = sorted(range(len(shares)), key=lambda i: (-(whole * shares[i] % weight), i))
    for i in order[: whole - sum(parts)]:
        parts[i] += 1
    result = [EXACT.multiply(Decimal(sign * part), unit) for part in parts]
    assert total(result) == amount
    return result
