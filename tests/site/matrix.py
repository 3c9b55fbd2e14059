"""Every address of the project, who gets what from it, and what is sent to it. A table to be read and reviewed.

A line of the table says by role, in the order of ROLES (owner, editor, viewer of Home; a stranger who owns a book
of his own; a superuser without a book; nobody; somebody deactivated), what the answer is: a status, or `login`
where it leads to the login. `own` is for what belongs to Home, `away` for what belongs to the neighbours or to
nobody: these two must be the same to the last byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.urls import URLPattern, URLResolver

from tests.site.world import MEMBERS, MISSING, ROLES, Things

Body = Callable[[Things], dict[str, Any]]

# Pages of a book.
SEEN = "200 200 200 200 404 login login"
WRITTEN = "200 200 403 200 404 login login"
SAVED = "302 302 403 302 404 login login"
ADDED = "302 302 403 200 404 login login"  # the body names rows of Home, which the stranger's form does not take
# Pages of a row of a book: nobody outside of Home finds a row of Home.
ROW = "200 200 200 404 404 login login"
ROW_WRITTEN = "200 200 403 404 404 login login"
ROW_SAVED = "302 302 403 404 404 login login"
ROW_BUTTON = "405 405 405 404 404 login login"
AWAY = "404 404 404 404 404 login login"
# Pages of an owner.
OWNERS = "200 403 403 200 404 login login"
OWNERS_SAVED = "302 403 403 302 404 login login"
OWNERS_ROW = "200 403 403 404 404 login login"
OWNERS_ROW_SAVED = "302 403 403 404 404 login login"
# Pages of the logins.
ROOTS = "404 404 404 404 200 login login"
ROOTS_SAVED = "404 404 404 404 302 login login"
# An old address that leads to the page of a row, whatever row, and is a 404 only there.
LEADS = "302 302 302 302 404 login login"
NOTHING = "403 403 403 403 404 login login"

_fresh = count(1)


def empty(_things: Things) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Page:
    """An address, `{name}` in it standing for a field of Things, and what it answers.

    `refs` are the fields of the body that name rows; with one of them naming a row of another book or of none,
    an answer with status `refused` comes back, and nothing is saved. `saves` says whose rows a body changes.
    """

    path: str
    get: str
    post: str
    get_away: str = ""
    post_away: str = ""
    body: Body = empty
    refs: tuple[str, ...] = ()
    refused: int = 200
    of_logins: bool = False
    saves: str = ""
    of_everybody: bool = False  # what a person says of himself

    @property
    def names_a_row(self) -> bool:
        return "{" in self.path

    def at(self, things: Things) -> str:
        return self.path.format(**{name: getattr(things, name) for name in Things.__annotations__})

    def may_change(self, role: str, method: str, kind: str) -> set[str]:
        """Whose rows an answer of this kind may have changed. What a stranger saves is in his own book."""
        home = self.saves == "home" and role in MEMBERS
        logins = self.saves == "logins" and (role == "superuser" or self.of_everybody)
        return {self.saves} if method == "POST" and kind == "302" and (home or logins) else set()

    def expected(self, method: str, *, away: bool = False) -> dict[str, str]:
        line = {
            ("GET", False): self.get,
            ("POST", False): self.post,
            ("GET", True): self.get_away,
            ("POST", True): self.post_away,
        }[method, away]
        return dict(zip(ROLES, line.split(), strict=True))


def stray(things: Things) -> dict[str, Any]:
    """What no form of ours has a field for: it must count for nothing."""
    return {
        "id": things.payee,
        "pk": things.payee,
        "book_id": things.book,
        "user": things.user,
        "user_id": things.user,
        "actor": things.user,
        "commodity_ids": things.commodity,
        "full_name": things.account_name,
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": things.payee,
        "_selected_action": things.payee,
        "action": "delete_selected",
    }


def new_name(_things: Things) -> dict[str, Any]:
    return {"name": f"new-{next(_fresh)}"}


def new_commodity(_things: Things) -> dict[str, Any]:
    return {"code": f"NEW{next(_fresh)}", "name": "New", "kind": "crypto", "places": "2", "scale": "4"}


def new_price(things: Things) -> dict[str, Any]:
    refs = {"commodity": things.commodity, "quote": things.quote}
    return {"date": "2026-04-01", "value": "2.5", "kind": "manual", "source": "x", **refs}


def new_assertion(things: Things) -> dict[str, Any]:
    return {
        "account": things.account,
        "commodity": things.commodity,
        "date": "2026-04-01",
        "amount": "0",
        "tolerance": "0",
    }


def new_account(things: Things) -> dict[str, Any]:
    name = {"name": f"New {next(_fresh)}", "type": "asset"}
    return {**name, "parent": things.parent, "commodities": things.commodity}


def changed_account(things: Things) -> dict[str, Any]:
    return {"name": "Renamed", "type": "asset", "parent": things.parent, "notes": "x"}


def entry(things: Things) -> dict[str, Any]:
    """A new transaction: one leg in the base, one exchanged for a commodity of the book."""
    return {
        "public_id": f"00000000-0000-0000-0000-{next(_fresh):012}",
        "version": "",
        "book": things.book_public_id,
        "date": "2026-03-20",
        "payee": "Somebody",
        "tags": "new",
        "leg-0-id": "",
        "leg-0-account": things.account_name,
        "leg-0-amount": "10",
        "leg-0-commodity": things.commodity_code,
        "leg-0-weight": "20",
        "leg-0-weight_commodity": things.quote_code,
        "leg-1-account": things.account_name,
        "leg-1-amount": "-20",
        "leg-1-commodity": things.quote_code,
    }


LEG_REFS = (
    "book",
    "leg-0-account",
    "leg-0-commodity",
    "leg-0-weight_commodity",
    "leg-1-account",
    "leg-1-commodity",
)


def amended(things: Things) -> dict[str, Any]:
    ids = {"leg-0-id": things.leg, "leg-1-id": things.other_leg}
    return {**entry(things), **ids, "public_id": things.public_id, "version": "1"}


def balances(things: Things) -> dict[str, Any]:
    """What there is on the first day: one account that is there, one that is opened."""
    return {
        "public_id": f"00000000-0000-0000-0000-{next(_fresh):012}",
        "book": things.book_public_id,
        "date": "2026-03-20",
        "row-0-account": things.account_name,
        "row-0-amount": "10",
        "row-0-commodity": things.commodity_code,
        "row-1-account": f"New {next(_fresh)}",
        "row-1-amount": "-5",
    }


def transfer(things: Things) -> dict[str, Any]:
    """Between two accounts: the one that all figures of the book are about, and another of one's own."""
    return {
        "public_id": f"00000000-0000-0000-0000-{next(_fresh):012}",
        "version": "1",
        "book": things.book_public_id,
        "date": "2026-03-20",
        "source": things.account_name,
        "target": things.other_account_name,
        "amount": "10",
        "commodity": things.quote_code,
        "received": "20",
        "received_commodity": things.commodity_code,
        "narration": "x",
        "anyway": "1",
    }


TRANSFER_REFS = ("book", "source", "target", "commodity", "received_commodity")


def cleared(things: Things) -> dict[str, Any]:
    return {"version": "1", "posting": f"{things.leg}:cleared"}


def version(_things: Things) -> dict[str, Any]:
    return {"version": "1", "reason": "x"}


def brought_back(_things: Things) -> dict[str, Any]:
    return {"version": "2"}


def reversed_(things: Things) -> dict[str, Any]:
    return {"version": "1", "date": "2026-03-21"}


def agreed(_things: Things) -> dict[str, Any]:
    return {"post": "yes"}


def new_login(_things: Things) -> dict[str, Any]:
    secret = {"password1": "a-long-new-secret", "password2": "a-long-new-secret"}
    return {"email": f"new{next(_fresh)}@example.org", "name": "New", "usable_password": "true", **secret}


def new_password(_things: Things) -> dict[str, Any]:
    return {"usable_password": "true", "password1": "a-long-new-secret", "password2": "a-long-new-secret"}


def changed_login(_things: Things) -> dict[str, Any]:
    return {"email": f"new{next(_fresh)}@example.org", "name": "New", "is_active": "on"}


def plain(
    label: str,
    thing: str,
    add: Body,
    *,
    refs: tuple[str, ...] = (),
    change: Body | None = None,
    removed: str = "",
) -> dict[str, Page]:
    """The pages of a table that members see and writers write."""
    app, _, model = label.partition("_")
    at = f"/admin/{app}/{model}/"
    row = f"{at}{{{thing}}}/"
    change = change or add
    kept = tuple(name for name in refs if name in change(MISSING))
    return {
        f"admin:{label}_changelist": Page(at, SEEN, SEEN),
        f"admin:{label}_add": Page(
            f"{at}add/", WRITTEN, ADDED if refs else SAVED, body=add, refs=refs, saves="home"
        ),
        f"admin:{label}_change": Page(f"{row}change/", ROW, ROW_SAVED, AWAY, AWAY, change, kept, saves="home"),
        # What is used is not removed: the answer leads back to the row.
        f"admin:{label}_delete": Page(f"{row}delete/", ROW_WRITTEN, ROW_SAVED, AWAY, AWAY, agreed, saves=removed),
        f"admin:{label}_history": Page(f"{row}history/", ROW, ROW, AWAY, AWAY),
        f"admin/{app}/{model}/<path:object_id>/": Page(row, LEADS, LEADS, LEADS, LEADS),
    }


T = "/admin/ledger/transaction/"
A = "/admin/accounts/account/"
M = "/admin/accounts/membership/"
U = "/admin/users/user/"
ENTERED = "302 302 302 302 302 200 200"
OUT = "302 302 302 302 302 302 302"

PAGES: dict[str, Page] = {
    "": Page("/", OUT, OUT),
    "static": Page("/static/site/none.0123456789ab.css", " ".join(["404"] * 7), " ".join(["405"] * 7)),
    # --- Entering
    "account_login": Page("/users/login/", ENTERED, ENTERED, body=lambda t: {"login": t.address, "password": "x"}),
    "account_logout": Page("/users/logout/", "200 200 200 200 200 302 302", OUT),
    "account_inactive": Page("/users/inactive/", "200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "account_reauthenticate": Page(
        "/users/reauthenticate/", "200 200 200 200 200 302 302", "200 200 200 200 200 302 302", body=agreed
    ),
    "account_change_password": Page(
        "/users/password/",
        "200 200 200 200 200 302 302",
        "200 200 200 200 200 302 302",
        body=lambda _t: {
            "oldpassword": "wrong",
            "password1": "a-long-new-secret",
            "password2": "a-long-new-secret",
        },
    ),
    # --- The site
    "admin:index": Page("/admin/", "200 200 200 200 302 login login", "200 200 200 200 302 login login"),
    "admin:login": Page("/admin/login/", OUT, OUT),
    "admin:logout": Page("/admin/logout/", OUT, OUT),
    "admin:jsi18n": Page("/admin/jsi18n/", "200 200 200 200 200 login login", "405 405 405 405 405 login login"),
    "admin:app_list": Page("/admin/ledger/", "302 302 302 302 404 login login", "302 302 302 302 404 login login"),
    "admin/(?P<url>.*)$": Page("/admin/nothing/{payee}/", AWAY, AWAY, AWAY, AWAY),
    "admin:book": Page(
        "/admin/book/",
        "200 200 200 200 200 login login",
        "302 302 302 404 404 login login",
        body=lambda t: {"book": t.book_public_id},
        refs=("book",),
        refused=404,
    ),
    "admin:period": Page(
        "/admin/period/",
        SEEN,
        "302 403 403 302 404 login login",
        body=lambda _t: {"date": "2026-01-31", "reason": "x", "lock": "1"},
        saves="home",
    ),
    # Whoever can log in may make a book, and is a member of that one alone.
    "admin:book_new": Page(
        "/admin/book/new/",
        "200 200 200 200 200 login login",
        "302 302 302 302 302 login login",
        body=lambda _t: {
            "name": f"New {next(_fresh)}",
            "base": "EUR",
            "time_zone": "Europe/Vienna",
            "first_day_of_week": "1",
            "preset": "none",
        },
    ),
    "admin:book_start": Page(
        "/admin/book/start/", WRITTEN, ADDED, body=balances, refs=("book", "row-0-commodity"), saves="home"
    ),
    "admin:book_settings": Page(
        "/admin/book/settings/",
        SEEN,
        "302 403 403 302 404 login login",
        body=lambda _t: {"name": f"New {next(_fresh)}", "time_zone": "Europe/Vienna", "first_day_of_week": "6"},
        saves="home",
    ),
    "admin:preferences": Page(
        "/admin/preferences/",
        "200 200 200 200 200 login login",
        "302 302 302 302 302 login login",
        body=lambda _t: {"name": f"New {next(_fresh)}", "locale": "de"},
        saves="logins",
        of_everybody=True,
    ),
    # --- The ledger
    "admin:ledger_transaction_changelist": Page(T, SEEN, SEEN),
    "admin:ledger_transaction_csv": Page(f"{T}csv/", SEEN, SEEN),
    "admin:ledger_transaction_add": Page(f"{T}add/", WRITTEN, ADDED, body=entry, refs=LEG_REFS, saves="home"),
    "admin:ledger_transaction_usual": Page(f"{T}usual/", WRITTEN, WRITTEN),
    "admin:ledger_transaction_read": Page(
        f"{T}read/", "405 405 403 405 404 login login", WRITTEN, body=entry, refs=LEG_REFS
    ),
    "admin:ledger_transaction_change": Page(
        f"{T}{{transaction}}/change/",
        ROW,
        ROW_SAVED,
        AWAY,
        AWAY,
        amended,
        (*LEG_REFS, "leg-0-id", "leg-1-id"),
        saves="home",
    ),
    "admin:ledger_transaction_show": Page(f"{T}{{transaction}}/", ROW, ROW, AWAY, AWAY),
    "admin:ledger_transaction_duplicate": Page(
        f"{T}{{transaction}}/duplicate/", ROW_WRITTEN, ROW_SAVED, AWAY, AWAY, entry, LEG_REFS, saves="home"
    ),
    "admin:ledger_transaction_refund": Page(
        f"{T}{{transaction}}/refund/", ROW_WRITTEN, ROW_SAVED, AWAY, AWAY, entry, LEG_REFS, saves="home"
    ),
    "admin:ledger_transaction_split": Page(
        f"{T}{{transaction}}/split/?leg={{leg}}",
        ROW_WRITTEN,
        ROW_SAVED,
        AWAY,
        AWAY,
        amended,
        LEG_REFS,
        saves="home",
    ),
    "admin:ledger_transaction_unsplit": Page(
        f"{T}{{transaction}}/unsplit/", ROW_WRITTEN, ROW_SAVED, AWAY, AWAY, amended, LEG_REFS, saves="home"
    ),
    "admin:ledger_transaction_transfer": Page(
        f"{T}transfer/", WRITTEN, ADDED, body=transfer, refs=TRANSFER_REFS, saves="home"
    ),
    # The transaction is no transfer, so looking leads to the other form.
    "admin:ledger_transaction_transfer_change": Page(
        f"{T}{{transaction}}/transfer/",
        "302 302 403 404 404 login login",
        ROW_SAVED,
        AWAY,
        AWAY,
        transfer,
        TRANSFER_REFS,
        saves="home",
    ),
    "admin:ledger_transaction_history": Page(f"{T}{{transaction}}/history/", ROW, ROW, AWAY, AWAY),
    "admin:ledger_transaction_void": Page(
        f"{T}{{transaction}}/void/", ROW_BUTTON, ROW_SAVED, AWAY, AWAY, version, saves="home"
    ),
    "admin:ledger_transaction_reinstate": Page(
        f"{T}{{voided}}/reinstate/", ROW_BUTTON, ROW_SAVED, AWAY, AWAY, brought_back, saves="home"
    ),
    "admin:ledger_transaction_reverse": Page(
        f"{T}{{transaction}}/reverse/", ROW_BUTTON, ROW_SAVED, AWAY, AWAY, reversed_, saves="home"
    ),
    "admin:ledger_transaction_clear": Page(
        f"{T}{{transaction}}/clear/", ROW_BUTTON, ROW_SAVED, AWAY, AWAY, cleared, ("posting",), 302, saves="home"
    ),
    **plain("ledger_payee", "payee", new_name),
    **plain("ledger_tag", "tag", new_name),
    **plain("ledger_price", "price", new_price, refs=("commodity", "quote"), removed="home"),
    **plain("ledger_balanceassertion", "assertion", new_assertion, refs=("account", "commodity"), removed="home"),
    # --- The chart of accounts
    **plain("accounts_commodity", "commodity", new_commodity),
    **plain("accounts_account", "account", new_account, refs=("parent", "commodities"), change=changed_account),
    "admin:accounts_account_register": Page(
        f"{A}{{account}}/register/",
        ROW,
        ROW_SAVED,
        AWAY,
        AWAY,
        lambda t: {"posting": f"{t.other_leg}:cleared"},
        ("posting",),
        302,
        saves="home",
    ),
    "admin:accounts_account_register_csv": Page(f"{A}{{account}}/register/csv/", ROW, ROW, AWAY, AWAY),
    "admin:accounts_account_arrange": Page(
        f"{A}arrange/",
        WRITTEN,
        SAVED,
        body=lambda t: {"do": f"hide:{t.account}"},
        refs=("do",),
        refused=302,
        saves="home",
    ),
    "admin:accounts_account_place": Page(
        f"{A}{{account}}/place/",
        ROW_WRITTEN,
        ROW_SAVED,
        AWAY,
        AWAY,
        lambda t: {"name": f"Moved {next(_fresh)}", "parent": "Assets", "was": t.account_name},
        saves="home",
    ),
    "admin:accounts_membership_changelist": Page(M, OWNERS, OWNERS),
    "admin:accounts_membership_add": Page(
        f"{M}add/", NOTHING, NOTHING, body=lambda t: {"user": t.user, "role": "viewer"}
    ),
    "admin:accounts_membership_change": Page(
        f"{M}{{membership}}/change/",
        OWNERS_ROW,
        OWNERS_ROW_SAVED,
        AWAY,
        AWAY,
        lambda _t: {"role": "editor"},
        saves="home",
    ),
    "admin:accounts_membership_delete": Page(
        f"{M}{{membership}}/delete/", OWNERS_ROW, OWNERS_ROW_SAVED, AWAY, AWAY, agreed, saves="home"
    ),
    "admin:accounts_membership_history": Page(f"{M}{{membership}}/history/", OWNERS_ROW, OWNERS_ROW, AWAY, AWAY),
    "admin/accounts/membership/<path:object_id>/": Page(f"{M}{{membership}}/", LEADS, LEADS, LEADS, LEADS),
    # --- The logins
    "admin:users_user_changelist": Page(U, ROOTS, ROOTS, of_logins=True),
    "admin:users_user_add": Page(f"{U}add/", ROOTS, ROOTS_SAVED, body=new_login, of_logins=True, saves="logins"),
    "admin:users_user_change": Page(
        f"{U}{{user}}/change/",
        ROOTS,
        ROOTS_SAVED,
        ROOTS,
        ROOTS_SAVED,
        changed_login,
        of_logins=True,
        saves="logins",
    ),
    "admin:auth_user_password_change": Page(
        f"{U}{{user}}/password/",
        ROOTS,
        ROOTS_SAVED,
        ROOTS,
        ROOTS_SAVED,
        new_password,
        of_logins=True,
        saves="logins",
    ),
    "admin:users_user_delete": Page(
        f"{U}{{user}}/delete/",
        "404 404 404 404 403 login login",
        "404 404 404 404 403 login login",
        "404 404 404 404 403 login login",
        "404 404 404 404 403 login login",
        agreed,
        of_logins=True,
    ),
    "admin/users/user/<path:object_id>/": Page(f"{U}{{user}}/", LEADS, LEADS, LEADS, LEADS),
}


# --- What stands in no table of addresses: parameters. `{name}` is a row's id or name, as above.

_LISTS = (
    "/admin/ledger/payee/",
    "/admin/ledger/tag/",
    "/admin/ledger/price/",
    "/admin/ledger/balanceassertion/",
    "/admin/accounts/commodity/",
    "/admin/accounts/membership/",
)
_LOOKUPS = (
    "q={word}",
    "q={address}",
    "book={book}",
    "book__id__exact={book}",
    "book__name__startswith={word}",
    "commodity__id__exact={commodity}",
    "account__full_name={account_name}",
    "user__email={address}",
    "id__in={payee},{tag},{price}",
    "o=1.2&ot=asc&all=1",
    "p=0&_popup=1&_to_field=id&q={word}",
    "_to_field=name&_popup=1",
    "_facets=True&e=1",
)
PROBES: tuple[str, ...] = (
    *(f"{at}?{lookup}" for at in _LISTS for lookup in _LOOKUPS),
    *(f"/admin/ledger/transaction/?{lookup}" for lookup in _LOOKUPS),
    "/admin/ledger/transaction/?account={account_name}",
    "/admin/ledger/transaction/?account={account}",
    "/admin/ledger/transaction/?tag={tag_name}",
    "/admin/ledger/transaction/?q={payee_name}",
    "/admin/ledger/transaction/?below=2026-12-31.{transaction}",
    "/admin/ledger/transaction/?book={book_public_id}",
    "/admin/ledger/transaction/?above=2026-01-01.{transaction}",
    "/admin/ledger/transaction/?q=account:%22{account_name}%22",
    "/admin/ledger/transaction/?q=payee:{word}+tag:{tag_name}+%23{tag_name}",
    "/admin/ledger/transaction/csv/?q={word}",
    "/admin/ledger/transaction/csv/?account={account_name}",
    "/admin/accounts/account/arrange/?account={account}",
    "/admin/accounts/account/?all&q={word}",
    "/admin/accounts/account/?book={book}",
    "/admin/period/?book={book}",
    "/admin/book/?next=/admin/ledger/transaction/{transaction}/change/",
    "/admin/ledger/transaction/add/?payee={payee}&book={book}&account={account_name}",
    "/admin/ledger/transaction/add/?category={account_name}&date=2026-03-14&amount=1&wide=1",
    "/admin/ledger/transaction/usual/?payee={payee_name}",
    "/admin/ledger/transaction/transfer/?source={account_name}",
    "/admin/ledger/price/add/?commodity={commodity_code}&quote={commodity}",
    "/admin/ledger/balanceassertion/add/?account={account}&commodity={commodity}&_popup=1&_to_field=id",
    "/admin/accounts/account/add/?parent={parent}&commodities={commodity}",
    "/admin/ledger/payee/add/?name=x&book={book}&_changelist_filters=book%3D{book}",
    "/admin/ledger/payee/{tag_name}/change/",
    "/admin/ledger/payee/{payee}/change/?_to_field=name",
    "/admin/ledger/payee/{payee}/change/?_to_field=book",
    "/admin/ledger/payee/{payee}_2F/change/",
    "/admin/ledger/payee/{payee}/password/",
    "/admin/r/1/{payee}/",
    "/admin/r/8/{account}/",
    "/admin/r/15/{transaction}/",
    "/admin/autocomplete/?app_label=ledger&model_name=posting&field_name=account&term={word}",
    "/admin/autocomplete/?app_label=ledger&model_name=transaction&field_name=payee&term={word}",
    "/admin/autocomplete/?app_label=accounts&model_name=membership&field_name=user&term={address}",
    "/admin/jsi18n/?book={book}",
    "/admin/password_change/?user={user}",
    "/admin/ledger/posting/{leg}/change/",
    "/admin/ledger/posting/",
    "/admin/ledger/revision/?row_id={payee}",
    "/admin/accounts/book/{book}/change/",
    "/admin/accounts/book/",
    "/admin/auth/group/",
    "/admin/admin/logentry/",
)

# Bulk actions and edits in a list, sent to every list.
BULK: tuple[str, ...] = (
    "action=delete_selected&_selected_action={row}&index=0",
    "action=delete_selected&_selected_action={row}&post=yes&select_across=1",
    "form-TOTAL_FORMS=1&form-INITIAL_FORMS=1&form-0-id={row}&form-0-name=x&form-0-role=viewer&_save=Save",
)


BULK_LISTS = {
    **dict(zip(_LISTS, ("payee", "tag", "price", "assertion", "commodity", "membership"), strict=True)),
    "/admin/ledger/transaction/": "transaction",
    "/admin/accounts/account/": "account",
}


# --- Addresses


def routes(resolver: URLResolver, before: str = "", spaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Every address by its name, or by its route where it has none."""
    for part in resolver.url_patterns:
        route = before + str(part.pattern)
        if isinstance(part, URLPattern):
            yield ":".join((*spaces, part.name)) if part.name else route
        else:
            inner = (*spaces, part.namespace) if part.namespace else spaces
            yield from routes(part, route, inner)
