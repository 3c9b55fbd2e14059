"""A lock that is not to be had, and a database that is away: a page that says so, and nothing half-written."""

import pytest
from django.db import connection, connections
from django.db.transaction import atomic
from django.test import Client

from financetracker.ledger.models import Transaction
from tests.builders import Household


@pytest.fixture
def home(transactional_db: None) -> Household:
    """A committed household, so that another connection can lock it."""
    return Household()


def test_a_lock_that_is_held_too_long(home: Household) -> None:
    client = Client()
    client.force_login(home.owner)
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
    with atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT FROM ledger_transaction WHERE id = %s FOR UPDATE", [made.pk])
        # The site's own limit is ten seconds; a test does not wait that long.
        with connection.cursor() as impatient:
            impatient.execute("SET lock_timeout = '100ms'")
        answer = client.post(f"/admin/ledger/transaction/{made.pk}/void/", {"version": "1"})
    with connection.cursor() as patient:
        patient.execute("RESET lock_timeout")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Nothing was saved." in answer.content.decode()
    with home.scope():
        assert not Transaction.objects.get().voided


def test_a_database_that_is_away(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(home.owner)
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    pool = connection.settings_dict["OPTIONS"].pop("pool", None)
    try:
        answer = client.get("/admin/ledger/transaction/")
    finally:
        connection.close()
        if pool is not None:
            connection.settings_dict["OPTIONS"]["pool"] = pool
    assert answer.status_code == 503
    assert "the database is away" in answer.content.decode()
