"""The owner's connection, for the commands that change, save or bring back a whole database.

What can go wrong on the way to it is said in one sentence (`CommandError`), never as a traceback and never with a
password in it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import Conninfo

OWNER = "owner"
LOCK = 4_712_061_840_211  # drawn once; whoever changes the schema of a database holds the lock of this number
POLL = 0.5


def one_line(error: BaseException) -> str:
    """Return the line of an error that says most: its first, or the server's own words about a refused login."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    fatal = re.search(r"FATAL: +(.*)", str(error))
    said = (fatal[1] if fatal else lines[0]).rstrip(".")
    # Django quotes the server's lines in brackets, and we keep the first.
    return f"{said})" if said.count("(") > said.count(")") else said


def tell(text: str) -> None:
    """Say what goes on while it goes on; stdout may be a backup."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def owner_connection(wait: float = 0) -> BaseDatabaseWrapper:
    """Return the owner's open connection; waits so many seconds for a database that does not let us in yet."""
    if OWNER not in settings.DATABASES:
        raise CommandError("The tables belong to the owner's role: give its address in DATABASE_OWNER_URL.")
    connection = connections[OWNER]
    until = time.monotonic() + wait
    waiting = False
    while True:
        try:
            connection.ensure_connection()
            return connection
        except Error as error:
            reason = one_line(error)
            if time.monotonic() >= until:
                raise CommandError(f"The database of DATABASE_OWNER_URL cannot be used: {reason}.") from error
            if not waiting:
                tell(f"Waiting up to {wait:.0f} s for the database: {reason}.")
            waiting = True
            time.sleep(POLL)


@contextmanager
def alone(connection: BaseDatabaseWrapper, wait: float, what: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the schema's lock for a block, so that of two commands one waits for the other.

    Those who only read the schema share it. Asks again and again instead of standing in a queue: a session that
    waits inside a query would keep CREATE INDEX CONCURRENTLY of the other waiting for it.
    """
    until = time.monotonic() + wait
    waiting = False
    mode = "_shared" if shared else ""
    while not asked(connection, f"pg_try_advisory_lock{mode}"):
        if time.monotonic() >= until:
            raise CommandError(
                f"Another migrate, backup or restore of this database has not ended within {wait:.0f} s:"
                f" {what} when it has."
            )
        if not waiting:
            tell("Waiting for another migrate, backup or restore of this database to end.")
        waiting = True
        time.sleep(POLL)
    try:
        yield
    finally:
        if connection.is_usable():
            asked(connection, f"pg_advisory_unlock{mode}")


def asked(connection: BaseDatabaseWrapper, function: str) -> bool:
    """Call a function of the schema's lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


# --- PostgreSQL's own programs


def program(name: str, least: int) -> tuple[str, str]:
    """Return path and version of one of PostgreSQL's programs, which must be of major version `least` or newer."""
    path = shutil.which(name)
    if path is None:
        raise CommandError(f"{name} is not on the PATH: install PostgreSQL's client programs, {least} or newer.")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"\(PostgreSQL\) (\d+)\S*", said.stdout)
    if said.returncode or not version:
        raise CommandError(f"{path} does not run: {said.stderr.strip() or said.stdout.strip()}")
    if int(version[1]) < least:
        raise CommandError(
            f"{path} is of PostgreSQL {version[1]}, and {least} or newer is needed: put one first on the PATH."
        )
    return path, version[0].split()[-1]


def libpq_environment(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return variables that lead PostgreSQL's programs to the same database; a password is in no argument."""
    parameters = connection.get_connection_params()
    names = {
        option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar
    }
    given = {names[key]: str(value) for key, value in parameters.items() if key in names and value is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE_"))}
    return {**kept, **given}


@contextmanager
def end_on_sigterm() -> Iterator[None]:
    """Let what cleans up run where a platform ends us: by itself SIGTERM ends Python in the middle of a line."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
