"""Writes a book as a text journal."""

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from financetracker.ledger.exchange import export_journal
from financetracker.ledger.formats import hledger
from financetracker.ledger.management.book_scope import add_book_options, book_scope

WRITERS = {"hledger": hledger.write}


class Command(BaseCommand):
    """Writes hledger's journal to standard output or to a file, whole or not at all."""

    help = "Write a book as a journal that hledger reads with equal balances. Voided transactions are left out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_book_options(parser)
        parser.add_argument("--format", choices=sorted(WRITERS), default="hledger")
        parser.add_argument("--output", metavar="PATH", help="a file instead of standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        with book_scope(options["book"], options["owner"], source="export") as book:
            text = WRITERS[options["format"]](export_journal(book))
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        path = Path(options["output"])
        try:
            _write_whole(path, text)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=1) from error
        self.stderr.write(f"Wrote {path}.")


def _write_whole(path: Path, text: str) -> None:
    """Write beside the file and rename: a full disk leaves the former export as it was."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
