"""Sixteen connections that all post to one account: two processes, as many as the machine has cores, of eight."""

import multiprocessing
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from django.db import OperationalError, connection

from tests.bench import scratch
from tests.bench.measure import Row

PROCESSES, THREADS = 2, 8


def work(pipe: Connection, user_id: int, book_id: int) -> None:
    """Run in a process of its own: told (kind, seconds), post that long by eight threads; answer with counts."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "financetracker.settings")
    import django  # noqa: PLC0415

    django.setup()
    from tests.bench.writes import bare_insert, post_one  # noqa: PLC0415

    bench = reopened(user_id, book_id)
    plain = [scratch.connect(scratch.APP) for _ in range(THREADS)]
    while order := pipe.recv():
        kind, duration = order
        counts: list[Counter[str]] = [Counter() for _ in range(THREADS)]
        calls: dict[str, Callable[[int], object]] = {
            "floor": lambda n: bare_insert(plain[n], bench),
            "post": lambda _n: post_one(bench),
        }
        threads = [
            threading.Thread(target=run, args=(calls[kind], n, duration, counts[n])) for n in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pipe.send(sum(counts, Counter()))
    for app in plain:
        app.close()


def reopened(user_id: int, book_id: int) -> Any:
    """Return the bench of the parent process, read again."""
    from financetracker.accounts.models import Account, Book, Commodity  # noqa: PLC0415
    from financetracker.users.models import User  # noqa: PLC0415
    from tests.bench.book import Bench  # noqa: PLC0415

    bench = Bench.__new__(Bench)
    bench.owner = User.objects.get(pk=user_id)
    bench.book = Book(pk=book_id)
    with bench.scope():
        bench.book = Book.objects.get(pk=book_id)
        bench.eur = Commodity.objects.get()
        bench.hot = Account.objects.get(full_name="Assets:Bank 0")
        bench.kinds = list(Account.objects.filter(type="expense", placeholder=False))
    return bench


def run(call: Callable[[int], object], number: int, duration: float, count: Counter[str]) -> None:
    """Call until the time is over; count what was done, what was a deadlock, and what else went wrong."""
    until = time.monotonic() + duration
    while time.monotonic() < until:
        try:
            call(number)
            count["done"] += 1
        except OperationalError as error:
            count["deadlock" if getattr(error.__cause__, "sqlstate", "") == "40P01" else "error"] += 1
        except Exception as error:
            count[f"error {type(error).__name__}"] += 1
    connection.close()


def hot_account(user_id: int, book_id: int, *, rounds: int, duration: float) -> list[Row]:
    """Compare the rate of sixteen posters with that of sixteen bare inserters, by turns."""
    context = multiprocessing.get_context("spawn")
    pipes, workers = [], []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        workers.append(context.Process(target=work, args=(theirs, user_id, book_id), daemon=True))
        workers[-1].start()
        pipes.append(ours)
    found: dict[str, list[Counter[str]]] = {"floor": [], "post": []}
    for number in range(rounds + 1):
        for kind, counts in found.items():
            for pipe in pipes:
                pipe.send((kind, duration if number else 1.0))
            total = sum((pipe.recv() for pipe in pipes), Counter())
            if number:
                counts.append(total)
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(None)
        worker.join()
    ratio = statistics.median(p["done"] / f["done"] for p, f in zip(found["post"], found["floor"], strict=True))
    rate = {
        kind: statistics.median(count["done"] / duration for count in counts) for kind, counts in found.items()
    }
    wrong = sum(found["post"], Counter())
    return [
        Row(
            "16 connections posting to one account",
            ratio,
            "16 connections doing the bare INSERTs",
            f"{rate['post']:,.0f} against {rate['floor']:,.0f} transactions/s",
        ),
        Row(
            "deadlocks that reached a caller",
            wrong["deadlock"],
            f"in {wrong['done']:,} posts",
            ", ".join(f"{n} {what}" for what, n in wrong.items() if what.startswith("error")) or "no other errors",
            at_most=0,
        ),
    ]
