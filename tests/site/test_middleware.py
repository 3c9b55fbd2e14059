"""One request, one scope: who gets which book, by real requests."""

import pytest
from django.test import Client

from financetracker.accounts.models import Membership
from tests.builders import Household, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_person_with_one_book_never_chooses():
    home = Household()
    answer = signed_in(home.viewer).get(LIST)
    assert answer.status_code == 200
    assert "Home" in answer.text
