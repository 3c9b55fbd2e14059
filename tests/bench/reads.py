"""The trial balance and a page of a register, against the cheapest query there is and against a plain sum."""

from collections.abc import Callable

from django.db import connection

from financetracker.ledger import balances, register
from tests.bench import scratch
from tests.bench.book import Bench
from tests.bench.measure import Row, in_turn


def query(text: str) -> Callable[[], object]:
    """Return a work that runs one query and fetches its answer."""

    def run() -> object:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    return run


def at_this_size(bench: Bench, *, rounds: int) -> list[Row]:
    """Measure both reads over all that is in the book now."""
    with scratch.connect(scratch.OWNER) as owner:
        owner.commit()
        owner.autocommit = True
        owner.execute("VACUUM ANALYZE ledger_posting")
        owner.execute("ANALYZE ledger_transaction")
        (postings,) = owner.execute("SELECT count(*) FROM ledger_posting").fetchone() or (0,)
    with bench.scope():
        middle = register.register(bench.hot).older
        for _ in range(20):
            middle = register.register(bench.hot, before=middle).older
        took = in_turn(
            {
                "one": query("SELECT 1"),
                "sum": query("SELECT sum(amount) FROM ledger_posting"),
                "balances": lambda: balances.balances(bench.book),
                "at a date": lambda: balances.balances(bench.book, as_of=bench.two_legs().date.replace(year=2021)),
                "register": lambda: register.register(bench.hot),
                "older": lambda: register.register(bench.hot, before=middle),
            },
            rounds=rounds,
        )
    rows = []
    for name, what in (
        ("balances", "trial balance"),
        ("at a date", "trial balance at a date in the middle"),
        ("register", "register page of 50, hot account"),
        ("older", "register page of 50, twenty pages on"),
    ):
        figures = f"{took[name] * 1e3:.1f} against {took['one'] * 1e3:.2f} ms"
        rows.append(Row(f"{what}, {postings:,} postings", took[name] / took["one"], "times SELECT 1", figures))
        figures = f"{took[name] * 1e3:.1f} against {took['sum'] * 1e3:.1f} ms"
        rows.append(Row("", took[name] / took["sum"], "times a plain SUM over the table", figures))
    return rows
