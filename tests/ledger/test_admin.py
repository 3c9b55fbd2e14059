"""The transaction pages of the admin: real requests, asserting what a person sees and what the books hold."""

import datetime
import html
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from financetracker.accounts import books
from financetracker.accounts.models import Account, Commodity
from financetracker.ledger import journal
from financetracker.ledger.models import BalanceAssertion, Payee, Posting, Price, Tag, Transaction
from tests.builders import DAY, Household, new_id
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"
ADD = LIST + "add/"
SHOP = (("Expenses:Food", "12.50"), ("Assets:Cash", "-12.50"))


def form_data(home: Household, *legs: tuple[str, str] | dict[str, str], **head: str) -> dict[str, Any]:
    """What a browser sends for a transaction."""
    data = {
        "date": "2026-03-14",
        "public_id": str(new_id(1)),
        "version": "",
        "book": str(home.book.public_id),
    } | head
    for index, leg in enumerate(legs):
        columns = leg if isinstance(leg, dict) else {"account": leg[0], "amount": leg[1]}
        data |= {f"leg-{index}-{name}": value for name, value in columns.items()}
    return data


def change(row: Transaction) -> str:
    return f"{LIST}{row.pk}/change/"


def show(row: Transaction) -> str:
    return f"{LIST}{row.pk}/"


def legs(home: Household) -> list[tuple[str, Decimal]]:
    with home.scope():
        found = Posting.objects.filter(book=home.book).order_by("transaction_id", "position")
        return [(leg.account.name, leg.amount) for leg in found.select_related("account")]


def posted(home: Household, *of: str, **columns: Any) -> Transaction:
    with home.scope():
        return home.post(*(of or ("Food 12.50", "Cash -12.50")), **columns)


def now(home: Household, row: Transaction) -> Transaction:
    with home.scope():
        return Transaction.objects.select_related("payee").get(pk=row.pk)


def leg_ids(home: Household, row: Transaction) -> list[int]:
    with home.scope():
        return list(row.postings.order_by("position").values_list("pk", flat=True))


# --- Entering


def test_a_transaction_is_entered_and_seen(home: Household) -> None:
    client = signed_in(home.editor)
    answer = client.post(
        ADD, form_data(home, *SHOP, payee="Greenmarket", narration="Weekly shop", tags="#trip, x")
    )
    assert answer.status_code == 302, answer.text
    assert legs(home) == [("Food", Decimal("12.50")), ("Cash", Decimal("-12.50"))]
    with home.scope():
        made = Transaction.objects.get()
        assert made.payee == Payee.objects.get(name="Greenmarket")
        assert sorted(tag.name for tag in made.tags.all()) == ["trip", "x"]
        assert made.revisions.get().source == "admin"
    assert answer["Location"] == show(made)
    seen = text(client.get(LIST))
    for piece in ("Greenmarket", "Weekly shop", "−12.50", "Cash", "Food", "trip", "14 Mar 2026"):
        assert piece in seen
    assert 'value="12.50"' in client.get(change(made)).text


def test_the_same_submission_twice_posts_once_and_shows_the_first(home: Household) -> None:
    client = signed_in(home.editor)
    first = client.post(ADD, form_data(home, *SHOP))
    second = client.post(ADD, form_data(home, *SHOP))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert len(legs(home)) == 2


def test_the_same_form_with_other_figures_is_refused(home: Household) -> None:
    client = signed_in(home.editor)
    client.post(ADD, form_data(home, *SHOP))
    answer = client.post(ADD, form_data(home, ("Food", "99"), ("Cash", "-99")))
    assert answer.status_code == 200
    assert "This form was saved already, with other figures." in text(answer)
    assert len(legs(home)) == 2


def test_accounts_are_found_by_the_end_of_their_name_and_commodities_by_default(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Yen", "asset", commodities=[home.commodities["JPY"]])
    rows = ({"account": "yen", "amount": "1000", "weight": "6.10"}, ("cash", "-6.10"))
    assert signed_in(home.editor).post(ADD, form_data(home, *rows)).status_code == 302
    with home.scope():
        yen = Posting.objects.get(account__name="Yen")
        assert (yen.commodity.code, yen.weight, yen.weight_commodity.code) == ("JPY", Decimal("6.10"), "EUR")


def test_what_was_paid_takes_the_sign_of_the_amount(home: Household) -> None:
    rows = (
        {"account": "Depot", "amount": "-10", "commodity": "hool", "weight": "40", "weight_commodity": "usd"},
        {"account": "Bank", "amount": "40", "commodity": "USD"},
    )
    assert signed_in(home.editor).post(ADD, form_data(home, *rows)).status_code == 302
    with home.scope():
        assert Posting.objects.get(account__name="Depot").weight == Decimal("-40")


def test_an_equals_sign_takes_what_is_left(home: Household) -> None:
    assert (
        signed_in(home.editor)
        .post(ADD, form_data(home, ("Food", "12.50"), ("Rent", "1"), ("Cash", "=")))
        .status_code
    )
    assert legs(home)[-1] == ("Cash", Decimal("-13.50"))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((("Food", "="), ("Cash", "=")), "Only one row can take what is left."),
        ((("Food", "1"), ("Cash", "-1"), ("Rent", "=")), "Nothing is left for this row."),
        (
            (("Food", "1"), {"account": "Bank", "amount": "-1", "commodity": "USD"}, ("Cash", "=")),
            "What is left is not in one commodity",
        ),
    ],
)
def test_an_equals_sign_guesses_nothing(home: Household, rows: Any, sentence: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *rows))
    assert answer.status_code == 200
    assert sentence in text(answer)
    assert legs(home) == []


def test_add_rows_keeps_what_was_typed_and_saves_nothing(home: Household) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, ("Fod", "1_0"), narration="Half", more="10"))
    seen = answer.text
    assert 'value="Fod"' in seen
    assert 'value="1_0"' in seen
    assert 'value="Half"' in seen
    assert seen.count('class="leg"') == 11
    assert 'id="errors"' not in seen
    assert legs(home) == []


def test_rows_are_believed_without_any_count_of_them(home: Household) -> None:
    """There is no management form: nothing to leave out, make negative or make huge."""
    data = form_data(home, *SHOP) | {"form-TOTAL_FORMS": "-1", "leg-TOTAL_FORMS": "99999999", "leg-x-amount": "1"}
    assert signed_in(home.editor).post(ADD, data).status_code == 302
    assert len(legs(home)) == 2


# --- Bad input


WRONG_AMOUNTS = [
    "1_000",
    "１２",
    "NaN",
    "Infinity",
    "1e999",
    "1e3",
    "9" * 40,
    "0." + "1" * 40,
    "12,50",
    "--1",
    "",
    "\x00",
    "0x10",
]


@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_a_wrong_amount_is_said_at_its_row_and_nothing_is_lost(home: Household, amount: str) -> None:
    data = form_data(home, ("Expenses:Food", amount), ("Assets:Cash", "-12.50"), payee="Greenmarket")
    answer = signed_in(home.editor).post(ADD, data)
    assert answer.status_code == 200
    seen = text(answer)
    assert 'id="leg-0-errors"' in seen
    assert 'id="leg-1-errors"' not in seen
    assert f'name="leg-0-amount" value="{amount}"' in seen
    assert 'value="Greenmarket"' in seen
    assert 'name="leg-1-amount" value="-12.50"' in seen
    assert legs(home) == []


@pytest.mark.parametrize(
    "date", ["10000-01-01", "0000-01-01", "2026-02-30", "x", "", "２０２６-01-01", "\x00", "1" * 9999]
)
def test_a_wrong_date_is_said_at_the_date(home: Household, date: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *SHOP, date=date))
    assert answer.status_code == 200
    assert 'class="field field-date is-wrong"' in answer.text
    assert 'name="leg-0-amount" value="12.50"' in answer.text
    assert legs(home) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payee", "x" * 1_000_000),
        ("payee", "a\x00b"),
        ("payee", "two\nlines"),
        ("narration", "x" * 501),
        ("narration", "\x00"),
        ("notes", "\x00"),
        ("code", "x" * 61),
        ("code", "\x00"),
        ("tags", "a:b"),
        ("tags", "x" * 61),
        ("tags", "a\x00"),
        ("tags", "bell\x07"),
    ],
)
def test_wrong_text_is_said_at_its_field_and_nothing_is_lost(home: Household, field: str, value: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *SHOP, **{field: value}))
    assert answer.status_code == 200
    assert f'class="field field-{field} is-wrong"' in answer.text
    assert value in text(answer)
    assert legs(home) == []
    with home.scope():
        assert not Payee.objects.exists()
        assert not Tag.objects.exists()


@pytest.mark.parametrize("column", ["id", "account", "commodity", "weight", "weight_commodity", "memo"])
@pytest.mark.parametrize("value", ["\x00", "x" * 100_000, "'; DROP TABLE", "-1", "99999999999999999999"])
def test_junk_in_any_column_is_said_at_its_row(home: Household, column: str, value: str) -> None:
    first = {"account": "Expenses:Food", "amount": "12.50", "weight": "1", column: value}
    answer = signed_in(home.editor).post(ADD, form_data(home, first, ("Assets:Cash", "-12.50")))
    assert answer.status_code == 200
    assert 'id="errors"' in answer.text
    assert value in text(answer)
    assert legs(home) == []


def test_a_form_of_five_thousand_legs_is_refused_with_everything_kept(home: Household) -> None:
    many = [("Expenses:Food", "0.01")] * 5000
    answer = signed_in(home.editor).post(ADD, form_data(home, *many))
    assert answer.status_code == 200
    assert "A form takes at most 1000 legs, and this one has 5000: import a file for more." in text(answer)
    assert answer.text.count('-account" value="Expenses:Food"') == 5000
    assert legs(home) == []


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((), "A transaction has at least two legs"),
        ((("Food", "1"),), "A transaction has at least two legs"),
        ((("Food", "12.50"), ("Cash", "-12.00")), "off by 0.50 EUR"),
        ((("Food", "1"), {"account": "Cash", "amount": "-1", "commodity": "USD"}), "off by 1.00 EUR, −1.00 USD"),
    ],
)
def test_legs_that_do_not_make_a_transaction_are_refused(home: Household, rows: Any, sentence: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *rows))
    assert answer.status_code == 200
    assert sentence in text(answer)
    assert legs(home) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("Expenses:Fod", "1"), "There is no account “Expenses:Fod”. Did you mean Expenses:Food"),
        (("Expenses", "1"), "Expenses only groups other accounts."),
        (("", "1"), "An account is missing."),
        (("Food", "0"), "A posting moves an amount other than zero."),
        (("Food", "0.001"), "has more than 2 decimal places"),
        (
            {"account": "Food", "amount": "1", "commodity": "EURO"},
            "There is no commodity “EURO”. Did you mean EUR?",
        ),
        ({"account": "Food", "amount": "1", "weight_commodity": "USD"}, "Say what it was worth in USD."),
        (
            {"account": "Food", "amount": "1", "weight": "-2", "weight_commodity": "USD"},
            "What is received for something counts with its sign.",
        ),
        ({"account": "Food", "amount": "1", "memo": "x" * 501}, "A memo has at most 500 characters"),
    ],
)
def test_what_is_wrong_with_a_leg_is_said_at_its_row(home: Household, row: Any, sentence: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, ("Cash", "-1"), row))
    assert answer.status_code == 200
    assert sentence in text(answer)
    assert 'id="leg-1-errors"' in answer.text
    assert legs(home) == []


def test_a_memo_is_folded_away_where_there_is_none(home: Household) -> None:
    milk = journal.Leg(home.accounts["Food"], Decimal(5), home.commodities["EUR"], memo="Milk")
    with home.scope():
        row = home.post(milk, "Cash -5")
    seen = signed_in(home.viewer).get(change(row)).text
    assert (
        seen.count('<details class="memo" open><summary>Memo</summary><input type="text" name="leg-0-memo"') == 1
    )
    assert '<details class="memo"><summary>Memo</summary><input type="text" name="leg-1-memo"' in seen


def test_an_account_of_another_book_is_no_account_and_is_never_named(home: Household) -> None:
    other = Household("Neighbours")
    with other.scope():
        books.open_account(other.book, "Assets:Secret", "asset")
    client = signed_in(home.editor)
    answer = client.post(ADD, form_data(home, ("Assets:Secret", "1"), ("Assets:Secre", "-1")))
    assert answer.status_code == 200
    assert "There is no account “Assets:Secret”." in text(answer)
    assert "Did you mean Assets:Secret" not in text(answer)
    assert legs(home) == []


def test_two_accounts_of_one_name_need_more_of_it(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Liabilities:Cash", "liability")
    answer = signed_in(home.editor).post(ADD, form_data(home, ("Cash", "-1"), ("Food", "1")))
    assert "“Cash” fits several accounts: Assets:Cash, Liabilities:Cash." in text(answer)
    assert legs(home) == []


def test_a_locked_day_is_said_at_the_date(home: Household) -> None:
    with home.scope():
        journal.lock_through(home.book, DAY)
    answer = signed_in(home.editor).post(ADD, form_data(home, *SHOP, payee="Greenmarket"))
    assert 'class="field field-date is-wrong"' in answer.text
    assert "The book is locked through 14 Mar 2026." in text(answer)
    assert 'value="Greenmarket"' in answer.text
    assert legs(home) == []


@pytest.mark.parametrize("public_id", ["", "x", "\x00", "1" * 5000])
def test_a_form_without_its_number_gets_a_new_one(home: Household, public_id: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *SHOP, public_id=public_id))
    assert answer.status_code == 200
    assert "save again" in text(answer)
    assert legs(home) == []


# --- Books and roles


def test_a_form_opened_in_another_book_is_refused_and_kept(home: Household) -> None:
    choir = books.create_book(home.editor, name="Choir", base="EUR")
    row = posted(home)
    client = signed_in(home.editor)
    client.post("/admin/book/", {"book": str(choir.public_id)})
    for address in (ADD, change(row)):
        answer = client.post(address, form_data(home, *SHOP, narration="Typed", version="1"))
        assert answer.status_code == 200
        assert "This form belongs to the book “Home”, and “Choir” is chosen now." in text(answer)
        assert 'value="Typed"' in answer.text
        assert f'name="book" value="{home.book.public_id}"' in answer.text
    assert len(legs(home)) == 2
    client.post("/admin/book/", {"book": str(home.book.public_id)})
    assert client.post(change(row), form_data(home, *SHOP, narration="Typed", version="1")).status_code == 302
    assert now(home, row).narration == "Typed"


@pytest.mark.parametrize("book", ["", "x", "\x00", str(uuid.UUID(int=7))])
def test_a_form_of_no_book_of_his_is_refused(home: Household, book: str) -> None:
    answer = signed_in(home.editor).post(ADD, form_data(home, *SHOP, book=book, narration="Typed"))
    assert "This form belongs to another book." in text(answer)
    assert 'value="Typed"' in answer.text
    assert legs(home) == []


def test_a_viewer_looks_and_changes_nothing(home: Household) -> None:
    row = posted(home)
    client = signed_in(home.viewer)
    seen = client.get(change(row))
    assert seen.status_code == 200
    assert '<fieldset class="bare" disabled>' in seen.text
    shown = client.get(show(row))
    assert shown.status_code == 200
    for button in ("void-form", "reverse-form", ':cleared"', "/change/", "/refund/", "/duplicate/", "/split/"):
        assert button not in shown.text, button
    for button in (
        "_save",
        'id="void-form"',
        'id="reverse-form"',
        ':cleared"',
        "add/",
    ):
        assert button not in seen.text.replace('name="_save" class="visually-hidden"', ""), button
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, form_data(home, *SHOP)).status_code == 403
    assert client.post(change(row), form_data(home, *SHOP, version="1")).status_code == 403
    for verb in ("void", "reinstate", "reverse", "clear"):
        assert client.post(f"{LIST}{row.pk}/{verb}/", {"version": "1"}).status_code == 403, verb
    assert now(home, row).version == 1
    assert len(legs(home)) == 2


def test_another_books_transaction_is_a_404_like_a_missing_one(home: Household) -> None:
    row = posted(Household("Neighbours"), payee="Secret")
    client = signed_in(home.owner)
    for pk in (row.pk, 999_999_999, 10**30):
        for page in ("", "change/", "history/", "duplicate/", "refund/", "split/", "unsplit/"):
            assert client.get(f"{LIST}{pk}/{page}").status_code == 404
        for page in ("change", "void", "reinstate", "reverse", "clear"):
            answer = client.post(f"{LIST}{pk}/{page}/", form_data(home, *SHOP, version="1"))
            assert answer.status_code == 404, page
    assert "Secret" not in client.get(LIST).text


# --- Amending


def amend_data(home: Household, row: Transaction, **head: str) -> dict[str, Any]:
    first, second = leg_ids(home, row)
    rows = (
        {"id": str(first), "account": "Expenses:Food", "amount": "21.50"},
        {"id": str(second), "account": "Assets:Cash", "amount": "-21.50"},
    )
    return form_data(home, *rows, public_id=str(row.public_id), **{"version": "1"} | head)


def test_a_transaction_is_amended_and_its_legs_stay(home: Household) -> None:
    row = posted(home, payee="Market", tags=["old"])
    ids = leg_ids(home, row)
    answer = signed_in(home.editor).post(change(row), amend_data(home, row, payee="Market", tags="new"))
    assert answer.status_code == 302, text(answer)
    assert legs(home) == [("Food", Decimal("21.50")), ("Cash", Decimal("-21.50"))]
    assert leg_ids(home, row) == ids
    assert now(home, row).version == 2
    history = text(signed_in(home.viewer).get(f"{LIST}{row.pk}/history/"))
    assert "Expenses:Food: amount 12.50 EUR → 21.50 EUR" in history
    assert "tag new added" in history
    assert "tag old removed" in history
    assert f"by {home.editor.name}, " in history


def test_an_emptied_row_is_a_leg_that_goes(home: Household) -> None:
    row = posted(home, "Food 10", "Rent 2.50", "Cash -12.50")
    ids = leg_ids(home, row)
    rows = (
        {"id": str(ids[0]), "account": "Food", "amount": "12.50"},
        {"id": str(ids[1]), "account": "", "amount": ""},
        {"id": str(ids[2]), "account": "Cash", "amount": "-12.50"},
    )
    data = form_data(home, *rows, version="1", public_id=str(row.public_id))
    assert signed_in(home.editor).post(change(row), data).status_code == 302
    assert leg_ids(home, row) == [ids[0], ids[2]]


def test_who_was_slower_sees_both_versions_and_overwrites_nothing(home: Household) -> None:
    row = posted(home)
    data = amend_data(home, row, narration="Mine")
    with home.scope():
        entry = journal.entry_of(row)
        faster = [
            replace(entry.legs[0], amount=Decimal(1077), id=None),
            replace(entry.legs[1], amount=Decimal(-1077)),
        ]
        journal.amend(row, replace(entry, legs=faster, narration="Theirs"), version=1)
    client = signed_in(home.editor)
    answer = client.post(change(row), data)
    seen = text(answer)
    assert answer.status_code == 200
    assert "Somebody changed this transaction while you looked at it. Nothing was overwritten." in seen
    assert "Theirs" in seen
    assert "1\u00a0077.00 EUR" in seen
    assert "\u22121\u00a0077.00 EUR" in seen
    assert 'value="Mine"' in seen
    assert 'name="leg-0-amount" value="21.50"' in seen
    assert 'name="version" value="2"' in seen
    assert 'name="leg-0-id" value=""' in seen
    assert now(home, row).narration == "Theirs"
    again = data | {"version": "2", "leg-0-id": ""}
    assert client.post(change(row), again).status_code == 302
    assert now(home, row).narration == "Mine"


@pytest.mark.parametrize("version", ["", "x", "-1", "９", "99999999999999999999", "1.0", "\x00"])
def test_a_damaged_version_counts_as_stale(home: Household, version: str) -> None:
    row = posted(home)
    answer = signed_in(home.editor).post(change(row), amend_data(home, row, version=version))
    assert answer.status_code == 200
    assert "Nothing was overwritten." in text(answer)
    assert now(home, row).version == 1


def test_a_leg_of_another_transaction_is_refused_at_its_row(home: Household) -> None:
    row, other = posted(home), posted(home)
    data = amend_data(home, row) | {"leg-0-id": str(leg_ids(home, other)[0])}
    answer = signed_in(home.editor).post(change(row), data)
    assert "This row is no leg of this transaction" in text(answer)
    data |= {"leg-0-id": data["leg-1-id"]}
    assert "Two rows are the same leg" in text(signed_in(home.editor).post(change(row), data))
    assert now(home, row).version == 1


def test_a_void_transaction_is_brought_back_before_it_is_amended(home: Household) -> None:
    row = posted(home)
    with home.scope():
        journal.void(row, version=1)
    answer = signed_in(home.editor).post(change(row), amend_data(home, row, version="2"))
    assert "This transaction is void: bring it back first." in text(answer)
    assert now(home, row).version == 2


# --- Verbs


def act(client: Client, row: Transaction, verb: str, **data: str) -> str:
    answer = client.post(f"{LIST}{row.pk}/{verb}/", data, follow=True)
    assert answer.status_code == 200
    return text(answer)


def test_void_and_bring_back(home: Household) -> None:
    row = posted(home)
    client = signed_in(home.editor)
    assert "it counts in no sum" in act(client, row, "void", version="1", reason="entered\x00 twice")
    assert now(home, row).voided
    assert "void" in client.get(LIST).text
    assert "This transaction is void already." in act(client, row, "void", version="2")
    assert "it counts in no sum" not in act(client, row, "reinstate", version="2")
    assert not now(home, row).voided
    history = text(client.get(f"{LIST}{row.pk}/history/"))
    assert "Voided" in history
    assert "Brought back" in history
    assert "“entered twice”" in history


@pytest.mark.parametrize("verb", ["void", "reinstate", "reverse", "clear"])
@pytest.mark.parametrize("version", ["", "7", "x", "\x00", "9" * 5000])
def test_a_verb_on_another_version_does_nothing(home: Household, verb: str, version: str) -> None:
    row = posted(home)
    leg = leg_ids(home, row)[0]
    seen = act(signed_in(home.editor), row, verb, version=version, date="2026-04-01", posting=f"{leg}:cleared")
    assert "Somebody changed this transaction while you looked at it." in seen
    assert now(home, row).version == 1
    assert len(legs(home)) == 2


@pytest.mark.parametrize("verb", ["void", "reinstate", "reverse", "clear"])
def test_a_verb_is_never_a_link(home: Household, verb: str) -> None:
    row = posted(home)
    assert signed_in(home.editor).get(f"{LIST}{row.pk}/{verb}/").status_code == 405
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(home.editor)
    assert guarded.post(f"{LIST}{row.pk}/{verb}/", {"version": "1"}).status_code == 403
    assert now(home, row).version == 1


def test_reverse_writes_the_opposite_once(home: Household) -> None:
    row = posted(home)
    client = signed_in(home.editor)
    number = str(new_id(9))
    assert "It reverses another transaction." in act(
        client, row, "reverse", version="1", date="2026-04-01", public_id=number
    )
    act(client, row, "reverse", version="1", date="2026-04-01", public_id=number)
    assert "This transaction is reversed already." in act(client, row, "reverse", version="1", date="2026-04-02")
    assert [amount for _name, amount in legs(home)] == [Decimal(n) for n in ("12.5", "-12.5", "-12.5", "12.5")]
    assert "It was reversed on 1 Apr 2026." in text(client.get(show(row)))
    with home.scope():
        unnamed = home.post("Food 5", "Cash -5")
        assert journal.reverse(unnamed, date=DAY).narration == "Reversal: 14 Mar 2026"


@pytest.mark.parametrize("date", ["", "10000-01-01", "x", "\x00"])
def test_reverse_asks_for_a_day(home: Household, date: str) -> None:
    row = posted(home)
    act(signed_in(home.editor), row, "reverse", version="1", date=date)
    assert len(legs(home)) == 2


def test_a_leg_is_cleared_and_back(home: Household) -> None:
    row = posted(home)
    leg = leg_ids(home, row)[0]
    client = signed_in(home.editor)
    act(client, row, "clear", version="1", posting=f"{leg}:cleared")
    with home.scope():
        assert Posting.objects.get(pk=leg).state == "cleared"
    assert "uncleared → cleared" in text(client.get(f"{LIST}{row.pk}/history/"))
    act(client, row, "clear", version="1", posting=f"{leg}:uncleared")
    with home.scope():
        assert Posting.objects.get(pk=leg).state == "uncleared"


@pytest.mark.parametrize(
    "wanted", ["", "x:cleared", "{other}:cleared", "{leg}:reconciled", "{leg}:x", "{leg}:\x00", "{leg}"]
)
def test_only_own_legs_are_cleared_and_nothing_reconciles(home: Household, wanted: str) -> None:
    row, other = posted(home), posted(home)
    leg, foreign = leg_ids(home, row)[0], leg_ids(home, other)[0]
    act(signed_in(home.editor), row, "clear", version="1", posting=wanted.format(leg=leg, other=foreign))
    with home.scope():
        assert set(Posting.objects.values_list("state", flat=True)) == {"uncleared"}


# --- The list


@pytest.fixture
def listed(home: Household) -> Household:
    with home.scope():
        home.post("Food 12.50", "Cash -12.50", payee="Greenmarket", narration="Weekly shop", tags=["trip"])
        home.post("Rent 1200", "Bank -1200", payee="Landlord", date=datetime.date(2026, 3, 1))
        home.post("Food 99", "Card -99", narration="100% sure", date=datetime.date(2026, 2, 1))
        row = home.post("Bank 50 USD @@ 45 EUR", "Cash -45", narration="Exchange")
        journal.clear(home.book, row.postings.all())
        journal.void(home.post("Food 7", "Cash -7", narration="Mistake"), version=1)
    return home


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Greenmarket", "Landlord", "100% sure", "Exchange", "Mistake"}),
        ("q=green", {"Greenmarket"}),
        ("q=weekly+green", {"Greenmarket"}),
        ("q=12.50", {"Greenmarket"}),
        ("q=%3E100", {"Landlord"}),
        ("q=%3E%3D99+%3C1200", {"100% sure"}),
        ("q=10..50", {"Greenmarket", "Exchange"}),
        ("q=100%25", {"100% sure"}),
        ("q=_", set()),
        ("account=Assets:Cash", {"Greenmarket", "Exchange", "Mistake"}),
        ("account=Assets", {"Greenmarket", "Landlord", "Exchange", "Mistake"}),
        ("account=card", {"100% sure"}),
        ("tag=trip", {"Greenmarket"}),
        ("tag=%23trip", {"Greenmarket"}),
        ("tag=none", set()),
        ("state=cleared", {"Exchange"}),
        ("void=yes", {"Mistake"}),
        ("void=no&q=food", {"Greenmarket", "100% sure"}),
        ("q=food+-card&void=no", {"Greenmarket"}),
        ("since=2026-03-01&until=2026-03-13", {"Landlord"}),
    ],
)
def test_the_list_is_searched_and_filtered(listed: Household, query: str, found: set[str]) -> None:
    answer = signed_in(listed.viewer).get(f"{LIST}?{query}")
    assert answer.status_code == 200
    seen = text(answer)
    everything = {"Greenmarket", "Landlord", "100% sure", "Exchange", "Mistake"}
    rows = seen.partition('id="transactions"')[2]
    assert {name for name in everything if name in rows} == found


JUNK = [
    "date__year=9999999999999999999999",
    "q=%00",
    "q=" + "9" * 199,
    "q=%3E" + "9" * 100,
    "q=1..2..3",
    "q=" + "x" * 5000,
    "p=zzz",
    "p=-1",
    "p=99999999999999999999999",
    "o=zzz",
    "o=-1.99999999999.%00",
    "e=1",
    "all=",
    "_facets=%00",
    "_to_field=id",
    "_popup=1",
    "_changelist_filters=%00%3D",
    "account=%00",
    "account=Nobody",
    "tag=%00",
    "state=x",
    "void=%00",
    "since=10000-01-01",
    "until=x",
    "below=x",
    "below=2026-13-01.1",
    "below=2026-01-01.999999999999999999",
    "below=%00",
    "id__exact=99999999999999999999999",
    "book__name__startswith=N",
    "transaction__book=1",
    "%00=%00",
    "id__in=%00",
]


@pytest.mark.parametrize("query", JUNK)
def test_a_junk_address_is_never_a_server_error(listed: Household, query: str) -> None:
    client = signed_in(listed.owner)
    for app in ("ledger/transaction", "ledger/payee", "ledger/tag", "ledger/price", "ledger/balanceassertion"):
        for page in ("", "add/"):
            assert client.get(f"/admin/{app}/{page}?{query}").status_code in {200, 302, 400}, (app, page)
    for app in ("accounts/account", "accounts/commodity", "accounts/membership"):
        assert client.get(f"/admin/{app}/?{query}").status_code in {200, 302, 400}, app
    for page in ("/admin/period/", "/admin/book/", "/admin/"):
        assert client.get(f"{page}?{query}").status_code in {200, 302}, page


def test_an_account_of_another_book_is_no_filter(listed: Household) -> None:
    other = Household("Neighbours")
    with other.scope():
        books.open_account(other.book, "Assets:Secret", "asset")
    answer = signed_in(listed.viewer).get(LIST, {"account": "Assets:Secret"})
    assert "There is no account “Assets:Secret”." in text(answer)
    assert 'id="transactions"' not in answer.text


def test_pages_go_on_where_the_last_one_ended(home: Household) -> None:
    with home.scope():
        entries = [home.entry("Food 1", "Cash -1", narration=f"n{i:03}.", public_id=new_id(i)) for i in range(120)]
        journal.post_many(home.book, entries)
    client = signed_in(home.viewer)
    seen: list[str] = []
    address = LIST + "?q=n"
    for _page in range(3):
        page = client.get(address).text
        seen += [f"n{i:03}." for i in reversed(range(120)) if f"n{i:03}." in page]
        start = page.find('id="older" rel="next" href="')
        address = LIST + html.unescape(page[start + 28 :].partition('"')[0])
    assert start == -1
    assert seen == [f"n{i:03}." for i in reversed(range(120))]


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200, address
    return len(captured)


def test_every_page_runs_the_same_queries_for_ten_rows_and_a_thousand(home: Household) -> None:
    def fill(count: int, name: str) -> None:
        with home.scope():
            for i in range(count // 10):
                books.open_account(home.book, f"Expenses:{name}{i}", "expense")
            entries = [
                home.entry(
                    "Food 1", "Cash -1", payee=f"{name}{i}", tags=[f"{name}{i}"], date=DAY, public_id=uuid.uuid4()
                )
                for i in range(count)
            ]
            journal.post_many(home.book, entries)
            accounts = [row.pk for row in Account.objects.all()][:12]
            for i in range(count):
                day = DAY + datetime.timedelta(days=i + count)
                usd, eur = home.commodities["USD"], home.commodities["EUR"]
                Price.objects.create(book=home.book, commodity=usd, quote=eur, date=day, value=Decimal("0.9"))
                BalanceAssertion.objects.create(
                    book=home.book, account_id=accounts[i % 12], commodity=eur, date=day, amount=Decimal(1)
                )
                if i < count // 10:
                    Commodity.objects.create(book=home.book, code=f"{name}{i}", kind="other")

    row = posted(home, payee="First", tags=["first"])
    pages = [
        LIST,
        LIST + "?q=1&account=Assets&tag=x&state=cleared&void=no&since=2026-01-01&until=2027-01-01",
        ADD,
        change(row),
        show(row),
        f"{LIST}{row.pk}/history/",
        f"{LIST}{row.pk}/refund/",
        "/admin/accounts/account/",
        LIST + "?q=food+%3E0+2026-03+-other",
        "/admin/accounts/account/arrange/",
        "/admin/accounts/account/add/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/change/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/history/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/place/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/register/",
        f"/admin/accounts/account/{home.accounts['Cash'].pk}/register/?q=food&state=uncleared",
        "/admin/accounts/commodity/",
        "/admin/accounts/membership/",
        "/admin/ledger/payee/",
        "/admin/ledger/tag/",
        "/admin/ledger/price/",
        "/admin/ledger/price/add/",
        "/admin/ledger/balanceassertion/",
        "/admin/ledger/balanceassertion/add/",
        "/admin/period/",
        "/admin/",
        f"{LIST}transfer/",
        "/admin/book/start/",
    ]
    fill(10, "a")
    client = signed_in(home.owner)
    for page in pages:
        client.get(page)  # content types are remembered from now on
    few = {page: queries(client, page) for page in pages}
    fill(1000, "b")
    many = {page: queries(client, page) for page in pages}
    assert few == many
    assert max(few.values()) <= 32, few
