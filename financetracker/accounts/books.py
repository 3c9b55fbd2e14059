"""Writers of the chart of accounts: books, members, commodities, accounts.

Each runs inside a scope (`create_book` inside one without a book) and raises `Refusal` with the rule's name. A
refused call leaves the surrounding block as it was.
"""

import datetime
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from financetracker.accounts.errors import NotAllowed, Refusal, refusals
from financetracker.accounts.iso4217 import CURRENCIES
from financetracker.accounts.models import Account, Book, Commodity, Membership
from financetracker.accounts.scope import current, scope
from financetracker.users.models import User


def create_book(owner: User, *, name: str, base: str, time_zone: str = "UTC", source: str = "") -> Book:
    """Make a book with its base commodity; `owner` becomes its owner.

    `base` is an ISO 4217 code. Opens its own scope. Raises Refusal for an unknown currency or time zone.
    """
    currency = CURRENCIES.get(base)
    if currency is None:
        raise Refusal(f"{base} is not a currency of ISO 4217.", rule="commodity_is_known")
    check_time_zone(time_zone)
    with scope(owner.pk, None, source=source), refusals():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT create_book(%s, %s, %s, %s, %s)",
                [name, time_zone, base, currency.name, currency.places],
            )
            (book_id,) = cursor.fetchone()
        connection.check_constraints()
        return Book.objects.get(pk=book_id)


def change_book(book: Book, *, name: str, time_zone: str, first_day_of_week: int) -> Book:
    """Say anew what a book is called, where it is kept and how its week begins. Owners only.

    The last one to save wins; history keeps both. Raises Refusal for a time zone that nobody knows.
    """
    check_time_zone(time_zone)
    with atomic(), refusals():
        said = {"name": name, "time_zone": time_zone, "first_day_of_week": first_day_of_week}
        if not Book.objects.filter(pk=book.pk).update(**said):
            raise NotAllowed(_("Only an owner of the book may do this."))
    return Book.objects.get(pk=book.pk)


def check_time_zone(name: str) -> None:
    """Refuse a name that the time zone database does not know."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refusal(
            f"“{name}” is not a time zone: write one like Europe/Vienna.", rule="time_zone_is_known"
        ) from error


def today(book: Book, now: datetime.datetime) -> datetime.date:
    """Return what day it is for the household at the instant `now` (aware)."""
    return now.astimezone(ZoneInfo(book.time_zone)).date()


def add_member(book: Book, user: User, role: str) -> Membership:
    """Let a person into the book. The running scope must be an owner's."""
    with atomic(), refusals():
        return Membership.objects.create(book=book, user=user, role=role)


def add_commodity(
    book: Book,
    code: str,
    *,
    name: str = "",
    kind: str = "",
    places: int | None = None,
    scale: int | None = None,
) -> Commodity:
    """Make a commodity. Name, kind and places of a currency come from ISO 4217 where they are not given."""
    known = CURRENCIES.get(code)
    if places is None:
        places = known.places if known else 0
    with atomic(), refusals():
        return Commodity.objects.create(
            book=book,
            code=code,
            name=name or (known.name if known else ""),
            kind=kind or (Commodity.Kind.CURRENCY if known else Commodity.Kind.OTHER),
            places=places,
            scale=places if scale is None else scale,
        )


def open_account(
    book: Book, full_name: str, type_: str, *, commodities: Iterable[Commodity] = (), **columns: Any
) -> Account:
    """Make an account by its full name ("Assets:Bank:Checking"), with the parents that are missing.

    Missing parents are placeholders of the same type. An existing account of that name is refused.
    """
    above = parent_for(book, full_name, type_)
    with atomic(), refusals():
        return Account.objects.create(
            book=book,
            parent=above,
            name=full_name.rpartition(":")[2],
            type=type_,
            commodity_ids=[commodity.pk for commodity in commodities],
            **columns,
        )


def parent_for(book: Book, full_name: str, type_: str) -> Account | None:
    """Return the account above, made as a placeholder where it is missing; None for a root."""
    above, colon, _name = full_name.rpartition(":")
    if not colon:
        return None
    found = Account.objects.filter(book=book, full_name=above).first()
    return found or open_account(book, above, type_, placeholder=True)


def require_writer() -> None:
    """Raise NotAllowed unless the running scope may write. Row security says the same, but silently on UPDATE."""
    if current().role not in {Membership.Role.OWNER, Membership.Role.EDITOR}:
        raise NotAllowed
