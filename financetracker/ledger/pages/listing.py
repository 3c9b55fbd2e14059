"""The list of transactions."""

from collections.abc import Sequence

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import book_of
from financetracker.ledger import search
from financetracker.ledger.forms import Chart, FilterForm
from financetracker.ledger.models import Posting, Tag, Transaction
from financetracker.ledger.pages.base import TransactionPages, names
from financetracker.ledger.pages.lines import line_of

PAGE_SIZE = 50


class ListPages(TransactionPages):
    """Transactions, newest first, searched and filtered."""

    def get_urls(self) -> list[URLPattern]:
        return [self._page(self.list_page, "changelist", ""), *super().get_urls()]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """Show a page of transactions, newest first. Seven queries, however many rows."""
        book = book_of(request)
        chart = Chart(book)
        form = FilterForm(chart, request.GET)
        shown: Sequence[Transaction] = []
        below = older = None
        if form.is_valid():
            below = search.place(request.GET.get("below", ""))
            rows = (
                self.get_queryset(request)
                .select_related("payee")
                .prefetch_related(
                    models.Prefetch(
                        "postings",
                        Posting.objects.select_related("account", "commodity", "weight_commodity").order_by(
                            "position"
                        ),
                    ),
                    "tags",
                )
            )
            shown, older = search.page(search.narrow(rows, form.cleaned_data), below, PAGE_SIZE)
        asked = {name: value for name, value in form.data.items() if name in form.fields and value}
        return self._answer(
            request,
            "ledger/transaction_list.html",
            title=_("Transactions"),
            form=form,
            lines=[line_of(row) for row in shown],
            older=urlencode(asked | {"below": str(older)}) if older else "",
            newest=urlencode(asked) if below else "",
            is_narrowed=bool(asked),
            accounts=chart.offered(),
            tags=names(Tag, book),
        )
