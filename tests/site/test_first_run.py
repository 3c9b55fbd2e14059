"""From a login without a book to the first entry, and what the first page of a book says."""

import datetime
import re
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.accounts.presets import PRESETS
from financetracker.accounts.scope import scope
from financetracker.ledger import journal
from financetracker.ledger.models import BalanceAssertion, Posting, Transaction
from financetracker.users.models import User
from tests.builders import Household, UserFactory, new_id
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

NEW, START = "/admin/book/new/", "/admin/book/start/"


def asked(**said: str) -> dict[str, str]:
    return {
        "name": "Ours",
        "base": "EUR",
        "time_zone": "Europe/Vienna",
        "first_day_of_week": "6",
        "preset": "household",
    } | said


def book_of(person: User) -> Book:
    with scope(person.pk, None):
        return Membership.objects.select_related("book").get(user=person).book


@pytest.fixture
def person() -> User:
    return UserFactory()


# --- A book


def test_a_person_without_a_book_is_led_to_one_and_to_the_first_entry(person: User) -> None:
    client = signed_in(person)
    assert client.get("/admin/")["Location"] == NEW
    assert client.get(NEW).status_code == 200
    answer = client.post(NEW, asked())
    assert answer.status_code == 302, text(answer)
    assert answer["Location"] == START
    book = book_of(person)
    with scope(person.pk, book.pk):
        assert (book.name, book.time_zone, book.first_day_of_week) == ("Ours", "Europe/Vienna", 6)
        accounts = {row.full_name: row.type for row in Account.objects.filter(placeholder=False)}
        assert accounts == dict(PRESETS["household"].full_names())
    started = text(client.get(START))
    assert 'value="Assets:Bank:Checking"' in started
    assert 'value="Liabilities:Credit card"' in started
    said = {
        "public_id": str(new_id(1)),
        "book": str(book.public_id),
        "date": "2026-03-01",
        "row-0-account": "Assets:Bank:Checking",
        "row-0-amount": "4366.96",
        "row-1-account": "Credit card",
        "row-1-amount": "-717.94",
        "row-2-account": "Yen envelope",
        "row-2-amount": "34440",
        "row-2-commodity": "jpy",
        "row-3-account": "Assets:Bank:Savings",
        "row-3-amount": "",
        "row-4-account": "Loan from Eva",
        "row-4-amount": "-100",
    }
    for _twice in range(2):
        answer = client.post(START, said)
        assert answer.status_code == 302, text(answer)
        assert answer["Location"] == "/admin/ledger/transaction/add/"
    with scope(person.pk, book.pk):
        made = Transaction.objects.get()
        assert (made.narration, made.date) == ("Opening balances", datetime.date(2026, 3, 1))
        legs = made.postings.select_related("account", "commodity").order_by("position")
        assert [(leg.account.full_name, leg.amount, leg.commodity.code) for leg in legs] == [
            ("Assets:Bank:Checking", Decimal("4366.96"), "EUR"),
            ("Liabilities:Credit card", Decimal("-717.94"), "EUR"),
            ("Assets:Yen envelope", Decimal(34440), "JPY"),
            ("Liabilities:Loan from Eva", Decimal(-100), "EUR"),
            ("Equity:Opening Balances", Decimal("-3549.02"), "EUR"),
            ("Equity:Opening Balances", Decimal(-34440), "JPY"),
        ]
    assert client.get(answer["Location"]).status_code == 200
    assert "Assets:Bank:Checking" not in client.get(START).text.partition("<datalist")[0]


def test_the_same_book_twice_is_one_and_another_needs_another_name(person: User) -> None:
    client = signed_in(person)
    for _twice in range(2):
        assert client.post(NEW, asked())["Location"] == START
    book_of(person)
    refused = client.post(NEW, asked(base="USD"))
    assert "You have a book “Ours” already" in text(refused)
    assert 'value="USD"' in refused.text
    assert client.post(NEW, asked(name="Choir")).status_code == 302
    assert "Choir" in text(client.get("/admin/"))
    with scope(person.pk, None):
        assert Membership.objects.filter(user=person).count() == 2


@pytest.mark.parametrize("preset", PRESETS)
def test_every_chart_can_be_opened_and_used(person: User, preset: str) -> None:
    client = signed_in(person)
    assert client.post(NEW, asked(preset=preset)).status_code == 302
    for page in ("/admin/", START, "/admin/accounts/account/", "/admin/ledger/transaction/add/"):
        assert client.get(page).status_code == 200, page


@pytest.mark.parametrize(
    ("typed", "base"), [("eur", "EUR"), ("Euro", "EUR"), ("CHF Swiss Franc", "CHF"), ("yen", "JPY")]
)
def test_a_currency_is_found_by_code_and_by_name(person: User, typed: str, base: str) -> None:
    assert signed_in(person).post(NEW, asked(base=typed)).status_code == 302
    book = book_of(person)
    with scope(person.pk, book.pk):
        assert Book.objects.select_related("base_commodity").get().base_commodity.code == base


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "a\nb"}, "name", "A name is one line of text."),
        ({"name": "x" * 121}, "name", "120"),
        ({"name": "\x00"}, "name", "Null"),
        ({"base": "EUX"}, "base", "is no currency of ISO 4217"),
        ({"base": "XAU"}, "base", "is no currency of ISO 4217"),
        ({"time_zone": "Vienna"}, "time_zone", "is not a time zone"),
        ({"time_zone": "../etc"}, "time_zone", "is not a time zone"),
        ({"first_day_of_week": "9"}, "first_day_of_week", "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_book_is_said_at_its_field(
    person: User, said: dict[str, str], field: str, sentence: str
) -> None:
    answer = signed_in(person).post(NEW, asked(**said))
    assert answer.status_code == 200
    assert f"field-{field} is-wrong" in answer.text
    assert f'<a href="#id_{field}">' in answer.text
    assert sentence in text(answer)
    with scope(person.pk, None):
        assert not Membership.objects.filter(user=person).exists()


def test_an_unknown_chart_is_refused(person: User) -> None:
    answer = signed_in(person).post(NEW, asked(preset="x"))
    assert answer.status_code == 200
    assert "Select a valid choice" in text(answer)


def test_nobody_else_sees_the_new_book(person: User) -> None:
    home = Household()
    signed_in(person).post(NEW, asked(name="Secret"))
    assert "Secret" not in signed_in(home.owner).get("/admin/book/").text
    assert str(book_of(person).public_id) not in signed_in(home.owner).get("/admin/book/").text


# --- Balances to begin with


def balances(home: Household, *rows: tuple[str, ...], **said: str) -> dict[str, Any]:
    data = {"public_id": str(new_id(2)), "book": str(home.book.public_id), "date": "2026-03-14"} | said
    for n, row in enumerate(rows):
        data |= {
            f"row-{n}-{name}": value for name, value in zip(("account", "amount", "commodity"), row, strict=False)
        }
    return data


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("Cash", "1_0"), "is not an amount"),
        (("Cash", "1.005"), "EUR has at most 2 decimal places."),
        (("", "5"), "Which account holds it?"),
        (("Cash", "5", "XYZ"), "There is no commodity “XYZ”."),
        (("Expenses", "5"), "only groups other accounts"),
        (("a\x00", "5"), "Null characters are not allowed."),
        (("x" * 121, "5"), "at most 120 characters"),
        ((":".join("abcdefghij"), "5"), "at most 8 deep"),
        ((" :x", "5"), "A name has no colon"),
    ],
)
def test_what_is_wrong_with_a_balance_is_said_at_its_row(row: tuple[str, ...], sentence: str) -> None:
    home = Household()
    answer = signed_in(home.editor).post(START, balances(home, ("New purse", "3"), row))
    assert answer.status_code == 200
    assert sentence in text(answer)
    assert re.search(r'<a href="#(row-1-[a-z]+)">.* id="\1"', answer.text, re.DOTALL)
    assert 'value="New purse"' in answer.text
    with home.scope():
        assert not Transaction.objects.exists()
        assert not Account.objects.filter(name="New purse").exists()


def test_balances_are_added_up_while_they_are_typed_and_on_the_page_that_follows() -> None:
    home = Household()
    client = signed_in(home.editor)
    rows = (
        ("Cash", "1000+200.50"),
        ("Card", "-300"),
        ("New loan", "-0.50"),
        ("Assets:Deposit", "-100"),  # below what one has, whatever its sign
        ("Travel", "20000", "jpy"),
        ("Coins", "0.5", "KWD"),  # a currency that the book does not know yet
        ("Broken", "x"),
        ("", "7"),
        ("Bank", "1", "XYZ"),
        ("a\x00", "5", "\x00"),
        ("Expenses:Food", "3"),  # neither: it counts in the difference alone
    )
    assert "0.00\xa0EUR" in text(client.get(START)).partition('id="sums"')[2].partition("</tfoot>")[0]
    told = client.post(START, balances(home, *rows) | {"read": "1"}).json()
    assert {name: said.replace("\xa0", " ") for name, said in told.items()} == {
        "have": "1 100.50 EUR, 20 000 JPY, 0.500 KWD",
        "owe": "300.50 EUR",
        "both": "803.00 EUR, 20 000 JPY, 0.500 KWD",
    }
    with home.scope():
        assert not Transaction.objects.exists()
        assert not Account.objects.filter(name__in=("New loan", "Travel")).exists()
        assert not Commodity.objects.filter(code="KWD").exists()
    wrong = text(client.post(START, balances(home, *rows)))
    assert "The difference, against Equity:Opening Balances" in wrong
    assert told["both"] in wrong
    seen = text(client.post(START, balances(home, *rows[:5]), follow=True)).replace("\xa0", " ")
    assert "You have 1 100.50 EUR, 20 000 JPY and owe 300.50 EUR" in seen
    assert "the difference of 800.00 EUR, 20 000 JPY stands against Equity:Opening Balances." in seen
    with home.scope():
        legs = Posting.objects.filter(account__full_name="Equity:Opening Balances")
        assert {leg.commodity.code: leg.amount for leg in legs} == {"EUR": -800, "JPY": -20000}


def test_wrong_forms_of_balances_write_nothing() -> None:
    home = Household()
    client = signed_in(home.editor)
    for said in ({"date": "x"}, {"public_id": "x"}, {"book": str(new_id(7))}):
        answer = client.post(START, balances(home, ("Cash", "3"), **said))
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text
    with home.scope():
        assert not Transaction.objects.exists()
    viewer = signed_in(home.viewer)
    assert viewer.get(START).status_code == 403
    assert viewer.post(START, balances(home, ("Cash", "3"))).status_code == 403


# --- The first page of a book


def test_the_first_page_says_what_is_held_and_what_happened() -> None:
    home = Household()
    with home.scope():
        home.post("Bank 1000", "Opening -1000", date=datetime.date(2026, 1, 1))
        home.post("Food 12.50", "Card -12.50", payee="Billa")
        home.post("Depot 3 HOOL @@ 40 USD", "Bank -40 USD", narration="Bought")
        Account.objects.filter(name="Cash").update(hidden=True)
    seen = text(signed_in(home.viewer).get("/admin/"))
    for piece in (
        "Bank",
        "1\u00a0000.00",
        "−12.50",
        "Billa",
        "987.50",
        "3 HOOL",
        "USD has no price",
        "Hooli has no price",
    ):
        assert piece.replace("USD has", "US Dollar has") in seen, piece
    assert ">Cash<" not in seen
    assert "add/" not in seen
    assert f'href="/admin/accounts/commodity/{home.commodities["USD"].pk}/change/"' in seen
    assert 'href="/admin/ledger/price/add/?commodity=USD"' in text(signed_in(home.editor).get("/admin/"))


def test_the_first_page_says_what_needs_attention() -> None:
    home = Household()
    today = books.today(home.book, timezone.now())
    old = today - datetime.timedelta(days=90)
    eur = home.commodities["EUR"]
    with home.scope():
        home.post("Food 5", "Cash -5", date=old)
        cleared = home.post("Food 7", "Cash -7", date=old)
        journal.clear(home.book, Posting.objects.filter(transaction=cleared))
        home.post("Food 9", "Card -9", date=old)  # nobody clears anything there
        home.post("Food 1", "Cash -1", date=today)
        for account, amount, day in (("Cash", -12, old), ("Bank", 5, old), ("Card", 9, old), ("Card", -9, today)):
            BalanceAssertion.objects.create(
                book=home.book, account=home.accounts[account], commodity=eur, date=day, amount=amount
            )
        assets = Account.objects.get(full_name="Assets")
        BalanceAssertion.objects.create(
            book=home.book, account=assets, commodity=eur, date=today, amount=-13, include_children=True
        )
    seen = text(signed_in(home.editor).get("/admin/"))
    assert "1 entry in Cash is uncleared" in seen
    there = re.search(r'href="([^"]*register/[^"]*)" aria-label="Look: 1 entry in Cash is uncleared"', seen)
    assert there is not None
    waiting = signed_in(home.editor).get(there[1]).text
    assert waiting.count('<tr id="leg-') == waiting.count(':cleared" class="toggle"') == 1
    assert "in Card is" not in seen
    assert "Bank is off by −5.00 EUR" in seen
    for other in ("Cash is off", "Card is off", "Assets is off"):
        assert other not in seen
    with home.scope():
        home.post("Cash 20", "Salary -20", date=old)
    seen = text(signed_in(home.editor).get("/admin/"))
    assert "Cash is off by 20.00 EUR" in seen
    assert "Assets is off by 20.00 EUR" in seen


def test_an_empty_book_says_what_to_do() -> None:
    home = Household()
    seen = signed_in(home.editor).get("/admin/").text
    assert START in seen
    assert "/admin/ledger/transaction/add/" in seen
    assert START not in signed_in(home.viewer).get("/admin/").text
