"""Finding transactions: what people type into the search box, read into terms, and terms as conditions on rows.

`words.understand` reads, `days` knows what a stretch of days is called, `rows` asks the database: one page at a
time, by key, and never for a count of everything.
"""

from financetracker.ledger.search.days import Days, days_named
from financetracker.ledger.search.rows import (
    MOST,
    Found,
    Place,
    Slice,
    condition,
    found,
    leg,
    of_transaction,
    page,
    place,
    tagged,
)
from financetracker.ledger.search.words import Ground, Kind, Term, understand

__all__ = [
    "MOST",
    "Days",
    "Found",
    "Ground",
    "Kind",
    "Place",
    "Slice",
    "Term",
    "condition",
    "days_named",
    "found",
    "leg",
    "of_transaction",
    "page",
    "place",
    "tagged",
    "understand",
]
