"""`backup`: the whole database in one file, exact to one moment."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from financetracker.site.backup import CLEAN, DISAGREE, save
from financetracker.site.owner import end_on_sigterm
from financetracker.site.shelf import put

SAVED_BUT_WRONG, SAVED_UNCHECKED = 3, 4


def at_least_one(text: str) -> int:
    """Read a count from the command line."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


class Command(BaseCommand):
    """Saves what is there, also where it is wrong: then it says so, and ends with a status of its own."""

    help = (
        "Save the whole database into one file, with its rights, a manifest and its fingerprint. Sessions are left"
        " out. Exit status 0: saved, and the books agree; 1: not saved; 3: saved, but the books disagree;"
        " 4: saved, but the books could not be checked."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("file", nargs="?", help="where to save it; `-` is standard output")
        where.add_argument("--into", type=Path, metavar="FOLDER", help="save it there under the time of day")
        parser.add_argument(
            "--keep", type=at_least_one, default=14, metavar="N", help="with --into: how many stay (default: 14)"
        )
        parser.add_argument("--force", action="store_true", help="replace a file that is there")

    def handle(self, *args: Any, **options: Any) -> None:
        with end_on_sigterm():
            if options["into"]:
                path, (manifest, size) = put(options["into"], "books", options["keep"])
                self.stderr.write(f"{path}:")
            else:
                manifest, size = save(options["file"], force=options["force"])
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stderr.write(
            f"Saved {manifest['database']} of {manifest['made_at']}: {rows} rows in {len(manifest['tables'])}"
            f" tables, {size} bytes."
        )
        if manifest["fingerprint"]:
            prints = manifest["fingerprint"]["total"]
            self.stderr.write(f"total books {prints['books']}\ntotal history {prints['history']}")
        if manifest["verdict"] == CLEAN:
            self.stderr.write("The books agree.")
            return
        if manifest["verdict"] == DISAGREE:
            for finding in manifest["findings"][:20]:
                self.stderr.write(finding)
            self.stderr.write(
                f"THE BOOKS DISAGREE: {len(manifest['findings'])} findings. They were saved as they are; run"
                " verify_ledger."
            )
            sys.exit(SAVED_BUT_WRONG)
        self.stderr.write(f"THE BOOKS WERE NOT CHECKED: {manifest['reason']} They were saved as they are.")
        sys.exit(SAVED_UNCHECKED)
