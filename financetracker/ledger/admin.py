"""The ledger in the admin: a form in, one journal call; rows out.

Transactions have pages of their own (pages/) instead of the stock list and form: the legs of one entry are one
submission, and the journal takes them whole. The other tables are plain pages of BookAdmin.
"""

from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from financetracker.accounts.bookadmin import BookAdmin, BookForm, book_of
from financetracker.accounts.books import today
from financetracker.accounts.models import Commodity
from financetracker.ledger import attention, money
from financetracker.ledger.forms import AmountField
from financetracker.ledger.models import BalanceAssertion, Payee, Price, Tag, Transaction
from financetracker.ledger.pages.again import AgainPages
from financetracker.ledger.pages.listing import ListPages
from financetracker.ledger.pages.show import ShowPages
from financetracker.ledger.pages.transfer import TransferPages
from financetracker.ledger.pages.verbs import VerbPages
from financetracker.writing.days import BadDay, read_day, show_day


@admin.register(Transaction)
class TransactionAdmin(ListPages, ShowPages, AgainPages, TransferPages, VerbPages):
    """Transactions: list, page, form, history, and the verbs of the journal as buttons."""


class AmountsAdmin(BookAdmin):
    """A page whose amounts are read exactly, as the transaction form reads them, and shown as everywhere."""

    formfield_overrides: ClassVar = {
        **BookAdmin.formfield_overrides,
        models.DecimalField: {"form_class": AmountField},
    }
    shown: ClassVar = {
        **BookAdmin.shown,
        models.DecimalField: lambda amount, row: money.show(amount, _commodity(row).places),
    }

    @admin.display(description=gettext_lazy("date"), ordering="date")
    def day(self, row: Price | BalanceAssertion) -> str:
        return show_day(row.date)


def _commodity(row: Price | BalanceAssertion) -> Commodity:
    """What the amounts of a row are counted in."""
    return row.quote if isinstance(row, Price) else row.commodity


@admin.register(Payee)
class PayeeAdmin(BookAdmin):
    """Payees; one that is used can be renamed, not removed."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {"payee_name_is_unique": "name", "payee_name_is_one_line": "name"}

    form = Form
    when_empty = gettext_lazy("There is no payee yet: one is made when a transaction names it.")
    fields = ("name",)
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Tag)
class TagAdmin(BookAdmin):
    """Tags; one that is used can be renamed, not removed."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {"tag_name_is_unique": "name", "tag_name_is_one_word": "name"}

    form = Form
    when_empty = gettext_lazy("There is no tag yet: one is made when a transaction carries it.")
    fields = ("name",)
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Price)
class PriceAdmin(AmountsAdmin):
    """Prices of commodities by day."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {
            "price_is_unique": "date",
            "price_is_positive": "value",
            "price_is_in_another_commodity": "quote",
        }

    form = Form
    when_empty = gettext_lazy(
        "There is no price yet. With one, what you hold in another commodity counts in the totals."
    )
    fields = ("date", "commodity", "value", "quote", "kind", "source")
    list_display = ("day", "commodity", "amount", "quote", "kind", "source")
    list_select_related = ("commodity", "quote")
    search_fields = ("commodity__code",)
    ordering = ("-date", "commodity__code", "quote__code")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what the address says: `commodity` and `quote` by code, `date` like 2026-03-14.

        What it leaves out, or what is none of this book's, is the base and today.
        """
        book = book_of(request)
        known = dict(Commodity.objects.filter(book=book).values_list("code", "pk"))
        day = today(book, timezone.now())
        with suppress(BadDay):
            day = read_day(request.GET.get("date", ""), day)
        return {
            "date": day,
            "commodity": known.get(request.GET.get("commodity", "")),
            "quote": known.get(request.GET.get("quote", ""), book.base_commodity_id),
        }

    @admin.display(description=gettext_lazy("price"))
    def amount(self, price: Price) -> str:
        return money.show(price.value, _commodity(price).places)


@admin.register(BalanceAssertion)
class BalanceAssertionAdmin(AmountsAdmin):
    """What an account is said to hold at the end of a day."""

    class Form(BookForm):
        fields_of_rules: ClassVar = {
            "assertion_is_unique": "date",
            "assertion_amount_in_bounds": "amount",
        }

    form = Form
    when_empty = gettext_lazy(
        "Nothing is asserted yet. Write down what the bank says an account holds: the books are compared with it."
    )
    fields = ("account", "date", "amount", "commodity", "include_children", "tolerance")
    readonly_fields = ("outcome",)
    list_display = ("day", "of_account", "asserted", "outcome")
    list_select_related = ("account", "commodity")
    search_fields = ("account__full_name",)
    ordering = ("-date", "account__full_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BalanceAssertion]:
        return attention.with_held(super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Say whether it holds where there is one."""
        return [*self.fields, *(["outcome"] if obj else [])]

    @admin.display(description=gettext_lazy("account"), ordering="account__full_name")
    def of_account(self, assertion: BalanceAssertion) -> str:
        account = assertion.account.full_name
        if not assertion.include_children:
            return account
        return _("%(account)s with sub-accounts") % {"account": account}

    @admin.display(description=gettext_lazy("amount"))
    def asserted(self, assertion: BalanceAssertion) -> str:
        return f"{money.show(assertion.amount, assertion.commodity.places)} {assertion.commodity.code}"

    @admin.display(description=gettext_lazy("in the books"))
    def outcome(self, assertion: Any) -> str:
        """Whether it holds: asked of rows of `get_queryset`. Of a day to come nobody knows yet."""
        if assertion.date > timezone.localdate():
            return _("Not yet due")
        off = money.EXACT.subtract(assertion.held, assertion.amount)
        if off.copy_abs() <= assertion.tolerance:
            return _("Holds")
        amount = f"{money.show(off, assertion.commodity.places)} {assertion.commodity.code}"
        return _("Off by %(amount)s") % {"amount": amount}
