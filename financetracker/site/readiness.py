"""Whether this process can serve: does the database answer in time, and does its schema suit the code."""

import logging
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg
from django.db import connections
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from financetracker.site import schema

logger = logging.getLogger(__name__)

TIMEOUT = 2.0
SLOW = f"The database did not answer within {TIMEOUT:.0f} seconds."
# What libpq says when a connection cannot be made has no SQLSTATE, and names hosts and roles.
SIGNS = (
    ("timeout expired", SLOW),
    ("password authentication failed", "The database refuses the password."),
    ("no password supplied", "The database wants a password and none is set."),
    ("does not exist", "The database or its role does not exist."),
    ("starting up", "The database is starting."),
    ("recovery mode", "The database is starting."),
    ("shutting down", "The database is ending."),
    ("connection slots", "The database takes no more connections."),
    ("too many", "The database takes no more connections."),
    ("permission denied", "The database refuses the role."),
    ("Connection refused", "Nothing listens where the database should be."),
    ("No such file", "Nothing listens where the database should be."),
)
STATES = {
    "42P01": "The database has no tables yet: migrate has not run.",
    "42501": "The database does not let the role read django_migrations: migrate has not run to its end.",
}


def parameters() -> dict[str, Any]:
    """What Django connects `default` with, for a connection that belongs to no pool and gives up early."""
    found = connections["default"].get_connection_params()
    name = f"{found.get('application_name', 'financetracker')} probe"
    return {**found, "autocommit": True, "connect_timeout": int(TIMEOUT), "application_name": name}


class Readiness:
    """Asks the database on a connection of its own, in a thread of its own.

    The requests' pool may be exhausted, a server may be frozen, and looking up a host's name cannot be given a
    deadline at all: whoever asks waits for the thread, and no longer than `TIMEOUT`. The connection is kept, so
    that a server which takes no more connections does not take those out of service that have theirs.
    """

    def __init__(self, parameters: Callable[[], dict[str, Any]] = parameters) -> None:
        self._parameters = parameters
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._migrated = False

    def problem(self) -> str:
        """Return one line that says why this process is not ready; empty if it is. Never raises."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                threading.Thread(target=self._find_out, args=(self._answer,), name="ready", daemon=True).start()
            answer = self._answer
        try:
            return answer.result(TIMEOUT)
        except TimeoutError:
            return SLOW

    def close(self) -> None:
        """Hang up, once a question that is still open is answered."""
        if self._answer is not None:
            self._answer.result()
        self._hang_up()

    def _find_out(self, answer: "Future[str]") -> None:
        try:
            answer.set_result(self._look())
        except (psycopg.Error, OSError) as error:
            self._hang_up()
            answer.set_result(reason(error))
        except Exception as error:
            self._hang_up()
            logger.exception("The check for readiness failed.")
            answer.set_result(f"The check itself failed ({type(error).__name__}).")

    def _look(self) -> str:
        if self._migrated:  # what was true of this code stays true: the schema only grows under it
            self._ask(b"SELECT 1")
            return ""
        applied = {(app, name) for app, name in self._ask(b"SELECT app, name FROM django_migrations")}
        for what, names in (
            ("Migrations are not applied", schema.missing(applied)),
            ("Newer code has contracted the schema", schema.contracted(applied)),
        ):
            if names:
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                return f"{what}: {'.'.join(names[0])}{more}."
        self._migrated = True
        return ""

    def _ask(self, sql: bytes) -> list[list[str]]:
        deadline = time.monotonic() + TIMEOUT
        if self._connection is not None:
            try:
                return rows(self._connection, sql, deadline)
            except psycopg.OperationalError:  # the server was restarted: a new connection tells
                self._hang_up()
        self._connection = psycopg.connect(**self._parameters())
        return rows(self._connection, sql, deadline)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def rows(connection: "psycopg.Connection[Any]", sql: bytes, deadline: float) -> list[list[str]]:
    """Run one query and return its rows as text. Raises TimeoutError at the deadline, whatever the server does."""
    server = connection.pgconn
    server.send_query(sql)
    poll = select.poll()
    poll.register(server.socket, select.POLLIN)
    found: list[list[str]] = []
    while True:
        while server.is_busy():
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise TimeoutError
            server.consume_input()
        result = server.get_result()
        if result is None:
            return found
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        found += [
            [(result.get_value(row, column) or b"").decode() for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]


def reason(error: Exception) -> str:
    """Say in one line of ours what is wrong, without hosts, roles or values."""
    if isinstance(error, (TimeoutError, psycopg.errors.ConnectionTimeout, psycopg.errors.QueryCanceled)):
        return SLOW
    state = getattr(error, "sqlstate", None)
    if state:
        return STATES.get(state, f"The database refuses (SQLSTATE {state}).")
    said = str(error)
    return next((sentence for sign, sentence in SIGNS if sign in said), "The database cannot be reached.")


readiness = Readiness()
