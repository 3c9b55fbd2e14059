"""The plain pages of a book in the admin: accounts, commodities, members; prices, payees and tags beside them."""

import datetime
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from financetracker.accounts import books
from financetracker.accounts.models import Account, Commodity, Membership
from financetracker.ledger.models import BalanceAssertion, Payee, Price, Tag
from financetracker.users.models import User
from financetracker.users.plainadmin import PlainAdmin
from financetracker.writing.days import show_day
from tests.builders import DAY, Household
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

ACCOUNTS = "/admin/accounts/account/"
COMMODITIES = "/admin/accounts/commodity/"
MEMBERS = "/admin/accounts/membership/"


def account_data(**columns: Any) -> dict[str, Any]:
    return {"name": "Wallet", "type": "asset"} | columns


def wrong_fields(answer: HttpResponse) -> set[str]:
    assert answer.status_code == 200
    return set(answer.context["adminform"].form.errors)


# --- Accounts


def test_the_tree_shows_natural_signs_totals_and_missing_prices(home: Household) -> None:
    with home.scope():
        home.post("Bank 1000", "Salary -1000")
        home.post("Bank 10 USD @@ 9 EUR", "Cash -9")
        home.post("Depot 2 HOOL @@ 50 EUR", "Bank -50")
        home.post("Food 30", "Card -30")
        Price.objects.create(
            book=home.book,
            commodity=home.commodities["HOOL"],
            quote=home.commodities["EUR"],
            date=DAY,
            value=Decimal(30),
        )
    seen = text(signed_in(home.viewer).get(ACCOUNTS))
    for piece in (
        "1\u00a0000.00",
        "30.00",
        "no price for USD",
        "price of 14 Mar 2026",
        "2 HOOL",
        "60.00",
        "−9.00",
    ):
        assert piece in seen, piece
    assert '<data value="30">30.00</data>' in seen  # what is owed on the card, without a minus
    assert "New account" not in seen
    assert "New account" in signed_in(home.editor).get(ACCOUNTS).text


def test_an_account_is_opened_and_changed(home: Household) -> None:
    client = signed_in(home.editor)
    with home.scope():
        assets = Account.objects.get(full_name="Assets")
    eur, usd = (str(home.commodities[code].pk) for code in ("EUR", "USD"))
    data = account_data(parent=assets.pk, commodities=[eur, usd], iban="AT61", opened_on="2026-01-01")
    assert client.post(ACCOUNTS + "add/", data).status_code == 302
    with home.scope():
        made = Account.objects.get(name="Wallet")
    assert (made.full_name, made.book_id, made.iban) == ("Assets:Wallet", home.book.pk, "AT61")
    assert made.commodity_ids == sorted(int(pk) for pk in (eur, usd))
    page = f"{ACCOUNTS}{made.pk}/change/"
    assert client.post(page, data | {"name": "Purse", "commodities": []}).status_code == 302
    with home.scope():
        made.refresh_from_db()
    assert (made.full_name, made.commodity_ids) == ("Assets:Purse", [])
    history = text(client.get(f"{ACCOUNTS}{made.pk}/history/"))
    assert "name Wallet → Purse" in history
    assert "commodities EUR, USD → any" in history


@pytest.mark.parametrize(
    ("locale", "typed", "shown"),
    [("de", "3.1.2026", "3 Jan 2026"), ("en-us", "1/3/2026", "Jan 3, 2026"), ("sv", "3 Jan 2026", "2026-01-03")],
)
def test_a_day_of_an_account_is_typed_and_shown_as_the_person_does(
    home: Household, locale: str, typed: str, shown: str
) -> None:
    User.objects.filter(pk__in=(home.editor.pk, home.viewer.pk)).update(locale=locale)
    page = f"{ACCOUNTS}{home.accounts['Cash'].pk}/change/"
    client = signed_in(home.editor)
    assert "site/days.js" in client.get(page).text
    with home.scope():
        above = Account.objects.get(pk=home.accounts["Cash"].parent_id)
    data = account_data(name="Cash", parent=above.pk, opened_on=typed)
    assert client.post(page, data).status_code == 302
    with home.scope():
        assert Account.objects.get(name="Cash").opened_on == datetime.date(2026, 1, 3)
    assert f'name="opened_on" value="{shown}"' in client.get(page).text
    assert f'<div class="readonly">{shown}</div>' in signed_in(home.viewer).get(page).text
    again = text(client.post(page, data | {"opened_on": "31.2.", "notes": "Typed"}))
    assert "“31.2.” is not a day in the calendar." in again
    assert 'name="opened_on" value="31.2."' in again
    assert "Typed" in again


def test_what_a_viewer_reads_of_a_price_is_in_his_locale(home: Household) -> None:
    User.objects.filter(pk=home.viewer.pk).update(locale="de")
    row = {"book": home.book, "date": DAY}
    with home.scope():
        eur, usd = home.commodities["EUR"], home.commodities["USD"]
        price = Price.objects.create(commodity=usd, quote=eur, value=Decimal("1234.567800"), **row)
        cash = home.accounts["Cash"]
        said = BalanceAssertion.objects.create(account=cash, amount=Decimal(-1250), commodity=eur, **row)
    client = signed_in(home.viewer)
    seen = text(client.get(f"/admin/ledger/price/{price.pk}/change/"))
    assert '<div class="readonly">14 Mar 2026</div>' in seen
    assert '<div class="readonly">1.234,5678</div>' in seen
    assert "14 Mar 2026 1.234,5678" in seen
    assert '<div class="readonly">−1.250,00</div>' in text(
        client.get(f"/admin/ledger/balanceassertion/{said.pk}/change/")
    )


PRICE = "/admin/ledger/price/add/"


def begun(home: Household, query: str) -> tuple[str, str, str]:
    """Day, commodity and quote that the form for a price begins with."""
    page = signed_in(home.editor).get(PRICE + query)
    assert page.status_code == 200
    form = page.context["adminform"].form
    codes = {row.pk: code for code, row in home.commodities.items()} | {None: ""}
    return str(form["date"].value()), codes[form["commodity"].value()], codes[form["quote"].value()]


def test_a_price_is_added_from_where_it_is_missing(home: Household) -> None:
    with home.scope():
        home.post("Cash 10 USD @@ 9 JPY", "Bank -9 JPY")
    day = str(books.today(home.book, timezone.now()))
    address = f"{PRICE}?commodity=USD"
    usd, eur = (f"{COMMODITIES}{home.commodities[code].pk}/change/" for code in ("USD", "EUR"))
    client, viewer = signed_in(home.editor), signed_in(home.viewer)
    for page in ("/admin/", ACCOUNTS, usd):
        assert f'href="{address}"' in client.get(page).text, page
        assert PRICE not in viewer.get(page).text, page
    with home.scope():
        home.post("Bank 3 USD", "Opening -3 USD")
    assert client.get(ACCOUNTS).text.count(f'href="{address}"') == 2  # beside Cash and Bank, not in Equity
    assert PRICE not in client.get(eur).text
    assert f'href="{address}&amp;date=2026-04-01"' in client.get(f"{ACCOUNTS}?on=2026-04-01").text
    assert begun(home, "?commodity=USD") == (day, "USD", "EUR")
    assert begun(home, "?commodity=USD&quote=JPY&date=2026-04-01") == ("2026-04-01", "USD", "JPY")


def test_what_an_address_asks_of_a_price_is_left_out_where_it_is_nothing(home: Household) -> None:
    other = Household("Neighbours")
    with other.scope():
        books.add_commodity(other.book, "COIN")
    day = str(books.today(home.book, timezone.now()))
    for asked in ("", "?commodity=COIN&quote=COIN", "?commodity=%00&quote=%00&date=%00", "?date=2026-02-30"):
        assert begun(home, asked) == (day, "", "EUR"), asked
    assert begun(home, f"?commodity={home.commodities['USD'].pk}&_changelist_filters=x")[1] == ""


def test_when_somebody_joined_is_in_the_locale_of_who_looks(home: Household) -> None:
    boss = User.objects.create_superuser("boss@example.org", "x", locale="sv")
    joined = datetime.datetime(2026, 3, 14, 13, 5, tzinfo=datetime.UTC)
    User.objects.filter(pk=home.viewer.pk).update(date_joined=joined)
    seen = text(signed_in(boss).get(f"/admin/users/user/{home.viewer.pk}/change/"))
    assert '<div class="readonly">2026-03-14 13:05</div>' in seen


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"name": "Cash", "parent": "Assets"}, "name"),
        ({"name": "a:b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"type": "expense", "parent": "Assets"}, "type"),
        ({"type": "x"}, "type"),
        ({"parent": "99999999999999999999999"}, "parent"),
        ({"parent": "\x00"}, "parent"),
        ({"commodities": ["99999999999999999999999"]}, "commodities"),
        ({"commodities": ["\x00"]}, "commodities"),
        ({"type": ""}, "type"),
        ({"opened_on": "10000-01-01"}, "opened_on"),
        ({"opened_on": "2026-02-02", "closed_on": "2026-01-01"}, "closed_on"),
        ({"notes": "\x00"}, "notes"),
    ],
)
def test_a_wrong_account_is_said_at_its_field(home: Household, columns: dict[str, Any], field: str) -> None:
    if columns.get("parent") == "Assets":
        with home.scope():
            columns = columns | {"parent": Account.objects.get(full_name="Assets").pk}
    answer = signed_in(home.editor).post(ACCOUNTS + "add/", account_data(**columns))
    assert wrong_fields(answer) == {field}
    with home.scope():
        assert Account.objects.count() == 13


def test_an_account_has_the_type_of_the_one_above_unless_it_is_said(home: Household) -> None:
    client = signed_in(home.editor)
    with home.scope():
        above = Account.objects.get(full_name="Expenses")
    assert client.post(ACCOUNTS + "add/", account_data(type="", parent=above.pk)).status_code == 302
    with home.scope():
        assert Account.objects.get(full_name="Expenses:Wallet").type == "expense"


@pytest.mark.parametrize("page", ["accounts/account", "accounts/commodity", "ledger/price", "ledger/payee"])
def test_a_plain_form_reads_like_ours(home: Household, page: str) -> None:
    seen = text(signed_in(home.editor).get(f"/admin/{page}/add/"))
    labels = [
        label.strip() for label in re.findall(r"<label[^>]*>([^<]*)</label>", seen.partition('id="content"')[2])
    ]
    assert labels
    assert [label for label in labels if label.endswith(":") or not label[:1].isupper()] == []
    assert "_addanother" in seen
    assert "_continue" not in seen


def test_decimals_that_are_kept_are_those_that_are_shown(home: Household) -> None:
    data = {"code": "KWD", "name": "", "kind": "currency", "places": "3", "scale": ""}
    assert signed_in(home.editor).post(COMMODITIES + "add/", data).status_code == 302
    with home.scope():
        assert Commodity.objects.get(code="KWD").scale == 3


def test_what_the_database_alone_knows_is_said_at_its_field_too(home: Household) -> None:
    with home.scope():
        home.post("Food 1", "Cash -1")
        assets = Account.objects.get(full_name="Assets")
    client = signed_in(home.editor)
    cash = home.accounts["Cash"]
    page = f"{ACCOUNTS}{cash.pk}/change/"
    same = account_data(name="Cash", parent=assets.pk)
    assert wrong_fields(client.post(page, same | {"placeholder": "on"})) == {"placeholder"}
    assert wrong_fields(client.post(page, same | {"closed_on": "2026-01-01"})) == {"closed_on"}
    assert wrong_fields(client.post(page, same | {"commodities": [home.commodities["USD"].pk]})) == {"commodities"}
    own = client.post(
        f"{ACCOUNTS}{assets.pk}/change/", account_data(name="Assets", parent=cash.pk, placeholder="on")
    )
    assert wrong_fields(own) == {"parent"}
    assert "An account cannot stand below itself." in text(own)
    assert client.post(f"{ACCOUNTS}{cash.pk}/delete/", {"post": "yes"}, follow=True).status_code == 200
    with home.scope():
        assert Account.objects.get(pk=cash.pk) == cash


def test_rows_of_another_book_are_neither_offered_nor_taken(home: Household) -> None:
    other = Household("Neighbours")
    with other.scope():
        foreign = books.open_account(other.book, "Secret", "asset")
        coin = books.add_commodity(other.book, "SECRET")
    client = signed_in(home.owner)
    for page in (
        ACCOUNTS,
        ACCOUNTS + "add/",
        COMMODITIES,
        "/admin/ledger/price/add/",
        "/admin/ledger/balanceassertion/add/",
    ):
        assert "secret" not in client.get(page).text.lower(), page
    assert wrong_fields(client.post(ACCOUNTS + "add/", account_data(parent=foreign.pk))) == {"parent"}
    assert wrong_fields(client.post(ACCOUNTS + "add/", account_data(commodities=[coin.pk]))) == {"commodities"}
    price = {"date": "2026-03-14", "commodity": coin.pk, "quote": home.commodities["EUR"].pk, "value": "1"}
    assert wrong_fields(client.post("/admin/ledger/price/add/", price | {"kind": "manual"})) == {"commodity"}
    for pk in (foreign.pk, 999_999_999):
        for verb in ("change", "delete", "history"):
            assert client.get(f"{ACCOUNTS}{pk}/{verb}/").status_code == 404
            if verb != "history":
                assert client.post(f"{ACCOUNTS}{pk}/{verb}/", account_data(post="yes")).status_code == 404
    with other.scope():
        foreign.refresh_from_db()
        assert foreign.name == "Secret"


# --- Commodities, prices, assertions, payees, tags


def plain_pages(home: Household) -> dict[str, dict[str, Any]]:
    """A good form for each plain page."""
    eur, usd = home.commodities["EUR"].pk, home.commodities["USD"].pk
    return {
        COMMODITIES: {"code": "CHF", "name": "Franc", "kind": "currency", "places": "2", "scale": "2"},
        "/admin/ledger/payee/": {"name": "Market"},
        "/admin/ledger/tag/": {"name": "trip"},
        "/admin/ledger/price/": {
            "date": "2026-03-14",
            "commodity": usd,
            "quote": eur,
            "value": "0.9",
            "kind": "manual",
        },
        "/admin/ledger/balanceassertion/": {
            "account": home.accounts["Cash"].pk,
            "date": "2026-03-14",
            "amount": "12.50",
            "commodity": eur,
            "tolerance": "0",
        },
    }


MODELS = {
    COMMODITIES: Commodity,
    "/admin/ledger/payee/": Payee,
    "/admin/ledger/tag/": Tag,
    "/admin/ledger/price/": Price,
    "/admin/ledger/balanceassertion/": BalanceAssertion,
}


@pytest.mark.parametrize("page", MODELS)
def test_a_plain_row_is_added_refused_twice_changed_and_removed(home: Household, page: str) -> None:
    client, data, model = signed_in(home.editor), plain_pages(home)[page], MODELS[page]
    with home.scope():
        before = model.objects.count()
    assert client.post(page + "add/", data).status_code == 302
    with home.scope():
        made = model.objects.latest("pk")
        assert model.objects.count() == before + 1
        assert made.book == home.book
    again = client.post(page + "add/", data)
    assert wrong_fields(again) <= {"code", "name", "date"}
    assert client.get(f"{page}{made.pk}/change/").status_code == 200
    assert client.post(f"{page}{made.pk}/change/", data).status_code == 302
    assert "Added" in client.get(f"{page}{made.pk}/history/").text
    assert client.get(f"{page}{made.pk}/delete/").status_code == 200
    assert client.post(f"{page}{made.pk}/delete/", {"post": "yes"}).status_code == 302
    with home.scope():
        assert model.objects.count() == before


@pytest.mark.parametrize("page", MODELS)
def test_a_viewer_sees_a_plain_page_and_changes_nothing(home: Household, page: str) -> None:
    data = plain_pages(home)[page]
    assert signed_in(home.editor).post(page + "add/", data).status_code == 302
    with home.scope():
        made = MODELS[page].objects.latest("pk")
    client = signed_in(home.viewer)
    assert client.get(page).status_code == 200
    assert client.get(f"{page}{made.pk}/change/").status_code == 200
    for verb in ("add/", f"{made.pk}/change/", f"{made.pk}/delete/"):
        assert client.post(page + verb, data | {"post": "yes"}).status_code == 403, verb
    with home.scope():
        assert MODELS[page].objects.filter(pk=made.pk).exists()


def test_each_assertion_says_whether_it_holds(home: Household) -> None:
    page = "/admin/ledger/balanceassertion/"
    eur, day = home.commodities["EUR"], datetime.timedelta(1)
    client = signed_in(home.viewer)
    with home.scope():
        purse = books.open_account(home.book, "Assets:Cash:Purse", "asset")
        home.accounts["Purse"] = purse
        home.post("Cash 12.50", "Salary -12.50")
        home.post("Purse 2", "Salary -2")
        home.post("Cash 100", "Salary -100", date=DAY + 3 * day)

        def said(account: str, amount: str, **more: Any) -> BalanceAssertion:
            columns = {"date": DAY, "commodity": eur} | more
            return BalanceAssertion.objects.create(
                book=home.book, account=home.accounts[account], amount=amount, **columns
            )

        wanted = [
            (said("Cash", "12.50"), "Holds"),
            (said("Cash", "14.50", include_children=True), "Holds"),
            (said("Cash", "12", tolerance="0.50", date=DAY + day), "Holds"),
            (said("Cash", "10", date=DAY + 2 * day), "Off by 2.50 EUR"),
            (said("Purse", "0", commodity=home.commodities["USD"]), "Holds"),
            (said("Purse", "3"), "Off by −1.00 EUR"),
            (said("Cash", "7", date=datetime.date(2100, 1, 1)), "Not yet due"),
        ]
    with CaptureQueriesContext(connection) as asked:
        seen = text(client.get(page))
    found = re.findall(r'balanceassertion/([0-9]+)/change/.*?class="field-outcome">([^<]*)<', seen, re.DOTALL)
    assert sorted(found) == sorted((str(row.pk), outcome) for row, outcome in wanted)
    assert "Assets:Cash with sub-accounts" in seen
    assert "Off by 2.50 EUR" in text(client.get(f"{page}{wanted[3][0].pk}/change/"))
    assert "In the books" not in text(signed_in(home.editor).get(page + "add/"))
    with home.scope():
        for n in range(20):
            said("Bank", "0", date=DAY + n * day)
    with CaptureQueriesContext(connection) as more:
        client.get(page)
    assert len(more) == len(asked)


@pytest.mark.parametrize("value", ["1_000", "１２", "NaN", "1e999", "9" * 40, "-1", "0", "", "\x00", "x" * 10_000])
def test_a_wrong_price_is_said_at_its_field(home: Household, value: str) -> None:
    page = "/admin/ledger/price/"
    answer = signed_in(home.editor).post(page + "add/", plain_pages(home)[page] | {"value": value})
    assert wrong_fields(answer) == {"value"}
    assert f'value="{value}"' in text(answer) or not value
    with home.scope():
        assert not Price.objects.exists()


def test_what_is_used_is_not_removed(home: Household) -> None:
    with home.scope():
        row = home.post("Food 1", "Cash -1", payee="Market", tags=["trip"])
        tag = row.tags.get()
    client = signed_in(home.editor)
    used = {
        "/admin/ledger/payee/": row.payee_id,
        "/admin/ledger/tag/": tag.pk,
        COMMODITIES: home.commodities["EUR"].pk,
        ACCOUNTS: home.accounts["Cash"].pk,
    }
    for page, pk in used.items():
        answer = client.post(f"{page}{pk}/delete/", {"post": "yes"}, follow=True)
        assert "It is still used and cannot be removed." in text(answer), page
    with home.scope():
        assert Payee.objects.filter(name="Market").exists()
        assert Tag.objects.filter(pk=tag.pk).exists()


# --- Members


def test_an_owner_changes_roles_and_removes_members_of_his_own_book(home: Household) -> None:
    other = Household("Neighbours")
    client = signed_in(home.owner)
    seen = client.get(MEMBERS).text
    for person in (home.owner, home.editor, home.viewer):
        assert person.email in seen
    assert other.owner.email not in seen
    with home.scope():
        editor, viewer = (
            Membership.objects.get(user=person, book=home.book) for person in (home.editor, home.viewer)
        )
    assert (
        client.post(f"{MEMBERS}{editor.pk}/change/", {"role": "viewer", "user": home.owner.pk}).status_code == 302
    )
    assert client.post(f"{MEMBERS}{viewer.pk}/delete/", {"post": "yes"}).status_code == 302
    with home.scope():
        editor.refresh_from_db()
        assert (editor.role, editor.user_id) == ("viewer", home.editor.pk)
        assert not Membership.objects.filter(pk=viewer.pk).exists()
    assert "role editor → viewer" in text(client.get(f"{MEMBERS}{editor.pk}/history/"))
    assert client.get(MEMBERS + "add/").status_code == 403
    with other.scope():
        foreign = Membership.objects.get(user=other.editor, book=other.book)
    for pk in (foreign.pk, 999_999_999):
        assert client.get(f"{MEMBERS}{pk}/change/").status_code == 404
        assert client.post(f"{MEMBERS}{pk}/delete/", {"post": "yes"}).status_code == 404


def test_the_last_owner_stays(home: Household) -> None:
    client = signed_in(home.owner)
    with home.scope():
        own = Membership.objects.get(user=home.owner, book=home.book)
    answer = client.post(f"{MEMBERS}{own.pk}/change/", {"role": "viewer"})
    assert wrong_fields(answer) == {"role"}
    assert "A book keeps at least one owner." in text(answer)
    answer = client.post(f"{MEMBERS}{own.pk}/delete/", {"post": "yes"}, follow=True)
    assert "A book keeps at least one owner." in text(answer)
    with home.scope():
        assert Membership.objects.get(pk=own.pk).role == "owner"


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_nobody_but_an_owner_sees_the_members(home: Household, role: str) -> None:
    client = signed_in(getattr(home, role))
    with home.scope():
        own = Membership.objects.get(user=home.owner, book=home.book)
    for page in ("", f"{own.pk}/change/", f"{own.pk}/delete/", f"{own.pk}/history/"):
        answer = client.get(MEMBERS + page)
        assert answer.status_code == 403, page
        assert home.owner.email not in answer.text


# --- Periods and logins


def test_an_owner_locks_and_unlocks_and_says_why(home: Household) -> None:
    client = signed_in(home.owner)
    assert (
        client.post("/admin/period/", {"date": "2026-03-31", "lock": "1", "reason": "closed"}).status_code == 302
    )
    seen = text(client.get("/admin/period/"))
    assert "locked through <strong>31 Mar 2026" in seen
    assert "<li>Locked through 31 Mar 2026</li>" in seen
    assert "“closed”" in seen
    refused = client.post("/admin/period/", {"date": "2026-01-31", "unlock": "1", "reason": ""})
    assert "Say why the period is opened again." in text(refused)
    assert 'value="2026-01-31"' in refused.text
    answer = client.post("/admin/period/", {"date": "", "unlock": "1", "reason": "a late bill"})
    assert answer.status_code == 302
    seen = text(client.get("/admin/period/"))
    assert "Nothing is locked." in seen
    assert "<li>Opened again</li>" in seen
    assert client.post("/admin/period/", {"date": "2026-03-31", "lock": "1"}).status_code == 302
    back = {"date": "2026-02-28", "unlock": "1", "reason": "so"}
    assert client.post("/admin/period/", back).status_code == 302
    assert "<li>Opened again after 28 Feb 2026</li>" in text(client.get("/admin/period/"))


def test_the_last_month_that_is_over_is_proposed_until_it_is_locked(home: Household) -> None:
    client = signed_in(home.owner)
    last = books.today(home.book, timezone.now()).replace(day=1) - datetime.timedelta(1)
    assert f'name="date" value="{show_day(last)}"' in client.get("/admin/period/").text
    client.post("/admin/period/", {"date": str(last), "lock": "1"})
    seen = client.get("/admin/period/").text
    assert "Locked through" in seen
    assert 'name="date" value=' not in seen


@pytest.mark.parametrize("date", ["", "x", "10000-01-01", "\x00"])
def test_a_lock_needs_a_day(home: Household, date: str) -> None:
    client = signed_in(home.owner)
    answer = client.post("/admin/period/", {"date": date, "lock": "1", "reason": "\x00"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert '<a href="#lock_date">' in answer.text
    assert "Nothing is locked." in client.get("/admin/period/").text


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_only_an_owner_locks(home: Household, role: str) -> None:
    client = signed_in(getattr(home, role))
    assert "period-form" not in client.get("/admin/period/").text
    assert client.post("/admin/period/", {"date": "2026-03-31", "lock": "1"}).status_code == 403
    assert "Nothing is locked." in client.get("/admin/period/").text


def test_a_superuser_makes_renames_and_switches_off_logins_but_deletes_none() -> None:
    root = User.objects.create_superuser("root@example.org", "password")
    client = signed_in(root)
    page = "/admin/users/user/"
    password = "correct horse battery"
    data = {
        "email": "Cleo@Example.org",
        "name": "Cleo",
        "usable_password": "true",
        "password1": password,
        "password2": password,
    }
    assert client.post(page + "add/", data).status_code == 302
    cleo = User.objects.get(email="cleo@example.org")
    assert cleo.check_password(password)
    assert "cleo@example.org" in client.get(page).text
    taken = client.post(page + "add/", data | {"email": "CLEO@example.org"})
    assert "email" in wrong_fields(taken) or "__all__" in wrong_fields(taken)
    change = f"{page}{cleo.pk}/change/"
    assert client.get(change).status_code == 200
    assert client.post(change, {"email": "cleo@example.org", "name": "Cleo B."}).status_code == 302
    cleo.refresh_from_db()
    assert (cleo.name, cleo.is_active) == ("Cleo B.", False)
    assert client.post(f"{page}{cleo.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{page}{cleo.pk}/password/").status_code == 200


def test_what_libraries_register_for_themselves_is_not_in_the_admin() -> None:
    assert all(isinstance(pages, PlainAdmin) for pages in admin.site._registry.values())
    root = User.objects.create_superuser("root@example.org", "password")
    client = signed_in(root)
    for page in ("auth/group/", "account/emailaddress/", "r/1/1/", "autocomplete/", "password_change/"):
        assert client.get("/admin/" + page).status_code == 404, page
