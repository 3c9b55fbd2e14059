"""A probe is answered by the process alone, whatever its host, its scheme and the state of the database."""

import pytest
from django.test import Client, RequestFactory

from financetracker.site.health import HealthMiddleware


@pytest.fixture
def strict(settings: pytest.FixtureRequest) -> None:
    """As in production: one host, and TLS or nothing."""
    settings.ALLOWED_HOSTS = ["books.example.org"]
    settings.SECURE_SSL_REDIRECT = True


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
def test_health_answers_questions_only(client: Client) -> None:
    assert client.post("/health", headers={"host": "books.example.org"}, secure=True).status_code == 404


def test_health_does_not_go_on_down_the_chain() -> None:
    asked = []
    middleware = HealthMiddleware(lambda request: asked.append(request.path))  # type: ignore[func-returns-value,arg-type]
    assert middleware(RequestFactory().get("/health")).status_code == 200
    middleware(RequestFactory().get("/health/"))
    assert asked == ["/health/"]
