"""Uses a release at its real address as people and attackers would, and writes down what it saw.

Needs nothing but HTTP. With a login it also enters a transaction, finds it and voids it again, and does so only
in a book of the name that it was given: the login must be a member of that one and of no household's.
"""

import argparse
import contextlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from deploy.release.bookkeeper import LIST, LOGIN, Bookkeeper, Wrong, expect, private
from deploy.release.command import Command
from deploy.release.problems import DONE, REFUSED, CouldNot, Problem
from deploy.release.site import PATIENCE, Browser, Page, Unanswered, address, version
from deploy.release.speed import Speed, measure

POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "base-uri": "'none'"}
YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One test: whether it held, what was seen, and how long it took in milliseconds."""

    name: str
    ok: bool
    seen: str
    ms: float


def health(browser: Browser) -> str:
    """It is alive, and can serve."""
    for path, word in (("/health", "ok"), ("/health/ready", "ready")):
        answer = browser.ask(path)
        said = answer.text.strip()[:80]
        expect((answer.status, said) == (200, word), f"{path} answers {answer.status} {said!r}")
    return "alive and ready"


def headers(browser: Browser) -> str:
    """Browsers are told to be strict."""
    got = browser.ask(LOGIN).headers
    policy = dict(part.strip().partition(" ")[::2] for part in got.get("content-security-policy", "").split(";"))
    for name, value in POLICY.items():
        expect(policy.get(name) == value, f"the policy for {name} is {policy.get(name)!r}, not {value!r}")
    expect("unsafe" not in str(policy) and "*" not in str(policy), "the policy for scripts is a wide one")
    expect(got.get("x-content-type-options") == "nosniff", "browsers may guess the type of an answer")
    expect(got.get("x-frame-options", "") in ("DENY", "SAMEORIGIN"), "others may frame our pages")
    expect(got.get("referrer-policy") == "same-origin", "others are told our addresses")
    if browser.there.scheme == "https":
        age = re.search(r"max-age=([0-9]+)", got.get("strict-transport-security", ""))
        expect(age is not None and int(age[1]) >= YEAR / 2, "browsers are not told to insist on TLS")
    return "strict policy, no sniffing, no framing"


def login_page(browser: Browser) -> str:
    """People can log in, and the cookie they get is theirs alone."""
    answer = browser.ask(LOGIN)
    page = Page(answer.text)
    expect(answer.status == 200 and "password" in page.kinds, f"{LOGIN} answers {answer.status} without a form")
    expect(bool(answer.cookies), "the form comes without a cookie")
    for cookie in answer.cookies:
        words = cookie.lower()
        expect("httponly" in words and "samesite" in words, "a cookie is open to scripts or to other sites")
        if browser.there.scheme == "https":
            expect("secure" in words and words.startswith("__host-"), "a cookie may travel without TLS")
    return f"a form, {len(answer.text)} bytes"


def static(browser: Browser) -> str:
    """Every stylesheet comes, and may be kept for ever."""
    styles = [urlsplit(style).path for style in Page(browser.ask(LOGIN).text).styles]
    expect(bool(styles), "the login page names no stylesheet")
    for style in styles:
        answer = browser.ask(style)
        kept = answer.headers.get("cache-control", "")
        kind = answer.headers.get("content-type", "")
        expect(answer.status == 200 and kind.startswith("text/css"), f"{style} answers {answer.status} {kind}")
        expect("immutable" in kept, f"{style} may be kept {kept!r}, not for ever")
    return f"{len(styles)} stylesheets, kept for ever"


def metrics(browser: Browser) -> str:
    """The figures are not to be had from outside."""
    answer = browser.ask("/metrics")
    expect(answer.status == 404 and "# HELP" not in answer.text, f"/metrics answers {answer.status} to the world")
    return "not to be had"


def stranger(browser: Browser) -> str:
    """A host that is not ours is refused."""
    answer = browser.ask(LOGIN, host="stranger.invalid")
    expect(answer.status in (400, 403, 404, 421), f"the host stranger.invalid is answered with {answer.status}")
    return f"refused with {answer.status}"


PUBLIC = {
    "health": health, "headers": headers, "login-page": login_page, "static": static, "metrics": metrics,
    "host": stranger, "private": private,
}  # fmt: skip

# What must have been looked at, whatever else was: without a login nothing can be entered.
TESTS = ("version", *PUBLIC, "same-version")


def attempt(name: str, test: Callable[[], str]) -> Seen:
    """Runs one test; never raises."""
    began = time.perf_counter()
    try:
        ok, seen = True, test()
    except (Wrong, Unanswered) as error:
        ok, seen = False, str(error)
    return Seen(name, ok, seen, round((time.perf_counter() - began) * 1000, 1))


def use(browser: Browser, keeper: Bookkeeper | None, rounds: int) -> tuple[str, str, list[Seen], Speed]:
    """The digest and commit that answered, each test in its order, and how fast pages came."""
    said: list[tuple[str, str]] = []

    def which() -> str:
        said.append(version(browser))
        expect(said[0] == said[-1], f"it moved from {said[0][0][:19]} to {said[-1][0][:19]} meanwhile")
        return said[-1][0]

    anybody = Browser(browser.there, browser.patience)
    tests: list[tuple[str, Callable[[], str]]] = [("version", which)]
    tests += [(name, partial(look, anybody)) for name, look in PUBLIC.items()]
    pages = {LOGIN: anybody}
    if keeper is not None:
        tests += [
            ("login", keeper.log_in),
            ("entry", keeper.enter),
            ("search", keeper.find),
            ("void", keeper.void),
        ]
        pages[LIST] = browser
    done = [attempt(name, test) for name, test in tests]
    speed = measure(pages, rounds)
    if keeper is not None:
        done.append(attempt("logout", keeper.leave))
    done.append(attempt("same-version", which))
    digest, commit = said[0] if said else ("", "")
    return digest, commit, done, speed


def keeper_of(given: argparse.Namespace, browser: Browser) -> Bookkeeper | None:
    """Who enters something, if a login was given. Raises Problem for half of one."""
    if bool(given.email) != bool(given.password_file):
        raise Problem("Give --email and --password-file, or neither.")
    if not given.email:
        return None
    try:
        password = given.password_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise Problem(f"The password cannot be read from {given.password_file}.") from error
    if not password:
        raise Problem(f"{given.password_file} is empty.")
    return Bookkeeper(browser, given.email, password, given.book)


def run(given: argparse.Namespace) -> int:
    """Tests one release and writes the file. An earlier file goes first: it must not be taken for this one."""
    if given.requests < 1 or given.timeout <= 0:
        raise Problem("--requests and --timeout must be more than nothing.")
    browser = Browser(address(given.url, given.connect), given.timeout)
    keeper = keeper_of(given, browser)
    if given.dry_run:
        print(f"{browser.there} would be asked at {browser.there.connect[0]}:{browser.there.connect[1]}.")
        return DONE
    remove(given.json)
    began = datetime.now(UTC)
    try:
        browser.ask("/health")
    except Unanswered as error:
        raise CouldNot(f"{browser.there} cannot be asked: {error}.") from error
    digest, commit, tests, speed = use(browser, keeper, given.requests)
    whole = {
        "url": str(browser.there), "at": began.isoformat(timespec="seconds"), "digest": digest, "commit": commit,
        "ok": all(test.ok for test in tests) and speed.ok,
        "tests": [asdict(test) for test in tests], "speed": asdict(speed),
    }  # fmt: skip
    write(given.json, json.dumps(whole, indent=2, sort_keys=True) + "\n")
    for test in tests:
        print(f"{'ok   ' if test.ok else 'WRONG'} {test.name}: {test.seen} ({test.ms:.0f} ms)")
    print(f"{'ok   ' if speed.ok else 'WRONG'} speed: {speed.seen}")
    return DONE if whole["ok"] else REFUSED


def remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror or error}.") from error


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise Problem(f"{path} cannot be written: {error.strerror or error}.") from error


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="the address that people use: https://HOST")
    parser.add_argument("--connect", default="", metavar="HOST:PORT", help="connect there, as the ingress would")
    parser.add_argument("--email", default="", help="a login of the probe's own")
    parser.add_argument("--password-file", type=Path, help="the file that holds its password")
    parser.add_argument("--book", default="Probe", help="the only book that it may write to (default: Probe)")
    parser.add_argument("--requests", type=int, default=20, help="how often each page is asked for its speed")
    parser.add_argument("--timeout", type=float, default=PATIENCE, metavar="SECONDS", help="for one answer")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where to write what was seen")


COMMAND = Command("use a release at its real address, and write down what was seen", options, run)
