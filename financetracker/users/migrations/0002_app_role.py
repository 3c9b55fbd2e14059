"""What the app role may do: rows, and nothing else. Roles themselves are made outside of migrations."""

from typing import ClassVar

from django.db import migrations

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ft_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ft_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ft_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ft_app;
-- Without this a `migrate` on the wrong alias would note migrations as applied that it had no right to apply.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM ft_app;
"""

REVOKES = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM ft_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM ft_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ft_app;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ft_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("users", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL(GRANTS, REVOKES)]
