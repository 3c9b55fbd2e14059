"""The acceptance tests of a release, against a real gunicorn, and against one whose answers are spoilt."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from deploy.release import program
from deploy.release.history import Pin
from deploy.release.images import Image
from deploy.release.problems import Refused
from deploy.release.site import Browser, address
from deploy.release.verify import accepted
from financetracker.accounts import books
from financetracker.ledger.models import Transaction
from financetracker.users.models import User
from tests.builders import Household
from tests.deploy.release.tampering import Passing, Spoil, tampering
from tests.served import DIGEST, HOST, REVISION, Served, collect_static, database_environment, free_ports, served

PASSWORD = "kept-in-a-file-and-nowhere-else"
URL = f"https://{HOST}"
PUBLIC = ["version", "health", "headers", "login-page", "static", "metrics", "host", "private"]
WRITING = ["login", "entry", "search", "void"]


@pytest.fixture(scope="module")
def server(django_db_setup: None, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two workers, as in an environment."""
    static = tmp_path_factory.mktemp("static")
    collect_static(static, project)
    env = database_environment() | {"WEB_CONCURRENCY": "2", "FT_STATIC_FOLDER": str(static)}
    with served(tmp_path_factory.mktemp("server"), project, **env) as running:
        yield running


@pytest.fixture
def probe(transactional_db: None) -> Household:
    """A committed book of the probe's own, whose people can log in with a real password."""
    made = Household("Probe")
    User.objects.update(password=make_password(PASSWORD, hasher="argon2"))
    return made


class Command:
    """The command over a folder of its own, and what it wrote."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self.word, self.capsys = folder / "accepted.json", folder / "password", capsys
        self.word.write_text(PASSWORD + "\n")

    def run(self, port: int, *options: str, requests: int = 2, url: str = URL) -> tuple[int, str, str]:
        argv = ["accept", "--url", url, "--json", str(self.file), "--requests", str(requests)]
        status = program.main([*argv, "--connect", f"127.0.0.1:{port}", *options])
        said = self.capsys.readouterr()
        assert PASSWORD not in said.out + said.err
        return status, said.out, said.err

    def as_person(self, port: int, person: User, *options: str) -> int:
        return self.run(port, "--email", person.email, "--password-file", str(self.word), *options)[0]

    def refused(self, *argv: str, status: int) -> str:
        got = program.main(["accept", *argv])
        said = self.capsys.readouterr()
        assert (got, said.out, said.err.count("\n")) == (status, "", 1), said
        return said.err

    @property
    def whole(self) -> dict[str, Any]:
        text = self.file.read_text()
        assert PASSWORD not in text
        found: dict[str, Any] = json.loads(text)
        return found

    @property
    def wrong(self) -> dict[str, str]:
        """What did not hold, by the test's name."""
        whole = self.whole
        found = {test["name"]: test["seen"] for test in whole["tests"] if not test["ok"]}
        if not whole["speed"]["ok"]:
            found["speed"] = whole["speed"]["seen"]
        assert whole["ok"] == (not found)
        return found


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, capsys)


# --- A release that is in order


def test_without_a_login_everything_public_is_looked_at(command: Command, server: Served) -> None:
    status, out, err = command.run(server.port, requests=5)
    assert (status, err, command.wrong) == (0, "", {})
    whole = command.whole
    assert (whole["digest"], whole["commit"], whole["url"]) == (DIGEST, REVISION, URL)
    assert [test["name"] for test in whole["tests"]] == [*PUBLIC, "same-version"]
    assert list(whole["speed"]["pages"]) == ["/users/login/"]
    assert whole["speed"]["requests"] == 5
    figures = whole["speed"]["pages"]["/users/login/"]
    assert 0 < figures["median_ms"] <= figures["worst_ms"]
    assert figures["median_ratio"] == pytest.approx(figures["median_ms"] / whole["speed"]["floor_ms"], abs=0.01)
    assert out.count("ok   ") == len(PUBLIC) + 2


def test_what_it_writes_is_what_verify_reads(command: Command, server: Served) -> None:
    assert command.run(server.port)[0] == 0
    image = Image("registry.example.org/financetracker", "run-7-4de4541", DIGEST)
    pin = Pin("staging", "0" * 40, datetime.now(UTC) - timedelta(minutes=1), "Ana", image, {})
    there = Browser(address(URL))
    integration, speed = accepted(command.file, there, pin, datetime.now(UTC))
    assert (integration.ok, integration.seen) == (True, f"{len(PUBLIC) + 1} tests held")
    assert speed.ok
    with pytest.raises(Refused, match="before staging was pinned"):
        accepted(command.file, there, replace(pin, at=datetime.now(UTC) + timedelta(seconds=5)), datetime.now(UTC))


def test_with_a_login_it_enters_finds_and_voids_in_its_own_book(
    command: Command, server: Served, probe: Household
) -> None:
    for round_ in (1, 2):
        assert command.as_person(server.port, probe.editor) == 0, command.wrong
        assert [test["name"] for test in command.whole["tests"]] == [
            *PUBLIC, *WRITING, "logout", "same-version"
        ]  # fmt: skip
        with probe.scope():
            made = list(Transaction.objects.order_by("pk"))
            assert [row.voided for row in made] == [True] * round_
            assert made[-1].narration.startswith("probe ")
            assert [str(leg.amount.normalize()) for leg in made[-1].postings.order_by("position")] == ["1", "-1"]
    assert set(command.whole["speed"]["pages"]) == {"/users/login/", "/admin/ledger/transaction/"}


def test_a_dry_run_asks_nothing(command: Command, server: Served) -> None:
    with tampering(server.port) as between:
        status, out, _ = command.run(between.port, "--dry-run")
    assert (status, between.asked, command.file.exists()) == (0, [], False)
    assert out == f"{URL} would be asked at 127.0.0.1:{between.port}.\n"


# --- Nobody's books but the probe's own


def nothing_entered(home: Household) -> bool:
    with home.scope():
        return not Transaction.objects.exists()


def test_it_writes_in_no_book_of_another_name(command: Command, server: Served, probe: Household) -> None:
    assert command.as_person(server.port, probe.editor, "--book", "Home") == 1
    assert command.wrong == {
        "entry": "the login is in the book 'Probe', not in 'Home'",
        "search": "nothing was entered",
        "void": "nothing was entered",
    }
    assert nothing_entered(probe)


def test_it_writes_nothing_for_somebody_with_several_books(
    command: Command, server: Served, probe: Household
) -> None:
    books.create_book(probe.editor, name="Choir", base="EUR")
    assert command.as_person(server.port, probe.editor) == 1
    assert "the form answers 302" in command.wrong["entry"]
    assert nothing_entered(probe)


def test_a_viewer_and_a_wrong_password_get_no_further(command: Command, server: Served, probe: Household) -> None:
    assert command.as_person(server.port, probe.viewer) == 1
    assert "the form answers 403" in command.wrong["entry"]
    command.word.write_text("another-password-altogether")
    assert command.as_person(server.port, probe.editor) == 1
    assert command.wrong["login"] == "the login is answered with 200"
    assert "another-password" not in command.file.read_text()
    assert nothing_entered(probe)


def test_what_was_saved_though_the_answer_was_lost_is_voided_too(
    command: Command, server: Served, probe: Household
) -> None:
    def cut(passing: Passing) -> None:
        passing.cut = passing.method == "POST" and passing.path.endswith("/add/")

    with tampering(server.port, cut) as between:
        assert command.as_person(between.port, probe.editor) == 1
    assert set(command.wrong) == {"entry", "search"}
    with probe.scope():
        assert [row.voided for row in Transaction.objects.all()] == [True]


# --- A release that is not in order


def spoil_page(path: str, status: int = 0, **headers: str | None) -> Spoil:
    """One page with another status, or with some headers changed or taken away."""

    def spoil(passing: Passing) -> None:
        if passing.path.startswith(path):
            passing.status = status or passing.status
            for name, value in headers.items():
                passing.without(name.replace("_", "-"))
                if value is not None:
                    passing.put(name.replace("_", "-"), value)

    return spoil


def spoil_text(path: str, text: str, status: int = 200, *, from_count: int = 1) -> Spoil:
    def spoil(passing: Passing) -> None:
        if passing.path == path and passing.count >= from_count:
            passing.status, passing.body = status, text.encode()

    return spoil


def widen(passing: Passing) -> None:
    """A policy that lets scripts of a page run."""
    for name, value in passing.headers:
        if name.lower() == "content-security-policy":
            passing.put(name, value.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"))


def loosen(word: str) -> Spoil:
    """A cookie without one of its guards."""

    def spoil(passing: Passing) -> None:
        passing.headers = [
            (name, value.replace(word, "")) if name.lower() == "set-cookie" else (name, value)
            for name, value in passing.headers
        ]

    return spoil


OTHER = json.dumps({"commit": REVISION, "image": "x", "digest": "sha256:" + "0d" * 32})
LOGIN = "/users/login/"


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (spoil_text("/version", "{}"), {"version": "/version answers 200 and no digest"}),
        (spoil_text("/version", '{"digest": null}'), {"version": "and no digest"}),
        (spoil_text("/version", "<html>"), {"version": "and no digest"}),
        (spoil_text("/version", OTHER, 503), {"version": "/version answers 503 and no digest"}),
        (spoil_text("/version", OTHER, from_count=2), {"same-version": "it moved from sha256:5e5e5e5e5e5e"}),
        (spoil_text("/health/ready", "migrations are missing\n", 503), {"health": "answers 503 'migrations"}),
        (spoil_text("/health", "fine\n"), {"health": "/health answers 200 'fine'"}),
        (spoil_page(LOGIN, Content_Security_Policy=None), {"headers": "the policy for default-src is None"}),
        (widen, {"headers": "the policy for style-src is \"'self' 'unsafe-inline'\""}),
        (spoil_page(LOGIN, X_Content_Type_Options=None), {"headers": "may guess the type"}),
        (spoil_page(LOGIN, X_Frame_Options="ALLOWALL"), {"headers": "may frame our pages"}),
        (spoil_page(LOGIN, Referrer_Policy="unsafe-url"), {"headers": "told our addresses"}),
        (spoil_page(LOGIN, Strict_Transport_Security=None), {"headers": "insist on TLS"}),
        (spoil_page(LOGIN, Strict_Transport_Security="max-age=60"), {"headers": "insist on TLS"}),
        (loosen("HttpOnly"), {"login-page": "open to scripts"}),
        (loosen("Secure"), {"login-page": "without TLS"}),
        (loosen("__Host-"), {"login-page": "without TLS"}),
        (loosen("SameSite"), {"login-page": "open to scripts or to other sites"}),
        (spoil_page(LOGIN, Set_Cookie=None), {"login-page": "without a cookie"}),
        (spoil_page("/static/", 404), {"static": "answers 404"}),
        (spoil_page("/static/", Cache_Control="max-age=60"), {"static": "may be kept 'max-age=60', not for ever"}),
        (spoil_page("/static/", Content_Type="text/html"), {"static": "answers 200 text/html"}),
        (spoil_text("/metrics", "# HELP x\n"), {"metrics": "answers 200 to the world"}),
        (spoil_page("/admin/", 200), {"private": "answers 200 to somebody without a login"}),
    ],
)  # fmt: skip
def test_each_fault_is_seen_by_the_test_that_looks_for_it(
    command: Command, server: Served, spoil: Spoil, wrong: dict[str, str]
) -> None:
    with tampering(server.port, spoil) as between:
        assert command.run(between.port)[0] == 1
    found = command.wrong
    for name, says in wrong.items():
        assert says in found[name], found
    assert set(found) <= {*wrong, "same-version"}, found


def test_a_release_that_answers_to_any_name_is_seen(command: Command, server: Served) -> None:
    with tampering(server.port, host=HOST) as between:
        assert command.run(between.port)[0] == 1
    assert command.wrong == {"host": "the host stranger.invalid is answered with 200"}


def test_one_failed_page_among_many_is_seen(command: Command, server: Served) -> None:
    """The seventh: the tests before the measuring ask for four."""

    def seventh(passing: Passing) -> None:
        if passing.path == LOGIN and passing.count == 7:
            passing.status = 500

    with tampering(server.port, seventh) as between:
        assert command.run(between.port, requests=10)[0] == 1
    assert command.wrong == {"speed": "/users/login/ answered 500"}


def test_a_page_that_became_slow_out_of_proportion_is_seen(
    command: Command, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deploy.release import speed  # noqa: PLC0415

    monkeypatch.setattr(speed, "MEDIAN_LIMIT", 0.001)
    assert command.run(server.port)[0] == 1
    assert command.wrong["speed"].startswith("/users/login/ too slow: /users/login/ ")


# --- Bad input, and no answer


def test_an_address_where_nobody_listens_can_be_asked_again(command: Command) -> None:
    command.file.write_text('{"ok": true}')
    status, out, err = command.run(free_ports(1)[0])
    assert (status, out) == (3, "")
    assert err == f"release accept: {URL} cannot be asked: /health: [Errno 111] Connection refused.\n"
    assert not command.file.exists(), "an earlier file must not be taken for this run's"


def test_somebody_who_never_answers_is_given_up(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, _, err = command.run(silent.getsockname()[1], "--timeout", "0.3")
    assert (status, err) == (3, f"release accept: {URL} cannot be asked: /health: timed out.\n")


def test_somebody_who_speaks_no_http_is_named(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            near, _ = listener.accept()
            with near:
                near.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        status, _, err = command.run(listener.getsockname()[1], "--timeout", "5")
        thread.join()
    assert (status, err.count("\n")) == (3, 1)


@pytest.mark.parametrize(
    "argv",
    [
        ["--url", "books.example.org"],
        ["--url", "ftp://books.example.org"],
        ["--url", "https://books.example.org/admin/"],
        ["--url", "https://me:secret@books.example.org"],
        ["--url", "https://books.example.org:99999"],
        ["--url", "https://[::1"],
        ["--url", URL, "--connect", "127.0.0.1"],
        ["--url", URL, "--connect", "ftp://127.0.0.1:1"],
        ["--url", URL, "--connect", "127.0.0.1:http"],
        ["--url", URL, "--email", "a@example.org"],
        ["--url", URL, "--password-file", "/dev/null"],
        ["--url", URL, "--email", "a@example.org", "--password-file", "/nonexistent"],
        ["--url", URL, "--email", "a@example.org", "--password-file", "/dev/null"],
        ["--url", URL, "--requests", "0"],
        ["--url", URL, "--timeout", "0"],
    ],
)
def test_bad_input_is_one_line(command: Command, argv: list[str]) -> None:
    command.refused(*argv, "--json", str(command.file), status=2)
    assert not command.file.exists()


def test_a_file_that_cannot_be_written_is_bad_input(command: Command, server: Served) -> None:
    there = ["--url", URL, "--connect", f"127.0.0.1:{server.port}", "--requests", "1"]
    assert "cannot be written" in command.refused(*there, "--json", "/nonexistent/file", status=2)
    assert "cannot be written" in command.refused(*there, "--json", str(command.file.parent), status=2)


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the host, signed by nobody else, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", path, "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_tls_is_checked_for_the_host_that_people_type(
    command: Command, server: Served, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with tampering(server.port, tls=context) as between:
        there = ["--connect", f"https://127.0.0.1:{between.port}", "--json", str(command.file), "--requests", "1"]
        assert "CERTIFICATE_VERIFY_FAILED" in command.refused("--url", URL, *there, status=3)
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        assert "Hostname mismatch" in command.refused("--url", "https://other.example.org", *there, status=3)
        assert program.main(["accept", "--url", URL, *there]) == 0
        command.capsys.readouterr()
    assert command.wrong == {}
