"""The list of transactions: searched, filtered, page by page, and as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from financetracker.accounts.bookadmin import book_of
from financetracker.accounts.books import today
from financetracker.ledger import money, search
from financetracker.ledger.forms import Chart
from financetracker.ledger.models import Posting, Tag, Transaction
from financetracker.ledger.pages.asked import asked_of
from financetracker.ledger.pages.base import TransactionPages, names
from financetracker.ledger.pages.csvfile import csv_answer
from financetracker.ledger.pages.lines import Figure, line_of, rows_of_file
from financetracker.writing import locale

PAGE_SIZE = 50
# Rows that a file is read by: each batch is a scope of its own, so that a slow reader holds no connection.
BATCH = 500

COLUMNS = (
    *("date", "payee", "narration", "accounts", "amount", "commodity", "state", "void"),
    *("tags", "code", "notes", "transaction"),
)


class ListPages(TransactionPages):
    """Transactions, newest first, searched and filtered."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.list_page, "changelist", ""),
            self._page(self.csv_page, "csv", "csv/"),
            *super().get_urls(),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """Show a page of transactions, newest first. Nine queries at most, however many rows."""
        chart = Chart(book_of(request))
        asked = asked_of(request, chart)
        rows = self.get_queryset(request).filter(asked.condition)
        found = search.found(rows) if asked.typed and asked.is_valid else None
        slice_ = search.page(
            with_legs(rows),
            known=found,
            below=search.place(request.GET.get("below", "")),
            above=search.place(request.GET.get("above", "")),
            size=PAGE_SIZE,
        )
        return self._answer(
            request,
            "ledger/transaction_list.html",
            title=_("Transactions"),
            asked=asked,
            form=asked.form,
            lines=[line_of(row) for row in slice_.rows],
            found=found_line(found, chart) if found else None,
            base=chart.base.code,
            older=urlencode(asked.typed | {"below": str(slice_.older)}) if slice_.older else "",
            newer=urlencode(asked.typed | {"above": str(slice_.newer)}) if slice_.newer else "",
            csv=reverse(f"admin:{self._name}_csv") + ("?" + urlencode(asked.typed) if asked.typed else ""),
            is_narrowed=bool(asked.typed),
            mark=locale.active().decimal,
            day=today(chart.book, timezone.now()),
            accounts=chart.offered(),
            tags=names(Tag, chart.book),
        )

    def csv_page(self, request: HttpRequest) -> HttpResponseBase:
        """Give what is listed as a file, all of its pages: one line a transaction and commodity."""
        asked = asked_of(request, Chart(book_of(request)))

        def batches() -> Iterator[list[tuple[Any, ...]]]:
            below: search.Place | None = None
            while True:
                rows = with_legs(self.get_queryset(request).filter(asked.condition))
                slice_ = search.page(rows, below=below, above=None, size=BATCH)
                yield [line for row in slice_.rows for line in rows_of_file(row)]
                below = slice_.older
                if below is None:
                    return

        return csv_answer(request, _("transactions"), COLUMNS, batches())


def with_legs(rows: QuerySet[Transaction]) -> QuerySet[Transaction]:
    """Load what a line says: three queries more, however many rows."""
    legs = Posting.objects.select_related("account", "commodity", "weight_commodity").order_by("position")
    return rows.select_related("payee").prefetch_related(models.Prefetch("postings", legs), "tags")


@dataclass(frozen=True, slots=True)
class FoundLine:
    """How many were found, and what they come to; exact only while there are few of them."""

    count: str
    total: list[Figure]
    average: list[Figure]


def found_line(found: search.Found, chart: Chart) -> FoundLine:
    """Say how many rows there are. Of more than a thousand nobody counts or adds up the rest."""
    if found.is_more:
        return FoundLine(_("More than %(most)s found") % {"most": money.show_count(search.MOST)}, [], [])
    count = ngettext("%(count)s found", "%(count)s found", found.count) % {"count": money.show_count(found.count)}
    places = {row.code: row.places for row in chart.commodities}

    def figures(divided_by: int) -> list[Figure]:
        return [
            Figure.of(money.EXACT.divide(value, divided_by), places[code], code, is_rounded=divided_by > 1)
            for code, value in found.sums.items()
        ]

    return FoundLine(count, figures(1), figures(found.count) if found.count > 1 else [])
