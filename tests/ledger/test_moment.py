"""What waited for a change is not recorded before it, and a transaction and its legs share one moment."""

import threading
import time
from dataclasses import replace

import pytest
from django.db import connections

from financetracker.ledger import journal, verify
from financetracker.ledger.models import Posting, PostingRevision, TransactionRevision
from tests.builders import Household
from tests.ledger.kept import look


def wait_for_a_lock() -> None:
    """Return as soon as a connection waits for another one's row."""
    until = time.monotonic() + 20
    with connections["owner"].cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_an_amendment_that_waited_for_a_cleared_leg_has_one_moment() -> None:
    home = Household()
    with home.scope():
        made = home.post("Food 12.50", "Cash -12.50")
        entry = journal.entry_of(made)
        entry = replace(entry, legs=[replace(leg, memo="later") for leg in entry.legs])
    failed: list[BaseException] = []

    def amend() -> None:
        try:
            with home.scope(home.editor):
                journal.amend(made, entry, version=1)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    with home.scope():
        leg = Posting.objects.select_for_update().get(transaction=made, position=0)
        other = threading.Thread(target=amend)
        other.start()
        wait_for_a_lock()
        journal.clear(home.book, [leg])
    other.join(20)
    assert not failed
    with home.scope():
        moment = TransactionRevision.objects.filter(transaction=made).latest("id").recorded_at
        cleared, touched = PostingRevision.objects.filter(posting=leg.pk).order_by("pk")[1:]
    assert moment == touched.recorded_at >= cleared.recorded_at
    assert verify.verify(look(), [verify.history_moves_together, verify.history_begins_and_goes_on]).findings == ()
