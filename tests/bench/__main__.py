"""`python3 dev.py bench`: ratios against floors measured in the same run. Always exits with 0."""

import argparse
import os

from tests.bench import scratch
from tests.bench.measure import Row, show


def main() -> None:
    """Make a database, measure, print the table, drop the database."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, fewer rounds: is it alive?")
    parser.add_argument("--only", choices=["post", "many", "reads", "crowd"], help="one part alone")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "financetracker.settings")
    os.environ.update(FT_STATEMENT_TIMEOUT="0", FT_POOL_SIZE="20")
    with scratch.database() as name:
        import django  # noqa: PLC0415  the settings read the environment, which names the database only now

        django.setup()
        from django.db import connections  # noqa: PLC0415

        print(f"making {name} …", flush=True)
        scratch.build()
        try:
            show(measure(quick=options.quick, only=options.only))
        finally:
            for connection in connections.all():
                connection.close()
                connection.close_pool()


def measure(*, quick: bool, only: str | None) -> list[Row]:
    """Run the parts in the order in which the book grows."""
    from tests.bench import crowd, reads, writes  # noqa: PLC0415
    from tests.bench.book import Bench  # noqa: PLC0415

    rounds, postings, times = (2, 5_000, 50) if quick else (5, 50_000, 300)
    bench, rows = Bench(), []
    if only in (None, "post"):
        print("journal.post …", flush=True)
        rows += writes.single(bench, rounds=rounds, times=times)
    if only in (None, "many", "reads"):
        print("post_many …", flush=True)
        parts = writes.many(bench, rounds=rounds if only != "reads" else 1, postings=postings)
        next(parts)
        small = reads.at_this_size(bench, rounds=7) if only != "many" else []
        rows += [row for part in parts for row in part] + small
    if only in (None, "reads"):
        print("filling up to ten times as many …", flush=True)
        for number in range(10 - (rounds if only is None else 1)):
            writes.post_all(bench, bench.with_postings(f"fill {number}", postings))
        rows += reads.at_this_size(bench, rounds=7)
    if only in (None, "crowd"):
        print("16 connections …", flush=True)
        rows += crowd.hot_account(bench.owner.pk, bench.book.pk, rounds=3, duration=2 if quick else 5)
    return rows


if __name__ == "__main__":
    main()
