"""Brings a text journal into a book, all or nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.transaction import atomic, set_rollback

from financetracker.accounts.books import create_book
from financetracker.accounts.errors import Refusal
from financetracker.accounts.models import Book
from financetracker.accounts.scope import scope
from financetracker.ledger.exchange import Imported, import_journal
from financetracker.ledger.formats import hledger, plain
from financetracker.ledger.management.book_scope import add_book_options, books_named, find_book, find_user
from financetracker.users.models import User

MAX_BYTES = 256 * 1024 * 1024


class Command(BaseCommand):
    """Reads hledger's journal. Exit status 0 done, 1 refused by the file's or the book's rules, 2 wrong call."""

    help = "Bring a journal in hledger's format into a book: all of it, or nothing and every reason why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the journal")
        add_book_options(parser)
        parser.add_argument("--create", action="store_true", help="make the book if there is none of that name")
        parser.add_argument("--base", metavar="CODE", help="the base commodity of a book that --create makes")
        parser.add_argument("--time-zone", default="UTC", help="the time zone of a book that --create makes")
        parser.add_argument(
            "--commodity", action="append", default=[], metavar="'$=USD'", help="the code of a symbol in the file"
        )
        parser.add_argument(
            "--type", action="append", default=[], metavar="NAME=TYPE", help="the type of an account in the file"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        journal = self._read(options)
        try:
            with atomic():
                book, user = self._book(options)
                with scope(user.pk, book.pk, source="import"):
                    done = import_journal(Book.objects.get(pk=book.pk), journal)
                if options["dry_run"]:
                    set_rollback(True)
        except Refusal as refusal:
            entry = getattr(refusal, "entry", None)
            where = f" ({entry.date} {entry.payee or entry.narration})" if entry else ""
            message = f"{options['file']}: {refusal.message}{where} Nothing was imported."
            raise CommandError(message, returncode=1) from refusal
        self._report(done, book, dry_run=options["dry_run"])

    def _read(self, options: dict[str, Any]) -> plain.Journal:
        path = Path(options["file"])
        symbols = dict(_pair(text, "--commodity", "'$=USD'") for text in options["commodity"])
        types = dict(_pair(text, "--type", "NAME=TYPE") for text in options["type"])
        for name, kind in types.items():
            if kind not in plain.ACCOUNT_TYPES:
                choices = ", ".join(plain.ACCOUNT_TYPES)
                raise CommandError(f"--type {name}={kind}: a type is one of {choices}.", returncode=2)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise CommandError(f"{path} is larger than 256 MiB: split it.", returncode=2)
            data = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from error
        try:
            text = plain.decode(data, filename=path.name)
            return hledger.read(text, filename=path.name, commodities=symbols, types=types)
        except plain.Refused as refused:
            count = len(refused.errors)
            for wrong in refused.errors[:100]:
                self.stderr.write(str(wrong))
            more = f" (the first 100 of {count} are shown)" if count > 100 else ""
            reasons = "1 reason" if count == 1 else f"{count} reasons"
            message = f"{path.name} was refused for {reasons}{more}. Nothing was imported."
            raise CommandError(message, returncode=1) from refused

    def _book(self, options: dict[str, Any]) -> tuple[Book, User]:
        name, login = options["book"], options["owner"]
        if not options["create"]:
            return find_book(name, login)
        if not login or not options["base"]:
            raise CommandError("--create needs --owner LOGIN and --base CODE.", returncode=2)
        user = find_user(login)
        with scope(user.pk, None):
            found = list(books_named(name, user))
        if len(found) > 1:
            return find_book(name, login)
        return (
            found[0]
            if found
            else create_book(
                user, name=name, base=options["base"], time_zone=options["time_zone"], source="import"
            )
        ), user

    def _report(self, done: Imported, book: Book, *, dry_run: bool) -> None:
        for remark in done.remarks:
            self.stdout.write(remark)
        if done.is_empty:
            self.stdout.write(
                f"“{book.name}” holds all of it already: {done.known} transactions. Nothing was added."
            )
            return
        verb = "would add" if dry_run else "added"
        counts = [(done.transactions, "transaction"), (len(done.accounts), "account")]
        counts += [(len(done.commodities), "commodity"), (done.prices, "price"), (done.assertions, "assertion")]
        parts = [f"{count} {_plural(noun, count)}" for count, noun in counts if count]
        known = f"; {done.known} known already" if done.known else ""
        self.stdout.write(f"“{book.name}”: {verb} {', '.join(parts)}{known}.")


def _plural(noun: str, count: int) -> str:
    if count == 1:
        return noun
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, meaning = text.rpartition("=")
    if not equals or not meaning:
        raise CommandError(f"{option} {text}: write {example}.", returncode=2)
    return name, meaning
