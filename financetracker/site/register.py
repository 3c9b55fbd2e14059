"""The register of an account: its entries with a running balance, their states as buttons, and as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import book_of, may_write
from financetracker.accounts.books import today
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Account
from financetracker.ledger import journal, money, search
from financetracker.ledger.forms import Chart
from financetracker.ledger.models import Posting, Tag
from financetracker.ledger.pages.asked import Asked, asked_of
from financetracker.ledger.pages.base import names
from financetracker.ledger.pages.csvfile import csv_answer
from financetracker.ledger.pages.lines import OWN, Figure, few, name_of
from financetracker.ledger.register import Cursor, Line, Page, Standing, register, standing
from financetracker.site.pages import show_page
from financetracker.writing import locale

PAGE_SIZE = 50
BATCH = 500

COLUMNS = (
    *("date", "payee", "narration", "accounts", "amount", "commodity", "balance", "state"),
    *("tags", "code", "memo", "notes", "transaction"),
)
OTHER_STATE = {Posting.State.UNCLEARED: Posting.State.CLEARED, Posting.State.CLEARED: Posting.State.UNCLEARED}


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """A posting in the register, in the account's natural sign, and what its button would make of it."""

    posting: Posting
    title: str
    narration: str
    accounts: str
    tags: list[str]
    amount: Figure
    balance: Figure
    other_state: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the account holds of one commodity, in its natural sign."""

    balance: Figure
    later: Figure | None
    cleared: Figure
    uncleared: Figure | None
    reconciled: Figure | None


def account_register(request: HttpRequest, site: AdminSite, *, pk: int) -> HttpResponse:
    """Show a page of an account's entries, newest first; set a leg to cleared or back. Eleven queries at most."""
    account = _account(request, pk)
    if request.method == "POST":
        return _clear(request, account)
    chart = Chart(account.book)
    asked = asked_of(request, chart, in_register=True)
    day = today(account.book, timezone.now())
    page = _page(request, account, asked)
    context = {
        "title": account.name,
        "account": account,
        "above": account.full_name.rpartition(":")[0].split(":") if account.parent_id else [],
        "asked": asked,
        "form": asked.form,
        "lines": _lines(page.lines, account),
        "held": [_held(row, chart, account) for row in standing(account, on=day)],
        "day": day,
        "base": chart.base.code,
        "mark": locale.active().decimal,
        "transfer_with": urlencode({"source": account.full_name}) if account.type in OWN else "",
        "add_with": urlencode({"account" if account.type in OWN else "category": account.full_name}),
        "older": _at(asked, "below", page.older),
        "newer": _at(asked, "above", page.newer),
        "here": request.GET.urlencode(),
        "csv": "csv/" + ("?" + urlencode(asked.typed) if asked.typed else ""),
        "accounts": chart.offered(),
        "tags": names(Tag, account.book),
    }
    return show_page(request, site, "site/register.html", **context)


def register_csv(request: HttpRequest, _site: AdminSite, *, pk: int) -> HttpResponseBase:
    """Give the register as a file, all of its pages, in the signs of the page."""
    account = _account(request, pk)
    asked = asked_of(request, Chart(account.book), in_register=True)

    def batches() -> Iterator[list[tuple[Any, ...]]]:
        before: Cursor | None = None
        while True:
            page = register(account, only=_only(asked), before=before, limit=BATCH)
            _load(page.lines)
            yield [_row_of_file(line, account) for line in page.lines]
            before = page.older
            if before is None:
                return

    return csv_answer(request, account.name, COLUMNS, batches())


def _account(request: HttpRequest, pk: int) -> Account:
    found = Account.objects.filter(book=book_of(request), pk=pk).select_related("book").first()
    if found is None:
        raise Http404
    return found


def _clear(request: HttpRequest, account: Account) -> HttpResponse:
    """Set one leg of this account, and lead back to where its button stands."""
    if not may_write(request):
        raise PermissionDenied
    wanted, _colon, state = request.POST.get("posting", "").partition(":")
    leg = None
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        leg = Posting.objects.filter(account=account, pk=int(wanted)).first()
    try:
        if leg is None:
            raise Refusal(_("There is no such leg in this account."))
        journal.clear(account.book, [leg], state)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    query = request.GET.urlencode()
    return HttpResponseRedirect(f"?{query}" + (f"#leg-{leg.pk}" if leg else ""))


def _page(request: HttpRequest, account: Account, asked: Asked) -> Page:
    below, above = (search.place(request.GET.get(name, "")) for name in ("below", "above"))
    return register(
        account,
        only=_only(asked),
        before=Cursor(*below) if below else None,
        after=Cursor(*above) if above else None,
        limit=PAGE_SIZE,
    )


def _only(asked: Asked) -> Q | None:
    """What is asked of a posting; None for all of them."""
    if not asked.typed:
        return None
    return (search.of_transaction(asked.condition) if asked.condition else Q()) & asked.of_leg


def _at(asked: Asked, name: str, cursor: Cursor | None) -> str:
    return urlencode(asked.typed | {name: str(search.Place(*cursor))}) if cursor else ""


def _load(lines: Sequence[Line]) -> None:
    """Read what the lines name beside their own account: two queries, however many."""
    legs = Posting.objects.select_related("account").order_by("position")
    rows = [line.posting.transaction for line in lines]
    prefetch_related_objects(rows, Prefetch("postings", legs), "tags")


def _lines(lines: Sequence[Line], account: Account) -> list[RegisterLine]:
    _load(lines)
    return [_line(line, account) for line in lines]


def _line(line: Line, account: Account) -> RegisterLine:
    posting, row = line.posting, line.posting.transaction
    others = few(_others(posting))
    name = str(row.payee) if row.payee else row.narration or name_of(list(row.postings.all()))
    return RegisterLine(
        posting,
        name,
        row.narration if row.payee else "",
        "" if others == name else others,
        [tag.name for tag in row.tags.all()],
        _figure(posting.amount, posting.commodity.places, posting.commodity.code, account),
        _figure(line.balance, posting.commodity.places, posting.commodity.code, account),
        str(OTHER_STATE.get(Posting.State(posting.state), "")),
    )


def _others(posting: Posting) -> list[str]:
    """Name the accounts on the other side; of a transaction within one account that one."""
    legs = posting.transaction.postings.all()
    return [leg.account.name for leg in legs if leg.account_id != posting.account_id] or [
        leg.account.name for leg in legs if leg.pk != posting.pk
    ]


def _figure(value: Decimal, places: int, code: str, account: Account) -> Figure:
    return Figure.of(account.natural(value), places, code)


def _held(row: Standing, chart: Chart, account: Account) -> Held:
    commodity = chart.by_id[row.commodity_id]

    def figure(value: Decimal) -> Figure:
        return _figure(value, commodity.places, commodity.code, account)

    return Held(
        figure(row.by_day),
        figure(row.balance) if row.balance != row.by_day else None,
        figure(row.cleared),
        figure(row.uncleared) if row.uncleared else None,
        figure(row.reconciled) if row.reconciled else None,
    )


def _row_of_file(line: Line, account: Account) -> tuple[Any, ...]:
    posting, row = line.posting, line.posting.transaction
    others = [leg.account.full_name for leg in row.postings.all() if leg.account_id != posting.account_id]
    amount, balance = (
        money.with_places(account.natural(value), posting.commodity.places)
        for value in (posting.amount, line.balance)
    )
    return (
        *(row.date, row.payee.name if row.payee else "", row.narration, ", ".join(dict.fromkeys(others))),
        *(amount, posting.commodity.code, balance),
        *(posting.state, " ".join(tag.name for tag in row.tags.all()), row.code, posting.memo, row.notes),
        row.public_id,
    )
