"""The one place that chooses user and book for a block of work.

Row-level security shows the rows of the chosen book only and raises where none is chosen, so a forgotten scope is
an error and not an empty page (decision 0001). Nothing else calls `enter_book` or sets the `app.*` settings; a
test greps for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connections
from django.db.transaction import atomic
from django.db.utils import ProgrammingError


class NotAMember(Exception):
    """This person has no such book."""


class Scope(NamedTuple):
    """Whose eyes look, at which book, through which door, and what the person may do there."""

    user_id: int | None
    book_id: int | None
    source: str
    role: str


def current(using: str = "default") -> Scope:
    """Return the scope of the running block; all empty outside of one. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT nullif(current_setting('app.user', true), '')::bigint,"
            " nullif(current_setting('app.book', true), '')::bigint,"
            " coalesce(current_setting('app.source', true), ''), coalesce(current_setting('app.role', true), '')"
        )
        return Scope(*cursor.fetchone())


@contextmanager
def scope(user_id: int | None, book_id: int | None, *, source: str = "", using: str = "default") -> Iterator[Scope]:
    """Run a block as this person in this book, in one database transaction.

    `source` names the door ("admin", "import", …) in history. Blocks nest: on leaving, the outer one is put back,
    because a released savepoint does not undo a transaction-local setting. Two queries, four when nested.
    Raises NotAMember if the person is no member of the book or can no longer log in.
    """
    with atomic(using=using):
        before = current(using)
        role = _enter(user_id, book_id, source or before.source, using)
        yield Scope(user_id, book_id, source or before.source, role)
        _enter(before.user_id, before.book_id, before.source, using)


@contextmanager
def because(reason: str, *, using: str = "default") -> Iterator[None]:
    """Note why the writes of this block are made; history keeps it. At most 500 characters."""
    with atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('app.reason', true), ''), set_config('app.reason', %s, true)",
            [reason[:500]],
        )
        before, _ = cursor.fetchone()
        yield
        cursor.execute("SELECT set_config('app.reason', %s, true)", [before])


def _enter(user_id: int | None, book_id: int | None, source: str, using: str) -> str:
    # A savepoint of its own, so that a refusal leaves the surrounding block usable.
    try:
        with atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT enter_book(%s, %s, %s)", [user_id, book_id, source])
            return cursor.fetchone()[0] or ""
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") == "42501":
            raise NotAMember from error
        raise
