"""Pages of the site that span apps: the account tree with balances, locking a period, history of plain rows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import BookAdmin, book_of, is_owner, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import journal, money
from financetracker.ledger.balances import Node, tree
from financetracker.ledger.days import show_day
from financetracker.ledger.forms import DayField
from financetracker.ledger.history import history_of_row

# Deeper levels are drawn like this one; a class for each, because the policy allows no inline style.
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class TreeLine:
    """An account in the tree: what it holds in the sign people expect, and what that is worth."""

    account: Account
    depth: int
    held: list[str]
    value: str
    plain: str
    note: str


def account_tree(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the accounts with their balances today, each in its natural sign. Six queries for any number."""
    book = book_of(request)
    day = today(book, timezone.now())
    codes = {row.code: row for row in Commodity.objects.filter(book=book)}
    base = next(row for row in codes.values() if row.pk == book.base_commodity_id)
    everything = "all" in request.GET
    lines = [
        _line(node, codes, base)
        for node in tree(book, as_of=day)
        if everything or not (node.account.hidden or node.account.closed_on)
    ]
    return _answer(
        request,
        site,
        "site/accounts.html",
        title=_("Accounts"),
        lines=lines,
        day=day,
        base=base,
        everything=everything,
    )


def period(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show how far the book is locked; an owner locks further, or opens again and says why."""
    book = Book.objects.get(pk=book_of(request).pk)
    error, typed = "", {"date": "", "reason": ""}
    if request.method == "POST":
        if not is_owner(request):
            raise PermissionDenied
        typed = {name: request.POST.get(name, "") for name in typed}
        try:
            _lock_or_unlock(book, request)
        except Refusal as refusal:
            error = refusal.message
        else:
            return redirect("admin:period")
    return _answer(
        request,
        site,
        "site/period.html",
        title=_("Locked period"),
        book=book,
        error=error,
        typed=typed,
        is_owner=is_owner(request),
        events=history_of_row(book, columns=["locked_through"]),
    )


def row_history(request: HttpRequest, site: AdminSite, *, pages: BookAdmin, pk: int) -> HttpResponse:
    """Show what happened to one row of the chosen book."""
    row = pages.get_object(request, str(pk))
    if not pages.has_view_permission(request, row):
        raise PermissionDenied
    opts = pages.opts
    return _answer(
        request,
        site,
        "site/history.html",
        title=_("History: %(what)s") % {"what": row},
        events=history_of_row(row),
        back=reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk]),
    )


def _lock_or_unlock(book: Book, request: HttpRequest) -> None:
    reason = request.POST.get("reason", "").strip()
    if "\x00" in reason:
        raise Refusal(_("Null characters are not allowed."))
    if "unlock" in request.POST:
        day = _day(request, required=False)
        journal.unlock(book, through=day, reason=reason)
    else:
        journal.lock_through(book, _day(request, required=True), reason=reason)


def _day(request: HttpRequest, *, required: bool) -> Any:
    try:
        return DayField(required=required).clean(request.POST.get("date", ""))
    except ValidationError as error:
        raise Refusal(" ".join(error.messages)) from error


def _line(node: Node, codes: dict[str, Commodity], base: Commodity) -> TreeLine:
    sign = -1 if node.account.is_credit_normal else 1
    held = [f"{money.show(sign * value, codes[code].places)} {code}" for code, value in node.total.items()]
    amount = sign * node.value.amount
    notes = []
    if node.value.missing:
        notes.append(_("no price for %(codes)s") % {"codes": ", ".join(node.value.missing)})
    if node.value.oldest is not None:
        notes.append(_("price of %(day)s") % {"day": show_day(node.value.oldest)})
    return TreeLine(
        node.account,
        min(node.depth, DEEPEST),
        held if set(node.total) - {base.code} else [],
        money.show(amount, base.places) if node.total and len(node.value.missing) < len(node.total) else "",
        f"{amount:f}" if amount else str(Decimal(0)),
        "; ".join(notes),
    )


def _answer(request: HttpRequest, site: AdminSite, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(
        request, template, {**site.each_context(request), "may_write": may_write(request), **context}
    )
