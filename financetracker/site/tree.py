"""The account tree with balances, and what is done to it: order, hide, close, rename, move."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from financetracker.accounts import books
from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import balances, money
from financetracker.ledger.balances import Node, Valuation, tree
from financetracker.ledger.forms import BadName, Chart
from financetracker.ledger.pages.lines import OWN, Figure
from financetracker.site.pages import show_page
from financetracker.writing.days import show_day
from financetracker.writing.fields import DayField

# Deeper levels are drawn like this one; a class for each, because the policy allows no inline style.
DEEPEST = 6

Type = Account.Type


@dataclass(frozen=True, slots=True)
class TreeLine:
    """An account in the tree: what it holds in the sign people expect, and what that is worth.

    `unpriced` are the codes it holds itself that no price leads from, where that is missing in the net worth.
    """

    account: Account
    depth: int
    held: list[str]
    value: str
    plain: str
    note: str
    unpriced: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that belong together, and the line under them: what is left when one kind is taken from another."""

    name: str
    note: str
    lines: list[TreeLine]
    sum_name: str = ""
    sum: Figure | None = None

    @property
    def has_held(self) -> bool:
        """Whether any of them holds something other than the base."""
        return any(line.held for line in self.lines)


def account_tree(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the accounts with their balances at the end of a day, each in its natural sign. Nine queries.

    Income and expenses count from the first of January of that day's year.
    """
    book = book_of(request)
    day, error = _asked_day(request, book)
    codes = {row.code: row for row in Commodity.objects.filter(book=book)}
    base = next(row for row in codes.values() if row.pk == book.base_commodity_id)
    everything = "all" in request.GET
    nodes = tree(book, as_of=day, flows_since=_year(day))
    shown = [node for node in nodes if everything or not (node.account.hidden or node.account.closed_on)]
    return show_page(
        request,
        site,
        "site/accounts.html",
        title=_("Accounts"),
        groups=_groups(nodes, shown, codes, base, day),
        hidden=len(nodes) - len(shown),
        day=day,
        typed_day=request.GET.get("on", ""),
        error=error,
        base=base,
        everything=everything,
    )


def arrange(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the whole tree with a row of verbs at each account, and do one of them."""
    book = book_of(request)
    if not may_write(request):
        raise PermissionDenied
    accounts = [node.account for node in _plain_tree(book)]
    if request.method == "POST":
        verb, _colon, pk = request.POST.get("do", "").partition(":")
        account = next((row for row in accounts if str(row.pk) == pk), None)
        try:
            if account is None or verb not in VERBS:
                raise Refusal(_("There is no such account in this book."))
            VERBS[verb](account, today(book, timezone.now()))
        except Refusal as refusal:
            messages.error(request, refusal.message)
        there = f"#account-{account.pk}" if account else ""
        return HttpResponseRedirect(reverse("admin:accounts_account_arrange") + there)
    return show_page(
        request, site, "site/arrange.html", title=_("Arrange accounts"), lines=_arranged(_plain_tree(book))
    )


def place(request: HttpRequest, site: AdminSite, *, pk: int) -> HttpResponse:
    """Rename an account, or move it below another one of its type."""
    book = book_of(request)
    account = Account.objects.filter(book=book, pk=pk).select_related("parent", "book").first()
    if account is None:
        raise Http404
    if not may_write(request):
        raise PermissionDenied
    typed = {
        "name": account.name,
        "parent": account.parent.full_name if account.parent else "",
        "was": account.full_name,
    }
    errors: dict[str, str] = {}
    chart = Chart(book)
    if request.method == "POST":
        typed = {name: request.POST.get(name, "") for name in typed}
        errors = _place(chart, account, typed)
        if not errors:
            messages.success(request, _("Saved: %(what)s.") % {"what": typed["name"].strip()})
            return redirect("admin:accounts_account_register", pk=account.pk)
        if "was" in errors:
            now = Account.objects.get(pk=account.pk)
            errors["was"] += " " + _("It is called %(name)s now.") % {"name": now.full_name}
            typed["was"] = now.full_name
    below = account.full_name + ":"
    offered = [
        row.full_name
        for row in chart.accounts
        if row.type == account.type and row.pk != account.pk and not row.full_name.startswith(below)
    ]
    context = {"account": account, "typed": typed, "errors": errors, "offered": offered}
    return show_page(request, site, "site/place.html", title=_("Rename or move"), **context)


FIELDS_OF_RULES = {
    "account_name_is_unique": "name",
    "account_name_is_one_segment": "name",
    "account_tree_has_no_cycle": "parent",
    "account_type_equals_parent": "parent",
    "account_is_as_it_was": "was",
}


def _place(chart: Chart, account: Account, typed: dict[str, str]) -> dict[str, str]:
    """Do it; return what is wrong, by field."""
    errors = {}
    name, above = typed["name"].strip(), typed["parent"].strip()
    if not name:
        errors["name"] = _("An account has a name.")
    elif len(name) > 120:
        errors["name"] = _("A name has at most 120 characters.")
    for field, value in (("name", name), ("parent", above)):
        if "\x00" in value:
            errors[field] = _("Null characters are not allowed.")
    parent = None
    if above and "parent" not in errors:
        try:
            parent = chart.account(above)
        except BadName as error:
            errors["parent"] = str(error)
    if errors:
        return errors
    try:
        books.place_account(account, name=name, parent=parent, was=typed["was"].replace("\x00", ""))
    except Refusal as refusal:
        return {FIELDS_OF_RULES.get(refusal.rule, "form"): refusal.message}
    return {}


def _close(account: Account, day: datetime.date) -> None:
    """Close an account on a day. What still holds money is emptied first."""
    if account.type in OWN and (held := balances.balance(account)):
        rows = Commodity.objects.filter(book_id=account.book_id, code__in=held)
        what = ", ".join(f"{money.show(account.natural(held[row.code]), row.places)} {row.code}" for row in rows)
        raise Refusal(
            _("%(account)s still holds %(what)s: move it elsewhere first.")
            % {"account": account.full_name, "what": what}
        )
    books.close_account(account, day)


VERBS: dict[str, Callable[[Account, datetime.date], Any]] = {
    "up": lambda account, _day: books.reorder_account(account, -1),
    "down": lambda account, _day: books.reorder_account(account, 1),
    "hide": lambda account, _day: books.hide_account(account),
    "unhide": lambda account, _day: books.hide_account(account, hidden=False),
    "close": _close,
    "reopen": lambda account, _day: books.reopen_account(account),
}


@dataclass(frozen=True, slots=True)
class ArrangeLine:
    """An account with its verbs: whether it may go up or down among those beside it."""

    account: Account
    depth: int
    is_first: bool
    is_last: bool


def _plain_tree(book: Book) -> list[Node]:
    return balances.nodes_of(Account.objects.filter(book=book))


def _arranged(nodes: Sequence[Node]) -> list[ArrangeLine]:
    beside: dict[int | None, list[int]] = {}
    for node in nodes:
        beside.setdefault(node.account.parent_id, []).append(node.account.pk)
    return [
        ArrangeLine(
            node.account,
            min(node.depth, DEEPEST),
            beside[node.account.parent_id][0] == node.account.pk,
            beside[node.account.parent_id][-1] == node.account.pk,
        )
        for node in nodes
    ]


def _asked_day(request: HttpRequest, book: Book) -> tuple[datetime.date, str]:
    """The day that is asked for, today if none is; and what is wrong with it."""
    now = today(book, timezone.now())
    try:
        return DayField(required=False).clean(request.GET.get("on", "")) or now, ""
    except ValidationError as error:
        return now, " ".join(error.messages)


def _groups(
    nodes: Sequence[Node],
    shown: Sequence[Node],
    codes: dict[str, Commodity],
    base: Commodity,
    day: datetime.date,
) -> list[Group]:
    """What there is and what is owed; what came and went; the rest. A group without accounts is left out."""
    roots: dict[str, Decimal] = dict.fromkeys(Type.values, Decimal(0))
    for node in nodes:
        if node.depth == 0:
            roots[node.account.type] = money.EXACT.add(roots[node.account.type], node.value.amount)

    def group(name: str, note: str, types: set[str], sum_name: str = "", sign: int = 1) -> Group:
        lines = [_line(node, codes, base) for node in shown if node.account.type in types]
        total = sign * money.total(roots[type_] for type_ in types)
        return Group(name, note, lines, sum_name, Figure.of(total, base.places, base.code) if sum_name else None)

    since = _("since %(day)s, %(code)s") % {"day": show_day(_year(day)), "code": base.code}
    by = _("end of %(day)s, %(code)s") % {"day": show_day(day), "code": base.code}
    groups = [
        group(_("What you have and owe"), by, {Type.ASSET, Type.LIABILITY}, _("Net worth")),
        group(_("What came and went"), since, {Type.INCOME, Type.EXPENSE}, _("Left over"), -1),
        group(_("What the books began with"), by, {Type.EQUITY}),
    ]
    return [one for one in groups if one.lines]


def _year(day: datetime.date) -> datetime.date:
    return day.replace(month=1, day=1)


def _line(node: Node, codes: dict[str, Commodity], base: Commodity) -> TreeLine:
    amount = node.account.natural(node.value.amount)
    held = [
        f"{money.show(node.account.natural(value), codes[code].places)} {code}"
        for code, value in node.own.items()
        if value
    ]
    return TreeLine(
        node.account,
        min(node.depth, DEEPEST),
        held if set(node.own) - {base.code} else [],
        money.show(amount, base.places) if node.total and len(node.value.missing) < len(node.total) else "",
        f"{amount:f}" if amount else "0",
        _remarks(node.value, with_day=bool(set(node.own) - {base.code})),
        [code for code in node.value.missing if node.own.get(code) and node.account.type in OWN],
    )


def _remarks(value: Valuation, *, with_day: bool) -> str:
    """What a total leaves out, and `with_day` how old the price is that it rests on."""
    notes = []
    if value.missing:
        notes.append(_("no price for %(codes)s") % {"codes": ", ".join(value.missing)})
    if with_day and value.oldest is not None:
        notes.append(_("price of %(day)s") % {"day": show_day(value.oldest)})
    return "; ".join(notes)
