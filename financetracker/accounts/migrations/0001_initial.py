import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0002_app_role"),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("full_name", models.TextField(db_default="", editable=False, verbose_name="full name")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("asset", "asset"),
                            ("liability", "liability"),
                            ("equity", "equity"),
                            ("income", "income"),
                            ("expense", "expense"),
                        ],
                        max_length=9,
                        verbose_name="type",
                    ),
                ),
                (
                    "commodity_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        default=list,
                        verbose_name="commodities",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=24, verbose_name="code")),
                ("opened_on", models.DateField(blank=True, null=True, verbose_name="opened on")),
                ("closed_on", models.DateField(blank=True, null=True, verbose_name="closed on")),
                ("placeholder", models.BooleanField(default=False, verbose_name="placeholder")),
                ("hidden", models.BooleanField(default=False, verbose_name="hidden")),
                ("position", models.IntegerField(default=0, verbose_name="order")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("iban", models.CharField(blank=True, max_length=34, verbose_name="IBAN")),
                ("bank_code", models.CharField(blank=True, max_length=34, verbose_name="bank code")),
                (
                    "account_number",
                    models.CharField(blank=True, max_length=34, verbose_name="account number"),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="accounts.account",
                        verbose_name="parent",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "ordering": ["full_name"],
            },
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("time_zone", models.CharField(default="UTC", max_length=64, verbose_name="time zone")),
                ("locked_through", models.DateField(blank=True, null=True, verbose_name="locked through")),
                (
                    "rounding_account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="rounding account",
                    ),
                ),
            ],
            options={
                "verbose_name": "book",
                "verbose_name_plural": "books",
            },
        ),
        migrations.AddField(
            model_name="account",
            name="book",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="accounts.book",
                verbose_name="book",
            ),
        ),
        migrations.CreateModel(
            name="Commodity",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("code", models.CharField(max_length=24, verbose_name="code")),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("currency", "currency"),
                            ("security", "security"),
                            ("crypto", "crypto"),
                            ("other", "other"),
                        ],
                        default="currency",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("places", models.PositiveSmallIntegerField(default=2, verbose_name="places")),
                ("scale", models.PositiveSmallIntegerField(default=2, verbose_name="stored places")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commodities",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
            ],
            options={
                "verbose_name": "commodity",
                "verbose_name_plural": "commodities",
                "ordering": ["code"],
            },
        ),
        migrations.AddField(
            model_name="book",
            name="base_commodity",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.commodity",
                verbose_name="base commodity",
            ),
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "owner"), ("editor", "editor"), ("viewer", "viewer")],
                        max_length=6,
                        verbose_name="role",
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="accounts.book",
                        verbose_name="book",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
            },
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["book", "full_name"], name="account_by_full_name"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("book", "parent", "name"), name="account_name_is_unique", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "^[^:\\s[:cntrl:]]([^:[:cntrl:]]*[^:\\s[:cntrl:]])?$")),
                name="account_name_is_one_segment",
                violation_error_message="A name has no colon, no line break and no space around it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["asset", "liability", "equity", "income", "expense"])),
                name="account_type_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("opened_on", None),
                    ("closed_on", None),
                    ("closed_on__gte", models.F("opened_on")),
                    _connector="OR",
                ),
                name="account_closes_after_it_opens",
                violation_error_message="An account cannot close before it opens.",
            ),
        ),
        migrations.AddConstraint(
            model_name="commodity",
            constraint=models.UniqueConstraint(fields=("book", "code"), name="commodity_code_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="commodity",
            constraint=models.CheckConstraint(
                condition=models.Q(("places__gte", 0), ("scale__gte", models.F("places")), ("scale__lte", 18)),
                name="commodity_places_within_scale",
                violation_error_message="Shown places may not exceed stored places, and those may not exceed 18.",
            ),
        ),
        migrations.AddConstraint(
            model_name="commodity",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", '^[^\\s[:cntrl:]\\";]+( [^\\s[:cntrl:]\\";]+)*$')),
                name="commodity_code_is_printable",
                violation_error_message="A code has no quotation mark, semicolon or line break.",
            ),
        ),
        migrations.AddConstraint(
            model_name="commodity",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["currency", "security", "crypto", "other"])),
                name="commodity_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("book", "user"), name="membership_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["owner", "editor", "viewer"])),
                name="membership_role_is_known",
            ),
        ),
    ]
