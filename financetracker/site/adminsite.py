"""The admin site: who may enter, which pages it has beside the models' own, and nothing of the stock log."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.bookadmin import BookAdmin, membership_of
from financetracker.site.first_run import new_book
from financetracker.site.middleware import SESSION_KEY
from financetracker.site.opening import start_page
from financetracker.site.overview import overview
from financetracker.site.pages import row_history
from financetracker.site.period import period
from financetracker.site.register import account_register, register_csv
from financetracker.site.settings_pages import book_settings, preferences
from financetracker.site.tree import account_tree, arrange, place
from financetracker.users.kept import keeps
from financetracker.users.plainadmin import PlainAdmin

ACCOUNT = "accounts/account"

# Stock pages that would show or do what ours forbid: a redirect to any row, choices without a book, a second
# way to change a password beside django-allauth's.
REMOVED = frozenset({"view_on_site", "autocomplete", "password_change", "password_change_done"})


class BookSite(AdminSite):
    """The one admin site. Every active person may enter; what he sees is said by his membership."""

    site_title = "financetracker"
    site_header = "financetracker"
    index_title = gettext_lazy("Overview")
    site_url = None
    enable_nav_sidebar = False

    def register(
        self, model_or_iterable: Any, admin_class: "type[ModelAdmin[Any]] | None" = None, **options: Any
    ) -> None:
        """Take our own pages only: what a library registers for itself asks for no book."""
        if admin_class is not None and issubclass(admin_class, PlainAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Log in by django-allauth, with its rate limits; the way back is kept."""
        if self.has_permission(request):
            return redirect("admin:index")
        there = request.GET.get("next") or reverse("admin:index")
        address = resolve_url("account_login") + "?" + urlencode({"next": there})
        if request.method == "POST" and keeps(there):
            return HttpResponseRedirect(address, preserve_request=True)
        return HttpResponseRedirect(address)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Lead who is not logged in to the login, with what he sent where it is a form of the books."""
        inner: Callable[..., HttpResponseBase] = super().admin_view(view, cacheable)

        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and not self.has_permission(request) and keeps(request.path):
                address = reverse("admin:login") + "?" + urlencode({"next": request.get_full_path()})
                return HttpResponseRedirect(address, preserve_request=True)
            return inner(request, *args, **kwargs)

        return update_wrapper(answer, inner)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Log out by django-allauth; stock Django compares addresses with this one."""
        return redirect("account_logout")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the chosen book at a glance; without one, lead to where the person can do something."""
        if membership_of(request) is not None:
            return overview(request, self)
        if getattr(request, "memberships", None):
            return redirect("admin:book")
        if getattr(request.user, "is_superuser", False):
            return redirect("admin:users_user_changelist")
        return redirect("admin:book_new")

    def app_index(self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("admin:index")

    def choose_book(self, request: HttpRequest) -> HttpResponse:
        """Choose among the books of this person; nobody else's is shown or accepted."""
        asked = request.POST.get("next") or request.GET.get("next") or ""
        safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
        there = asked if safe else reverse("admin:index")
        memberships = getattr(request, "memberships", [])
        if request.method == "POST":
            wanted = request.POST.get("book", "")
            if not any(str(row.book.public_id) == wanted for row in memberships):
                raise Http404
            request.session[SESSION_KEY] = wanted
            return HttpResponseRedirect(there)
        context = self.each_context(request) | {"title": _("Choose a book"), "next": there}
        return TemplateResponse(request, "site/book.html", context)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        def page(view: Callable[..., HttpResponseBase], **options: Any) -> Any:
            return self.admin_view(lambda request, **found: view(request, self, **options, **found))

        stock = [route for route in super().get_urls() if getattr(route, "name", "") not in REMOVED]
        own = [
            path("book/", self.admin_view(self.choose_book), name="book"),
            path("book/new/", page(new_book), name="book_new"),
            path("book/start/", page(start_page), name="book_start"),
            path("book/settings/", page(book_settings), name="book_settings"),
            path("preferences/", page(preferences), name="preferences"),
            path("period/", page(period), name="period"),
            path(f"{ACCOUNT}/", page(account_tree), name="accounts_account_changelist"),
            path(f"{ACCOUNT}/arrange/", page(arrange), name="accounts_account_arrange"),
            path(f"{ACCOUNT}/<int:pk>/place/", page(place), name="accounts_account_place"),
            path(f"{ACCOUNT}/<int:pk>/register/", page(account_register), name="accounts_account_register"),
            path(f"{ACCOUNT}/<int:pk>/register/csv/", page(register_csv), name="accounts_account_register_csv"),
        ]
        for model, pages in self._registry.items():
            if isinstance(pages, BookAdmin) and not getattr(pages, "own_history", False):
                name = f"{model._meta.app_label}_{model._meta.model_name}_history"
                route = f"{model._meta.app_label}/{model._meta.model_name}/<int:pk>/history/"
                own.append(path(route, page(row_history, pages=pages), name=name))
        return own + stock
