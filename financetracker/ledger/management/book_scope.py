"""Which book a command means, and as whom it works: the options every command with a book shares."""

import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Q, QuerySet

from financetracker.accounts.models import Book, Membership
from financetracker.accounts.scope import scope
from financetracker.users.models import User


def add_book_options(parser: ArgumentParser) -> None:
    """Add `--book` and `--owner`."""
    parser.add_argument("--book", required=True, metavar="NAME", help="the book's name, or its public id")
    parser.add_argument(
        "--owner",
        metavar="LOGIN",
        help="the e-mail address of the member who does this; needed where several books have this name",
    )


def find_user(login: str) -> User:
    """Return who logs in by this address. Raises CommandError with what to do."""
    user = User.objects.filter(email=login.lower(), is_active=True).first()
    if user is None:
        raise CommandError(f"Nobody logs in as {login}: give --owner an address that can log in.", returncode=2)
    return user


def books_named(name: str, user: User) -> QuerySet[Book]:
    """Return the person's books of that name or public id. Runs inside a scope of that person."""
    try:
        named = Q(name=name) | Q(public_id=uuid.UUID(name))
    except ValueError:
        named = Q(name=name)
    return Book.objects.filter(named, memberships__user=user)


def find_book(name: str, login: str | None) -> tuple[Book, User]:
    """Return the one book that is meant, and a member to work as: the named one, else its owner.

    Without a login the owner role looks, which sees every book. Raises CommandError where none or several fit.
    """
    if login:
        user = find_user(login)
        with scope(user.pk, None):
            found = [(book, user) for book in books_named(name, user)]
    elif "owner" in settings.DATABASES:
        owners = Membership.objects.using("owner").filter(role=Membership.Role.OWNER, user__is_active=True)
        first: dict[int, tuple[Book, User]] = {}
        for row in owners.select_related("book", "user").order_by("pk"):
            if name in {row.book.name, str(row.book.public_id)}:
                first.setdefault(row.book_id, (row.book, row.user))
        found = list(first.values())
    else:
        raise CommandError("Say who does this: --owner LOGIN.", returncode=2)
    if not found:
        raise CommandError(f"There is no book “{name}”: check the name, or make it with --create.", returncode=2)
    if len(found) > 1:
        choices = ", ".join(f"{book.public_id} ({user.email})" for book, user in found)
        raise CommandError(f"Several books are called “{name}”: give --book one of {choices}.", returncode=2)
    return found[0]


@contextmanager
def book_scope(name: str, login: str | None, *, source: str) -> Iterator[Book]:
    """Run a block in the book a command means."""
    book, user = find_book(name, login)
    with scope(user.pk, book.pk, source=source):
        yield Book.objects.get(pk=book.pk)
