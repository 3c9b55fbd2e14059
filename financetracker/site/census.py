"""What is in the tables of a database, table by table, whatever its schema: rows counted, and all they say.

The fingerprint tells of the books in words that outlive a migration. This knows nothing of what a column means,
so it also holds for people and passwords, and for a schema older than the program: a restored table has to be
the saved one.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.sql import SQL, Identifier

# Who is logged in and how often somebody tried: not worth keeping, and a stolen backup must open no session.
LEFT_OUT = ("django_session", "site_cache")


def census(connection: BaseDatabaseWrapper) -> dict[str, dict[str, int | str]]:
    """Return rows and digest of each table in the schema public but those that no backup holds.

    The digest is the sum of the rows' hashes, so it does not depend on their order. Run `look_plainly` before.
    """
    found: dict[str, dict[str, int | str]] = {}
    with connection.cursor() as cursor:
        # What a row looks like as text hangs on these and on nothing else.
        cursor.execute(
            "SET LOCAL TimeZone = 'UTC'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL bytea_output = 'hex';"
            " SET LOCAL extra_float_digits = 3"
        )
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname <> ALL (%s) ORDER BY relname",
            [list(LEFT_OUT)],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                SQL(
                    "SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(t::text, 'UTF8')),"
                    " 1, 8), 'hex'))::bit(64)::bigint), 0)::text FROM public.{} t"
                ).format(Identifier(table))
            )
            rows, digest = cursor.fetchone()
            found[table] = {"rows": rows, "digest": digest}
    return found


def differences(saved: dict[str, dict[str, int | str]], found: dict[str, dict[str, int | str]]) -> list[str]:
    """Return a sentence for each table that is not what it was."""
    said = []
    for table in sorted(saved.keys() | found.keys()):
        was, is_ = saved.get(table), found.get(table)
        if was == is_:
            continue
        if was is None or is_ is None:
            said.append(f"{table} {'was not saved' if was is None else 'is missing'}")
        elif was["rows"] != is_["rows"]:
            said.append(f"{table} has {is_['rows']} rows and had {was['rows']}")
        else:
            said.append(f"{table} says something else in its {was['rows']} rows")
    return said
