"""Brings a saved database back, whole and proven, or changes nothing.

All of it is one transaction: making the tables, filling them, comparing each with what was saved, verifying the
books and comparing their fingerprint. Only then it commits. A restore that fails or is killed leaves an empty
database empty; and no moment exists in which somebody could use one that was not compared.

For that, pg_restore is not let near the database. It writes the dump as SQL, and we run that.
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from financetracker.ledger.verify import look_plainly
from financetracker.site.archive import CHUNK, Archive, Broken, read
from financetracker.site.backup import CLEAN, PATIENCE, ended, of_the_books, telling
from financetracker.site.census import census, differences
from financetracker.site.owner import alone, one_line, owner_connection, program
from financetracker.site.schema import Name, missing, unknown

TRANSACTION_TIMEOUT = b"SET transaction_timeout = 0;\n"  # pg_restore 17 and newer say it to every server


class Restored(NamedTuple):
    """What a restore came to: the manifest, and what the same program says of the books now."""

    manifest: dict[str, Any]
    found: dict[str, Any]
    migrated: bool


@contextmanager
def opened(path: str) -> Iterator[Archive]:
    """Open a backup and read all of it (`-`: stdin); raises CommandError where it is not whole, or too new."""
    with ExitStack() as closing:
        try:
            if path == "-":
                file: IO[bytes] = closing.enter_context(tempfile.TemporaryFile())
                while piece := sys.stdin.buffer.read(CHUNK):
                    file.write(piece)
            else:
                file = closing.enter_context(Path(path).open("rb"))
            archive = understood(read(file))
        except Broken as error:
            raise CommandError(f"{path} cannot be restored: {error}") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        yield archive


def understood(archive: Archive) -> Archive:
    """Refuse a backup whose schema this program does not know."""
    if newer := unknown(applied(archive.manifest)):
        app, name = newer[0]
        raise Broken(
            f"Its schema is newer than this program: it has {app}.{name}. Use the revision that made it"
            f" ({archive.manifest['revision'] or 'it does not say which'}), or a newer one."
        )
    return archive


def restore(path: str) -> Restored:
    """Restore a backup into the owner's empty database. Raises CommandError; then nothing was changed."""
    with opened(path) as archive:
        manifest = archive.manifest
        pg_restore, _version = program("pg_restore", int(manifest["pg_dump"].split(".")[0]))
        connection = owner_connection()
        refuse_server(connection, manifest)
        older = bool(missing(applied(manifest)))
        try:
            with alone(connection, PATIENCE, "restore"):
                with atomic(using=connection.alias):
                    refuse_what_is_there(connection)
                    run_dump(connection, pg_restore, archive)
                    found = compare(connection, manifest, older=older)
                connection.close()  # the dump set its session up for itself
        except (Error, Broken, OSError) as error:
            raise CommandError(
                f"The backup could not be restored: {one_line(error)}. Nothing was changed."
            ) from error
    # Also where nothing is to be migrated: it gives the auditor what he may read here.
    call_command("migrate", verbosity=0)
    if older:
        with atomic(using=connection.alias):
            look_plainly(connection)
            found = of_the_books(connection)
    return Restored(manifest, found, older)


def applied(manifest: dict[str, Any]) -> set[Name]:
    """Return the migrations of a backup's schema."""
    return {(app, name) for app, _dot, name in (one.partition(".") for one in manifest["migrations"])}


# --- Refusals


def refuse_server(connection: BaseDatabaseWrapper, manifest: dict[str, Any]) -> None:
    """Refuse a server that is too old, another owner, and a server without the roles whose rights were saved."""
    server = connection.pg_version // 10000  # type: ignore[attr-defined]
    if server < manifest["server_major"]:
        raise CommandError(
            f"The backup is of PostgreSQL {manifest['server_major']} and this server is {server}: restore onto"
            f" {manifest['server_major']} or newer."
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, array_agg(rolname::text) FROM pg_roles")
        (owner, there) = cursor.fetchone()
    if owner != manifest["owner"]:
        raise CommandError(
            f"The backup's tables belong to {manifest['owner']}, and DATABASE_OWNER_URL names {owner}: restore as"
            f" {manifest['owner']}."
        )
    missing = [role for role in manifest["roles"] if role["name"] not in there]
    if missing:
        names = " and ".join(role["name"] for role in missing)
        raise CommandError(
            f"The backup gives rights to {names}, and this server has no such role: as its superuser run"
            f" {' '.join(map(create_role, missing))}"
        )


def create_role(role: dict[str, Any]) -> str:
    """Return the SQL that makes a role as it was where the backup was made, but for its password."""
    words = [role["name"]]
    if role["canlogin"]:
        words.append("LOGIN PASSWORD '…'")
    words += [name.upper() for name in ("bypassrls", "createdb", "createrole") if role[name]]
    return f"CREATE ROLE {' '.join(words)};"


def refuse_what_is_there(connection: BaseDatabaseWrapper) -> None:
    """Refuse a database that holds anything of its own: what is there might be somebody's only copy."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH own AS (
                 SELECT 'pg_class'::regclass AS catalog, oid, 'table ' || relname AS name FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f', 'v', 'm')
                 UNION ALL SELECT 'pg_class', oid, 'sequence ' || relname FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
                 UNION ALL SELECT 'pg_proc', oid, 'function ' || proname FROM pg_proc
                  WHERE pronamespace = 'public'::regnamespace
                 UNION ALL SELECT 'pg_type', oid, 'type ' || typname FROM pg_type
                  WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'r')
               )
               SELECT name, count(*) OVER () FROM own WHERE NOT EXISTS (SELECT FROM pg_depend d
                 WHERE d.classid = own.catalog AND d.objid = own.oid AND d.deptype = 'e')
               ORDER BY name DESC LIMIT 3"""
        )
        found = cursor.fetchall()
        if found:
            cursor.execute("SELECT current_database()")
            more = found[0][1] - len(found)
            listed = ", ".join(name for name, _count in found) + (f" and {more} more" if more else "")
            raise CommandError(
                f"The database {cursor.fetchone()[0]} is not empty: it has {listed}. Restore into an empty"
                " database; nothing was changed."
            )


# --- The dump, as SQL


def run_dump(connection: BaseDatabaseWrapper, pg_restore: str, archive: Archive) -> None:
    """Run all that the dump says, in the transaction that is open."""
    with tempfile.TemporaryFile() as said:
        argv = [pg_restore, "--file=-", "--no-owner", "--no-publications", "--no-subscriptions"]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)  # noqa: S603
        with ended(child):
            assert child.stdin
            assert child.stdout
            faults: list[BaseException] = []
            feeder = threading.Thread(target=feed, args=(archive, child.stdin, faults))
            feeder.start()
            try:
                run_script(connection, child.stdout)
                status = child.wait()
            finally:
                child.kill()
                feeder.join()
        if faults:
            raise faults[0]
        if status:
            why = telling(said, f"pg_restore ended with {status}")
            raise CommandError(f"The backup could not be restored: {why}. Nothing was changed.")


def feed(archive: Archive, stdin: IO[bytes], faults: list[BaseException]) -> None:
    """Write the dump to a program; it may end before it was told everything."""
    try:
        for piece in archive.dump():
            stdin.write(piece)
        stdin.close()
    except BrokenPipeError:
        pass
    except BaseException as error:  # it belongs to the thread that waits
        faults.append(error)
        stdin.close()


def run_script(connection: BaseDatabaseWrapper, script: IO[bytes]) -> None:
    """Run what pg_restore writes: SQL, and after each COPY its rows, which end with a line of its own."""
    old = connection.pg_version < 170000  # type: ignore[attr-defined]
    sql: list[bytes] = []
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:

        def run() -> None:
            if any(line.strip() and not line.startswith(b"--") for line in sql):
                cursor.execute(b"".join(sql))
            sql.clear()

        for line in script:
            # These two are for psql, and keep its own commands out of a script.
            if line.startswith((b"\\restrict ", b"\\unrestrict ")) or (old and line == TRANSACTION_TIMEOUT):
                continue
            if line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n"):
                run()
                with cursor.copy(line) as copy:
                    for rows in until_the_end(script):
                        copy.write(rows)
            else:
                sql.append(line)
        run()


def until_the_end(script: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows of a COPY in large pieces; raises CommandError where the script ends among them."""
    lines: list[bytes] = []
    size = 0
    for line in script:
        if line == b"\\.\n":
            yield b"".join(lines)
            return
        lines.append(line)
        size += len(line)
        if size > CHUNK:
            yield b"".join(lines)
            lines, size = [], 0
    raise CommandError("The backup could not be restored: pg_restore ended in the middle. Nothing was changed.")


# --- The comparison


def compare(connection: BaseDatabaseWrapper, manifest: dict[str, Any], *, older: bool) -> dict[str, Any]:
    """Compare what is there now with what was saved; raises CommandError where it is not the same.

    An older schema is compared table by table; its books can be read only when it was migrated.
    """
    with connection.cursor() as cursor:
        cursor.execute("RESET search_path")
        cursor.execute("ANALYZE")
    look_plainly(connection)
    wrong = differences(manifest["tables"], census(connection))
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CommandError(
            f"What was restored is not what was saved: {', '.join(wrong[:3])}{more}. It was undone."
        )
    if older:
        return {}
    found = of_the_books(connection)
    if manifest["verdict"] == CLEAN and found["verdict"] != CLEAN:
        why = found["reason"] or f"{len(found['findings'])} findings, the first is {found['findings'][0]}"
        raise CommandError(f"The saved books agreed and the restored ones do not: {why}. It was undone.")
    if not same_fingerprint(manifest, found):
        raise CommandError("The restored books have another fingerprint than the saved ones. It was undone.")
    return found


def same_fingerprint(manifest: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether both have the same fingerprint, or one that cannot be compared: none, or one of another version."""
    was, is_ = manifest["fingerprint"], found["fingerprint"]
    if not was or not is_ or was["total"]["books"].split(":")[0] != is_["total"]["books"].split(":")[0]:
        return True
    return bool(was == is_)
