"""The base of every page of the admin that shows a book: who sees it, what it lists, how a refusal comes back."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import ForeignKey, ProtectedError, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from financetracker.accounts.errors import Refusal, Used, refusals
from financetracker.accounts.models import Book, Membership
from financetracker.users.plainadmin import PlainAdmin

WRITERS = frozenset({Membership.Role.OWNER, Membership.Role.EDITOR})


def membership_of(request: HttpRequest) -> Membership | None:
    """Return the membership the request runs under; None where no book is chosen."""
    return getattr(request, "membership", None)


def book_of(request: HttpRequest) -> Book:
    """Return the chosen book; without one the page does not exist."""
    membership = membership_of(request)
    if membership is None:
        raise Http404
    return membership.book


def may_write(request: HttpRequest) -> bool:
    """Whether the person may change the chosen book."""
    membership = membership_of(request)
    return membership is not None and membership.role in WRITERS


def is_owner(request: HttpRequest) -> bool:
    """Whether the person owns the chosen book."""
    membership = membership_of(request)
    return membership is not None and membership.role == Membership.Role.OWNER


class BookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form for a row of a book. `fields_of_rules` says under which field a refusal of the books is shown.

    `labels` and `helps` say by field what a column's own name does not.
    """

    book: ClassVar[Book]
    refusal: ClassVar[Refusal | None] = None
    fields_of_rules: ClassVar[Mapping[str, str]] = {}
    labels: ClassVar[Mapping[str, Any]] = {}
    helps: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, field.help_text)
        if self.instance.pk is None:
            self.instance.book = self.book

    def validate_unique(self) -> None:
        """Leave it to the database: only it sees the whole book, and its answer goes under the right field."""

    def validate_constraints(self) -> None:
        """Leave it to the database, as above."""

    def clean(self) -> dict[str, Any] | None:
        """Show what the books said to the same figures a moment ago."""
        cleaned = super().clean()
        if self.refusal is not None:
            field = self.fields_of_rules.get(self.refusal.rule, "")
            self.add_error(field if field in self.fields else None, self.refusal.message)
        return cleaned


class BookAdmin(PlainAdmin):
    """A page of the chosen book: lists, choices and writes stay in it. Row security is the second wall.

    A viewer looks, editor and owner write. What the database refuses comes back as an error of the form: the form
    is run again with the refusal, after the first try was rolled back.
    """

    form = BookForm
    deletable = True
    change_list_template = "site/list.html"
    when_empty: str | Promise = gettext_lazy("There is nothing here yet.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return membership_of(request) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return membership_of(request) is not None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_write(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and may_write(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(book=book_of(request))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer and accept rows of the chosen book only."""
        kwargs["queryset"] = db_field.related_model._default_manager.filter(book=book_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.book, form.refusal = (
            book_of(request),
            getattr(request, "refusal", None),
        )  # a class made for this request
        return form

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, title | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            with refusals():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # Foreign keys are checked at the end of the transaction; here the form can still say so.
        connection.check_constraints()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the row alone: whether it is used is asked of the database, and not by reading all of its uses."""
        return [str(obj) for obj in objs], {}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        try:
            with refusals():
                return super().delete_view(request, object_id, extra_context)
        except (Refusal, ProtectedError) as error:
            refusal = error if isinstance(error, Refusal) else Used()
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(reverse(f"admin:{self._name}_change", args=[row.pk]))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        connection.check_constraints()

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"
