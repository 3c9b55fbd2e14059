"""The client of GitHub's API: pages, waiting, and one line for each way in which it is told no."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.e2e.github.server import Fault, StandIn
from deploy.e2e.github.world import Token
from deploy.release.github import Expired, Forbidden, GitHub, Invalid, NotThere, from_environment
from deploy.release.problems import COULD_NOT, REFUSED, USAGE, CouldNot, Problem
from tests.deploy.repository import git

NAME = "ana/books"
TOKEN = "t-secret"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StandIn]:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "bare.git")
    tokens = {
        TOKEN: Token(),
        "t-expired": Token(expires=datetime.now(UTC) - timedelta(hours=1)),
        "t-reader": Token("reader", {"contents": "read"}),
    }
    with StandIn(tmp_path / "bare.git", NAME, tokens) as stand_in:
        yield stand_in


class Client(GitHub):
    """A client that remembers what it said."""

    def __init__(self, api: str, token: str = TOKEN, patience: float = 5, name: str = NAME) -> None:
        self.said: list[str] = []
        super().__init__(name, token, api, patience, self.said.append)


def test_every_page_is_read(hub: StandIn) -> None:
    hub.world.runs = [{"id": number} for number in range(250)]
    got = [run["id"] for run in Client(hub.url).every("/actions/runs", "workflow_runs")]
    assert got == list(range(249, -1, -1))
    assert len(hub.requests) == 3
    assert len(list(Client(hub.url).every("/actions/runs", "workflow_runs", event="push"))) == 0


def test_what_is_sent_arrives(hub: StandIn) -> None:
    assert Client(hub.url).send("POST", "/dispatches", {"event_type": "über", "client_payload": {"a": 1}}) is None
    assert hub.world.dispatches[0]["event_type"] == "über"


@pytest.mark.parametrize(
    ("token", "request_line", "kind", "said"),
    [
        ("t-expired", "GET /pulls", Expired, "expired or wrong (Bad credentials)"),
        ("t-wrong", "GET /pulls", Expired, "expired or wrong (Bad credentials)"),
        ("t-reader", "POST /dispatches", Forbidden, "POST /repos/ana/books/dispatches: Resource not accessible"),
        (TOKEN, "GET /pulls/7", NotThere, "GET /repos/ana/books/pulls/7, or this token may not see it"),
        (TOKEN, "POST /pulls", Invalid, "(422): Validation Failed: title missing_field"),
    ],
)
def test_each_refusal_is_one_line_without_the_token(
    hub: StandIn, token: str, request_line: str, kind: type[Problem], said: str
) -> None:
    client = Client(hub.url, token)
    method, path = request_line.split()
    with pytest.raises(kind) as problem:
        client.send(method, path, {} if method == "POST" else None)
    assert problem.value.status == (REFUSED if kind in (Forbidden, Invalid) else USAGE)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    assert token not in str(problem.value)
    assert len(hub.requests) == 1
    assert client.said == []


def test_a_limit_that_ends_late_is_named_with_its_end(hub: StandIn) -> None:
    hub.remaining = 0
    until = datetime.fromtimestamp(hub.reset, UTC)
    with pytest.raises(
        CouldNot, match=f"rate limit is used up until {until:%H:%M:%S} UTC \\(60 min\\)"
    ) as problem:
        Client(hub.url).get("/pulls")
    assert problem.value.status == COULD_NOT
    assert len(hub.requests) == 1


def test_a_limit_that_ends_soon_is_waited_for(hub: StandIn) -> None:
    hub.faults = [Fault("GET", ".*/pulls", "secondary", times=2, seconds=0)]
    client = Client(hub.url)
    assert client.get("/pulls") == []
    said = "GitHub asks to wait 0 s: You have exceeded a secondary rate limit. Please wait a few minutes."
    assert client.said == [f"{said} Trying again in 0 s."] * 2


def test_waiting_has_a_bound(hub: StandIn) -> None:
    hub.faults = [Fault("GET", ".*/pulls", "secondary", times=9, seconds=6)]
    with pytest.raises(CouldNot, match="GitHub asks to wait 6 s"):
        Client(hub.url, patience=5).get("/pulls")
    assert len(hub.requests) == 1


@pytest.mark.parametrize("how", ["502", "lost", "done"])
def test_what_can_be_asked_twice_is(hub: StandIn, how: str) -> None:
    hub.faults = [Fault("GET", ".*/pulls", how)]
    client = Client(hub.url)
    assert client.get("/pulls") == []
    assert len(client.said) == 1


@pytest.mark.parametrize("how", ["502", "lost", "done"])
def test_a_post_of_unknown_fate_is_not_done_twice(hub: StandIn, how: str) -> None:
    hub.faults = [Fault("POST", ".*/dispatches", how)]
    with pytest.raises(
        CouldNot, match=r"GitHub (answered 502 to|hung up during) POST /repos/ana/books/dispatches"
    ):
        Client(hub.url).send("POST", "/dispatches", {"event_type": "x"})
    assert len(hub.world.dispatches) == (how == "done")


def test_a_post_that_was_certainly_not_done_is_done_again(hub: StandIn) -> None:
    hub.faults = [Fault("POST", ".*/dispatches", "secondary", seconds=0)]
    Client(hub.url).send("POST", "/dispatches", {"event_type": "x"})
    assert len(hub.world.dispatches) == 1


def test_an_address_where_nobody_is(hub: StandIn) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(CouldNot, match="GitHub cannot be reached"):
            Client(address, patience=0).get("/pulls")


@dataclass
class Odd:
    """A server that answers as it is told, and keeps the headers it was sent."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    sent: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def odd() -> Iterator[Odd]:
    how = Odd()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            how.sent.append(dict(self.headers))
            self.send_response(how.status)
            for name, value in {**how.headers, "Content-Length": str(len(how.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(how.body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    how.url = f"http://127.0.0.1:{server.server_port}"
    yield how
    server.shutdown()
    server.server_close()


def test_the_token_goes_nowhere_else(odd: Odd, hub: StandIn) -> None:
    odd.status, odd.headers = 301, {"Location": f"{hub.url}/repos/{NAME}/pulls"}
    with pytest.raises(Problem, match="has moved: set GITHUB_REPOSITORY"):
        Client(odd.url).get("/pulls")
    odd.status, odd.body = 200, b"[1]"
    odd.headers = {"Link": f'<{hub.url}/repos/{NAME}/pulls?page=2>; rel="next"'}
    with pytest.raises(CouldNot, match="next page is elsewhere"):
        list(Client(odd.url).every("/pulls"))
    assert hub.requests == []
    assert {one["Authorization"] for one in odd.sent} == {f"Bearer {TOKEN}"}
    assert {one["X-Github-Api-Version"] for one in odd.sent} == {"2022-11-28"}


def test_a_proxy_never_sees_the_token_of_a_stand_in(
    odd: Odd, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", odd.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Client(hub.url).get("/pulls") == []
    assert odd.sent == []


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "is no JSON"),
        (200, b"\xff", "is no JSON"),
        (418, b"<html>", r"refuses GET /repos/ana/books/pulls \(418\): I'm a Teapot"),
        (422, b'{"message": "a\\nb", "errors": ["c", {"field": "d", "code": "e"}]}', "a b: c: d e$"),
        (422, b'{"message": 7, "errors": 9}', "422"),
        (429, b'{"message": "slower"}', "asks for less at once: slower"),
    ],
)
def test_odd_answers_are_one_line(odd: Odd, status: int, body: bytes, said: str) -> None:
    odd.status, odd.body = status, body
    with pytest.raises(Problem, match=said) as problem:
        Client(odd.url).get("/pulls")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("api", "token", "name", "said"),
    [
        ("http://api.example.org", TOKEN, NAME, "must begin with https://"),
        ("https://api.example.org", "t-secret\nX-Other: y", NAME, "holds what no token has"),
        ("https://api.example.org", "t-sécret", NAME, "holds what no token has"),
        ("https://api.example.org", " ", NAME, "is empty"),
        ("https://api.example.org", TOKEN, "books", "must be OWNER/NAME, and is 'books'"),
        ("https://api.example.org", TOKEN, "a/b/../../c", "must be OWNER/NAME"),
    ],
)
def test_nothing_is_sent_with_a_bad_beginning(api: str, token: str, name: str, said: str) -> None:
    with pytest.raises(Problem, match=said) as problem:
        Client(api, token, name=name)
    assert "secret" not in str(problem.value)


def test_the_environment_names_repository_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_REPOSITORY", "RELEASE_TOKEN", "GITHUB_TOKEN", "GITHUB_API_URL", "RELEASE_PATIENCE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Problem, match="GITHUB_REPOSITORY is not set"):
        from_environment()
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    with pytest.raises(Problem, match="There is no token"):
        from_environment()
    monkeypatch.setenv("GITHUB_TOKEN", "second")
    assert (from_environment().token, from_environment().api) == ("second", "https://api.github.com")
    monkeypatch.setenv("RELEASE_TOKEN", "first\n")
    monkeypatch.setenv("GITHUB_API_URL", "https://code.example.org/api/v3/")
    made = from_environment()
    assert (made.token, made.api) == ("first", "https://code.example.org/api/v3")
    monkeypatch.setenv("RELEASE_PATIENCE", "long")
    with pytest.raises(Problem, match="must be a number"):
        from_environment()
