"""The third role finds what the owner finds, and can do nothing else: no write, no password, no session."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from financetracker.ledger.verify import tables_read
from financetracker.site.rights import AUDITOR, held, let_the_auditor_read, wanted
from tests.ledger.kept import Books, kept
from tests.site.keeping import address, manage, new_database, run, session, suites_database

__all__ = ["kept"]  # the fixture


def verified(database: str, role: str, *words: str) -> tuple[int, str, str]:
    """What verify_ledger says to a role, with that role's address alone."""
    done = manage(database, "verify_ledger", *words, DATABASE_URL=address(role, database), DATABASE_OWNER_URL="")
    return done.returncode, done.stdout, done.stderr


WALLS = ("ledger_posting", "ledger_postingrevision", "accounts_membership")


@pytest.fixture(scope="module")
def copy(kept: Books, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A copy of the books whose walls were taken down where tests do damage."""
    saved = str(tmp_path_factory.mktemp("copy") / "b")
    with new_database("audited") as name:
        assert manage(suites_database(), "backup", saved).returncode == 0
        assert manage(name, "restore", saved).returncode == 0
        with session("ft_owner", name) as owner:
            for table in WALLS:
                owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                keys = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'"
                for (key,) in owner.execute(keys, [table]).fetchall():
                    owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}")
        yield name


def test_he_sees_the_same_books(kept: Books) -> None:
    auditors = verified(suites_database(), AUDITOR, "--fingerprint")
    assert auditors == verified(suites_database(), "ft_owner", "--fingerprint")
    assert auditors[0] == 0
    assert "total books v1:" in auditors[1]


DAMAGE = {
    "an amount": "UPDATE ledger_posting SET amount = amount + 1, weight = weight + 1 WHERE id = {plain0}",
    "history": "UPDATE ledger_postingrevision SET actor_id = 4711 WHERE id = {plain0_r0}",
    "an owner": "UPDATE accounts_membership SET role = 'editor' WHERE id = {member_owner}",
    "a person": "UPDATE accounts_membership SET user_id = 4711 WHERE id = {member_viewer}",
    "a rule": "DROP POLICY seen ON ledger_posting",
    "a switched off trigger": "ALTER TABLE ledger_price DISABLE TRIGGER USER",
    "a right": "GRANT DELETE ON ledger_transaction TO ft_app",
}


@pytest.mark.parametrize("case", DAMAGE)
def test_he_finds_what_the_owner_finds(case: str, kept: Books, copy: str) -> None:
    before = set(verified(copy, AUDITOR)[1].splitlines())
    run("ft_owner", copy, DAMAGE[case].format(**kept.at))
    status, found, _said = verified(copy, AUDITOR)
    assert (status, found) == verified(copy, "ft_owner")[:2]
    assert status == 1
    assert set(found.splitlines()) - before, "the damage was not found"


@pytest.fixture
def auditor(kept: Books) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    with session(AUDITOR, suites_database()) as connection:
        yield connection


def state(connection: "psycopg.Connection[tuple[object, ...]]", sql: str) -> str:
    """The SQLSTATE that a statement ends with; empty if it works."""
    try:
        connection.execute(sql)
    except psycopg.Error as error:
        return error.sqlstate or "lost"
    return ""


def tables() -> list[str]:
    sql = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    return [str(name) for (name,) in run("ft_owner", suites_database(), sql)]


def test_his_connections_are_read_only_until_he_says_otherwise(
    auditor: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    assert auditor.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
    assert state(auditor, "CREATE TEMPORARY TABLE t (id int)") == "25006"


def test_he_writes_nothing(auditor: "psycopg.Connection[tuple[object, ...]]", kept: Books) -> None:
    """Also where he lifts what only his settings forbid."""
    auditor.execute("SET default_transaction_read_only = off")
    assert len(tables()) > 20
    for table in tables():
        first = f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1"
        ((column,),) = run("ft_owner", suites_database(), first)
        for write in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES", f"TRUNCATE {table}",
                      f"UPDATE {table} SET {column} = {column}"):  # fmt: skip
            assert state(auditor, write) == "42501", write
    for write in ("CREATE TABLE public.t (id int)", "SELECT nextval('ledger_posting_id_seq')",
                  "ALTER TABLE ledger_posting DISABLE TRIGGER USER", "SET ROLE ft_owner", "SET ROLE ft_app",
                  f"SELECT enter_book({kept.at['owner']}, {kept.at['book']}, 'x')",
                  "SELECT create_book('Mine', 'UTC', 'EUR', 'Euro', 2)",
                  "ALTER ROLE ft_auditor SUPERUSER"):  # fmt: skip
        assert state(auditor, write) == "42501", write


def test_with_the_right_he_would_make_a_book(kept: Books, copy: str) -> None:
    """The control of the test above, and why accounts.0003 takes the right from everybody."""
    run("ft_owner", copy, "GRANT EXECUTE ON FUNCTION create_book(text, text, text, text, int) TO ft_auditor")
    with session(AUDITOR, copy) as auditor:
        auditor.execute("SET default_transaction_read_only = off")
        auditor.execute(f"SELECT set_config('app.user', '{kept.at['owner']}', false)")
        assert state(auditor, "SELECT create_book('Mine', 'UTC', 'EUR', 'Euro', 2)") == ""


def test_no_function_acts_for_him_with_the_owners_rights() -> None:
    sql = """SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
               AND has_function_privilege('ft_auditor', oid, 'EXECUTE') AND prorettype <> 'trigger'::regtype"""
    assert run("ft_owner", suites_database(), sql) == []
    apps = sql.replace("ft_auditor", "ft_app")
    assert len(run("ft_owner", suites_database(), apps)) == 2


def test_he_reads_no_password_and_no_session(auditor: "psycopg.Connection[tuple[object, ...]]") -> None:
    assert auditor.execute("SELECT count(*) > 0 FROM (SELECT id, email FROM users_user) u").fetchone() == (True,)
    for read in ("SELECT password FROM users_user", "SELECT * FROM users_user", "SELECT u FROM users_user u",
                 "SELECT * FROM django_session", "SELECT * FROM site_cache", "SELECT * FROM account_emailaddress",
                 "SELECT * FROM pg_authid", "COPY users_user TO STDOUT"):  # fmt: skip
        assert state(auditor, read) == "42501", read
    readable = {table for table in tables() if state(auditor, f"SELECT count(*) FROM {table}") == ""}
    assert readable == {table for table, columns in tables_read().items()}


def test_migrate_gives_exactly_his_rights(copy: str) -> None:
    with session("ft_owner", copy) as owner:
        owner.execute(
            "GRANT SELECT ON django_session, users_user TO ft_auditor; GRANT UPDATE ON ledger_tag TO ft_auditor"
        )
        owner.execute("REVOKE SELECT ON ledger_price FROM ft_auditor")
    assert verified(copy, AUDITOR)[2] == (
        "Could not check: The role ft_auditor may not read ledger_price: verify as the owner of the tables.\n"
    )
    done = manage(copy, "migrate", "-v0")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "The auditor's role may read what verify_ledger reads, and no more.\n"
    with session(AUDITOR, copy) as auditor:
        assert state(auditor, "SELECT password FROM users_user") == "42501"
        assert state(auditor, "SELECT * FROM django_session") == "42501"
        assert state(auditor, "SELECT * FROM ledger_price") == ""
    assert manage(copy, "migrate", "-v0").stderr == ""


def test_the_rights_are_known_by_what_they_are(kept: Books) -> None:
    assert held(connections["owner"]) == wanted()
    assert not let_the_auditor_read(connections["owner"])
    assert ("users_user", "email", "SELECT") in wanted()
    assert ("users_user", "", "SELECT") not in wanted()


def test_his_address_is_not_that_of_another() -> None:
    assert urlsplit(os.environ["DATABASE_AUDITOR_URL"]).username == AUDITOR
