"""A small client of GitHub's API: what it answers as JSON, what it refuses as one line."""

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPMessage
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from deploy.release import access
from deploy.release.problems import CouldNot, Problem, Refused

API = "https://api.github.com"
VERSION = "2022-11-28"
SECONDS = 20.0  # for one answer
PATIENCE = 60.0  # for all waiting between two tries of one request
BODY = 65536  # characters of a pull request's or a comment's text, at most
LONGEST = 20_000_000  # bytes of one answer
AGAIN = ("GET", "PUT", "PATCH", "DELETE")  # doing it twice is doing it once


class Expired(Problem):
    """GitHub does not know the token (any more)."""


class Forbidden(Refused):
    """The token is known, and may not do this."""


class NotThere(Problem):
    """There is none, or the token may not see it: GitHub says the same of both."""


class Invalid(Refused):
    """GitHub understood the request and refuses it; the message is its own."""


class Moved(HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the token to wherever it points."""

    def redirect_request(self, *_: object) -> None:
        return None


def opener(scheme: str) -> OpenerDirector:
    """What opens addresses; made once for a client, because reading all certificates takes longer than asking.

    Plain HTTP is for a stand-in on this machine, and goes there directly: a proxy would read the token.
    """
    if scheme == "https":
        return build_opener(Moved)
    made = OpenerDirector()
    for handler in (HTTPHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor(), Moved()):
        made.add_handler(handler)
    return made


@dataclass
class GitHub:
    """One repository there. `token` is sent to `api` alone; `patience` is how long one request may be retried."""

    repository: str
    token: str = field(repr=False)
    api: str = API
    patience: float = PATIENCE
    say: Callable[[str], None] = print
    opener: OpenerDirector = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.api = self.api.rstrip("/")
        url = urlsplit(self.api)
        if url.scheme != "https" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Problem(f"GITHUB_API_URL must begin with https://, or the token could be read: {self.api}")
        self.opener = opener(url.scheme)
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository, re.ASCII):
            raise Problem(f"GITHUB_REPOSITORY must be OWNER/NAME, and is {self.repository!r}.")
        self.token = self.token.strip()
        # http.client would name a header that it cannot send, token and all.
        if not re.fullmatch(r"[!-~]+", self.token):
            raise Problem("RELEASE_TOKEN (or GITHUB_TOKEN) is empty, or holds what no token has.")

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    def get(self, path: str, **query: str | int) -> Any:
        """What is at `/repos/OWNER/NAME<path>`. Raises NotThere, Forbidden, Expired, Invalid or CouldNot."""
        return self.ask("GET", self.address(path, query))[0]

    def every(self, path: str, key: str = "", **query: str | int) -> Iterator[Any]:
        """Each entry of a list, page by page; `key` where the list stands inside an object."""
        address = self.address(path, {"per_page": 100, **query})
        while address:
            body, headers = self.ask("GET", address)
            yield from body[key] if key else body
            address = self.next_page(headers.get("Link") or "")

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Creates, changes or deletes. A POST whose answer got lost may have been done: look before the next."""
        return self.ask(method, self.address(path, {}), body)[0]

    def address(self, path: str, query: dict[str, str | int]) -> str:
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.api}/repos/{self.repository}{quote(path)}{asked}"

    def next_page(self, link: str) -> str:
        """The address of the next page out of a Link header; it must be the API's own."""
        found = re.search(r'<([^>]+)>;\s*rel="next"', link)
        if found is None:
            return ""
        if urlsplit(found[1])[:2] != urlsplit(self.api)[:2]:
            raise CouldNot(f"GitHub's next page is elsewhere: {urlsplit(found[1]).netloc}.")
        return found[1]

    def ask(self, method: str, address: str, body: dict[str, Any] | None = None) -> tuple[Any, HTTPMessage]:
        """One request and, where that can do no harm, the same again until the patience ends."""
        left, pause = self.patience, 1.0
        while True:
            try:
                return self.ask_once(method, address, body)
            except Later as later:
                wait = later.seconds if later.seconds is not None else pause
                if wait > left or not (later.undone or method in AGAIN):
                    raise CouldNot(str(later)) from later
                self.say(f"{later} Trying again in {wait:.0f} s.")
                time.sleep(wait)
                left, pause = left - wait, pause * 2

    def ask_once(self, method: str, address: str, body: dict[str, Any] | None) -> tuple[Any, HTTPMessage]:
        headers = {
            "Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION, "User-Agent": "financetracker-release",
        }  # fmt: skip
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = Request(address, data=sent, headers=headers, method=method)  # noqa: S310 - https, see above
        what = f"{method} {urlsplit(address).path}"
        try:
            with self.opener.open(request, timeout=SECONDS) as answer:
                text = answer.read(LONGEST + 1)
                if len(text) > LONGEST:
                    raise CouldNot(f"GitHub's answer to {what} is too long.")
                return (json.loads(text) if text else None), answer.headers
        except HTTPError as error:
            with error:
                raise said_no(error, what) from error
        except URLError as error:
            refused = isinstance(error.reason, ConnectionRefusedError | socket.gaierror)
            raise Later(f"GitHub cannot be reached: {error.reason}.", undone=refused) from error
        except (HTTPException, OSError) as error:
            raise Later(f"GitHub hung up during {what}: {type(error).__name__}.") from error
        except ValueError as error:
            raise CouldNot(f"GitHub's answer to {what} is no JSON.") from error


class Later(Exception):
    """Not now: `seconds` as GitHub wants it (None: it did not say); `undone`: certainly nothing was done."""

    def __init__(self, message: str, *, seconds: float | None = None, undone: bool = False) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.undone = undone


def said_no(error: HTTPError, what: str) -> Exception:
    """The one line for an answer that is none of 2xx."""
    message = told(error)
    if error.code == 401:
        return Expired(f"GitHub refuses the token: it is expired or wrong ({message}). Get a new one.")
    if error.code in (403, 429) and (limit := limited(error, message)):
        return limit
    if error.code == 403:
        return Forbidden(f"GitHub does not allow this token {what}: {message}")
    if error.code == 404:
        return NotThere(f"GitHub has nothing at {what}, or this token may not see it.")
    if error.code in (301, 302, 307, 308):
        return Problem(f"GitHub says that {what} has moved: set GITHUB_REPOSITORY to its name of today.")
    if error.code >= 500:
        return Later(f"GitHub answered {error.code} to {what}.")
    return Invalid(f"GitHub refuses {what} ({error.code}): {message}")


def limited(error: HTTPError, message: str) -> Later | None:
    """What to wait for when too much was asked; None where something else is forbidden."""
    after = error.headers.get("Retry-After", "")
    if after.isdigit():
        return Later(f"GitHub asks to wait {after} s: {message}", seconds=float(after), undone=True)
    if error.headers.get("X-RateLimit-Remaining") == "0":
        reset = int(error.headers.get("X-RateLimit-Reset") or 0)
        until = datetime.fromtimestamp(reset, UTC)
        seconds = max(0.0, reset - time.time()) + 1
        said = f"GitHub's rate limit is used up until {until:%H:%M:%S} UTC ({seconds / 60:.0f} min)."
        return Later(said, seconds=seconds, undone=True)
    if error.code == 429 or "rate limit" in message.lower():
        return Later(f"GitHub asks for less at once: {message}", seconds=60, undone=True)
    return None


def told(error: HTTPError) -> str:
    """GitHub's own words, all of them, in one line."""
    try:
        body = json.loads(error.read(100_000))
        words = [str(body["message"])]
        for one in body.get("errors") or []:
            said = one if isinstance(one, str) else one.get("message") or f"{one.get('field')} {one.get('code')}"
            words.append(str(said))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        words = [str(error.reason or "it said nothing")]
    return " ".join(": ".join(words).split())[:300]


def from_environment() -> GitHub:
    """The repository that the environment names. Raises Problem where it does not, or without a token."""
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if not repository:
        raise Problem("GITHUB_REPOSITORY is not set: it must be OWNER/NAME.")
    token = access.token()
    if not token:
        raise Problem("There is no token: set RELEASE_TOKEN (or GITHUB_TOKEN) in the environment.")
    try:
        patience = float(os.environ.get("RELEASE_PATIENCE", PATIENCE))
    except ValueError:
        raise Problem("RELEASE_PATIENCE must be a number of seconds.") from None
    return GitHub(repository, token, os.environ.get("GITHUB_API_URL") or API, patience)
