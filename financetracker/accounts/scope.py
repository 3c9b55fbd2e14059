"""The one place that chooses user and book for a block of work.

Row-level security shows the rows of the chosen book only and raises where none is chosen, so a forgotten scope is
an error and not an empty page (decision 0001). Nothing else calls `enter_book` or sets the `app.*` settings; a
test greps for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from django.db import connections
from django.db.transaction import atomic
from django.db.utils import ProgrammingError


class NotAMember(Exception):
    """This person has no such book."""


class Scope(NamedTuple):
    """Whose eyes look, at which book, through which door, what the person may do there, and why he writes."""

    user_id: int | None = None
    book_id: int | None = None
    source: str = ""
    role: str = ""
    reason: str = ""


NOWHERE = Scope()

# What the database was told, so that nobody needs to ask it. The database's own settings are what counts.
_running: ContextVar[Scope] = ContextVar("scope", default=NOWHERE)


def current() -> Scope:
    """Return the scope of the running block; all empty outside of one. No query."""
    return _running.get()


@contextmanager
def scope(
    user_id: int | None, book_id: int | None, *, source: str = "", using: str = "default"
) -> Iterator[Scope]:
    """Run a block as this person in this book, in one database transaction.

    `source` names the door ("admin", "import", …) in history; a nested block keeps the outer one's. On leaving,
    the outer scope is put back, because a released savepoint does not undo a transaction-local setting; the commit
    of the outermost one does. One query to enter, and one to leave a nested block. Raises NotAMember if the person
    is no member of the book or can no longer log in.
    """
    before = current()
    source = source or before.source
    nested = connections[using].in_atomic_block
    with atomic(using=using):
        inside = Scope(user_id, book_id, source, _enter(user_id, book_id, source, using))
        token = _running.set(inside)
        try:
            yield inside
        finally:
            _running.reset(token)
        if nested:
            _put_back(before, using)


@contextmanager
def because(reason: str, *, using: str = "default") -> Iterator[None]:
    """Note why the writes of this block are made; history keeps the first 500 characters.

    Without a reason the outer block's stands, and no query is run.
    """
    if not reason.strip():
        yield
        return
    before = current()
    with atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('app.reason', %s, true)", [reason[:500]])
        token = _running.set(before._replace(reason=reason[:500]))
        try:
            yield
        finally:
            _running.reset(token)
        cursor.execute("SELECT set_config('app.reason', %s, true)", [before.reason])


def _enter(user_id: int | None, book_id: int | None, source: str, using: str) -> str:
    try:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT enter_book(%s, %s, %s)", [user_id, book_id, source])
            return str(cursor.fetchone()[0] or "")
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") == "42501":
            raise NotAMember(str(NotAMember.__doc__)) from error
        raise


def _put_back(outer: Scope, using: str) -> None:
    """Set what stood before. Asks for no membership again: a person may leave a book inside a block."""
    values = [str(value or "") for value in (outer.user_id, outer.book_id, outer.role, outer.source, outer.reason)]
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.user', %s, true), set_config('app.book', %s, true),"
            " set_config('app.role', %s, true), set_config('app.source', %s, true),"
            " set_config('app.reason', %s, true)",
            values,
        )
