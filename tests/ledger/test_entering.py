"""Entering in short: one amount, one account, one category; what is suggested, asked, offered, and never lost."""

import datetime
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from financetracker.accounts import books
from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import journal, suggest
from financetracker.ledger.forms import Chart, EntryForm
from financetracker.ledger.models import Payee, Posting, Transaction
from tests.builders import DAY, Household, new_id
from tests.ledger.test_admin import ADD, LIST, change, leg_ids, legs, now, posted, signed_in, text
from tests.ledger.test_transaction_page import fields

pytestmark = pytest.mark.django_db

READ = f"{LIST}read/"
USUAL = f"{LIST}usual/"


def plain(
    home: Household, amount: str = "12.50", account: str = "Cash", category: str = "Food", **head: str
) -> dict[str, Any]:
    """What a browser sends of the short form."""
    return {
        "shape": "plain",
        "date": "2026-03-14",
        "public_id": str(new_id(1)),
        "version": "",
        "book": str(home.book.public_id),
        "amount": amount,
        "account": account,
        "category": category,
    } | head


def send(home: Household, data: dict[str, Any], address: str = ADD) -> Any:
    return signed_in(home.editor).post(address, data)


# --- One amount, one account, one category


@pytest.mark.parametrize(
    ("amount", "category", "made", "says"),
    [
        ("12.50", "Food", ("Food 12.50", "Cash -12.50"), "Food: 12.50 EUR from Cash"),
        ("-12.50", "Food", ("Food -12.50", "Cash 12.50"), "Food: 12.50 EUR back into Cash"),
        ("+12.50", "Food", ("Food -12.50", "Cash 12.50"), "Food: 12.50 EUR back into Cash"),
        ("1200", "Salary", ("Salary -1200", "Cash 1200"), "Salary: 1 200.00 EUR into Cash"),
        ("-1200", "Salary", ("Salary 1200", "Cash -1200"), "Salary: 1 200.00 EUR taken back from Cash"),
        ("+1200", "Salary", ("Salary -1200", "Cash 1200"), "Salary: 1 200.00 EUR into Cash"),
        ("500", "Bank", ("Bank 500", "Cash -500"), "500.00 EUR from Cash to Bank"),
        ("12.50+3*2", "Food", ("Food 18.50", "Cash -18.50"), "Food: 18.50 EUR from Cash"),
        ("100/3", "Food", ("Food 33.33", "Cash -33.33"), "Food: 33.33 EUR from Cash"),
    ],
)
def test_one_line_makes_two_legs(
    home: Household, amount: str, category: str, made: tuple[str, ...], says: str
) -> None:
    data = plain(home, amount, category=category)
    told = signed_in(home.editor).post(READ, data).json()
    assert told["says"].replace("\xa0", " ") == says
    answer = send(home, data)
    assert answer.status_code == 302, text(answer)
    assert legs(home) == [(leg.split()[0], Decimal(leg.split()[1])) for leg in made]


def test_what_an_account_never_held_was_charged_in_its_own_commodity(home: Household) -> None:
    client = signed_in(home.editor)
    data = plain(home, "1200 jpy", "Card")
    told = client.post(READ, data).json()
    assert (told["charged"], told["says"].replace("\xa0", " ")) == ("Charged in EUR", "Food: 1 200 JPY from Card")
    asked = text(client.post(ADD, data))
    assert "Card has never held JPY: what was charged in EUR?" in asked
    assert "Card holds JPY from now on: save it so" in asked
    assert 'value="1200 jpy"' in asked
    assert legs(home) == []
    for typed, sentence in (
        ("0", "other than zero"),
        ("7o", "“7o” is not an amount"),
        ("0.001", "decimal places"),
    ):
        wrong = text(client.post(ADD, data | {"charged": typed}))
        assert f'name="charged" value="{typed}"' in wrong
        assert sentence in wrong
    data |= {"charged": "7+0.40"}
    told = client.post(READ, data).json()
    assert told["says"].replace("\xa0", " ") == "Food: 1 200 JPY (7.40 EUR) from Card"
    assert told["sums"] == {"charged": "7.40"}
    assert client.post(ADD, data).status_code == 302
    assert legs(home) == [("Food", Decimal(1200)), ("Card", Decimal("-7.40"))]
    with home.scope():
        row = Transaction.objects.get()
        (food, _card) = row.postings.order_by("position")
        assert (food.weight, food.weight_commodity.code) == (Decimal("7.40"), "EUR")
    sent = fields(client.get(change(row)).text)
    assert (sent["amount"], sent["charged"]) == ("1200 JPY", "7.40")
    answer = client.post(change(row), sent | {"charged": "7.50"})
    assert answer.status_code == 302, text(answer)
    assert legs(home) == [("Food", Decimal(1200)), ("Card", Decimal("-7.50"))]
    wide = text(client.post(ADD, plain(home, "1200 JPY", "Card", charged="7.40", wide="1")))
    for name, value in (("leg-0-weight", "7.40"), ("leg-0-weight_commodity", "EUR"), ("leg-1-amount", "-7.40")):
        assert f'name="{name}" value="{value}"' in wide
    assert "leave this empty" in text(client.post(ADD, plain(home, "12", "Card", charged="12")))


def test_an_account_may_hold_another_commodity_from_now_on(home: Household) -> None:
    data = plain(home, "1200 jpy")
    assert send(home, data).status_code == 200
    assert send(home, data | {"holds": "1"}).status_code == 302
    assert legs(home) == [("Food", Decimal(1200)), ("Cash", Decimal(-1200))]
    assert send(home, plain(home, "5 jpy", public_id=str(new_id(2)))).status_code == 302
    with home.scope():
        books.open_account(home.book, "Assets:Dollars", "asset", commodities=[home.commodities["USD"]])
    asked = text(send(home, plain(home, "5 jpy", "Dollars", public_id=str(new_id(3)))))
    assert "Dollars holds no JPY: what was charged in USD?" in asked
    assert 'name="holds"' not in asked


@pytest.mark.parametrize(
    ("shape", "opens"),
    [
        (
            {"shape": "plain", "amount": "40 chf", "account": "Cash", "category": "Food", "charged": "41"},
            "amount:CHF",
        ),
        ({"leg-0-account": "Food", "leg-0-amount": "40", "leg-0-commodity": "CHF"}, "leg-0:CHF"),
    ],
)
def test_a_currency_that_is_not_there_is_offered(home: Household, shape: dict[str, str], opens: str) -> None:
    data = plain(home) | {"shape": ""} | shape
    answer = send(home, data)
    assert f'value="{opens}"' in answer.text
    assert "Add Swiss Franc (CHF)" in text(answer)
    for _click in range(2):
        added = send(home, data | {"open": opens})
        assert "There is no commodity" not in text(added)
    with home.scope():
        assert Commodity.objects.get(code="CHF").places == 2
    send(home, data | {"open": "amount:XQQ"})
    with home.scope():
        assert not Commodity.objects.filter(code="XQQ").exists()


def test_of_two_accounts_that_are_not_there_one_is_opened_and_the_other_stays_said(home: Household) -> None:
    data = plain(home, account="Piggy bank", category="Marbles", open="category:expense")
    seen = text(send(home, data))
    assert "Opened the account “Expenses:Marbles”." in seen
    assert "There is no account “Marbles”" not in seen
    assert "There is no account “Piggy bank”" in seen
    assert 'value="account:asset"' in seen
    assert legs(home) == []


def test_it_goes_somewhere_else_than_it_comes_from(home: Household) -> None:
    assert "It goes where it comes from: choose another account." in text(send(home, plain(home, category="Cash")))
    assert legs(home) == []


def test_a_row_that_cannot_be_read_adds_up_to_nothing(home: Household) -> None:
    rows = [("Food", "12.50."), ("Rent", "-5"), ("Cash", "=")]
    data = {
        f"leg-{n}-{name}": value
        for n, row in enumerate(rows)
        for name, value in zip(("account", "amount"), row, strict=True)
    }
    told = signed_in(home.editor).post(READ, plain(home) | {"shape": ""} | data).json()
    assert (told["off"], told["unread"], told["fill"]) == (None, "One amount cannot be read yet.", {})
    told = signed_in(home.editor).post(READ, plain(home) | {"shape": ""} | data | {"leg-0-amount": "12.50"}).json()
    assert (told["off"], told["unread"], told["fill"]) == (["7.50 EUR"], "", {"leg-2-amount": "-7.50"})


def test_the_amount_is_in_the_commodity_of_the_account(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Yen", "asset", commodities=[home.commodities["JPY"]])
    assert send(home, plain(home, "1200", "Yen")).status_code == 302
    with home.scope():
        assert {leg.commodity.code for leg in Posting.objects.all()} == {"JPY"}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("amount", "", "An amount is missing."),
        ("amount", "1o.20", "“1o.20” is not an amount"),
        ("amount", "1 EURO", "There is no commodity “EURO”. Did you mean EUR?"),
        ("amount", "0", "A posting moves an amount other than zero."),
        ("amount", "1+", "“1+” cannot be computed"),
        ("amount", "0.001", "has more than 2 decimal places"),
        ("amount", "\x00", "is not an amount"),
        ("account", "", "Say what it was paid with."),
        ("account", "Food", "“Food” is a category: write the account it was paid with."),
        ("account", "Assets", "Assets only groups other accounts."),
        ("account", "Csh", "There is no account “Csh”. Did you mean Assets:Cash?"),
        ("category", "", "A category is missing."),
        ("category", "Fod", "There is no account “Fod”. Did you mean Expenses:Food?"),
        ("category", "Expenses", "Expenses only groups other accounts."),
        ("category", "\x00", "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    home: Household, field: str, value: str, sentence: str
) -> None:
    answer = send(home, plain(home, narration="Typed", **{field: value}))
    assert answer.status_code == 200
    seen = text(answer)
    assert sentence in seen
    assert f'class="field field-{field} is-wrong"' in seen
    assert f'<a href="#id_{field}">' in seen
    assert 'value="Typed"' in seen
    assert f'name="{field}" value="{value}"' in seen
    assert legs(home) == []


def test_a_foreign_amount_is_refused_where_the_account_holds_none(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Giro", "asset", commodities=[home.commodities["EUR"]])
    answer = send(home, plain(home, "12 USD", "Giro"))
    assert "Giro holds no USD: what was charged in EUR?" in text(answer)
    assert 'class="field field-charged is-wrong"' in text(answer)


def test_a_locked_day_is_said_at_the_date_of_the_short_form(home: Household) -> None:
    with home.scope():
        journal.lock_through(home.book, DAY)
    seen = text(send(home, plain(home)))
    assert 'class="field field-date is-wrong"' in seen


# --- To the form with rows, and back


def test_what_was_typed_stays_when_rows_are_opened(home: Household) -> None:
    answer = send(home, plain(home, "12.50+3", payee="Spar", notes="Two bags", wide="1"))
    seen = text(answer)
    assert answer.status_code == 200
    for name, value in (
        ("leg-0-account", "Expenses:Food"),
        ("leg-0-amount", "15.50"),
        ("leg-1-account", "Assets:Cash"),
        ("leg-1-amount", "-15.50"),
    ):
        assert f'name="{name}" value="{value}"' in seen
    assert 'value="Spar"' in seen
    assert "Two bags" in seen
    assert 'id="errors"' not in seen
    half = text(send(home, plain(home, "1_2", "Csh", "", wide="1")))
    assert 'value="1_2"' in half
    assert 'value="Csh"' in half
    assert legs(home) == []


def test_two_legs_open_in_short_and_more_opens_in_rows(home: Household) -> None:
    client = signed_in(home.editor)
    for made, value in (
        (("Food 12.50", "Cash -12.50"), "12.50"),
        (("Cash 12.50", "Food -12.50"), "-12.50"),
        (("Bank 1200", "Salary -1200"), "1200.00"),
        (("Food 12 USD", "Cash -12 USD"), "12.00 USD"),
    ):
        seen = text(client.get(change(posted(home, *made))))
        assert f'name="amount" value="{value}"' in seen, made
    for made in (
        ("Food 10", "Rent 2", "Cash -12"),
        ("Bank 5", "Cash -5"),
        ("Bank 50 USD @@ 45 EUR", "Cash -45"),
        ("Food 5", "Opening -5"),
    ):
        assert 'id="legs"' in text(client.get(change(posted(home, *made)))), made
    with home.scope():
        noted = home.post(home.leg("Food 1", memo="x"), "Cash -1")
    assert 'id="legs"' in text(client.get(change(noted)))
    assert 'id="legs"' in text(client.get(f"{ADD}?wide"))


def test_amending_in_short_keeps_the_legs(home: Household) -> None:
    row = posted(home, "Cash -12.50", "Food 12.50", payee="Spar")
    ids = leg_ids(home, row)
    data = plain(home, "21.50", category="Rent", public_id=str(row.public_id), version="1")
    answer = send(home, data, change(row))
    assert answer.status_code == 302, text(answer)
    assert leg_ids(home, row) == ids
    assert legs(home) == [("Cash", Decimal("-21.50")), ("Rent", Decimal("21.50"))]
    late = send(home, data | {"amount": "7"}, change(row))
    assert "Nothing was overwritten." in text(late)
    assert 'name="amount" value="7"' in text(late)
    assert "21.50 EUR" in text(late)
    assert 'name="version" value="2"' in text(late)
    assert send(home, data | {"amount": "7", "version": "2"}, change(row)).status_code == 302
    assert now(home, row).version == 3


def test_a_correction_may_be_opened_in_rows(home: Household) -> None:
    row = posted(home)
    ids = leg_ids(home, row)
    seen = text(send(home, plain(home, "21.50", version="1", public_id=str(row.public_id), wide="1"), change(row)))
    for index, pk in enumerate(ids):
        assert f'name="leg-{index}-id" value="{pk}"' in seen


# --- What is suggested


def test_a_payees_last_entry_says_where_the_next_one_goes(home: Household) -> None:
    posted(home, "Rent 5", "Bank -5", payee="Spar", date=datetime.date(2026, 3, 1))
    posted(home, "Food 5", "Card -5", payee="Spar", date=datetime.date(2026, 3, 5), tags=["weekly"])
    client = signed_in(home.editor)
    assert client.get(f"{USUAL}?payee=spar").json() == {
        "payee": "Spar",
        "day": "2026-03-05",
        "account": "Liabilities:Card",
        "category": "Expenses:Food",
        "tags": "weekly",
        "split": False,
    }
    answer = client.post(ADD, plain(home, account="", category="", payee="Spar"))
    seen = text(answer)
    assert answer.status_code == 200
    assert "Filled in as Spar was entered on 5 Mar 2026. Save again if it is right." in seen
    assert 'name="account" value="Liabilities:Card"' in seen
    assert 'name="category" value="Expenses:Food"' in seen
    assert 'value="weekly"' in seen
    assert seen.count('class="suggested"') == 3
    assert 'name="amount" value="12.50"' in seen
    assert len(legs(home)) == 4
    again = plain(home, account="Liabilities:Card", category="Expenses:Food", payee="Spar", tags="weekly")
    assert client.post(ADD, again).status_code == 302


def test_an_exception_is_not_what_is_usual(home: Household) -> None:
    for day, category in ((1, "Food"), (2, "Rent"), (3, "Food"), (4, "Rent"), (5, "Food"), (6, "Rent")):
        posted(home, f"{category} 5", "Cash -5", payee="Spar", date=datetime.date(2026, 3, day))
    posted(home, "Food 5", "Rent 5", "Cash -10", payee="Spar")
    with home.scope():
        found = suggest.usual(home.book, "Spar")
        assert found == suggest.payees(home.book)[0]
        assert found is not None
        assert (found.category, found.day) == ("Expenses:Rent", datetime.date(2026, 3, 6))


def test_a_split_is_laid_out_as_last_time(home: Household) -> None:
    posted(home, "Food 5", "Rent 7", "Card -12", payee="Market")
    answer = send(home, plain(home, "40", "", "", payee="Market"))
    seen = text(answer)
    for name, value in (
        ("leg-0-account", "Expenses:Food"),
        ("leg-0-amount", ""),
        ("leg-1-account", "Expenses:Rent"),
        ("leg-2-account", "Liabilities:Card"),
        ("leg-2-amount", "-40"),
    ):
        assert f'name="{name}" value="{value}"' in seen, name
    assert seen.count('class="is-suggested"') == 3
    assert len(legs(home)) == 3


def inputs(page: str) -> dict[str, str]:
    """What a browser would send of the form, untouched."""
    found = re.findall(r'<input [^>]*name="([^"]+)"[^>]*? value="([^"]*)"', page)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def marked(page: str) -> list[str]:
    """The fields that are marked as suggested."""
    in_head = re.findall(r'class="field field-(\w+)[^"]* is-suggested"', page)
    return in_head + re.findall(r'class="is-suggested"><input [^>]*><input [^>]*name="([^"]+)"', page)


def test_what_is_suggested_stays_marked_until_somebody_types_over_it(home: Household) -> None:
    posted(home, "Food 5", "Card -5", payee="Spar", tags=["weekly"])
    client = signed_in(home.editor)
    answered = text(client.post(ADD, plain(home, "1o", "", "", payee="Spar")))
    assert marked(answered) == ["account", "category", "tags"]
    body = inputs(answered) | {"shape": "plain", "category": "Rent"}
    seen = text(client.post(ADD, body))  # the amount is none, still
    assert marked(seen) == ["account", "tags"]
    assert inputs(seen)["suggested-category"] == ""
    in_rows = text(client.post(ADD, body | {"amount": "5", "wide": "1"}))
    assert marked(in_rows) == ["tags", "leg-1-account"]
    asked = text(client.post(ADD, body | {"amount": "5"}))
    assert 'id="alike"' in asked
    assert marked(asked) == ["account", "tags"]
    assert client.post(ADD, inputs(asked) | {"anyway": "1"}).status_code == 302
    assert legs(home)[-2:] == [("Rent", Decimal(5)), ("Card", Decimal(-5))]


def test_rows_that_were_suggested_stay_marked_through_an_error(home: Household) -> None:
    posted(home, "Food 5", "Rent 7", "Card -12", payee="Market")
    client = signed_in(home.editor)
    body = inputs(text(client.post(ADD, plain(home, "40", "", "", payee="Market"))))
    seen = text(client.post(ADD, body | {"leg-0-account": "Salary", "leg-0-amount": "x"}))
    assert marked(seen) == ["leg-1-account", "leg-2-account"]
    assert seen.count('<span class="suggested">') == 1


def test_a_mark_that_nobody_was_given_marks_nothing(home: Household) -> None:
    forged = {
        "suggested-account": "x",
        "suggested-payee": "Spar",
        "suggested-tags": "",
        "leg-0-suggested": "y" * 9999,
    }
    seen = text(send(home, plain(home, "1o", payee="Spar") | forged))
    assert marked(seen) == []
    assert "suggested-payee" not in seen
    assert "yyyy" not in seen


def test_void_ones_reversals_and_closed_accounts_are_no_example(home: Household) -> None:
    with home.scope():
        first = home.post("Food 5", "Cash -5", payee="Spar", date=datetime.date(2026, 3, 1))
        journal.void(home.post("Rent 5", "Cash -5", payee="Spar"), version=1)
        journal.reverse(first, date=DAY)
        found = suggest.usual(home.book, "Spar")
        assert found is not None
        assert (found.category, found.day) == ("Expenses:Food", datetime.date(2026, 3, 1))
        Account.objects.filter(name="Cash").update(closed_on=DAY)
        found = suggest.usual(home.book, "Spar")
        assert found is not None
        assert (found.account, found.category) == ("", "Expenses:Food")
        assert suggest.usual(home.book, "Nobody") is None


def test_payees_are_offered_the_latest_first(home: Household) -> None:
    with home.scope():
        home.post("Food 5", "Cash -5", payee="Old", date=datetime.date(2026, 1, 1))
        home.post("Food 5", "Cash -5", payee="New", date=datetime.date(2026, 2, 1))
        Payee.objects.create(book=home.book, name="Aaa never")
        assert [row.payee for row in suggest.payees(home.book)] == ["New", "Old", "Aaa never"]
    seen = text(signed_in(home.editor).get(ADD))
    assert '<option value="New" data-day="1 Feb" data-account="Assets:Cash" data-category="Expenses:Food">' in seen


def test_the_form_asks_the_database_the_same_for_ten_payees_and_for_many(home: Household) -> None:
    def counted() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert signed_in(home.editor).get(ADD).status_code == 200
        return len(queries)

    for n in range(3):
        posted(home, payee=f"Payee {n}", tags=[f"t{n}"])
    few = counted()
    with home.scope():
        for n in range(40):
            home.post("Food 5", "Cash -5", payee=f"Shop {n}", tags=[f"x{n}"])
    assert counted() == few


def test_of_another_book_nothing_is_suggested(home: Household) -> None:
    other = Household("Neighbours")
    posted(other, payee="Secret")
    with other.scope():
        books.open_account(other.book, "Assets:Hidden", "asset")
    client = signed_in(home.editor)
    seen = text(client.post(ADD, plain(home, account="Assets:Hidden", category="Hidden")))
    assert seen.count("There is no account “") == 2
    assert client.get(f"{USUAL}?payee=Secret").json() == {}
    assert "Secret" not in client.get(ADD).text


# --- What is asked before it is saved


@pytest.mark.parametrize(
    ("day", "amount", "account", "asked"),
    [
        ("2026-03-14", "12.50", "Cash", True),
        ("2026-03-11", "12.50", "Cash", True),
        ("2026-03-17", "12.50", "Cash", True),
        ("2026-03-18", "12.50", "Cash", False),
        ("2026-03-14", "12.51", "Cash", False),
        ("2026-03-14", "-12.50", "Cash", False),
        ("2026-03-14", "12.50", "Card", False),
        ("0001-01-01", "12.50", "Cash", False),
        ("9999-12-31", "12.50", "Cash", False),
    ],
)
def test_a_probable_duplicate_is_pointed_out(
    home: Household, day: str, amount: str, account: str, asked: bool
) -> None:
    row = posted(home, payee="Spar")
    data = plain(home, amount, account, date=day, narration="Typed")
    answer = send(home, data)
    assert answer.status_code == (200 if asked else 302), text(answer)
    if asked:
        seen = text(answer)
        assert f'href="{LIST}{row.pk}/"' in seen
        assert "14 Mar 2026, Spar" in seen
        assert 'value="Typed"' in seen
        assert len(legs(home)) == 2
        assert send(home, data | {"anyway": "1"}).status_code == 302
    assert len(legs(home)) == 4


def test_a_void_one_is_no_duplicate_and_the_same_submission_is_itself(home: Household) -> None:
    with home.scope():
        journal.void(home.post("Food 12.50", "Cash -12.50"), version=1)
    first, second = send(home, plain(home)), send(home, plain(home))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert len(legs(home)) == 4


def test_save_and_next_keeps_the_day_and_the_account(home: Household) -> None:
    answer = send(home, plain(home, account="card", _addanother="1"))
    assert answer.status_code == 302
    seen = text(signed_in(home.editor).get(answer["Location"]))
    assert 'value="14 Mar 2026"' in seen
    assert 'name="account" value="card"' in seen
    assert 'name="category" value=""' in seen
    asked = send(home, plain(home, account="card", public_id=str(new_id(2)), _addanother="1"))
    assert 'name="anyway" value="another"' in text(asked)
    more = send(home, plain(home, account="card", public_id=str(new_id(2)), anyway="another"))
    assert more["Location"].startswith(f"{ADD}?")


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_was_saved_is_said_and_led_back_to(home: Household, goes_on: bool) -> None:
    client = signed_in(home.editor)
    sent = plain(home, payee="<Billa>", amount="1234.5") | ({"_addanother": "1"} if goes_on else {})
    seen = client.post(ADD, sent, follow=True)
    with home.scope():
        row = Transaction.objects.get()
    name = "&lt;Billa&gt;"
    link = f'<a href="/admin/ledger/transaction/{row.pk}/">{name}</a>' if goes_on else name
    assert f"Saved: {link}, 1\u00a0234.50 EUR, 14 Mar 2026." in seen.text


def test_what_was_kept_gives_way_to_what_is_usual_and_what_is_typed_does_not(home: Household) -> None:
    posted(home, "Food 5", "Bank -5", payee="Spar", date=datetime.date(2026, 3, 1))
    client = signed_in(home.editor)
    kept = client.post(ADD, plain(home, account="Liabilities:Card", _addanother="1"))["Location"]
    sent = fields(client.get(kept).text)
    assert sent["suggested-account"] == sent["account"] == "Liabilities:Card"
    typed = {"payee": "Spar", "amount": "3", "_save": "1"}
    asked = fields(client.post(ADD, sent | typed).text)
    assert (asked["account"], asked["category"]) == ("Assets:Bank", "Expenses:Food")
    sent |= {"suggested-account": "", "account": "Assets:Cash"}
    assert fields(client.post(ADD, sent | typed).text)["account"] == "Assets:Cash"
    # From a register the account was asked for: it is no suggestion.
    assert fields(client.get(f"{ADD}?account=Assets:Cash").text)["suggested-account"] == ""


# --- What is offered


@pytest.mark.parametrize(
    ("field", "typed", "type_", "opened"),
    [
        ("category", "Snacks", "expense", "Expenses:Snacks"),
        ("category", "Gifts", "income", "Income:Gifts"),
        ("category", "Food:Snacks", "expense", "Expenses:Food:Snacks"),
        ("category", "Expenses:Fun:Games", "expense", "Expenses:Fun:Games"),
        ("account", "Piggy bank", "asset", "Assets:Piggy bank"),
        ("account", "Visa", "liability", "Liabilities:Visa"),
    ],
)
def test_an_unknown_account_is_opened_from_its_error(
    home: Household, field: str, typed: str, type_: str, opened: str
) -> None:
    data = plain(home, narration="Typed", **{field: typed})
    offer = f'name="open" value="{field}:{type_}"'
    seen = text(send(home, data))
    assert offer in seen
    assert f"account “{opened}”" in seen
    answer = send(home, data | {"open": f"{field}:{type_}"})
    seen = text(answer)
    assert answer.status_code == 200
    assert f"Opened the account “{opened}”." in seen
    assert f'name="{field}" value="{opened}"' in seen
    assert 'value="Typed"' in seen
    with home.scope():
        assert Account.objects.get(full_name=opened).type == type_
    assert legs(home) == []
    again = send(home, data | {"open": f"{field}:{type_}"})
    assert again.status_code == 200
    assert send(home, data | {field: opened}).status_code == 302


def test_an_account_that_somebody_else_opened_meanwhile_is_taken(home: Household) -> None:
    with home.scope():
        form = EntryForm(Chart(home.book), data=QueryDict(urlencode(plain(home, category="Snacks"))))
        books.open_account(home.book, "Expenses:Snacks", "expense")
        form.open_account("category:expense")
        assert form.plain is not None
        assert (form.plain.category, form.plain.errors, form.told) == ("Expenses:Snacks", {}, [])
        assert form.entry() is not None


def test_an_account_is_opened_from_a_row(home: Household) -> None:
    data = plain(home) | {"shape": "", "leg-0-account": "Snacks", "leg-0-amount": "5", "leg-1-account": "Cash"}
    data |= {"leg-1-amount": "="}
    assert 'name="open" value="leg-0:expense"' in text(send(home, data))
    seen = text(send(home, data | {"open": "leg-0:expense"}))
    assert 'name="leg-0-account" value="Expenses:Snacks"' in seen


@pytest.mark.parametrize(
    "wanted", ["", "x", "category", "category:", "category:equity", "leg-9:asset", "account:asset", "\x00:\x00"]
)
def test_only_what_is_offered_is_opened(home: Household, wanted: str) -> None:
    before = len(home.accounts)
    assert send(home, plain(home, category="Snacks", open=wanted)).status_code == 200
    with home.scope():
        assert Account.objects.filter(book=home.book).count() == Account.objects.exclude(name="Snacks").count()
        assert not Account.objects.filter(name="Snacks").exists()
    assert before == len(home.accounts)


def test_a_viewer_opens_and_reads_nothing(home: Household) -> None:
    client = signed_in(home.viewer)
    assert client.post(ADD, plain(home, category="Snacks", open="category:expense")).status_code == 403
    assert client.post(READ, plain(home)).status_code == 403
    assert client.get(USUAL).status_code == 403
    seen = text(client.get(change(posted(home))))
    assert '<fieldset class="bare" disabled>' in seen
    assert "_save" not in seen


# --- What a script is told


def test_the_server_reads_what_is_being_typed(home: Household) -> None:
    client = signed_in(home.editor)
    data = plain(home, "12.50+3", account="", date="2026-03-03")
    assert client.post(READ, data).json() == {
        "day": "Tuesday, 3 Mar 2026",
        "sums": {"amount": "15.50"},
        "says": "",
        "fill": {},
        "off": None,
        "unread": "",
        "charged": "",
    }
    rows = {"leg-0-account": "Nowhere", "leg-0-amount": "0.10+0.20", "leg-1-account": "Cash", "leg-1-amount": "="}
    told = client.post(READ, data | {"shape": "", "date": "x"} | rows).json()
    assert told["day"] == ""
    assert told["sums"] == {"leg-0-amount": "0.30"}
    assert told["off"] == ["0.30 EUR"]
    assert told["fill"] == {"leg-1-amount": "-0.30"}
    assert client.get(READ).status_code == 405
    assert legs(home) == []


def test_a_draft_that_is_in_the_books_is_known_by_its_number(home: Household) -> None:
    client = signed_in(home.editor)
    data = plain(home)
    assert client.post(READ, data | {"draft": "1"}).json()["saved"] is False
    client.post(ADD, data)
    assert client.post(READ, data | {"draft": "1"}).json()["saved"] is True
    assert client.post(READ, data | {"draft": "1", "public_id": "x"}).json()["saved"] is False


def test_an_address_may_begin_a_form(home: Household) -> None:
    seen = text(signed_in(home.editor).get(f"{ADD}?account=Assets:Cash&amount=5&date=2026-03-03&payee=%22%3E&x=1"))
    assert 'name="account" value="Assets:Cash"' in seen
    assert 'name="amount" value="5"' in seen
    assert 'value="3 Mar 2026"' in seen


# --- A login that ended


def test_what_was_typed_goes_through_an_expired_login(home: Household) -> None:
    client = Client()
    answer = client.post(ADD, plain(home, narration="Typed\n<b>"))
    assert answer.status_code == 307
    answer = client.post(answer["Location"], plain(home, narration="Typed\n<b>"))
    assert answer.status_code == 307
    login = client.post(answer["Location"], plain(home, narration="Typed\n<b>"))
    assert login.status_code == 200
    assert "Your login has ended." in text(login)
    assert "This field is required" not in text(login)
    assert "aria-invalid" not in login.text
    assert re.search(r'<input[^>]* name="login"[^>]* autofocus', login.text)
    fields = plain(home, narration="Typed\n<b>")
    wrong = client.post(answer["Location"], fields | {"login": home.editor.email, "password": "wrong"})
    assert '<textarea name="narration" hidden>' in wrong.text
    assert 'class="errorlist' in wrong.text
    answer = client.post(
        answer["Location"], fields | {"login": home.editor.email, "password": "password", "next": ADD}
    )
    assert answer.status_code == 200
    assert f'action="{ADD}"' in answer.text
    assert '<textarea name="amount" hidden>\n12.50</textarea>' in answer.text
    assert "Typed\n&lt;b&gt;" in answer.text
    assert 'name="password"' not in answer.text
    assert client.post(ADD, fields).status_code == 302
    assert len(legs(home)) == 2


@pytest.mark.parametrize(
    "there", ["https://elsewhere.example/admin/ledger/", "//x.example/", "/admin/users/user/add/"]
)
def test_a_kept_form_is_sent_nowhere_else(home: Household, there: str) -> None:
    data = plain(home) | {"login": home.editor.email, "password": "password", "next": there}
    answer = Client().post("/users/login/", data)
    assert answer.status_code == 302
    assert "elsewhere" not in answer["Location"]


def test_an_old_token_of_a_page_of_ours_can_be_sent_again(home: Household) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(home.editor)
    refused = client.post(ADD, plain(home), headers={"Sec-Fetch-Site": "same-origin"})
    assert refused.status_code == 403
    assert '<textarea name="amount" hidden>\n12.50</textarea>' in refused.text
    for site in ("cross-site", "same-site", "none", ""):
        refused = client.post(ADD, plain(home), headers={"Sec-Fetch-Site": site} if site else {})
        assert refused.status_code == 403
        assert "resend-form" not in refused.text
    assert legs(home) == []
    with home.scope():
        assert not Transaction.objects.exists()


def test_the_button_for_last_times_split_never_saves(home: Household) -> None:
    posted(home, "Food 5", "Rent 7", "Card -12", payee="Market")
    seen = text(send(home, plain(home, "40", "Cash", "Food", payee="Market", usual="1")))
    assert 'name="leg-2-amount" value="-40"' in seen
    assert "say how much went where." in seen
    assert send(home, plain(home, "40", "Cash", "Food", payee="Nobody", usual="1")).status_code == 200
    assert len(legs(home)) == 3


def test_the_short_form_reads_and_writes_as_the_browser_says(home: Household) -> None:
    client = signed_in(home.editor)
    german = {"Accept-Language": "de-AT"}
    data = plain(home, "1.234,50+3", date="3.4.2026")
    told = client.post(READ, data, headers=german).json()
    assert told["sums"] == {"amount": "1.237,50"}
    assert told["says"] == "Food: 1.237,50 EUR from Cash"
    assert (
        client.post(READ, data | {"amount": "1.234"}, headers=german).json()["says"]
        == "Food: 1.234,00 EUR from Cash"
    )
    refused = client.post(ADD, data | {"amount": "1.234 HOOL"}, headers=german)
    assert "“1.234” could be 1234 or 1,234: write one of them." in text(refused)
    saved = client.post(ADD, data, headers=german)
    assert saved.status_code == 302, text(saved)
    with home.scope():
        row = Transaction.objects.get()
    assert row.date == datetime.date(2026, 4, 3)
    assert 'name="amount" value="1237,50"' in text(client.get(change(row), headers=german))
    assert legs(home) == [("Food", Decimal("1237.50")), ("Cash", Decimal("-1237.50"))]
