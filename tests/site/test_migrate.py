"""`migrate` one at a time, and one line where it cannot."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from financetracker.site.management.commands.migrate import seconds
from financetracker.site.owner import LOCK
from financetracker.site.schema import unknown
from tests.site.keeping import (
    holds_anything,
    manage,
    manifest_of,
    new_database,
    refusal,
    run,
    session,
    started,
)

pytestmark = pytest.mark.usefixtures("django_db_setup")


@pytest.fixture
def empty() -> Iterator[str]:
    with new_database("migrated") as name:
        yield name


@pytest.fixture(scope="module")
def migrated(django_db_setup: None) -> Iterator[str]:
    """A database with every table and no books."""
    with new_database("tables") as name:
        assert manage(name, "migrate", "-v0").returncode == 0
        yield name


def test_of_two_at_once_one_waits_and_finds_nothing_to_do(empty: str) -> None:
    """A third session holds the lock until both have come to it."""
    with session("ft_owner", empty) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with started(empty, "migrate") as one, started(empty, "migrate") as other:
            for child in (one, other):
                assert child.stderr
                assert child.stderr.readline().startswith("Waiting for another migrate, backup or restore")
            assert not holds_anything(empty)
            holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            said = [child.communicate(timeout=120)[0] for child in (one, other)]
            assert [one.returncode, other.returncode] == [0, 0]
    assert sorted("No migrations to apply" in text for text in said) == [False, True]
    twice = "SELECT app, name FROM django_migrations GROUP BY 1, 2 HAVING count(*) > 1"
    assert run("ft_owner", empty, twice) == []


def test_who_waits_in_vain_says_so(empty: str, tmp_path: Path) -> None:
    with session("ft_owner", empty) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        line = refusal(manage(empty, "migrate", "--lock-wait", "0"))
        assert line == (
            "Another migrate, backup or restore of this database has not ended within 0 s: migrate when it has."
        )
        assert not holds_anything(empty)


HOLD = """
from django.db import connections
from financetracker.site.owner import alone, owner_connection, tell
with alone(owner_connection(), 0, "test"), connections["owner"].cursor() as cursor:
    cursor.execute("SET client_connection_check_interval = '{interval}'") if "{interval}" else None
    tell("holding")
    cursor.execute("SELECT pg_sleep(600)")
"""


@pytest.mark.parametrize(("interval", "status"), [("", 0), ("0", 1)], ids=["as it is", "without the check"])
def test_a_killed_migrate_holds_nothing_up(migrated: str, interval: str, status: int) -> None:
    """Its statement would go on at the server for as long as it takes, with the lock in its hand."""
    with started(migrated, "shell", "-v0", "-c", HOLD.format(interval=interval)) as child:
        assert child.stderr
        assert child.stderr.readline() == "holding\n"
        sleeping = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'"
        until = time.monotonic() + 30
        while not run("ft_owner", migrated, sleeping):
            assert time.monotonic() < until
        child.kill()
        child.communicate(timeout=60)
    try:
        assert (
            manage(migrated, "migrate", "-v0", "--lock-wait", "60" if interval == "" else "7").returncode == status
        )
    finally:
        left = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
        run("ft_owner", migrated, left)


def test_a_backup_does_not_wait_for_another_backup(migrated: str, tmp_path: Path) -> None:
    with session("ft_owner", migrated) as holder:
        holder.execute("SELECT pg_advisory_lock_shared(%s)", [LOCK])
        assert manage(migrated, "backup", str(tmp_path / "b")).returncode == 0


def test_a_database_that_is_just_coming_up_is_waited_for(empty: str) -> None:
    with session("ft_owner", "postgres") as holder:
        holder.execute(f"DROP DATABASE {empty}")
        with started(empty, "migrate", "--wait", "60", "-v0") as child:
            assert child.stderr
            line = child.stderr.readline()
            assert line == f'Waiting up to 60 s for the database: database "{empty}" does not exist.\n'
            holder.execute(f"CREATE DATABASE {empty}")
            child.communicate(timeout=120)
            assert child.returncode == 0
    assert holds_anything(empty)


def test_one_that_does_not_come_up_is_named(empty: str) -> None:
    away = {
        "DATABASE_URL": "postgresql://ft_app@127.0.0.1:1/x",
        "DATABASE_OWNER_URL": "postgresql://o@127.0.0.1:1/x",
    }
    done = manage(empty, "migrate", "--wait", "1", **away)
    assert done.returncode == 1
    waiting, line = done.stderr.splitlines()
    assert waiting.startswith("Waiting up to 1 s for the database: ")
    assert re.match(r"CommandError: The database of DATABASE_OWNER_URL cannot be used: .*Connection refused", line)


@pytest.mark.parametrize("words", [["--wait", "soon"], ["--wait", "-1"], ["--lock-wait", "99999999"]])
def test_a_time_is_a_number(words: list[str]) -> None:
    with pytest.raises(ValueError, match=words[1]):
        seconds(words[1])
    assert seconds("60") == 60


def forget(database: str, name: str) -> None:
    run("ft_owner", database, f"DELETE FROM django_migrations WHERE name = '{name}'")


def test_old_code_lives_with_a_newer_schema_unless_it_was_contracted(migrated: str) -> None:
    add = "INSERT INTO django_migrations (app, name, applied) VALUES ('{0}', '{1}', now())"
    run("ft_owner", migrated, add.format("planning", "0001_schedules"))
    done = manage(migrated, "migrate")
    assert done.returncode == 0
    assert done.stderr == (
        "The schema is newer than this program, which can live with it: it has planning.0001_schedules.\n"
    )
    run("ft_owner", migrated, add.format("ledger", "0009_contract_memo"))
    assert refusal(manage(migrated, "migrate")) == (
        "The schema is newer than this program and no longer fits it: it has ledger.0009_contract_memo. Run the"
        " program that made it, or a newer one."
    )
    for name in ("0009_contract_memo", "0001_schedules"):
        forget(migrated, name)
    assert manage(migrated, "migrate").stderr == ""


def test_what_is_known_is_not_newer() -> None:
    assert unknown({("ledger", "0001_initial"), ("auth", "0001_initial")}) == []
    assert unknown({("b", "2"), ("a", "1")}) == [("a", "1"), ("b", "2")]


def test_a_lock_that_somebody_holds_ends_it_in_seconds(migrated: str) -> None:
    with session("ft_owner", migrated) as holder, holder.transaction():
        holder.execute("LOCK TABLE django_migrations")
        line = refusal(manage(migrated, "migrate", FT_LOCK_TIMEOUT="1"))
    assert line == (
        "The database of DATABASE_OWNER_URL could not be migrated: somebody else holds a lock that it needs"
        " (canceling statement due to lock timeout)."
    )


def test_a_migration_that_cannot_have_its_lock_is_undone_and_named(empty: str) -> None:
    assert manage(empty, "migrate", "accounts", "0002", "-v0").returncode == 0
    with session("ft_owner", empty) as holder, holder.transaction():
        holder.execute("LOCK TABLE users_user")
        line = refusal(manage(empty, "migrate", "-v0", FT_LOCK_TIMEOUT="1"))
    assert re.fullmatch(
        r"[a-z]+\.\w+ could not be applied: somebody else holds a lock that it needs \(canceling statement due to"
        r" lock timeout\)\. It was undone: correct that, and run migrate again\.",
        line,
    )
    assert manage(empty, "migrate", "-v0").returncode == 0


def test_a_migration_that_the_database_refuses_is_undone_and_named(empty: str) -> None:
    run("ft_owner", empty, "CREATE TABLE ledger_price (mine int)")
    line = refusal(manage(empty, "migrate", "-v0"))
    assert line == (
        'ledger.0001_initial could not be applied: relation "ledger_price" already exists. It was undone: correct'
        " that, and run migrate again."
    )
    assert run("ft_owner", empty, "SELECT to_regclass('ledger_payee')") == [(None,)]
    run("ft_owner", empty, "DROP TABLE ledger_price")
    assert manage(empty, "migrate", "-v0").returncode == 0


def test_a_role_without_rights_is_told(empty: str) -> None:
    run("ft_owner", empty, "REVOKE ALL ON SCHEMA public FROM pg_database_owner")
    assert refusal(manage(empty, "migrate", "-v0")) == (
        "The database of DATABASE_OWNER_URL could not be migrated: Unable to create the django_migrations table"
        " (permission denied for schema public)."
    )
    line = refusal(manage(empty, "migrate", "--database", "default"))
    assert line == "Only the owner's role migrates: leave --database out, or give --database owner."


def test_books_are_saved_before_they_are_changed(empty: str, tmp_path: Path) -> None:
    words = ["migrate", "-v0", "--backup-into", str(tmp_path)]
    assert manage(empty, *words).returncode == 0
    assert list(tmp_path.iterdir()) == [], "there was nothing to save"
    assert manage(empty, "migrate", "accounts", "0002", "-v0").returncode == 0
    done = manage(empty, *words)
    assert done.returncode == 0, done.stderr
    (saved,) = tmp_path.iterdir()
    assert re.fullmatch(r"before-migrate-\d{4}-\d\d-\d\dT\d{6}Z\.backup", saved.name)
    assert (
        f"Saved {saved} ({saved.stat().st_size} bytes) before accounts.0003_definers_for_the_app." in done.stderr
    )
    assert "accounts.0003_definers_for_the_app" not in manifest_of(saved)["migrations"]
    assert manage(empty, *words).returncode == 0
    assert list(tmp_path.iterdir()) == [saved], "there was nothing to apply"


def test_without_room_for_a_backup_nothing_is_applied(empty: str, tmp_path: Path) -> None:
    assert manage(empty, "migrate", "accounts", "0002", "-v0").returncode == 0
    line = refusal(manage(empty, "migrate", "-v0", "--backup-into", str(tmp_path / "none")))
    assert line.startswith(f"The backup could not be written to {tmp_path}/none/before-migrate-")
    assert run("ft_owner", empty, "SELECT count(*) FROM django_migrations WHERE name LIKE '0003_definers%'") == [
        (0,)
    ]
