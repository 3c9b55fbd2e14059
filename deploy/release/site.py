"""A release at its address, asked as a browser would: cookies, forms, and no step taken that nobody ordered."""

import html
import http.client
import json
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urlsplit

from deploy.release.images import DIGEST
from deploy.release.problems import CouldNot, Problem

PATIENCE = 10.0  # seconds for one answer
LARGEST = 4_000_000  # bytes of one answer that are looked at


class Unanswered(Exception):
    """No answer came: the connection was refused, cut or too slow, or it was no HTTP."""


class NoVersion(Unanswered):
    """Somebody answered, and did not say which release it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: header names are in lower case; `ms` is the time from connecting to the last byte."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    text: str
    ms: float


@dataclass(frozen=True, slots=True)
class Address:
    """Where a release is asked: scheme and host as people type them, and where to connect to for that."""

    scheme: str
    host: str
    connect: tuple[str, int]
    tls: bool

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


def address(url: str, connect: str = "") -> Address:
    """Reads `https://HOST[:PORT]` and `[https://]HOST:PORT` to connect to. Raises Problem for anything else.

    Who connects elsewhere stands behind the ingress: it is asked by plain HTTP, and told that it was TLS outside.
    """
    try:
        parts, elsewhere = urlsplit(url), urlsplit(connect if "//" in connect else f"//{connect}")
        known = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
        if not known or parts.query or parts.fragment or parts.username:
            raise Problem(f"{url!r} is no address of a release: expected https://HOST.")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not connect:
            return Address(parts.scheme, parts.netloc, (str(parts.hostname), port), parts.scheme == "https")
        if not elsewhere.hostname or not elsewhere.port or elsewhere.scheme not in ("", "https"):
            raise Problem(f"{connect!r} is nothing to connect to: expected HOST:PORT.")
        where = (elsewhere.hostname, elsewhere.port)
        return Address(parts.scheme, parts.netloc, where, elsewhere.scheme == "https")
    except ValueError as error:
        raise Problem(f"{url!r} or {connect!r} is no address: {error}.") from error


class Elsewhere(http.client.HTTPConnection):
    """A connection to where an Address says, with TLS for the host that people type."""

    def __init__(self, there: Address, seconds: float) -> None:
        super().__init__(there.connect[0], there.connect[1], timeout=seconds)
        self.there = there

    def connect(self) -> None:
        self.sock = socket.create_connection(self.there.connect, self.timeout)
        if self.there.tls:
            name = urlsplit(str(self.there)).hostname
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=name)


@dataclass
class Browser:
    """Somebody who asks one release, and keeps the cookies that it gives."""

    there: Address
    patience: float = PATIENCE
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, str] | None = None, host: str = "") -> Answer:
        """One request on a connection of its own; a form makes it a POST. Raises Unanswered where none came."""
        sent = {
            "Host": host or self.there.host,
            "X-Forwarded-Proto": self.there.scheme,
            "User-Agent": "financetracker-accept",
            "Referer": f"{self.there}{path}",
            "Connection": "close",
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": str(self.there)}
        connection = Elsewhere(self.there, self.patience)
        began = time.perf_counter()
        try:
            connection.request("GET" if form is None else "POST", path, body, sent)
            got = connection.getresponse()
            text = got.read(LARGEST).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = " ".join(str(error).split()) or type(error).__name__  # on one line, whatever they sent us
            raise Unanswered(f"{path}: {said}") from error
        finally:
            connection.close()
        took = (time.perf_counter() - began) * 1000
        given = tuple(got.headers.get_all("Set-Cookie") or ())
        for cookie in given:
            self.keep(cookie)
        headers = {name.lower(): value for name, value in got.getheaders()}
        return Answer(got.status, headers, given, text, round(took, 2))

    def keep(self, given: str) -> None:
        try:
            for name, morsel in SimpleCookie(given).items():
                self.cookies[name] = morsel.value
        except CookieError as error:
            raise Unanswered(f"a cookie that nobody can read: {error}") from error


def version(browser: Browser) -> tuple[str, str]:
    """The digest and the commit that /version answers. Raises NoVersion where that is no answer of ours."""
    answer = browser.ask("/version")
    try:
        said = json.loads(answer.text) if answer.status == 200 else None
    except ValueError:
        said = None
    if not isinstance(said, dict) or not DIGEST.fullmatch(str(said.get("digest"))):
        raise NoVersion(f"/version answers {answer.status} and no digest")
    return str(said["digest"]), str(said.get("commit") or "")


def settled(browser: Browser, times: int, pause: float = 0.2) -> list[str]:
    """The digests that /version answers so many times in a row: one where every pod runs the same release.

    A Service spreads connections over its pods, so each question opens its own. An answer without a digest is a
    word of its own among them. Raises CouldNot where no answer comes at all.
    """
    seen = []
    try:
        for number in range(times):
            time.sleep(pause if number else 0)
            try:
                seen.append(version(browser)[0])
            except NoVersion as error:
                seen.append(str(error))
    except Unanswered as error:
        raise CouldNot(f"{browser.there} cannot be asked which release it is: {error}.") from error
    return sorted(set(seen))


class Page(HTMLParser):
    """What a program needs of a page: the hidden fields by form, the names offered, its links and rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.offered: dict[str, list[str]] = {}
        self.styles: list[str] = []
        self.links: list[str] = []
        self.kinds: set[str] = set()
        self._form: dict[str, str] = {}
        self._list = ""
        self.feed(text)
        brand = re.search(r'id="site-name"[^>]*>([^<]*)', text)
        self.book = html.unescape(brand[1]).strip() if brand else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.forms.setdefault(said.get("id", ""), {})
        elif tag == "input":
            self.kinds.add(said.get("type", "text"))
            if said.get("type") == "hidden" and said.get("name"):
                self._form[said["name"]] = said.get("value", "")
        elif tag == "datalist":
            self._list = said.get("id", "")
        elif tag == "option" and self._list and "data-commodity" not in said:
            self.offered.setdefault(self._list, []).append(said.get("value", ""))
        elif tag == "link" and said.get("rel") == "stylesheet":
            self.styles.append(said.get("href", ""))
        elif tag == "a":
            self.links.append(said.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = {}
        elif tag == "datalist":
            self._list = ""
