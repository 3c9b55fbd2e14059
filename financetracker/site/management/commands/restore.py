"""`restore`: a saved database brought back into an empty one, compared before anybody can use it."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from financetracker.site.backup import CLEAN, DISAGREE
from financetracker.site.management.commands.backup import SAVED_BUT_WRONG, SAVED_UNCHECKED
from financetracker.site.owner import end_on_sigterm
from financetracker.site.restore import opened, restore, same_fingerprint


class Command(BaseCommand):
    """Checks the whole file first; what it then makes is there as a whole, or not at all."""

    help = (
        "Bring a backup back into an empty database, compare it with what was saved, and migrate it if needed."
        " Exit status 0: restored, and the books agree; 1: not restored, nothing was changed; 3: restored as"
        " saved, but the books disagree; 4: restored as saved, but the books could not be checked."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the backup; `-` is standard input; with --check also a folder")
        parser.add_argument("--check", action="store_true", help="only read the file, and say what it holds")

    def handle(self, *args: Any, **options: Any) -> None:
        with end_on_sigterm():
            if options["check"]:
                self.check_files(options["file"])
                return
            manifest, found, migrated = restore(options["file"])
        self.say(manifest, "Restored")
        if found["fingerprint"]:
            prints = found["fingerprint"]["total"]
            self.stderr.write(f"total books {prints['books']}\ntotal history {prints['history']}")
        if migrated:
            self.stderr.write("It was of an older schema: every table was compared, and then migrated.")
            if manifest["fingerprint"] and found["fingerprint"]:
                same = "same" if same_fingerprint(manifest, found) else "another"
                self.stderr.write(f"The migrated books have {'the ' if same == 'same' else ''}{same} fingerprint.")
        if found["verdict"] == CLEAN:
            self.stderr.write("The books agree.")
        elif found["verdict"] == DISAGREE:
            self.stderr.write(f"THE BOOKS DISAGREE: {len(found['findings'])} findings; run verify_ledger.")
            sys.exit(SAVED_BUT_WRONG)
        else:
            self.stderr.write(f"THE BOOKS WERE NOT CHECKED: {found['reason']}")
            sys.exit(SAVED_UNCHECKED)

    def check_files(self, named: str) -> None:
        """Read a backup, or all of a folder; ends with status 1 where one is not whole, after the last."""
        folder = Path(named)
        paths = sorted(map(str, folder.glob("*.backup"))) if folder.is_dir() else [named]
        if not paths:
            raise CommandError(f"{named} holds no file *.backup.")
        broken = []
        for path in paths:
            try:
                with opened(path) as archive:
                    self.say(archive.manifest, f"{path} is whole: it holds")
            except CommandError as error:
                broken.append(str(error))
        if broken:
            raise CommandError("\n".join(broken))

    def say(self, manifest: dict[str, Any], what: str) -> None:
        """Print what a backup holds, and what was wrong with it when it was made."""
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stderr.write(
            f"{what} {manifest['database']} of {manifest['made_at']}: {rows} rows in {len(manifest['tables'])}"
            f" tables, PostgreSQL {manifest['server']}, revision {manifest['revision'] or 'unknown'}."
        )
        if manifest["verdict"] != CLEAN:
            why = manifest["reason"] or f"{len(manifest['findings'])} findings"
            self.stderr.write(f"When it was saved the books were {manifest['verdict']}: {why}")
