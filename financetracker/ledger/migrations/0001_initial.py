import uuid
from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_rules"),
        ("users", "0002_app_role"),
    ]

    operations = [
        migrations.CreateModel(
            name="Payee",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payees",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
            ],
            options={
                "verbose_name": "payee",
                "verbose_name_plural": "payees",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("date", models.DateField(editable=False, verbose_name="date")),
                ("voided", models.BooleanField(default=False, editable=False, verbose_name="void")),
                ("amount", models.DecimalField(verbose_name="amount")),
                ("weight", models.DecimalField(verbose_name="weight")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uncleared", "uncleared"),
                            ("cleared", "cleared"),
                            ("reconciled", "reconciled"),
                        ],
                        default="uncleared",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("memo", models.CharField(blank=True, max_length=500, verbose_name="memo")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.book",
                    ),
                ),
                (
                    "commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.commodity",
                        verbose_name="commodity",
                    ),
                ),
                (
                    "weight_commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.commodity",
                        verbose_name="weight commodity",
                    ),
                ),
            ],
            options={
                "verbose_name": "posting",
                "verbose_name_plural": "postings",
                "ordering": ["transaction", "position"],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("date", models.DateField(verbose_name="date")),
                ("value", models.DecimalField(verbose_name="price")),
                (
                    "kind",
                    models.CharField(
                        choices=[("market", "market"), ("manual", "manual"), ("transaction", "transaction")],
                        default="manual",
                        max_length=11,
                        verbose_name="kind",
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=60, verbose_name="source")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
                (
                    "commodity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="accounts.commodity",
                        verbose_name="commodity",
                    ),
                ),
                (
                    "quote",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.commodity",
                        verbose_name="in",
                    ),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "ordering": ["-date", "commodity", "quote"],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "operation",
                    models.CharField(
                        choices=[("insert", "added"), ("update", "changed"), ("delete", "removed")],
                        max_length=6,
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=30)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("recorded_at", models.DateTimeField()),
                ("table", models.CharField(max_length=63)),
                ("row_id", models.BigIntegerField()),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.book",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tags",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
            ],
            options={
                "verbose_name": "tag",
                "verbose_name_plural": "tags",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("date", models.DateField(verbose_name="date")),
                ("narration", models.CharField(blank=True, max_length=500, verbose_name="narration")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                (
                    "code",
                    models.CharField(
                        blank=True,
                        help_text="A cheque or invoice number.",
                        max_length=60,
                        verbose_name="code",
                    ),
                ),
                ("flag", models.CharField(blank=True, max_length=1, verbose_name="flag")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("voided", models.BooleanField(default=False, editable=False, verbose_name="void")),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
                (
                    "payee",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="ledger.payee",
                        verbose_name="payee",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="ledger.transaction",
                        verbose_name="reverses",
                    ),
                ),
            ],
            options={
                "verbose_name": "transaction",
                "verbose_name_plural": "transactions",
                "ordering": ["-date", "-id"],
            },
        ),
        migrations.CreateModel(
            name="PostingRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "operation",
                    models.CharField(
                        choices=[("insert", "added"), ("update", "changed"), ("delete", "removed")],
                        max_length=6,
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=30)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("recorded_at", models.DateTimeField()),
                ("old_position", models.SmallIntegerField(null=True)),
                ("new_position", models.SmallIntegerField(null=True)),
                ("old_date", models.DateField(null=True)),
                ("new_date", models.DateField(null=True)),
                ("old_voided", models.BooleanField(null=True)),
                ("new_voided", models.BooleanField(null=True)),
                ("old_amount", models.DecimalField(null=True)),
                ("new_amount", models.DecimalField(null=True)),
                ("old_weight", models.DecimalField(null=True)),
                ("new_weight", models.DecimalField(null=True)),
                ("old_state", models.TextField(null=True)),
                ("new_state", models.TextField(null=True)),
                ("old_memo", models.TextField(null=True)),
                ("new_memo", models.TextField(null=True)),
                ("old_metadata", models.JSONField(null=True)),
                ("new_metadata", models.JSONField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.book",
                    ),
                ),
                (
                    "new_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "new_commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.commodity",
                    ),
                ),
                (
                    "new_weight_commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.commodity",
                    ),
                ),
                (
                    "old_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "old_commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.commodity",
                    ),
                ),
                (
                    "old_weight_commodity",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.commodity",
                    ),
                ),
                (
                    "posting",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="revisions",
                        to="ledger.posting",
                    ),
                ),
                (
                    "new_transaction",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.transaction",
                    ),
                ),
                (
                    "old_transaction",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.transaction",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="posting",
            name="transaction",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="postings",
                to="ledger.transaction",
            ),
        ),
        migrations.CreateModel(
            name="TransactionRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "operation",
                    models.CharField(
                        choices=[("insert", "added"), ("update", "changed"), ("delete", "removed")],
                        max_length=6,
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=30)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("recorded_at", models.DateTimeField()),
                ("old_date", models.DateField(null=True)),
                ("new_date", models.DateField(null=True)),
                ("old_narration", models.TextField(null=True)),
                ("new_narration", models.TextField(null=True)),
                ("old_notes", models.TextField(null=True)),
                ("new_notes", models.TextField(null=True)),
                ("old_code", models.TextField(null=True)),
                ("new_code", models.TextField(null=True)),
                ("old_flag", models.TextField(null=True)),
                ("new_flag", models.TextField(null=True)),
                ("old_metadata", models.JSONField(null=True)),
                ("new_metadata", models.JSONField(null=True)),
                ("old_version", models.IntegerField(null=True)),
                ("new_version", models.IntegerField(null=True)),
                ("old_voided", models.BooleanField(null=True)),
                ("new_voided", models.BooleanField(null=True)),
                ("public_id", models.UUIDField()),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.book",
                    ),
                ),
                (
                    "new_payee",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.payee",
                    ),
                ),
                (
                    "new_reverses",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.transaction",
                    ),
                ),
                (
                    "old_payee",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.payee",
                    ),
                ),
                (
                    "old_reverses",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.transaction",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="revisions",
                        to="ledger.transaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransactionTag",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.book",
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.tag"
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ledger.transaction"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="transaction",
            name="tags",
            field=models.ManyToManyField(
                related_name="transactions",
                through="ledger.TransactionTag",
                to="ledger.tag",
                verbose_name="tags",
            ),
        ),
        migrations.CreateModel(
            name="BalanceAssertion",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("date", models.DateField(verbose_name="end of")),
                ("amount", models.DecimalField(verbose_name="amount")),
                ("include_children", models.BooleanField(default=False, verbose_name="with sub-accounts")),
                ("tolerance", models.DecimalField(default=Decimal("0"), verbose_name="tolerance")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assertions",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assertions",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
                (
                    "commodity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.commodity",
                        verbose_name="commodity",
                    ),
                ),
            ],
            options={
                "verbose_name": "balance assertion",
                "verbose_name_plural": "balance assertions",
                "ordering": ["-date", "account"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "date", "commodity", "include_children"),
                        name="assertion_is_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gt", Decimal("-100000000000000000000")),
                            ("amount__lt", Decimal("100000000000000000000")),
                            ("tolerance__gt", Decimal("-100000000000000000000")),
                            ("tolerance__lt", Decimal("100000000000000000000")),
                            ("tolerance__gte", 0),
                        ),
                        name="assertion_amount_in_bounds",
                        violation_error_message="An amount has at most 20 digits before the point.",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.UniqueConstraint(fields=("book", "name"), name="payee_name_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="payee",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "^[^\\s[:cntrl:]]([^[:cntrl:]]*[^\\s[:cntrl:]])?$")),
                name="payee_name_is_one_line",
                violation_error_message="A payee's name is one line, without space around it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                fields=("commodity", "quote", "date", "source"), name="price_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("value__gt", 0),
                    ("value__gt", Decimal("-100000000000000000000")),
                    ("value__lt", Decimal("100000000000000000000")),
                ),
                name="price_is_positive",
                violation_error_message="A price is above zero and has at most 20 digits before the point.",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("commodity", models.F("quote")), _negated=True),
                name="price_is_in_another_commodity",
                violation_error_message="A commodity is priced in another one.",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["market", "manual", "transaction"])),
                name="price_kind_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="revision",
            index=models.Index(fields=["table", "row_id", "id"], name="revision_of"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(fields=("book", "name"), name="tag_name_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "^[^\\s,:;#[:cntrl:]]+$")),
                name="tag_name_is_one_word",
                violation_error_message="A tag is one word without comma, colon, semicolon or hash sign.",
            ),
        ),
        migrations.AddIndex(
            model_name="postingrevision",
            index=models.Index(fields=["posting", "id"], name="posting_revision_of"),
        ),
        migrations.AddIndex(
            model_name="postingrevision",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce("new_transaction", "old_transaction"),
                models.F("id"),
                name="posting_revisions_together",
            ),
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(
                condition=models.Q(("voided", False)),
                fields=["account", "date", "id"],
                include=("book", "commodity", "amount"),
                name="posting_register",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.UniqueConstraint(
                deferrable=models.Deferrable["IMMEDIATE"],
                fields=("transaction", "position"),
                name="posting_position_is_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True),
                name="posting_amount_is_not_zero",
                violation_error_message="A posting moves an amount other than zero.",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gt", Decimal("-100000000000000000000")),
                    ("amount__lt", Decimal("100000000000000000000")),
                    ("weight__gt", Decimal("-100000000000000000000")),
                    ("weight__lt", Decimal("100000000000000000000")),
                ),
                name="posting_amount_in_bounds",
                violation_error_message="An amount has at most 20 digits before the point.",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("weight", models.F("amount")),
                    models.Q(("commodity", models.F("weight_commodity")), _negated=True),
                    _connector="OR",
                ),
                name="posting_weight_is_amount",
                violation_error_message="Without an exchange the weight is the amount.",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("weight", 0),
                    models.Q(("amount__gt", 0), ("weight__gt", 0)),
                    models.Q(("amount__lt", 0), ("weight__lt", 0)),
                    _connector="OR",
                ),
                name="posting_weight_has_sign_of_amount",
                violation_error_message="What is received for something counts with its sign.",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["uncleared", "cleared", "reconciled"])),
                name="posting_state_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="transactionrevision",
            index=models.Index(fields=["transaction", "id"], name="transaction_revision_of"),
        ),
        migrations.AddConstraint(
            model_name="transactiontag",
            constraint=models.UniqueConstraint(fields=("transaction", "tag"), name="transaction_tag_is_unique"),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                models.F("book"),
                models.OrderBy(models.F("date"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="transaction_by_date",
            ),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("payee__isnull", False)), fields=["payee"], name="transaction_by_payee"
            ),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("reverses__isnull", False)),
                fields=["reverses"],
                name="transaction_by_reversed",
            ),
        ),
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("voided", False)),
                fields=("reverses",),
                name="transaction_is_reversed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("version__gte", 1)), name="transaction_version_counts_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("date__gte", "0001-01-01"), ("date__lte", "9999-12-31")),
                name="transaction_date_in_calendar",
            ),
        ),
    ]
