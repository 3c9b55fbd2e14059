"""A probe is answered by the process alone, whatever its host, its scheme and the state of the database."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client, RequestFactory

from financetracker.site import schema
from financetracker.site.probes import ProbeMiddleware
from financetracker.site.readiness import SLOW, Readiness, parameters
from tests.served import DIGEST, IMAGE, Relay, awaited, free_ports

METRICS = "9100"


@pytest.fixture
def strict(settings: Any) -> None:
    """As in production: one host, and TLS or nothing."""
    settings.ALLOWED_HOSTS = ["books.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_PORT = int(METRICS)


@pytest.fixture
def asked(django_db_setup: None) -> Iterator[Readiness]:
    """A check of its own that has seen nothing yet, and hangs up at the end."""
    found = Readiness()
    yield found
    found.close()


# --- Who is answered, and where


@pytest.mark.usefixtures("strict")
def test_health_needs_no_host_no_tls_and_no_database(client: Client) -> None:
    answer = client.get("/health", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer["Cache-Control"] == "no-store"
    assert client.head("/health").status_code == 200


@pytest.mark.usefixtures("strict")
def test_everything_else_still_asks_for_both(client: Client) -> None:
    assert client.get("/healthy", headers={"host": "10.0.0.7:8000"}).status_code == 400
    answer = client.get("/healthy", headers={"host": "books.example.org"})
    assert (answer.status_code, answer["Location"]) == (301, "https://books.example.org/healthy")


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("path", ["/health", "/health/ready", "/version", "/metrics"])
def test_probes_answer_questions_only(client: Client, path: str) -> None:
    headers = {"host": "books.example.org"}
    assert client.post(path, headers=headers, secure=True).status_code == 404
    assert client.post(path, headers=headers, SERVER_PORT=METRICS).status_code == 404


def test_a_probe_does_not_go_on_down_the_chain() -> None:
    asked = []
    middleware = ProbeMiddleware(lambda request: asked.append(request.path))  # type: ignore[func-returns-value,arg-type]
    assert middleware(RequestFactory().get("/health")).status_code == 200
    middleware(RequestFactory().get("/health/"))
    assert asked == ["/health/"]


@pytest.mark.usefixtures("strict")
def test_the_metrics_port_has_probes_and_nothing_else(client: Client) -> None:
    figures = client.get("/metrics", SERVER_PORT=METRICS)
    assert figures["Content-Type"].startswith("text/plain")
    assert "financetracker_build_info{" in figures.text
    assert client.get("/health", SERVER_PORT=METRICS).text == "ok\n"
    for path in ("/", "/users/login/", "/static/site/theme.css", "/health/", "/metrics/"):
        assert client.get(path, SERVER_PORT=METRICS, headers={"host": "books.example.org"}).status_code == 404, (
            path
        )


@pytest.mark.usefixtures("strict")
def test_figures_are_on_no_other_port(client: Client) -> None:
    forged = {"host": f"books.example.org:{METRICS}", "x-forwarded-port": METRICS}
    answer = client.get("/metrics", headers=forged, secure=True)
    assert (answer.status_code, answer.text) == (404, "not found\n")


def test_without_a_metrics_port_there_are_no_figures(client: Client, settings: Any) -> None:
    assert settings.METRICS_PORT == 0
    for port in ("80", "0", ""):
        assert client.get("/metrics", SERVER_PORT=port).status_code == 404


def test_version_says_what_runs(client: Client, settings: Any) -> None:
    settings.APP_REVISION, settings.APP_IMAGE = "4de45410", IMAGE
    answer = client.get("/version")
    assert answer["Cache-Control"] == "no-store"
    assert json.loads(answer.content) == {
        "commit": "4de45410",
        "image": "registry.example.org/financetracker:run-7-4de4541",
        "digest": DIGEST,
    }
    settings.APP_REVISION = settings.APP_IMAGE = ""
    assert json.loads(client.get("/version").content) == {"commit": None, "image": None, "digest": None}


# --- Ready or not


def test_ready_with_the_schema_of_this_code(client: Client, asked: Readiness, monkeypatch: Any) -> None:
    monkeypatch.setattr("financetracker.site.probes.readiness", asked)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.text) == (200, "ready\n")
    asked.close()
    monkeypatch.setattr(
        asked, "_parameters", lambda: {**parameters(), "host": "127.0.0.1", "port": free_ports(1)[0]}
    )
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.text) == (503, "Nothing listens where the database should be.\n")
    assert answer["Cache-Control"] == "no-store"


@pytest.fixture
def owner(transactional_db: None) -> Any:
    """The owner of the tables, who puts back what he changed before the database is used again."""
    with connections["owner"].cursor() as cursor:
        yield cursor


def test_an_unapplied_migration_is_named(asked: Readiness, owner: Any) -> None:
    names = sorted(schema._code().graph.nodes)[:2]
    with put_back(owner):
        for app, name in names:
            owner.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, name])
        assert asked.problem() == f"Migrations are not applied: {'.'.join(names[0])} and 1 more."
    assert asked.problem() == ""


def test_what_was_true_of_the_schema_is_not_asked_again(asked: Readiness, owner: Any) -> None:
    """Code that waits for the next version to take its place serves on while that one contracts the schema."""
    assert asked.problem() == ""
    with put_back(owner):
        owner.execute("INSERT INTO django_migrations VALUES (DEFAULT, 'ledger', '0999_contract_payee', now())")
        assert asked.problem() == ""


def test_newer_migrations_are_fine_unless_they_contract(asked: Readiness, owner: Any) -> None:
    with put_back(owner):
        owner.execute("INSERT INTO django_migrations VALUES (DEFAULT, 'ledger', '0998_contract_payee', now())")
        assert asked.problem() == "Newer code has contracted the schema: ledger.0998_contract_payee."
        owner.execute("UPDATE django_migrations SET name = '0998_payee_contracts' WHERE name LIKE '0998%%'")
        assert asked.problem() == ""


class put_back:  # noqa: N801 (reads like a word)
    """Puts the rows of django_migrations back as they were."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def __enter__(self) -> None:
        self.cursor.execute("SELECT id, app, name, applied FROM django_migrations")
        self.rows = self.cursor.fetchall()

    def __exit__(self, *_: object) -> None:
        self.cursor.execute("DELETE FROM django_migrations")
        self.cursor.executemany("INSERT INTO django_migrations VALUES (%s, %s, %s, %s)", self.rows)


def test_without_the_right_to_read_migrations(asked: Readiness, owner: Any) -> None:
    app = connections["default"].settings_dict["USER"]
    owner.execute(f"REVOKE SELECT ON django_migrations FROM {app}")
    try:
        said = asked.problem()
    finally:
        owner.execute(f"GRANT SELECT ON django_migrations TO {app}")
    assert said.startswith("The database does not let the role read django_migrations")
    assert asked.problem() == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dbname": "postgres"}, "The database has no tables yet: migrate has not run."),
        ({"dbname": "nowhere"}, "The database or its role does not exist."),
        ({"password": "wrong"}, "The database refuses the password."),
        ({"password": None}, "The database wants a password and none is set."),
        ({"host": "/nowhere"}, "Nothing listens where the database should be."),
        ({"host": "nowhere.invalid"}, "The database cannot be reached."),
    ],
)
def test_reasons_are_one_line_without_names(django_db_setup: None, changes: dict[str, Any], said: str) -> None:
    asked = Readiness(lambda: {**parameters(), **changes})
    try:
        assert asked.problem() == said
    finally:
        asked.close()


def test_a_restarted_server_costs_nothing(asked: Readiness) -> None:
    """The kept connection is broken; the next question makes another at once."""
    assert asked.problem() == ""
    connection = asked._connection
    assert connection is not None
    with psycopg.connect(**parameters()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    assert asked.problem() == ""
    assert asked._connection is not connection


@pytest.fixture
def relay(django_db_setup: None) -> Iterator[Relay]:
    """A way to the database that can be cut."""
    found = Relay()
    yield found
    found.frozen.clear()
    found.go_away()


def test_a_frozen_server_is_not_waited_for(relay: Relay) -> None:
    asked = Readiness(lambda: {**parameters(), "host": "127.0.0.1", "port": relay.port})
    try:
        assert asked.problem() == ""
        relay.frozen.set()
        assert asked.problem() == SLOW
        relay.frozen.clear()
        awaited("the server again", lambda: asked.problem() == "")
    finally:
        relay.frozen.clear()
        asked.close()


def test_however_many_ask_one_thread_waits(relay: Relay) -> None:
    asked = Readiness(lambda: {**parameters(), "host": "127.0.0.1", "port": relay.port})
    relay.frozen.set()
    try:
        with ThreadPoolExecutor(5) as pool:
            answers = [pool.submit(asked.problem) for _ in range(5)]
            awaited("all of them", lambda: all(answer.running() for answer in answers))
            assert [thread.name for thread in threading.enumerate()].count("ready") == 1
            assert {answer.result() for answer in answers} == {SLOW}
    finally:
        relay.frozen.clear()
        asked.close()


# --- Names of migrations


def test_a_squash_stands_for_what_it_replaced(monkeypatch: Any) -> None:
    everything = set(schema._code().graph.nodes)
    assert schema.missing(everything) == []
    node = ("ledger", "0001_initial")
    assert node in everything
    assert schema.missing(everything - {node}) == [node]
    old = [("ledger", "0001_old"), ("ledger", "0002_contract_old")]
    monkeypatch.setattr(schema._code().disk_migrations[node], "replaces", old)
    assert schema.missing(everything - {node} | set(old)) == []
    assert schema.missing(everything - {node} | set(old[:1])) == [node]
    assert schema.contracted(everything | set(old)) == []
    assert schema.contracted(everything | {("ledger", "0777_contract_x"), ("ledger", "0778_more")}) == [
        ("ledger", "0777_contract_x")
    ]
