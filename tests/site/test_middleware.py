"""One request, one scope: who gets which book, by real requests."""

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from financetracker.accounts import books
from financetracker.accounts.models import Book, Membership
from financetracker.accounts.scope import NOWHERE, current, scope
from financetracker.site import middleware
from financetracker.users.models import User
from tests.builders import Household, UserFactory
from tests.pages import signed_in

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"
CHOOSER = "/admin/book/"


def choose(client: Client, book: Book, **extra: str) -> str:
    answer = client.post(CHOOSER, {"book": str(book.public_id)} | extra)
    assert answer.status_code == 302
    return answer["Location"]


@pytest.fixture
def two(home: Household) -> tuple[User, Book, Book]:
    """A person with two books: editor of Home, owner of Choir."""
    return home.editor, home.book, books.create_book(home.editor, name="Choir", base="EUR")


def test_a_person_with_one_book_never_chooses(home: Household) -> None:
    answer = signed_in(home.viewer).get(LIST)
    assert answer.status_code == 200
    assert "Home" in answer.text


def test_a_person_with_several_books_chooses_one_and_comes_back(two: tuple[User, Book, Book]) -> None:
    person, home, choir = two
    client = signed_in(person)
    answer = client.get(LIST, {"q": "rent"})
    assert answer["Location"] == f"{CHOOSER}?next=%2Fadmin%2Fledger%2Ftransaction%2F%3Fq%3Drent"
    seen = client.get(answer["Location"]).text
    assert "Home" in seen
    assert "Choir" in seen
    assert choose(client, choir, next=LIST + "?q=rent") == LIST + "?q=rent"
    assert "Choir" in client.get(LIST).text
    assert client.session["book"] == str(choir.public_id)
    choose(client, home)
    assert 'id="site-name" href="/admin/book/" title="Choose a book">Home' in client.get(LIST).text


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\x00", "/\\evil"]
)
def test_the_way_back_stays_on_this_site(two: tuple[User, Book, Book], there: str) -> None:
    assert choose(signed_in(two[0]), two[1], next=there) == "/admin/"


@pytest.mark.parametrize("wanted", ["", "x", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_a_book_that_is_not_his_cannot_be_chosen(two: tuple[User, Book, Book], wanted: str) -> None:
    assert signed_in(two[0]).post(CHOOSER, {"book": wanted}).status_code == 404


def test_the_chooser_neither_shows_nor_takes_a_strangers_book(two: tuple[User, Book, Book]) -> None:
    other = Household("Neighbours")
    client = signed_in(two[0])
    assert "Neighbours" not in client.get(CHOOSER).text
    assert client.post(CHOOSER, {"book": str(other.book.public_id)}).status_code == 404


def test_a_book_in_the_session_that_was_lost_meanwhile_is_chosen_anew(
    home: Household, two: tuple[User, Book, Book]
) -> None:
    third = books.create_book(home.editor, name="Third", base="EUR")
    client = signed_in(home.editor)
    choose(client, home.book)
    assert client.get(LIST).status_code == 200
    with home.scope():
        Membership.objects.filter(book=home.book, user=home.editor).delete()
    assert client.get(LIST)["Location"].startswith(CHOOSER)
    assert "Home" not in client.get(CHOOSER).text
    assert third.name in client.get(CHOOSER).text


def test_who_lost_his_only_book_finds_no_page(home: Household) -> None:
    client = signed_in(home.viewer)
    with home.scope():
        Membership.objects.filter(book=home.book, user=home.viewer).delete()
    assert client.get(LIST).status_code == 404
    assert client.get("/admin/")["Location"] == "/admin/book/new/"


def test_a_membership_lost_between_two_statements_is_no_error(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list says he is a member; when the book is entered, he is no more."""
    chosen = middleware._chosen

    def lose_it(request: HttpRequest, memberships: list[Membership]) -> Membership | None:
        found = chosen(request, memberships)
        with scope(home.owner.pk, home.book.pk):
            Membership.objects.filter(pk=found.pk).delete()
        return found

    monkeypatch.setattr(middleware, "_chosen", lose_it)
    assert signed_in(home.viewer).get(LIST).status_code == 404


def test_a_deactivated_person_is_asked_to_log_in(home: Household) -> None:
    client = signed_in(home.owner)
    User.objects.filter(pk=home.owner.pk).update(is_active=False)
    answer = client.get(LIST)
    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/login/?next={LIST}"


def test_anonymous_is_led_to_the_login_and_back(home: Household) -> None:
    client = Client()
    answer = client.get(LIST, follow=True)
    assert answer.redirect_chain[-1][0] == "/users/login/?next=%2Fadmin%2Fledger%2Ftransaction%2F"
    answer = client.post(
        "/users/login/", {"login": home.viewer.email, "password": "password", "next": LIST}, follow=True
    )
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == LIST


def test_a_superuser_without_membership_sees_logins_and_no_page_of_a_book(home: Household) -> None:
    root = User.objects.create_superuser("root@example.org", "password")
    client = signed_in(root)
    assert client.get("/admin/")["Location"] == reverse("admin:users_user_changelist")
    assert client.get("/admin/users/user/").status_code == 200
    for page in (
        LIST,
        LIST + "add/",
        "/admin/accounts/account/",
        "/admin/ledger/payee/",
        "/admin/period/",
        "/admin/x/",
    ):
        assert client.get(page).status_code == 404, page


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
def test_nobody_else_finds_the_logins(home: Household, role: str) -> None:
    client, other = signed_in(getattr(home, role)), UserFactory()
    pages = ["", "add/", f"{other.pk}/change/", f"{other.pk}/password/", f"{other.pk}/delete/", "999999/change/"]
    for page in pages:
        assert client.get("/admin/users/user/" + page).status_code == 404, page
        assert client.post("/admin/users/user/" + page, {"email": "x@example.org"}).status_code == 404, page


def test_a_request_leaves_no_scope_behind(home: Household) -> None:
    assert signed_in(home.owner).get(LIST).status_code == 200
    assert current() == NOWHERE
    with pytest.raises(Exception, match="is chosen"):
        list(Book.objects.get(pk=home.book.pk).accounts.all())
