"""The account tree: figures of a day, and what is done to it."""

import datetime
import re

import pytest
from django.http import HttpResponse
from django.test import Client

from financetracker.accounts import books
from financetracker.accounts.models import Account
from financetracker.ledger.models import Price
from tests.builders import DAY, Household
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

TREE = "/admin/accounts/account/"
ARRANGE = TREE + "arrange/"


def sums(answer: HttpResponse) -> dict[str, str]:
    """What stands under the groups, by its name."""
    row = r'class="sum-row"><th[^>]*>([^<]*)</th>(?:<td class="wide-only"></td>)?<td[^>]*><data value="([^"]*)">'
    return dict(re.findall(row, answer.text))


def now(home: Household, name: str) -> Account:
    with home.scope():
        return Account.objects.get(pk=home.accounts[name].pk)


def beside(home: Household, name: str) -> list[str]:
    """The names beside an account, in their order."""
    with home.scope():
        rows = Account.objects.filter(book=home.book, parent=home.accounts[name].parent_id)
        return [row.name for row in sorted(rows, key=lambda row: (row.position, row.name))]


def do(client: Client, home: Household, verb: str, name: str) -> str:
    answer = client.post(ARRANGE, {"do": f"{verb}:{home.accounts[name].pk}"}, follow=True)
    assert answer.status_code == 200
    return text(answer)


def test_the_figures_are_those_of_a_day(home: Household) -> None:
    with home.scope():
        home.post("Bank 1000", "Salary -1000", date=datetime.date(2025, 12, 31))
        home.post("Bank 500", "Salary -500", date=DAY)
        home.post("Food 30", "Card -30", date=DAY + datetime.timedelta(1))
        home.post("Bank 10 USD @@ 9 EUR", "Bank -9", date=DAY)
        eur, usd = home.commodities["EUR"], home.commodities["USD"]
        Price.objects.create(book=home.book, commodity=usd, quote=eur, date=DAY, value="0.80")
    client = signed_in(home.viewer)
    # What there is counts from the beginning, what came and went from the first of January.
    assert sums(client.get(TREE + "?on=2026-03-14")) == {"Net worth": "1499.00", "Left over": "500"}
    assert sums(client.get(TREE + "?on=2026-03-15")) == {"Net worth": "1469.00", "Left over": "470"}
    assert sums(client.get(TREE + "?on=2025-12-31")) == {"Net worth": "1000", "Left over": "1000"}
    seen = text(client.get(TREE + "?on=2026-03-15"))
    for piece in ("since 1 Jan 2026, EUR", "end of 15 Mar 2026, EUR", "10.00 USD", "price of 14 Mar 2026"):
        assert piece in seen, piece


def test_spending_in_another_currency_needs_no_price(home: Household) -> None:
    with home.scope():
        home.post("Food 40 USD @@ 37.10 EUR", "Card -37.10", date=DAY)
    answer = signed_in(home.viewer).get(TREE + "?on=2026-03-15")
    assert sums(answer) == {"Net worth": "-37.10", "Left over": "-37.10"}
    assert "no price" not in text(answer)
    assert "40.00 USD" in text(answer)


@pytest.mark.parametrize("day", ["2026-02-30", "x", "10000-01-01", "%00"])
def test_a_day_that_is_none_is_said_and_today_is_shown(home: Household, day: str) -> None:
    answer = signed_in(home.viewer).get(f"{TREE}?on={day}")
    assert answer.status_code == 200
    assert 'class="errornote"' in answer.text


def test_accounts_lead_to_their_registers_and_groups_do_not(home: Household) -> None:
    seen = signed_in(home.viewer).get(TREE).text
    assert f"{home.accounts['Cash'].pk}/register/" in seen
    assert f"{home.accounts['Assets'].pk}/register/" not in seen
    assert "New account" not in seen
    assert 'id="arrange"' not in seen


def test_up_and_down_among_those_beside(home: Household) -> None:
    client = signed_in(home.editor)
    assert beside(home, "Cash") == ["Bank", "Cash", "Depot"]
    do(client, home, "up", "Cash")
    assert beside(home, "Cash") == ["Cash", "Bank", "Depot"]
    do(client, home, "up", "Cash")
    assert beside(home, "Cash") == ["Cash", "Bank", "Depot"]
    do(client, home, "down", "Bank")
    assert beside(home, "Cash") == ["Cash", "Depot", "Bank"]
    seen = client.get(ARRANGE).text
    assert f'value="up:{home.accounts["Cash"].pk}"' in seen
    assert seen.index('aria-label="Move Cash up" disabled') < seen.index('aria-label="Move Bank down" disabled')


def test_hide_and_show_again(home: Household) -> None:
    client = signed_in(home.editor)
    do(client, home, "hide", "Depot")
    assert now(home, "Depot").hidden
    tree = client.get(TREE)
    assert "Assets:Depot" not in tree.text
    assert "Show closed and hidden" in tree.text
    assert "Assets:Depot" in client.get(TREE + "?all").text
    do(client, home, "unhide", "Depot")
    assert not now(home, "Depot").hidden


def test_close_and_reopen(home: Household) -> None:
    client = signed_in(home.editor)
    do(client, home, "close", "Depot")
    assert now(home, "Depot").closed_on is not None
    assert "Assets:Depot" not in client.get(TREE).text
    do(client, home, "reopen", "Depot")
    assert now(home, "Depot").closed_on is None


def test_an_account_with_money_in_it_is_not_closed(home: Household) -> None:
    with home.scope():
        home.post("Food 12.50", "Card -12.50")
    client = signed_in(home.editor)
    assert "Liabilities:Card still holds 12.50 EUR: move it elsewhere first." in do(client, home, "close", "Card")
    assert now(home, "Card").closed_on is None
    do(client, home, "close", "Food")  # a category keeps what was spent
    assert now(home, "Food").closed_on is not None


def test_what_is_booked_later_keeps_an_account_open(home: Household) -> None:
    with home.scope():
        home.post("Food 1", "Cash -1", date=datetime.date(2100, 1, 1))
    assert (
        'class="error"'
        in signed_in(home.editor)
        .post(ARRANGE, {"do": f"close:{home.accounts['Food'].pk}"}, follow=True)
        .content.decode()
    )
    assert now(home, "Food").closed_on is None


@pytest.mark.parametrize(
    "wanted", ["", "up", "up:", "up:x", "fly:{pk}", "up:\x00", "up:" + "9" * 40, "hide:{foreign}"]
)
def test_a_verb_that_is_none_does_nothing(home: Household, wanted: str) -> None:
    foreign = Household("Neighbours").accounts["Cash"]
    typed = wanted.format(pk=home.accounts["Cash"].pk, foreign=foreign.pk)
    answer = signed_in(home.editor).post(ARRANGE, {"do": typed}, follow=True)
    assert "There is no such account in this book." in text(answer)
    assert not now(home, "Cash").hidden


def test_a_viewer_arranges_nothing(home: Household) -> None:
    client = signed_in(home.viewer)
    at = f"{TREE}{home.accounts['Cash'].pk}/place/"
    for page in (ARRANGE, at):
        assert client.get(page).status_code == 403
        assert client.post(page, {"do": f"hide:{home.accounts['Cash'].pk}"}).status_code == 403
    assert not now(home, "Cash").hidden


# --- Rename and move


def place(client: Client, home: Household, which: str, /, **typed: str) -> HttpResponse:
    account = now(home, which)
    parent = account.full_name.rpartition(":")[0]
    data = {"name": account.name, "parent": parent, "was": account.full_name} | typed
    answer: HttpResponse = client.post(f"{TREE}{account.pk}/place/", data)
    return answer


def test_renaming_takes_everything_below_along(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Bank:Savings", "asset")
    answer = place(signed_in(home.editor), home, "Bank", name=" Giro ")
    assert answer.status_code == 302
    assert answer["Location"].endswith("/register/")
    with home.scope():
        names = set(Account.objects.filter(type="asset").values_list("full_name", flat=True))
    assert {"Assets:Giro", "Assets:Giro:Savings"} < names


def test_moving_below_another_and_to_the_top(home: Household) -> None:
    client = signed_in(home.editor)
    assert place(client, home, "Depot", parent="bank").status_code == 302
    assert now(home, "Depot").full_name == "Assets:Bank:Depot"
    assert place(client, home, "Depot", parent="").status_code == 302
    assert now(home, "Depot").full_name == "Depot"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"name": ""}, "name", "An account has a name."),
        ({"name": "a:b"}, "name", "A name has no colon"),
        ({"name": "x" * 121}, "name", "at most 120"),
        ({"name": "a\x00"}, "name", "Null characters"),
        ({"name": "Bank"}, "name", "There is an account of this name at this place."),
        ({"parent": "Nowhere"}, "parent", "There is no account “Nowhere”."),
        ({"parent": "Food"}, "parent", "is of type"),
        ({"parent": "Cash"}, "parent", "An account cannot stand below itself."),
        ({"parent": "\x00"}, "parent", "Null characters"),
    ],
)
def test_a_wrong_place_is_said_at_its_field_and_kept(
    home: Household, typed: dict[str, str], field: str, sentence: str
) -> None:
    answer = place(signed_in(home.editor), home, "Cash", **typed)
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert sentence in text(answer)
    assert f'value="{typed[field]}"' in text(answer)
    assert now(home, "Cash").full_name == "Assets:Cash"


def test_who_was_slower_is_told_the_new_name(home: Household) -> None:
    client = signed_in(home.editor)
    with home.scope():
        books.place_account(
            home.accounts["Cash"], name="Wallet", parent=home.accounts["Assets"], was="Assets:Cash"
        )
    answer = place(client, home, "Cash", name="Purse", was="Assets:Cash")
    assert "It is called Assets:Wallet now." in text(answer)
    assert 'value="Purse"' in answer.text
    assert now(home, "Cash").name == "Wallet"
    assert place(client, home, "Cash", name="Purse", was="Assets:Wallet").status_code == 302
    assert now(home, "Cash").name == "Purse"


def test_a_new_account_begins_below_the_one_it_was_asked_for(home: Household) -> None:
    other = Household("Neighbours").accounts["Food"]
    client = signed_in(home.editor)
    seen = client.get(f"{TREE}add/?parent={home.accounts['Food'].pk}").text
    assert f'value="{home.accounts["Food"].pk}" selected' in seen
    assert 'value="expense" selected' in seen
    assert "selected" not in client.get(f"{TREE}add/?parent={other.pk}").text.replace('value="" selected', "")
