"""The table of currencies says what the standard says."""

import re

import pytest

from financetracker.accounts import iso4217
from financetracker.accounts.iso4217 import CURRENCIES


@pytest.mark.parametrize(
    ("code", "places"),
    [
        *[("EUR", 2), ("USD", 2), ("HUF", 2), ("MRU", 2), ("MGA", 2)],
        *[("JPY", 0), ("KRW", 0), ("ISK", 0), ("XOF", 0)],
        *[("KWD", 3), ("TND", 3), ("IQD", 3), ("CLF", 4), ("UYW", 4)],
    ],
)
def test_places_are_those_of_the_standard(code: str, places: int) -> None:
    assert CURRENCIES[code].places == places


def test_each_code_stands_once_in_the_order_of_the_alphabet() -> None:
    written = re.findall(r"(?:^|\|)([^|\n ]+) [0-9] ", iso4217._TABLE, re.MULTILINE)
    assert written == sorted(set(written))
    assert written == list(CURRENCIES)


def test_rows_are_whole() -> None:
    for code, currency in CURRENCIES.items():
        assert re.fullmatch(r"[A-Z]{3}", code)
        assert currency.code == code
        assert currency.name == currency.name.strip() != ""
        assert currency.places in {0, 2, 3, 4}


@pytest.mark.parametrize("code", ["XAU", "XDR", "XXX", "XTS", "DEM", "HRK", "BGN", "eur", ""])
def test_what_is_no_money_of_today_is_left_out(code: str) -> None:
    """Metals, units of account, codes for tests, and currencies that went into the euro."""
    assert code not in CURRENCIES
