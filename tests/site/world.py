"""Two households full of words nobody else may read, their people, and requests that leave no trace.

Every name, note and code of Home holds `homcanary`, of the neighbours `nbrcanary`; names and addresses of their
people hold `homperson` and `nbrperson`. Ids count from 555000001 in Home and 777000001 next door, so that a number
in an answer says whose it is.
"""

import html
import logging
import re
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from django.apps import apps
from django.conf import settings
from django.core.signing import b64_decode
from django.db import connection, connections
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.http import HttpResponse
from django.test import Client

from financetracker.accounts import books
from financetracker.accounts.models import Membership
from financetracker.ledger import journal
from financetracker.ledger.models import BalanceAssertion, Payee, Posting, Price, Tag
from financetracker.users.models import User
from tests.builders import DAY, Household, UserFactory

HOME_IDS, THEIR_IDS, NO_IDS, NEW_IDS = 555_000_000, 777_000_000, 888_000_000, 999_000_000

FORM = "application/x-www-form-urlencoded"

# Who asks. Owner, editor and viewer are Home's; the stranger owns a third book; gone was an owner of Home until
# his login was deactivated. Beside them there is `both`, an owner of Home and of the neighbours' book, in Home.
ROLES = ("owner", "editor", "viewer", "stranger", "superuser", "anonymous", "gone")
MEMBERS = ("owner", "editor", "viewer")

# What differs between two answers of the same page.
# Headers that say when and in which request, and how long.
UNIQUE = ("Content-Length", "Expires", "X-Request-ID")
_VARIES = re.compile(r'(name="csrfmiddlewaretoken" value="|name="public_id" value=")[^"]*')

_TABLES = (
    *("accounts_membership", "accounts_commodity", "accounts_account", "ledger_payee", "ledger_tag"),
    *("ledger_transaction", "ledger_transactiontag", "ledger_posting", "ledger_price", "ledger_balanceassertion"),
    *("ledger_transactionrevision", "ledger_postingrevision", "ledger_revision"),
)


@dataclass(frozen=True)
class Things:
    """One of everything in a book: ids, public ids and names."""

    payee: int
    tag: int
    price: int
    assertion: int
    commodity: int
    quote: int
    account: int
    parent: int
    membership: int
    user: int
    transaction: int
    voided: int
    leg: int
    other_leg: int
    book: int
    book_public_id: str
    public_id: str
    account_name: str
    other_account_name: str
    commodity_code: str
    quote_code: str
    payee_name: str
    tag_name: str
    word: str
    address: str


MISSING = Things(
    **{name: NO_IDS + at for at, name in enumerate(list(Things.__annotations__)[:15], 1)},
    book_public_id=str(uuid.UUID(int=NO_IDS)),
    public_id=str(uuid.UUID(int=NO_IDS + 1)),
    account_name="Assets:Nozcanary account",
    other_account_name="Assets:Nozcanary other",
    commodity_code="NOZCANARY",
    quote_code="NOZCANARYQ",
    payee_name="nozcanary payee",
    tag_name="nozcanary-tag",
    word="nozcanary",
    address="nozperson@example.org",
)


@dataclass(frozen=True)
class Answer:
    """What came back, as much of it as a person or a program could look at."""

    status: int
    location: str
    headers: tuple[tuple[str, str], ...]
    body: str
    changed: frozenset[str]

    @property
    def kind(self) -> str:
        """The status; `login` where the answer leads to the login."""
        return "login" if self.location.startswith("/admin/login/") else str(self.status)

    def without(self, sent: Sequence[str]) -> tuple[Any, ...]:
        """The answer with everything that was sent, and everything that varies, taken out."""
        body = _VARIES.sub(r"\1", self.body)
        return self.status, _cut(self.location, sent), _cut(repr(self.headers), sent), _cut(body, sent)


def _cut(text: str, sent: Sequence[str]) -> str:
    for value in sorted({v for v in sent if len(v) > 2}, key=len, reverse=True):
        for form in (value, html.escape(value), quote(value), quote_plus(value), quote(quote(value))):
            text = text.replace(form, "§")
    return text


@dataclass
class World:
    """The books, the people and their logins."""

    home: Household
    theirs: Household
    own: Things
    foreign: Things
    cookies: dict[str, str] = field(default_factory=dict)
    public_ids: dict[str, list[str]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    client: Client = field(default_factory=Client)

    def things(self, which: str) -> Things:
        return {"own": self.own, "foreign": self.foreign, "missing": MISSING}[which]

    def ask(
        self,
        role: str,
        method: str,
        path: str,
        data: Mapping[str, Any] | str | None = None,
        *,
        content_type: str = FORM,
        then: Callable[[], object] = bool,
    ) -> Answer:
        """Send a request as somebody and take back what it did. A string is a body as it goes over the wire.

        `then` looks at the rows before they are taken back.
        """
        client = self.client  # one for all: to make the middleware anew takes longer than most answers
        client.cookies.clear()
        if role in self.cookies:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[role]
        writes = Writes()
        answer: list[Answer] = []
        with suppress(_Undone), atomic():
            with connection.execute_wrapper(writes):
                if method == "GET":
                    response = client.get(path)
                else:
                    body = data if isinstance(data, str) else urlencode(dict(data or {}), doseq=True)
                    response = client.post(path, body, content_type=content_type)
            then()
            answer.append(_answer(response, self.changes() if writes.seen else frozenset()))
            raise _Undone
        return answer[0]

    def values(self, things: Things, page: Any, body: Mapping[str, Any] | None = None) -> list[str]:
        """The things' values that a request itself names, in its address or its body."""
        known = (str(getattr(things, name)) for name in Things.__annotations__)
        sent = {str(value) for value in (body or {}).values()}
        at = page.at(things)
        return [value for value in known if value in sent or value in at]

    def changes(self) -> frozenset[str]:
        """Where rows differ from those that were made: `home`, `theirs`, `logins`."""
        now = self.rows()
        return frozenset(name for name in now if now[name] != self.made[name])

    def rows(self) -> dict[str, Any]:
        """Fingerprints of every row of both books, and of the logins."""
        return {"home": self._rows(self.home), "theirs": self._rows(self.theirs), "logins": _logins()}

    def _rows(self, household: Household) -> tuple[str, ...]:
        parts = [
            f"(SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t.id), '')) FROM {table} t WHERE book_id = %s)"
            for table in _TABLES
        ]
        with household.scope(), connection.cursor() as cursor:
            book = "(SELECT md5(b::text) FROM accounts_book b WHERE id = %s)"
            cursor.execute(f"SELECT {', '.join([book, *parts])}", [household.book.pk] * (len(parts) + 1))
            return tuple(cursor.fetchone())

    def leaks(self, role: str, answer: Answer, sent: Sequence[str], *, people: bool = False) -> set[str]:
        """The words, numbers and public ids in an answer that this person may not read.

        `people` are no secret to a superuser on the pages of the logins.
        """
        secret = ["nbrcanary", *self.public_ids["foreign"]]
        secret += [] if people else ["nbrperson", str(THEIR_IDS)[:6]]
        if role not in (*MEMBERS, "both"):
            secret += ["homcanary", *self.public_ids["own"]]
            secret += [] if people else ["homperson", str(HOME_IDS)[:6]]
        seen = " ".join(str(part) for part in answer.without(sent)).lower()
        return {word for word in secret if word in seen}


class Writes:
    """Watches statements go by. A request without one that could write has changed nothing: nobody need look."""

    _COULD_WRITE = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|create_book)\b", re.IGNORECASE)

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._COULD_WRITE.search(sql):
            self.seen.append(sql)
        return execute(sql, params, many, context)


class _Undone(Exception):
    """Ends the block of a request, so that what it did is rolled back."""


def _answer(response: HttpResponse, changed: frozenset[str]) -> Answer:
    headers = [(name, value) for name, value in response.items() if name not in UNIQUE]
    headers += [
        ("Set-Cookie", f"{name}={_opened(name, morsel.value)}")
        for name, morsel in response.cookies.items()
        if "csrf" not in name
    ]
    return Answer(
        response.status_code,
        response.get("Location", ""),
        tuple(sorted(pair for pair in headers if pair[0] != "Location")),
        response.getvalue().decode(),  # type: ignore[attr-defined]
        changed,
    )


def _opened(name: str, value: str) -> str:
    """The value of a cookie; messages as they are written in it, without the signature, which holds the time."""
    if name != "messages" or not value:
        return value
    written, _time, _signature = value.rsplit(":", 2)
    packed = b64_decode(written.lstrip(".").encode())
    return (zlib.decompress(packed) if written.startswith(".") else packed).decode()


def _logins() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT md5(string_agg(u::text, '' ORDER BY id)) FROM users_user u")
        return str(cursor.fetchone()[0])


# --- Making it


@contextmanager
def made(*, as_owner: bool = False) -> Iterator[World]:
    """Make the world in one transaction, and take it back at the end.

    `as_owner` lets the tables' owner, whom row security does not bind, serve the requests.
    """
    app = connections["default"]
    if as_owner:
        connections["default"] = connections["owner"]
    counters = _counters()
    logging.disable(logging.CRITICAL)  # thousands of refusals are expected here
    try:
        with suppress(_Undone), atomic():
            yield _build()
            raise _Undone
    finally:
        logging.disable(logging.NOTSET)
        _count_on(counters)
        connections["default"] = app


def _build() -> World:
    third = Household("Choir")
    _count_from(HOME_IDS)
    home, own = furnish("Home", "hom")
    gone = UserFactory(name="Gone", email="gone@example.org")
    both = UserFactory(name="Both", email="both@example.org")
    with home.scope():
        books.add_member(home.book, gone, "owner")
        books.add_member(home.book, both, "owner")
    root = User.objects.create_superuser("root@example.org", "password")
    _count_from(THEIR_IDS)
    theirs, foreign = furnish("Neighbours", "nbr")
    with theirs.scope():
        books.add_member(theirs.book, both, "owner")
    _count_from(NEW_IDS)  # what the requests themselves make is nobody's secret
    people = {"owner": home.owner, "editor": home.editor, "viewer": home.viewer, "stranger": third.owner}
    people |= {"superuser": root, "gone": gone, "both": both}
    cookies = {}
    for role, person in people.items():
        client = Client()
        client.force_login(person)
        cookies[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
    Client(headers={"cookie": f"{settings.SESSION_COOKIE_NAME}={cookies['both']}"}).post(
        "/admin/book/", {"book": own.book_public_id}
    )
    User.objects.filter(pk=gone.pk).update(is_active=False)
    world = World(home, theirs, own, foreign, cookies)
    for which, household in (("own", home), ("foreign", theirs)):
        with household.scope():
            accounts = [str(row.public_id) for row in household.accounts.values()]
        things = world.things(which)
        world.public_ids[which] = [things.book_public_id, things.public_id, *accounts]
    world.made = world.rows()
    return world


def furnish(name: str, mark: str) -> tuple[Household, Things]:
    """Make a household in which everything that has a name has one of its own."""
    word = f"{mark}canary"
    household = Household(f"{name} {word}")
    for role in ("owner", "editor", "viewer"):
        person = getattr(household, role)
        person.name, person.email = f"{mark}person {role}", f"{mark}person-{role}@example.org"
        person.save(update_fields=["name", "email"])
    book = household.book
    with household.scope():
        codes = [
            books.add_commodity(book, code, name=f"{word} coin", kind="other", places=2)
            for code in (word.upper(), f"{word.upper()}Q")
        ]
        columns = {"notes": f"{word} notes", "code": f"{word} code", "iban": f"{word} iban"}
        account = books.open_account(book, f"Assets:{word} account", "asset", **columns)
        other = books.open_account(book, f"Assets:{word} other", "asset")
        household.accounts[account.name] = account
        household.commodities |= {row.code: row for row in codes}
        legs = (household.leg("Food 12.50", memo=f"{word} memo"), f"{account.name} -12.50")
        words = {"payee": f"{word} payee", "narration": f"{word} narration", "notes": f"{word} notes"}
        row = household.post(*legs, **words, code=f"{word} code", tags=[f"{word}-tag"])
        voided = household.post("Food 1", f"{account.name} -1", **words)
        Price.objects.create(
            book=book, commodity=codes[0], quote=codes[1], date=DAY, value=2, source=f"{word} source"
        )
        BalanceAssertion.objects.create(book=book, account=account, commodity=codes[0], date=DAY, amount=0)
        journal.void(voided, version=1, reason=f"{word} reason")
        first, second = Posting.objects.filter(transaction=row).order_by("position")
        things = Things(
            payee=Payee.objects.get(book=book).pk,
            tag=Tag.objects.get(book=book).pk,
            price=Price.objects.get(book=book).pk,
            assertion=BalanceAssertion.objects.get(book=book).pk,
            commodity=codes[0].pk,
            quote=codes[1].pk,
            account=account.pk,
            parent=account.parent_id or 0,
            membership=Membership.objects.get(book=book, user=household.viewer).pk,
            user=household.viewer.pk,
            transaction=row.pk,
            voided=voided.pk,
            leg=first.pk,
            other_leg=second.pk,
            book=book.pk,
            book_public_id=str(book.public_id),
            public_id=str(row.public_id),
            account_name=account.full_name,
            other_account_name=other.full_name,
            commodity_code=codes[0].code,
            quote_code=codes[1].code,
            payee_name=f"{word} payee",
            tag_name=f"{word}-tag",
            word=word,
            address=household.viewer.email,
        )
    return household, things


# --- Counters: no transaction takes back what a sequence counted


def _sequences() -> list[str]:
    models = [
        model for label in ("users", "accounts", "ledger") for model in apps.get_app_config(label).get_models()
    ]
    with connections["owner"].cursor() as cursor:
        tables = [model._meta.db_table for model in models]
        cursor.execute("SELECT pg_get_serial_sequence(t, 'id') FROM unnest(%s::text[]) t", [tables])
        return [name for (name,) in cursor.fetchall() if name]


def _counters() -> dict[str, tuple[int, bool]]:
    found = {}
    with connections["owner"].cursor() as cursor:
        for name in _sequences():
            cursor.execute(f"SELECT last_value, is_called FROM {name}")
            found[name] = cursor.fetchone()
    return found


def _count_on(counters: Mapping[str, tuple[int, bool]]) -> None:
    with connections["owner"].cursor() as cursor:
        for name, (value, is_called) in counters.items():
            cursor.execute("SELECT setval(%s, %s, %s)", [name, value, is_called])


def _count_from(base: int) -> None:
    _count_on(dict.fromkeys(_sequences(), (base, True)))


# --- Taking the first wall away


@contextmanager
def without_queryset_scoping() -> Iterator[None]:
    """Let no query be narrowed to a book by code: conditions on `book` are dropped wherever they are written."""
    narrowed = QuerySet._filter_or_exclude

    def unscoped(self: QuerySet[Any], negate: bool, args: Any, kwargs: dict[str, Any]) -> QuerySet[Any]:
        if not negate:
            kwargs = {name: value for name, value in kwargs.items() if name not in ("book", "book_id")}
        return narrowed(self, negate, args, kwargs)

    QuerySet._filter_or_exclude = unscoped
    try:
        yield
    finally:
        QuerySet._filter_or_exclude = narrowed
