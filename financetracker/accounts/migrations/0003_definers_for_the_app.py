"""The functions that act with the owner's rights are run by the app role alone, not by every role there is.

A role that only audits could otherwise choose a person and make a book.
"""

from typing import ClassVar

from django.db import migrations

FUNCTIONS = "create_book(text, text, text, text, int), enter_book(bigint, bigint, text)"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0002_rules")]
    operations: ClassVar = [
        migrations.RunSQL(
            f"GRANT EXECUTE ON FUNCTION {FUNCTIONS} TO ft_app; REVOKE EXECUTE ON FUNCTION {FUNCTIONS} FROM PUBLIC;",
            f"GRANT EXECUTE ON FUNCTION {FUNCTIONS} TO PUBLIC; REVOKE EXECUTE ON FUNCTION {FUNCTIONS} FROM ft_app;",
        )
    ]
