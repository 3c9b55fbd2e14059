"""The list of transactions: what was understood, how many there are, pages both ways, and the file."""

import csv
import datetime
import html
import io
import re

import pytest
from django.http import HttpResponse

from financetracker.ledger import journal
from financetracker.ledger.search import MOST
from tests.builders import DAY, Household, new_id
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"


def words(answer: HttpResponse, tag_id: str) -> str:
    """What an element says, without its markup; empty where there is none."""
    found = re.search(rf'<(\w+)[^>]* id="{tag_id}".*?</\1>', answer.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[0])).split()) if found else ""


def shops(home: Household, count: int) -> None:
    with home.scope():
        entries = [
            home.entry(
                "Food 1",
                "Cash -1",
                narration=f"n{i:04}.",
                date=DAY + datetime.timedelta(i % 7),
                public_id=new_id(i),
            )
            for i in range(count)
        ]
        journal.post_many(home.book, entries)


def names_on(answer: HttpResponse) -> list[str]:
    return re.findall(r">(n[0-9]{4}\.)</a>", answer.text)


def link(answer: HttpResponse, tag_id: str) -> str:
    found = re.search(rf'id="{tag_id}"[^>]*href="([^"]*)"', answer.text)
    return LIST + html.unescape(found[1]) if found else ""


def test_what_was_understood_is_said_and_can_be_taken_away(home: Household) -> None:
    answer = signed_in(home.viewer).get(LIST, {"q": 'food >10 "a b"', "state": "cleared", "since": "2026-03-01"})
    said = words(answer, "chips")
    for piece in ("“food” or in Food", "more than 10", "“a b”", "cleared", "since 1 Mar 2026"):
        assert piece in said, said
    assert 'href="?q=food+%22a+b%22&amp;state=cleared&amp;since=2026-03-01"' in answer.text
    assert 'href="?q=food+%3E10+%22a+b%22&amp;since=2026-03-01"' in answer.text


def test_what_was_not_understood_finds_nothing_and_says_so(home: Household) -> None:
    shops(home, 1)
    answer = signed_in(home.viewer).get(LIST, {"q": "account:nowhere"})
    assert "There is no account “nowhere”." in words(answer, "chips")
    assert 'class="chip is-wrong"' in answer.text
    assert "Nothing fits." in text(answer)


def test_few_are_counted_and_added_up(home: Household) -> None:
    with home.scope():
        home.post("Food 10", "Cash -10", payee="Spar")
        home.post("Food 5.50", "Card -5.50", payee="Spar")
        home.post("Bank 7", "Cash -7", payee="Spar")
        journal.void(home.post("Food 99", "Cash -99", payee="Spar"), version=1)
    answer = signed_in(home.viewer).get(LIST, {"q": "spar"})
    assert words(answer, "found") == "4 found, total −15.50 EUR, on average −3.88 EUR"
    assert '<data value="-15.50">' in answer.text
    assert words(signed_in(home.viewer).get(LIST), "found") == ""


def test_of_many_nobody_counts_the_rest(home: Household) -> None:
    shops(home, MOST)
    client = signed_in(home.viewer)
    assert words(client.get(LIST, {"q": "food"}), "found").startswith("1 000 found, total −1 000.00 EUR")
    with home.scope():
        home.post("Food 1", "Cash -1")
    assert words(client.get(LIST, {"q": "food"}), "found") == "More than 1 000 found"


def test_pages_lead_both_ways_and_skip_nothing(home: Household) -> None:
    shops(home, 130)
    client = signed_in(home.viewer)
    pages = [client.get(LIST + "?q=n")]
    while older := link(pages[-1], "older"):
        pages.append(client.get(older))
    names = [names_on(page) for page in pages]
    assert [len(page) for page in names] == [50, 50, 30]
    assert len({name for page in names for name in page}) == 130
    assert not link(pages[0], "newer")
    back = client.get(link(pages[2], "newer"))
    assert names_on(back) == names[1]
    assert names_on(client.get(link(back, "older"))) == names[2]
    top = client.get(link(back, "newer"))
    assert names_on(top) == names[0]
    assert not link(top, "newer")


def rows_of(answer: HttpResponse) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))  # type: ignore[attr-defined]


def test_the_file_holds_what_is_listed_in_plain_numbers(home: Household) -> None:
    home.owner.locale = "de"
    home.owner.save()
    with home.scope():
        home.post("Food 1234.50", "Cash -1234.50", payee="Spar", narration="Große", tags=["b", "a"], code="7")
        home.post("Food 3", "Cash -3", payee="Other")
        home.post("Bank 50 USD @@ 45 EUR", "Cash -45", payee="Spar")
        journal.void(home.post("Food 7", "Cash -7", payee="Spar"), version=1)
        home.post("Food 700 JPY @@ 4.105 HOOL", "Depot -4.105 HOOL", payee="Spar Tokyo")
    answer = signed_in(home.owner).get(LIST + "csv/?q=spar")
    assert answer["Content-Disposition"].startswith('attachment; filename="home-transactions-')
    rows = rows_of(answer)
    assert [row["amount"] for row in rows] == ["-4.105", "-7.00", "45.00", "-1234.50"]
    big = rows[-1]
    assert (big["date"], big["payee"], big["narration"], big["amount"]) == (
        "2026-03-14",
        "Spar",
        "Große",
        "-1234.50",
    )
    assert (big["commodity"], big["accounts"], big["tags"]) == ("EUR", "Assets:Cash > Expenses:Food", "a b")
    assert rows[1]["void"] == "void"
    assert list(rows[0]) == [
        *("date", "payee", "narration", "accounts", "amount", "commodity", "state", "void"),
        *("tags", "code", "notes", "transaction"),
    ]


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_the_file_holds_no_formula(home: Household, word: str) -> None:
    with home.scope():
        home.post("Food 1", "Cash -1", payee="Spar", narration=word.strip(), notes=word)
    (row,) = rows_of(signed_in(home.owner).get(LIST + "csv/"))
    assert row["narration"] == "'" + word.strip()
    assert row["notes"] == "'" + word
    assert row["amount"] == "-1.00"


def test_the_file_is_whole_however_long(home: Household) -> None:
    shops(home, 1100)
    rows = rows_of(signed_in(home.viewer).get(LIST + "csv/"))
    assert len({row["narration"] for row in rows}) == 1100
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)
