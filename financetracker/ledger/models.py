"""The books: Transaction and its Postings, what they name, what is asserted of them, and their history.

Read `docs/glossary.md` first, this second, `journal.py` (the only writer) third. Constraints here are those of one
row; rules across rows stand in `sql/`. Foreign keys of Transaction and Posting are not database foreign keys:
one set-based check a statement replaces them (decision 0002).
"""

import uuid
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from financetracker.accounts.models import Account, Book, Commodity
from financetracker.ledger import money
from financetracker.writing.days import show_day

# |amount| < 10^20 also refuses NaN and Infinity, which PostgreSQL sorts above every number.
BOUND = Decimal(10) ** 20

NAME_PATTERN = r"^[^\s[:cntrl:]]([^[:cntrl:]]*[^\s[:cntrl:]])?$"


def within_bounds(column: str) -> Q:
    """Whether a numeric column holds a finite number below 10^20 on either side of zero."""
    return Q(**{f"{column}__gt": -BOUND, f"{column}__lt": BOUND})


class Payee(models.Model):
    """Who was paid or who paid."""

    book = models.ForeignKey(Book, models.PROTECT, related_name="payees", verbose_name=_("book"))
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        verbose_name = _("payee")
        verbose_name_plural = _("payees")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["book", "name"], name="payee_name_is_unique"),
            models.CheckConstraint(
                condition=Q(name__regex=NAME_PATTERN),
                name="payee_name_is_one_line",
                violation_error_message=_("A payee's name is one line, without space around it."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that groups transactions across accounts: a trip, a project."""

    book = models.ForeignKey(Book, models.PROTECT, related_name="tags", verbose_name=_("book"))
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["book", "name"], name="tag_name_is_unique"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[^\s,:;#[:cntrl:]]+$"),
                name="tag_name_is_one_word",
                violation_error_message=_("A tag is one word without comma, colon, semicolon or hash sign."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Transaction(models.Model):
    """Something that happened on a day and moved value between accounts. Its legs are Postings.

    `public_id` may be chosen by the client before it sends, so that a retry finds what the first try made.
    `version` counts amendments from 1; `amend` compares it. A voided transaction counts in no sum.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    book = models.ForeignKey(
        Book,
        models.PROTECT,
        related_name="transactions",
        verbose_name=_("book"),
        db_constraint=False,
        db_index=False,
    )
    date = models.DateField(_("date"))
    payee = models.ForeignKey(
        Payee,
        models.PROTECT,
        related_name="transactions",
        verbose_name=_("payee"),
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    narration = models.CharField(_("narration"), max_length=500, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    code = models.CharField(_("code"), max_length=60, blank=True, help_text=_("A cheque or invoice number."))
    flag = models.CharField(_("flag"), max_length=1, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    voided = models.BooleanField(_("void"), default=False, editable=False)
    reverses = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="reversed_by",
        verbose_name=_("reverses"),
        null=True,
        blank=True,
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    tags = models.ManyToManyField(
        Tag, through="TransactionTag", related_name="transactions", verbose_name=_("tags")
    )

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        ordering: ClassVar = ["-date", "-id"]
        indexes: ClassVar = [
            models.Index(F("book"), F("date").desc(), F("id").desc(), name="transaction_by_date"),
            models.Index(fields=["payee"], name="transaction_by_payee", condition=Q(payee__isnull=False)),
            models.Index(fields=["reverses"], name="transaction_by_reversed", condition=Q(reverses__isnull=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(voided=False), name="transaction_is_reversed_once"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="transaction_version_counts_from_one"),
            models.CheckConstraint(
                condition=Q(date__gte="0001-01-01", date__lte="9999-12-31"),
                name="transaction_date_in_calendar",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.narration or self.code or '…'}"

    @property
    def is_locked(self) -> bool:
        """Whether its day lies in the locked period of its book."""
        return self.book.locked_through is not None and self.date <= self.book.locked_through


class TransactionTag(models.Model):
    """That a transaction carries a tag."""

    book = models.ForeignKey(Book, models.PROTECT, related_name="+", db_constraint=False)
    transaction = models.ForeignKey(Transaction, models.CASCADE, related_name="+")
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction", "tag"], name="transaction_tag_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} #{self.tag_id}"


class Posting(models.Model):
    """One leg of a transaction: what an account gained or gave.

    `amount` is signed, debit positive, in `commodity`; `weight` is what the leg counts in the balance, in
    `weight_commodity`: the amount itself, or what was really paid in another commodity. `date` and `voided` repeat
    the transaction's, so that one index serves the register.
    """

    class State(models.TextChoices):
        UNCLEARED = "uncleared", _("uncleared")
        CLEARED = "cleared", _("cleared")
        RECONCILED = "reconciled", _("reconciled")

    book = models.ForeignKey(Book, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    transaction = models.ForeignKey(
        Transaction, models.PROTECT, related_name="postings", db_constraint=False, db_index=False
    )
    position = models.PositiveSmallIntegerField(_("position"))
    account = models.ForeignKey(
        Account,
        models.PROTECT,
        related_name="postings",
        verbose_name=_("account"),
        db_constraint=False,
        db_index=False,
    )
    date = models.DateField(_("date"), editable=False)
    voided = models.BooleanField(_("void"), default=False, editable=False)
    amount = models.DecimalField(_("amount"))
    commodity = models.ForeignKey(
        Commodity,
        models.PROTECT,
        related_name="+",
        verbose_name=_("commodity"),
        db_constraint=False,
        db_index=False,
    )
    weight = models.DecimalField(_("weight"))
    weight_commodity = models.ForeignKey(
        Commodity,
        models.PROTECT,
        related_name="+",
        verbose_name=_("weight commodity"),
        db_constraint=False,
        db_index=False,
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UNCLEARED)
    memo = models.CharField(_("memo"), max_length=500, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering: ClassVar = ["transaction", "position"]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "date", "id"],
                include=["book", "commodity", "amount"],  # the book for row security, else no scan is index-only
                condition=Q(voided=False),
                name="posting_register",
            ),
        ]
        constraints: ClassVar = [
            # Judged when the statement ends: an amendment may swap two legs. It is the index of the legs, too.
            models.UniqueConstraint(
                fields=["transaction", "position"],
                name="posting_position_is_unique",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(
                condition=~Q(amount=0),
                name="posting_amount_is_not_zero",
                violation_error_message=_("A posting moves an amount other than zero."),
            ),
            models.CheckConstraint(
                condition=within_bounds("amount") & within_bounds("weight"),
                name="posting_amount_in_bounds",
                violation_error_message=_("An amount has at most 20 digits before the point."),
            ),
            models.CheckConstraint(
                condition=Q(weight=F("amount")) | ~Q(commodity=F("weight_commodity")),
                name="posting_weight_is_amount",
                violation_error_message=_("Without an exchange the weight is the amount."),
            ),
            models.CheckConstraint(
                condition=Q(weight=0) | Q(amount__gt=0, weight__gt=0) | Q(amount__lt=0, weight__lt=0),
                name="posting_weight_has_sign_of_amount",
                violation_error_message=_("What is received for something counts with its sign."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["uncleared", "cleared", "reconciled"]), name="posting_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class Price(models.Model):
    """What one unit of `commodity` was worth in `quote` on a day."""

    class Kind(models.TextChoices):
        MARKET = "market", _("market")
        MANUAL = "manual", _("manual")
        TRANSACTION = "transaction", _("transaction")

    book = models.ForeignKey(Book, models.PROTECT, related_name="prices", verbose_name=_("book"))
    commodity = models.ForeignKey(Commodity, models.PROTECT, related_name="prices", verbose_name=_("commodity"))
    quote = models.ForeignKey(Commodity, models.PROTECT, related_name="+", verbose_name=_("in"))
    date = models.DateField(_("date"))
    value = models.DecimalField(_("price"))
    kind = models.CharField(_("kind"), max_length=11, choices=Kind, default=Kind.MANUAL)
    source = models.CharField(_("source"), max_length=60, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering: ClassVar = ["-date", "commodity", "quote"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["commodity", "quote", "date", "source"], name="price_is_unique"),
            models.CheckConstraint(
                condition=Q(value__gt=0) & within_bounds("value"),
                name="price_is_positive",
                violation_error_message=_("A price is above zero and has at most 20 digits before the point."),
            ),
            models.CheckConstraint(
                condition=~Q(commodity=F("quote")),
                name="price_is_in_another_commodity",
                violation_error_message=_("A commodity is priced in another one."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["market", "manual", "transaction"]), name="price_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{show_day(self.date)} {money.show(self.value, 0)}"


class BalanceAssertion(models.Model):
    """What an account is said to hold at the end of a day, from a source other than these books.

    `tolerance` is zero unless somebody wrote another down.
    """

    book = models.ForeignKey(Book, models.PROTECT, related_name="assertions", verbose_name=_("book"))
    account = models.ForeignKey(Account, models.PROTECT, related_name="assertions", verbose_name=_("account"))
    date = models.DateField(_("end of"))
    commodity = models.ForeignKey(Commodity, models.PROTECT, related_name="+", verbose_name=_("commodity"))
    amount = models.DecimalField(_("amount"))
    include_children = models.BooleanField(_("with sub-accounts"), default=False)
    tolerance = models.DecimalField(_("tolerance"), default=Decimal(0))
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    class Meta:
        verbose_name = _("balance assertion")
        verbose_name_plural = _("balance assertions")
        ordering: ClassVar = ["-date", "account"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "date", "commodity", "include_children"], name="assertion_is_unique"
            ),
            models.CheckConstraint(
                condition=within_bounds("amount") & within_bounds("tolerance") & Q(tolerance__gte=0),
                name="assertion_amount_in_bounds",
                violation_error_message=_("An amount has at most 20 digits before the point."),
            ),
        ]

    def __str__(self) -> str:
        return f"{show_day(self.date)} {money.show(self.amount, 0)}"


class Operation(models.TextChoices):
    """What happened to a row."""

    INSERT = "insert", _("added")
    UPDATE = "update", _("changed")
    DELETE = "delete", _("removed")


class History(models.Model):
    """What every history row says: who did what, through which door, and when we learned it.

    Written by triggers only; the app role may read it. `actor` is null where the owner role wrote without a scope.
    """

    id = models.BigAutoField(primary_key=True)
    book = models.ForeignKey(Book, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    operation = models.CharField(max_length=6, choices=Operation)
    actor = models.ForeignKey(
        "users.User", models.PROTECT, related_name="+", null=True, db_constraint=False, db_index=False
    )
    source = models.CharField(max_length=30, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        abstract = True


class TransactionRevision(History):
    """One change of one Transaction: the columns before and after. All old ones are null for an insert."""

    transaction = models.ForeignKey(
        Transaction, models.DO_NOTHING, related_name="revisions", db_constraint=False, db_index=False
    )
    old_date = models.DateField(null=True)
    new_date = models.DateField(null=True)
    old_payee = models.ForeignKey(
        Payee, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_payee = models.ForeignKey(
        Payee, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    old_narration = models.TextField(null=True)
    new_narration = models.TextField(null=True)
    old_notes = models.TextField(null=True)
    new_notes = models.TextField(null=True)
    old_code = models.TextField(null=True)
    new_code = models.TextField(null=True)
    old_flag = models.TextField(null=True)
    new_flag = models.TextField(null=True)
    old_metadata = models.JSONField(null=True)
    new_metadata = models.JSONField(null=True)
    old_version = models.IntegerField(null=True)
    new_version = models.IntegerField(null=True)
    old_voided = models.BooleanField(null=True)
    new_voided = models.BooleanField(null=True)
    old_reverses = models.ForeignKey(
        Transaction, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_reverses = models.ForeignKey(
        Transaction, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    public_id = models.UUIDField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["transaction", "id"], name="transaction_revision_of")]

    def __str__(self) -> str:
        return f"{self.operation} {self.transaction_id}"


class PostingRevision(History):
    """One change of one Posting: the columns before and after.

    The balance *known at* T is the sum of new minus old over the rows recorded at or before T (decision 0003).
    """

    posting = models.ForeignKey(
        Posting, models.DO_NOTHING, related_name="revisions", db_constraint=False, db_index=False
    )
    old_transaction = models.ForeignKey(
        Transaction, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_transaction = models.ForeignKey(
        Transaction, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    old_position = models.SmallIntegerField(null=True)
    new_position = models.SmallIntegerField(null=True)
    old_account = models.ForeignKey(
        Account, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_account = models.ForeignKey(
        Account, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    old_date = models.DateField(null=True)
    new_date = models.DateField(null=True)
    old_voided = models.BooleanField(null=True)
    new_voided = models.BooleanField(null=True)
    old_amount = models.DecimalField(null=True)
    new_amount = models.DecimalField(null=True)
    old_commodity = models.ForeignKey(
        Commodity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_commodity = models.ForeignKey(
        Commodity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    old_weight = models.DecimalField(null=True)
    new_weight = models.DecimalField(null=True)
    old_weight_commodity = models.ForeignKey(
        Commodity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    new_weight_commodity = models.ForeignKey(
        Commodity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    old_state = models.TextField(null=True)
    new_state = models.TextField(null=True)
    old_memo = models.TextField(null=True)
    new_memo = models.TextField(null=True)
    old_metadata = models.JSONField(null=True)
    new_metadata = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["posting", "id"], name="posting_revision_of"),
            models.Index(
                Coalesce("new_transaction", "old_transaction"), F("id"), name="posting_revisions_together"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.posting_id}"


class Revision(History):
    """One change of one row of any other table of a book, as JSON before and after."""

    table = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["table", "row_id", "id"], name="revision_of")]

    def __str__(self) -> str:
        return f"{self.operation} {self.table} {self.row_id}"
