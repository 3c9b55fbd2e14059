"""Every change of every row of a book is written down, whoever makes it, and nothing else is."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.transaction import atomic
from django.db.utils import Error

from financetracker.accounts.scope import because
from tests import attacks
from tests.attacks import APP, OWNER, World, run, tables


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Two committed households."""
    with django_db_blocker.unblock():
        yield from attacks.build()


# A change of each table that is allowed, and how its rows are found again.
CHANGES = {
    "accounts_book": "name = 'Renamed'",
    "accounts_membership": "role = 'viewer'",
    "accounts_commodity": "name = 'Renamed'",
    "accounts_account": "notes = 'n'",
    "ledger_payee": "name = 'Renamed'",
    "ledger_tag": "name = 'renamed'",
    "ledger_transaction": "narration = 'n'",
    "ledger_transactiontag": "tag_id = %(second_tag)s",
    "ledger_posting": "memo = 'm'",
    "ledger_price": "value = 2",
    "ledger_balanceassertion": "amount = 2",
}
KEPT = {
    "ledger_transaction": ("ledger_transactionrevision", "transaction_id"),
    "ledger_posting": ("ledger_postingrevision", "posting_id"),
}
ROW = {
    "accounts_book": "book",
    "accounts_membership": "SELECT id FROM accounts_membership WHERE user_id = %(editor)s",
    "accounts_commodity": "JPY",
    "accounts_account": "box",
    "ledger_payee": "SELECT id FROM ledger_payee WHERE book_id = %(book)s AND name = 'Idle'",
    "ledger_tag": "second_tag",
    "ledger_transaction": "rent",
    "ledger_transactiontag": "SELECT id FROM ledger_transactiontag WHERE transaction_id = %(shop)s",
    "ledger_posting": "rent_bank",
    "ledger_price": "price",
    "ledger_balanceassertion": "assertion",
}


def test_every_table_is_tried(world: World) -> None:
    history = {"ledger_revision", "ledger_transactionrevision", "ledger_postingrevision"}
    assert CHANGES.keys() == tables().keys() - history


@pytest.mark.parametrize("using", [APP, OWNER])
@pytest.mark.parametrize("table", CHANGES)
def test_every_change_is_written_down(world: World, table: str, using: str) -> None:
    with world.undone(using):
        world.sql("INSERT INTO ledger_payee (book_id, name) VALUES (%(book)s, 'Idle')")
        world.sql("INSERT INTO ledger_tag (book_id, name) VALUES (%(book)s, 'second')")
        world.ids["second_tag"] = run("SELECT id FROM ledger_tag WHERE name = 'second'", using=using)[0][0]
        row = ROW[table]
        row = str(run(row % world.ids, using=using)[0][0]) if row.startswith("SELECT") else str(world[row])
        with because("to see it kept", using=using):
            assert world.sql(f"UPDATE {table} SET {CHANGES[table]} WHERE id = {row}") == 1
            assert world.sql(f"UPDATE {table} SET {CHANGES[table]} WHERE id = {row}") == 1  # no news
            if table == "ledger_posting":
                world.sql("DELETE FROM ledger_posting WHERE transaction_id = %(quad)s AND abs(amount) = 1")
                row = str(world["quad_food"])
            elif table == "ledger_transaction" and using == OWNER:
                world.sql(
                    f"WITH p AS (DELETE FROM ledger_posting WHERE transaction_id = {row})"
                    f" DELETE FROM ledger_transaction WHERE id = {row}"
                )
            elif table not in {"accounts_book", "ledger_transaction"}:
                assert world.sql(f"DELETE FROM {table} WHERE id = {row}") == 1
        kept, key = KEPT.get(table, ("ledger_revision", "row_id"))
        only = f"AND \"table\" = '{table}'" if key == "row_id" else ""
        found = run(
            f"SELECT operation, actor_id, source, reason FROM {kept} WHERE {key} = {row} {only} ORDER BY id",
            using=using,
        )
    who = (world["person"], "attack", "to see it kept") if using == APP else (None, "", "to see it kept")
    operations = [operation for operation, *_ in found]
    assert operations[0] == "insert"
    done = [tuple(rest) for operation, *rest in found if operation != "insert"]
    assert set(done) == {who}
    if table == "ledger_posting":
        assert operations == ["insert", "delete"]
    elif table == "accounts_book" or (table == "ledger_transaction" and using == APP):
        assert operations == ["insert", "update"]
    else:
        assert operations == ["insert", "update", "delete"]


def test_old_and_new_are_kept_whole(world: World) -> None:
    with world.undone(APP):
        world.sql("UPDATE accounts_account SET notes = 'n' WHERE id = %(box)s")
        ((old, new),) = run(
            "SELECT old, new FROM ledger_revision WHERE \"table\" = 'accounts_account' AND operation = 'update'"
            f" AND row_id = {world['box']}"
        )
        row = run(f"SELECT to_jsonb(a) - 'full_name' FROM accounts_account a WHERE id = {world['box']}")[0][0]
    assert json.loads(new) == json.loads(row)
    assert json.loads(old) == {**json.loads(row), "notes": ""}


def test_the_app_role_cannot_write_without_a_person(world: World) -> None:
    """Even where row security is told a book, history asks who it was."""
    with atomic():
        run(f"SELECT set_config('app.book', '{world['book']}', true), set_config('app.role', 'owner', true)")
        with pytest.raises(Error, match="no person is chosen") as refused, atomic():
            run(f"UPDATE accounts_account SET notes = 'n' WHERE id = {world['box']}")
        assert refused.value.__cause__.sqlstate == "42501"  # type: ignore[union-attr]
        run("SELECT set_config('app.book', '', true), set_config('app.role', '', true)")
