"""What the third role may do: read what verify_ledger reads, and nothing else.

`ft_auditor` is made outside of migrations, like the other two, and bypasses row security: it sees every book. It
sees no password and no session. Its rights are no part of a migration, because a server need not have the role;
`migrate` gives them at its end, and takes away what it should not have.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from psycopg.sql import SQL, Identifier

from financetracker.ledger.verify import tables_read

AUDITOR = "ft_auditor"


def wanted() -> set[tuple[str, str, str]]:
    """Return the auditor's rights as (table, column, right); the column is empty for a whole table."""
    return {(table, column, "SELECT") for table, columns in tables_read().items() for column in columns or ("",)}


def held(connection: BaseDatabaseWrapper) -> set[tuple[str, str, str]]:
    """Return the rights that the auditor has been given in the schema public, in the form of `wanted`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH rights AS (
                 SELECT c.relname, '' AS attname, x.* FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
                  WHERE c.relnamespace = 'public'::regnamespace
                 UNION ALL
                 SELECT c.relname, a.attname, x.* FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                   CROSS JOIN LATERAL aclexplode(a.attacl) x WHERE c.relnamespace = 'public'::regnamespace)
               SELECT relname, attname, privilege_type FROM rights
                WHERE grantee = (SELECT oid FROM pg_roles WHERE rolname = %s)""",
            [AUDITOR],
        )
        return {(table, column, right) for table, column, right in cursor.fetchall()}


def let_the_auditor_read(connection: BaseDatabaseWrapper) -> bool:
    """Give the auditor exactly his rights, if this server has the role; returns whether anything changed."""
    with atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [AUDITOR])
        if not cursor.fetchone()[0] or held(connection) == wanted():
            return False
        auditor = Identifier(AUDITOR)
        cursor.execute(SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(auditor))
        cursor.execute(SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(auditor))
        cursor.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(auditor))
        for table, column, _right in sorted(wanted()):
            columns = SQL("({})").format(Identifier(column)) if column else SQL("")
            cursor.execute(SQL("GRANT SELECT {} ON {} TO {}").format(columns, Identifier(table), auditor))
    return True
