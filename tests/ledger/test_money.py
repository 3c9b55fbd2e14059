"""Amounts are read as typed, never guessed, and no arithmetic loses a digit: `fractions` is the judge."""

import random
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from financetracker.ledger import money
from financetracker.ledger.money import BadAmount, parse_amount
from financetracker.writing import locale
from financetracker.writing.locale import Locale

D = Decimal
LARGEST = D("99999999999999999999.999999999999999999")

amounts = st.builds(
    lambda units, scale: D(units).scaleb(-scale, money.EXACT),
    st.integers(-(10**20) + 1, 10**20 - 1),
    st.integers(0, 18),
) | st.sampled_from([LARGEST, LARGEST.copy_negate(), D("1E-18"), D(0)])


# --- Reading


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0", "0"),
        ("12", "12"),
        ("12.50", "12.50"),
        ("+3.5", "3.5"),
        ("-3.5", "-3.5"),
        ("\u22123.5", "-3.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("  7 ", "7"),
        ("007", "7"),
        ("0" * 40 + "1", "1"),
        ("99999999999999999999", "99999999999999999999"),
        ("0.000000000000000001", "1E-18"),
        (str(LARGEST), str(LARGEST)),
    ],
)
def test_an_amount_is_read_as_typed(typed: str, value: str) -> None:
    assert parse_amount(typed) == D(value)


MISSING = "An amount is missing."
SEPARATORS = "“{}”: write the decimals after a point, and no separators: 1234.50."
NO_AMOUNT = "“{}” is not an amount: digits and one decimal point, like 12.50."
TOO_LARGE = "“{}” is too large: at most 20 digits before the decimals."


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", MISSING),
        ("   ", MISSING),
        ("1,000", SEPARATORS),
        ("1.234,50", SEPARATORS),
        ("-12,5", SEPARATORS),
        (",", SEPARATORS),
        ("1_000", NO_AMOUNT),
        ("1 000", NO_AMOUNT),
        ("1\u00a0000", NO_AMOUNT),
        ("1'000", NO_AMOUNT),
        ("\uff11\uff12", NO_AMOUNT),
        ("\u0663", NO_AMOUNT),
        ("\u00b2", NO_AMOUNT),
        ("\u00bd", NO_AMOUNT),
        ("NaN", NO_AMOUNT),
        ("sNaN", NO_AMOUNT),
        ("Infinity", NO_AMOUNT),
        ("-inf", NO_AMOUNT),
        ("1e999", NO_AMOUNT),
        ("1e2", NO_AMOUNT),
        ("1E-2", NO_AMOUNT),
        ("0x10", NO_AMOUNT),
        ("1\x00", NO_AMOUNT),
        ("\x00", NO_AMOUNT),
        ("1\n2", NO_AMOUNT),
        ("1.2.3", NO_AMOUNT),
        (".", NO_AMOUNT),
        ("-", NO_AMOUNT),
        ("--1", NO_AMOUNT),
        ("1-", NO_AMOUNT),
        ("(5)", NO_AMOUNT),
        ("12 EUR", NO_AMOUNT),
        ("1+1", NO_AMOUNT),
        ("100000000000000000000", TOO_LARGE),
        ("1" * 40, TOO_LARGE),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(typed: str, message: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_amount(typed)
    assert str(refused.value) == message.format(typed.strip())


@pytest.mark.parametrize(
    ("typed", "places"), [("0.001", 2), ("1.5", 0), ("0.0000000000000000001", 18), ("1." + "0" * 19, 18)]
)
def test_more_decimals_than_the_commodity_has_are_refused(typed: str, places: int) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_amount(typed, places=places)
    assert str(refused.value) == f"“{typed}” has more than {places} decimal places."


def test_zeros_behind_the_last_place_do_no_harm() -> None:
    assert parse_amount("12.500", places=2) == D("12.50")
    assert parse_amount("3.0", places=0) == 3


def test_a_long_text_is_cut_in_the_message_and_refused_at_once() -> None:
    began = time.process_time()
    for text in ("9" * 1_000_000, "1," * 500_000, "x" * 1_000_000, "0." + "0" * 1_000_000 + "1"):
        with pytest.raises(BadAmount) as refused:
            parse_amount(text)
        assert len(str(refused.value)) < 140
        assert f"“{text[:37]}…”" in str(refused.value)
    assert time.process_time() - began < 2


@given(st.text() | st.text("0123456789.,+-eE_ \u2212\u0663\uff11", max_size=25))
def test_whatever_is_typed_it_is_an_amount_in_bounds_or_refused(typed: str) -> None:
    try:
        value = parse_amount(typed)
    except BadAmount:
        return
    assert value.is_finite()
    assert abs(value) <= LARGEST
    assert set(typed.strip()) <= set("0123456789.+-\u2212")
    assert Fraction(value) == Fraction(typed.strip().replace("\u2212", "-").rstrip("."))


COMMA = Locale("de", ",", ".", "dmy")
POINT = Locale("en", ".", ",", "mdy")


@pytest.mark.parametrize(
    ("by", "typed", "value"),
    [
        (COMMA, "12,50", "12.50"),
        (COMMA, "12.50", "12.50"),  # no group of three: it can only be the decimal mark
        (COMMA, "1.234,50", "1234.50"),
        (COMMA, "1.234.567", "1234567"),
        (COMMA, "1 234,5", "1234.5"),
        (COMMA, "1'234,5", "1234.5"),
        (COMMA, "-,5", "-0.5"),
        (COMMA, "0.125", "0.125"),
        (COMMA, "1234.567", "1234.567"),
        (POINT, "12.50", "12.50"),
        (POINT, "12,50", "12.50"),
        (POINT, "1,234.50", "1234.50"),
        (POINT, "−1,234,567.5", "-1234567.5"),
        (POINT, "1 234.5", "1234.5"),
        (POINT, "1.234", "1.234"),
    ],
)
def test_an_amount_is_read_as_the_locale_writes_it(by: Locale, typed: str, value: str) -> None:
    assert parse_amount(typed, by=by) == D(value)
    with locale.use(by):
        assert parse_amount(typed) == D(value)


@pytest.mark.parametrize(
    ("by", "typed", "message"),
    [
        (COMMA, "1.234", "“1.234” could be 1234 or 1,234: write one of them."),
        (COMMA, "-12.345", "“-12.345” could be 12345 or 12,345: write one of them."),
        (POINT, "1,234", "“1,234” could be 1234 or 1.234: write one of them."),
        (COMMA, "12 34", "“12 34” is not an amount: digits and decimals, like 12,50."),
        (COMMA, "1.23.456", "“1.23.456” is not an amount: digits and decimals, like 12,50."),
        (COMMA, "1,234.50", "“1,234.50” is not an amount: digits and decimals, like 12,50."),
        (POINT, "1.234,50", "“1.234,50” is not an amount: digits and decimals, like 12.50."),
        (POINT, "--1", "“--1” is not an amount: digits and decimals, like 12.50."),
        (POINT, "-", "“-” is not an amount: digits and decimals, like 12.50."),
        (POINT, "1e3", "“1e3” is not an amount: digits and decimals, like 12.50."),
    ],
)
def test_what_a_locale_leaves_open_is_refused_with_the_readings(by: Locale, typed: str, message: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_amount(typed, by=by)
    assert str(refused.value) == message
    assert refused.value.sentence % refused.value.values == message


@given(amounts, st.sampled_from([locale.PLAIN, COMMA, POINT, Locale("fr", ",", " ", "dmy")]))
def test_what_stands_in_an_input_is_read_back_in_every_locale(value: Decimal, by: Locale) -> None:
    with locale.use(by):
        written = money.typed(value, 2)
        assert parse_amount(written) == value
        shown = money.show(value, 2)
        if by != locale.PLAIN:
            assert parse_amount(shown) == value


@pytest.mark.parametrize(
    ("by", "shown"),
    [(locale.PLAIN, "−1 234.50"), (COMMA, "−1.234,50"), (POINT, "−1,234.50")],
)
def test_amounts_are_shown_as_the_locale_writes_them(by: Locale, shown: str) -> None:
    with locale.use(by):
        assert money.show(D("-1234.5"), 2) == shown
    assert money.show(D("-1234.5"), 2) == "−1 234.50"


@given(amounts)
def test_what_is_shown_says_the_amount_exactly(value: Decimal) -> None:
    shown = money.show(value, 2)
    assert Fraction(shown.replace("\u00a0", "").replace("\u2212", "-")) == Fraction(value)
    assert len(shown.partition(".")[2]) == max(2, money.decimals(value))


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("1234567.5", 2, "1\u00a0234\u00a0567.50"),
        ("-1234", 0, "\u22121\u00a0234"),
        ("0.125", 2, "0.125"),
        ("100", 0, "100"),
        ("1E+3", 2, "1\u00a0000.00"),
        ("-0.00", 2, "0.00"),
        (f"-{LARGEST}", 2, "\u221299\u00a0999\u00a0999\u00a0999\u00a0999\u00a0999\u00a0999.999999999999999999"),
    ],
)
def test_amounts_are_shown_in_groups_with_a_true_minus(value: str, places: int, shown: str) -> None:
    assert money.show(D(value), places) == shown


@pytest.mark.parametrize(
    ("value", "places"),
    [("12.34", 2), ("12.5000", 1), ("100", 0), ("1E+5", 0), ("0", 0), ("0.00", 0), ("1E-18", 18)],
)
def test_decimals_are_those_that_are_needed(value: str, places: int) -> None:
    assert money.decimals(D(value)) == places


# --- Arithmetic


@given(st.lists(amounts, max_size=60))
def test_a_total_is_exact(values: list[Decimal]) -> None:
    assert Fraction(money.total(values)) == sum(map(Fraction, values))


def test_a_million_legs_of_the_finest_and_the_largest_add_up() -> None:
    values = [LARGEST, D("1E-18")] * 500_000
    assert Fraction(money.total(values)) == 500_000 * (Fraction(LARGEST) + Fraction(1, 10**18))


@given(amounts, amounts)
@example(LARGEST, LARGEST)
@example(LARGEST, D("1E-18"))
def test_a_product_is_exact(amount: Decimal, price: Decimal) -> None:
    assert Fraction(money.product(amount, price)) == Fraction(amount) * Fraction(price)


def half_up(value: Fraction, places: int) -> Fraction:
    """Round half away from zero, on whole numbers."""
    units = abs(value) * 10**places
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(whole if value > 0 else -whole, 10**places)


@given(amounts, st.integers(0, 18))
@example(D("2.5"), 0)
@example(D("-2.5"), 0)
@example(D("1.005"), 2)
@example(D("-0.004"), 2)
@example(LARGEST, 0)
def test_rounding_is_half_away_from_zero(value: Decimal, places: int) -> None:
    rounded = money.round_to(value, places)
    assert Fraction(rounded) == half_up(Fraction(value), places)
    assert rounded.as_tuple().exponent == -places


@given(amounts, amounts.filter(lambda rate: rate > 0), st.integers(0, 18))
@example(D("0.5"), D(1), 0)
@example(D("1.5"), D(1), 0)
@example(D("-2.5"), D(1), 0)
def test_a_valuation_is_rounded_half_to_even(amount: Decimal, rate: Decimal, places: int) -> None:
    exact = Fraction(amount) * Fraction(rate) * 10**places
    assert Fraction(money.convert(amount, rate, places)) * 10**places == round(exact)


@given(amounts.filter(lambda rate: rate > 0))
def test_a_rate_turned_round_has_28_digits(rate: Decimal) -> None:
    turned = money.inverse(rate)
    assert abs(Fraction(turned) * Fraction(rate) - 1) <= Fraction(1, 10**27)


# --- Sharing out


def split_fairly(amount: Decimal, shares: list[int], places: int) -> list[Fraction]:
    """What largest remainders give, with fractions: floor each, then a unit more to the largest remainders."""
    unit = Fraction(1, 10**places)
    exact = [abs(Fraction(amount)) * share / sum(shares) / unit for share in shares]
    units = [int(part) for part in exact]
    left = int(abs(Fraction(amount)) / unit) - sum(units)
    for i in sorted(range(len(shares)), key=lambda i: (units[i] - exact[i], i))[:left]:
        units[i] += 1
    return [part * unit * (-1 if amount < 0 else 1) for part in units]


@pytest.mark.parametrize(
    ("amount", "shares", "places", "parts"),
    [
        ("100", [1, 1, 1], 2, ["33.34", "33.33", "33.33"]),
        ("-100", [1, 1, 1], 2, ["-33.34", "-33.33", "-33.33"]),
        ("0.01", [1, 1], 2, ["0.01", "0.00"]),
        ("100", [1, 1, 1], 0, ["34", "33", "33"]),
        ("10", [0, 1, 0], 2, ["0", "10", "0"]),
        ("0", [1, 2], 2, ["0", "0"]),
        ("1", [5, 3, 2], 3, ["0.5", "0.3", "0.2"]),
        ("0.05", [1, 2, 4], 2, ["0.01", "0.01", "0.03"]),
    ],
)
def test_shares_add_up(amount: str, shares: list[int], places: int, parts: list[str]) -> None:
    assert money.split(D(amount), shares, places) == [D(part) for part in parts]


@settings(max_examples=500, deadline=None)
@given(
    units=st.integers(-(10**38) + 1, 10**38 - 1),
    shares=st.lists(st.integers(0, 10**12), min_size=1, max_size=20).filter(any),
    places=st.integers(0, 18),
)
def test_the_largest_amounts_are_shared_out_to_the_last_unit(units: int, shares: list[int], places: int) -> None:
    amount = D(units).scaleb(-places, money.EXACT)
    parts = money.split(amount, shares, places)
    assert [Fraction(part) for part in parts] == split_fairly(amount, shares, places)
    assert sum(map(Fraction, parts)) == Fraction(amount)


def test_of_a_hundred_thousand_splits_each_adds_up_and_is_fair() -> None:
    """Fair is a part less than one unit from its exact share. Whole numbers: so many fractions take long."""
    draw = random.Random(4217)
    for _ in range(100_000):
        places = draw.choice((0, 2, 2, 3, 4, 8, 18))
        units = draw.randint(-(10 ** draw.randint(1, 17)), 10 ** draw.randint(1, 17))
        shares = [draw.randint(0, draw.choice((1, 10, 100, 10**6))) for _ in range(draw.randint(1, 7))] + [1]
        parts = [part.scaleb(places) for part in money.split(D(units).scaleb(-places), shares, places)]
        whole = [int(part) for part in parts]
        assert whole == parts
        assert sum(whole) == units, (units, shares)
        all_shares = sum(shares)
        assert all(
            abs(part * all_shares - units * share) < all_shares for part, share in zip(whole, shares, strict=True)
        ), (units, shares)


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1, 1]])
def test_shares_that_share_nothing_are_refused(shares: list[int]) -> None:
    with pytest.raises(ValueError, match="shares must be zero or more"):
        money.split(D(1), shares, 2)


def test_an_amount_finer_than_its_places_is_not_shared_out() -> None:
    with pytest.raises(ValueError, match=r"0\.001 has more than 2 decimal places"):
        money.split(D("0.001"), [1, 1], 2)
