"""What pages of the site are answered with; the history of plain rows, which spans apps."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from financetracker.accounts.bookadmin import BookAdmin, may_write
from financetracker.ledger.history import history_of_row


def row_history(request: HttpRequest, site: AdminSite, *, pages: BookAdmin, pk: int) -> HttpResponse:
    """Show what happened to one row of the chosen book."""
    row = pages.get_object(request, str(pk))
    if not pages.has_view_permission(request, row):
        raise PermissionDenied
    opts = pages.opts
    return show_page(
        request,
        site,
        "site/history.html",
        title=_("History: %(what)s") % {"what": row},
        events=history_of_row(row),
        back=reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk]),
    )


def show_page(request: HttpRequest, site: AdminSite, template: str, **context: Any) -> HttpResponse:
    """Answer with a page of the site: its frame, whether the person may write, and what the page is about."""
    return TemplateResponse(
        request, template, {**site.each_context(request), "may_write": may_write(request), **context}
    )
