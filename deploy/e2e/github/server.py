"""The stand-in's way in: who is calling and how often he may, which handler answers, what goes on which page."""

import copy
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from deploy.e2e.github import commits, pulls, settings
from deploy.e2e.github.calls import Call, Route
from deploy.e2e.github.world import SETTINGS, Refusal, Token, World

ROUTES: list[Route] = [*pulls.ROUTES, *commits.ROUTES, *settings.ROUTES]
LIMIT = 5000  # requests an hour


@dataclass
class Fault:
    """What goes wrong for the next `times` requests that match.

    `how`: "502" answers a proxy's page, "lost" hangs up before anything was done, "done" after it was done,
    "secondary" is GitHub's limit for too much at once, which ends after `seconds`; "late" answers an empty
    list, as GitHub's lists do for a moment after a change.
    """

    method: str
    path: str  # a regular expression, for all of the path
    how: str
    times: int = 1
    seconds: int = 1


class StandIn:
    """The server on a port of loopback, with a thread of its own; use it in a `with`."""

    def __init__(
        self, repository: Path, name: str, tokens: dict[str, Token], *, port: int = 0,
        settings: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        whole = copy.deepcopy({**SETTINGS, **(settings or {})})
        self.world = World(repository, name, tokens, whole)
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.remaining = LIMIT
        self.reset = int(time.time()) + 3600
        stand_in = self

        class Handler(Answerer):
            server_of = stand_in

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.world.address = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        """What GITHUB_API_URL has to be."""
        return self.world.address

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fault(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, which is used up by it."""
        for one in self.faults:
            if one.times and one.method in (method, "*") and re.fullmatch(one.path, path):
                one.times -= 1
                return one
        return None


class Answerer(BaseHTTPRequestHandler):
    """One request."""

    server_of: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gives it
        """The requests are kept in a list; the terminal belongs to the program that starts this."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Takes the request in, and answers it or hangs up, as a fault wants."""
        stand_in = self.server_of
        url = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path.startswith("/stand-in/"):
            self.send(*behind(stand_in, self.command, url.path, sent))
            return
        fault = stand_in.fault(self.command, url.path)
        if fault and fault.how == "lost":
            self.close_connection = True
            return
        if fault and fault.how == "late":
            self.send(200, [])
            return
        if fault and fault.how == "502":
            self.send(502, "<html>Bad Gateway</html>")
            return
        headers: dict[str, str] = {}
        try:
            if fault and fault.how == "secondary":
                headers["Retry-After"] = str(fault.seconds)
                raise Refusal(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")
            token = self.who()
            headers |= self.count()
            with stand_in.world.lock:
                stand_in.world.follow()
                status, body, more = handled(stand_in.world, token, self.command, url, sent)
                stand_in.world.follow()
            headers |= more
        except Refusal as refusal:
            status = refusal.status
            body = {"message": refusal.message, "documentation_url": "https://docs.github.com/rest"}
            body |= {"errors": refusal.errors} if refusal.errors else {}
            if status == 403 and "API rate limit" in refusal.message:
                headers |= self.limits()
        stand_in.requests.append({"method": self.command, "path": url.path, "status": status})
        if fault and fault.how == "done":
            self.close_connection = True
            return
        self.send(status, body, headers)

    def who(self) -> Token:
        """The token of the request. Raises Refusal without a good one."""
        if not self.headers.get("User-Agent"):
            raise Refusal(403, "Request forbidden by administrative rules. Please make sure you name yourself.")
        kind, _, word = (self.headers.get("Authorization") or "").partition(" ")
        if not word:
            raise Refusal(401, "Requires authentication")
        token = self.server_of.world.tokens.get(word)
        if kind.lower() not in ("bearer", "token") or token is None:
            raise Refusal(401, "Bad credentials")
        if token.expires is not None and token.expires <= datetime.now(UTC):
            raise Refusal(401, "Bad credentials")
        return token

    def count(self) -> dict[str, str]:
        """Counts the request. Raises Refusal when the hour's number is used up."""
        if self.server_of.remaining <= 0:
            raise Refusal(403, "API rate limit exceeded for installation.")
        self.server_of.remaining -= 1
        return self.limits()

    def limits(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(max(0, self.server_of.remaining)),
            "X-RateLimit-Reset": str(self.server_of.reset),
        }

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        text = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json; charset=utf-8"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)


def handled(
    world: World, token: Token, method: str, url: SplitResult, sent: bytes
) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of a request that came from somebody known. Raises Refusal."""
    path = url.path
    prefix = f"/repos/{world.name}"
    if not (path == prefix or path.startswith(f"{prefix}/")):
        raise Refusal(404, "Not Found")
    for one in ROUTES:
        found = one.path.fullmatch(path.removeprefix(prefix))
        if found is None or one.method != method:
            continue
        if not token.may(one.permission, one.level):
            raise Refusal(403, "Resource not accessible by integration")
        parts = {name: unquote(value) for name, value in found.groupdict().items()}
        asked = dict(parse_qsl(url.query))
        status, body = one.handler(Call(world, token, parts, asked, read_body(sent)))
        body, headers = page(body, asked, f"{world.address}{path}") if method == "GET" else (body, {})
        return status, body, headers
    raise Refusal(404, "Not Found")


def read_body(sent: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises Refusal where it is none."""
    if not sent:
        return {}
    try:
        body = json.loads(sent)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    return body


def page(body: Any, query: dict[str, str], address: str) -> tuple[Any, dict[str, str]]:
    """A list, or the one list in an object, cut to the page that was asked for, with its Link header."""
    key = (
        next((name for name, value in body.items() if isinstance(value, list)), "")
        if isinstance(body, dict)
        else ""
    )
    lists = ("workflow_runs", "check_runs", "environments", "secrets", "variables", "branch_policies")
    whole = body if isinstance(body, list) else body[key] if key in lists else None
    if whole is None:
        return body, {}
    asked = {name: int(value) for name, value in query.items() if value.isdecimal()}
    size = min(asked.get("per_page", 30) or 30, 100)
    number = asked.get("page", 1) or 1
    part = whole[(number - 1) * size : number * size]
    last = max(1, -(-len(whole) // size))
    headers = {}
    if number < last:
        links = {"next": number + 1, "last": last}
        headers["Link"] = ", ".join(
            f'<{address}?{urlencode({**query, "page": to})}>; rel="{name}"' for name, to in links.items()
        )
    if isinstance(body, list):
        return part, headers
    return {"total_count": len(whole), key: part}, headers


def behind(stand_in: StandIn, method: str, path: str, sent: bytes) -> tuple[int, Any]:
    """The door that GitHub does not have: what was asked, a run or a fault to record, another setting."""
    body: Any = json.loads(sent) if sent else None
    match method, path.removeprefix("/stand-in/"):
        case "GET", "requests":
            return 200, stand_in.requests
        case "GET", "world":
            world = stand_in.world
            return 200, {"statuses": world.statuses, "runs": world.runs, "dispatches": world.dispatches}
        case "POST", "runs":
            stand_in.world.runs.append(body)
        case "POST", "faults":
            stand_in.faults.append(Fault(**body))
        case "PATCH", "settings":
            stand_in.world.settings |= body
        case _:
            return 404, {"message": "The stand-in has requests, world, runs, faults and settings."}
    return 204, None
