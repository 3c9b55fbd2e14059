"""What is done to a transaction besides amending it: void, reinstate, reverse, clear a leg; and its history."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import may_write
from financetracker.accounts.errors import Refusal
from financetracker.ledger import journal
from financetracker.ledger.history import history_of_transaction
from financetracker.ledger.models import Transaction
from financetracker.ledger.pages.base import TransactionPages, refuse_stale, title, version
from financetracker.writing.fields import DayField


class VerbPages(TransactionPages):
    """The verbs of the journal as buttons, and what happened to a transaction in words."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page(self.history_page, "history", "<int:pk>/history/"),
            self._page(self.void_action, "void", "<int:pk>/void/"),
            self._page(self.reinstate_action, "reinstate", "<int:pk>/reinstate/"),
            self._page(self.reverse_action, "reverse", "<int:pk>/reverse/"),
            self._page(self.clear_action, "clear", "<int:pk>/clear/"),
            *super().get_urls(),
        ]

    def void_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a transaction out of every sum."""
        return self._act(
            request, pk, lambda row, version: journal.void(row, version=version, reason=_reason(request))
        )

    def reinstate_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Count a voided transaction again."""
        return self._act(
            request, pk, lambda row, version: journal.reinstate(row, version=version, reason=_reason(request))
        )

    def reverse_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write the opposite of a transaction on the day that was typed."""

        def act(row: Transaction, version: int) -> Transaction:
            try:
                day = DayField().clean(request.POST.get("date", ""))
                public_id = uuid.UUID(request.POST.get("public_id", ""))
            except ValidationError as error:
                raise Refusal(" ".join(error.messages)) from error
            except ValueError:
                public_id = uuid.uuid4()
            return journal.reverse(row, date=day, version=version, public_id=public_id)

        return self._act(request, pk, act)

    def clear_action(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Set one leg to cleared or back."""

        def act(row: Transaction, version: int) -> Transaction:
            refuse_stale(row, version)
            wanted, _colon, state = request.POST.get("posting", "").partition(":")
            legs = [leg for leg in row.postings.all() if str(leg.pk) == wanted]
            if not legs:
                raise Refusal(_("There is no such leg in this transaction."))
            journal.clear(row.book, legs, state)
            return row

        return self._act(request, pk, act)

    def _act(self, request: HttpRequest, pk: int, act: Callable[[Transaction, int], Transaction]) -> HttpResponse:
        """Run a verb on a transaction of the chosen book and lead to what it made."""
        row = self._row(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_write(request):
            raise PermissionDenied
        try:
            row = act(row, version(request.POST.get("version", "")))
        except Refusal as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(reverse(f"admin:{self._name}_show", args=[row.pk]))

    def history_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what happened to a transaction, in words."""
        row = self._row(request, pk)
        return self._answer(
            request,
            "site/history.html",
            title=_("History: %(what)s") % {"what": title(row)},
            events=history_of_transaction(row),
            back=reverse(f"admin:{self._name}_show", args=[row.pk]),
        )


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:500]
