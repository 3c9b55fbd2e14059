"""A database for one run: made and migrated by the owner, served to the app role, dropped at the end."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

APP, OWNER = "DATABASE_URL", "DATABASE_OWNER_URL"

# The same columns and indexes, and nothing else: no triggers, no keys, no checks, no row security.
FLOOR = """
CREATE SCHEMA floor;
CREATE TABLE floor.ledger_transaction
  (LIKE ledger_transaction INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE floor.ledger_posting
  (LIKE ledger_posting INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
GRANT USAGE ON SCHEMA floor TO ft_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA floor TO ft_app;
"""


@contextmanager
def database() -> Iterator[str]:
    """Make an empty database, point the environment at it, and drop it afterwards; yields its name."""
    outside = os.environ[OWNER]
    name = f"ft_bench_{os.getpid()}"
    with psycopg.connect(outside, autocommit=True) as owner:
        sweep(owner)
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            for variable in (APP, OWNER):
                os.environ[variable] = urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{name}"))
            yield name
        finally:
            drop(owner, name)


def sweep(owner: psycopg.Connection) -> None:
    """Drop what killed runs left behind."""
    for (name,) in owner.execute("SELECT datname FROM pg_database WHERE datname LIKE 'ft\\_bench\\_%'").fetchall():
        try:
            os.kill(int(name.rpartition("_")[2]), 0)
        except ProcessLookupError:
            drop(owner, name)


def drop(owner: psycopg.Connection, name: str) -> None:
    """Drop a database. The owner may not end connections of the app role: those that are closing get a moment."""
    for _ in range(100):
        with suppress(psycopg.errors.ObjectInUse):
            owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            return
        time.sleep(0.1)
    print(f"{name} is still in use and stays; the next run drops it")


def connect(variable: str) -> psycopg.Connection:
    """Open a plain connection to the run's database, as the app role or the owner."""
    return psycopg.connect(os.environ[variable])


def build() -> None:
    """Migrate, and put the floor's tables beside the real ones."""
    from django.core.management import call_command  # noqa: PLC0415  Django is set up after the database is made

    call_command("migrate", verbosity=0)
    with connect(OWNER) as owner:
        owner.execute(FLOOR)
