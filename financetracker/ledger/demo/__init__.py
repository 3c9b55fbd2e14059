"""The made-up households that `manage.py demo` writes down: what they are in `plan`, who they are beside it."""

from financetracker.ledger.demo.ana_and_ben import AnaAndBen
from financetracker.ledger.demo.clara import Clara
from financetracker.ledger.demo.plan import Household

HOUSEHOLDS: tuple[type[Household], ...] = (AnaAndBen, Clara)
PEOPLE = {"ana@example.org": "Ana", "ben@example.org": "Ben", "clara@example.org": "Clara"}
