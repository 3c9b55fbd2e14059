"""`migrate`, through the role that may, one at a time, and with one line where it cannot."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from financetracker.site.owner import OWNER, alone, one_line, owner_connection, tell
from financetracker.site.rights import let_the_auditor_read
from financetracker.site.schema import contracted, unknown
from financetracker.site.shelf import put

LOCK_NOT_AVAILABLE = "55P03"
BACKUPS_KEPT = 5
MOST_SECONDS = 86_400


def seconds(text: str) -> int:
    """Read a time from the command line."""
    value = int(text)
    if not 0 <= value <= MOST_SECONDS:
        raise ValueError(text)
    return value


class Command(migrate.Command):
    """Django's own command with the owner as its default; the cache's table and the auditor's rights come along.

    Exit status 0: the schema is what this code wants, or newer in a way that this code can live with. 1: it is
    not; what was applied before stays, the migration that failed was undone.
    """

    applying = ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=OWNER)
        parser.add_argument(
            "--wait",
            type=seconds,
            default=0,
            metavar="SECONDS",
            help="wait so long for a database that is starting",
        )
        parser.add_argument(
            "--lock-wait", type=seconds, default=120, metavar="SECONDS", help="wait so long for another migrate"
        )
        parser.add_argument(
            "--backup-into", type=Path, metavar="FOLDER", help="save the books there before any table changes"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        if options["database"] != OWNER:
            raise CommandError("Only the owner's role migrates: leave --database out, or give --database owner.")
        connection = owner_connection(options.get("wait", 0))
        try:
            return super().execute(*args, **options)
        except Error as error:
            raise CommandError(self.what_failed(connection, error)) from error

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        connection = owner_connection()
        with alone(connection, options.get("lock_wait", 120), "migrate"):
            refuse_newer_schema(connection)
            self.save_before(connection, options.get("backup_into"))
            try:
                super().handle(*args, **options)
            except (CommandError, Error):
                raise
            except Exception as error:
                if not self.applying:
                    raise
                raise CommandError(self.what_failed(connection, error)) from error
            call_command("createcachetable", database=OWNER, verbosity=0)
            if not options["app_label"] and let_the_auditor_read(connection):
                self.stderr.write("The auditor's role may read what verify_ledger reads, and no more.")

    def save_before(self, connection: BaseDatabaseWrapper, folder: Path | None) -> None:
        """Put a backup aside where books are there and tables of theirs are about to change."""
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if folder is None or not plan or not executor.loader.applied_migrations:
            return
        try:
            path, saved = put(folder, "before-migrate", BACKUPS_KEPT)
        except CommandError as error:
            raise CommandError(f"{error} Nothing was migrated.") from error
        self.stderr.write(f"Saved {path} ({saved.size} bytes) before {plan[0][0]}.")

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Django's own; and remembers which migration is being applied."""
        if action in ("apply_start", "unapply_start"):
            self.applying = str(migration)
        elif action in ("apply_success", "unapply_success"):
            self.applying = ""
        super().migration_progress_callback(action, migration, fake)

    def what_failed(self, connection: BaseDatabaseWrapper, error: Exception) -> str:
        """Return the sentence for what the database, or a migration, refused."""
        said = one_line(error)
        if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            said = f"somebody else holds a lock that it needs ({said})"
        if not self.applying:
            return f"The database of DATABASE_OWNER_URL could not be migrated: {said}."
        return f"{self.applying} could not be applied: {said}. It was undone: correct that, and run migrate again."


def refuse_newer_schema(connection: BaseDatabaseWrapper) -> None:
    """Refuse a schema from which a newer program already took away what this one may need."""
    applied = MigrationRecorder(connection).applied_migrations().keys()
    for app, name in contracted(applied):
        raise CommandError(
            f"The schema is newer than this program and no longer fits it: it has {app}.{name}. Run the program"
            " that made it, or a newer one."
        )
    for app, name in unknown(applied)[-1:]:
        tell(f"The schema is newer than this program, which can live with it: it has {app}.{name}.")
