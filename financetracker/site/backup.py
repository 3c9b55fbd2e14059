"""Saves a whole database into one file, exact to one moment, while people go on writing.

One read-only snapshot is taken; pg_dump reads in it, and so do the checks and the fingerprint. What is
restored can then be compared with what was saved.
"""

import datetime
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from financetracker.ledger.fingerprint import fingerprints, total
from financetracker.ledger.shipped import APP_ROLE
from financetracker.ledger.verify import CouldNotCheck, Look, hold_still, refuse_to_guess, verify
from financetracker.site.archive import CHUNK, Broken, Writer, new_file
from financetracker.site.census import LEFT_OUT, census
from financetracker.site.owner import alone, libpq_environment, one_line, owner_connection, program

CLEAN, DISAGREE, NOT_CHECKED = "clean", "disagree", "not checked"

# Only what the owner may make again: no extension, and nothing that a superuser set up around the books.
PG_DUMP = (
    "--format=custom",
    "--exclude-extension=*",
    "--no-publications",
    "--no-subscriptions",
    "--no-tablespaces",
    "--no-password",
    "--lock-wait-timeout=60s",
    *(f"--exclude-table-data=public.{table}" for table in LEFT_OUT),
)
PATIENCE = 600  # seconds for a migrate that is under way
ATTRIBUTES = ("canlogin", "bypassrls", "createdb", "createrole", "super")


class Saved(NamedTuple):
    """A backup that was made: its manifest, and how many bytes the file has."""

    manifest: dict[str, Any]
    size: int


def save(path: str, *, force: bool = False) -> Saved:
    """Save the owner's database into a file; `-` is stdout. Raises CommandError, and leaves no half file."""
    connection = owner_connection()
    server = connection.pg_version // 10000  # type: ignore[attr-defined]
    pg_dump, version = program("pg_dump", server)
    try:
        with alone(connection, PATIENCE, "save it", shared=True):
            if path == "-":
                return to_stdout(connection, pg_dump, version)
            with new_file(Path(path), force=force) as file:
                return fill(file, connection, pg_dump, version)
    except Broken as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        what = "standard output" if path == "-" else path
        raise CommandError(f"The backup could not be written to {what}: {error.strerror}.") from error
    except Error as error:
        raise CommandError(f"The database could not be saved: {one_line(error)}.") from error


def to_stdout(connection: BaseDatabaseWrapper, pg_dump: str, version: str) -> Saved:
    """Make the backup in a file without a name, and pass it on when it is whole."""
    if sys.stdout.isatty():
        raise Broken("A backup is not for a terminal: send it into a file or a program.")
    with tempfile.TemporaryFile() as file:
        saved = fill(file, connection, pg_dump, version)
        file.seek(0)
        while piece := file.read(CHUNK):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    return saved


def fill(file: IO[bytes], connection: BaseDatabaseWrapper, pg_dump: str, version: str) -> Saved:
    """Write a backup into an empty file."""
    writer = Writer(file)
    with atomic(using=connection.alias):
        hold_still(connection)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT to_regclass('public.django_migrations'), pg_export_snapshot()")
            migrated, snapshot = cursor.fetchone()
        if migrated is None:
            raise CommandError("This database holds no books: there is nothing to save before the first migrate.")
        dump(writer, pg_dump, snapshot, libpq_environment(connection))
        writer.finish(
            {
                "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "revision": settings.APP_REVISION,
                **of_the_database(connection),
                "pg_dump": version,
                "left_out": list(LEFT_OUT),
                "tables": census(connection),
                **of_the_books(connection),
            }
        )
    file.seek(0, os.SEEK_END)
    return Saved(writer.manifest, file.tell())


def dump(writer: Writer, pg_dump: str, snapshot: str, env: dict[str, str]) -> None:
    """Let pg_dump write what the snapshot shows; raises CommandError with its own words if it fails."""
    with tempfile.TemporaryFile() as said:
        argv = [pg_dump, *PG_DUMP, f"--snapshot={snapshot}"]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=env)  # noqa: S603
        with ended(child):
            assert child.stdout
            writer.take(child.stdout)
            status = child.wait()
        if status:
            raise CommandError(
                f"The database could not be saved: {telling(said, f'pg_dump ended with {status}')}."
            )


@contextmanager
def ended(child: "subprocess.Popen[bytes]") -> Any:
    """Leave no process behind, whatever happens in the block."""
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for stream in (child.stdin, child.stdout):
            if stream:
                stream.close()


def telling(said: IO[bytes], otherwise: str) -> str:
    """Return the line of a program's stderr that says why it failed."""
    said.seek(0)
    lines = [line.strip() for line in said.read(1 << 16).decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line] or lines
    return (errors[0] if errors else otherwise).rstrip(".")


# --- What the manifest tells


def of_the_database(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return the server's version, the name of the database, its migrations, and the roles its rights name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user, current_setting('server_version')")
        database, owner, server = cursor.fetchone()
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        applied = [f"{app}.{name}" for app, name in cursor.fetchall()]
        cursor.execute(
            f"SELECT rolname, {', '.join(f'rol{name}' for name in ATTRIBUTES)} FROM pg_roles"  # noqa: S608
            " WHERE rolname IN (current_user, %s) OR oid IN"
            "  (SELECT refobjid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND dbid ="
            "   (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY rolname",
            [APP_ROLE],
        )
        roles = [{"name": name, **dict(zip(ATTRIBUTES, facts, strict=True))} for name, *facts in cursor.fetchall()]
    return {
        "database": database,
        "owner": owner,
        "server": server.split()[0],
        "server_major": connection.pg_version // 10000,  # type: ignore[attr-defined]
        "roles": roles,
        "migrations": applied,
    }


def of_the_books(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return what verify_ledger says, and the fingerprint: of this snapshot, and by this program."""
    look = Look(connection)
    try:
        refuse_to_guess(connection)
    except CouldNotCheck as error:
        return {"verdict": NOT_CHECKED, "reason": str(error), "findings": [], "fingerprint": None}
    report = verify(look)
    findings = [f"{found.check}: {found.table} {found.key}: {found.message}" for found in report.findings]
    prints = fingerprints(look)
    verdict, reason = DISAGREE if findings else CLEAN, ""
    if report.unchecked and not findings:
        verdict, reason = NOT_CHECKED, f"{report.unchecked[0][0]}: {report.unchecked[0][1]}"
    return {
        "verdict": verdict,
        "reason": reason,
        "findings": findings,
        "fingerprint": {
            "total": {"books": total(prints).books, "history": total(prints).history},
            "books": {one.book: {"books": one.books, "history": one.history} for one in prints},
        },
    }
