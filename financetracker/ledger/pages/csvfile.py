"""Lists as files for a spreadsheet: plain numbers, ISO days, the same columns for ever, no text that is run."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify

from financetracker.accounts.bookadmin import book_of, membership_of
from financetracker.accounts.books import today
from financetracker.accounts.scope import NotAMember, current, scope

# A spreadsheet runs a cell that begins like this. With an apostrophe before it, it is text.
RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_answer(
    request: HttpRequest, name: str, columns: Sequence[str], batches: Iterator[Iterable[Sequence[Any]]]
) -> StreamingHttpResponse:
    """Send a list as it is read. Each batch is read in a scope of its own: the request's is over by then."""
    book = book_of(request)
    membership = membership_of(request)
    person = membership.user_id if membership else None
    source = current().source

    def lines() -> Iterator[str]:
        write = csv.writer(_Echo()).writerow
        yield "\ufeff" + write(columns)
        while True:
            try:
                with scope(person, book.pk, source=source):
                    batch = next(batches, None)
            except NotAMember:  # he was one when he asked: what he got so far was his to read
                return
            if batch is None:
                return
            yield "".join(write([_cell(value) for value in row]) for row in batch)

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    day = today(book, timezone.now())
    answer["Content-Disposition"] = f'attachment; filename="{slugify(f"{book.name} {name}") or "list"}-{day}.csv"'
    return answer


def _cell(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(RUN) else text
