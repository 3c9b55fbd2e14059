"""The books as production serves them: a real gunicorn on loopback, and a database that can be taken away."""

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connections
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from financetracker.users.models import User

HOST = "books.example.org"
KEY = "x9Fv2LqT7mZr4KwYc1BnHs8GdPj3UaEo6RtXiVyNbMhQzWfCkSgDuJpL"
REVISION = "4de45410c2a1"
DIGEST = "sha256:" + "5e" * 32
IMAGE = f"registry.example.org/financetracker:run-7-4de4541@{DIGEST}"
# A shared machine is slow for reasons of its own; what never comes ends here.
PATIENCE = 30.0


def awaited(what: str, found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Ask until there is an answer that is true, and return it; fail with `what` after a long while."""
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, f"it never came: {what}"
        time.sleep(0.05)
    return answer


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(
    port: int, path: str, method: str = "GET", *, data: dict[str, str] | None = None, **headers: str
) -> Answer:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    body = urlencode(data) if data is not None else None
    if data is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    try:
        connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


class Browser:
    """A person behind the proxy that ends TLS: keeps his cookies and sends the token with his forms."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port, self.headers = port, headers
        self.cookies: dict[str, str] = {}

    def log_in(self, user: User) -> None:
        """Take a session that was made beside the server, which shares its database and its key."""
        client = Client()
        before, settings.SECRET_KEY = settings.SECRET_KEY, KEY
        try:
            client.force_login(user)
        finally:
            settings.SECRET_KEY = before
        self.cookies["__Host-ft-session"] = client.cookies[settings.SESSION_COOKIE_NAME].value

    def ask(self, path: str, method: str = "GET", data: dict[str, str] | None = None) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": HOST, "X-Forwarded-Proto": "https", "Cookie": cookies, "Origin": f"https://{HOST}"}
        answer = ask(self.port, path, method, data=data, **sent, **self.headers)
        for given in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = given.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def get(self, path: str) -> Answer:
        return self.ask(path)

    def post(self, path: str, data: dict[str, str]) -> Answer:
        token = self.cookies.setdefault("__Host-ft-csrf", "t" * 32)
        return self.ask(path, "POST", {**data, "csrfmiddlewaretoken": token})


def database_environment(host: str = "", port: int | str = "") -> dict[str, str]:
    """How a process of ours reaches the database of the tests as the app role; the password stands apart."""
    database = connections["default"].settings_dict
    place = quote(host or database["HOST"], safe="") + (f":{port or database['PORT']}" if port or host else "")
    if not host and database["PORT"]:
        place = f"{quote(database['HOST'], safe='')}:{database['PORT']}"
    url = f"postgresql://{quote(database['USER'], safe='')}@{place}/{quote(database['NAME'], safe='')}"
    return {"DATABASE_URL": url, "DATABASE_PASSWORD": database["PASSWORD"]}


def production(**changes: str) -> dict[str, str]:
    """The environment of a production process, with nothing of ours but what stands here."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "ENVIRONMENT": "production",
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": HOST,
        "CSRF_TRUSTED_ORIGINS": f"https://{HOST}",
        "APP_REVISION": REVISION,
        "APP_IMAGE": IMAGE,
        **changes,
    }


def collect_static(folder: Path, project: Path) -> None:
    """Gather the static files as the image holds them."""
    env = production(DATABASE_URL="postgresql://ft_app@localhost/none", FT_STATIC_FOLDER=str(folder))
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=project, env=env, check=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in found]


class Served:
    """A gunicorn of ours that runs, and what it has said."""

    def __init__(
        self, folder: Path, project: Path, arguments: tuple[str, ...], environment: dict[str, str]
    ) -> None:
        self.port, self.metrics_port = free_ports(2)
        self.log = folder / "stderr"
        self.figures = folder / "figures"
        ports = {"FT_BIND": "127.0.0.1", "FT_PORT": str(self.port), "FT_METRICS_PORT": str(self.metrics_port)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *arguments, "financetracker.wsgi"],
                cwd=project,
                env={**environment, **ports, "PROMETHEUS_MULTIPROC_DIR": str(self.figures)},
                stdout=log,
                stderr=log,
            )

    def alive(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ask(self.metrics_port, "/health").status == 200
        return False

    def workers(self) -> list[int]:
        """The processes that serve."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children]

    def lines(self) -> list[dict[str, Any]]:
        """What was logged; each line of it must be one JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        text = ask(self.metrics_port, "/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextlib.contextmanager
def served(folder: Path, project: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """Run gunicorn as the image does, until the block ends."""
    folder.mkdir(exist_ok=True)
    server = Served(folder, project, arguments, production(**environment))
    try:
        awaited("the first answer", server.alive)
        yield server
    finally:
        for pid in server.workers() if server.process.poll() is None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        server.stop()


class Relay:
    """Stands between a program and the database; can go away, come back, and stand still."""

    def __init__(self) -> None:
        database = connections["default"].settings_dict
        self.target, self.target_port = database["HOST"], int(database["PORT"] or 5432)
        self.port = free_ports(1)[0]
        self.frozen = threading.Event()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.come_back()

    def come_back(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go_away(self) -> None:
        """Refuse connections, and break those there are."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open = []

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = self._connect()
                self._open += [near, far]
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self.target.startswith("/"):
            return socket.create_connection((self.target or "127.0.0.1", self.target_port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{self.target}/.s.PGSQL.{self.target_port}")
        return far

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        with near, far, contextlib.suppress(OSError):
            while True:
                for one in select.select([near, far], [], [], 0.05)[0]:
                    while self.frozen.is_set():
                        time.sleep(0.05)
                    data = one.recv(65536)
                    if not data:
                        return
                    other[one].sendall(data)
