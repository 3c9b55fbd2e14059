"""Forms that begin with a transaction that is there: duplicate it, refund it, split or unsplit its legs."""

import datetime
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import may_write
from financetracker.accounts.books import today
from financetracker.ledger import derived, journal
from financetracker.ledger.journal import Entry
from financetracker.ledger.models import Transaction
from financetracker.ledger.pages.base import title
from financetracker.ledger.pages.entry import EntryPages
from financetracker.ledger.pages.sentence import OWN, amounts


class AgainPages(EntryPages):
    """Each shows the form of an entry, filled in; nothing is written before it is saved."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.duplicate_page, "duplicate", "<int:pk>/duplicate/"),
            self._page(self.refund_page, "refund", "<int:pk>/refund/"),
            self._page(self.split_page, "split", "<int:pk>/split/"),
            self._page(self.unsplit_page, "unsplit", "<int:pk>/unsplit/"),
            *super().get_urls(),
        ]

    def duplicate_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enter the same again, today."""
        return self._again(request, pk, lambda row: derived.copied(journal.entry_of(row), _today(row)))

    def refund_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enter what came back of a purchase: all of it at first, the amounts are free."""
        row = self._again_row(request, pk)
        if row is None:
            return self._enter(request, None, None)
        free = _free(row)
        if free is None:
            self.message_user(
                request,
                _("This purchase has %(most)d refunds already: change one of them.")
                % {"most": derived.MOST_REFUNDS},
                messages.ERROR,
            )
            return HttpResponseRedirect(reverse(f"admin:{self._name}_show", args=[row.pk]))
        entry = derived.refunded(journal.entry_of(row), _today(row), free)
        if request.method == "POST" and request.POST.get("public_id", "") not in [
            str(number) for number in _ids(row)
        ]:
            # It is found by its number later; a form that was sent twice keeps the one it has.
            data = request.POST.copy()
            data["public_id"] = str(free)
            request.POST = data  # type: ignore[assignment]
        return _titled(self._enter(request, None, entry), _("Refund: %(what)s") % {"what": title(row)})

    def split_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Share one leg out over several."""

        def change(entry: Entry) -> Entry:
            wanted = request.GET.get("leg", "")
            try:
                return derived.split(entry, int(wanted) if wanted.isascii() and wanted.isdecimal() else 0)
            except LookupError:
                raise Http404 from None

        return self._amend_as(request, pk, change, _("Split: %(what)s"))

    def unsplit_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make one leg of several of a kind."""
        return self._amend_as(request, pk, derived.joined, _("Unsplit: %(what)s"))

    def _again(self, request: HttpRequest, pk: int, begin: Callable[[Transaction], Entry]) -> HttpResponse:
        row = self._again_row(request, pk)
        answer = self._enter(request, None, begin(row) if row else None)
        return _titled(answer, _("Again: %(what)s") % {"what": title(row)}) if row else answer

    def _amend_as(
        self, request: HttpRequest, pk: int, change: Callable[[Entry], Entry], says: str
    ) -> HttpResponse:
        row = self._again_row(request, pk)
        if row is None:
            return self._enter(request, None, None)
        entry = journal.entry_of(row)
        answer = self._enter(request, row, entry, shown=change(entry) if request.method != "POST" else None)
        return _titled(answer, says % {"what": title(row)})

    def _again_row(self, request: HttpRequest, pk: int) -> Transaction | None:
        """The transaction to begin with; None if the form was sent to another book than its own."""
        row = None if self._other_book(request) else self._row(request, pk)
        if not may_write(request):
            raise PermissionDenied
        return row


@dataclass(frozen=True, slots=True)
class Refunds:
    """What came back of a purchase: the transactions, void ones too, and the sum of those that count, as text."""

    rows: Sequence[Transaction]
    total: str


def refunds_of(row: Transaction) -> Refunds:
    """The refunds of a purchase. One query, four if there are any."""
    found = list(
        Transaction.objects.filter(book_id=row.book_id, public_id__in=_ids(row))
        .prefetch_related("postings__account", "postings__commodity")
        .order_by("date", "pk")
    )
    legs = [leg for made in found if not made.voided for leg in made.postings.all() if leg.account.type in OWN]
    return Refunds(found, amounts(legs))


def purchase_of(row: Transaction) -> Transaction | None:
    """The purchase that a refund belongs to, where the book has it. One query at most."""
    try:
        named = uuid.UUID(str(row.metadata.get(derived.REFUND_OF, "")))
    except ValueError:
        return None
    return Transaction.objects.filter(book_id=row.book_id, public_id=named).select_related("payee").first()


def _titled(answer: HttpResponse, text: str) -> HttpResponse:
    """Say in the heading of a form what it begins with."""
    if isinstance(answer, TemplateResponse) and answer.context_data is not None:
        answer.context_data["title"] = text
    return answer


def _free(row: Transaction) -> uuid.UUID | None:
    """The number that the next refund of a purchase has. One query."""
    ids = _ids(row)
    used = set(Transaction.objects.filter(public_id__in=ids).values_list("public_id", flat=True))
    return next((number for number in ids if number not in used), None)


def _ids(row: Transaction) -> list[uuid.UUID]:
    return derived.refund_ids(row.public_id)


def _today(row: Transaction) -> datetime.date:
    return today(row.book, timezone.now())
