"""What is counted about requests and the database's pool, for Prometheus.

Under gunicorn each worker writes its figures into a file of its own, in the folder that PROMETHEUS_MULTIPROC_DIR
names before this module is imported; whichever worker is asked adds them all up. Without it, the figures are those
of this process.
"""

import os
import threading
from typing import Any

from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg_pool import ConnectionPool

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# How old the figures of another worker's pool may be.
SECONDS_BETWEEN = 2.0

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "financetracker_http_requests",
    "Requests that were answered.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
ERRORS = Counter(
    "financetracker_http_errors",
    "Requests that were answered with 500 or above; the exception's class if a page raised it.",
    ("method", "route", "exception"),
    registry=REGISTRY,
)
LATENCY = Histogram(
    "financetracker_http_request_duration_seconds",
    "From the request's first line to the whole answer, without sending it.",
    ("method", "route"),
    buckets=BUCKETS,
    registry=REGISTRY,
)
IN_PROGRESS = Gauge(
    "financetracker_http_requests_in_progress",
    "Requests that are being answered now.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
BUILD = Gauge(
    "financetracker_build_info",
    "Always 1; the labels say what runs.",
    ("revision", "digest"),
    multiprocess_mode="max",
    registry=REGISTRY,
)
BUILD.labels(settings.APP_REVISION, settings.APP_IMAGE.partition("@")[2]).set(1)

# What the pool knows now, by its own name for it.
POOL_NOW = {
    name: Gauge(f"financetracker_db_pool_{ours}", text, multiprocess_mode="livesum", registry=REGISTRY)
    for name, ours, text in (
        ("pool_max", "max", "Connections that the pools may hold."),
        ("pool_size", "size", "Connections that the pools hold or are opening."),
        ("in_use", "in_use", "Connections that requests hold."),
        ("requests_waiting", "waiting", "Requests that wait for a connection now."),
    )
}
# What the pool has counted since it was opened, by its own name for it, and in which unit.
POOL_EVER = {
    name: (Counter(f"financetracker_db_pool_{ours}", text, registry=REGISTRY), unit)
    for name, ours, unit, text in (
        ("requests_num", "requests", 1, "Times that a connection was asked for."),
        ("requests_queued", "queued", 1, "Times that none was free."),
        ("requests_errors", "timeouts", 1, "Times that none was to be had in time."),
        ("requests_wait_ms", "wait_seconds", 0.001, "Time that was spent waiting for a connection."),
        ("connections_errors", "connect_errors", 1, "Attempts to connect that failed."),
        ("connections_lost", "lost", 1, "Connections that were found broken."),
    )
}


class Pool:
    """Copies the figures of the database's pool, which are this process's own, to where they are added up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[str, int] = {}

    def sample(self) -> None:
        """Write down what the pool says now. No connection is opened, and none is waited for."""
        self.sample_of(connections["default"].pool)  # type: ignore[attr-defined]

    def sample_of(self, pool: "ConnectionPool[Any] | None") -> None:
        """Write down what a pool says; nothing but zeros where there is none, or it was never used."""
        with self._lock:
            stats = {} if pool is None or pool.closed else pool.get_stats()
            stats["in_use"] = stats.get("pool_size", 0) - stats.get("pool_available", 0)
            for name, gauge in POOL_NOW.items():
                gauge.set(stats.get(name, 0))
            for name, (counter, unit) in POOL_EVER.items():
                now, before = stats.get(name, 0), self._before.get(name, 0)
                counter.inc((now - before if now >= before else now) * unit)  # less: it is a new pool
            self._before = stats

    def watch(self) -> None:
        """Sample for as long as this process lives: no request comes by while all of them wait."""
        threading.Thread(target=self._repeat, name="pool figures", daemon=True).start()

    def _repeat(self) -> None:
        never = threading.Event()
        while not never.wait(SECONDS_BETWEEN):
            self.sample()


pool = Pool()


def route_of(request: HttpRequest) -> str:
    """Return the name of the pattern that a request matched, never what was in its address."""
    match = request.resolver_match
    if match is not None and match.url_name:
        return match.view_name
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "other"


def method_of(request: HttpRequest) -> str:
    """Return the method, or "other": a client may make up as many as it likes."""
    return request.method if request.method in METHODS else "other"


def count(*, method: str, route: str, status: int, seconds: float, exception: str = "") -> None:
    """Count one request that was answered."""
    REQUESTS.labels(method, route, str(status)).inc()
    LATENCY.labels(method, route).observe(seconds)
    if status >= 500:
        ERRORS.labels(method, route, exception).inc()


def exposition(accept: str = "") -> tuple[bytes, str]:
    """Return the figures of all workers and their content type."""
    pool.sample()
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
