"""The chart of accounts in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.bookadmin import BookAdmin, BookForm, book_of, is_owner
from financetracker.accounts.models import Account, Commodity, Membership


class CommodityForm(BookForm):
    fields_of_rules: ClassVar = {
        "commodity_code_is_unique": "code",
        "commodity_code_is_printable": "code",
        "commodity_scale_holds_postings": "scale",
        "commodity_places_within_scale": "places",
    }

    labels: ClassVar = {"places": gettext_lazy("Decimals shown"), "scale": gettext_lazy("Decimals kept")}
    helps: ClassVar = {
        "scale": gettext_lazy("Leave it empty for as many as are shown. A broker’s file may hold more."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scale" in self.fields:
            self.fields["scale"].required = False
            if self.instance.pk is None:
                self.initial["scale"] = None

    def clean(self) -> dict[str, Any] | None:
        """Take the stored places for the shown ones where nobody gave more."""
        cleaned = super().clean() or {}
        if cleaned.get("scale") is None and cleaned.get("places") is not None:
            cleaned["scale"] = cleaned["places"]
        return cleaned


@admin.register(Commodity)
class CommodityAdmin(BookAdmin):
    """Currencies and securities of the book."""

    form = CommodityForm
    change_form_template = "site/commodity.html"
    fields = ("code", "name", "kind", "places", "scale")
    list_display = ("code", "name", "kind", "places", "scale")
    search_fields = ("code", "name")
    ordering = ("code",)


class AccountForm(BookForm):
    """An account. Its commodities are chosen from the book's; none means any."""

    commodities: "forms.ModelMultipleChoiceField[Commodity]" = forms.ModelMultipleChoiceField(
        Commodity.objects.none(),
        required=False,
        label=gettext_lazy("Commodities"),
        help_text=gettext_lazy("What it may hold. Choose none for any."),
    )
    fields_of_rules: ClassVar = {
        "account_name_is_unique": "name",
        "account_name_is_one_segment": "name",
        "account_tree_has_no_cycle": "parent",
        "account_type_equals_parent": "type",
        "account_type_is_fixed": "type",
        "account_commodity_is_fixed": "commodities",
        "account_with_postings_is_no_placeholder": "placeholder",
        "account_is_open_on_posting_dates": "closed_on",
        "account_closes_after_it_opens": "closed_on",
        "account_references_stay_in_book": "parent",
    }

    labels: ClassVar = {
        "parent": gettext_lazy("Below"),
        "placeholder": gettext_lazy("Only groups other accounts"),
        "hidden": gettext_lazy("Hidden from lists and suggestions"),
    }
    helps: ClassVar = {
        "type": gettext_lazy("Leave it empty for the type of the account above."),
        "opened_on": gettext_lazy("Nothing is booked before this day."),
        "closed_on": gettext_lazy("Nothing is booked after this day."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "type" in self.fields:
            self.fields["type"].required = False
        if "commodities" in self.fields:
            field = self.fields["commodities"]
            assert isinstance(field, forms.ModelMultipleChoiceField)
            field.queryset = Commodity.objects.filter(book=self.book)
            field.initial = self.instance.commodity_ids

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        above = cleaned.get("parent")
        if "type" in cleaned and not cleaned["type"]:
            cleaned["type"] = above.type if above else ""
            if above is None and "parent" not in self.errors:
                self.add_error("type", _("Say what kind of account it is."))
        if "commodities" in cleaned:
            self.instance.commodity_ids = sorted(row.pk for row in cleaned["commodities"])
        return cleaned


@admin.register(Account)
class AccountAdmin(BookAdmin):
    """Accounts one by one. Their list is the tree with balances, which `site` adds: it reads the ledger."""

    form = AccountForm
    fieldsets = (
        (None, {"fields": ("name", "parent", "type", "commodities", "code")}),
        (
            gettext_lazy("Use"),
            {"fields": ("opened_on", "closed_on", "placeholder", "hidden", "notes")},
        ),
        (gettext_lazy("At the bank"), {"fields": ("iban", "bank_code", "account_number")}),
    )

    def get_urls(self) -> list[URLPattern]:
        return [route for route in super().get_urls() if route.name != f"{self._name}_changelist"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin below the account that the tree names; a row of another book is none."""
        asked = request.GET.get("parent", "")
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
            return {}
        above = Account.objects.filter(book=book_of(request), pk=int(asked)).first()
        return {} if above is None else {"parent": above.pk, "type": above.type}

    @admin.display(description=gettext_lazy("commodities"))
    def commodities(self, account: Account) -> str:
        """For who may only look."""
        rows = Commodity.objects.filter(book=account.book_id, pk__in=account.commodity_ids)
        return ", ".join(row.code for row in rows) or _("any")


@admin.register(Membership)
class MembershipAdmin(BookAdmin):
    """The members of the book, for its owners: roles are changed and members removed. People are never picked."""

    fields = ("person", "address", "role")
    readonly_fields = ("person", "address")
    list_display = ("person", "address", "role")
    ordering = ("user__name", "user__email")
    list_select_related = ("user",)

    class Form(BookForm):
        fields_of_rules: ClassVar = {"book_keeps_an_owner": "role"}

    form = Form

    @admin.display(description=gettext_lazy("name"))
    def person(self, membership: Membership) -> str:
        return str(membership.user)

    @admin.display(description=gettext_lazy("e-mail address"))
    def address(self, membership: Membership) -> str:
        return membership.user.email

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)
