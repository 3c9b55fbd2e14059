"""What the search box understands, and what the database finds by it."""

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback

from financetracker.accounts.models import Account
from financetracker.ledger import journal, search
from financetracker.ledger.models import Transaction
from financetracker.ledger.search import Days, Kind, days_named
from financetracker.writing import locale
from financetracker.writing.locale import Locale
from tests.builders import Household

TODAY = datetime.date(2026, 11, 25)  # a Wednesday
GERMAN = Locale("de", ",", ".", "dmy")
AMERICAN = Locale("en-us", ".", ",", "mdy")


def days(text: str, first_day: int = 0) -> str:
    found = days_named(text, today=TODAY, first_day=first_day)
    return f"{found.since}..{found.until}" if found else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", "2026-01-01..2026-12-31"),
        ("2024-02", "2024-02-01..2024-02-29"),
        ("2026-Q3", "2026-07-01..2026-09-30"),
        ("2026q4", "2026-10-01..2026-12-31"),
        ("2026-3-1", "2026-03-01..2026-03-01"),
        ("14.3.2026", "2026-03-14..2026-03-14"),
        ("today", "2026-11-25..2026-11-25"),
        ("Yesterday", "2026-11-24..2026-11-24"),
        ("this week", "2026-11-23..2026-11-29"),
        ("last week", "2026-11-16..2026-11-22"),
        ("this month", "2026-11-01..2026-11-30"),
        ("last month", "2026-10-01..2026-10-31"),
        ("last year", "2025-01-01..2025-12-31"),
        ("2026-01..2026-03", "2026-01-01..2026-03-31"),
        ("2025..", "2025-01-01..None"),
        ("..2025-06-30", "None..2025-06-30"),
        ("9999-12", "9999-12-01..9999-12-31"),
        *[(text, "") for text in ("", "..", "2026-13", "2026-02-30", "1850", "0000-01", "32.1.2026", "x..2026")],
    ],
)
def test_days_are_called_many_things(text: str, expected: str) -> None:
    assert days(text) == expected


def test_the_week_begins_where_the_book_says_and_the_day_stands_where_the_person_writes_it() -> None:
    assert days("this week", first_day=6) == "2026-11-22..2026-11-28"
    assert days("last week", first_day=2) == "2026-11-18..2026-11-24"
    with locale.use(AMERICAN):
        assert days("3/14/2026") == "2026-03-14..2026-03-14"
        assert not days("14/3/2026")


ACCOUNTS = [
    Account(pk=n, full_name=name, name=name.rpartition(":")[2])
    for n, name in enumerate(("Assets:Checking", "Expenses:Food", "Expenses:Food:Eating out", "Assets:Cash"), 1)
]


def understood(text: str) -> list[tuple[Any, ...]]:
    ground = search.Ground(TODAY, 0, ACCOUNTS)
    return [(term.kind, term.said) for term in search.understand(text, ground)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("greenmarket", [(Kind.WORDS, "“greenmarket”")]),
        ("food", [(Kind.WORDS, "“food” or in Food")]),
        ("-food", [(Kind.WORDS, "neither “food” nor in Food")]),
        ("eating", [(Kind.WORDS, "“eating” or in Eating out")]),
        ("ash", [(Kind.WORDS, "“ash”")]),  # words of an account are met from their beginning
        ('"weekly shop" -trip', [(Kind.WORDS, "“weekly shop”"), (Kind.WORDS, "not “trip”")]),
        (">100", [(Kind.AMOUNT, "more than 100")]),
        ("<=12.50", [(Kind.AMOUNT, "12.50 or less")]),
        ("42.50", [(Kind.AMOUNT, "42.50")]),
        ("-12.50", [(Kind.AMOUNT, "12.50")]),  # the sign of a number, and not asked for
        ("10..20", [(Kind.AMOUNT, "from 10 to 20")]),
        ("2026-03", [(Kind.DAYS, "1 Mar – 31 Mar 2026")]),
        ("last month", [(Kind.DAYS, "1 Oct – 31 Oct 2026")]),
        ("last supper", [(Kind.WORDS, "“last”"), (Kind.WORDS, "“supper”")]),
        ('"last month"', [(Kind.WORDS, "“last month”")]),
        ("since:2026-03", [(Kind.DAYS, "since 1 Mar 2026")]),
        ("until:yesterday", [(Kind.DAYS, "until 24 Nov 2026")]),
        ("-2026", [(Kind.AMOUNT, "2026")]),
        ("#trip", [(Kind.TAG, "#trip")]),
        ("-#trip tag:x", [(Kind.TAG, "not #trip"), (Kind.TAG, "#x")]),
        ("account:checking", [(Kind.ACCOUNT, "Assets:Checking")]),
        ('account:"eating out"', [(Kind.ACCOUNT, "Expenses:Food:Eating out")]),
        ("account:nowhere", [(Kind.WRONG, "There is no account “nowhere”.")]),
        ("payee:lupo", [(Kind.PAYEE, "payee “lupo”")]),
        ("state:cleared", [(Kind.STATE, "cleared")]),
        ("state:void", [(Kind.STATE, "void")]),
        ("state:odd", [(Kind.WRONG, "“odd” is no state of a leg.")]),
        ("since:whenever", [(Kind.WRONG, "“whenever” is no day that I know.")]),
        ("http://x", [(Kind.WORDS, "“http://x”")]),
        ('# - "', [(Kind.WORDS, "“#”"), (Kind.WORDS, "“-”")]),
    ],
)
def test_what_was_typed_is_understood_in_words(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert understood(text) == expected


def test_amounts_are_read_as_the_person_writes_them() -> None:
    ground = search.Ground(TODAY, 0, [])
    with locale.use(GERMAN):
        (term,) = search.understand(">1.234,50", ground)
        assert term.amounts == (("gt", Decimal("1234.50")),)
        (wrong,) = search.understand(">1,234.5", ground)
        assert wrong.kind is Kind.WRONG
        (low,) = search.understand("20..10,5", ground)
        assert low.amounts == (("gte", Decimal("10.5")), ("lte", Decimal(20)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("green", {"shop"}),
        ("-green", {"rent", "card", "swap", "lost"}),
        ("WEEKLY", {"shop"}),
        ('"weekly shop"', {"shop"}),
        ('"shop weekly"', set()),
        ("paper", {"rent"}),  # in the notes
        ("inv-7", {"rent"}),  # in the code
        ("teapot", {"card"}),  # in the memo of a leg
        ("-teapot 2026-02", set()),
        ("food", {"shop", "card", "lost"}),
        ("food -card", {"shop", "lost"}),
        ("account:assets -account:cash", {"rent"}),
        ("12.50", {"shop"}),
        (">99 -landlord", set()),
        (">=99", {"rent", "card"}),
        ("10..50", {"shop", "swap"}),
        ("#trip", {"shop"}),
        ("#TRIP", {"shop"}),
        ("-#trip 2026-03", {"rent", "swap", "lost"}),
        ("state:cleared", {"swap"}),
        ("state:void", {"lost"}),
        ("-state:void green", {"shop"}),
        ("2026-02", {"card"}),
        ("-2026-02", {"shop", "rent", "swap", "lost"}),
        ("since:2026-03-02", {"shop", "swap", "lost"}),
        ("until:2026-03-01", {"rent", "card"}),
        ("100%", {"card"}),
        ("_", set()),
        ("nowhere:to", set()),
        ("account:nowhere", set()),
    ],
)
def test_the_search_finds(found_by: Callable[[str], set[str]], text: str, found: set[str]) -> None:
    assert found_by(text) == found


@pytest.fixture(scope="module")
def found_by(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[str], set[str]]]:
    """A function from what is typed to the names of what is found, over a book that is taken back."""
    with django_db_blocker.unblock(), atomic():
        home = Household()
        names = filled(home)

        def find(text: str) -> set[str]:
            with home.scope():
                accounts = list(Account.objects.filter(book=home.book))
                terms = search.understand(text, search.Ground(TODAY, 0, accounts))
                rows = Transaction.objects.filter(search.condition(home.book, terms))
                return {names[row.pk] for row in rows}

        yield find
        set_rollback(True)


def filled(home: Household) -> dict[int, str]:
    with home.scope():
        shop = home.post("Food 12.50", "Cash -12.50", payee="Greenmarket", narration="Weekly shop", tags=["trip"])
        first = datetime.date(2026, 3, 1)
        rent = home.post("Rent 1200", "Bank -1200", payee="Landlord", date=first, notes="on paper", code="INV-7")
        teapot = home.leg("Food 99", memo="Teapot")
        card = home.post(teapot, "Card -99", narration="100% sure", date=datetime.date(2026, 2, 1))
        swap = home.post("Bank 50 USD @@ 45 EUR", "Cash -45", narration="Exchange")
        journal.clear(home.book, swap.postings.all())
        lost = home.post("Food 7", "Cash -7", narration="Mistake")
        journal.void(lost, version=1)
    rows = {"shop": shop, "rent": rent, "card": card, "swap": swap, "lost": lost}
    return {row.pk: name for name, row in rows.items()}


def test_days_are_said_in_words() -> None:
    march = datetime.date(2026, 3, 1)
    assert str(Days(march, march)) == "1 Mar 2026"
    assert str(Days(march, datetime.date(2027, 1, 2))) == "1 Mar 2026 – 2 Jan 2027"
    assert str(Days(march, None)) == "since 1 Mar 2026"
    assert str(Days(None, march)) == "until 1 Mar 2026"
