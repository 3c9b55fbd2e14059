"""One entry at a time, and fifty thousand postings at once."""

import io
import statistics
from collections.abc import Callable, Iterator

import psycopg

from financetracker.ledger import journal
from tests.bench import scratch
from tests.bench.book import Bench
from tests.bench.measure import Row, in_turn, seconds

TRANSACTION = """
INSERT INTO floor.ledger_transaction
  (public_id, book_id, date, payee_id, narration, notes, code, flag, metadata, version, voided)
VALUES (gen_random_uuid(), %s, '2016-01-01', NULL, 'Lunch', '', '', '', '{}', 1, false) RETURNING id
"""
POSTINGS = """
INSERT INTO floor.ledger_posting
  (book_id, transaction_id, position, account_id, date, voided, amount, commodity_id, weight, weight_commodity_id,
   state, memo, metadata)
VALUES (%s, %s, 0, %s, '2016-01-01', false, 12.50, %s, 12.50, %s, 'uncleared', '', '{}'),
       (%s, %s, 1, %s, '2016-01-01', false, -12.50, %s, -12.50, %s, 'uncleared', '', '{}')
"""


def bare_insert(app: psycopg.Connection, bench: Bench) -> None:
    """Write the three rows of a two-legged entry by two statements in one durable transaction."""
    book, eur = bench.book.pk, bench.eur.pk
    with app.transaction(), app.cursor() as cursor:
        cursor.execute(TRANSACTION, [book])
        (pk,) = cursor.fetchone() or (0,)
        one, other = bench.kinds[0].pk, bench.hot.pk
        cursor.execute(POSTINGS, [book, pk, one, eur, eur, book, pk, other, eur, eur])


def post_one(bench: Bench, payee: str = "") -> None:
    """Post a two-legged entry in a scope of its own."""
    with bench.scope():
        journal.post(bench.book, bench.two_legs(payee=payee))


def single(bench: Bench, *, rounds: int, times: int) -> list[Row]:
    """Compare `journal.post` with the bare INSERTs, both durable, by one caller."""

    def often(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                work()

        return run

    with scratch.connect(scratch.APP) as app:
        took = in_turn(
            {
                "floor": often(lambda: bare_insert(app, bench)),
                "post": often(lambda: post_one(bench)),
                "payee": often(lambda: post_one(bench, "Shop 1")),
            },
            rounds=rounds,
        )
    floor, post, payee = (took[name] / times * 1e6 for name in ("floor", "post", "payee"))
    of = "three rows by two bare INSERTs"
    return [
        Row(
            "journal.post, two legs, durable",
            floor / post,
            of,
            f"{post:,.0f} against {floor:,.0f} µs",
            at_least=0.3,
        ),
        Row("the same with a payee", floor / payee, of, f"{payee:,.0f} against {floor:,.0f} µs"),
    ]


def many(bench: Bench, *, rounds: int, postings: int) -> Iterator[list[Row]]:
    """Compare `post_many` with the owner's COPY of the same rows; yields after the first round, and at the end.

    Both sides grow alike: what a round wrote is read back and copied beside it.
    """
    post, build, copy, count = [], [], [], 0
    with scratch.connect(scratch.OWNER) as owner:
        for number in range(rounds):
            entries = []
            build.append(seconds(lambda: entries.extend(bench.with_postings(f"many {number}", postings))))  # noqa: B023
            count = sum(len(entry.legs) for entry in entries)
            before = highest(owner)
            post.append(seconds(lambda: post_all(bench, entries)))  # noqa: B023
            rows = read_back(owner, before)
            copy.append(seconds(lambda: copy_in(owner, rows)))  # noqa: B023
            print(f"  post_many {count:,} postings: {post[-1]:.2f} s, COPY {copy[-1]:.2f} s", flush=True)
            if number == 0:
                yield []
    ratio = statistics.median(c / p for c, p in zip(copy, post, strict=True))
    whole = statistics.median(c / (p + b) for c, p, b in zip(copy, post, build, strict=True))
    rate = f"{count / statistics.median(post):,.0f} against {count / statistics.median(copy):,.0f} postings/s"
    of = "the owner's COPY, indexes alone"
    yield [
        Row(f"post_many, {count:,} postings", ratio, of, rate, at_least=0.25),
        Row("the same with building its entries", whole, of, f"building {statistics.median(build):.2f} s"),
    ]


def post_all(bench: Bench, entries: list[journal.Entry]) -> None:
    """Write them in one call and commit."""
    with bench.scope():
        journal.post_many(bench.book, entries)


def highest(owner: psycopg.Connection) -> tuple[int, int]:
    """Return the highest ids of both tables."""
    row = owner.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM ledger_transaction),"
        " (SELECT coalesce(max(id), 0) FROM ledger_posting)"
    ).fetchone()
    owner.commit()
    assert row
    return row[0], row[1]


def read_back(owner: psycopg.Connection, after: tuple[int, int]) -> dict[str, bytes]:
    """Return what was written since, as COPY wants it."""
    found = {}
    for table, pk in zip(("ledger_transaction", "ledger_posting"), after, strict=True):
        buffer = io.BytesIO()
        with owner.cursor().copy(f"COPY (SELECT * FROM {table} WHERE id > {pk} ORDER BY id) TO STDOUT") as stream:
            for chunk in stream:
                buffer.write(chunk)
        found[table] = buffer.getvalue()
    owner.commit()
    return found


def copy_in(owner: psycopg.Connection, rows: dict[str, bytes]) -> None:
    """Copy the rows into the floor's tables and commit."""
    for table, text in rows.items():
        with owner.cursor().copy(f"COPY floor.{table} FROM STDIN") as stream:
            stream.write(text)
        owner.execute(f"SELECT setval(pg_get_serial_sequence('floor.{table}', 'id'), max(id)) FROM floor.{table}")
    owner.commit()
