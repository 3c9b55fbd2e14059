"""Numbers and days are read and shown as the person chose, else as the browser asks, else plainly."""

import datetime
import uuid

import pytest
from django.test import Client

from financetracker.accounts.models import Book
from financetracker.ledger.models import Revision
from financetracker.site.locales import choices, locale_of, read
from financetracker.users.models import User
from financetracker.writing import locale
from financetracker.writing.days import show_day
from financetracker.writing.locale import PLAIN, Locale
from tests.builders import Household


@pytest.mark.parametrize(
    ("chosen", "asked", "found"),
    [
        ("", "", PLAIN),
        ("", "tlh,x-y", PLAIN),
        ("", "de-AT,en;q=0.5", Locale("de-at", ",", ".", "dmy")),
        ("", "tlh,en-GB;q=0.8", Locale("en-gb", ".", ",", "dmy")),
        ("", "en-US", Locale("en-us", ".", ",", "mdy")),
        ("sv", "en-US", Locale("sv", ",", "\u00a0", "ymd")),
        ("none-such", "de", Locale("de", ",", ".", "dmy")),
        ("../../etc", "", PLAIN),
    ],
)
def test_the_locale_is_the_chosen_one_else_what_the_browser_asks_for(
    chosen: str, asked: str, found: Locale
) -> None:
    assert locale_of(chosen, asked) == found


def test_every_locale_to_choose_can_be_read_and_writes_a_day_in_a_known_order() -> None:
    codes = [code for code, _name in choices()]
    assert {"de", "en", "en-gb", "fr", "hu"} <= set(codes)
    for code in codes:
        found = read(code)
        assert found is not None
        assert found.decimal in (".", ",")
        assert found.group != found.decimal


@pytest.mark.parametrize(
    ("order", "shown", "short"),
    [("dmy", "14 Mar 2026", "14 Mar"), ("mdy", "Mar 14, 2026", "Mar 14"), ("ymd", "2026-03-14", "03-14")],
)
def test_a_day_is_written_in_the_order_of_the_locale(order: str, shown: str, short: str) -> None:
    with locale.use(Locale("x", ".", ",", order)):
        assert show_day(datetime.date(2026, 3, 14)) == shown
        assert show_day(datetime.date(2026, 3, 14), year=False) == short


def entered(home: Household, client: Client, amount: str) -> str:
    """What the page says to an entry of this amount; empty if it was saved."""
    body = {
        "public_id": str(uuid.uuid4()),
        "book": str(home.book.public_id),
        "date": "2026-03-14",
        "leg-0-account": "Expenses:Food",
        "leg-0-amount": amount,
        "leg-1-account": "Assets:Cash",
        "leg-1-amount": "=",
    }
    response = client.post("/admin/ledger/transaction/add/", body)
    return "" if response.status_code == 302 else response.content.decode()


def test_what_a_person_chose_counts_on_every_page(home: Household, client: Client) -> None:
    client.force_login(home.owner)
    assert client.post("/admin/preferences/", {"name": "Ana", "locale": "de"}).status_code == 302
    assert User.objects.get(pk=home.owner.pk).locale == "de"
    assert entered(home, client, "1.234,50") == ""
    assert "1.234,50" in client.get("/admin/ledger/transaction/").content.decode()
    assert "has more than 2 decimal places" in entered(home, client, "1,234")
    assert client.post("/admin/preferences/", {"name": "Ana", "locale": ""}).status_code == 302
    assert "1\u00a0234.50" in client.get("/admin/ledger/transaction/").content.decode()
    american = client.get("/admin/ledger/transaction/", headers={"Accept-Language": "en-US"}).content.decode()
    assert "1,234.50" in american
    assert "Mar 14, 2026" in american


def test_a_locale_that_nobody_knows_is_refused_at_its_field(home: Household, client: Client) -> None:
    client.force_login(home.owner)
    page = client.post("/admin/preferences/", {"name": "Ana", "locale": "tlh"}).content.decode()
    assert "tlh is not one of the available choices" in page
    assert User.objects.get(pk=home.owner.pk).locale == ""


def test_an_owner_sets_the_book_and_history_says_so(home: Household, client: Client) -> None:
    client.force_login(home.owner)
    body = {"name": "Our home", "time_zone": "Europe/Vienna", "first_day_of_week": "6"}
    assert client.post("/admin/book/settings/", body).status_code == 302
    with home.scope():
        book = Book.objects.get(pk=home.book.pk)
        assert (book.name, book.time_zone, book.first_day_of_week) == ("Our home", "Europe/Vienna", 6)
        assert Revision.objects.filter(table="accounts_book", operation="update").count() == 1
    page = client.get("/admin/book/settings/").content.decode()
    assert "first day of the week ∅ → Sunday" in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("time_zone", "Vienna", "“Vienna” is not a time zone: write one like Europe/Vienna."),
        ("time_zone", "../etc/passwd", "is not a time zone"),
        ("first_day_of_week", "7", "Select a valid choice. 7 is not one of the available choices."),
        ("name", "", "This field is required."),
        ("name", "x" * 121, "at most 120 characters"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_their_field(
    home: Household, client: Client, field: str, value: str, said: str
) -> None:
    client.force_login(home.owner)
    body = {"name": "Home", "time_zone": "UTC", "first_day_of_week": "0", field: value}
    response = client.post("/admin/book/settings/", body)
    page = response.content.decode().replace("&#x27;", "'")
    assert response.status_code == 200
    assert said in page
    with home.scope():
        assert Book.objects.get(pk=home.book.pk).name == "Home"
