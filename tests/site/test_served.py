"""What only a real gunicorn shows: several workers, signals, a database that goes away, and what is logged."""

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from django.db.transaction import atomic
from prometheus_client.multiprocess import MultiProcessCollector

from financetracker.ledger.models import Transaction
from tests.builders import Household
from tests.served import (
    DIGEST,
    HOST,
    IMAGE,
    REVISION,
    Answer,
    Browser,
    Relay,
    Served,
    ask,
    awaited,
    collect_static,
    database_environment,
    free_ports,
    served,
)

LOGIN = "account_login"
TOTAL = "financetracker_http_requests_total"
POD = "10.42.0.7:8000"


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """The static files as the image holds them."""
    folder = tmp_path_factory.mktemp("static")
    collect_static(folder, project)
    return folder


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, static: Path, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Three workers, for tests that leave them as they are."""
    folder = tmp_path_factory.mktemp("server")
    env = database_environment() | {"WEB_CONCURRENCY": "3", "FT_STATIC_FOLDER": str(static)}
    with served(folder, project, **env) as running:
        yield running


@pytest.fixture
def home(transactional_db: None) -> Household:
    """A committed household, which other processes see."""
    return Household()


def by_worker(server: Served, **labels: str) -> dict[str, float]:
    """How many requests each worker has counted, those that are dead included."""
    found = {}
    for path in server.figures.glob("counter_*.db"):
        families = MultiProcessCollector.merge([str(path)])
        samples = [sample for family in families for sample in family.samples if sample.name == TOTAL]
        found[path.stem.rpartition("_")[2]] = sum(
            sample.value for sample in samples if labels.items() <= sample.labels.items()
        )
    return found


def log_in_page(server: Served) -> Answer:
    return Browser(server.port).get("/users/login/")


def crowd(server: Served, rounds: int = 30) -> int:
    """Ask for the login page many times at once, until two workers have answered; return how many times."""
    sent = 0

    def several() -> bool:
        nonlocal sent
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: log_in_page(server), range(rounds)))
        sent += rounds
        assert {answer.status for answer in answers} == {200}
        return sum(count > 0 for count in by_worker(server, route=LOGIN).values()) > 1

    awaited("an answer of a second worker", several)
    return sent


# --- Probes


def test_probes_need_no_name_and_no_tls(server: Served) -> None:
    for port in (server.port, server.metrics_port):
        assert ask(port, "/health", Host=POD).text == "ok\n"
        ready = ask(port, "/health/ready", Host=POD)
        assert (ready.status, ready.text) == (200, "ready\n")
        version = ask(port, "/version", Host=POD)
        assert version.headers["Cache-Control"] == "no-store"
        assert version.text == (
            f'{{"commit": "{REVISION}", "image": "{IMAGE.partition("@")[0]}", "digest": "{DIGEST}"}}'
        )


def test_figures_are_on_their_own_port_and_nothing_else_is(server: Served) -> None:
    assert ask(server.metrics_port, "/metrics", Host=POD).status == 200
    assert ask(server.port, "/metrics", Host=f"{HOST}:{server.metrics_port}").status == 404
    forged = {"X-Forwarded-Port": str(server.metrics_port), "SERVER-PORT": str(server.metrics_port)}
    assert ask(server.port, "/metrics", Host=HOST, **forged).status == 404
    for path in ("/", "/users/login/", "/admin/"):
        sent = {"Host": HOST, "X-Forwarded-Proto": "https"}
        assert ask(server.metrics_port, path, **sent).status == 404
        assert ask(server.port, path, **sent).status in (200, 302)
    assert ask(server.metrics_port, "/health", "POST", Host=HOST).status == 404


# --- Figures of several workers


def test_the_figures_of_all_workers_add_up(server: Served) -> None:
    before = server.metric(TOTAL, route=LOGIN)
    sent = crowd(server)
    assert server.metric(TOTAL, route=LOGIN, method="GET", status="200") == before + sent
    assert server.metric("financetracker_http_request_duration_seconds_count", route=LOGIN) == before + sent
    assert server.metric("financetracker_http_requests_in_progress") == 0
    assert server.metric("financetracker_build_info", revision=REVISION, digest=DIGEST) == 1
    busiest = max(by_worker(server, route=LOGIN).values())
    assert busiest < before + sent, "one worker's own figures would have been right too: this shows nothing"


def test_a_killed_worker_is_replaced_and_what_it_counted_stays(server: Served) -> None:
    crowd(server)
    before = server.metric(TOTAL, route=LOGIN)
    old = server.workers()
    assert len(old) == 3
    victim = next(pid for pid in old if by_worker(server, route=LOGIN)[str(pid)])
    os.kill(victim, signal.SIGKILL)
    awaited("another worker", lambda: len(server.workers()) == 3 and victim not in server.workers())
    assert server.metric(TOTAL, route=LOGIN) == before
    assert not list(server.figures.glob(f"gauge_live*_{victim}.db"))
    sent = crowd(server)
    assert server.metric(TOTAL, route=LOGIN) == before + sent


def test_a_worker_that_hangs_is_replaced(
    static: Path, project: Path, tmp_path: Path, django_db_setup: None
) -> None:
    env = database_environment() | {"WEB_CONCURRENCY": "1", "FT_STATIC_FOLDER": str(static)}
    with served(tmp_path, project, "--timeout", "2", **env) as server:
        (stuck,) = server.workers()
        os.kill(stuck, signal.SIGSTOP)
        awaited("another worker", lambda: server.workers() not in ([stuck], []))
        assert ask(server.port, "/health").status == 200
        assert any("WORKER TIMEOUT" in line["message"] for line in server.lines())


# --- Requests that wait


class Held:
    """A row that somebody else has locked, and requests that wait for it."""

    def __init__(self, home: Household, server: Served) -> None:
        with home.scope():
            self.row = home.post("Food 12.50", "Cash -12.50")
        self.browser = Browser(server.port)
        self.browser.log_in(home.editor)

    def void(self) -> Answer:
        return self.browser.post(f"/admin/ledger/transaction/{self.row.pk}/void/", {"version": "1"})

    def waiting(self, count: int) -> bool:
        # Not by the owner, who is in a transaction: in there the view stays as it was.
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone()[0] >= count


def lock(row: Transaction) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT FROM ledger_transaction WHERE id = %s FOR UPDATE", [row.pk])


def test_sigterm_lets_requests_end(home: Household, static: Path, project: Path, tmp_path: Path) -> None:
    env = database_environment() | {"WEB_CONCURRENCY": "2", "FT_STATIC_FOLDER": str(static)}
    with served(tmp_path, project, **env) as server, ThreadPoolExecutor(1) as pool:
        held = Held(home, server)
        with atomic(using="owner"):
            lock(held.row)
            answer: Future[Answer] = pool.submit(held.void)
            awaited("the request to wait", lambda: held.waiting(1))
            server.process.terminate()
            awaited("the signal", lambda: "Handling signal: term" in server.log.read_text())
            assert not answer.done()
        assert answer.result().status == 302
        assert server.stop() == 0
    with home.scope():
        assert Transaction.objects.get().voided


def test_probes_answer_while_every_thread_waits(
    home: Household, static: Path, project: Path, tmp_path: Path
) -> None:
    """Two threads and two connections, all of them taken: the platform is answered all the same."""
    env = database_environment() | {
        "WEB_CONCURRENCY": "1",
        "FT_POOL_SIZE": "2",
        "FT_STATIC_FOLDER": str(static),
        "FT_LOCK_TIMEOUT": "0",
    }
    with served(tmp_path, project, **env) as server, ThreadPoolExecutor(3) as pool:
        held = Held(home, server)
        with atomic(using="owner"):
            lock(held.row)
            answers = [pool.submit(held.void) for _ in range(2)]
            awaited("both requests to wait", lambda: held.waiting(2))
            stuck = pool.submit(ask, server.port, "/health")
            assert ask(server.metrics_port, "/health").text == "ok\n"
            assert ask(server.metrics_port, "/health/ready").text == "ready\n"
            assert server.metric("financetracker_http_requests_in_progress") == 2
            assert server.metric("financetracker_db_pool_in_use") == 2
            assert server.metric("financetracker_db_pool_max") == 2
            assert not stuck.done(), "a thread was free: this shows nothing"
        assert {answer.result().status for answer in answers} == {302}
        assert stuck.result().text == "ok\n"
        assert server.metric("financetracker_http_requests_in_progress") == 0


# --- A database that goes away


def test_readiness_follows_the_database_and_health_does_not(
    static: Path, project: Path, tmp_path: Path, django_db_setup: None
) -> None:
    relay = Relay()
    env = database_environment("127.0.0.1", relay.port) | {"FT_STATIC_FOLDER": str(static)}

    def ready() -> Answer:
        assert ask(server.port, "/health").text == "ok\n"
        return ask(server.metrics_port, "/health/ready")

    with served(tmp_path, project, WEB_CONCURRENCY="1", **env) as server:
        assert ready().text == "ready\n"
        relay.go_away()
        assert ready()[::2] == (503, "Nothing listens where the database should be.\n")
        relay.come_back()
        assert ready().text == "ready\n"
        relay.frozen.set()
        assert ready()[::2] == (503, "The database did not answer within 2 seconds.\n")
        relay.frozen.clear()
        awaited("the database again", lambda: ready().text == "ready\n")
        said = [line["message"] for line in server.lines() if line["logger"] == "financetracker.site.probes"]
        assert said[0] == "Not ready: Nothing listens where the database should be."
    relay.go_away()


def test_a_server_without_its_database_starts_and_is_not_ready(
    static: Path, project: Path, tmp_path: Path, django_db_setup: None
) -> None:
    (nobody,) = free_ports(1)
    env = database_environment("127.0.0.1", nobody) | {"FT_STATIC_FOLDER": str(static)}
    with served(tmp_path, project, **env) as server:
        assert ask(server.port, "/health").text == "ok\n"
        assert ask(server.port, "/health/ready").status == 503


# --- What is logged

SECRETS = (
    "Zuckerbäcker",
    "987654.32",
    "Geheimnis",
    "Quittung",
    "nobody.knows@example.org",
    "wrong-password-of-ana",
)


def planted(home: Household, server: Served) -> list[int]:
    """Real requests with values that must stay in the books; returns what was answered."""
    browser = Browser(server.port, X_Request_ID="7a" * 16)
    browser.log_in(home.editor)
    entry = {
        "date": "2026-03-14",
        "public_id": "00000000-0000-0000-0000-000000000007",
        "version": "",
        "book": str(home.book.public_id),
        "payee": "Zuckerbäcker",
        "narration": "Quittung",
        "leg-0-account": "Expenses:Food",
        "leg-0-amount": "987654.32",
        "leg-1-account": "Assets:Cash",
        "leg-1-amount": "-987654.32",
    }
    ledger = "/admin/ledger/transaction"
    answers = [browser.post(f"{ledger}/add/", entry)]
    with home.scope():
        row = Transaction.objects.get()
    answers += [
        browser.post(f"{ledger}/{row.pk}/change/", entry | {"version": "1", "narration": "Geheimnis"}),
        browser.get(f"{ledger}/?q=Geheimnis"),
        browser.get("/admin/Geheimnis/987654.32/"),
        browser.post("/admin/ledger/payee/add/", {"name": "Geheimnis"}),
        browser.ask("/Geheimnis/", "GEHEIMNIS"),
    ]
    stranger = Browser(server.port)
    login = {"login": "nobody.knows@example.org", "password": "wrong-password-of-ana"}
    answers += [stranger.post("/users/login/", login), stranger.ask("/Geheimnis/")]
    answers += [ask(server.port, "/Geheimnis/", Host="Geheimnis.example.org")]
    return [answer.status for answer in answers]


def test_nothing_of_the_books_is_logged(home: Household, static: Path, project: Path, tmp_path: Path) -> None:
    env = database_environment() | {"FT_STATIC_FOLDER": str(static), "FT_LOG_LEVEL": "DEBUG"}
    with unforeseen(), served(tmp_path, project, WEB_CONCURRENCY="1", **env) as server:
        assert planted(home, server) == [302, 302, 200, 404, 500, 404, 200, 404, 400]
        raw_request(server, b"GET /Geheimnis HTTP/9.9\r\nHost: Geheimnis\r\n\r\n")
        lines, said = server.lines(), server.log.read_text()
    assert leaks(said) == []
    requests = [line for line in lines if line["logger"] == "financetracker.access"]
    ids = {line["request_id"] for line in requests}
    assert "7a" * 16 in ids
    assert {**requests[0], "time": "", "duration_ms": 0, "bytes": 0} == {
        "time": "",
        "level": "INFO",
        "logger": "financetracker.access",
        "message": "POST admin:ledger_transaction_add 302",
        "request_id": "7a" * 16,
        "method": "POST",
        "route": "admin:ledger_transaction_add",
        "status": 302,
        "duration_ms": 0,
        "bytes": 0,
        "user": home.editor.pk,
    }
    (failure,) = [line for line in lines if "exception" in line and line["logger"] == "django.request"]
    assert failure["request_id"] == "7a" * 16
    assert failure["exception"]["type"] == "django.db.utils.IntegrityError"
    assert failure["exception"]["cause"]["sqlstate"] == "23P01"
    assert failure["exception"]["cause"]["constraint"] == "payee_is_no_secret"
    assert any(place.startswith("financetracker/") for place in failure["exception"]["trace"])
    assert {line["route"] for line in requests} >= {"other", LOGIN, "admin:ledger_transaction_changelist"}
    assert {line["method"] for line in requests} == {"GET", "POST", "other"}
    assert not any(line["logger"].endswith("probes") for line in lines)
    (unread,) = [line for line in lines if line["logger"] == "gunicorn.error" and line["level"] == "WARNING"]
    assert (unread["message"], unread["at"].partition(":")[0]) == ("…", "gunicorn/workers/base.py")
    assert any(line["message"].startswith("Listening at: http://127.0.0.1:") for line in lines)


@contextmanager
def unforeseen() -> Iterator[None]:
    """Let the database refuse a payee in a way that no code of ours knows, with what was typed in its message."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION blurt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'conflicts with %', NEW.name USING"
            " ERRCODE = '23P01', DETAIL = 'Key (name)=(' || NEW.name || ')', CONSTRAINT = 'payee_is_no_secret';"
            " END $$"
        )
        cursor.execute(
            "CREATE TRIGGER blurt BEFORE INSERT ON ledger_payee FOR EACH ROW"
            " WHEN (NEW.name = 'Geheimnis') EXECUTE FUNCTION blurt()"
        )
    try:
        yield
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("DROP FUNCTION blurt CASCADE")


def raw_request(server: Served, text: bytes) -> None:
    """Send what no client would, and read what comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(text)
        assert connection.recv(1000).startswith(b"HTTP/1.1 4")


def leaks(said: str) -> list[str]:
    """What of the planted values stands in a log, as it is or as JSON or an address would write it."""
    forms = {
        secret: {secret, secret.replace("ä", "\\u00e4"), secret.replace("ä", "%C3%A4"), secret.replace("@", "%40")}
        for secret in SECRETS
    }
    return [secret for secret, written in forms.items() if any(form.lower() in said.lower() for form in written)]


def test_a_leak_would_be_found(home: Household, static: Path, project: Path, tmp_path: Path) -> None:
    """The same requests under the form of development, which is for a person's own machine."""
    env = database_environment() | {"FT_STATIC_FOLDER": str(static), "ENVIRONMENT": "development"}
    with served(tmp_path, project, WEB_CONCURRENCY="1", FT_LOG_LEVEL="INFO", **env) as server:
        assert Browser(server.port).get("/Geheimnis/").status == 404
        found = awaited("the leak", lambda: leaks(server.log.read_text()))
    assert found == ["Geheimnis"]
