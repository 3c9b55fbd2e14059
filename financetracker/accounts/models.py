"""The chart of accounts and who may see it: Book, Membership, Commodity, Account.

Every rule across rows stands in `sql/`; the constraints here are those of one row.
"""

import uuid
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Book(models.Model):
    """A household's set of books. Everything else carries its id.

    `time_zone` decides what day "today" is, `week_begins` what "this week" is. `locked_through` is the last
    day whose amounts are fixed (inclusive). Made by `books.create_book` only.
    """

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    base_commodity = models.ForeignKey(
        "accounts.Commodity", models.PROTECT, related_name="+", verbose_name=_("base commodity")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    first_day_of_week = models.PositiveSmallIntegerField(
        _("first day of the week"), choices=Weekday, null=True, blank=True
    )
    locked_through = models.DateField(_("locked through"), null=True, blank=True)
    rounding_account = models.ForeignKey(
        "accounts.Account",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("rounding account"),
    )

    class Meta:
        verbose_name = _("book")
        verbose_name_plural = _("books")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(first_day_of_week=None) | Q(first_day_of_week__range=(0, 6)),
                name="book_first_day_of_week_is_known",
                violation_error_message=_("A week begins on one of seven days."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def week_begins(self) -> int:
        """The first day of the week, 0 for Monday: what was said, else Monday."""
        return self.first_day_of_week or self.Weekday.MONDAY


class Membership(models.Model):
    """What one person may do in one book. A book always keeps an owner."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        EDITOR = "editor", _("editor")
        VIEWER = "viewer", _("viewer")

    book = models.ForeignKey(Book, models.PROTECT, related_name="memberships", verbose_name=_("book"))
    user = models.ForeignKey("users.User", models.PROTECT, related_name="memberships", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=6, choices=Role)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["book", "user"], name="membership_is_unique"),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "editor", "viewer"]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class Commodity(models.Model):
    """What can be counted in a book: a currency, a security, a coin.

    `places` are typed and shown, `scale` bounds what is stored (places <= scale <= 18): a broker's file holds
    more digits than a bank shows.
    """

    class Kind(models.TextChoices):
        CURRENCY = "currency", _("currency")
        SECURITY = "security", _("security")
        CRYPTO = "crypto", _("crypto")
        OTHER = "other", _("other")

    book = models.ForeignKey(Book, models.PROTECT, related_name="commodities", verbose_name=_("book"))
    code = models.CharField(_("code"), max_length=24)
    name = models.CharField(_("name"), max_length=120, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.CURRENCY)
    places = models.PositiveSmallIntegerField(_("places"), default=2)
    scale = models.PositiveSmallIntegerField(_("stored places"), default=2)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    class Meta:
        verbose_name = _("commodity")
        verbose_name_plural = _("commodities")
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["book", "code"], name="commodity_code_is_unique"),
            models.CheckConstraint(
                condition=Q(places__gte=0, scale__gte=F("places"), scale__lte=18),
                name="commodity_places_within_scale",
                violation_error_message=_(
                    "Shown places may not exceed stored places, and those may not exceed 18."
                ),
            ),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[^\s[:cntrl:]\";]+( [^\s[:cntrl:]\";]+)*$"),
                name="commodity_code_is_printable",
                violation_error_message=_("A code has no quotation mark, semicolon or line break."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["currency", "security", "crypto", "other"]),
                name="commodity_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AccountQuerySet(models.QuerySet["Account"]):
    """Narrows accounts; each method is one condition and runs no query by itself."""

    def postable(self) -> "AccountQuerySet":
        """Leave out placeholders and closed accounts: what an entry form may offer."""
        return self.filter(placeholder=False, closed_on=None)


class Account(models.Model):
    """A node of the chart of accounts. Income and expense accounts are the categories.

    `full_name` ("Assets:Bank:Checking") is kept by a trigger. `commodity_ids` lists the commodities it may hold;
    empty means any. `opened_on` and `closed_on` are inclusive days. A placeholder only groups others.
    """

    class Type(models.TextChoices):
        ASSET = "asset", _("asset")
        LIABILITY = "liability", _("liability")
        EQUITY = "equity", _("equity")
        INCOME = "income", _("income")
        EXPENSE = "expense", _("expense")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    book = models.ForeignKey(Book, models.PROTECT, related_name="accounts", verbose_name=_("book"))
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    name = models.CharField(_("name"), max_length=120)
    full_name = models.TextField(_("full name"), db_default="", editable=False)
    type = models.CharField(_("type"), max_length=9, choices=Type)
    commodity_ids: Any = ArrayField(
        models.BigIntegerField(), verbose_name=_("commodities"), default=list, blank=True
    )
    code = models.CharField(_("code"), max_length=24, blank=True)
    opened_on = models.DateField(_("opened on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    placeholder = models.BooleanField(_("placeholder"), default=False)
    hidden = models.BooleanField(_("hidden"), default=False)
    position = models.IntegerField(_("order"), default=0)
    notes = models.TextField(_("notes"), blank=True)
    iban = models.CharField(_("IBAN"), max_length=34, blank=True)
    bank_code = models.CharField(_("bank code"), max_length=34, blank=True)
    account_number = models.CharField(_("account number"), max_length=34, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering: ClassVar = ["full_name"]
        indexes: ClassVar = [models.Index(fields=["book", "full_name"], name="account_by_full_name")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["book", "parent", "name"], nulls_distinct=False, name="account_name_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[^:\s[:cntrl:]]([^:[:cntrl:]]*[^:\s[:cntrl:]])?$"),
                name="account_name_is_one_segment",
                violation_error_message=_("A name has no colon, no line break and no space around it."),
            ),
            models.CheckConstraint(
                condition=Q(type__in=["asset", "liability", "equity", "income", "expense"]),
                name="account_type_is_known",
            ),
            models.CheckConstraint(
                condition=Q(opened_on=None) | Q(closed_on=None) | Q(closed_on__gte=F("opened_on")),
                name="account_closes_after_it_opens",
                violation_error_message=_("An account cannot close before it opens."),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.name

    @property
    def is_credit_normal(self) -> bool:
        """Whether the account's natural balance is a credit, so that a person sees the stored sign turned."""
        return self.type in {self.Type.LIABILITY, self.Type.EQUITY, self.Type.INCOME}

    def natural(self, value: Decimal) -> Decimal:
        """Turn a stored amount (debit positive) into the sign that people expect of this account; and back."""
        return value.copy_negate() if self.is_credit_normal and value else value
