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

from financetracker.accounts.errors import NotAllowed, Refusal, Used, refusals
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
        raise Refusal(_("%(code)s is not a currency of ISO 4217.") % {"code": base}, rule="commodity_is_known")
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


def start_book(
    owner: User,
    *,
    name: str,
    base: str,
    time_zone: str,
    first_day_of_week: int = Book.Weekday.MONDAY,
    chart: Iterable[tuple[str, str]] = (),
    source: str = "",
) -> Book:
    """Make a book with a chart of accounts: full names and types. Sent twice, it is made once.

    A person's own books have different names. One that was made just so is returned, whoever sent it first; with
    anything else said of it the name is refused. Two at once wait for each other on the person's row.
    """
    accounts = list(chart)
    with scope(owner.pk, None, source=source), refusals():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=owner.pk)
        mine = Membership.objects.filter(user=owner, role=Membership.Role.OWNER, book__name=name)
        for membership in mine.select_related("book").order_by("pk"):
            book = membership.book
            with scope(owner.pk, book.pk, source=source):
                if _is_just_started(book, base, time_zone, first_day_of_week, accounts):
                    return book
            raise Refusal(
                _("You have a book “%(name)s” already: give this one another name.") % {"name": name},
                rule="book_name_is_free",
            )
        book = create_book(owner, name=name, base=base, time_zone=time_zone, source=source)
        with scope(owner.pk, book.pk, source=source):
            if first_day_of_week != book.week_begins:
                book = change_book(book, name=name, time_zone=time_zone, first_day_of_week=first_day_of_week)
            for full_name, type_ in accounts:
                open_account(book, full_name, type_)
        return book


def _is_just_started(
    book: Book, base: str, time_zone: str, first_day_of_week: int, accounts: Iterable[tuple[str, str]]
) -> bool:
    """Whether a book is as it was made: nothing set otherwise, no account more or less."""
    if (book.time_zone, book.week_begins) != (time_zone, first_day_of_week):
        return False
    if not Commodity.objects.filter(book=book, pk=book.base_commodity_id, code=base).exists():
        return False
    rows = Account.objects.filter(book=book, placeholder=False)
    return sorted(rows.values_list("full_name", "type")) == sorted(accounts)


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
            _("“%(name)s” is not a time zone: write one like Europe/Vienna.") % {"name": name},
            rule="time_zone_is_known",
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


# --- The chart: places, names, and what is in use


def place_account(account: Account, *, name: str, parent: Account | None, was: str) -> Account:
    """Rename an account or move it below another one; everything below it goes along.

    `was` is the full name the person looked at: refused if it has another one by now. One statement, because what
    changes names waits for the book before it takes a row.
    """
    with atomic(), refusals():
        require_writer()
        if not Account.objects.filter(pk=account.pk, full_name=was).update(name=name, parent=parent):
            raise Refusal(
                _("Somebody renamed or moved this account while you looked at it. Nothing was changed."),
                rule="account_is_as_it_was",
            )
    return Account.objects.get(pk=account.pk)


def close_account(account: Account, on: datetime.date) -> Account:
    """Let nothing be booked after a day; refused if something is. The last one to say a day wins."""
    return _set(account, closed_on=on)


def reopen_account(account: Account) -> Account:
    """Take a closed account into use again."""
    return _set(account, closed_on=None)


def hide_account(account: Account, *, hidden: bool = True) -> Account:
    """Leave an account out of lists and suggestions, or put it back; it may be booked on all the same."""
    return _set(account, hidden=hidden)


def reorder_account(account: Account, by: int) -> None:
    """Move an account up (-1) or down (1) among those beside it. At an end nothing happens.

    All of them are held while the new order is worked out, so that two people reorder one after the other.
    """
    with atomic(), refusals():
        require_writer()
        beside = Account.objects.filter(book_id=account.book_id, parent_id=account.parent_id)
        held = list(beside.select_for_update(of=("self",), no_key=True).order_by("pk"))
        held.sort(key=lambda row: (row.position, row.name))
        at = next((i for i, row in enumerate(held) if row.pk == account.pk), -1)
        if at < 0 or not 0 <= at + by < len(held):
            return
        held.insert(at + by, held.pop(at))
        for position, row in enumerate(held):
            row.position = position
        Account.objects.bulk_update(held, ["position"])


def _set(account: Account, **columns: Any) -> Account:
    with atomic(), refusals():
        require_writer()
        if not Account.objects.filter(pk=account.pk).update(**columns):
            raise Used(_("This account is gone."))
    return Account.objects.get(pk=account.pk)
