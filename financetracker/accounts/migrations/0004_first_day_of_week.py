"""On which day the household's week begins. Books that stand have not said, and keep Monday."""

from typing import ClassVar

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

KNOWN = models.CheckConstraint(
    condition=models.Q(first_day_of_week=None) | models.Q(first_day_of_week__range=(0, 6)),
    name="book_first_day_of_week_is_known",
    violation_error_message="A week begins on one of seven days.",
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_definers_for_the_app")]
    operations: ClassVar = [
        migrations.AddField(
            "book",
            "first_day_of_week",
            models.PositiveSmallIntegerField(
                choices=[
                    (0, "Monday"),
                    (1, "Tuesday"),
                    (2, "Wednesday"),
                    (3, "Thursday"),
                    (4, "Friday"),
                    (5, "Saturday"),
                    (6, "Sunday"),
                ],
                blank=True,
                null=True,
                verbose_name="first day of the week",
            ),
        ),
        AddConstraintNotValid("book", KNOWN),
        ValidateConstraint("book", KNOWN.name),
    ]
