"""Tries an image as a cluster would run it: read-only, without rights, against a real PostgreSQL.

Needs podman, and DATABASE_URL and DATABASE_OWNER_URL of a server whose owner may create databases; makes one
of its own there and drops it. Containers have names of their own and are removed by them.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psycopg

from deploy.e2e.report import Report
from deploy.e2e.tools import Missed, wait

HOST = "books.example.org"
NAME = ".s.PGSQL.5432"  # what libpq looks for in the folder of an address
# What podman asks for by default is more than a machine without CAP_SYS_RESOURCE may give.
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs")
LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096", "--memory", "512m")
LOCKED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
          "--user", "10001:10001", "--tmpfs", "/tmp:rw,nosuid,nodev,size=64m")  # fmt: skip
LOOK = """
import importlib.util, json, os, shutil
programs = ("sh", "bash", "dash", "busybox", "apt", "dpkg", "gcc", "cc", "pip", "curl")
found = [name for name in programs if shutil.which(name)]
found += [name for name in ("pip", "setuptools", "ensurepip") if importlib.util.find_spec(name)]
odd = []
for folder, _, files in os.walk("/", onerror=None):
    if folder.startswith(("/proc", "/sys", "/dev")):
        continue
    for name in files:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if mode & 0o6000 or (os.access(path, os.W_OK) and not os.path.islink(path)):
            odd.append(path)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
rights = {"rights": status["CapEff"], "no_new": status["NoNewPrivs"]}
print(json.dumps({"found": found, "odd": odd, "uid": os.getuid(), **rights}))
"""


class Trial:
    """One image, one database, and the verdicts."""

    def __init__(self, image: str, report: Report) -> None:
        self.image = image
        self.report = report
        self.app, self.owner = os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"]
        self.door = Path(tempfile.mkdtemp(prefix="ft-trial-"))
        self.door.chmod(0o755)
        self.database = f"ft_image_{os.getpid()}_{uuid.uuid4().hex[:6]}"
        self.key = secrets.token_urlsafe(64)
        self.made: list[str] = []

    # --- The database, and what a container is given

    @contextmanager
    def own_database(self) -> Iterator[None]:
        with psycopg.connect(self.owner, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{self.database}"')
        try:
            yield
        finally:
            with psycopg.connect(self.owner, autocommit=True) as server:
                server.execute(f'DROP DATABASE "{self.database}" WITH (FORCE)')

    def address(self, url: str) -> str:
        """The trial's database for a role, through the door if the server listens on a socket alone."""
        parts = urlsplit(url)
        login, _, place = parts.netloc.rpartition("@")
        if unquote(place).startswith("/"):
            place = quote(str(self.door), safe="")
        return parts._replace(path=f"/{self.database}", netloc=f"{login}@{place}").geturl()

    @contextmanager
    def open_door(self) -> Iterator[None]:
        """A socket that the container's user may use: the server's own folder is closed to others."""
        folder = unquote(urlsplit(self.app).hostname or "")
        if not folder.startswith("/"):
            yield
            return
        server = Relay(str(self.door / NAME), f"{folder}/{NAME}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            shutil.rmtree(self.door)

    def given(self, **more: str) -> list[str]:
        values = {
            "SECRET_KEY": self.key,
            "ALLOWED_HOSTS": HOST,
            "CSRF_TRUSTED_ORIGINS": f"https://{HOST}",
            "DATABASE_URL": self.address(self.app),
            "APP_IMAGE": f"example.org/financetracker:trial@sha256:{'1' * 64}",
        } | more
        options = [option for name, value in values.items() if value for option in ("--env", f"{name}={value}")]
        if unquote(urlsplit(self.app).hostname or "").startswith("/"):
            return [*options, "--volume", f"{self.door}:{self.door}"]
        return [*options, "--network", "host"]  # a server on this machine's own TCP

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """One command in a container that is gone afterwards."""
        call = [*PODMAN, "run", "--rm", *LIMITS, *LOCKED, *self.given(**more), self.image, *command]
        return subprocess.run(call, capture_output=True, text=True, check=False, timeout=300)

    def serve(self, **more: str) -> "Served":
        """A web container on ports of its own, and ready."""
        ports = {inside: free_port() for inside in (8000, 9100)}
        name = f"ft-trial-{uuid.uuid4().hex[:8]}"
        publish = [option for inside, port in ports.items() for option in ("-p", f"127.0.0.1:{port}:{inside}")]
        call = [
            *PODMAN,
            "run",
            "--detach",
            "--name",
            name,
            *LIMITS,
            *LOCKED,
            *publish,
            *self.given(**more),
            self.image,
        ]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise Missed(f"the container did not start: {done.stderr.strip()}")
        self.made.append(name)
        served = Served(name, ports[8000], ports[9100])
        wait(f"{name} ready", 60, lambda: served.status("/health/ready", served.metrics_port) == 200, every=0.1)
        return served

    def remove(self) -> None:
        for name in self.made:
            subprocess.run([*PODMAN, "rm", "--force", "--time", "0", name], capture_output=True, check=False)

    # --- What is looked at

    def contents(self) -> None:
        done = self.run("python", "-c", LOOK)
        if done.returncode:
            raise Missed(done.stderr)
        seen = json.loads(done.stdout)
        self.report.check(
            "no shell, package manager or compiler inside", not seen["found"], detail=", ".join(seen["found"])
        )
        odd = [path for path in seen["odd"] if not path.startswith("/tmp/")]
        self.report.check("no file can be written, none changes its user", not odd, detail=", ".join(odd[:5]))
        bare = seen["uid"] == 10001 and int(seen["rights"], 16) == 0 and seen["no_new"] == "1"
        self.report.check("runs as 10001 with no rights and no way to more", bare)
        text = subprocess.run(
            [*PODMAN, "image", "inspect", self.image], capture_output=True, text=True, check=True
        ).stdout
        config = json.loads(text)[0]["Config"]
        labels = config.get("Labels") or {}
        named = labels.get("org.opencontainers.image.revision") == self.report.revision
        named = named and bool(labels.get("org.opencontainers.image.source"))
        self.report.check(
            "labels name the source and this commit; the user is a number",
            named and config["User"] == "10001:10001",
        )

    def migration(self) -> None:
        owner = self.address(self.owner)
        first = self.run("python", "manage.py", "migrate", DATABASE_OWNER_URL=owner)
        self.report.check(
            "migrate on an empty database", first.returncode == 0, detail=last(first) if first.returncode else ""
        )
        again = self.run("python", "manage.py", "migrate", DATABASE_OWNER_URL=owner)
        self.report.check(
            "migrate again changes nothing", again.returncode == 0, detail=last(again) if again.returncode else ""
        )
        books = self.run("python", "manage.py", "verify_ledger", DATABASE_OWNER_URL=owner)
        self.report.check("verify_ledger agrees", books.returncode == 0, detail=last(books))

    def refusals(self) -> None:
        """Each ends with its own status and one clear line, not a traceback."""
        away = "postgresql://ft_app:x@127.0.0.1:1/none"
        word = self.address(self.owner).replace(urlsplit(self.owner).password or "-", "wrong")
        cases: list[tuple[str, Callable[[], subprocess.CompletedProcess[str]], str]] = [
            ("no secret key", lambda: self.run(SECRET_KEY=""), "SECRET_KEY is not set"),
            ("no database address", lambda: self.run(DATABASE_URL=""), "DATABASE_URL is not set"),
            ("migrate without the owner",
             lambda: self.run("python", "manage.py", "migrate"), "DATABASE_OWNER_URL"),
            ("migrate with a wrong password",
             lambda: self.run("python", "manage.py", "migrate", DATABASE_OWNER_URL=word), "password"),
            ("migrate with the database away",
             lambda: self.run("python", "manage.py", "migrate", DATABASE_URL=away,
                              DATABASE_OWNER_URL=away.replace("ft_app", "ft_owner")), "127.0.0.1"),
        ]  # fmt: skip
        for name, act, words in cases:
            done = act()
            said = done.stdout + done.stderr
            clear = done.returncode != 0 and words in said and "Traceback" not in said
            self.report.check(f"refused: {name}", clear, detail=f"status {done.returncode}: {last(done)}")

    def answers(self, served: "Served") -> None:
        pages = [("/health", served.metrics_port), ("/health/ready", served.metrics_port),
                 ("/version", served.port),
                 ("/metrics", served.metrics_port), ("/users/login/", served.port)]  # fmt: skip
        for path, port in pages:
            status = served.status(path, port)
            self.report.check(f"{path} answers", status == 200, detail=str(status))
        self.report.check(
            "/metrics is not on the port of the pages", served.status("/metrics", served.port) == 404
        )
        said = json.loads(served.get("/version", served.port)[1])
        self.report.check(
            "/version names the digest it was given", said.get("digest") == f"sha256:{'1' * 64}", detail=str(said)
        )
        page = served.get("/users/login/", served.port)[1]
        style = page.partition('href="/static/')[2].partition('"')[0]
        status, _, headers = served.ask("GET", f"/static/{style}", served.port, {"Accept-Encoding": "gzip"})
        packed = headers.get("Content-Encoding") == "gzip" and "immutable" in headers.get("Cache-Control", "")
        self.report.check("styles come compressed and may be kept for ever", status == 200 and packed)

    def stop_under_load(self) -> None:
        """One of two is stopped as a cluster does it: first no new requests, then SIGTERM."""
        with ExitStack() as stack:
            old, new = self.serve(), self.serve()
            load = Load(old)
            stack.callback(load.end)
            load.start()
            wait("the load", 30, lambda: load.asked > 50, every=0.05)
            slow = [Slow(old.port) for _ in range(4)]
            load.target = new
            turned = load.asked
            wait("the load goes to the other", 30, lambda: load.asked > turned + 20, every=0.05)
            began = time.monotonic()
            stopping = subprocess.Popen([*PODMAN, "stop", "--time", "30", old.name], stdout=subprocess.DEVNULL)
            wait("no new connection is taken", 20, lambda: refused(old.port), every=0.05)
            answered = [one.finish() for one in slow]
            stopping.wait(60)
            took = time.monotonic() - began
            load.end()
        self.report.measure(
            f"failed requests of {load.asked} while one of two is stopped", len(load.failed), limit=0,
            detail=", ".join(load.failed[:2]))  # fmt: skip
        cut = [text for text in answered if not text.startswith("HTTP/1.1 ")]
        self.report.measure(f"requests cut off of {len(slow)} in flight at SIGTERM", len(cut), limit=0)
        text = subprocess.run([*PODMAN, "inspect", "--format", "{{.State.ExitCode}}", old.name],
                              capture_output=True, text=True, check=True).stdout  # fmt: skip
        self.report.check("ends by itself with status 0", text.strip() == "0", f"status {text.strip()}")
        self.report.measure("from SIGTERM to its end", took, "s", limit=25)

    def logs(self, served: "Served") -> None:
        done = subprocess.run([*PODMAN, "logs", served.name], capture_output=True, text=True, check=True)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line]
        broken = [line for line in lines if not is_json(line)]
        self.report.check(
            f"every one of {len(lines)} log lines is a JSON object",
            bool(lines) and not broken,
            detail=(broken or [""])[0][:100],
        )

    def play(self) -> None:
        with self.own_database(), self.open_door():
            try:
                self.contents()
                self.refusals()
                self.migration()
                served = self.serve()
                self.answers(served)
                self.logs(served)
                self.stop_under_load()
            finally:
                self.remove()


class Relay(socketserver.ThreadingUnixStreamServer):
    """Passes every connection on to another socket."""

    daemon_threads = True

    def __init__(self, path: str, target: str) -> None:
        self.target = target
        super().__init__(path, Pass)
        Path(path).chmod(0o777)


class Pass(socketserver.BaseRequestHandler):
    """One connection, both ways, until either side ends it."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(self.server.target)  # type: ignore[attr-defined]
            back = threading.Thread(target=pump, args=(there, self.request), daemon=True)
            back.start()
            pump(self.request, there)
            back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Served:
    """A container that answers."""

    def __init__(self, name: str, port: int, metrics_port: int) -> None:
        self.name, self.port, self.metrics_port = name, port, metrics_port

    def ask(
        self, method: str, path: str, port: int, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            sent = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"} | (
                headers or {}
            )
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def get(self, path: str, port: int) -> tuple[int, str]:
        status, body, _ = self.ask("GET", path, port)
        return status, body.decode()

    def status(self, path: str, port: int) -> int:
        try:
            return self.get(path, port)[0]
        except (OSError, http.client.HTTPException):
            return 0


class Load:
    """Four people who ask for the login page as fast as they get it, each time on a new connection."""

    def __init__(self, target: Served) -> None:
        self.target = target
        self.asked = 0
        self.failed: list[str] = []
        self.going = True
        self.threads = [threading.Thread(target=self.person) for _ in range(4)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def person(self) -> None:
        while self.going:
            target = self.target
            try:
                status = target.get("/users/login/", target.port)[0]
                why = "" if status == 200 else f"status {status}"
            except (OSError, http.client.HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
            self.asked += 1
            if why:
                self.failed.append(why)

    def end(self) -> None:
        self.going = False
        for thread in self.threads:
            thread.join()


class Slow:
    """A request whose second half is sent late."""

    def __init__(self, port: int) -> None:
        self.body = b"login=somebody&password=" + b"x" * 20000
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = (
            f"POST /users/login/ HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + self.body[:1000])

    def finish(self) -> str:
        """Send the rest and return the first line of the answer; empty where there is none."""
        try:
            self.socket.sendall(self.body[1000:])
            with self.socket.makefile("rb") as stream:
                return stream.readline().decode(errors="replace")
        except OSError as error:
            return f"cut: {error}"
        finally:
            self.socket.close()


def refused(port: int) -> bool:
    """Whether nobody takes connections there any more; podman's own forwarder may take and drop them."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            probe.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            return probe.recv(1) == b""
    except OSError:
        return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line a program said."""
    return next(iter(reversed((done.stdout + done.stderr).strip().splitlines())), "it said nothing")[:160]
