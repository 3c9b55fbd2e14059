"""Amounts: reading what a person typed, showing it, rounding it, sharing it out. Functions over Decimal."""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext

from financetracker.writing import locale
from financetracker.writing.locale import SPACES, Locale

WHOLE_DIGITS = 20
MAX_SCALE = 18

# Enough digits that sums and products of bounded amounts are exact: 20 before the point and 2 x 18 behind it,
# times a few million legs. The default context would round at 28.
EXACT = Context(prec=80)

_PLAIN = re.compile(r"[+\-\u2212]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_POINTS = re.compile(r"[+\-\u2212]?[0-9.,]+", re.ASCII)


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation; whoever shows it translates it, because this module knows no Django."""
    return text


class BadAmount(ValueError):
    """What was typed is no amount. `sentence` says why, with `values` to be put in: translate it before."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence, self.values = sentence, values


def parse_amount(text: str, *, places: int = MAX_SCALE, by: Locale | None = None) -> Decimal:
    """Read an amount as a person types it, `by` his locale (None: the running request's). Never guesses.

    At most 20 digits before the decimal mark and `places` after it. Digits are grouped by three, by spaces or
    by the locale's own mark, or not at all. A point or comma that could mean either (`1.234` of shares, where
    decimals stand after a comma) is refused with both readings; where three decimals are too many, it stands for a
    thousand. Under `locale.PLAIN` there is one decimal point and nothing else. Refused are an underscore, an
    exponent, digits of another script and words like NaN. Raises BadAmount.
    """
    typed = text.strip()
    if not typed:
        raise BadAmount(gettext_noop("An amount is missing."))
    by = by or locale.active()
    plain = _plain(typed, by, places)
    value = Decimal(plain.replace("\u2212", "-"))
    if value.adjusted() >= WHOLE_DIGITS and value != 0:
        raise BadAmount(
            gettext_noop("“%(text)s” is too large: at most %(most)d digits before the decimals."),
            text=_short(typed),
            most=WHOLE_DIGITS,
        )
    if decimals(value) > places or len(plain.partition(".")[2]) > MAX_SCALE:
        raise BadAmount(
            gettext_noop("“%(text)s” has more than %(places)d decimal places."), text=_short(typed), places=places
        )
    return value


def _short(typed: str) -> str:
    return typed if len(typed) <= 40 else typed[:37] + "…"


def _plain(typed: str, by: Locale, places: int) -> str:
    """Write what was typed with a decimal point and no separators; raise BadAmount where that is not clear."""
    if by == locale.PLAIN:
        if _PLAIN.fullmatch(typed):
            return typed
        if "," in typed and _POINTS.fullmatch(typed):
            raise BadAmount(
                gettext_noop("“%(text)s”: write the decimals after a point, and no separators: 1234.50."),
                text=_short(typed),
            )
        raise BadAmount(
            gettext_noop("“%(text)s” is not an amount: digits and one decimal point, like 12.50."),
            text=_short(typed),
        )
    sign, body = (typed[0], typed[1:].lstrip()) if typed[0] in "+-\u2212" else ("", typed)
    return sign + _unmarked(typed, _ungrouped(body, SPACES), by, places)


def _ungrouped(body: str, marks: str) -> str:
    """Take out the marks between thousands where they all stand right; else leave the text as it is."""
    for mark in marks:
        if mark in body:
            whole = re.match(
                rf"[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+(?![0-9{re.escape(mark)}])", body, re.ASCII
            )
            return whole[0].replace(mark, "") + body[whole.end() :] if whole else body
    return body


def _unmarked(typed: str, body: str, by: Locale, places: int) -> str:
    other = by.other
    if re.fullmatch(rf"[0-9]{{1,3}}{re.escape(other)}[0-9]{{3}}", body, re.ASCII) and body[0] != "0":
        whole, decimals_ = body.split(other)
        if len(decimals_) > places:
            return whole + decimals_
        raise BadAmount(
            gettext_noop("“%(text)s” could be %(many)s or %(few)s: write one of them."),
            text=_short(typed),
            many=whole + decimals_,
            few=f"{whole}{by.decimal}{decimals_}",
        )
    if by.decimal not in body and body.count(other) == 1:
        body = body.replace(other, ".")  # not by thousands, so it can only be the decimal mark
    else:
        body = _ungrouped(body, other).replace(by.decimal, ".")
    if not _PLAIN.fullmatch(body) or body[0] in "+-\u2212":
        raise BadAmount(
            gettext_noop("“%(text)s” is not an amount: digits and decimals, like %(like)s."),
            text=_short(typed),
            like=f"12{by.decimal}50",
        )
    return body


def decimals(value: Decimal) -> int:
    """Return how many decimal places the value needs: 2 for 12.34, 1 for 12.5000, 0 for 100."""
    exponent = EXACT.normalize(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def with_places(value: Decimal, places: int) -> Decimal:
    """Return the same value with at least `places` decimals, as a file shows it: 12.5 is 12.50."""
    return round_to(value, max(places, decimals(value)))


def show(value: Decimal, places: int) -> str:
    """Write an amount for the running request's person, with a true minus sign.

    At least `places` decimals, never fewer than it needs.
    """
    by = locale.active()
    text = f"{value.copy_abs():,.{max(places, decimals(value))}f}"
    text = text.translate({ord(","): by.group, ord("."): by.decimal})
    return f"\u2212{text}" if value < 0 else text


def show_count(count: int) -> str:
    """Write how many there are of something: 1 000."""
    return f"{count:,}".replace(",", locale.active().group)


def typed(value: Decimal, places: int) -> str:
    """Write an amount as it stands in an input: after the person's mark at least `places` decimals, no groups."""
    return f"{value:.{max(places, decimals(value))}f}".replace(".", locale.active().decimal)


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
