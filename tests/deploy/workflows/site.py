"""What Argo CD, a cluster and its ingress are in production: runs what main pins, and says so on the commit."""

import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from deploy.e2e.report import Report
from deploy.image.trial import PODMAN, Served, Trial, pump
from deploy.release.images import Image, overlay, pinned

Said = Callable[[str, str, str], None]  # the commit, the context, the state


class Passing(socketserver.BaseRequestHandler):
    """One connection: TLS outside, plain HTTP to whatever container serves at the moment."""

    server: "Door"

    def handle(self) -> None:
        with suppress(OSError):
            outside = self.server.context.wrap_socket(self.request, server_side=True)
            with outside, socket.create_connection(("127.0.0.1", self.server.behind)) as inside:
                back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
                back.start()
                pump(outside, inside)
                back.join()


class Door(socketserver.ThreadingTCPServer):
    """The address of an environment, which stays while containers come and go."""

    daemon_threads = True

    def __init__(self, certificate: Path, key: Path) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.behind = 9  # nobody

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"


class Site:
    """One environment; use it in a `with`. It has a database of its own, and one container at a time."""

    def __init__(self, environment: str, bare: Path, certificate: Path, key: Path, said: Said) -> None:
        self.environment, self.bare, self.said = environment, bare, said
        self.door = Door(certificate, key)
        self.trial = Trial("", Report("", "act"))
        self.running: Image | None = None
        self.served: Served | None = None
        self.trouble: list[str] = []
        self.pulled: list[str] = []
        self.going = True
        self.stack = ExitStack()

    @property
    def url(self) -> str:
        return self.door.url

    def __enter__(self) -> "Site":
        self.stack.enter_context(self.trial.own_database())
        self.stack.enter_context(self.trial.open_door())
        self.stack.callback(self.remove_images)
        self.stack.callback(self.trial.remove)
        self.stack.callback(self.door.server_close)
        threading.Thread(target=self.door.serve_forever, args=(0.05,), daemon=True).start()
        self.stack.callback(self.door.shutdown)
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        self.stack.callback(watcher.join)
        return self

    def __exit__(self, *_: object) -> None:
        self.going = False
        self.stack.close()

    def remove_images(self) -> None:
        """What was pulled, by its name: images are shared by everything on the machine."""
        for name in self.pulled:
            subprocess.run([*PODMAN, "rmi", name], capture_output=True, check=False)

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=True
        ).stdout

    def watch(self) -> None:
        """Follows main, as Argo CD does, until the end."""
        while self.going:
            commit = self.git("rev-parse", "main").strip()
            image = pinned(self.git("show", f"{commit}:{overlay(self.environment)}"))
            if image is not None and not image.placeholder and image != self.running:
                try:
                    self.deploy(image)
                    state = "success"
                except Exception as error:  # the thread must not end; the test reads what it was
                    self.trouble.append(f"{type(error).__name__}: {error}")
                    state = "failure"
                self.running = image
                self.said(commit, f"argocd/financetracker-{self.environment}", state)
            time.sleep(0.2)

    def deploy(self, image: Image) -> None:
        """Pulls by digest, migrates, starts the new one, turns the door to it and ends the old one."""
        self.trial.image = f"{image.name}@{image.digest}"
        pull = [*PODMAN, "pull", "--quiet", "--tls-verify=false", self.trial.image]
        subprocess.run(pull, capture_output=True, text=True, check=True, timeout=300)
        self.pulled.append(self.trial.image)
        owner = self.trial.address(self.trial.owner)
        done = self.trial.run("python", "manage.py", "migrate", DATABASE_OWNER_URL=owner)
        assert done.returncode == 0, done.stderr[-500:]
        before = self.served
        self.served = self.trial.serve(
            APP_IMAGE=str(image), ALLOWED_HOSTS="books.example.org,localhost", CSRF_TRUSTED_ORIGINS=self.url
        )
        self.door.behind = self.served.port
        if before is not None:
            subprocess.run(
                [*PODMAN, "rm", "--force", "--time", "5", before.name], capture_output=True, check=False
            )
