"""How a person writes numbers and days."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("users", "0002_app_role")]
    operations: ClassVar = [
        migrations.AddField(
            "user",
            "locale",
            models.CharField(
                blank=True, db_default="", default="", max_length=12, verbose_name="numbers and days"
            ),
        ),
    ]
