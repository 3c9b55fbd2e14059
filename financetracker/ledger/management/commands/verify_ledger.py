"""`verify_ledger`: whether the books agree with themselves, and their fingerprint."""

import json
import sys
import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from financetracker.accounts.models import Book
from financetracker.ledger.fingerprint import Fingerprint, fingerprints, total
from financetracker.ledger.verify import CouldNotCheck, Look, Report, snapshot, verify

CLEAN, DISAGREE, NOT_CHECKED = 0, 1, 2


class Command(BaseCommand):
    """Re-derives everything from the postings in one read-only snapshot, and says what does not agree."""

    help = (
        "Check the books against themselves: sums, references, accounts, assertions, history, and the rules that"
        " the database keeps. Exit status 0: clean; 1: the books disagree; 2: could not check."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
        parser.add_argument(
            "--fingerprint", action="store_true", help="print the fingerprint of books and history"
        )
        parser.add_argument("--book", metavar="PUBLIC_ID_OR_NAME", help="look at one book alone")
        parser.add_argument(
            "--database",
            default="owner" if "owner" in settings.DATABASES else "default",
            choices=list(settings.DATABASES),
            help="the role that looks; it must see every row (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        prints: tuple[Fingerprint, ...] = ()
        try:
            with snapshot(options["database"]):
                look = Look(connections[options["database"]], book_of(options["book"], options["database"]))
                report = verify(look)
                if options["fingerprint"]:
                    prints = fingerprints(look)
            reason = ""
        except CouldNotCheck as error:
            report, reason = Report(()), str(error)
        except Exception as error:  # a mistake of ours must not look like one of the books
            report, reason = Report(()), f"verify_ledger itself failed: {type(error).__name__}: {error}"
        status = status_of(report, reason)
        if options["json"]:
            self.stdout.write(json.dumps(document(status, report, reason, prints), indent=1, ensure_ascii=False))
        else:
            self.say(status, report, reason, prints)
        if status:
            sys.exit(status)

    def say(self, status: int, report: Report, reason: str, prints: tuple[Fingerprint, ...]) -> None:
        """Print findings and fingerprints to stdout, and what became of the run to stderr."""
        for found in report.findings:
            where = f"  (book {found.book})" if found.book else ""
            self.stdout.write(f"{found.check}: {found.table} {found.key}: {found.message}{where}")
        for check in report.cut:
            self.stdout.write(f"{check}: there are more of these.")
        for one in prints:
            self.stdout.write(f"{one.book} books {one.books}\n{one.book} history {one.history}")
        if prints:
            self.stdout.write(f"total books {total(prints).books}\ntotal history {total(prints).history}")
        for check, why in report.unchecked:
            self.stderr.write(f"Could not check {check}: {why}")
        if status == CLEAN:
            self.stderr.write("The books agree.")
        elif status == DISAGREE:
            count = f"{len(report.findings)}{' or more' if report.cut else ''}"
            self.stderr.write(f"The books disagree: {count} findings.")
        elif reason:
            self.stderr.write(f"Could not check: {reason}")


def status_of(report: Report, reason: str) -> int:
    """Return the exit status. A finding is a fact, even where another check could not run."""
    if report.findings:
        return DISAGREE
    return NOT_CHECKED if reason or report.unchecked else CLEAN


def document(status: int, report: Report, reason: str, prints: tuple[Fingerprint, ...]) -> dict[str, Any]:
    """Return what `--json` prints."""
    said: dict[str, Any] = {
        "status": ("clean", "disagree", "not checked")[status],
        "findings": [found._asdict() for found in report.findings],
        "cut": list(report.cut),
        "unchecked": [{"check": check, "reason": why} for check, why in report.unchecked],
    }
    if reason:
        said["reason"] = reason
    if prints:
        said["fingerprints"] = [one._asdict() for one in prints]
        said["total"] = {"books": total(prints).books, "history": total(prints).history}
    return said


def book_of(named: str | None, using: str) -> int | None:
    """Return the id of the one book that a public id or a name stands for; else raise CouldNotCheck."""
    if not named:
        return None
    rows = Book.objects.using(using)
    try:
        found = list(rows.filter(public_id=uuid.UUID(named)).values_list("pk", flat=True))
    except ValueError:
        found = list(rows.filter(name=named).values_list("pk", flat=True)[:2])
    if not found:
        raise CouldNotCheck(f"There is no book {named}.")
    if len(found) > 1:
        raise CouldNotCheck(f"Several books have the name {named}: give the public id of one.")
    return found[0]
