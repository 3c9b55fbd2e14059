"""The transaction pages of the admin: real requests, asserting what a person sees and what the books hold."""

import datetime
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from financetracker.accounts import books
from financetracker.ledger import journal
from financetracker.ledger.models import Payee, Posting, Transaction
from financetracker.users.models import User
from tests.builders import Household, new_id

pytestmark = pytest.mark.django_db

LIST = "/admin/ledger/transaction/"
ADD = LIST + "add/"


@pytest.fixture
def home() -> Household:
    return Household()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form_data(home: Household, *legs: tuple[str, str] | dict[str, str], n: int = 1, **head: str) -> dict[str, Any]:
    """What a browser sends for a new transaction."""
    data = {
        "date": "2026-03-14",
        "public_id": str(new_id(n)),
        "version": "",
        "book": str(home.book.public_id),
    } | head
    for index, leg in enumerate(legs):
        columns = leg if isinstance(leg, dict) else {"account": leg[0], "amount": leg[1]}
        data |= {f"leg-{index}-{name}": value for name, value in columns.items()}
    return data


SHOP = (("Expenses:Food", "12.50"), ("Assets:Cash", "-12.50"))


def rows(home: Household) -> list[tuple[str, Decimal]]:
    with home.scope():
        found = Posting.objects.filter(book=home.book).order_by("transaction", "position")
        return [(leg.account.name, leg.amount) for leg in found.select_related("account")]


def test_a_transaction_is_entered_and_seen(home: Household) -> None:
    client = signed_in(home.editor)
    answer = client.post(ADD, form_data(home, *SHOP, payee="Greenmarket", narration="Weekly shop", tags="#trip"))
    assert answer.status_code == 302, answer.text
    assert rows(home) == [("Food", Decimal("12.50")), ("Cash", Decimal("-12.50"))]
    with home.scope():
        made = Transaction.objects.get()
        assert made.payee == Payee.objects.get(name="Greenmarket")
        assert [tag.name for tag in made.tags.all()] == ["trip"]
    assert answer["Location"] == f"{LIST}{made.pk}/change/"
    seen = client.get(LIST).text
    assert "Greenmarket" in seen
    assert "Weekly shop" in seen
    assert "−12.50" in seen
    assert "Cash → Food" in seen
    assert 'value="12.50"' in client.get(answer["Location"]).text
