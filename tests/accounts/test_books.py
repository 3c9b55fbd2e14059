"""The writers of the chart of accounts: what they write, and what they refuse."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.transaction import atomic

from financetracker.accounts import books
from financetracker.accounts.errors import BrokenRule, NotAllowed, Refusal, Taken, Used, refusals
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.accounts.scope import NotAMember, because, scope
from financetracker.ledger.models import Revision
from financetracker.users.models import User
from tests.builders import Household, UserFactory


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


def test_create_book_makes_it_with_base_commodity_owner_and_history(person: User) -> None:
    book = books.create_book(person, name="Home", base="KWD", time_zone="Asia/Kuwait", source="admin")
    with scope(person.pk, book.pk):
        saved = Book.objects.get(pk=book.pk)
        assert (saved.name, saved.time_zone, saved.locked_through) == ("Home", "Asia/Kuwait", None)
        base = Commodity.objects.get()
        assert saved.base_commodity == base
        assert (base.code, base.name, base.kind, base.places, base.scale) == (
            "KWD",
            "Kuwaiti Dinar",
            "currency",
            3,
            3,
        )
        member = Membership.objects.get()
        assert (member.user, member.role) == (person, "owner")
        told = Revision.objects.order_by("table").values_list("table", "operation", "actor", "source")
        assert list(told) == [
            ("accounts_book", "insert", person.pk, "admin"),
            ("accounts_commodity", "insert", person.pk, "admin"),
            ("accounts_membership", "insert", person.pk, "admin"),
        ]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"base": "XYZ"}, "commodity_is_known"),
        ({"base": "eur"}, "commodity_is_known"),
        ({"base": "EUR", "time_zone": "Vienna"}, "time_zone_is_known"),
        ({"base": "EUR", "time_zone": "../etc/passwd"}, "time_zone_is_known"),
        ({"base": "EUR", "time_zone": ""}, "time_zone_is_known"),
    ],
)
def test_create_book_refuses(person: User, columns: dict[str, str], rule: str) -> None:
    with pytest.raises(Refusal) as refused:
        books.create_book(person, name="Home", **columns)
    assert refused.value.rule == rule
    with scope(person.pk, None):
        assert not Book.objects.exists()


def test_who_may_not_log_in_makes_no_book(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(NotAMember):
        books.create_book(person, name="Home", base="EUR")


def test_a_person_sees_his_books_before_he_chose_one(home: Household) -> None:
    other = Household("Other")
    with other.scope():
        books.add_member(other.book, home.editor, "viewer")
    with scope(home.editor.pk, None):
        assert {book.name for book in Book.objects.all()} == {"Home", "Other"}
        assert dict(Membership.objects.values_list("book__name", "role")) == {"Home": "editor", "Other": "viewer"}
    with scope(UserFactory().pk, None):
        assert not Book.objects.exists()
        assert not Membership.objects.exists()


def test_only_an_owner_changes_members(home: Household) -> None:
    newcomer = UserFactory()
    for user in (home.editor, home.viewer):
        with home.scope(user), pytest.raises(NotAllowed):
            books.add_member(home.book, newcomer, "viewer")
    with home.scope():
        added = books.add_member(home.book, newcomer, "viewer")
        with pytest.raises(Taken, match="member already"):
            books.add_member(home.book, newcomer, "owner")
    with home.scope(newcomer):
        assert Membership.objects.get(pk=added.pk).role == "viewer"


def test_the_last_owner_stays(home: Household) -> None:
    with home.scope():
        with pytest.raises(BrokenRule, match="at least one owner") as refused, atomic(), refusals():
            Membership.objects.filter(user=home.owner).delete()
        assert refused.value.rule == "book_keeps_an_owner"
        Membership.objects.filter(user=home.editor).update(role="owner")
        Membership.objects.filter(user=home.owner).delete()
    with pytest.raises(NotAMember), home.scope():
        pytest.fail("came back")


@pytest.mark.parametrize(("code", "places"), [("JPY", 0), ("KWD", 3), ("CLF", 4), ("EUR", 2)])
def test_currencies_have_the_places_of_the_standard(person: User, code: str, places: int) -> None:
    assert CURRENCIES[code].places == places


def test_add_commodity_knows_the_standard_and_takes_others(home: Household) -> None:
    with home.scope():
        dinar = books.add_commodity(home.book, "KWD")
        assert (dinar.name, dinar.kind, dinar.places, dinar.scale) == ("Kuwaiti Dinar", "currency", 3, 3)
        ether = books.add_commodity(home.book, "ETH", kind="crypto", places=8, scale=18)
        assert (ether.kind, ether.places, ether.scale) == ("crypto", 8, 18)
        hours = books.add_commodity(home.book, "hours")
        assert (hours.kind, hours.places) == ("other", 0)
        with pytest.raises(Taken, match="commodity of this code"):
            books.add_commodity(home.book, "EUR")
        with pytest.raises(BrokenRule, match="may not exceed 18") as refused:
            books.add_commodity(home.book, "BIG", places=2, scale=19)
        assert refused.value.rule == "commodity_places_within_scale"
        assert Commodity.objects.filter(code="BIG").count() == 0


def test_open_account_makes_the_missing_parents(home: Household) -> None:
    with home.scope():
        made = books.open_account(home.book, "Expenses:Car:Fuel:Diesel", "expense", code="7100", notes="n")
        assert Account.objects.get(pk=made.pk).full_name == "Expenses:Car:Fuel:Diesel"
        above = Account.objects.filter(full_name__startswith="Expenses:Car").order_by("full_name")
        assert list(above.values_list("full_name", "placeholder")) == [
            ("Expenses:Car", True),
            ("Expenses:Car:Fuel", True),
            ("Expenses:Car:Fuel:Diesel", False),
        ]
        assert (made.code, made.notes, made.type) == ("7100", "n", "expense")
        with pytest.raises(Taken, match="account of this name"):
            books.open_account(home.book, "Expenses:Car:Fuel", "expense")
        with pytest.raises(BrokenRule) as refused:
            books.open_account(home.book, "Expenses:Car:Loan", "liability")
        assert (refused.value.rule, refused.value.message) == (
            "account_type_equals_parent",
            "Expenses:Car:Loan is of type liability, but Expenses:Car is of type expense.",
        )


def test_full_names_follow_names_and_places(home: Household) -> None:
    with home.scope():
        books.open_account(home.book, "Assets:Bank:Giro:Old", "asset")
        Account.objects.filter(full_name="Assets:Bank:Giro").update(name="Current")
        Account.objects.filter(full_name="Assets").update(name="Vermögen")
        assert Account.objects.filter(full_name="Vermögen:Bank:Current:Old").exists()
        Account.objects.filter(name="Current").update(parent=home.accounts["Cash"])
        assert Account.objects.get(name="Old").full_name == "Vermögen:Cash:Current:Old"
        Account.objects.filter(name="Old").update(full_name="Elsewhere")
        assert Account.objects.get(name="Old").full_name == "Vermögen:Cash:Current:Old"
        with because("renaming is one change of one row"):
            Account.objects.filter(name="Current").update(name="Giro")
        assert Revision.objects.filter(reason__startswith="renaming").count() == 1


def test_full_names_are_right_when_children_come_first(home: Household) -> None:
    """One statement may insert accounts in any order: keys are checked at its end."""
    with home.scope():
        made = [
            Account(pk=-1, parent_id=-2, name="C", book=home.book, type="asset"),
            Account(pk=-4, parent_id=-1, name="D", book=home.book, type="asset"),
            Account(pk=-2, parent_id=-3, name="B", book=home.book, type="asset"),
            Account(pk=-3, parent=None, name="A", book=home.book, type="asset"),
        ]
        Account.objects.bulk_create(made)
        names = dict(Account.objects.filter(pk__lt=0).values_list("pk", "full_name"))
        assert names == {-1: "A:B:C", -4: "A:B:C:D", -2: "A:B", -3: "A"}


def test_an_editor_keeps_the_chart_and_a_viewer_does_not(home: Household) -> None:
    with home.scope(home.editor):
        books.open_account(home.book, "Assets:Purse", "asset")
        books.add_commodity(home.book, "CHF")
    with home.scope(home.viewer):
        for attempt in (
            lambda: books.open_account(home.book, "Assets:Safe", "asset"),
            lambda: books.add_commodity(home.book, "GBP"),
        ):
            with pytest.raises(NotAllowed, match="not change it"):
                attempt()
        assert Account.objects.filter(name="Purse").exists()
        assert not Account.objects.filter(name="Safe").exists()


def test_another_household_accounts_are_not_there(home: Household) -> None:
    other = Household("Other")
    with other.scope():
        with pytest.raises(NotAllowed):
            books.open_account(home.book, "Assets:Purse", "asset")
        with pytest.raises(NotAllowed):
            books.add_commodity(home.book, "GBP")


def test_what_a_key_holds_is_said_in_words(home: Household) -> None:
    def remove_a_parent() -> None:
        with refusals(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_account WHERE id = %s", [home.accounts["Cash"].parent_id])
            connection.check_constraints()

    with home.scope():
        with pytest.raises(Used, match="still used"), atomic():
            remove_a_parent()
        assert Account.objects.filter(pk=home.accounts["Cash"].parent_id).exists()


def test_today_is_the_household_own_day() -> None:
    late = datetime.datetime(2026, 3, 14, 23, 30, tzinfo=ZoneInfo("UTC"))
    days = {zone: books.today(Book(time_zone=zone), late) for zone in ("UTC", "Europe/Vienna", "America/New_York")}
    assert days == {
        "UTC": datetime.date(2026, 3, 14),
        "Europe/Vienna": datetime.date(2026, 3, 15),
        "America/New_York": datetime.date(2026, 3, 14),
    }
