"""Logging in: by e-mail address, slowly for who guesses, and never by signing oneself up."""

import re

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, resolve, reverse

from financetracker.users.hashers import Argon2Hasher
from financetracker.users.models import User
from tests.builders import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return UserFactory(email="ana@example.org", password="a long pass phrase")


def log_in(client: Client, login: str, password: str) -> tuple[int, str]:
    """Status and text of what the login page answers; a login that worked is a 302."""
    answer = client.post(reverse("account_login"), {"login": login, "password": password})
    return answer.status_code, re.sub(r"<[^>]*>|\s+", " ", answer.content.decode())


def test_passwords_take_19_mib_and_two_passes() -> None:
    encoded = Argon2Hasher().encode("a long pass phrase", "saltsaltsaltsalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2Hasher().verify("a long pass phrase", encoded)
    assert not Argon2Hasher().verify("another pass phrase", encoded)


def test_only_argon2_hashes_outside_the_tests(settings: pytest.FixtureRequest) -> None:
    assert settings.PASSWORD_HASHERS[1:] == ["financetracker.users.hashers.Argon2Hasher"]


@pytest.mark.parametrize("typed", ["ana@example.org", "Ana@Example.org", " ana@example.org "])
def test_a_login_is_an_address_in_any_case(typed: str, ana: User, client: Client) -> None:
    assert log_in(client, typed, "a long pass phrase")[0] == 302
    assert client.session["_auth_user_id"] == str(ana.pk)


@pytest.mark.usefixtures("ana")
def test_a_wrong_password_and_an_unknown_address_look_the_same(client: Client) -> None:
    wrong, unknown = log_in(client, "ana@example.org", "guess"), log_in(client, "eve@example.org", "guess")
    assert wrong[0] == 200
    assert "not correct" in wrong[1]
    assert wrong[1].replace("ana@", "eve@") == unknown[1]
    assert "_auth_user_id" not in client.session


@pytest.mark.usefixtures("ana")
def test_who_guesses_is_stopped_even_with_the_right_password(client: Client) -> None:
    for _ in range(5):
        assert "Too many" not in log_in(client, "ana@example.org", "guess")[1]
    status, text = log_in(client, "ana@example.org", "a long pass phrase")
    assert "Too many failed login attempts" in text
    assert status != 302
    assert "_auth_user_id" not in client.session


@pytest.mark.usefixtures("ana")
def test_guesses_are_counted_in_the_database(client: Client) -> None:
    def counted() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM site_cache")
            return int(cursor.fetchone()[0])

    assert counted() == 0
    log_in(client, "ana@example.org", "guess")
    assert counted() > 0
    assert caches["default"]._max_entries == 100_000


def test_nobody_signs_himself_up(client: Client) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert client.get("/users/signup/").status_code == 404


@pytest.mark.usefixtures("ana")
def test_a_disabled_login_stays_out(client: Client) -> None:
    User.objects.update(is_active=False)
    log_in(client, "ana@example.org", "a long pass phrase")
    assert "_auth_user_id" not in client.session


def test_the_login_page_obeys_the_policy_it_sends(client: Client) -> None:
    answer = client.get(reverse("account_login"))
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    page = answer.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", page)


def test_a_login_holds_no_transaction_while_it_works() -> None:
    assert resolve("/users/login/").func._non_atomic_requests == {"default"}  # type: ignore[attr-defined]
    assert connection.settings_dict["ATOMIC_REQUESTS"]


@pytest.mark.usefixtures("ana")
def test_the_next_page_is_one_of_ours(client: Client) -> None:
    data = {"login": "ana@example.org", "password": "a long pass phrase", "next": "https://evil.example.net/"}
    answer = client.post(reverse("account_login"), data)
    assert (answer.status_code, answer["Location"]) == (302, "/")
