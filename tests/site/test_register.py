"""The register of an account: figures, states as buttons, pages, filters and the file."""

import csv
import datetime
import html
import io
import re

import pytest
from django.http import HttpResponse

from financetracker.accounts import books
from financetracker.ledger import journal
from financetracker.ledger.models import Posting, Transaction
from tests.builders import DAY, Household, new_id
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db


def of(home: Household, name: str) -> str:
    return f"/admin/accounts/account/{home.accounts[name].pk}/register/"


def lines(answer: HttpResponse) -> list[tuple[str, str, str]]:
    """Title, amount and balance of each row."""
    found = []
    for row in re.findall(r'<tr id="leg-.*?</tr>', answer.text, re.DOTALL):
        title = re.search(r"<th[^>]*><a[^>]*>(.*?)</a>", row, re.DOTALL)
        values = re.findall(r'<data value="([^"]*)">', row)
        assert title is not None
        found.append((html.unescape(title[1]), *values))
    return found


def test_each_line_has_the_balance_after_it_in_the_natural_sign(home: Household) -> None:
    with home.scope():
        home.post("Card -50", "Food 50", payee="Spar")
        home.post("Bank -30", "Card 30", payee="Visa", date=DAY + datetime.timedelta(1))
        journal.void(home.post("Card -9", "Food 9"), version=1)
    client = signed_in(home.viewer)
    card = client.get(of(home, "Card"))
    assert lines(card) == [("Visa", "-30", "20"), ("Spar", "50", "50")]
    assert lines(client.get(of(home, "Food"))) == [("Spar", "50", "50")]
    assert lines(client.get(of(home, "Bank"))) == [("Visa", "-30", "-30")]
    assert "Food" in text(card)
    assert "Liabilities" in text(card)


def test_what_the_bank_confirmed_stands_on_top(home: Household) -> None:
    with home.scope():
        one = home.post("Bank 100", "Salary -100")
        home.post("Bank -30", "Food 30", date=datetime.date(2100, 1, 1))
        journal.clear(home.book, one.postings.all())
    seen = text(signed_in(home.viewer).get(of(home, "Bank")))
    figures = dict(re.findall(r"<dt>([^<]*)</dt><dd[^>]*><data value=\"([^\"]*)\">", seen))
    assert [value for name, value in figures.items() if name.startswith("Balance")] == ["100"]
    assert (figures["Cleared"], figures["Uncleared"], figures["With what is to come"]) == ("100", "-30", "70")


def test_a_leg_is_cleared_in_its_place_and_back(home: Household) -> None:
    with home.scope():
        row = home.post("Food 12.50", "Cash -12.50")
        leg = row.postings.get(account=home.accounts["Cash"])
    client = signed_in(home.editor)
    page = of(home, "Cash") + "?q=food"
    assert f'name="posting" value="{leg.pk}:cleared"' in client.get(page).text
    answer = client.post(page, {"posting": f"{leg.pk}:cleared"})
    assert (answer.status_code, answer["Location"]) == (302, f"?q=food#leg-{leg.pk}")
    with home.scope():
        assert [*Posting.objects.order_by("position").values_list("state", flat=True)] == ["uncleared", "cleared"]
    assert f'name="posting" value="{leg.pk}:uncleared"' in client.get(page).text
    client.post(page, {"posting": f"{leg.pk}:uncleared"})
    with home.scope():
        assert Posting.objects.get(pk=leg.pk).state == "uncleared"


def test_a_reconciled_leg_has_no_button_and_stays(home: Household) -> None:
    with home.scope():
        home.post("Food 1", "Cash -1")
        leg = Posting.objects.get(account=home.accounts["Cash"])
        Posting.objects.filter(pk=leg.pk).update(state="reconciled")
    client = signed_in(home.editor)
    seen = client.get(of(home, "Cash")).text
    assert f'value="{leg.pk}:' not in seen
    assert 'class="toggle" disabled' in seen
    answer = client.post(of(home, "Cash"), {"posting": f"{leg.pk}:uncleared"}, follow=True)
    assert "A reconciled leg stays reconciled." in text(answer)
    with home.scope():
        assert Posting.objects.get(pk=leg.pk).state == "reconciled"


@pytest.mark.parametrize(
    "wanted", ["", "x", "{other}:cleared", "{leg}:reconciled", "{leg}:\x00", "9" * 40 + ":cleared"]
)
def test_only_legs_of_this_account_are_set(home: Household, wanted: str) -> None:
    with home.scope():
        row = home.post("Food 12.50", "Cash -12.50")
        leg, other = (row.postings.get(account=home.accounts[name]).pk for name in ("Cash", "Food"))
    client = signed_in(home.editor)
    answer = client.post(of(home, "Cash"), {"posting": wanted.format(leg=leg, other=other)}, follow=True)
    assert 'class="error"' in answer.text
    with home.scope():
        assert set(Posting.objects.values_list("state", flat=True)) == {"uncleared"}


def test_a_viewer_sees_marks_and_no_buttons(home: Household) -> None:
    with home.scope():
        leg = home.post("Food 12.50", "Cash -12.50").postings.first()
    client = signed_in(home.viewer)
    seen = client.get(of(home, "Cash")).text
    assert "toggle" not in seen.replace("theme-toggle", "")
    assert 'id="add-here"' not in seen
    assert leg is not None
    assert client.post(of(home, "Cash"), {"posting": f"{leg.pk}:cleared"}).status_code == 403


@pytest.mark.parametrize(("name", "type_", "is_there"), [("Cash", "Assets", True), ("Food", "Expenses", False)])
def test_a_transfer_begins_at_an_account_of_ones_own(
    home: Household, name: str, type_: str, is_there: bool
) -> None:
    client = signed_in(home.editor)
    seen = client.get(f"/admin/accounts/account/{home.accounts[name].pk}/register/").text
    begins = f'/admin/ledger/transaction/transfer/?source={type_}%3A{name}"'
    assert (begins in seen) is is_there
    if is_there:
        assert 'value="Assets:Cash"' in client.get("/admin/ledger/transaction/transfer/?source=Assets%3ACash").text


def test_a_filtered_register_keeps_the_balances_of_the_whole_account(home: Household) -> None:
    with home.scope():
        for day, (name, amount) in enumerate((("Spar", 10), ("Shell", 20), ("Spar", 5), ("Other", 1))):
            row = home.post(
                f"Food {amount}",
                f"Cash -{amount}",
                payee=name,
                date=DAY + datetime.timedelta(day),
                tags=[name.lower()],
            )
        journal.clear(home.book, row.postings.filter(account=home.accounts["Food"]))
    client = signed_in(home.viewer)
    assert lines(client.get(of(home, "Cash") + "?q=spar")) == [("Spar", "-5", "-35"), ("Spar", "-10", "-10")]
    assert lines(client.get(of(home, "Cash") + "?q=%23shell")) == [("Shell", "-20", "-30")]
    assert lines(client.get(of(home, "Cash") + "?q=%3E15")) == [("Shell", "-20", "-30")]
    # The state is that of the account's own leg.
    assert lines(client.get(of(home, "Cash") + "?state=cleared")) == []
    assert lines(client.get(of(home, "Food") + "?state=cleared")) == [("Other", "1", "36")]
    assert lines(client.get(of(home, "Food") + "?q=-state:uncleared")) == [("Other", "1", "36")]


def test_pages_lead_both_ways_with_exact_balances(home: Household) -> None:
    with home.scope():
        entries = [home.entry(f"Cash {i + 1}", f"Salary -{i + 1}", public_id=new_id(i)) for i in range(120)]
        journal.post_many(home.book, entries)
    client = signed_in(home.viewer)
    pages = [client.get(of(home, "Cash"))]
    while found := re.search(r'id="older" rel="next" href="([^"]*)"', pages[-1].text):
        pages.append(client.get(of(home, "Cash") + html.unescape(found[1])))
    seen = [line for page in pages for line in lines(page)]
    assert len(pages) == 3
    assert [int(amount) for _title, amount, _balance in seen] == list(range(120, 0, -1))
    assert all(int(balance) == sum(range(int(amount) + 1)) for _title, amount, balance in seen)
    back = re.search(r'id="newer" rel="prev" href="([^"]*)"', pages[2].text)
    assert back is not None
    assert lines(client.get(of(home, "Cash") + html.unescape(back[1]))) == lines(pages[1])


def test_an_empty_register_says_what_to_do_next(home: Household) -> None:
    seen = text(signed_in(home.editor).get(of(home, "Depot")))
    assert "Nothing was booked here yet." in seen
    assert "?account=Assets%3ADepot" in seen
    assert "This account only groups others." in text(signed_in(home.editor).get(of(home, "Assets")))


def test_an_account_of_another_book_is_a_404_like_a_missing_one(home: Household) -> None:
    other = Household("Neighbours")
    client = signed_in(home.owner)
    for pk in (other.accounts["Cash"].pk, 999_999_999, 10**30):
        for page in ("register/", "register/csv/", "place/"):
            assert client.get(f"/admin/accounts/account/{pk}/{page}").status_code == 404
            assert client.post(f"/admin/accounts/account/{pk}/{page}", {}).status_code == 404


def test_the_file_of_a_register_has_its_balance(home: Household) -> None:
    with home.scope():
        home.post("Card -50", home.leg("Food 30", memo="=1"), "Rent 20", payee="Spar", tags=["x"])
        home.post("Bank -30", "Card 30", payee="Visa", date=DAY + datetime.timedelta(1))
        public_id = str(Transaction.objects.get(payee__name="Spar").public_id)
    answer = signed_in(home.viewer).get(of(home, "Card") + "csv/")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert [(row["payee"], row["amount"], row["balance"]) for row in rows] == [
        ("Visa", "-30.00", "20.00"),
        ("Spar", "50.00", "50.00"),
    ]
    assert rows[1]["accounts"] == "Expenses:Food, Expenses:Rent"
    assert (rows[1]["date"], rows[1]["transaction"], rows[1]["tags"]) == ("2026-03-14", public_id, "x")
    food = signed_in(home.viewer).get(of(home, "Food") + "csv/")
    assert ",'=1," in food.getvalue().decode()  # type: ignore[attr-defined]


def test_several_commodities_have_a_balance_each(home: Household) -> None:
    with home.scope():
        home.post("Bank 50 USD @@ 45 EUR", "Bank -45", payee="Exchange")
        books.open_account(home.book, "Assets:Yen", "asset", commodities=[home.commodities["JPY"]])
    answer = signed_in(home.viewer).get(of(home, "Bank"))
    assert sorted(lines(answer)) == [("Exchange", "-45", "-45"), ("Exchange", "50", "50")]
    assert text(answer).count("<dt>Balance") == 2
    assert "USD" in text(answer)
