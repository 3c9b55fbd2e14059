"""One signed-in request is one scope: this person, this book, one database transaction."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from financetracker.accounts.models import Membership
from financetracker.accounts.scope import NotAMember, scope
from financetracker.site.locales import locale_of
from financetracker.users.models import User
from financetracker.writing.locale import use

logger = logging.getLogger(__name__)

SESSION_KEY = "book"

# Pages of the admin that need no book. Every other one is a 404 without.
WITHOUT_BOOK = frozenset({"index", "login", "logout", "book", "book_new", "preferences", "jsi18n"})
# The names of the pages of logins; stock Django calls the one for a password after its own user model.
LOGINS = ("users_user_", "auth_user_")


class BookMiddleware:
    """Opens the scope of a signed-in request and notes `memberships` and `membership` (None: no book) on it.

    The book is kept in the session by its public id; a person with one book has chosen it. A membership that
    was lost meanwhile, even between two statements, is as if there had been none. Five queries a request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.memberships, request.membership = [], None  # type: ignore[attr-defined]
        try:
            if not isinstance(request.user, User):
                return self.get_response(request)
            return self._in_scope(request, request.user)
        except OperationalError:
            logger.exception("The database did not answer in time.")
            return busy()
        except NotAMember:  # he was deactivated after his login was read
            raise Http404 from None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say so where a lock was not to be had in time: the page's own block is undone by then."""
        if not isinstance(exception, OperationalError):
            return None
        logger.error("The database did not answer in time.", exc_info=exception)
        return busy()

    def _in_scope(self, request: HttpRequest, user: User) -> HttpResponse:
        with ExitStack() as stack:
            stack.enter_context(use(locale_of(user.locale, request.headers.get("Accept-Language", ""))))
            stack.enter_context(scope(user.pk, None, source="admin"))
            mine = Membership.objects.filter(user=user).select_related("book").order_by("book__name", "pk")
            request.memberships = list(mine)  # type: ignore[attr-defined]
            chosen = _chosen(request, request.memberships)  # type: ignore[attr-defined]
            if chosen is not None:
                try:
                    inside = stack.enter_context(scope(user.pk, chosen.book_id, source="admin"))
                except NotAMember:
                    request.memberships.remove(chosen)  # type: ignore[attr-defined]
                else:
                    chosen.role = inside.role
                    request.membership = chosen  # type: ignore[attr-defined]
                    stack.enter_context(timezone.override(ZoneInfo(chosen.book.time_zone)))
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Let nobody without a book onto a book's page, and nobody but a superuser onto the logins."""
        match = request.resolver_match
        if match is None or "admin" not in match.app_names or not isinstance(request.user, User):
            return None
        name = match.url_name or ""
        if name.startswith(LOGINS):
            if not request.user.is_superuser:
                raise Http404
            return None
        if name in WITHOUT_BOOK or request.membership is not None:  # type: ignore[attr-defined]
            return None
        if not request.memberships:  # type: ignore[attr-defined]
            raise Http404
        chooser = reverse("admin:book")
        if request.method in ("GET", "HEAD"):
            chooser += "?" + urlencode({"next": request.get_full_path()})
        return redirect(chooser)


def busy() -> HttpResponse:
    """Return the page that says the database is busy or away. It asks the database for nothing."""
    return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "5"})


def _chosen(request: HttpRequest, memberships: list[Membership]) -> Membership | None:
    if len(memberships) == 1:
        return memberships[0]
    wanted = request.session.get(SESSION_KEY)
    return next((row for row in memberships if str(row.book.public_id) == wanted), None)
