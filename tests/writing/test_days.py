"""Reading a day as people type it, in every order that a locale writes days in."""

import datetime
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financetracker.writing import locale
from financetracker.writing.days import BadDay, read_day, show_day, with_days
from financetracker.writing.locale import Locale

MONDAY = datetime.date(2026, 11, 23)
ORDERS = {order: Locale(order, order=order) for order in ("dmy", "mdy", "ymd")}


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("3", "2026-11-03"),
        ("3.", "2026-11-03"),
        ("23", "2026-11-23"),
        ("24", "2026-10-24"),  # the 24th of this month is still to come
        ("31", "2026-10-31"),  # November has none
        ("3.5.", "2026-05-03"),
        ("3.5", "2026-05-03"),
        ("3/5", "2026-05-03"),
        ("3-5", "2026-05-03"),
        ("30.11.", "2026-11-30"),
        ("24.12.", "2026-12-24"),
        ("25.12.", "2025-12-25"),  # over a month ahead
        ("29.2.", "2024-02-29"),
        ("3.5.26", "2026-05-03"),
        ("3/5/2027", "2027-05-03"),
        ("today", "2026-11-23"),
        (" Yesterday ", "2026-11-22"),
        ("tomorrow", "2026-11-24"),
        ("-2", "2026-11-21"),
        ("−2", "2026-11-21"),
        ("+1", "2026-11-24"),
        ("monday", "2026-11-23"),
        ("tue", "2026-11-17"),
        ("Sunday", "2026-11-22"),
        ("2026-03-14", "2026-03-14"),
        ("2026-3-4", "2026-03-04"),
        ("14 Mar 2026", "2026-03-14"),
        ("14. march", "2026-03-14"),
        ("Mar 14", "2026-03-14"),
        ("March 14, 2025", "2025-03-14"),
    ],
)
def test_a_day_is_read_as_people_type_it(typed: str, day: str) -> None:
    assert read_day(typed, MONDAY).isoformat() == day


def test_the_days_of_a_sentence_are_written_as_the_person_does() -> None:
    said = "Assets:Safe 2026-1 is not open on 2026-03-14 (closed 2025-12-31), nor on 2026-02-30 or in 12026-01-01."
    with locale.use(ORDERS["mdy"]):
        shown = with_days(said)
    assert shown == said.replace("2026-03-14", "Mar 14, 2026").replace("2025-12-31", "Dec 31, 2025")


def test_around_new_year_a_day_is_in_the_year_it_is_near() -> None:
    assert read_day("30.12.", datetime.date(2027, 1, 2)) == datetime.date(2026, 12, 30)
    assert read_day("2.1.", datetime.date(2026, 12, 30)) == datetime.date(2027, 1, 2)


@pytest.mark.parametrize(("order", "day"), [("dmy", "2026-05-03"), ("mdy", "2026-03-05"), ("ymd", "2026-03-05")])
def test_a_slash_goes_by_the_locale_and_a_dot_never_does(order: str, day: str) -> None:
    with locale.use(ORDERS[order]):
        assert read_day("3/5", MONDAY).isoformat() == day
        assert read_day("3.5.", MONDAY).isoformat() == "2026-05-03"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("31 Nov 2026", "“31 Nov 2026” is not a day in the calendar. Did you mean 30 Nov 2026?"),
        ("2026-02-30", "“2026-02-30” is not a day in the calendar. Did you mean 28 Feb 2026?"),
        ("x", "“x” is not a day: write it like 3.5., 3, yesterday or 2026-03-14."),
        ("32", "“32” is not a day: write it like 3.5., 3, yesterday or 2026-03-14."),
    ],
)
def test_what_is_no_day_is_said_with_a_way_out(typed: str, message: str) -> None:
    with pytest.raises(BadDay) as refused:
        read_day(typed, MONDAY)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0",
        "0000-01-01",
        "10000-01-01",
        "9999-99-99",
        "03/14/2026",
        "1/2/3",
        "２０２６-01-01",
        "\x00",
        "1" * 9999,
    ],
)
def test_junk_is_no_day(typed: str) -> None:
    with pytest.raises(BadDay):
        read_day(typed, MONDAY)


@given(st.text(max_size=50))
def test_whatever_is_typed_it_is_a_day_or_refused(typed: str) -> None:
    with suppress(BadDay):
        assert isinstance(read_day(typed, MONDAY), datetime.date)


@given(st.dates(), st.sampled_from(list(ORDERS.values())))
def test_what_is_shown_is_read_back(day: datetime.date, by: Locale) -> None:
    with locale.use(by):
        if day.year >= 1000:
            assert read_day(show_day(day), MONDAY) == day
    assert read_day(day.isoformat(), MONDAY) == day


def test_at_the_edges_of_the_calendar() -> None:
    with pytest.raises(BadDay, match="beyond the calendar"):
        read_day("-9999", datetime.date(3, 1, 1))
    assert read_day("31", datetime.date(2026, 3, 1)).isoformat() == "2026-01-31"
