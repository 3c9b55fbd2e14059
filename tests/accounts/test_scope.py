"""The scope of a block: what it sets, what it puts back, and that nothing is seen outside of one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic
from django.db.utils import IntegrityError, ProgrammingError
from django.http import StreamingHttpResponse

import financetracker
from financetracker.accounts import books
from financetracker.accounts.models import Account, Book, Membership
from financetracker.accounts.scope import NOWHERE, NotAMember, because, current, scope
from financetracker.ledger import journal
from financetracker.ledger.models import Revision, Transaction, TransactionRevision
from financetracker.users.models import User
from tests.builders import Household, UserFactory


def settings() -> tuple[str, ...]:
    """What the database was told about the running block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"coalesce(current_setting('app.{s}', true), '')" for s in SETTINGS))
        return tuple(cursor.fetchone())


SETTINGS = ("user", "book", "role", "source", "reason")
NOTHING = ("", "", "", "", "")


def names() -> set[str]:
    return set(Account.objects.values_list("name", flat=True))


# --- The block


def test_code_outside_a_scope_fails_inside_testcase_too(home: Household) -> None:
    for look in (
        lambda: list(Account.objects.all()),
        lambda: Account.objects.filter(pk=home.accounts["Cash"].pk).update(name="Purse"),
        lambda: Account.objects.create(book=home.book, name="New", type="asset"),
        lambda: list(Transaction.objects.all()),
        lambda: list(Book.objects.all()),
        lambda: list(Revision.objects.all()),
    ):
        with pytest.raises(ProgrammingError, match=r"no (book|person) is chosen") as refused, atomic():
            look()
        assert refused.value.__cause__.sqlstate == "42501"  # type: ignore[union-attr]


def test_it_fails_after_a_scope_ended(home: Household) -> None:
    with home.scope():
        assert "Cash" in names()
    assert (settings(), current()) == (NOTHING, NOWHERE)
    with pytest.raises(ProgrammingError, match="no book is chosen"), atomic():
        names()


def test_it_fails_after_an_exception_inside_one(home: Household) -> None:
    def fail_half_way() -> None:
        books.open_account(home.book, "Assets:Purse", "asset")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), home.scope():
        fail_half_way()
    assert (settings(), current()) == (NOTHING, NOWHERE)
    with pytest.raises(ProgrammingError, match="no book is chosen"), atomic():
        names()
    with home.scope():
        assert "Purse" not in names()


def test_it_fails_after_the_database_refused_something_inside_one(home: Household) -> None:
    with pytest.raises(IntegrityError), home.scope():
        Account.objects.create(book=home.book, name="A:B", type="asset")
    assert (settings(), current()) == (NOTHING, NOWHERE)


def test_a_released_savepoint_takes_nothing_with_it(home: Household) -> None:
    with atomic():
        with home.scope():
            pass
        assert settings() == NOTHING


def test_nested_scopes_are_put_back(home: Household) -> None:
    other = Household("Other")
    with home.scope(home.editor), because("spring cleaning"):
        outer = settings()
        assert outer == (str(home.editor.pk), str(home.book.pk), "editor", "test", "spring cleaning")
        with scope(other.owner.pk, other.book.pk):
            assert settings() == (str(other.owner.pk), str(other.book.pk), "owner", "test", "")
            assert current().role == "owner"
        assert settings() == outer
        assert (current().book_id, current().role) == (home.book.pk, "editor")
        with pytest.raises(ZeroDivisionError), scope(other.owner.pk, other.book.pk, source="import"):
            _ = 1 / 0
        assert settings() == outer
        with pytest.raises(NotAMember), scope(home.editor.pk, other.book.pk):
            pytest.fail("a stranger came in")
        assert settings() == outer
        assert "Cash" in names()


def test_a_stranger_cannot_enter(home: Household) -> None:
    stranger = UserFactory()
    for person, book in ((stranger.pk, home.book.pk), (None, home.book.pk), (home.owner.pk, -1), (-1, None)):
        with pytest.raises(NotAMember), scope(person, book):
            pytest.fail("a stranger came in")
    assert settings() == NOTHING


def test_who_may_not_log_in_cannot_enter(home: Household) -> None:
    User.objects.filter(pk=home.editor.pk).update(is_active=False)
    for book in (home.book.pk, None):
        with pytest.raises(NotAMember), scope(home.editor.pk, book):
            pytest.fail("a deactivated person came in")


def test_a_person_may_leave_a_book_inside_a_nested_block(home: Household) -> None:
    with home.scope(), scope(home.owner.pk, home.book.pk):
        Membership.objects.filter(user=home.editor).delete()
    with home.scope():
        Membership.objects.filter(user=home.viewer).update(role="owner")
        with home.scope():
            Membership.objects.filter(user=home.owner).delete()
        assert settings()[0] == str(home.owner.pk)
    with pytest.raises(NotAMember), home.scope():
        pytest.fail("came back")


def test_a_streamed_answer_needs_a_scope_of_its_own(home: Household) -> None:
    with home.scope():
        lazy = StreamingHttpResponse(f"{name}\n" for name in Account.objects.values_list("name").iterator())
    with pytest.raises(ProgrammingError, match="no book is chosen"), atomic():
        b"".join(lazy)  # type: ignore[arg-type]

    def rows() -> Iterator[str]:
        with home.scope():
            yield from Account.objects.values_list("name", flat=True).iterator()

    assert b"Cash" in b"".join(StreamingHttpResponse(rows()))  # type: ignore[arg-type]


def test_because_is_kept_by_history(home: Household) -> None:
    with home.scope():
        with because("a new purse"):
            books.open_account(home.book, "Assets:Purse", "asset")
            with because(" "):
                Account.objects.filter(name="Purse").update(notes="red")
            with because("x" * 600):
                Account.objects.filter(name="Purse").update(notes="blue")
            Account.objects.filter(name="Purse").update(notes="green")
        Account.objects.filter(name="Purse").update(notes="")
        told = Revision.objects.filter(table="accounts_account", new__name="Purse").order_by("id")
        assert [row.reason for row in told] == ["a new purse", "a new purse", "x" * 500, "a new purse", ""]
        assert {row.source for row in told} == {"test"}


def test_a_reason_around_a_verb_without_one_stays(home: Household) -> None:
    with home.scope():
        made = home.post("Food 1", "Cash -1")
        with because("the shop was closed"):
            journal.void(made, version=1)
        assert TransactionRevision.objects.latest("id").reason == "the shop was closed"


def test_one_query_enters_and_one_leaves(home: Household, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(4), home.scope():  # and a savepoint, because a test is a block already
        pass


def test_only_scope_sets_the_settings() -> None:
    root = Path(financetracker.__file__).parent
    told = re.compile(
        r"enter_book\s*\(|set_config\s*\(|\bSET\s+(?:LOCAL\s+|SESSION\s+)?[\"']?app\.", re.IGNORECASE
    )
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix in {".py", ".sql", ".html", ".json"} and told.search(path.read_text("utf-8"))
    }
    # One lists the functions, the other says who may call them: neither calls any.
    named = {"ledger/sql/shipped.json", "accounts/migrations/0003_definers_for_the_app.py"}
    assert found - named == {"accounts/scope.py", "accounts/sql/scope.sql"}
