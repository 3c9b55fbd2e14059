"""Migrations forward and back, on a database of their own."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections

from tests.attacks import OWNER

OURS = ("users", "accounts", "ledger")


@pytest.fixture
def scratch(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """An empty database in place of the owner's: `owner` points at it for one test."""
    owner = connections[OWNER]
    with django_db_blocker.unblock():
        usual = owner.settings_dict["NAME"]
        name = f"{usual}_migrations"
        with owner.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}"')
        owner.close()
        owner.settings_dict["NAME"] = name
        try:
            yield
        finally:
            owner.close()
            owner.settings_dict["NAME"] = usual
            with owner.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}"')
            owner.close()


def ask(statement: str) -> set[str]:
    with connections[OWNER].cursor() as cursor:
        cursor.execute(statement)
        return {row[0] for row in cursor.fetchall()}


FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
TRIGGERS = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
POLICIES = "SELECT tablename || '.' || policyname FROM pg_policies"
SECURED = "SELECT relname FROM pg_class WHERE relrowsecurity"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
SEQUENCES = "SELECT sequencename FROM pg_sequences"
GRANTS = "SELECT relname FROM pg_class, aclexplode(relacl) x WHERE x.grantee = 'ft_app'::regrole"
DEFAULTS = (
    "SELECT defaclobjtype::text FROM pg_default_acl, aclexplode(defaclacl) x WHERE x.grantee = 'ft_app'::regrole"
)


def back_to_zero(app: str) -> None:
    call_command("migrate", app, "zero", database=OWNER, verbosity=0, interactive=False)


def test_back_to_nothing_and_forward_again(scratch: None) -> None:
    call_command("migrate", "ledger", database=OWNER, verbosity=0)
    made = {what: ask(what) for what in (FUNCTIONS, TRIGGERS, POLICIES, SECURED, TABLES, GRANTS)}
    assert {"check_postings", "enter_book", "close_gate"} <= made[FUNCTIONS]
    assert {"ledger_posting", "accounts_book"} <= made[SECURED]

    back_to_zero("ledger")
    assert not {name for name in ask(TABLES) | ask(POLICIES) | ask(SECURED) if name.startswith("ledger_")}
    assert {"accounts_book", "accounts_account"} <= ask(SECURED)
    # What is left is what accounts alone has: its triggers and functions, and none of ledger's on its tables.
    assert not {"history_insert", "id_is_fixed", "account_in_use_update", "account_still_named"} & ask(TRIGGERS)
    assert not {"check_postings", "record_row", "refuse_new_id", "still_named"} & ask(FUNCTIONS)

    back_to_zero("accounts")
    for what in (FUNCTIONS, TRIGGERS, POLICIES, SECURED):
        assert ask(what) == set()

    back_to_zero("users")
    for what in (GRANTS, DEFAULTS):
        assert ask(what) == set()
    tables = {model._meta.db_table for app in OURS for model in apps.get_app_config(app).get_models()}
    assert not tables & ask(TABLES)
    assert not {name for name in ask(SEQUENCES) if name.startswith(OURS)}

    call_command("migrate", "ledger", database=OWNER, verbosity=0)
    assert {what: ask(what) for what in made} == made


def test_one_step_back_and_forward_keeps_rows(scratch: None) -> None:
    """The rules can be taken off and put back over books that are kept."""
    call_command("migrate", "ledger", database=OWNER, verbosity=0)
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_user (id, password, is_superuser, email, name, is_active, date_joined)"
            " VALUES (1, '', false, 'a@example.org', 'A', true, now())"
        )
        cursor.execute("SELECT set_config('app.user', '1', false)")
        cursor.execute("SELECT create_book('Home', 'UTC', 'EUR', 'Euro', 2)")
    call_command("migrate", "ledger", "0001", database=OWNER, verbosity=0)
    call_command("migrate", "ledger", database=OWNER, verbosity=0)
    assert ask("SELECT name FROM accounts_book") == {"Home"}
    assert ask('SELECT "table" FROM ledger_revision') == {
        "accounts_book",
        "accounts_commodity",
        "accounts_membership",
    }


def test_the_models_are_migrated(django_db_setup: None, django_db_blocker: Any) -> None:
    out = StringIO()
    with django_db_blocker.unblock():
        call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()
