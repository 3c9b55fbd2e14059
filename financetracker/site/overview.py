"""The first page of a book: what the accounts hold, what needs attention, what happened last, a quick entry."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import attention, money
from financetracker.ledger.balances import Node, tree
from financetracker.ledger.models import Posting, Transaction
from financetracker.ledger.pages.entry import quick_entry
from financetracker.ledger.pages.lines import line_of
from financetracker.site.pages import show_page
from financetracker.writing.days import show_day

OWN = (Account.Type.ASSET, Account.Type.LIABILITY)
LATEST = 8
# More accounts than this are a list of their own.
MOST_ACCOUNTS = 20
MOST_POINTS = 8


@dataclass(frozen=True, slots=True)
class Held:
    """An account on the page: what it holds, and what that is worth in the base."""

    account: Account
    foreign: list[str]
    value: str
    plain: str
    href: str


@dataclass(frozen=True, slots=True)
class Point:
    """Something to look at: what, why, and where to put it right."""

    what: str
    why: str
    verb: str
    href: str


def overview(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show where the household stands today. The same number of queries for any number of rows."""
    book = book_of(request)
    day = today(book, timezone.now())
    codes = {row.code: row for row in Commodity.objects.filter(book=book)}
    base = next(row for row in codes.values() if row.pk == book.base_commodity_id)
    nodes = tree(book, as_of=day)
    shown = _shown(nodes)
    points = _points(book, nodes, codes, day, may_price=may_write(request))
    worth = [node.value for node in nodes if node.depth == 0 and node.account.type in OWN]
    net = money.total(value.amount for value in worth)
    latest = _latest(book)
    context: dict[str, Any] = {
        **quick_entry(request),
        "title": _("Overview"),
        "day": day,
        "base": base,
        "holdings": [_held(node, codes, base) for node in shown[:MOST_ACCOUNTS]],
        "more_accounts": _others(nodes, shown[:MOST_ACCOUNTS]),
        "net_worth": money.show(net, base.places),
        "net_plain": f"{net:f}",
        "points": points[:MOST_POINTS],
        "more_points": max(0, len(points) - MOST_POINTS),
        "lines": [line_of(row) for row in latest],
        "may_start": may_write(request) and not latest,
    }
    return show_page(request, site, "site/overview.html", **context)


def _shown(nodes: Sequence[Node]) -> list[Node]:
    """The accounts of one's own that are in use, each with what is below it: none stands under another one."""
    found: list[Node] = []
    within: int | None = None
    for node in nodes:
        if within is not None and node.depth > within:
            continue
        within = None
        account = node.account
        if account.type in OWN and not (account.placeholder or account.hidden or account.closed_on):
            found.append(node)
            within = node.depth
    return found


def _others(nodes: Sequence[Node], listed: Sequence[Node]) -> int:
    """How many accounts hold something that counts in the total, and stand in no line of the list."""
    above = [node.account.full_name for node in listed]
    return sum(
        1
        for node in nodes
        if node.own
        and node.account.type in OWN
        and not any(
            node.account.full_name == name or node.account.full_name.startswith(name + ":") for name in above
        )
    )


def _held(node: Node, codes: dict[str, Commodity], base: Commodity) -> Held:
    """An account in the sign of what one has: a debt is below zero."""
    own = node.total
    known = len(node.value.missing) < len(own) or not own
    return Held(
        node.account,
        [f"{money.show(amount, codes[code].places)} {code}" for code, amount in own.items() if code != base.code],
        money.show(node.value.amount, base.places) if known else "",
        f"{node.value.amount:f}",
        _register(node.account),
    )


def _register(account: Account) -> str:
    return reverse("admin:accounts_account_register", args=[account.pk])


def _latest(book: Book) -> Sequence[Transaction]:
    legs = Posting.objects.select_related("account", "commodity", "weight_commodity").order_by("position")
    rows = Transaction.objects.filter(book=book, voided=False).select_related("payee")
    return list(rows.prefetch_related(Prefetch("postings", legs), "tags").order_by("-date", "-pk")[:LATEST])


def _points(
    book: Book, nodes: Sequence[Node], codes: dict[str, Commodity], day: datetime.date, *, may_price: bool
) -> list[Point]:
    """What needs attention, the most certain first: a wrong balance, a price that is missing, legs that wait."""
    own = {node.account.pk: node.account for node in nodes if node.account.type in OWN}
    return [
        *(_broken(point, codes) for point in attention.broken(book, nodes, day)),
        *(_unpriced(codes[code], may_price=may_price) for code in attention.unpriced(nodes, OWN)),
        *(_uncleared(point, day) for point in attention.uncleared(own, day)),
    ]


def _broken(point: attention.Broken, codes: dict[str, Commodity]) -> Point:
    places = codes[point.code].places
    off = money.show(money.EXACT.subtract(point.held, point.asserted), places)

    def said(value: Decimal) -> str:
        return f"{money.show(value, places)} {point.code}"

    return Point(
        _("%(account)s is off by %(amount)s") % {"account": point.account.name, "amount": f"{off} {point.code}"},
        _("%(asserted)s was asserted for %(day)s, the book says %(held)s")
        % {"asserted": said(point.asserted), "held": said(point.held), "day": show_day(point.date)},
        _("Look"),
        _register(point.account),
    )


def _unpriced(commodity: Commodity, *, may_price: bool) -> Point:
    add = reverse("admin:ledger_price_add") + "?" + urlencode({"commodity": commodity.code})
    return Point(
        _("%(code)s has no price") % {"code": commodity.name or commodity.code},
        _("what is held of it counts in no total"),
        _("Add price") if may_price else _("Look"),
        add if may_price else reverse("admin:accounts_commodity_change", args=[commodity.pk]),
    )


def _uncleared(point: attention.Uncleared, day: datetime.date) -> Point:
    last = day - attention.PATIENCE - datetime.timedelta(1)
    query = {"state": Posting.State.UNCLEARED.value, "since": str(point.since), "until": str(last)}
    return Point(
        ngettext(
            "%(count)d entry in %(account)s is uncleared",
            "%(count)d entries in %(account)s are uncleared",
            point.count,
        )
        % {"count": point.count, "account": point.account.name},
        _("for more than 60 days; the first since %(day)s") % {"day": show_day(point.since)},
        _("Look"),
        _register(point.account) + "?" + urlencode(query),
    )
