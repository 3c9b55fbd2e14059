"""Sums typed where an amount is asked for: exact, rounded once, and never anything but sums."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financetracker.ledger.arithmetic import compute
from financetracker.ledger.money import BadAmount
from financetracker.writing import locale
from financetracker.writing.locale import Locale


@pytest.mark.parametrize(
    ("typed", "places", "value"),
    [
        ("12.50+3", 2, "15.50"),
        ("3*4.20", 2, "12.60"),
        ("100/3", 2, "33.33"),
        ("200/3", 2, "66.67"),
        ("-200/3", 2, "-66.67"),
        ("0.125*1", 2, "0.13"),
        ("1 + 2 * 3", 0, "7"),
        ("(1+2)*3", 0, "9"),
        ("10−2×3÷2", 2, "7.00"),
        ("-5+3", 2, "-2.00"),
        ("10/3*3", 2, "10.00"),  # rounded once, at the end
        ("12.505", 2, "12.505"),  # an amount is read exactly, only a sum is rounded
        ("1/3", 0, "0"),
    ],
)
def test_a_sum_is_computed(typed: str, places: int, value: str) -> None:
    assert compute(typed, places=places, scale=3) == Decimal(value)


@pytest.mark.parametrize(
    "typed",
    [
        "--1",
        "1+",
        "+",
        "1/0",
        "1/(2-2)",
        "2*-3",
        "()",
        "(1",
        "1)",
        "1 2+3",
        "1e3+1",
        "NaN+1",
        "9**9",
        "1_0+2",
        "x+1",
        "9" * 15 + "*" + "9" * 15,
        "1+" * 150 + "1",
        "(" * 90 + "1" + ")" * 90 + "+",
    ],
)
def test_what_is_no_sum_is_refused(typed: str) -> None:
    with pytest.raises(BadAmount):
        compute(typed, places=2)


def test_numbers_in_a_sum_are_read_by_the_locale() -> None:
    with locale.use(Locale("de", ",", ".", "dmy")):
        assert compute("12,50+1.234,5", places=2) == Decimal("1247.00")
        with pytest.raises(BadAmount, match="could be"):
            compute("1.234+1", places=2)


cents = st.decimals(0, 10**6, places=2).map(abs)


@given(st.lists(cents, min_size=2, max_size=8))
def test_a_bill_adds_up_exactly(items: list[Decimal]) -> None:
    assert compute("+".join(f"{item:f}" for item in items), places=2) == sum(items)


@given(cents, st.integers(1, 50), st.integers(0, 4))
def test_a_share_is_rounded_by_less_than_a_unit(amount: Decimal, by: int, places: int) -> None:
    share = compute(f"{amount:f}/{by}", places=places)
    assert abs(Fraction(share) - Fraction(amount) / by) * 2 <= Fraction(1, 10**places)
