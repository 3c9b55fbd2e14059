"""The page of a transaction and the forms that begin with one: what a person reads, and what the books hold."""

import datetime
import html
import re
from decimal import Decimal
from typing import Any

import pytest

from financetracker.accounts import books
from financetracker.accounts.models import Account
from financetracker.ledger import derived, journal
from financetracker.ledger.models import Posting, Price, Transaction
from financetracker.ledger.pages.sentence import sentence
from tests.builders import DAY, Household, new_id
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"
SHOP = ("Food 12.50", "Cash -12.50")


def posted(home: Household, *of: str, **columns: Any) -> Transaction:
    with home.scope():
        return home.post(*(of or SHOP), **columns)


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the form on a page, were it sent as it is."""
    found = {}
    form = page.partition('id="entry-form"')[2] or page.partition('id="transfer-form"')[2]
    for tag in form.partition("</form>")[0].split("<input ")[1:]:
        said = dict(part.split("=", 1) for part in tag.partition(">")[0].split('" ') if "=" in part)
        said = {name.strip(): html.unescape(value.strip('"')) for name, value in said.items()}
        if "name" in said and said.get("type") not in {"submit", "checkbox", "radio"}:
            found[said["name"]] = said.get("value", "")
    for area in form.partition("</form>")[0].split("<textarea ")[1:]:
        found[area.partition('name="')[2].partition('"')[0]] = html.unescape(
            area.partition(">")[2].partition("</textarea>")[0]
        ).lstrip("\n")
    return found


def legs(home: Household, row: Transaction) -> list[tuple[str, Decimal]]:
    with home.scope():
        found = Posting.objects.filter(transaction=row).order_by("position").select_related("account")
        return [(leg.account.name, leg.amount) for leg in found]


# --- What happened, in a sentence


@pytest.mark.parametrize(
    ("of", "payee", "said"),
    [
        (SHOP, "Billa", "Paid 12.50 EUR to Billa from Cash for Food."),
        (SHOP, "", "Paid 12.50 EUR from Cash for Food."),
        (("Food 10", "Rent 2.50", "Card -12.50"), "Spar", "Paid 12.50 EUR to Spar from Card for Food and Rent."),
        (("Bank 2400", "Salary -2400"), "Acme", "Received 2\u00a0400.00 EUR from Acme into Bank as Salary."),
        (("Bank 2000", "Rent 400", "Salary -2400"), "", "Received 2\u00a0000.00 EUR into Bank as Salary."),
        (
            ("Cash 12.50", "Food -12.50"),
            "Billa",
            "Got back 12.50 EUR from Billa into Cash, spent before for Food.",
        ),
        (("Bank 100", "Cash -100"), "", "Moved 100.00 EUR from Cash to Bank."),
        (
            ("Bank 100", "Rent 2", "Cash -102"),
            "",
            "Moved 100.00 EUR from Cash to Bank, and paid 2.00 EUR for Rent.",
        ),
        (
            ("Bank 50 USD @@ 45 EUR", "Cash -45"),
            "",
            "Exchanged 45.00 EUR from Cash for 50.00 USD in Bank.",
        ),
        (
            ("Bank 50 USD @@ 45 EUR", "Rent 2.50", "Cash -47.50"),
            "",
            "Exchanged 45.00 EUR from Cash for 50.00 USD in Bank, and paid 2.50 EUR for Rent.",
        ),
        (
            ("Food 1000 JPY @@ 6.10 EUR", "Card -6.10"),
            "Nishiki",
            "Paid 6.10 EUR (1\u00a0000 JPY) to Nishiki from Card for Food.",
        ),
        (("Bank 500", "Opening -500"), "", "Bank began with 500.00 EUR, set against Opening."),
        (("Food 5", "Salary -5"), "", "Counted 5.00 EUR from Salary as Food."),
    ],
)
def test_a_transaction_in_a_sentence(home: Household, of: tuple[str, ...], payee: str, said: str) -> None:
    row = posted(home, *of, payee=payee)
    with home.scope():
        loaded = list(row.postings.select_related("account", "commodity").order_by("position"))
        assert sentence(loaded, payee) == said
    assert said in text(signed_in(home.viewer).get(f"{LIST}{row.pk}/"))


def test_a_category_is_named_with_what_stands_above_it(home: Household) -> None:
    with home.scope():
        home.accounts["Ben"] = books.open_account(home.book, "Income:Salary of all:Ben", "income")
    row = posted(home, "Bank 5", "Ben -5")
    assert "into Bank as Salary of all › Ben." in text(signed_in(home.viewer).get(f"{LIST}{row.pk}/"))


@pytest.mark.parametrize("of", [("Bank 5", "Rent 1", "Salary -6"), ("Bank 5", "Rent 1", "Cash -6")])
def test_a_salary_with_taxes_and_a_transfer_with_a_fee_are_no_purchases(
    home: Household, of: tuple[str, ...]
) -> None:
    assert 'id="refund"' not in signed_in(home.editor).get(f"{LIST}{posted(home, *of).pk}/").text


def test_many_accounts_are_cut_short(home: Household) -> None:
    with home.scope():
        for name in ("A", "B", "C"):
            home.accounts[name] = books.open_account(home.book, f"Expenses:{name}", "expense")
    row = posted(home, "A 1", "B 1", "C 1", "Food 1", "Cash -4")
    assert "for A, B and 2 more." in text(signed_in(home.viewer).get(f"{LIST}{row.pk}/"))


# --- The page


def test_the_page_says_what_happened_and_leads_on(home: Household) -> None:
    row = posted(home, payee="Billa", narration="Milk", notes="two\nlines", tags=["trip"], code="77")
    client = signed_in(home.editor)
    seen = text(client.get(f"{LIST}{row.pk}/"))
    for piece in ("<h1>Billa</h1>", "Milk", "14 Mar 2026", "two\nlines", "trip", "77", "Assets:Cash", "Entered"):
        assert piece in seen, piece
    for verb in ("change", "duplicate", "refund", "void", "reverse", "clear"):
        assert f"{LIST}{row.pk}/{verb}/" in seen, verb
    assert '<span class="proved">0.00</span>' in seen
    assert 'id="unsplit"' not in seen


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (("Bank 100", "Cash -100"), "Cash → Bank"),
        (("Bank 100", "Rent 2", "Cash -102"), "Cash → Bank"),
        (("Card 20", "Bank 30", "Cash -50"), "Cash → Card, Bank"),
        (("Bank 500", "Opening -500"), "Opening"),
        (SHOP, "Food"),
        (("Food 5", "Salary -5"), "Salary → Food"),
    ],
)
def test_what_nobody_named_is_called_by_its_accounts_everywhere(
    home: Household, of: tuple[str, ...], name: str
) -> None:
    row = posted(home, *of)
    client = signed_in(home.editor)
    account = home.accounts[of[-1].split()[0]].pk
    assert f"<h1>{name}</h1>" in text(client.get(f"{LIST}{row.pk}/"))
    assert f"<h1>History: {name}</h1>" in text(client.get(f"{LIST}{row.pk}/history/"))
    assert f"<h1>{name}</h1>" in text(client.get(f"{LIST}{row.pk}/change/"))
    for page in (LIST, "/admin/", f"/admin/accounts/account/{account}/register/"):
        seen = text(client.get(page))
        assert f'/transaction/{row.pk}/">{name}</a>' in seen, page
        assert f'<td class="for">{name}</td>' not in seen, page


def test_a_state_is_changed_on_the_page(home: Household) -> None:
    row = posted(home)
    with home.scope():
        leg = row.postings.get(account__name="Cash").pk
    client = signed_in(home.editor)
    assert f'value="{leg}:cleared"' in client.get(f"{LIST}{row.pk}/").text
    answer = client.post(f"{LIST}{row.pk}/clear/", {"version": "1", "posting": f"{leg}:cleared"})
    assert answer["Location"] == f"{LIST}{row.pk}/"
    seen = client.get(f"{LIST}{row.pk}/").text
    assert f'value="{leg}:uncleared"' in seen
    assert "uncleared → cleared" in html.unescape(seen)


def test_a_void_transaction_offers_to_be_brought_back_and_nothing_else(home: Household) -> None:
    row = posted(home)
    with home.scope():
        journal.void(row, version=1)
    seen = signed_in(home.editor).get(f"{LIST}{row.pk}/").text
    assert 'id="reinstate-form"' in seen
    for other in ("void-form", "reverse-form", "/refund/", "/duplicate/", "/change/", ":cleared"):
        assert other not in seen, other


def test_a_locked_day_is_said(home: Household) -> None:
    row = posted(home)
    with home.scope():
        journal.lock_through(home.book, DAY)
        moved = home.post("Bank 1", "Cash -1", date=DAY + datetime.timedelta(1))
    assert "The book is locked through 14 Mar 2026" in text(signed_in(home.viewer).get(f"{LIST}{row.pk}/"))
    client = signed_in(home.editor)
    for verb in ('id="void-form"', "/split/"):
        assert verb not in client.get(f"{LIST}{row.pk}/").text, verb
    assert 'id="void-form"' in client.get(f"{LIST}{moved.pk}/").text
    with home.scope():
        journal.lock_through(home.book, moved.date)
    for form in (f"{row.pk}/change/", f"{row.pk}/change/?wide=1", f"{moved.pk}/transfer/"):
        assert "The book is locked through 15 Mar 2026" in text(client.get(LIST + form)), form


@pytest.mark.parametrize(
    ("form", "field"), [("change/", "amount"), ("change/?wide=1", "leg-0-amount"), ("transfer/", "amount")]
)
def test_a_change_begins_at_the_amount(home: Household, form: str, field: str) -> None:
    row = posted(home, *(("Bank 5", "Cash -5") if form == "transfer/" else SHOP))
    (focused,) = re.findall(
        r"<input[^>]* autofocus[^>]*>", signed_in(home.editor).get(f"{LIST}{row.pk}/{form}").text
    )
    assert f'name="{field}"' in focused


# --- Again


def test_duplicate_begins_a_form_and_saves_nothing_before(home: Household) -> None:
    row = posted(home, payee="Billa", tags=["trip"], code="77", metadata={"import": "x"})
    client = signed_in(home.editor)
    begun = client.get(f"{LIST}{row.pk}/duplicate/")
    assert begun.status_code == 200
    with home.scope():
        assert Transaction.objects.count() == 1
    sent = fields(begun.text)
    assert sent["public_id"] != str(row.public_id)
    answer = client.post(f"{LIST}{row.pk}/duplicate/", sent)
    assert answer.status_code == 302, text(answer)
    with home.scope():
        made = Transaction.objects.exclude(pk=row.pk).get()
        assert (made.payee, made.metadata, made.code) == (row.payee, {}, "")
        assert made.date > row.date
        assert [tag.name for tag in made.tags.all()] == ["trip"]
    assert legs(home, made) == legs(home, row)


def test_a_refund_is_linked_both_ways_and_adds_up(home: Household) -> None:
    row = posted(home, payee="Billa")
    client = signed_in(home.editor)
    address = f"{LIST}{row.pk}/refund/"
    for n, part in enumerate(("2.50", "4.00")):
        sent = fields(client.get(address).text)
        assert sent["amount"] == "12.50"
        sent |= {"amount": part}
        assert client.post(f"{LIST}read/", sent).json()["says"] == f"Food: {part} EUR back into Cash"
        answer = client.post(address, sent)
        assert answer.status_code == 302, text(answer)
        again = client.post(address, sent)  # a double click
        assert again["Location"] == answer["Location"]
        with home.scope():
            assert Transaction.objects.count() == n + 2
    seen = text(client.get(answer["Location"]))
    assert f'href="{LIST}{row.pk}/"' in seen
    assert "It is a refund of Billa, 14 Mar 2026." in seen
    assert "Got back 4.00 EUR from Billa into Cash" in seen
    assert "Refunded so far: 6.50 EUR." in text(client.get(f"{LIST}{row.pk}/"))
    with home.scope():
        last = Transaction.objects.order_by("-pk")[0]
        assert last.metadata == {derived.REFUND_OF: str(row.public_id)}
        journal.void(last, version=1)
    assert "Refunded so far: 2.50 EUR." in text(client.get(f"{LIST}{row.pk}/"))


def test_a_refund_is_not_refunded(home: Household) -> None:
    row = posted(home)
    told_again = posted(home, metadata={derived.REFUND_OF: str(row.public_id)})
    client = signed_in(home.editor)
    assert 'id="refund"' in client.get(f"{LIST}{row.pk}/").text
    seen = text(client.get(f"{LIST}{told_again.pk}/"))
    assert 'id="refund"' not in seen
    assert "It is a refund of Food, 14 Mar 2026." in seen


def test_a_refund_keeps_its_link_when_it_is_amended(home: Household) -> None:
    row = posted(home, payee="Billa")
    client = signed_in(home.editor)
    sent = fields(client.get(f"{LIST}{row.pk}/refund/").text)
    made = client.post(f"{LIST}{row.pk}/refund/", sent)["Location"]
    amended = fields(client.get(f"{made}change/").text) | {"narration": "Broken glass", "amount": "3"}
    assert client.post(f"{made}change/", amended).status_code == 302
    seen = text(client.get(f"{LIST}{row.pk}/"))
    assert "Broken glass" in seen
    assert "Refunded so far: 3.00 EUR." in seen


def test_a_refund_has_no_number_of_its_own_choice(home: Household) -> None:
    row = posted(home)
    client = signed_in(home.editor)
    sent = fields(client.get(f"{LIST}{row.pk}/refund/").text) | {"public_id": str(new_id(5))}
    assert client.post(f"{LIST}{row.pk}/refund/", sent).status_code == 302
    with home.scope():
        assert Transaction.objects.order_by("-pk")[0].public_id == derived.refund_ids(row.public_id)[0]


def test_split_and_unsplit(home: Household) -> None:
    row = posted(home, "Food 12.55", "Cash -12.55")
    client = signed_in(home.editor)
    with home.scope():
        food = row.postings.get(account__name="Food").pk
    address = f"{LIST}{row.pk}/split/?leg={food}"
    sent = fields(client.get(address).text)
    assert [sent[f"leg-{n}-amount"] for n in range(3)] == ["6.28", "6.27", "-12.55"]
    sent["leg-1-account"] = "Expenses:Rent"
    assert client.post(address, sent).status_code == 302
    assert legs(home, row) == [("Food", Decimal("6.28")), ("Rent", Decimal("6.27")), ("Cash", Decimal("-12.55"))]
    assert 'id="unsplit"' in client.get(f"{LIST}{row.pk}/").text
    sent = fields(client.get(f"{LIST}{row.pk}/unsplit/").text)
    assert client.post(f"{LIST}{row.pk}/unsplit/", sent).status_code == 302
    assert legs(home, row) == [("Food", Decimal("12.55")), ("Cash", Decimal("-12.55"))]
    with home.scope():
        assert row.postings.get(account__name="Food").pk == food


@pytest.mark.parametrize("leg", ["", "x", "9" * 40, "-1", "１"])
def test_no_such_leg_is_a_404(home: Household, leg: str) -> None:
    row = posted(home)
    assert signed_in(home.editor).get(f"{LIST}{row.pk}/split/", {"leg": leg}).status_code == 404


def test_split_keeps_what_each_part_was_worth(home: Household) -> None:
    with home.scope():
        entry = home.entry("Food 1001 JPY @@ 6.11 EUR", "Cash -6.11", public_id=new_id(3))
        entry = journal.entry_of(journal.post(home.book, entry))
        parts = derived.split(entry, entry.legs[0].id or 0, 3)
        assert [(leg.amount, leg.weight) for leg in parts.legs[:3]] == [
            (Decimal(334), Decimal("2.04")),
            (Decimal(334), Decimal("2.04")),
            (Decimal(333), Decimal("2.03")),
        ]
        assert journal.residue(parts.legs) == {}
        assert derived.joined(parts).legs == entry.legs


# --- Transfers

TRANSFER = LIST + "transfer/"


def transfer(home: Household, **said: str) -> dict[str, str]:
    return {
        "public_id": str(new_id(1)),
        "version": "",
        "book": str(home.book.public_id),
        "date": "2026-03-14",
        "source": "Assets:Cash",
        "target": "Assets:Bank",
        "amount": "100",
    } | said


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ({}, [("Cash", "-100", "EUR", "-100"), ("Bank", "100", "EUR", "100")]),
        (
            {"fee": "2.50", "fee_account": "food"},
            [
                ("Cash", "-102.50", "EUR", "-102.50"),
                ("Bank", "100", "EUR", "100"),
                ("Food", "2.50", "EUR", "2.50"),
            ],
        ),
        (
            {"received": "110", "received_commodity": "USD"},
            [("Cash", "-100", "EUR", "-100"), ("Bank", "110", "USD", "100")],
        ),
        (
            {"amount": "18480", "commodity": "jpy", "received": "112.69", "fee": "200", "fee_account": "Rent"},
            [
                ("Cash", "-18680", "JPY", "-113.91"),
                ("Bank", "112.69", "EUR", "112.69"),
                ("Rent", "200", "JPY", "1.22"),
            ],
        ),
    ],
)
def test_a_transfer_is_written_and_opens_in_its_form_again(
    home: Household, said: dict[str, str], written: list[tuple[str, ...]]
) -> None:
    client = signed_in(home.editor)
    answer = client.post(TRANSFER, transfer(home, **said))
    assert answer.status_code == 302, text(answer)
    with home.scope():
        found = Posting.objects.order_by("position").select_related("account", "commodity")
        assert [(leg.account.name, leg.amount, leg.commodity.code, leg.weight) for leg in found] == [
            (name, Decimal(a), code, Decimal(w)) for name, a, code, w in written
        ]
        row, ids = found[0].transaction_id, [leg.pk for leg in found]
    assert client.post(TRANSFER, transfer(home, **said))["Location"] == answer["Location"]
    page = f"{LIST}{row}/transfer/"
    assert page in client.get(f"{LIST}{row}/").text
    sent = fields(client.get(page).text) | {"narration": "To the bank"}
    assert client.post(page, sent).status_code == 302
    with home.scope():
        made = Transaction.objects.get()
        assert (made.narration, made.version) == ("To the bank", 2)
        assert [leg.pk for leg in made.postings.order_by("position")] == ids


def test_the_next_transfer_begins_where_this_one_did(home: Household) -> None:
    client = signed_in(home.editor)
    answer = client.post(TRANSFER, transfer(home, _addanother="1"))
    begun = fields(client.get(answer["Location"]).text)
    assert (begun["date"], begun["source"], begun["target"]) == ("14 Mar 2026", "Assets:Cash", "")
    assert fields(client.get(f"{TRANSFER}?date=nonsense&source=Nowhere").text)["source"] == ""


def test_the_rate_of_an_exchange_is_shown(home: Household) -> None:
    client = signed_in(home.editor)
    said = {"received": "16399", "received_commodity": "JPY"}
    made = client.post(TRANSFER, transfer(home, **said))["Location"]
    assert "163.99 JPY per EUR" in text(client.get(f"{made}transfer/"))


def yen(home: Household, value: str, day: datetime.date = DAY, *, turned: bool = False) -> None:
    """Let the book know what a euro is worth in yen, or the other way round."""
    eur, jpy = home.commodities["EUR"], home.commodities["JPY"]
    one, other = (jpy, eur) if turned else (eur, jpy)
    with home.scope():
        Price.objects.create(book=home.book, commodity=one, quote=other, date=day, value=Decimal(value))


EXCHANGE = {"received_commodity": "JPY"}


@pytest.mark.parametrize(
    ("amount", "received", "said"),
    [
        ("100", "16399", ""),
        ("100", "17000", ""),
        ("100", "15600", ""),
        ("0.01", "1", ""),  # 1.64 yen are one yen or two
        ("100", "17500", "What you typed makes 175 JPY per EUR; by the price of 14 Mar 2026 it would be 164 JPY"),
        ("100", "1640", "What you typed makes 16.4 JPY per EUR; by the price of 14 Mar 2026 it would be 164 JPY"),
        ("100", "16", "What you typed makes 0.16 JPY per EUR; by the price of 14 Mar 2026 it would be 164 JPY"),
    ],
)
def test_a_rate_far_from_the_price_is_asked_about_and_never_refused(
    home: Household, amount: str, received: str, said: str
) -> None:
    yen(home, "164")
    client = signed_in(home.editor)
    data = transfer(home, amount=amount, received=received, **EXCHANGE)
    answer = client.post(TRANSFER, data)
    if not said:
        assert answer.status_code == 302
        return
    seen = text(answer)
    assert said in seen
    told = client.post(TRANSFER, data | {"read": "1", "anyway": "1"}).json()
    assert told["known"] == "by the price of 14 Mar 2026: 164 JPY per EUR"
    assert told["rate"].endswith((" JPY per EUR", " EUR per JPY"))
    assert client.post(TRANSFER, data | {"read": "1", "amount": "x"}).json() == {"rate": "", "known": ""}
    assert f'name="received" value="{received}" inputmode="decimal" class="amount" autofocus' in seen
    with home.scope():
        assert not Posting.objects.exists()
    saved = client.post(TRANSFER, fields(seen) | {"anyway": "another"})
    assert saved["Location"].startswith(f"{TRANSFER}?source=")
    with home.scope():
        made = Transaction.objects.get()
        assert made.postings.get(commodity__code="JPY").amount == Decimal(received)
    # What was right once is asked again only where it is changed.
    page = f"{LIST}{made.pk}/transfer/"
    opened = client.get(page)
    assert "by the price of 14 Mar 2026: 164 JPY per EUR" in text(opened)
    sent = fields(opened.text)
    assert client.post(page, sent | {"narration": "Airport"}).status_code == 302
    changed = client.post(page, sent | {"version": "2", "narration": "Airport", "received": "20"})
    assert 'id="far"' in changed.text


@pytest.mark.parametrize(
    ("day", "is_asked"),
    [(datetime.date(2026, 2, 11), True), (datetime.date(2026, 2, 10), False), (datetime.date(2026, 3, 15), False)],
)
def test_only_a_price_near_the_day_is_held_against_a_rate(
    home: Household, day: datetime.date, is_asked: bool
) -> None:
    yen(home, "0.00625", day, turned=True)
    seen = signed_in(home.editor).post(TRANSFER, transfer(home, received="1640", **EXCHANGE))
    assert ("160 JPY per EUR" in text(seen)) == is_asked
    assert seen.status_code == (200 if is_asked else 302)


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        ({"source": "Assets:Cas"}, "source", "There is no account “Assets:Cas”."),
        ({"source": ""}, "source", "required"),
        ({"source": "Food"}, "source", "Expenses:Food is a category"),
        ({"target": "Cash"}, "target", "It goes where it comes from"),
        ({"amount": "0"}, "amount", "Write an amount above zero."),
        ({"amount": "-5"}, "amount", "Write an amount above zero."),
        ({"amount": "1_0"}, "amount", "is not an amount"),
        ({"amount": "1.005"}, "amount", "EUR has at most 2 decimal places."),
        ({"commodity": "EURO"}, "commodity", "There is no commodity “EURO”."),
        ({"received_commodity": "USD"}, "received", "Say how much arrives in USD."),
        ({"received": "98"}, "received", "write a difference as the fee"),
        ({"fee": "2"}, "fee_account", "Say what the fee is booked as"),
        ({"fee": "2", "fee_account": "Bank"}, "fee_account", "Assets:Bank is no expense account."),
        ({"fee_account": "Food"}, "fee", "Say how much the fee is"),
        ({"date": "2026-02-30"}, "date", "not a day"),
        ({"narration": "a\x00"}, "narration", "Null"),
        ({"source": "\x00"}, "source", "Null"),
    ],
)
def test_what_is_wrong_with_a_transfer_is_said_at_its_field(
    home: Household, said: dict[str, str], field: str, sentence: str
) -> None:
    data = transfer(home, **{"narration": "Typed"} | said)
    answer = signed_in(home.editor).post(TRANSFER, data)
    assert answer.status_code == 200
    assert f'class="field field-{field} is-wrong"' in answer.text
    assert f'<a href="#id_{field}">' in answer.text
    assert sentence in text(answer)
    for value in data.values():
        assert value in text(answer)
    with home.scope():
        assert not Transaction.objects.exists()


def test_a_locked_day_and_a_closed_account_are_said_at_their_fields(home: Household) -> None:
    with home.scope():
        journal.lock_through(home.book, DAY)
        Account.objects.filter(name="Bank").update(closed_on=DAY)
    client = signed_in(home.editor)
    assert 'field-date is-wrong"' in client.post(TRANSFER, transfer(home)).text
    later = client.post(TRANSFER, transfer(home, date="2026-03-15")).text
    assert 'field-target is-wrong"' in later


def test_what_is_no_transfer_opens_in_the_other_form(home: Household) -> None:
    row = posted(home)
    answer = signed_in(home.editor).get(f"{LIST}{row.pk}/transfer/")
    assert answer["Location"] == f"{LIST}{row.pk}/change/"
    assert f"{LIST}{row.pk}/transfer/" not in signed_in(home.editor).get(f"{LIST}{row.pk}/").text


def test_who_is_slower_with_a_transfer_sees_both(home: Household) -> None:
    row = posted(home, "Bank 100", "Cash -100")
    client = signed_in(home.editor)
    sent = fields(client.get(f"{LIST}{row.pk}/transfer/").text)
    with home.scope():
        entry = journal.entry_of(row)
        journal.amend(row, derived.copied(entry, DAY + datetime.timedelta(days=3)), version=1)
    answer = client.post(f"{LIST}{row.pk}/transfer/", sent | {"amount": "77"})
    seen = text(answer)
    assert answer.status_code == 200
    assert "Somebody changed this transaction while you looked at it." in seen
    assert "17 Mar 2026" in seen
    assert 'value="77"' in seen
    sent = fields(answer.text)
    assert client.post(f"{LIST}{row.pk}/transfer/", sent).status_code == 302
    assert legs(home, row) == [("Cash", Decimal(-77)), ("Bank", Decimal(77))]


def test_a_viewer_transfers_nothing(home: Household) -> None:
    client = signed_in(home.viewer)
    assert client.get(TRANSFER).status_code == 403
    assert client.post(TRANSFER, transfer(home)).status_code == 403
