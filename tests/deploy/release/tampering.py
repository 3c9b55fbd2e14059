"""Stands between a probe and a release, and spoils some of the answers on purpose."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = list[tuple[str, str]]


@dataclass
class Passing:
    """One answer on its way: a test changes what it likes, or cuts the connection."""

    method: str
    path: str
    count: int  # how often this path was asked for, this time included
    status: int
    headers: Headers
    body: bytes
    cut: bool = False

    def without(self, name: str) -> None:
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]

    def put(self, name: str, value: str) -> None:
        self.without(name)
        self.headers.append((name, value))


Spoil = Callable[[Passing], None]


@dataclass
class Between:
    """The proxy: where it listens, what it was asked, and what it spoils."""

    target: int
    spoil: Spoil
    host: str = ""  # what to tell the release instead of the host that was asked for
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def forward(self, handler: BaseHTTPRequestHandler) -> Passing:
        path = handler.path.partition("?")[0]
        self.asked.append(path)
        length = int(handler.headers.get("Content-Length") or 0)
        sent = dict(handler.headers.items())
        if self.host:
            sent["Host"] = self.host
        there = http.client.HTTPConnection("127.0.0.1", self.target, timeout=30)
        there.request(handler.command, handler.path, handler.rfile.read(length) if length else None, sent)
        got = there.getresponse()
        hops = ("connection", "transfer-encoding")
        kept = [(name, value) for name, value in got.getheaders() if name.lower() not in hops]
        made = Passing(handler.command, path, self.asked.count(path), got.status, kept, got.read())
        there.close()
        self.spoil(made)
        made.put("Content-Length", str(len(made.body)))
        return made


def handler_of(between: Between) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            made = between.forward(self)
            if made.cut:
                self.close_connection = True
                return
            self.send_response_only(made.status)
            for name, value in made.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made.body)

        do_GET = do_POST = pass_on  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def tampering(
    target: int, spoil: Spoil = lambda _: None, *, host: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[Between]:
    """A proxy in front of a port of this machine, until the block ends."""
    between = Between(target, spoil, host)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(between))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    between.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield between
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
