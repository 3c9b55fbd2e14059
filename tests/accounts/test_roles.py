"""What a person sees and may in a book, and what the two database roles may at all: row security and rights."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangosMigrate
from django.db import connections
from django.db.transaction import atomic, get_connection
from django.db.utils import Error, ProgrammingError

from financetracker.accounts.models import Commodity, Membership
from financetracker.accounts.scope import scope
from financetracker.ledger.models import Transaction
from tests import attacks
from tests.attacks import APP, OWNER, World, copy_of_a_row, run, sqlstate, tables


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Two committed households."""
    with django_db_blocker.unblock():
        yield from attacks.build()


# --- What a person sees and may


def test_every_table_is_tried(world: World) -> None:
    with world.undone(APP):
        empty = {name for name, book in tables().items() if not run(f"SELECT 1 FROM {name} LIMIT 1")}
    assert empty == set()
    assert len(tables()) >= 14


def test_a_viewer_sees_and_writes_nothing(world: World) -> None:
    for table in tables():
        with world.undone(APP, "viewer"):
            assert run(f"SELECT 1 FROM {table} LIMIT 1") == [(1,)]
            assert sqlstate(copy_of_a_row(table)) == "42501", table
            for write in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
                if sqlstate(write) != "42501":
                    assert run(write) == 0, write
    with pytest.raises(Error, match="row-level security"), world.undone(APP, "viewer"):
        Commodity.objects.bulk_create([Commodity(book_id=world["book"], code="NEW")])


def test_an_editor_writes_all_but_book_members_and_history(world: World) -> None:
    """The control of the test above: the same statements touch rows."""
    written = set()
    for table in tables():
        with world.undone(APP, "editor"):
            if not sqlstate(f"UPDATE {table} SET id = id") and run(f"UPDATE {table} SET id = id") > 0:
                written.add(table)
    assert set(tables()) - written == {
        "accounts_book",
        "accounts_membership",
        "ledger_postingrevision",
        "ledger_revision",
        "ledger_transactionrevision",
    }


def test_nobody_sees_or_writes_rows_of_another_book(world: World) -> None:
    theirs = world["their_book"]
    for table, column in tables().items():
        with world.undone(APP):
            there = run(f"SELECT count(*) FROM {table} WHERE {column} = %s", theirs, using=OWNER)[0][0]
            assert there > 0, table
            assert run(f"SELECT count(*) FROM {table} WHERE {column} = %s", theirs)[0][0] == 0
            for write in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
                assert sqlstate(f"{write} WHERE {column} = {theirs}") in {"", "42501"}
            assert run(f"SELECT count(*) FROM {table} WHERE {column} = %s", theirs, using=OWNER)[0][0] == there


def test_without_row_security_they_are_seen(world: World) -> None:
    """The control of the test above."""
    with world.undone(OWNER):
        seen = {
            table: run(f"SELECT count(*) FROM {table} WHERE {column} = %s", world["their_book"], using=OWNER)
            for table, column in tables().items()
        }
    assert all(count[0][0] > 0 for count in seen.values())


def test_nobody_lets_himself_into_a_book(world: World) -> None:
    for book, role in (("book", "owner"), ("book", "viewer"), ("their_book", "owner")):
        join = (
            f"INSERT INTO accounts_membership (book_id, user_id, role)"
            f" VALUES ({world[book]}, {world['stranger']}, '{role}')"
        )
        with scope(world["stranger"], None), pytest.raises(Error) as refused, atomic():
            run(join)
        assert refused.value.__cause__.sqlstate == "42501"  # type: ignore[union-attr]
    with scope(world["stranger"], world["their_book"]), pytest.raises(Error) as refused, atomic():
        Membership.objects.bulk_create(
            [Membership(book_id=world["book"], user_id=world["stranger"], role="owner")]
        )
    assert refused.value.__cause__.sqlstate == "42501"  # type: ignore[union-attr]


def test_an_editor_makes_nobody_a_member(world: World) -> None:
    with world.undone(APP, "editor"):
        add = (
            "INSERT INTO accounts_membership (book_id, user_id, role)"
            f" VALUES ({world['book']}, {world['stranger']}, 'viewer')"
        )
        assert sqlstate(add) == "42501"
        assert run("UPDATE accounts_membership SET role = 'owner'") == 0
        assert run("UPDATE accounts_book SET locked_through = NULL") == 0
    with world.undone(APP):
        assert run(add) == 1


def test_a_row_cannot_be_written_into_another_book(world: World) -> None:
    for table, column in tables().items():
        if column == "book_id":
            with world.undone(APP):
                assert sqlstate(f"UPDATE {table} SET book_id = {world['their_book']}") == "42501", table


def test_the_commit_ends_a_scope(world: World) -> None:
    """No test's own transaction is around this one, as in a request."""
    assert not connections[APP].in_atomic_block
    with scope(world["person"], world["book"]):
        pid = run("SELECT pg_backend_pid()")
    assert run("SELECT pg_backend_pid()") == pid
    assert run("SELECT current_setting('app.user', true), current_setting('app.book', true)") == [("", "")]
    assert sqlstate("SELECT * FROM accounts_account") == "42501"


def test_the_next_borrower_of_a_connection_has_no_book(world: World) -> None:
    with world.undone(APP):
        (mine,) = run("SELECT pg_backend_pid()")
    pids = set()
    for _ in range(20):
        connections[APP].close()  # gives it back to the pool
        pids |= set(run("SELECT pg_backend_pid()"))
        told = run("SELECT current_setting('app.user', true), current_setting('app.book', true)")
        assert told in ([(None, None)], [("", "")])
        assert sqlstate("SELECT * FROM accounts_account") == "42501"
    assert mine in pids, "the pool lent another connection: nothing was shown"


# --- The roles


DENIED = (
    "TRUNCATE ledger_posting",
    "TRUNCATE ledger_revision",
    "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_posting DISABLE ROW LEVEL SECURITY",
    "DROP POLICY seen ON ledger_posting",
    "DROP TRIGGER posting_insert ON ledger_posting",
    "SET session_replication_role = replica",
    "SET ROLE ft_owner",
    "SET SESSION AUTHORIZATION ft_owner",
    "ALTER ROLE ft_app BYPASSRLS",
    "CREATE TABLE own (id int)",
    "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA own",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9999', now())",
    "DELETE FROM django_migrations",
    "DELETE FROM ledger_transaction",
    *(
        f"{write} ledger_{table}{rest}"
        for table in ("revision", "transactionrevision", "postingrevision")
        for write, rest in (("UPDATE", " SET reason = ''"), ("DELETE FROM", ""))
    ),
    *(
        f"INSERT INTO ledger_{table} SELECT * FROM ledger_{table}"
        for table in ("revision", "transactionrevision", "postingrevision")
    ),
    "SELECT hold_gate(ARRAY[1])",
    "SELECT close_gate(ARRAY[1])",
    "SELECT residue_of(1)",
    "SELECT current_actor()",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY accounts_account TO PROGRAM 'cat'",
)


@pytest.mark.parametrize("statement", DENIED)
def test_denied_to_the_app_role(world: World, statement: str) -> None:
    with world.undone(APP):
        assert sqlstate(statement) == "42501"


def test_row_security_is_not_switched_off_by_a_setting(world: World) -> None:
    with world.undone(APP):
        run("SET LOCAL row_security = off")
        assert sqlstate("SELECT * FROM ledger_posting") == "42501"


def test_history_cannot_be_forged_through_a_table_of_ones_own(world: World) -> None:
    """A definer's trigger function on a temporary table would write what that table is told."""
    for call in ("record_row('book_id')", "record_posting()", "record_transaction()"):
        with world.undone(APP):
            run("CREATE TEMPORARY TABLE accounts_book (id bigint, book_id bigint) ON COMMIT DROP")
            hang = (
                "CREATE TRIGGER forge AFTER INSERT ON pg_temp.accounts_book REFERENCING NEW TABLE AS new_rows"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {call}"
            )
            assert sqlstate(hang) == "42501"


def test_with_the_right_to_it_history_is_forged(world: World) -> None:
    """The control of the test above."""
    with world.undone(OWNER):
        run("GRANT EXECUTE ON FUNCTION record_row() TO ft_app", using=OWNER)
        run("CREATE TEMPORARY TABLE forged (id bigint, book_id bigint) ON COMMIT DROP", using=OWNER)
        run(
            "CREATE TRIGGER forge AFTER INSERT ON forged REFERENCING NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION record_row('book_id')",
            using=OWNER,
        )
        run(f"INSERT INTO forged VALUES (1, {world['their_book']})", using=OWNER)
        assert run("SELECT 1 FROM ledger_revision WHERE \"table\" = 'forged'", using=OWNER) == [(1,)]


def test_the_app_role_is_a_plain_one(world: World) -> None:
    role = (
        "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " FROM pg_roles WHERE rolname = current_user"
    )
    assert run(role) == [("ft_app", False, False, False, False, False)]
    assert run("SELECT 1 FROM pg_auth_members WHERE member = current_user::regrole") == []
    assert run("SELECT 1 FROM pg_class WHERE relowner = current_user::regrole AND relpersistence = 'p'") == []
    assert run(role, using=OWNER)[0][:3] == ("ft_owner", False, False)


def test_the_suite_runs_as_the_app_role(world: World) -> None:
    assert get_connection().alias == APP
    assert run("SELECT session_user, current_user") == [("ft_app", "ft_app")]


def test_every_table_with_a_book_has_row_security(world: World) -> None:
    secured = dict(
        run(
            "SELECT c.relname, array_agg(p.cmd ORDER BY p.cmd) FROM pg_class c"
            " JOIN pg_policies p ON p.tablename = c.relname AND p.permissive = 'PERMISSIVE'"
            " WHERE c.relrowsecurity AND NOT c.relforcerowsecurity GROUP BY 1",
            using=OWNER,
        )
    )
    assert secured.keys() == tables().keys()
    history = {"ledger_revision", "ledger_transactionrevision", "ledger_postingrevision"}
    for table, commands in secured.items():
        wanted = ["SELECT"] if table in history else ["DELETE", "INSERT", "SELECT", "UPDATE"]
        if table == "accounts_book":
            wanted = ["SELECT", "UPDATE"]
        assert commands == wanted, table


def test_every_definer_function_has_a_fixed_path(world: World) -> None:
    found = run(
        "SELECT proname, coalesce(array_to_string(proconfig, '|'), ''), prorettype::regtype::text,"
        " has_function_privilege('ft_app', oid, 'EXECUTE') FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prosecdef",
        using=OWNER,
    )
    assert len(found) > 20
    assert [name for name, config, *_ in found if "search_path=pg_catalog, public, pg_temp" not in config] == []
    callable_by_app = {name for name, _config, _returns, granted in found if granted}
    assert callable_by_app == {"enter_book", "create_book"}
    plain = run(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT prosecdef"
        " AND prorettype = 'trigger'::regtype",
        using=OWNER,
    )
    assert plain == [("refuse_new_id",)], "a rule that runs with the caller's rights sees the caller's rows"


def test_migrate_on_the_wrong_alias_does_nothing(world: World) -> None:
    before = run("SELECT count(*) FROM django_migrations")
    with pytest.raises(CommandError, match="Only the owner's role migrates"):
        call_command("migrate", "ledger", "zero", database=APP, verbosity=0)
    # Django's own command meets the router, which lets nothing be done, and then the missing right to note it.
    with pytest.raises(ProgrammingError, match="permission denied for table django_migrations"):
        call_command(DjangosMigrate(), "ledger", "zero", database=APP, verbosity=0)
    assert run("SELECT count(*) FROM django_migrations") == before
    with world.undone(APP):
        assert Transaction.objects.exists()
