"""A Git server over HTTP on loopback that asks for a token and can lose the connection at the worst moment."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BACKEND = ["git", "http-backend"]


class Server(ThreadingHTTPServer):
    """Serves the bare repositories of a folder. `lost` names what becomes of the next pushes, one word each:

    `before`: the connection ends before anything was taken; `after`: everything is taken, and the connection ends
    before the answer; `half-way`: as `after`, in the middle of the answer.
    """

    daemon_threads = True

    def __init__(self, folder: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.token = token
        self.lost: list[str] = []
        self.headers_seen: list[list[str]] = []
        self.pushes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request, handed to Git's own CGI program."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(body)

    def answer(self, body: bytes) -> None:
        # Every request has a connection of its own: curl sends again by itself what an old one lost.
        self.close_connection = True
        given = self.headers.get_all("Authorization") or []
        self.server.headers_seen.append(given)
        expected = base64.b64encode(f"x-access-token:{self.server.token}".encode()).decode()
        if given != [f"Basic {expected}"]:
            self.send_response(401 if len(given) < 2 else 400)
            self.send_header("WWW-Authenticate", 'Basic realm="Git"')
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        pushing = self.command == "POST" and path.endswith("git-receive-pack") and body != b"0000"
        fate = ""
        if pushing:
            self.server.pushes += 1
            fate = self.server.lost.pop(0) if self.server.lost else ""
        if fate == "before":
            return
        head, content = self.backend(path, query, body)
        if fate == "after":
            return
        self.send_response(int(head.pop("Status", "200").split()[0]))
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if fate:
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def backend(self, path: str, query: str, body: bytes) -> tuple[dict[str, str], bytes]:
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.server.folder),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "bot",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(BACKEND, env=env, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        return dict(line.split(": ", 1) for line in head.decode().split("\r\n")), content

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gave it
        """Says nothing."""


@contextmanager
def served(folder: Path, token: str) -> Iterator[Server]:
    """The server while the block runs."""
    with Server(folder, token) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
